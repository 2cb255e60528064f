"""Commands ``emberline diff``, ``locks`` and ``prices``: two stored plans compared, prices of locks and limits."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Force, Quiet, Refused, Run, find, print_json, writable, writing

if TYPE_CHECKING:
    from emberline.studies.difference import Difference
    from emberline.studies.why import lock_prices


First = Annotated[str, typer.Argument(metavar="RUN", help="id of the first run, its first digits, or 'last'")]
Second = Annotated[str, typer.Argument(metavar="RUN", help="the run to compare with it")]
DIGITS = {"MW": 2, "MWh": 2, "t": 1}


def diff(first: First, second: Second, as_json: AsJson = False) -> None:
    """Show how a stored plan differs from another one, and why.

    A plan does not differ from itself.
    """
    from emberline.studies.difference import difference

    store, one = find(first)
    two = store.find(second)
    comparison = difference(store.open(one).plan, store.open(two).plan)
    if as_json:
        print_json({"runs": [one, two], **comparison.summary()})
        return
    for line in lines(comparison, one[:8], two[:8]):
        print(line)


def lines(comparison: Difference, first: str, second: str) -> Iterator[str]:
    """The difference as lines of text."""
    from emberline.reports.text.wording import number, percent, signed
    from emberline.studies.difference import DIFFERENT_HEATS

    names = [
        f"{run} ({name}, {status}{'' if gap is None else f', gap {percent(gap)}'})"
        for run, name, status, gap in zip(
            (first, second), comparison.scenarios, comparison.statuses, comparison.gaps, strict=True
        )
    ]
    yield f"{names[1]} against {names[0]}"
    if comparison.empty:
        yield "no difference"
        return
    sections: list[tuple[str, list[str]]] = [
        ("asked", [key.says for key in comparison.keys]),
        ("series", [series.says for series in comparison.series]),
        ("heats", [DIFFERENT_HEATS] if comparison.different_heats else [heat.says for heat in comparison.heats]),
        ("uses", [use.says for use in comparison.uses]),
    ]
    figures = []
    for figure in comparison.figures:
        digits = DIGITS.get(figure.unit, 0)
        values = f"{number(figure.after, digits)} instead of {number(figure.before, digits)} {figure.unit}"
        more = "" if figure.more is None else f" ({signed(figure.more, digits)})"
        figures.append(f"{figure.label} {values}{more}")
    sections.append(("figures", figures))
    for head, texts in sections:
        for i, text in enumerate(texts):
            yield f"{'' if i else head:<9}{text}"


def locks(
    run: Run = "last",
    time_limit: Annotated[
        float, typer.Option("--time-limit", min=1, metavar="SECONDS", help="for all locks together")
    ] = 120.0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show the price of each lock of a stored plan: remove one at a time, plan again, and report the saving.

    Ctrl-C keeps the prices found so far.
    """
    from emberline.studies.why import lock_prices
    from emberline.ui.cli.terminal import study

    store, number = find(run)
    plan = store.open(number).plan
    lock_prices.refuse(plan)

    def work(tell: Any, wish: Any) -> lock_prices.LockPrices:
        return lock_prices.lock_prices(plan, time_limit_s=time_limit, on_progress=tell, cancel=wish)

    prices = study(work, "keeping the prices found so far", quiet)
    if as_json:
        print_json({"run": number, **prices.summary()})
        return
    if not prices.prices and prices.complete:
        print(f"run {number} has no locks", file=sys.stderr)
        return
    _show_locks(prices)


def _show_locks(prices: lock_prices.LockPrices) -> None:
    from emberline.reports.text import wording
    from emberline.reports.text.studies import lock_rows
    from emberline.ui.cli import terminal

    console, rows = terminal.out(), lock_rows(prices.summary())
    for row, price in zip(rows, prices.prices, strict=False):
        row["lock"] = f"{price.number}  {row['lock']}"
    console.print("saving from removing each lock, with everything else planned again")
    if rows:
        console.print(terminal.table_of(rows, more=1), soft_wrap=True)
    gap = "no gap proven" if prices.gap is None else f"gap {wording.percent(prices.gap)}"
    console.print(f"compared with the stored plan: {prices.status}, {gap}; at most: from the bound without the lock")
    if not prices.complete:
        console.print("the time limit was reached before every lock was tried; raise it with --time-limit")


def prices(
    run: Run = "last",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.nc", help="prices of every step as netCDF")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Show the shadow prices of a stored plan's site.

    They are the duals of the site's linear program with heats and whole numbers fixed.
    """
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
        table.add_row(row.name, row.says, row.unit, *figures, wording.number(row.steps, 0))
    console.print(table)
    what = "processes" if plan.scenario.processes else "heats"
    goal = GOALS[plan.scenario.goal.minimize]
    console.print(f"for the goal {goal}; {what} fixed as planned, {note}")
    if output is not None:
        console.print(f"every step: {output}")
