"""Retiming: the best times of all starts of a plan at once, with its units and sequences fixed.

What remains are bounds on differences between starts and a cost of each start by its slot: a minimum cut gives the best
times of all heats and casts together (Möhring, Schulz, Stork, Uetz, Management Science 49, 2003). It moves a day's
heats out of hours with high emissions in one step, where every one of many small moves would have to be an improvement.
The import limit couples starts that are not neighbours and does not fit into a cut: energy in the intervals that exceed
it becomes more expensive until none does (Lagrangian relaxation).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import numpy as np

from emberline.models.bounds import cast_pricing
from emberline.models.heuristics.line.placement import Placed, Shop
from emberline.models.problem import cost_curves
from emberline.models.problem.line import Key, even_cells
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import LINE
from emberline.scenarios import effort

WHOLE = 2.0**28
"""Sum of all costs in the integers of the cut, far below the range of 32 bits."""
PER_ARC = 1.5e-6
"""Work per arc of a cut."""
BOUNDLESS = 2**29


@dataclass(frozen=True)
class Lags:
    """``starts[later] - starts[earlier] >= least`` for each row."""

    earlier: np.ndarray
    later: np.ndarray
    least: np.ndarray
    price: np.ndarray | None = None
    """Price of each slot by which a row is violated; None: all rows are hard."""

    def narrow(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and last slot of each start, narrowed by all rows; empty if infeasible."""
        while True:
            earliest, latest = low.copy(), high.copy()
            np.maximum.at(earliest, self.later, low[self.earlier] + self.least)
            np.minimum.at(latest, self.earlier, high[self.later] - self.least)
            if (earliest > latest).any() or ((earliest == low).all() and (latest == high).all()):
                return earliest, latest
            low, high = earliest, latest


