"""Sweeps: every combination is a run, what goes wrong with one leaves the others, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emberline.planning.engine.engine import Engine, Piece
from emberline.runs.store.store import Store
from emberline.scenarios.records.base import ScenarioError
from emberline.studies import sweep as sweeps
from emberline.studies.sweep import Axis, axes, settings, sweep

BATTERY = """
name: battery
horizon: {start: 2026-01-05, length_h: 4, step_min: 60}
market: {price_per_mwh: 50, carbon_intensity_kg_per_mwh: 100}
site: {base_load_mw: 10, battery: {energy_mwh: 8, power_mw: 10}}
goal: {minimize: carbon, gap: 1 %, effort: 10}
"""
SETS = ["site.base_load_mw=[10 MW, 20 MW]", "market.price_per_mwh=[50, 80]", "goal.minimize=cost"]


@pytest.fixture
def battery(tmp_path: Path) -> str:
    path = tmp_path / "battery.yaml"
    path.write_text(BATTERY, encoding="utf-8")
    return str(path)


def test_two_by_two_are_four_runs(battery: str, tmp_path: Path) -> None:
    """Proves: each combination is planned and stored under its own setting, the last key fastest, and the table says
    what the runs do. By hand: 4 h of 10 or 20 MW at 50 or 80 EUR/MWh. Sensitivity: one setting for all fails here."""
    along, fixed = axes(SETS)
    assert fixed == ("goal.minimize=cost",)
    store = Store(tmp_path / "home")
    rows: list[dict[str, Any]] = []
    result = sweep(along, settings(battery, along, fixed), Engine(), store, on_progress=rows.append)
    items = [(load, price) for load in ("10 MW", "20 MW") for price in (50, 80)]
    assert [tuple(row.setting.values()) for row in result.rows] == items
    assert [row.figures["cost"] for row in result.rows] == pytest.approx([2000, 3200, 4000, 6400], rel=1e-3)
    for row in result.rows:
        assert row.run is not None
        plan = store.open(row.run).plan
        assert (plan.status, plan.gap, plan.acceptable) == (row.status, row.gap, True)
        assert plan.scenario.goal.minimize == "cost"
    assert [event["done"] for event in rows] == [1, 2, 3, 4]
    assert json.loads(result.path.read_text()) == json.loads(json.dumps(result.summary()))
    assert len(store.search()) == result.n_planned == 4


class Failing(Engine):
    """The second plan goes wrong."""

    def each(self, work: Any, common: Any, parts: Any, cancel: Any = None) -> Iterator[Piece[Any]]:
        for process in super().each(work, common, parts, cancel):
            yield Piece(1, None, RuntimeError("no plan")) if process.place == 1 else process


def test_one_that_goes_wrong_and_ctrl_c_leave_what_is_done(battery: str, tmp_path: Path) -> None:
    """Proves: a plan that fails is reported with its setting and the others are made; ended early, what is made
    stays."""
    along, fixed = axes(SETS)
    store, rows = Store(tmp_path / "home"), [0]
    result = sweep(
        along,
        settings(battery, along, fixed),
        Failing(),
        store,
        on_progress=lambda event: rows.append(event["done"]),
        cancel=lambda: rows[-1] == 3,
    )
    assert [row.status for row in result.rows] == ["within gap", "failed", "within gap", "not planned"]
    assert result.rows[1].says.startswith("RuntimeError: no plan (details: ")
    assert json.loads(result.path.read_text())["planned"] == result.n_planned == len(store.search()) == 2


@pytest.mark.parametrize(
    ("sets", "text"),
    [
        ([], "a sweep needs a list of values"),
        (["goal.minimize=cost"], "a sweep needs a list of values"),
        (["goal.gap=[]"], "has no values"),
        (["goal.gap=[1 %, 2 %, 1 %]"], "has a value twice"),
        (["goal.gap=[1 %]", "goal.gap=[2 %]"], "is given twice"),
        (["goal.gap=[1 %, 200 %]"], "goal.gap"),
        (["goal.gapp=[1 %]"], "did you mean gap"),
        (["goal.gap=[1 %"], "is not YAML"),
        (["site.base_load_mw=" + str(list(range(30))), "market.price_per_mwh=" + str(list(range(30)))], "900 plans"),
    ],
)
def test_what_cannot_be_swept_is_one_line(battery: str, sets: list[str], text: str) -> None:
    """Proves: every mistake is reported before anything is planned."""

    def read_settings() -> None:
        along, fixed = axes(sets)
        settings(battery, along, fixed)

    with pytest.raises(ScenarioError) as refused:
        read_settings()
    assert len(refused.value.problems) == 1
    assert text in str(refused.value)
    assert str(refused.value).startswith("--set")


def test_a_list_of_lists_is_a_list_of_values() -> None:
    """Proves: a key whose value is a list can be swept."""
    along, fixed = axes(["locks=[[], [{heat: A-1, stage: melting, start: 1 h}]]"])
    assert along == (Axis("locks", ([], [{"heat": "A-1", "stage": "melting", "start": "1 h"}])),)
    assert fixed == ()
    assert along[0].assignment(along[0].values[0]) == "locks=[]"


def test_too_large_is_refused_before_it_is_planned(battery: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: the plan that does not fit is named, with what it needs and what there is; those that fit are not."""
    along, _ = axes(["horizon.length_h=[4, 8760]", "site.base_load_mw=[10]"])
    case = settings(battery, along)
    sweeps.refuse(case, 1)
    monkeypatch.setenv("EMBERLINE_MEMORY", "280 MB")
    with pytest.raises(ScenarioError) as refused:
        sweeps.refuse(case, 1)
    (line,) = str(refused.value).splitlines()
    assert line.startswith("horizon.length_h=8760, site.base_load_mw=10: would need about 339 MiB of memory")
    assert line.endswith("EMBERLINE_MEMORY has 267 MiB")
    with pytest.raises(ScenarioError, match=r"2 plans at a time.*use fewer --workers"):
        sweeps.refuse(case, 2)
