"""Who writes into a home: processes that wait for a word and may be killed, and hands that copy a folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import planned

from emberline.runs.store.store import Store, StoredRun

ROOT = Path(__file__).resolve().parents[2]

COPIES = """
for _ in range(int(rest[0])):
    with store().working(plan.scenario) as run:
        store().save(run, plan)
    print(run, flush=True)
"""
"""Stores a plan so many times, and acknowledges each."""

_BEGIN = """
import sys
from pathlib import Path
from emberline.runs.store.run_folder import read
from emberline.runs.store.store import Store, StoreError
source, target, *rest = sys.argv[1:]
if source:
    plan = read(Path(source), "").plan
else:
    import emberline.runs.store.catalogue.catalogue, alembic.command
opened = []
def store():
    if not opened:
        opened.append(Store(Path(target)))
    return opened[0]
print("ready", flush=True)
sys.stdin.readline()
"""


def writer(
    source: StoredRun | None, target: Path, *remaining: str, does: str = COPIES, prelude: str = ""
) -> subprocess.Popen[str]:
    """A process that opens the home ``target`` when it gets a line.

    Args:
        source: its plan is ``plan`` in what the process does.
        target: the home of ``store()``.
        rest: what it may need besides, a list of this name.
        does: the program.
        prelude: what comes before everything else.
    """
    where = str(source.folder) if source else ""
    return subprocess.Popen(
        [sys.executable, "-c", prelude + _BEGIN + does, where, str(target), *remaining],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def begin(*processes: subprocess.Popen[str]) -> None:
    """Wait until all are ready, then let them go at once."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready", process.communicate()[1]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


def end(*processes: subprocess.Popen[str]) -> list[list[str]]:
    """Wait until all are done without a word on the error output; the lines that each has said."""
    rows = []
    for process in processes:
        lines, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, "")
        rows.append(lines.split())
    return rows


def stored_run(home: Path) -> StoredRun:
    """The plan of ``planned.full_plan``, stored in a home."""
    store, result = Store(home), planned.full_plan()
    with store.working(result.scenario) as run:
        store.save(run, result)
    return store.open(run)


def copied_run(source: StoredRun, home: Path, run: str) -> Path:
    """Lay the folder of a run into a home, as somebody who copies files does."""
    folder = home / "runs" / run
    shutil.copytree(source.folder, folder)
    (folder / "plan.json").write_text(json.dumps({**source.meta, "run": run}), encoding="utf-8")
    return folder


def number(digit: str) -> str:
    """An id."""
    return digit * 32
