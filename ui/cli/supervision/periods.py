"""Commands of a reporting period: draft, submit, approve, lock, correct; verify, history and archive of evidence.

Also the options that name a monitoring plan and activity data, and the figures of a period read from them."""

from __future__ import annotations

import getpass
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Force, Refused, print_json, refusing, writable, writing

if TYPE_CHECKING:
    from emberline.reports.compliance.evidence import Chain
    from emberline.reports.compliance.reports import AnnualReport


DEFAULT_PLAN, DEFAULT_ACTIVITY = "monitoring.yaml", "activity.csv"
PlanFile = Annotated[
    Path, typer.Option("--monitoring", metavar="FILE", help="the monitoring plan")
]  # fmt: skip
ActivityFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--activity", metavar="FILE", help=f"activity data; may be repeated; default: {DEFAULT_ACTIVITY} in its folder"
    ),
]
DefaultsFile = Annotated[
    Path | None,
    typer.Option(
        "--defaults", metavar="FILE", help="table of default values of precursors (CSV), with official figures"
    ),
]
Template = Annotated[
    Path | None,
    typer.Option("--template", metavar="FILE", help="your copy of the Commission's communication template (xlsx)"),
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


PeriodText = Annotated[str, typer.Argument(metavar="PERIOD", help="reporting period, such as 2026")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="who does it; default: the user of the system")]
Since = Annotated[
    str, typer.Option("--since", metavar="HASH", help="hash of a record that was handed to you: it must still be there")
]


def chain() -> Chain:
    """The records of this home."""
    from emberline.reports.compliance.evidence import Chain
    from emberline.runs.store import Store

    return Chain(Store.default_folder() / "compliance")


def draft(
    period: PeriodText,
    monitoring: PlanFile = Path("monitoring.yaml"),
    activity: ActivityFiles = None,
    defaults: DefaultsFile = None,
    template: Template = None,
    by: By = "",
    since: Since = "",
) -> None:
    """Record a draft of a period: monitoring plan, activity data, every report and the filled workbook, by hashes."""
    _record(period, "draft", by, since, files=_evidence(period, monitoring, activity, defaults, template))


def submit(period: PeriodText, by: By = "", since: Since = "") -> None:
    """Submit the draft of a period; refused where its evidence has changed."""
    _record(period, "submit", by, since)


def approve(period: PeriodText, by: By = "", since: Since = "") -> None:
    """Approve a submitted period; somebody other than who submitted it."""
    _record(period, "approve", by, since)


def lock(period: PeriodText, by: By = "", since: Since = "") -> None:
    """Lock an approved period: from now on there are corrections only."""
    _record(period, "lock", by, since)


def correct(
    period: PeriodText,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="why the locked figures are corrected")],
    monitoring: PlanFile = Path("monitoring.yaml"),
    activity: ActivityFiles = None,
    defaults: DefaultsFile = None,
    template: Template = None,
    by: By = "",
    since: Since = "",
) -> None:
    """Record a correction of a locked period, as a new draft with its reason."""
    _record(period, "correct", by, since, reason, _evidence(period, monitoring, activity, defaults, template))


def history(period: Annotated[str, typer.Argument(metavar="PERIOD")] = "", as_json: AsJson = False) -> None:
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
    earlier: Annotated[
        Path | None, typer.Option("--archive", metavar="FILE.zip", help="archive that was handed to you, compared too")
    ] = None,
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
    period: PeriodText,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.zip", help="archive to write")],
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

    entry = chain().append(
        _name(period),
        step,
        by or getpass.getuser(),
        files=files,
        reason=reason,
        version=version("emberline"),
        since=_hash(since),
    )
    print(f"{entry}, by {entry.by}, {len(entry.files)} files", file=sys.stderr)
    print(entry.sha256)


COMMANDS = (draft, submit, approve, lock, correct, history, verify, archive)
