"""The site's assets in the twin by set-points, each kind by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from closure import closure
from site_runs import (
    BOILER,
    CHP,
    CLOSED,
    GAS,
    HOT,
    HYDROGEN,
    PUMP,
    RECOVERY,
    STEAM,
    TANK,
    VENT,
    comes,
    dataset,
    hub,
    levels,
    missed,
    needs,
    rates,
    run_at,
)

from emberline.twin import dispatch, replay
from emberline.twin.site.site import Setpoints, SiteGrid, balance


def test_a_set_point_beyond_what_is_available_is_clipped() -> None:
    """Proves: 6 set, 4 available: 4, 2 MWh missed; steam takes the difference. Sensitivity: 6 made."""
    case = hub(GAS, STEAM, BOILER | {"availability": 0.5}, needs(6))
    run = run_at(case, boiler__main=[6], steam=[0])
    assert rates(run, "boiler.main") == [4]
    assert rates(run, "steam") == [2]
    assert missed(run) == [("asset", "boiler", 0.0, pytest.approx(2.0), "MWh")]


def test_a_set_point_beyond_the_ramp_is_clipped() -> None:
    """Proves: set to 8 from 2 with 2 an hour: 4; set off from 8 with 4 an hour: 4, then off. Sensitivity: a jump."""
    machine = BOILER | {"min_load": 0.25, "start_load": 0.25, "ramp_up_per_h": 0.5, "ramp_down_per_h": 0.5}
    machine |= {"state": {"on": True, "load": 0.5}}
    case = hub(GAS, STEAM, VENT, machine, needs(6, 8, 8, 0, 0))
    run = run_at(case, boiler__main=[6, 8, 8, 0, 0], steam=[0, 0, 0, 0, 0], vent=[0, 0, 0, 0, 0])
    assert rates(run, "boiler.main") == [6, 8, 8, 4, 0]
    assert rates(run, "vent") == [0, 0, 0, -4, 0]
    assert [row[:3] for row in missed(run)] == [("asset", "boiler", 180.0)]
    # in the first hour half a ramp, as the mean of an even rise
    fast = run_at(case, boiler__main=[8, 8, 8, 4, 0], steam=[0, 0, 0, 0, 0], vent=[-2, 0, 0, -4, 0])
    assert rates(fast, "boiler.main") == [6, 8, 8, 4, 0]
    assert rates(fast, "vent") == [0, 0, 0, -4, 0]
    slow = run_at(case, boiler__main=[2, 8, 8, 4, 0], steam=[4, 0, 0, 0, 0], vent=[0, 0, 0, -4, 0])
    assert rates(slow, "boiler.main") == [2, 6, 8, 4, 0]
    assert rates(slow, "steam") == [4, 2, 0, 0, 0]


def test_a_set_point_against_the_minimum_run_is_not_followed() -> None:
    """Proves: set off after an hour of three, it runs at its least load; set on in its rest, it stands.

    Sensitivity: followed.
    """
    rigid = BOILER | {"min_load": 0.25, "min_up_h": 3, "min_down_h": 2}
    case = hub(GAS, STEAM, VENT, rigid, needs(4, 4, 4, 4, 4))
    run = run_at(case, boiler__main=[4, 0, 4, 0, 4], steam=[0, 4, 0, 4, 0], vent=[0] * 5)
    assert rates(run, "boiler.main") == [4, 2, 4, 0, 0]
    assert rates(run, "steam") == [0, 2, 0, 4, 4]
    assert [row[2:4] for row in missed(run)] == [(60.0, pytest.approx(2.0)), (240.0, pytest.approx(4.0))]


def test_a_set_point_below_the_least_load_is_lifted() -> None:
    """Proves: 1 set, 4 is the least: 4, steam of 3 is not bought. Sensitivity: 1."""
    run = run_at(hub(GAS, STEAM, BOILER | {"min_load": 0.5}, needs(4)), boiler__main=[1], steam=[3])
    assert (rates(run, "boiler.main"), rates(run, "steam")) == ([4], [0])
    assert missed(run) == [("asset", "boiler", 0.0, pytest.approx(3.0), "MWh")]


def test_a_store_gives_what_it_has() -> None:
    """Proves: set to 4 an hour from 6 above its band, 0.5 lost each hour of the half: steam takes the rest.

    Level by hand: 10·0.5 = 5 after an hour without flow; h counts (1 − 0.5)/ln 2 = 0.7213 h. Sensitivity: self-loss.
    """
    store = TANK | {"level_share": 1.0, "end_level_share": 0.0, "self_loss_per_h": 0.5}
    run = run_at(hub(STEAM, store, needs(4, 4)), tank__out=[4, 4], tank__in=[0, 0], steam=[0, 0])
    counts = 0.5 / np.log(2)
    first = 10 * 0.5 - 4 * counts
    assert levels(run, "tank") == pytest.approx([first, 0])
    inputs = first * 0.5 / counts
    assert rates(run, "tank.out") == pytest.approx([4, inputs])
    assert rates(run, "steam") == pytest.approx([0, 4 - inputs])
    assert missed(run) == [("asset", "tank", 60.0, pytest.approx(4 - inputs), "MWh")]


def test_less_waste_heat_than_planned() -> None:
    """Proves: 4 hot planned, the line gives 1: recovery makes 0.5 for 2, the turbine 0.3 less, grid and steam take it.

    Sensitivity: recovery by its set-point, 3 of hot gas from nowhere.
    """
    orc = {"kind": "orc", "name": "orc", "electric_mw": 1.0, "input": "hot", "mwh_per_unit": 0.25}
    case = hub(STEAM, RECOVERY | {"electric_mwh_per_mwh": 0.0}, orc, needs(2, 2), base=3.0, more=HOT, carriers="heat")
    grid = SiteGrid(case)
    planned, reality = {"hot": np.array([6.0, 6.0])}, {"hot": np.array([6.0, 1.0])}
    zero = np.zeros(len(grid.edges) - 1)
    flows, ok = balance(grid, zero, None, planned)
    plan = dataset(case, flows)
    assert ok == []
    assert (rates(plan, "recovery.main"), rates(plan, "orc.main")) == ([2, 2], [0.5, 0.5])
    flows, violations = balance(grid, zero, Setpoints.read(plan), reality)
    run = dataset(case, flows)
    assert closure(case, run, reality).worst <= CLOSED
    # turned down from the end of the file: first the turbine, then recovery
    assert rates(run, "orc.main") == [0.5, 0]
    assert rates(run, "recovery.main") == [2, 0.5]
    assert rates(run, "steam") == [0, 1.5]
    assert run["import_mw"].values == pytest.approx([2.5, 3])
    assert list[Any](violations) == [
        ("asset", "", "recovery", 60.0, pytest.approx(1.5), "MWh"),
        ("asset", "", "orc", 60.0, pytest.approx(0.5), "MWh"),
    ]
    same, none = balance(grid, zero, Setpoints.read(plan), planned)
    assert none == []
    np.testing.assert_allclose(same["asset_rate"], plan["asset_rate"], atol=1e-9)


def test_more_waste_heat_than_planned_is_let_go() -> None:
    """Proves: 8 for 4: set-points hold, the surplus is dumped. Sensitivity: a violation of surplus."""
    case = hub(STEAM, RECOVERY, needs(2), more=HOT, carriers="heat")
    grid = SiteGrid(case)
    zero = np.zeros(len(grid.edges) - 1)
    plan = dataset(case, balance(grid, zero, None, {"hot": np.array([4.0])})[0])
    flows, violations = balance(grid, zero, Setpoints.read(plan), {"hot": np.array([8.0])})
    assert violations == []
    assert np.asarray(flows["dumped_rate"]) == pytest.approx(np.array([[4.0]]))


def test_an_engine_without_fuel_leaves_its_power_to_the_grid() -> None:
    """Proves: set to 2 MW, gas for 1.2: the grid gives 0.8, its heat is missing. Sensitivity: gas beyond its limit."""
    case = hub(GAS | {"rate_limit": 3.0}, CHP, needs(2), base=3.0)
    run = run_at(case, chp__main=[2], gas=[5])
    assert rates(run, "chp.main") == [1.2]
    assert run["import_mw"].values == pytest.approx([1.8])
    assert missed(run) == [
        ("asset", "chp", 0.0, pytest.approx(0.8), "MWh"),
        ("shortage", "heat", 0.0, pytest.approx(0.8), "MWh"),
    ]


def test_a_trip_is_followed_by_the_minimum_rest() -> None:
    """Proves: below its least load it trips, and then rests for its two hours. Sensitivity: on again at once."""
    boiler = BOILER | {"fuel": "bfg", "efficiency": 1.0, "min_load": 0.5, "min_down_h": 2}
    more = [{"name": "bfg", "waste": True}]
    case = hub(STEAM, boiler, needs(5, 5, 5, 5), comes(5, 1, 5, 5, carrier="bfg"), more=more, carriers="heat")
    run = run_at(case, boiler__main=[5, 5, 5, 5], steam=[0, 0, 0, 0])
    assert rates(run, "boiler.main") == [5, 0, 0, 5]
    assert rates(run, "steam") == [0, 5, 5, 0]


def test_what_can_go_nowhere_is_a_surplus() -> None:
    """Proves: 6 made for 4 leave 2 MWh over, reported as such; a store's charging belongs to its own carrier.

    Sensitivity: lost in silence.
    """
    run = run_at(hub(GAS, BOILER, needs(4)), boiler__main=[6], gas=[7.5])
    assert missed(run) == [("surplus", "heat", 0.0, pytest.approx(2.0), "MWh")]


def test_a_store_is_not_filled_with_what_is_not_there() -> None:
    """Proves: set to fill 3 while the boiler makes 1 more than is needed: 1. Sensitivity: filled from nowhere."""
    run = run_at(hub(GAS, BOILER, TANK, needs(4, 4)), boiler__main=[5, 4], tank__in=[-3, 0], gas=[0, 0])
    assert rates(run, "tank.in") == [-1, 0]
    assert rates(run, "gas") == [6.25, 5]
    assert missed(run) == [("asset", "tank", 0.0, pytest.approx(2.0), "MWh")]


def test_a_store_that_passes_on_what_comes_is_not_left_below_nothing() -> None:
    """Proves: an empty store that is filled with 3 and gives 3 goes on so where 2 are missing: its content is no help.

    Sensitivity: filled with 1, it would give 2 that it never had."""
    empty = TANK | {"level_share": 0.0}
    run = run_at(hub(GAS, BOILER, empty, needs(6)), boiler__main=[4], tank__in=[-3], tank__out=[3], gas=[5])
    assert (rates(run, "tank.in"), rates(run, "tank.out"), levels(run, "tank")) == ([-3], [3], [0])
    assert missed(run) == [("shortage", "heat", 0.0, pytest.approx(2.0), "MWh")]


def test_a_full_store_takes_nothing() -> None:
    """Proves: set to take 3, a store that is full takes none, and what was made for it is a surplus.

    Sensitivity: a store that takes a little more than it holds."""
    run = run_at(hub(GAS, BOILER, TANK | {"level_share": 1.0}, needs(4)), boiler__main=[7], tank__in=[-3], gas=[8.75])
    assert rates(run, "tank.in") == [0]
    assert ("surplus", "heat", 0.0, pytest.approx(3.0), "MWh") in missed(run)


def test_less_is_let_go_before_more_is_bought() -> None:
    """Proves: 6 set, 5 available: the vent's 2 become 1, steam stays. Sensitivity: steam bought to be vented."""
    case = hub(GAS, STEAM, VENT, BOILER | {"availability": 0.625}, needs(4))
    run = run_at(case, boiler__main=[6], vent=[-2], steam=[0])
    assert (rates(run, "vent"), rates(run, "steam")) == ([-1], [0])


