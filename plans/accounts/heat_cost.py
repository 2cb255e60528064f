"""What each heat costs: what the site buys, followed to the line step by step, and the carbon price."""

from __future__ import annotations

import numpy as np
import xarray as xr

from emberline.plans.accounts.ledger import heat_shares, site_emissions
from emberline.plans.accounts.scope1 import direct
from emberline.plans.accounts.stock_worth import spending
from emberline.scenarios import Scenario


def heat_costs(scenario: Scenario, run: xr.Dataset) -> dict[str, float]:
    """Cost of each heat by its name [currency]: energy, fuels of machines that feed the line, carbon price.

    Charges on peaks, fixed charges, and what base load and other uses cost belong to no heat.

    Args:
        scenario: with its line and market.
        run: a dataset of table ``RUN`` with ``heat_mwh``.
    """
    site, own = site_emissions(scenario, run), direct(scenario, run)
    followed = spending(scenario, run, site.accounts, site.grid[scenario.goal.signal])
    priced = own.of_heat / 1000 * scenario.market.carbon_price.on_direct
    cost = heat_shares(scenario, run) @ followed["cost"].line + priced
    return dict(zip((heat.name for heat in scenario.heats), np.asarray(cost).tolist(), strict=True))
