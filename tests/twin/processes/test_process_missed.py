"""What a replay of processes tells as missed, and what the twin tells the optimizer of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from plants import schedule, violations, works

from emberline.scenarios.datasets import ENVELOPE, RUN, SCHEDULE, check
from emberline.twin import dispatch, envelope, replay

BIG = {"capacity_t": 5000, "level_t": 0, "end_level_t": 0}


def mill(**rest: Any) -> dict[str, Any]:
    return {"name": "mill", "rate": {"low": 10, "high": 30}, "outputs": [{"store": "S"}], **rest}


def test_deliveries_by_day_and_orders_as_a_whole() -> None:
    """Proves: a demand of 10 t/h from 50 t misses 190 t on the first day from its sixth hour on and all of the second;
    an order misses what is not out when due. Sensitivity: one violation for each step."""
    scenario = works(
        [mill()],
        [{"name": "S", "capacity_t": 500, "level_t": 50, "end_level_t": 0},
         {"name": "T", "capacity_t": 500, "level_t": 30, "end_level_t": 0}],
        deliveries=[
            {"name": "D", "store": "S", "rate": 10},
            {"name": "ship", "store": "T", "amount_t": 40, "release": "2 h", "due": "10 h", "loading_tph": 10},
        ],
        horizon={"length_h": 48.0},
    )  # fmt: skip
    loads = {"ship": [0.0, 0.0, 10.0, 10.0, 10.0, 10.0, 0.0]}
    for disturbed in (False, True):
        run = replay(scenario, schedule(scenario, {}, loads=loads), disturbed=disturbed)
        assert violations(run, "delivery") == [
            ("D", 300.0, pytest.approx(190)),
            ("ship", 600.0, pytest.approx(10)),
            ("D", 1440.0, pytest.approx(240)),
        ]
        assert run.attrs["complete"] == 0
        assert run.attrs["tonnes"] == pytest.approx(50 + 30)
        assert run.attrs["heats"] == 0


def test_an_order_that_is_behind_is_made_good() -> None:
    """Proves: what a store could not give when planned is loaded as fast as allowed before the order is due.
    Sensitivity: a lost hour that stays lost."""
    scenario = works(
        [mill()],
        [{"name": "S", "capacity_t": 500, "level_t": 5, "end_level_t": 0}],
        deliveries=[{"name": "ship", "store": "S", "amount_t": 20, "due": "4 h", "loading_tph": 12}],
    )
    loads = {"ship": [10.0, 10.0, 0.0]}
    rows = {"mill": [("", 0.0), ("mill", 30.0)]}
    run = replay(scenario, schedule(scenario, rows, loads=loads))
    assert run["delivered_t"].to_numpy()[0, :4] == pytest.approx([5, 12, 3, 0])
    assert not violations(run, "delivery")


def test_least_runs_rests_and_ramps() -> None:
    """Proves: of 3 h and 2 h that a run and a rest must last, 2 h and 1 h are violations: an hour short each; what
    stood for half an hour at the start needs 1 h 30 more; 10 to 30 t/h in an hour is 15 above the ramp, also from the
    rate before. A run at the end of the horizon is not short. Sensitivity: counting from the plan instead of what
    happened."""
    limits = {"min_run_h": 3, "min_rest_h": 2, "ramp_tph_per_h": 5}
    state = [{"since_h": 0.5}, {"mode": "mill", "since_h": 1.5, "rate_tph": 28}]
    scenario = works([mill(count=2, **limits, state=state)], [{"name": "S", **BIG}])
    rows = {
        "mill 1": [
            ("mill", 10.0),
            ("mill", 30.0),
            ("", 0.0),
            ("mill", 10.0),
            ("mill", 10.0),
            ("mill", 10.0),
            ("", 0.0),
        ],
        "mill 2": [("mill", 20.0)] * 2 + [("", 0.0)] * 20 + [("mill", 20.0)] * 2,
    }
    run = replay(scenario, schedule(scenario, rows))
    assert violations(run, "rest") == [("mill 1", 0.0, pytest.approx(1.5)), ("mill 1", 180.0, pytest.approx(1.0))]
    assert violations(run, "run") == [("mill 1", 120.0, pytest.approx(1.0))]
    assert violations(run, "ramp") == [("mill 2", 0.0, pytest.approx(3.0)), ("mill 1", 60.0, pytest.approx(15.0))]
    assert replay(scenario, schedule(scenario, rows), disturbed=True).sizes["violation"] == 0


def test_outages_planned_stops_and_days_are_kept() -> None:
    """Proves: a kiln planned to run in the last half-hour of its outage, one that stands 2 h of a planned stop of 4 h
    and 1 h elsewhere, and one of 48 MWh a day that draws 44 are reported. Sensitivity: a calendar that only the
    optimizer keeps; disturbed, a repair is no fault of the plan's."""
    kiln = mill(must_run=True, planned_stop={"hours": 4, "earliest": "2 h", "latest": "10 h"})
    scenario = works(
        [kiln, mill(name="crusher"), mill(name="pots", kwh_per_t=100, daily_energy_mwh=48)], [{"name": "S", **BIG}],
        state={"outages": [{"unit": "crusher", "start": "PT1H30M", "end": "PT4H30M"}]},
    )  # fmt: skip
    on, off = ("mill", 20.0), ("", 0.0)
    rows = {
        "mill": [on, on, on, off, off, on, on, on, on, on, on, on, on, off, on],
        "crusher": [off, off, off, off, ("crusher", 10.0), ("crusher", 10.0), off],
        "pots": [("pots", 20.0)] * 20 + [("pots", 10.0)],
    }
    plan = schedule(scenario, rows)
    run = replay(scenario, plan)
    assert violations(run, "outage") == [("crusher", 240.0, pytest.approx(30))]
    assert violations(run, "stop") == [("mill", 600.0, pytest.approx(2))]
    assert violations(run, "standstill") == []
    assert violations(run, "energy") == [("pots", 0.0, pytest.approx(4))]
    assert violations(replay(scenario, plan, disturbed=True), "stop") == []
    rows["mill"] = [on, on, on, off, off, off, off, on, on, off, on]
    stored = replay(scenario, schedule(scenario, rows))
    assert (violations(stored, "stop"), violations(stored, "standstill")) == ([], [("mill", 540.0, pytest.approx(1))])
    # at the last hour in which the stop may begin
    rows["mill"] = [on] * 10 + [off] * 4 + [on]
    assert violations(replay(scenario, schedule(scenario, rows)), "stop") == []
    assert "outage" not in dispatch(scenario).attrs["unplaced"]


