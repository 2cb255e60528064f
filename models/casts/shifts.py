"""Many moves of casts tried at once: each as if it were the only one, all of them in the same array operations.

A move is given by the casts it takes out and by where they start again; their heats are then placed one by one in some
order, each on its cheapest way through what is free. Most moves of a search come to nothing, so that several found
from the same plan seldom meet; one move alone would spend its time in calling NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from models.casts import curves
from models.casts.shop import Placed, Shop

FREE, SHUT = -1, -2


@dataclass(frozen=True)
class Moves:
    """What is to be tried. Places that are not used hold -1."""

    casts: np.ndarray
    """Taken out, shape (n_moves, n_casts)."""
    columns: np.ndarray
    """Which of its casters each gets."""
    slots: np.ndarray
    """Where each starts."""
    heats: np.ndarray
    """All heats of these casts in the order in which they are placed, shape (n_moves, n_heats)."""


@dataclass(frozen=True)
class Tried:
    """What became of moves."""

    fits: np.ndarray
    """Whether all casts and heats found a place, shape (n_moves,)."""
    units: np.ndarray
    """Unit of each heat of ``Moves.heats`` by operation, shape (n_moves, n_heats, n_operations)."""
    slots: np.ndarray
    """Its start."""
    cells: np.ndarray
    """Energy of the casts that fit by cell [MWh], reheating included, shape (n_moves, n_cells)."""


class Shifts:
    """The line as arrays. Operations are counted so that the last ones of all heats lie side by side."""

    def __init__(self, shop: Shop) -> None:
        """Write down what no move changes.

        Args:
            shop: holds the plan; ``read`` says that it has changed.
        """
        self.shop, problem = shop, shop.problem
        self.problem = problem
        heats, casts, n = problem.heats, problem.casts, problem.n_slots
        self.depth = depth = max(len(heat.operations) for heat in heats)
        wide = max(len(o.units) for heat in heats for o in heat.operations)
        casters = max(len(cast.units) for cast in casts)
        shape = (len(heats), depth, wide)
        self._first = np.array([depth - len(heat.operations) for heat in heats])
        self._unit, self._occupy = np.zeros(shape, dtype=int), np.ones(shape, dtype=int)
        cells = max(len(part) for heat in heats for o in heat.operations for part in o.cells.values())
        self._draws = np.zeros((*shape, cells))
        self._minutes = np.zeros(shape)
        self._lags(wide, casters)
        self._pad = pad = max(int(self._back.max()), 0) + int(sum(self._longest)) + 1
        self._tail = max(
            int(self._occupy.max()), cells, *(len(part) for cast in casts for part in cast.cells.values()),
            *(slots for cast in casts for slots in cast.hold.values()),
            *(o.occupy[u] for heat in heats for o in heat.operations for u in o.units),
        ) + max(-int(self._least_to_cast.min()), 0) + 1  # fmt: skip
        self._kind = np.array(shop.kinds)
        self._own = np.full((int(self._kind.max()) + 1, depth, wide, pad + n + self._tail), np.inf)
        for h, heat in enumerate(heats):
            for i, operation in enumerate(heat.operations):
                e = int(self._first[h]) + i
                for p, u in enumerate(operation.units):
                    self._unit[h, e, p], self._occupy[h, e, p] = u, operation.occupy[u]
                    self._draws[h, e, p, : len(operation.cells[u])] = operation.cells[u]
                    self._minutes[h, e, p] = operation.minutes[u]
                    self._own[self._kind[h], e, p, pad : pad + n] = shop.worth(h, i, u)
        self._most_slots = max(int(self._occupy.max()), 1)
        self._reheats()
        self._casts(casters)
        self.reach = (pad, self._tail)
        """Slots before and after a cast's start that a move may look at."""

    def _lags(self, wide: int, casters: int) -> None:
        """What is forbidden between starts, as costs that are zero or infinite."""
        heats, depth = self.problem.heats, self.depth
        self._longest = [0] * (depth - 1)
        shortest = [10**6] * (depth - 1)
        for h, heat in enumerate(heats):
            for i in range(len(heat.operations) - 1):
                e = int(self._first[h]) + i
                self._longest[e] = max(self._longest[e], int(np.maximum(heat.most[i], heat.least[i]).max()))
                shortest[e] = min(shortest[e], int(heat.least[i].min()))
        self._bar = [
            np.full((len(heats), wide, wide, longest - min(short, longest) + 1), np.inf)
            for longest, short in zip(self._longest, shortest, strict=True)
        ]
        ends = [(heat.least[-1], np.maximum(heat.most[-1], heat.least[-1])) for heat in heats]
        self._back = np.zeros((len(heats), casters), dtype=int)
        self._least_to_cast = np.zeros((len(heats), casters), dtype=int)
        for h, (least, most) in enumerate(ends):
            self._back[h, : most.shape[1]] = most.max(axis=0)
            self._least_to_cast[h, : least.shape[1]] = least.min(axis=0)
        width = int((self._back - self._least_to_cast).max()) + 1
        self._bar_cast = np.full((len(heats), casters, wide, width), np.inf)
        for h, heat in enumerate(heats):
            for i in range(len(heat.operations) - 1):
                e = int(self._first[h]) + i
                lags = self._longest[e] - np.arange(self._bar[e].shape[-1])
                least, most = heat.least[i][..., None], np.maximum(heat.most[i], heat.least[i])[..., None]
                rows, columns = heat.least[i].shape
                self._bar[e][h, :rows, :columns][(lags >= least) & (lags <= most)] = 0.0
            least, most = ends[h]
            rows, columns = least.shape
            lags = self._back[h, :columns, None, None] - np.arange(width)
            within = (lags >= least.T[..., None]) & (lags <= most.T[..., None])
            self._bar_cast[h, :columns, :rows][within] = 0.0
        self._widths = [width]
        """Slots that are looked at, by operation."""
        for bar in reversed(self._bar):
            self._widths.insert(0, self._widths[0] + bar.shape[-1] - 1)

    def _reheats(self) -> None:
        """What a minute's wait costs in energy where it is made good, and the minutes that cost none."""
        problem = self.problem
        rate = problem.reheat_kwh_per_t_min / 1000
        n, wide = len(problem.heats), self._unit.shape[2]
        self._reheat = np.full(n, -1)
        self._mass = np.zeros(n)
        self._quick = np.zeros((n, self.depth))
        spreads: dict[tuple[int, int], np.ndarray] = {}
        for h, heat in enumerate(problem.heats):
            if not heat.reheat or not rate:
                continue
            first = int(self._first[h])
            self._reheat[h], self._mass[h] = first + heat.reheat, rate * heat.mass_t
            self._quick[h, first : first + heat.reheat] = heat.quickest[: heat.reheat]
            operation = heat.operations[heat.reheat]
            for p, u in enumerate(operation.units):
                spreads[h, p] = curves.even(problem, operation.minutes[u])
        self._spread = np.zeros((n, wide, max((len(part) for part in spreads.values()), default=1)))
        for (h, p), part in spreads.items():
            self._spread[h, p, : len(part)] = part

    def _casts(self, casters: int) -> None:
        casts = self.problem.casts
        shape = (len(casts), casters)
        self._caster, self._hold = np.zeros(shape, dtype=int), np.ones(shape, dtype=int)
        self._from, self._to = np.ones(shape, dtype=int), np.zeros(shape, dtype=int)
        self._cast_draws = np.zeros((*shape, max(len(part) for cast in casts for part in cast.cells.values())))
        self._cast_of = np.zeros(len(self.problem.heats), dtype=int)
        for c, cast in enumerate(casts):
            self._cast_of[list(cast.heats)] = c
            for j, u in enumerate(cast.units):
                self._caster[c, j], self._hold[c, j] = u, cast.hold[u]
                self._from[c, j], self._to[c, j] = max(cast.first[u], 0), min(cast.last[u], self.problem.n_slots - 1)
                self._cast_draws[c, j, : len(cast.cells[u])] = cast.cells[u]

    # ---- what is held ---------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Take over where the shop has all casts."""
        problem = self.problem
        self._owner = np.where(problem.free, FREE, SHUT)
        for c in range(len(problem.casts)):
            self.hold(c)

    def clear(self, c: int, placed: Placed) -> None:
        """A cast has gone from its place."""
        for u, slot, slots in self._held(c, placed):
            self._owner[u, slot : slot + slots] = FREE

    def hold(self, c: int) -> None:
        """A cast is where the shop has it now."""
        placed = self.shop.at[c]
        assert placed is not None
        for u, slot, slots in self._held(c, placed):
            self._owner[u, slot : slot + slots] = c

    def _held(self, c: int, placed: Placed) -> list[tuple[int, int, int]]:
        cast = self.problem.casts[c]
        found = [(placed.unit, placed.slot, cast.hold[placed.unit])]
        for h, units, slots in zip(cast.heats, placed.units, placed.slots, strict=True):
            operations = self.problem.heats[h].operations
            found += [(u, t, o.occupy[u]) for o, u, t in zip(operations, units, slots, strict=True)]
        return found

    def _next_held(self, casts: np.ndarray) -> np.ndarray:
        """First slot held by others from each slot on, by move and unit; slots are counted from the padding on."""
        n_moves = len(casts)
        holds = np.ones((n_moves, len(self.problem.casts) + 2), dtype=bool)
        holds[np.arange(n_moves)[:, None], casts] = False
        holds[:, FREE] = False
        holds[:, SHUT] = True
        pad, n = self._pad, self.problem.n_slots
        found = np.full((n_moves, len(self._owner), pad + n + self._tail), 2**30, dtype=np.int64)
        here = np.where(holds[:, self._owner], np.arange(pad, pad + n), 2**30)
        found[:, :, pad : pad + n] = np.minimum.accumulate(here[:, :, ::-1], axis=2)[:, :, ::-1]
        return found

    # ---- moves ----------------------------------------------------------------------------------------------------

    def tried(self, moves: Moves) -> Tried:
        """Place the casts of each move and their heats."""
        n_moves, n_heats = moves.heats.shape
        held = self._next_held(moves.casts)
        cells = np.zeros((n_moves, self._pad * self.problem.cells_per_slot + self.problem.n_cells + self._spill))
        fits = self._put_casts(moves, held, cells)
        units, slots = (np.zeros((n_moves, n_heats, self.depth), dtype=int) for _ in range(2))
        # one column more than casts: it takes what unused places say
        column, start = (np.zeros((n_moves, len(self.problem.casts) + 1), dtype=int) for _ in range(2))
        every = np.arange(n_moves)[:, None]
        column[every, moves.casts], start[every, moves.casts] = moves.columns, moves.slots
        for j in range(n_heats):
            live = np.flatnonzero(fits & (moves.heats[:, j] >= 0))
            if not len(live):
                continue
            h = moves.heats[live, j]
            c = self._cast_of[h]
            found, p, t = self._way(h, held[live], column[live, c], start[live, c] + self._pad)
            fits[live[~found]] = False
            live, h, p, t = live[found], h[found], p[found], t[found]
            self._put(live, h, p, t, held, cells)
            units[live, j] = self._unit[h[:, None], np.arange(self.depth), p]
            slots[live, j] = t - self._pad
        first = self._pad * self.problem.cells_per_slot
        return Tried(fits, units, slots, cells[:, first : first + self.problem.n_cells])

    @property
    def _spill(self) -> int:
        return self._tail * self.problem.cells_per_slot

    def _put_casts(self, moves: Moves, held: np.ndarray, cells: np.ndarray) -> np.ndarray:
        """Hold the casters. Whether all casts of a move found theirs free, shape (n_moves,)."""
        fits = np.ones(len(moves.casts), dtype=bool)
        per = self.problem.cells_per_slot
        for j in range(moves.casts.shape[1]):
            live = np.flatnonzero(fits & (moves.casts[:, j] >= 0))
            c, k, t = moves.casts[live, j], moves.columns[live, j], moves.slots[live, j]
            good = (t >= self._from[c, k]) & (t <= self._to[c, k])
            fits[live[~good]] = False
            live, c, k, t = live[good], c[good], k[good], t[good] + self._pad
            u, slots = self._caster[c, k], self._hold[c, k]
            good = held[live, u, t] >= t + slots
            fits[live[~good]] = False
            self._mark(held, live, u, t, slots, int(self._hold.max()))
            at = (t * per)[:, None] + np.arange(self._cast_draws.shape[-1])
            cells[live[:, None], at] += self._cast_draws[c, k]
        return fits

    @staticmethod
    def _mark(held: np.ndarray, live: np.ndarray, u: np.ndarray, t: np.ndarray, slots: np.ndarray, reach: int) -> None:
        """Hold units for some slots; only who looks up to ``reach`` slots ahead learns of it."""
        at = np.maximum(t[:, None] + np.arange(-reach, reach), 0)
        ends = np.where(at < (t + slots)[:, None], np.maximum(at, t[:, None]), 2**30)
        rows, units = live[:, None], u[:, None]
        held[rows, units, at] = np.minimum(held[rows, units, at], ends)

    def _way(
        self, h: np.ndarray, held: np.ndarray, column: np.ndarray, start: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cheapest ways of heats to casts that start in given slots: whether there is one, places of units, starts."""
        rows = np.arange(len(h))
        low = [start - self._back[h, column]]
        for longest in reversed(self._longest):
            low.insert(0, low[0] - longest)
        costs: list[np.ndarray] = []
        kind = self._kind[h]
        for e, width in enumerate(self._widths):
            at = np.maximum(low[e][:, None] + np.arange(width), 0)[:, None, :]
            place = np.arange(self._unit.shape[2])[:, None]
            own = self._own[kind[:, None, None], e, place, at]
            ends = at + self._occupy[h, e][:, :, None]
            own[held[rows[:, None, None], self._unit[h, e][:, :, None], at] < ends] = np.inf
            if e:
                bar = self._bar[e - 1]
                windows = sliding_window_view(costs[-1], bar.shape[-1], axis=2)
                before = (windows[:, :, None] + bar[h][:, :, :, None]).min(axis=(1, 4))
                before[self._first[h] == e] = 0.0
                own += before
            costs.append(own)
        place, at = np.zeros((len(h), self.depth), dtype=int), np.zeros((len(h), self.depth), dtype=int)
        last = (costs[-1] + self._bar_cast[h, column]).reshape(len(h), -1)
        best = last.argmin(axis=1)
        found = last[rows, best] < np.inf
        p, w = np.divmod(best, self._widths[-1])
        place[:, -1], at[:, -1] = p, low[-1] + w
        for e in range(self.depth - 2, -1, -1):
            bar = self._bar[e]
            windows = sliding_window_view(costs[e], bar.shape[-1], axis=2)[rows, :, w]
            best = (windows + bar[h, :, p]).reshape(len(h), -1).argmin(axis=1)
            p, lag = np.divmod(best, bar.shape[-1])
            w = w + lag
            place[:, e], at[:, e] = p, low[e] + w
        return found, place, np.maximum(at, 0)

    def _put(
        self, live: np.ndarray, h: np.ndarray, p: np.ndarray, t: np.ndarray, held: np.ndarray, cells: np.ndarray
    ) -> None:
        """Hold the units of heats, and add what they draw."""
        per = self.problem.cells_per_slot
        draws = np.arange(self._draws.shape[-1])
        for e in range(self.depth):
            real = self._first[h] <= e
            rows, heat, place, at = live[real], h[real], p[real, e], t[real, e]
            self._mark(held, rows, self._unit[heat, e, place], at, self._occupy[heat, e, place], self._most_slots)
            cells[rows[:, None], (at * per)[:, None] + draws] += self._draws[heat, e, place]
        some = self._reheat[h] >= 0
        if not some.any():
            return
        live, h, p, t = live[some], h[some], p[some], t[some]
        each, at_reheat = np.arange(len(h)), self._reheat[h]
        before = np.arange(self.depth) < at_reheat[:, None]
        own = (self._minutes[h[:, None], np.arange(self.depth), p] * before).sum(axis=1) + self._quick[h].sum(axis=1)
        passed = (t[each, at_reheat] - t[each, self._first[h]]) * self.problem.step_min
        lost = self._mass[h] * np.maximum(passed - own, 0.0)
        at = (t[each, at_reheat] * per)[:, None] + np.arange(self._spread.shape[-1])
        cells[live[:, None], at] += lost[:, None] * self._spread[h, p[each, at_reheat]]

    def placed(self, moves: Moves, tried: Tried, m: int) -> dict[int, Placed]:
        """Where a move that fits puts its casts."""
        ways = {
            h: (tuple(u[self._first[h] :]), tuple(t[self._first[h] :]))
            for h, u, t in zip(
                moves.heats[m].tolist(), tried.units[m].tolist(), tried.slots[m].tolist(), strict=True
            )
            if h >= 0
        }  # fmt: skip
        found = {}
        for c, column, slot in zip(
            moves.casts[m].tolist(), moves.columns[m].tolist(), moves.slots[m].tolist(), strict=True
        ):
            if c >= 0:
                cast = self.problem.casts[c]
                own = [ways[h] for h in cast.heats]
                found[c] = Placed(cast.units[column], slot, tuple(u for u, _ in own), tuple(t for _, t in own))
        return found


