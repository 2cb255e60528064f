"""Commands ``emberline replay`` and ``emberline hold``: a plan on many disturbed days, and one that holds on most.

With ``--samples`` a site is planned over samples of prices and intensities."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from emberline.ui.cli.answers import why
from emberline.ui.cli.command import Refused, at_work, case_of, find, one_place, print_json, print_result
from emberline.ui.cli.options import AsJson, Changes, Cluster, Named, Quiet, Run, Workers, flag, optional

if TYPE_CHECKING:
    from emberline.planning.plan import Plan
    from emberline.planning.robustness import Ensemble
    from emberline.planning.robustness.holding import Robustness, sampled
    from emberline.runs.store import StoredRun
    from emberline.scenarios import Case


ROWS = 20
"""Most limits that are listed."""


def replay(
    run: Run = "last",
    replications: int = optional("disturbed days", None, "--replications", "-n", min=1, max=100_000, default=1000),
    seed: int | None = optional("random seed", min=0, max=2**63 - 1, show_default="the scenario's"),
    baseline: bool = flag("replay the baseline too, with the same disturbances", "--baseline"),
    planned_again: bool = flag(
        "each day also with the plan made again as goal.replan says (heats only)", "--planned-again"
    ),
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
    scenario, schedule, seconds = stored.plan.scenario, stored.plan.schedule, dict[str, float]()
    if schedule is None:
        raise Refused(f"run {number} has no schedule to follow: {stored.plan.verdict}")
    import time

    from emberline import twin
    from emberline.planning.engine import engine
    from emberline.planning.robustness import ensemble as replays
    from emberline.runs.store import ensembles
    from emberline.ui.cli.terminal import study

    replays.refuse(scenario, schedule, replications, 0 if cluster else workers or engine.cores())

    def work(on_progress: Any, cancel: Any) -> Ensemble | None:
        began, tenths = time.perf_counter(), [0]

        def tell(event: dict[str, Any]) -> None:
            tenth = 10 * event["done"] // event["of"]
            if tenth > tenths[0]:
                tenths[0] = tenth
                on_progress(f"{event['done']} of {event['of']}, held in {event['held']}")

        how: dict[str, Any] = {"seed": seed, "planned_again": planned_again, "on_progress": tell, "cancel": cancel}
        with engine.engine(workers, cluster) as ready:
            seconds["start"] = time.perf_counter() - began
            on_progress(f"{replications} disturbed replays, {at_work(ready.workers)}")
            how["dispatched"] = twin.dispatch(scenario, stored.plan.envelope) if baseline else None
            began = time.perf_counter()
            result = replays.ensemble(scenario, schedule, replications, ready, **how)
            seconds["replays"] = time.perf_counter() - began
        return result

    ensemble = study(work, "keeping the replays done so far", quiet, cluster)
    if ensemble is None:
        print("no replay was finished: nothing is stored", file=sys.stderr)
        raise typer.Exit(130)
    path = ensembles.save(ensemble, stored)
    if as_json:
        times = {name: round(value, 3) for name, value in seconds.items()}
        again = {} if ensemble.other is None else {"planned_again": ensemble.other.summary()}
        print_json(
            {"run": number, "file": str(path), **ensemble.summary(stored.plan.replay), **again, "seconds": times}
        )
    else:
        _show_replays(ensemble, stored, str(path), seconds)


def _show_replays(ensemble: Ensemble, stored: StoredRun, path: str, seconds: dict[str, float]) -> None:
    """Print an ensemble."""
    from emberline.reports.text import studies, wording
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
    for label, unit, values in studies.replay_figures(scenario, ensemble.quantiles()):
        table.add_row(label, unit, *values)
    console.print(table, soft_wrap=True)
    if ensemble.other is not None:
        _show_both(ensemble, ensemble.other)
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


def _show_both(printed: Ensemble, again: Ensemble) -> None:
    """Print what comes of a plan that is left alone and of one that is made again, on the same days."""
    from emberline.reports.text import wording
    from emberline.scenarios.goal_metrics import goal_metric
    from emberline.ui.cli import terminal

    console, metric = terminal.out(), goal_metric(printed.scenario)
    unit, factor, digits = wording.measure(printed.scenario)
    saves = [f"saves, median [{unit}]"] if printed.against_baseline else []
    table = terminal.table(("on the same days",), (*saves, "limits kept", "95 % interval"))
    for name, days in (("printed and left alone", printed), ("planned again", again)):
        _, low, high = days.chance
        saved = days.quantiles().get(f"saved_{metric.figure}", {}).get("p50", 0.0)
        cells = [wording.number(saved * factor, digits)] if saves else []
        count = f"{wording.number(days.successes, 0)} of {wording.number(days.n, 0)}"
        table.add_row(name, *cells, count, f"{wording.percent(low, 1)} to {wording.percent(high, 1)}")
    console.print()
    console.print(table, soft_wrap=True)


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
    from emberline.reports.text import studies, wording
    from emberline.ui.cli import terminal

    console, broken = terminal.out(), ensemble.n - ensemble.successes
    cells = [
        {name: value if isinstance(value, str) else wording.number(value, 1 if isinstance(value, float) else 0)
         for name, value in row.items()}
        for row in studies.limit_rows(ensemble, rows[:ROWS])
    ]  # fmt: skip
    console.print("what broke it", style="bold")
    console.print(terminal.table_of(cells, words=3, more=1), soft_wrap=True)
    if len(rows) > ROWS:
        console.print(f"and {len(rows) - ROWS} more (all with --json)")
    console.print(f"in {ensemble.after_breakdown} of the {broken} failed replays a unit had broken down before")


def _sample(scenario: Case, count: int, share: float | None, as_json: bool, quiet: bool) -> None:
    """Plan over samples, compare with the plan on the forecast, and report."""
    from emberline.planning.robustness.holding import sampled
    from emberline.ui.cli.terminal import study

    work = partial(sampled.compare, scenario, count, share=share)
    print_result(study(work, "taking the best first stage found so far", quiet), as_json, _show_samples)


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
    level: str | None = optional(
        "share of disturbed days on which it must hold", "SHARE", show_default="disturbances.hold, or 90 %"
    ),
    replications: int = optional(
        "disturbed days for the final judgement", None, "--replications", "-n", min=20, max=100_000, default=1000
    ),
    time_limit: float = optional("for the search; the judgement comes on top", "SECONDS", min=10, default=300.0),
    samples: int | None = optional("for a site: plan over this many samples of price and intensity", min=2, max=200),
    cvar: str | None = optional("with --samples: minimize the mean of the worst cases beyond this share", "SHARE"),
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
    one_place(workers, cluster)
    target = None if level is None else _share("--level", level)
    case = case_of(scenario, changes)
    if samples is not None:
        if level is not None:
            raise Refused("--level: samples vary prices only, nothing breaks down; drop it, or drop --samples")
        _sample(case, samples, None if cvar is None else _share("--cvar", cvar), as_json, quiet)
        return
    if cvar is not None:
        raise Refused("--cvar: needs --samples")
    from emberline.planning.engine import engine, memory
    from emberline.planning.plan import pace
    from emberline.planning.robustness.holding import MAX_LEVEL, refuse
    from emberline.planning.robustness.holding import hold as search
    from emberline.runs.store import Store, ensembles
    from emberline.ui.cli.terminal import study

    if target is not None and target > MAX_LEVEL:
        raise Refused(f"--level {level}: at most {MAX_LEVEL:.1%}")
    refuse(case)
    memory.refuse(memory.of_plan(case), case.name)
    pace.refuse(case)

    def work(on_progress: Any, cancel: Any) -> Robustness:
        how: dict[str, Any] = {"level": target, "replications": replications, "work": time_limit, "cancel": cancel}
        with engine.engine(workers, cluster) as ready:
            on_progress(f"the plan as requested; replays {at_work(ready.workers)}")
            return search(case, ready, **how, on_progress=partial(_tell, on_progress))

    store = Store()
    with store.working(case) as run:
        result = study(work, "taking the plan that held best so far", quiet, cluster)
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
        price = wording.objective(result.robust.scenario, result.most_price)
        yield f"{'price':<12}undisturbed at most {price}, by the bound of the plain plan"
    for i, text in enumerate(result.summary()["settings"]):
        yield f"{'' if i else 'margins':<12}--set '{text}'"


def _gap(gap: float | None) -> str:
    from emberline.reports.text import wording

    return "" if gap is None else f", gap {wording.percent(gap)}"


def _tables(result: Robustness) -> None:
    """Print P10, P50 and P90 of both plans next to each other, and what broke the robust one."""
    from emberline.reports.text import studies, wording
    from emberline.ui.cli import terminal

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
    sides = (studies.replay_figures(scenario, judged.quantiles()) for judged in (result.judged, result.plain_judged))
    for (label, unit, mine), (_, _, plain) in zip(*sides, strict=True):
        figures.add_row(label, unit, *mine, *plain)
    for each in (price, figures):
        console.print()
        console.print(each, soft_wrap=True)
    show_stocks(result.judged, result.robust)
    rows = result.judged.broke()
    if rows:
        console.print()
        show_limits(result.judged, rows)
    sys.stdout.flush()
