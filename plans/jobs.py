"""Jobs: a plan made by a worker process of its own, which outlives the page, the browser and the server.

A job is a folder beside the runs. The asker writes ``request.json``, the worker (``plans/worker.py``) appends
``events.jsonl`` and stores the run under the job's id; whoever asks later learns everything from the disk. The worker
holds a lock that the system takes back when it ends in whatever way, so that a dead worker is told from one at work.
A worker that has done its job waits a while for another one: its libraries are loaded and its solvers are warm.

    home/jobs/<run>/request.json   what is asked
                    worker.lock    held while the worker lives
                    worker.pid     its process
                    events.jsonl   what happened, one JSON object a line; a torn last line is skipped
                    cancel         asks for the best plan found so far
                    stop           was written before the worker was killed
    home/jobs/slots/<n>.lock       as many as may work at the same time
    home/jobs/queue/<ticket>.lock  held by those who wait, oldest first
    home/jobs/idle/<id>.lock       held by a worker that waits for another job
    home/jobs/idle/<id>.next       the job that it is given
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from plans.store import RUN_ID, Store, StoreError, home

GRACE_S = 45.0
"""From the wish for the best plan so far until the worker is killed: the solver looks up now and then only."""
STARTING_S = 30.0
"""How long a worker may take to show itself."""
LONGEST_QUEUE = 20
KEPT_DAYS = 7
ENDED = ("stored", "refused", "failed", "stopped", "broken")


@dataclass(frozen=True)
class JobStatus:
    """What is known of a job. ``state`` is queued, working, or one of ``ENDED``."""

    run: str
    state: str
    phase: str = ""
    incumbent: float | None = None
    bound: float | None = None
    gap: float | None = None
    seconds: float | None = None
    """Of the search."""
    done: int = 0
    of: int = 0
    """Disturbed replays done, and wanted."""
    ahead: int = 0
    """Jobs that wait before this one."""
    cancelling: bool = False
    lines: tuple[str, ...] = ()
    """What went wrong, one line each."""
    history: tuple[tuple[float, float | None, float | None], ...] = field(default=(), repr=False)
    """Seconds of the search, incumbent and bound."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ENDED


def limit() -> int:
    """How many workers may work at the same time: ``EMBERLINE_WORKERS``, or one for each core but one."""
    named = os.environ.get("EMBERLINE_WORKERS", "")
    return int(named) if named.isdigit() and int(named) else max(1, (os.cpu_count() or 2) - 1)


