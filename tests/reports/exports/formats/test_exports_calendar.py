"""iCalendar: parsed by its library, events at the right instants, days on which clocks change too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from exported import HOSTILE, PLANS, renamed, stored_run
from icalendar import Calendar, Event

from emberline.reports.exports import export
from emberline.reports.text.activities import activities
from emberline.runs.store.run_folder import StoredRun


def read(run: StoredRun, folder: Path, unit: str | None = None) -> Calendar:
    result = Calendar.from_ical(export(run, "ics", folder / "plan.ics", unit=unit).read_bytes())
    assert isinstance(result, Calendar)
    return result


def events(calendar: Calendar) -> list[Event]:
    return [event for event in calendar.walk("VEVENT") if isinstance(event, Event)]


def instants(event: Event) -> tuple[datetime, datetime]:
    start, end = event.start, event.end
    assert isinstance(start, datetime)
    assert isinstance(end, datetime)
    assert start.utcoffset() == timedelta(0)
    return start, end


@pytest.mark.parametrize("plant", list(PLANS))
def test_events_are_the_activities(tmp_path: Path, plant: str) -> None:
    """Proves: each activity is an event at its instants, in UTC, with its unit as place and category, and an identity
    of its own. Sensitivity: floating times, which each reader moves to its own zone."""
    run = stored_run(plant)
    scenario, replay = run.plan.scenario, run.plan.replay
    assert replay is not None
    result = events(read(run, tmp_path))
    rows = [(str(e["location"]), *instants(e)) for e in result]
    items = [
        (a.unit, *(scenario.horizon.instant(at).astimezone(UTC) for at in (a.start_min, a.end_min)))
        for a in activities(scenario, replay)
    ]
    assert sorted(rows) == sorted(items)
    assert len({str(event["uid"]) for event in result}) == len(result)
    assert all(event.categories == [str(event["location"])] for event in result)
    assert all(b";TZID=" not in event.to_ical() and b"Z\r\n" in event.to_ical() for event in result)


def test_a_crew_gets_its_own_unit(tmp_path: Path) -> None:
    """Proves: the calendar of one unit has its events only, and those are the same as in the calendar of all.

    Sensitivity: identities that depend on what else is in the file would double events on import."""
    run = stored_run("line")
    one, whole = read(run, tmp_path, unit="L"), read(run, tmp_path)
    assert {str(event["location"]) for event in events(one)} == {"L"}
    assert len(events(one)) == 3
    every = {str(event["uid"]): event.to_ical() for event in events(whole)}
    assert all(every[str(event["uid"])] == event.to_ical() for event in events(one))
    assert str(one["x-emberline-run"]) == run.id
    assert "t CO2e" in str(one["x-wr-caldesc"])
    assert str(one["x-wr-timezone"]) == "UTC"
    summaries = {str(event["summary"]) for event in events(one)}
    assert summaries == {f"{heat} ladle (G)" for heat in ("A-1", "A-2", "B-1")}


@pytest.mark.parametrize(("day", "hours"), [("2026-10-25", 25), ("2026-03-29", 23)])
def test_the_night_when_clocks_change(tmp_path: Path, day: str, hours: int) -> None:
    """Proves: on a day of 25 or 23 hours the casts follow each other without a gap, 45 min each, and the description
    tells local times with their offsets.

    Sensitivity: local times written as UTC leave a gap of an hour, or an overlap."""
    run = stored_run(day)
    assert run.plan.scenario.horizon.length_min == hours * 60
    names = sorted(events(read(run, tmp_path, unit="C")), key=lambda event: event.start)
    assert len(names) == 6
    for one, other in pairwise(names):
        assert one.end == other.start
        assert one.end - one.start == timedelta(minutes=45)
    furnace = [str(event["description"]) for event in events(read(run, tmp_path, unit="F"))]
    offsets = {text.split(" to ")[0][-6:] for text in furnace}
    assert offsets == {"+01:00", "+02:00"}
    local = run.plan.scenario.horizon.tz
    starts = [instants(e)[0].astimezone(local).strftime("%H:%M") for e in events(read(run, tmp_path, unit="F"))]
    # the fourth melt begins 2 h 15 min after midnight
    assert starts[3] == ("02:15" if hours == 25 else "03:15")
    assert starts[4] == ("02:00" if hours == 25 else "04:00")


def test_hostile_names_break_no_line(tmp_path: Path) -> None:
    """Proves: names with line breaks, commas and signs begin no property of their own, and read as they were.

    Sensitivity: a line break in a title that begins ``BEGIN:VEVENT``."""
    run = renamed(stored_run("line"))
    content = read(run, tmp_path)
    assert len(events(content)) == 9 + sum(a.of == "site" for a in activities(run.plan.scenario, run.plan.replay))  # type: ignore[arg-type]
    names = {str(event["summary"]) for event in events(content) if str(event["location"]) == HOSTILE["F"]}
    assert names == {
        "=cmd() +melting (G)",
        f"{HOSTILE['A-2']} +melting (G)",
        "Ö 漢字 🔥 zwei\N{REPLACEMENT CHARACTER} +melting (G)",
    }
    lines = (tmp_path / "plan.ics").read_bytes().split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert not any(line.startswith((b"=", b"zwei", b"</title>")) for line in lines)
