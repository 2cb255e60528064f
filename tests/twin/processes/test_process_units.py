"""Units: start-up, change-over, off-spec product, breakdowns and outages, their power and heat; and their random
numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from plants import schedule, violations, works

from emberline.scenarios import Case
from emberline.scenarios.line.scatter import BREAKDOWN, DEMAND, SPREAD, stream
from emberline.twin import replay, replays

BIG = {"capacity_t": 5000, "level_t": 0, "end_level_t": 0}
FUELS = {
    "carriers": [{"name": "coal"}, {"name": "waste"}],
    "assets": [
        {"kind": "supply", "name": "coal yard", "carrier": "coal", "price_per_unit": 10.0},
        {"kind": "supply", "name": "waste yard", "carrier": "waste", "price_per_unit": 5.0},
    ],
}


def kiln(**rest: Any) -> dict[str, Any]:
    """10 to 40 t/h, 30 kWh/t, 3.6 GJ/t (1 MWh/t) by 60 % coal and 40 % waste."""
    fuels = [{"carrier": "coal", "share": 0.6}, {"carrier": "waste", "share": 0.4}]
    return {
        "name": "kiln", "rate": {"low": 10, "high": 40}, "kwh_per_t": 30.0, "outputs": [{"store": "S"}],
        "heat": {"gj_per_t": 3.6, "fuels": fuels}, **rest,
    }  # fmt: skip


def schedule_of(scenario: Case, rows: dict[str, list[tuple[str, float]]], **rest: Any) -> xr.Dataset:
    """A schedule that tells supplies nothing to buy: they serve what is needed."""
    plan = schedule(scenario, rows, **rest)
    supplies = [asset.name for asset in scenario.site.assets]
    if not supplies:
        return plan
    rates = np.zeros((len(supplies), scenario.horizon.n_steps))
    return plan.assign(asset_rate=(("flow", "time"), rates)).assign_coords(flow=supplies)


def test_a_start_up_takes_its_hours_energy_and_heat() -> None:
    """Proves: planned at 2 h with 1.5 h of start-up: 3 MWh evenly over the two steps that it takes, 18 GJ by the usual
    mix likewise, the rate with step 4, 5 t off-spec there. Sensitivity: power that changes within a step, which a meter
    of quarter-hours would see and no plan foresees; off-spec product in the store."""
    start_up = {"hours": 1.5, "energy_mwh": 3.0, "heat_gj": 18.0, "off_spec_t": 5.0}
    scenario = works([kiln(start_up=start_up, min_run_h=1)], [{"name": "S", **BIG}], site={**FUELS})
    rows = [("", 0.0)] * 2 + [("kiln", 0.0)] * 2 + [("kiln", 30.0)] * 2 + [("", 0.0)]
    run = replay(scenario, schedule_of(scenario, {"kiln": rows}))
    assert run["process_mode"].values[0, :7].tolist() == ["", "", "kiln", "kiln", "kiln", "kiln", ""]
    assert run["process_mw"].to_numpy()[0, :7] == pytest.approx([0, 0, 1.5, 1.5, 0.9, 0.9, 0])
    assert run["meter_mw"].to_numpy()[8:16] == pytest.approx([1.5] * 8)
    assert run["process_tph"].to_numpy()[0, :7] == pytest.approx([0, 0, 0, 0, 30, 30, 0])
    assert run["off_spec_tph"].to_numpy()[0, :7] == pytest.approx([0, 0, 0, 0, 5, 0, 0])
    assert run["stock_t"].to_numpy()[0, :6] == pytest.approx([0, 0, 0, 0, 25, 55])
    coal = run["stream_rate"].sel(stream="kiln.in.coal").to_numpy()
    # 18 GJ are 5 MWh, 60 % of it coal
    assert coal[:7] == pytest.approx([0, 0, -1.5, -1.5, -18, -18, 0])
    assert run["asset_rate"].sel(flow="coal yard").to_numpy() == pytest.approx(-coal)
    assert run["line_rate"].sel(given="waste").to_numpy()[4] == pytest.approx(-12)
    assert not violations(run, "process")
    assert not violations(run, "shortage")


def test_a_start_up_without_hours_draws_in_the_first_step() -> None:
    """Proves: 2 MWh and 7.2 GJ within the first hour of the run, in addition to what the run draws; planned fuel shares
    count without them. Sensitivity: energy that is left out, or a mix that the start-up bends."""
    start_up = {"energy_mwh": 2.0, "heat_gj": 7.2}
    scenario = works([kiln(start_up=start_up)], [{"name": "S", **BIG}], site={**FUELS})
    # all coal in the first step (20 MWh), all waste in the second, start-up heat 2 MWh at 60 : 40
    fuels = {"kiln.in.coal": [21.2, 0.0], "kiln.in.waste": [0.8, 20.0]}
    run = replay(scenario, schedule_of(scenario, {"kiln": [("kiln", 20.0)]}, fuels=fuels))
    assert run["process_mw"].to_numpy()[0, :2] == pytest.approx([2.6, 0.6])
    assert run["stream_rate"].sel(stream="kiln.in.coal").to_numpy()[:2] == pytest.approx([-21.2, 0])
    assert run["stream_rate"].sel(stream="kiln.in.waste").to_numpy()[:2] == pytest.approx([-0.8, -20])


def mill(**rest: Any) -> dict[str, Any]:
    """Two grades at 20 and 30 t/h, 2 MW."""
    modes = [
        {"name": "A", "rate": 20, "outputs": [{"store": "S"}]},
        {"name": "B", "rate": 30, "outputs": [{"store": "T"}]},
    ]
    return {"name": "mill", "power_mw": 2.0, "modes": modes, **rest}


def test_a_change_over_takes_minutes_and_energy() -> None:
    """Proves: A to B takes 30 min of 1 MWh (2 MW) within one step planned at rate zero, then 10 t off-spec; B to A
    has a time of its own, none, and begins at once with 1 MWh in its first step. Sensitivity: one change-over for
    all pairs."""
    back = {"start": "B", "end": "A", "minutes": 0, "off_spec_t": 4, "energy_mwh": 1.0}
    change = {"minutes": 30, "off_spec_t": 10, "energy_mwh": 1.0, "between": [back]}
    stores = [{"name": "S", **BIG}, {"name": "T", **BIG}]
    scenario = works([mill(change_over=change, min_run_h=1, state={"mode": "A"})], stores)
    rows = [("A", 20.0), ("B", 0.0), ("B", 30.0), ("B", 30.0), ("A", 20.0)]
    run = replay(scenario, schedule(scenario, {"mill": rows}))
    assert run["process_mode"].values[0, :5].tolist() == ["A", "B", "B", "B", "A"]
    assert run["process_mw"].to_numpy()[0, :6] == pytest.approx([2, 1, 2, 2, 3, 2])
    assert run["meter_mw"].to_numpy()[4:8] == pytest.approx([1] * 4)
    assert run["off_spec_tph"].to_numpy()[0, :6] == pytest.approx([0, 0, 10, 0, 4, 0])
    assert run["stock_t"].to_numpy()[:, 4] == pytest.approx([20 + 16, 20 + 30])
    assert run.sizes["violation"] == 0


def test_off_spec_product_over_several_steps() -> None:
    """Proves: 25 t off-spec at the lowest rate of 10 t/h: 10, 10 and 5 of what each hour makes at 15 t/h, as
    ``Mode.off_spec_t`` says. Sensitivity: all of the first steps' product counted as off-spec."""
    scenario = works(
        [{"name": "P", "rate": {"low": 10, "high": 20}, "min_run_h": 3, "start_up": {"off_spec_t": 25},
          "outputs": [{"store": "S"}]}],
        [{"name": "S", **BIG}],
    )  # fmt: skip
    run = replay(scenario, schedule(scenario, {"P": [("P", 15.0)]}))
    mode = scenario.processes[0].all_modes[0]
    rows = [mode.off_spec_t(25.0, k, k + 1) for k in range(4)]
    assert rows == [10, 10, 5, 0]
    assert run["off_spec_tph"].to_numpy()[0, :4] == pytest.approx(rows)
    assert run["stock_t"].to_numpy()[0, :4] == pytest.approx([5, 10, 20, 35])