def start(
    scenario: str | None = None,
    overrides: Iterable[str] = (),
    *,
    text: str | None = None,
    note: dict[str, Any] | None = None,
) -> str:
    """Start a worker; returns the id under which the run will be stored.

    Args:
        scenario: path or name of a scenario.
        overrides: assignments ``key.path=value``.
        text: a scenario as YAML text instead of ``scenario``.
        note: plain data that is kept with the request, for whoever asks later.

    Raises:
        RuntimeError: too many jobs wait already.
    """
    jobs = _jobs()
    _prune(jobs)
    if len(list((jobs / "queue").glob("*.lock"))) >= LONGEST_QUEUE:
        raise RuntimeError(f"{LONGEST_QUEUE} plans wait already; let some of them finish or stop them")
    run = uuid.uuid4().hex
    folder = jobs / run
    folder.mkdir()
    if scenario is not None and scenario.endswith((".yaml", ".yml")):
        scenario = str(Path(scenario).absolute())
    asked = {"scenario": scenario, "text": text, "overrides": list(overrides), "note": note or {}, "at": time.time()}
    write(folder / "request.json", json.dumps(asked))
    if not _given(jobs, folder):
        with (folder / "output.txt").open("wb") as output:
            _children[run] = subprocess.Popen(
                [sys.executable, "-m", "plans.worker", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=Path(__file__).resolve().parent.parent,
            )
    return run


def _given(jobs: Path, folder: Path) -> bool:
    """Give a job to a worker that waits for one; False where there is none."""
    for waiting in (jobs / "idle").glob("*.lock"):
        note = waiting.with_suffix(".next")
        if not held(waiting):
            continue
        try:
            with note.open("x") as opened:  # one asker may give it a job
                opened.write(str(folder))
        except FileExistsError:
            continue
        if held(waiting):
            return True
        # it has just gone: whoever takes the note away decides
        with suppress(FileNotFoundError):
            note.unlink()
            continue
        return True
    return False


def request(run: str) -> dict[str, Any]:
    """What was asked of a job; empty where there is none."""
    try:
        return dict(json.loads((_folder(run) / "request.json").read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


def status(run: str) -> JobStatus:
    """What is known of a job, read from the disk; a worker that ignores the wish to end is killed on the way.

    Raises:
        StoreError: there is neither a job nor a stored run of this id.
    """
    folder = _folder(run)
    store = Store()
    stored = (store.path(run) / "plan.json").is_file()
    if not (folder / "request.json").is_file():
        if stored:
            return JobStatus(run, "stored")
        raise StoreError(f"run {run} is not known here; 'emberline runs' lists the stored ones")
    child = _children.get(run)
    if child is not None and child.poll() is not None:
        del _children[run]
    alive = held(folder / "worker.lock")
    now = _told(run, folder)
    if alive:
        asked = _age(folder / "cancel")
        if asked is not None and asked > GRACE_S and now.phase in ("", "twin", "optimize"):
            kill(run)
        return replace(now, ahead=_ahead(folder) if now.state == "queued" else 0, cancelling=asked is not None)
    if now.ended:
        return now
    if stored:
        return replace(now, state="stored")
    young = (_age(folder / "request.json") or 0.0) < STARTING_S
    if not (folder / "worker.lock").exists() and young and (child is None or child.poll() is None):
        return now
    if (folder / "stop").exists():
        return replace(now, state="stopped", lines=("stopped before there was a plan to keep",))
    late = folder / "late.txt"
    says = "the worker ended without a result; plan again"
    if late.is_file() and late.stat().st_size:
        says = "the worker took far longer than the time limit and was ended; allow more time or ask for less"
    return replace(now, state="broken", lines=(says,))


def cancel(run: str) -> None:
    """Ask a worker to end the search and to take the best plan that it has found."""
    folder = _folder(run)
    if (folder / "request.json").is_file() and not (folder / "cancel").exists():
        write(folder / "cancel", "")


def kill(run: str) -> None:
    """End a worker at once; nothing is kept of its plan."""
    folder = _folder(run)
    if not folder.is_dir():
        return
    write(folder / "stop", "")
    child = _children.get(run)
    number, lock = folder / "worker.pid", folder / "worker.lock"
    process = None
    if number.is_file():
        # a worker that has done this job may be at another one
        process = int(number.read_text()) if held(lock) else None
    elif child is not None:
        process = child.pid
    if process is not None:
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process, signal.SIGKILL)
            else:
                os.kill(process, signal.SIGTERM)
    if child is not None and process is not None:
        child.wait(timeout=10)


def dismiss() -> None:
    """Let workers that wait for another job end."""
    for waiting in (_jobs() / "idle").glob("*.lock"):
        waiting.unlink(missing_ok=True)


# --- what the disk tells --------------------------------------------------------------------------------------------


_children: dict[str, subprocess.Popen[bytes]] = {}
"""Workers that this process has started, so that they are waited for; never asked for what they do."""


def _jobs() -> Path:
    folder = home().absolute() / "jobs"
    for part in ("slots", "queue", "idle"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    return folder


def _folder(run: str) -> Path:
    if not RUN_ID.match(run):
        raise StoreError(f"{run[:40]!r} is not the id of a run (32 hexadecimal digits)")
    return home().absolute() / "jobs" / run


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
            yield event


def _told(run: str, folder: Path) -> JobStatus:
    now = JobStatus(run, "queued")
    history: list[tuple[float, float | None, float | None]] = []
    for event in events(folder):
        phase = str(event.get("phase", ""))
        if phase in ENDED:
            return replace(now, state=phase, lines=tuple(event.get("lines", ())), history=tuple(history))
        now = replace(now, state="working", phase=phase)
        if phase == "optimize" and "seconds" in event:
            incumbent, bound, gap, seconds = (event.get(name) for name in ("incumbent", "bound", "gap", "seconds"))
            now = replace(now, incumbent=incumbent, bound=bound, gap=gap, seconds=seconds)
            if seconds is not None and (incumbent is not None or bound is not None):
                history.append((seconds, incumbent, bound))
        elif phase == "replays" and "of" in event:
            now = replace(now, done=event["done"], of=event["of"])
    return replace(now, history=tuple(history))


def held(path: Path) -> bool:
    """Whether some process holds a lock."""
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def _age(path: Path) -> float | None:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return None


def _ahead(folder: Path) -> int:
    tickets = sorted(path.stem for path in (folder.parent / "queue").glob("*.lock"))
    own = [i for i, ticket in enumerate(tickets) if ticket.endswith(folder.name)]
    return own[0] if own else 0


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _prune(jobs: Path) -> None:
    for folder in jobs.iterdir():
        if RUN_ID.match(folder.name) and (_age(folder) or 0) > KEPT_DAYS * 86400 and not held(folder / "worker.lock"):
            shutil.rmtree(folder, ignore_errors=True)
