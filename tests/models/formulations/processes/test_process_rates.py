"""Rates, power, fuels, stores and stops of processes, on plants that are solved by hand.

A mill draws 100 kWh/t unless given otherwise: 10 t/h are 1 MW. Stock beyond what is wanted is not credited.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from enumerated import best, envelope, optimum, works

from emberline import models
from emberline.scenarios import Case

MILL: dict[str, Any] = {"name": "mill", "kwh_per_t": 100.0, "outputs": [{"store": "meal"}]}
RANGE = {"low": 10.0, "high": 30.0}
BENDS_UP = [{"rate_tph": r, "power_mw": mw} for r, mw in ((10.0, 1.0), (20.0, 3.0), (30.0, 7.0))]
BENDS_DOWN = [{"rate_tph": r, "power_mw": mw} for r, mw in ((10.0, 3.0), (20.0, 5.0), (30.0, 6.0))]
FROM_NOUGHT = [{"rate_tph": r, "power_mw": mw} for r, mw in ((0.0, 0.5), (10.0, 1.0), (20.0, 3.0))]


def meal(target: float = 0.0, capacity: float = 1000.0, level: float = 0.0, **how: Any) -> dict[str, Any]:
    return {"name": "meal", "capacity_t": capacity, "level_t": level, "end_level_t": target, **how}


def mill(price: Any, store: dict[str, Any], **how: Any) -> Case:
    """A works of one mill; what does not belong to the mill itself goes on to the scenario (``away``: outages)."""
    named = ("step_min", "deliveries", "arrivals", "site", "hours")
    table = {name: how.pop(name) for name in named if name in how}
    table["goal"] = {"credit_stock": False, **how.pop("goal", {})}
    table["state"] = {"outages": how.pop("away", [])}
    base = {name: value for name, value in MILL.items() if not (name == "kwh_per_t" and "power_by_rate" in how)}
    return works([base | how], [store], price=price, **table)


def test_a_rate_stays_within_its_limits() -> None:
    """Proves: it must run at 10 t/h at least: 10 t at 100 and 20 t at 10: 120. Sensitivity: no least rate: 30."""
    assert best(mill([100.0, 10.0], meal(30.0), rate=RANGE, must_run=True)) == pytest.approx(120)


def test_a_rate_may_reach_its_highest_only() -> None:
    """Proves: 30 of 40 t in the cheap hour: 30 + 100. Sensitivity: no highest rate: 40."""
    assert best(mill([100.0, 10.0], meal(40.0), rate=RANGE)) == pytest.approx(130)


def test_a_ramp_binds_both_ways() -> None:
    """Proves: from 10 t/h by 10 an hour: 20, 30, 20, 10: 50 t at 10 and 30 t at 100: 350. Sensitivity: up only: 260 is
    what no ramp costs (30, 30, 10, 10)."""
    how = {"rate": RANGE, "must_run": True, "state": {"mode": "mill", "rate_tph": 10.0}}
    result = optimum(mill([10.0, 10.0, 100.0, 100.0], meal(80.0), ramp_tph_per_h=10.0, **how))
    assert result.attrs["objective"] == pytest.approx(350)
    assert result["process_tph"].values[0] == pytest.approx([20, 30, 20, 10])
    assert best(mill([10.0, 10.0, 100.0, 100.0], meal(80.0), **how)) == pytest.approx(260)


def test_a_ramp_is_by_hour_not_by_step() -> None:
    """Proves: by quarters of an hour from 10 t/h by 2.5: 12.5, 15, 17.5, 20. Sensitivity: by step 20, 30, 30, 30."""
    result = optimum(mill([-1.0] * 4, meal(), rate=RANGE, must_run=True, ramp_tph_per_h=10.0, step_min=15.0,
                         state={"mode": "mill", "rate_tph": 10.0}))  # fmt: skip
    assert result["process_tph"].values[0] == pytest.approx([12.5, 15, 17.5, 20])


def test_a_run_begins_and_ends_at_any_rate() -> None:
    """Proves: with a ramp of 1 t/h it makes 30 t in the one cheap hour: 30. Sensitivity: a ramp from zero: 1 t/h."""
    assert best(mill([100.0, 10.0, 100.0], meal(30.0), rate=RANGE, ramp_tph_per_h=1.0)) == pytest.approx(30)


def test_power_that_bends_up_is_spread() -> None:
    """Proves: 40 t in two hours at one price: 20 and 20, 3 MW each: 60; where the first costs a third, 30 and 10: 7 ×
    10 + 1 × 30. Sensitivity: one slope: 40 t take 8 MWh however they are spread: 80."""
    how = {"rate": RANGE, "power_by_rate": BENDS_UP, "must_run": True}
    assert best(mill([10.0, 10.0], meal(40.0), **how)) == pytest.approx(60)
    assert best(mill([10.0, 30.0], meal(40.0), **how)) == pytest.approx(100)


def test_power_that_bends_down_is_not() -> None:
    """Proves: 40 t in two hours at one price: 30 and 10: 6 + 3 MWh: 90. Sensitivity: filled from the cheap end: 70."""
    assert best(mill([10.0, 10.0], meal(40.0), rate=RANGE, power_by_rate=BENDS_DOWN, must_run=True)) == pytest.approx(
        90
    )


@pytest.mark.parametrize(("curve", "mwh"), [(BENDS_UP, 2.0), (BENDS_DOWN, 4.0)])
def test_at_a_negative_price_power_is_still_that_of_the_rate(curve: list[dict[str, float]], mwh: float) -> None:
    """Proves: there is room for 15 t, which take 2 MWh (4 where power bends down). Sensitivity: filled from the dear
    end they would take 3 (and 5)."""
    result = optimum(mill([-10.0], meal(capacity=15.0), rate=RANGE, power_by_rate=curve))
    assert result.attrs["objective"] == pytest.approx(-10 * mwh)
    assert result["process_mw"].values.tolist() == [[pytest.approx(mwh)]]
    assert result["line_mw"].values.tolist() == [pytest.approx(mwh)]


def test_counted_units_burn_no_more_than_they_can_and_no_less() -> None:
    """Proves: two mills at a negative price run at 20 t/h, 3 MW each: −600; with room for 20 t one runs at 20 and one
    at 0 t/h: 3.5 MWh. Sensitivity: counted with one order for both they stop at 15 t/h: −400; alike rates draw 2
    MWh."""
    how = {"rate": {"low": 0.0, "high": 20.0}, "power_by_rate": FROM_NOUGHT, "count": 2}
    assert best(mill([-100.0], meal(), **how)) == pytest.approx(-600)
    result = optimum(mill([-100.0], meal(capacity=20.0), **how))
    assert result.attrs["objective"] == pytest.approx(-350)
    assert sorted(result["process_mw"].values[:, 0]) == pytest.approx([0.5, 3.0])


@pytest.mark.parametrize(("daily", "mwh"), [(27.0, 4.5), (33.0, None)])
def test_daily_energy_is_that_of_the_rates(daily: float, mwh: float | None) -> None:
    """Proves: four hours of a day owe a sixth of its energy: 27 MWh are just drawn with 20 t in one hour and none in
    three (3 + 3 × 0.5 MWh); 33 cannot be drawn with room for 20 t. Sensitivity: power not bound to that of the
    rate."""
    how = {
        "rate": {"low": 0.0, "high": 20.0},
        "power_by_rate": FROM_NOUGHT,
        "must_run": True,
        "daily_energy_mwh": daily,
    }
    value = best(mill([10.0] * 4, meal(capacity=20.0), **how))
    assert value == (None if mwh is None else pytest.approx(10 * mwh))


def test_daily_energy_is_kept_on_each_local_day() -> None:
    """Proves: of 24 MWh a day 2 are drawn in the two hours before local midnight and 2 in those after, in the cheaper
    one of each. Sensitivity: days of UTC: 2, 0, 1 and 1."""
    horizon = {"start": "2026-01-05T21:00+00:00", "zone": "Europe/Berlin", "length_h": 4, "step_min": 60}
    process = MILL | {"rate": {"low": 0.0, "high": 20.0}, "daily_energy_mwh": 24.0, "must_run": True}
    result = optimum(works([process], [meal()], price=[10.0, 90.0, 50.0, 70.0], horizon=horizon))
    assert result["process_mw"].values[0] == pytest.approx([2, 0, 2, 0], abs=1e-6)


def test_what_must_run_does_not_stop() -> None:
    """Proves: it makes 10 t in each dear hour though nobody wants them: 300. Sensitivity: free to stop: 0."""
    assert best(mill([100.0] * 3, meal(), rate=10.0, must_run=True)) == pytest.approx(300)
    assert best(mill([100.0] * 3, meal(), rate=10.0)) == pytest.approx(0)


PRICES = [10.0, 50.0, 60.0, 10.0, 10.0]


@pytest.mark.parametrize(
    ("limits", "start_up", "cost"),
    [
        ({}, {}, 30.0),
        ({}, {"hours": 1.0}, 20.0),
        ({}, {"hours": 1.0, "energy_mwh": 3.0}, 20.0 + 30.0),
        ({"earliest": "2 h"}, {}, 70.0),
        ({"latest": "30 min"}, {}, 80.0),
    ],
)
def test_a_planned_stop_falls_on_the_dearest_hours(
    limits: dict[str, str], start_up: dict[str, float], cost: float
) -> None:
    """Proves: two hours without product at 50 and 60, and the hour of the start-up after them; within their limits
    later (60 and 10 are saved) or at once (10 and 50). Sensitivity: a free stop, or one of another length."""
    stop = {"hours": 2.0, **limits}
    how = {"rate": 10.0, "must_run": True, "planned_stop": stop, "start_up": start_up}
    assert best(mill(PRICES, meal(), **how)) == pytest.approx(cost)


def test_an_outage_takes_whole_steps() -> None:
    """Proves: half an hour of repair takes the cheapest hour: 10 t at 50. Sensitivity: not seen: 1; by share: 25.5."""
    away = [{"unit": "mill", "start": "0 h", "end": "30 min"}]
    assert best(mill([1.0, 50.0, 60.0], meal(10.0), rate=10.0, away=away)) == pytest.approx(50)


def test_what_must_run_stands_in_an_outage() -> None:
    """Proves: two of four hours are left: 10 + 40. Sensitivity: no plan, or the start-up's hour not counted: 10 +
    30."""
    away = [{"unit": "mill", "start": "1 h", "end": "2 h"}]
    how = {"rate": 10.0, "must_run": True, "start_up": {"hours": 1.0}, "away": away}
    assert best(mill([10.0, 20.0, 30.0, 40.0], meal(), **how)) == pytest.approx(50)


def test_planned_rates_leave_room_for_spread() -> None:
    """Proves: at 90 % of the highest rate 27 t fit in the cheap hour, 13 in the other: 27 + 130. Sensitivity: 130."""
    scenario = mill([100.0, 10.0], meal(40.0), rate=RANGE)
    text = envelope(scenario).assign(process_planned=("process", np.array([0.9])))
    assert models.optimize(scenario, text).attrs["objective"] == pytest.approx(157)


COAL = {"kind": "supply", "name": "coal yard", "carrier": "coal", "price_per_unit": 14.0, "fossil_kg_per_unit": 340.0}
RDF = {"kind": "supply", "name": "rdf hall", "carrier": "rdf", "price_per_unit": 5.0, "fossil_kg_per_unit": 100.0}
FUELS = [
    {"carrier": "coal", "share": 0.6, "least": 0.3, "most": 0.9},
    {"carrier": "rdf", "share": 0.4, "most": 0.6},
]


def kiln(*supplies: dict[str, Any], **how: Any) -> Case:
    """A kiln that takes a MWh of heat for each of 50 t/h, in two hours."""
    site = {"carriers": [{"name": "coal"}, {"name": "rdf"}], "assets": list(supplies)}
    heat = {"gj_per_t": 3.6, "fuels": FUELS}
    return mill([0.0, 0.0], meal(100.0), rate=50.0, heat=heat, site=site, kwh_per_t=0.0, **how)


def test_the_fuel_mix_is_free_within_its_limits() -> None:
    """Proves: 60 of 100 MWh from the cheap fuel: 300 + 560; with 40 in stock 200 + 840. Sensitivity: usual shares: 1040
    in both."""
    assert best(kiln(COAL, RDF)) == pytest.approx(860)
    assert best(kiln(COAL, RDF | {"horizon_limit": 40.0})) == pytest.approx(1040)


def test_a_dear_fuel_keeps_what_the_other_may_not_take() -> None:
    """Proves: where rdf costs 50 coal takes its most, 90 % of each hour: 90 × 14 + 10 × 50. Sensitivity: no most:
    1400."""
    assert best(kiln(COAL, RDF | {"price_per_unit": 50.0})) == pytest.approx(1760)


def test_start_up_heat_is_by_the_usual_mix() -> None:
    """Proves: 36 GJ are 10 MWh: 6 of coal and 4 of rdf besides the free mix: 860 + 84 + 20. Sensitivity: in the mix:
    930."""
    assert best(kiln(COAL, RDF, start_up={"heat_gj": 36.0})) == pytest.approx(964)


def test_carriers_besides_fuels_are_paid_and_counted() -> None:
    """Proves: half a MWh of coal for each tonne as an input, 50 MWh at 14, in addition to 100 MWh of heat. Sensitivity:
    860."""
    assert best(kiln(COAL, RDF, inputs=[{"carrier": "coal", "per_t": 0.5}])) == pytest.approx(860 + 700)


def test_process_emissions_that_no_plan_avoids_are_left_out() -> None:
    """Proves: 20 t at 500 kg/t are a constant of 10 t; what is decided is the grid's carbon, 2 MWh at 300 kg.

    Sensitivity: with the constant in it the objective is eighteen times as large, and a gap tells nothing."""
    result = optimum(mill(0.0, meal(20.0), goal={"minimize": "carbon"}, rate=10.0, hours=3.0,
                         emissions=[{"source": "calcination", "kg_per_t": 500.0}]))  # fmt: skip
    assert result.attrs["constant"] == pytest.approx(10_000, rel=1e-6)
    assert result.attrs["objective"] == pytest.approx(600, rel=1e-4)


def test_a_store_that_nobody_fills_is_no_plan() -> None:
    """Proves: 20 t/h leave a store of 30 t that no process fills, next to a mill with process emissions: infeasible is
    reported. Sensitivity: the balance behind the constant is taken for a mistake in the model, and the search ends with
    it."""
    gravel = {"name": "gravel", "capacity_t": 30.0, "level_t": 30.0, "end_level_t": 0.0}
    process = MILL | {"rate": 10.0, "emissions": [{"source": "calcination", "kg_per_t": 500.0}]}
    trucks = [{"name": "trucks", "store": "gravel", "rate": 20.0}]
    assert best(works([process], [meal(10.0), gravel], price=[1.0] * 2, deliveries=trucks)) is None
    assert best(works([process], [meal(10.0), gravel], price=[1.0], deliveries=trucks)) == pytest.approx(1)


def test_an_order_is_loaded_when_the_store_lets_it() -> None:
    """Proves: 20 t, 10 an hour, from 1 h to 3 h, with room for 10 t: made at 1 before and at 20 in the last hour: 21;
    due an hour later the dear one gives way to 5. Sensitivity: loaded at once, or as fast as it likes: no plan, 25."""
    order = {"name": "ship", "store": "meal", "amount_t": 20.0, "release": "1 h", "due": "3 h", "loading_tph": 10.0}
    price = [1.0, 50.0, 20.0, 5.0]
    result = optimum(mill(price, meal(capacity=10.0), rate=10.0, deliveries=[order]))
    assert result.attrs["objective"] == pytest.approx(21)
    assert result["delivered_t"].values.tolist() == [[0, pytest.approx(10), pytest.approx(10), 0]]
    assert best(mill(price, meal(capacity=10.0), rate=10.0, deliveries=[order | {"due": "4 h"}])) == pytest.approx(6)


def test_arrivals_make_it_run() -> None:
    """Proves: 5 t/h come into a full store of 10 t, so that it takes 10 t in the first or second hour at the latest,
    and again: 10 and 10 (hours 0 and 2). Sensitivity: arrivals that may be refused: 0."""
    pit = {"name": "pit", "capacity_t": 10.0, "level_t": 10.0, "end_level_t": 0.0}
    taking = MILL | {"rate": 10.0, "inputs": [{"store": "pit"}]}
    scenario = works([taking], [pit, meal()], price=[10.0, 40.0, 10.0, 40.0], goal={"credit_stock": False},
                     arrivals=[{"name": "train", "store": "pit", "rate": 5.0}])  # fmt: skip
    assert best(scenario) == pytest.approx(20)


@pytest.mark.parametrize("step", [60.0, 15.0])
def test_a_store_that_loses_follows_the_closed_form(step: float) -> None:
    """Proves: after two hours of 10 t/h, 3 of them leaving, 100 t with a loss of 10 % an hour are L·0.9² + 7·(1 −
    0.9²)/−ln 0.9, whatever the step. Sensitivity: the loss taken at the end of each step: another level for each."""
    trucks = [{"name": "trucks", "store": "meal", "rate": 3.0}]
    how = {"rate": 10.0, "must_run": True, "deliveries": trucks, "step_min": step, "hours": 2.0}
    result = optimum(mill(10.0, meal(level=100.0, loss_per_h=0.1), **how))
    expected = 100 * 0.81 + 7 * (1 - 0.81) / -math.log(0.9)
    assert result["stock_t"].values[0, -1] == pytest.approx(expected)
    change = 100 + result["stock_in_t"].sum() - result["stock_out_t"].sum() - result["stock_lost_t"].sum()
    assert float(change) == pytest.approx(expected)


@pytest.mark.parametrize("step", [60.0, 15.0])
def test_the_optimum_does_not_depend_on_the_step(step: float) -> None:
    """Proves: 30 t in the last three of six hours with one start-up of 2 MWh at 10: 65 + 20. Sensitivity: hours taken
    for steps; a start-up whose energy is spread over a step of whatever length."""
    price = np.repeat([30.0, 20.0, 50.0, 10.0, 15.0, 40.0], round(60 / step)).tolist()
    how = {"rate": 10.0, "min_run_h": 1.0, "start_up": {"energy_mwh": 2.0}, "step_min": step}
    assert best(mill(price, meal(30.0), **how)) == pytest.approx(85)


@pytest.mark.parametrize("low", [0.0, 10.0])
def test_off_spec_product_is_made_of_what_is_made(low: float) -> None:
    """Proves: a run that loses its first 15 t takes nothing out of the store for them, though 5 t/h come into a full
    one: no plan. Sensitivity: off-spec product beyond the rate counts as taken from the store, and makes room."""
    how = {"rate": {"low": low, "high": 20.0}, "min_run_h": 2.0, "start_up": {"off_spec_t": 15.0}}
    come = [{"name": "train", "store": "meal", "rate": 5.0}]
    assert best(mill([50.0, 50.0], meal(capacity=50.0, level=50.0), arrivals=come, **how)) is None
    # paid to start up next to one that runs, it makes 20 t/h of the two, and the other none
    leave = [{"name": "trucks", "store": "meal", "rate": 5.0}]
    how |= {"start_up": {"off_spec_t": 15.0, "energy_mwh": 5.0}, "power_mw": 0.5, "state": [{"mode": "mill"}, {}]}
    result = optimum(mill([-50.0, 50.0], meal(capacity=50.0, level=50.0), deliveries=leave, count=2, **how))
    assert float(result["off_spec_tph"].max()) == pytest.approx(15.0 if low == 0 else 10.0)
    assert (result["process_tph"] >= result["off_spec_tph"] - 1e-9).all()


def test_off_spec_product_ends_with_an_outage() -> None:
    """Proves: a run that an outage ends after 2 of 3 h of off-spec product may be made for the price, 2 h at −100: what
    it had still to lose is not taken from the store. Sensitivity: 10 t lost in the third hour, of 5 t there."""
    mill = {"name": "mill", "rate": 10.0, "power_mw": 1.0, "min_run_h": 3.0, "start_up": {"off_spec_t": 30.0},
            "outputs": [{"store": "S"}]}  # fmt: skip
    shop = {"name": "S", "capacity_t": 100.0, "level_t": 5.0, "end_level_t": 0.0}
    away = {"outages": [{"unit": "mill", "start": "2 h", "end": "2.5 h"}]}
    scenario = works(
        [mill], [shop], price=[-100.0, -100.0, 50.0, 50.0, 50.0], state=away, goal={"credit_stock": False}
    )  # fmt: skip
    assert best(scenario) == pytest.approx(-200.0)
