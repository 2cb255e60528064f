"""The command ``emberline replay``: many disturbed replays of one plan."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Refused, Run, find, print_json
from emberline.ui.cli.workers import Cluster, Quiet, Workers, at_work, one_place

if TYPE_CHECKING:
    from emberline.plans.robustness import Ensemble
    from emberline.plans.store import StoredRun

ROWS = 20
"""Limits that are listed at most."""


def replay(
    run: Run = "last",
    replications: Annotated[
        int, typer.Option("--replications", "-n", min=1, max=100_000, help="disturbed days")
    ] = 1000,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**63 - 1, show_default="the scenario's", help="of the random numbers"),
    ] = None,
    baseline: Annotated[bool, typer.Option("--baseline", help="follow the baseline too, on the same luck")] = False,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Follow a stored plan through many disturbed days: how often it holds, and what breaks it.

    The same replications give the same result on any number of workers. Ctrl-C takes those done so far, a second one
    gives up."""
    one_place(workers, cluster)
    store, found = find(run)
    stored = store.open(found)
    if stored.plan.schedule is None:
        raise Refused(f"run {found} has no schedule to follow: {stored.plan.verdict}")
    from emberline.plans.store import ensembles

    made, seconds = _follow(stored, replications, seed, baseline, (workers, cluster), quiet)
    if made is None:
        print("no replay was done: nothing is kept", file=sys.stderr)
        raise typer.Exit(130)
    path = ensembles.save(made, stored)
    if as_json:
        told = {name: round(value, 3) for name, value in seconds.items()}
        print_json({"run": found, "file": str(path), **made.summary(), "seconds": told})
    else:
        _show(made, stored, str(path), seconds)


def _follow(
    stored: StoredRun,
    replications: int,
    seed: int | None,
    baseline: bool,
    where: tuple[int | None, str | None],
    quiet: bool,
) -> tuple[Ensemble | None, dict[str, float]]:
    """The ensemble, and the seconds that making the workers ready and replaying took."""
    import time

    from emberline.plans.jobs import ClusterError, engine
    from emberline.plans.robustness import ensemble
    from emberline.ui.cli.progress import study

    asked, schedule, seconds = stored.plan.scenario, stored.plan.schedule, dict[str, float]()
    assert schedule is not None
    ensemble.refuse(asked, schedule, replications, 0 if where[1] else where[0] or engine.cores())

    def work(tell: Any, wish: Any) -> Ensemble | None:
        began = time.perf_counter()
        with engine.engine(*where) as workers:
            seconds["start"] = time.perf_counter() - began
            tell(f"{replications} disturbed replays, {at_work(workers.workers)}")
            dispatched = None
            if baseline:
                from emberline import twin

                dispatched = twin.dispatch(asked, stored.plan.envelope)
            shown = [0]

            def progress(event: dict[str, Any]) -> None:
                tenth = 10 * event["done"] // event["of"]
                if tenth > shown[0]:
                    shown[0] = tenth
                    tell(f"{event['done']} of {event['of']}, held in {event['held']}")

            began = time.perf_counter()
            made = ensemble.ensemble(
                asked,
                schedule,
                replications,
                workers,
                seed=seed,
                dispatched=dispatched,
                on_progress=progress,
                cancel=wish,
            )
            seconds["replays"] = time.perf_counter() - began
        return made

    try:
        return study(work, "taking the replays done so far", quiet), seconds
    except ClusterError as error:
        raise Refused(f"--cluster {error}" if where[1] else str(error)) from None


