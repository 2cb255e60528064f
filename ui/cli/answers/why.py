"""Command ``emberline why``: the cost of one decision of a stored plan, and what limits it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Run, find, print_json
from emberline.ui.cli.workers import Quiet

if TYPE_CHECKING:
    from emberline.scenarios import Scenario
    from emberline.studies.why import Answer, More, Why

MOST_MOVES = 6
MOST_SLOTS = 6


def why(
    run: Run = "last",
    heat: Annotated[str | None, typer.Option("--heat", metavar="HEAT", help="a heat's name, or its number")] = None,
    unit: Annotated[
        str | None,
        typer.Option("--unit", metavar="NAME", help="a unit of the line or the processes, an asset, or 'battery'"),
    ] = None,
    hour: Annotated[
        str | None, typer.Option("--hour", metavar="TIME", help="plant time such as 05:00, or a full date and time")
    ] = None,
    stage: Annotated[
        str | None,
        typer.Option("--stage", metavar="STAGE", help="stage of the heat; default: the one that draws most power"),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="what if the heat started at this time; with --unit: the run then"),
    ] = None,
    every: Annotated[
        bool, typer.Option("--every", help="plan again for every other possible start of the heat")
    ] = False,
    time_limit: Annotated[
        float, typer.Option("--time-limit", min=1, metavar="SECONDS", help="for all answers together")
    ] = 120.0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Explain a decision of a stored plan: fix or free it, plan again, and report the cost.

    Each answer is a full plan with status and gap, compared with the stored one, and the limits in its way. Ctrl-C
    keeps the answers found so far.
    """
    from emberline.scenarios import Problem, ScenarioError
    from emberline.studies.why import question
    from emberline.ui.cli.progress import study

    for option, text in (("--stage", stage), ("--at", at), ("--every", every)):
        if text and heat is None and (option, unit is None) != ("--at", False):
            raise ScenarioError([Problem(option, "", "needs --heat")])
    store, number = find(run)
    plan = store.open(number).plan
    question.refuse(plan, heat, unit, hour)

    def work(tell: Any, wish: Any) -> Why:
        return question.why(
            plan, heat=heat, stage=stage, at=at, unit=unit, hour=hour, every=every, time_limit_s=time_limit,
            on_progress=tell, cancel=wish,
        )  # fmt: skip

    explanation = study(work, "keeping the answers found so far", quiet)
    if as_json:
        print_json({"run": number, **explanation.summary()})
        return
    for line in lines(plan.scenario, explanation):
        print(line)


def lines(scenario: Scenario, explanation: Why) -> Iterator[str]:
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
        where = (
            ""
            if answer.start_min is None
            else f", best at {clock(scenario.horizon.instant(answer.start_min))} on {answer.unit}"
        )
        yield f"{'':<9}  {costs(answer.more, scenario.market.currency)}{where}"
        yield f"{'':<9}  {answer.status}{gap}; {answer.how}{between(answer, unit)}"
    for limit in answer.limits:
        yield f"{'':<9}  in the way: {limit}"
    if answer.because:
        yield f"{'':<9}  {answer.because}"
    if answer.moves:
        yield f"{'':<9}  others: {wording.shortened([move.says for move in answer.moves], MOST_MOVES)}"


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
    best = sorted(open_slots, key=lambda slot: slot.more_of_goal or 0.0)[:MOST_SLOTS]
    head = (
        f"{len(open_slots)} of {len(explanation.slots)} starts are possible while all other heats stay in place "
        "(estimate)"
    )
    yield f"{'starts':<9}{head}"
    for slot in best:
        start = clock(scenario.horizon.instant(slot.start_min))
        yield f"{'':<9}  {start}: {signed(slot.more_of_goal or 0.0, 1)} {explanation.unit}"
