"""A disk that takes no more: what is stored is read, whatever writes says so in one line, and nothing is torn.

The system's limit on the size of a file refuses what a full disk refuses, without one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import planned
import pytest
from writers import ROOT, kept

from plans.store import Store

resource = pytest.importorskip("resource", reason="files cannot be limited on this system")

ACTS = """
import json, resource, sys
from pathlib import Path
from plans.run_folder import read
from plans.store import NotKeptError, Store
home, source, size = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
plan = read(source, "").plan
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
def make():
    with Store(home).working(plan.scenario, "b" * 32) as run:
        Store(home).save(run, plan)
run = source.name
acts = {
    "list": lambda: [entry.id for entry in Store(home).list() if entry.state == "stored"],
    "open": lambda: Store(home).open(Store(home).find("last")).id,
    "name": lambda: Store(home).rename(run, "name"),
    "delete": lambda: Store(home).delete(run),
    "make": make,
}
says = {}
for name, act in acts.items():
    try:
        says[name] = act()
    except NotKeptError as error:
        says[name] = f"refused: {error}"
print(json.dumps(says))
"""




@pytest.mark.parametrize("size", [0, 16_000, 40_000])
def test_what_is_stored_is_read_and_nothing_is_torn(tmp_path: Path, size: int) -> None:
    """Proves: with no room at all, with too little for the journal of the catalogue, and with too little for a plan's
    files, runs are listed and opened, writing is refused in one line, and afterwards all is as before.

    Sensitivity: SQLite makes an index of its journal before it reads, and fails where there is no room for it."""
    source = kept(tmp_path / "home")
    command = [sys.executable, "-c", ACTS, str(tmp_path / "home"), str(source.folder), str(size)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    says = json.loads(done.stdout)
    assert says["list"] == [source.id]
    assert says["open"] == source.id
    if size < 32_768:
        assert says["name"] == says["delete"] == f"refused: catalogue {tmp_path}/home/catalogue.db: the disk is full"
    assert says["make"].startswith("refused: ")
    assert "\n" not in says["make"]

    store = Store(tmp_path / "home")
    if says["delete"] is None:
        store.restore(source.id)
    states = {entry.id: entry.state for entry in store.list()}
    assert states.pop(source.id) == "stored"
    assert set(states.values()) <= {"broken"}
    assert store.open(source.id).plan.replay_figures == planned.made().replay_figures
    assert [path.name for path in store.runs_folder.iterdir() if not path.name.endswith(".lock")] == [source.id]