def test_what_a_machine_no_longer_takes_is_not_bought() -> None:
    """Proves: made of as much gas as waste, of which only 1 comes: 1 of gas is bought. Sensitivity: a surplus of 3."""
    mixer = {
        "kind": "converter", "name": "mixer", "carrier": "heat", "capacity": 5.0,
        "inputs": [{"carrier": "gas", "per_unit": 1.0}, {"carrier": "hot", "per_unit": 1.0}],
    }  # fmt: skip
    case = hub(GAS, STEAM, mixer, needs(4), comes(1), more=[*HOT, {"name": "gas"}], carriers="heat")
    run = run_at(case, mixer__main=[4], gas=[4], steam=[0])
    assert (rates(run, "mixer.main"), rates(run, "gas"), rates(run, "steam")) == ([1], [1], [3])
    assert [row[:2] for row in missed(run)] == [("asset", "mixer")]


def test_a_flexible_load_follows_and_its_day_is_judged() -> None:
    """Proves: set to 4 for five hours of a day of 24 MWh, 4 MWh are undone. Sensitivity: the day unseen."""
    load = {"kind": "flexible_load", "name": "mill", "rate_limit": 4.0, "per_day": 24.0}
    run = run_at(hub(load, hours=24.0), mill__main=[-4.0] * 5 + [0.0] * 19)
    assert rates(run, "mill.main")[:6] == [-4, -4, -4, -4, -4, 0]
    assert missed(run) == [("asset", "mill", 23 * 60.0, pytest.approx(4.0), "MWh")]


