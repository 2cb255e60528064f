"""When runs of a mode begin, and what their beginnings bring slot by slot.

A run begins with a start-up or a change-over. These are events: variables by slot that count them. Their slots go back
before the horizon, as far as any rule looks, and there none happen: so that a rule is the same for every slot.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.site.assets.ports import Row
from emberline.models.kernel.arrays import Series
from emberline.models.kernel.templates import each, total
from emberline.models.problem.plant import Plant, Units
from emberline.scenarios.process import ChangeOver, Mode, StartUp, in_steps

ANY, REST = -1, -2
"""What is left when a run begins: any mode, standstill."""


@dataclass(frozen=True)
class Beginning:
    """A way in which runs of a mode begin."""

    origin: int
    """Mode that is left; ``ANY``, ``REST``."""
    mode: int
    slots: int
    """From its own beginning to the run's."""
    what: StartUp | ChangeOver

    @property
    def hours(self) -> float:
        """How long it takes."""
        return self.what.hours if isinstance(self.what, StartUp) else self.what.minutes / 60


class Runs:
    """How and when runs of all modes begin, as variables of the units' block."""

    def __init__(self, block: Any, units: Units, plant: Plant) -> None:
        process, self._n = units.process, plant.n
        self.block, self.units, self.plant = block, units, plant
        self.starting = plant.steps(process.start_up.hours)
        """Slots of a start-up."""
        up, down = (max(plant.steps(hours), 1) for hours in (process.min_run_h, process.min_rest_h))
        # what must run rests in outages only, or in its planned stop
        self.always_on = process.must_run and process.name not in plant.stops
        """Whether units rest in outages only."""
        self.up, self.down = min(up, plant.n), 1 if self.always_on else min(down, plant.n)
        """Slots of the least run and rest, within the horizon."""
        self.of_mode = [self._beginnings(m) for m in range(len(units.modes))]
        """How runs of each mode begin."""
        back = [b.slots + max(self.up, len(self.off_spec(b))) for beginnings in self.of_mode for b in beginnings]
        self.before = max(*back, self.down) - 1
        """How far rules look back before the horizon."""

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
        """The block of each mode."""
        return [self.block.mode[m] for m in range(len(self.units.modes))]

    @property
    def every(self) -> list[Beginning]:
        """All beginnings of all modes: start-ups, then change-overs."""
        return sorted((b for beginnings in self.of_mode for b in beginnings), key=lambda b: b.origin != REST)

    def events(self, beginning: Beginning) -> Any:
        """How many units begin with it in each slot: a variable."""
        part = self.block.mode[beginning.mode]
        if beginning.origin == REST:
            return part.fire
        return part.turn if beginning.origin == ANY else Row(self.block.to, beginning.origin, beginning.mode)

    def begins(self, m: int) -> list[tuple[Any, int]]:
        """Events that lead to a run of a mode, and how many slots later each does."""
        return [(self.events(b), b.slots) for b in self.of_mode[m]]

    def off_spec(self, beginning: Beginning) -> list[float]:
        """Off-spec product of a unit by slot of the run [t]."""
        mode, total, hours = self.units.modes[beginning.mode], beginning.what.off_spec_t, self.plant.hours
        slots = min(int(np.ceil(total / pace / hours - 1e-9)), self._n) if (pace := slowest(mode)) else 0
        return [mode.off_spec_t(total, j * hours, (j + 1) * hours) for j in range(slots)]

    def energy(self, beginning: Beginning, amount: float) -> list[float]:
        """An amount spread over the slots of a beginning."""
        return kernel(amount, beginning.hours, self.plant.hours)[: self._n]


def slowest(mode: Mode) -> float:
    """Rate at which off-spec product is made [t/h]."""
    return mode.rates.low or mode.rates.high


def kernel(total: float, span_h: float, hours: float) -> list[float]:
    """An amount spread evenly over the slots of a span of hours; all in the first one where there is no span."""
    if not total:
        return []
    if span_h <= 0:
        return [total]
    slots = in_steps(span_h, hours)
    return [total / slots] * slots


class Response:
    """What events bring in the slots after them, for rules."""

    def __init__(
        self, block: Any, parts: Iterable[tuple[Any, int, list[float]]], available: np.ndarray | None = None
    ) -> None:
        """Fill a block that is empty.

        Args:
            block: gets the amounts.
            parts: events by slot, after how many slots they begin to bring something, and how much slot by slot.
            available: 0 in slots that end whatever was begun, of a unit alone, shape (n,); None: there are none.
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
        """Whether nothing is brought at all."""
        return not self._parts

    def at(self, t: Any) -> Any:
        """All that is brought in a slot, an expression; the slot may be a placeholder."""
        return sum(
            total(
                (part.amount[j, t] if self._cut else part.amount[j]) * variable[t - lag - j] for j in each(part.AFTER)
            )
            for part, (variable, lag, _) in zip(self._blocks, self._parts, strict=True)
        )
