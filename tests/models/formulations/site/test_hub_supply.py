"""Carriers, supply and machines on sites that are solved by hand. No line; one goal, cost, unless said."""

from __future__ import annotations

from pathlib import Path

import pytest
import xarray as xr
from hubs import BOILER, ELECTRODE, GAS, amounts, best, hub, plan

from emberline.scenarios.datasets import INPUTS, SCHEDULE, check

CHP = {
    "kind": "chp", "name": "chp", "fuel": "gas", "heat": "heat", "electric_mw": 4,
    "electric_efficiency": 0.4, "heat_efficiency": 0.4,
}  # fmt: skip


def need(*rate: float, carrier: str = "heat") -> dict[str, object]:
    return {"kind": "load", "name": "need", "carrier": carrier, "rate": list(rate)}


def test_efficiency_counts_on_the_fuel() -> None:
    """Proves: 9 MWh of heat at 90 % take 10 MWh of gas: 10 × 30 = 300.

    Sensitivity: efficiency left out gives 270, turned round 243.
    """
    assert best(hub(GAS, BOILER, need(9.0), price=[100.0])) == pytest.approx(300)


def test_the_cheaper_machine_makes_the_heat() -> None:
    """Proves: 9 MWh from gas (33.33) at a power price of 100 and from power at 20: 300 + 180 = 480.

    Sensitivity: machines that cannot be mixed by hour give 600 or 1080.
    """
    assert best(hub(GAS, BOILER, ELECTRODE, need(9.0, 9.0), price=[100.0, 20.0])) == pytest.approx(480)


def test_engine_with_heat_beats_boiler_and_grid() -> None:
    """Proves: 10 MWh gas make 4 MWh power and 4 MWh heat: 300, instead of 400 + 133.33 from grid and boiler.

    Sensitivity: heat of the engine not credited gives 300 + 133.33.
    """
    assert best(hub(GAS, BOILER, CHP, need(4.0), price=[100.0], base=4.0)) == pytest.approx(300)


def test_engine_stands_still_when_power_is_cheap() -> None:
    """Proves: at 20 €/MWh the grid and the boiler cost 80 + 133.33. Sensitivity: a must-run engine gives 300."""
    assert best(hub(GAS, BOILER, CHP, need(4.0), price=[20.0], base=4.0)) == pytest.approx(80 + 4 / 0.9 * 30)


def test_rate_limit_of_a_supply() -> None:
    """Proves: 5 MW of gas make 4.5 MW of heat, the rest comes from power: 150 + 450 = 600.

    Sensitivity: without the limit 300.
    """
    limited = {**GAS, "rate_limit": 5.0}
    assert best(hub(limited, BOILER, ELECTRODE, need(9.0), price=[100.0])) == pytest.approx(600)


@pytest.mark.parametrize("step", [60.0, 15.0])
def test_rate_limit_is_per_hour_not_per_step(step: float) -> None:
    """Proves: the same 600 at steps of 15 min. Sensitivity: a limit of 5 MWh in each quarter would not bind: 300."""
    limited = {**GAS, "rate_limit": 5.0}
    assert best(hub(limited, BOILER, ELECTRODE, need(9.0), price=[100.0], step_min=step)) == pytest.approx(600)


def test_limit_over_the_horizon_goes_to_the_dearest_hour() -> None:
    """Proves: 10 MWh of gas in two hours replace power at 100, not at 50: 300 + 9 × 50 = 750.

    Sensitivity: a limit by hour gives 600; gas in the cheap hour gives 1200.
    """
    limited = {**GAS, "horizon_limit": 10.0}
    assert best(hub(limited, BOILER, ELECTRODE, need(9.0, 9.0), price=[50.0, 100.0])) == pytest.approx(750)


def test_fuel_price_by_hour() -> None:
    """Proves: 10 MWh at 10 and 20 at 40: 900. Sensitivity: their mean price gives 750."""
    dear = {**GAS, "price_per_unit": [10.0, 40.0]}
    assert best(hub(dear, BOILER, need(9.0, 18.0), price=[100.0] * 2)) == pytest.approx(900)


