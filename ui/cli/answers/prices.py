"""Command ``emberline prices``: the value of one more unit of a carrier, a level or a limit at the site of a stored
plan."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from emberline.ui.cli.options import AsJson, Refused, Run, find, print_json, writable, writing


def prices(
    run: Run = "last",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.nc", help="prices of every step as netCDF")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="overwrite the file if it exists")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the shadow prices of a stored plan's site.

    They are the duals of the site's linear program with heats and whole numbers fixed.
    """
    from rich.text import Text

    from emberline.reports.text import wording
    from emberline.scenarios.goal_metrics import GOALS
    from emberline.studies.why import shadow_prices as pricing
    from emberline.ui.cli import terminal

    if output is not None:
        writable(output, force, ("nc",))
    store, number = find(run)
    plan = store.open(number).plan
    if not plan.has_schedule:
        raise Refused(f"run {number} has no schedule: {plan.verdict}")
    data = pricing.prices(plan)
    if data is None:
        raise Refused(f"run {number}: no prices were found within the time limit")
    rows = list(pricing.summary(plan, data))
    note = "whole numbers fixed" if data.attrs["whole_numbers"] == "fixed" else "no whole numbers"
    if output is not None:
        with writing(output) as partial:
            data.to_netcdf(partial, engine="netcdf4")
    if as_json:
        print_json({"run": number, "whole_numbers": data.attrs["whole_numbers"], "prices": [asdict(r) for r in rows]})
        return
    console = terminal.out()
    table = terminal.table(("what", "", "unit"), ("mean", "least", "most", "steps"))
    for row in rows:
        figures = (wording.number(value, 2) for value in (row.mean, row.low, row.high))
        table.add_row(Text(row.name), row.says, Text(row.unit), *figures, wording.number(row.steps, 0))
    console.print(table)
    what = "processes" if plan.scenario.processes else "heats"
    goal = GOALS[plan.scenario.goal.minimize]
    console.print(Text(f"for the goal {goal}; {what} fixed as planned, {note}"))
    if output is not None:
        console.print(Text(f"every step: {output}"))
