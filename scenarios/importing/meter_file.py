"""Create a plant from a meter file: its series becomes the base load, and the horizon covers its last days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from emberline.scenarios.importing.guessing import guess
from emberline.scenarios.importing.reading import read
from emberline.scenarios.importing.series_import import Imported, bring
from emberline.scenarios.reading.document import parse
from emberline.scenarios.reading.editing import revised
from emberline.scenarios.records.base import Problem, ScenarioError
from emberline.scenarios.records.instants import zones

ROLE = "load"


def load_of(content: bytes, name: str, zone: str) -> Imported:
    """Import the load from a meter file with a detected mapping.

    Args:
        content: content of the file.
        name: name of the file.
        zone: time zone of times without offset.

    Raises:
        ScenarioError: the zone is unknown or the file cannot be read.
    """
    if zone not in zones():
        raise ScenarioError(
            [Problem(name, "zone", f"unknown time zone {zone[:40]!r}; write one such as Europe/Berlin")]
        )
    raw = read(content, name, sheet=None, header=None)
    return bring(raw, guess(raw, ROLE, zone=zone).mapping)


def last_days(series: Imported, zone: str, most: int) -> dict[str, Any]:
    """Return start and length of a horizon over the last complete local days of a series.

    Raises:
        ScenarioError: the series covers no complete day.
    """
    tz = ZoneInfo(zone)
    first, last = (at.astimezone(tz) for at in series.span)
    midnight = datetime(first.year, first.month, first.day, tzinfo=tz)
    begin = midnight.date() if first == midnight else midnight.date() + timedelta(days=1)
    days = (last.date() - begin).days
    if days < 1:
        text = f"covers no whole day of {zone}: {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
        raise ScenarioError([Problem(series.name, "", text)])
    days = min(days, most)
    return {"start": (last.date() - timedelta(days=days)).isoformat(), "zone": zone, "days": days}


def by_meter(text: str, series: Imported, path: str, zone: str) -> str:
    """Insert a metered base load into the text of a scenario, with a horizon over the last days of the file.

    Args:
        text: text of a template with a horizon in days.
        series: metered load.
        path: path of the normalised file in the scenario.
        zone: time zone of the plant.

    Raises:
        ScenarioError: the file covers no complete day.
    """
    data = parse(text).data
    horizon = data["horizon"] | last_days(series, zone, int(data["horizon"].get("days", 1)))
    site = data.get("site", {}) | {"base_load_mw": series.series(path)}
    return revised(text, data | {"horizon": horizon, "site": site})
