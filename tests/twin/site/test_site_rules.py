"""The site's assets in the twin by the baseline rules, each kind by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from closure import closure
from site_runs import (
    BOILER,
    CHP,
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
    ruled,
    ruled_once,
)

from emberline.twin.site.assets.baseline import marginal_cost
from emberline.twin.site.assets.machine import Port
from emberline.twin.site.site import SiteGrid, balance


def test_a_need_is_served_in_declared_order_and_bought_at_last() -> None:
    """Proves: 3 of the first boiler, 2 of the second, 1 of steam bought. Sensitivity: by efficiency 2 come first."""
    first, second = (
        BOILER | {"name": "first", "heat_mw": 3.0, "efficiency": 0.5},
        BOILER | {"name": "second", "heat_mw": 2.0},
    )
    run = ruled(hub(GAS, STEAM, first, second, needs(6, 4)))
    assert rates(run, "first.main") == [3, 3]
    assert rates(run, "second.main") == [2, 1]
    assert rates(run, "steam") == [1, 0]
    assert rates(run, "gas") == [6 + 2.5, 6 + 1.25]
    assert missed(run) == []


def test_room_for_a_least_load_is_made_by_those_that_run() -> None:
    """Proves: of 5.5 the first gives 4; the third, whose least is 2, starts and the first gives 3.5. The second cannot
    run, and does not.

    Sensitivity: a machine that stands still counted among those that can give less."""
    sizes: dict[str, dict[str, Any]] = {
        "first": {"min_load": 0.25},
        "second": {"min_load": 0.5, "availability": [0, 0]},
        "third": {"min_load": 0.5},
    }
    boilers = [BOILER | {"name": name, "heat_mw": 4.0} | more for name, more in sizes.items()]
    run = ruled(hub(GAS, *boilers, needs(5.5, 5.5)))
    assert [rates(run, f"{name}.main") for name in sizes] == [[3.5, 3.5], [0, 0], [2, 2]]


def test_a_machine_starts_and_rises_as_its_ramp_allows() -> None:
    """Proves: from its least load 2 half a ramp up in the first hour, 3; what is missing is reported, 1 MWh.

    Sensitivity: without the ramp 4 at once.
    """
    slow = BOILER | {"min_load": 0.25, "ramp_up_per_h": 0.25}
    run = ruled(hub(GAS, slow, needs(4, 6, 6)))
    assert rates(run, "boiler.main") == [3, 5, 6]
    assert missed(run) == [
        ("shortage", "heat", 0.0, pytest.approx(1.0), "MWh"),
        ("shortage", "heat", 60.0, pytest.approx(1.0), "MWh"),
    ]


def test_a_machine_stays_on_until_its_minimum_run_is_over() -> None:
    """Proves: three hours at least, at its least load where nothing is needed; then off, and off for two.

    Sensitivity: without minimum run it stops after the first hour.
    """
    rigid = BOILER | {"min_load": 0.25, "min_up_h": 3, "min_down_h": 2}
    run = ruled(hub(GAS, STEAM, VENT, rigid, needs(5, 0, 0, 0, 4, 4)))
    assert rates(run, "boiler.main") == [5, 2, 2, 0, 0, 4]
    assert rates(run, "vent") == [0, -2, -2, 0, 0, 0]
    assert rates(run, "steam") == [0, 0, 0, 0, 4, 0]


def test_the_minimum_run_of_before_is_carried_over() -> None:
    """Proves: on for an hour of three when the horizon begins, it runs for two more; off for one of two, one hour.

    Sensitivity: a machine that has stood for long starts at once.
    """
    rigid = BOILER | {"min_load": 0.25, "min_up_h": 3, "min_down_h": 2}
    on = ruled(hub(GAS, VENT, rigid | {"state": {"on": True, "since_h": 1}}, needs(0, 0, 0)))
    assert rates(on, "boiler.main") == [2, 2, 0]
    off = ruled(hub(GAS, STEAM, rigid | {"state": {"on": False, "since_h": 1}}, needs(3, 3, 3)))
    assert rates(off, "boiler.main") == [0, 3, 3]
    assert rates(off, "steam") == [3, 0, 0]


def test_no_start_where_the_least_load_is_too_much() -> None:
    """Proves: 4 at least for a need of 2 finds no place, so steam is bought; with a store it starts.

    Sensitivity: the store's room unseen.
    """
    big = BOILER | {"min_load": 0.5}
    assert rates(ruled(hub(GAS, STEAM, big, needs(2, 2))), "boiler.main") == [0, 0]
    run = ruled(hub(GAS, STEAM, big, TANK, needs(2, 2)))
    assert rates(run, "boiler.main") == [4, 0]
    assert levels(run, "tank") == [7, 5]


def test_only_as_many_give_way_as_must() -> None:
    """Proves: of 8.5 the first two give 4 each; the third, whose least is 2, starts, and the second is turned down.

    Sensitivity: each turned down by all of it."""
    sizes = {"first": 0.25, "second": 0.25, "third": 0.5}
    boilers = [BOILER | {"name": name, "heat_mw": 4.0, "min_load": least} for name, least in sizes.items()]
    run = ruled(hub(GAS, *boilers, needs(8.5)))
    assert [rates(run, f"{name}.main") for name in sizes] == [[4], [2.5], [2]]


def test_who_lacks_fuel_runs_with_what_there_is_or_stops() -> None:
    """Proves: fuel for 3 turns a boiler down to 3, though its ramp ends at 4; fuel for 1, below its least load, stops
    it, though its minimum run is not over. Sensitivity: stopped where it could run, and run where it cannot."""
    boiler = BOILER | {"fuel": "bfg", "efficiency": 1.0, "min_load": 0.25, "min_up_h": 4, "ramp_down_per_h": 0.25}
    more = [{"name": "bfg", "waste": True}]
    case = hub(STEAM, boiler, needs(6, 6, 6, 6), comes(6, 6, 3, 1, carrier="bfg"), more=more, carriers="heat")
    run = ruled(case)
    assert rates(run, "boiler.main") == [6, 6, 3, 0]
    assert rates(run, "steam") == [0, 0, 3, 6]


def test_the_load_for_a_flow() -> None:
    """Proves: for 3 of 6 per hour half the load; of what does not flow none is had at any load, and nothing at none.

    Sensitivity: a machine that runs for what it does not give."""
    port = Port("heat", 1.0, [6.0, 0.0], [], [])
    assert [port.load_for(amount, 0) for amount in (0.0, 3.0)] == [0.0, 0.5]
    assert [port.load_for(amount, 1) for amount in (0.0, 0.5)] == [0.0, math.inf]


def test_what_an_engine_s_electricity_costs() -> None:
    """Proves: 2.5 of gas at 30 and 200 kg, 5 of upkeep and 10 kg of its own, 60 a tonne on what is emitted here:
    75 + 30 + 5 + 0.6 a MWh. Sensitivity: the carbon price of the grid's, or none."""
    engine = {
        "kind": "converter", "name": "engine", "carrier": "electricity", "capacity": 10.0, "cost_per_unit": 5.0,
        "inputs": [{"carrier": "gas", "per_unit": 2.5}], "fossil_kg_per_unit": 10.0,
    }  # fmt: skip
    case = hub(GAS, engine, needs(3, carrier="electricity"), carbon={"per_t": 60, "covers": "direct"})
    plant = SiteGrid(case).hub
    assert plant is not None
    assert marginal_cost(plant, "engine") == pytest.approx([75 + 30 + 5 + 0.6])