def test_pump_electrolyser_and_oxygen_plant_follow() -> None:
    """Proves: set-points of what takes electricity, each with its product by hand. Sensitivity: main flow mixed up."""
    maker = {"kind": "electrolyser", "name": "ely", "electric_mw": 5.0, "hydrogen": "h2", "kwh_per_kg": 50.0}
    plant = {"kind": "oxygen_plant", "name": "asu", "oxygen": "o2", "rate_tph": 10.0, "kwh_per_t": 500.0}
    case = hub(
        PUMP, maker, plant, STEAM, VENT,
        {"kind": "vent", "name": "h2-vent", "carrier": "h2"}, {"kind": "vent", "name": "o2-vent", "carrier": "o2"},
        needs(2), more=[*HYDROGEN, {"name": "o2", "unit": "t"}], carriers="heat",
    )  # fmt: skip
    run = run_at(case, pump__main=[-1], ely__main=[-2], asu__main=[3])
    assert rates(run, "pump.outputs.0") == [3]
    assert rates(run, "vent") == [-1]
    assert (rates(run, "ely.outputs.0"), rates(run, "h2-vent")) == ([0.04], [-0.04])
    assert rates(run, "o2-vent") == [-3]
    assert run["import_mw"].values == pytest.approx([1 + 2 + 1.5])
    assert missed(run) == []


