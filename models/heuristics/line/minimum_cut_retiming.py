"""All starts at once: the best times of a plan whose units and sequences stay as they are.

With those given, what is left are bounds on differences between starts and a cost of each start by its slot: a minimum
cut finds the best times of all heats and casts together (Möhring, Schulz, Stork, Uetz, Management Science 49, 2003).
It moves a day's heats out of dirty hours in one step, where moves of a few casts would have to find every one of the
steps good. The import limit ties starts that are no neighbours and has no place in a cut: energy in the intervals that
break it is made dearer until none is broken (Lagrangian relaxation).
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
"""Sum of all costs in the whole numbers that the cut counts in: far from what 32 bits hold."""
PER_ARC = 1.5e-6
"""Work of a cut for each arc."""
BOUNDLESS = 2**29


@dataclass(frozen=True)
class Lags:
    """``starts[later] - starts[earlier] >= least`` for each row."""

    earlier: np.ndarray
    later: np.ndarray
    least: np.ndarray
    price: np.ndarray | None = None
    """Of each slot by which a row is missed; None: none may be."""

    def narrow(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First and last slot of each start, narrowed by all rows; some windows are empty where not all can be kept."""
        while True:
            earliest, latest = low.copy(), high.copy()
            np.maximum.at(earliest, self.later, low[self.earlier] + self.least)
            np.minimum.at(latest, self.earlier, high[self.later] - self.least)
            if (earliest > latest).any() or ((earliest == low).all() and (latest == high).all()):
                return earliest, latest
            low, high = earliest, latest


