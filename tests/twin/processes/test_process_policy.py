"""The baseline over processes: bands, shortages, orders, end levels, by hand on small works."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from plants import violations, works

from emberline.twin import dispatch, replay, simulate

OPEN = {"keep_low": 0.0, "keep_high": 1.0}


def followed(listed: xr.Dataset, scenario: Any) -> xr.Dataset:
    """The list followed as a schedule; it must hold."""
    run = replay(scenario, listed.assign_attrs(policy="schedule"))
    assert run.sizes["violation"] == 0, run["violation_kind"].values
    return run


def mill(rate: float = 20, **rest: Any) -> dict[str, Any]:
    return {"name": "mill", "rate": rate, "outputs": [{"store": "S"}], **rest}


def modes_of(listed: xr.Dataset, unit: str) -> list[str]:
    return listed["process_mode"].sel(process=unit).values.tolist()


def test_a_run_that_is_no_longer_needed_lasts_its_least_time() -> None:
    """Proves: for 12 t a unit of 10 t/h whose runs last 4 h runs 4 h. Sensitivity: stopped when nothing is wanted."""
    process = {"name": "mill", "rate": 10.0, "kwh_per_t": 20.0, "min_run_h": 4.0, "outputs": [{"store": "product"}]}
    store = {
        "name": "product",
        "capacity_t": 500.0,
        "level_t": 5.0,
        "end_level_t": 0.0,
        "keep_low": 0.0,
        "keep_high": 0.02,
    }
    ship = {"name": "ship", "store": "product", "amount_t": 12.0, "release": "18 h", "due": "20 h", "loading_tph": 40.0}
    run = simulate(works([process], [store], deliveries=[ship]))
    running = np.flatnonzero(run["process_tph"].sel(process="mill").values > 0)
    assert len(running) == int(np.ptp(running)) + 1 == 4
    assert run.sizes["violation"] == 0


def test_what_a_delivery_takes_is_asked_of_all_that_come_before() -> None:
    """Proves: with no stock to fill, a ship of 120 t from 18 h on, made at 40 t/h of what a slower process gives at 10,
    is loaded in time, for the slow one begins hours before.

    Sensitivity: what the last process needs not asked of the first leaves 115 t undelivered."""
    empty = {"capacity_t": 500.0, "level_t": 5.0, "end_level_t": 0.0, "keep_low": 0.0, "keep_high": 0.02}
    case = works(
        [
            {"name": "first", "rate": 10.0, "kwh_per_t": 20.0, "outputs": [{"store": "middle"}]},
            {"name": "second", "rate": 40.0, "kwh_per_t": 20.0, "inputs": [{"store": "middle"}],
             "outputs": [{"store": "product"}]},
        ],
        [{"name": "middle", **empty}, {"name": "product", **empty}],
        deliveries=[{"name": "ship", "store": "product", "amount_t": 120.0, "release": "18 h", "due": "23 h",
                     "loading_tph": 40.0}],
    )  # fmt: skip
    run = simulate(case)
    assert float(run["delivered_t"].sum()) == pytest.approx(120)
    assert run.sizes["violation"] == 0
    running = run["process_tph"].sel(process="first").values > 0
    assert 3 <= int(np.flatnonzero(running)[0]) <= 7


def test_a_switched_unit_keeps_the_band() -> None:
    """Proves: 10 t/h leave 100 t of 200; the band is 60 to 160. The mill (20 t/h) starts as soon as the level 3 h
    ahead, its least run, lies below 60, runs until 160 are passed, and stands. Sensitivity: starting at the band's
    edge only, or stopping after the least run."""
    scenario = works(
        [mill(min_run_h=3)],
        [{"name": "S", "capacity_t": 200, "level_t": 100, "end_level_t": 0}],
        deliveries=[{"name": "D", "store": "S", "rate": 10}],
    )
    listed = dispatch(scenario)
    on = [mode != "" for mode in modes_of(listed, "mill")]
    first = on.index(True)
    last = on.index(False, first)
    levels = np.concatenate([[100], listed["stock_t"].to_numpy()[0]])
    assert first == 2
    assert levels[first] - 3 * 10 < 60 <= levels[first - 1] - 3 * 10
    assert levels[last] > 160 >= levels[last - 1]
    followed(listed, scenario)


def test_the_largest_shortage_comes_first() -> None:
    """Proves: of two mills the first takes the grade that is shortest by its band, the second the other, as the
    first one counts already; nobody makes the third. Sensitivity: both on one grade."""
    modes = [{"name": name, "rate": 20, "outputs": [{"store": name}]} for name in ("A", "B", "C")]
    scenario = works(
        [{"name": "mill", "count": 2, "min_run_h": 2, "modes": modes}],
        [
            {"name": "A", "capacity_t": 100, "level_t": 25, "end_level_t": 0},
            {"name": "B", "capacity_t": 200, "level_t": 40, "end_level_t": 0},
            {"name": "C", "capacity_t": 100, "level_t": 50, "end_level_t": 0},
        ],
    )
    listed = dispatch(scenario)
    # 5/50 of the band of A, 20/100 of B, which 2 h make good
    assert modes_of(listed, "mill 1")[0] == "B"
    assert modes_of(listed, "mill 2")[0] == "A"
    assert "C" not in {*modes_of(listed, "mill 1"), *modes_of(listed, "mill 2")}
    followed(listed, scenario)


def test_a_mill_starts_early_enough_for_the_morning() -> None:
    """Proves: 12 t/h from 6 o'clock on out of 20 t, start-up 2 h, least run 2 h: the mill is set to start before
    the store is out, and nothing is missed. Sensitivity: a rule that looks at the level alone starts when it is too
    late."""
    scenario = works(
        [mill(12, start_up={"hours": 2}, min_run_h=2)],
        [{"name": "S", "capacity_t": 200, "level_t": 20, "end_level_t": 0, **OPEN}],
        deliveries=[{"name": "D", "store": "S", "weekly": [{"weekdays": "mon-sun", "hours": "6-20", "rate_tph": 12}]}],
    )
    listed = dispatch(scenario)
    assert listed.attrs["complete"] == 1
    start = modes_of(listed, "mill").index("mill")
    assert 3 <= start <= 6
    assert listed["process_tph"].to_numpy()[0, start : start + 3].tolist() == [0, 0, 12]
    followed(listed, scenario)


def test_end_levels_are_counted_back() -> None:
    """Proves: 150 t are wanted at the end, 30 are there, nothing is short of its band: the mill makes the 120 t, no
    sooner than it must (6 h, and 3 h of margin for a least run). Sensitivity: a baseline that only keeps bands ends at
    30 t and is not complete."""
    scenario = works([mill(min_run_h=2)], [{"name": "S", "capacity_t": 200, "level_t": 30, "end_level_t": 150, **OPEN}])
    listed = dispatch(scenario)
    assert listed.attrs["complete"] == 1
    assert float(listed["stock_t"].to_numpy()[0, -1]) >= 150
    assert modes_of(listed, "mill").index("mill") == 15
    assert followed(listed, scenario).attrs["complete"] == 1


def test_what_cannot_be_done_is_reported() -> None:
    """Proves: an order of more than can be made and an end level out of reach are named. Sensitivity: a list that says
    it is complete."""
    scenario = works(
        [mill(5)],
        [
            {"name": "S", "capacity_t": 500, "level_t": 0, "end_level_t": 0},
            {"name": "T", "capacity_t": 90, "end_level_t": 80},
        ],
        deliveries=[{"name": "ship", "store": "S", "amount_t": 300}],
    )
    listed = dispatch(scenario)
    assert listed.attrs["complete"] == 0
    assert listed.attrs["unplaced"] == "ship, T"


def test_orders_leave_stock_for_known_demand() -> None:
    """Proves: 60 t may be loaded from 2 h on at 30 t/h, but 30 t of the 80 are asked for within the hours seen:
    loading waits for what the mill makes, and is out when due. Sensitivity: loading first come first served starves
    the demand."""
    scenario = works(
        [mill(10, min_run_h=2)],
        [{"name": "S", "capacity_t": 200, "level_t": 80, "end_level_t": 0}],
        deliveries=[
            {"name": "D", "store": "S", "rate": 10},
            {"name": "ship", "store": "S", "amount_t": 60, "release": "2 h", "due": "20 h", "loading_tph": 30},
        ],
    )
    listed = dispatch(scenario)
    ship = listed["delivered_t"].sel(delivery="ship").to_numpy()
    assert ship.sum() == pytest.approx(60)
    assert ship[:2].sum() == 0
    assert ship.max() <= 30
    assert ship[20:].sum() == 0
    assert listed.attrs["complete"] == 1
    followed(listed, scenario)


def kiln(**rest: Any) -> dict[str, Any]:
    rate = {"low": 10, "high": 30, "usual": 20}
    return {"name": "kiln", "must_run": True, "rate": rate, "outputs": [{"store": "S"}], **rest}


@pytest.mark.parametrize(
    ("level", "rates"), [(340, [16, 12, 10, 10]), (100, [24, 28, 30, 26]), (200, [20, 20, 20, 20])]
)
def test_a_kiln_is_lowered_and_raised_within_its_ramp(level: float, rates: list[float]) -> None:
    """Proves: above 80 % of 400 t it goes from 20 to 10 t/h by 4 t/h an hour, below 30 % to its highest until 120 t are
    passed, else it keeps its usual rate. Sensitivity: jumps, or a kiln that runs into the full store."""
    scenario = works(
        [kiln(ramp_tph_per_h=4, state={"mode": "kiln", "rate_tph": 20})],
        [{"name": "S", "capacity_t": 400, "level_t": level, "end_level_t": 0}],
        deliveries=[{"name": "D", "store": "S", "rate": 18}],
    )
    listed = dispatch(scenario)
    assert listed["process_tph"].to_numpy()[0, :4] == pytest.approx(rates)
    followed(listed, scenario)


def test_planned_stop_at_its_earliest() -> None:
    """Proves: the stop of 5 h begins at 3 h, then start-up of 2 h, then the usual rate; known deliveries are served
    from stock. Sensitivity: a stop that is left out, or reported as missed running."""
    stop = {"hours": 5, "earliest": "3 h", "latest": "12 h"}
    scenario = works(
        [kiln(planned_stop=stop, start_up={"hours": 2})],
        [{"name": "S", "capacity_t": 1000, "level_t": 500, "end_level_t": 0}],
        deliveries=[{"name": "D", "store": "S", "rate": 20}],
    )
    listed = dispatch(scenario)
    assert modes_of(listed, "kiln")[:11] == ["kiln"] * 3 + [""] * 5 + ["kiln"] * 3
    assert listed["process_tph"].to_numpy()[0, :11].tolist() == [20] * 3 + [0] * 7 + [20]
    assert listed.attrs["complete"] == 1
    followed(listed, scenario)


def test_a_daily_energy_is_drawn_evenly() -> None:
    """Proves: two lines with a part-load curve draw 240 MWh on each local day evenly, 5 MW each, at the rate of the
    curve that gives it; the day held in part takes its share. Sensitivity: the usual rate, or days in UTC."""
    curve = [{"rate_tph": 5, "power_mw": 2}, {"rate_tph": 10, "power_mw": 4}, {"rate_tph": 15, "power_mw": 8}]
    line = {"name": "line", "count": 2, "rate": {"low": 5, "high": 15}, "power_by_rate": curve, "must_run": True,
            "daily_energy_mwh": 240, "outputs": [{"store": "S"}]}  # fmt: skip
    scenario = works(
        [line],
        [{"name": "S", "capacity_t": 5000, "level_t": 0, "end_level_t": 0, "keep_high": 1.0}],
        horizon={"zone": "Atlantic/Azores", "length_h": 36.0},
    )
    listed = dispatch(scenario)
    assert listed["process_mw"].to_numpy() == pytest.approx(5)
    assert listed["process_tph"].to_numpy() == pytest.approx(11.25)
    followed(listed, scenario)


def test_a_daily_energy_out_of_reach_is_reported() -> None:
    """Proves: a line that can draw 8 MW at most does not draw 240 MWh a day: it runs at its highest and is named; one
    that draws 2 MW at least stops when it has its 30 MWh, or its 31. Sensitivity: a list that says it is complete."""
    line = {"name": "line", "rate": {"low": 5, "high": 20}, "kwh_per_t": 400.0, "outputs": [{"store": "S"}]}
    stores = [{"name": "S", "capacity_t": 5000, "level_t": 0, "end_level_t": 0, "keep_high": 1.0}]
    listed = dispatch(works([{**line, "daily_energy_mwh": 240}], stores))
    assert listed["process_tph"].to_numpy() == pytest.approx(20)
    assert listed.attrs["unplaced"] == "line"
    scenario = works([{**line, "daily_energy_mwh": 30}], stores)
    listed = dispatch(scenario)
    assert listed.attrs["complete"] == 1
    assert float(listed["process_mw"].sum()) == pytest.approx(30)
    assert listed["process_mw"].to_numpy()[0, :15] == pytest.approx(2)
    odd = dispatch(works([{**line, "daily_energy_mwh": 31}], stores))
    assert float(odd["process_mw"].sum()) == pytest.approx(31)
    followed(listed, scenario)


def test_a_mill_waits_out_the_stop_of_the_kiln_that_dries_it() -> None:
    """Proves: a mill on a kiln's hot gas is not started where the kiln's planned stop would cut its least run.
    Sensitivity: a list with a mill that stands in it."""
    stop = {"hours": 5, "earliest": "3 h"}
    dry = {"carrier": "gas", "per_t": 0.1}
    scenario = works(
        [
            kiln(planned_stop=stop, outputs=[{"store": "S"}, {"carrier": "gas", "per_t": 0.2}]),
            {"name": "mill", "rate": 30, "min_run_h": 4, "inputs": [dry], "outputs": [{"store": "M"}]},
        ],
        [
            {"name": "S", "capacity_t": 1000, "level_t": 500, "end_level_t": 0},
            {"name": "M", "capacity_t": 400, "level_t": 100, "end_level_t": 0},
        ],
        site={"carriers": [{"name": "gas", "waste": True}]},
    )
    listed = dispatch(scenario)
    assert listed.attrs["complete"] == 1
    assert modes_of(listed, "mill")[:9] == [""] * 8 + ["mill"]
    followed(listed, scenario)


def test_the_import_limit_keeps_units_from_starting() -> None:
    """Proves: of three short mills of 4 MW with 2 MW of load only two fit below 10 MW. Sensitivity: a list above the
    limit."""
    scenario = works(
        [mill(power_mw=4.0, count=3, min_run_h=2)],
        [{"name": "S", "capacity_t": 2000, "level_t": 0, "end_level_t": 0}],
        site={"grid": {"import_limit_mw": 10}, "base_load_mw": 2.0},
    )
    listed = dispatch(scenario)
    assert listed["meter_mw"].to_numpy().max() == pytest.approx(10)
    followed(listed, scenario)


def test_nobody_fills_a_band_with_what_must_remain() -> None:
    """Proves: raw material that is wanted at the end and comes from nowhere is not milled though the product is
    below its band. Sensitivity: a baseline that keeps bands at any price."""
    scenario = works(
        [mill(inputs=[{"store": "R"}])],
        [
            {"name": "R", "capacity_t": 400, "level_t": 300, "end_level_t": 300, **OPEN},
            {"name": "S", "capacity_t": 200, "level_t": 10, "end_level_t": 0},
        ],
    )
    listed = dispatch(scenario)
    assert float(listed["process_tph"].max()) == 0
    assert listed.attrs["complete"] == 1


def test_the_rule_answers_to_what_happens() -> None:
    """Proves: where mills break down the baseline still serves its deliveries and ends its runs by the levels that are;
    the same list followed blindly does not. Sensitivity: a list instead of a rule."""
    scenario = works(
        [mill(count=2, min_run_h=1)],
        [{"name": "S", "capacity_t": 200, "level_t": 100, "end_level_t": 0}],
        deliveries=[{"name": "D", "store": "S", "rate": 15}],
        horizon={"length_h": 96.0},
        disturbances={"breakdowns": [{"unit": "mill", "mtbf_h": 6, "mttr_min": 120}], "delivery_spread": 0.2},
    )
    listed = dispatch(scenario)
    blindly = listed.assign_attrs(policy="schedule")
    by_rule = [simulate(scenario, replication=i, disturbed=True) for i in range(5)]
    blind = [replay(scenario, blindly, replication=i, disturbed=True) for i in range(5)]
    assert not any(violations(run, "delivery") for run in by_rule)
    assert any(violations(run, "delivery") for run in blind)
    again = replay(scenario, listed, replication=3, disturbed=True)
    assert np.array_equal(again["stock_t"].to_numpy(), by_rule[3]["stock_t"].to_numpy())


def test_who_may_not_stop_has_room_until_the_last_of_them_may() -> None:
    """Proves: three mills that make 10 t/h for at least 3 h are short of a product with room for 80 t more, two of them
    after a change-over of an hour: the third does not begin, as its own run would fit, but not the last hour of theirs.

    Sensitivity: looked at over its own run alone, a mill is stopped in its least run."""
    modes = [{"name": name, "rate": 10, "outputs": [{"store": name}]} for name in ("A", "B")]
    mills = {"name": "mill", "count": 3, "min_run_h": 3, "modes": modes, "change_over": {"minutes": 60},
             "state": [{"mode": "B"}, {"mode": "B"}]}  # fmt: skip
    scenario = works(
        [mills],
        [{"name": "A", "capacity_t": 180, "level_t": 95, "end_level_t": 0, "keep_low": 0.65, "keep_high": 0.99},
         {"name": "B", "capacity_t": 200, "level_t": 199, "end_level_t": 0, "keep_high": 0.9}],
        horizon={"length_h": 8.0},
    )  # fmt: skip
    listed = dispatch(scenario)
    assert listed.attrs["complete"]
    followed(listed, scenario)
    assert any("A" in modes_of(listed, f"mill {i}") for i in (1, 2, 3))


def test_what_must_run_begins_again_where_there_is_room() -> None:
    """Proves: a mill that must run, at 20 t/h, stops for 2 h as planned and then begins with the grade whose store has
    room for its least run. Sensitivity: begun with the grade of the start, it runs full within the hour."""
    modes = [{"name": name, "rate": 20, "outputs": [{"store": name}]} for name in ("A", "B")]
    scenario = works(
        [{"name": "mill", "must_run": True, "min_run_h": 3, "modes": modes, "planned_stop": {"hours": 2}}],
        [{"name": "A", "capacity_t": 100, "level_t": 90, "end_level_t": 0},
         {"name": "B", "capacity_t": 500, "level_t": 150, "end_level_t": 0}],
        horizon={"length_h": 8.0},
    )  # fmt: skip
    listed = dispatch(scenario)
    assert modes_of(listed, "mill") == ["", "", *["B"] * 6]
    assert listed.attrs["complete"]
    followed(listed, scenario)


def test_a_planned_stop_waits_for_the_least_run() -> None:
    """Proves: a kiln that has run for 1 of 4 h stops 3 h later, though it might at once by its plan."""
    scenario = works(
        [mill(must_run=True, min_run_h=4, state=[{"mode": "mill", "since_h": 1}], planned_stop={"hours": 2})],
        [{"name": "S", "capacity_t": 1000, "level_t": 0, "end_level_t": 0}],
        horizon={"length_h": 10.0},
    )
    listed = dispatch(scenario)
    assert modes_of(listed, "mill") == [*["mill"] * 3, "", "", *["mill"] * 5]
    followed(listed, scenario)
