"""Batches of cast moves, evaluated independently of each other in the same array operations.

A move is given by the casts that it removes and by their new starts; their heats are then placed one by one in some
order, each on its cheapest route through the free slots. Most moves of a search fail, so several improvements of the
same plan rarely conflict; a single move would spend its time on the overhead of NumPy calls.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from emberline.models.heuristics.line.move_tables import Tables, least
from emberline.models.heuristics.line.placement import Placed, Shop
from emberline.models.problem.line import SlotProblem
from emberline.models.search.tuning import LINE

FREE, SHUT = -1, -2
NEVER = 2**30
"""Slot beyond any horizon."""


@dataclass(frozen=True)
class Moves:
    """Moves to evaluate; unused places contain -1."""

    casts: np.ndarray
    """Removed casts, shape (n_moves, n_casts)."""
    columns: np.ndarray
    """New caster of each cast, by its place among the cast's casters."""
    slots: np.ndarray
    """New start slot of each cast."""
    heats: np.ndarray
    """All heats of these casts in the order of placement, shape (n_moves, n_heats)."""


@dataclass(frozen=True)
class Trial:
    """Results of moves."""

    moves: Moves
    fits: np.ndarray
    """Whether all casts and heats could be placed, shape (n_moves,)."""
    units: np.ndarray
    """Unit of each heat of ``Moves.heats`` by operation, shape (n_moves, n_heats, n_operations)."""
    slots: np.ndarray
    """Start slot of each heat, likewise."""
    cells: np.ndarray
    """Energy of the placed casts by cell [MWh], reheating included, shape (n_moves, n_cells)."""