def test_sun_is_curtailed_as_planned() -> None:
    """Proves: 3 of 8 set, 3 used, the grid gives the rest; more than there is is missed. Sensitivity: all used."""
    wind = {"kind": "wind", "name": "wind", "peak_mw": 8.0, "capacity_factor": 0.5}
    case = hub(wind, hours=2.0, base=5.0)
    run = run_at(case, wind=[3, 6])
    assert rates(run, "wind") == [3, 4]
    assert run["import_mw"].values == pytest.approx([2, 1])
    assert missed(run) == [("asset", "wind", 60.0, pytest.approx(2.0), "MWh")]
    assert rates(run_at(case, wind=[0.5, 0]), "wind") == [0.5, 0]


def test_who_answers_makes_what_is_missing() -> None:
    """Proves: 2 MW of heat more than planned are made by the boiler, not by the engine whose heat comes with its power;
    1 MW less is made less. Sensitivity: an engine that runs for its heat changes what the grid gives."""
    case = hub(GAS, CHP, BOILER, needs(4))
    grid = SiteGrid(case)
    schedule = dispatch(case)
    for label, rate in {"chp.main": 2.0, "boiler.main": 2.0, "gas": 5.0 + 2.5}.items():
        schedule["asset_rate"].loc[{"flow": label}] = rate
    schedule["asset_on"].values[:] = 1
    for more, result in ((2.0, 4.0), (-1.0, 1.0)):
        heat = {"heat": np.array([-more])}
        flows, _ = balance(grid, np.zeros(len(grid.edges) - 1), Setpoints.read(schedule), heat, answering=True)
        run = dataset(case, flows)
        assert (rates(run, "chp.main"), rates(run, "boiler.main")) == ([2], [result])