def test_heat_is_sold_up_to_the_limit() -> None:
    """Proves: 3 MWh made at 33.33 and sold at 50 earn 3 × 16.67 = 50. Sensitivity: sign turned gives +50 or 0."""
    sale = {"kind": "sale", "name": "town", "carrier": "heat", "price_per_unit": 50.0, "rate_limit": 3.0}
    assert best(hub(GAS, BOILER, sale, price=[100.0])) == pytest.approx(-50)


def test_sale_over_the_horizon_takes_the_best_hours() -> None:
    """Proves: 4 MWh in all, at most 3 an hour, at 50 and 80: 3 × 46.67 + 1 × 16.67 = 156.67 earned."""
    sale = {"kind": "sale", "name": "town", "carrier": "heat", "price_per_unit": [50.0, 80.0], "rate_limit": 3.0,
            "horizon_limit": 4.0}  # fmt: skip
    assert best(hub(GAS, BOILER, sale, price=[100.0] * 2)) == pytest.approx(-(3 * (80 - 100 / 3) + (50 - 100 / 3)))


def test_a_sale_without_limit_above_cost_is_reported() -> None:
    """Proves: no best plan exists and the reason says why. Sensitivity: reported as infeasible limits it would
    mislead."""
    rich = {"kind": "sale", "name": "town", "carrier": "gas", "price_per_unit": 50.0}
    result = plan(hub(GAS, rich, price=[100.0]))
    assert result.attrs["found"] == 0
    assert "without any limit" in result.attrs["reason"]


def test_cop_by_hour() -> None:
    """Proves: 8 MWh of heat take 4 MWh at COP 2 and 2 MWh at COP 4: 600. Sensitivity: mean COP 3 gives 533."""
    pump = {"kind": "heat_pump", "name": "pump", "heat": "heat", "electric_mw": 10, "cop": [2.0, 4.0]}
    assert best(hub(pump, need(8.0, 8.0), price=[100.0] * 2)) == pytest.approx(600)


def test_heat_pump_takes_the_rest_from_its_source() -> None:
    """Proves: 3 MWh of waste heat at COP 4 let 1 MWh of power make 4 MWh; the boiler makes the other 4: 20 + 133.33.

    Sensitivity: a source that is free without limit gives 40; one that gives all the heat (COP, not COP − 1) 182.
    """
    pump = {"kind": "heat_pump", "name": "pump", "heat": "heat", "electric_mw": 10, "cop": 4, "source": "warm"}
    warm = {"kind": "source", "name": "hall", "carrier": "warm", "rate": 3.0}
    scenario = hub(GAS, BOILER, pump, warm, need(8.0), price=[20.0], more=[{"name": "warm", "waste": True}])
    assert best(scenario) == pytest.approx(20 + 4 / 0.9 * 30)


def test_electrolyser_fills_the_hydrogen_store_when_power_is_cheap() -> None:
    """Proves: 40 kg at 50 kWh/kg are 2 MWh, all in the hour at 20: 40. Sensitivity: without store 20 + 100."""
    table = {"kind": "electrolyser", "name": "stack", "electric_mw": 2, "hydrogen": "h2", "kwh_per_kg": 50}
    tank = {"kind": "storage", "name": "tank", "carrier": "h2", "capacity": 0.1, "level_share": 0.0}
    units = [{"name": "h2", "unit": "t"}]
    assert best(hub(table, tank, need(0.02, 0.02, carrier="h2"), price=[20.0, 100.0], more=units)) == pytest.approx(40)
    assert best(hub(table, need(0.02, 0.02, carrier="h2"), price=[20.0, 100.0], more=units)) == pytest.approx(120)


def test_hydrogen_by_its_heating_value() -> None:
    """Proves: where hydrogen is counted in MWh, 50 kWh make 33.326 kWh: 1 MWh of it costs 1.50033 MWh of power."""
    table = {"kind": "electrolyser", "name": "stack", "electric_mw": 2, "hydrogen": "h2", "kwh_per_kg": 50}
    assert best(hub(table, need(1.0, carrier="h2"), price=[100.0], carriers="h2")) == pytest.approx(100 * 50 / 33.326)


