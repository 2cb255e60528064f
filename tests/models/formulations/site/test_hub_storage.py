"""Stores on sites that are solved by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hubs import BOILER, ENVELOPE, GAS, amounts, best, hub, objective, plan

from emberline import models
from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.assets import read_flows
from emberline.models.formulations.site.dispatch import held_flows
from emberline.models.formulations.whole_site import build
from emberline.models.problem import site as sites
from emberline.models.search.first_goal import minimize_first
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.tariff.contracts import BaseBlock
from emberline.scenarios.tariff.record import Tariff

EMPTY: dict[str, Any] = {"level_share": 0.0}


def store(capacity: float = 10.0, carrier: str = "electricity", **how: Any) -> dict[str, Any]:
    return {"kind": "storage", "name": "store", "carrier": carrier, "capacity": capacity, **how}


def test_it_buys_when_cheap() -> None:
    """Proves: 8 MWh at 10 serve a load of 4 for two hours: 80. Sensitivity: without store 440."""
    assert best(hub(store(**EMPTY), price=[10.0, 100.0], base=4.0)) == pytest.approx(80)


def test_both_efficiencies_count() -> None:
    """Proves: 8.1 MWh out need 9 in store and 10 from the grid: 100. Sensitivity: one left out gives 90."""
    both = store(in_efficiency=0.9, out_efficiency=0.9, **EMPTY)
    assert best(hub(both, price=[10.0, 100.0], base=[0.0, 8.1])) == pytest.approx(100)


def test_rates_limit_it() -> None:
    """Proves: 3 MW in and 2 MW out: of 8 MWh it brings 2: 20 + 600. Sensitivity: limits left out 80."""
    slow = store(in_rate=3.0, out_rate=2.0, **EMPTY)
    assert best(hub(slow, price=[10.0, 100.0], base=[0.0, 8.0])) == pytest.approx(620)


@pytest.mark.parametrize("step", [60.0, 15.0])
def test_rates_are_per_hour(step: float) -> None:
    """Proves: the same 620 by quarters of an hour. Sensitivity: 2 MWh in each quarter would bring 8: 80."""
    slow = store(in_rate=3.0, out_rate=2.0, **EMPTY)
    assert best(hub(slow, price=[10.0, 100.0], base=[0.0, 8.0], step_min=step)) == pytest.approx(620)


def test_level_is_given_back_at_the_end() -> None:
    """Proves: half full at the start and at the end: the load of 5 is bought, 500. With an end of 0 it costs nothing.

    Sensitivity: a level that may be drained costs 0 in both.
    """
    assert best(hub(store(), price=[100.0], base=5.0)) == pytest.approx(500)
    assert best(hub(store(end_level_share=0.0), price=[100.0], base=5.0)) == pytest.approx(0)


@pytest.mark.parametrize("step", [60.0, 15.0])
def test_self_loss_is_per_hour(step: float) -> None:
    """Proves: at 10 % an hour a level of 50 is held by λ × 50 = 5.268 MW, λ = −ln 0.9, all the time, at any step:
    4 × 5.268 × 100 = 2107.2; with a hair less than that rate there is no plan.

    Sensitivity: a loss by step asks for 20.6 MW at 15 min; what is put in not decaying within the step asks for 4.3.
    """
    rate = -math.log(0.9) * 50
    lossy = store(100.0, self_loss_per_h=0.1, in_rate=rate * (1 + 1e-6))
    assert best(hub(lossy, price=100.0, step_min=step)) == pytest.approx(4 * rate * 100, rel=1e-5)
    assert plan(hub({**lossy, "in_rate": rate * 0.999}, price=100.0, step_min=step)).attrs["status"] == "infeasible"


@pytest.mark.parametrize("step", [60.0, 15.0])
def test_level_is_that_of_the_shared_physics(step: float) -> None:
    """Proves: 5 MW of waste heat for 4 h into an empty store that loses 10 % an hour: 5 × (1 − 0.9⁴)/λ = 16.32 MWh.

    Sensitivity: loss taken before, or after, what a step brings gives 15.5 or 17.2 by hour.
    """
    warm = {"kind": "source", "name": "hall", "carrier": "heat", "rate": 5.0}
    lossy = store(100.0, "heat", self_loss_per_h=0.1, **EMPTY)
    result = plan(hub(warm, lossy, price=100.0, step_min=step))
    level = float(result["asset_level"].sel(store="store")[-1])
    assert level == pytest.approx(5 * (1 - 0.9**4) / -math.log(0.9))
    assert level == pytest.approx(Storage(**{**lossy, "kind": "storage"}).after(0.0, 5.0, 0.0, 4.0))


def test_bands_are_kept() -> None:
    """Proves: between 20 and 90 % of 10 MWh only 7 can be moved: 70 + 100. Sensitivity: no upper band 80, none 80."""
    holder = store(lowest_share=0.2, highest_share=0.9, level_share=0.2)
    assert best(hub(holder, price=[10.0, 100.0], base=[0.0, 8.0])) == pytest.approx(170)


def test_a_gas_holder_saves_what_would_be_flared() -> None:
    """Proves: 10 MWh gas come at night when 4 are burned; 5 fit between the bands, 1 is flared at 20; by day the boiler
    takes 5 from the holder and 3 bought: 20 + 90.

    Sensitivity: without bands 10 fit: 60; without holder 6 flared, 8 bought: 360.
    """
    ovens = {"kind": "source", "name": "ovens", "carrier": "gas", "rate": [10.0, 0.0]}
    flare = {"kind": "flare", "name": "flare", "carrier": "gas", "cost_per_unit": 20.0}
    holder = store(10.0, "gas", lowest_share=0.2, highest_share=0.7, level_share=0.2)
    need = {"kind": "load", "name": "need", "carrier": "heat", "rate": [3.6, 7.2]}
    scenario = hub(GAS, ovens, flare, holder, BOILER, need, price=[100.0] * 2)
    assert best(scenario) == pytest.approx(110)


def test_wear_is_paid_for_what_comes_out() -> None:
    """Proves: 5 MWh out of 10 bought at 10 pay at a wear of 5 (100 + 25), not at 35 (250).

    Sensitivity: paid for what goes in 150.
    """
    for wear, cost in ((5, 125), (35, 250)):
        worn = store(wear_cost_per_unit=wear, out_efficiency=0.5, **EMPTY)
        assert best(hub(worn, price=[10.0, 50.0], base=[0.0, 5.0])) == pytest.approx(cost)


def test_only_the_difference_of_a_lossless_store_is_unique() -> None:
    """Proves: what a solver adds to both ways of a store without loss is taken off. Sensitivity: flows of 5 more."""
    scenario = hub(store(**EMPTY), price=[10.0, 100.0], base=4.0)
    data = sites.read(scenario, ENVELOPE)
    result = build(data, aims.read(scenario, data, {}, 0.0))
    assert result.program.run(work=10).has_solution
    assert result.ports.hub is not None
    case = result.model.site.hub.asset[0]
    before = {key: amount.copy() for key, amount in read_flows(result.ports.hub).amounts.items()}
    for variable in (case.put_in[0], case.put_out[0]):
        variable.set_value(variable.value + 5.0)
    for key, amount in read_flows(result.ports.hub).amounts.items():
        assert amount == pytest.approx(before[key])


def test_a_battery_cannot_burn_power_at_negative_prices() -> None:
    """Proves: full at both ends it can take nothing: 0. Two pipes at 50 % each way burn 3 of 4 MWh: −150.

    Sensitivity: charge and discharge together allowed give −150 in both.
    """
    full = store(level_share=1.0, in_efficiency=0.5, out_efficiency=0.5, in_rate=4.0)
    assert best(hub(full, price=[-50.0])) == pytest.approx(0)
    assert best(hub({**full, "both_ways": True}, price=[-50.0])) == pytest.approx(-150)


def test_a_heat_store_cannot_burn_heat_that_is_in_the_way() -> None:
    """Proves: 5 MWh must go somewhere; a store for 1 at 50 % each way cannot, with two pipes it can burn them.

    Sensitivity: filling and emptying together allowed has a plan in both.
    """
    warm = {"kind": "source", "name": "hall", "carrier": "heat", "rate": 5.0}
    lossy = store(1.0, "heat", in_efficiency=0.5, out_efficiency=0.5, **EMPTY)
    assert plan(hub(warm, lossy, price=[100.0])).attrs["status"] == "infeasible"
    assert best(hub(warm, {**lossy, "both_ways": True}, price=[100.0])) == pytest.approx(0)


def test_only_slots_that_burn_get_whole_numbers() -> None:
    """Proves: with heat in the way in the first of two hours, sold at 10 € in the second, a store of 4 MWh at 50 % each
    way takes 8 of 10 MWh, gives back 2, and the flare takes 2 at 1 €: 2 − 20 = −18.

    Sensitivity: burned in the store for nothing it would cost nothing and earn 20.
    """
    warm = {"kind": "source", "name": "hall", "carrier": "heat", "rate": [10.0, 0.0]}
    flare = {"kind": "flare", "name": "roof", "carrier": "heat", "cost_per_unit": 1.0}
    sale = {"kind": "sale", "name": "town", "carrier": "heat", "price_per_unit": [0.0, 10.0]}
    lossy = store(4.0, "heat", in_efficiency=0.5, out_efficiency=0.5, **EMPTY)
    result = plan(hub(warm, flare, {**sale, "rate_limit": 10.0}, lossy, price=[100.0] * 2))
    # the sale takes in the first hour what nobody pays for
    assert result.attrs["objective"] == pytest.approx(-20)
    town = {**sale, "rate_limit": 2.0}
    result = plan(hub(warm, flare, {**town, "price_per_unit": [-5.0, 10.0]}, lossy, price=[100.0] * 2))
    assert result.attrs["objective"] == pytest.approx(-18)
    assert amounts(result, "roof") == [-2.0, 0.0]
    assert amounts(result, "store", "in") == [-8.0, 0.0]


def test_a_plan_that_burns_is_mended_when_the_time_is_over() -> None:
    """Proves: where the best plan of the whole time burns heat in a store, the last round has the seconds it needs: the
    store takes 2 MWh, the flare 3 at 1 €: 3. Sensitivity: without them there is no plan within the limit."""
    warm = {"kind": "source", "name": "hall", "carrier": "heat", "rate": 5.0}
    flare = {"kind": "flare", "name": "roof", "carrier": "heat", "cost_per_unit": 1.0}
    lossy = store(1.0, "heat", in_efficiency=0.5, out_efficiency=0.5, **EMPTY)
    case = hub(warm, flare, lossy, price=[100.0])
    data = sites.read(case, ENVELOPE)
    aim = aims.read(case, data, {}, 0.0)
    clock = iter([60.0, 60.0, *[0.0] * 20])
    _, outcome = minimize_first(data, aim, None, lambda: next(clock), {"build": 0.0, "first goal": 0.0}, gap=1e-9)
    assert outcome.has_solution
    assert outcome.objective == pytest.approx(3)


def test_battery_of_the_site_and_store_of_the_hub_are_one_thing() -> None:
    """Proves: the same battery written as ``site.battery`` and as an asset: 110. Sensitivity: other losses differ."""
    asset = store(6.0, in_rate=5.0, out_rate=5.0, in_efficiency=0.9, out_efficiency=0.9, **EMPTY)
    battery = {"energy_mwh": 6.0, "power_mw": 5.0, "charge_efficiency": 0.9, "discharge_efficiency": 0.9,
               "level_share": 0.0}  # fmt: skip
    idle = {"kind": "pv", "name": "roof", "peak_mw": 0.0, "capacity_factor": 0.0}
    one = best(hub(asset, price=[10.0, 100.0], base=[0.0, 4.05 + 0.6]))
    other = best(hub(idle, price=[10.0, 100.0], base=[0.0, 4.05 + 0.6], battery=battery))
    assert one == pytest.approx(other)
    assert one == pytest.approx(10 * 5 + 100 * 0.6)


def test_a_store_without_assets_or_line_is_planned_too() -> None:
    """Proves: a site of base load and battery alone, no hub: 5 MWh in at 10, 4.05 out: 50 + 60. Sensitivity: 465."""
    battery = {"energy_mwh": 6.0, "power_mw": 5.0, "charge_efficiency": 0.9, "discharge_efficiency": 0.9,
               "level_share": 0.0}  # fmt: skip
    assert best(hub(price=[10.0, 100.0], base=[0.0, 4.65], battery=battery)) == pytest.approx(110)
    assert best(hub(price=[10.0, 100.0], base=[0.0, 4.65])) == pytest.approx(465)


BATTERY: dict[str, Any] = {
    "energy_mwh": 4.0, "power_mw": 4.0, "charge_efficiency": 0.9, "discharge_efficiency": 0.9, "level_share": 0.5,
}  # fmt: skip


def test_a_battery_is_not_emptied_by_burning_before_a_price_pays() -> None:
    """Proves: two hours of 0.2 MW empty a battery from 2 to 1.556 MWh, so that at −100 it takes 2.444/0.9 MWh: −291.6.

    Sensitivity: charged and discharged at once at +50 it would be empty: −420."""
    built = hub(price=[50.0, 50.0, -100.0, 50.0], base=0.2, battery=BATTERY)
    result = plan(built)
    assert objective(built, result) == pytest.approx(-100 * (0.2 + (4 - 2 + 0.4 / 0.9) / 0.9))
    assert (np.minimum(result["charge_mw"], result["discharge_mw"]) == 0).all()


MARKETS: dict[str, dict[str, Any]] = {
    "a block that loses more than the price where it is not used": {
        "contracts": (
            BaseBlock(kind="base_block", name="base", mw={"value": 2.0}, price_per_mwh=0.0, unused_spread_per_mwh=60.0),
        )
    },
    "a levy that pays": {"tariff": Tariff(name="net", levies=({"name": "levy", "per_mwh": -60.0},))},
    "a negative price": {},
}


@pytest.mark.parametrize("reason", MARKETS)
def test_a_full_battery_is_not_emptied_by_burning_whatever_pays(reason: str) -> None:
    """Proves: a full battery without a load takes nothing, though a MWh imported in the second hour earns 10.

    Sensitivity: emptied by charging and discharging at once in the first, at +50, it would fill in the second."""
    second = 50.0 if MARKETS[reason] else -10.0
    built = hub(price=[50.0, second], battery=BATTERY | {"level_share": 1.0})
    built = built.model_copy(update={"market": built.market.model_copy(update=MARKETS[reason])})
    result = models.optimize(built, ENVELOPE)
    assert result.attrs["status"] == "within gap"
    assert (np.minimum(result["charge_mw"], result["discharge_mw"]) == 0).all()
    assert float(result["import_mw"].sum()) == pytest.approx(0, abs=1e-6)


def test_a_source_in_the_way_empties_no_battery() -> None:
    """Proves: a source of 2 MW in the second hour, without export, has no place in a full battery: no plan.

    Sensitivity: emptied by burning in the first hour, it has a plan."""
    sun = {"kind": "source", "name": "stack", "carrier": "electricity", "rate": [0.0, 2.0]}
    full = BATTERY | {"level_share": 1.0, "end_level_share": 0.0}
    assert plan(hub(sun, price=[50.0, 50.0], battery=full)).attrs["status"] == "infeasible"
    assert plan(hub(sun, price=[50.0, 50.0], battery=full, base=[1.8, 0.0])).attrs["found"]


def test_whole_numbers_only_until_the_last_slot_that_pays() -> None:
    """Proves: a battery has no whole number where no price is negative, and with one negative price none after it.

    Sensitivity: whole numbers in all slots make a year of hours a program that does not end in its time."""
    for price, count in (([50.0, 0.0, 20.0, 50.0], 0), ([50.0, -1.0, 20.0, 50.0], 2)):
        data = sites.read(hub(price=price, base=1.0, battery=BATTERY), ENVELOPE)
        assert len(data.wasting) == count
        result = build(data, aims.read(hub(price=price, base=1.0, battery=BATTERY), data, {}, 0.0))
        assert result.program.whole == bool(count)
        assert len(result.model.site.component("ONE_WAY") or ()) == count


def test_sun_that_is_curtailed_goes_in_no_circle() -> None:
    """Proves: where sun is curtailed anyway, what a solver sends through a battery in a circle is taken off, and less
    sun is used; levels stay.

    Sensitivity: 1 MWh more in and 0.81 out break nothing in the balance, and no battery can do it."""
    built = hub(price=[50.0, 50.0], base=1.0, pv={"peak_mw": 5.0, "capacity_factor": 1.0}, battery=BATTERY)
    data = sites.read(built, ENVELOPE)
    result = build(data, aims.read(built, data, {}, 0.0), one_way_slots=set())
    assert result.program.run(work=10).has_solution
    site = result.model.site
    for t in range(2):
        through = (1.0 - max(site.put_in[t].value, 0.0), 0.81 - max(site.put_out[t].value, 0.0))
        site.put_in[t].set_value(site.put_in[t].value + through[0])
        site.put_out[t].set_value(site.put_out[t].value + through[1])
        site.pv[t].set_value(1.19)
        site.imports[t].set_value(0.0)
    flows = held_flows(site, data, result.ports, np.zeros(8))
    assert (np.minimum(flows.charge, flows.discharge) == 0).all()
    assert flows.pv == pytest.approx(1.0)