def test_others_give_way_to_a_least_load() -> None:
    """Proves: 5 needed, the first gives 3 at most, the second 4 at least: 1 and 4. Sensitivity: 3 and a shortage."""
    first, second = BOILER | {"name": "first", "heat_mw": 3.0}, BOILER | {"name": "second", "min_load": 0.5}
    run = ruled(hub(GAS, first, second, needs(5)))
    assert (rates(run, "first.main"), rates(run, "second.main")) == ([1], [4])
    assert missed(run) == []


def test_a_store_gives_what_it_has_above_its_wanted_level_and_comes_back_to_it() -> None:
    """Proves: 5 above the wanted 2, 3 an hour at most, then none; from below it is filled, 4 an hour.

    Sensitivity: emptied down to nothing.
    """
    store = TANK | {"level_share": 0.7, "end_level_share": 0.2, "out_rate": 3.0}
    run = ruled(hub(GAS, BOILER, store, needs(6, 6, 6)))
    assert rates(run, "tank.out") == [3, 2, 0]
    low = TANK | {"level_share": 0.2, "end_level_share": 0.7, "in_rate": 4.0, "in_efficiency": 0.5}
    run = ruled(hub(GAS, BOILER, low, needs(1, 1, 6)))
    assert rates(run, "tank.in") == [-4, -4, -2]
    assert levels(run, "tank") == [4, 6, 7]