def test_electrolyser_gives_its_waste_heat() -> None:
    """Proves: 2 MWh of power leave 20 % = 0.4 MWh heat, so the boiler makes 0.5 of 0.9: 200 + 16.67."""
    table = {"kind": "electrolyser", "name": "stack", "electric_mw": 2, "hydrogen": "h2", "kwh_per_kg": 50,
            "waste_heat": "heat", "waste_heat_share": 0.2}  # fmt: skip
    h2 = {**need(0.04, carrier="h2"), "name": "h2 need"}
    scenario = hub(GAS, BOILER, table, h2, need(0.9), price=[100.0], more=[{"name": "h2", "unit": "t"}])
    assert best(scenario) == pytest.approx(200 + 0.5 / 0.9 * 30)


def test_oxygen_plant_runs_ahead_into_its_tank() -> None:
    """Proves: 20 t at 400 kWh/t in the hour at 10: 8 MWh, 80. Sensitivity: without tank 40 + 400."""
    plant = {"kind": "oxygen_plant", "name": "asu", "oxygen": "o2", "rate_tph": 20, "kwh_per_t": 400}
    tank = {"kind": "storage", "name": "lox", "carrier": "o2", "capacity": 50, "level_share": 0.0}
    units = [{"name": "o2", "unit": "t"}]
    assert best(hub(plant, tank, need(10.0, 10.0, carrier="o2"), price=[10.0, 100.0], more=units)) == pytest.approx(80)


def test_oxygen_counted_in_cubic_metres() -> None:
    """Proves: 1 t is 1000/1.429 Nm³: 700 Nm³ take 1.0003 t × 0.4 MWh. Sensitivity: t taken as Nm³ is 700 times more."""
    plant = {"kind": "oxygen_plant", "name": "asu", "oxygen": "o2", "rate_tph": 20, "kwh_per_t": 400}
    scenario = hub(plant, need(700.0, carrier="o2"), price=[100.0], more=[{"name": "o2", "unit": "Nm3"}])
    assert best(scenario) == pytest.approx(700 * 1.429 / 1000 * 0.4 * 100)


def test_back_pressure_turbine_makes_power_on_the_way() -> None:
    """Proves: 8 MWh of low steam need 10 of high steam, 2 MWh of power come with it: only the fuel is paid, 333.33.

    Sensitivity: exhaust taken per unit of power instead of steam asks for 10 MW of the 5 MW turbine: no plan.
    """
    boiler = {**BOILER, "heat": "steam_40bar"}
    turbine = {"kind": "turbine", "name": "turbine", "electric_mw": 5, "input": "steam_40bar", "mwh_per_unit": 0.2,
               "exhaust": "heat", "exhaust_per_unit": 0.8}  # fmt: skip
    scenario = hub(GAS, boiler, turbine, need(8.0), price=[100.0], base=2.0, carriers="gas heat steam_40bar")
    assert best(scenario) == pytest.approx(10 / 0.9 * 30)


def test_waste_heat_is_recovered_and_the_rest_let_go() -> None:
    """Proves: 5 MWh of steam take 6.25 of 10 MWh waste heat and 0.1 MWh of power (10 €); 3.75 are vented.

    Sensitivity: waste that may not be vented has no plan.
    """
    recovery = {"kind": "waste_heat_recovery", "name": "whr", "heat_mw": 20, "source": "offgas", "heat": "heat",
                "efficiency": 0.8, "electric_mwh_per_mwh": 0.02}  # fmt: skip
    hot = {"kind": "source", "name": "furnace", "carrier": "offgas", "rate": 10.0}
    scenario = hub(recovery, hot, need(5.0), price=[100.0], more=[{"name": "offgas", "waste": True}])
    result = plan(scenario)
    assert result.attrs["objective"] == pytest.approx(10)
    assert result["dumped_rate"].sel(carrier="offgas").values == pytest.approx([3.75])
    stuck = hub(recovery, hot, need(5.0), price=[100.0], more=[{"name": "offgas", "waste": True, "dump": False}])
    assert plan(stuck).attrs["status"] == "infeasible"


def test_orc_makes_power_of_waste_heat() -> None:
    """Proves: 10 MWh at 15 % save 1.5 of 2 MWh: 50 remain. Sensitivity: efficiency turned round saves all."""
    orc = {"kind": "orc", "name": "orc", "electric_mw": 5, "input": "offgas", "mwh_per_unit": 0.15}
    hot = {"kind": "source", "name": "furnace", "carrier": "offgas", "rate": 10.0}
    assert best(hub(orc, hot, price=[100.0], base=2.0, more=[{"name": "offgas", "waste": True}])) == pytest.approx(50)


