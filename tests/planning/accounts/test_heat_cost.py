"""Cost of heats: what the site buys for the line, by the hour in which each heat draws it."""

from __future__ import annotations

import pytest

from emberline import twin
from emberline.planning.accounts.ledger import heat_costs
from emberline.planning.accounts.sums import figures
from emberline.scenarios import load

BARE = ("site.pv=null", "site.battery=null", "site.base_load_mw=0", "site.grid.export_limit_mw=0")


def test_alone_on_the_grid_heats_carry_the_whole_bill() -> None:
    """Proves: where nothing but the line draws, costs of heats add up to energy and carbon price of the bill."""
    scenario = load("melt-shop-small", [*BARE, "market.carbon_price.covers=all"])
    run = twin.replay(scenario, twin.dispatch(scenario))
    sums = figures(scenario, run)
    costs = heat_costs(scenario, run)
    assert list(costs) == [heat.name for heat in scenario.heats]
    assert sum(costs.values()) == pytest.approx(sums.energy_cost + sums.carbon_cost, rel=1e-9)


def test_a_constant_price_is_paid_by_the_megawatt_hour() -> None:
    """Proves: at 50 EUR/MWh without a carbon price a heat costs 50 times what it draws; base load pays for itself."""
    scenario = load("melt-shop-small", [*BARE[:2], "market.price_per_mwh=50", "market.carbon_price.per_t=0"])
    run = twin.replay(scenario, twin.dispatch(scenario))
    result = run["heat_mwh"].sum("time").to_series().to_dict()
    assert heat_costs(scenario, run) == pytest.approx({heat: 50 * mwh for heat, mwh in result.items()})
