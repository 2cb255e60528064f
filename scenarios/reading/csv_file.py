"""Rows of a CSV file that a user names."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from emberline.scenarios.records.base import Problem, ScenarioError


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
