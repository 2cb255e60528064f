"""Contributions of an asset to balances and objective, and functions shared by all assets, without solver or assets.

Flows are amounts in a slot, in the carrier's unit; deliveries to the balance are positive. Segments of a curve are
filled one after the other, the incremental form of a piecewise linear function: M. Padberg, *Approximating separable
nonlinear functions via mixed zero-one programs*, Operations Research Letters 27 (2000) 1–5.
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
    """A weighted sum over indexed variables, slot by slot, plus a constant."""

    parts: tuple[tuple[Any, Weights], ...] = ()
    constant: np.ndarray | None = None

    def scaled(self, weight: Weights) -> Linear:
        """Return the sum times a number, or times one number per slot."""
        constant = None if self.constant is None else self.constant * weight
        return Linear(tuple((variable, factor * weight) for variable, factor in self.parts), constant)

    def values(self, n: int) -> np.ndarray:
        """Return the values in the solution, shape (n,)."""
        total = np.zeros(n) if self.constant is None else self.constant.astype(float)
        for variable, weight in self.parts:
            total = total + slot_values(variable, n) * weight
        return total


class Row:
    """One row of a variable with two indices, as a variable indexed by slot."""

    def __init__(self, variable: Any, *first: Any) -> None:
        self.variable, self._first = variable, first

    def __getitem__(self, t: Any) -> Any:
        return self.variable[(*self._first, t)]

    def slots(self, n: int) -> slice:
        """Return the positions of the row's first slots among the variable's members."""
        first = self.variable.place((*self._first, 0))
        return slice(first, first + n)

    def values(self, n: int) -> np.ndarray:
        """Return the values in the first slots, NaN if there is none, shape (n,)."""
        return arrays.values(self.variable)[self.slots(n)]


def slot_values(variable: Any, n: int) -> np.ndarray:
    """Return the values of a variable by slot, shape (n,); 0 for unused members, integers rounded."""
    if isinstance(variable, Series):
        return variable.array.copy()
    values = np.nan_to_num(variable.values(n) if isinstance(variable, Row) else arrays.values(variable), nan=0.0)
    whole = arrays.whole(variable.variable if isinstance(variable, Row) else variable)
    return np.round(values) if whole else values


class Sum:
    """Sum of terms over slots, for rules: the weights of its variables are parameters of a block."""

    def __init__(self, block: pyo.Block, terms: Iterable[Linear], n: int) -> None:
        """Put the weights into an empty block."""
        self._block = block
        self._even: list[tuple[Any, float]] = []
        self._uneven: list[Any] = []
        self.constant = np.zeros(n)
        """Constant part, shape (n,)."""
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
        """Whether it contains no variable."""
        return not (self._even or self._uneven)

    def at(self, t: Any) -> Any:
        """Return the sum in a slot as an expression; a number if it contains no variable."""
        block = self._block
        terms = [weight * variable[t] for variable, weight in self._even]
        terms += [block.weight[k, t] * variable[t] for k, variable in enumerate(self._uneven)]
        if self.constant.any():
            terms.append(block.fixed[t])
        return sum(terms)

    def total(self) -> Any:
        """Return the sum over all slots as an expression; within a rule it is a template."""
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
    """A flow of an asset to or from the balance of one carrier."""

    asset: str
    key: str
    """Key among the asset's flows; empty if there is only one."""
    carrier: str
    gives: Linear
    """Delivery in a slot."""


@dataclass(frozen=True)
class Ports:
    """Contributions of an asset."""

    flows: tuple[Flow, ...]
    cost: tuple[Linear, ...] = ()
    scope1: tuple[Linear, ...] = ()
    """Direct fossil emissions [kg CO2e]."""
    scope2: tuple[Linear, ...] = ()
    """Fossil emissions of purchased heat [kg CO2e]."""
    level: Any = None
    """Level of a store at the end of each slot."""
    on: Linear | None = None
    """On/off state of a switched machine."""


@dataclass(frozen=True)
class HubPorts:
    """All assets in the model."""

    hub: Hub
    ports: dict[str, Ports]
    """Ports by asset."""
    dumped: dict[str, Any]
    """Vented surplus by carrier and slot, if venting is allowed."""

    sums: dict[str, Sum]
    """Sums by component of ``COMPONENTS``."""

    def worth(self, metric: str) -> Any:
        """Return the contribution of all assets to a metric, as an expression for a rule."""
        return sum(factor * self.sums[name].total() for name, factor in self.hub.parts[metric].items())


def added(hub: Hub, ports: Mapping[str, Ports], component: str) -> list[Linear]:
    """Return the contribution of each asset to a component, by slot."""
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
    """Add the index sets of a block: all slots, and all but the first."""
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
    """Make an amount the sum of the filled parts of a curve's segments above its minimum: ``filled[k, t]``.

    Args:
        block: block that gets ``K``, ``width`` and ``filled``.
        slots: set of slots.
        amount: expression of the amount in a slot; the slot may be a placeholder.
        width: capacity of each segment per unit that is on.
        on: units that are on, by slot; None: one unit that is always on.
        least: amount of each unit that is on while no segment is filled.
        ordered: whether a segment may be used only if the one before it is full; otherwise this order must pay.
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
        block.while_on = Rows(block.K, slots, rule=lambda b, k, t: b.filled[k, t] <= b.width[k] * on[t])
    if ordered:
        _in_order(block, slots, len(width))


def _in_order(block: pyo.Block, slots: Any, count: int) -> None:
    """Allow a segment only if the one before it is full, with a binary for each two of them."""
    block.BEND = pyo.RangeSet(0, count - 2)
    block.full = Variable(block.BEND, slots, domain=pyo.Binary)
    block.lower_full = Rows(block.BEND, slots, rule=lambda b, k, t: b.filled[k, t] >= b.width[k] * b.full[k, t])

    @constraint(block, block.BEND, slots)
    def upper_after(b: Any, k: int, t: int) -> Any:
        return b.filled[k + 1, t] <= b.width[k + 1] * b.full[k, t]