class Shifts:
    """Occupation of the units, and evaluation of moves on it."""

    def __init__(self, shop: Shop) -> None:
        """Convert the line to arrays.

        Args:
            shop: the plan; ``clear`` and ``hold`` report its changes.
        """
        self.shop, self.problem, self.table = shop, shop.problem, Tables(shop)
        self.reach = (self.table.pad, self.table.tail)
        """Slots before and after a cast's start that a move may use."""
        self.read()

    # ---- occupation -----------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Read the places of all casts from the shop."""
        problem = self.problem
        self._owner = np.where(problem.free, FREE, SHUT)
        for c in range(len(problem.casts)):
            self.hold(c)

    def clear(self, c: int) -> None:
        """Free the units of a cast where the shop still has it."""
        placed = self.shop.at[c]
        assert placed is not None
        for u, slot, slots in self._spans(c, placed):
            self._owner[u, slot : slot + slots] = FREE

    def hold(self, c: int) -> None:
        """Occupy the units of a cast where the shop now has it."""
        placed = self.shop.at[c]
        assert placed is not None
        for u, slot, slots in self._spans(c, placed):
            self._owner[u, slot : slot + slots] = c

    def _spans(self, c: int, placed: Placed) -> list[tuple[int, int, int]]:
        cast = self.problem.casts[c]
        spans = [(placed.unit, placed.slot, cast.occupy[placed.unit])]
        for h, units, slots in zip(cast.heats, placed.units, placed.slots, strict=True):
            operations = self.problem.heats[h].operations
            spans += [(u, t, o.occupy[u]) for o, u, t in zip(operations, units, slots, strict=True)]
        return spans

    def _next_held(self, casts: np.ndarray) -> np.ndarray:
        """Return the first slot occupied by others from each slot on, by move and unit; slots include the padding."""
        n_moves = len(casts)
        holds = np.ones((n_moves, len(self.problem.casts) + 2), dtype=bool)
        holds[np.arange(n_moves)[:, None], casts] = False
        holds[:, FREE] = False
        holds[:, SHUT] = True
        pad, n = self.table.pad, self.problem.n_slots
        occupancy = np.full((n_moves, len(self._owner), pad + n + self.table.tail), NEVER, dtype=np.int32)
        at = np.arange(pad, pad + n, dtype=np.int32)
        occupancy[:, :, pad : pad + n] = np.where(holds[:, self._owner], at, np.int32(NEVER))
        backward = occupancy[:, :, pad : pad + n][:, :, ::-1]
        np.minimum.accumulate(backward, axis=2, out=backward)
        return occupancy

    # ---- moves ----------------------------------------------------------------------------------------------------

    def trial(self, moves: Moves) -> Trial:
        """Place the casts of each move at its starts, and their heats in its order."""
        occupancy, cells = self._next_held(moves.casts), self._nothing(len(moves.casts))
        fits = self._put_casts(moves, occupancy, cells)
        units, slots = self._put_heats(moves, fits, occupancy, cells)
        return Trial(moves, fits, units, slots, self._inside(cells))

    def returned(self, casts: np.ndarray, heats: np.ndarray, tries: int, noise: np.ndarray) -> Trial:
        """Put the casts of each move back one after the other, each at one of the most promising places.

        Args:
            casts: casts in their order, shape (n_moves, n_casts); -1 for unused places.
            heats: heats of each cast, shape (n_moves, n_casts, n_heats); -1 for unused places.
            tries: number of places that are tried for each cast.
            noise: factors on the costs before they are compared, shape (n_moves, n_slots).
        """
        n_moves, most = casts.shape
        occupancy, cells = self._next_held(casts), self._nothing(n_moves)
        columns, starts = np.full(casts.shape, -1), np.full(casts.shape, -1)
        units, slots = (np.zeros((*heats.shape, self.table.depth), dtype=int) for _ in range(2))
        fits = np.ones(n_moves, dtype=bool)
        for j in range(most):
            live = np.flatnonzero(fits & (casts[:, j] >= 0))
            if not len(live):
                continue
            spots = np.array([self._candidates(int(casts[m, j]), occupancy[m], tries, noise[m]) for m in live])
            rows = np.repeat(live, tries)
            batch = Moves(casts[rows, j : j + 1], spots[:, :, 0].reshape(-1, 1), spots[:, :, 1].reshape(-1, 1),
                          heats[rows, j])  # fmt: skip
            own_held, own_cells = occupancy[rows], cells[rows]
            good = self._put_casts(batch, own_held, own_cells)
            own_units, own_slots = self._put_heats(batch, good, own_held, own_cells)
            table = good.reshape(len(live), tries)
            fits[live] = table.any(axis=1)
            choice = np.arange(len(live)) * tries + table.argmax(axis=1)
            occupancy[live], cells[live] = own_held[choice], own_cells[choice]
            columns[live, j], starts[live, j] = batch.columns[choice, 0], batch.slots[choice, 0]
            units[live, j], slots[live, j] = own_units[choice], own_slots[choice]
        flat = (n_moves, heats.shape[1] * heats.shape[2])
        moves = Moves(casts, columns, starts, heats.reshape(flat))
        return Trial(
            moves,
            fits,
            units.reshape(*flat, self.table.depth),
            slots.reshape(*flat, self.table.depth),
            self._inside(cells),
        )

    def _candidates(self, c: int, occupancy: np.ndarray, tries: int, noise: np.ndarray) -> np.ndarray:
        """Return the caster's column and the slot of the most promising places of a cast, shape (tries, 2)."""
        flat = (self.curves(c, occupancy) * noise).ravel()
        first = np.argpartition(flat, tries)[:tries] if tries < flat.size else np.arange(tries) % flat.size
        first = first[np.argsort(flat[first], kind="stable")]
        column, slot = np.divmod(first, self.problem.n_slots)
        # a slot without a route is no place: nothing starts there
        return np.stack([column, np.where(flat[first] < np.inf, slot, -1)], axis=1)

    def curves(self, c: int, occupancy: np.ndarray) -> np.ndarray:
        """Return the cost of a cast by start slot, ignoring conflicts of its heats, shape (n_casters, n_slots).

        Args:
            c: index of the cast.
            occupancy: first occupied slot from each slot on, by unit; slots include the padding.
        """
        cast, n, pad = self.problem.casts[c], self.problem.n_slots, self.table.pad
        heats = list(cast.heats)
        of_kind = {int(self.table.kind[h]): h for h in heats}
        width, most = self.table.widths[-1], int(self.table.back.max())
        low = [np.full(len(of_kind), pad - most)]
        for longest in reversed(self.table.longest):
            low.insert(0, low[0] - longest)
        span = n + most - int(self.table.least_to_cast.min())
        widths = [span + stage_width - width for stage_width in self.table.widths]
        ends = self._forward(np.array(list(of_kind.values())), occupancy[None], low, widths)[-1]
        place = {kind: row for row, kind in enumerate(of_kind)}
        total = np.full((len(cast.units), n), np.inf)
        at = np.arange(pad, pad + n)
        for j, u in enumerate(cast.units):
            sums = np.where(occupancy[u, pad : pad + n] < at + self.table.hold[c, j], np.inf, self.shop.casting(c, u))
            for h in heats:
                end = ends[place[int(self.table.kind[h])], :, most - int(self.table.back[h, j]) :]
                bar = self.table.bar_cast[h, j][None, :, None]
                sums = sums + least(end[None], bar, self.table.core_cast[h][j], n)[0, 0]
            total[j] = sums
        return total

    def _nothing(self, n_moves: int) -> np.ndarray:
        per = self.problem.cells_per_slot
        return np.zeros((n_moves, (self.table.pad + self.table.tail) * per + self.problem.n_cells))

    def _inside(self, cells: np.ndarray) -> np.ndarray:
        first = self.table.pad * self.problem.cells_per_slot
        return cells[:, first : first + self.problem.n_cells]

    def _put_heats(
        self, moves: Moves, fits: np.ndarray, occupancy: np.ndarray, cells: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Place heats one by one and return their units and start slots; a heat without a route cancels its move."""
        n_moves, n_heats = moves.heats.shape
        units, slots = (np.zeros((n_moves, n_heats, self.table.depth), dtype=int) for _ in range(2))
        # one column more than casts, for the values of unused places
        column, start = (np.zeros((n_moves, len(self.problem.casts) + 1), dtype=int) for _ in range(2))
        every = np.arange(n_moves)[:, None]
        column[every, moves.casts], start[every, moves.casts] = moves.columns, moves.slots
        for j in range(n_heats):
            live = np.flatnonzero(fits & (moves.heats[:, j] >= 0))
            if not len(live):
                continue
            h = moves.heats[live, j]
            c = self.table.cast_of[h]
            has_route, p, t = self._routes(h, occupancy[live], column[live, c], start[live, c] + self.table.pad)
            fits[live[~has_route]] = False
            live, h, p, t = live[has_route], h[has_route], p[has_route], t[has_route]
            self._occupy(live, h, p, t, occupancy, cells)
            units[live, j] = self.table.unit[h[:, None], np.arange(self.table.depth), p]
            slots[live, j] = t - self.table.pad
        return units, slots

    def _put_casts(self, moves: Moves, occupancy: np.ndarray, cells: np.ndarray) -> np.ndarray:
        """Occupy the casters; return whether the casters of all casts of a move were free, shape (n_moves,)."""
        fits = np.ones(len(moves.casts), dtype=bool)
        per = self.problem.cells_per_slot
        for j in range(moves.casts.shape[1]):
            live = np.flatnonzero(fits & (moves.casts[:, j] >= 0))
            c, k, t = moves.casts[live, j], moves.columns[live, j], moves.slots[live, j]
            n = self.problem.n_slots
            good = (t >= 0) & (t < n) & self.table.open[c, k, np.clip(t, 0, n - 1)]
            fits[live[~good]] = False
            live, c, k, t = live[good], c[good], k[good], t[good] + self.table.pad
            u, slots = self.table.caster[c, k], self.table.hold[c, k]
            good = occupancy[live, u, t] >= t + slots
            fits[live[~good]] = False
            self._mark(occupancy, live, u, t, slots, int(self.table.hold.max()))
            at = (t * per)[:, None] + np.arange(self.table.cast_draws.shape[-1])
            cells[live[:, None], at] += self.table.cast_draws[c, k]
        return fits

    @staticmethod
    def _mark(
        occupancy: np.ndarray, live: np.ndarray, u: np.ndarray, t: np.ndarray, slots: np.ndarray, reach: int
    ) -> None:
        """Occupy units for some slots; only lookups up to ``reach`` slots ahead notice it."""
        at = np.maximum(t[:, None] + np.arange(-reach, reach), 0)
        ends = np.where(at < (t + slots)[:, None], np.maximum(at, t[:, None]), NEVER)
        rows, units = live[:, None], u[:, None]
        occupancy[rows, units, at] = np.minimum(occupancy[rows, units, at], ends)

    def _routes(
        self, h: np.ndarray, occupancy: np.ndarray, column: np.ndarray, start: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the cheapest routes of heats to casts with given starts: whether one exists, unit places, starts."""
        rows = np.arange(len(h))
        low = [start - self.table.back[h, column]]
        for longest in reversed(self.table.longest):
            low.insert(0, low[0] - longest)
        costs = self._forward(h, occupancy, low, self.table.widths)
        place, at = np.zeros((len(h), self.table.depth), dtype=int), np.zeros((len(h), self.table.depth), dtype=int)
        last = (costs[-1] + self.table.bar_cast[h, column]).reshape(len(h), -1)
        best = last.argmin(axis=1)
        has_route = last[rows, best] < np.inf
        p, w = np.divmod(best, self.table.widths[-1])
        place[:, -1], at[:, -1] = p, low[-1] + w
        for e in range(self.table.depth - 2, -1, -1):
            bar = self.table.bar[e]
            windows = sliding_window_view(costs[e], bar.shape[-1], axis=2)[rows, :, w]
            best = (windows + bar[h, :, p]).reshape(len(h), -1).argmin(axis=1)
            p, lag = np.divmod(best, bar.shape[-1])
            w = w + lag
            place[:, e], at[:, e] = p, low[e] + w
        return has_route, place, np.maximum(at, 0)

    def _forward(
        self, h: np.ndarray, occupancy: np.ndarray, low: list[np.ndarray], widths: list[int]
    ) -> list[np.ndarray]:
        """Return the cost of heats so far by operation, each of shape (n_heats, n_units, slots from ``low`` on)."""
        kind, costs = self.table.kind[h], list[np.ndarray]()
        rows, place = np.arange(len(h))[:, None, None], np.arange(self.table.unit.shape[2])[:, None]
        for e, width in enumerate(widths):
            unit, occupy = self.table.unit[h, e], self.table.occupy[h, e][:, :, None]
            if len(occupancy) == 1:
                # all look at the same slots: slices are several times faster than index arrays
                span = slice(int(low[e][0]), int(low[e][0]) + width)
                start_costs, until = self.table.start_costs[kind, e, :, span], occupancy[0][unit][:, :, span]
                ends = np.arange(span.start, span.stop) + occupy
            else:
                at = np.maximum(low[e][:, None] + np.arange(width), 0)[:, None, :]
                start_costs, until = (
                    self.table.start_costs[kind[:, None, None], e, place, at],
                    occupancy[rows, unit[:, :, None], at],
                )
                ends = at + occupy
            start_costs[until < ends] = np.inf
            if e:
                before = least(costs[-1], self.table.bar[e - 1][h], self.table.core[e - 1], width)
                before[self.table.first[h] == e] = 0.0
                start_costs += before
            costs.append(start_costs)
        return costs

    def _occupy(
        self, live: np.ndarray, h: np.ndarray, p: np.ndarray, t: np.ndarray, occupancy: np.ndarray, cells: np.ndarray
    ) -> None:
        """Occupy the units of heats and add their energy."""
        table, per = self.table, self.problem.cells_per_slot
        draws = np.arange(table.draws.shape[-1])
        for e in range(table.depth):
            real = table.first[h] <= e
            rows, heat, place, at = live[real], h[real], p[real, e], t[real, e]
            occupy = table.occupy[heat, e, place]
            self._mark(occupancy, rows, table.unit[heat, e, place], at, occupy, table.most_slots)
            cells[rows[:, None], (at * per)[:, None] + draws] += table.draws[heat, e, place]
        reheated = table.reheat[h] >= 0
        if not reheated.any():
            return
        live, h, p, t = live[reheated], h[reheated], p[reheated], t[reheated]
        each, at_reheat = np.arange(len(h)), table.reheat[h]
        before = np.arange(table.depth) < at_reheat[:, None]
        minutes = table.minutes[h[:, None], np.arange(table.depth), p]
        shortest_min = (minutes * before).sum(axis=1) + table.quick[h].sum(axis=1)
        passed = (t[each, at_reheat] - t[each, table.first[h]]) * self.problem.step_min
        lost = table.mass[h] * np.maximum(passed - shortest_min, 0.0)
        at = (t[each, at_reheat] * per)[:, None] + np.arange(table.spread.shape[-1])
        cells[live[:, None], at] += lost[:, None] * table.spread[h, p[each, at_reheat]]

    def placed(self, trial: Trial, m: int) -> dict[int, Placed]:
        """Return the places of the casts of a feasible move."""
        moves = trial.moves
        routes = {
            h: (tuple(u[self.table.first[h] :]), tuple(t[self.table.first[h] :]))
            for h, u, t in zip(
                moves.heats[m].tolist(), trial.units[m].tolist(), trial.slots[m].tolist(), strict=True
            )
            if h >= 0
        }  # fmt: skip
        places = {}
        for c, column, slot in zip(
            moves.casts[m].tolist(), moves.columns[m].tolist(), moves.slots[m].tolist(), strict=True
        ):
            if c >= 0:
                cast = self.problem.casts[c]
                cast_routes = [routes[h] for h in cast.heats]
                places[c] = Placed(
                    cast.units[column], slot, tuple(u for u, _ in cast_routes), tuple(t for _, t in cast_routes)
                )
        return places


class Draws:
    """Random draws of moves."""

    def __init__(self, problem: SlotProblem) -> None:
        """Convert casts and casters to arrays."""
        self.problem = problem
        casts = problem.casts
        most, casters = max(len(cast.heats) for cast in casts), max(len(cast.units) for cast in casts)
        self._heats = np.full((len(casts) + 1, most), -1)
        self._offsets = np.zeros((len(casts) + 1, casters, most))
        self._column = np.full((len(casts) + 1, len(problem.units)), -1)
        self._columns = np.ones(len(casts) + 1, dtype=int)
        for c, cast in enumerate(casts):
            self._heats[c, : len(cast.heats)] = cast.heats
            self._columns[c] = len(cast.units)
            for j, u in enumerate(cast.units):
                self._offsets[c, j, : len(cast.heats)] = cast.offsets[u]
                self._column[c, u] = j

    def near(self, random: np.random.Generator, slots: np.ndarray, n_moves: int) -> np.ndarray:
        """Return a few casts close in time, sometimes one from elsewhere, shape (n_moves, MAX_CASTS); -1 for none."""
        n = len(slots)
        middle = slots[random.integers(n, size=n_moves)]
        far = np.abs(slots - middle[:, None]) + random.uniform(
            0, LINE.move_near_min / self.problem.step_min, (n_moves, n)
        )
        most = min(LINE.move_casts, n)
        casts = np.argsort(far, axis=1)[:, :most]
        counts = random.integers(1, most + 1, size=n_moves)
        casts = np.where(np.arange(most) < counts[:, None], casts, -1)
        other = random.integers(n, size=n_moves)
        swap = (
            (random.uniform(size=n_moves) < LINE.move_elsewhere) & (counts > 1) & ~(casts == other[:, None]).any(axis=1)
        )
        casts[swap, counts[swap] - 1] = other[swap]
        return casts

    def returns(self, random: np.random.Generator, slots: np.ndarray, n_moves: int) -> tuple[np.ndarray, np.ndarray]:
        """Return casts close in time in random order, and the heats of each."""
        casts = random.permuted(self.near(random, slots, n_moves), axis=1)
        return casts, self._heats[casts]

    def shifts(self, random: np.random.Generator, slots: np.ndarray, units: np.ndarray, n_moves: int) -> Moves:
        """Return moves that shift casts slightly, sometimes exchange two of them, and place their heats again."""
        casts = self.near(random, slots, n_moves)
        step = self.problem.step_min
        unit, slot = np.append(units, 0)[casts], np.append(slots, 0)[casts]
        count = (casts >= 0).sum(axis=1)
        swap = np.flatnonzero((count > 1) & (random.uniform(size=n_moves) < LINE.move_exchanged))
        a = random.integers(count[swap])
        b = (a + random.integers(1, count[swap])) % count[swap]
        for places in (unit, slot):
            places[swap, a], places[swap, b] = places[swap, b], places[swap, a]
        column = self._column[casts, unit]
        elsewhere = (random.uniform(size=casts.shape) < LINE.move_other_caster) | (column < 0)
        column = np.where(elsewhere, random.integers(self._columns[casts]), column)
        reach = max(round(LINE.move_reach_min / step), 1)
        moved = random.uniform(size=casts.shape) < LINE.move_later
        slot = slot + np.where(moved, random.integers(-reach, reach + 1, size=casts.shape), 0)
        heats = self._heats[casts]
        due_min = (
            (slot * step)[:, :, None]
            + self._offsets[casts, column]
            + random.normal(0, LINE.move_needed_min, heats.shape)
        )
        backward = random.uniform(size=n_moves) >= LINE.move_forward
        due_min = np.where(backward[:, None, None], -due_min, due_min)
        heats, due_min = heats.reshape(n_moves, -1), np.where(heats < 0, np.inf, due_min).reshape(n_moves, -1)
        heats = np.take_along_axis(heats, np.argsort(due_min, axis=1), axis=1)
        return Moves(casts, np.where(casts < 0, -1, column), np.where(casts < 0, -1, slot), heats)
