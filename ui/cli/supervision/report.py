"""Command ``emberline report``: what a plant must hand over for a period, and the check of what it handed over.

Its commands also lead a period from draft to lock, and verify and archive its evidence.
"""

from __future__ import annotations

import getpass
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.command import Refused, group, opened, print_json, refusing, writable, write_text, writing
from emberline.ui.cli.options import AsJson, Force, Run, argument, option, optional, to_file

if TYPE_CHECKING:
    from emberline.reports.compliance.evidence import Chain
    from emberline.reports.compliance.reports import AnnualReport, Document

DEFAULT_PLAN, DEFAULT_ACTIVITY = "monitoring.yaml", "activity.csv"
PlanFile = Annotated[
    Path, option("the monitoring plan", "FILE", "--monitoring")
]  # fmt: skip
ActivityFiles = Annotated[
    list[Path] | None,
    option(f"activity data; may be repeated; default: {DEFAULT_ACTIVITY} in its folder", "FILE", "--activity"),
]
DefaultsFile = Annotated[
    Path | None,
    option("table of default values of precursors (CSV), with official figures", "FILE", "--defaults"),
]
Template = Annotated[
    Path | None,
    option("your copy of the Commission's communication template (xlsx)", "FILE", "--template"),
]


def data_files(monitoring: Path, activity: list[Path] | None) -> list[Path]:
    """Files of activity data."""
    return activity or [monitoring.parent / DEFAULT_ACTIVITY]


def period_report(
    period: str, monitoring: Path, activity: list[Path] | None, defaults: Path | None = None
) -> AnnualReport:
    """The figures of a period.

    Raises:
        Refused: something in them is wrong.
        ScenarioError: the same, with every mistake.
    """
    from emberline.reports.compliance.monitoring import Period, read_activity, read_monitoring_plan
    from emberline.reports.compliance.reports import annual_report, read_default_values

    with refusing():
        span = Period.parse(period)
        plan = read_monitoring_plan(monitoring)
        table = None if defaults is None else read_default_values(defaults)
        return annual_report(plan, read_activity(data_files(monitoring, activity)), span, table)


PastPeriod = Annotated[str, argument("reporting period, such as 2026", "PERIOD")]
By = Annotated[str, option("who does it; default: the user of the system", "NAME", "--by")]
Since = Annotated[str, option("hash of a record that was handed to you: it must still be there", "HASH", "--since")]


def chain() -> Chain:
    """The records of this home."""
    from emberline.reports.compliance.evidence import Chain
    from emberline.runs.store import Store

    return Chain(Store.default_folder() / "compliance")


def draft(
    period: PastPeriod,
    monitoring: PlanFile = Path("monitoring.yaml"),
    activity: ActivityFiles = None,
    defaults: DefaultsFile = None,
    template: Template = None,
    by: By = "",
    since: Since = "",
) -> None:
    """Record a draft of a period: monitoring plan, activity data, every report and the filled workbook, by hashes."""
    _record(period, "draft", by, since, files=_evidence(period, monitoring, activity, defaults, template))


def submit(period: PastPeriod, by: By = "", since: Since = "") -> None:
    """Submit the draft of a period; refused where its evidence has changed."""
    _record(period, "submit", by, since)


def approve(period: PastPeriod, by: By = "", since: Since = "") -> None:
    """Approve a submitted period; somebody other than who submitted it."""
    _record(period, "approve", by, since)


def lock(period: PastPeriod, by: By = "", since: Since = "") -> None:
    """Lock an approved period: from now on there are corrections only."""
    _record(period, "lock", by, since)


def correct(
    period: PastPeriod,
    reason: Annotated[str, option("why the locked figures are corrected", "TEXT")],
    monitoring: PlanFile = Path("monitoring.yaml"),
    activity: ActivityFiles = None,
    defaults: DefaultsFile = None,
    template: Template = None,
    by: By = "",
    since: Since = "",
) -> None:
    """Record a correction of a locked period, as a new draft with its reason."""
    _record(period, "correct", by, since, reason, _evidence(period, monitoring, activity, defaults, template))


