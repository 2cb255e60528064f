"""The tutorial is run as it stands: every command, its exit code, and the output that is quoted."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from commands import emberline

TUTORIAL = Path(__file__).resolve().parent.parent / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXIT = re.compile(r"\s+# exits with (\d+)$")


def commands(block: str) -> list[tuple[str, int, list[str]]]:
    """Command, expected exit code and quoted output of each command of a console block."""
    rows: list[tuple[str, int, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            code = EXIT.search(line)
            rows.append((EXIT.sub("", line[2:]), int(code[1]) if code else 0, []))
        elif line.strip():
            rows[-1][2].append(line)
    return rows


def run(command: str, alone: bool) -> tuple[int, str]:
    """Run a command, ``alone`` as the program of this environment; exit code and what it said on both streams."""
    program, *arguments = shlex.split(command)
    assert program == "emberline", command
    if not alone:
        process = emberline(*arguments, together=True)
    else:
        process = subprocess.run(
            [Path(sys.executable).parent / program, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=300, check=False,
        )  # fmt: skip
    return process.returncode, process.stdout


def missing(quoted: list[str], text: str) -> str | None:
    """The first quoted line that does not follow, in order, in the output; spaces do not count, … is anything."""
    lines = iter([" ".join(line.split()) for line in text.splitlines()])
    for quote in quoted:
        if quote.strip() == "…":
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in " ".join(quote.split()).split("…")))
        if not any(pattern.fullmatch(line) for line in lines):
            return quote
    return None


def test_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a reader who types the tutorial gets what it shows. Sensitivity: any word of the command that changes.

    The first command is the program itself; the others run in this process, where a start takes no time."""
    for name in ("EMBERLINE_DEBUG", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, text in (("EMBERLINE_HOME", str(tmp_path / "home")), ("PYTHONIOENCODING", "utf-8")):
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(tmp_path)
    ran = 0
    for kind, name, text in BLOCK.findall(TUTORIAL.read_text(encoding="utf-8")):
        file, *how = name.split() or [""]
        if kind in ("yaml", "csv") and file:
            path = tmp_path / file
            if how == ["lines"]:  # these lines take the place of those with the same key
                whole = path.read_text(encoding="utf-8")
                for line in text.splitlines():
                    key = re.escape(line.split(":")[0])
                    whole, count = re.subn(rf"^{key}:.*$", line.replace("\\", r"\\"), whole, flags=re.MULTILINE)
                    assert count == 1, line
                text = whole
            path.write_text(text, encoding="utf-8")
        elif kind == "console":
            for command, code, quoted in commands(text):
                remaining, message = run(command, alone=ran == 0)
                assert remaining == code, f"$ {command}\n{message}"
                assert (quote := missing(quoted, message)) is None, f"$ {command}\nquoted: {quote}\nsaid:\n{message}"
                ran += 1
    assert ran >= 15


@pytest.mark.parametrize(
    ("quoted", "gap"),
    [(["a 1", "c"], None), (["a …", "…", "c"], None), (["c", "a 1"], "a 1"), (["b"], "b"), (["… 2"], "… 2")],
)
def test_missing(quoted: list[str], gap: str | None) -> None:
    """Proves: order counts, a wildcard fits within a line only, part of a line is not the line."""
    assert missing(quoted, "a  1\nb b\nc\n") == gap
