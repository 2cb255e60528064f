"""The line as arrays for evaluating many heats in one operation: all data that no plan changes.

Operations are numbered so that the last ones of all heats are aligned; units of an operation are identified by their
place among its possible units. Slots are counted from a padding on that is longer than any route of a heat, and nothing
can start outside the horizon.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emberline.models.heuristics.line.placement import Shop
from emberline.models.problem.line import even_cells


@dataclass(frozen=True)
class Core:
    """Lags that all pairs of units allow if they allow any, and lags that only some pairs allow."""

    first: int
    count: int
    others: tuple[int, ...]


def core(bars: np.ndarray) -> Core:
    """Return the lags that costs of zero or infinity allow, shape (n_rows, n_lags); rows without any are ignored."""
    allowed = bars[np.isfinite(bars).any(axis=1)] == 0.0
    everywhere = np.flatnonzero(allowed.all(axis=0)) if len(allowed) else np.zeros(0, dtype=int)
    others = np.setdiff1d(np.flatnonzero(allowed.any(axis=0)), everywhere)
    first = int(everywhere[0]) if len(everywhere) else 0
    return Core(first, len(everywhere), tuple(others.tolist()))


def least(costs: np.ndarray, bar: np.ndarray, lags: Core, width: int) -> np.ndarray:
    """Return the minimum cost within the allowed lags, by doubling.

    Args:
        costs: shape (n, n_from, at least width + n_lags - 1).
        bar: zero or infinite, shape (n, n_from, n_to, n_lags).
        lags: lags that it allows.
        width: number of slots of the result.

    Returns:
        Shape (n, n_to, width).
    """
    lowest = np.full((len(bar), bar.shape[2], width), np.inf)
    if lags.count:
        window, cover = costs[:, :, lags.first :], 1
        while cover < lags.count:
            step = min(cover, lags.count - cover)
            window, cover = np.minimum(window[:, :, :-step], window[:, :, step:]), cover + step
        lowest[:] = window[:, :, :width].min(axis=1)[:, None]
    for lag in lags.others:
        other = costs[:, :, None, lag : lag + width] + bar[..., lag, None]
        np.minimum(lowest, other.min(axis=1), out=lowest)
    return lowest


class Tables:
    """Costs, lags, occupations and energies by heat, operation and place of the unit."""

    def __init__(self, shop: Shop) -> None:
        """Compute the tables that no move changes.

        Args:
            shop: shop with the costs of operations and casts by start.
        """
        self.problem = problem = shop.problem
        heats, casts, n = problem.heats, problem.casts, problem.n_slots
        self.depth = depth = max(len(heat.operations) for heat in heats)
        wide = max(len(o.units) for heat in heats for o in heat.operations)
        casters = max(len(cast.units) for cast in casts)
        shape = (len(heats), depth, wide)
        self.first = np.array([depth - len(heat.operations) for heat in heats])
        self.unit, self.occupy = np.zeros(shape, dtype=int), np.ones(shape, dtype=int)
        cells = max(len(part) for heat in heats for o in heat.operations for part in o.cells.values())
        self.draws = np.zeros((*shape, cells))
        self.minutes = np.zeros(shape)
        self._of_lags(wide, casters)
        self.pad = pad = max(int(self.back.max()), 0) + int(sum(self.longest)) + 1
        self.tail = max(
            int(self.occupy.max()), cells, *(len(part) for cast in casts for part in cast.cells.values()),
            *(slots for cast in casts for slots in cast.occupy.values()),
            *(o.occupy[u] for heat in heats for o in heat.operations for u in o.units),
        ) + max(-int(self.least_to_cast.min()), 0) + 1  # fmt: skip
        self.kind = np.array(shop.kinds)
        self.start_costs = np.full((int(self.kind.max()) + 1, depth, wide, pad + n + self.tail), np.inf)
        for h, heat in enumerate(heats):
            for i, operation in enumerate(heat.operations):
                e = int(self.first[h]) + i
                for p, u in enumerate(operation.units):
                    self.unit[h, e, p], self.occupy[h, e, p] = u, operation.occupy[u]
                    self.draws[h, e, p, : len(operation.cells[u])] = operation.cells[u]
                    self.minutes[h, e, p] = operation.minutes[u]
                    self.start_costs[self.kind[h], e, p, pad : pad + n] = shop.worth(h, i, u)
        self.most_slots = max(int(self.occupy.max()), 1)
        self._of_reheating()
        self._of_casts(shop, casters)

    def _of_lags(self, wide: int, casters: int) -> None:
        """Compute the forbidden lags between starts, as costs that are zero or infinite."""
        heats, depth = self.problem.heats, self.depth
        self.longest = [0] * (depth - 1)
        shortest = [10**6] * (depth - 1)
        for h, heat in enumerate(heats):
            for i in range(len(heat.operations) - 1):
                e = int(self.first[h]) + i
                self.longest[e] = max(self.longest[e], int(heat.most[i].max()))
                shortest[e] = min(shortest[e], int(heat.least[i].min()))
        self.bar = [
            np.full((len(heats), wide, wide, longest - min(short, longest) + 1), np.inf)
            for longest, short in zip(self.longest, shortest, strict=True)
        ]
        ends = [(heat.least[-1], heat.most[-1]) for heat in heats]
        self.back = np.zeros((len(heats), casters), dtype=int)
        self.least_to_cast = np.zeros((len(heats), casters), dtype=int)
        for h, (least, most) in enumerate(ends):
            self.back[h, : most.shape[1]] = most.max(axis=0)
            self.least_to_cast[h, : least.shape[1]] = least.min(axis=0)
        width = int((self.back - self.least_to_cast).max()) + 1
        self.bar_cast = np.full((len(heats), casters, wide, width), np.inf)
        for h, heat in enumerate(heats):
            for i in range(len(heat.operations) - 1):
                e = int(self.first[h]) + i
                lags = self.longest[e] - np.arange(self.bar[e].shape[-1])
                least, most = heat.least[i][..., None], heat.most[i][..., None]
                rows, columns = heat.least[i].shape
                self.bar[e][h, :rows, :columns][(lags >= least) & (lags <= most)] = 0.0
            least, most = ends[h]
            rows, columns = least.shape
            lags = self.back[h, :columns, None, None] - np.arange(width)
            within = (lags >= least.T[..., None]) & (lags <= most.T[..., None])
            self.bar_cast[h, :columns, :rows][within] = 0.0
        self.core = [core(bar.reshape(-1, bar.shape[-1])) for bar in self.bar]
        self.core_cast = [[core(bar) for bar in of_heat] for of_heat in self.bar_cast]
        self.widths = [width]
        """Number of slots to examine, by operation."""
        for bar in reversed(self.bar):
            self.widths.insert(0, self.widths[0] + bar.shape[-1] - 1)

    def _of_reheating(self) -> None:
        """Compute the reheating energy for a minute of waiting, and the minutes without heat loss."""
        problem = self.problem
        rate = problem.reheat_kwh_per_t_min / 1000
        n, wide = len(problem.heats), self.unit.shape[2]
        self.reheat = np.full(n, -1)
        self.mass = np.zeros(n)
        self.quick = np.zeros((n, self.depth))
        spreads: dict[tuple[int, int], np.ndarray] = {}
        for h, heat in enumerate(problem.heats):
            if not heat.reheat or not rate:
                continue
            first = int(self.first[h])
            self.reheat[h], self.mass[h] = first + heat.reheat, rate * heat.mass_t
            self.quick[h, first : first + heat.reheat] = heat.quickest[: heat.reheat]
            operation = heat.operations[heat.reheat]
            for p, u in enumerate(operation.units):
                spreads[h, p] = even_cells(problem, operation.minutes[u])
        self.spread = np.zeros((n, wide, max((len(part) for part in spreads.values()), default=1)))
        for (h, p), part in spreads.items():
            self.spread[h, p, : len(part)] = part

    def _of_casts(self, shop: Shop, casters: int) -> None:
        """Compute casters, possible starts and energy of the casts."""
        casts = self.problem.casts
        shape = (len(casts), casters)
        self.caster, self.hold = np.zeros(shape, dtype=int), np.ones(shape, dtype=int)
        self.open = np.zeros((*shape, self.problem.n_slots), dtype=bool)
        """Possible starts of a cast on a caster, if no other work of the plan occupies it."""
        self.cast_draws = np.zeros((*shape, max(len(part) for cast in casts for part in cast.cells.values())))
        self.cast_of = np.zeros(len(self.problem.heats), dtype=int)
        for c, cast in enumerate(casts):
            self.cast_of[list(cast.heats)] = c
            for j, u in enumerate(cast.units):
                self.caster[c, j], self.hold[c, j] = u, cast.occupy[u]
                self.open[c, j] = np.isfinite(shop.casting(c, u))
                self.cast_draws[c, j, : len(cast.cells[u])] = cast.cells[u]
