"""Store of runs: each is a folder and a row in the catalogue, and is written atomically.

A run is announced in the catalogue before work begins, its files are written to a temporary folder, and the folder is
renamed when everything is on disk. The working process holds a lock that the system releases when the process ends for
any reason; a run with a free lock and no folder is ``broken``. The folders are authoritative, and the catalogue is
updated from them if necessary. A home without write access can still be read.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Unpack

from filelock import Timeout

from emberline.planning.answer.figure_table import Figure
from emberline.planning.plan.record import Plan
from emberline.runs.store import run_folder
from emberline.runs.store.catalogue.catalogue import Catalogue
from emberline.runs.store.catalogue.errors import CatalogueError, NotKeptError, StoreError
from emberline.runs.store.catalogue.labels import Filter
from emberline.runs.store.catalogue.tables import Entry
from emberline.runs.store.home import Home, is_begun, whole
from emberline.runs.store.run_folder import DATASETS, PACKAGES, StoredRun
from emberline.runs.store.run_record import FORMAT
from emberline.scenarios import Scenario, whole_file
from emberline.scenarios.home import home

__all__ = [
    "DATASETS", "FORMAT", "PACKAGES", "TRASH_DAYS", "CatalogueError", "Entry", "NotKeptError", "Scan",
    "Store", "StoreError", "StoredRun", "home", "is_begun",
]  # fmt: skip

TRASH_DAYS = 7
"""Number of days for which a deleted run can be restored."""


@dataclass(frozen=True)
class Scan:
    """Result of a scan of the folders."""

    entered: int
    """Number of runs that were missing in the catalogue."""
    missing: int
    """Number of runs without a folder, which are marked as broken."""
    unread: tuple[str, ...]
    """Folders without a run that this version can read."""


class Store(Home):
    """Runs of one home folder, and catalogue entries of other homes."""

    trash_days = TRASH_DAYS

    @staticmethod
    def default_folder() -> Path:
        """Return the user's home folder."""
        return home()

    @staticmethod
    def exists() -> bool:
        """Return whether the user has a home folder yet."""
        return is_begun()

    def figures(self, run: str) -> dict[str, Figure]:
        """Return the figures of a run by name, for the use of its plan; empty if its files are not here."""
        return run_folder.figures(self.path(run))

    def __init__(self, folder: Path | None = None) -> None:
        """Open a home and its catalogue, which is created, migrated or updated if necessary.

        Raises:
            StoreError: the catalogue cannot be used.
        """
        super().__init__(folder)
        self.catalogue = Catalogue(self.folder)
        self._id = self.identity()
        if self.writable and self.catalogue.place(self._id) != self.place:
            with suppress(NotKeptError), self.alone():  # on a full disk, the catalogue is used as it is
                if not self.catalogue.place(self._id):  # a new catalogue, or one that is new to this home
                    self._scan()
                self.catalogue.welcome(self._id, self.place)

    # --- writing ----------------------------------------------------------------------------------------------------

    @contextmanager
    def working(self, scenario: Scenario, run: str | None = None) -> Iterator[str]:
        """Announce a run and hold its lock while it is made; yields its id.

        A run that ends without :meth:`save` is marked as broken.

        Raises:
            StoreError: the run is already being made, or stored.
        """
        run = run or uuid.uuid4().hex
        with self.locked(run):
            fields = {"scenario": scenario.name, "title": scenario.title, "goal": scenario.goal.minimize}
            self.catalogue.announce(run, self._id, fields)
            try:
                yield run
            finally:
                shutil.rmtree(self.partial(run), ignore_errors=True)
                if not run_folder.has_plan(self.path(run)):
                    with suppress(StoreError):  # it will be marked by the next listing
                        self.catalogue.mark(run, self._id, "broken", of=["working"])

    def keep(self, plan: Plan) -> str:
        """Store an existing plan under a new id, which is returned; errors as for :meth:`save`."""
        with self.working(plan.scenario) as run:
            self.save(run, plan)
        return run

    def save(self, run: str, plan: Plan) -> Path:
        """Write a plan atomically: first the files, then the rename, then the row.

        Raises:
            NotKeptError: the plan cannot be written, or not be entered.
        """
        folder, partial = self.path(run), self.partial(run)
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir(parents=True)
            run_folder.write(partial, run, plan)
            os.replace(partial, folder)
            whole_file.sync(self.runs_folder)
        except OSError as error:
            why = error.strerror or str(error)
            free = shutil.disk_usage(self.runs_folder).free / 1e6
            text = f"run {run} could not be written to {self.runs_folder}: {why} ({free:,.0f} MB are free there)"
            raise NotKeptError(text) from error
        try:
            entered = self._enter(run)
        except StoreError as error:
            text = f"{error}; run {run} is complete in {folder}, and is entered when runs are listed"
            raise NotKeptError(text) from error
        assert entered, "what was just written can be read"
        return folder

    # --- finding ----------------------------------------------------------------------------------------------------

    def search(self, limit: int | None = None, offset: int = 0, **where: Unpack[Filter]) -> Sequence[Entry]:
        """Return runs, newest first, as in :meth:`emberline.runs.store.catalogue.Catalogue.search`.

        Unfinished runs of dead processes are marked as broken first.
        """
        self._bring_up_to_date()

        def rows_in(state: str | None) -> list[Entry]:
            in_state: Filter = {**where, "state": state}
            return self.catalogue.search(limit, offset, **in_state)

        state = where.get("state")
        rows = rows_in(state)
        torn = {row.id for row in (rows_in("stored") if state == "broken" else rows) if self._is_torn(row)}
        if torn:
            self._mark_torn(torn)
            rows = rows_in(state)
        entries = (replace(row, state="broken") if row.id in torn else row for row in rows)
        return [row for row in entries if state is None or row.state == state]

    def _is_torn(self, row: Entry) -> bool:
        return row.state == "stored" and row.home == self._id and run_folder.is_torn(self.path(row.id))

    def _mark_torn(self, runs: Iterable[str]) -> None:
        if self.writable:
            with suppress(NotKeptError):
                for run in runs:
                    self.catalogue.mark(run, self._id, "broken", of=["stored"])

    def count(self, **where: Unpack[Filter]) -> int:
        """Return the number of runs that :meth:`search` returns without a limit."""
        self._bring_up_to_date()
        return self.catalogue.count(**where)

    def entry(self, run: str) -> Entry:
        """Return the catalogue entry of a run, deleted or not.

        Raises:
            StoreError: the run is not in the catalogue.
        """
        self.path(run)
        row = self.catalogue.get(run)
        if row is None:
            raise StoreError(f"run {run} is not in the catalogue")
        return row

    def find(self, prefix: str, *, deleted: bool = False) -> str:
        """Return the id of the run with a prefix; ``last`` is the newest stored one.

        Raises:
            StoreError: there is no match, or more than one.
        """
        self._bring_up_to_date()
        if prefix == "last":
            newest = self.catalogue.newest(self._id, deleted)
            if newest is None:
                none = "no deleted run" if deleted else "no stored run yet; make one with 'emberline plan'"
                raise StoreError(f"there is {none}")
            return newest
        if not re.fullmatch(r"[0-9a-f]{4,32}", prefix):
            raise StoreError(f"{prefix[:40]!r} does not identify a run: give at least four digits of its id, or 'last'")
        ids = self.catalogue.beginning_with(prefix, deleted)
        if len(ids) != 1:
            runs = f"{'deleted ' if deleted else ''}runs begin with {prefix!r}"
            raise StoreError(f"{len(ids) or 'no'} {runs}; 'emberline runs' lists them")
        return ids[0]

    def open(self, run: str) -> StoredRun:
        """Read a stored run.

        Raises:
            StoreError: the run is missing, broken, or of an unknown format.
        """
        folder = self.path(run)
        try:
            return run_folder.read(folder, run)
        except FileNotFoundError:
            raise StoreError(self._why_absent(run)) from None

    # --- labels and deletion ----------------------------------------------------------------------------------------

    def label(self, run: str, *, name: str | None = None, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Change the name and tags of a run.

        Args:
            run: id of the run.
            name: new name, at most 80 characters; None: unchanged; empty: removed.
            add: tags to add.
            remove: tags to remove.

        Raises:
            StoreError: there is no such run, it would have too many tags, or a name or tag contains invalid characters.
        """
        keep = partial(run_folder.label, self.path(run))
        self.catalogue.label(run, name=name, add=add, remove=remove, keep=keep)

    def delete(self, run: str) -> None:
        """Move a finished run to the trash, from which :meth:`restore` can recover it for ``TRASH_DAYS``.

        Raises:
            StoreError: the run is being made, or belongs to another home.
        """
        folder = self.path(run)
        with self.locked(run):
            if run_folder.has_plan(folder) and self.catalogue.get(run) is None:
                self._enter(run)
            self.catalogue.bury(run, self._id)  # from here on, the run counts as deleted whatever happens
            self.to_trash(run)

    def restore(self, run: str) -> None:
        """Restore a deleted run.

        Raises:
            StoreError: the run is not deleted, or was deleted more than ``TRASH_DAYS`` ago.
        """
        with self.locked(run):
            row = self.entry(run)
            if row.deleted is None:
                raise StoreError(f"run {run} is not deleted")
            if row.home != self._id:
                raise StoreError(f"run {run} is kept in {self.catalogue.place(row.home)}; restore it there")
            self.from_trash(run)
            if row.version and not run_folder.has_plan(self.path(run)):
                raise StoreError(f"run {run} cannot be restored: its files are gone")
            self.catalogue.dig_up(run)

    # --- folders and catalogue --------------------------------------------------------------------------------------

    def rescan(self) -> Scan:
        """Enter runs that are missing in the catalogue, and mark those without a folder."""
        with self.alone():
            return self._scan()

    def _scan(self) -> Scan:
        entered, missing = 0, 0
        unread: list[str] = []
        rows = self.catalogue.scan_rows()
        for folder in whole(self.runs_folder):
            row = rows.get(folder.name)
            if row and row.deleted and row.home == self._id:
                self.to_trash(folder.name)
            elif row is None or row.home != self._id or row.state == "broken":
                if self._enter(folder.name):
                    entered += row is None or row.state == "broken"
                else:
                    unread.append(folder.name)
            elif run_folder.is_torn(folder):
                self.catalogue.mark(folder.name, self._id, "broken", of=["stored"])
                unread.append(folder.name)
        for folder in whole(self.trash_folder):
            if folder.name not in rows and self._enter(folder.name, folder):
                self.catalogue.bury(folder.name, self._id)
        for run, row in rows.items():
            gone = row.home == self._id and row.state == "stored" and not row.deleted
            if gone and not run_folder.has_plan(self.path(run)):
                self.catalogue.mark(run, self._id, "broken", of=["stored"])
                missing += 1
        return Scan(entered, missing, tuple(unread))

    def _bring_up_to_date(self) -> None:
        """Enter leftovers of dead processes and earlier releases, and remove old runs from the trash."""
        if self.writable:
            with suppress(NotKeptError):  # on a full disk, the catalogue is used as it is
                self._catch_up()

    def _catch_up(self) -> None:
        for run, state in self.catalogue.behind(self._id).items():
            with suppress(Timeout), self.lock(run):  # a locked run is still being made
                # a renamed folder is complete, and only its row is outdated
                if not (run_folder.has_plan(self.path(run)) and self._enter(run)):
                    self.catalogue.mark(run, self._id, "broken" if state == "working" else state, of=[state])
                shutil.rmtree(self.partial(run), ignore_errors=True)
        before = datetime.now(UTC) - timedelta(days=TRASH_DAYS)
        for run in self.catalogue.deleted(self._id, before):
            with suppress(Timeout), self.lock(run):
                row = self.catalogue.get(run)
                if row is not None and row.deleted is not None:  # it may just have been restored
                    self.destroy(run)
                    self.catalogue.forget(run)

    def _enter(self, run: str, folder: Path | None = None) -> bool:
        """Enter a run from its folder; return False if the folder is not valid."""
        folder = folder or self.path(run)
        fields = run_folder.columns(folder)
        if fields is not None:
            self.catalogue.enter(run, self._id, fields, partial(run_folder.label, folder))
        return fields is not None

    def _why_absent(self, run: str) -> str:
        row = self.catalogue.get(run)
        if row is not None and row.deleted:
            return f"run {run} is deleted; 'emberline runs restore {run[:8]}' brings it back"
        if row is not None and row.home not in (self._id, ""):
            return f"run {run} is kept in {self.catalogue.place(row.home)}; open it there"
        return f"run {run} has no plan: it is broken, or still being made"