def test_end_levels_count_undisturbed() -> None:
    """Proves: a store that ends 20 t below what is wanted is a violation, without disturbance only. Sensitivity: wanted
    levels taken for limits in every replay."""
    scenario = works([mill()], [{"name": "S", "capacity_t": 500, "level_t": 50, "end_level_t": 100}])
    plan = schedule(scenario, {"mill": [("mill", 10.0)] * 3 + [("", 0.0)]})
    run = replay(scenario, plan)
    assert violations(run, "level") == [("S", 1440.0, pytest.approx(20))]
    assert run.attrs["complete"] == 0
    assert replay(scenario, plan, disturbed=True).attrs["complete"] == 1


def test_schedules_that_do_not_fit_are_refused() -> None:
    """Proves: an unknown mode, a missing unit and an order that nobody loads are named. Sensitivity: units that
    silently stand."""
    ship = [{"name": "ship", "store": "S", "amount_t": 20}]
    scenario = works([mill(count=2)], [{"name": "S", **BIG}], deliveries=ship)
    plan = schedule(scenario, {})
    with pytest.raises(ValueError, match="mill 1 mode 'grind'"):
        replay(scenario, schedule(scenario, {"mill 1": [("grind", 1.0)]}))
    with pytest.raises(ValueError, match="differ in units: mill 2"):
        replay(scenario, plan.sel(process=["mill 1"]))
    with pytest.raises(ValueError, match="process_tph is missing"):
        replay(scenario, plan.drop_vars("process_tph"))
    with pytest.raises(ValueError, match="delivery 'ship'"):
        replay(scenario, plan.drop_vars("delivered_t"))


