"""The commands ``calibrate`` and ``log``: from a log to an overlay that other commands take."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from emberline.ui.cli.main import main


def emberline(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, with its streams caught; a process of its own takes a second longer."""
    text, message = io.StringIO(), io.StringIO()
    with redirect_stdout(text), redirect_stderr(message), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["emberline", *args])
        patch.setenv("EMBERLINE_HOME", str(folder / "home"))
        with pytest.raises(SystemExit) as remaining:
            main()
    return subprocess.CompletedProcess(args, int(remaining.value.code or 0), text.getvalue(), message.getvalue())


@pytest.fixture(scope="module")
def heats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that the twin made."""
    path = tmp_path_factory.mktemp("log") / "heats.csv"
    code = emberline(path.parent, "log", "melt-shop-small", "--out", str(path), "--days", "12")
    assert (code.returncode, code.stdout) == (0, f"{path}\n"), code.stderr
    return path


def test_from_log_to_overlay(heats: Path, tmp_path: Path) -> None:
    """Proves: figures with intervals, the check and what stays are reported, and the overlay is taken by other
    commands."""
    over = tmp_path / "over.yaml"
    code = emberline(tmp_path, "calibrate", "melt-shop-small", "--log", str(heats), "--out", str(over))
    assert code.returncode == 0, code.stderr
    for part in (
        "95 % interval",
        "heats that the twin was not fitted to",
        "passed: the twin reproduces",
        "drift",
        "kept",
        f"--set @{over}",
    ):
        assert part in code.stdout, part
    again = emberline(tmp_path, "check", "melt-shop-small", "--set", f"@{over}")
    assert (again.returncode, "no mistake found" in again.stdout) == (0, True), again.stderr
    refused = emberline(tmp_path, "calibrate", "melt-shop-small", "--log", str(heats), "--out", str(over))
    assert (refused.returncode, "--force" in refused.stderr) == (2, True)


def test_json_has_what_a_page_draws(heats: Path, tmp_path: Path) -> None:
    """Proves: the whole result as JSON and nothing else. Sensitivity: nan or infinity in it would be refused."""
    code = emberline(tmp_path, "calibrate", "melt-shop-small", "--log", str(heats), "--json")
    answer: dict[str, Any] = json.loads(code.stdout)
    assert answer["heats"] == 108
    assert answer["hold_out"]["passed"] is True
    assert {chart["unit"] for chart in answer["charts"]} == {"EAF", "LF", "CC"}
    assert all(len(chart["start"]) == len(chart["ewma"]) > 0 for chart in answer["charts"])


def test_mistakes_are_one_line_and_exit_code_2(heats: Path, tmp_path: Path) -> None:
    """Proves: no stack trace for a user's mistake, nothing written."""
    lines = heats.read_text(encoding="utf-8").splitlines()
    three = [lines[0], *[line for line in lines if line.startswith(("0:C1-1,", "0:C1-2,", "0:C1-3,"))]]
    short = tmp_path / "short.csv"
    short.write_text("\n".join(three) + "\n", encoding="utf-8")
    over = tmp_path / "over.yaml"
    for args, text in (
        (("melt-shop-small", "--log", str(short)), "short.csv: 3 heats are too few: at least 10 of one grade"),
        (("melt-shop-small", "--log", "none.csv"), "none.csv: no such file"),
        (("cement-week", "--log", str(heats)), "cement-week: has no line, so a heat log cannot belong to it"),
        (("melt-shop-day", "--log", str(heats)), "unknown unit; units are EAF1"),
    ):
        code = emberline(tmp_path, "calibrate", *args, "--out", str(over))
        assert (code.returncode, code.stdout) == (2, ""), code.stderr
        assert text in code.stderr.splitlines()[0]
        assert "Traceback" not in code.stderr
        assert not over.exists()
