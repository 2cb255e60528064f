"""Mistakes of connectors, the secrets that they need, and times of sources without OPC UA."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from emberline.scenarios.importing.mapping import zone_of


class ConnectorError(Exception):
    """A connector gives no values at all: unreachable, refused, or not as its file says. One line."""


def secret(variable: str | None, environment: Mapping[str, str]) -> str | None:
    """The value of an environment variable.

    Raises:
        ConnectorError: it is not set.
    """
    if variable is None:
        return None
    if not environment.get(variable):
        raise ConnectorError(f"the environment variable {variable} is not set")
    return environment[variable]


def moment(text: str, zone: str | None) -> datetime:
    """A time in UTC.

    Raises:
        ConnectorError: it is none, or has no offset and the connector no zone.
    """
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConnectorError(f"{text[:40]!r} is no time; 2026-06-01T06:00:00Z is one") from None
    if at.tzinfo is None:
        if zone is None:
            raise ConnectorError(f"time without offset {text[:40]!r}; give the connector a zone")
        try:
            at = at.replace(tzinfo=zone_of(zone))
        except ValueError as error:
            raise ConnectorError(str(error)) from None
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ConnectorError(f"{text[:40]!r} lies outside the years 1 to 9999") from None
