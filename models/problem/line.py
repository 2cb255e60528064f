"""The line on a grid of slots: what every formulation reads. Plain numbers, no Pyomo.

Starts lie on slots. From start to start at least ⌈(duration + transfer)/step⌉ and at most ⌊(duration + longest wait)/
step⌋ slots pass, so that no rounding hides a violation. Occupation and least lags come from the planning durations,
power and longest waits from the nominal ones. On the campaign stage only the cast's start lies on a slot: its heats
follow each other to the minute, and the lags of the stage before count to the cast's start. Margins (``Disturbances``)
lengthen the least lags, shorten the longest waits and bring the due times forward.

An operation holds its unit for whole slots, its set-up and the rest of the last slot included: so long no other may
have it. Available the unit must be for the operation's own minutes only, from its start on: set-ups and rests may lie
in an outage, which begins and ends to the minute.

Power is kept on *cells*, the greatest common divisor of step and metered interval; a slot's energy is the sum over its
cells.
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
"""Heat and operation; a cast is (−1, cast)."""
Link = tuple[Key, Key]
"""An operation, and what follows it with the same heat: the next one, or the heat's cast."""


def unbroken(free: np.ndarray, hold: int) -> np.ndarray:
    """Whether a unit is free in each slot and in those after it, so many in all, as far as the horizon goes.

    Args:
        free: by slot, shape (n_slots,).
        hold: slots.
    """
    shut = np.concatenate([[0], np.cumsum(~free)])
    ends = np.minimum(np.arange(len(free)) + hold, len(free))
    return shut[ends] == shut[:-1]


