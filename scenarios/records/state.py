"""State at the start of the horizon: started operations, levels, peak of the month so far, and outages."""

from __future__ import annotations

from emberline.scenarios.records.base import Record
from emberline.scenarios.records.horizon import Moment
from emberline.scenarios.records.quantity import MegawattHours, Megawatts


class Started(Record):
    """Operation that started at or before the start of the horizon, finished or in progress."""

    heat: str
    stage: str
    unit: str
    start: Moment


class Outage(Record):
    """Period in which a unit is unavailable: a repair in progress or planned maintenance."""

    unit: str
    start: Moment
    end: Moment

    def check(self) -> None:
        if type(self.start) is type(self.end) and self.start >= self.end:  # type: ignore[operator]
            raise ValueError(f"outage of {self.unit}: its end is not after its start")


class State(Record):
    """State of the plant at the start of the horizon."""

    started: tuple[Started, ...] = ()
    outages: tuple[Outage, ...] = ()
    battery_level_mwh: MegawattHours | None = None
    peak_so_far_mw: Megawatts = 0
    """Highest metered mean in the month before the horizon."""
