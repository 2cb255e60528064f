"""Use of an asset on the steps of a horizon, and what follows from it: items that are paid, and emissions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Use:
    """Flows of one asset; arrays of shape (n_steps,)."""

    rates: Mapping[str, np.ndarray]
    """Per hour by key of the flow, positive where it delivers [carrier's unit/h]."""
    hours: float
    """Length of a step [h]."""
    series: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Series of the asset by key (``AssetSeries.key``)."""
    on: np.ndarray | None = None
    """Share of each step in which a machine is on; None: it is none."""

    def amount(self, key: str) -> np.ndarray:
        """Amount that a flow delivers in each step [carrier's unit]."""
        return np.asarray(self.rates[key] * self.hours)


@dataclass(frozen=True)
class Item:
    """Payment for an asset in each step."""

    kind: str
    """Kind of the line on the bill: ``fuel``, ``sale``, ``flare``, ``wear``, ``running``, ``start``, ``stop``."""
    amount: np.ndarray
    """Shape (n_steps,), in ``unit``."""
    price: np.ndarray | float
    """Per unit [currency/unit]."""
    unit: str = ""
    """Unit of measure; empty: that of the asset's carrier."""

    @property
    def cost(self) -> np.ndarray:
        """Cost in each step [currency], shape (n_steps,); negative: earned."""
        return np.asarray(self.amount * self.price)


@dataclass(frozen=True)
class Emitted:
    """Direct emissions of an asset, or those of what it buys, in each step; shape (n_steps,) each."""

    fossil_kg: np.ndarray
    """[kg CO2e]"""
    biogenic_kg: np.ndarray
    """[kg CO2]"""
