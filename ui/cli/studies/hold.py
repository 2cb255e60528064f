"""The command ``emberline hold``: a plan that keeps every limit in a share of disturbed days, and what that costs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.answers import why_not
from emberline.ui.cli.options import AsJson, Changes, Named, Refused, print_json
from emberline.ui.cli.workers import Cluster, Quiet, Workers, at_work, one_place

if TYPE_CHECKING:
    from emberline.plans.robustness.holding import Held
    from emberline.scenarios import Scenario

HEADINGS = {
    "holds": "holds",
    "not shown": "not shown to hold",
    "cannot": "cannot be made to hold",
    "out of time": "does not hold yet, the time was over",
    "cancelled": "cancelled before it held",
    "no plan": "no plan",
}


def hold(
    scenario: Named,
    changes: Changes = None,
    level: Annotated[
        str | None,
        typer.Option(metavar="SHARE", show_default="disturbances.hold, or 90 %", help="of the disturbed days"),
    ] = None,
    replications: Annotated[
        int, typer.Option("--replications", "-n", min=20, max=100_000, help="disturbed days that judge")
    ] = 1000,
    time_limit: Annotated[
        float, typer.Option("--time-limit", min=10, metavar="SECONDS", help="for the search; judging comes on top")
    ] = 300.0,
    samples: Annotated[
        int | None, typer.Option(min=2, max=200, help="of a site: plan over so many samples of price and intensity")
    ] = None,
    cvar: Annotated[
        str | None, typer.Option(metavar="SHARE", help="with --samples: the mean of the worst beyond this share")
    ] = None,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make a plan that keeps every limit in a share of disturbed days, and say what that costs.

    It is judged on days that no plan has seen, and stored as a run. Exit code 1 where it cannot hold. Ctrl-C takes the
    plan that held best so far. With --samples: what of a site must be fixed in advance, planned over many samples."""
    from emberline.scenarios import load

    one_place(workers, cluster)
    wanted = None if level is None else _share("--level", level)
    asked = load(scenario, list(changes or []))
    if samples is not None:
        from emberline.ui.cli.studies import samples as sampling

        if level is not None:
            raise Refused("--level: samples are of prices, nothing breaks; leave it out, or leave out --samples")
        sampling.sample(asked, samples, None if cvar is None else _share("--cvar", cvar), as_json, quiet)
        return
    if cvar is not None:
        raise Refused("--cvar: is of samples; add --samples")
    from emberline.plans.jobs import memory
    from emberline.plans.plan import pace
    from emberline.plans.robustness.holding import MOST_LEVEL, refuse, report
    from emberline.plans.store import Store

    if wanted is not None and wanted > MOST_LEVEL:
        raise Refused(f"--level {level}: at most {MOST_LEVEL:.1%}")
    refuse(asked)
    memory.refuse(memory.of_plan(asked), asked.name)
    pace.refuse(asked)
    store = Store()
    with store.working(asked) as run:
        made = _made(asked, wanted, replications, time_limit, (workers, cluster), quiet)
        folder = report.store(store, run, made)
    why = why_not.after_plan(made.robust, scenario, list(changes or []), quiet) if made.status == "no plan" else None
    if as_json:
        more = {} if why is None else {"why_not": why.summary()}
        print_json({"run": run, "folder": str(folder), "scenario": asked.name, **made.summary(), **more})
    else:
        for line in () if why is None else why_not.lines(why):
            print(line, file=sys.stderr)
        for line in _lines(made):
            print(line)
        _tables(made)
        print(f"\nrun       {run}\nfolder    {folder}")
    raise typer.Exit(0 if made.holds else 1)


def _share(option: str, text: str) -> float:
    """A share between nought and one, such as 0.9 or 90 %."""
    from emberline.scenarios.records.quantity import convert

    try:
        found = float(text) if "%" not in text else round(convert(text, ""), 9)
    except ValueError:
        found = 0.0
    if not 0 < found < 1:
        raise Refused(f"{option} {text}: is a share between 0 and 1, such as 0.9 or 90%")
    return found


def _made(
    asked: Scenario,
    level: float | None,
    replications: int,
    time_limit: float,
    where: tuple[int | None, str | None],
    quiet: bool,
) -> Held:
    """The plan that holds, with a line of progress for each round on standard error."""
    from emberline.plans.jobs import ClusterError, engine
    from emberline.plans.robustness.holding import hold as search
    from emberline.ui.cli.progress import study

    def work(tell: Any, wish: Any) -> Held:
        with engine.engine(*where) as workers:
            tell(f"the plan as it is asked for; replays {at_work(workers.workers)}")
            return search(
                asked, workers, level=level, replications=replications, time_limit_s=time_limit, cancel=wish,
                on_progress=lambda event: _tell(tell, event),
            )  # fmt: skip

    try:
        return study(work, "taking the plan that held best so far", quiet)
    except ClusterError as error:
        raise Refused(f"--cluster {error}" if where[1] else str(error)) from None


