"""Instants in time, which always have an offset, and names of time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

FIRST_YEAR, LAST_YEAR = 1900, 2200
OF_A_MACHINE = frozenset({"Factory", "localtime", "posixrules"})
"""Entries in a system's time zone folder that are not places and whose meaning depends on the machine."""


def zones() -> frozenset[str]:
    """Return the permitted names of time zones (IANA)."""
    return frozenset(available_timezones()) - OF_A_MACHINE


def within_centuries(day: date) -> None:
    """Check that a year is plausible.

    Raises:
        ValueError: the year lies before 1900 or after 2200.
    """
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"the year {day.year} lies outside {FIRST_YEAR} to {LAST_YEAR}")


def read_instant(raw: Any, zone: str = "") -> datetime:
    """Convert a time stamp with offset to UTC; stamps without offset are rejected, since they may be ambiguous.

    Args:
        raw: time stamp as written.
        zone: time zone of the plant, for the example in the message.
    """
    if isinstance(raw, str):
        try:
            raw = datetime.fromisoformat(raw.strip())
        except ValueError:
            raise ValueError(f"{raw[:40]!r} is not a time; write it as 2024-03-12T06:00+01:00") from None
    if not isinstance(raw, datetime):
        raise ValueError(f"{str(raw)[:40]!r} is not a time; write it as 2024-03-12T06:00+01:00")
    if raw.tzinfo is None:
        local = raw.replace(tzinfo=ZoneInfo(zone) if zone in zones() else timezone(timedelta(hours=1)))
        raise ValueError(
            f"time without offset '{raw.isoformat()}'; add it, as in {local.isoformat(timespec='minutes')} or …Z"
        )
    within_centuries(raw)
    return raw.astimezone(UTC)


def zone_of(info: ValidationInfo) -> str:
    """Return the time zone of the scenario being read; empty if unknown."""
    return str((info.context or {}).get("zone", ""))


def _instant(raw: Any, info: ValidationInfo) -> datetime:
    return read_instant(raw, zone_of(info))


Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
