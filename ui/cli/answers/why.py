"""The command ``emberline why``: what one decision of a stored plan costs, and what binds it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emberline.ui.cli.options import AsJson, Run, find, print_json
from emberline.ui.cli.workers import Quiet

if TYPE_CHECKING:
    from emberline.plans.why import Answer, More, Why
    from emberline.scenarios import Scenario

MOST_MOVES = 6
MOST_SLOTS = 6


def why(
    run: Run = "last",
    heat: Annotated[str | None, typer.Option("--heat", metavar="HEAT", help="a heat's name, or its number")] = None,
    unit: Annotated[
        str | None, typer.Option("--unit", metavar="NAME", help="a unit of line or processes, an asset, 'battery'")
    ] = None,
    hour: Annotated[
        str | None, typer.Option("--hour", metavar="TIME", help="05:00 by the plant's clock, or a whole time")
    ] = None,
    stage: Annotated[
        str | None,
        typer.Option("--stage", metavar="STAGE", help="of the heat; else the one at which it draws most"),
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="what if the heat started then")] = None,
    every: Annotated[bool, typer.Option("--every", help="plan again for every other start of the heat")] = False,
    time_limit: Annotated[
        float, typer.Option("--time-limit", min=1, metavar="SECONDS", help="for all answers together")
    ] = 120.0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say why a stored plan decides as it does: pin or free one decision, plan again, and tell what it costs.

    Each answer is a whole plan, told with status and gap against the stored one, and what is in the way. Ctrl-C takes
    the answers found so far."""
    from emberline.plans.why import refuse
    from emberline.plans.why import why as ask
    from emberline.scenarios import Problem, ScenarioError
    from emberline.ui.cli.progress import study

    for option, text in (("--stage", stage), ("--at", at), ("--every", every)):
        if text and heat is None:
            raise ScenarioError([Problem(option, "", "belongs to --heat")])
    store, number = find(run)
    plan = store.open(number).plan
    refuse(plan, heat, unit, hour)

    def work(tell: Any, wish: Any) -> Why:
        return ask(
            plan, heat=heat, stage=stage, at=at, unit=unit, hour=hour, every=every, time_limit_s=time_limit,
            on_progress=tell, cancel=wish,
        )  # fmt: skip

    found = study(work, "taking the answers found so far", quiet)
    if as_json:
        print_json({"run": number, **found.summary()})
        return
    for line in lines(plan.scenario, found):
        print(line)


def lines(scenario: Scenario, found: Why) -> Iterator[str]:
    """The answer in lines."""
    from emberline.ui.text import wording

    gap = "no gap proven" if found.gap is None else f"gap {wording.percent(found.gap)}"
    yield f"why {found.question}: {scenario.name}, plan {found.status}, {gap}"
    for i, fact in enumerate(found.facts):
        yield f"{'' if i else 'now':<9}{fact}"
    if found.worth is not None:
        price = f"{wording.number(found.worth.value, 1)} {found.worth.unit}"
        yield f"{'worth':<9}a MWh more costs {price}; {found.worth.held}"
    for answer in found.answers:
        yield from told(scenario, answer, found.unit)
    yield from _slots(scenario, found)
    if not found.complete:
        yield f"{'note':<9}the time was over before all was tried; --time-limit gives more"


def told(scenario: Scenario, answer: Answer, unit: str, head: str = "what if") -> Iterator[str]:
    """One answer in lines: what it costs, how sure that is, what binds, what else moves."""
    from emberline.scenarios.messages import clock
    from emberline.ui.text import wording

    yield f"{head:<9}{answer.says}"
    gap = "" if answer.gap is None else f", gap {wording.percent(answer.gap)}"
    if answer.more is None:
        why = f": {answer.reason}" if answer.reason else ""
        proven = {
            "infeasible": "no plan with it, that is proven",
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
    """What a plan has more, in kg, money and MW."""
    from emberline.ui.text.wording import signed

    return f"{signed(more.carbon_kg, 0)} kg CO2e, {signed(more.cost, 0)} {currency}, {signed(more.peak_mw, 2)} MW peak"


def between(answer: Answer, unit: str) -> str:
    """What the goal has more at least and at most."""
    from emberline.ui.text.wording import signed

    if answer.low is None or answer.high is None:
        return ""
    return f"; {signed(answer.low, 1)} to {signed(answer.high, 1)} {unit}"


def _slots(scenario: Scenario, found: Why) -> Iterator[str]:
    """Starts that are possible with all other heats where they are."""
    from emberline.scenarios.messages import clock
    from emberline.ui.text.wording import signed

    open_slots = [slot for slot in found.slots if slot.more_of_goal is not None]
    if not found.slots:
        return
    best = sorted(open_slots, key=lambda slot: slot.more_of_goal or 0.0)[:MOST_SLOTS]
    head = f"of {len(found.slots)} starts {len(open_slots)} are open with all other heats where they are (estimate)"
    yield f"{'starts':<9}{head}"
    for slot in best:
        start = clock(scenario.horizon.instant(slot.start_min))
        yield f"{'':<9}  {start}: {signed(slot.more_of_goal or 0.0, 1)} {found.unit}"
