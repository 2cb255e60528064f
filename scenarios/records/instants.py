"""Instants in time, which always have an offset, and the names of time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import BeforeValidator, WithJsonSchema

FIRST_YEAR, LAST_YEAR = 1900, 2200
OF_A_MACHINE = frozenset({"Factory", "localtime", "posixrules"})
"""Entries of a system's time zone folder that name no place: what they mean depends on the machine, or is nothing."""


def zones() -> frozenset[str]:
    """Names of the time zones that a scenario or a file may have (IANA)."""
    return frozenset(available_timezones()) - OF_A_MACHINE


def within_centuries(day: date) -> None:
    """Refuse a year that no plan is made for.

    Raises:
        ValueError: it lies before 1900 or after 2200.
    """
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"the year {day.year} lies outside {FIRST_YEAR} to {LAST_YEAR}")


def read_instant(raw: Any) -> datetime:
    """A time stamp with its offset, as UTC; one without offset is refused: in autumn it names two."""
    if isinstance(raw, str):
        try:
            raw = datetime.fromisoformat(raw.strip())
        except ValueError:
            raise ValueError(f"{raw[:40]!r} is not a time; write it as 2024-03-12T06:00+01:00") from None
    if not isinstance(raw, datetime):
        raise ValueError(f"{str(raw)[:40]!r} is not a time; write it as 2024-03-12T06:00+01:00")
    if raw.tzinfo is None:
        raise ValueError(
            f"time without offset '{raw.isoformat()}'; add it, as in {raw.isoformat(timespec='minutes')}+01:00 or …Z"
        )
    within_centuries(raw)
    return raw.astimezone(UTC)


Instant = Annotated[datetime, BeforeValidator(read_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
