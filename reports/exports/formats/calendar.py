"""iCalendar file for a crew, with an event for each operation, run and machine activity.

Times are in UTC, so that no program needs to know the plant's time zone, which is also stated. The events of a run keep
their identity, so that importing the same run twice changes nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from emberline.planning.accounts.unit_runs import RUN
from emberline.reports.exports import manifest
from emberline.reports.exports.tables import CannotExport
from emberline.reports.exports.worded import moment, one_line, printable, tag
from emberline.reports.text import current, mark, tr
from emberline.reports.text.activities import Activity, activities, called, does, replay_of, units
from emberline.reports.text.numbers import listed
from emberline.runs.store.run_folder import StoredRun
from emberline.scenarios import Scenario

if TYPE_CHECKING:
    from icalendar import Event


def write(run: StoredRun, path: Path, unit: str | None = None) -> None:
    """Write the calendar of one unit, or of all units with the unit as category.

    Raises:
        CannotExport: the unit does not exist, or the run has no activities.
    """
    path.write_bytes(calendar(run, unit))


def calendar(run: StoredRun, unit: str | None = None) -> bytes:
    """Return the calendar as the bytes of an iCalendar file (RFC 5545)."""
    from icalendar import Calendar, vText

    plan, replay = run.plan, replay_of(run.plan)
    owners = units(plan.scenario, replay)
    if not owners:
        raise CannotExport(f"run {run.id} has nothing to put in a calendar: no heat, no run, no machine, no store")
    if unit is not None and unit not in owners:
        raise CannotExport(f"unit {unit!r} does nothing in run {run.id}; units are {', '.join(owners)}")
    title = plan.scenario.title or plan.scenario.name
    named = one_line(listed([title, called(unit, plan.scenario)]) if unit else title)
    document = Calendar()
    document.add("prodid", f"-//Emberline//plan//{tag()[:2].upper()}")
    document.add("version", "2.0")
    document.add("method", "PUBLISH")
    document.add("x-wr-calname", vText(named))
    document.add("x-wr-timezone", plan.scenario.horizon.zone)
    document.add("x-wr-caldesc", vText(printable(manifest.proof(run))))
    for name, value in manifest.flat(run).items():
        document.add(f"x-emberline-{name.replace('_', '-')}", vText(printable(value)))
    stamp = datetime.fromisoformat(run.meta["created"]).astimezone(UTC)
    for number, activity in enumerate(activities(plan.scenario, replay)):
        if unit in (None, activity.unit):
            document.add_component(_event(run, activity, number, stamp))
    return document.to_ical()


def _event(run: StoredRun, activity: Activity, number: int, stamp: datetime) -> Event:
    from icalendar import Event

    horizon = run.plan.scenario.horizon
    start, end = (_second(horizon.instant(at)) for at in (activity.start_min, activity.end_min))
    event = Event()
    event.add("uid", f"{run.id}-{number}@emberline")
    event.add("dtstamp", stamp)
    event.add("dtstart", start)
    event.add("dtend", end)
    unit = one_line(called(activity.unit, run.plan.scenario))
    event.add("summary", one_line(summary(activity, run.plan.scenario)))
    event.add("location", unit)
    event.add("categories", [unit])
    first, last = (_local_time(at.astimezone(horizon.tz)) for at in (start, end))
    lines = [
        tr("{first} to {last}, {zone}", first=first, last=last, zone=horizon.zone),
        *details(activity), tr("run {run}", run=run.id), manifest.proof(run),
    ]  # fmt: skip
    event.add("description", printable("\n".join(lines)))
    return event


def summary(activity: Activity, scenario: Scenario) -> str:
    """Return the title of an event: heat and stage, mode, or activity of a machine."""
    if activity.of == "line" or activity.what == RUN:
        return activity.summary
    if activity.of == "processes":
        return tr("{what} {name}", what=does(activity.what), name=activity.name)
    name = called(activity.name, scenario)
    return tr("{name} {what}", name=name, what=does(activity.what))


def details(activity: Activity) -> list[str]:
    """Return further details of an activity, one line each."""
    hours = (activity.end_min - activity.start_min) / 60
    lines = []
    if activity.of == "line":
        lines.append(tr("order {order}, grade {grade}", order=activity.group, grade=activity.definition))
    for material in activity.materials:
        values = {"name": material.name, "amount": f"{material.amount:,.1f}", "unit": material.unit}
        text = mark("makes {name}: {amount} {unit}") if material.is_product else mark("uses {name}: {amount} {unit}")
        lines.append(tr(text, **values))
    unit, amount = activity.amount_unit, activity.amount
    values = {
        "what": tr(activity.amount_says), "amount": f"{amount:,.1f}", "unit": unit,
        "mean": f"{amount / hours:,.2f}", "rate": "MW" if unit == "MWh" else f"{unit}/h",
    }  # fmt: skip
    lines.append(tr("{what}: {amount} {unit}, {mean} {rate} on average", **values))
    if activity.waited_min is not None:
        minutes = f"{activity.waited_min:,.0f}"
        lines.append(tr("waits {minutes} min before, transfer left out", minutes=minutes))
    return lines


def _local_time(at: datetime) -> str:
    """Format a local time; in English in ISO 8601, as other calendar programs write it."""
    return at.isoformat(timespec="minutes") if current() == "en" else moment(at)


def _second(at: datetime) -> datetime:
    """Round a time to the nearest second in UTC, the finest resolution of calendars."""
    at = at.astimezone(UTC)
    return datetime.fromtimestamp(round(at.timestamp()), UTC)
