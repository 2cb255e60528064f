"""Works that stop: carrying on changes nothing, another schedule touches nothing that has happened, and the scenario as
it stands at a step goes on as the day does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from plants import plants, schedule, works

from emberline import twin
from emberline.scenarios import Case
from emberline.studies.rolling.laying import cut
from emberline.twin.processes.plant import WorksFollower, WorksPlant
from emberline.twin.state import later


def listed(scenario: Case) -> xr.Dataset:
    """The baseline's own list as a schedule."""
    return twin.dispatch(scenario).assign_attrs(policy="schedule")


@settings(max_examples=25, deadline=None)
@given(plants(), st.integers(0, 3), st.booleans(), st.booleans())
def test_stopped_and_carried_on_is_the_same_to_the_last_bit(
    scenario: Case, replication: int, by_rule: bool, again: bool
) -> None:
    """Proves: a day that is stopped at any moments, asked, and follows the same schedule again is the day that runs
    through. Sensitivity: levels read twice, or an order's arrears forgotten, show in some plant."""
    table = listed(scenario)
    follower = WorksFollower(scenario, None if by_rule else table)
    plant = WorksPlant(follower, 1, replication)
    for minute in range(7, round(scenario.horizon.length_min), 311):
        plant.run(minute)
        assert plant.now >= minute
        assert plant.now % scenario.horizon.step_min == 0
        plant.state()
        if again and not by_rule:
            plant.follow(table)
    through = WorksPlant(follower, 1, replication)
    for one in (plant, through):
        one.run()
    assert plant.dataset().identical(through.dataset())


@settings(max_examples=15, deadline=None)
@given(plants(), st.integers(0, 3), st.floats(0.2, 0.8))
def test_another_schedule_touches_nothing_that_has_happened(scenario: Case, replication: int, share: float) -> None:
    """Proves: rates, modes, levels and loads until a moment stay under a schedule that lets all stand from then on.
    Sensitivity: set-points of the new schedule that reach back change what was drawn."""
    table = listed(scenario)
    plant = WorksPlant(WorksFollower(scenario, table), 1, replication)
    plant.run(share * scenario.horizon.length_min)
    k = round(plant.now / scenario.horizon.step_min)
    before = plant.state()
    stopped = table.assign(process_mode=xr.full_like(table["process_mode"], ""), process_tph=table["process_tph"] * 0)
    plant.follow(stopped)
    plant.run()
    after = plant.dataset()
    for name in ("process_tph", "stock_t", "delivered_t", "arrived_t"):
        assert np.array_equal(before[name].to_numpy()[:, :k], after[name].to_numpy()[:, :k]), name
    assert not after["process_tph"].to_numpy()[:, k:].any()


@settings(max_examples=40, deadline=None)
@given(plants(), st.floats(0.05, 0.95))
def test_the_state_at_a_step_goes_on_as_the_day_does(scenario: Case, share: float) -> None:
    """Proves: undisturbed, the scenario as it stands at a step, followed on under the rest of the schedule, makes,
    draws and stores what the whole day does. Sensitivity: a run, rest, start-up, change-over, off-spec product, order
    or level that is not carried over changes a rate or a level."""
    table = listed(scenario)
    plant = WorksPlant(WorksFollower(scenario, table), 1, 0, disturbed=False)
    plant.run(share * scenario.horizon.length_min)
    begin = plant.now
    if begin >= scenario.horizon.length_min:
        return
    rest = later(scenario, plant.state(), begin, scenario.horizon.length_min)
    run = twin.replay(rest, cut(table, rest, begin))
    plant.run()
    whole, k = plant.dataset(), round(begin / scenario.horizon.step_min)
    for name in ("process_mode", "process_tph", "process_mw", "off_spec_tph", "stock_t"):
        one, other = whole[name].to_numpy()[:, k:], run[name].to_numpy()
        if one.dtype.kind != "f":
            assert np.array_equal(one, other), name
        else:
            assert np.allclose(one, other, rtol=1e-7, atol=1e-6), name


def kiln(**rest: Any) -> dict[str, Any]:
    """A kiln that takes four hours to start up."""
    return {
        "name": "kiln",
        "rate": 20,
        "power_mw": 2,
        "outputs": [{"store": "S"}],
        "start_up": {"hours": 4, "energy_mwh": 8, "off_spec_t": 10},
        **rest,
    }


STORE = [{"name": "S", "capacity_t": 1000, "level_t": 100, "end_level_t": 0}]


