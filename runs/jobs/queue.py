"""Jobs: long work done by a worker process of its own, which outlives the page, the browser and the server.

A job is a folder next to the runs. The asker writes ``request.json``, the worker (``runs/work/worker.py``) appends
``events.jsonl`` and stores what it has made under the job's id; whoever asks later learns everything from the disk. The
worker holds a lock that the system takes back when it ends in whatever way, so that a dead worker is distinguished from
one at work. A worker that has done its job waits a while for another one: its libraries are loaded, its solvers warm.

A job is of a kind: ``plan`` makes a plan of a scenario, ``replan`` a stored one again around locks, ``front`` a Pareto
front, ``point`` the plan of a point of a stored front, ``replay`` follows a stored plan through many disturbed days,
``hold`` makes a plan of the same scenario that holds on them, ``analysis`` does one of ``runs/work/analyses``
(``runs/work/tasks.py``).

    home/jobs/<id>/request.json    what is asked
                    worker.lock    held while the worker lives
                    worker.pid     its process, written under the lock
                    given          the note by which a waiting worker is given it
                    events.jsonl   what happened, one JSON object a line; a torn last line is skipped
                    cancel         asks for what there is so far
                    stop           was written before the worker was killed
    home/jobs/slots/<n>.lock       as many as may work at the same time
    home/jobs/queue/<ticket>.lock  held by those who wait, oldest first
    home/jobs/idle/<id>.lock       held by a worker that waits for another job
    home/jobs/idle/<id>.next       the job that it is given
    home/jobs/about/<run>.<kind>   the newest job of a kind about a stored run

A task queue such as ``huey`` needs a consumer that always runs, and can neither end a task under way nor tell its
progress; it would replace the tickets and slots only.
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
from dataclasses import replace
from pathlib import Path
from typing import Any

from emberline.runs.jobs.folder import age, ahead, folder_of, is_locked, jobs_folder, prune, request
from emberline.runs.jobs.status import ENDED, JobStatus, read_status
from emberline.runs.store import netcdf, run_folder
from emberline.runs.store.catalogue.errors import StoreError
from emberline.runs.store.home import Home
from emberline.scenarios.home import RUN_ID, home
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.whole_file import write

__all__ = ["ENDED", "KINDS", "JobStatus", "about", "cancel", "kill", "request", "start", "status", "under_way"]
KINDS = ("plan", "replan", "front", "point", "replay", "hold", "analysis")
GRACE_S = {"plan": 45.0, "replan": 45.0, "hold": 45.0, "front": 240.0}
"""From a cancellation until the worker is killed, by kind: the solver looks up now and then only, and a
point of a front takes up to two searches. Without an entry a cancellation is noticed soon."""
SEARCHES = ("", "twin", "optimize", "ends", "grid")
"""Phases in which a worker may have to be killed."""
STARTING_S = 60.0
"""Longest time until a new worker takes its lock."""
LONGEST_QUEUE = 20


def limit() -> int:
    """Number of workers that may run at the same time: ``EMBERLINE_WORKERS``, or one for each core but one."""
    named = os.environ.get("EMBERLINE_WORKERS", "")
    return int(named) if named.isdigit() and int(named) else max(1, (os.cpu_count() or 2) - 1)


def start(
    scenario: str | None = None,
    overrides: Iterable[str] = (),
    *,
    text: str | None = None,
    note: dict[str, Any] | None = None,
    kind: str = "plan",
    options: dict[str, Any] | None = None,
    run: str | None = None,
) -> str:
    """Start a worker; returns the id under which what it makes will be stored.

    Args:
        scenario: path or name of a scenario.
        overrides: assignments ``key.path=value``.
        text: a scenario as YAML text instead of ``scenario``.
        note: plain data that is kept with the request, for whoever asks later.
        kind: one of ``KINDS``.
        options: what the kind needs in addition (``runs/work/tasks.py``).
        run: the id; None: a new one. A job of this id that is under way, or whose run is stored, is not begun again.

    Raises:
        RuntimeError: too many jobs wait already.
        ValueError: there is no such kind.
        StoreError: ``options`` names a run by what is no id.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r} of a job; kinds are {', '.join(KINDS)}")
    jobs, options = jobs_folder(), options or {}
    about_run = _about(jobs, str(options["run"]), kind) if "run" in options else None
    prune(jobs)
    if run is not None and _there(run, kind):
        return run
    if len(list((jobs / "queue").glob("*.lock"))) >= LONGEST_QUEUE:
        raise RuntimeError(
            Message("{count} jobs wait already; let some of them finish or stop them", count=LONGEST_QUEUE)
        )
    run = run or uuid.uuid4().hex
    folder = jobs / run
    try:
        folder.mkdir()
    except FileExistsError:  # somebody else has just asked for the same
        return run
    if scenario is not None and scenario.endswith((".yaml", ".yml")):
        scenario = str(Path(scenario).absolute())
    job = {
        "kind": kind, "scenario": scenario, "text": text, "overrides": list(overrides), "note": note or {},
        "given": options, "at": time.time(),
    }  # fmt: skip
    try:
        write(folder / "request.json", json.dumps(job))
        if about_run is not None:
            write(about_run, run)
        if not _hand_over(jobs, folder):
            _children[run] = _worker(folder)
    except OSError:  # on a full disk; a folder that stays would look like a job under way
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return run


def _worker(folder: Path) -> subprocess.Popen[bytes]:
    """A new worker, which begins with this job."""
    with (folder / "output.txt").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "emberline.runs.work.worker", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=Path(__file__).resolve().parents[2],
        )


