"""The house stands: imports go only downward, and nothing tracked names a machine or a registry."""

from __future__ import annotations

import ast
import re
import subprocess
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


def imported(path: Path) -> set[str]:
    """The top-level names that a file imports, wherever in the file it does so."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import; write the room's name"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("room", BELOW)
def test_imports_go_only_downward(room: str) -> None:
    """Proves: scenarios ← twin, models ← plans ← ui ← app.py. Sensitivity: twin importing models fails here."""
    forbidden = (set(BELOW) | {"tests", "benchmarks"}) - BELOW[room] - {room}
    files = sorted((ROOT / room).rglob("*.py")) or sorted(ROOT.glob(f"{room}.py"))
    assert files, f"there is no {room}"
    wrong = {str(file.relative_to(ROOT)): bad for file in files if (bad := imported(file) & forbidden)}
    assert not wrong, wrong


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
