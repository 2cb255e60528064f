"""iCalendar: what a crew does and when, an event for each operation, run and stretch of a machine.

Times are UTC, so that no program has to know the plant's zone; it is told besides. The events of a run keep their
identity: importing the same run twice changes nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from plans.exports import manifest
from plans.exports.activities import Activity, activities, units
from plans.exports.refusal import CannotExport
from plans.exports.texts import one_line, printable
from plans.store import StoredRun

if TYPE_CHECKING:
    from icalendar import Event


def write(run: StoredRun, path: Path, unit: str | None = None) -> None:
    """Write the calendar of one unit, or of all of them with the unit as category.

    Raises:
        CannotExport: there is no such unit, or nothing that could stand in a calendar.
    """
    path.write_bytes(calendar(run, unit))


def calendar(run: StoredRun, unit: str | None = None) -> bytes:
    """The calendar as the bytes of an iCalendar file (RFC 5545)."""
    from icalendar import Calendar, vText

    plan = run.plan
    assert plan.replay is not None
    found = units(plan.scenario, plan.replay)
    if not found:
        raise CannotExport(f"run {run.id} has nothing to put in a calendar: no heat, no run, no machine, no store")
    if unit is not None and unit not in found:
        raise CannotExport(f"unit {unit!r} does nothing in run {run.id}; units are {', '.join(found)}")
    called = one_line(f"{plan.scenario.title or plan.scenario.name}{f', {unit}' if unit else ''}")
    made = Calendar()
    made.add("prodid", "-//Emberline//plan//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", vText(called))
    made.add("x-wr-timezone", plan.scenario.horizon.zone)
    made.add("x-wr-caldesc", vText(printable(manifest.proof(run))))
    for name, value in manifest.flat(run).items():
        made.add(f"x-emberline-{name.replace('_', '-')}", vText(printable(value)))
    stamp = datetime.fromisoformat(run.meta["created"]).astimezone(UTC)
    for number, activity in enumerate(activities(plan.scenario, plan.replay)):
        if unit in (None, activity.unit):
            made.add_component(_event(run, activity, number, stamp))
    return made.to_ical()


def _event(run: StoredRun, activity: Activity, number: int, stamp: datetime) -> Event:
    from icalendar import Event

    horizon = run.plan.scenario.horizon
    start, end = (_second(horizon.instant(at)) for at in (activity.start_min, activity.end_min))
    event = Event()
    event.add("uid", f"{run.id}-{number}@emberline")
    event.add("dtstamp", stamp)
    event.add("dtstart", start)
    event.add("dtend", end)
    event.add("summary", one_line(activity.summary))
    event.add("location", one_line(activity.unit))
    event.add("categories", [one_line(activity.unit)])
    local = [f"{at.astimezone(horizon.tz).isoformat(timespec='minutes')}" for at in (start, end)]
    lines = [f"{local[0]} to {local[1]}, {horizon.zone}", *told(activity), f"run {run.id}", manifest.proof(run)]
    event.add("description", printable("\n".join(lines)))
    return event


def told(activity: Activity) -> list[str]:
    """What else is to be said of it, a line each."""
    hours = (activity.end_min - activity.start_min) / 60
    lines = []
    if activity.of == "line":
        lines.append(f"order {activity.group}, grade {activity.definition}")
    lines += [f"{'makes' if m.made else 'uses'} {m.name}: {m.amount:,.1f} {m.unit}" for m in activity.materials]
    unit, amount = activity.amount_unit, activity.amount
    mean = f"{amount / hours:,.2f} {'MW' if unit == 'MWh' else f'{unit}/h'} on average"
    lines.append(f"{activity.amount_says}: {amount:,.1f} {unit}, {mean}")
    if activity.waited_min is not None:
        lines.append(f"waits {activity.waited_min:,.0f} min before, transfer left out")
    return lines


def _second(at: datetime) -> datetime:
    """The nearest whole second, UTC: calendars know no finer times."""
    at = at.astimezone(UTC)
    return datetime.fromtimestamp(round(at.timestamp()), UTC)
