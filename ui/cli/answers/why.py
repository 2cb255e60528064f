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

from emberline.ui.cli.command import Refused, case_of, opened, print_json, print_result, writable, writing
from emberline.ui.cli.options import AsJson, Changes, Force, Named, Quiet, Run, argument, flag, optional

if TYPE_CHECKING:
    from emberline.planning.plan import Plan
    from emberline.scenarios import Case
    from emberline.studies.why import why_not as conflicts


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
    from emberline.ui.cli.answers import printing
    from emberline.ui.cli.terminal import study

    for name, text in (("--stage", stage), ("--at", at), ("--every", every)):
        if text and heat is None and (name, unit is None) != ("--at", False):
            raise ScenarioError([Problem(name, "", "needs --heat")])
    stored = opened(run)
    plan, number = stored.plan, stored.id
    question.refuse(plan, heat, unit, hour)

    asks: dict[str, Any] = {"heat": heat, "stage": stage, "at": at, "unit": unit, "hour": hour}
    work = partial(question.why, plan, **asks, every=every, time_limit_s=time_limit)
    explanation = study(work, "keeping the answers found so far", quiet)
    print_result(explanation, as_json, partial(printing.show_why, plan.scenario), run=number)


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


def diff(first: First, second: Second, as_json: AsJson = False) -> None:
    """Show how a stored plan differs from another one, and why.

    A plan does not differ from itself.
    """
    from emberline.studies.difference import difference
    from emberline.ui.cli.answers import printing

    one, two = opened(first), opened(second)
    comparison = difference(one.plan, two.plan)
    show = partial(printing.show_difference, one.id[:8], two.id[:8])
    print_result(comparison, as_json, show, runs=[one.id, two.id])


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
    from emberline.ui.cli.answers import printing
    from emberline.ui.cli.terminal import study

    stored = opened(run)
    plan, number = stored.plan, stored.id
    lock_prices.refuse(plan)

    work = partial(lock_prices.lock_prices, plan, time_limit_s=time_limit)
    prices = study(work, "keeping the prices found so far", quiet)
    if not as_json and not prices.prices and prices.complete:
        print(f"run {number} has no locks", file=sys.stderr)
        return
    print_result(prices, as_json, printing.show_locks, run=number)


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

    writable(output, force, ("nc",))
    stored = opened(run)
    plan, number = stored.plan, stored.id
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


COMMANDS = (prices, why_not, why, diff, locks)
