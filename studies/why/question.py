"""Questions about a stored plan: one decision is fixed or freed, the plant is planned again, and the price reported.

Every answer is a complete plan, searched from the stored one and from the nearest one that respects the fixed decision,
and simulated in the twin. Its increase over the stored plan is reported with status, bound and gap. The cap on extra
cost is the amount that applied to the stored plan. Results marked as estimates keep all other heats fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from emberline.planning.plan.record import Plan
from emberline.scenarios import Problem, ScenarioError
from emberline.scenarios.messages import Message
from emberline.studies.why.answer import Answer, Why
from emberline.studies.why.of_heat import OfHeat, operation
from emberline.studies.why.of_hour import OfHour, minute
from emberline.studies.why.of_hour import hour as read_hour
from emberline.studies.why.of_unit import OfUnit
from emberline.studies.why.resolver import Resolver, refuse_plan
from emberline.studies.why.tuning import WHY

__all__ = ["refuse", "why"]

Tell = Callable[[str], None]


def why(
    plan: Plan,
    *,
    heat: str | None = None,
    stage: str | None = None,
    at: str | None = None,
    unit: str | None = None,
    hour: str | None = None,
    every: bool = False,
    time_limit_s: float = WHY.limit,
    on_progress: Tell | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Why:
    """Explain one decision of a plan.

    Args:
        plan: plan with a schedule, of a line, a site or processes.
        heat: name or number of a heat, to start earlier, later, at the baseline's time or on another unit.
        stage: stage of the heat; None: the one with the highest electricity use.
        at: specific time for the heat to start; for a process unit, a time within the run in question.
        unit: unit or asset to leave out, or to keep always on.
        hour: hour in which to find the value of a MWh, and the effect of idle units.
        every: whether to also plan every other start of the heat.
        time_limit_s: effort, and seconds, for all answers together.
        on_progress: called with a line for each step.
        cancel: polled; True stops with the results so far.

    Raises:
        ScenarioError: the question does not apply to this plan.
    """
    refuse(plan, heat, unit, hour)
    resolver = Resolver.of(plan, time_limit_s, on_progress, cancel)
    if heat is not None:
        return _of_heat(resolver, heat, stage, at, every)
    return _of_unit(resolver, unit, at) if unit is not None else _of_hour(resolver, str(hour))


def refuse(plan: Plan, heat: str | None, unit: str | None, hour: str | None) -> None:
    """Reject a question that does not apply to a plan.

    Raises:
        ScenarioError: as for :func:`why`.
    """
    name = plan.scenario.name
    count = sum(part is not None for part in (heat, unit, hour))
    if count != 1:
        text = "ask about one decision: --heat, --unit or --hour"
        raise ScenarioError([Problem(name, "", text)])
    refuse_plan(plan, "there is no schedule to ask about")
    if heat is not None and not plan.scenario.heats:
        text = "there are no heats in this run; ask about a --unit or an --hour"
        raise ScenarioError([Problem("--heat", "", text)])


def _of_heat(resolver: Resolver, text: str, stage: str | None, at: str | None, every: bool) -> Why:
    subject = operation(resolver, text, stage)
    about = OfHeat(resolver, subject)
    at_min = None if at is None else _moment(resolver.plan, at)
    answers = _answers(resolver, about, about.questions(at_min, every))
    slots = () if at_min is not None or resolver.over else about.slots()
    number, name, at_stage = subject.number, subject.heat.name, {"stage": subject.stage}
    if subject.cast:
        question = Message("{cast} (of heat {number})", cast=subject.label, number=number)
    elif name == str(number):
        question = Message("heat {number} at {stage}", number=number, **at_stage)
    else:
        question = Message("heat {number} ({name}) at {stage}", number=number, name=name, **at_stage)
    return _report(resolver, question, list(about.facts()), answers, slots=slots)


def _moment(plan: Plan, text: str) -> float:
    """Parse a time at which a heat can start."""
    horizon = plan.scenario.horizon
    step = plan.scenario.moment_min if plan.between_steps else horizon.step_min
    start_min = minute(horizon, "--at", text)
    if start_min % step:
        raise ScenarioError([Problem("--at", "", f"{text} lies between steps of {step:g} min, on which heats start")])
    return start_min


def _of_unit(resolver: Resolver, name: str, at: str | None) -> Why:
    about = OfUnit(resolver, name, None if at is None else minute(resolver.scenario.horizon, "--at", at))
    answers = _answers(resolver, about, about.questions())
    run, unit = about.of_run(), list(about.facts())
    facts, remaining = (run, unit) if run else (unit, [])
    return _report(resolver, about.question, facts, answers, rest=tuple(remaining))


def _of_hour(resolver: Resolver, text: str) -> Why:
    about = OfHour(resolver, read_hour(resolver.scenario.horizon, text))
    resolver.tell(Message("what a MWh more is worth"))
    worth = about.worth()
    # if the plan's gap exceeds the value of a MWh, planning again gives no information on it
    whole = worth is not None and "whole numbers" in worth.assumption
    open_slack, value = resolver.slack, 0.0 if worth is None else abs(worth.value)
    is_exact = whole and open_slack is not None and open_slack < WHY.open_share * value
    answers = _answers(resolver, about, about.questions(is_exact))
    return _report(resolver, about.name, list(about.facts()), answers, worth=worth)


def _answers(resolver: Resolver, about: OfHeat | OfUnit | OfHour, questions: Sequence[tuple[Any, ...]]) -> list[Answer]:
    """Answer each question within the time, after improving the plan itself if possible."""
    resolver.asks = len(questions)
    answers = resolver.as_it_is()
    for question in questions:
        if resolver.over:
            break
        answers.append(about.answer(*question))
    return answers


def _report(resolver: Resolver, question: str, facts: list[str], answers: list[Answer], **more: Any) -> Why:
    return Why(
        question=question,
        **resolver.head,
        slack=resolver.slack,
        facts=tuple(facts),
        answers=tuple(answers),
        complete=not resolver.hurried,
        seconds=round(resolver.deadline.seconds, 3),
        **more,
    )
