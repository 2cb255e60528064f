"""Database of the catalogue: its address, and engines that connect to it.

SQLite ends a transaction when it is on the disk (``synchronous=FULL``), lets others read meanwhile (WAL), and makes
writers wait for each other. A transaction that writes says so when it begins: one that reads first and writes later
would be refused where another has written in between.
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
"""For a lock that another holds in an SQLite file."""
INDEX = 2**15
"""Of a journal in SQLite, at least [bytes]."""
READ_ONLY, FULL = "25006", "53100"
"""States by which PostgreSQL says that a server lets nobody write, and that its disk is full."""
_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")


def address(folder: Path) -> URL:
    """The database of a home: what ``EMBERLINE_DATABASE`` names, else ``catalogue.db`` in the folder.

    Raises:
        StoreError: the variable names no database that Emberline can use.
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
        raise StoreError(f"{VARIABLE} names no file by its whole path; {right}")
    if not Path(url.database).parent.is_dir():
        raise StoreError(f"{VARIABLE}: {Path(url.database).parent} is no folder; make it first")
    return url


def address_text(url: URL) -> str:
    """The address without user, password and options."""
    return str(url.database) if url.drivername == "sqlite" else f"{url.host or 'local'}/{url.database or ''}"


def engine(url: URL) -> Engine:
    """An engine whose transactions read; :func:`writer` gives one whose transactions write. It is kept for later.

    Raises:
        StoreError: PostgreSQL is asked for and its driver is not installed.
    """
    return _sqlite(url) if url.drivername == "sqlite" else _postgresql(url)


def writer(reader: Engine) -> Engine:
    """The same database, for transactions that write."""
    return reader.execution_options(writes=True)


def forget() -> None:
    """Close the connections that are kept open for later."""
    for database_engine in _open:
        database_engine.dispose()
    _open.clear()
    _postgresql.cache_clear()


_open: list[Engine] = []


@lru_cache(maxsize=16)
def _sqlite(url: URL) -> Engine:
    # no pool: a file that is deleted or replaced must not live on in an open connection
    database_engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": WAIT_S})

    @event.listens_for(database_engine, "do_connect")
    def _open_to_read(
        _dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]
    ) -> sqlite3.Connection | None:
        file = Path(url.database or "")
        if not file.is_file():
            return None  # as usual
        if can_write(file):
            usual = sqlite3.connect(file, **options)
            if _can_begin(usual):
                return usual
            usual.close()
        return sqlite3.connect(_to_read(file), uri=True, **options)

    @event.listens_for(database_engine, "connect")
    def _durable(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin below, not when the driver thinks so
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(database_engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return database_engine


def can_write(file: Path) -> bool:
    """Whether an SQLite file can be written to: its folder too, where the journal lies."""
    return os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)


def _can_begin(connection: sqlite3.Connection) -> bool:
    """Whether there is room for the index of the journal, which SQLite makes before it reads."""
    try:
        connection.execute("PRAGMA schema_version")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)
    except sqlite3.DatabaseError:  # no database at all, as whoever opens it reads
        return True
    return True


def unwritable(url: URL, error: Exception) -> str:
    """Why a database cannot be written to, which is no mistake of who asks; empty: the error says something else."""
    refusal = getattr(error, "orig", None) or error
    kind, state = getattr(refusal, "sqlite_errorcode", 0) & 0xFF, getattr(refusal, "sqlstate", None)
    if kind == sqlite3.SQLITE_READONLY or state == READ_ONLY:
        # a file that could be written to was opened to be read alone because there is no room for a journal
        open_to_all = url.drivername == "sqlite" and can_write(Path(url.database or ""))
        return "the disk is full" if open_to_all else "it cannot be written to"
    return "the disk is full" if kind in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR) or state == FULL else ""


def _to_read(file: Path) -> str:
    """The address of an SQLite file that nobody can write to.

    SQLite makes an index of the journal before it reads. Where it cannot, the file must do without the journal; that of
    a writer who was cut off is left out then.
    """
    index = file.with_name(f"{file.name}-shm")
    # on a full disk SQLite leaves the beginning of one
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
