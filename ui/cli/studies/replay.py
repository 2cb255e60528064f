"""Command ``emberline replay``: many disturbed replays of a plan."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Cluster, Quiet, Refused, Run, Workers, at_work, find, one_place, print_json

if TYPE_CHECKING:
    from emberline.planning.plan import Plan
    from emberline.planning.robustness import Ensemble
    from emberline.runs.store import StoredRun

ROWS = 20
"""Most limits that are listed."""


def replay(
    run: Run = "last",
    replications: Annotated[
        int, typer.Option("--replications", "-n", min=1, max=100_000, help="disturbed days")
    ] = 1000,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**63 - 1, show_default="the scenario's", help="random seed"),
    ] = None,
    baseline: Annotated[
        bool, typer.Option("--baseline", help="replay the baseline too, with the same disturbances")
    ] = False,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Replay a stored plan on many disturbed days: how often it holds, and what breaks it.

    The same number of replications gives the same result with any number of workers. Ctrl-C keeps the replays done
    so far; press it twice to give up.
    """
    one_place(workers, cluster)
    store, number = find(run)
    stored = store.open(number)
    if stored.plan.schedule is None:
        raise Refused(f"run {number} has no schedule to follow: {stored.plan.verdict}")
    from emberline.runs.store import ensembles

    ensemble, seconds = _follow(stored, replications, seed, baseline, (workers, cluster), quiet)
    if ensemble is None:
        print("no replay was finished: nothing is stored", file=sys.stderr)
        raise typer.Exit(130)
    path = ensembles.save(ensemble, stored)
    if as_json:
        times = {name: round(value, 3) for name, value in seconds.items()}
        print_json({"run": number, "file": str(path), **ensemble.summary(stored.plan.replay), "seconds": times})
    else:
        _show(ensemble, stored, str(path), seconds)


def _follow(
    stored: StoredRun,
    replications: int,
    seed: int | None,
    baseline: bool,
    where: tuple[int | None, str | None],
    quiet: bool,
) -> tuple[Ensemble | None, dict[str, float]]:
    """The ensemble, and the seconds for starting the workers and for replaying."""
    import time

    from emberline.planning.engine import engine
    from emberline.planning.robustness import ensemble
    from emberline.ui.cli.progress import study

    scenario, schedule, seconds = stored.plan.scenario, stored.plan.schedule, dict[str, float]()
    assert schedule is not None
    ensemble.refuse(scenario, schedule, replications, 0 if where[1] else where[0] or engine.cores())

    def work(tell: Any, wish: Any) -> Ensemble | None:
        began = time.perf_counter()
        with engine.engine(*where) as workers:
            seconds["start"] = time.perf_counter() - began
            tell(f"{replications} disturbed replays, {at_work(workers.workers)}")
            dispatched = None
            if baseline:
                from emberline import twin

                dispatched = twin.dispatch(scenario, stored.plan.envelope)
            tenths = [0]

            def progress(event: dict[str, Any]) -> None:
                tenth = 10 * event["done"] // event["of"]
                if tenth > tenths[0]:
                    tenths[0] = tenth
                    tell(f"{event['done']} of {event['of']}, held in {event['held']}")

            began = time.perf_counter()
            result = ensemble.ensemble(
                scenario,
                schedule,
                replications,
                workers,
                seed=seed,
                dispatched=dispatched,
                on_progress=progress,
                cancel=wish,
            )
            seconds["replays"] = time.perf_counter() - began
        return result

    return study(work, "keeping the replays done so far", quiet, where[1]), seconds


def _show(ensemble: Ensemble, stored: StoredRun, path: str, seconds: dict[str, float]) -> None:
    """Print an ensemble."""
    from emberline.reports.text import wording
    from emberline.reports.text.studies import replays
    from emberline.ui.cli import terminal

    console, scenario = terminal.out(), ensemble.scenario
    for line in terminal.heading(scenario):
        console.print(line)
    console.print()
    share, low, high = ensemble.chance
    count = f"{wording.number(ensemble.successes, 0)} of {wording.number(ensemble.n, 0)}"
    console.print(
        f"chance to hold {wording.percent(share, 1)} (95 % interval {wording.percent(low, 1)} to "
        f"{wording.percent(high, 1)}): no limit missed in {count} disturbed replays"
    )
    acted = ensemble.recourse_days
    if acted:
        console.print(
            f"recourse acted in {wording.number(acted, 0)} of them and cost "
            f"{wording.number(ensemble.recourse_cost, 0)} {scenario.market.currency} a day in the mean, part "
            f"of the cost; {wording.number(ensemble.severity()[0]['recourse'], 0)} held with it"
        )
    if ensemble.n < ensemble.n_requested:
        console.print(f"ended early: {ensemble.n_requested} replays were requested")
    console.print()
    table = terminal.table(("", "unit"), ("P10", "P50", "P90"))
    for label, unit, values in replays.figures(scenario, ensemble.quantiles()):
        table.add_row(label, unit, *values)
    console.print(table, soft_wrap=True)
    show_stocks(ensemble, stored.plan)
    rows = ensemble.broke()
    if rows:
        console.print()
        show_limits(ensemble, rows)
    console.print()
    facts = [("seed", str(int(ensemble.data.attrs["seed"])))]
    if ensemble.against_baseline:
        baseline_days = int((ensemble.data["baseline_violations"] == 0).sum())
        facts.append(("baseline", f"the baseline holds in {baseline_days} of {ensemble.n}, with the same disturbances"))
    rate = wording.number(ensemble.n / max(seconds["replays"], 1e-9), 0)
    facts.append(("seconds", f"{seconds['replays']:.1f} ({rate} replays a second), {seconds['start']:.1f} to start"))
    facts += terminal.holding(ensemble.successes, ensemble.n)
    facts += [("run", stored.id), ("file", path)]
    terminal.print_facts(console, facts)


def show_stocks(ensemble: Ensemble, plan: Plan) -> None:
    """Print how low stores get, and what is in them at the end; nothing without stores."""
    from emberline.reports.text import works
    from emberline.ui.cli import terminal

    rows = works.disturbed_stocks(ensemble, plan.replay)
    if rows:
        console = terminal.out()
        console.print()
        console.print(terminal.table_of(rows, words=2), soft_wrap=True)


def show_limits(ensemble: Ensemble, rows: list[dict[str, Any]]) -> None:
    """Print what broke the plan, limit by limit."""
    from emberline.reports.text import wording
    from emberline.reports.text.studies import replays
    from emberline.ui.cli import terminal

    console, broken = terminal.out(), ensemble.n - ensemble.successes
    cells = [
        {name: value if isinstance(value, str) else wording.number(value, 1 if isinstance(value, float) else 0)
         for name, value in row.items()}
        for row in replays.limit_rows(ensemble, rows[:ROWS])
    ]  # fmt: skip
    console.print("what broke it", style="bold")
    console.print(terminal.table_of(cells, words=3, more=1), soft_wrap=True)
    if len(rows) > ROWS:
        console.print(f"and {len(rows) - ROWS} more (all with --json)")
    console.print(f"in {ensemble.after_breakdown} of the {broken} failed replays a unit had broken down before")
