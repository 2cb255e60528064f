"""The baseline gets the bundled plants of processes through their horizon, other weeks and a month of the works too."""

from __future__ import annotations

from pathlib import Path

import pytest

from emberline import twin
from emberline.scenarios import Case, load


def assert_done(scenario: Case) -> None:
    """All is delivered, every store ends as wanted, and the twin confirms it."""
    schedule = twin.dispatch(scenario)
    assert schedule.attrs["complete"] == 1, schedule.attrs["unplaced"]
    run = twin.replay(scenario, schedule)
    assert run.sizes["violation"] == 0, [*zip(run["violation_kind"].values, run["violation_unit"].values, strict=True)]
    assert float(run["delivered_t"].sum()) == pytest.approx(scenario.tonnes)
    for store, levels in zip(scenario.stores, run["stock_t"].values, strict=True):
        assert levels.min() >= -1e-6, store.name
        assert levels.max() <= store.capacity_t * (1 + 1e-9), store.name


@pytest.mark.parametrize("name", ["cement-week", "cement-anhui", "aluminium-potline", "steam-cracker-utilities"])
def test_the_baseline_gets_all_done(name: str) -> None:
    """Proves: what is shipped can be made by plain rules, so that every plan has a day to be compared with.

    Sensitivity: a grade whose silo is too small for its longest day, a kiln too slow for its clinker.
    """
    assert_done(load(name))


@pytest.mark.shared
@pytest.mark.parametrize(
    "changes",
    [
        ["horizon.start=2024-01-08"],
        ["horizon.start=2024-03-25"],  # 167 h
        ["horizon.start=2024-10-21"],  # 169 h
        ["horizon.start=2024-03-11", "horizon.days=31", "horizon.step_min=30"],
    ],
    ids=["winter", "spring", "autumn", "month"],
)
def test_the_works_runs_on_real_weeks_and_a_month(changes: list[str], shared: Path) -> None:
    """Proves: the week may be laid on real prices of 2024, over a change of the clocks, and go on for a month.

    There is no marginal signal in 2024: it is left out, not replaced.
    """
    hourly = shared / "data" / "de_2024_hourly.csv"
    works = load(
        "cement-week",
        [
            f"market.price_per_mwh={{csv: {hourly}, column: price_eur_per_mwh}}",
            f"market.carbon_intensity_kg_per_mwh={{csv: {hourly}, column: carbon_intensity_lifecycle_kg_per_mwh}}",
            "market.marginal_carbon_intensity_kg_per_mwh=null",
            *changes,
        ],
    )
    assert "marginal_carbon_intensity_kg_per_mwh" not in works.inputs
    assert_done(works)
