"""Command ``emberline hold``: a plan that meets every limit on a share of disturbed days, and its price.

With ``--samples`` a site is planned over samples of prices and intensities."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.answers import why
from emberline.ui.cli.options import (
    AsJson,
    Changes,
    Cluster,
    Named,
    Quiet,
    Refused,
    Workers,
    at_work,
    one_place,
    print_json,
)

if TYPE_CHECKING:
    from emberline.planning.robustness.holding import Robustness, sampled
    from emberline.scenarios import Scenario


def _sample(scenario: Scenario, count: int, share: float | None, as_json: bool, quiet: bool) -> None:
    """Plan over samples, compare with the plan on the forecast, and report."""
    from emberline.planning.robustness.holding import sampled
    from emberline.ui.cli.progress import study

    def work(tell: Any, wish: Any) -> sampled.Compared:
        return sampled.compare(scenario, count, share=share, on_progress=tell, cancel=wish)

    comparison = study(work, "taking the best first stage found so far", quiet)
    if as_json:
        print_json(comparison.summary())
    else:
        _show_samples(comparison)


def _show_samples(comparison: sampled.Compared) -> None:
    from emberline.reports.text import wording
    from emberline.ui.cli import terminal

    console, summary = terminal.out(), comparison.summary()
    unit, factor, digits = wording.measure(comparison.scenario)

    def number(value: float) -> str:
        return wording.number(value * factor, digits)

    for line in terminal.heading(comparison.scenario):
        console.print(line)
    console.print()
    worst = f"worst {wording.percent(1 - summary['share'], 0)}"
    what = "mean" if comparison.share is None else f"mean of the {worst}"
    gap = "" if summary["gap"] is None else f", gap {wording.percent(summary['gap'])}"
    console.print(
        f"planned over {summary['samples']} samples of {', '.join(comparison.names)}: least {what} ({unit}){gap}"
    )
    table = terminal.table([f"on {summary['fresh']} other days"], ("mean", worst))
    labels = {
        "sampled": "planned over samples",
        "plain": "planned on the forecast",
        "knowing": "with perfect foresight of each day",
    }
    for name, label in labels.items():
        row = summary["on_fresh"][name]
        table.add_row(label, number(row["mean"]), number(row["cvar"]))
    console.print(table)
    gained = summary["gained"]
    console.print(
        f"gained by samples: {number(gained['mean'])} {unit} in the mean (standard error "
        f"{number(gained['standard_error'])}), {number(gained['cvar'])} in the {worst}; perfect foresight of "
        f"each day would gain {number(gained['knowing'])} more"
    )
    console.print("caps of the goal are left out; dispatch knows its day, decisions fixed in advance do not")


HEADINGS = {
    "holds": "holds",
    "not shown": "not yet proven to hold",
    "cannot": "cannot be made to hold",
    "out of time": "does not hold yet; the time limit was reached",
    "cancelled": "cancelled before it held",
    "no plan": "no plan",
}


def hold(
    scenario: Named,
    changes: Changes = None,
    level: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE",
            show_default="disturbances.hold, or 90 %",
            help="share of disturbed days on which it must hold",
        ),
    ] = None,
    replications: Annotated[
        int, typer.Option("--replications", "-n", min=20, max=100_000, help="disturbed days for the final judgement")
    ] = 1000,
    time_limit: Annotated[
        float,
        typer.Option("--time-limit", min=10, metavar="SECONDS", help="for the search; the judgement comes on top"),
    ] = 300.0,
    samples: Annotated[
        int | None, typer.Option(min=2, max=200, help="for a site: plan over this many samples of price and intensity")
    ] = None,
    cvar: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="with --samples: minimize the mean of the worst cases beyond this share"),
    ] = None,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make a plan that meets every limit on a share of disturbed days, and report its price.

    It is judged on days that no search has seen, and stored as a run. The exit code is 1 if it does not hold. Ctrl-C
    takes the plan that held best so far. With --samples, the decisions that a site must fix in advance are planned
    over many samples.
    """
    from emberline.scenarios import load

    one_place(workers, cluster)
    target = None if level is None else _share("--level", level)
    case = load(scenario, list(changes or []))
    if samples is not None:
        if level is not None:
            raise Refused("--level: samples vary prices only, nothing breaks down; drop it, or drop --samples")
        _sample(case, samples, None if cvar is None else _share("--cvar", cvar), as_json, quiet)
        return
    if cvar is not None:
        raise Refused("--cvar: needs --samples")
    from emberline.planning.engine import memory
    from emberline.planning.plan import pace
    from emberline.planning.robustness.holding import MOST_LEVEL, refuse
    from emberline.runs.store import Store, ensembles

    if target is not None and target > MOST_LEVEL:
        raise Refused(f"--level {level}: at most {MOST_LEVEL:.1%}")
    refuse(case)
    memory.refuse(memory.of_plan(case), case.name)
    pace.refuse(case)
    store = Store()
    with store.working(case) as run:
        result = _search(case, target, replications, time_limit, (workers, cluster), quiet)
        folder = ensembles.save_holding(store, run, result)
    reason = None
    if result.status == "no plan":
        overrides = list(changes or [])
        reason = why.after_plan(result.robust, why.at_once(scenario, overrides), scenario, overrides, quiet)
    if as_json:
        more = {} if reason is None else {"why_not": reason.summary()}
        print_json({"run": run, "folder": str(folder), "scenario": case.name, **result.summary(), **more})
    else:
        for line in () if reason is None else why.lines(reason):
            print(line, file=sys.stderr)
        for line in _lines(result):
            print(line)
        _tables(result)
        print(f"\nrun       {run}\nfolder    {folder}")
    raise typer.Exit(0 if result.holds else 1)


