"""The command ``emberline runs``: search the catalogue, name and tag its runs, delete them and take them back."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Refused, Run, find, print_json, store_if_any

if TYPE_CHECKING:
    from emberline.plans.store import Entry

SHOWN = 50
"""Runs in a table, unless ``--limit`` says otherwise."""
Yes = Annotated[bool, typer.Option("--yes", "-y", help="do not ask before deleting")]

app = typer.Typer(
    help="List and search the stored runs; name, tag, delete and restore them.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def runs(
    context: typer.Context,
    search: Annotated[
        str, typer.Option("--search", "-s", metavar="WORDS", help="all of them in name, scenario, title, tags or id")
    ] = "",
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="with this tag; may be repeated")
    ] = None,
    scenario: Annotated[str | None, typer.Option(metavar="NAME", help="of this scenario")] = None,
    state: Annotated[str | None, typer.Option(metavar="STATE", help="working, stored, broken or deleted")] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="made since then, such as 2026-06-01")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help=f"at most so many; without it {SHOWN}, with --json all")
    ] = None,
    rescan: Annotated[bool, typer.Option("--rescan", help="enter folders that the catalogue does not know")] = False,
    delete: Annotated[str | None, typer.Option(metavar="RUN", help="the same as 'runs delete RUN'")] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """List and search the stored runs; name, tag, delete and restore them."""
    if context.invoked_subcommand is not None:
        return
    if delete is not None:
        delete_run(delete, yes)
        return
    kept = store_if_any()
    if rescan and kept is not None:
        _rescan(kept.rescan())
    from_instant = None if since is None else _instant(since)
    asked: dict[str, Any] = {"text": search, "tags": tag or (), "scenario": scenario, "state": state}
    asked["since"] = from_instant
    shown = limit if limit is not None or as_json else SHOWN
    found = kept.search(**asked, limit=shown) if kept else []
    if as_json:
        print_json([_plain(run) for run in found])
        return
    if found:
        _table(found)
    elif kept is None or not any(asked.values()):
        print("there is no run yet; make one with 'emberline plan melt-shop-small'", file=sys.stderr)
    else:
        print("no run is like that", file=sys.stderr)
    more = kept.count(**asked) - len(found) if kept and len(found) == shown else 0
    if more > 0:
        print(f"and {more} more; --limit {len(found) + more} lists them all", file=sys.stderr)


@app.command("name")
def name_run(run: Run, name: Annotated[str, typer.Argument(metavar="NAME", help="'' takes it away")]) -> None:
    """Give a run a name."""
    store, found = find(run)
    store.rename(found, name)
    now = store.entry(found).name
    print(f"run {found} is named {now}" if now else f"run {found} has no name", file=sys.stderr)


@app.command("tag")
def tag_run(
    run: Run,
    tags: Annotated[list[str] | None, typer.Argument(metavar="TAG", help="tags to give")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", metavar="TAG", help="a tag to take away")] = None,
) -> None:
    """Give tags to a run, or take them away."""
    if not tags and not remove:
        raise Refused("name the tags to give, or those to take away with --remove")
    store, found = find(run)
    store.tag(found, tags or (), remove or ())
    now = store.entry(found).tags
    print(f"run {found} has {'the tags ' + ', '.join(now) if now else 'no tag'}", file=sys.stderr)


@app.command("delete")
def delete_run(run: Run, yes: Yes = False) -> None:
    """Delete a run.

    For seven days it can be restored."""

    store, found = find(run)
    if not yes and not (sys.stdin.isatty() and typer.confirm(f"Delete run {found}?", err=True)):
        raise Refused(f"run {found} was not deleted; confirm with --yes")
    store.delete(found)
    print(f"run {found} deleted", file=sys.stderr)
    print(f"for {store.trash_days} days 'emberline runs restore {found[:8]}' brings it back", file=sys.stderr)


@app.command("restore")
def restore_run(
    run: Annotated[str, typer.Argument(metavar="RUN", help="as before; 'last': the newest deleted")],
) -> None:
    """Take a deleted run back."""
    store, found = find(run, deleted=True)
    store.restore(found)
    print(f"run {found} restored", file=sys.stderr)


def _rescan(found: Any) -> None:
    from emberline.ui.text.language import trn

    entered, missing = (trn("{count} run", "{count} runs", number) for number in (found.entered, found.missing))
    print(f"{entered} entered, {missing} without a folder", file=sys.stderr)
    for folder in found.unread:
        print(f"{folder}: its plan.json cannot be read", file=sys.stderr)


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"--since {text}: write a date such as 2026-06-01, or 2026-06-01T06:00+02:00") from None
    return at.astimezone()  # one without an offset is local


def _plain(run: Entry) -> dict[str, Any]:
    moments = {"created": run.created, "deleted": run.deleted}
    told = {name: None if at is None else at.isoformat(timespec="seconds") for name, at in moments.items()}
    return {**dataclasses.asdict(run), **told}


def _table(found: Sequence[Entry]) -> None:
    """Columns that nothing has are left out."""
    from rich.table import Table

    from emberline.ui.cli import terminal
    from emberline.ui.text import wording
    from emberline.ui.text.metrics import GOALS

    columns: dict[str, list[str]] = {
        "run": [run.id[:8] for run in found],
        "made": [f"{run.created.astimezone():%Y-%m-%d %H:%M}" for run in found],
        "name": [run.name for run in found],
        "scenario": [run.scenario for run in found],
        "goal": [GOALS.get(run.goal, run.goal) for run in found],
        "state": [run.state for run in found],
        "status": [run.status for run in found],
        "gap": ["" if run.gap is None else wording.percent(run.gap) for run in found],
        "carbon saved": [
            "" if run.saved_carbon_kg is None else f"{wording.number(run.saved_carbon_kg / 1000, 2)} t" for run in found
        ],
        "tags": [", ".join(run.tags) for run in found],
    }
    columns = {name: cells for name, cells in columns.items() if any(cells) or name not in ("name", "tags")}
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, justify="right" if name in ("gap", "carbon saved") else "left", no_wrap=True)
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*cells)
    terminal.out().print(table, soft_wrap=True)
    if any(run.state == "broken" for run in found):
        print(f"broken: {wording.STATES['ended'].word}; plan again", file=sys.stderr)