def test_flare_takes_what_nobody_burns() -> None:
    """Proves: of 10 MWh by-product gas the boiler burns 5, the flare 5 at 2 €: 10. Without flare there is no plan.

    Sensitivity: a carrier that vents by itself would cost 0.
    """
    gas = {"kind": "source", "name": "coke ovens", "carrier": "gas", "rate": 10.0}
    flare = {"kind": "flare", "name": "flare", "carrier": "gas", "cost_per_unit": 2.0}
    assert best(hub(gas, BOILER, flare, need(4.5), price=[100.0])) == pytest.approx(10)
    result = plan(hub(gas, BOILER, need(4.5), price=[100.0]))
    assert result.attrs["status"] == "infeasible"
    assert "keeps all limits" in result.attrs["reason"]


def test_sun_beyond_the_load_is_curtailed() -> None:
    """Proves: 4 of 10 MW are used, nothing is paid and nothing flows out. Sensitivity: must-take PV has no plan."""
    sun = {"kind": "pv", "name": "roof", "peak_mw": 20, "capacity_factor": [0.5]}
    result = plan(hub(sun, price=[100.0], base=4.0))
    assert result.attrs["objective"] == pytest.approx(0)
    assert amounts(result, "roof") == [4.0]


def test_wind_by_hour() -> None:
    """Proves: 10 MW at 20 % and 60 % against a load of 5: 3 MWh are bought. Sensitivity: the mean factor buys 2."""
    wind = {"kind": "wind", "name": "mill", "peak_mw": 10, "capacity_factor": [0.2, 0.6]}
    assert best(hub(wind, price=[100.0] * 2, base=5.0)) == pytest.approx(300)


def test_availability_limits_a_machine() -> None:
    """Proves: half of 4 MW is there: 2 MWh from the engine (150), 2 from the grid (200). Sensitivity: all: 300."""
    half = {**CHP, "heat": None, "heat_efficiency": 0, "availability": [0.5]}
    assert best(hub(GAS, half, price=[100.0], base=4.0)) == pytest.approx(350)


def test_negative_prices_are_taken_where_they_can_be_used() -> None:
    """Proves: 3 MWh of heat from power at −10 earn 30, and no more is taken. Sensitivity: a free sink earns more."""
    assert best(hub(GAS, BOILER, ELECTRODE, need(3.0), price=[-10.0])) == pytest.approx(-30)


def test_power_is_not_bought_to_be_sold() -> None:
    """Proves: exporting at 120 what is imported at 100 is forbidden: 400. Sensitivity: both ways at once give 300."""
    assert best(hub(GAS, BOILER, need(0.0), price=[100.0], export=[120.0], base=4.0, grid={"export_limit_mw": 5})) == (
        pytest.approx(400)
    )


def test_engine_sells_its_power_up_to_the_export_limit() -> None:
    """Proves: 4 MW at 75 sold at 100, at most 3: earns 75. Sensitivity: the limit left out earns 100."""
    engine = {**CHP, "heat": None, "heat_efficiency": 0}
    assert best(hub(GAS, engine, price=[100.0], export=[100.0], grid={"export_limit_mw": 3})) == pytest.approx(-75)


def test_import_limit_holds_with_assets() -> None:
    """Proves: of 5 MW only 4 may be imported, the engine makes 1 at 75: 4 × 50 + 75 = 275. Sensitivity: 250 without."""
    engine = {**CHP, "heat": None, "heat_efficiency": 0}
    assert best(hub(GAS, engine, price=[50.0], base=5.0, grid={"import_limit_mw": 4})) == pytest.approx(275)


def test_a_day_s_energy_is_taken_in_its_cheapest_hours() -> None:
    """Proves: 6 MWh at most 3 MW in the two hours at 10: 60. Sensitivity: spread evenly 555."""
    pumps = {"kind": "flexible_load", "name": "pumps", "rate_limit": 3.0, "per_day": 6.0}
    assert best(hub(pumps, price=[100.0] * 10 + [10.0, 10.0] + [100.0] * 12)) == pytest.approx(60)


