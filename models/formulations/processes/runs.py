"""Runs of units: their beginnings, and their contributions to stores, carriers and the objective."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.site.assets.ports import Linear, Row
from emberline.models.kernel.arrays import Series
from emberline.models.kernel.templates import each, total
from emberline.models.problem.plant import Plant, Units
from emberline.scenarios.process.recipe import GJ_PER_MWH, Mode
from emberline.scenarios.process.record import ChangeOver, StartUp, UnitState, in_steps


@dataclass
class UnitPorts:
    """Contributions of units by slot."""

    units: Units
    block: Any
    runs: Runs
    electricity: list[Linear] = field(default_factory=list)
    """Draw [MWh]."""
    places: dict[str, list[Linear]] = field(default_factory=dict)
    """Deliveries to stores [t] and carriers [their unit] by place; consumption is negative."""
    added: dict[str, list[Linear]] = field(default_factory=dict)
    """Amounts added to each component of the metrics except money, such as fossil emissions [kg CO2e]."""

    @cached_property
    def turns(self) -> dict[tuple[int, int], Any]:
        """Units that begin a change-over, by slot; by the modes that they leave (−1: any) and enter."""
        return {(b.origin, b.mode): self.runs.events(b) for b in self.runs.every if b.origin != REST}

    @cached_property
    def changing(self) -> dict[tuple[int, int], int]:
        """Length of each of these change-overs [slots]."""
        return {(b.origin, b.mode): b.slots for b in self.runs.every if b.origin != REST}


def joined(terms: Iterable[Linear]) -> Linear:
    """Return flows without constants as one flow."""
    return Linear(tuple(part for term in terms for part in term.parts))


def by_slot(flow: Linear, t: Any) -> Any:
    """Return a flow in a slot as an expression; the slot may be a placeholder because all slots have equal weights."""
    return sum(weight * variable[t] for variable, weight in flow.parts)


ANY, REST = -1, -2
"""Origins of a run other than a single mode: any mode, standstill."""


@dataclass(frozen=True)
class Beginning:
    """A transition with which runs of a mode begin."""

    origin: int
    """Mode that is left, or ``ANY``, ``REST``."""
    mode: int
    slots: int
    """Slots from its own beginning to that of the run."""
    what: StartUp | ChangeOver

    @property
    def hours(self) -> float:
        """Length of the start-up or change-over [h]."""
        return self.what.hours if isinstance(self.what, StartUp) else self.what.minutes / 60


@dataclass(frozen=True)
class UnderWay:
    """Transition of a unit under way when the horizon begins: repair and start-up, change-over, off-spec product."""

    mode: int
    origin: int
    """``ANY`` for a change-over."""
    first: int
    """Slot from which its mode is set; until then the unit is repaired."""
    begins: int
    """Slot in which its run begins; −1: it has begun."""
    mwh: np.ndarray
    """Electricity by slot, shape (n,)."""
    heat_mwh: np.ndarray
    lost: np.ndarray
    """Off-spec product by slot [t]."""


def under_way(units: Units, plant: Plant, state: UnitState) -> UnderWay | None:
    """Return the transition under way at a unit in a state; None if there is none."""
    if state.mode is None or not (state.repair_h or state.ready_in_h or state.off_spec_t):
        return None
    process, h, edges = units.process, plant.hours, np.arange(plant.n + 1) * plant.hours
    m = [mode.name for mode in units.modes].index(state.mode)
    start, share, off_t = process.start_up, 1.0, state.off_spec_t
    what: StartUp | ChangeOver = start if state.leaves is None else process.changing(state.leaves, state.mode)
    hours = Beginning(REST, m, 0, what).hours
    lasts_h = plant.steps(hours) * h
    if state.repair_h:
        if start.cold_after_h:
            share = min((state.since_h + state.repair_h) / start.cold_after_h, 1.0)
        lasts_h, off_t = hours * share, start.off_spec_t * share
    end_h = state.repair_h + lasts_h if state.repair_h else state.ready_in_h
    begins = plant.steps(end_h) if end_h else -1
    if end_h > state.repair_h:
        over = np.clip(edges, state.repair_h, end_h)
        spread = np.diff(over) * share / lasts_h
    else:  # no duration: all in the first slot of the run
        spread = share * (np.arange(plant.n) == begins)
    run_h = edges - max(begins, 0) * h
    mode = units.modes[m]
    lost = [mode.off_spec_t(off_t, max(a, 0.0), b) if b > 0 else 0.0 for a, b in pairwise(run_h)]
    return UnderWay(
        m, REST if state.leaves is None else ANY, plant.steps(state.repair_h), begins, what.energy_mwh * spread,
        (what.heat_gj if isinstance(what, StartUp) else 0.0) / GJ_PER_MWH * spread, np.array(lost),
    )  # fmt: skip


class Runs:
    """Beginnings of runs of all modes, as variables of the units' block."""

    def __init__(self, block: Any, units: Units, plant: Plant) -> None:
        process, self._n = units.process, plant.n
        self.block, self.units, self.plant = block, units, plant
        self.states = process.start[units.first : units.first + units.count]
        self.under_way = [under_way(units, plant, state) for state in self.states]
        """Transition under way at each unit when the horizon begins; None if there is none."""
        self.starting = plant.steps(process.start_up.hours)
        """Slots of a start-up."""
        up, down = (max(plant.steps(hours), 1) for hours in (process.min_run_h, process.min_rest_h))
        # units that must run rest only in outages or in their planned stop
        self.always_on = process.must_run and process.name not in plant.stops
        """Whether units rest only in outages."""
        self.up, self.down = min(up, plant.n), 1 if self.always_on else min(down, plant.n)
        """Slots of the minimum run and rest, within the horizon."""
        self.of_mode = [self._beginnings(m) for m in range(len(units.modes))]
        """Transitions with which runs of each mode begin."""
        back = [b.slots + max(self.up, len(self.off_spec(b))) for beginnings in self.of_mode for b in beginnings]
        self.before = max(*back, self.down) - 1
        """Slots before the horizon to which rules refer."""

    def going_on(self, name: str, m: int | None = None) -> np.ndarray:
        """Return the total of an array of ``UnderWay`` over the transitions of one mode or all, shape (n,)."""
        amounts = [getattr(u, name) for u in self.under_way if u is not None and m in (None, u.mode)]
        return np.sum(amounts, axis=0) if amounts else np.zeros(self._n)

    def arrivals(self, m: int | None = None) -> np.ndarray:
        """Return the number of units that begin to run in each slot after a transition under way, shape (n,)."""
        return self._counted([u.begins for u in self.under_way if u is not None and m in (None, u.mode)])

    def repaired(self) -> np.ndarray:
        """Return the number of units whose repair ends with each slot, shape (n,)."""
        return self._counted([u.first for u in self.under_way if u is not None and u.first])

    def _counted(self, slots: list[int]) -> np.ndarray:
        return np.bincount([t for t in slots if 0 <= t < self._n], minlength=self._n).astype(float)

    def at_start(self, m: int) -> int:
        """Return the number of units that run in a mode when the horizon begins."""
        name = self.units.modes[m].name
        return sum(state.mode == name and not (state.ready_in_h or state.repair_h) for state in self.states)

    def _beginnings(self, m: int) -> list[Beginning]:
        process, modes, steps = self.units.process, self.units.modes, self.plant.steps
        beginnings = [Beginning(REST, m, self.starting, process.start_up)]
        if len(modes) == 1:
            return beginnings
        if process.uniform:
            return [*beginnings, Beginning(ANY, m, steps(process.change_over.minutes / 60), process.change_over)]
        changes = [(a, process.changing(modes[a].name, modes[m].name)) for a in range(len(modes)) if a != m]
        return beginnings + [Beginning(a, m, steps(change.minutes / 60), change) for a, change in changes]

    @property
    def parts(self) -> list[Any]:
        """Block of each mode."""
        return [self.block.mode[m] for m in range(len(self.units.modes))]

    @property
    def every(self) -> list[Beginning]:
        """All beginnings of all modes: start-ups, then change-overs."""
        return sorted((b for beginnings in self.of_mode for b in beginnings), key=lambda b: b.origin != REST)

    def events(self, beginning: Beginning) -> Any:
        """Return the number of units with this beginning in each slot, as a variable."""
        part = self.block.mode[beginning.mode]
        if beginning.origin == REST:
            return part.fire
        return part.turn if beginning.origin == ANY else Row(self.block.to, beginning.origin, beginning.mode)

    def begins(self, m: int) -> list[tuple[Any, int]]:
        """Return the events that lead to a run of a mode, each with the slots until the run."""
        return [(self.events(b), b.slots) for b in self.of_mode[m]]

    def off_spec(self, beginning: Beginning) -> list[float]:
        """Return the off-spec product of a unit by slot of the run [t]."""
        mode, total, hours = self.units.modes[beginning.mode], beginning.what.off_spec_t, self.plant.hours
        slots = min(int(np.ceil(total / pace / hours - 1e-9)), self._n) if (pace := slowest(mode)) else 0
        return [mode.off_spec_t(total, j * hours, (j + 1) * hours) for j in range(slots)]

    def energy(self, beginning: Beginning, amount: float) -> list[float]:
        """Spread an amount over the slots of a beginning."""
        return kernel(amount, beginning.hours, self.plant.hours)[: self._n]


