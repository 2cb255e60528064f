"""The command ``emberline levers``: what shifting heats and each asset of the site bring, alone and as the last."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Changes, Force, Named, Refused, print_json, writable, writing
from emberline.ui.cli.workers import Quiet

if TYPE_CHECKING:
    from rich.console import Console

    from emberline.plans.levers import Change, Levers
    from emberline.scenarios import Scenario

FORMATS = ("csv", "json")
PHASES = {"sequential": "production first, site after", "joint": "heats and site together", "levers": "levers"}
COLUMNS = {"first": "first in", "last": "last in", "ruled": "by rules"}
BEYOND = 0.005
"""Beyond what share of a saving the interval is told that the solver has left open."""


def levers(
    scenario: Named,
    changes: Changes = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="write the levers to a .csv or .json")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say what each lever brings: shifting heats, battery, stores, engines, heat recovery.

    Two searches are made, each within the scenario's gap and time limit: production first and the site after, and both
    together. Then each lever is added to the baseline heats alone and taken away from the joint plan. Ctrl-C takes the
    best plans so far, a second one gives up."""
    from emberline.scenarios import load

    asked = load(scenario, changes or [])
    _check(asked, output, force)
    found = _study(asked, quiet)
    if output is not None:
        with writing(output) as partial:
            write(found, partial)
    if as_json:
        print_json(found.summary())
    else:
        from emberline.ui.cli import terminal

        show(terminal.out(), found)
    raise typer.Exit(0 if found.found else 1)


def _check(asked: Scenario, output: Path | None, force: bool) -> None:
    from emberline.plans.levers import refused

    says = refused(asked)
    if says:
        raise Refused(f"{asked.name}: {says}")
    if output is None:
        return
    writable(output, force, FORMATS)


def _study(asked: Scenario, quiet: bool) -> Levers:
    from emberline.plans.levers import levers
    from emberline.ui.cli.progress import study

    def told(event: dict[str, Any]) -> str:
        return f"{event['done']} of {event['of']}: {event['lever']}" if "lever" in event else PHASES[event["phase"]]

    return study(
        lambda tell, wish: levers(asked, on_progress=lambda event: tell(told(event)), cancel=wish),
        "taking the best plans so far",
        quiet,
    )


def rows(found: Levers) -> Iterator[dict[str, Any]]:
    """The levers as a flat table: one row for each lever and column, then interactions and what all bring together."""
    for lever in found.levers:
        for column in COLUMNS:
            change = getattr(lever, column)
            if change is not None:
                yield _row(lever.name, lever.kind, column, change)
    for column in ("first", "last"):
        rest = found.interaction(column)
        if rest is not None:
            yield {"lever": "interaction", "kind": "", "column": column, **rest}
    if found.together is not None:
        yield _row("all together", "", "", found.together)


def _row(name: str, kind: str, column: str, change: Change) -> dict[str, Any]:
    flat = {key: getattr(change, key) for key in ("carbon_kg", "average_kg", "marginal_kg", "cost")}
    flat |= {f"{part}_cost": value for part, value in change.parts.items()}
    flat |= {key: getattr(change, key) for key in ("peak_mw", "goal", "low", "high")}
    return {"lever": name, "kind": kind, "column": column, **flat}


def write(found: Levers, output: Path) -> None:
    """Write the study to a file by its ending."""
    if output.suffix == ".json":
        output.write_text(json.dumps(found.summary(), indent=1, allow_nan=False, ensure_ascii=False), encoding="utf-8")
        return
    table = list(rows(found))
    with output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, max(table, key=len, default={}))
        writer.writeheader()
        writer.writerows(table)


def text(found: Levers) -> str:
    """The study as plain text."""
    from rich.console import Console

    console = Console(width=200, no_color=True)
    with console.capture() as kept:
        show(console, found)
    return kept.get()


def show(console: Console, found: Levers) -> None:
    """The study as the planner reads it: the plans, what is saved, the levers."""
    from rich.text import Text

    from emberline.ui.cli import terminal
    from emberline.ui.text import wording

    scenario = found.scenario
    for line in terminal.heading(scenario)[:2]:
        console.print(Text(line))
    console.print(Text(f"what each lever brings ({wording.SIGNALS[scenario.goal.signal]})"))
    console.print()
    console.print(_plans(found), soft_wrap=True)
    console.print()
    console.print(_levers(found), soft_wrap=True)
    console.print()
    for name, line in _facts(found):
        console.print(Text.assemble((f"{name:<12}", "bold"), line))