@pytest.mark.parametrize(("cold_after_h", "share"), [(0.0, 1.0), (10.0, None), (0.001, 1.0)])
def test_a_kiln_heats_up_again_after_a_breakdown(cold_after_h: float, share: float | None) -> None:
    """Proves: it fails after the drawn working time, is repaired as drawn, then starts up for
    standstill/cold_after_h of the hours (at most the whole) and goes on with what is planned. Sensitivity: a full
    heat-up after each stop, or failures that count the start-up."""
    start_up = {"hours": 2.0, "energy_mwh": 4.0, "heat_gj": 36.0, "cold_after_h": cold_after_h}
    scenario = works(
        [kiln(start_up=start_up, state={"mode": "kiln"})],
        [{"name": "S", **BIG}],
        site={**FUELS},
        horizon={"length_h": 48.0},
        disturbances={"breakdowns": [{"unit": "kiln", "mtbf_h": 10, "mttr_min": 60}], "seed": 4},
    )
    working, repair = (stream(4, "kiln", 0, BREAKDOWN).standard_exponential((8, 2)) * [600, 60]).T / 60
    rest = [min(stop_min / cold_after_h, 1.0) if share is None else share for stop_min in repair]
    run = replay(scenario, schedule_of(scenario, {"kiln": [("kiln", 40.0)]}), disturbed=True)
    at, result, energy, heat = 0.0, 0.0, 0.0, 0.0
    for hours, stop_min, part in zip(working, repair, rest, strict=True):
        result += 40 * min(hours, max(48 - at, 0))
        at += hours + stop_min
        heating = min(2 * part, max(48 - at, 0))
        energy, heat = energy + 2 * heating, heat + 5 * heating
        at += 2 * part
        if at > 48:
            break
    assert at > 48
    assert run["process_tph"].to_numpy().sum() == pytest.approx(result)
    assert run["process_mw"].to_numpy().sum() == pytest.approx(result * 0.03 + energy)
    burnt = -run["stream_rate"].to_numpy()[run["stream_place"].isin(["coal", "waste"]).to_numpy()].sum()
    assert burnt == pytest.approx(result + heat)
    assert not violations(run, "process")


