"""Rows of a CSV file that a user names."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import Any

from emberline.scenarios.records.base import Problem, ScenarioError

OTHERS = (";", "\t", "|")
"""Separators of cells that are not read."""


def one_column(names: Sequence[str]) -> str:
    """Error message for a table whose cells are separated by another sign than commas; empty: none."""
    sign = next((sign for sign in OTHERS if len(names) == 1 and sign in str(names[0])), "")
    return f"one column was read, as its cells are separated by {sign!r} instead of commas" if sign else ""


def csv_rows(table: csv.DictReader[str], name: str) -> Iterator[tuple[int, dict[str | Any, str | Any]]]:
    """Rows of a CSV file with the lines that they end in.

    Raises:
        ScenarioError: a row that cannot be read, such as one with a cell that is too long.
    """
    try:
        for row in table:
            yield table.line_num, row
    except csv.Error as error:
        raise ScenarioError([Problem(f"{name} row {table.line_num}", "", f"cannot be read: {error}")]) from None
