"""The bill: what the energy of a run costs, computed from its flows, independent of any optimizer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from scenarios import Scenario


@dataclass(frozen=True)
class Bill:
    """Money in the market's currency; positive is paid."""

    imported: float
    exported: float
    """Earned by export, as a positive number."""
    carbon: float
    """Carbon price on what the scheme covers."""

    @property
    def total(self) -> float:
        """What is paid in the end."""
        return self.imported - self.exported + self.carbon


def bill(scenario: Scenario, flows: xr.Dataset, direct_kg: float) -> Bill:
    """The bill of a horizon.

    Args:
        scenario: with prices [currency/MWh] on its steps.
        flows: ``import_mw`` and ``export_mw``, mean power by step.
        direct_kg: scope 1 emissions of the horizon [kg CO2e].
    """
    inputs, hours = scenario.inputs, scenario.horizon.step_h
    imported = flows["import_mw"].to_numpy() * hours
    exported = flows["export_mw"].to_numpy() * hours
    grid_kg = float(imported @ inputs["carbon_intensity_kg_per_mwh"].to_numpy())
    price = scenario.market.carbon_price
    return Bill(
        imported=float(imported @ inputs["price_per_mwh"].to_numpy()),
        exported=float(exported @ inputs["export_price_per_mwh"].to_numpy()),
        carbon=(price.on_direct * direct_kg + price.on_grid * grid_kg) / 1000,
    )


def hourly_cost(scenario: Scenario, flows: xr.Dataset) -> np.ndarray:
    """Cost of energy by step, carbon price left out [currency], shape (n_steps,)."""
    inputs, hours = scenario.inputs, scenario.horizon.step_h
    paid = flows["import_mw"].to_numpy() * inputs["price_per_mwh"].to_numpy()
    earned = flows["export_mw"].to_numpy() * inputs["export_price_per_mwh"].to_numpy()
    return np.asarray((paid - earned) * hours)