def test_a_store_is_filled_with_what_is_bought() -> None:
    """Proves: where nothing makes heat a store comes back to its wanted level by what is bought, 4 an hour at most.

    Sensitivity: a store that only machines fill."""
    low = TANK | {"level_share": 0.2, "end_level_share": 0.7, "in_rate": 4.0}
    run = ruled(hub(STEAM, low, needs(1, 1)))
    assert rates(run, "tank.in") == [-4, -1]
    assert rates(run, "steam") == [5, 2]


def test_a_small_surplus_is_stored_and_one_that_would_not_keep_is_not() -> None:
    """Proves: half a MW that is over is what a store takes; one that loses all at once takes nothing.

    Sensitivity: a store filled with more than there is, or for nothing."""
    inputs = (comes(4.5, carrier="heat"), needs(4))
    assert rates(ruled(hub(VENT, TANK, *inputs)), "tank.in") == [-0.5]
    lossy = TANK | {"self_loss_per_h": 1.0, "level_share": 0.0}
    run = ruled(hub(VENT, lossy, *inputs))
    assert (rates(run, "tank.in"), rates(run, "vent")) == ([0], [-0.5])


def test_a_store_is_the_last_resort() -> None:
    """Proves: below its wanted level it gives what nobody else can, down to its band, and is filled again.

    Sensitivity: the band unseen, 5 in the second hour.
    """
    store = TANK | {"lowest_share": 0.3}
    run = ruled(hub(GAS, BOILER | {"heat_mw": 4.0}, store, needs(5, 7, 2, 2)))
    assert rates(run, "tank.out") == [1, 1, 0, 0]
    assert levels(run, "tank") == [4, 3, 5, 5]
    assert missed(run) == [("shortage", "heat", 60.0, pytest.approx(2.0), "MWh")]


def test_the_import_limit_holds_for_machines() -> None:
    """Proves: 5 of base load under a limit of 6 leave 1 for the heat pump, the boiler gives the rest.

    Sensitivity: 2 MW, and an import violation of 1.
    """
    run = ruled(hub(GAS, PUMP, BOILER, needs(6), base=5.0, grid={"import_limit_mw": 6}))
    assert rates(run, "pump.main") == [-1]
    assert rates(run, "boiler.main") == [3]
    assert run["import_mw"].values == pytest.approx([6])
    assert missed(run) == []


def test_above_the_import_limit_engines_run() -> None:
    """Proves: cheap power, 7 of base load under a limit of 6: the engine makes 1, its heat goes into the store.

    Sensitivity: an import violation.
    """
    run = ruled(hub(GAS, CHP, TANK, needs(0), price=10, base=7.0, grid={"import_limit_mw": 6}))
    assert rates(run, "chp.main") == [1]
    assert levels(run, "tank") == [6]
    assert missed(run) == []


def test_an_engine_runs_while_the_price_is_above_its_cost() -> None:
    """Proves: gas at 30 and 40 % make 75 a MWh, with 200 kg at 100 a tonne 125: as far as base load takes it.

    Its heat comes before the boiler's. Sensitivity: without the carbon price it would run at 100 as well.
    """
    site = (GAS, BOILER, CHP, needs(3, 3, 3))
    run = ruled(hub(*site, price=[70, 100, 130], base=2.0))
    assert rates(run, "chp.main") == [0, 2, 2]
    assert rates(run, "boiler.main") == [3, 1, 1]
    priced = ruled(hub(*site, price=[70, 100, 130], base=2.0, carbon={"per_t": 100}))
    assert rates(priced, "chp.main") == [0, 0, 2]


def test_an_engine_that_does_not_pay_follows_the_heat() -> None:
    """Proves: declared before the boiler it makes the heat whatever the price, and exports what nobody takes.

    Sensitivity: off.
    """
    run = ruled(hub(GAS, CHP, BOILER, needs(3, 5), price=10, base=1.0, grid={"export_limit_mw": 2}))
    assert rates(run, "chp.main") == [3, 3]
    assert run["export_mw"].values == pytest.approx([2, 2])
    assert rates(run, "boiler.main") == [0, 2]


