"""What an asset offers to the balances and the objective, and what every asset reads. No solver, no asset here.

Flows are amounts in a slot, in the carrier's unit; positive = delivered to the balance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr import LinearExpression

from scenarios.assets import Carrier, Kind

Weights = np.ndarray | float


@dataclass(frozen=True)
class Linear:
    """A sum over indexed variables, slot by slot: each with what a unit of it counts; and a constant."""

    parts: tuple[tuple[Any, Weights], ...] = ()
    constant: np.ndarray | None = None

    def at(self, n: int) -> list[tuple[Any, list[float]]]:
        """Variables with their weights by slot, as plain numbers."""
        return [(variable, np.broadcast_to(weight, n).tolist()) for variable, weight in self.parts]

    def values(self, n: int) -> np.ndarray:
        """What it comes to in the solution, shape (n,)."""
        total = np.zeros(n) if self.constant is None else self.constant.astype(float)
        for variable, weight in self.parts:
            total = total + held(variable, n) * weight
        return total


def held(variable: Any, n: int) -> np.ndarray:
    """Values of a variable by slot, shape (n,); 0 for those that no constraint uses, whole ones exactly whole."""
    values = np.array([variable[t].value or 0.0 if t in variable else 0.0 for t in range(n)], dtype=float)
    return np.round(values) if n and 0 in variable and not variable[0].is_continuous() else values


def total(terms: list[Linear], n: int, weight: float = 1.0) -> Any:
    """All terms over all slots as one expression, made at once: term by term would take seconds for a year."""
    variables: list[Any] = []
    coefficients: list[float] = []
    constant = 0.0
    for term in terms:
        constant += 0.0 if term.constant is None else float(term.constant.sum())
        for variable, weights in term.at(n):
            for t, factor in enumerate(weights):
                if factor and t in variable:
                    variables.append(variable[t])
                    coefficients.append(factor * weight)
    return LinearExpression(constant=constant * weight, linear_coefs=coefficients, linear_vars=variables)


@dataclass(frozen=True)
class Flow:
    """A flow of an asset, to or from one carrier's balance."""

    asset: str
    key: str
    """Which of the asset's flows; empty where it has one."""
    carrier: str
    gives: Linear
    """What it delivers in a slot."""


@dataclass(frozen=True)
class Ports:
    """What an asset offers."""

    flows: tuple[Flow, ...]
    cost: tuple[Linear, ...] = ()
    scope1: tuple[Linear, ...] = ()
    """Fossil, direct [kg CO2e]."""
    scope2: tuple[Linear, ...] = ()
    """Fossil, of heat bought [kg CO2e]."""
    level: Any = None
    """Level of a store at the end of each slot."""
    on: Linear | None = None
    """Whether a machine that is switched is on."""


@dataclass(frozen=True)
class Hub:
    """The assets' numbers."""

    hours: float
    n: int
    carriers: dict[str, Carrier]
    assets: tuple[Kind, ...]
    """Machines as converters."""
    series: dict[str, dict[str, np.ndarray]]
    """By asset and key, per slot."""
    days: dict[str, list[tuple[range, float]]] = field(default_factory=dict)
    """Slots of each local day and what a flexible load must take in them."""
    direct_price_per_kg: float = 0.0
    """Carbon price on scope 1."""
    bought_price_per_kg: float = 0.0
    """Carbon price on scope 2."""
    harmless: frozenset[str] = frozenset()
    """Carriers of which a surplus can never pay: see ``models.assets.harmless``."""


@dataclass(frozen=True)
class HubPorts:
    """All assets in the model."""

    hub: Hub
    ports: dict[str, Ports]
    """By asset."""
    dumped: dict[str, Any]
    """Surplus by carrier and slot, where it may be let go."""

    def worth(self) -> tuple[Any, Any, Any]:
        """Carbon, cost, and cost with the carbon price on it, as expressions."""
        hub, n = self.hub, self.hub.n
        cost, scope1, scope2 = (
            [term for ports in self.ports.values() for term in getattr(ports, name)]
            for name in ("cost", "scope1", "scope2")
        )
        money = total(cost, n)
        priced = total(scope1, n, hub.direct_price_per_kg) + total(scope2, n, hub.bought_price_per_kg)
        return total([*scope1, *scope2], n), money, money + priced


def slots(block: pyo.Block, n: int) -> None:
    """Index sets of a block: all slots, and all but the first."""
    block.T = pyo.RangeSet(0, n - 1)
    block.LATER = pyo.RangeSet(1, n - 1)
