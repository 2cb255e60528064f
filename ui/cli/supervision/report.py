"""Command ``emberline report``: what a plant must hand over for a period, and the check of what it handed over."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emberline.ui.cli.options import AsJson, Force, Refused, Run, find, group, print_json, refusing, writable, writing
from emberline.ui.cli.supervision import periods
from emberline.ui.cli.supervision.periods import (
    DEFAULT_PLAN,
    ActivityFiles,
    DefaultsFile,
    PlanFile,
    Template,
    period_report,
)

if TYPE_CHECKING:
    from emberline.reports.compliance.reports import AnnualReport, Document

PeriodText = Annotated[
    str,
    typer.Argument(
        metavar="PERIOD",
        help="2026, 2026-Q1, 2026-03 or 2026-01-01..2026-06-30; not needed with --run",
        show_default=False,
    ),
]
OfRun = Annotated[
    str | None,
    typer.Option("--run", metavar="RUN", help="a stored plan instead of activity data: what it would emit"),
]
Folder = Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="folder for the files")]

app = group("Reports of a period: CBAM, EU ETS, GHG Protocol, China.", no_args_is_help=True)

for command in periods.COMMANDS:
    app.command()(command)


@app.command()
def cbam(
    period: PeriodText = "",
    template: Template = None,
    monitoring: PlanFile = Path(DEFAULT_PLAN),
    activity: ActivityFiles = None,
    defaults: DefaultsFile = None,
    output: Folder = Path(),
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Embedded emissions of the goods: JSON and HTML, and a filled copy of the Commission's workbook."""
    report = _report(period, monitoring, activity, None, defaults)
    if not report.processes:
        raise Refused(f"{monitoring}: processes: at least one production process is required")
    if template is None:
        _hand_over("cbam", report, output, force, as_json)
        return
    from emberline.reports.compliance.workbook import fill

    path = output / f"{_stem('cbam', report)}.xlsx"
    writable(path, force)
    if path.exists() and template.exists() and path.samefile(template):
        raise Refused(f"--template {template}: would be overwritten; choose another folder with --output")
    _files(_stem("cbam", report), output, force)
    with writing(path) as partial:
        fill(template, report, partial)
    _hand_over("cbam", report, output, force, as_json)
    if not as_json:
        print(path)


def _annual(kind: str, about: str) -> None:
    """Enter a command for a document of a period, or of a stored plan."""

    def command(
        period: PeriodText = "",
        run: OfRun = None,
        monitoring: PlanFile = Path(DEFAULT_PLAN),
        activity: ActivityFiles = None,
        output: Folder = Path(),
        force: Force = False,
        as_json: AsJson = False,
    ) -> None:
        _hand_over(kind, _report(period, monitoring, activity, run), output, force, as_json, of_run=run is not None)

    app.command(kind, help=about)(command)


_annual("ets", "Annual emissions by source stream (EU ETS).")


@app.command()
def ghg(
    period: PeriodText = "",
    monitoring: PlanFile = Path(DEFAULT_PLAN),
    activity: ActivityFiles = None,
    hourly: Annotated[
        Path | None,
        typer.Option(
            "--hourly",
            metavar="FILE",
            help="use and certificates by hour (hour, use_mwh, certificate_mwh, zone), matched hour by hour",
        ),
    ] = None,
    output: Folder = Path(),
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Scope 1 and 2, location-based and market-based (GHG Protocol)."""
    report = _report(period, monitoring, activity, None)
    _hand_over("ghg", report, output, force, as_json, hourly)


_annual("china", "Emissions with regional and national grid factors of China.")


@app.command()
def example(output: Folder = Path(), force: Force = False) -> None:
    """Write a monitoring plan and activity data to begin with."""
    from emberline.reports.compliance.monitoring import example_files

    _create(output)
    files = {output / name: content for name, content in example_files().items()}
    for path in files:
        writable(path, force)
    for path, content in files.items():
        with writing(path) as partial:
            partial.write_bytes(content)
        print(path)


@app.command()
def products(run: Run = "last", output: Folder = Path(), force: Force = False, as_json: AsJson = False) -> None:
    """Embedded emissions of what a stored plan makes, against its baseline, with the hash of its evidence."""
    from emberline.reports.compliance.reports import products_of_plan

    store, number = find(run)
    stored = store.open(number)
    evidence = {"run": number, "created": str(stored.meta["created"]), "inputs": str(stored.meta["input_sha256"])}
    with refusing():
        document = products_of_plan(stored.plan, evidence)
    _print_or_write(document, f"emberline-products-{number[:8]}", output, force, as_json)


def _report(
    period: str, monitoring: Path, activity: list[Path] | None, run: str | None, defaults: Path | None = None
) -> AnnualReport:
    from emberline.reports.compliance.reports import report_of_plan

    if run is None:
        if not period:
            raise Refused("name a PERIOD such as 2026, or a stored plan with --run")
        return period_report(period, monitoring, activity, defaults)
    store, number = find(run)
    with refusing():
        return report_of_plan(store.open(number).plan, f"run {number[:8]}")


def _stem(kind: str, report: AnnualReport) -> str:
    first, last = report.period.first, report.period.last
    whole_year = (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year
    days = str(first) if first == last else f"{first}-{last}"
    return f"emberline-{kind}-{first.year if whole_year else days}"


def _create(folder: Path) -> None:
    """Create the folder of the output, unless it is there."""
    from emberline.scenarios.records.files import named, reason

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise Refused(f"--output {named(folder)}: is a file, not a folder") from None
    except (OSError, ValueError) as error:
        raise Refused(f"--output {named(folder)}: {reason(error)}") from None


def _files(stem: str, output: Path, force: bool) -> tuple[Path, Path]:
    """The files of a report; refused together before any of them is written."""
    _create(output)
    paths = output / f"{stem}.json", output / f"{stem}.html"
    for path in paths:
        writable(path, force)
    return paths


def _hand_over(
    kind: str,
    report: AnnualReport,
    output: Path,
    force: bool,
    as_json: bool,
    hourly: Path | None = None,
    *,
    of_run: bool = False,
) -> None:
    """Write a document, or print it."""
    document = _document(kind, report, hourly)
    if not of_run:
        document = _with_record(document, kind, report)
    _print_or_write(document, _stem(kind, report), output, force, as_json)
    if document.record and not as_json:
        print(document.record)


def _print_or_write(document: Document, stem: str, output: Path, force: bool, as_json: bool) -> None:
    """Write a document as JSON and HTML, or print it."""
    if as_json:
        print_json(document.as_dict())
        return
    paths = _files(stem, output, force)
    for path, text in zip(paths, (document.json(), document.html()), strict=True):
        with writing(path) as partial:
            partial.write_text(text, encoding="utf-8")
        print(path)


def _with_record(document: Document, kind: str, report: AnnualReport) -> Document:
    """The document with the newest record of its period."""
    from emberline.reports.compliance.evidence import EvidenceError

    try:
        return document.with_record(kind, periods.chain().newest(report.period.name))
    except EvidenceError as error:
        print(error, file=sys.stderr)
        return document


def _document(kind: str, report: AnnualReport, hourly: Path | None) -> Document:
    from emberline.reports.compliance.reports import DOCUMENTS, ghg_by_hour

    with refusing():
        return DOCUMENTS[kind](report) if hourly is None else ghg_by_hour(report, hourly)
