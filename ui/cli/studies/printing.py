"""What the commands of studies print: progress, and results as tables and lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from emberline.planning.plan import Plan
from emberline.reports.text import studies, wording, works
from emberline.reports.text.wording import number, percent
from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import goal_metric
from emberline.ui.cli import terminal
from emberline.ui.cli.command import print_json

if TYPE_CHECKING:
    from emberline.planning.robustness import Ensemble
    from emberline.planning.robustness.holding import Robustness, sampled
    from emberline.runs.store import StoredRun, fronts
    from emberline.studies import Headroom, Load, Row, Sweep
    from emberline.studies.calibration import Calibration
    from emberline.studies.levers import Levers
    from emberline.studies.pareto import Axis
    from emberline.studies.rolling import Comparison

MAX_LIMITS = 20
"""Most limits that are listed."""


def show_replays(ensemble: Ensemble, stored: StoredRun, path: str, seconds: dict[str, float]) -> None:
    """Print an ensemble."""
    console, scenario = terminal.out(), ensemble.scenario
    console.print(*terminal.heading(scenario), "", sep="\n")
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
        _both(ensemble, ensemble.other)
    show_stocks(ensemble, stored.plan)
    rows = ensemble.broke()
    if rows:
        console.print()
        _limits(ensemble, rows)
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


def _both(printed: Ensemble, again: Ensemble) -> None:
    """Print what comes of a plan that is left alone and of one that is made again, on the same days."""
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
    terminal.print_table(console, table)


def show_stocks(ensemble: Ensemble, plan: Plan) -> None:
    """Print how low stores get, and what is in them at the end; nothing without stores."""
    rows = works.disturbed_stocks(ensemble, plan.replay)
    if rows:
        console = terminal.out()
        terminal.print_table(console, terminal.table_of(rows, words=2))


def _limits(ensemble: Ensemble, rows: list[dict[str, Any]]) -> None:
    """Print what broke the plan, limit by limit."""
    console, broken = terminal.out(), ensemble.n - ensemble.successes
    cells = [
        {name: value if isinstance(value, str) else wording.number(value, 1 if isinstance(value, float) else 0)
         for name, value in row.items()}
        for row in studies.limit_rows(ensemble, rows[:MAX_LIMITS])
    ]  # fmt: skip
    console.print("what broke it", style="bold")
    console.print(terminal.table_of(cells, words=3, more=1), soft_wrap=True)
    if len(rows) > MAX_LIMITS:
        console.print(f"and {len(rows) - MAX_LIMITS} more (all with --json)")
    console.print(f"in {ensemble.after_breakdown} of the {broken} failed replays a unit had broken down before")


def show_samples(comparison: sampled.Compared) -> None:
    """Print the plan over samples next to the one on the forecast."""
    console, summary = terminal.out(), comparison.summary()
    unit, factor, digits = wording.measure(comparison.scenario)

    def number(value: float) -> str:
        return wording.number(value * factor, digits)

    console.print(*terminal.heading(comparison.scenario), "", sep="\n")
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


def _robustness_lines(result: Robustness) -> Iterator[str]:
    """The answer and its price."""
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
    return "" if gap is None else f", gap {wording.percent(gap)}"


def show_robustness(result: Robustness) -> None:
    """Print the answer and its price, P10, P50 and P90 of both plans, and what broke the robust one."""
    print(*_robustness_lines(result), sep="\n")
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
        terminal.print_table(console, each)
    show_stocks(result.judged, result.robust)
    rows = result.judged.broke()
    if rows:
        console.print()
        _limits(result.judged, rows)
    sys.stdout.flush()


FRONT_PHASES = {
    "twin": "the baseline run",
    "ends": "least {metric} and least cost",
    "grid": "caps on {metric} between them",
}


def front_step(case: Scenario, axis: Axis, event: dict[str, Any]) -> str:
    """A step of the search of a front."""
    if "begun" in event and event[axis.cap] is not None:
        return f"point {event['begun']}: least cost under {_amount(event[axis.cap], axis)}"
    if "begun" in event:
        first, then = ("cost", axis.metric) if event["begun"] else (axis.metric, "cost")
        return f"point {event['begun']}: least {first}, then least {then}"
    if "point" not in event:
        return FRONT_PHASES[event["phase"]].format(metric=axis.metric)
    count = f"{event['done']} of {event['of']}: point {event['point']}"
    if event[axis.figure] is None:
        return f"{count}, {event['status']}"
    figures = _front_figures(event[axis.figure], event["cost"], case.market.currency, axis)
    return f"{count}, {figures}, {event['status']}, gap {wording.percent(event['gap'])}"


def say_front(stored: fronts.StoredFront, as_json: bool) -> None:
    """Print a front, as JSON or in words."""
    if as_json:
        print_json(
            {"front": stored.id, "folder": str(stored.folder), "created": stored.created, **stored.front.summary()}
        )
    else:
        show_front(stored)


def show_front(stored: fronts.StoredFront) -> None:
    """Print a front from the cleanest to the cheapest point."""
    from emberline.studies.pareto import rows

    console, front = terminal.out(), stored.front
    axis, money = front.axis, front.scenario.market.currency
    per = f"{money}/{axis.unit.split()[0]}"
    console.print(*terminal.heading(front.scenario)[:2], sep="\n")
    signal = f" ({wording.SIGNALS[front.scenario.goal.signal]})" if axis.metric == "carbon" else ""
    console.print(f"{axis.metric} against cost{signal}")
    console.print()
    amount = f"{axis.metric} [{axis.unit}]"
    names = (amount, f"cost [{money}]", "gap", f"difference [{per}]", f"dual [{per}]", "peak [MW]")
    table = terminal.table(["point"], names, ("status", ""))
    for row in rows(front.data):
        between = wording.number(row[axis.difference], 0)
        if row[axis.difference] is not None and not row["proven"]:
            between = f"({between})"
        table.add_row(
            str(row["point"]),
            wording.number(row[axis.figure] * axis.factor, axis.digits),
            wording.number(row["cost"], 0),
            wording.percent(row["gap"]),
            between,
            wording.number(row[axis.dual], 0),
            wording.number(row["peak_mw"], 1),
            row["status"],
            "knee" if row["knee"] else "",
        )
    console.print(table, soft_wrap=True)
    if front.data.sizes["point"] > 1:
        console.print("difference: to the next cheaper point; in brackets if it may be within the gaps")
    console.print()
    baseline = _front_figures(axis.of(front.baseline), front.baseline.cost, money, axis)
    facts = [("baseline", baseline), ("verdict", front.verdict)]
    facts += [("notes" if not i else "", line) for i, line in enumerate(front.notes)]
    facts += [("failed", line) for line in front.failed]
    facts += [("front", stored.id), ("folder", str(stored.folder))]
    terminal.print_facts(console, facts)


def _front_figures(amount: float, cost: float, currency: str, axis: Axis) -> str:
    return f"{_amount(amount, axis)}, {wording.number(cost, 0)} {currency}"


def _amount(amount: float, axis: Axis) -> str:
    return f"{wording.number(amount * axis.factor, axis.digits)} {axis.unit}"


def load_in_words(load: Load) -> str:
    """A load that was planned."""
    gap = "" if load.gap is None else f", gap {wording.percent(load.gap)}"
    saved = "" if load.goal_share is None else f", {wording.percent(load.goal_share, 1)} saved"
    return f"{load.share * 100:.0f} % load: {load.status}{gap}{saved}"


def show_headroom(curve: Headroom) -> None:
    """Print the saving at each load."""
    console = terminal.out()
    console.print(terminal.table_of(studies.load_rows(curve.summary()), more=1), soft_wrap=True)
    console.print()
    note = "saved: undisturbed, compared with the baseline at the same load; in brackets: 95 % of the mean over "
    note += "disturbed days, with the same disturbances"
    terminal.print_facts(console, [("ends", curve.says), ("notes", note)])
    console.print("          at most: upper bound on the saving of plans on these steps, from the bound of the search")


def row_in_words(row: Row) -> str:
    """A plan of a sweep."""
    setting = ", ".join(f"{key}={value}" for key, value in row.setting.items())
    return f"{setting}: {row.status}" + (f", gap {wording.percent(row.gap)}" if row.gap is not None else "")


def show_sweep(sweep: Sweep) -> None:
    """Print a sweep."""
    console = terminal.out()
    money = sweep.currency
    names = ("carbon [t CO2e]", f"cost [{money}]", "peak [MW]", "carbon saved", "cost saved", "gap", "held")
    table = terminal.table([axis.key for axis in sweep.axes], names, ("status", "run"))

    def cell(values: dict[str, float], name: str, factor: float, digits: int) -> str:
        return wording.number(values[name] * factor if name in values else None, digits)

    for row in sweep.rows:
        status = row.status if row.acceptable or row.run is None else f"{row.status}, not acceptable"
        table.add_row(
            *(str(row.setting[axis.key]) for axis in sweep.axes),
            cell(row.figures, "carbon_kg", 1e-3, 2),
            cell(row.figures, "cost", 1.0, 0),
            cell(row.figures, "peak_mw", 1.0, 1),
            cell(row.saved, "carbon_kg", 1e-3, 2),
            cell(row.saved, "cost", 1.0, 0),
            wording.percent(row.gap),
            f"{row.successes} of {row.replications}" if row.replications else "–",
            status,
            (row.run or "")[:8],
        )
    console.print(table, soft_wrap=True)
    for row in sweep.rows:
        if row.status == "failed" or (row.run is not None and not row.acceptable):
            console.print(f"{row_in_words(row)}: {row.says}")
    console.print()
    facts = [
        ("planned", f"{sweep.n_planned} of {len(sweep.rows)}"),
        ("notes", "saved: compared with the baseline under the same setting; gap: fixed emissions and costs left out"),
        ("file", str(sweep.path)),
    ]
    terminal.print_facts(console, facts)


def show_roll(comparison: Comparison) -> None:
    """Print a roll through a period."""
    console, scenario, result = terminal.out(), comparison.scenario, comparison.summary()
    console.print(*terminal.heading(scenario), "", sep="\n")
    console.print(terminal.table_of(studies.side_rows(result)), soft_wrap=True)
    console.print()
    console.print(*studies.roll_says(result), sep="\n")
    for violation in comparison.rolled.violations[:10]:
        console.print(f"  {wording.violation(violation, scenario.horizon)}")


LEVER_PHASES = {
    "sequential": "production first, site after",
    "joint": "production and site together",
    "levers": "levers",
}


def lever_step(event: dict[str, Any]) -> str:
    """A step of the study of levers."""
    return f"{event['done']} of {event['of']}: {event['lever']}" if "lever" in event else LEVER_PHASES[event["phase"]]


def show_levers(study: Levers) -> None:
    """Print the study: the plans, the savings, the levers."""
    console, scenario = terminal.out(), study.scenario
    console.print(*terminal.heading(scenario)[:2], sep="\n")
    console.print(f"saving of each lever ({wording.SIGNALS[scenario.goal.signal]})")
    console.print()
    result = study.summary()
    console.print(terminal.table_of(studies.case_rows(result, bill=True), more=1), soft_wrap=True)
    terminal.print_table(console, terminal.table_of(studies.lever_rows(result)))
    console.print()
    terminal.print_facts(console, _lever_facts(study), 12)


def _lever_facts(study: Levers) -> Iterator[tuple[str, str]]:
    money = study.scenario.market.currency
    for name, case in (("the baseline", study.baseline), ("production first, site after", study.sequential)):
        saved = study.saved(case)
        if saved is not None and case.figures is not None:
            carbon, cost = number(saved.carbon_kg / 1000, 1), number(saved.cost, 0)
            share = percent(saved.cost / abs(case.figures.cost) if case.figures.cost else None)
            yield "saved", f"together compared with {name}: {carbon} t CO2e, {cost} {money} ({share})"
    searches = (("together", study.search, study.gap), ("production first", study.heats_first, study.heats_first.gap))
    for name, plan, gap in searches:
        yield "search", f"{name}: {plan.status}, {'no bound proven in time' if gap is None else f'gap {percent(gap)}'}"
    if study.joint.heats != "joint" and study.joint.figures is not None:
        table = study.scenario.producers[0].table
        yield table, f"the joint search found nothing better than the {table} of: {study.joint.heats}"
    if study.essentials:
        yield "stays", f"{', '.join(study.essentials)}: the site cannot run without it"
    for lever in study.levers:
        if lever.reason:
            yield lever.name, lever.reason
    from emberline.studies.levers import NOTE

    yield "note", NOTE


MAX_THIN = 12


def show_calibration(calibration: Calibration) -> None:
    """Print the calibration: parameters, fit, sparse data, check on held-out heats, drift."""
    console, zone = terminal.out(), calibration.scenario.horizon.tz
    first, last = (calibration.log.instant(at).astimezone(zone) for at in (0.0, calibration.log.until_min))
    heats, broken = calibration.log.heats["heat"].nunique(), len(calibration.log.breakdowns)
    title = f"{calibration.scenario.name}: fitted to {calibration.log.name}, {heats} heats and {broken} breakdowns"
    console.print(f"{title}, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M %Z}")
    console.print()
    result = calibration.summary()
    fitted = studies.estimate_rows(result)
    if fitted:
        console.print(terminal.table_of(fitted, words=3), soft_wrap=True)
    terminal.print_table(console, _calibration_table(calibration))
    console.print()
    checks = studies.check_rows(result)
    if checks:
        console.print("heats that the twin was not fitted to", style="bold")
        console.print(terminal.table_of(checks, more=1), soft_wrap=True)
        console.print()
    terminal.print_facts(console, _calibration_facts(calibration), 12)


def _calibration_table(calibration: Calibration) -> Any:
    table = terminal.table(
        ("working time [min]", "grade"), ("heats", "log mean", "fit mean", "log 10–90 %", "fit 10–90 %")
    )
    for item in calibration.comparisons:
        spans = (
            f"{number(a)} … {number(b)}" for a, b in ((item.log_low, item.log_high), (item.fit_low, item.fit_high))
        )
        table.add_row(
            item.unit, item.grade, number(item.n, 0), number(item.log_mean, 2), number(item.fit_mean, 2), *spans
        )
    return table


def _calibration_facts(calibration: Calibration) -> list[tuple[str, str]]:
    from emberline.studies.calibration import POOR_FIT, drift

    facts = []
    poor = [f"{one.unit} {one.what} ({one.law}, p = {number(one.p_value, 3)})"
            for one in calibration.goodness if one.p_value < POOR_FIT]  # fmt: skip
    text = f"rejected for {', '.join(poor)}" if poor else f"no distribution rejected (p at least {number(POOR_FIT, 2)})"
    facts.append(("fit", f"{text}; {len(calibration.goodness)} tests by parametric bootstrap"))
    if calibration.meter is not None:
        base = studies.calibration_figure(calibration.meter.base_mw, "MW")
        residual, explained = number(calibration.meter.residual_mw, 2), percent(calibration.meter.explained, 1)
        text = f"base load {base} MW; residual {residual} MW rms, {explained} of the variance explained"
        facts.append(("meter", text))
    hold_out = calibration.hold_out
    if hold_out is not None:
        outcome = {True: "passed: the twin reproduces", False: "failed: the twin does not reproduce"}
        if hold_out.passed is None:
            facts.append(("check", f"not possible: {hold_out.reason}"))
        else:
            policy = "" if hold_out.planned else "; durations only: planned starts are not in the log"
            facts.append(("check", f"{outcome[hold_out.passed]} the last {hold_out.heats} heats{policy}"))
    drifting = [chart for chart in calibration.charts if chart.drifts]
    for chart in drifting:
        at = calibration.log.instant(float(chart.start_min[chart.first])).astimezone(calibration.scenario.horizon.tz)
        change = percent(chart.change, 1)
        facts.append(
            ("drift", f"{chart.unit} {chart.what}: outside the limits from {at:%Y-%m-%d %H:%M}, {change} since")
        )
    if not calibration.charts:
        facts.append(("drift", f"no chart: fewer than {drift.FEWEST_BEFORE} observations in the first part of the log"))
    elif not drifting:
        facts.append(
            ("drift", f"none on {len(calibration.charts)} charts (false alarm {percent(drift.FALSE_ALARM, 0)} each)")
        )
    thin = [
        f"{item.unit} {studies.CALIBRATION_KINDS[item.kind]}{f' {item.grade}' if item.grade else ''}: {item.reason}"
        for item in calibration.thin
    ]
    facts += [("kept" if i == 0 else "", line) for i, line in enumerate(thin[:MAX_THIN])]
    if len(thin) > MAX_THIN:
        facts.append(("", f"and {len(thin) - MAX_THIN} more (all with --json)"))
    facts += [("note", line) for line in calibration.remarks]
    return facts
