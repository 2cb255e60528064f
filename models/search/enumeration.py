"""Enumeration of all plans of two or three heats with demand charges, for which relaxations are weak.

A relaxation spreads heats, and thereby their peaks. Here the first heat takes each of its starts in turn, and the
remaining starts of the others are few enough to try all pairs. Starts are excluded by prices of peaks: any prices that
add up to the rate of a charge give a lower bound on the cost of a plan.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from emberline.models.problem.assignment import Starts, in_order
from emberline.models.problem.routes import Route, groups_of, routes
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import FEW_HEATS
from emberline.scenarios import effort
from emberline.scenarios.metrics import METRICS
from emberline.scenarios.tariff.rates import PeakRates

PER_LOOK = 1e-7
"""Work per start or pair of starts that is checked."""
TOLERANCE_MWH = 1e-6
"""Energy by which the import limit may be exceeded."""
SAME = 1e-9
"""Share by which a plan must be better."""


def suits(search: Search) -> bool:
    """Return whether two or three heats cost only a price by slot and demand charges at one rate each."""
    data, problem, aim, paid = search.data, search.problem, search.aim, search.data.purchase
    grid_only = data.battery is None and data.hub is None and not data.pv.any() and not data.export_limit_mw
    if (
        len(problem.heats) not in FEW_HEATS.enumerated
        or not grid_only
        or (data.base < 0).any()
        or problem.casts
        or aim.tops
        or aim.grades
    ):
        return False
    if paid is None or paid.rates is None or paid.unused is not None or paid.rates.energy or not _charges(search):
        return False
    n_starts = sum(len(route.first) for h in groups_of(problem) for route in routes(problem, h))
    return n_starts * problem.n_cells <= FEW_HEATS.enumerated_cells


def _charges(search: Search) -> tuple[PeakRates, ...]:
    """Return the demand charges of the goal; empty if one of them is more than a rate on a peak."""
    paid = search.data.purchase
    peaks = paid.rates.peaks if paid and paid.rates and METRICS[search.aim.first].money else ()
    plain = all(p.per_mw.shape == (1, 1) and not (p.limits_mw[0] or p.floor_mw or p.sunk_mw or p.share) for p in peaks)
    return peaks if plain else ()


@dataclass(frozen=True)
class _Choices:
    """All starts of a heat, by its route and first slot."""

    starts: list[tuple[Route, int]]
    cost: np.ndarray
    """Cost without charges, shape (n,)."""
    metered: np.ndarray
    """Energy by metered interval [MWh], shape (n, n_meters)."""
    busy: np.ndarray
    """Occupied units and slots as bits, shape (n, n_bytes)."""
    priced: np.ndarray
    """Cost under prices of peaks, shape (n, n_prices)."""


class _Enumeration:
    def __init__(self, search: Search) -> None:
        self.search, self.looks, self.lowest = search, 0, math.inf
        problem, data, per = search.problem, search.data, search.problem.cells_per_slot
        self.charges = [(p.groups[0], float(p.per_mw[0, 0]) * 60 / data.meter_min) for p in _charges(search)]
        self.prices, dice = np.zeros((data.n_meters, FEW_HEATS.peak_prices)), np.random.default_rng(0)
        for column in self.prices.T:
            for group, rate in self.charges:
                intervals = dice.choice(
                    group, min(int(dice.integers(1, FEW_HEATS.peak_intervals + 1)), len(group)), replace=False
                )
                column[intervals] += rate / len(intervals)
        self.limit = data.limit_mwh() + TOLERANCE_MWH
        self.per_mwh = np.repeat(data.per_mwh[search.aim.first], per)
        self.decided = problem.fixed_cells + problem.under_way + np.repeat(data.base / per, per)
        groups = groups_of(problem)
        self.heats = [h for members in groups.values() for h in members]
        self.choices = [choice for h, members in groups.items() for choice in [self._choices(h)] * len(members)]

    def _metered(self, cells: np.ndarray) -> np.ndarray:
        return cells.reshape(*cells.shape[:-1], self.search.data.n_meters, -1).sum(axis=-1)

    def _choices(self, h: int) -> _Choices:
        problem, per = self.search.problem, self.search.problem.cells_per_slot
        by_route = [(route, route.cells(problem, h)) for route in routes(problem, h)]
        starts = [(route, cells, t) for route, cells in by_route for t in route.first]
        mwh = np.zeros((len(starts), problem.n_cells))
        busy = np.zeros((len(starts), len(problem.units), problem.n_slots), dtype=bool)
        for row, (route, cells, t) in enumerate(starts):
            until = min(t * per + len(cells), problem.n_cells)
            mwh[row, t * per : until] = cells[: until - t * per]
            for u, begin, end in route.holds(problem.heats[h]):
                busy[row, u, t + begin : t + end] = True
        cost, metered = mwh @ self.per_mwh, self._metered(mwh)
        bits = np.packbits(busy.reshape(len(starts), -1), axis=1)
        return _Choices(
            [(route, t) for route, _, t in starts], cost, metered, bits, cost[:, None] + metered @ self.prices
        )

    @property
    def top(self) -> float:
        """Value below which a plan is better than the best one."""
        value = self.search.value
        top = self.lowest if value is None else min(value + self.search.aim.constant, self.lowest)
        return top if math.isinf(top) else top - SAME * max(abs(top), 1.0)

    def run(self) -> bool:
        """Try all plans; return whether every better plan was considered."""
        pools = [np.arange(len(choice.starts)) for choice in self.choices]
        return self._place((), pools, float(self.decided @ self.per_mwh), self._metered(self.decided))

    def _place(self, rows: tuple[int, ...], pools: list[np.ndarray], spent: float, load: np.ndarray) -> bool:
        """Place the remaining heats; return whether every better plan was considered."""
        choices = self.choices[len(rows) :]
        for _ in range(FEW_HEATS.turns):
            self.looks += sum(map(len, pools))
            if not all(map(len, pools)):
                return True
            least = [choice.priced[pool].min(axis=0) for choice, pool in zip(choices, pools, strict=True)]
            whole = spent + load @ self.prices + sum(least)
            bounds = [
                (whole - add + choice.priced[pool]).max(axis=1)
                for choice, pool, add in zip(choices, pools, least, strict=True)
            ]
            pools = [pool[bound < self.top] for pool, bound in zip(pools, bounds, strict=True)]
        if len(pools) == 2:
            return self._pairs(rows, pools, spent, load)
        first, bound = choices[0], bounds[0][bounds[0] < self.top]
        for row in pools[0][np.argsort(bound, kind="stable")].tolist():
            after, fits = load + first.metered[row], []
            for choice, pool in zip(choices[1:], pools[1:], strict=True):
                # identical heats take rows in ascending order
                others = pool[pool > row] if choice is first else pool
                free = ~(choice.busy[others] & first.busy[row]).any(axis=1)
                fits.append(others[free & (after + choice.metered[others] <= self.limit).all(axis=1)])
            if not self._place((*rows, row), fits, spent + float(first.cost[row]), after):
                return False
        return True

    def _pairs(self, rows: tuple[int, ...], pools: list[np.ndarray], spent: float, load: np.ndarray) -> bool:
        (first, second), (pool, others) = self.choices[-2:], pools
        size = max(FEW_HEATS.pairs // max(len(others), 1), 1)
        for k in range(0, len(pool), size):
            chunk = pool[k : k + size]
            self.looks += len(chunk) * len(others)
            effort.spend(PER_LOOK * len(chunk) * len(others))
            if self.looks > FEW_HEATS.looks or self.search.phase_over():
                return False
            loads = load + first.metered[chunk][:, None] + second.metered[others]
            values = spent + first.cost[chunk][:, None] + second.cost[others]
            values += sum(rate * loads[:, :, group].max(axis=2) for group, rate in self.charges)
            a, b = np.nonzero((values < self.top) & (loads <= self.limit).all(axis=2))
            free = ~(first.busy[chunk[a]] & second.busy[others[b]]).any(axis=1)
            a, b = a[free], b[free]
            for i in np.argsort(values[a, b], kind="stable").tolist():
                value = float(values[a[i], b[i]])
                if value >= self.top:
                    break
                self.search.offer(self._plan((*rows, int(chunk[a[i]]), int(others[b[i]]))))
                self.lowest = min(self.lowest, value)
        return True

    def _plan(self, rows: tuple[int, ...]) -> Starts:
        problem = self.search.problem
        units, slots = ([tuple[int, ...]()] * len(problem.heats) for _ in range(2))
        for h, choice, row in zip(self.heats, self.choices, rows, strict=True):
            route, t = choice.starts[row]
            units[h], slots[h] = route.units, tuple(t + lag for lag in route.lags)
        return in_order(problem, Starts(tuple(units), tuple(slots), (), ()))


def run(search: Search) -> None:
    """Try all plans within the allowed number of checks; if they are not sufficient, the bound is unchanged."""
    with search.timed("enumeration"):
        trial = _Enumeration(search)
        if trial.run() and search.value is not None:
            search.raise_bound(trial.top - search.aim.constant)
