"""The command ``emberline locks``: what each lock of a stored plan costs."""

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
    """Tell the price of each lock of a stored plan: free one at a time, plan again, and say what that brings.

    Ctrl-C takes the prices found so far."""
    from emberline.plans.why import lock_prices
    from emberline.ui.cli.progress import study

    store, number = find(run)
    plan = store.open(number).plan
    lock_prices.refuse(plan)

    def work(tell: Any, wish: Any) -> lock_prices.LockPrices:
        return lock_prices.lock_prices(plan, time_limit_s=time_limit, on_progress=tell, cancel=wish)

    found = study(work, "taking the prices found so far", quiet)
    if as_json:
        print_json({"run": number, **found.summary()})
        return
    if not found.prices and found.complete:
        print(f"run {number} has no locks", file=sys.stderr)
        return
    _show(found)


def _show(found: lock_prices.LockPrices) -> None:
    from rich.table import Table
    from rich.text import Text

    from emberline.ui.cli import terminal
    from emberline.ui.text import wording

    console = terminal.out()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("lock", no_wrap=True)
    names = ("carbon [kg CO2e]", f"cost [{found.currency}]", "peak [MW]", f"at most [{found.unit}]", "gap", "status")
    for name in names:
        table.add_column(Text(name), justify="right", no_wrap=True)
    rows = [(f"{price.number}  {price.says}", price.freed, price.at_most) for price in found.prices]
    if found.all_freed is not None:
        low = found.all_freed.low
        rows.append(("all locks freed", found.all_freed, None if low is None else max(0.0 - low, 0.0)))
    for label, freed, at_most in rows:
        more = freed.more
        told = (None, None, None) if more is None else (0.0 - more.carbon_kg, 0.0 - more.cost, 0.0 - more.peak_mw)
        cells = [wording.number(value, digits) for value, digits in zip(told, (0, 0, 2), strict=True)]
        status = freed.status if more is not None else f"{freed.status}: {freed.reason}"
        table.add_row(Text(label), *cells, wording.number(at_most, 1), wording.percent(freed.gap), Text(status))
    console.print(Text("what freeing each lock saves, planned again as a whole"))
    console.print(table, soft_wrap=True)
    gap = "no gap proven" if found.gap is None else f"gap {wording.percent(found.gap)}"
    console.print(Text(f"against the stored plan: {found.status}, {gap}; at most: by the bound of the freed search"))
    if not found.complete:
        console.print(Text("the time was over before every lock was freed; --time-limit gives more"))
