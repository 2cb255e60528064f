"""Moves of casts drawn by chance, many at once."""

from __future__ import annotations

import numpy as np

from emberline.models.heuristics.line.batch_moves import Moves
from emberline.models.problem.line_reader import SlotProblem
from emberline.models.search.tuning import LINE


class Draws:
    """Draws moves by chance."""

    def __init__(self, problem: SlotProblem) -> None:
        """Write down casts and casters as arrays."""
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
        """A few casts near in time, sometimes one from elsewhere, shape (n_moves, MOST_CASTS), -1 where fewer."""
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
        """Casts near in time in any order, and the heats of each."""
        casts = random.permuted(self.near(random, slots, n_moves), axis=1)
        return casts, self._heats[casts]

    def shifts(self, random: np.random.Generator, slots: np.ndarray, units: np.ndarray, n_moves: int) -> Moves:
        """Move casts a little, exchange two of them sometimes, and place their heats again."""
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
