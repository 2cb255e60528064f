"""Operations on the catalogue's rows: announce, enter, search, label, delete. Every method is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Unpack

from sqlalchemy import Connection, Row, Select, and_, delete, func, insert, or_, select, update

from emberline.runs.store.catalogue import labels
from emberline.runs.store.catalogue.errors import StoreError
from emberline.runs.store.catalogue.labels import Filter, conditions, naive
from emberline.runs.store.catalogue.schema import Transactions
from emberline.runs.store.catalogue.tables import HOMES, RUNS, TAGS, Entry
from emberline.scenarios.messages import loads

Keep = Callable[[str, tuple[str, ...]], None]
"""Callback with name and tags before the transaction is committed."""
_ALIVE = RUNS.c.deleted.is_(None)


class Catalogue(Transactions):
    """Catalogue of a home folder: its own, or one named by ``EMBERLINE_DATABASE`` and shared by several homes."""

    # --- writing ----------------------------------------------------------------------------------------------------

    def announce(self, run: str, home: str, fields: Mapping[str, Any]) -> None:
        """Enter a run that is being made; a broken run may be made again.

        Raises:
            StoreError: the run is already stored, or belongs to another home.
        """
        now = {"home": home, "state": "working", "created": _now(), "deleted": None, "status": "", "verdict": ""}
        with self.writing() as connection:
            row = connection.execute(
                select(RUNS.c.state, RUNS.c.home).where(RUNS.c.id == run).with_for_update()
            ).one_or_none()
            if row is None:
                connection.execute(insert(RUNS).values(id=run, **_columns(fields), **now))
            elif row.state == "stored" or row.home not in (home, ""):
                raise StoreError(f"run {run} already exists; use another id")
            else:
                connection.execute(update(RUNS).where(RUNS.c.id == run).values(**_columns(fields), **now))
            _fold(connection, run)

    def enter(self, run: str, home: str, fields: Mapping[str, Any], keep: Keep | None = None) -> None:
        """Enter a run as stored; an existing name and existing tags are kept.

        Args:
            run: id of the run.
            home: id of the home that contains its folder.
            fields: columns of the row, and ``tags``.
            keep: called with the labels in the same transaction.
        """
        values = _columns({name: value for name, value in fields.items() if name != "tags"})
        with self.writing() as connection:
            current = connection.execute(select(RUNS.c.id).where(RUNS.c.id == run).with_for_update()).first()
            if current is None:
                row = {"created": _now(), "goal": "", "status": "", "verdict": "", **values}
                connection.execute(insert(RUNS).values(id=run, home=home, state="stored", **row))
                for tag in fields.get("tags", ()):
                    connection.execute(insert(TAGS).values(run=run, tag=tag))
            else:
                for column in ("name", "created"):
                    values.pop(column, None)
                connection.execute(update(RUNS).where(RUNS.c.id == run).values(home=home, state="stored", **values))
            name, tags = _fold(connection, run)
            if keep is not None:
                keep(name, tags)

    def mark(self, run: str, home: str, state: str, *, of: Sequence[str]) -> None:
        """Change the state of a run if its present state is one of ``of``."""
        with self.writing() as connection:
            connection.execute(
                update(RUNS).where(RUNS.c.id == run, RUNS.c.state.in_(of)).values(state=state, home=home)
            )

    def label(
        self, run: str, *, name: str | None = None, add: Iterable[str] = (), remove: Iterable[str] = (), keep: Keep
    ) -> None:
        """Change the name and tags of a run.

        Args:
            run: id of the run.
            name: new name; None: unchanged; empty: removed.
            add: tags to add.
            remove: tags to remove.
            keep: called with the labels in the same transaction.

        Raises:
            StoreError: there is no such run, or a name or tag is invalid.
        """
        named = None if name is None else labels.name(name)
        more, less = labels.tags(add), {labels.spelt(tag) for tag in remove}
        with self.writing() as connection:
            if connection.execute(select(RUNS.c.id).where(RUNS.c.id == run).with_for_update()).first() is None:
                raise StoreError(f"run {run} is not in the catalogue")
            if named is not None:
                connection.execute(update(RUNS).where(RUNS.c.id == run).values(name=named))
            has = _tags(connection, run)
            if len((has | more) - less) > labels.MAX_TAGS:
                raise StoreError(f"run {run} would have more than {labels.MAX_TAGS} tags")
            for tag in more - less - has:
                connection.execute(insert(TAGS).values(run=run, tag=tag))
            connection.execute(delete(TAGS).where(TAGS.c.run == run, TAGS.c.tag.in_(less & has)))
            keep(*_fold(connection, run))

    def bury(self, run: str, home: str, at: datetime | None = None) -> None:
        """Mark a run as deleted; no effect if it has no row.

        Raises:
            StoreError: the run belongs to another home.
        """
        with self.writing() as connection:
            row = connection.execute(select(RUNS.c.home).where(RUNS.c.id == run).with_for_update()).one_or_none()
            if row is not None and row.home not in (home, ""):
                raise StoreError(f"run {run} is kept in {self._place(connection, row.home)}; delete it there")
            gone = naive(at) if at else _now()
            connection.execute(update(RUNS).where(RUNS.c.id == run, _ALIVE).values(deleted=gone, home=home))

    def dig_up(self, run: str) -> None:
        """Mark a run as not deleted."""
        with self.writing() as connection:
            connection.execute(update(RUNS).where(RUNS.c.id == run).values(deleted=None))

    def forget(self, run: str) -> None:
        """Delete a run's row and tags."""
        with self.writing() as connection:
            connection.execute(delete(TAGS).where(TAGS.c.run == run))
            connection.execute(delete(RUNS).where(RUNS.c.id == run))

    def welcome(self, home: str, place: str) -> None:
        """Enter a home whose runs are all entered, or update its place."""
        with self.writing() as connection:
            current = connection.execute(select(HOMES.c.id).where(HOMES.c.id == home).with_for_update()).first()
            if current is None:
                connection.execute(insert(HOMES).values(id=home, place=place))
            else:
                connection.execute(update(HOMES).where(HOMES.c.id == home).values(place=place))

    # --- reading ----------------------------------------------------------------------------------------------------

    def place(self, home: str) -> str:
        """Return the path of a home; empty if it was never opened with this catalogue."""
        with self.reading() as connection:
            return self._place(connection, home)

    def search(self, limit: int | None = None, offset: int = 0, **where: Unpack[Filter]) -> list[Entry]:
        """Return runs, newest first; deleted ones by their time of deletion.

        Args:
            limit: maximum number; None: all.
            offset: number of runs to skip.
            where: filter conditions.

        Raises:
            StoreError: there is no such state.
        """
        query = select(RUNS).where(*conditions(**where))
        newest = RUNS.c.deleted if where.get("state") == "deleted" else RUNS.c.created
        query = query.order_by(newest.desc(), RUNS.c.id).limit(limit).offset(offset or None)
        return self._entries(query)

    def count(self, **where: Unpack[Filter]) -> int:
        """Return the number of runs that :meth:`search` returns without a limit."""
        return int(self._rows(select(func.count()).select_from(RUNS).where(*conditions(**where)))[0][0])

    def get(self, run: str) -> Entry | None:
        """Return a run, deleted or not."""
        return next(iter(self._entries(select(RUNS).where(RUNS.c.id == run))), None)

    def beginning_with(self, prefix: str, deleted: bool = False) -> list[str]:
        """Return ids with a prefix, at most three."""
        alive = RUNS.c.deleted.is_not(None) if deleted else _ALIVE
        query = select(RUNS.c.id).where(RUNS.c.id.startswith(prefix, autoescape=True), alive).limit(3)
        return [run for (run,) in self._rows(query)]

    def tags(self) -> dict[str, int]:
        """Return every tag with its number of runs."""
        query = select(TAGS.c.tag, func.count().label("runs")).join(RUNS, RUNS.c.id == TAGS.c.run).where(_ALIVE)
        return {row.tag: int(row.runs) for row in self._rows(query.group_by(TAGS.c.tag).order_by(TAGS.c.tag))}

    def scenarios(self) -> list[str]:
        """Return the names of all scenarios that have runs."""
        return sorted(name for (name,) in self._rows(select(RUNS.c.scenario).where(_ALIVE).distinct()))

    def scan_rows(self) -> dict[str, Row[Any]]:
        """Return ``home``, ``state`` and ``deleted`` of every row, for a scan."""
        return {row.id: row for row in self._rows(select(RUNS.c.id, RUNS.c.home, RUNS.c.state, RUNS.c.deleted))}

    def behind(self, home: str) -> dict[str, str]:
        """Return the states of runs that may need an update: unfinished ones, and those without a home."""
        condition = and_(RUNS.c.home == home, RUNS.c.state == "working")
        query = select(RUNS.c.id, RUNS.c.state).where(or_(RUNS.c.home == "", condition), _ALIVE)
        return {row.id: row.state for row in self._rows(query)}

    def deleted(self, home: str, before: datetime) -> list[str]:
        """Return the runs of a home that were deleted before an instant."""
        query = select(RUNS.c.id).where(RUNS.c.home == home, RUNS.c.deleted < naive(before))
        return [run for (run,) in self._rows(query)]

    def newest(self, home: str, deleted: bool = False) -> str | None:
        """Return the last stored, or last deleted, run of a home."""
        query = select(RUNS.c.id).where(RUNS.c.home == home)
        if deleted:
            query = query.where(RUNS.c.deleted.is_not(None)).order_by(RUNS.c.deleted.desc())
        else:
            query = query.where(RUNS.c.state == "stored", _ALIVE).order_by(RUNS.c.created.desc())
        return next((run for (run,) in self._rows(query.limit(1))), None)

    def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with self.reading() as connection:
            return connection.execute(query).all()

    def _entries(self, query: Select[Any]) -> list[Entry]:
        with self.reading() as connection:
            rows = connection.execute(query).all()
            subquery = query.subquery()
            tags: dict[str, list[str]] = {}
            for row in connection.execute(select(TAGS).where(TAGS.c.run.in_(select(subquery.c.id)))):
                tags.setdefault(row.run, []).append(row.tag)
        return [_entry(row, tags.get(row.id, ())) for row in rows]

    def _place(self, connection: Connection, home: str) -> str:
        return connection.execute(select(HOMES.c.place).where(HOMES.c.id == home)).scalar() or ""