def test_a_day_of_23_hours_takes_the_whole_amount() -> None:
    """Proves: on the day that the clocks go forward 23 MWh at 1 MW just fit, and 23.5 do not.

    Sensitivity: an amount by hour of 24 asks for 22.04 MWh and lets 23.5 fit; days cut by UTC take 22.04 MWh too.
    """
    pumps = {"kind": "flexible_load", "name": "pumps", "rate_limit": 1.0, "per_day": 23.0}
    day = {"start": "2024-03-31", "zone": "Europe/Berlin", "days": 1, "step_min": 60}
    assert best(hub(pumps, horizon=day)) == pytest.approx(2300)
    assert plan(hub({**pumps, "per_day": 23.5}, horizon=day)).attrs["status"] == "infeasible"


def test_parts_of_two_local_days_take_their_share_each() -> None:
    """Proves: from noon to noon, 6 MWh before midnight at 10 and 6 after at 100: 660.

    Sensitivity: days cut by UTC give 615, one amount for the whole horizon 120.
    """
    pumps = {"kind": "flexible_load", "name": "pumps", "rate_limit": 3.0, "per_day": 12.0}
    noon = {"start": "2026-01-05T12:00+01:00", "zone": "Europe/Berlin", "length_h": 24, "step_min": 60}
    assert best(hub(pumps, horizon=noon, price=[10.0] * 12 + [100.0] * 12)) == pytest.approx(660)


def test_a_flexible_load_with_a_least_run() -> None:
    """Proves: full or off, at least two hours together, prices 10 and 100 in turn: 3 × 110 = 330. Sensitivity: 60."""
    crusher = {"kind": "flexible_load", "name": "crusher", "rate_limit": 3.0, "per_day": 6.0, "min_load": 1.0}
    prices = [10.0, 100.0] * 12
    assert best(hub({**crusher, "min_up_h": 2}, price=prices)) == pytest.approx(330)
    assert best(hub(crusher, price=prices)) == pytest.approx(60)


def test_more_than_a_day_holds_is_refused() -> None:
    """Proves: 80 MWh a day at 3 MW cannot be, which is reported when it is read. Sensitivity: found by the solver
    only."""
    pumps = {"kind": "flexible_load", "name": "pumps", "rate_limit": 3.0, "per_day": 80.0}
    with pytest.raises(ValueError, match="more than rate_limit 3 takes in 24 h"):
        hub(pumps)


def test_schedule_and_series_survive_netcdf(tmp_path: Path) -> None:
    """Proves: flows, levels and labels come back as they were, those without entries too. Sensitivity: text that has no
    entries comes back as numbers and no longer fits its table."""
    pump = {"kind": "heat_pump", "name": "pump", "heat": "heat", "electric_mw": 10, "cop": [2.0, 4.0]}
    scenario = hub(GAS, BOILER, pump, need(8.0, 8.0), price=[100.0] * 2)
    result = plan(scenario)
    for name, data, table in (("plan", result, SCHEDULE), ("inputs", scenario.inputs, INPUTS)):
        data.to_netcdf(tmp_path / f"{name}.nc")
        with xr.open_dataset(tmp_path / f"{name}.nc") as back:
            again = back.load()
        xr.testing.assert_equal(again, data)
        check(again, table)
    assert scenario.with_inputs(again).asset_series("pump")["outputs.0"].tolist() == [2.0, 4.0]


def test_a_carrier_that_nobody_can_deliver_is_reported_as_infeasible() -> None:
    """Proves: a demand without any source has no plan. Sensitivity: a balance left out would cost 0."""
    assert plan(hub(need(1.0), price=[100.0])).attrs["status"] == "infeasible"


def test_a_machine_written_out_takes_any_carriers() -> None:
    """Proves: per tonne of lime 1.1 MWh gas and 0.05 MWh power: 2 t cost 66 + 10. Sensitivity: shares swapped: 223."""
    kiln = {"kind": "converter", "name": "kiln", "carrier": "lime", "capacity": 5.0,
            "inputs": [{"carrier": "gas", "per_unit": 1.1}, {"carrier": "electricity", "per_unit": 0.05}]}  # fmt: skip
    scenario = hub(GAS, kiln, need(2.0, carrier="lime"), price=[100.0], more=[{"name": "lime", "unit": "t"}])
    assert best(scenario) == pytest.approx(76)
