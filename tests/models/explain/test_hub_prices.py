"""Shadow prices on sites that are solved by hand: what a unit more is worth, whatever the step."""

from __future__ import annotations

from typing import Any

import pytest
from hubs import BOILER, ELECTRODE, ENGINE, GAS, hub, prices

STEPS = pytest.mark.parametrize("step", [60.0, 15.0])


def need(*rate: float) -> dict[str, Any]:
    return {"kind": "load", "name": "need", "carrier": "heat", "rate": list(rate)}


@STEPS
def test_price_of_a_balance_does_not_depend_on_the_step(step: float) -> None:
    """Proves: a MWh of heat costs 30/0.9 in every step. Sensitivity: taken per MW of a step it is 8.33 at 15 min."""
    result = prices(hub(GAS, BOILER, need(9.0, 5.0), price=[100.0] * 2, step_min=step))
    assert result["balance_price"].sel(carrier="heat").values == pytest.approx(100 / 3)
    assert result.attrs["whole_numbers"] == "none"
    assert result.attrs["measure"] == "EUR"


def test_carbon_goal_prices_in_kilograms() -> None:
    """Proves: a MWh of heat costs 200/0.9 kg. Sensitivity: prices of another goal are 33.3."""
    result = prices(hub(GAS, BOILER, need(9.0), price=[100.0], minimize="carbon"))
    assert result["balance_price"].sel(carrier="heat").values == pytest.approx(200 / 0.9)
    assert result.attrs["measure"] == "kg"


@STEPS
def test_price_of_a_limit_over_the_horizon(step: float) -> None:
    """Proves: a MWh more of gas saves 0.9 × 100 − 30 = 60. Sensitivity: sign turned −60, per step 15."""
    limited = {**GAS, "horizon_limit": 5.0}
    result = prices(hub(limited, BOILER, ELECTRODE, need(9.0, 9.0), price=[50.0, 100.0], step_min=step))
    assert result["horizon_limit_price"].sel(limited="gas").item() == pytest.approx(60)


@STEPS
def test_price_of_a_machine_s_capacity(step: float) -> None:
    """Proves: a MWh more of a boiler of 5 MW saves 100 − 33.33, one of 20 MW nothing. Sensitivity: per step 16.7."""
    small = prices(hub(GAS, {**BOILER, "heat_mw": 5}, ELECTRODE, need(9.0), price=[100.0], step_min=step))
    assert small["rate_limit_price"].sel(asset="boiler").values == pytest.approx(100 - 100 / 3)
    large = prices(hub(GAS, BOILER, ELECTRODE, need(9.0), price=[100.0], step_min=step))
    assert large["rate_limit_price"].sel(asset="boiler").values == pytest.approx(0)


@STEPS
def test_price_of_the_import_limit(step: float) -> None:
    """Proves: a MWh more of import at 50 saves one of the engine at 75: 25; power is worth 75.

    Sensitivity: the limit's sign turned −25; its price left out of the balance's 50.
    """
    scenario = hub(GAS, ENGINE, price=[50.0], base=5.0, grid={"import_limit_mw": 4}, step_min=step)
    result = prices(scenario)
    assert result.sizes["meter"] == 4
    assert result["import_limit_price"].values == pytest.approx(25)
    assert result["balance_price"].sel(carrier="electricity").values == pytest.approx(75)


@STEPS
def test_worth_of_what_is_in_store(step: float) -> None:
    """Proves: a MWh in store saves 0.8 × 100 as long as power at 100 is still bought. Sensitivity: 100 or 10."""
    store = {"kind": "storage", "name": "store", "carrier": "electricity", "capacity": 4.0, "level_share": 0.0,
             "out_efficiency": 0.8}  # fmt: skip
    result = prices(hub(store, price=[10.0, 100.0], base=[0.0, 8.0], step_min=step))
    half = result.sizes["time"] // 2
    assert result["level_price"].sel(store="store").values[half] == pytest.approx(80)
    assert result["balance_price"].sel(carrier="electricity").values[-1] == pytest.approx(100)


def test_prices_say_when_whole_numbers_are_fixed() -> None:
    """Proves: the engine that runs sets 75, its start of 100 is in no price, and that is said. Sensitivity: 85."""
    scenario = hub(GAS, {**ENGINE, "min_load": 0.5, "start_cost": 100}, price=[200.0], base=8.0)
    result = prices(scenario)
    assert result.attrs["whole_numbers"] == "fixed"
    assert result["balance_price"].sel(carrier="electricity").values == pytest.approx(75)


def test_price_predicts_what_a_little_more_costs() -> None:
    """Proves: 0.1 MWh more of heat costs 0.1 × its price, found by solving again. Sensitivity: any other factor."""
    from hubs import best

    scenarios = [hub(GAS, BOILER, need(rate), price=[100.0]) for rate in (9.0, 9.1)]
    price = prices(scenarios[0])["balance_price"].sel(carrier="heat").item()
    assert best(scenarios[1]) - best(scenarios[0]) == pytest.approx(0.1 * price)
