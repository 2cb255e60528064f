"""Store of material between processes, such as a silo, hall, bunker or tank; the physics are those of storages.

Any number of processes, arrivals and deliveries may fill and empty it at the same time. Material is conserved except
for the given loss.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from emberline.scenarios.assets.storage import effective_hours, retention
from emberline.scenarios.records.base import NAME, Record
from emberline.scenarios.records.quantity import Fraction, PerHour, Tonnes, read_in

Level = Annotated[float, read_in("t"), Field(ge=0, le=1e7)]


class Store(Record):
    """Material store with one level."""

    name: str = Field(pattern=NAME)
    capacity_t: Tonnes
    level_t: Level | None = None
    """Initial level; none: half full."""
    end_level_t: Level | None = None
    """Minimum final level; none: the initial level."""
    loss_per_h: PerHour = 0.0
    """Share of the level lost per hour."""
    keep_low: Fraction = 0.3
    """Share of the capacity below which the baseline (today's practice) fills the store and stops its consumers. Plans
    need not keep it."""
    keep_high: Fraction = 0.8
    """Share of the capacity above which the baseline (today's practice) stops filling the store."""

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
        """Initial level [t]."""
        return self.capacity_t / 2 if self.level_t is None else self.level_t

    @property
    def end_t(self) -> float:
        """Required final level [t]."""
        return self.start_t if self.end_level_t is None else self.end_level_t

    def retention(self, hours: float) -> float:
        """Return the share of the level that remains after some time."""
        return retention(self.loss_per_h, hours)

    def effective_hours(self, hours: float) -> float:
        """Return the effective duration of a constant inflow, reduced by its self-loss [h]."""
        return effective_hours(self.loss_per_h, hours)