def _tell(tell: Any, event: dict[str, Any]) -> None:
    if event["phase"] == "round":
        kept = ", ".join(f"{name} {value:g}" for name, value in event["margins"].items())
        held = f"held in {event['held']} of {event['of']}" if event["of"] else f"no plan ({event['status']})"
        tell(f"round {event['round']}: {kept}: {held}")
    elif event["phase"] == "judge":
        tell(f"judged on {event['of']} fresh days")


def _lines(made: Held) -> Iterator[str]:
    """The answer, and what it costs."""
    from emberline.ui.cli import terminal
    from emberline.ui.text import wording

    yield from terminal.heading(made.robust.scenario)
    yield ""
    name, asked = made.robust.scenario.name, wording.percent(made.level, 1)
    yield f"{name} at {asked}: {HEADINGS[made.status]}{f': {made.why}' if made.why else ''}"
    if made.judged is None or made.plain_judged is None:
        return
    n = wording.number(made.judged.n, 0)
    for label, found in (("this plan", made.judged), ("plain plan", made.plain_judged)):
        share, low, high = (wording.percent(value, 1) for value in found.chance)
        yield f"{label:<12}holds on {share} of {n} fresh disturbed days (95 % interval {low} to {high})"
    kept = int((made.judged.data["baseline_violations"] == 0).sum())
    yield f"{'baseline':<12}holds on {wording.percent(kept / made.judged.n, 1)} of them"
    gaps = [
        f"{label} {made_.status}{_gap(made_.gap)}" for label, made_ in (("this", made.robust), ("plain", made.plain))
    ]
    yield f"{'search':<12}{', '.join(gaps)}; {len(made.rounds)} rounds in {made.seconds:.0f} s"
    if made.most_price is not None and made.robust is not made.plain:
        yield f"{'price':<12}undisturbed at most {_goal(made, made.most_price)}, by the plain plan's bound"
    for i, text in enumerate(made.summary()["settings"]):
        yield f"{'' if i else 'margins':<12}--set '{text}'"


def _goal(made: Held, value: float) -> str:
    """An amount of what the goal minimizes."""
    from emberline.ui.text import wording

    late = " late" if made.robust.scenario.goal.minimize == "lateness" else ""
    return f"{wording.objective(made.robust.scenario, value)}{late}"


def _gap(gap: float | None) -> str:
    from emberline.ui.text import wording

    return "" if gap is None else f", gap {wording.percent(gap)}"


def _tables(made: Held) -> None:
    """P10, P50 and P90 of both plans side by side, and what broke the one that is kept."""
    from rich.table import Table

    from emberline.ui.cli import terminal
    from emberline.ui.cli.studies import replay
    from emberline.ui.text import wording

    if made.judged is None or made.plain_judged is None:
        return
    console = terminal.out()

    def table(*names: str, words: int) -> Table:
        found = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
        for place, name in enumerate(names):
            found.add_column(name, justify="left" if place < words else "right", no_wrap=True)
        return found

    money = made.robust.scenario.market.currency
    price = table("price of holding", "unit", "undisturbed", "mean of the days", "still below the baseline", words=2)
    told = (
        ("carbon_kg", "carbon", "t CO2e", 1e-3, 2),
        ("cost", "cost", money, 1.0, 0),
        ("peak_mw", "peak", "MW", 1.0, 1),
    )
    for figure, label, unit, factor, digits in told:
        row = made.price[figure]
        cells = [wording.number(row[key] * factor, digits) for key in ("nominal", "mean", "baseline")]
        price.add_row(label, unit, *cells)
    figures = table("", "unit", "P10", "P50", "P90", "plain P10", "P50", "P90", words=2)
    both = zip(replay.figures(made.judged), replay.figures(made.plain_judged), strict=True)
    for (label, unit, mine), (_, _, plain) in both:
        figures.add_row(label, unit, *mine, *plain)
    for each in (price, figures):
        console.print()
        console.print(each, soft_wrap=True)
    rows = made.judged.broke()
    if rows:
        console.print()
        replay.show_limits(made.judged, rows)
    sys.stdout.flush()