class Retiming:
    """Optimization of the times of a shop's casts."""

    def __init__(self, shop: Shop, base_cells: np.ndarray, limit_mwh: float, cells_per_meter: int) -> None:
        """Number the starts: first those of all heats' operations, then those of the casts.

        Args:
            shop: shop that defines the cost of starts.
            base_cells: energy by cell that is not drawn by casts [MWh], shape (n_cells,).
            limit_mwh: import limit of a metered interval; infinite for none.
            cells_per_meter: cells in a metered interval.
        """
        self.shop, self.problem = shop, shop.problem
        problem = self.problem
        self._base_cells, self._limit, self._per_meter = base_cells, limit_mwh, cells_per_meter
        self._prices = np.zeros(problem.n_cells // cells_per_meter)
        """Price of energy in each metered interval that enforces the limit."""
        self._first = np.cumsum([0, *(len(heat.operations) for heat in problem.heats)])
        """Number of each heat's first start; the last entry is that of the first cast."""

    def best(
        self, at: Sequence[Placed], reach_min: float, over: Callable[[], bool] = lambda: False
    ) -> list[Placed] | None:
        """Return the casts at their best times; None if the import limit remained broken, or the time was over.

        Args:
            at: present places of the casts.
            reach_min: largest change of each start; less for long lines.
            over: polled between cuts; True ends the search.
        """
        problem, starts, lags = self.problem, self._starts(at), self._lags(at)
        reach = max(round(min(reach_min / problem.step_min, problem.n_slots)), 1)
        low, high = self._windows(at, starts, lags, reach)
        if int((high - low).sum()) > LINE.cut_nodes[0]:
            while int((high - low).sum()) > LINE.cut_nodes[1] and reach > 1:
                reach = min(reach, int((high - low).max())) // 2
                low, high = self._windows(at, starts, lags, max(reach, 1))
        costs = self._costs(at, low, high)
        cut = Cut(low, high, lags)
        self._prices *= LINE.cut_fading
        placed = list(at)
        for _ in range(LINE.cut_tries):
            if over():
                break
            extra = self._limit_costs(placed, low, high) if self._prices.any() else None
            placed = self._placed(at, cut.best(costs if extra is None else costs + extra))
            above = self.above(placed)
            if not above.any():
                return placed
            rise = LINE.cut_dearer * self.shop.mean_worth * np.maximum(above, LINE.cut_least_over_mwh)
            self._prices = np.where(above > 0, LINE.cut_growth * self._prices + rise, self._prices)
        return None

    def above(self, at: Sequence[Placed]) -> np.ndarray:
        """Return the energy above the import limit with casts in given places, by metered interval [MWh]."""
        load = sum(self.shop.cells(c, placed) for c, placed in enumerate(at)) + self._base_cells
        return np.maximum(load.reshape(-1, self._per_meter).sum(axis=1) - self._limit - 1e-9, 0.0)

    # ---- starts as numbers ----------------------------------------------------------------------------------------

    def _number(self, key: Key) -> int:
        h, i = key
        return int(self._first[h]) + i

    def _starts(self, at: Sequence[Placed]) -> np.ndarray:
        starts = np.zeros(int(self._first[-1]) + len(at), dtype=int)
        for c, placed in enumerate(at):
            starts[self._first[-1] + c] = placed.slot
            for h, slots in zip(self.problem.casts[c].heats, placed.slots, strict=True):
                starts[self._first[h] : self._first[h + 1]] = slots
        return starts

    def _placed(self, at: Sequence[Placed], starts: np.ndarray) -> list[Placed]:
        """Return the casts with other starts."""
        slots = starts.tolist()
        return [
            Placed(
                placed.unit,
                slots[self._first[-1] + c],
                placed.units,
                tuple(tuple(slots[self._first[h] : self._first[h + 1]]) for h in self.problem.casts[c].heats),
            )
            for c, placed in enumerate(at)
        ]

    def _lags(self, at: Sequence[Placed]) -> Lags:
        """Return the lags between starts: of a heat from stage to stage, and from one work on a unit to the next."""
        problem = self.problem
        unit: dict[Key, int] = {}
        on: dict[int, list[tuple[int, int, int]]] = {}
        for c, placed in enumerate(at):
            unit[-1, c] = placed.unit
            on.setdefault(placed.unit, []).append(
                (placed.slot, self._number((-1, c)), problem.casts[c].occupy[placed.unit])
            )
            for h, units, slots in zip(problem.casts[c].heats, placed.units, placed.slots, strict=True):
                for i, (operation, u, t) in enumerate(zip(problem.heats[h].operations, units, slots, strict=True)):
                    unit[h, i] = u
                    on.setdefault(u, []).append((t, self._number((h, i)), operation.occupy[u]))
        rows: list[tuple[int, int, int]] = []
        for before, after in problem.links():
            least, most = problem.lag((before, after), (unit[before], unit[after]))
            first, second = self._number(before), self._number(after)
            rows += [(first, second, least), (second, first, -most)]
        for spans in on.values():
            spans.sort()
            rows += [(first, second, slots) for (_, first, slots), (_, second, _) in pairwise(spans)]
        return Lags(*np.array(rows, dtype=int).T)

    def _windows(
        self, at: Sequence[Placed], starts: np.ndarray, lags: Lags, reach: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and last slot of each start: near the present one, on an available unit, within its lags."""
        low = np.maximum(starts - reach, 0)
        high = np.minimum(starts + reach, self.problem.n_slots - 1)
        for k, curve in self._curves(at):
            t = int(starts[k])
            open_ = np.isfinite(curve[low[k] : high[k] + 1])
            shut = np.flatnonzero(~open_) + low[k]
            before, after = shut[shut < t], shut[shut > t]
            low[k] = before[-1] + 1 if len(before) else low[k]
            high[k] = after[0] - 1 if len(after) else high[k]
        return lags.narrow(low, high)

    def _curves(self, at: Sequence[Placed]) -> list[tuple[int, np.ndarray]]:
        """Return the number of each start and its cost by slot."""
        curves = []
        for c, placed in enumerate(at):
            cast = self.problem.casts[c]
            curves.append((int(self._first[-1]) + c, self.shop.casting(c, placed.unit)))
            for h, units in zip(cast.heats, placed.units, strict=True):
                curves += [(int(self._first[h]) + i, self.shop.worth(h, i, u)) for i, u in enumerate(units)]
        return curves

    # ---- costs ----------------------------------------------------------------------------------------------------

    def _costs(self, at: Sequence[Placed], low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return the cost of each start in the slots of its window, one start after the other."""
        parts = [np.zeros(0)] * len(low)
        for k, curve in self._curves(at):
            parts[k] = curve[low[k] : high[k] + 1]
        return np.concatenate(parts)

    def _limit_costs(self, at: Sequence[Placed], low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return the additional costs by the prices of the limit, with heat losses as in the last plan."""
        problem = self.problem
        cells = np.repeat(self._prices, self._per_meter)
        cache: dict[bytes, np.ndarray] = {}

        def priced(profile: np.ndarray) -> np.ndarray:
            key = profile.tobytes()
            if key not in cache:
                cache[key] = cost_curves.energy(problem, profile, cells)
            return cache[key]

        parts = [np.zeros(0)] * len(low)
        for c, placed in enumerate(at):
            cast, k = problem.casts[c], int(self._first[-1]) + c
            parts[k] = priced(cast.cells[placed.unit])[low[k] : high[k] + 1]
            for h, units, slots in zip(cast.heats, placed.units, placed.slots, strict=True):
                heat = problem.heats[h]
                for i, (operation, u) in enumerate(zip(heat.operations, units, strict=True)):
                    k = int(self._first[h]) + i
                    curve = priced(operation.cells[u])
                    if i and i == heat.reheat:
                        lost = self.shop.reheat_mwh(h, units, slots)
                        curve = curve + lost * priced(even_cells(problem, operation.minutes[u]))
                    parts[k] = curve[low[k] : high[k] + 1]
        return np.concatenate(parts)


def of_search(search: Search) -> Retiming | None:
    """Return the retiming of a search with its prices; None if the costs of starts are coupled or not known."""
    if "retiming" not in search.memory:
        search.memory["retiming"] = _new(search) if search.by_load and cast_pricing.useful(search.problem) else None
    return cast("Retiming | None", search.memory["retiming"])


def _new(search: Search) -> Retiming:
    data, problem = search.data, search.problem
    base_cells = problem.fixed_cells + np.repeat((data.base - data.pv) / problem.cells_per_slot, problem.cells_per_slot)
    shop = Shop(problem, search.aim.both_weights(data))
    return Retiming(shop, base_cells, data.limit_mwh(), round(data.meter_min / data.cell_min))


class Cut:
    """Graph of starts within windows and of the lags between them: a node "begun by then" for each start and slot."""

    def __init__(self, low: np.ndarray, high: np.ndarray, lags: Lags, soft: Lags | None = None) -> None:
        """Build the arcs: a start that has begun requires that another one has begun.

        Args:
            low: first slot of each start, shape (n_starts,).
            high: last slot of each start, shape (n_starts,).
            lags: lags between starts that must be kept.
            soft: lags that may be violated at a price.
        """
        self.low, self.high = low, high
        widths = high - low
        self._edges = np.concatenate(([0], np.cumsum(widths)))
        """First node of each start; its last slot has no node because it has begun by then in any case."""
        self._last = np.cumsum(widths + 1) - 1
        """Place of the last slot of each start's window among all costs."""
        self.n = int(self._edges[-1])
        node = np.arange(self.n)
        self._start = start = np.repeat(np.arange(len(low)), widths)
        slot = node - self._edges[start] + low[start]
        stays = slot < high[start] - 1
        source, target = [node[stays]], [node[stays] + 1]
        # if the later start has begun by a slot, the earlier one has begun a lag before it
        counts = widths[lags.later]
        row = np.repeat(np.arange(len(counts)), counts)
        of_row = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        then = low[lags.later][row] + of_row - lags.least[row]
        earlier = lags.earlier[row]
        inside = (then >= low[earlier]) & (then < high[earlier])
        source.append((self._edges[lags.later][row] + of_row)[inside])
        target.append((self._edges[earlier] + then - low[earlier])[inside])
        self._source, self._target = np.concatenate(source), np.concatenate(target)
        self._prices = np.zeros(0)
        """Prices of the last arcs, those of soft lags; all others are unbounded."""
        self._extra = np.zeros(self.n)
        """Cost that soft lags add to having begun by a node."""
        if soft is not None and len(soft.least):
            self._soften(soft)

    def _soften(self, soft: Lags) -> None:
        """Build the arcs of soft lags: each slot in which only the later start has begun costs the lag's price."""
        assert soft.price is not None
        low, high, edges = self.low, self.high, self._edges
        earlier, later, least = soft.earlier, soft.later, soft.least
        counts = np.maximum(high[earlier] + least - low[later], 0)
        row = np.repeat(np.arange(len(counts)), counts)
        t = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts) + low[later][row]
        after, before, then, price = later[row], earlier[row], t - least[row], soft.price[row]
        has, must = t < high[after], then >= low[before]
        """Whether the nodes exist: otherwise the later start has begun in any case, or the earlier one has not."""
        source = edges[after] + t - low[after]
        target = edges[before] + then - low[before]
        both = has & must
        self._source = np.concatenate([self._source, source[both]])
        self._target = np.concatenate([self._target, target[both]])
        self._prices = price[both]
        np.add.at(self._extra, source[has & ~must], price[has & ~must])
        np.add.at(self._extra, target[must & ~has], -price[must & ~has])

    def best(self, costs: np.ndarray) -> np.ndarray:
        """Return the starts with the lowest total cost.

        Args:
            costs: cost of each start in each slot of its window, one start after the other.

        Returns:
            Slots of the starts, shape (n_starts,).
        """
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import breadth_first_order, maximum_flow

        # additional cost of having begun one slot sooner
        sooner = self._extra - np.delete(np.diff(costs, append=0.0), self._last)
        total = float(np.abs(sooner).sum() + self._prices.sum())
        if not total:
            return self.low
        worth = np.rint(sooner * (WHOLE / total)).astype(np.int64)
        first, last = self.n, self.n + 1
        gains, losses = np.flatnonzero(worth < 0), np.flatnonzero(worth > 0)
        hard = np.full(len(self._source) - len(self._prices), BOUNDLESS)
        soft = np.rint(self._prices * (WHOLE / total)).astype(np.int64)
        capacity = np.concatenate([hard, soft, -worth[gains], worth[losses]])
        row = np.concatenate([self._source, np.full(len(gains), first), losses])
        column = np.concatenate([self._target, gains, np.full(len(losses), last)])
        effort.spend(PER_ARC * len(row))
        graph = csr_matrix((capacity.astype(np.int32), (row, column)), shape=(self.n + 2, self.n + 2))
        residual = graph - maximum_flow(graph, first, last).flow
        residual.data = np.maximum(residual.data, 0)
        residual.eliminate_zeros()
        reach = breadth_first_order(residual, first, return_predecessors=False)
        return self.high - np.bincount(self._start[reach[reach < self.n]], minlength=len(self.high))
