"""Quality of what is read: good values, values that cannot be right, and old ones. Each finding names its tag."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from emberline.live.tags.loading import Plant
from emberline.live.tags.record import Tag

FACTOR = 1000
"""Between units that are mistaken for each other, such as kW and MW."""
NEAR = 0.5
"""A value this many times the range, times ``FACTOR``, is likely in another unit."""
SMALLEST_PRICE = 1e-6
"""A price below is no price; zero is one."""
HALF_HOUR_S = 1800
NEAR_S = 120
"""How near to whole half-hours an age is that comes from a wrong clock."""


class Quality(StrEnum):
    """How far a value may be relied on."""

    OK = "ok"
    SUSPECT = "suspect"
    STALE = "stale"


@dataclass(frozen=True)
class Reading:
    """Value of a tag as it was read."""

    value: float | str | None
    at: datetime | None
    """When it was measured."""
    status: str = ""
    """What the source says is wrong with it; empty: nothing."""


@dataclass(frozen=True)
class Finding:
    """A tag with its value in Emberline's unit and its quality."""

    tag: str
    quality: Quality
    value: float | str | None
    unit: str
    age_s: float | None
    says: str = ""
    """What is wrong, in one line."""


def judge(plant: Plant, tag: Tag, reading: Reading, now: datetime) -> Finding:
    """The quality of a reading at a moment."""
    value, says = _value(plant, tag, reading)
    quality = Quality.SUSPECT if says else Quality.OK
    age = None if reading.at is None else (now - reading.at).total_seconds()
    if not says:
        quality, says = _timely(plant, tag, reading.at, now)
    return Finding(tag.name, quality, value, plant.unit_of(tag), age, says)


def _value(plant: Plant, tag: Tag, reading: Reading) -> tuple[float | str | None, str]:
    """Value in Emberline's unit, or none and what is wrong."""
    raw = reading.value
    if reading.status:
        return None, f"the source marks it as {reading.status}"
    if raw is None or (raw == "" and tag.heat_of is None):
        return None, "has no value"
    if tag.heat_of is not None:
        return _heat(plant, raw) if raw != "" else ("", "")
    if tag.state_of is not None:
        key = _key(raw)
        if key not in tag.states:
            return None, f"unknown state {key[:40]!r}; states are {', '.join(tag.states)}"
        return tag.states[key], ""
    try:
        number = float(raw)
    except ValueError:
        return None, f"{str(raw)[:40]!r} is no number"
    return _number(plant, tag, number)


def _number(plant: Plant, tag: Tag, number: float) -> tuple[float | None, str]:
    low, high = tag.range or (-float("inf"), float("inf"))
    if not low <= number <= high:
        says = f"{number:g} {tag.unit} lies outside its range, {low:g} to {high:g} {tag.unit}"
        largest = max(abs(low), abs(high))
        if abs(number) >= NEAR * FACTOR * largest:
            says += f": about {FACTOR} times too large; is it in another unit?"
        return None, says
    value = number * tag.factor(plant.unit_of(tag))
    if tag.price and 0 < abs(value) < SMALLEST_PRICE:
        return None, f"{number:g} {tag.unit} is no price"
    return value, ""


def _heat(plant: Plant, raw: float | str) -> tuple[str | None, str]:
    name, names = _key(raw), [heat.name for heat in plant.scenario.heats]
    if name in names:
        return name, ""
    return None, f"unknown heat {name[:40]!r}; heats are {', '.join(names[:10])}{' …' if len(names) > 10 else ''}"


def _key(raw: float | str) -> str:
    """A value as a key: whole numbers without decimals."""
    return str(int(raw)) if isinstance(raw, float | int) and raw == int(raw) else str(raw).strip()


def _timely(plant: Plant, tag: Tag, at: datetime | None, now: datetime) -> tuple[Quality, str]:
    """Quality by the time of a value."""
    if at is None:
        return Quality.SUSPECT, "has no time, so that its age is unknown"
    age = (now - at).total_seconds()
    limit = plant.live.largest_clock_error_s
    if age < -limit:
        return Quality.SUSPECT, f"its time lies {_span(-age)} in the future; set the clock or the zone of its source"
    if age <= tag.longest_age_s:
        return Quality.OK, ""
    says = f"is {_span(age)} old; at most {_span(tag.longest_age_s)} is allowed"
    over = age % HALF_HOUR_S
    if HALF_HOUR_S - NEAR_S < age < 15 * 3600 and min(over, HALF_HOUR_S - over) < NEAR_S:
        says += f". If it is new, the clock or the zone of its source is wrong by {round(age / HALF_HOUR_S) / 2:g} h"
    return Quality.STALE, says


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def utc(at: datetime) -> datetime:
    """A time with offset; one without is UTC, as OPC UA has it."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
