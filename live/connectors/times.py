"""Times of sources without OPC UA."""

from __future__ import annotations

from datetime import UTC, datetime

from emberline.live.connectors.errors import ConnectorError
from emberline.scenarios.importing.mapping import zone_of


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
