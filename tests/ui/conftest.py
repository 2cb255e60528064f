"""A home with one stored plan, made once for all tests of the faces."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def stored_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home folder with one plan of the small melt shop, and the plan's id. To be copied, not changed."""
    home = tmp_path_factory.mktemp("stored")
    command = [sys.executable, "-m", "ui", "plan", "melt-shop-small", "--quiet", "--time-limit", "5"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "EMBERLINE_HOME": str(home)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    (run,) = [path.name for path in (home / "runs").iterdir() if not path.name.startswith(".")]
    return home, run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, for this process and those that it starts."""
    folder = tmp_path / "home"
    monkeypatch.setenv("EMBERLINE_HOME", str(folder))
    return folder
