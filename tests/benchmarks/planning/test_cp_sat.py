"""The day that CP-SAT is given, and its answer as a schedule: what the twin would say of it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from benchmarks.planning import cp_sat
from benchmarks.reporting.findings import NEVER
from emberline import twin
from emberline.scenarios import Case, load

Day = tuple[Case, xr.Dataset, xr.Dataset]


@pytest.fixture(scope="module")
def steel_day() -> Day:
    scenario = load("melt-shop-day", [cp_sat.FREE])
    envelope = twin.envelope(scenario)
    return scenario, envelope, twin.dispatch(scenario, envelope)


def test_the_goal_of_a_start_is_what_it_draws(steel_day: Day) -> None:
    """Proves: for constant intensity each start of an operation emits its energy, wherever it lies.

    Sensitivity: a slot lost at the end, or power over the planned instead of the nominal duration.
    """
    result, envelope, listed = steel_day
    flat = result.with_inputs(
        result.inputs.assign(carbon_intensity_kg_per_mwh=("time", np.full(result.horizon.n_steps, 500.0)))
    )
    text = cp_sat.day(flat, envelope, listed)
    assert [len(text["heats"]), len(text["casts"])] == [24, 6]
    for h, heat in enumerate(text["heats"]):
        for s, operation in enumerate(heat["operations"]):
            energy = float(envelope["energy_mwh"][h, 2 * s])
            assert operation["goal"] == pytest.approx(np.full(len(operation["goal"]), 500 * energy))
    for cast in text["casts"]:
        for c, on in enumerate(cast["on"]):
            energy = float(envelope["energy_mwh"][cast["heats"], 6 + c].sum())
            assert on["goal"] == pytest.approx(np.full(len(on["goal"]), 500 * energy))


def test_the_day_in_plain_numbers(steel_day: Day) -> None:
    """Proves: longest transfers and waits, setups and the limit are the shop's. Sensitivity: shortest transfers."""
    result, envelope, listed = steel_day
    text = cp_sat.day(result, envelope, listed)
    assert text["transfer_min"] == [20, 20, 20]
    assert text["quickest_min"] == [10, 4, 10]
    assert text["longest_wait_min"] == [240, 240, 120]
    assert text["units"] == [2, 2, 2]
    assert text["reheats_before"] == 2
    assert [on["setup_min"] for on in text["casts"][0]["on"]] == [70, 50]
    assert max(text["left_mw"]) > min(text["left_mw"]) == pytest.approx(195)
    assert sum(len(cast["heats"]) for cast in text["casts"]) == 24


def test_the_baseline_starts_survive_the_way_back(steel_day: Day) -> None:
    """Proves: starts and casters of a schedule that holds give one that holds, with the same energy.

    Sensitivity: two heats on one unit at a time, a cast on the other caster.
    """
    result, envelope, listed = steel_day
    names = [unit.name for unit in result.line.stages[-1].units]
    orders = envelope["order"].values.tolist()
    casters = [names.index(str(listed["unit"].values[orders.index(order), -1])) for order in dict.fromkeys(orders)]
    again = cp_sat.as_schedule(result, envelope, listed, listed["start_min"].values.tolist(), casters)
    assert not twin.replay(result, listed)["violation_kind"].size
    kinds = set(twin.replay(result, again)["violation_kind"].values.tolist())
    # units assigned otherwise may need a longer transfer than the baseline's, never a second heat at once
    assert kinds <= {"cast", "wait", "due"}
    for s in range(3):
        for unit in {str(name) for name in again["unit"].values[:, s]}:
            condition = again["unit"].values[:, s] == unit
            order = np.argsort(again["start_min"].values[condition, s])
            begin, end = (again[name].values[condition, s][order] for name in ("start_min", "end_min"))
            assert (begin[1:] >= end[:-1] - 1e-9).all()


def test_who_is_better() -> None:
    """Proves: less carbon without violation is better, no plan is worst. Sensitivity: a broken plan that wins."""

    def comparison(ours: float, broken: int, theirs: float) -> cp_sat.Comparison:
        return cp_sat.Comparison("2024-01-02", 10.0, ours, 9.0, broken, theirs, 0, [(5.0, theirs)], 4.0)

    cases = [(8.0, 0, 9.0), (8.0, 1, 9.0), (9.5, 0, 9.0), (8.0, 0, NEVER)]
    rows = cp_sat.table([comparison(*case) for case in cases]).rows
    assert [row.within for row in rows if row.bar] == [True, False, False, True]
