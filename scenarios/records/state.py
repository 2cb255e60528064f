"""The state at the start of the horizon: operations under way, levels, the month's peak so far, outages."""

from __future__ import annotations

from emberline.scenarios.records.base import Record
from emberline.scenarios.records.horizon import Moment
from emberline.scenarios.records.quantity import MegawattHours, Megawatts


class Started(Record):
    """An operation that has started already: done or under way. Its start lies at or before the horizon's start."""

    heat: str
    stage: str
    unit: str
    start: Moment


class Outage(Record):
    """A unit that is not available: a repair under way or planned maintenance."""

    unit: str
    start: Moment
    end: Moment

    def check(self) -> None:
        if type(self.start) is type(self.end) and self.start >= self.end:  # type: ignore[operator]
            raise ValueError(f"outage of {self.unit}: its end is not after its start")


class State(Record):
    """State of the plant when the plan begins."""

    started: tuple[Started, ...] = ()
    outages: tuple[Outage, ...] = ()
    battery_level_mwh: MegawattHours | None = None
    peak_so_far_mw: Megawatts = 0
    """Highest metered mean of the month until now."""
