"""Errors, secrets and time parsing of connectors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from emberline.scenarios.importing.mapping import zone_of


class ConnectorError(Exception):
    """Failure of a connector: source unreachable, access refused, or wrong configuration. The message is one line."""


def secret(variable: str | None, environment: Mapping[str, str]) -> str | None:
    """Return the value of an environment variable.

    Raises:
        ConnectorError: the variable is not set.
    """
    if variable is None:
        return None
    if not environment.get(variable):
        raise ConnectorError(f"the environment variable {variable} is not set")
    return environment[variable]


def moment(text: str, zone: str | None) -> datetime:
    """Parse a time and convert it to UTC.

    Raises:
        ConnectorError: the text is not a time, or has no offset while the connector has no zone.
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