def test_an_outage_stops_a_unit_between_steps() -> None:
    """Proves: out from 2 h 30 to 4 h 15 it stands, then starts up cold for an hour and runs from 5 h 15 as planned.
    Sensitivity: outages rounded to steps."""
    scenario = works(
        [{"name": "P", "rate": 20, "start_up": {"hours": 1, "cold_after_h": 50}, "outputs": [{"store": "S"}],
          "state": {"mode": "P"}}],
        [{"name": "S", **BIG}],
        state={"outages": [{"unit": "P", "start": "150 min", "end": "255 min"}]},
    )  # fmt: skip
    run = replay(scenario, schedule(scenario, {"P": [("P", 20.0)]}))
    assert run["process_tph"].to_numpy()[0, :7] == pytest.approx([20, 20, 10, 0, 0, 15, 20])
    assert violations(run, "process") == [("P", 120.0, pytest.approx(55.0))]


@pytest.mark.parametrize("by_name", ["mill", "mill 2"])
def test_breakdowns_are_reported_by_unit_or_process(by_name: str) -> None:
    """Proves: a process's name stands for each of its units, each with its own failures. Sensitivity: one stream for
    all, or only the first unit."""
    scenario = works(
        [mill(count=2)],
        [{"name": "S", **BIG}, {"name": "T", **BIG}],
        disturbances={"breakdowns": [{"unit": by_name, "mtbf_h": 6, "mttr_min": 60}]},
    )
    rows = {"mill 1": [("A", 20.0)], "mill 2": [("A", 20.0)]}
    total = replay(scenario, schedule(scenario, rows), disturbed=True)["process_tph"].to_numpy().sum(axis=1)
    assert total[1] < 480 - 1e-6
    assert (total[0] < 480 - 1e-6) == (by_name == "mill")
    assert total[0] != pytest.approx(total[1])


