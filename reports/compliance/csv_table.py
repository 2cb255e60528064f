"""Tables of a CSV file that a report is made of, with the place of each row."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TypeVar

from emberline.scenarios.reading.files import named, unreadable
from emberline.scenarios.reading.table import csv_rows
from emberline.scenarios.records.base import Problem


class Unreadable(ValueError):
    """A file that cannot be read, and why."""

    def __init__(self, file: str, between: str, says: str) -> None:
        super().__init__(f"{file}{between}{says}")
        self.file, self.says = file, says


def csv_table(path: Path, *kinds: Collection[str]) -> csv.DictReader[str]:
    """The table of a file.

    Args:
        path: of the file.
        kinds: required columns of each kind of file that it may be.

    Raises:
        Unreadable: it cannot be read, or is of no kind: what it lacks of the last one.
    """
    problem = unreadable(path)
    if problem:
        raise Unreadable(named(path), ": ", problem)
    try:
        table = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines())
    except UnicodeDecodeError as error:
        raise Unreadable(path.name, " ", f"is not UTF-8 text (byte {error.start})") from None
    lacking = [[name for name in columns if name not in (table.fieldnames or ())] for columns in kinds]
    if all(lacking):
        raise Unreadable(path.name, " ", f"lacks the column {', '.join(lacking[-1])}")
    return table


def placed_rows(table: csv.DictReader[str], file: str) -> Iterator[tuple[str, dict[str, str]]]:
    """File and number of each row, and its cells without blanks, by column."""
    for number, raw in csv_rows(table, file):
        yield f"{file} row {number}", {key: (text or "").strip() for key, text in raw.items() if isinstance(key, str)}


Row = TypeVar("Row")


def parsed_rows(
    table: csv.DictReader[str], file: str, parse: Callable[[dict[str, str], str], Row], problems: list[Problem]
) -> Iterator[Row]:
    """Rows of a table as a function makes them of cells and place; its mistakes, ``key: text``, are added."""
    for place, cells in placed_rows(table, file):
        try:
            yield parse(cells, place)
        except ValueError as error:
            key, _, text = str(error).partition(": ")
            problems.append(Problem(place, key, text))


def amount(text: str) -> float | None:
    """A number of at least 0; None: it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
