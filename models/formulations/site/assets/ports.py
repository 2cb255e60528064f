"""What an asset offers to the balances and the objective, and what every asset reads. No solver, no asset here.

Flows are amounts in a slot, in the carrier's unit; positive = delivered to the balance.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.environ as pyo

from emberline.models.kernel import arrays
from emberline.models.kernel.templates import Series
from emberline.scenarios.assets import Carrier, Named

Weights = np.ndarray | float


@dataclass(frozen=True)
class Linear:
    """A sum over indexed variables, slot by slot: each with what a unit of it counts; and a constant."""

    parts: tuple[tuple[Any, Weights], ...] = ()
    constant: np.ndarray | None = None

    def scaled(self, weight: Weights) -> Linear:
        """The same times a number, or one for each slot."""
        constant = None if self.constant is None else self.constant * weight
        return Linear(tuple((variable, factor * weight) for variable, factor in self.parts), constant)

    def values(self, n: int) -> np.ndarray:
        """What it comes to in the solution, shape (n,)."""
        total = np.zeros(n) if self.constant is None else self.constant.astype(float)
        for variable, weight in self.parts:
            total = total + held(variable, n) * weight
        return total


class Row:
    """One row of a variable with two indices as a variable indexed by slot."""

    def __init__(self, variable: Any, *first: Any) -> None:
        self.variable, self._first = variable, first

    def __getitem__(self, t: Any) -> Any:
        return self.variable[(*self._first, t)]

    def values(self, n: int) -> np.ndarray:
        """Values in the first slots, not a number where there is none, shape (n,)."""
        own = self.variable
        if isinstance(own, arrays.ArrayVar):
            first, last = (own.place((*self._first, t)) for t in (0, n - 1))
            if last - first == n - 1:
                return arrays.values(own)[first : last + 1]
        held = [self[t].value for t in range(n)]
        return np.array([np.nan if value is None else value for value in held], dtype=float)


def held(variable: Any, n: int) -> np.ndarray:
    """Values of a variable by slot, shape (n,); 0 for those that no constraint uses, whole ones exactly whole."""
    if isinstance(variable, Series):
        return variable.array.copy()
    values = np.nan_to_num(variable.values(n) if isinstance(variable, Row) else arrays.values(variable), nan=0.0)
    whole = arrays.whole(variable.variable if isinstance(variable, Row) else variable)
    return np.round(values) if whole else values


class Sum:
    """Terms over slots, added up, for rules: the weights of its variables are parameters of a block."""

    def __init__(self, block: pyo.Block, terms: Iterable[Linear], n: int, scale: float = 1.0) -> None:
        """Put the weights into a block that is empty, times a scale."""
        self._block = block
        self._even: list[tuple[Any, float]] = []
        self._uneven: list[Any] = []
        self.constant = np.zeros(n)
        """What is no variable, shape (n,)."""
        rows: list[np.ndarray] = []
        for term in terms:
            if term.constant is not None:
                self.constant = self.constant + scale * term.constant
            for variable, weight in term.parts:
                array = scale * np.asarray(weight, dtype=float)
                if array.ndim == 0 or bool((array == array.flat[0]).all()):
                    if array.flat[0]:
                        self._even.append((variable, float(array.flat[0])))
                else:
                    self._uneven.append(variable)
                    rows.append(array)
        block.T = pyo.RangeSet(0, n - 1)
        block.TERM = pyo.RangeSet(0, len(rows) - 1)
        block.weight = Series(block.TERM, block.T, values=np.concatenate(rows) if rows else np.zeros(0))
        block.fixed = Series(block.T, values=self.constant)

    @property
    def empty(self) -> bool:
        """Whether there is no variable in it."""
        return not (self._even or self._uneven)

    def at(self, t: Any) -> Any:
        """The sum in a slot, an expression; a number where there is no variable in it."""
        block = self._block
        terms = [weight * variable[t] for variable, weight in self._even]
        terms += [block.weight[k, t] * variable[t] for k, variable in enumerate(self._uneven)]
        if self.constant.any():
            terms.append(block.fixed[t])
        return sum(terms)

    def total(self) -> Any:
        """The sum over all slots, an expression: within a rule it is a template."""
        constant = float(self.constant.sum())
        if self.empty:
            return constant
        block = self._block
        even = [weight * sum(variable[t] for t in block.T) for variable, weight in self._even]
        uneven = [sum(block.weight[k, t] * variable[t] for t in block.T) for k, variable in enumerate(self._uneven)]
        return sum([*even, *uneven]) + constant


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
    assets: tuple[Named, ...]
    """Machines as converters."""
    series: dict[str, dict[str, np.ndarray]]
    """By asset and key, per slot."""
    days: dict[str, list[tuple[range, float]]] = field(default_factory=dict)
    """Slots of each local day and what a flexible load must take in them."""
    parts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """What a unit of each component of ``COMPONENTS`` counts, by metric."""
    factors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By metric of ``FACTORS`` and asset: what a unit of its main flow adds."""
    harmless: frozenset[str] = frozenset()
    """Carriers of which a surplus can never pay: see ``emberline.models.formulations.site.assets.harmless``."""
    alone: Collection[int] = ()
    """Slots in which a store is either filled or emptied, where both could pay."""


@dataclass(frozen=True)
class HubPorts:
    """All assets in the model."""

    hub: Hub
    ports: dict[str, Ports]
    """By asset."""
    dumped: dict[str, Any]
    """Surplus by carrier and slot, where it may be let go."""

    sums: dict[str, Sum]
    """By component of ``COMPONENTS``."""

    def worth(self, metric: str) -> Any:
        """What all assets add to a metric, an expression for a rule."""
        return sum(factor * self.sums[name].total() for name, factor in self.hub.parts[metric].items())


def slots(block: pyo.Block, n: int) -> None:
    """Index sets of a block: all slots, and all but the first."""
    block.T = pyo.RangeSet(0, n - 1)
    block.LATER = pyo.RangeSet(1, n - 1)
