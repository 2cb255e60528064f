"""Command ``emberline report``: what a plant must hand over for a period, and the check of what it handed over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emberline.ui.cli.options import AsJson, Force, Refused, find, print_json, writable, writing

if TYPE_CHECKING:
    from emberline.plans.compliance.reports import AnnualReport, Document

DEFAULT_PLAN, DEFAULT_ACTIVITY = "monitoring.yaml", "activity.csv"
PeriodText = Annotated[
    str,
    typer.Argument(
        metavar="PERIOD",
        help="2026, 2026-Q1, 2026-03 or 2026-01-01..2026-06-30; not needed with --run",
        show_default=False,
    ),
]
PlanFile = Annotated[
    Path, typer.Option("--monitoring", metavar="FILE", help="the monitoring plan")
]  # fmt: skip
ActivityFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--activity", metavar="FILE", help=f"activity data; may be repeated; default: {DEFAULT_ACTIVITY} in its folder"
    ),
]
OfRun = Annotated[
    str | None,
    typer.Option("--run", metavar="RUN", help="a stored plan instead of activity data: what it would emit"),
]
Folder = Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="folder for the files")]

app = typer.Typer(
    help="Reports of a period: CBAM, EU ETS, GHG Protocol, China.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def cbam(
    period: PeriodText = "",
    template: Annotated[
        Path | None,
        typer.Option("--template", metavar="FILE", help="your copy of the Commission's communication template (xlsx)"),
    ] = None,
    monitoring: PlanFile = Path(DEFAULT_PLAN),
    activity: ActivityFiles = None,
    output: Folder = Path(),
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Embedded emissions of the goods: JSON and HTML, and a filled copy of the Commission's workbook."""
    report = _report(period, monitoring, activity, None)
    if not report.processes:
        raise Refused(f"{monitoring}: processes: at least one production process is required")
    if template is None:
        _hand_over("cbam", report, output, force, as_json)
        return
    from emberline.plans.compliance.workbook import TemplateError, fill

    path = output / f"{_stem('cbam', report)}.xlsx"
    writable(path, force)
    if path.exists() and template.exists() and path.samefile(template):
        raise Refused(f"--template {template}: would be overwritten; choose another folder with --output")
    _files("cbam", report, output, force)
    try:
        with writing(path) as partial:
            fill(template, report, partial)
    except TemplateError as error:
        raise Refused(str(error)) from error
    _hand_over("cbam", report, output, force, as_json)
    if not as_json:
        print(path)


@app.command()
def ets(
    period: PeriodText = "",
    run: OfRun = None,
    monitoring: PlanFile = Path(DEFAULT_PLAN),
    activity: ActivityFiles = None,
    output: Folder = Path(),
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Annual emissions by source stream (EU ETS)."""
    _hand_over("ets", _report(period, monitoring, activity, run), output, force, as_json)


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


@app.command()
def china(
    period: PeriodText = "",
    run: OfRun = None,
    monitoring: PlanFile = Path(DEFAULT_PLAN),
    activity: ActivityFiles = None,
    output: Folder = Path(),
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Emissions with regional and national grid factors of China."""
    _hand_over("china", _report(period, monitoring, activity, run), output, force, as_json)


def _report(period: str, monitoring: Path, activity: list[Path] | None, run: str | None) -> AnnualReport:
    from emberline.plans.compliance.monitoring import Period, read_activity, read_monitoring_plan
    from emberline.plans.compliance.reports import annual_report, report_of_plan

    try:
        if run is not None:
            store, number = find(run)
            return report_of_plan(store.open(number).plan, f"run {number[:8]}")
        if not period:
            raise Refused("name a PERIOD such as 2026, or a stored plan with --run")
        span = Period.parse(period)
        plan = read_monitoring_plan(monitoring)
        data = read_activity(activity or [monitoring.parent / DEFAULT_ACTIVITY])
        return annual_report(plan, data, span)
    except ValueError as error:
        if getattr(error, "problems", None) is not None:
            raise
        raise Refused(str(error)) from error


def _stem(kind: str, report: AnnualReport) -> str:
    first, last = report.period.first, report.period.last
    whole_year = (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year
    return f"emberline-{kind}-{first.year if whole_year else f'{first}-{last}'}"


def _files(kind: str, report: AnnualReport, output: Path, force: bool) -> tuple[Path, Path]:
    """The files of a report; refused together before any of them is written."""
    paths = output / f"{_stem(kind, report)}.json", output / f"{_stem(kind, report)}.html"
    for path in paths:
        writable(path, force)
    return paths


def _hand_over(
    kind: str, report: AnnualReport, output: Path, force: bool, as_json: bool, hourly: Path | None = None
) -> None:
    """Write a document as JSON and HTML, or print it."""
    import json

    document = _document(kind, report, hourly)
    if as_json:
        print_json(document.as_dict())
        return
    paths = _files(kind, report, output, force)
    texts = json.dumps(document.as_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n", document.html()
    for path, text in zip(paths, texts, strict=True):
        with writing(path) as partial:
            partial.write_text(text, encoding="utf-8")
        print(path)


def _document(kind: str, report: AnnualReport, hourly: Path | None) -> Document:
    from emberline.plans.compliance.reports import DOCUMENTS, ghg_by_hour

    try:
        return DOCUMENTS[kind](report) if hourly is None else ghg_by_hour(report, hourly)
    except ValueError as error:
        raise Refused(str(error)) from error
