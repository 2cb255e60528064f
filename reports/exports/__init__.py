"""Export of plans to files. A format is a function in ``formats`` that writes the file, and an entry in ``FORMATS``.

Every file identifies its run by a manifest with input hash, versions, seed, status, bound and gap, sign conventions and
time zone. A file is written completely or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emberline.reports.exports.formats import b2mml, calendar, excel, report
from emberline.reports.exports.formats.programs import sidecar, write_csv, write_json, write_netcdf, write_parquet
from emberline.reports.exports.tables import CannotExport
from emberline.reports.exports.workshop import workshop
from emberline.reports.text.language import mark, spoken
from emberline.runs.store.run_folder import StoredRun


@dataclass(frozen=True)
class Format:
    """File format of an export."""

    label: str
    mime: str
    write: Callable[..., None]
    """Function that writes a run to a path; it may also write files next to it that begin with the path's stem."""
    of_unit: bool = False
    """Whether it can be limited to one unit."""
    of_table: bool = False
    """Whether it contains a single, selectable table."""
    of_people: bool = False
    """Whether it is written in the user's language; files for programs are the same in every language."""


SHEETS = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS: dict[str, Format] = {
    "xlsx": Format("Excel", SHEETS, excel.write, of_people=True),
    "csv": Format("CSV", "text/csv", write_csv, of_table=True),
    "parquet": Format("Parquet", "application/vnd.apache.parquet", write_parquet, of_table=True),
    "nc": Format("netCDF", "application/netcdf", write_netcdf),
    "json": Format("JSON", "application/json", write_json),
    "xml": Format("B2MML", "application/xml", b2mml.write),
    "ics": Format("iCalendar", "text/calendar", calendar.write, of_unit=True, of_people=True),
    "html": Format(mark("Report"), "text/html", report.write, of_people=True),
}
"""Formats by file suffix."""


def export(
    run: StoredRun, kind: str, path: Path, *, unit: str | None = None, table: str | None = None, language: str = "en"
) -> Path:
    """Write a stored run to a file, completely or not at all; the manifest of a CSV file is written next to it.

    Args:
        run: run with a schedule.
        kind: key of ``FORMATS``.
        path: destination; an existing file is replaced.
        unit: unit that a calendar is limited to.
        table: key of ``tables.TABLES`` for CSV and Parquet; None: the main table of the shift.
        language: language of formats for people; files for programs are the same in every language.

    Raises:
        CannotExport: the run has no schedule, or format, unit or table is unknown or not applicable.
        OSError: the file cannot be written.
    """
    if kind not in FORMATS:
        raise CannotExport(f"unknown format {kind!r}; formats are {', '.join(FORMATS)}")
    if run.plan.schedule is None or run.plan.replay is None:
        raise CannotExport(f"run {run.id} has no schedule to export ({run.plan.status})")
    file_format = FORMATS[kind]
    options = {name: value for name, value in (("unit", unit), ("table", table)) if value is not None}
    for name in options:
        those = [key for key, other in FORMATS.items() if getattr(other, f"of_{name}")]
        if kind not in those:
            raise CannotExport(f"a {name} can be chosen for {' and '.join(those)} only, not for {kind}")
    # in the target's file system, so that renaming never leaves an incomplete file
    with workshop(path.parent) as folder, spoken(language if file_format.of_people else "en"):
        file_format.write(run, folder / path.name, **options)
        for file in sorted(folder.iterdir(), key=lambda file: file.name == path.name):
            file.replace(path.with_name(file.name))
    return path


def files_of(kind: str, path: Path) -> list[Path]:
    """Return all files that an export to a path writes."""
    return [path, sidecar(path)] if kind == "csv" else [path]


__all__ = ["FORMATS", "CannotExport", "export", "files_of"]