def _fold(connection: Connection, run: str) -> tuple[str, tuple[str, ...]]:
    """Update the searchable words of a run; return its name and tags."""
    row = connection.execute(select(RUNS.c.name, RUNS.c.scenario, RUNS.c.title).where(RUNS.c.id == run)).one()
    tags = tuple(sorted(_tags(connection, run)))
    words = labels.fold(row.name, row.scenario, row.title, *tags)
    connection.execute(update(RUNS).where(RUNS.c.id == run).values(words=words))
    return row.name, tags


def _tags(connection: Connection, run: str) -> set[str]:
    return set(connection.execute(select(TAGS.c.tag).where(TAGS.c.run == run)).scalars())


def _entry(row: Row[Any], tags: Iterable[str]) -> Entry:
    values = dict(row._mapping)
    del values["words"]
    deleted = values["deleted"]
    values["created"] = values["created"].replace(tzinfo=UTC)
    values["deleted"] = deleted.replace(tzinfo=UTC) if deleted else None
    values["state"] = "deleted" if deleted else values["state"]
    values["verdict"] = loads(values["verdict"])
    return Entry(**values, tags=tuple(sorted(tags)))


def _columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Convert values to what both databases can store; long text is truncated."""
    return {
        name: labels.plain(value)[: getattr(RUNS.c[name].type, "length", None)] if isinstance(value, str) else value
        for name, value in fields.items()
    }


def _now() -> datetime:
    return naive(datetime.now(UTC))
