"""Commands that explain plans: why and why-not, the difference of two plans, prices of locks and limits."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.command import Refused, case_of, find, print_json, print_result, writable, writing
from emberline.ui.cli.options import AsJson, Changes, Force, Named, Quiet, Run, argument, flag, optional

if TYPE_CHECKING:
    from emberline.planning.plan import Plan
    from emberline.scenarios import Case, Scenario
    from emberline.studies.difference import Difference
    from emberline.studies.why import Answer, More, Why, lock_prices
    from emberline.studies.why import why_not as conflicts

MAX_MOVES = 6
MAX_SLOTS = 6


def why(
    run: Run = "last",
    heat: str | None = optional("a heat's name, or its number", "HEAT"),
    unit: str | None = optional("a unit of the line or the processes, an asset, or 'battery'", "NAME"),
    hour: str | None = optional("plant time such as 05:00, or a full date and time", "TIME"),
    stage: str | None = optional("stage of the heat; default: the one that draws most power", "STAGE"),
    at: str | None = optional("what if the heat started at this time; with --unit: the run then", "TIME"),
    every: bool = flag("plan again for every other possible start of the heat", "--every"),
    time_limit: float = optional("for all answers together", "SECONDS", min=1, default=120.0),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Explain a decision of a stored plan: fix or free it, plan again, and report the cost.

    Each answer is a full plan with status and gap, compared with the stored one, and the limits in its way. Ctrl-C
    keeps the answers found so far.
    """
    from emberline.scenarios import Problem, ScenarioError
    from emberline.studies.why import question
    from emberline.ui.cli.terminal import study

    for name, text in (("--stage", stage), ("--at", at), ("--every", every)):
        if text and heat is None and (name, unit is None) != ("--at", False):
            raise ScenarioError([Problem(name, "", "needs --heat")])
    store, number = find(run)
    plan = store.open(number).plan
    question.refuse(plan, heat, unit, hour)

    asks: dict[str, Any] = {"heat": heat, "stage": stage, "at": at, "unit": unit, "hour": hour}
    work = partial(question.why, plan, **asks, every=every, time_limit_s=time_limit)
    explanation = study(work, "keeping the answers found so far", quiet)
    print_result(explanation, as_json, lambda it: print(*why_lines(plan.scenario, it), sep="\n"), run=number)


def why_lines(scenario: Scenario, explanation: Why) -> Iterator[str]:
    """The answer as lines of text."""
    from emberline.reports.text import wording

    gap = "no gap proven" if explanation.gap is None else f"gap {wording.percent(explanation.gap)}"
    yield f"why {explanation.question}: {scenario.name}, plan {explanation.status}, {gap}"
    for i, fact in enumerate((*explanation.facts, *explanation.rest)):
        yield f"{'' if i else 'now':<9}{fact}"
    if explanation.worth is not None:
        price = f"{wording.number(explanation.worth.value, 1)} {explanation.worth.unit}"
        yield f"{'worth':<9}one more MWh costs {price}; {explanation.worth.assumption}"
    for answer in explanation.answers:
        yield from answer_lines(scenario, answer, explanation.unit)
    yield from _slots(scenario, explanation)
    if not explanation.complete:
        yield f"{'note':<9}the time limit was reached before everything was tried; raise it with --time-limit"


def answer_lines(scenario: Scenario, answer: Answer, unit: str, head: str = "what if") -> Iterator[str]:
    """One answer as lines of text: its cost and proof, the limits in its way, and what else moves."""
    from emberline.reports.text import wording
    from emberline.scenarios.messages import clock

    yield f"{head:<9}{answer.says}"
    gap = "" if answer.gap is None else f", gap {wording.percent(answer.gap)}"
    if answer.more is None:
        why = f": {answer.reason}" if answer.reason else ""
        proven = {
            "infeasible": "no plan with it (proven)",
            "no plan on this grid": f"no plan with it on this grid of {scenario.horizon.step_min:g} min",
        }
        yield f"{'':<9}  {proven.get(answer.status, f'{answer.status}, no plan found')}{why}"
    else:
        where = ""
        if answer.start_min is not None:
            where = f", best at {clock(scenario.horizon.instant(answer.start_min))} on {answer.unit}"
        yield f"{'':<9}  {costs(answer.more, scenario.market.currency)}{where}"
        yield f"{'':<9}  {answer.status}{gap}; {answer.how}{between(answer, unit)}"
    for limit in answer.limits:
        yield f"{'':<9}  in the way: {limit}"
    if answer.because:
        yield f"{'':<9}  {answer.because}"
    if answer.moves:
        yield f"{'':<9}  others: {wording.shortened([move.says for move in answer.moves], MAX_MOVES)}"


