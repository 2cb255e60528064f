"""Command ``emberline why-not``, and its answer as lines of text."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Changes, Named, print_json

if TYPE_CHECKING:
    from emberline.planning.plan import Plan
    from emberline.scenarios import Scenario
    from emberline.studies.why import why_not as conflicts

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
    time_limit: Annotated[
        float, typer.Option("--time-limit", min=1, metavar="SECONDS", help="report what was found by then")
    ] = TIME_LIMIT_S,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="no progress")] = False,
) -> None:
    """Explain why a scenario has no plan: which limits conflict, and the smallest change that helps.

    Each repair is given as the --set options that apply it. Ctrl-C keeps the repairs found so far.
    """
    from emberline.scenarios import load

    case = load(scenario, list(changes or []))
    answer = explained(scenario, list(changes or []), time_limit, quiet)
    if as_json:
        print_json({"scenario": case.name, **answer.summary()})
    else:
        for line in (f"{case.name}: {HEADINGS[answer.status].format(step=answer.step_min)}", *lines(answer)):
            print(line)
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
    from emberline.scenarios import load
    from emberline.studies.why import why_not as conflicts
    from emberline.ui.cli.progress import study

    def work(tell: Any, wish: Any) -> conflicts.WhyNot:
        return conflicts.why_not(
            lambda more: load(scenario, [*changes, *more]), time_limit_s=time_limit, on_progress=tell, cancel=wish,
            proven=proven,
        )  # fmt: skip

    return study(work, "keeping the repairs found so far", quiet)


def at_once(scenario: str, changes: Sequence[str]) -> conflicts.WhyNot:
    """What can be said within seconds of a scenario without a plan; arguments as of ``explained``."""
    from emberline.scenarios import load
    from emberline.studies.why import quick

    return quick.quick(lambda more: load(scenario, [*changes, *more]))


def doubts(case: Scenario, scenario: str, changes: Sequence[str]) -> Iterator[str]:
    """What speaks against a plan before it is searched, with a repair, where nothing is proven.

    Args:
        case: the scenario with its changes.
        scenario, changes: as of ``explained``.
    """
    from emberline.studies.why import doubts as before

    if before.without_place(case) and not before.shortages(case):
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
    limit = TIME_LIMIT_S if whole else min(PLANNED_S, plan.scenario.goal.time_limit_s)
    further = explained(scenario, changes, limit, quiet, proven=plan.ruled_out)
    return further if further.repairs or further.status == "feasible" or not first.repairs else first


def lines(answer: conflicts.WhyNot) -> Iterator[str]:
    """What is missing, which limits conflict, and what helps, one line each."""
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
