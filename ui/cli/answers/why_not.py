"""The command ``emberline why-not``, and how its answer is told in lines."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Changes, Named, print_json

if TYPE_CHECKING:
    from emberline.plans.plan import Plan
    from emberline.plans.why import why_not as conflicts

PLANNED_S = 60.0
"""At most this ``emberline plan`` spends on explaining that there is no plan, and not more than on planning."""
HEADINGS = {
    "feasible": "there is a plan: no limit is in its way",
    "infeasible": "no plan keeps all limits: that is proven",
    "no plan on this grid": "no plan on this grid of {step:g} min: between its steps there may be one",
    "unknown": "no plan was found, and no proof that there is none: no limit is known to be in the way",
}


def why_not(
    scenario: Named,
    changes: Changes = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", min=1, metavar="SECONDS", help="tell what was found by then")
    ] = 120.0,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="no progress")] = False,
) -> None:
    """Say why a scenario has no plan: which limits cannot all hold, and the smallest change that helps.

    Each repair is told as the --set that applies it. Ctrl-C takes the repairs found so far."""
    from emberline.scenarios import load

    asked = load(scenario, list(changes or []))
    found = explained(scenario, list(changes or []), time_limit, quiet)
    if as_json:
        print_json({"scenario": asked.name, **found.summary()})
    else:
        for line in (f"{asked.name}: {HEADINGS[found.status].format(step=found.step_min)}", *lines(found)):
            print(line)
    raise typer.Exit(0 if found.status == "feasible" else 1)


def explained(
    scenario: str, changes: Sequence[str], time_limit: float, quiet: bool, *, proven: bool = False
) -> conflicts.WhyNot:
    """Why a scenario has no plan, with progress on standard error.

    Args:
        scenario: name or file.
        changes: its overrides.
        time_limit: seconds.
        quiet: no progress.
        proven: it is known to have none.
    """
    from emberline.plans.why import why_not as conflicts
    from emberline.scenarios import load
    from emberline.ui.cli.progress import study

    def work(tell: Any, wish: Any) -> conflicts.WhyNot:
        return conflicts.why_not(
            lambda more: load(scenario, [*changes, *more]), time_limit_s=time_limit, on_progress=tell, cancel=wish,
            proven=proven,
        )  # fmt: skip

    return study(work, "taking the repairs found so far", quiet)


def after_plan(made: Plan, scenario: str, changes: Sequence[str], quiet: bool) -> conflicts.WhyNot | None:
    """Why the plan just asked for does not exist; None where that is not what came out."""
    if not made.ruled_out:
        if made.status == "no plan within the limit" and not quiet:
            print("what may be in the way: emberline why-not, with the same scenario and --set", file=sys.stderr)
        return None
    if not quiet:
        print("why is there no plan?", file=sys.stderr)
    limit = min(PLANNED_S, made.scenario.goal.time_limit_s)
    return explained(scenario, changes, limit, quiet, proven=True)


def lines(found: conflicts.WhyNot) -> Iterator[str]:
    """What is missing, what cannot all hold, and what helps, one line each."""
    for i, text in enumerate(found.missing):
        yield f"{'' if i else 'missing':<10}{text}"
    if found.conflict:
        head = "these limits cannot all hold" if found.irreducible else "these limits are in each other's way"
        if len(found.conflict) == 1:
            head = "this limit is in the way"
        yield f"{'conflict':<10}{head}:"
        yield from (f"{'':<10}- {text}" for text in found.conflict)
    for i, repair in enumerate(found.repairs):
        yield f"{'or' if i else 'repair':<10}{'; '.join(repair.says)}"
        yield from (f"{'':<10}{text}" for text in settings(repair))
    if found.status == "unknown":
        yield f"{'':<10}give the search more time: emberline plan with a longer --time-limit"
    elif found.status != "feasible" and not found.repairs:
        yield f"{'repair':<10}none was found among {found.tried} of {found.of} limits"
    elif found.tried < found.of and found.repairs and not found.complete:
        yield f"{'':<10}the time was over after {found.tried} of {found.of} limits"


def settings(repair: conflicts.Repair) -> Iterator[str]:
    """The options that apply a repair, as a shell takes them."""
    for text in repair.overrides:
        yield f"--set {shlex.quote(text)}"