def test_waste_heat_is_recovered_as_far_as_it_is_of_use() -> None:
    """Proves: of 4 and 8 hot come 2 and 3 (its size); 1 is needed, the store takes 0.5 an hour: 1.5, rest vented.

    Sensitivity: recovery by need alone is 1.
    """
    run = ruled(hub(RECOVERY, TANK | {"in_rate": 0.5}, needs(1, 4), comes(4, 8), more=HOT, carriers="heat"))
    assert rates(run, "recovery.main") == [1.5, 3]
    assert rates(run, "recovery.inputs.1") == pytest.approx([-0.15, -0.3])
    assert run["dumped_rate"].sel(carrier="hot").values == pytest.approx([1, 2])
    assert levels(run, "tank") == [5.5, 4.5]


def test_a_surplus_drives_the_turbine_then_is_sold_then_flared() -> None:
    """Proves: of 9 steam 2 are needed, 4 drive the turbine, 1 is sold, 2 are vented. Sensitivity: all 7 vented."""
    turbine = {"kind": "turbine", "name": "turbine", "electric_mw": 1.0, "input": "heat", "mwh_per_unit": 0.25}
    sale = {"kind": "sale", "name": "sale", "carrier": "heat", "price_per_unit": 5.0, "rate_limit": 1.0}
    run = ruled(hub(turbine, sale, VENT, needs(2), comes(9, carrier="heat"), base=3.0))
    assert rates(run, "turbine.inputs.0") == [-4]
    assert rates(run, "turbine.main") == [1]
    assert rates(run, "sale") == [-1]
    assert rates(run, "vent") == [-2]
    assert run["import_mw"].values == pytest.approx([2])


def test_recovery_without_waste_trips() -> None:
    """Proves: held on for three hours, it stands in the one without waste, which is reported; then it runs again.

    Sensitivity: 1.5 MW of heat from nothing.
    """
    rigid = RECOVERY | {"min_load": 0.5, "min_up_h": 3}
    run = ruled_once(hub(rigid, STEAM, needs(2, 2, 2), comes(6, 0, 6), more=HOT, carriers="heat"))
    assert rates(run, "recovery.main") == [2, 0, 2]
    assert run["asset_on"].sel(machine="recovery").values.tolist() == [1, 0, 1]
    assert rates(run, "steam") == [0, 2, 0]
    assert missed(run) == [("asset", "recovery", 60.0, pytest.approx(1.5), "MWh")]


def test_nobody_pays_to_get_rid_of_what_can_be_let_go() -> None:
    """Proves: a sale at a negative price stands behind the vent, takes what that leaves. Sensitivity: sold first."""
    sale = {"kind": "sale", "name": "sale", "carrier": "heat", "price_per_unit": -5.0}
    run = ruled(hub(sale, VENT | {"rate_limit": 2.0}, comes(3, carrier="heat"), needs(0)))
    assert (rates(run, "vent"), rates(run, "sale")) == ([-2], [-1])


def test_a_turbine_that_a_surplus_starts_draws_its_start_fuel() -> None:
    """Proves: 0.5 MWh of gas in the hour of the start, bought. Sensitivity: a shortage of gas."""
    turbine = {"kind": "orc", "name": "orc", "electric_mw": 1.0, "input": "hot", "mwh_per_unit": 0.25}
    turbine |= {"start_fuel": {"carrier": "gas", "amount": 0.5}}
    run = ruled(hub(GAS, turbine, comes(4, 4), base=3.0, more=HOT))
    assert rates(run, "orc.main") == [1, 1]
    assert rates(run, "gas") == [0.5, 0]
    assert missed(run) == []


def test_limits_hold_in_every_metered_interval_of_a_step() -> None:
    """Proves: 5 MW of the line in one quarter leave 1 for the pump all the hour; 1 MW lets 2 of the engine's out.

    Sensitivity: by the hour's mean the pump takes 2, the engine makes 3, and a quarter breaks its limit.
    """
    case = hub(GAS, PUMP, BOILER, needs(6), grid={"import_limit_mw": 6})
    flows, violations = balance(SiteGrid(case), np.array([5.0, 1.0, 1.0, 1.0]))
    assert rates(dataset(case, flows), "pump.main") == [-1]
    assert violations == []
    case = hub(GAS, CHP, BOILER, needs(3), price=10, grid={"export_limit_mw": 1})
    flows, violations = balance(SiteGrid(case), np.array([1.0, 3.0, 3.0, 3.0]))
    assert rates(dataset(case, flows), "chp.main") == [2]
    assert violations == []


