"""A logged time once more: the same readings through the same loop, whose decisions are compared with the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import xarray as xr

from emberline.live.loop.log import Log, Readings, readings_of
from emberline.live.loop.loop import Loop, Planned, Planner
from emberline.live.tags import Plant
from emberline.plans.rolling import Step

ScheduleOf = Callable[[str], xr.Dataset]


@dataclass(frozen=True)
class Compared:
    """A cycle in which log or replay planned."""

    now: datetime
    logged: Mapping[str, Any] | None
    replayed: Mapping[str, Any] | None

    @property
    def same(self) -> bool:
        """Whether reason, result and advice agree."""
        return self.logged == self.replayed


def replayed(
    plant: Plant, log: Log, schedule_of: ScheduleOf, *, since: datetime | None = None, planner: Planner | None = None
) -> Iterator[Compared]:
    """Replay a log.

    Args:
        plant: whose log it is.
        log: with its first ``begin`` after ``since``.
        schedule_of: schedule of an advice by its id.
        since: the day to begin with; None: the first.
        planner: searches again; None: what the searches of the log returned is taken, since one that its time limit
            ended may end differently.
    """
    loop: Loop | None = None
    readings: Readings = {}
    rows: list[dict[str, Any]] = []
    for row in log.rows(since):
        rows.append(row)
        now = datetime.fromisoformat(row["now"])
        if "begin" in row:
            loop, readings = restored(plant, rows, schedule_of), {}
        elif loop is None:
            continue
        elif "approved" in row:
            loop.approved(row["approved"], schedule_of(row["approved"]))
        elif "ended" in row:
            loop.ended()
        elif "readings" in row:
            readings = readings_of(row, readings)
            logged = row.get("planned")
            loop.planner = planner or _recorded(logged, schedule_of)
            outcome = loop.step(readings, now, request=bool(row.get("request")))
            decision = outcome.decision()
            mine = None if decision is None else _short(decision)
            if logged is not None or mine is not None:
                yield Compared(now, None if logged is None else _short(logged), mine)


def restored(plant: Plant, rows: list[dict[str, Any]], schedule_of: ScheduleOf) -> Loop:
    """The loop as it stands after rows of a log, in which nothing is decided again."""
    loop, readings = Loop(plant), dict[str, Any]()
    horizon = plant.scenario.horizon
    for row in rows:
        now = datetime.fromisoformat(row["now"])
        if not horizon.start_utc <= now <= horizon.end_utc:
            continue
        if "approved" in row:
            loop.approved(row["approved"], schedule_of(row["approved"]))
        elif "ended" in row:
            loop.ended()
        elif "readings" in row:
            readings = readings_of(row, readings)
            planned = row.get("planned")
            remembered = None if planned is None else Planned(planned["late"], tuple(planned["down"]))
            loop.restored(readings, now, remembered)
    return loop


def _short(logged: Mapping[str, Any]) -> dict[str, Any]:
    step = logged["step"]
    return {
        "reason": logged["reason"],
        "status": None if step is None else step["status"],
        "advice": logged["advice"],
        "hash": logged["hash"],
    }


def _recorded(logged: Mapping[str, Any] | None, schedule_of: ScheduleOf) -> Planner:
    """A planner that returns what the log says."""

    def planner(
        scenario: Any, how: Any, schedule: xr.Dataset, expected: Any, baseline: Any, now_min: float
    ) -> tuple[Step, xr.Dataset]:
        if logged is None or logged["step"] is None:
            raise ValueError("the log has no planning here")
        return Step(**logged["step"]), schedule if logged["advice"] is None else schedule_of(logged["advice"])

    return planner
