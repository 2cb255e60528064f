"""Quality of measured values: good, implausible or outdated. Each finding names its tag."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from emberline.live.tags.loading import Plant
from emberline.live.tags.record import Tag
from emberline.scenarios.messages import Message

FACTOR = 1000
"""Factor between units that are easily confused, such as kW and MW."""
NEAR = 0.5
"""A value above ``NEAR * FACTOR`` times the largest value of the range is probably in another unit."""
SMALLEST_PRICE = 1e-6
"""Smallest plausible absolute price other than zero."""
HALF_HOUR_S = 1800
NEAR_S = 120
"""Largest distance of an age from a multiple of half an hour at which a wrong clock is assumed [s]."""


OFFLINE = "offline"
"""Status of a value whose source has reported that it is offline."""


class Quality(StrEnum):
    """Reliability of a value."""

    OK = "ok"
    SUSPECT = "suspect"
    STALE = "stale"


@dataclass(frozen=True)
class Reading:
    """Value of a tag as read from its source."""

    value: float | str | None
    at: datetime | None
    """Time of the measurement."""
    status: str = ""
    """Problem reported by the source; empty if there is none."""


@dataclass(frozen=True)
class Finding:
    """Value of a tag in Emberline's unit, with its quality."""

    tag: str
    quality: Quality
    value: float | str | None
    unit: str
    age_s: float | None
    says: str = ""
    """Problem in one line; empty if there is none."""


def judge(plant: Plant, tag: Tag, reading: Reading, now: datetime) -> Finding:
    """Assess the quality of a reading at a moment."""
    value, text = _value(plant, tag, reading)
    quality = Quality.SUSPECT if text else Quality.OK
    if reading.status == OFFLINE:
        quality, text = Quality.STALE, Message("its source has reported that it is offline")
    age = None if reading.at is None else (now - reading.at).total_seconds()
    if not text:
        quality, text = _timely(plant, tag, reading.at, now)
    return Finding(tag.name, quality, value, plant.unit_of(tag), age, text)


def _value(plant: Plant, tag: Tag, reading: Reading) -> tuple[float | str | None, str]:
    """Value in Emberline's unit, or None with a description of the problem."""
    raw = reading.value
    if reading.status:
        return None, Message("the source marks it as {status}", status=reading.status)
    if raw is None or (raw == "" and tag.heat_of is None):
        return None, Message("has no value")
    if tag.heat_of is not None:
        return _heat(plant, raw) if raw != "" else ("", "")
    if tag.state_of is not None:
        key = _key(raw)
        if key not in tag.states:
            return None, Message(
                "unknown state {state}; states are {states}", state=repr(key[:40]), states=tuple(tag.states)
            )
        return tag.states[key], ""
    try:
        number = float(raw)
    except ValueError:
        return None, Message("{value} is no number", value=repr(str(raw)[:40]))
    return _number(plant, tag, number)


def _number(plant: Plant, tag: Tag, number: float) -> tuple[float | None, str]:
    low, high = tag.range or (-float("inf"), float("inf"))
    if not low <= number <= high:
        params = {"value": number, "low": low, "high": high, "unit": tag.unit}
        if abs(number) < NEAR * FACTOR * max(abs(low), abs(high)):
            return None, Message("{value:g} {unit} lies outside its range, {low:g} to {high:g} {unit}", **params)
        text = Message(
            "{value:g} {unit} lies outside its range, {low:g} to {high:g} {unit}: about 1000 times too large; is it in"
            " another unit?",
            **params,
        )
        return None, text
    value = number * tag.factor(plant.unit_of(tag))
    if tag.price and 0 < abs(value) < SMALLEST_PRICE:
        return None, Message("{value:g} {unit} is no price", value=number, unit=tag.unit)
    return value, ""


def _heat(plant: Plant, raw: float | str) -> tuple[str | None, str]:
    name, names = _key(raw), [heat.name for heat in plant.scenario.heats]
    if name in names:
        return name, ""
    some = (*names[:10], "…") if len(names) > 10 else tuple(names)
    return None, Message("unknown heat {heat}; heats are {heats}", heat=repr(name[:40]), heats=some)


def _key(raw: float | str) -> str:
    """Value as a key; integers are written without decimals."""
    is_whole = isinstance(raw, float | int) and math.isfinite(raw) and raw == int(raw)
    return str(int(raw)) if is_whole else str(raw).strip()


def _timely(plant: Plant, tag: Tag, at: datetime | None, now: datetime) -> tuple[Quality, str]:
    """Quality of a value by its age."""
    if at is None:
        return Quality.SUSPECT, Message("has no time, so that its age is unknown")
    age = (now - at).total_seconds()
    limit = plant.live.largest_clock_error_s
    if age < -limit:
        text = Message("its time lies {span} in the future; set the clock or the zone of its source", span=_span(-age))
        return Quality.SUSPECT, text
    if age <= tag.longest_age_s:
        return Quality.OK, ""
    params = {"span": _span(age), "limit": _span(tag.longest_age_s)}
    over = age % HALF_HOUR_S
    if HALF_HOUR_S - NEAR_S < age < 15 * 3600 and min(over, HALF_HOUR_S - over) < NEAR_S:
        text = Message(
            "is {span} old; at most {limit} is allowed. If it is new, the clock or the zone of its source is wrong by"
            " {hours:g} h",
            hours=round(age / HALF_HOUR_S) / 2,
            **params,
        )
        return Quality.STALE, text
    return Quality.STALE, Message("is {span} old; at most {limit} is allowed", **params)


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def utc(at: datetime) -> datetime:
    """Convert a time to UTC. A time without offset is taken as UTC, as in OPC UA."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