def _there(run: str, kind: str) -> bool:
    """Whether a job need not be begun; what is left of one that failed is taken away."""
    if _is_stored(run, kind):
        return True
    folder = folder_of(run)
    if not (folder / "request.json").is_file():
        return False
    if not status(run).ended:
        return True
    shutil.rmtree(folder, ignore_errors=True)
    return False


def _about(jobs: Path, run: str, kind: str) -> Path:
    return jobs / "about" / f"{folder_of(run).name}.{kind}"


def about(run: str, kind: str) -> str | None:
    """The newest job of a kind about a stored run; None: none is known.

    Raises:
        StoreError: this is no id.
    """
    try:
        job = _about(jobs_folder(), run, kind).read_text(encoding="utf-8")
        return job if (folder_of(job) / "request.json").is_file() else None
    except FileNotFoundError:
        return None


def _hand_over(jobs: Path, folder: Path) -> bool:
    """Give a job to a worker that waits for one; False where there is none."""
    assignment = folder / "given"
    write(assignment, str(folder))
    for waiting in (jobs / "idle").glob("*.lock"):
        note = waiting.with_suffix(".next")
        if not is_locked(waiting):
            continue
        try:
            os.link(assignment, note)  # one asker may give it a job, and the worker finds all of the note or nothing
        except OSError:
            continue
        if is_locked(waiting):
            return True
        # it has just gone: whoever takes the note away decides
        with suppress(FileNotFoundError):
            note.unlink()
            continue
        return True
    return False


def status(run: str) -> JobStatus:
    """Status of a job, read from the disk. A worker that ignores the request to stop is killed on the way.

    Raises:
        StoreError: there is neither a job nor a stored run of this id.
    """
    folder = folder_of(run)
    kind = str(request(run).get("kind", "plan"))
    is_stored = _is_stored(run, kind)
    if not (folder / "request.json").is_file():
        if is_stored:
            return JobStatus(run, "stored")
        raise StoreError(f"run {run} is not known here; 'emberline runs' lists the stored ones")
    child = _children.get(run)
    if child is not None and child.poll() is not None:
        del _children[run]
    # in this order: a worker that begins or ends between two looks must not be taken for a dead one
    starting = child.poll() is None if child is not None else (age(folder / "request.json") or 0.0) < STARTING_S
    has_begun = (folder / "worker.pid").exists()
    alive = is_locked(folder / "worker.lock")
    now = read_status(run, kind, folder)
    if alive:
        cancel_age_s = age(folder / "cancel")
        if cancel_age_s is not None and cancel_age_s > GRACE_S.get(kind, float("inf")) and now.phase in SEARCHES:
            kill(run)
        return replace(now, ahead=ahead(folder) if now.state == "queued" else 0, cancelling=cancel_age_s is not None)
    if now.ended:
        return now
    if is_stored:
        return replace(now, state="stored")
    if starting and not has_begun:
        return now
    if (folder / "stop").exists():
        return replace(now, state="stopped", lines=(Message("stopped before there was anything to keep"),))
    late = folder / "late.txt"
    again = mark("the worker ended without a result, perhaps for lack of memory; ask again")
    if kind == "plan":
        again = mark("the worker ended without a result, perhaps for lack of memory; plan again")
    text = Message(again)
    if netcdf.is_full(folder):
        text = Message("the worker ended without a result: the disk is full; make room and ask again")
    if late.is_file() and late.stat().st_size:
        text = Message("the worker took far longer than the time limit and was ended; allow more time or ask for less")
    return replace(now, state="broken", lines=(text,))


def under_way() -> Iterator[JobStatus]:
    """Status of every job that works or waits, whoever started it; the newest first."""
    folders = [path for path in jobs_folder().iterdir() if RUN_ID.match(path.name)]
    for folder in sorted(folders, key=lambda path: age(path / "request.json") or 0.0):
        started = age(folder / "request.json")
        # a job that has ended costs a look at its lock only
        if started is None or not (started < STARTING_S or is_locked(folder / "worker.lock")):
            continue
        with suppress(StoreError):  # it was removed meanwhile
            now = status(folder.name)
            if not now.ended:
                yield now


def cancel(run: str) -> None:
    """Ask a worker to end its work and to keep what there is: the best plan, the points or the replays so far."""
    folder = folder_of(run)
    if (folder / "request.json").is_file() and not (folder / "cancel").exists():
        write(folder / "cancel", "")


def kill(run: str) -> None:
    """End a worker at once; nothing is kept of its work."""
    folder = folder_of(run)
    if not folder.is_dir():
        return
    write(folder / "stop", "")
    child = _children.get(run)
    number, lock = folder / "worker.pid", folder / "worker.lock"
    process = None
    if number.is_file():
        # a worker that has done this job may be at another one
        process = int(number.read_text()) if is_locked(lock) else None
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
    for waiting in (jobs_folder() / "idle").glob("*.lock"):
        waiting.unlink(missing_ok=True)


# --- what the disk tells --------------------------------------------------------------------------------------------


_children: dict[str, subprocess.Popen[bytes]] = {}
"""Workers that this process has started, so that they are waited for; never asked for what they do."""


def _is_stored(run: str, kind: str) -> bool:
    """Whether what a job makes is stored; of an ensemble only its events tell."""
    if kind == "front":
        return (home().absolute() / "fronts" / run / "front.json").is_file()
    if kind == "analysis":
        return (home().absolute() / "analyses" / f"{run}.json").is_file()
    return kind != "replay" and run_folder.has_plan(Home().path(run))
