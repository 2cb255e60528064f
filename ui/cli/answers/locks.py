"""Command ``emberline locks``: the price of each lock of a stored plan."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Run, find, print_json
from emberline.ui.cli.workers import Quiet

if TYPE_CHECKING:
    from emberline.studies.why import lock_prices


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

    from emberline.reports.text import wording
    from emberline.reports.text.studies.locks import lock_rows
    from emberline.ui.cli import terminal

    console, rows = terminal.out(), lock_rows(prices.summary())
    for row, price in zip(rows, prices.prices, strict=False):
        row["lock"] = f"{price.number}  {row['lock']}"
    console.print(Text("saving from removing each lock, with everything else planned again"))
    if rows:
        console.print(terminal.table_of(rows, more=1), soft_wrap=True)
    gap = "no gap proven" if prices.gap is None else f"gap {wording.percent(prices.gap)}"
    console.print(
        Text(f"compared with the stored plan: {prices.status}, {gap}; at most: from the bound without the lock")
    )
    if not prices.complete:
        console.print(Text("the time limit was reached before every lock was tried; raise it with --time-limit"))
