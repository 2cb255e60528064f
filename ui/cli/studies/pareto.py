"""Commands ``emberline pareto`` and ``emberline front``: carbon, or another metric, against cost."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.command import case_of, print_json, writable, writing
from emberline.ui.cli.options import AsJson, Changes, Cluster, Force, Named, Quiet, argument, optional

if TYPE_CHECKING:
    from rich.console import Console

    from emberline.runs.store import fronts
    from emberline.scenarios import Scenario
    from emberline.studies.pareto import Axis

PHASES = {
    "twin": "the baseline run",
    "ends": "least {metric} and least cost",
    "grid": "caps on {metric} between them",
}


def pareto(
    scenario: Named,
    points: int = optional("points of the front, including both ends", min=2, max=101, default=11),
    metric: str = optional("what is traded against cost, such as carbon or water", default="carbon"),
    changes: Changes = None,
    workers: int = optional("processes that search in parallel", min=1, max=256, default=1),
    cluster: Cluster = None,
    output: Path | None = optional("write the points to a .csv, .json or .nc", "FILE", "--output", "-o"),
    force: Force = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Search the trade-off between carbon, or another metric, and cost: plans from the cleanest to the cheapest.

    The scenario's gap and effort apply to each search; its goal and its cap on extra cost do not. Ctrl-C keeps
    the points found so far; press it twice to give up.
    """
    case = case_of(scenario, changes)
    from emberline.runs.store import fronts

    if output is not None:
        writable(output, force, fronts.FORMATS)
    from emberline.studies.pareto import Axis
    from emberline.studies.pareto import pareto as search
    from emberline.ui.cli.terminal import study

    work = partial(search, case, points, metric=metric, workers=workers, cluster=cluster)
    says = partial(_progress_line, case, Axis(metric))
    front = study(work, "keeping the points found so far", quiet, cluster, says)
    stored = fronts.save(front)
    if output is not None:
        with writing(output):
            fronts.write(front, output)
    _say(stored, as_json)
    raise typer.Exit(0 if front.has_points else 1)


def front(
    number: Annotated[str, argument("id of a front, its first digits, or 'last'", "FRONT")] = "last",
    as_json: AsJson = False,
) -> None:
    """Show a stored front."""
    from emberline.runs.store import fronts

    _say(fronts.read(number), as_json)


def _progress_line(case: Scenario, axis: Axis, event: dict[str, Any]) -> str:
    from emberline.reports.text import wording

    if "begun" in event and event[axis.cap] is not None:
        return f"point {event['begun']}: least cost under {_amount(event[axis.cap], axis)}"
    if "begun" in event:
        first, then = ("cost", axis.metric) if event["begun"] else (axis.metric, "cost")
        return f"point {event['begun']}: least {first}, then least {then}"
    if "point" not in event:
        return PHASES[event["phase"]].format(metric=axis.metric)
    count = f"{event['done']} of {event['of']}: point {event['point']}"
    if event[axis.figure] is None:
        return f"{count}, {event['status']}"
    figures = _figures(event[axis.figure], event["cost"], case.market.currency, axis)
    return f"{count}, {figures}, {event['status']}, gap {wording.percent(event['gap'])}"


def _say(stored: fronts.StoredFront, as_json: bool) -> None:
    from emberline.ui.cli import terminal

    if as_json:
        print_json(
            {"front": stored.id, "folder": str(stored.folder), "created": stored.created, **stored.front.summary()}
        )
    else:
        show(terminal.out(), stored)


def show(console: Console, stored: fronts.StoredFront) -> None:
    """Print a front from the cleanest to the cheapest point."""
    from emberline.reports.text import wording
    from emberline.studies.pareto import rows
    from emberline.ui.cli import terminal

    front = stored.front
    axis, money = front.axis, front.scenario.market.currency
    per = f"{money}/{axis.unit.split()[0]}"
    for line in terminal.heading(front.scenario)[:2]:
        console.print(line)
    signal = f" ({wording.SIGNALS[front.scenario.goal.signal]})" if axis.metric == "carbon" else ""
    console.print(f"{axis.metric} against cost{signal}")
    console.print()
    amount = f"{axis.metric} [{axis.unit}]"
    names = (amount, f"cost [{money}]", "gap", f"difference [{per}]", f"dual [{per}]", "peak [MW]")
    table = terminal.table(["point"], names, ("status", ""))
    for row in rows(front.data):
        between = wording.number(row[axis.difference], 0)
        if row[axis.difference] is not None and not row["proven"]:
            between = f"({between})"
        table.add_row(
            str(row["point"]),
            wording.number(row[axis.figure] * axis.factor, axis.digits),
            wording.number(row["cost"], 0),
            wording.percent(row["gap"]),
            between,
            wording.number(row[axis.dual], 0),
            wording.number(row["peak_mw"], 1),
            row["status"],
            "knee" if row["knee"] else "",
        )
    console.print(table, soft_wrap=True)
    if front.data.sizes["point"] > 1:
        console.print("difference: to the next cheaper point; in brackets if it may be within the gaps")
    console.print()
    baseline = _figures(axis.of(front.baseline), front.baseline.cost, money, axis)
    facts = [("baseline", baseline), ("verdict", front.verdict)]
    facts += [("notes" if not i else "", line) for i, line in enumerate(front.notes)]
    facts += [("failed", line) for line in front.failed]
    facts += [("front", stored.id), ("folder", str(stored.folder))]
    terminal.print_facts(console, facts)


def _figures(amount: float, cost: float, currency: str, axis: Axis) -> str:
    from emberline.reports.text import wording

    return f"{_amount(amount, axis)}, {wording.number(cost, 0)} {currency}"


def _amount(amount: float, axis: Axis) -> str:
    from emberline.reports.text import wording

    return f"{wording.number(amount * axis.factor, axis.digits)} {axis.unit}"
