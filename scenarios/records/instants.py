"""Instants in time, which always have an offset, and the names of time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

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


def read_instant(raw: Any, zone: str = "") -> datetime:
    """A time stamp with its offset, as UTC; one without offset is refused: in autumn it names two.

    Args:
        raw: as written.
        zone: of the plant, for the example in the message.
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
    """Zone of the scenario that is read; empty: not known."""
    return str((info.context or {}).get("zone", ""))


def _instant(raw: Any, info: ValidationInfo) -> datetime:
    return read_instant(raw, zone_of(info))


Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
