"""Transactions of the catalogue, and what is said where the database refuses them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from emberline.runs.store.catalogue import database, schema
from emberline.runs.store.catalogue.errors import CatalogueError, NotKeptError


class Transactions:
    """The database of a home folder: its own, or one that ``EMBERLINE_DATABASE`` names and several homes share."""

    def __init__(self, folder: Path) -> None:
        """Open the database; make its tables or migrate them where that is needed.

        Raises:
            StoreError: it cannot be used, and why.
        """
        self._url = url = database.address(folder)
        self.where = database.address_text(url)
        with self._error_text():
            self._reader = database.engine(url)
            self._writer = database.writer(self._reader)
            schema.prepare(self._reader)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the tables."""
        with self._error_text(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that changes the tables; an error takes all of it back."""
        with self._error_text(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def _error_text(self) -> Iterator[None]:
        """Raise what the database refuses as one line, in its own words."""
        try:
            yield
        except (DBAPIError, PoolTimeout, sqlite3.Error) as error:  # the last while a connection is made
            message = " ".join(str(getattr(error, "orig", None) or error).split())
            if why := database.unwritable(self._url, error):
                raise NotKeptError(f"catalogue {self.where}: {why}") from error
            helps = (
                "; move the file away, it is made again from the runs' folders" if "not a database" in message else ""
            )
            raise CatalogueError(f"catalogue {self.where}: {message[:300]}{helps}") from error
