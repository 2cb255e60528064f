"""Structure of the code: imports go only downward, folders stay small, and nothing names a machine or a registry."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BELOW = {  # room: the rooms it may import from
    "scenarios": set(),
    "twin": {"scenarios"},
    "models": {"scenarios"},
    "plans": {"scenarios", "twin", "models"},
    "ui": {"scenarios", "twin", "models", "plans"},
    "app": {"ui"},
}
ROOMS = [room for room in BELOW if room != "app"]
SIDE_BY_SIDE = 16
"""Most Python files in one folder."""


def _files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py")) or sorted(ROOT.glob(f"{room}.py"))


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(path: Path) -> set[str]:
    """Modules and names that a file imports, wherever in the file it does so; rooms without ``emberline.``."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import; write the room's name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    bare = {name for name in names if name.split(".")[0] in ROOMS}
    assert not bare, f"{path}: {bare} without the package emberline: another module of that name would be taken"
    return {name.removeprefix("emberline.") for name in names}


@cache
def _modules() -> dict[str, set[str]]:
    """Every module of the rooms with the modules that it imports."""
    paths = {_name(path): path for room in ROOMS for path in _files(room)}
    graph: dict[str, set[str]] = {}
    for name, path in paths.items():
        targets = (target if target in paths else target.rpartition(".")[0] for target in _imported(path))
        graph[name] = {target for target in targets if target in paths and target != name}
    return graph


@pytest.mark.parametrize("room", BELOW)
def test_imports_go_only_downward(room: str) -> None:
    """Proves: scenarios ← twin, models ← plans ← ui ← app.py. Sensitivity: twin importing models fails here."""
    forbidden = (set(BELOW) | {"tests", "benchmarks"}) - BELOW[room] - {room}
    files = _files(room)
    assert files, f"there is no {room}"
    rooms = {str(file.relative_to(ROOT)): {name.split(".")[0] for name in _imported(file)} for file in files}
    wrong = {file: names & forbidden for file, names in rooms.items() if names & forbidden}
    assert not wrong, wrong


@pytest.mark.parametrize("room", ROOMS)
def test_no_folder_is_crowded(room: str) -> None:
    """Proves: a reader finds a file from the listing. Sensitivity: a seventeenth file in a folder fails here."""
    crowded = {
        str(k.relative_to(ROOT)): n for k, n in Counter(f.parent for f in _files(room)).items() if n > SIDE_BY_SIDE
    }
    assert not crowded, crowded


def test_nothing_tracked_names_a_machine_or_a_registry() -> None:
    """Proves: the checkout works anywhere. Sensitivity: a home folder's path or an index's host fails here."""
    machine = r"(?<![\w.~-])/(?:work|root|tmp|home|Users)/[\w.-]"
    registry = r"pypi\.org|pythonhosted\.org|registry\.npmjs|index-url|trusted-host"
    git = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if git.returncode:
        pytest.skip("not a git checkout")
    wrong = []
    for name in filter(None, git.stdout.decode().split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" in content[:8000]:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
            if re.search(rf"{machine}|{registry}", line) and "machine = r" not in line and "registry = r" not in line:
                wrong.append(f"{name}:{number}: {line.strip()[:100]}")
    assert not wrong, "\n".join(wrong)


DOOR = 10
"""Most names that a door exports."""
CHAINS = {"plans": 12}
"""Longest chain of imports within a room, file by file; lazy and type-only imports count."""


def _exported(path: Path) -> list[str]:
    """Names in ``__all__`` of a package's ``__init__``."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


@pytest.mark.parametrize("room", ["plans"])
def test_a_room_is_entered_by_its_doors(room: str) -> None:
    """Proves: rooms above import only what a folder of the room exports, and no folder exports more than ten names.

    Sensitivity: an import of ``plans.store.run_record`` by a page, an eleventh name in a door."""
    doors = {_name(path): _exported(path) for path in _files(room) if path.name == "__init__.py"}
    crowded = {name: len(names) for name, names in doors.items() if len(names) > DOOR}
    assert not crowded, crowded
    above = [other for other in (*ROOMS, "app", "emberline") if room in BELOW.get(other, {room})]
    past = []
    for path in (file for other in above for file in _files(other)):
        for target in _imported(path):
            package, _, name = target.rpartition(".")
            if target.startswith(f"{room}.") and name not in doors.get(package, []) and target not in doors:
                past.append(f"{path.relative_to(ROOT)}: {target}")
    assert not past, "\n".join(past)


@pytest.mark.parametrize("room", CHAINS)
def test_import_chains_are_short(room: str) -> None:
    """Proves: a reader passes few files from the top of a room to its ground, and none twice.

    Sensitivity: a record that imports what is computed from it."""
    graph = {name: targets for name, targets in _modules().items() if name.split(".")[0] == room}
    chains: dict[str, list[str]] = {}

    def chain(name: str, way: tuple[str, ...] = ()) -> list[str]:
        assert name not in way, f"a circle: {' → '.join((*way, name))}"
        if name not in chains:
            below = [chain(target, (*way, name)) for target in graph[name] & graph.keys()]
            chains[name] = [name, *max(below, key=len, default=[])]
        return chains[name]

    longest = max((chain(name) for name in graph), key=len)
    assert len(longest) <= CHAINS[room], " → ".join(longest)
