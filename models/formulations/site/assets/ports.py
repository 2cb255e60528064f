"""Contributions of an asset to balances and objective, and what every asset reads. No solver, no asset here.

Flows are amounts in a slot, in the carrier's unit; positive = delivered to the balance. Segments of a curve are filled
one after the other, the incremental form of a piecewise linear function: M. Padberg, *Approximating separable nonlinear
functions via mixed zero-one programs*, Operations Research Letters 27 (2000) 1–5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.kernel import arrays
from emberline.models.kernel.arrays import Rows, Series, Variable, constraint, limit
from emberline.models.kernel.templates import each, total
from emberline.models.problem.site import Hub
from emberline.scenarios.assets.base import of
from emberline.scenarios.assets.converter import Converter

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
        """Values in the solution, shape (n,)."""
        total = np.zeros(n) if self.constant is None else self.constant.astype(float)
        for variable, weight in self.parts:
            total = total + slot_values(variable, n) * weight
        return total


class Row:
    """One row of a variable with two indices as a variable indexed by slot."""

    def __init__(self, variable: Any, *first: Any) -> None:
        self.variable, self._first = variable, first

    def __getitem__(self, t: Any) -> Any:
        return self.variable[(*self._first, t)]

    def slots(self, n: int) -> slice:
        """Positions of the row's first slots among the variable's members."""
        first = self.variable.place((*self._first, 0))
        return slice(first, first + n)

    def values(self, n: int) -> np.ndarray:
        """Values in the first slots, not a number where there is none, shape (n,)."""
        return arrays.values(self.variable)[self.slots(n)]


def slot_values(variable: Any, n: int) -> np.ndarray:
    """Values of a variable by slot, shape (n,); 0 for those that no constraint uses, whole ones exactly whole."""
    if isinstance(variable, Series):
        return variable.array.copy()
    values = np.nan_to_num(variable.values(n) if isinstance(variable, Row) else arrays.values(variable), nan=0.0)
    whole = arrays.whole(variable.variable if isinstance(variable, Row) else variable)
    return np.round(values) if whole else values


class Sum:
    """Terms over slots, added up, for rules: the weights of its variables are parameters of a block."""

    def __init__(self, block: pyo.Block, terms: Iterable[Linear], n: int) -> None:
        """Put the weights into a block that is empty."""
        self._block = block
        self._even: list[tuple[Any, float]] = []
        self._uneven: list[Any] = []
        self.constant = np.zeros(n)
        """Part that is no variable, shape (n,)."""
        rows: list[np.ndarray] = []
        for term in terms:
            if term.constant is not None:
                self.constant = self.constant + term.constant
            for variable, weight in term.parts:
                array = np.asarray(weight, dtype=float)
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
        even = [weight * total(variable[t] for t in each(block.T)) for variable, weight in self._even]
        uneven = [
            total(block.weight[k, t] * variable[t] for t in each(block.T)) for k, variable in enumerate(self._uneven)
        ]
        return sum([*even, *uneven]) + constant


@dataclass(frozen=True)
class Flow:
    """A flow of an asset, to or from one carrier's balance."""

    asset: str
    key: str
    """Key among the asset's flows; empty where it has one."""
    carrier: str
    gives: Linear
    """Delivery in a slot."""


@dataclass(frozen=True)
class Ports:
    """Contributions of an asset."""

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
class HubPorts:
    """All assets in the model."""

    hub: Hub
    ports: dict[str, Ports]
    """By asset."""
    dumped: dict[str, Any]
    """Surplus by carrier and slot, where it may be vented."""

    sums: dict[str, Sum]
    """By component of ``COMPONENTS``."""

    def worth(self, metric: str) -> Any:
        """Contribution of all assets to a metric, an expression for a rule."""
        return sum(factor * self.sums[name].total() for name, factor in self.hub.parts[metric].items())


def added(hub: Hub, ports: Mapping[str, Ports], component: str) -> list[Linear]:
    """Contribution of each asset to a component, by slot."""
    if component not in hub.factors:
        return [term for asset in ports.values() for term in getattr(asset, component)]
    terms, factors = [], hub.factors[component]
    takers = {asset.name for asset in hub.assets if asset.sign < 0}
    takers |= {machine.name for machine in of(hub.assets, Converter) if machine.main == "input"}
    for asset in hub.assets:
        factor = factors.get(asset.name, 0.0)
        if factor:
            counted = next(flow for flow in ports[asset.name].flows if flow.key == asset.counted)
            terms.append(counted.gives.scaled(-factor if asset.name in takers else factor))
    return terms


def slots(block: pyo.Block, n: int) -> None:
    """Index sets of a block: all slots, and all but the first."""
    block.T = pyo.RangeSet(0, n - 1)
    block.LATER = pyo.RangeSet(1, n - 1)


def add_segments(
    block: pyo.Block,
    slots: Any,
    amount: Callable[[Any], Any],
    width: np.ndarray,
    *,
    on: Any = None,
    least: float = 0.0,
    ordered: bool,
) -> None:
    """Let an amount be what is filled of the segments of a curve, above its least: ``filled[k, t]``.

    Args:
        block: gets ``K``, ``width`` and ``filled``.
        slots: set of the slots.
        amount: of a slot, an expression; the slot may be a placeholder.
        width: how much each segment can hold, of each unit that is on.
        on: units that are on, by slot; None: there is one that always is.
        least: amount of each unit that is on while no segment is filled.
        ordered: whether a segment may be begun only where the one before it is full; else it must pay.
    """
    block.K = pyo.RangeSet(0, len(width) - 1)
    block.width = Series(block.K, values=width)
    block.filled = Variable(block.K, slots, domain=pyo.NonNegativeReals)
    if on is None:
        limit(block.filled, upper=np.repeat(width, len(slots)))

    @constraint(block, slots)
    def of_segments(b: Any, t: int) -> Any:
        base = 0.0 if on is None else least * on[t]
        return amount(t) == base + total(b.filled[k, t] for k in each(b.K))

    if on is not None:
        block.while_on = Rows(block.K, slots, says=lambda b, k, t: b.filled[k, t] <= b.width[k] * on[t])
    if ordered:
        _in_order(block, slots, len(width))


def _in_order(block: pyo.Block, slots: Any, count: int) -> None:
    """Let a segment be begun only where the one before it is full, by a binary for each two of them."""
    block.BEND = pyo.RangeSet(0, count - 2)
    block.full = Variable(block.BEND, slots, domain=pyo.Binary)
    block.lower_full = Rows(block.BEND, slots, says=lambda b, k, t: b.filled[k, t] >= b.width[k] * b.full[k, t])

    @constraint(block, block.BEND, slots)
    def upper_after(b: Any, k: int, t: int) -> Any:
        return b.filled[k + 1, t] <= b.width[k + 1] * b.full[k, t]
