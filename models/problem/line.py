"""The line on a grid of slots, as plain numbers without Pyomo, for every formulation.

Starts lie on slots. Consecutive starts of a heat are at least ⌈(duration + transfer)/step⌉ and at most
⌊(duration + longest wait)/step⌋ slots apart, so that rounding hides no violation. Occupation and minimum lags use the
planning durations; power and longest waits use the nominal ones. On the campaign stage only the start of a cast lies on
a slot: its heats follow each other to the minute, and the lags of the stage before refer to the start of the cast.
Margins (``Disturbances``) lengthen the minimum lags, shorten the longest waits and bring the due times forward.

An operation occupies its unit for whole slots, including its set-up and the rest of the last slot. The unit must be
available only for the minutes of the operation itself: set-ups and rests may fall into an outage, which begins and ends
to the minute.

Power is stored by *cell*, whose length is the greatest common divisor of step and metered interval; the energy of a
slot is the sum over its cells.
"""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from emberline.scenarios.energy_states.record import EnergyStates

K = TypeVar("K")
V = TypeVar("V")
Key = tuple[int, int]
"""Heat and operation; (−1, cast) for a cast."""
Link = tuple[Key, Key]
"""An operation and its successor of the same heat: the next operation or the heat's cast."""


def unbroken(free: np.ndarray, hold: int) -> np.ndarray:
    """Return whether a unit is free in each slot and those after it, ``hold`` slots in all, within the horizon.

    Args:
        free: availability by slot, shape (n_slots,).
        hold: number of slots.
    """
    shut = np.concatenate([[0], np.cumsum(~free)])
    ends = np.minimum(np.arange(len(free)) + hold, len(free))
    return shut[ends] == shut[:-1]


