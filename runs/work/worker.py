"""Worker process, which processes job folders (``runs/jobs/queue.py``) one after another.

It keeps a study, so that the next plan of the same plant is warm-started from the last one.
"""

from __future__ import annotations

import faulthandler
import json
import math
import os
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from emberline.runs.jobs.folder import is_locked
from emberline.runs.jobs.queue import limit
from emberline.runs.store.catalogue.errors import StoreError
from emberline.scenarios.messages import with_messages
from emberline.scenarios.whole_file import write

if TYPE_CHECKING:
    from emberline.models import Study

IDLE_S = float(os.environ.get("EMBERLINE_IDLE_S") or 600.0)
"""Time that an idle worker waits for another job [s]."""
LOOK_S = 0.05


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Wait for a slot in order of arrival; :func:`limit` is the number of slots."""
    queue, slots = folder.parent / "queue", folder.parent / "slots"
    ticket = queue / f"{time.time_ns():020d}-{folder.name}.lock"
    with FileLock(ticket):
        while True:
            slot = _slot(slots) if _first(queue, ticket) else None
            if slot is not None:
                break
            time.sleep(0.2)
    ticket.unlink(missing_ok=True)
    try:
        yield
    finally:
        slot.release()


def _first(queue: Path, candidate: Path) -> bool:
    for ticket in sorted(queue.glob("*.lock")):
        if ticket == candidate:
            return True
        if is_locked(ticket):
            return False
        ticket.unlink(missing_ok=True)  # its owner is dead
    return True


def _slot(slots: Path) -> FileLock | None:
    for number in range(limit()):
        lock = FileLock(slots / f"{number}.lock", timeout=0)
        with suppress(Timeout):
            lock.acquire()
            return lock
    return None


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _progress_writer(folder: Path) -> Callable[[dict[str, Any]], None]:
    """Return a function that appends events, at most four per second while the incumbent is unchanged."""
    last: dict[str, Any] = {}

    def report(event: dict[str, Any]) -> None:
        event = {name: _plain(value) for name, value in event.items()} | {"at": round(time.time(), 3)}
        same = event.get("phase") == last.get("phase") and event.get("incumbent") == last.get("incumbent")
        if event.get("phase") == "optimize" and "seconds" in event and same and event["at"] - last["at"] < 0.25:
            return
        last.clear()
        last.update(event)
        # on a full disk the search continues, as its result may still be stored
        with suppress(OSError), (folder / "events.jsonl").open("ab") as log:
            log.write(json.dumps(with_messages(event)).encode() + b"\n")

    return report


def work(folder: Path, study: Study | None = None) -> None:
    """Process the request of a job folder and store the result.

    Args:
        folder: folder with ``request.json``.
        study: warm-start data of earlier plans.
    """
    from emberline.runs.work.tasks import KINDS, Task
    from emberline.scenarios import ScenarioError

    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    report = _progress_writer(folder)
    # the time-out allows for status checks, which hold the lock briefly
    with FileLock(folder / "worker.lock", timeout=10), (folder / "late.txt").open("w") as late:
        write(folder / "worker.pid", str(os.getpid()))
        try:
            with _turn(folder):
                report({"phase": "twin"})
                outcome = KINDS[request.get("kind", "plan")](Task(folder, request, report, late, study))
                report({"phase": "stored", **outcome})
        except ScenarioError as error:
            report({"phase": "refused", "lines": [str(problem) for problem in error.problems]})
        except StoreError as error:
            report({"phase": "refused", "lines": [str(error)]})
        except MemoryError:
            report({"phase": "failed", "lines": ["out of memory; allow more, or reduce the request"]})
        except Exception as error:  # any failure must be reported to the page
            with suppress(OSError):
                (folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
            text = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            report({"phase": "failed", "lines": [text, f"details: {folder / 'error.txt'}"]})
        finally:
            faulthandler.cancel_dump_traceback_later()


def _next(jobs: Path) -> Path | None:
    """Wait for another job; None if there is none in time, or the folder of jobs is gone."""
    idle = jobs / "idle"
    lock = idle / f"{uuid.uuid4().hex}.lock"
    note = lock.with_suffix(".next")
    until = time.monotonic() + IDLE_S
    try:
        with FileLock(lock):
            while time.monotonic() < until and lock.exists() and not note.exists():
                time.sleep(LOOK_S)
        lock.unlink(missing_ok=True)
        assignment = lock.with_suffix(".taken")
        note.rename(assignment)  # whoever moves the note decides
        folder = Path(assignment.read_text())
        assignment.unlink()
    except (FileNotFoundError, Timeout):
        return None
    return folder


def main(first: Path) -> None:
    """Process a job, and then further jobs as they are assigned."""
    from emberline.models import Study

    study, folder = Study(), first
    while True:
        work(folder, study)
        next_folder = _next(folder.parent)
        if next_folder is None:
            return
        folder = next_folder
        with (folder / "output.txt").open("wb") as output:
            for stream in (1, 2):
                os.dup2(output.fileno(), stream)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
