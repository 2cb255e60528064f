"""Paths that cannot be used: one line and exit code 2, from every command that takes a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from commands import emberline, refused

LONG = "a" * 300
METER = "time,power_mw\n2026-06-16T00:00Z,1\n2026-06-16T00:15Z,2\n2026-06-16T00:30Z,3\n"
PRICES = METER.replace("power_mw", "EUR/MWh")
SMALL = "melt-shop-small"


@pytest.fixture(autouse=True)
def _here(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "here"
    (folder / "folder.yaml").mkdir(parents=True)
    (folder / "folder.csv").mkdir()
    (folder / "spot.csv").write_text(PRICES)
    monkeypatch.chdir(folder)


IMPORT = ("import", "spot.csv", "--as", "price", "-o")


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("plan", f"{LONG}.yaml"), "File name too long"),
        (("plan", LONG), "no such scenario"),
        (("plan", "folder.yaml"), "folder.yaml: is a folder, not a file"),
        (("plan", "spot.csv/x.yaml"), "no such file"),
        (("check", f"{LONG}.yaml"), "File name too long"),
        (("check", "\0.yaml"), "?.yaml: cannot be read: its name contains an invalid character"),
        (("check", SMALL, "--set", f"@{LONG}.yaml"), "File name too long"),
        (("check", SMALL, "--set", "@folder.yaml"), "is a folder, not a file"),
        (
            ("check", SMALL, "--set", r'market.price_per_mwh={csv: "a\0", column: b}'),
            "a?: cannot be read: its name contains",
        ),
        (("check", SMALL, "--set", f"market.price_per_mwh={{csv: {LONG}, column: b}}"), "File name too long"),
        (("check", SMALL, "--set", f"emissions.table={LONG}"), "File name too long"),
        (("import", LONG, "--as", "price", "-o", "p.csv"), "File name too long"),
        (("import", "folder.csv", "--as", "price", "-o", "p.csv"), "is a folder, not a file"),
        ((*IMPORT, f"{LONG}.csv"), "--output aaa"),
        ((*IMPORT, f"{'a' * 248}.csv"), "File name too long"),
        ((*IMPORT, "folder.csv"), "--output folder.csv: is a folder"),
        ((*IMPORT, "."), "--output .: formats are .csv"),
        ((*IMPORT, "spot.csv/p.csv"), "--output spot.csv/p.csv: there is no such folder"),
        ((*IMPORT, "p.csv", "--mapping", LONG), "File name too long"),
        ((*IMPORT, "p.csv", "--mapping", "folder.yaml"), "is a folder, not a file"),
        (("calibrate", SMALL, "--log", f"{LONG}.csv"), "File name too long"),
        (("calibrate", SMALL, "--log", "folder.csv"), "is a folder, not a file"),
        (("calibrate", SMALL, "--log", "spot.csv", "-o", f"{LONG}.yaml"), "File name too long"),
        (("log", SMALL, "-o", f"{LONG}.csv"), "File name too long"),
        (("levers", SMALL, "-o", f"{LONG}.csv"), "File name too long"),
        (("pareto", SMALL, "-o", f"{LONG}.csv"), "File name too long"),
    ],
)
def test_a_path_that_cannot_be_used(args: tuple[str, ...], text: str) -> None:
    """Proves: one line that names the path shortly, exit code 2, nothing written. Sensitivity: an error of the system
    that nobody has thought of is reported as one of Emberline, with exit code 3."""
    before = sorted(Path().iterdir())
    code = emberline(*args)
    assert (code.returncode, code.stdout) == (2, ""), code.stderr
    assert text in code.stderr
    (line,) = code.stderr.splitlines()
    assert len(line) < 500
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("plan", "closed.yaml"), "closed.yaml: cannot be read: Permission denied"),
        (("check", SMALL, "--set", "@closed.yaml"), "closed.yaml: cannot be read: Permission denied"),
        (("import", "closed.yaml", "--as", "price", "-o", "p.csv"), "path 'closed.yaml' is not readable"),
    ],
)
def test_what_may_not_be_read(args: tuple[str, ...], text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a file of somebody else's is reported in one line; simulated, as a superuser may read it."""
    Path("closed.yaml").write_text("name: closed")
    ask = os.access
    monkeypatch.setattr(os, "access", lambda path, mode, **more: "closed" not in str(path) and ask(path, mode, **more))
    refused(emberline(*args), text)


def test_what_may_not_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a folder that is closed is reported before anything is worked out, a disk that is full afterwards."""
    ask = os.access
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda path, mode, **more: mode != os.W_OK and ask(path, mode, **more))
        code = emberline(*IMPORT, "p.csv")
    assert (code.returncode, code.stderr) == (2, "--output p.csv: its folder cannot be written to\n")

    def full(*_: Any, **__: Any) -> int:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "write_text", full)
    code = emberline(*IMPORT, "p.csv")
    assert (code.returncode, code.stderr) == (3, "p.csv: No space left on device\n")
