"""Command ``prices``: what a unit more of a carrier, a level or a limit of a stored plan's site is worth."""

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
    force: Annotated[bool, typer.Option("--force", help="overwrite the file if it is there")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the shadow prices of a stored plan's site.

    They come from the linear program that is left with heats and whole numbers held where they are."""
    from rich.table import Table
    from rich.text import Text

    from emberline.plans.why import shadow_prices as pricing
    from emberline.ui.cli import terminal
    from emberline.ui.text import wording
    from emberline.ui.text.metrics import GOALS

    if output is not None:
        writable(output, force, ("nc",))
    store, number = find(run)
    plan = store.open(number).plan
    if not plan.found:
        raise Refused(f"run {number} has no schedule: {plan.verdict}")
    found = pricing.prices(plan)
    if found is None:
        raise Refused(f"run {number}: no prices were found within the time limit")
    rows = list(pricing.summary(plan, found))
    held = "whole numbers held" if found.attrs["whole_numbers"] == "fixed" else "no whole numbers"
    if output is not None:
        with writing(output) as partial:
            pricing.write(found, partial)
    if as_json:
        print_json({"run": number, "whole_numbers": found.attrs["whole_numbers"], "prices": [asdict(r) for r in rows]})
        return
    console = terminal.out()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in ("what", "", "unit"):
        table.add_column(Text(name), no_wrap=True)
    for name in ("mean", "least", "most", "steps"):
        table.add_column(Text(name), justify="right", no_wrap=True)
    for row in rows:
        figures = (wording.number(value, 2) for value in (row.mean, row.low, row.high))
        table.add_row(Text(row.name), row.says, Text(row.unit), *figures, wording.number(row.steps, 0))
    console.print(table)
    what = "processes" if plan.scenario.processes else "heats"
    goal = GOALS[plan.scenario.goal.minimize]
    console.print(Text(f"for the goal {goal}; {what} held where they are, {held}"))
    if output is not None:
        console.print(Text(f"every step: {output}"))
