"""Carbon of fuels and heat bought, its price, caps and order of goals, on sites that are solved by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hubs import BOILER, ELECTRODE, GAS, amounts, best, hub, plan

from emberline.scenarios.flows.asset_flows import accounts

NEED = {"kind": "load", "name": "need", "carrier": "heat", "rate": 9.0}
PRICED = "cost_with_carbon_price"
STEAM = {"kind": "supply", "name": "steam", "carrier": "heat", "price_per_unit": 40.0, "fossil_kg_per_unit": 100.0,
         "scope": 2}  # fmt: skip


def pair(**how: Any) -> Any:
    return hub(GAS, BOILER, ELECTRODE, NEED, price=how.pop("price", [45.0]), **how)


def test_carbon_price_on_fuel_turns_the_choice() -> None:
    """Proves: gas with 0.2 t at 70 € costs 44/0.9 = 48.9 a MWh of heat, power 45: 405. Without the price: 300.

    Sensitivity: price on the heat instead of the fuel 47.3, on no fuel 300.
    """
    assert best(pair(minimize=PRICED, carbon={"per_t": 70})) == pytest.approx(405)
    assert best(pair(minimize="cost", carbon={"per_t": 70})) == pytest.approx(300)


def test_carbon_price_is_paid_on_what_is_burned() -> None:
    """Proves: at 50 €/t: 10 MWh × (30 + 10) = 400. Sensitivity: kg for t gives 10 300."""
    assert best(pair(minimize=PRICED, carbon={"per_t": 50})) == pytest.approx(400)


def test_free_allocation_lowers_the_price() -> None:
    """Proves: half of it free: 10 × (30 + 0.5 × 70 × 0.2) = 370. Sensitivity: ignored, power is taken: 405."""
    assert best(pair(minimize=PRICED, carbon={"per_t": 70, "free_share": 0.5})) == pytest.approx(370)


def test_a_price_on_all_counts_power_too() -> None:
    """Proves: power at 300 kg and 70 €/t costs 66 > 48.9 of gas: 9 × 48.9 = 440. Sensitivity: direct only: 405."""
    assert best(pair(minimize=PRICED, carbon={"per_t": 70, "covers": "all"})) == pytest.approx(440)


def test_least_carbon_weighs_fuel_against_the_grid() -> None:
    """Proves: gas 222 kg a MWh of heat, grid 300 or 100: 2000 kg or 900 kg. Sensitivity: fuel left out: 0 kg."""
    assert best(pair(minimize="carbon", intensity=300.0)) == pytest.approx(2000)
    assert best(pair(minimize="carbon", intensity=100.0)) == pytest.approx(900)


def test_biogenic_carbon_is_separate_and_free() -> None:
    """Proves: wood at 60 € emits no fossil carbon: least carbon takes it, priced carbon does not count it, and its
    4000 kg are reported.

    Sensitivity: counted it would be 4000 kg against 2000 of gas.
    """
    wood = {"kind": "supply", "name": "wood", "carrier": "gas", "price_per_unit": 60.0, "biogenic_kg_per_unit": 400.0}
    scenario = hub(GAS, wood, BOILER, NEED, price=[100.0], minimize="carbon")
    result = plan(scenario)
    assert result.attrs["objective"] == pytest.approx(0)
    part = {account.asset: account for account in accounts(scenario, result)}["wood"]
    assert part.totals["scope1_biogenic_kg"] == pytest.approx(4000)
    assert part.totals["scope1_kg"] == 0
    assert best(hub(GAS, wood, BOILER, NEED, price=[100.0], minimize=PRICED, carbon={"per_t": 200})) == pytest.approx(
        600
    )


def test_heat_bought_is_scope_two() -> None:
    """Proves: 9 MWh at 40 with 100 kg: a direct scheme leaves 360, one on all adds 9 × 0.1 × 50 = 45.

    Sensitivity: taken for scope 1 both cost 405; with clean heat at 42 a price where none is due chooses that: 378.
    """
    assert best(hub(STEAM, NEED, price=[100.0], minimize=PRICED, carbon={"per_t": 50})) == pytest.approx(360)
    every = {"per_t": 50, "covers": "all"}
    assert best(hub(STEAM, NEED, price=[100.0], minimize=PRICED, carbon=every)) == pytest.approx(405)
    wood = {"kind": "supply", "name": "wood", "carrier": "heat", "price_per_unit": 42.0}
    assert best(hub(STEAM, wood, NEED, price=[100.0], minimize=PRICED, carbon={"per_t": 50})) == pytest.approx(360)
    assert best(hub(STEAM, wood, NEED, price=[100.0], minimize=PRICED, carbon=every)) == pytest.approx(378)
    scenario = hub(STEAM, NEED, price=[100.0], minimize="carbon")
    result = plan(scenario)
    assert result.attrs["objective"] == pytest.approx(900)
    assert sum(account.totals["scope2_kg"] for account in accounts(scenario, result)) == pytest.approx(900)


def test_a_flare_emits() -> None:
    """Proves: 4 MWh of by-product gas flared at 200 kg: 800 kg. Sensitivity: factor left out: 0."""
    ovens = {"kind": "source", "name": "ovens", "carrier": "gas", "rate": 4.0}
    flare = {"kind": "flare", "name": "flare", "carrier": "gas", "fossil_kg_per_unit": 200.0}
    assert best(hub(ovens, flare, price=[100.0], minimize="carbon")) == pytest.approx(800)


def test_a_machine_emits_by_its_main_flow() -> None:
    """Proves: a lime kiln gives off 785 kg a tonne in addition to its fuel: 2 × 785 + 2.2 × 200. Sensitivity: without:
    440."""
    kiln = {"kind": "converter", "name": "kiln", "carrier": "lime", "capacity": 5.0, "fossil_kg_per_unit": 785.0,
            "inputs": [{"carrier": "gas", "per_unit": 1.1}]}  # fmt: skip
    need = {"kind": "load", "name": "need", "carrier": "lime", "rate": 2.0}
    scenario = hub(GAS, kiln, need, price=[100.0], minimize="carbon", more=[{"name": "lime", "unit": "t"}])
    assert best(scenario) == pytest.approx(2 * 785 + 2.2 * 200)


def test_a_cap_on_carbon_binds() -> None:
    """Proves: at most 1000 kg, so half of the heat from clean power at 100: 150 + 450. Sensitivity: without cap 300."""
    assert best(pair(price=[100.0], intensity=0.0, caps={"carbon_kg": 1000.0})) == pytest.approx(600)


def test_a_cap_on_cost_binds() -> None:
    """Proves: least carbon for at most 600: 4.5 MWh each: 1000 kg. Sensitivity: without cap 0 kg."""
    capped = pair(price=[100.0], intensity=0.0, minimize="carbon", caps={"cost": 600.0, "extra_cost_share": None})
    assert best(capped) == pytest.approx(1000)


def test_a_cap_that_cannot_be_kept_is_reported() -> None:
    """Proves: less than 300 is not possible. Sensitivity: a soft cap would have a plan."""
    capped = pair(price=[100.0], minimize="carbon", caps={"cost": 299.0, "extra_cost_share": None})
    assert plan(capped).attrs["status"] == "infeasible"


def test_among_plans_of_least_carbon_the_cheapest_is_taken() -> None:
    """Proves: two clean heats at 50 and 20: the one at 20, and carbon stays 0.

    Sensitivity: without a second goal either is taken. A dirty one at 1 € shows that cost does not outweigh carbon.
    """
    dear, cheap, dirty = (
        {"kind": "supply", "name": name, "carrier": "heat", "price_per_unit": price, "fossil_kg_per_unit": kg}
        for name, price, kg in (("dear", 50.0, 0.0), ("cheap", 20.0, 0.0), ("dirty", 1.0, 0.001))
    )
    result = plan(hub(dear, cheap, dirty, NEED, price=[100.0], minimize="carbon"))
    assert amounts(result, "cheap") == [9.0]
    assert result.attrs["objective"] == pytest.approx(0, abs=1e-9)


def test_among_plans_of_least_cost_the_cleanest_is_taken() -> None:
    """Proves: two heats at 20, one of them clean. With switching too. Sensitivity: no second goal takes either."""
    both = [
        {"kind": "supply", "name": name, "carrier": "heat", "price_per_unit": 20.0, "fossil_kg_per_unit": kg}
        for name, kg in (("dirty", 100.0), ("clean", 0.0))
    ]
    engine = {"kind": "gas_engine", "name": "engine", "fuel": "gas", "electric_mw": 10, "electric_efficiency": 0.4,
              "min_load": 0.5}  # fmt: skip
    assert amounts(plan(hub(*both, NEED, price=[100.0])), "clean") == [9.0]
    assert amounts(plan(hub(GAS, *both, NEED, engine, price=[100.0], base=10.0)), "clean") == [9.0]


def test_the_baseline_caps_extra_cost() -> None:
    """Proves: the baseline pays 300, 10 % more allows 330 for less carbon: 0.45 MWh from clean power: 1900 kg.

    Sensitivity: a baseline without its fuel (0 €) leaves no plan.
    """
    free = pair(price=[100.0], intensity=0.0)
    baseline = plan(free)
    capped = pair(price=[100.0], intensity=0.0, minimize="carbon", caps={"extra_cost_share": 0.1})
    assert plan(capped, start=baseline).attrs["objective"] == pytest.approx(1900)