def _share(option: str, text: str) -> float:
    """A share between 0 and 1, such as 0.9 or 90 %."""
    from emberline.scenarios.records.quantity import convert

    try:
        share = float(text) if "%" not in text else round(convert(text, ""), 9)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise Refused(f"{option} {text}: must be a share between 0 and 1, such as 0.9 or 90%")
    return share


def _search(
    case: Scenario,
    level: float | None,
    replications: int,
    time_limit: float,
    where: tuple[int | None, str | None],
    quiet: bool,
) -> Robustness:
    """Search the plan that holds, with a line of progress per round on standard error."""
    from emberline.planning.engine import engine
    from emberline.planning.robustness.holding import hold as search
    from emberline.ui.cli.progress import study

    def work(tell: Any, wish: Any) -> Robustness:
        with engine.engine(*where) as workers:
            tell(f"the plan as requested; replays {at_work(workers.workers)}")
            return search(
                case, workers, level=level, replications=replications, time_limit_s=time_limit, cancel=wish,
                on_progress=lambda event: _tell(tell, event),
            )  # fmt: skip

    return study(work, "taking the plan that held best so far", quiet, where[1])


def _tell(tell: Any, event: dict[str, Any]) -> None:
    if event["phase"] == "round":
        margins = ", ".join(f"{name} {value:g}" for name, value in event["margins"].items())
        outcome = f"held in {event['held']} of {event['of']}" if event["of"] else f"no plan ({event['status']})"
        tell(f"round {event['round']}: {margins}: {outcome}")
    elif event["phase"] == "judge":
        tell(f"judged on {event['of']} new days")


def _lines(result: Robustness) -> Iterator[str]:
    """The answer and its price."""
    from emberline.reports.text import wording
    from emberline.ui.cli import terminal

    yield from terminal.heading(result.robust.scenario)
    yield ""
    name, level = result.robust.scenario.name, wording.percent(result.level, 1)
    yield f"{name} at {level}: {HEADINGS[result.status]}{f': {result.why}' if result.why else ''}"
    if result.judged is None or result.plain_judged is None:
        return
    n = wording.number(result.judged.n, 0)
    for label, ensemble in (("this plan", result.judged), ("plain plan", result.plain_judged)):
        share, low, high = (wording.percent(value, 1) for value in ensemble.chance)
        yield f"{label:<12}holds on {share} of {n} new disturbed replays (95 % interval {low} to {high})"
    baseline_days = int((result.judged.data["baseline_violations"] == 0).sum())
    yield f"{'baseline':<12}holds on {wording.percent(baseline_days / result.judged.n, 1)} of them"
    gaps = [
        f"{label} {plan.status}{_gap(plan.gap)}" for label, plan in (("this", result.robust), ("plain", result.plain))
    ]
    yield f"{'search':<12}{', '.join(gaps)}; {len(result.rounds)} rounds in {result.seconds:.0f} s"
    if result.most_price is not None and result.robust is not result.plain:
        yield f"{'price':<12}undisturbed at most {_goal(result, result.most_price)}, by the bound of the plain plan"
    for i, text in enumerate(result.summary()["settings"]):
        yield f"{'' if i else 'margins':<12}--set '{text}'"


def _goal(result: Robustness, value: float) -> str:
    """An amount of the quantity that the goal minimizes."""
    from emberline.reports.text import wording

    return wording.objective(result.robust.scenario, value)


def _gap(gap: float | None) -> str:
    from emberline.reports.text import wording

    return "" if gap is None else f", gap {wording.percent(gap)}"


def _tables(result: Robustness) -> None:
    """Print P10, P50 and P90 of both plans next to each other, and what broke the robust one."""
    from emberline.reports.text import wording
    from emberline.reports.text.studies import replays
    from emberline.ui.cli import terminal
    from emberline.ui.cli.studies import replay

    if result.judged is None or result.plain_judged is None:
        return
    console, money = terminal.out(), result.robust.scenario.market.currency
    price = terminal.table(
        ("price of robustness", "unit"), ("undisturbed", "mean of the days", "still below the baseline")
    )
    measures = (
        ("carbon_kg", "carbon", "t CO2e", 1e-3, 2),
        ("cost", "cost", money, 1.0, 0),
        ("peak_mw", "peak", "MW", 1.0, 1),
    )
    for figure, label, unit, factor, digits in measures:
        row = result.price[figure]
        cells = [wording.number(row[key] * factor, digits) for key in ("nominal", "mean", "baseline")]
        price.add_row(label, unit, *cells)
    figures = terminal.table(("", "unit"), ("P10", "P50", "P90", "plain P10", "P50", "P90"))
    scenario = result.robust.scenario
    sides = (replays.figures(scenario, judged.quantiles()) for judged in (result.judged, result.plain_judged))
    for (label, unit, mine), (_, _, plain) in zip(*sides, strict=True):
        figures.add_row(label, unit, *mine, *plain)
    for each in (price, figures):
        console.print()
        console.print(each, soft_wrap=True)
    replay.show_stocks(result.judged, result.robust)
    rows = result.judged.broke()
    if rows:
        console.print()
        replay.show_limits(result.judged, rows)
    sys.stdout.flush()