def runs(slots: Iterable[int]) -> list[tuple[int, int]]:
    """Return the first and last slot of each run of consecutive slots, for slots in ascending order."""
    spans: list[tuple[int, int]] = []
    for t in slots:
        if spans and spans[-1][1] == t - 1:
            spans[-1] = (spans[-1][0], t)
        else:
            spans.append((t, t))
    return spans


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    """Group values by key, keeping the order of keys and values."""
    groups: dict[K, list[V]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


EPS = 1e-9
CLOSE_MIN = 1e-6
"""Difference up to which two times are equal."""


def up(minutes: float, step: float) -> int:
    """Return the number of slots that cover a duration."""
    return math.ceil(minutes / step - EPS)


def down(minutes: float, step: float) -> int:
    """Return the number of whole slots within a duration."""
    return math.floor(minutes / step + EPS)


@dataclass(frozen=True)
class Rounding:
    """Conversion of minutes to slots. The default is conservative: a limit that holds on slots holds to the minute.

    ``published`` follows the melt-shop cases in the literature, where every part is rounded separately: at least
    ⌈duration⌉ + ⌈transfer⌉, at most ⌈longest − transfer⌉ more, and heat k of a cast starts ⌊sum of earlier durations⌋
    slots after the cast (Zhang et al. 2017).

    ``outer`` is a relaxation for proofs: any plan with arbitrary start times remains feasible when all its starts move
    back to the beginning of their slots. As ⌊a + b⌋ lies between ⌊a⌋ + ⌊b⌋ and ⌊a⌋ + ⌈b⌉, minimum times are rounded
    down and maximum times are rounded up.
    """

    published: bool = False
    outer: bool = False

    def slots(self, minutes: float, step: float) -> int:
        """Return the number of slots until a duration is over."""
        return down(minutes, step) if self.outer else up(minutes, step)

    def least(self, duration: float, transfer: float, offset: float, step: float) -> int:
        """Return the minimum slots from a start to the next one, ``offset`` minutes after the start of its cast."""
        if self.published:
            return up(duration, step) + up(transfer, step) - down(offset, step)
        return self.slots(duration + transfer - offset, step)

    def most(self, duration: float, transfer: float, longest: float, offset: float, step: float) -> int:
        """Return the maximum slots from a start to the next one."""
        if self.published:
            wait = up(longest - transfer, step)
            return up(duration, step) + up(transfer, step) + wait - down(offset, step)
        minutes = duration + longest - offset
        return up(minutes, step) if self.outer else down(minutes, step)


@dataclass(frozen=True, kw_only=True)
class Work(ABC):
    """Uninterrupted work of a unit at a stage: an operation of a heat, or the heats of a cast."""

    stage: int
    units: tuple[int, ...]
    """Units that may do the work."""
    occupy: dict[int, int]
    """Slots for which it occupies each unit, including the set-up after it."""
    planned: dict[int, float]
    """Planning duration on each unit without set-up, during which the unit must be available [min]."""
    minutes: dict[int, float]
    """Nominal duration on each unit, without disturbance [min]."""
    cells: dict[int, np.ndarray]
    """Energy by cell from the cell of the start on, without reheating, for each unit [MWh]."""
    started_min: float | None = None
    """Start of work that is done or under way [min, ≤ 0]; such work has exactly one unit."""

    @abstractmethod
    def window(self, u: int) -> tuple[int, int]:
        """Return the first and last start slot on a unit."""


@dataclass(frozen=True, kw_only=True)
class Operation(Work):
    """One heat at one stage of its route."""

    first: int
    """Earliest start slot; for started work, the slot of its start."""
    last: int
    """Latest start slot; for started work, the slot of its start."""
    due: dict[int, int] = field(default_factory=dict)
    """Latest start slot by unit to finish in time, for the last operation of a heat."""

    def window(self, u: int) -> tuple[int, int]:
        """Return the first and last start slot on a unit."""
        return self.first, min(self.last, self.due.get(u, self.last))


@dataclass(frozen=True)
class Heat:
    """Operations of a heat in the order of its route, and the lags between them."""

    name: str
    order: int
    mass_t: float
    operations: tuple[Operation, ...]
    least: tuple[np.ndarray, ...]
    """Minimum slots from start to start of operations i and i+1, shape (units of i, units of i+1)."""
    most: tuple[np.ndarray, ...]
    """Maximum slots, likewise; less than the minimum if no start on a slot keeps the longest wait."""
    kind: tuple
    """Heats of equal kind are interchangeable in every respect."""
    reheat: int | None
    """Operation that replaces the heat lost while waiting."""
    quickest: tuple[float, ...] = ()
    """Transfer time between operations i and i+1 without heat loss [min]."""

    def lossless_min(self, i: int, j: int, *, slowest: bool = False) -> float:
        """Return the minutes from the start of operation i to that of operation j without heat loss.

        If durations differ by unit, use the quickest units, or the slowest.
        """
        pick = max if slowest else min
        return sum(pick(self.operations[k].minutes.values()) + self.quickest[k] for k in range(i, j))

    def tighten(self, first: list[int], last: list[int]) -> None:
        """Narrow the windows of start slots by the lags between operations, using the loosest pair of units.

        Args:
            first: earliest slot of each operation, changed in place.
            last: latest slot of each operation, changed in place.
        """
        for i in range(1, len(first)):
            first[i] = max(first[i], first[i - 1] + int(self.least[i - 1].min()))
            last[i] = min(last[i], last[i - 1] + int(self.most[i - 1].max()))
        for i in range(len(first) - 2, -1, -1):
            if self.operations[i].started_min is None:
                last[i] = min(last[i], last[i + 1] - int(self.least[i].min()))
                first[i] = max(first[i], first[i + 1] - int(self.most[i].max()))


@dataclass(frozen=True, kw_only=True)
class Cast(Work):
    """Heats of one order on the campaign stage."""

    order: int
    heats: tuple[int, ...]
    offsets: dict[int, np.ndarray]
    """Start of each heat after the start of the cast [min]."""
    first: dict[int, int]
    last: dict[int, int]

    def window(self, u: int) -> tuple[int, int]:
        """Return the first and last start slot on a caster."""
        return self.first[u], self.last[u]


@dataclass(frozen=True)
class SlotProblem:
    """A line on slots; unit and stage indices follow the scenario."""

    step_min: float
    n_slots: int
    cell_min: float
    units: tuple[str, ...]
    stage_units: tuple[tuple[int, ...], ...]
    campaign: bool
    """Whether the last stage casts without interruption."""
    heats: tuple[Heat, ...]
    casts: tuple[Cast, ...]
    free: np.ndarray
    """Whether a unit is not occupied by fixed work in a slot, shape (n_units, n_slots)."""
    fixed_cells: np.ndarray
    """Energy of fixed work by cell [MWh], shape (n_cells,)."""
    reheat_kwh_per_t_min: float
    rounding: Rounding = field(default_factory=Rounding)
    gives: dict[str, np.ndarray] = field(default_factory=dict)
    """By carrier: output of each stage per MWh drawn, without reheating, shape (n_stages,)."""
    fixed_gives: dict[str, np.ndarray] = field(default_factory=dict)
    """Output of fixed work by carrier, shape (n_slots,); missing carriers count as zero."""
    states: dict[int, EnergyStates] = field(default_factory=dict)
    """By unit: draw outside work that is not part of any cell (``models/problem/line_reader.py``).

    Formulations leave it out, except heats by name over the whole horizon; plans are evaluated with it.
    """
    idle: dict[int, EnergyStates] = field(default_factory=dict)
    """By unit: total draw outside work."""
    outages: dict[int, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    """Times at which units are unavailable [min], in order and without overlaps, by unit."""
    per_step: int = 1
    """Slots in a step of the site; starts may lie on a finer grid than the site's flows."""

    def is_out(self, u: int, begin: float, minutes: float) -> bool:
        """Return whether a unit is unavailable at any time within the minutes after ``begin``."""
        return any(
            begin < over - CLOSE_MIN and begin + minutes > out + CLOSE_MIN for out, over in self.outages.get(u, ())
        )

    def available(self, u: int, minutes: float) -> np.ndarray:
        """Return whether a unit is available for some minutes from the beginning of each slot, shape (n_slots,)."""
        begins = np.arange(self.n_slots) * self.step_min
        open_slots = np.ones(self.n_slots, dtype=bool)
        for out, over in self.outages.get(u, ()):
            open_slots &= (begins >= over - CLOSE_MIN) | (begins + minutes <= out + CLOSE_MIN)
        return open_slots

    def may_start(self, u: int, slots: int, minutes: float) -> np.ndarray:
        """Return whether work of some slots and minutes may start on a unit in each slot, shape (n_slots,).

        The unit is free beyond the horizon.
        """
        return unbroken(self.free[u], slots) & self.available(u, minutes)

    def start_slots(self, work: Work, u: int) -> np.ndarray:
        """Return whether a piece of work may start on a unit in each slot within its window, shape (n_slots,)."""
        slots, (first, last) = np.arange(self.n_slots), work.window(u)
        return (slots >= first) & (slots <= last) & self.may_start(u, work.occupy[u], work.planned[u])

    def could_hold(self, u: int, slots: int, minutes: float) -> np.ndarray:
        """Return whether outages allow work of some length to occupy a unit in each slot, shape (n_slots,)."""
        if u not in self.outages:
            return np.ones(self.n_slots, dtype=bool)
        counts = np.concatenate([np.zeros(slots, dtype=int), np.cumsum(self.available(u, minutes))])
        return counts[slots:] > counts[: self.n_slots]

    @property
    def too_coarse(self) -> bool:
        """Whether the steps are too coarse: after some stage no lag in whole slots keeps the longest wait of a heat."""
        lags = [pair for heat in self.heats for pair in zip(heat.least, heat.most, strict=True)]
        return any(least.size > 0 and bool((most < least).all()) for least, most in lags)

    @property
    def cells_per_slot(self) -> int:
        """Number of cells in a slot."""
        return round(self.step_min / self.cell_min)

    @property
    def n_cells(self) -> int:
        """Number of cells in the horizon."""
        return self.n_slots * self.cells_per_slot

    def on_steps(self, cells: np.ndarray) -> np.ndarray:
        """Return the sum of cells by step of the site, shape (n_slots / per_step,)."""
        return cells.reshape(self.n_slots // self.per_step, -1).sum(axis=1)

    @property
    def under_way(self) -> np.ndarray:
        """Energy by cell of operations and casts that have already started [MWh], shape (n_cells,)."""
        return self.started_cells(np.ones(len(self.stage_units)))

    def work(self, key: Key) -> Work:
        """Return the operation of a heat, or the cast if the first number of the key is negative."""
        h, i = key
        return self.casts[i] if h < 0 else self.heats[h].operations[i]

    def works(self) -> Iterator[tuple[Key, Work]]:
        """Yield all work on units with its key: heat and place of an operation, or (−1, place) of a cast."""
        for h, heat in enumerate(self.heats):
            yield from (((h, i), operation) for i, operation in enumerate(heat.operations))
        yield from (((-1, c), cast) for c, cast in enumerate(self.casts))

    def links(self) -> Iterator[Link]:
        """Yield each operation with its successor, heat by heat."""
        cast_of = self.cast_of()
        for h, heat in enumerate(self.heats):
            keys = [(h, i) for i in range(len(heat.operations))]
            yield from itertools.pairwise([*keys, (-1, cast_of[h][0])] if h in cast_of else keys)

    def lag(self, link: Link, units: tuple[int, int]) -> tuple[int, int]:
        """Return the minimum and maximum slots from start to start of a link on a pair of units."""
        (h, i), after = link
        place = self.heats[h].operations[i].units.index(units[0]), self.work(after).units.index(units[1])
        return int(self.heats[h].least[i][place]), int(self.heats[h].most[i][place])

    def started_cells(self, weight: np.ndarray) -> np.ndarray:
        """Return the energy by cell of started work, weighted by stage, shape (n_cells,)."""
        energy = np.zeros(self.n_cells)
        for _, work in self.works():
            if work.started_min is not None:
                cells = weight[work.stage] * work.cells[work.units[0]]
                first = math.floor(work.started_min / self.cell_min + EPS)
                low, high = max(first, 0), min(first + len(cells), self.n_cells)
                if low < high:
                    energy[low:high] += cells[low - first : high - first]
        return energy

    def draw(self, load: np.ndarray, slot: int, cells: np.ndarray) -> None:
        """Add energies by cell to a load by cell, from a slot on and within the horizon."""
        first = slot * self.cells_per_slot
        end = min(first + len(cells), self.n_cells)
        load[first:end] += cells[: end - first]

    @property
    def untouched(self) -> bool:
        """Whether no work has started yet."""
        return all(work.started_min is None for _, work in self.works())

    def held_until(self) -> dict[int, float]:
        """Return the slot until which started work occupies each unit."""
        ends: dict[int, float] = {}
        for _, work in self.works():
            if work.started_min is not None:
                u = work.units[0]
                ends[u] = max(ends.get(u, 0.0), work.started_min / self.step_min + work.occupy[u])
        return ends

    def cast_of(self) -> dict[int, tuple[int, int]]:
        """Return the cast and the place in it, by heat."""
        return {h: (c, i) for c, cast in enumerate(self.casts) for i, h in enumerate(cast.heats)}


def energy_cells(ends: np.ndarray, power: np.ndarray, cell_min: float, begin: float = 0.0) -> np.ndarray:
    """Return the energy by cell of a power curve that begins ``begin`` minutes after a cell's edge [MWh].

    Args:
        ends: end of each phase after the start [min].
        power: power in each phase [MW].
        cell_min: length of a cell [min].
        begin: start of the curve within the first cell [min].
    """
    n = max(math.ceil((begin + ends[-1]) / cell_min - EPS), 1)
    edges = np.arange(n + 1) * cell_min - begin
    at = np.concatenate([[0.0], ends])
    energy = np.concatenate([[0.0], np.cumsum(np.diff(at) * power) / 60])
    return np.diff(np.interp(edges, at, energy))


def even_cells(problem: SlotProblem, minutes: float) -> np.ndarray:
    """Spread one MWh evenly over some minutes from the beginning of a slot, by cell."""
    n = max(math.ceil(minutes / problem.cell_min - EPS), 1)
    edges = np.minimum(np.arange(n + 1) * problem.cell_min, minutes)
    return np.diff(edges) / minutes


@dataclass(frozen=True)
class Windows:
    """First and last start slot of each operation and cast, inclusive."""

    operation: dict[tuple[int, int], tuple[int, int]]
    cast: dict[int, list[tuple[int, int]]]
    """Caster (unit) and slot of each option."""
    unit: dict[tuple[int, int], int] = field(default_factory=dict)
    """Units that are already fixed."""


@dataclass(frozen=True)
class Counted:
    """A pooled solution: leading starts disaggregated first in, first out, and the casts."""

    lead: dict[int, int]
    """Slot of the leading operation, by heat."""
    cast: dict[int, tuple[int, int]]
    """Caster and slot, by cast."""


@dataclass(frozen=True)
class GradeCap:
    """Cap on the emissions that the heats of a grade carry (``models/problem/constants.py``)."""

    grade: str
    top_kg: float
    """Cap for all its heats, without their scope 1 [kg CO2e]."""
    mass_share: float
    """Share of its heats in the mass of all heats."""
    heats: np.ndarray
    """1 for its heats, otherwise 0; shape (n_heats,)."""

    def weights(self, problem: SlotProblem) -> tuple[np.ndarray, list[dict[int, np.ndarray]]]:
        """Return the weight of a kilogram for each heat, shape (n_heats,), and for each cast by caster and cell."""
        of_heats = self.heats - self.mass_share
        return of_heats, [{u: self._of_cells(cast, u, problem.cell_min) for u in cast.cells} for cast in problem.casts]

    def _of_cells(self, cast: Cast, u: int, cell_min: float) -> np.ndarray:
        """Return the weight of a cast's heats by cell, shape (n_cells,); heats share a cell by their minutes."""
        first = np.arange(len(cast.cells[u])) * cell_min
        starts = np.asarray(cast.offsets[u], dtype=float)
        ends = np.append(starts[1:], max(cast.planned[u], first[-1] + cell_min))
        minutes = np.minimum(first[:, None] + cell_min, ends) - np.maximum(first[:, None], starts)
        minutes = np.maximum(minutes, 0.0)
        return np.asarray(minutes @ (self.heats - self.mass_share)[list(cast.heats)] / minutes.sum(axis=1))

    def excess_kg(self, carried_kg: float) -> float:
        """Return the kilograms above the cap; 0 if it is kept."""
        above = carried_kg - self.top_kg
        return above if above > 1e-6 * max(abs(self.top_kg), 1.0) else 0.0