def test_who_stands_still_does_not_answer() -> None:
    """Proves: where 3 MW of heat more are needed the boiler that runs makes them, as far as it can, and one that stands
    is not started for the 1 that is left. Sensitivity: a start that no plan has, for a difference of an hour."""
    small = {"min_load": 0.25, "heat_mw": 4.0}
    case = hub(GAS, BOILER | small, BOILER | small | {"name": "second"}, needs(2))
    grid, schedule = SiteGrid(case), dispatch(case)
    more = {"heat": np.array([-3.0])}
    flows, missing = balance(grid, np.zeros(len(grid.edges) - 1), Setpoints.read(schedule), more, answering=True)
    run = dataset(case, flows)
    assert (rates(run, "boiler.main"), rates(run, "second.main")) == ([4], [0])
    assert [amount for kind, _, name, _, amount, _ in missing if (kind, name) == ("shortage", "heat")] == [1.0]


def test_what_may_be_dumped_turns_nobody_down() -> None:
    """Proves: half a MW of heat more than is needed, which may be dumped, is; the boiler stays as planned.

    Sensitivity: a machine turned down for what costs nothing."""
    case = hub(GAS, BOILER, needs(4), more=[{"name": "heat", "waste": True}, {"name": "gas"}], carriers="")
    grid = SiteGrid(case)
    schedule, heat = dispatch(case), {"heat": np.array([0.5])}
    flows, _ = balance(grid, np.zeros(len(grid.edges) - 1), Setpoints.read(schedule), heat, answering=True)
    assert rates(dataset(case, flows), "boiler.main") == [4]
    assert np.asarray(flows["dumped_rate"]) == pytest.approx(np.array([[0.5]]))


def test_heat_that_comes_later_is_recovered_then_and_the_store_comes_back_to_its_plan() -> None:
    """Proves: 8 MW of hot gas planned for the first hour come in the second: the store gives the 2 MW that are needed
    first, then takes 2 of the 4 recovered, and ends where it was planned to.
    Sensitivity: set-points alone vent the 8 MW, and heat is short."""
    tank = TANK | {"capacity": 8.0}
    recovery = RECOVERY | {"heat_mw": 6.0, "electric_mwh_per_mwh": 0.0}
    case = hub(recovery, tank, comes(8, 0), needs(2, 2), more=HOT)
    grid, schedule = SiteGrid(case), dispatch(case)
    later = {"hot": np.array([-8.0, 8.0])}
    plan = {"recovery.main": [4, 0], "tank.in": [-2, 0], "tank.out": [0, 2]}
    for label, values in plan.items():
        schedule["asset_rate"].loc[{"flow": label}] = values
    setpoints = Setpoints.read(schedule)
    runs = [balance(grid, np.zeros(len(grid.edges) - 1), setpoints, later, answering=way) for way in (True, False)]
    run = dataset(case, runs[0][0])
    assert levels(run, "tank") == [2, 4]
    assert rates(run, "recovery.main") == [0, 4]
    assert [[row.kind for row in rows if row.kind != "asset"] for _, rows in runs] == [[], ["shortage", "level"]]


