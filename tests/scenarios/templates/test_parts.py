"""Parts placed on a flow sheet: each leads to a scenario that loads, with its source in the text."""

from __future__ import annotations

import pytest

from emberline.scenarios import Scenario, loads
from emberline.scenarios.reading.document import Keys, parse
from emberline.scenarios.reading.editing import revised
from emberline.scenarios.reading.remarks import remarks, with_remark
from emberline.scenarios.templates.plants import EMPTY, free, parts, place, refusal, start

NEEDS = {"arrival": ("silo", "mill"), "delivery": ("silo", "mill"), "silo": ("mill",)}


def placed(*names: str) -> tuple[str, Keys]:
    """The text of an empty sheet with some parts, and where the last one is."""
    text = start(EMPTY, "mine")
    path: Keys = ()
    for name in names:
        part = parts()[name]
        data = parse(text).data
        assert refusal(part, data) == ""
        data, path = place(part, data)
        text = with_remark(revised(text, data), path, part.source)
    return text, path


@pytest.mark.parametrize("name", parts())
def test_a_part_says_where_it_is_from(name: str) -> None:
    """Proves: each part on an empty sheet, with what it needs, is a scenario; its source stands above it."""
    text, path = placed(*NEEDS.get(name, ()), name)
    assert isinstance(loads(text), Scenario)
    sources = remarks(text)
    assert any(path[:n] in sources for n in range(1, len(path) + 1))


def test_stages_make_a_line_of_heats() -> None:
    """Proves: three stages are one line with a grade's times and six heats; nothing follows a caster, and processes are
    refused next to it. Sensitivity: a grade that does not know the new stage."""
    text, _ = placed("arc furnace", "ladle furnace", "caster")
    scenario = loads(text)
    assert len(scenario.heats) == 6
    assert [stage.name for stage in scenario.line.route(scenario.heats[0].grade)] == ["melting", "ladle", "casting"]
    data = parse(text).data
    assert refusal(parts()["ladle furnace"], data)
    assert refusal(parts()["mill"], data)
    assert refusal(parts()["delivery"], parse(start(EMPTY, "mine")).data) == "place a store first"


def test_names_are_free() -> None:
    """Proves: a second silo has a name of its own."""
    text, path = placed("mill", "silo", "silo")
    assert [store.name for store in loads(text).stores] == ["silo", "silo 2"]
    assert path == ("stores", 1)
    assert free("a", {"a", "a 2"}) == "a 3"
