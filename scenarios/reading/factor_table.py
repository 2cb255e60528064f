"""Read emission factors from CSV files: the table of a scenario and the bundled tables."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from emberline.scenarios.reading.files import weighed
from emberline.scenarios.records.factors import FactorRow, FactorTable
from emberline.scenarios.records.faults import fault

BUNDLED = ("emission_factors.csv", "emission_gases.csv", "compliance_factors.csv")
LARGEST_FILE_MB = 4


def read_table(path: Path) -> FactorTable:
    """Read a table from a CSV file with the columns of ``FactorRow``; name, value, unit and source are required.

    Raises:
        ValueError: the file cannot be read, a row is invalid, or two rows of a name and gas are valid on the same day.
    """
    weighed(path, LARGEST_FILE_MB)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is not UTF-8 text (byte {error.start})") from None
    return FactorTable(tuple(_rows(csv.DictReader(text.splitlines()), path.name)))


def _rows(reader: csv.DictReader[str], name: str) -> Iterator[FactorRow]:
    columns = {"name", "value", "unit", "source"}
    lacking = sorted(columns - set(reader.fieldnames or ()))
    if lacking:
        raise ValueError(f"{name} lacks the column {', '.join(lacking)}")
    rows: dict[str, list[FactorRow]] = {}
    for raw in reader:
        values = {key: value for key, value in raw.items() if key and value not in (None, "")}
        try:
            row = FactorRow.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"{name} line {reader.line_num}: {key + ': ' if key else ''}{fault(first)}") from None
        same = rows.setdefault(row.name, [])
        twin = next((other for other in same if row.meets(other)), None)
        if twin:
            raise ValueError(
                f"{name} line {reader.line_num}: two rows of {row.name} ({twin.gas}, {row.gas}) hold on the same day: "
                f"{twin.span} and {row.span}"
            )
        same.append(row)
        yield row


@cache
def bundled() -> FactorTable:
    """Return the bundled table."""
    folder = Path(str(files("emberline.scenarios"))) / "data"
    return FactorTable(tuple(row for name in BUNDLED for row in read_table(folder / name).rows))


def factor_table(folder: Path, name: str | None) -> FactorTable:
    """Return the factors of a scenario; those of its own table, if any, take precedence over the bundled ones."""
    return bundled() if name is None else read_table(folder / name).over(bundled())
