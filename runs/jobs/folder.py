"""The folder of a job (``runs/jobs/queue.py``): what is read from it and written to it, by whoever asks and works."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from emberline.runs.store.catalogue.errors import StoreError
from emberline.scenarios.home import RUN_ID, home
from emberline.scenarios.messages import restored

KEPT_DAYS = 7
LEFT_S = 60.0
"""A note to a worker that waits is left behind after so long [s]."""


def jobs_folder() -> Path:
    """Holds one folder for each job, and what the jobs share; made where it is missing."""
    folder = home().absolute() / "jobs"
    for part in ("slots", "queue", "idle", "about"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    return folder


def folder_of(run: str) -> Path:
    """Folder of a job.

    Raises:
        StoreError: this is no id.
    """
    if not RUN_ID.match(run):
        raise StoreError(f"{run[:40]!r} is not the id of a run (32 hexadecimal digits)")
    return home().absolute() / "jobs" / run


def request(run: str) -> dict[str, Any]:
    """Request of a job. Empty if there is none."""
    try:
        return dict(json.loads((folder_of(run) / "request.json").read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return {}


def events(folder: Path) -> Iterator[dict[str, Any]]:
    """The events of a job; a line that is not whole is skipped."""
    try:
        lines = (folder / "events.jsonl").read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield restored(event)


def is_locked(path: Path) -> bool:
    """Whether some process holds a lock."""
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def age(path: Path) -> float | None:
    """Seconds since a file was written; None: it is not there."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return None


def ahead(folder: Path) -> int:
    """Number of jobs that wait before this one."""
    tickets = sorted(path.stem for path in (folder.parent / "queue").glob("*.lock"))
    places = [i for i, ticket in enumerate(tickets) if ticket.endswith(folder.name)]
    return places[0] if places else 0


def prune(jobs: Path) -> None:
    """Take away what nobody will ask for any more."""
    old = KEPT_DAYS * 86400
    for folder in jobs.iterdir():
        if RUN_ID.match(folder.name) and (age(folder) or 0) > old and not is_locked(folder / "worker.lock"):
            shutil.rmtree(folder, ignore_errors=True)
    for note in (jobs / "idle").iterdir():
        # a worker that is alive takes its note away at once, and its lock when it ends
        if (age(note) or 0) > LEFT_S and not is_locked(note.with_suffix(".lock")):
            note.unlink(missing_ok=True)
    for note in (jobs / "about").iterdir():
        if (age(note) or 0) > old:
            note.unlink(missing_ok=True)
