"""A disk that takes no more: what is stored is read, whatever writes says so in one line, and nothing is torn.

The system's limit on the size of a file refuses what a full disk refuses, without one: in a new home, in a home, in a
run's folder while netCDF is written, in the catalogue, in a job's folder, where an export goes, and in the folder for
what is temporary.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import planned
import pytest
from writers import ROOT, stored_run

from emberline.runs.store.store import Store

pytest.importorskip("resource", reason="files cannot be limited on this system")

ACTS = """
import json, resource, sys
from pathlib import Path
from emberline.runs.store.run_folder import read
from emberline.runs.store.catalogue import NotKeptError
from emberline.runs.store.store import Store
home, source, sizes = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
plan, last = read(source, "").plan, source.name
def make(run):
    with Store(home).working(plan.scenario, run) as run:
        Store(home).save(run, plan)
says = {}
for place, size in enumerate(sizes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), resource.RLIM_INFINITY))
    acts = {
        "list": lambda: [entry.id for entry in Store(home).search() if entry.state == "stored"],
        "open": lambda: Store(home).open(Store(home).find("last")).id,
        "name": lambda: Store(home).label(last, name="name"),
        "delete": lambda: Store(home).delete(last) or Store(home).restore(last),
        "make": lambda: make(str(place) * 32),
    }
    said = says[size] = {}
    for name, act in acts.items():
        try:
            said[name] = act()
        except NotKeptError as error:
            said[name] = f"refused: {error}"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(json.dumps(says))
"""
WRITES = """
import json, resource, sys, tempfile
from pathlib import Path
from emberline.reports.exports import FORMATS, export
from emberline.runs.jobs import queue
from emberline.runs.store.run_folder import read
from emberline.runs.store.store import Store, StoreError
from emberline.ui.cli import faults
source, out = read(Path(sys.argv[1]), ""), Path(sys.argv[2])
def temporary():
    with tempfile.TemporaryFile() as file:
        file.write(b"something")
acts = {kind: lambda kind=kind: export(source, kind, out / f"plan.{kind}") for kind in FORMATS}
acts["job"] = lambda: queue.start("melt-shop-small", run="9" * 32)
acts["temporary"] = temporary
acts["new home"] = lambda: Store(out / "new").search()
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
says = {}
for name, act in acts.items():
    try:
        says[name] = f"done: {act()}"
    except Exception as error:
        says[name] = str(error) if isinstance(error, StoreError) else faults.in_words(error) or repr(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(json.dumps(says))
"""
WORDS = ("File too large", "the disk is full")
NONE, TOO_FEW, SOME = "0", "16000", "40000"


def test_what_is_stored_is_read_and_nothing_is_torn(tmp_path: Path) -> None:
    """Proves: with no room at all, with too little for the journal of the catalogue, and with too little for a plan's
    files, runs are listed and opened, writing is refused in one line, and afterwards all is as before.

    Sensitivity: SQLite makes an index of its journal before it reads, and fails where there is no room for it."""
    home = tmp_path / "home"
    source = stored_run(home)
    command = [sys.executable, "-c", ACTS, str(home), str(source.folder), NONE, TOO_FEW, SOME]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    for size, text in json.loads(process.stdout).items():
        assert (text["list"], text["open"]) == ([source.id], source.id)
        if size != SOME:
            refused = f"refused: catalogue {home / 'catalogue.db'}: the disk is full"
            assert text["name"] == text["delete"] == text["make"] == refused
        else:
            assert text["make"].startswith(f"refused: run {'2' * 32} could not be written to {home / 'runs'}: ")
            assert "\n" not in text["make"]

    store = Store(home)
    assert [entry.state for entry in store.search() if entry.id == source.id] == ["stored"]
    assert {entry.state for entry in store.search() if entry.id != source.id} <= {"broken"}
    assert store.open(source.id).plan.replay_figures == planned.full_plan().replay_figures
    assert [path.name for path in store.runs_folder.iterdir() if not path.name.endswith(".lock")] == [source.id]


def test_whatever_else_writes_says_so(tmp_path: Path) -> None:
    """Proves: every format of an export, a job, what is temporary and a new home are refused in one line that names the
    system's own words, and leave nothing, no job either that others would take for one under way.

    Sensitivity: a library's own error, a trace of SQLite's, a job's folder without a request."""
    home, out = tmp_path / "home", tmp_path / "out"
    source = stored_run(home)
    out.mkdir()
    command = [sys.executable, "-c", WRITES, str(source.folder), str(out)]
    table = {**os.environ, "EMBERLINE_HOME": str(home)}
    process = subprocess.run(command, cwd=ROOT, env=table, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr) == (0, "")
    for name, text in json.loads(process.stdout).items():
        assert text.endswith(WORDS) or "No usable temporary directory" in text, (name, text)
        assert "\n" not in text
    assert [path.name for path in out.iterdir()] == ["new"]
    assert list((home / "jobs").glob("9*")) == []
