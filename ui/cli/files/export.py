"""Command ``emberline export``: a stored run as a file for the shift, for other programs or for the archive."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from emberline.reports.text.language import LANGUAGES
from emberline.ui.cli.options import Force, Refused, Run, find, writable, writing

KINDS = "xlsx|csv|parquet|nc|json|xml|ics|html"
"""The formats (``emberline.reports.exports.FORMATS``), listed without loading the exporters."""


def export(
    run: Run = "last",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="file to write; its suffix gives the format")
    ] = None,
    kind: Annotated[
        str, typer.Option("--as", "--to", metavar=KINDS, help="format, if the file's name does not give it")
    ] = "",
    unit: Annotated[str | None, typer.Option(metavar="UNIT", help="for calendars (ics): only this unit")] = None,
    table: Annotated[
        str | None,
        typer.Option(metavar="TABLE", help="for csv and parquet: heats, runs, machines, hours, steps, bill, ledger …"),
    ] = None,
    lang: Annotated[str, typer.Option(metavar="|".join(LANGUAGES), help="language of xlsx, ics and html")] = "en",
    force: Force = False,
) -> None:
    """Write a stored run to a file.

    Excel, CSV, Parquet, netCDF, JSON, B2MML (xml), iCalendar (ics) or a printable report (html).
    """
    from emberline.reports import exports

    formats = exports.FORMATS
    suffix = output.suffix.removeprefix(".").lower() if output else ""
    if kind and kind not in formats:
        raise Refused(f"--as {kind}: formats are {', '.join(formats)}")
    if kind and suffix in formats and suffix != kind:
        raise Refused(f"--as {kind}: the file's name ends in .{suffix}; drop --as, or name another file")
    if output and not kind and suffix not in formats:
        raise Refused(f"--output {output}: formats are {', '.join(f'.{name}' for name in formats)}; --as names one")
    kind = kind or suffix or next(iter(formats))
    if lang not in LANGUAGES:
        raise Refused(
            f"--lang {lang}: languages are {', '.join(f'{code} ({name})' for code, name in LANGUAGES.items())}"
        )
    if lang != "en" and not formats[kind].of_people:
        read = ", ".join(name for name, other in formats.items() if other.of_people)
        raise Refused(f"--lang {lang}: only {read} can be translated; {kind} is for programs")
    store, number = find(run)
    stored = store.open(number)
    path = output or Path(f"emberline-{stored.plan.scenario.name}-{number[:8]}.{kind}")
    writable(path, force)
    for file in exports.files_of(kind, path)[1:]:
        writable(file, force)
    if not stored.plan.has_schedule:
        print(f"run {number} has no schedule to export: {stored.plan.verdict}", file=sys.stderr)
        raise typer.Exit(1)
    with writing(path):
        exports.export(stored, kind, path, unit=unit, table=table, language=lang)
    print(path)
