"""What the assets cost and emit, from their flows alone: plain arithmetic that twin, model and ledger share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from emberline.scenarios.assets.converter import Converter
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.assets.trade import Flare, Sale, Supply
from emberline.scenarios.metrics import FACTORS

if TYPE_CHECKING:
    from emberline.scenarios.records.scenario import Scenario


@dataclass(frozen=True)
class Account:
    """Of one asset in each step, shape (n_steps,) each; carbon price left out."""

    asset: str
    cost: np.ndarray
    """What it costs less what it earns [currency]."""
    scope1_kg: np.ndarray
    """Direct fossil emissions [kg CO2e]."""
    scope1_biogenic_kg: np.ndarray
    scope2_kg: np.ndarray
    """Fossil emissions of heat or steam bought [kg CO2e]."""
    scope2_biogenic_kg: np.ndarray
    factors: dict[str, np.ndarray] = field(default_factory=dict)
    """Of the metrics that are counted by factors, by name."""

    @property
    def totals(self) -> dict[str, float]:
        """Sums over the horizon by name."""
        names = (part.name for part in fields(self) if part.name not in ("asset", "factors"))
        return {name: float(getattr(self, name).sum()) for name in names}


def accounts(scenario: Scenario, flows: xr.Dataset) -> Iterator[Account]:
    """Account of each asset.

    Args:
        scenario: with its site and series.
        flows: ``asset_rate`` and ``asset_on`` of table ``FLOWS``.
    """
    hours, n = scenario.horizon.step_h, scenario.horizon.n_steps
    for asset in scenario.site.assets:
        record = scenario.site.cores.get(asset.name, asset)
        zero = np.zeros(n)
        cost, kg, biogenic, scope = zero, zero, zero, 1
        if isinstance(record, Supply | Sale | Flare):
            amount = flow(flows, record.name) * hours
            if isinstance(record, Flare):
                cost = -amount * record.cost_per_unit
                kg, biogenic = -amount * record.fossil_kg_per_unit, -amount * record.biogenic_kg_per_unit
            else:
                cost = amount * scenario.asset_series(record.name)["price_per_unit"]
            if isinstance(record, Supply):
                kg, biogenic = amount * record.fossil_kg_per_unit, amount * record.biogenic_kg_per_unit
                scope = record.scope
        elif isinstance(record, Storage):
            cost = flow(flows, record.name, "out") * hours * record.wear_cost_per_unit
        elif isinstance(record, Converter):
            amount = np.abs(flow(flows, record.name, "main")) * hours
            on = flows["asset_on"].sel(machine=record.name).to_numpy()
            switched = np.diff(on, prepend=float(record.on_at_start()))
            cost = amount * record.cost_per_unit + on * record.running_cost_per_h * hours
            cost = cost + np.maximum(switched, 0) * record.start_cost + np.maximum(-switched, 0) * record.stop_cost
            kg, biogenic = amount * record.fossil_kg_per_unit, amount * record.biogenic_kg_per_unit
        direct = scope == 1
        yield Account(
            asset=asset.name,
            cost=cost,
            scope1_kg=kg if direct else zero,
            scope1_biogenic_kg=biogenic if direct else zero,
            scope2_kg=zero if direct else kg,
            scope2_biogenic_kg=zero if direct else biogenic,
            factors={
                name: getattr(asset, row.per_unit) * hours * np.abs(flow(flows, asset.name, main_flow(record)))
                for name, row in FACTORS.items()
                if getattr(asset, row.per_unit)
            },
        )


def main_flow(record: object) -> str:
    """Key of the flow that an asset's factors count: that a machine is rated by, a store gives, or the only one."""
    return "main" if isinstance(record, Converter) else "out" if isinstance(record, Storage) else ""


def label(asset: str, key: str = "") -> str:
    """Label of a flow: the asset's name, and the flow's key where it has several."""
    return f"{asset}.{key}" if key else asset


def flow(flows: xr.Dataset, asset: str, key: str = "") -> np.ndarray:
    """What a flow delivers per hour, shape (n_steps,)."""
    return np.asarray(flows["asset_rate"].sel(flow=label(asset, key)).to_numpy())