def costs(more: More, currency: str) -> str:
    """Additional carbon [kg], cost and peak [MW] of a plan."""
    from emberline.reports.text.wording import signed

    return f"{signed(more.carbon_kg, 0)} kg CO2e, {signed(more.cost, 0)} {currency}, {signed(more.peak_mw, 2)} MW peak"


def between(answer: Answer, unit: str) -> str:
    """Lower and upper bound on the change of the goal."""
    from emberline.reports.text.wording import signed

    if answer.low is None or answer.high is None:
        return ""
    return f"; {signed(answer.low, 1)} to {signed(answer.high, 1)} {unit}"


def _slots(scenario: Scenario, explanation: Why) -> Iterator[str]:
    """Starts that are possible while all other heats stay in place."""
    from emberline.reports.text.wording import signed
    from emberline.scenarios.messages import clock

    open_slots = [slot for slot in explanation.slots if slot.more_of_goal is not None]
    if not explanation.slots:
        return
    best = sorted(open_slots, key=lambda slot: slot.more_of_goal or 0.0)[:MAX_SLOTS]
    count = f"{len(open_slots)} of {len(explanation.slots)}"
    yield f"{'starts':<9}{count} starts are possible while all other heats stay in place (estimate)"
    for slot in best:
        start = clock(scenario.horizon.instant(slot.start_min))
        yield f"{'':<9}  {start}: {signed(slot.more_of_goal or 0.0, 1)} {explanation.unit}"


QUICK_S = 5.0
"""An answer that took less is a first one."""
TIME_LIMIT_S = 120.0
"""Longest search for a change of limits [s]."""
PLANNED_S = 60.0
"""Longest time that ``emberline plan`` spends on explaining why there is no plan [s]; never longer than the planning
itself."""
HEADINGS = {
    "feasible": "there is a plan: no limit prevents it",
    "infeasible": "no plan can meet all limits (proven)",
    "no plan on this grid": "no plan on this grid of {step:g} min: a finer step may have one",
    "unknown": "no plan was found, and there is no proof that none exists: no limit is known to be in the way",
}


