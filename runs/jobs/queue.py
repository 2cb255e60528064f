"""Background jobs: long work in a separate worker process, which outlives the page, the browser and the server.

A job is a folder next to the runs. The client writes ``request.json``; the worker (``runs/work/worker.py``) appends to
``events.jsonl`` and stores its result under the job's id; the status is read from disk. The worker holds a lock that
the system releases when the process ends for any reason, so that a dead worker can be detected. After a job, a worker
waits some time for another one, with its libraries loaded and its solvers warm.

Kinds of jobs: ``plan`` makes a plan of a scenario; ``replan`` plans a stored one again with other locks; ``front``
computes a Pareto front; ``point`` makes the plan of a point of a stored front; ``replay`` follows a stored plan through
many disturbed days; ``hold`` makes a robust plan of the same scenario; ``analysis`` runs one of ``runs/work/analyses``
(``runs/work/tasks.py``).

    home/jobs/<id>/request.json    the request
                    worker.lock    held while the worker is alive
                    worker.pid     its process id, written under the lock
                    given          the note that assigns it to an idle worker
                    events.jsonl   events, one JSON object per line; incomplete lines are skipped
                    cancel         requests the results so far
                    stop           written before the worker is killed
    home/jobs/slots/<n>.lock       one for each worker that may run in parallel
    home/jobs/queue/<ticket>.lock  held by waiting workers, oldest first
    home/jobs/idle/<id>.lock       held by an idle worker
    home/jobs/idle/<id>.next       the job assigned to it
    home/jobs/about/<run>.<kind>   the newest job of a kind about a stored run

A task queue such as ``huey`` needs a permanent consumer, and can neither end a running task nor report its progress; it
would replace only the tickets and slots.
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
from emberline.scenarios.messages import Message
from emberline.scenarios.whole_file import write

__all__ = ["ENDED", "KINDS", "JobStatus", "about", "cancel", "kill", "request", "start", "status", "under_way"]
KINDS = ("plan", "replan", "front", "point", "replay", "hold", "analysis")
GRACE_S = {"plan": 45.0, "replan": 45.0, "hold": 45.0, "front": 240.0}
"""Time from a cancellation until the worker is killed, by kind: the solver checks rarely, and a point of a front takes
up to two searches. Kinds without an entry notice a cancellation soon."""
SEARCHES = ("", "twin", "optimize", "ends", "grid")
"""Phases in which a worker may have to be killed."""
STARTING_S = 60.0
"""Maximum time until a new worker takes its lock [s]."""
LONGEST_QUEUE = 20


def limit() -> int:
    """Return the maximum number of parallel workers: ``EMBERLINE_WORKERS``, or the number of cores minus one."""
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
    """Start a job and return its id, under which its result will be stored.

    Args:
        scenario: path or name of a scenario.
        overrides: assignments ``key.path=value``.
        text: scenario as YAML text, instead of ``scenario``.
        note: plain data that is stored with the request for later readers.
        kind: one of ``KINDS``.
        options: further options of the kind (``runs/work/tasks.py``).
        run: id of the job; None: a new one. A job that is running, or whose result is stored, is not started again.

    Raises:
        RuntimeError: too many jobs are waiting.
        ValueError: there is no such kind.
        StoreError: ``options`` contains an invalid id of a run.
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
    except FileExistsError:  # another client has just started the same job
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
    except OSError:  # on a full disk, a leftover folder would look like a running job
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return run


def _worker(folder: Path) -> subprocess.Popen[bytes]:
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
    """Return whether a job need not be started; leftovers of a failed job are removed."""
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
    """Return the newest job of a kind about a stored run; None: none is known.

    Raises:
        StoreError: the text is not an id.
    """
    try:
        job = _about(jobs_folder(), run, kind).read_text(encoding="utf-8")
        return job if (folder_of(job) / "request.json").is_file() else None
    except FileNotFoundError:
        return None


def _hand_over(jobs: Path, folder: Path) -> bool:
    """Assign a job to an idle worker; return False if there is none."""
    assignment = folder / "given"
    write(assignment, str(folder))
    for waiting in (jobs / "idle").glob("*.lock"):
        note = waiting.with_suffix(".next")
        if not is_locked(waiting):
            continue
        try:
            os.link(assignment, note)  # atomic: one client assigns, and the note is complete
        except OSError:
            continue
        if is_locked(waiting):
            return True
        # the worker has just ended: whoever removes the note decides
        with suppress(FileNotFoundError):
            note.unlink()
            continue
        return True
    return False


def status(run: str) -> JobStatus:
    """Return the status of a job, read from disk; kill its worker if it ignores a cancellation.

    Raises:
        StoreError: there is neither a job nor a stored run with this id.
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
    # the order matters: a worker that starts or ends between two checks must not be taken for dead
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
    text = Message("the worker ended without a result, perhaps for lack of memory; ask again")
    if kind == "plan":
        text = Message("the worker ended without a result, perhaps for lack of memory; plan again")
    if netcdf.is_full(folder):
        text = Message("the worker ended without a result: the disk is full; make room and ask again")
    if late.is_file() and late.stat().st_size:
        text = Message("the worker took far longer than the time limit and was ended; allow more time or ask for less")
    return replace(now, state="broken", lines=(text,))


def under_way() -> Iterator[JobStatus]:
    """Yield the status of every running or waiting job of any client, newest first."""
    folders = [path for path in jobs_folder().iterdir() if RUN_ID.match(path.name)]
    for folder in sorted(folders, key=lambda path: age(path / "request.json") or 0.0):
        started = age(folder / "request.json")
        # for an ended job, checking its lock is enough
        if started is None or not (started < STARTING_S or is_locked(folder / "worker.lock")):
            continue
        with suppress(StoreError):  # it was removed meanwhile
            now = status(folder.name)
            if not now.ended:
                yield now


def cancel(run: str) -> None:
    """Ask a worker to stop and keep its results so far: the best plan, the points or the replays."""
    folder = folder_of(run)
    if (folder / "request.json").is_file() and not (folder / "cancel").exists():
        write(folder / "cancel", "")


def kill(run: str) -> None:
    """Kill a worker at once; its results are lost."""
    folder = folder_of(run)
    if not folder.is_dir():
        return
    write(folder / "stop", "")
    child = _children.get(run)
    number, lock = folder / "worker.pid", folder / "worker.lock"
    process = None
    if number.is_file():
        # a worker that has finished this job may run another one
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
    """Let idle workers end."""
    for waiting in (jobs_folder() / "idle").glob("*.lock"):
        waiting.unlink(missing_ok=True)


# --- what the disk tells --------------------------------------------------------------------------------------------


_children: dict[str, subprocess.Popen[bytes]] = {}
"""Workers started by this process, which waits for them when they end."""


def _is_stored(run: str, kind: str) -> bool:
    """Return whether the result of a job is stored; for an ensemble, only its events show this."""
    if kind == "front":
        return (home().absolute() / "fronts" / run / "front.json").is_file()
    if kind == "analysis":
        return (home().absolute() / "analyses" / f"{run}.json").is_file()
    return kind != "replay" and run_folder.has_plan(Home().path(run))