def test_datasets_are_as_declared() -> None:
    """Proves: list, run and envelope fit their tables, in declared order, with no operations of heats. Sensitivity: a
    variable that one of them lacks."""
    scenario = works(
        [mill(count=2)], [{"name": "S", **BIG}, {"name": "T", **BIG}], arrivals=[{"name": "A", "store": "T", "rate": 1}]
    )
    listed = check(dispatch(scenario), SCHEDULE)
    run = check(replay(scenario, listed), RUN)
    for data in (listed, run):
        assert data["process"].values.tolist() == ["mill 1", "mill 2"]
        assert data["stock"].values.tolist() == ["S", "T"]
        assert data["stream"].values.tolist() == ["mill 1.out.S", "mill 2.out.S"]
        assert data["stream_unit"].values.tolist() == ["t/h", "t/h"]
        assert data["arrived_t"].to_numpy().sum() == pytest.approx(24)
    assert run.sizes["operation"] == 0
    assert (run.attrs["policy"], run.attrs["seed"], run.attrs["disturbed"]) == ("baseline", 1, 0)
    assert listed.attrs["complete"] == 1


def test_the_envelope_tells_of_processes() -> None:
    """Proves: a step is available where no outage touches it; rates are planned at the quantile, exp(−0.1·1.2816) at
    90 %, never above 1; levels are those now. Sensitivity: a quantile that makes rates faster."""
    scenario = works(
        [mill(count=2)],
        [{"name": "S", "capacity_t": 500}],
        state={"outages": [{"unit": "mill 2", "start": "90 min", "end": "3 h"}]},
        disturbances={"rate_spread": 0.1, "units": [{"unit": "mill 2", "rate": 0.2}], "planning_quantile": 0.9},
    )
    data = check(envelope(scenario), ENVELOPE)
    assert data["process_available"].to_numpy()[0] == pytest.approx(1)
    assert np.flatnonzero(data["process_available"].to_numpy()[1] == 0).tolist() == [1, 2]
    assert data["process_planned"].to_numpy() == pytest.approx([np.exp(-0.12816), np.exp(-0.25631)], rel=1e-4)
    assert data["stock_start_t"].to_numpy() == pytest.approx([250])
    plain = scenario.model_copy(
        update={"disturbances": scenario.disturbances.model_copy(update={"planning_quantile": 0.5})}
    )
    assert envelope(plain)["process_planned"].to_numpy() == pytest.approx([1, 1])


@pytest.mark.parametrize("begin", ["2 h", "2.4 h"])
def test_an_outage_ends_a_run_with_its_step(begin: str) -> None:
    """Proves: a mill that must run for 5 h stops after 2, with the step in which its outage begins, and misses nothing;
    a stop an hour earlier is 4 h short. Sensitivity: within a step only the outage itself ends a run."""
    scenario = works(
        [mill(min_run_h=5)], [{"name": "S", **BIG}],
        state={"outages": [{"unit": "mill", "start": begin, "end": "5 h"}]},
    )  # fmt: skip
    for hours, short in ((2, []), (1, [("mill", 60.0, pytest.approx(4))])):
        table = {"mill": [*[("mill", 20.0)] * hours, ("", 0.0)]}
        assert violations(replay(scenario, schedule(scenario, table)), "run") == short


def test_a_ramp_holds_from_a_rate_of_zero() -> None:
    """Proves: a mill that runs at zero, as its rates allow, rises by its ramp; one that begins there may do so at any
    rate. Sensitivity: a rate of zero taken for a standstill."""
    scenario = works(
        [mill(ramp_tph_per_h=10) | {"rate": {"low": 0, "high": 30}}], [{"name": "S", **BIG}],
    )  # fmt: skip
    table = {"mill": [("", 0.0), ("mill", 20.0), ("mill", 10.0), ("mill", 0.0), ("mill", 25.0), ("", 0.0)]}
    result = violations(replay(scenario, schedule(scenario, table)), "ramp")
    assert result == [("mill", 240.0, pytest.approx(15))]


@pytest.mark.parametrize(("more", "count"), [(0.0001, 0), (0.001, 1)])
def test_what_a_rate_is_rounded_by_breaks_no_ramp(more: float, count: int) -> None:
    """Proves: of a highest rate of 30 t/h a hundred-thousandth, 0.0003 t/h, is nothing. Sensitivity: a share that is no
    share of the highest rate."""
    scenario = works([mill(ramp_tph_per_h=10) | {"rate": {"low": 0, "high": 30}}], [{"name": "S", **BIG}])
    table = {"mill": [("mill", 10.0), ("mill", 20.0 + more)]}
    assert len(violations(replay(scenario, schedule(scenario, table)), "ramp")) == count