def why_not(
    scenario: Named,
    changes: Changes = None,
    time_limit: float = optional("report what was found by then", "SECONDS", min=1, default=TIME_LIMIT_S),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Explain why a scenario has no plan: which limits conflict, and the smallest change that helps.

    Each repair is given as the --set options that apply it. Ctrl-C keeps the repairs found so far.
    """
    case = case_of(scenario, changes)
    answer = explained(scenario, list(changes or []), time_limit, quiet)
    head = f"{case.name}: {HEADINGS[answer.status].format(step=answer.step_min)}"
    print_result(answer, as_json, lambda it: print(head, *lines(it), sep="\n"), scenario=case.name)
    raise typer.Exit(0 if answer.status == "feasible" else 1)


def explained(
    scenario: str, changes: Sequence[str], time_limit: float, quiet: bool, *, proven: bool = False
) -> conflicts.WhyNot:
    """Why a scenario has no plan, with progress on standard error.

    Args:
        scenario: name or file.
        changes: overrides of the scenario.
        time_limit: seconds.
        quiet: no progress.
        proven: it is known that no plan exists.
    """
    from emberline.studies.why import why_not as conflicts
    from emberline.ui.cli.terminal import study

    changed = _changed(scenario, changes)
    work = partial(conflicts.why_not, changed, time_limit_s=time_limit, proven=proven)
    return study(work, "keeping the repairs found so far", quiet)


def _changed(scenario: str, changes: Sequence[str]) -> Callable[[Sequence[str]], Case]:
    """The scenario with its changes, and with more of them."""
    return lambda more: case_of(scenario, [*changes, *more])


def at_once(scenario: str, changes: Sequence[str]) -> conflicts.WhyNot:
    """Quick diagnosis, within seconds, of a scenario without a plan; arguments as of ``explained``."""
    from emberline.studies.why import quick

    return quick.quick(_changed(scenario, changes))


def doubts(case: Case, scenario: str, changes: Sequence[str]) -> Iterator[str]:
    """Doubts about a plan before it is searched, with repairs, where nothing is proven; one line each.

    Args:
        case: the scenario with its changes.
        scenario, changes: as of ``explained``.
    """
    from emberline.studies.why import quick

    if quick.without_place(case) and not quick.shortages(case):
        yield f"{'doubtful':<10}only a search can tell whether there is a plan"
        yield from lines(at_once(scenario, changes))


def after_plan(
    plan: Plan, first: conflicts.WhyNot, scenario: str, changes: Sequence[str], quiet: bool, *, whole: bool = False
) -> conflicts.WhyNot:
    """The reason why the plan just requested does not exist.

    Args:
        plan: without a schedule.
        first: what was said at once.
        scenario, changes, quiet: as of ``explained``.
        whole: search as long as ``why-not`` does, also where nothing is proven.
    """
    if not plan.ruled_out and not whole:
        if not quiet:
            print("for more: emberline why-not, with the same scenario and --set options", file=sys.stderr)
        return first
    if not quiet:
        print("is there a smaller change? (Ctrl-C ends the search)", file=sys.stderr)
    limit = TIME_LIMIT_S if whole else min(PLANNED_S, plan.scenario.goal.budget)
    further = explained(scenario, changes, limit, quiet, proven=plan.ruled_out)
    return further if further.repairs or further.status == "feasible" or not first.repairs else first


def lines(answer: conflicts.WhyNot) -> Iterator[str]:
    """Missing amounts, limits in conflict, and repairs, one line each."""
    for i, text in enumerate(answer.missing):
        yield f"{'' if i else 'missing':<10}{text}"
    if answer.conflict:
        head = "these limits conflict" if answer.irreducible else "these limits are in the way"
        if len(answer.conflict) == 1:
            head = "this limit is in the way"
        yield f"{'conflict':<10}{head}:"
        yield from (f"{'':<10}- {text}" for text in answer.conflict)
    yield from repair_lines(answer)
    if answer.status == "unknown" and not answer.repairs:
        yield f"{'':<10}allow more time: emberline plan with a longer --time-limit"
    elif answer.status != "feasible" and not answer.repairs:
        yield f"{'repair':<10}none found among {answer.attempts} of {answer.of} limits"
    elif answer.attempts < answer.of and answer.repairs and not answer.complete and answer.seconds > QUICK_S:
        yield f"{'':<10}the time limit was reached after {answer.attempts} of {answer.of} limits"


def repair_lines(answer: conflicts.WhyNot) -> Iterator[str]:
    """The repairs, each with the options that apply it."""
    for i, repair in enumerate(answer.repairs):
        yield f"{'or' if i else 'repair':<10}{'; '.join(repair.says)}"
        yield from (f"{'':<10}{text}" for text in settings(repair))


def settings(repair: conflicts.Repair) -> Iterator[str]:
    """The options that apply a repair, in shell syntax."""
    for text in repair.overrides:
        yield f"--set {shlex.quote(text)}"


First = Annotated[str, argument("id of the first run, its first digits, or 'last'", "RUN")]
Second = Annotated[str, argument("the run to compare with it", "RUN")]
DIGITS = {"MW": 2, "MWh": 2, "t": 1}


def diff(first: First, second: Second, as_json: AsJson = False) -> None:
    """Show how a stored plan differs from another one, and why.

    A plan does not differ from itself.
    """
    from emberline.studies.difference import difference

    store, one = find(first)
    two = store.find(second)
    comparison = difference(store.open(one).plan, store.open(two).plan)
    names = one[:8], two[:8]
    print_result(comparison, as_json, lambda it: print(*difference_lines(it, *names), sep="\n"), runs=[one, two])


def difference_lines(comparison: Difference, first: str, second: str) -> Iterator[str]:
    """The difference as lines of text."""
    from emberline.reports.text.wording import number, percent, signed
    from emberline.studies.difference import DIFFERENT_HEATS

    plans = zip((first, second), comparison.scenarios, comparison.statuses, comparison.gaps, strict=True)
    names = [
        f"{run} ({name}, {status}{'' if gap is None else f', gap {percent(gap)}'})" for run, name, status, gap in plans
    ]
    yield f"{names[1]} against {names[0]}"
    if comparison.empty:
        yield "no difference"
        return
    sections: list[tuple[str, list[str]]] = [
        ("asked", [key.says for key in comparison.keys]),
        ("series", [series.says for series in comparison.series]),
        ("heats", [DIFFERENT_HEATS] if comparison.different_heats else [heat.says for heat in comparison.heats]),
        ("uses", [use.says for use in comparison.uses]),
    ]
    figures = []
    for figure in comparison.figures:
        digits = DIGITS.get(figure.unit, 0)
        values = f"{number(figure.after, digits)} instead of {number(figure.before, digits)} {figure.unit}"
        more = "" if figure.more is None else f" ({signed(figure.more, digits)})"
        figures.append(f"{figure.label} {values}{more}")
    sections.append(("figures", figures))
    for head, texts in sections:
        for i, text in enumerate(texts):
            yield f"{'' if i else head:<9}{text}"


def locks(
    run: Run = "last",
    time_limit: float = optional("for all locks together", "SECONDS", min=1, default=120.0),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show the price of each lock of a stored plan: remove one at a time, plan again, and report the saving.

    Ctrl-C keeps the prices found so far.
    """
    from emberline.studies.why import lock_prices
    from emberline.ui.cli.terminal import study

    store, number = find(run)
    plan = store.open(number).plan
    lock_prices.refuse(plan)

    work = partial(lock_prices.lock_prices, plan, time_limit_s=time_limit)
    prices = study(work, "keeping the prices found so far", quiet)
    if not as_json and not prices.prices and prices.complete:
        print(f"run {number} has no locks", file=sys.stderr)
        return
    print_result(prices, as_json, _show_locks, run=number)


def _show_locks(prices: lock_prices.LockPrices) -> None:
    from emberline.reports.text import wording
    from emberline.reports.text.studies import lock_rows
    from emberline.ui.cli import terminal

    console, rows = terminal.out(), lock_rows(prices.summary())
    for row, price in zip(rows, prices.prices, strict=False):
        row["lock"] = f"{price.number}  {row['lock']}"
    console.print("saving from removing each lock, with everything else planned again")
    if rows:
        console.print(terminal.table_of(rows, more=1), soft_wrap=True)
    gap = "no gap proven" if prices.gap is None else f"gap {wording.percent(prices.gap)}"
    console.print(f"compared with the stored plan: {prices.status}, {gap}; at most: from the bound without the lock")
    if not prices.complete:
        console.print("the time limit was reached before every lock was tried; raise it with --time-limit")


FIXED = {"heats": "heats", "runs": "processes"}
"""Decisions that prices are computed with as planned, by the table of a producer."""


def prices(
    run: Run = "last",
    output: Path | None = optional("prices of every step as netCDF", "FILE.nc", "--output", "-o"),
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Show the shadow prices of a stored plan's site.

    They are the duals of the site's linear program with heats and whole numbers fixed.
    """
    from emberline.reports.text import wording
    from emberline.scenarios.goal_metrics import GOALS
    from emberline.studies.why import shadow_prices as pricing
    from emberline.ui.cli import terminal

    if output is not None:
        writable(output, force, ("nc",))
    store, number = find(run)
    plan = store.open(number).plan
    if not plan.has_schedule:
        raise Refused(f"run {number} has no schedule: {plan.verdict}")
    data = pricing.prices(plan)
    if data is None:
        raise Refused(f"run {number}: no prices were found within the time limit")
    rows = list(pricing.summary(plan, data))
    note = "whole numbers fixed" if data.attrs["whole_numbers"] == "fixed" else "no whole numbers"
    if output is not None:
        with writing(output) as partial:
            data.to_netcdf(partial, engine="netcdf4")
    if as_json:
        print_json({"run": number, "whole_numbers": data.attrs["whole_numbers"], "prices": [asdict(r) for r in rows]})
        return
    console = terminal.out()
    table = terminal.table(("what", "", "unit"), ("mean", "least", "most", "steps"))
    for row in rows:
        figures = (wording.number(value, 2) for value in (row.mean, row.low, row.high))
        table.add_row(row.name, row.says, row.unit, *figures, wording.number(row.steps, 0))
    console.print(table)
    what = ", ".join(FIXED[producer.table] for producer in plan.scenario.producers) or FIXED["heats"]
    goal = GOALS[plan.scenario.goal.minimize]
    console.print(f"for the goal {goal}; {what} fixed as planned, {note}")
    if output is not None:
        console.print(f"every step: {output}")
