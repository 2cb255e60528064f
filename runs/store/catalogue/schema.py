"""Versioned schema of the catalogue: an older schema is migrated when it is opened, a newer one is rejected.

A new catalogue is created directly from ``tables.py``; the migrations lead to the same tables. Each is one transaction,
so that an interruption leaves either the old catalogue or the new one. Database errors are reported in one line.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock
from sqlalchemy import URL, Connection, Engine, String, column, insert, inspect, select, table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from emberline.runs.store.catalogue import database
from emberline.runs.store.catalogue.database import address_text, engine, writer
from emberline.runs.store.catalogue.errors import CatalogueError, NotKeptError, StoreError
from emberline.runs.store.catalogue.tables import METADATA, RUNS

VERSIONS = ("0001", "0002", "0003")
"""Versions of the migrations, in order."""
NEWEST = VERSIONS[-1]
TABLE = "emberline_schema"
"""Not Alembic's default name, as the database may contain other tables managed by Alembic."""
MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x454D4245
"""Key of the PostgreSQL advisory lock held while a catalogue is created or migrated."""

_VERSION = table(TABLE, column("version_num", String))


def prepare(reader: Engine) -> None:
    """Create the tables, or migrate them.

    Raises:
        StoreError: the tables are of a newer release, or of another program.
    """
    url = reader.url
    if url.drivername == "sqlite":
        assert url.database is not None
        file = Path(url.database)
        if file.is_file() and _is_current(reader):
            return
        if not os.access(file.parent, os.W_OK):
            how = "brought up to date" if file.is_file() else "made"
            raise NotKeptError(f"catalogue {address_text(url)} cannot be {how}: its folder cannot be written to")
        with FileLock(file.with_suffix(".lock"), timeout=60):
            if not file.is_file():
                _new_file(file)
            elif not _is_current(reader):
                if now := _version(reader):
                    _keep_a_copy(file, now)
                with writer(reader).begin() as connection:
                    bring_up_to_date(connection, address_text(url))
    elif not _is_current(reader):
        with writer(reader).begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            bring_up_to_date(connection, address_text(url))


def version(connection: Connection) -> str:
    """Return the version of the tables; empty: there are none."""
    tables = inspect(connection)
    if tables.has_table(TABLE):
        number = connection.execute(select(_VERSION.c.version_num)).scalar()
        return number or ""
    # the first releases supported only SQLite, and wrote no version
    return VERSIONS[0] if connection.dialect.name == "sqlite" and tables.has_table(RUNS.name) else ""


def bring_up_to_date(connection: Connection, where: str) -> None:
    """Create or migrate the tables within a writing transaction, which the caller ends."""
    now = version(connection)
    if not now:
        if inspect(connection).has_table(RUNS.name):
            raise StoreError(
                f"catalogue {where}: the database has a table '{RUNS.name}' that is not Emberline's; "
                "give Emberline a database or a schema of its own"
            )
        METADATA.create_all(connection)
        _stamp(connection, NEWEST)
    elif now != NEWEST:
        _refuse_newer(now, where)
        if not inspect(connection).has_table(TABLE):
            _stamp(connection, now)
        migrate(connection, NEWEST)


def migrate(connection: Connection, to: str) -> None:
    """Run the migrations up to a version."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection, "version_table": TABLE})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, to)


def _stamp(connection: Connection, now: str) -> None:
    connection.execute(text(f"CREATE TABLE {TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(insert(_VERSION).values(version_num=now))


def _version(reader: Engine) -> str:
    with reader.connect() as connection:
        return version(connection)


def _is_current(reader: Engine) -> bool:
    now = _version(reader)
    if now:
        _refuse_newer(now, address_text(reader.url))
    return now == NEWEST


def _refuse_newer(now: str, where: str) -> None:
    if now not in VERSIONS:
        raise StoreError(
            f"catalogue {where} was written by a newer Emberline (schema {now[:32]}, this one knows {NEWEST}); "
            "install that release, or set EMBERLINE_HOME to another folder"
        )


def _new_file(file: Path) -> None:
    """Create an SQLite file atomically."""
    partial = file.with_name(f".{file.name}.partial")
    for name in (partial, *_beside(partial)):
        name.unlink(missing_ok=True)
    with closing(sqlite3.connect(partial)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")  # persistent
    with writer(engine(URL.create("sqlite", database=str(partial)))).begin() as new_connection:
        bring_up_to_date(new_connection, str(file))
    for leftover in _beside(file):  # of a removed file
        leftover.unlink(missing_ok=True)
    os.replace(partial, file)


def _keep_a_copy(file: Path, now: str) -> None:
    """Back up the SQLite file before a migration, as ``catalogue-0001.db``."""
    copy = file.with_name(f"{file.stem}-{now}{file.suffix}")
    partial = copy.with_name(f".{copy.name}.partial")
    partial.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(partial)) as target:
        source.backup(target)
    os.replace(partial, copy)


def _beside(file: Path) -> tuple[Path, Path]:
    return file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")


class Transactions:
    """Database of a home folder: its own, or one named by ``EMBERLINE_DATABASE`` and shared by several homes."""

    def __init__(self, folder: Path) -> None:
        """Open the database; create or migrate its tables if necessary.

        Raises:
            StoreError: the database cannot be used.
        """
        self._url = url = database.address(folder)
        self.where = database.address_text(url)
        with self._error_text():
            self._reader = database.engine(url)
            self._writer = database.writer(self._reader)
            prepare(self._reader)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Context manager for a transaction that sees one state of the tables."""
        with self._error_text(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Context manager for a writing transaction, which is rolled back on errors."""
        with self._error_text(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def _error_text(self) -> Iterator[None]:
        """Convert database errors to one line, in the database's own words."""
        try:
            yield
        except (DBAPIError, PoolTimeout, sqlite3.Error) as error:  # the last one occurs on connecting
            message = " ".join(str(getattr(error, "orig", None) or error).split())
            if why := database.unwritable(self._url, error):
                raise NotKeptError(f"catalogue {self.where}: {why}") from error
            helps = (
                "; move the file away, and it is rebuilt from the run folders" if "not a database" in message else ""
            )
            raise CatalogueError(f"catalogue {self.where}: {message[:300]}{helps}") from error