class Retiming:
    """Finds the best times of a shop's casts."""

    def __init__(self, shop: Shop, base_cells: np.ndarray, limit_mwh: float, cells_per_meter: int) -> None:
        """Number the starts: those of all heats' operations, then those of the casts.

        Args:
            shop: knows what starts cost.
            base_cells: energy by cell that casts do not draw [MWh], shape (n_cells,).
            limit_mwh: import limit in a metered interval; infinite for none.
            cells_per_meter: cells in such an interval.
        """
        self.shop, self.problem = shop, shop.problem
        problem = self.problem
        self._base_cells, self._limit, self._per_meter = base_cells, limit_mwh, cells_per_meter
        self._prices = np.zeros(problem.n_cells // cells_per_meter)
        """Of energy in each metered interval, for the limit's sake."""
        self._first = np.cumsum([0, *(len(heat.operations) for heat in problem.heats)])
        """Number of each heat's first start; the last one is that of the first cast."""

    def best(
        self, at: Sequence[Placed], reach_min: float, over: Callable[[], bool] = lambda: False
    ) -> list[Placed] | None:
        """The casts at their best times; None where the import limit was broken to the end, or the time was over.

        Args:
            at: where the casts lie.
            reach_min: by how much each start may change; less in long lines.
            over: polled between cuts.
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
            dearer = self._dearer(placed, low, high) if self._prices.any() else None
            placed = self._placed(at, cut.best(costs if dearer is None else costs + dearer))
            above = self.above(placed)
            if not above.any():
                return placed
            rise = LINE.cut_dearer * self.shop.mean_worth * np.maximum(above, LINE.cut_least_over_mwh)
            self._prices = np.where(above > 0, LINE.cut_growth * self._prices + rise, self._prices)
        return None

    def above(self, at: Sequence[Placed]) -> np.ndarray:
        """Energy above the import limit with casts in some places, by metered interval [MWh]."""
        load = sum(self.shop.cells(c, placed) for c, placed in enumerate(at)) + self._base_cells
        return np.maximum(load.reshape(-1, self._per_meter).sum(axis=1) - self._limit - 1e-9, 0.0)

    # ---- starts as numbers ----------------------------------------------------------------------------------------

    def _number(self, key: Key) -> int:
        """Number of a start."""
        h, i = key
        return int(self._first[h]) + i

    def _starts(self, at: Sequence[Placed]) -> np.ndarray:
        """Slots of all starts."""
        starts = np.zeros(int(self._first[-1]) + len(at), dtype=int)
        for c, placed in enumerate(at):
            starts[self._first[-1] + c] = placed.slot
            for h, slots in zip(self.problem.casts[c].heats, placed.slots, strict=True):
                starts[self._first[h] : self._first[h + 1]] = slots
        return starts

    def _placed(self, at: Sequence[Placed], starts: np.ndarray) -> list[Placed]:
        """The casts with other starts."""
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
        """Lags between starts: of a heat from stage to stage, and to the next work on a unit."""
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
            one, other = self._number(before), self._number(after)
            rows += [(one, other, least), (other, one, -most)]
        for spans in on.values():
            spans.sort()
            rows += [(one, other, slots) for (_, one, slots), (_, other, _) in pairwise(spans)]
        return Lags(*np.array(rows, dtype=int).T)

    def _windows(
        self, at: Sequence[Placed], starts: np.ndarray, lags: Lags, reach: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """First and last slot of each start: near where it is, on an open unit, and as its neighbours leave it."""
        low = np.maximum(starts - reach, 0)
        high = np.minimum(starts + reach, self.problem.n_slots - 1)
        for k, curve in self._each(at):
            t = int(starts[k])
            open_ = np.isfinite(curve[low[k] : high[k] + 1])
            shut = np.flatnonzero(~open_) + low[k]
            before, after = shut[shut < t], shut[shut > t]
            low[k] = before[-1] + 1 if len(before) else low[k]
            high[k] = after[0] - 1 if len(after) else high[k]
        return lags.narrow(low, high)

    def _each(self, at: Sequence[Placed]) -> list[tuple[int, np.ndarray]]:
        """Of each start its number and its cost by slot."""
        curves = []
        for c, placed in enumerate(at):
            cast = self.problem.casts[c]
            curves.append((int(self._first[-1]) + c, self.shop.casting(c, placed.unit)))
            for h, units in zip(cast.heats, placed.units, strict=True):
                curves += [(int(self._first[h]) + i, self.shop.worth(h, i, u)) for i, u in enumerate(units)]
        return curves

    # ---- costs ----------------------------------------------------------------------------------------------------

    def _costs(self, at: Sequence[Placed], low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Cost of each start in the slots of its window, one after the other."""
        parts = [np.zeros(0)] * len(low)
        for k, curve in self._each(at):
            parts[k] = curve[low[k] : high[k] + 1]
        return np.concatenate(parts)

    def _dearer(self, at: Sequence[Placed], low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """The same of the limit's prices. What has been lost by waiting counts as it is in the last plan."""
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
    """The retiming of a search, with its prices; None where what starts cost hangs together, or is not known."""
    if "retiming" not in search.memory:
        search.memory["retiming"] = _new(search) if search.by_load and cast_pricing.useful(search.problem) else None
    return cast("Retiming | None", search.memory["retiming"])


def _new(search: Search) -> Retiming:
    data, problem = search.data, search.problem
    base_cells = problem.fixed_cells + np.repeat((data.base - data.pv) / problem.cells_per_slot, problem.cells_per_slot)
    shop = Shop(problem, search.aim.both_weights(data))
    return Retiming(shop, base_cells, data.limit_mwh(), round(data.meter_min / data.cell_min))


class Cut:
    """Starts within windows with lags between them, as a graph: a node for each start and slot, "begun by then"."""

    def __init__(self, low: np.ndarray, high: np.ndarray, lags: Lags, soft: Lags | None = None) -> None:
        """Draw the arcs: what has begun in one place must have begun in another.

        Args:
            low: first slot of each start, shape (n_starts,).
            high: its last slot.
            lags: what lies between starts.
            soft: what should lie between them, at a price.
        """
        self.low, self.high = low, high
        widths = high - low
        self._edges = np.concatenate(([0], np.cumsum(widths)))
        """A start's nodes: in its last slot it has begun anyway, so that has none."""
        self._last = np.cumsum(widths + 1) - 1
        """Of each start the place of its window's last slot among all costs."""
        self.n = int(self._edges[-1])
        node = np.arange(self.n)
        self._start = start = np.repeat(np.arange(len(low)), widths)
        slot = node - self._edges[start] + low[start]
        stays = slot < high[start] - 1
        source, target = [node[stays]], [node[stays] + 1]
        # begun by a slot in the later start: begun by the lag before it in the earlier one
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
        """Of the last arcs, those of soft lags; all others are without bound."""
        self._extra = np.zeros(self.n)
        """Cost that soft lags add to having begun by a node."""
        if soft is not None and len(soft.least):
            self._soften(soft)

    def _soften(self, soft: Lags) -> None:
        """Draw the arcs of soft lags: each slot in which one has begun and the other not costs the lag's price."""
        assert soft.price is not None
        low, high, edges = self.low, self.high, self._edges
        earlier, later, least = soft.earlier, soft.later, soft.least
        counts = np.maximum(high[earlier] + least - low[later], 0)
        row = np.repeat(np.arange(len(counts)), counts)
        t = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts) + low[later][row]
        one, other, then, price = later[row], earlier[row], t - least[row], soft.price[row]
        has, must = t < high[one], then >= low[other]
        """Whether the nodes exist: else the one has begun anyway, or the other has not."""
        source = edges[one] + t - low[one]
        target = edges[other] + then - low[other]
        both = has & must
        self._source = np.concatenate([self._source, source[both]])
        self._target = np.concatenate([self._target, target[both]])
        self._prices = price[both]
        np.add.at(self._extra, source[has & ~must], price[has & ~must])
        np.add.at(self._extra, target[must & ~has], -price[must & ~has])

    def best(self, costs: np.ndarray) -> np.ndarray:
        """The starts that cost least together.

        Args:
            costs: of each start in each slot of its window, one start after the other.

        Returns:
            Shape (n_starts,).
        """
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import breadth_first_order, maximum_flow

        # to have begun one slot sooner costs so much more
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
