"""Emissions of the site: scope 1 and 2 of assets and grid, step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from emberline.scenarios import Scenario
from emberline.scenarios.assets.account import Account, accounts

SIGNALS = ("average", "marginal")


MARKET = "market"


INTENSITY = {"average": "carbon_intensity_kg_per_mwh", "marginal": "marginal_carbon_intensity_kg_per_mwh"}


@dataclass(frozen=True)
class SiteEmissions:
    """Emissions of assets and grid, from their accounts [kg CO2e]."""

    accounts: tuple[Account, ...]
    grid: dict[str, np.ndarray]
    """By signal and step."""

    @property
    def direct_kg(self) -> float:
        """Scope 1 of assets, fossil."""
        return float(sum(account.scope1_kg.sum() for account in self.accounts))

    @property
    def bought_kg(self) -> float:
        """Scope 2 of heat and steam bought."""
        return float(sum(account.scope2_kg.sum() for account in self.accounts))


def site_emissions(scenario: Scenario, flows: xr.Dataset) -> SiteEmissions:
    """What assets and grid emit in a run or a schedule."""
    imported = flows["import_mw"].to_numpy() * scenario.horizon.step_h
    grid = {
        signal: imported * scenario.inputs[INTENSITY[signal]].to_numpy()
        for signal in SIGNALS
        if INTENSITY[signal] in scenario.inputs
    }
    return SiteEmissions(tuple(accounts(scenario, flows)), grid)