def stand(scenario: Case, runs: dict[str, list[tuple[str, float]]], hour: float, **rest: Any) -> tuple[Case, Any]:
    """The scenario as it stands at an hour, and the state of the first unit."""
    plant = WorksPlant(WorksFollower(scenario, schedule(scenario, runs, **rest)), 1, 0, disturbed=False)
    plant.run(hour * 60)
    after = later(scenario, plant.state(), hour * 60, scenario.horizon.length_min)
    return after, after.processes[0].state[0]


def test_a_start_up_under_way_is_told_with_what_is_left_of_it() -> None:
    """Proves: an hour into a start-up three are left, and all its off-spec product; an hour into the run half of that.
    Sensitivity: a start-up that begins again takes four hours."""
    scenario = works([kiln(min_run_h=2)], STORE)
    runs = {"kiln": [("", 0.0), *[("kiln", 0.0)] * 4, ("kiln", 20.0)]}
    state = stand(scenario, runs, 2)[1]
    assert (state.mode, state.ready_in_h, state.off_spec_t, state.leaves) == ("kiln", 3.0, 10.0, None)
    scenario = works([kiln(min_run_h=2, rate={"low": 5, "high": 20})], STORE)
    state = stand(scenario, runs, 6)[1]
    assert (state.mode, state.since_h, state.ready_in_h, state.off_spec_t) == ("kiln", 1.0, 0.0, 5.0)


def test_what_is_left_of_a_planned_stop_must_be_made_at_once() -> None:
    """Proves: two hours into a planned stop of six, four are left, now; after it, none. Sensitivity: a stop that is
    made again."""
    scenario = works([kiln(must_run=True, planned_stop={"hours": 6}, start_up={})], STORE)
    runs = {"kiln": [*[("kiln", 20.0)] * 3, *[("", 0.0)] * 6, ("kiln", 20.0)]}
    after = stand(scenario, runs, 5)[0]
    assert after.processes[0].stop_window(after.horizon) == (0, 0, 4)
    assert stand(scenario, runs, 9)[0].processes[0].planned_stop is None


def test_orders_and_daily_energies_keep_what_is_left_of_them() -> None:
    """Proves: of an order of 60 t, 40 are left when 20 have gone; of a day's 24 MWh 14 when 10 were drawn; an order
    that is over is left out. Sensitivity: amounts that begin again, or fall by the time that has passed."""
    orders = [
        {"name": "early", "store": "S", "amount_t": 10, "due": "2 h"},
        {"name": "ship", "store": "S", "amount_t": 60, "loading_tph": 20},
    ]
    scenario = works([kiln(daily_energy_mwh=24, start_up={})], STORE, deliveries=orders)
    runs = {"kiln": [*[("kiln", 20.0)] * 5, ("", 0.0)]}
    after, _ = stand(scenario, runs, 6, loads={"early": [10.0, 0.0], "ship": [10.0, 10.0, 0.0]})
    assert [item.name for item in after.deliveries] == ["ship"]
    assert after.deliveries[0].amount_t == pytest.approx(40)
    assert after.processes[0].days(after.horizon)[0][1] == pytest.approx(14)


def test_a_unit_that_must_run_is_repaired_and_starts_up_in_proportion() -> None:
    """Proves: a kiln that broke down goes on after the repair that is expected, with a start-up in proportion to its
    standstill, and the twin follows that. Sensitivity: a cold start takes four hours."""
    scenario = works(
        [kiln(must_run=True, start_up={"hours": 4, "cold_after_h": 8})],
        STORE,
        horizon={"step_min": 30.0},
        disturbances={"breakdowns": [{"unit": "kiln", "mtbf_h": 10, "mttr_min": 60}]},
    )
    table = schedule(scenario, {"kiln": [("kiln", 20.0)]})
    for replication in range(40):
        plant = WorksPlant(WorksFollower(scenario, table), 1, replication)
        plant.run(12 * 60)
        run = plant.state()
        after = later(scenario, run, 12 * 60, 24 * 60)
        state = after.processes[0].state[0]
        if state.repair_h:
            assert (state.mode, state.repair_h) == ("kiln", 1.0)
            going_on = twin.replay(after, cut(table, after, 12 * 60))
            start_h = (state.since_h + 1.0) / 8 * 4
            first = int(np.argmax(going_on["process_tph"].to_numpy()[0] > 0)) * 0.5
            assert 1.0 + start_h - 0.5 < first + 0.5 <= 1.0 + start_h + 1.0
            return
    raise AssertionError("no breakdown at noon in forty days")