def test_what_counts_as_nothing_grows_with_the_plant() -> None:
    """Proves: 50 kW of heat over are reported where the boiler makes 8 MW, not where it makes 100 GW.

    Sensitivity: a solver's rounding reported as a surplus of a large site."""
    for size, told_mwh in ((8.0, [pytest.approx(0.05)]), (1e5, [])):
        case = hub(GAS, BOILER | {"heat_mw": size}, needs(4))
        schedule = dispatch(case).assign_attrs(policy="schedule")
        schedule["asset_rate"].loc[{"flow": "boiler.main"}] = 4.05
        assert [row[3] for row in missed(replay(case, schedule)) if row[0] == "surplus"] == told_mwh


def test_a_schedule_must_tell_every_asset() -> None:
    """Proves: a missing set-point is named, and so is a carrier that the line cannot give to."""
    case = hub(GAS, BOILER, needs(4))
    grid = SiteGrid(case)
    zero = np.zeros(len(grid.edges) - 1)
    with pytest.raises(ValueError, match=r"no set-point for flow 'boiler\.main'"):
        balance(grid, zero, Setpoints(np.zeros(1), np.zeros(1)))
    with pytest.raises(ValueError, match="the line gives 'hot'; carriers it may give to are gas, heat"):
        balance(grid, zero, None, {"hot": np.ones(1)})


@pytest.mark.parametrize(("efficiency", "kinds"), [(0.9, ["both ways"]), (1.0, [])])
def test_a_battery_does_not_charge_and_discharge_at_once(efficiency: float, kinds: list[str]) -> None:
    """Proves: set to charge 3 and discharge 1 at once it charges 2, and that is a violation of 1 MW; without losses
    only the difference matters, and is no violation.

    Sensitivity: followed as it is said, it burns what no battery can."""
    battery = {"energy_mwh": 10.0, "power_mw": 4.0, "charge_efficiency": efficiency, "discharge_efficiency": 1.0,
               "level_share": 0.0}  # fmt: skip
    case = hub(base=[1.0, 1.0], battery=battery)
    setpoints = Setpoints(np.array([3.0, 0.0]), np.array([1.0, 0.0]))
    flows, violations = balance(SiteGrid(case), np.zeros(8), setpoints)
    assert flows["charge_mw"] == pytest.approx([2.0, 0.0])
    assert flows["battery_mwh"] == pytest.approx([2 * efficiency] * 2)
    assert [(str(row.kind), row.at_min, row.amount) for row in violations] == [(kind, 0.0, 1.0) for kind in kinds]


@pytest.mark.parametrize(
    ("efficiency", "both", "kinds"), [(0.5, False, ["both ways"]), (0.5, True, []), (1.0, False, [])]
)
def test_a_store_is_not_filled_and_emptied_at_once(efficiency: float, both: bool, kinds: list[str]) -> None:
    """Proves: the same for a store of heat, and not for a tank with two pipes. Sensitivity: 2 put in, 1 put out."""
    tank = TANK | {"in_efficiency": efficiency, "level_share": 0.0, "both_ways": both}
    run = run_at(hub(GAS, STEAM, BOILER, tank, needs(4)), boiler__main=[5], steam=[0], tank__in=[-2], tank__out=[1])
    assert [kind for kind, *_ in missed(run)] == kinds
    assert levels(run, "tank") == pytest.approx(
        [1.0 * efficiency] if kinds else [2 * efficiency - 1] if both else [1.0]
    )


def test_sun_is_curtailed_where_the_line_draws_least() -> None:
    """Proves: 3 of 8 MW of sun in the mean of an hour are 8 in the quarter in which the line draws 12, and one is given
    to the grid in each of the others. Sensitivity: 3 all the time would give 3, and the limit takes 2 off each."""
    grid = {"export_limit_mw": 1, "metered_interval_min": 15}
    case = hub(grid=grid, pv={"peak_mw": 8.0, "capacity_factor": 1.0}, hours=1.0)
    (name,) = [plant.name for plant in case.site.renewables]
    flows, violations = balance(
        SiteGrid(case), np.array([12.0, 0, 0, 0]), Setpoints(np.zeros(1), np.zeros(1), {name: np.array([2.75])})
    )
    assert not violations
    assert flows["meter_mw"] == pytest.approx([4.0, -1, -1, -1])
