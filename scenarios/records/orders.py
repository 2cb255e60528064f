"""Orders with due times, and locks set by the planner."""

from __future__ import annotations

from pydantic import Field

from emberline.scenarios.records.base import NAME, Record
from emberline.scenarios.records.horizon import Moment


class HeatEntry(Record):
    """One heat, or ``count`` consecutive equal heats."""

    grade: str
    count: int = Field(default=1, ge=1, le=1000)
    name: str | None = Field(default=None, pattern=NAME)
    due: Moment | None = None
    """Latest end of the last stage, if earlier than that of the order."""

    def check(self) -> None:
        if self.name is not None and self.count > 1:
            raise ValueError(f"heat {self.name}: a name stands for one heat, count is {self.count}")


class Order(Record):
    """Sequence of heats to be made; on a campaign stage they form one cast."""

    name: str = Field(pattern=NAME)
    heats: tuple[HeatEntry, ...] = Field(min_length=1)
    due: Moment | None = None
    """Latest end of the last stage of all its heats; none: the end of the horizon."""
    release: Moment | None = None
    """Earliest start of the first stage; none: the start of the horizon."""
    units: tuple[str, ...] = ()
    """Permitted units of the last stage; empty: all."""


class Lock(Record):
    """Decision of the planner on the unit, start or time window of a heat at a stage."""

    heat: str
    stage: str
    unit: str | None = None
    start: Moment | None = None
    earliest: Moment | None = None
    latest: Moment | None = None

    def check(self) -> None:
        if all(part is None for part in (self.unit, self.start, self.earliest, self.latest)):
            raise ValueError(f"lock of heat {self.heat}: give unit, start, earliest or latest")
        if self.start is not None and (self.earliest is not None or self.latest is not None):
            raise ValueError(f"lock of heat {self.heat}: give start, or earliest and latest, not both")


class RunLock(Record):
    """Decision of the planner that a unit of a process starts a run at a given time and runs at least until the end.

    Since the units of a process are identical, locks refer to numbers of units: at least as many runs start at a time,
    and at least as many units run in a step, as there are locks for it.
    """

    process: str
    mode: str | None = None
    """Mode of the run; none: the only mode of a process without modes."""
    start: Moment
    """Start of the run; at the start of the horizon, the run may have begun earlier."""
    end: Moment | None = None
    """Earliest end of the run; none: after the minimum run time."""


AnyLock = Lock | RunLock
