"""The command ``emberline sweep``: many plans of one scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Named, Refused, SearchGap, SearchTime, of_searches, print_json
from emberline.ui.cli.workers import Cluster, Quiet, Workers, at_work, one_place

if TYPE_CHECKING:
    from emberline.plans.studies import Row, Sweep


def sweep(
    scenario: Named,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=[VALUE, …]", help="values of a key; without brackets: the same for all"),
    ] = None,
    gap: SearchGap = None,
    time_limit: SearchTime = None,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Plan a scenario for every combination of some values, each a stored run.

    Ctrl-C leaves what is done: plans under way are given up, those made are stored. The exit code is 1 where no plan
    is acceptable."""
    one_place(workers, cluster)
    from emberline.plans.studies import sweep as sweeps

    along, same = sweeps.axes([*(changes or []), *of_searches(gap, time_limit)])
    asked = sweeps.settings(scenario, along, same)
    from emberline.plans.jobs import ClusterError, engine
    from emberline.plans.store import Store
    from emberline.ui.cli.progress import study

    if workers is None and cluster is None:
        workers = min(engine.cores(), len(asked))
    sweeps.refuse(asked, workers or 1)

    def work(tell: Any, wish: Any) -> Sweep:
        with engine.engine(workers, cluster) as ready:
            tell(f"{len(asked)} plans, {at_work(ready.workers)}")
            return sweeps.sweep(
                along,
                asked,
                ready,
                Store(),
                on_progress=lambda event: tell(f"{event['done']} of {event['of']}: {_in_words(event['row'])}"),
                cancel=wish,
            )

    try:
        made = study(work, "leaving it at the plans made so far", quiet)
    except ClusterError as error:
        raise Refused(f"--cluster {error}" if cluster else str(error)) from None
    if as_json:
        print_json({"file": str(made.path), **made.summary()})
    else:
        _show_sweep(made)
    raise typer.Exit(0 if any(row.acceptable for row in made.rows) else 1)


def _in_words(row: Row) -> str:
    from emberline.ui.text import wording

    setting = ", ".join(f"{key}={value}" for key, value in row.setting.items())
    return f"{setting}: {row.status}" + (f", gap {wording.percent(row.gap)}" if row.gap is not None else "")


def _show_sweep(made: Sweep) -> None:
    from rich.table import Table
    from rich.text import Text

    from emberline.ui.cli import terminal
    from emberline.ui.text import wording

    console = terminal.out()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for axis in made.axes:
        table.add_column(Text(axis.key), no_wrap=True)
    money = made.currency
    names = ("carbon [t CO2e]", f"cost [{money}]", "peak [MW]", "carbon saved", "cost saved", "gap", "held")
    for name in names:
        table.add_column(Text(name), justify="right", no_wrap=True)
    for name in ("status", "run"):
        table.add_column(name, no_wrap=True)

    def cell(values: dict[str, float], name: str, factor: float, digits: int) -> str:
        return wording.number(values[name] * factor if name in values else None, digits)

    for row in made.rows:
        status = row.status if row.acceptable or row.run is None else f"{row.status}, not acceptable"
        table.add_row(
            *(Text(str(row.setting[axis.key])) for axis in made.axes),
            cell(row.figures, "carbon_kg", 1e-3, 2),
            cell(row.figures, "cost", 1.0, 0),
            cell(row.figures, "peak_mw", 1.0, 1),
            cell(row.saved, "carbon_kg", 1e-3, 2),
            cell(row.saved, "cost", 1.0, 0),
            wording.percent(row.gap),
            f"{row.held} of {row.replications}" if row.replications else "–",
            Text(status),
            (row.run or "")[:8],
        )
    console.print(table, soft_wrap=True)
    for row in made.rows:
        if row.status == "failed" or (row.run is not None and not row.acceptable):
            console.print(Text(f"{_in_words(row)}: {row.says}"))
    console.print()
    facts = [
        ("planned", f"{made.done} of {len(made.rows)}"),
        ("notes", "saved: against the baseline under the same setting; gap: on what can be decided"),
        ("file", str(made.path)),
    ]
    for name, text in facts:
        console.print(Text.assemble((f"{name:<10}", "bold"), text))
