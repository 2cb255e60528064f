"""Home folder: the stored runs, their locks, and the trash.

home/runs/<run>/     a run (``runs/store/run_folder.py``)
     trash/<run>/    a deleted run
     home.id         id of the home in a shared catalogue
     catalogue.db    unless ``EMBERLINE_DATABASE`` names another
     jobs/ fronts/ sweeps/ errors/
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from emberline.runs.store import run_folder
from emberline.runs.store.catalogue.database import VARIABLE
from emberline.runs.store.catalogue.errors import NotKeptError, StoreError
from emberline.scenarios import whole_file
from emberline.scenarios.home import RUN_ID, home

PATIENCE_S = 0.5
"""Maximum wait for a run's lock, since status checks hold it briefly [s]."""


def is_begun() -> bool:
    """Return whether there may be runs, without creating a home."""
    folder = home()
    try:
        if folder.exists() and not folder.is_dir():
            return True  # opening it will report that it is not a folder
        return bool(os.environ.get(VARIABLE)) or any((folder / name).exists() for name in ("catalogue.db", "runs"))
    except OSError as error:
        raise _unusable(folder, error) from None


class Home:
    """Folders of the runs of one home, and their locks."""

    def __init__(self, folder: Path | None = None) -> None:
        """Open a home, creating it if necessary.

        Raises:
            StoreError: the home cannot be created.
        """
        self.folder = (folder or home()).absolute()
        try:
            self.runs_folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self.folder, error) from None
        self.place = f"{socket.gethostname()}:{self.folder}"
        """Host and folder, for people."""

    @property
    def writable(self) -> bool:
        """Whether it can be written to; otherwise it is only read."""
        return os.access(self.folder, os.W_OK) and os.access(self.runs_folder, os.W_OK)

    @property
    def runs_folder(self) -> Path:
        """Folder with one subfolder per run."""
        return self.folder / "runs"

    @property
    def trash_folder(self) -> Path:
        """Folder of deleted runs."""
        return self.folder / "trash"

    def path(self, run: str) -> Path:
        """Return the folder of a run."""
        return self.runs_folder / _checked(run)

    def partial(self, run: str) -> Path:
        """Return the temporary folder in which a run is written."""
        return self.runs_folder / f".{_checked(run)}.partial"

    def identity(self) -> str:
        """Return the id of this home, which moves with the folder."""
        path = self.folder / "home.id"
        with suppress(FileNotFoundError):
            return path.read_text(encoding="ascii").strip()
        with self.alone():
            if not path.is_file():
                whole_file.write(path, uuid.uuid4().hex)
        return path.read_text(encoding="ascii").strip()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Lock the home against changes by other processes.

        Raises:
            NotKeptError: the home cannot be written to.
        """
        with self._file_lock(self.folder / "home.lock", 120):
            yield

    @contextmanager
    def locked(self, run: str) -> Iterator[None]:
        """Hold a run's lock.

        Raises:
            StoreError: another process is making the run.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(self.lock(run, PATIENCE_S))
            except Timeout:
                raise StoreError(f"run {run} is being made; cancel it first") from None
            yield

    @contextmanager
    def lock(self, run: str, wait_s: float = 0.0) -> Iterator[None]:
        """Hold a run's lock; the lock file is removed before it is released, so that no other name refers to it.

        Raises:
            filelock.Timeout: another process holds the lock.
            NotKeptError: the home cannot be written to.
        """
        with self._file_lock(self.runs_folder / f".{_checked(run)}.lock", wait_s) as lock:
            try:
                yield
            finally:
                with suppress(OSError):  # some systems cannot remove an open file
                    lock.unlink(missing_ok=True)

    @contextmanager
    def _file_lock(self, path: Path, wait_s: float) -> Iterator[Path]:
        lock = FileLock(path, timeout=wait_s)
        try:
            if not self.writable:
                raise OSError(errno.EROFS, "it cannot be written to")
            lock.acquire()
        except Timeout:
            raise
        except OSError as error:
            raise NotKeptError(f"{_unusable(self.folder, error)}") from None
        try:
            yield path
        finally:
            lock.release()

    def to_trash(self, run: str) -> None:
        """Move a run's folder to the trash, if it exists."""
        trash = self.trash_folder / _checked(run)
        if self.path(run).is_dir():
            self.trash_folder.mkdir(exist_ok=True)
            shutil.rmtree(trash, ignore_errors=True)
            os.replace(self.path(run), trash)
        shutil.rmtree(self.partial(run), ignore_errors=True)

    def from_trash(self, run: str) -> None:
        """Move a run's folder out of the trash, if it exists."""
        trash = self.trash_folder / _checked(run)
        if trash.is_dir() and not self.path(run).exists():
            os.replace(trash, self.path(run))

    def destroy(self, run: str) -> None:
        """Remove a run's files permanently."""
        for folder in (self.trash_folder / _checked(run), self.path(run), self.partial(run)):
            shutil.rmtree(folder, ignore_errors=True)


def whole(parent: Path) -> list[Path]:
    """Return the folders of complete runs, in the order of their ids."""
    if not parent.is_dir():
        return []
    return sorted(path for path in parent.iterdir() if RUN_ID.match(path.name) and run_folder.has_plan(path))


def _checked(run: str) -> str:
    """Return a valid id of a run unchanged; reject any other text before it becomes part of a path."""
    if not RUN_ID.match(run):
        raise StoreError(f"{run[:40]!r} is not the id of a run (32 hexadecimal digits)")
    return run


def _unusable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"runs cannot be kept in {str(folder)[:200]}: {error.strerror}; EMBERLINE_HOME names another folder"
    )
