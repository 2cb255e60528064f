"""Folder of a job (``runs/jobs/queue.py``), read and written by its client and its worker."""

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
"""Age after which a note to an idle worker is considered abandoned [s]."""


def jobs_folder() -> Path:
    """Return the folder with one subfolder per job and the shared files; it is created if missing."""
    folder = home().absolute() / "jobs"
    for part in ("slots", "queue", "idle", "about"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    return folder


def folder_of(run: str) -> Path:
    """Return the folder of a job.

    Raises:
        StoreError: the text is not an id.
    """
    if not RUN_ID.match(run):
        raise StoreError(f"{run[:40]!r} is not the id of a run (32 hexadecimal digits)")
    return home().absolute() / "jobs" / run


def request(run: str) -> dict[str, Any]:
    """Return the request of a job; empty if there is none."""
    try:
        return dict(json.loads((folder_of(run) / "request.json").read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return {}


def events(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the events of a job; incomplete lines are skipped."""
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
    """Return whether any process holds a lock."""
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def age(path: Path) -> float | None:
    """Return the seconds since a file was written; None: it does not exist."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return None


def ahead(folder: Path) -> int:
    """Return the number of jobs that wait before this one."""
    tickets = sorted(path.stem for path in (folder.parent / "queue").glob("*.lock"))
    places = [i for i, ticket in enumerate(tickets) if ticket.endswith(folder.name)]
    return places[0] if places else 0


def prune(jobs: Path) -> None:
    """Remove old job folders and notes."""
    old = KEPT_DAYS * 86400
    for folder in jobs.iterdir():
        if RUN_ID.match(folder.name) and (age(folder) or 0) > old and not is_locked(folder / "worker.lock"):
            shutil.rmtree(folder, ignore_errors=True)
    for note in (jobs / "idle").iterdir():
        # a live worker removes its note at once, and its lock when it ends
        if (age(note) or 0) > LEFT_S and not is_locked(note.with_suffix(".lock")):
            note.unlink(missing_ok=True)
    for note in (jobs / "about").iterdir():
        if (age(note) or 0) > old:
            note.unlink(missing_ok=True)
