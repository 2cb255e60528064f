"""A mixed-integer program written down row by row and given to SciPy: what the oracles are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array


@dataclass
class Sum:
    """A weighted sum of columns, and a constant."""

    terms: dict[int, float] = field(default_factory=dict)
    constant: float = 0.0

    def add(self, other: Sum | float | int, weight: float = 1.0) -> Sum:
        """Add something in place."""
        if not isinstance(other, Sum):
            self.constant += weight * other
            return self
        for column, value in other.terms.items():
            self.terms[column] = self.terms.get(column, 0.0) + weight * value
        self.constant += weight * other.constant
        return self

    def times(self, weight: float) -> Sum:
        """A sum of its own, scaled."""
        return Sum().add(self, weight)


def total(parts: list[Sum]) -> Sum:
    """What some sums come to."""
    whole = Sum()
    for part in parts:
        whole.add(part)
    return whole


@dataclass(frozen=True)
class Optimum:
    """What the program came to."""

    status: str
    """optimal, infeasible or open."""
    value: float = math.nan
    bound: float = math.nan
    columns: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def of(self, part: Sum) -> float:
        """Value of a sum in the solution."""
        return part.constant + sum(weight * float(self.columns[column]) for column, weight in part.terms.items())


class Program:
    """Columns, rows and a goal to minimize."""

    def __init__(self) -> None:
        self._lower: list[float] = []
        self._upper: list[float] = []
        self._whole: list[bool] = []
        self._rows: list[tuple[Sum, float, float]] = []
        self.goal = Sum()

    def column(self, lower: float = 0.0, upper: float = math.inf, *, whole: bool = False) -> Sum:
        """A new column."""
        self._lower.append(lower)
        self._upper.append(upper)
        self._whole.append(whole)
        return Sum({len(self._lower) - 1: 1.0})

    def columns(self, n: int, lower: float = 0.0, upper: float = math.inf, *, whole: bool = False) -> list[Sum]:
        """As many columns alike."""
        return [self.column(lower, upper, whole=whole) for _ in range(n)]

    def at_most(self, part: Sum, top: Sum | float) -> None:
        """A row: one thing is at most another."""
        self._rows.append((Sum().add(part).add(top, -1.0), -math.inf, 0.0))

    def equal(self, part: Sum, other: Sum | float) -> None:
        """A row: two things are equal."""
        self._rows.append((Sum().add(part).add(other, -1.0), 0.0, 0.0))

    def solve(self, seconds: float = 60.0) -> Optimum:
        """Minimize the goal."""
        n = len(self._lower)
        cost = np.zeros(n)
        for column, weight in self.goal.terms.items():
            cost[column] += weight
        places = [(i, c, w) for i, (row, *_) in enumerate(self._rows) for c, w in row.terms.items()]
        matrix = csr_array(
            (
                np.array([w for *_, w in places], float),
                (np.array([i for i, *_ in places], int), np.array([c for _, c, _ in places], int)),
            ),
            shape=(len(self._rows), n),
        )
        low = np.array([low - row.constant for row, low, _ in self._rows])
        high = np.array([high - row.constant for row, _, high in self._rows])
        result = milp(
            cost,
            integrality=np.array(self._whole, int),
            bounds=Bounds(np.array(self._lower), np.array(self._upper)),
            constraints=[LinearConstraint(matrix, low, high)] if self._rows else [],
            options={"time_limit": seconds, "mip_rel_gap": 0.0},
        )
        if result.status == 2:
            return Optimum("infeasible")
        if result.x is None:
            return Optimum("open")
        value = float(result.fun) + self.goal.constant
        bound = value if result.mip_dual_bound is None else float(result.mip_dual_bound) + self.goal.constant
        return Optimum("optimal" if result.status == 0 else "open", value, bound, result.x)


def between_knots(program: Program, count: int, on: Sum) -> list[Sum]:
    """A weight on each knot of a curve: they add up to one while it is on, and only two neighbours have any."""
    weights = program.columns(count)
    program.equal(total(weights), on)
    if count > 1:
        between = program.columns(count - 1, 0, 1, whole=True)
        program.equal(total(between), on)
        for j, weight in enumerate(weights):
            program.at_most(weight, total(between[max(j - 1, 0) : j + 1]))
    return weights