def test_a_gas_holder_keeps_to_its_bands() -> None:
    """Proves: what is over fills it to 7, then is flared; without gas it gives 2 above and 3 below its wanted 5.

    What it cannot give the boiler goes without. Sensitivity: filled to 10, or emptied.
    """
    holder = TANK | {"name": "holder", "carrier": "bfg", "lowest_share": 0.2, "highest_share": 0.7}
    flare = {"kind": "flare", "name": "flare", "carrier": "bfg"}
    boiler = BOILER | {"fuel": "bfg", "efficiency": 1.0}
    case = hub(holder, flare, boiler, STEAM, needs(3, 3, 3, 3), comes(5, 5, 0, 0, carrier="bfg"), carriers="bfg heat")
    run = ruled(case)
    assert levels(run, "holder") == [7, 7, 4, 2]
    assert rates(run, "flare") == [0, -2, 0, 0]
    assert rates(run, "boiler.main") == [3, 3, 3, 2]
    # steam is heat's supply: it stands in for what the boiler cannot make
    assert rates(run, "steam") == [0, 0, 0, 1]
    assert missed(run) == [("level", "holder", 180.0, pytest.approx(3.0), "MWh")]


def test_an_electrolyser_swings_its_tank_between_two_levels() -> None:
    """Proves: 50 kg at least for 20 kg needed: it runs, the tank above its wanted 100 kg serves, it runs again.

    Sensitivity: following the need without the tank would be below its least load.
    """
    maker = {"kind": "electrolyser", "name": "ely", "electric_mw": 5.0, "hydrogen": "h2", "kwh_per_kg": 50.0}
    tank = TANK | {"name": "bottle", "carrier": "h2", "capacity": 0.2}
    case = hub(maker | {"min_load": 0.5}, tank, needs(*[0.02] * 6, carrier="h2"), more=HYDROGEN, carriers="")
    run = ruled(case)
    assert rates(run, "ely.main") == [-2.5, 0, -2.5, 0, 0, -2.5]
    assert levels(run, "bottle") == pytest.approx([0.13, 0.11, 0.14, 0.12, 0.10, 0.13])
    assert missed(run) == []


def test_an_oxygen_plant_follows_its_need() -> None:
    """Proves: 4 t/h at 500 kWh/t take 2 MW of electricity; oxygen counts in t/h. Sensitivity: a wrong unit."""
    plant = {"kind": "oxygen_plant", "name": "asu", "oxygen": "o2", "rate_tph": 10.0, "kwh_per_t": 500.0}
    run = ruled(hub(plant, needs(4, 12, carrier="o2"), more=[{"name": "o2", "unit": "t"}], carriers=""))
    assert run["import_mw"].values == pytest.approx([2, 5])
    assert missed(run) == [("shortage", "o2", 60.0, pytest.approx(2.0), "t")]
    assert str(run["flow_unit"].sel(flow="asu.main").item()) == "t/h"


def test_a_flexible_load_runs_evenly_over_its_day() -> None:
    """Proves: 24 MWh a day are 1 MW; with a least load of 2 the first twelve hours; out after six, 4 until then.

    Sensitivity: what is not available unseen leaves 18 MWh undone.
    """
    load = {"kind": "flexible_load", "name": "mill", "rate_limit": 4.0, "per_day": 24.0}
    assert rates(ruled(hub(load, hours=24.0)), "mill.main") == [-1.0] * 24
    assert rates(ruled(hub(load | {"min_load": 0.5}, hours=24.0)), "mill.main") == [-2.0] * 12 + [0.0] * 12
    out = ruled(hub(load | {"availability": [1.0] * 6 + [0.0] * 18}))
    assert rates(out, "mill.main") == [-4.0] * 6 + [0.0] * 18
    assert missed(out) == []


def test_a_flexible_load_is_as_good_as_certain() -> None:
    """Proves: a mill of 24 MWh a day with a load of 3 MW and 2 MW of wind counts 1 + 3 - 2; what a flexible load
    takes of gas is no electricity. Sensitivity: its day left out where the line is placed under an import limit."""
    mill = {"kind": "flexible_load", "name": "mill", "rate_limit": 4.0, "per_day": 24.0}
    burner = {"kind": "flexible_load", "name": "burner", "carrier": "gas", "rate_limit": 4.0, "per_day": 12.0}
    wind = {"kind": "wind", "name": "wind", "peak_mw": 4.0, "capacity_factor": 0.5}
    plant = SiteGrid(hub(GAS, mill, burner, wind, needs(*[3] * 24, carrier="electricity"), step_min=30.0)).hub
    assert plant is not None
    assert plant.committed_mw == pytest.approx(np.full(48, 1.0 + 3.0 - 2.0))


