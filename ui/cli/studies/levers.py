"""Command ``emberline levers``: the saving from shifting production and from each asset, on its own and added last."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from emberline.ui.cli.command import Refused, case_of, print_result, writable, writing
from emberline.ui.cli.options import AsJson, Changes, Force, Named, Quiet, optional

if TYPE_CHECKING:
    from rich.console import Console

    from emberline.studies.levers import Change, Levers

FORMATS = ("csv", "json")
PHASES = {"sequential": "production first, site after", "joint": "production and site together", "levers": "levers"}
COLUMNS = ("first", "last", "ruled")


def levers(
    scenario: Named,
    changes: Changes = None,
    output: Path | None = optional("write the levers to a .csv or .json", "FILE", "--output", "-o"),
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Report the saving of each lever: shifting production, battery, stores, engines, heat recovery.

    Two searches are made, each within the scenario's gap and effort: production first and the site after, and
    both together. Then each lever is added to the baseline on its own, and removed from the joint plan. Ctrl-C
    takes the best plans so far; press it twice to give up.
    """
    case = case_of(scenario, changes)
    from emberline.studies.levers import levers as weighed
    from emberline.studies.levers import refused
    from emberline.ui.cli import terminal

    if says := refused(case):
        raise Refused(f"{case.name}: {says}")
    if output is not None:
        writable(output, force, FORMATS)
    study = terminal.study(partial(weighed, case), "taking the best plans so far", quiet, says=_event_in_words)
    if output is not None:
        with writing(output) as place:
            write(study, place)
    print_result(study, as_json, partial(show, terminal.out()))
    raise typer.Exit(0 if study.has_plan else 1)


def _event_in_words(event: dict[str, Any]) -> str:
    return f"{event['done']} of {event['of']}: {event['lever']}" if "lever" in event else PHASES[event["phase"]]


def rows(study: Levers) -> Iterator[dict[str, Any]]:
    """The levers as a flat table: a row per lever and column, then interactions and the total."""
    for lever in study.levers:
        for column in COLUMNS:
            change = getattr(lever, column)
            if change is not None:
                yield _row(lever.name, lever.kind, column, change)
    for column in ("first", "last"):
        rest = study.interaction(column)
        if rest is not None:
            yield {"lever": "interaction", "kind": "", "column": column, **rest}
    if study.together is not None:
        yield _row("all together", "", "", study.together)


def _row(name: str, kind: str, column: str, change: Change) -> dict[str, Any]:
    flat = {key: getattr(change, key) for key in ("carbon_kg", "average_kg", "marginal_kg", "cost")}
    flat |= {f"{part}_cost": value for part, value in change.parts.items()}
    flat |= {key: getattr(change, key) for key in ("peak_mw", "goal", "low", "high")}
    return {"lever": name, "kind": kind, "column": column, **flat}


def write(study: Levers, output: Path) -> None:
    """Write the study to a file; the suffix gives the format."""
    if output.suffix == ".json":
        output.write_text(json.dumps(study.summary(), indent=1, allow_nan=False, ensure_ascii=False), encoding="utf-8")
        return
    table = list(rows(study))
    with output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, max(table, key=len, default={}))
        writer.writeheader()
        writer.writerows(table)


def show(console: Console, study: Levers) -> None:
    """Print the study: the plans, the savings, the levers."""
    from emberline.reports.text import wording
    from emberline.reports.text.studies import case_rows, lever_rows
    from emberline.ui.cli import terminal

    scenario = study.scenario
    for line in terminal.heading(scenario)[:2]:
        console.print(line)
    console.print(f"saving of each lever ({wording.SIGNALS[scenario.goal.signal]})")
    console.print()
    result = study.summary()
    console.print(terminal.table_of(case_rows(result, bill=True), more=1), soft_wrap=True)
    console.print()
    console.print(terminal.table_of(lever_rows(result)), soft_wrap=True)
    console.print()
    terminal.print_facts(console, _facts(study), 12)


def _facts(study: Levers) -> Iterator[tuple[str, str]]:
    from emberline.reports.text.wording import number, percent
    from emberline.studies.levers import NOTE

    money = study.scenario.market.currency
    for name, case in (("the baseline", study.baseline), ("production first, site after", study.sequential)):
        saved = study.saved(case)
        if saved is not None and case.figures is not None:
            carbon, cost = number(saved.carbon_kg / 1000, 1), number(saved.cost, 0)
            share = percent(saved.cost / abs(case.figures.cost) if case.figures.cost else None)
            yield "saved", f"together compared with {name}: {carbon} t CO2e, {cost} {money} ({share})"
    searches = (("together", study.search, study.gap), ("production first", study.heats_first, study.heats_first.gap))
    for name, plan, gap in searches:
        yield "search", f"{name}: {plan.status}, {'no bound proven in time' if gap is None else f'gap {percent(gap)}'}"
    if study.joint.heats != "joint" and study.joint.figures is not None:
        table = study.scenario.producers[0].table
        yield table, f"the joint search found nothing better than the {table} of: {study.joint.heats}"
    if study.essentials:
        yield "stays", f"{', '.join(study.essentials)}: the site cannot run without it"
    for lever in study.levers:
        if lever.reason:
            yield lever.name, lever.reason
    yield "note", NOTE
