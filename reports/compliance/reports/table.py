"""A report as tables: the same for JSON and for a page of HTML."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emberline.reports.compliance.evidence import Entry
from emberline.reports.pages import rendered

Cell = str | float | int | None
TEMPLATE = Path(__file__).with_name("report.html.j2")


@dataclass(frozen=True)
class Table:
    """Rows under a heading."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def as_dicts(self) -> list[dict[str, Cell]]:
        """Rows by their columns."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    @staticmethod
    def text(cell: Cell) -> str:
        """A cell as text: whole numbers with thousands, others with up to six figures."""
        if cell is None:
            return ""
        if isinstance(cell, int):
            return f"{cell:,}"
        if isinstance(cell, float):
            return f"{cell:,.0f}" if abs(cell) >= 1e6 else f"{cell:,.6g}"
        return cell


@dataclass(frozen=True)
class Document:
    """A report: tables, remarks, and the same figures as plain data."""

    title: str
    subtitle: str
    tables: tuple[Table, ...]
    remarks: tuple[str, ...]
    figures: dict[str, Any]
    """Not rounded."""
    record: str = ""
    """Newest record of the period, with its hash."""

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        tables = {table.title: table.as_dicts() for table in self.tables}
        return {
            "title": self.title,
            "period": self.subtitle,
            **self.figures,
            "tables": tables,
            "remarks": [*self.remarks],
        }

    def json(self) -> str:
        """The text of its file of evidence."""
        return json.dumps(self.as_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def with_record(self, kind: str, entry: Entry | None) -> Document:
        """This document with the newest record of its period, and whether it is the one recorded.

        Args:
            kind: name of the report.
            entry: the newest record; None: there is none.
        """
        if entry is None:
            return self
        sha256 = hashlib.sha256(self.json().encode()).hexdigest()
        same = sha256 in (file.sha256 for file in entry.files if file.name == f"{kind}.json")
        text = "this report is the one recorded" if same else f"this report differs from the recorded {kind}.json"
        figures = {"number": entry.number, "state": entry.state, "sha256": entry.sha256, "same_report": same}
        return replace(
            self,
            figures={**self.figures, "newest_record": figures},
            record=f"Newest record: {entry}, hash {entry.sha256}; {text}",
        )

    def html(self) -> str:
        """A page that needs nothing else."""
        return rendered(TEMPLATE, document=self, cell_text=Table.text, is_number=is_number)


def write_excel(document: Document, path: Path) -> None:
    """A workbook with a sheet for each table, figures not rounded, and one for the remarks."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold = book.add_format({"bold": True})
        for part in document.tables:
            sheet = book.add_worksheet("".join(letter for letter in part.title if letter not in r"[]:*?/\\")[:31])
            sheet.write_string(0, 0, f"{document.title}: {part.title}", bold)
            sheet.write_string(1, 0, document.subtitle)
            sheet.write_row(3, 0, part.columns, bold)
            for index, row in enumerate(part.rows, start=4):
                sheet.write_row(index, 0, row)
            sheet.write_string(5 + len(part.rows), 0, part.note)
            sheet.autofit()
        sheet = book.add_worksheet("Remarks")
        sheet.write_column(0, 0, document.remarks or ("none",))


def is_number(cell: Cell) -> bool:
    """Whether a cell is right-aligned."""
    return isinstance(cell, int | float)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], note: str = "") -> Table:
    """A table of any sequences."""
    return Table(title, tuple(columns), tuple(tuple(row) for row in rows), note)
