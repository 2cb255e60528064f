"""Lines of code of the library by room: laid out by the formatter, without blank lines, comments and docstrings.

``python -m benchmarks.size`` prints a table; with ``--check`` it fails above the number in ``pyproject.toml``, which
rises only with a reason in the changelog. Scripts and style sheets of the pages are counted apart.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tempfile
import tokenize
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ELSEWHERE = {"tests", "benchmarks", "docs", "build"}
UNTOUCHED = re.compile(r"\s*#\s*fmt:\s*(?:skip|off|on)\b.*")
"""Comments that keep the formatter from a line."""
LAYOUT = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip


def code_lines(text: str) -> int:
    """Lines of a module that hold code."""
    documented: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        for statement in getattr(node, "body", None) or [] if not isinstance(node, ast.Lambda | ast.IfExp) else []:
            value = getattr(statement, "value", None)
            if isinstance(statement, ast.Expr) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                documented |= set(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in LAYOUT:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - documented)


def formatted(paths: list[Path]) -> list[str]:
    """Texts of modules as the formatter writes them, whatever keeps it off."""
    with tempfile.TemporaryDirectory() as name:
        copies = [Path(name) / f"{i}.py" for i in range(len(paths))]
        for path, copy in zip(paths, copies, strict=True):
            copy.write_text(UNTOUCHED.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")
        ruff = Path(sys.executable).with_name("ruff")
        subprocess.run([ruff, "format", "--isolated", "--line-length", "120", "-q", name], check=True)
        return [copy.read_text(encoding="utf-8") for copy in copies]


def sizes() -> tuple[Counter[str], int]:
    """Lines of code by room, and those of scripts and style sheets."""
    git = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = [name for name in git.stdout.splitlines() if name.split("/")[0] not in ELSEWHERE]
    paths = [ROOT / name for name in names if (ROOT / name).is_file()]
    python = [path for path in paths if path.suffix == ".py"]
    rooms: Counter[str] = Counter()
    for path, text in zip(python, formatted(python), strict=True):
        rooms[path.relative_to(ROOT).parts[0]] += code_lines(text)
    pages = [path.read_text(encoding="utf-8") for path in paths if path.suffix in (".js", ".css")]
    return rooms, sum(bool(line.strip()) for text in pages for line in text.splitlines())


def main() -> int:
    """Print the table; 1 where there are more lines than allowed."""
    rooms, pages = sizes()
    most = int(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["emberline"]["lines"])
    for room, lines in rooms.most_common():
        print(f"{room:<16}{lines:>8}")
    print(f"{'Python':<16}{rooms.total():>8}   at most {most}\n{'scripts, styles':<16}{pages:>8}")
    if "--check" in sys.argv and rooms.total() > most:
        print("more lines of code than pyproject.toml allows ([tool.emberline] lines): take something out, or raise it")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
