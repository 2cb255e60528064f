"""A plan that casts are taken out of and put back into, each at its best place among all others.

The best place of a cast is found from curves over all start slots (``models/casts/curves.py``), as if its heats were
not in each other's way; then its heats are placed one by one on what is free. What waiting costs is counted at the
worth of the hours waited in, which is near enough to choose by: a plan is judged by its own figures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from models.casts import curves
from models.slots import Heat, SlotProblem
from models.starts import Starts


@dataclass(frozen=True)
class Placed:
    """Where a cast and its heats lie."""

    unit: int
    slot: int
    units: tuple[tuple[int, ...], ...]
    """By heat and operation."""
    slots: tuple[tuple[int, ...], ...]


class Shop:
    """Units with what holds them."""

    def __init__(self, problem: SlotProblem, weight: np.ndarray) -> None:
        """An empty shop.

        Args:
            problem: the line; ``models.casts.ways.useful`` says whether it may be asked.
            weight: worth of a MWh by slot, shape (n_slots,).
        """
        self.problem, self.n = problem, problem.n_slots
        cells = np.repeat(weight, problem.cells_per_slot)
        kinds: dict[tuple, int] = {}
        self._kind = [kinds.setdefault(heat.kind, len(kinds)) for heat in problem.heats]
        self._heats = [problem.heats[self._kind.index(k)] for k in range(len(kinds))]
        self._worth = {
            (k, i, u): self._within(curves.energy(problem, o.cells[u], cells), o.first, o.last)
            for k, heat in enumerate(self._heats)
            for i, o in enumerate(heat.operations)
            for u in o.units
        }
        for k, heat in enumerate(self._heats):
            if heat.reheat:
                # worth of the heat that has been lost by a slot since the first: off at the start, on at the reheating
                lost = np.cumsum(self._slope(heat, cells))
                for i, sign in ((0, -1), (heat.reheat, 1)):
                    for u in heat.operations[i].units:
                        self._worth[k, i, u] = self._worth[k, i, u] + sign * lost
        self._casting = [
            {
                u: self._within(curves.energy(problem, cast.cells[u], cells), cast.first[u], cast.last[u])
                for u in cast.units
            }
            for cast in problem.casts
        ]
        # what lies between numbers is asked for thousands of times a second: plain lists
        self._least = [[table.tolist() for table in heat.least] for heat in problem.heats]
        self._most = [
            [np.maximum(most, least).tolist() for most, least in zip(heat.most, heat.least, strict=True)]
            for heat in problem.heats
        ]
        self._use = (~problem.free).astype(int)
        self.at: list[Placed | None] = [None] * len(problem.casts)
        self._held: dict[tuple[int, int], np.ndarray] = {}
        self._open: dict[tuple[int, int, int], np.ndarray] = {}
        self._tables: dict[int, list[list[np.ndarray]]] = {}

    def _within(self, curve: np.ndarray, first: int, last: int) -> np.ndarray:
        curve[: max(first, 0)] = np.inf
        curve[last + 1 :] = np.inf
        return curve

    def _slope(self, heat: Heat, cells: np.ndarray) -> np.ndarray:
        """Worth of the heat that a slot's wait loses."""
        if heat.reheat is None:
            return np.zeros(self.n)
        minutes = min(heat.operations[heat.reheat].minutes.values())
        mwh = self.problem.reheat_kwh_per_t_min / 1000 * heat.mass_t * self.problem.step_min
        return curves.energy(self.problem, mwh * curves.even(self.problem, minutes), cells)

    @property
    def kinds(self) -> tuple[int, ...]:
        """Kind of each heat: those of a kind are alike."""
        return tuple(self._kind)

    def worth(self, h: int, i: int, u: int) -> np.ndarray:
        """Cost of an operation of a heat on a unit by start slot, if it is free, shape (n_slots,)."""
        return self._worth[self._kind[h], i, u]

    # ---- what is free ---------------------------------------------------------------------------------------------

    def _taken(self, u: int, slots: int) -> np.ndarray:
        """Whether a unit is not free for some slots from each slot on."""
        key = (u, slots)
        if key not in self._held:
            self._held[key] = curves.held(self._use[u], slots) > 0
        return self._held[key]

    def _starts(self, k: int, i: int, u: int) -> np.ndarray:
        key = (k, i, u)
        if key not in self._open:
            slots = self._heats[k].operations[i].occupy[u]
            self._open[key] = np.where(self._taken(u, slots), np.inf, self._worth[key])
        return self._open[key]

    def _hold(self, u: int, slot: int, slots: int, sign: int) -> None:
        self._use[u, slot : slot + slots] += sign

    def _changed(self, units: Iterable[int]) -> None:
        """Forget what was worked out of some units."""
        gone = set(units)
        self._held = {key: curve for key, curve in self._held.items() if key[0] not in gone}
        self._open = {key: curve for key, curve in self._open.items() if key[2] not in gone}
        self._tables = {}

    # ---- ways of heats --------------------------------------------------------------------------------------------

    def _ways(self, h: int) -> list[list[np.ndarray]]:
        """Cost of a heat so far, by operation, place of the unit and start slot."""
        k = self._kind[h]
        if k not in self._tables:
            heat = self._heats[k]
            found: list[list[np.ndarray]] = []
            for i, operation in enumerate(heat.operations):
                here = []
                for place, u in enumerate(operation.units):
                    own = self._starts(k, i, u)
                    if i:
                        lags = zip(self._least[h][i - 1], self._most[h][i - 1], strict=True)
                        before = [
                            curves.best_before(curve, least[place], most[place])
                            for curve, (least, most) in zip(found[-1], lags, strict=True)
                        ]
                        own = own + np.minimum.reduce(before)
                    here.append(own)
                found.append(here)
            self._tables[k] = found
        return self._tables[k]

    def _into_cast(self, h: int, column: int) -> list[tuple[int, int]]:
        """Least and most slots to the cast's start from each unit of the last operation."""
        return [
            (least[column], most[column]) for least, most in zip(self._least[h][-1], self._most[h][-1], strict=True)
        ]

    def _put_heat(self, h: int, column: int, slot: int) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """Place a heat best for a cast's start, and hold its units; None where there is no way."""
        tables, operations = self._ways(h), self.problem.heats[h].operations
        units: list[int] = []
        slots: list[int] = []
        lags, at = self._into_cast(h, column), slot
        for i in range(len(operations) - 1, -1, -1):
            best, place, start = math.inf, -1, -1
            for j, (least, most) in enumerate(lags):
                low, high = max(at - most, 0), min(at - least, self.n - 1)
                if low <= high:
                    t = low + int(tables[i][j][low : high + 1].argmin())
                    if tables[i][j][t] < best:
                        best, place, start = float(tables[i][j][t]), j, t
            if place < 0:
                return None
            units.insert(0, operations[i].units[place])
            slots.insert(0, start)
            at = start
            if i:
                lags = [
                    (least[place], most[place])
                    for least, most in zip(self._least[h][i - 1], self._most[h][i - 1], strict=True)
                ]
        self._hold_heat(h, units, slots, 1)
        return tuple(units), tuple(slots)

    def _hold_heat(self, h: int, units: Iterable[int], slots: Iterable[int], sign: int) -> None:
        for operation, u, t in zip(self.problem.heats[h].operations, units, slots, strict=True):
            self._hold(u, t, operation.occupy[u], sign)
        self._changed(units)

    # ---- casts ----------------------------------------------------------------------------------------------------

    def put(self, c: int, placed: Placed) -> None:
        """Put a cast where it is known to fit."""
        self._hold_cast(c, placed, 1)
        self.at[c] = placed

    def take(self, c: int) -> Placed:
        """Take a cast out."""
        placed = self.at[c]
        assert placed is not None
        self._hold_cast(c, placed, -1)
        self.at[c] = None
        return placed

    def _hold_cast(self, c: int, placed: Placed, sign: int) -> None:
        cast = self.problem.casts[c]
        self._hold(placed.unit, placed.slot, cast.hold[placed.unit], sign)
        for h, units, slots in zip(cast.heats, placed.units, placed.slots, strict=True):
            self._hold_heat(h, units, slots, sign)

    def curve(self, c: int, column: int) -> np.ndarray:
        """Cost of a cast on a caster by start slot, its heats not in each other's way."""
        cast = self.problem.casts[c]
        u = cast.units[column]
        found = np.where(curves.held(self._use[u], cast.hold[u]) > 0, np.inf, self._casting[c][u])
        known: dict[tuple, np.ndarray] = {}
        for h in cast.heats:
            lags = self._into_cast(h, column)
            key = (self._kind[h], *lags)
            if key not in known:
                ends = zip(self._ways(h)[-1], lags, strict=True)
                known[key] = np.minimum.reduce([curves.best_before(curve, *lag) for curve, lag in ends])
            found = found + known[key]
        return found

    def insert(self, c: int, tries: int, noise: Callable[[int], np.ndarray]) -> bool:
        """Put a cast at the best of some places that look best; False where none of them has room.

        Args:
            c: the cast.
            tries: how many places.
            noise: for a number of places, by what the cost of each is multiplied before they are compared.
        """
        cast = self.problem.casts[c]
        looks: list[tuple[float, int, int]] = []
        for column in range(len(cast.units)):
            curve = self.curve(c, column) * noise(self.n)
            first = np.argpartition(curve, tries)[:tries] if tries < self.n else np.arange(self.n)
            looks += [(float(curve[t]), column, int(t)) for t in first if curve[t] < np.inf]
        for _, column, slot in sorted(looks)[:tries]:
            placed = self._fit([c], {c: (cast.units[column], slot)}, cast.heats)
            if placed is not None:
                self.put(c, placed[c])
                return True
        return False

    def move(self, places: dict[int, tuple[int, int]], order: Iterable[int]) -> bool:
        """Put casts at given casters and slots, their heats placed in some order; False where that does not fit."""
        for c, (u, slot) in places.items():
            if not np.isfinite(self._casting[c][u][slot : slot + 1]).all() or slot < 0 or slot >= self.n:
                return False
        held: list[int] = []
        for c, (u, slot) in places.items():
            slots = self.problem.casts[c].hold[u]
            if self._use[u, slot : slot + slots].any():
                break
            self._hold(u, slot, slots, 1)
            held.append(c)
        for c in held:
            u, slot = places[c]
            self._hold(u, slot, self.problem.casts[c].hold[u], -1)
        placed = self._fit(list(places), places, order) if len(held) == len(places) else None
        if placed is None:
            return False
        for c, one in placed.items():
            self.put(c, one)
        return True

    def _fit(
        self, casts: list[int], places: dict[int, tuple[int, int]], order: Iterable[int]
    ) -> dict[int, Placed] | None:
        """Ways of the heats of casts at given places, one by one; the shop is left as it was."""
        cast_of = {h: c for c in casts for h in self.problem.casts[c].heats}
        found: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {}
        for h in order:
            u, slot = places[cast_of[h]]
            way = self._put_heat(h, self.problem.casts[cast_of[h]].units.index(u), slot)
            if way is None:
                break
            found[h] = way
        for h, (units, slots) in found.items():
            self._hold_heat(h, units, slots, -1)
        if len(found) < len(cast_of):
            return None
        return {
            c: Placed(
                *places[c],
                tuple(found[h][0] for h in self.problem.casts[c].heats),
                tuple(found[h][1] for h in self.problem.casts[c].heats),
            )
            for c in casts
        }

    def cells(self, casts: Iterable[int]) -> np.ndarray:
        """Energy of some casts and their heats by cell [MWh], reheating included, shape (n_cells,)."""
        problem, found = self.problem, np.zeros(self.problem.n_cells)
        rate = problem.reheat_kwh_per_t_min / 1000

        def put(slot: int, cells: np.ndarray) -> None:
            first = slot * problem.cells_per_slot
            end = min(first + len(cells), problem.n_cells)
            found[first:end] += cells[: end - first]

        for c in casts:
            placed, cast = self.at[c], problem.casts[c]
            assert placed is not None
            put(placed.slot, cast.cells[placed.unit])
            for h, units, slots in zip(cast.heats, placed.units, placed.slots, strict=True):
                heat = problem.heats[h]
                for operation, u, t in zip(heat.operations, units, slots, strict=True):
                    put(t, operation.cells[u])
                if heat.reheat and rate:
                    passed = (slots[heat.reheat] - slots[0]) * problem.step_min
                    own = (heat.operations[i].minutes[units[i]] + heat.quickest[i] for i in range(heat.reheat))
                    mwh = rate * heat.mass_t * max(passed - sum(own), 0.0)
                    put(
                        slots[heat.reheat],
                        mwh * curves.even(problem, heat.operations[heat.reheat].minutes[units[heat.reheat]]),
                    )
        return found

    def read(self, starts: Starts) -> None:
        """Put all casts where a plan has them."""
        for c, cast in enumerate(self.problem.casts):
            units, slots = tuple(starts.unit[h] for h in cast.heats), tuple(starts.slot[h] for h in cast.heats)
            self.put(c, Placed(starts.cast_unit[c], starts.cast_slot[c], units, slots))

    def starts(self) -> Starts:
        """The plan; every cast has its place."""
        unit: list[tuple[int, ...]] = [()] * len(self.problem.heats)
        slot = list(unit)
        placed = [one for one in self.at if one is not None]
        for cast, one in zip(self.problem.casts, placed, strict=True):
            for place, h in enumerate(cast.heats):
                unit[h], slot[h] = one.units[place], one.slots[place]
        return Starts(tuple(unit), tuple(slot), tuple(one.unit for one in placed), tuple(one.slot for one in placed))