def test_a_flexible_load_makes_up_what_the_import_limit_took() -> None:
    """Proves: 6 of base load under a limit of 6 stop it for an hour; the rest of the day makes up for it.

    Sensitivity: 23 MWh, a violation.
    """
    load = {"kind": "flexible_load", "name": "mill", "rate_limit": 4.0, "per_day": 24.0}
    run = ruled(hub(load, price=[50.0] * 24, base=[6.0] + [2.0] * 23, grid={"import_limit_mw": 6}))
    assert rates(run, "mill.main") == pytest.approx([0.0] + [-24 / 23] * 23)
    assert missed(run) == []


def test_electricity_that_may_be_dumped_is() -> None:
    """Proves: of 8 MW that come, 1 is used, 2 exported and 5 dumped. Sensitivity: 12 exported, or none dumped."""
    case = hub(
        comes(8, carrier="electricity"), base=1.0, grid={"export_limit_mw": 2},
        more=[{"name": "electricity", "dump": True}], carriers="",
    )  # fmt: skip
    run = ruled(case)
    assert run["export_mw"].values == pytest.approx([2])
    assert float(run["dumped_rate"].sum()) == pytest.approx(5)
    assert missed(run) == []


def test_sun_and_wind_are_used_and_curtailed_by_the_metered_mean() -> None:
    """Proves: 8 of wind and 4 of PV, 1 of load and 2 exported leave a quarter of both; the battery takes 3 first.

    Sensitivity: curtailed before the battery sees it.
    """
    wind = {"kind": "wind", "name": "wind", "peak_mw": 8.0, "capacity_factor": 1.0}
    run = ruled(
        hub(
            wind, hours=1.0, base=1.0, grid={"export_limit_mw": 2},
            pv={"peak_mw": 4.0, "capacity_factor": 1.0},
            battery={"energy_mwh": 10.0, "power_mw": 3.0, "charge_efficiency": 1.0, "level_share": 0.5},
        )
    )  # fmt: skip
    assert rates(run, "wind") == [4]
    assert rates(run, "PV") == pytest.approx([2])
    assert run["charge_mw"].values == pytest.approx([3])
    assert run["export_mw"].values == pytest.approx([2])


def test_a_supply_is_used_until_its_amount_is_gone() -> None:
    """Proves: 5 MWh of the first, then the second. Sensitivity: a limit per hour only."""
    limited = STEAM | {"name": "limited", "horizon_limit": 5.0}
    run = ruled(hub(limited, STEAM, needs(2, 2, 2)))
    assert rates(run, "limited") == [2, 2, 1]
    assert rates(run, "steam") == [0, 0, 1]


def test_electricity_bought_next_to_the_grid_where_it_is_cheaper() -> None:
    """Proves: a contract at 60 serves while the grid asks 100, 3 at most. Sensitivity: taken at 40 too."""
    block = {"kind": "supply", "name": "block", "carrier": "electricity", "price_per_unit": 60.0, "rate_limit": 3.0}
    run = ruled(hub(block, price=[40, 100], base=5.0))
    assert rates(run, "block") == [0, 3]
    assert run["import_mw"].values == pytest.approx([5, 2])


def test_steps_of_15_and_60_min_have_the_same_energies() -> None:
    """Proves: constant needs, self-loss made good, a minimum run and half-used waste heat: same energies and levels.

    Sensitivity: self-loss per step instead of per hour.
    """
    lossy = TANK | {"self_loss_per_h": 0.05, "in_efficiency": 0.9, "out_rate": 1.0}
    rigid = BOILER | {"min_load": 0.25, "min_up_h": 2}
    rows = []
    for step in (15.0, 60.0):
        case = hub(GAS, CHP, RECOVERY, rigid, lossy, needs(6, 6, 6, 6), comes(2, 2, 2, 2), price=[90] * 4, base=2.0,
                    more=HOT, step_min=step)  # fmt: skip
        run = ruled(case)
        assert missed(run) == []
        energies = (run["asset_rate"].sum("time") * case.horizon.step_h).values
        rows.append((energies, levels(run, "tank")[-1], closure(case, run).self_loss["tank"]))
    np.testing.assert_allclose(rows[0][0], rows[1][0], atol=1e-9)
    assert rows[0][1:] == pytest.approx(rows[1][1:], abs=1e-9)