def test_rates_scatter_by_unit_and_shift() -> None:
    """Proves: what a unit makes is its planned rate times a lognormal factor of its own stream, one for each 8 h, never
    above its highest; a unit's own spread replaces the general one. Sensitivity: a factor for each step, or above 40
    t/h."""
    disturbances = {"rate_spread": 0.2, "units": [{"unit": "mill", "rate": 0.0}], "seed": 7}
    scenario = works([kiln(heat=None), mill()], [{"name": "S", **BIG}, {"name": "T", **BIG}], disturbances=disturbances)
    plan = schedule(scenario, {"kiln": [("kiln", 30.0)], "mill": [("A", 20.0)]})
    normal = stream(7, "kiln", 5, SPREAD).standard_normal(3)
    target = np.repeat(np.minimum(30 * np.exp(0.2 * normal), 40), 8)
    run = replay(scenario, plan, replication=5, disturbed=True)
    assert run["process_tph"].to_numpy()[0] == pytest.approx(target)
    assert run["process_tph"].to_numpy()[1] == pytest.approx(20)
    highest = max(float(r["process_tph"].max()) for r in replays(scenario, plan, range(30)))
    assert highest == pytest.approx(40)


def test_demand_scatters_by_delivery_and_day() -> None:
    """Proves: each delivery asks for its demand times a factor of its own for each local day (here from 1 h on);
    orders do not scatter. Sensitivity: one factor for all, or days in UTC."""
    scenario = works(
        [mill()],
        [{"name": "S", "capacity_t": 5000, "level_t": 5000, "end_level_t": 0}, {"name": "T", **BIG, "level_t": 900}],
        deliveries=[
            {"name": "D", "store": "S", "rate": 10},
            {"name": "E", "store": "S", "rate": 10},
            {"name": "ship", "store": "T", "amount_t": 48},
        ],
        horizon={"zone": "Atlantic/Azores"},
        disturbances={"delivery_spread": 0.3, "seed": 2},
    )
    run = replay(scenario, schedule(scenario, {}, loads={"ship": [2.0]}), disturbed=True)
    factors = {name: np.exp(0.3 * stream(2, name, 0, DEMAND).standard_normal(2)) for name in ("D", "E")}
    for row, name in enumerate(("D", "E")):
        target = [10 * factors[name][0]] + [10 * factors[name][1]] * 23
        assert run["delivered_t"].to_numpy()[row] == pytest.approx(target)
    assert run["delivered_t"].to_numpy()[2] == pytest.approx([2] * 24)


def test_a_further_unit_changes_nothing_for_the_others() -> None:
    """Proves: random numbers are by name: with another mill and delivery next to it a mill fails and scatters as
    before. Sensitivity: one generator for all."""
    disturbances = {"rate_spread": 0.1, "delivery_spread": 0.2,
                    "breakdowns": [{"unit": "mill", "mtbf_h": 5, "mttr_min": 50}]}  # fmt: skip
    stores = [{"name": "S", **BIG, "level_t": 900}, {"name": "T", **BIG}, {"name": "U", **BIG, "level_t": 800}]
    other = {"name": "other", "rate": {"low": 0, "high": 9}, "outputs": [{"store": "U"}]}
    loads = [{"name": "D", "store": "S", "rate": 20}, {"name": "E", "store": "U", "rate": 5}]
    rows = {"mill": [("A", 20.0)], "other": [("other", 8.0)]}
    alone = works([mill()], stores, deliveries=loads[:1], disturbances=disturbances)
    both = works([other, mill()], stores, deliveries=loads[::-1], disturbances=disturbances)
    first = replay(alone, schedule(alone, rows), replication=3, disturbed=True)
    second = replay(both, schedule(both, rows), replication=3, disturbed=True)
    for name, dim, label in (
        ("process_tph", "process", "mill"),
        ("delivered_t", "delivery", "D"),
        ("stock_t", "stock", "S"),
    ):
        one, two = (run[name].sel({dim: label}).to_numpy() for run in (first, second))
        assert np.array_equal(one, two), name
    assert first["process_tph"].to_numpy().min() < 20


