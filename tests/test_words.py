"""Words of the glossary: code, messages and documentation use its terms, and names say what a thing is."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GLOSSARY = ROOT / "docs" / "glossary.md"
PARTICIPLES = (
    "asked", "begun", "chosen", "done", "drawn", "found", "given", "held", "kept", "known", "laid", "left", "made",
    "meant", "needed", "own", "put", "said", "seen", "shown", "sought", "taken", "told", "tried", "wanted", "written",
)  # fmt: skip
"""Names that do not say what a thing is; an underscore at either end changes nothing."""


def _rows(heading: str) -> Iterator[list[str]]:
    """Cells of the rows of the table below a heading of the glossary, without its head."""
    section = GLOSSARY.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    for line in lines[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


@cache
def banned_words() -> re.Pattern[str]:
    """The words in the last columns of the glossary."""
    words = [
        word.strip() for heading in ("Terms", "Plain words") for row in _rows(heading) for word in row[-1].split(",")
    ]
    return re.compile(rf"\b({'|'.join(sorted(filter(None, words), key=len, reverse=True))})\b", re.IGNORECASE)


def words(text: str) -> Counter[str]:
    """Banned words in a text."""
    return Counter(match[0].lower() for match in banned_words().finditer(" ".join(text.split())))


def names(source: str) -> Counter[str]:
    """Banned names that a source file gives to variables, arguments, attributes, functions or classes."""
    counts: Counter[str] = Counter()
    for node in ast.walk(ast.parse(source)):
        name = ""
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            name = node.attr
        elif isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = node.name
        if name.strip("_").lower() in PARTICIPLES:
            counts[name] += 1
    return counts


def _files(*paths: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", *paths], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize(
    "room",
    [
        "scenarios",
        "twin",
        "models",
        "planning",
        "studies",
        "runs",
        "reports",
        "live",
        "ui",
        "emberline",
        "benchmarks",
        "tests",
    ],
)
def test_code_uses_the_words_of_the_glossary(room: str) -> None:
    """Proves: a room has no banned word or name. Sensitivity: one of them fails here."""
    bad_words, bad_names = Counter[str](), Counter[str]()
    for file in _files(room):
        if file.suffix == ".py" and file != Path(__file__):  # which lists them
            source = file.read_text(encoding="utf-8")
            bad_words += words(source)
            bad_names += names(source)
    assert not bad_words
    assert not bad_names


def test_documentation_uses_the_words_of_the_glossary() -> None:
    """Proves: no banned word in README and docs. Sensitivity: one of them fails here."""
    counts = {
        file.name: words(file.read_text(encoding="utf-8"))
        for file in _files("README.md", "docs")
        if file.suffix == ".md"
    }
    counts.pop(GLOSSARY.name, None)
    assert not {name: count for name, count in counts.items() if count}


def test_the_glossary_has_one_row_for_each_term() -> None:
    """Proves: every term stands once, with unit and meaning. Sensitivity: a term in two rows fails here."""
    rows = list(_rows("Terms"))
    assert all(len(row) == 5 and row[0] and row[2] and row[3] for row in rows)
    terms = Counter(term.strip() for row in rows for term in row[0].split(","))
    assert [term for term, count in terms.items() if count > 1] == []


@pytest.mark.parametrize("row", [*_rows("Terms"), *_rows("Plain words")], ids=lambda row: row[0])
def test_a_banned_word_is_noticed(row: list[str]) -> None:
    """Proves: each banned word is noticed in a string, a comment and a name, and no term of the glossary is banned."""
    assert not words(row[0])
    for word in filter(None, row[-1].split(",")):
        assert words(f'x = "It is {word.strip()}."  # {word.strip()}').total() == 2


@pytest.mark.parametrize("name", PARTICIPLES)
def test_a_banned_name_is_noticed(name: str) -> None:
    """Proves: each banned name is noticed wherever a name is given; reading one that others gave is none."""
    source = (
        f"{name} = 1\nobject.{name} = 2\ndef _{name}({name}, x): return x.{name}, {name}\nclass {name.title()}: pass\n"
    )
    assert names(source).total() == 5
