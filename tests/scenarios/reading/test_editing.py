"""Editing a scenario's text: the data is what was asked for, all other lines stay."""

from __future__ import annotations

import difflib
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from emberline.scenarios import bundled
from emberline.scenarios.loading.loading import LIBRARY
from emberline.scenarios.reading.document import dotted, parse
from emberline.scenarios.reading.editing import ABSENT, differences, flow, revised

TEXTS = {name: (LIBRARY / f"{name}.yaml").read_text(encoding="utf-8") for name in bundled()}


def paths(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items: Any = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(inner for key, value in items for inner in paths(value, (*path, key)))]


def with_value(data: Any, path: tuple[str | int, ...], value: Any) -> Any:
    result = deepcopy(data)
    place = result
    for part in path[:-1]:
        place = place[part]
    if value is ABSENT:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return result


VALUES = st.one_of(
    st.just(ABSENT), st.none(), st.booleans(), st.integers(-999, 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=30), st.sampled_from(["85 MW", "a: b # c", "- x", "{", "2026-03-01T00:00+01:00", "null", "20 %"]),
    st.lists(st.dictionaries(st.sampled_from(["name", "count", "q"]), st.integers(0, 9), min_size=1), max_size=3),
)  # fmt: skip


@settings(max_examples=15, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(data=st.data())
def test_the_text_holds_what_was_asked_for(data: st.DataObject) -> None:
    """Proves: any value at any place is read back as it was put. Sensitivity: an unquoted 'null' or ': ' fails."""
    text = TEXTS[data.draw(st.sampled_from(["melt-shop-small", "cement-anhui", "steam-cracker-utilities"]))]
    before = parse(text).data
    path = data.draw(st.sampled_from(paths(before)[1:]))
    target = with_value(before, path, data.draw(VALUES))
    assert parse(revised(text, target)).data == target, path


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        (("goal", "gap"), "2 %", ["-  gap: 1 %", "+  gap: 2 %"]),
        (
            ("goal", "caps", "peak_mw"),
            "70 MW",
            ["-  caps: {extra_cost_share: 2 %}", "+  caps: {extra_cost_share: 2 %, peak_mw: 70 MW}"],
        ),
        (("orders", 1), ABSENT, ["-  - {name: C2, heats: [{grade: rebar, count: 3}]}"]),
        (("state",), {"peak_so_far_mw": 60}, ["+state: {peak_so_far_mw: 60}"]),
        (("line", "stages", 0, "transfer_min"), ABSENT, ["-      transfer_min: 8"]),
        (
            ("market", "price_per_mwh"),
            {"csv": "files/p.csv", "column": "p"},
            [
                "-  price_per_mwh: {table: de_typical_2018, column: price_eur_per_mwh}",
                "+  price_per_mwh: {column: p, csv: files/p.csv}",
            ],
        ),
    ],
)
def test_only_the_line_changes(path: tuple[str | int, ...], value: Any, lines: list[str]) -> None:
    """Proves: comments, order and layout of all other lines stay. Sensitivity: writing the whole file again changes
    dozens."""
    text = TEXTS["melt-shop-small"]
    result = revised(text, with_value(parse(text).data, path, value))
    outcome = difflib.unified_diff(text.splitlines(), result.splitlines(), lineterm="", n=0)
    assert [line for line in outcome if line[:2] not in ("--", "++", "@@")] == lines


def test_differences_are_listed_item_by_item() -> None:
    """Proves: an item that was added, taken away or changed is reported by itself, not as a whole list."""
    before = {"orders": [{"name": "A", "n": 1}, {"name": "B", "n": 2}, {"name": "C", "n": 3}]}
    now = {"orders": [{"name": "A", "n": 1}, {"name": "C", "n": 4}, {"name": "D", "n": 5}]}
    result = differences(before, {"orders": now["orders"][:2]})
    rows = [(dotted(change.path), change.before is ABSENT, change.now is ABSENT) for change in result]
    assert rows == [("orders.1", False, True), ("orders.2.n", False, False)]
    text = "".join(f"{key}: {flow(value)}\n" for key, value in before.items())
    assert parse(revised(text, now)).data == now
    assert list(differences(before, deepcopy(before))) == []
