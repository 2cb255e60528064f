"""Command ``emberline locks``: the price of each lock of a stored plan."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Run, find, print_json
from emberline.ui.cli.workers import Quiet

if TYPE_CHECKING:
    from emberline.plans.why import lock_prices


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
    from emberline.plans.why import lock_prices
    from emberline.ui.cli.progress import study

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
    _show(prices)


def _show(prices: lock_prices.LockPrices) -> None:
    from rich.text import Text

    from emberline.ui.cli import terminal
    from emberline.ui.text import wording

    console = terminal.out()
    names = ("carbon [kg CO2e]", f"cost [{prices.currency}]", "peak [MW]", f"at most [{prices.unit}]", "gap", "status")
    table = terminal.table(["lock"], names)
    rows = [(f"{price.number}  {price.says}", price.freed, price.at_most) for price in prices.prices]
    if prices.all_freed is not None:
        low = prices.all_freed.low
        rows.append(("all locks removed", prices.all_freed, None if low is None else max(0.0 - low, 0.0)))
    for label, answer, at_most in rows:
        more = answer.more
        savings = (None, None, None) if more is None else (0.0 - more.carbon_kg, 0.0 - more.cost, 0.0 - more.peak_mw)
        cells = [wording.number(value, digits) for value, digits in zip(savings, (0, 0, 2), strict=True)]
        status = answer.status if more is not None else f"{answer.status}: {answer.reason}"
        table.add_row(Text(label), *cells, wording.number(at_most, 1), wording.percent(answer.gap), Text(status))
    console.print(Text("saving from removing each lock, with everything else planned again"))
    console.print(table, soft_wrap=True)
    gap = "no gap proven" if prices.gap is None else f"gap {wording.percent(prices.gap)}"
    console.print(
        Text(f"compared with the stored plan: {prices.status}, {gap}; at most: from the bound without the lock")
    )
    if not prices.complete:
        console.print(Text("the time limit was reached before every lock was tried; raise it with --time-limit"))
