"""Orders: what must be made by when, and the locks that the planner has set."""

from __future__ import annotations

from pydantic import Field

from emberline.scenarios.records.base import NAME, Record
from emberline.scenarios.records.horizon import Moment


class HeatEntry(Record):
    """One heat, or ``count`` equal ones after each other."""

    grade: str
    count: int = Field(default=1, ge=1, le=1000)
    name: str | None = Field(default=None, pattern=NAME)
    due: Moment | None = None
    """Latest end of the last stage, where it is earlier than the order's."""

    def check(self) -> None:
        if self.name is not None and self.count > 1:
            raise ValueError(f"heat {self.name}: a name stands for one heat, count is {self.count}")


class Order(Record):
    """Heats to be made, in order; on a campaign stage they form one cast."""

    name: str = Field(pattern=NAME)
    heats: tuple[HeatEntry, ...] = Field(min_length=1)
    due: Moment | None = None
    """Latest end of the last stage of all its heats; none: the end of the horizon."""
    release: Moment | None = None
    """Earliest start of the first stage; none: the start of the horizon."""
    units: tuple[str, ...] = ()
    """Units of the last stage that may take it; none named: all."""


class Lock(Record):
    """A decision that the planner has taken: this heat at this stage starts then, or within a window, on that unit."""

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
    """A decision that the planner has taken: a unit of this process begins a run then, and runs until the end at least.

    Units of a process are alike, so what is locked is how many: as many runs begin as locks name that time, and as many
    units run meanwhile as locks cover it.
    """

    process: str
    mode: str | None = None
    """None: the only one of a process without modes."""
    start: Moment
    """At the start of the horizon: it may have begun before."""
    end: Moment | None = None
    """None: as long as the least run."""


AnyLock = Lock | RunLock
