"""A store of material between processes: silo, hall, bunker, tank. Record; its physics are those of every store.

Any number of processes, arrivals and deliveries may fill and empty it at the same time; nothing vanishes in it but the
loss that is given.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from emberline.scenarios.assets.storage import effective_hours, retention
from emberline.scenarios.records.base import NAME, Record
from emberline.scenarios.records.quantity import Fraction, PerHour, Tonnes, read_in

Level = Annotated[float, read_in("t"), Field(ge=0, le=1e7)]


class Store(Record):
    """A store with one level."""

    name: str = Field(pattern=NAME)
    capacity_t: Tonnes
    level_t: Level | None = None
    """Level now; none: half full."""
    end_level_t: Level | None = None
    """Level wanted at the end, at least; none: what it is now."""
    loss_per_h: PerHour = 0.0
    """Share of the level lost in an hour."""
    keep_low: Fraction = 0.3
    """Today's practice, against which savings are measured: below this share of the capacity the baseline fills it, and
    what takes from it stops. The plan need not keep it."""
    keep_high: Fraction = 0.8
    """Today's practice: above this share of the capacity the baseline fills it no further."""

    def check(self) -> None:
        for field in ("level_t", "end_level_t"):
            level = getattr(self, field)
            if level is not None and level > self.capacity_t * (1 + 1e-12):
                raise ValueError(f"store {self.name}: {field} {level:g} t is more than it holds, {self.capacity_t:g} t")
        if self.keep_low >= self.keep_high:
            raise ValueError(
                f"store {self.name}: keep_low {self.keep_low:g} does not lie below keep_high {self.keep_high:g}"
            )

    @property
    def start_t(self) -> float:
        """Level at the start [t]."""
        return self.capacity_t / 2 if self.level_t is None else self.level_t

    @property
    def end_t(self) -> float:
        """Level wanted at the end [t]."""
        return self.start_t if self.end_level_t is None else self.end_level_t

    def retention(self, hours: float) -> float:
        """Share of the level that remains after some hours."""
        return retention(self.loss_per_h, hours)

    def effective_hours(self, hours: float) -> float:
        """Hours that count for a constant flow, its own loss until the end taken off."""
        return effective_hours(self.loss_per_h, hours)