def _show(made: Ensemble, stored: StoredRun, path: str, seconds: dict[str, float]) -> None:
    """An ensemble as the planner reads it."""
    from rich.table import Table
    from rich.text import Text

    from emberline.ui.cli import terminal
    from emberline.ui.text import wording

    console, asked = terminal.out(), made.scenario
    for line in terminal.heading(asked):
        console.print(Text(line))
    console.print()
    share, low, high = made.chance
    held = f"{wording.number(made.held, 0)} of {wording.number(made.n, 0)}"
    console.print(
        Text(
            f"chance to hold {wording.percent(share, 1)} (95 % interval {wording.percent(low, 1)} to "
            f"{wording.percent(high, 1)}): no limit missed in {held} disturbed replays"
        )
    )
    if made.n < made.asked:
        console.print(Text(f"ended early: {made.asked} replays were asked for"))
    console.print()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in ("", "unit"):
        table.add_column(name, no_wrap=True)
    for name in ("P10", "P50", "P90"):
        table.add_column(name, justify="right", no_wrap=True)
    for label, unit, values in figures(made):
        table.add_row(label, unit, *values)
    console.print(table, soft_wrap=True)
    rows = made.broke()
    if rows:
        console.print()
        show_limits(made, rows)
    console.print()
    facts = [("seed", str(int(made.data.attrs["seed"])))]
    if made.against_baseline:
        kept = int((made.data["baseline_violations"] == 0).sum())
        facts.append(("baseline", f"its list holds in {kept} of {made.n}, on the same luck"))
    rate = wording.number(made.n / max(seconds["replays"], 1e-9), 0)
    facts.append(("seconds", f"{seconds['replays']:.1f} ({rate} replays a second), {seconds['start']:.1f} to start"))
    facts += terminal.holding(made.held, made.n)
    facts += [("run", stored.id), ("file", path)]
    for name, text in facts:
        console.print(Text.assemble((f"{name:<10}", "bold"), text))


def figures(made: Ensemble) -> list[tuple[str, str, list[str]]]:
    """Label, unit, and P10, P50 and P90 of each figure of an ensemble."""
    from emberline.ui.text import wording

    money, found = made.scenario.market.currency, made.quantiles()
    told = [
        ("carbon", "t CO2e", "carbon_kg", 1e-3, 2),
        ("cost", money, "cost", 1.0, 0),
        ("peak, metered mean", "MW", "peak_mw", 1.0, 1),
    ]
    if made.scenario.heats:
        told += [("late heats", "", "late_heats", 1.0, 0), ("late", "t", "late_t", 1.0, 0)]
    if made.scenario.processes:
        told += [("missed deliveries", "", "missed_deliveries", 1.0, 0), ("not delivered", "t", "short_t", 1.0, 1)]
    if made.against_baseline:
        told += [
            ("carbon saved", "t CO2e", "saved_carbon_kg", 1e-3, 2),
            ("cost saved", money, "saved_cost", 1.0, 0),
        ]
    return [
        (label, unit, [wording.number(found[name][q] * factor, digits) for q in ("p10", "p50", "p90")])
        for label, unit, name, factor, digits in told
    ]


def show_limits(made: Ensemble, rows: list[dict[str, Any]]) -> None:
    """What broke it, limit by limit."""
    from rich.table import Table
    from rich.text import Text

    from emberline.ui.cli import terminal
    from emberline.ui.text import wording

    console, horizon, broken = terminal.out(), made.scenario.horizon, made.n - made.held
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in ("what broke it", "stage", "unit"):
        table.add_column(name, no_wrap=True)
    for name in ("first", "in", "share", "most"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("most often within the hour from", no_wrap=True)
    for row in rows[:ROWS]:
        at = "after the end"
        if row["hour"] * 60 < horizon.length_min:
            at = wording.moment(horizon.instant(row["hour"] * 60))
        table.add_row(
            wording.KINDS.get(row["kind"], row["kind"]),
            row["stage"] or "site",
            row["unit"],
            str(row["first"]),
            str(row["replications"]),
            wording.percent(row["replications"] / made.n, 1),
            f"{wording.number(row['amount'], 1)} {row['measure']}",
            f"{at} (in {row['in_hour']})",
        )
    console.print(table, soft_wrap=True)
    if len(rows) > ROWS:
        console.print(Text(f"and {len(rows) - ROWS} more, all with --json"))
    console.print(Text("first: replays in which it was missed before anything else; in: in which it was missed at all"))
    console.print(Text(f"a unit had broken down before in {made.after_breakdown} of the {broken} that did not hold"))
