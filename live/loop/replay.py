"""Replay of a log: the loop receives the logged readings again, and its decisions are compared with the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import xarray as xr

from emberline.live.loop.log import Log, Readings, readings_of
from emberline.live.loop.loop import Loop, Planned, Planner
from emberline.live.loop.series import with_series
from emberline.live.tags import Plant
from emberline.studies.rolling import Step

ScheduleOf = Callable[[str], xr.Dataset]


@dataclass(frozen=True)
class Compared:
    """Cycle in which the log or the replay has a planning."""

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
        plant: plant of the log.
        log: log, which is replayed from its first ``begin`` after ``since``.
        schedule_of: function that returns the schedule of an advice by its id.
        since: first day; None for the first day of the log.
        planner: planner that searches again; None to use the logged results, as a search ended by its time limit may
            have another result.
    """
    loop: Loop | None = None
    readings: Readings = {}
    rows: list[dict[str, Any]] = []
    all_rows = list(log.rows(since))
    for k, row in enumerate(all_rows):
        rows.append(row)
        now = datetime.fromisoformat(row["now"])
        if "begin" in row:
            loop, readings = restored(plant, rows, schedule_of) if _is_of(plant, row) else None, {}
        elif loop is None:
            continue
        elif "readings" in row and not row.get("during"):
            readings = readings_of(row, readings)
            search = _Search(all_rows[k + 1 :], readings)
            if row.get("search") and search.logged is None:
                continue  # the process was killed during the search
            loop.planner = search.planner(loop, schedule_of, planner)
            outcome = loop.step(readings, now, request=bool(row.get("request")))
            readings = search.readings
            decision = outcome.decision()
            replayed_decision = None if decision is None else _short(decision)
            if search.logged is not None or replayed_decision is not None:
                yield Compared(now, None if search.logged is None else _short(search.logged), replayed_decision)
        else:
            _take(loop, row, schedule_of)


def _take(loop: Loop, row: Mapping[str, Any], schedule_of: ScheduleOf) -> None:
    """Process an external event: an approval, the end of a plan, or new values of series."""
    if "approved" in row:
        schedule = schedule_of(row["approved"])
        if schedule["heat"].equals(loop.schedule["heat"]) and schedule.sizes == loop.schedule.sizes:
            loop.approved(row["approved"], schedule)
    elif "ended" in row:
        loop.ended()
    elif "series" in row:
        loop.priced(with_series(loop.scenario, row["series"]))


class _Search:
    """Rows of a log on the search of a cycle: readings during the search, and the result."""

    def __init__(self, rows: list[dict[str, Any]], readings: Readings) -> None:
        self.readings, self._during = readings, list[dict[str, Any]]()
        self.logged: Mapping[str, Any] | None = None
        for row in rows:
            if row.get("during"):
                self._during.append(row)
            else:
                self.logged = row.get("planned")
                break

    def planner(self, loop: Loop, schedule_of: ScheduleOf, planner: Planner | None) -> Planner:
        """Planner that returns the logged result or searches again, after processing the readings of that time."""

        def search(
            scenario: Any, how: Any, schedule: xr.Dataset, expected: Any, baseline: Any, now_min: float
        ) -> tuple[Step, xr.Dataset]:
            for row in self._during:
                self.readings = readings_of(row, self.readings)
                loop.watch(self.readings, datetime.fromisoformat(row["now"]))
            if planner is not None:
                return planner(scenario, how, schedule, expected, baseline, now_min)
            if self.logged is None or self.logged["step"] is None:
                raise ValueError("the log has no planning here")
            number = self.logged["advice"]
            return Step(**self.logged["step"]), schedule if number is None else schedule_of(number)

        return search


def restored(plant: Plant, rows: list[dict[str, Any]], schedule_of: ScheduleOf) -> Loop:
    """Restore a loop from the rows of a log without deciding anything again."""
    loop, readings = Loop(plant), dict[str, Any]()
    horizon, is_same_scenario = plant.scenario.horizon, True
    for row in rows:
        now = datetime.fromisoformat(row["now"])
        if "begin" in row:
            is_same_scenario = _is_of(plant, row)
        if not is_same_scenario or not horizon.start_utc <= now <= horizon.end_utc:
            continue
        if "readings" in row:
            readings = readings_of(row, readings)
            loop.estimator.observe(readings, now)
        elif "planned" in row:
            planned = row["planned"]
            margins = (planned["step"] or {}).get("margins")
            loop.remember(Planned(planned["late"], tuple(planned["down"]), margins), now)
        else:
            _take(loop, row, schedule_of)
    return loop


def _is_of(plant: Plant, begin: Mapping[str, Any]) -> bool:
    """Whether a logged process used the same scenario. Logs of earlier versions do not contain the scenario."""
    return begin.get("scenario", plant.identity) == plant.identity


def _short(logged: Mapping[str, Any]) -> dict[str, Any]:
    step = logged["step"]
    return {
        "reason": logged["reason"],
        "status": None if step is None else step["status"],
        "advice": logged["advice"],
        "hash": logged["hash"],
    }