def slowest(mode: Mode) -> float:
    """Return the rate at which off-spec product is produced [t/h]."""
    return mode.rates.low or mode.rates.high


def kernel(total: float, span_h: float, hours: float) -> list[float]:
    """Spread an amount evenly over the slots of a span of hours; without a span, all is in the first slot."""
    if not total:
        return []
    if span_h <= 0:
        return [total]
    slots = in_steps(span_h, hours)
    return [total / slots] * slots


class Response:
    """Effects of events in later slots, for rules."""

    def __init__(
        self, block: Any, parts: Iterable[tuple[Any, int, list[float]]], available: np.ndarray | None = None
    ) -> None:
        """Fill an empty block.

        Args:
            block: block for the amounts.
            parts: events by slot, slots until their effect begins, and the effect slot by slot.
            available: 0 in slots that end all effects, for a single unit, shape (n,); None: there are none.
        """
        self._parts = [(variable, lag, amounts) for variable, lag, amounts in parts if any(amounts)]
        self._cut = available is not None and not available.all()
        block.PART = pyo.RangeSet(0, len(self._parts) - 1)
        block.part = pyo.Block(block.PART)
        self._blocks = [block.part[i] for i in range(len(self._parts))]
        for part, (_, _, amounts) in zip(self._blocks, self._parts, strict=True):
            part.AFTER = pyo.RangeSet(0, len(amounts) - 1)
            if available is None or not self._cut:
                part.amount = Series(part.AFTER, values=np.array(amounts))
                continue
            slot = np.arange(len(available))
            last = np.maximum.accumulate(np.where(available > 0, -1, slot))
            goes_on = slot - np.arange(len(amounts))[:, None] > last
            part.SLOT = pyo.RangeSet(0, len(available) - 1)
            part.amount = Series(part.AFTER, part.SLOT, values=np.where(goes_on, np.array(amounts)[:, None], 0.0))

    @property
    def empty(self) -> bool:
        """Whether there is no effect at all."""
        return not self._parts

    def at(self, t: Any) -> Any:
        """Return the total effect in a slot, as an expression; the slot may be a placeholder."""
        return sum(
            total(
                (part.amount[j, t] if self._cut else part.amount[j]) * variable[t - lag - j] for j in each(part.AFTER)
            )
            for part, (variable, lag, _) in zip(self._blocks, self._parts, strict=True)
        )
