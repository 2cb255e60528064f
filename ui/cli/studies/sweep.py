"""Command ``emberline sweep``: many plans of one scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Named, SearchGap, SearchTime, of_searches, print_json
from emberline.ui.cli.workers import Cluster, Quiet, Workers, at_work, one_place

if TYPE_CHECKING:
    from emberline.studies import Row, Sweep


def sweep(
    scenario: Named,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=[VALUE, …]", help="values of a key; without brackets: the same value for all plans"
        ),
    ] = None,
    gap: SearchGap = None,
    time_limit: SearchTime = None,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Plan a scenario for every combination of some values; each plan is a stored run.

    Ctrl-C keeps what is done: plans in progress are dropped, finished ones are stored. The exit code is 1 if no plan
    is acceptable.
    """
    one_place(workers, cluster)
    from emberline.studies import sweep as sweeps

    along, same = sweeps.axes([*(changes or []), *of_searches(gap, time_limit)])
    settings = sweeps.settings(scenario, along, same)
    from emberline.planning.engine import engine
    from emberline.runs.store import Store
    from emberline.ui.cli.progress import study

    if workers is None and cluster is None:
        workers = min(engine.cores(), len(settings))
    sweeps.refuse(settings, workers or 1)

    def work(tell: Any, wish: Any) -> Sweep:
        with engine.engine(workers, cluster) as ready:
            tell(f"{len(settings)} plans, {at_work(ready.workers)}")
            return sweeps.sweep(
                along,
                settings,
                ready,
                Store(),
                on_progress=lambda event: tell(f"{event['done']} of {event['of']}: {_in_words(event['row'])}"),
                cancel=wish,
            )

    sweep = study(work, "keeping the plans made so far", quiet, cluster)
    if as_json:
        print_json({"file": str(sweep.path), **sweep.summary()})
    else:
        _show_sweep(sweep)
    raise typer.Exit(0 if any(row.acceptable for row in sweep.rows) else 1)


def _in_words(row: Row) -> str:
    from emberline.reports.text import wording

    setting = ", ".join(f"{key}={value}" for key, value in row.setting.items())
    return f"{setting}: {row.status}" + (f", gap {wording.percent(row.gap)}" if row.gap is not None else "")


def _show_sweep(sweep: Sweep) -> None:
    from rich.text import Text

    from emberline.reports.text import wording
    from emberline.ui.cli import terminal

    console = terminal.out()
    money = sweep.currency
    names = ("carbon [t CO2e]", f"cost [{money}]", "peak [MW]", "carbon saved", "cost saved", "gap", "held")
    table = terminal.table([axis.key for axis in sweep.axes], names, ("status", "run"))

    def cell(values: dict[str, float], name: str, factor: float, digits: int) -> str:
        return wording.number(values[name] * factor if name in values else None, digits)

    for row in sweep.rows:
        status = row.status if row.acceptable or row.run is None else f"{row.status}, not acceptable"
        table.add_row(
            *(Text(str(row.setting[axis.key])) for axis in sweep.axes),
            cell(row.figures, "carbon_kg", 1e-3, 2),
            cell(row.figures, "cost", 1.0, 0),
            cell(row.figures, "peak_mw", 1.0, 1),
            cell(row.saved, "carbon_kg", 1e-3, 2),
            cell(row.saved, "cost", 1.0, 0),
            wording.percent(row.gap),
            f"{row.successes} of {row.replications}" if row.replications else "–",
            Text(status),
            (row.run or "")[:8],
        )
    console.print(table, soft_wrap=True)
    for row in sweep.rows:
        if row.status == "failed" or (row.run is not None and not row.acceptable):
            console.print(Text(f"{_in_words(row)}: {row.says}"))
    console.print()
    facts = [
        ("planned", f"{sweep.n_planned} of {len(sweep.rows)}"),
        ("notes", "saved: compared with the baseline under the same setting; gap: fixed emissions and costs left out"),
        ("file", str(sweep.path)),
    ]
    terminal.print_facts(console, facts)
