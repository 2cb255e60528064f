"""SQL connector; the address of a tag is a query for one row with value and time. Nothing is written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from emberline.live.connectors.errors import ConnectorError, moment, secret
from emberline.live.tags import Connector, Reading, Tag

QUERY = re.compile(r"\s*(select|with)\b", re.IGNORECASE)


def read(connector: Connector, tags: Sequence[Tag], folder: Path, environment: Mapping[str, str]) -> dict[str, Reading]:
    """Run each query once in a transaction that is rolled back.

    Raises:
        ConnectorError: the database cannot be reached.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    url = connector.url or secret(connector.url_from, environment) or ""
    try:
        engine = create_engine(url)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError):
        raise ConnectorError("its URL is no SQLAlchemy URL of a database whose driver is installed") from None
    try:
        with engine.connect() as connection:
            readings = {tag.name: _tag(connection, connector, tag) for tag in tags}
            connection.rollback()
        return readings
    except SQLAlchemyError as error:
        raise ConnectorError(f"the database is not reached: {_first(error)}") from None
    finally:
        engine.dispose()


def _tag(connection: Any, connector: Connector, tag: Tag) -> Reading:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    if not QUERY.match(tag.address) or ";" in tag.address.rstrip().rstrip(";"):
        return Reading(None, None, "no query: its address begins with select or with")
    try:
        row = connection.execute(text(tag.address)).first()
    except SQLAlchemyError as error:
        connection.rollback()
        return Reading(None, None, f"a failed query: {_first(error)}")
    if row is None:
        return Reading(None, None, "without a row")
    if len(row) != 2:
        return Reading(None, None, f"a row of {len(row)} columns; a query gives value and time")
    value, at = row
    if at is None:
        return Reading(_plain(value), None)
    return Reading(_plain(value), moment(at.isoformat() if isinstance(at, datetime) else str(at), connector.zone))


def _plain(value: Any) -> float | str | None:
    if value is None or isinstance(value, str):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)


def _first(error: Exception) -> str:
    return " ".join(str(getattr(error, "orig", None) or type(error).__name__).split())[:120]
