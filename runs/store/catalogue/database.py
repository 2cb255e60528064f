"""Database of the catalogue: its address, and engines that connect to it.

SQLite commits a transaction when it is on disk (``synchronous=FULL``), allows concurrent reads (WAL), and serializes
writers. A writing transaction declares this at its beginning, since one that starts with a read would fail if another
has written in between.
"""

from __future__ import annotations

import os
import sqlite3
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from emberline.runs.store.catalogue.errors import StoreError

VARIABLE = "EMBERLINE_DATABASE"
WAIT_S = 10
"""Time limit for a lock on an SQLite file [s]."""
INDEX = 2**15
"""Minimum size of SQLite's WAL index [bytes]."""
READ_ONLY, FULL = "25006", "53100"
"""SQLSTATE codes of PostgreSQL for a read-only server and a full disk."""
_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")


def address(folder: Path) -> URL:
    """Return the database of a home: that of ``EMBERLINE_DATABASE``, else ``catalogue.db`` in the folder.

    Raises:
        StoreError: the variable does not name a usable database.
    """
    named = os.environ.get(VARIABLE, "").strip()
    if not named:
        return URL.create("sqlite", database=str(folder / "catalogue.db"))
    right = "write postgresql://USER@HOST/DATABASE or sqlite:////FOLDER/FILE"
    try:
        url = make_url(named)
    except (ArgumentError, ValueError):
        raise StoreError(f"{VARIABLE} is no address of a database; {right}") from None
    if url.drivername in _POSTGRESQL:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername != "sqlite":
        raise StoreError(f"{VARIABLE} names {url.drivername[:40]!r}, which the catalogue cannot use; {right}")
    if not url.database or not Path(url.database).is_absolute():
        raise StoreError(f"{VARIABLE} does not name a file by its absolute path; {right}")
    if not Path(url.database).parent.is_dir():
        raise StoreError(f"{VARIABLE}: {Path(url.database).parent} is no folder; make it first")
    return url


def address_text(url: URL) -> str:
    """Return the address without user, password and options."""
    return str(url.database) if url.drivername == "sqlite" else f"{url.host or 'local'}/{url.database or ''}"


def engine(url: URL) -> Engine:
    """Return a cached engine for reading transactions; :func:`writer` returns one for writing transactions.

    Raises:
        StoreError: PostgreSQL is requested but its driver is not installed.
    """
    return _sqlite(url) if url.drivername == "sqlite" else _postgresql(url)


def writer(reader: Engine) -> Engine:
    """Return an engine on the same database for writing transactions."""
    return reader.execution_options(writes=True)


def forget() -> None:
    """Close all pooled connections."""
    for database_engine in _open:
        database_engine.dispose()
    _open.clear()
    _postgresql.cache_clear()


_open: list[Engine] = []


@lru_cache(maxsize=16)
def _sqlite(url: URL) -> Engine:
    # no pool, since an open connection would keep a deleted or replaced file alive
    database_engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": WAIT_S})

    @event.listens_for(database_engine, "do_connect")
    def _open_to_read(
        _dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]
    ) -> sqlite3.Connection | None:
        file = Path(url.database or "")
        if not file.is_file():
            return None  # default behaviour
        if can_write(file):
            usual = sqlite3.connect(file, **options)
            if _can_begin(usual):
                return usual
            usual.close()
        return sqlite3.connect(_to_read(file), uri=True, **options)

    @event.listens_for(database_engine, "connect")
    def _durable(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin below instead of implicitly in the driver
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(database_engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return database_engine


def can_write(file: Path) -> bool:
    """Return whether an SQLite file and its folder, which contains the journal, are writable."""
    return os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)


def _can_begin(connection: sqlite3.Connection) -> bool:
    """Return whether there is room for the WAL index, which SQLite creates before it reads."""
    try:
        connection.execute("PRAGMA schema_version")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)
    except sqlite3.DatabaseError:  # not a database, which is reported on opening it
        return True
    return True


def unwritable(url: URL, error: Exception) -> str:
    """Return the reason why a database is not writable, other than a user's mistake; empty for other errors."""
    refusal = getattr(error, "orig", None) or error
    kind, state = getattr(refusal, "sqlite_errorcode", 0) & 0xFF, getattr(refusal, "sqlstate", None)
    if kind == sqlite3.SQLITE_READONLY or state == READ_ONLY:
        # a writable file is opened read-only if there is no room for a journal
        open_to_all = url.drivername == "sqlite" and can_write(Path(url.database or ""))
        return "the disk is full" if open_to_all else "it cannot be written to"
    return "the disk is full" if kind in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR) or state == FULL else ""


def _to_read(file: Path) -> str:
    """Return the address of a read-only SQLite file.

    SQLite creates a WAL index before it reads. If this is impossible, the file is read without its journal, and thus
    without transactions of an interrupted writer.
    """
    index = file.with_name(f"{file.name}-shm")
    # on a full disk, SQLite leaves a truncated index
    alone = "" if index.is_file() and index.stat().st_size >= INDEX else "&immutable=1"
    return f"{file.absolute().as_uri()}?mode=ro{alone}"


@lru_cache(maxsize=4)
def _postgresql(url: URL) -> Engine:
    try:
        from emberline.runs.store.catalogue import answering

        database_engine = create_engine(
            url, pool_pre_ping=True, pool_size=2, max_overflow=8, pool_recycle=1800, pool_timeout=8
        )
    except ImportError:
        raise StoreError(
            f"{VARIABLE} names PostgreSQL, whose driver is not installed; install 'emberline[postgresql]' or psycopg"
        ) from None

    @event.listens_for(database_engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, parts: list[str], options: dict[str, Any]) -> Any:
        return answering.Connection.to(*parts, **options)

    _open.append(database_engine)
    return database_engine