def history(period: Annotated[str, argument("", "PERIOD")] = "", as_json: AsJson = False) -> None:
    """List the records, of one period or all."""
    name = _name(period) if period else ""
    entries = [entry for entry in chain().entries() if name in ("", entry.period)]
    if as_json:
        print_json([{**entry.model_dump(mode="json"), "sha256": entry.sha256} for entry in entries])
        return
    for entry in entries:
        reason = f"  {entry.reason}" if entry.reason else ""
        print(
            f"{entry.number:>4}  {entry.period}  {entry.state:<9}  {entry.at}  {entry.by}  {entry.sha256[:12]}{reason}"
        )


def verify(
    since: Since = "",
    earlier: Path | None = optional("archive that was handed to you, compared too", "FILE.zip", "--archive"),
    as_json: AsJson = False,
) -> None:
    """Compare every record and its evidence with their hashes; exit code 1 where one has changed.

    A chain that was written afresh, a tail that was cut and a folder that is gone are found by a hash or an archive
    that was handed over before.
    """
    from emberline.reports.compliance.evidence import leftovers
    from emberline.reports.compliance.evidence import verify as verify_chain

    records = chain()
    with refusing("--archive "):
        findings = verify_chain(records, _hash(since), earlier)
    strangers, count = [str(path) for path in leftovers(records)], len(records.paths())
    newest = None if findings or not count else records.entries()[-1].sha256
    if as_json:
        rows = [{"record": f.record, "says": f.says} for f in findings]
        print_json({"records": count, "newest": newest, "findings": rows, "leftovers": strangers})
    elif findings:
        print(*findings, sep="\n")
    elif newest is None:
        print(f"{records.folder} holds no records: there is nothing to compare")
    else:
        print(f"{count} records, nothing has changed; hash of record {count}, the newest:\n{newest}")
    if not as_json:
        for path in strangers:
            print(f"{path} belongs to no record; a writer that was interrupted leaves such files", file=sys.stderr)
    raise typer.Exit(1 if findings else 0)


def archive(
    period: PastPeriod,
    output: Annotated[Path, to_file("archive to write", "FILE.zip")],
    force: Force = False,
) -> None:
    """Write the evidence of a period as one archive for the verifier."""
    from emberline.reports.compliance.evidence import archive as write_archive

    writable(output, force, ("zip",))
    with writing(output) as partial:
        write_archive(chain(), _name(period), partial)
    print(output)


def _evidence(
    period: str, monitoring: Path, activity: list[Path] | None, defaults: Path | None, template: Path | None
) -> dict[str, bytes]:
    """Files of a period: what the figures are from, and the figures."""
    from emberline.reports.compliance.reports import evidence_files

    report = period_report(period, monitoring, activity, defaults)
    paths = [monitoring, *data_files(monitoring, activity), *([] if defaults is None else [defaults])]
    sources = {path.name: path.read_bytes() for path in paths}
    if len(sources) < len(paths):
        raise Refused("monitoring plan and activity data need names of their own")
    return evidence_files(report, sources, template)


def _hash(text: str) -> str:
    """A hash that was handed over; empty: none was."""
    if text and not re.fullmatch(r"[0-9a-f]{64}", text.strip().lower()):
        raise Refused(f"--since: must be the whole hash, 64 digits from 0 to f, got {text[:80]!r}")
    return text.strip().lower()


def _name(period: str) -> str:
    """The one name of a period."""
    from emberline.reports.compliance.monitoring import Period

    with refusing():
        return Period.parse(period).name


def _record(
    period: str, step: Any, by: str, since: str, reason: str = "", files: dict[str, bytes] | None = None
) -> None:
    from importlib.metadata import version

    who, release = by or getpass.getuser(), version("emberline")
    what: dict[str, Any] = {"files": files, "reason": reason, "version": release, "since": _hash(since)}
    entry = chain().append(_name(period), step, who, **what)
    print(f"{entry}, by {entry.by}, {len(entry.files)} files", file=sys.stderr)
    print(entry.sha256)


COMMANDS = (draft, submit, approve, lock, correct, history, verify, archive)


