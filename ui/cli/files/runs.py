"""Commands ``emberline runs`` and ``export``: search, name, tag, delete and restore runs; write one as a file."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.reports.text.language import LANGUAGES
from emberline.ui.cli.command import Refused, find, group, opened, print_json, store_if_any, writable, writing
from emberline.ui.cli.options import AsJson, Force, Run, argument, flag, option, optional

if TYPE_CHECKING:
    from emberline.runs.store import Entry, Filter, Store

DEFAULT_LIMIT = 50
"""Number of runs in a table without ``--limit``."""
Yes = Annotated[bool, option("do not ask for confirmation", None, "--yes", "-y")]

app = group("List and search the stored runs; name, tag, delete and restore them.")


@app.callback(invoke_without_command=True)
def runs(
    context: typer.Context,
    search: str = optional(
        "words that must all occur in name, scenario, title, tags or id", "WORDS", "--search", "-s", default=""
    ),
    tag: list[str] | None = optional("with this tag; may be repeated", "TAG"),
    scenario: str | None = optional("of this scenario", "NAME"),
    state: str | None = optional("working, stored, broken or deleted", "STATE"),
    since: str | None = optional("created since, such as 2026-06-01", "DATE"),
    limit: int | None = optional(f"at most this many; default {DEFAULT_LIMIT}, with --json all", min=1),
    rescan: bool = flag("add run folders that are missing from the catalogue", "--rescan"),
    delete: str | None = optional("the same as 'runs delete RUN'", "RUN"),
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """List and search the stored runs; name, tag, delete and restore them."""
    if context.invoked_subcommand is not None:
        return
    if delete is not None:
        delete_run(delete, yes)
        return
    store = store_if_any()
    if rescan and store is not None:
        _rescan(store.rescan())
    instant = None if since is None else _instant(since)
    query: Filter = {"text": search, "tags": tag or (), "scenario": scenario, "state": state, "since": instant}
    most = limit if limit is not None or as_json else DEFAULT_LIMIT
    entries = store.search(**query, limit=most) if store else []
    if as_json:
        from emberline.planning.answer import figure_data

        figures = [figure_data(store.figures(run.id).values()) for run in entries] if store else []
        print_json([_plain(run) | {"figures": row} for run, row in zip(entries, figures, strict=True)])
        return
    if entries and store is not None:
        _table(store, entries)
    elif store is None or not any(query.values()):
        print("there are no runs yet; create one with 'emberline plan melt-shop-small'", file=sys.stderr)
    else:
        print("no run matches", file=sys.stderr)
    more = store.count(**query) - len(entries) if store and len(entries) == most else 0
    if more > 0:
        print(f"and {more} more; --limit {len(entries) + more} lists them all", file=sys.stderr)


@app.command("name")
def name_run(run: Run, name: Annotated[str, argument("'' removes the name", "NAME")]) -> None:
    """Give a run a name."""
    store, number = find(run)
    store.label(number, name=name)
    now = store.entry(number).name
    print(f"run {number} is named {now}" if now else f"run {number} has no name", file=sys.stderr)


@app.command("tag")
def tag_run(
    run: Run,
    tags: Annotated[list[str] | None, argument("tags to add", "TAG")] = None,
    remove: list[str] | None = optional("a tag to remove", "TAG"),
) -> None:
    """Add tags to a run, or remove them."""
    if not tags and not remove:
        raise Refused("give tags to add, or tags to remove with --remove")
    store, number = find(run)
    store.label(number, add=tags or (), remove=remove or ())
    now = store.entry(number).tags
    print(f"run {number} has {'the tags ' + ', '.join(now) if now else 'no tag'}", file=sys.stderr)


@app.command("delete")
def delete_run(run: Run, yes: Yes = False) -> None:
    """Delete a run.

    It can be restored for seven days.
    """

    store, number = find(run)
    if not yes and not (sys.stdin.isatty() and typer.confirm(f"Delete run {number}?", err=True)):
        raise Refused(f"run {number} was not deleted; confirm with --yes")
    store.delete(number)
    print(f"run {number} deleted", file=sys.stderr)
    print(f"to restore it within {store.trash_days} days: emberline runs restore {number[:8]}", file=sys.stderr)


@app.command("restore")
def restore_run(
    run: Annotated[str, argument("id of the run, its first digits, or 'last': the one deleted last", "RUN")],
) -> None:
    """Restore a deleted run."""
    store, number = find(run, deleted=True)
    store.restore(number)
    print(f"run {number} restored", file=sys.stderr)


def _rescan(scan: Any) -> None:
    from emberline.reports.text.language import trn

    entered, missing = (trn("{count} run", "{count} runs", number) for number in (scan.entered, scan.missing))
    print(f"{entered} added, {missing} without a folder", file=sys.stderr)
    for folder in scan.unread:
        print(f"{folder}: its plan.json cannot be read", file=sys.stderr)


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"--since {text}: write a date such as 2026-06-01, or 2026-06-01T06:00+02:00") from None
    return at.astimezone()  # a time without an offset is local


def _plain(run: Entry) -> dict[str, Any]:
    moments = {"created": run.created, "deleted": run.deleted}
    stamps = {name: None if at is None else at.isoformat(timespec="seconds") for name, at in moments.items()}
    return {**dataclasses.asdict(run), **stamps}


def _table(store: Store, entries: Sequence[Entry]) -> None:
    """Print the table; columns that would be empty are left out."""
    from emberline.reports.text import wording
    from emberline.scenarios.goal_metrics import GOALS
    from emberline.ui.cli import terminal

    figures = [store.figures(run.id) for run in entries]
    columns: dict[str, list[str]] = {
        "run": [run.id[:8] for run in entries],
        "created": [f"{run.created.astimezone():%Y-%m-%d %H:%M}" for run in entries],
        "name": [run.name for run in entries],
        "scenario": [run.scenario for run in entries],
        "goal": [GOALS.get(run.goal, run.goal) for run in entries],
        "state": [run.state for run in entries],
        "status": [run.status for run in entries],
        "gap": ["" if run.gap is None else wording.percent(run.gap) for run in entries],
        "carbon saved": [f"{figure['carbon'].text} t" if "carbon" in figure else "" for figure in figures],
        "cost saved": [
            f"{figure['cost'].text} {figure['cost'].unit}" if "cost" in figure else "" for figure in figures
        ],
        "saved on days": [figure["carbon"].basis_text if "carbon" in figure else "" for figure in figures],
        "holds on": [
            f"{figure['days'].text} {figure['days'].basis_text}" if "days" in figure else "" for figure in figures
        ],
        "tags": [", ".join(run.tags) for run in entries],
    }
    columns = {name: cells for name, cells in columns.items() if any(cells) or name not in ("name", "tags")}
    first = list(columns).index("gap")
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    table = terminal.table_of(rows, words=first, more=len(columns) - first - 2)
    for column, cells in zip(table.columns, columns.values(), strict=True):
        if str(column.header) not in ("name", "scenario", "goal", "tags"):  # on a narrow screen those are cut
            column.min_width = max(map(len, cells))
    terminal.out().print(table, soft_wrap=True)
    if any(run.state == "broken" for run in entries):
        print(f"broken: {wording.STATES['ended'].word}; plan again", file=sys.stderr)


KINDS = "xlsx|csv|parquet|nc|json|xml|ics|html"
"""The formats (``emberline.reports.exports.FORMATS``), listed without loading the exporters."""


def export(
    run: Run = "last",
    output: Path | None = optional("file to write; its suffix gives the format", "FILE", "--output", "-o"),
    kind: str = optional("format, if the file's name does not give it", KINDS, "--as", "--to", default=""),
    unit: str | None = optional("for calendars (ics): only this unit", "UNIT"),
    table: str | None = optional("for csv and parquet: heats, runs, machines, hours, steps, bill, ledger …", "TABLE"),
    lang: str = optional("language of xlsx, ics and html", "|".join(LANGUAGES), default="en"),
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
    stored = opened(run)
    path = output or Path(f"emberline-{stored.plan.scenario.name}-{stored.id[:8]}.{kind}")
    writable(path, force)
    for file in exports.files_of(kind, path)[1:]:
        writable(file, force)
    if not stored.plan.has_schedule:
        print(f"run {stored.id} has no schedule to export: {stored.plan.verdict}", file=sys.stderr)
        raise typer.Exit(1)
    with writing(path):
        exports.export(stored, kind, path, unit=unit, table=table, language=lang)
    print(path)