def _table(*columns: str) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(columns[0], no_wrap=True)
    for name in columns[1:]:
        # as text: a unit in brackets would be taken for a style
        table.add_column(Text(name), justify="right", no_wrap=True)
    return table


def _plans(found: Levers) -> Any:
    from emberline.plans.levers import parts
    from emberline.ui.text.wording import number

    money = found.scenario.market.currency
    bill = ("energy", "demand", "fuel", "carbon", "other")
    table = _table("plan", "carbon [t CO2e]", f"cost [{money}]", *bill, "peak [MW]", "heats of", "site")
    for name, case in found.cases():
        sums = case.figures
        if sums is None:
            table.add_row(name, "–", "–", *("–" for _ in bill), "–", case.heats, case.reason)
            continue
        paid = parts(sums)
        table.add_row(
            name,
            number(sums.carbon_kg / 1000, 1),
            number(sums.cost, 0),
            *(number(paid[part], 0) for part in bill),
            number(sums.peak_mw, 1),
            case.heats,
            "; ".join(filter(None, (case.status, case.reason, f"{case.broken} violation(s)" if case.broken else ""))),
        )
    return table


def _levers(found: Levers) -> Any:
    money = found.scenario.market.currency
    names = [f"{label} [{unit}]" for label in COLUMNS.values() for unit in ("t CO2e", money)]
    table = _table("saved by", *names)
    for lever in found.levers:
        cells: list[str] = []
        for column in COLUMNS:
            cells += _cells(getattr(lever, column), found)
        table.add_row(lever.name, *cells)
    rest = [_cells_of(found.interaction(column)) for column in ("first", "last")]
    table.add_row("interaction", *rest[0], *rest[1], "", "")
    if found.together is not None:
        both = _cells_of({"carbon_kg": found.together.carbon_kg, "cost": found.together.cost})
        table.add_row("all together", *both, *both, "", "", style="bold")
    return table


def _cells(change: Change | None, found: Levers) -> tuple[str, str]:
    """Carbon and cost; behind the goal's figure how far it may be off, where the solver left something open."""
    if change is None:
        return "–", "–"
    cells = list(_cells_of({"carbon_kg": change.carbon_kg, "cost": change.cost}))
    carbon = found.scenario.goal.minimize == "carbon"
    if (
        change.low is not None
        and change.high is not None
        and change.high - change.low > max(BEYOND * abs(change.goal), 0.5)
    ):
        from emberline.ui.text.wording import number

        scale, digits = (1000, 1) if carbon else (1, 0)
        span = f" ({number(change.low / scale, digits)}…{number(change.high / scale, digits)})"
        cells[0 if carbon else 1] += span
    return cells[0], cells[1]


def _cells_of(values: dict[str, float] | None) -> tuple[str, str]:
    from emberline.ui.text.wording import number

    if values is None:
        return "–", "–"
    return number(values["carbon_kg"] / 1000, 1), number(values["cost"], 0)


def _facts(found: Levers) -> Iterator[tuple[str, str]]:
    from emberline.plans.levers import NOTE
    from emberline.ui.text.wording import percent

    money = found.scenario.market.currency
    for name, case in (("the baseline", found.baseline), ("production first, site after", found.sequential)):
        saved = found.saved(case)
        if saved is not None and case.figures is not None:
            carbon, cost = _cells_of({"carbon_kg": saved.carbon_kg, "cost": saved.cost})
            share = percent(saved.cost / abs(case.figures.cost) if case.figures.cost else None)
            yield "saved", f"together against {name}: {carbon} t CO2e, {cost} {money} ({share})"
    searches = (("together", found.search, found.gap), ("production first", found.heats_first, found.heats_first.gap))
    for name, made, gap in searches:
        yield "search", f"{name}: {made.status}, {'no bound proven in time' if gap is None else f'gap {percent(gap)}'}"
    if found.joint.heats != "joint" and found.joint.figures is not None:
        yield "heats", f"the joint search found none better than those of: {found.joint.heats}"
    if found.needed:
        yield "stays", f"{', '.join(found.needed)}: the site cannot do without"
    for lever in found.levers:
        if lever.reason:
            yield lever.name, lever.reason
    yield "note", NOTE