PeriodText = Annotated[
    str,
    argument("2026, 2026-Q1, 2026-03 or 2026-01-01..2026-06-30; not needed with --run", "PERIOD", show_default=False),
]
OfRun = Annotated[
    str | None,
    option("a stored plan instead of activity data: what it would emit", "RUN", "--run"),
]
Folder = Annotated[Path, to_file("folder for the files", "FOLDER")]

app = group("Reports of a period: CBAM, EU ETS, GHG Protocol, China.", no_args_is_help=True)

for command in COMMANDS:
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
    stem = _stem("cbam", report)
    path = output / f"{stem}.xlsx"
    if template is not None:
        from emberline.reports.compliance.workbook import filled

        writable(path, force)
        if path.exists() and template.exists() and path.samefile(template):
            raise Refused(f"--template {template}: would be overwritten; choose another folder with --output")
        _files(stem, output, force)
        with writing(path) as partial:
            partial.write_bytes(filled(template, report))
    _hand_over(_with_record(_document("cbam", report), "cbam", report), stem, output, force, as_json)
    if template is not None and not as_json:
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
        report = _report(period, monitoring, activity, run)
        document = _document(kind, report)
        document = document if run is not None else _with_record(document, kind, report)
        _hand_over(document, _stem(kind, report), output, force, as_json)

    app.command(kind, help=about)(command)


_annual("ets", "Annual emissions by source stream (EU ETS).")


@app.command()
def ghg(
    period: PeriodText = "",
    monitoring: PlanFile = Path(DEFAULT_PLAN),
    activity: ActivityFiles = None,
    hourly: Path | None = optional(
        "use and certificates by hour (hour, use_mwh, certificate_mwh, zone), matched hour by hour", "FILE"
    ),
    output: Folder = Path(),
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Scope 1 and 2, location-based and market-based (GHG Protocol)."""
    from emberline.reports.compliance.reports import ghg_by_hour

    report = _report(period, monitoring, activity, None)
    with refusing():
        document = _document("ghg", report) if hourly is None else ghg_by_hour(report, hourly)
    _hand_over(_with_record(document, "ghg", report), _stem("ghg", report), output, force, as_json)


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

    stored = opened(run)
    evidence = {"run": stored.id, "created": str(stored.meta["created"]), "inputs": str(stored.meta["input_sha256"])}
    with refusing():
        document = products_of_plan(stored.plan, evidence)
    _hand_over(document, f"emberline-products-{stored.id[:8]}", output, force, as_json)


def _report(
    period: str, monitoring: Path, activity: list[Path] | None, run: str | None, defaults: Path | None = None
) -> AnnualReport:
    from emberline.reports.compliance.reports import report_of_plan

    if run is None:
        if not period:
            raise Refused("name a PERIOD such as 2026, or a stored plan with --run")
        return period_report(period, monitoring, activity, defaults)
    stored = opened(run)
    with refusing():
        return report_of_plan(stored.plan, f"run {stored.id[:8]}")


def _stem(kind: str, report: AnnualReport) -> str:
    first, last = report.period.first, report.period.last
    whole_year = (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year
    days = str(first) if first == last else f"{first}-{last}"
    return f"emberline-{kind}-{first.year if whole_year else days}"


def _create(folder: Path) -> None:
    """Create the folder of the output, unless it is there."""
    from emberline.scenarios.reading.files import named, reason

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


def _hand_over(document: Document, stem: str, output: Path, force: bool, as_json: bool) -> None:
    """Write a document as JSON and HTML, or print it."""
    if as_json:
        print_json(document.as_dict())
        return
    for path, text in zip(_files(stem, output, force), (document.json(), document.html()), strict=True):
        write_text(path, text)
        print(path)
    if document.record:
        print(document.record)


def _document(kind: str, report: AnnualReport) -> Document:
    from emberline.reports.compliance.reports import DOCUMENTS

    with refusing():
        return DOCUMENTS[kind](report)


def _with_record(document: Document, kind: str, report: AnnualReport) -> Document:
    """The document with the newest record of its period."""
    from emberline.reports.compliance.evidence import EvidenceError

    try:
        return document.with_record(kind, chain().newest(report.period.name))
    except EvidenceError as error:
        print(error, file=sys.stderr)
        return document