def runs(slots: Iterable[int]) -> list[tuple[int, int]]:
    """Runs of consecutive slots, first and last of each, of slots in ascending order."""
    spans: list[tuple[int, int]] = []
    for t in slots:
        if spans and spans[-1][1] == t - 1:
            spans[-1] = (spans[-1][0], t)
        else:
            spans.append((t, t))
    return spans


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    """Values by key, keys and values in the order in which they come."""
    groups: dict[K, list[V]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


EPS = 1e-9
CLOSE_MIN = 1e-6
"""Moments that are no further apart are the same."""


def up(minutes: float, step: float) -> int:
    """Slots that cover some minutes."""
    return math.ceil(minutes / step - EPS)


def down(minutes: float, step: float) -> int:
    """Whole slots within some minutes."""
    return math.floor(minutes / step + EPS)


@dataclass(frozen=True)
class Rounding:
    """Conversion of minutes to slots. The default is safe: what keeps every limit on slots keeps it to the minute.

    ``published`` is that of the melt-shop cases in the literature. There every part is rounded by itself: ⌈duration⌉ +
    ⌈transfer⌉ at least, ⌈longest − transfer⌉ more at most, and heat k of a cast is taken ⌊sum of earlier durations⌋
    slots after the cast's start (Zhang et al. 2017).

    ``outer`` is a relaxation for proofs: of a plan with starts at any times all may be moved back to the beginning of
    their slot, and every limit is still kept. As ⌊a + b⌋ lies between ⌊a⌋ + ⌊b⌋ and ⌊a⌋ + ⌈b⌉, what must pass at least
    is rounded down, and what may pass at most is rounded up.
    """

    published: bool = False
    outer: bool = False

    def slots(self, minutes: float, step: float) -> int:
        """Slots that pass until some minutes are over."""
        return down(minutes, step) if self.outer else up(minutes, step)

    def least(self, duration: float, transfer: float, offset: float, step: float) -> int:
        """Least slots from a start to the next start, which lies ``offset`` minutes after its cast's start."""
        if self.published:
            return up(duration, step) + up(transfer, step) - down(offset, step)
        return self.slots(duration + transfer - offset, step)

    def most(self, duration: float, transfer: float, longest: float, offset: float, step: float) -> int:
        """Most slots from a start to the next start."""
        if self.published:
            wait = up(longest - transfer, step)
            return up(duration, step) + up(transfer, step) + wait - down(offset, step)
        minutes = duration + longest - offset
        return up(minutes, step) if self.outer else down(minutes, step)


@dataclass(frozen=True, kw_only=True)
class Work(ABC):
    """Work of a unit at a stage without a gap: an operation of a heat, or the heats of a cast."""

    stage: int
    units: tuple[int, ...]
    """Units that may take it."""
    occupy: dict[int, int]
    """Slots that it holds each unit, the set-up after it included."""
    planned: dict[int, float]
    """Planning duration on each unit, set-up left out [min]: so long the unit must be available."""
    minutes: dict[int, float]
    """Nominal duration on each unit, without disturbance [min]."""
    cells: dict[int, np.ndarray]
    """Energy by cell from the one on in which it starts, reheating left out, for each unit [MWh]."""
    started_min: float | None = None
    """Start of what is done or under way [min, ≤ 0]; it has exactly one unit."""

    @abstractmethod
    def window(self, u: int) -> tuple[int, int]:
        """First and last start slot on a unit."""


@dataclass(frozen=True, kw_only=True)
class Operation(Work):
    """One heat at one stage of its route."""

    first: int
    """Earliest start slot; of what has begun the one in which it did."""
    last: int
    """Latest start slot; likewise."""
    due: dict[int, int] = field(default_factory=dict)
    """Latest start slot by unit for which it is done in time, where it is a heat's last."""

    def window(self, u: int) -> tuple[int, int]:
        """First and last start slot on a unit."""
        return self.first, min(self.last, self.due.get(u, self.last))


@dataclass(frozen=True)
class Heat:
    """A heat's operations in order of its route, and the lags between them."""

    name: str
    order: int
    mass_t: float
    operations: tuple[Operation, ...]
    least: tuple[np.ndarray, ...]
    """Between operations i and i+1: least slots from start to start, shape (units of i, units of i+1)."""
    most: tuple[np.ndarray, ...]
    """The same, most slots; fewer than the least where no start on a slot keeps the longest wait."""
    kind: tuple
    """Heats of equal kind are alike in every respect."""
    reheat: int | None
    """Operation that makes good the heat lost while waiting."""
    quickest: tuple[float, ...] = ()
    """Between operations i and i+1: the transfer in which no heat is lost [min]."""

    def lossless_min(self, i: int, j: int, *, slowest: bool = False) -> float:
        """Minutes from the start of operation i to that of operation j in which no heat is lost.

        Where units differ in duration, on the quickest of them or on the slowest.
        """
        pick = max if slowest else min
        return sum(pick(self.operations[k].minutes.values()) + self.quickest[k] for k in range(i, j))

    def tighten(self, first: list[int], last: list[int]) -> None:
        """Narrow windows of start slots by the lags between operations, the loosest of all pairs of units.

        Args:
            first: earliest slot of each operation, changed in place.
            last: latest slot, likewise.
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
    """The heats of one order on the campaign stage."""

    order: int
    heats: tuple[int, ...]
    offsets: dict[int, np.ndarray]
    """Start of each heat after the cast's start [min]."""
    first: dict[int, int]
    last: dict[int, int]

    def window(self, u: int) -> tuple[int, int]:
        """First and last start slot on a caster."""
        return self.first[u], self.last[u]


@dataclass(frozen=True)
class SlotProblem:
    """A line on slots. Unit and stage indices follow the scenario."""

    step_min: float
    n_slots: int
    cell_min: float
    units: tuple[str, ...]
    stage_units: tuple[tuple[int, ...], ...]
    campaign: bool
    """Whether the last stage casts without a gap."""
    heats: tuple[Heat, ...]
    casts: tuple[Cast, ...]
    free: np.ndarray
    """Whether nothing that is decided already holds a unit in a slot, shape (n_units, n_slots)."""
    fixed_cells: np.ndarray
    """Energy of what is decided already, by cell [MWh], shape (n_cells,)."""
    reheat_kwh_per_t_min: float
    rounding: Rounding = field(default_factory=Rounding)
    gives: dict[str, np.ndarray] = field(default_factory=dict)
    """By carrier: what each stage gives for each MWh that it draws, reheating left out, shape (n_stages,)."""
    fixed_gives: dict[str, np.ndarray] = field(default_factory=dict)
    """Delivery by what is decided already, by carrier, shape (n_slots,); zero where a carrier is missing."""
    states: dict[int, EnergyStates] = field(default_factory=dict)
    """By unit: what it draws when it does not work and that no cell counts (``models/problem/line_reader.py``).

    Formulations leave it out, but for heats by name over the whole horizon; plans are judged with it.
    """
    idle: dict[int, EnergyStates] = field(default_factory=dict)
    """By unit: what it draws in all when it does not work."""
    outages: dict[int, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    """Times at which units are not available [min], in order and without overlaps, by unit."""
    per_step: int = 1
    """Slots in a step of the site; starts may lie on finer moments than the site's flows."""

    def is_out(self, u: int, begin: float, minutes: float) -> bool:
        """Whether a unit is not available at some time in the minutes from ``begin`` on."""
        return any(
            begin < over - CLOSE_MIN and begin + minutes > out + CLOSE_MIN for out, over in self.outages.get(u, ())
        )

    def available(self, u: int, minutes: float) -> np.ndarray:
        """Whether a unit is available for some minutes from the beginning of each slot on, shape (n_slots,)."""
        begins = np.arange(self.n_slots) * self.step_min
        open_slots = np.ones(self.n_slots, dtype=bool)
        for out, over in self.outages.get(u, ()):
            open_slots &= (begins >= over - CLOSE_MIN) | (begins + minutes <= out + CLOSE_MIN)
        return open_slots

    def may_start(self, u: int, slots: int, minutes: float) -> np.ndarray:
        """In which slots something may start that holds a unit for some slots and works for some minutes, (n_slots,).

        What lies beyond the horizon is free.
        """
        return unbroken(self.free[u], slots) & self.available(u, minutes)

    def start_slots(self, work: Work, u: int) -> np.ndarray:
        """In which slots something may start on a unit, within its window, shape (n_slots,)."""
        slots, (first, last) = np.arange(self.n_slots), work.window(u)
        return (slots >= first) & (slots <= last) & self.may_start(u, work.occupy[u], work.planned[u])

    def could_hold(self, u: int, slots: int, minutes: float) -> np.ndarray:
        """In which slots a unit may be held by something of some length, as its outages say, shape (n_slots,)."""
        if u not in self.outages:
            return np.ones(self.n_slots, dtype=bool)
        counts = np.concatenate([np.zeros(slots, dtype=int), np.cumsum(self.available(u, minutes))])
        return counts[slots:] > counts[: self.n_slots]

    @property
    def too_coarse(self) -> bool:
        """Whether some heat waits too long after a stage wherever it starts: no lag in whole slots keeps the wait."""
        lags = [pair for heat in self.heats for pair in zip(heat.least, heat.most, strict=True)]
        return any(least.size > 0 and bool((most < least).all()) for least, most in lags)

    @property
    def cells_per_slot(self) -> int:
        """Cells in a slot."""
        return round(self.step_min / self.cell_min)

    @property
    def n_cells(self) -> int:
        """Cells of the horizon."""
        return self.n_slots * self.cells_per_slot

    def on_steps(self, cells: np.ndarray) -> np.ndarray:
        """Sum of cells by step of the site, shape (n_slots / per_step,)."""
        return cells.reshape(self.n_slots // self.per_step, -1).sum(axis=1)

    @property
    def under_way(self) -> np.ndarray:
        """Energy by cell of operations and casts that have started already [MWh], shape (n_cells,)."""
        return self.started_cells(np.ones(len(self.stage_units)))

    def work(self, key: Key) -> Work:
        """The operation of a heat, or the cast where the first number of its key is negative."""
        h, i = key
        return self.casts[i] if h < 0 else self.heats[h].operations[i]

    def works(self) -> Iterator[tuple[Key, Work]]:
        """Everything that holds units: heat and place of an operation, or (−1, place) of a cast, and what it is."""
        for h, heat in enumerate(self.heats):
            yield from (((h, i), operation) for i, operation in enumerate(heat.operations))
        yield from (((-1, c), cast) for c, cast in enumerate(self.casts))

    def links(self) -> Iterator[Link]:
        """Operations with what follows them, heat by heat."""
        cast_of = self.cast_of()
        for h, heat in enumerate(self.heats):
            keys = [(h, i) for i in range(len(heat.operations))]
            yield from itertools.pairwise([*keys, (-1, cast_of[h][0])] if h in cast_of else keys)

    def lag(self, link: Link, units: tuple[int, int]) -> tuple[int, int]:
        """Least and most slots from start to start of a link whose works are on some units."""
        (h, i), after = link
        place = self.heats[h].operations[i].units.index(units[0]), self.work(after).units.index(units[1])
        return int(self.heats[h].least[i][place]), int(self.heats[h].most[i][place])

    def started_cells(self, weight: np.ndarray) -> np.ndarray:
        """Energy by cell of what has started already, each stage's times its weight, shape (n_cells,)."""
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
        """Add energies by cell from a slot on to a load by cell, as far as the horizon goes."""
        first = slot * self.cells_per_slot
        end = min(first + len(cells), self.n_cells)
        load[first:end] += cells[: end - first]

    @property
    def untouched(self) -> bool:
        """Whether nothing has started yet."""
        return all(work.started_min is None for _, work in self.works())

    def held_until(self) -> dict[int, float]:
        """Slot until which each unit is held by what has started already."""
        ends: dict[int, float] = {}
        for _, work in self.works():
            if work.started_min is not None:
                u = work.units[0]
                ends[u] = max(ends.get(u, 0.0), work.started_min / self.step_min + work.occupy[u])
        return ends

    def cast_of(self) -> dict[int, tuple[int, int]]:
        """Cast and place in it, by heat."""
        return {h: (c, i) for c, cast in enumerate(self.casts) for i, h in enumerate(cast.heats)}


def energy_cells(ends: np.ndarray, power: np.ndarray, cell_min: float, begin: float = 0.0) -> np.ndarray:
    """Energy by cell of a power curve that begins ``begin`` minutes after a cell's edge [MWh].

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
    """One MWh spread evenly over some minutes from a slot on, by cell."""
    n = max(math.ceil(minutes / problem.cell_min - EPS), 1)
    edges = np.minimum(np.arange(n + 1) * problem.cell_min, minutes)
    return np.diff(edges) / minutes


@dataclass(frozen=True)
class Windows:
    """Windows for the start of each operation and cast: first and last slot, inclusive."""

    operation: dict[tuple[int, int], tuple[int, int]]
    cast: dict[int, list[tuple[int, int]]]
    """Caster (unit) and slot of each option."""
    unit: dict[tuple[int, int], int] = field(default_factory=dict)
    """Units that are settled."""


@dataclass(frozen=True)
class Counted:
    """A pooled solution: leading starts disaggregated first in, first out, and the casts."""

    lead: dict[int, int]
    """By heat: slot of its leading operation."""
    cast: dict[int, tuple[int, int]]
    """By cast: caster and slot."""


@dataclass(frozen=True)
class GradeCap:
    """A cap on what the heats of a grade carry (``models/problem/constants.py``)."""

    grade: str
    top_kg: float
    """For all its heats, their scope 1 left out [kg CO2e]."""
    mass_share: float
    """Of its heats in all heats."""
    heats: np.ndarray
    """1 for its heats, else 0; shape (n_heats,)."""

    def weights(self, problem: SlotProblem) -> tuple[np.ndarray, list[dict[int, np.ndarray]]]:
        """Weight of a kilogram: of each heat, shape (n_heats,), and of each cast by caster and cell."""
        of_heats = self.heats - self.mass_share
        return of_heats, [{u: self._of_cells(cast, u, problem.cell_min) for u in cast.cells} for cast in problem.casts]

    def _of_cells(self, cast: Cast, u: int, cell_min: float) -> np.ndarray:
        """Weight of a cast's heats by cell, shape (n_cells,); a cell that several share counts by their minutes."""
        first = np.arange(len(cast.cells[u])) * cell_min
        starts = np.asarray(cast.offsets[u], dtype=float)
        ends = np.append(starts[1:], max(cast.planned[u], first[-1] + cell_min))
        minutes = np.minimum(first[:, None] + cell_min, ends) - np.maximum(first[:, None], starts)
        minutes = np.maximum(minutes, 0.0)
        return np.asarray(minutes @ (self.heats - self.mass_share)[list(cast.heats)] / minutes.sum(axis=1))

    def excess_kg(self, carried_kg: float) -> float:
        """Kilograms above the cap; 0 where it is kept."""
        above = carried_kg - self.top_kg
        return above if above > 1e-6 * max(abs(self.top_kg), 1.0) else 0.0