def test_two_policies_have_the_same_random_numbers() -> None:
    """Proves: planned to run all the time, and planned to run after 10 h of standstill, a unit fails after the same
    working time and has the same factors in the same shifts. Sensitivity: random numbers drawn in the order of
    events."""
    disturbances = {"rate_spread": 0.1, "breakdowns": [{"unit": "kiln", "mtbf_h": 4, "mttr_min": 45}]}
    scenario = works([kiln(heat=None)], [{"name": "S", **BIG}], horizon={"length_h": 72.0}, disturbances=disturbances)
    at_once = replay(scenario, schedule(scenario, {"kiln": [("kiln", 30.0)]}), disturbed=True)
    later = replay(scenario, schedule(scenario, {"kiln": [("", 0.0)] * 10 + [("kiln", 30.0)]}), disturbed=True)
    one, two = (run["process_tph"].to_numpy()[0] for run in (at_once, later))
    whole = [(one[k], two[k]) for k in range(10, 72) if one[k] > 0 and two[k] > 0]
    factors = np.minimum(30 * np.exp(0.1 * stream(1, "kiln", 0, SPREAD).standard_normal(9)), 40)
    for k in range(72):
        for row in (one, two):
            assert row[k] <= factors[k // 8] * (1 + 1e-12)
    assert sum(a == pytest.approx(b) for a, b in whole) > 20
    working = stream(1, "kiln", 0, BREAKDOWN).standard_exponential((8, 2))[0, 0] * 4
    for row, begin in ((one, 0), (two, 10)):
        first = begin + int(working)
        assert row[begin:first] == pytest.approx(factors[np.arange(begin, first) // 8])
        assert row[first] < factors[first // 8] - 1e-6


@pytest.mark.parametrize("disturbed", [False, True])
def test_power_agrees_on_all_grids(disturbed: bool) -> None:
    """Proves: metered on 5, 15 and 60 min the same energy is drawn, hour by hour, start-ups and failures included.
    Sensitivity: power sampled, or events rounded to the grid."""
    start_up = {"hours": 0.7, "energy_mwh": 3.0, "cold_after_h": 1.0}
    hours = []
    for minutes in (5, 15, 60):
        scenario = works(
            [kiln(heat=None, start_up=start_up), mill(count=2, change_over={"minutes": 20, "energy_mwh": 0.5})],
            [{"name": "S", "capacity_t": 300, "level_t": 0, "end_level_t": 0}, {"name": "T", **BIG}],
            deliveries=[{"name": "D", "store": "S", "rate": 25}],
            site={"grid": {"metered_interval_min": minutes}},
            disturbances={"rate_spread": 0.1, "breakdowns": [{"unit": "kiln", "mtbf_h": 3, "mttr_min": 20}]},
        )
        rows = {
            "kiln": [("kiln", 0.0), ("kiln", 35.0)],
            "mill 1": [("A", 20.0)] * 5 + [("B", 0.0), ("B", 30.0)],
            "mill 2": [("B", 30.0)] * 9 + [("A", 0.0), ("A", 20.0)],
        }
        run = replay(scenario, schedule(scenario, rows), disturbed=disturbed)
        hours.append(run["meter_mw"].to_numpy().reshape(24, -1).mean(axis=1))
        assert hours[-1] == pytest.approx(run["process_mw"].to_numpy().sum(axis=0), abs=1e-12)
    assert hours[0] == pytest.approx(hours[1], abs=1e-12)
    assert hours[0] == pytest.approx(hours[2], abs=1e-12)
