"""Commands ``emberline pareto`` and ``emberline front``: carbon against cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Changes, Force, Named, Refused, print_json, writable, writing
from emberline.ui.cli.workers import Cluster, Quiet

if TYPE_CHECKING:
    from rich.console import Console

    from emberline.plans.pareto import Front, StoredFront
    from emberline.scenarios import Scenario

PHASES = {"twin": "the baseline run", "ends": "least carbon and least cost", "grid": "caps on carbon between them"}


def pareto(
    scenario: Named,
    points: Annotated[int, typer.Option(min=2, max=101, help="points of the front, including both ends")] = 11,
    changes: Changes = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="processes that search in parallel")] = 1,
    cluster: Cluster = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="write the points to a .csv, .json or .nc")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Search the trade-off between carbon and cost: plans from the cleanest to the cheapest.

    The scenario's gap and time limit apply to each search; its goal and its cap on extra cost do not. Ctrl-C keeps
    the points found so far; press it twice to give up.
    """
    from emberline.scenarios import load

    case = load(scenario, changes or [])
    if output is not None:
        from emberline.plans.pareto import store

        writable(output, force, store.FORMATS)
    from emberline.plans.pareto import store

    front = _search(case, points, (workers, cluster), quiet)
    stored = store.save(front)
    if output is not None:
        with writing(output):
            store.write(front, output)
    _say(stored, as_json)
    raise typer.Exit(0 if front.found else 1)


def front(
    number: Annotated[str, typer.Argument(metavar="FRONT", help="id of a front, its first digits, or 'last'")] = "last",
    as_json: AsJson = False,
) -> None:
    """Show a stored front."""
    from emberline.plans.pareto import store

    _say(store.read(number), as_json)


def _search(case: Scenario, points: int, where: tuple[int, str | None], quiet: bool) -> Front:
    from emberline.plans.jobs import ClusterError
    from emberline.plans.pareto import pareto as search
    from emberline.ui.cli.progress import study

    workers, cluster = where
    try:
        return study(
            lambda tell, wish: search(
                case,
                points,
                workers=workers,
                cluster=cluster,
                on_progress=lambda event: tell(_progress_line(event, case)),
                cancel=wish,
            ),
            "keeping the points found so far",
            quiet,
        )
    except ClusterError as error:
        raise Refused(f"--cluster {error}" if cluster else str(error)) from None


def _progress_line(event: dict[str, Any], case: Scenario) -> str:
    from emberline.ui.text import wording

    if "begun" in event and event["carbon_cap_kg"] is not None:
        cap = wording.number(event["carbon_cap_kg"] / 1000, 2)
        return f"point {event['begun']}: least cost under {cap} t CO2e"
    if "begun" in event:
        last = "least carbon, then least cost" if event["begun"] == 0 else "least cost, then least carbon"
        return f"point {event['begun']}: {last}"
    if "point" not in event:
        return PHASES[event["phase"]]
    count = f"{event['done']} of {event['of']}: point {event['point']}"
    if event["carbon_kg"] is None:
        return f"{count}, {event['status']}"
    carbon, cost = wording.number(event["carbon_kg"] / 1000, 2), wording.number(event["cost"], 0)
    gap = wording.percent(event["gap"])
    return f"{count}, {carbon} t CO2e, {cost} {case.market.currency}, {event['status']}, gap {gap}"


def _say(stored: StoredFront, as_json: bool) -> None:
    from emberline.ui.cli import terminal

    if as_json:
        print_json(
            {"front": stored.id, "folder": str(stored.folder), "created": stored.created, **stored.front.summary()}
        )
    else:
        show(terminal.out(), stored)


def show(console: Console, stored: StoredFront) -> None:
    """Print a front from the cleanest to the cheapest point."""
    from rich.table import Table
    from rich.text import Text

    from emberline.plans.pareto import rows
    from emberline.ui.cli import terminal
    from emberline.ui.text import wording

    front = stored.front
    money = front.scenario.market.currency
    for line in terminal.heading(front.scenario)[:2]:
        console.print(Text(line))
    console.print(Text(f"carbon against cost ({wording.SIGNALS[front.scenario.goal.signal]})"))
    console.print()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("point", no_wrap=True)
    names = ("carbon [t CO2e]", f"cost [{money}]", "gap", f"difference [{money}/t]", f"dual [{money}/t]", "peak [MW]")
    for name in names:
        table.add_column(Text(name), justify="right", no_wrap=True)
    for name in ("status", ""):
        table.add_column(Text(name), no_wrap=True)
    for row in rows(front.data):
        between = wording.number(row["difference_per_t"], 0)
        if row["difference_per_t"] is not None and not row["proven"]:
            between = f"({between})"
        table.add_row(
            str(row["point"]),
            wording.number(row["carbon_kg"] / 1000, 2),
            wording.number(row["cost"], 0),
            wording.percent(row["gap"]),
            between,
            wording.number(row["dual_per_t"], 0),
            wording.number(row["peak_mw"], 1),
            row["status"],
            "knee" if row["knee"] else "",
        )
    console.print(table, soft_wrap=True)
    if front.data.sizes["point"] > 1:
        console.print(Text("difference: to the next cheaper point; in brackets if it may be within the gaps"))
    console.print()
    facts = [("baseline", _figures(front.baseline.carbon_kg, front.baseline.cost, money)), ("verdict", front.verdict)]
    facts += [("notes" if not i else "", line) for i, line in enumerate(front.notes)]
    facts += [("failed", line) for line in front.failed]
    facts += [("front", stored.id), ("folder", str(stored.folder))]
    for name, text in facts:
        console.print(Text.assemble((f"{name:<10}", "bold"), text))


def _figures(carbon_kg: float, cost: float, currency: str) -> str:
    from emberline.ui.text import wording

    return f"{wording.number(carbon_kg / 1000, 2)} t CO2e, {wording.number(cost, 0)} {currency}"
