"""How often a plan holds, how sure that is, and what a day without it means: the first lines of the page Robustness."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import streamlit as st

from emberline.planning.plan import Plan
from emberline.planning.robustness import Ensemble
from emberline.planning.robustness import ensemble as replays
from emberline.reports.text import wording
from emberline.reports.text.language import tr
from emberline.reports.text.messages import say


@dataclass(frozen=True)
class Evidence:
    """Disturbed days on which a plan was followed."""

    days: int
    share: float
    """Of the days on which it held."""
    low: float
    high: float
    """Interval of the share, at 95 %."""
    baseline_share: float | None = None
    worse: bool = False
    """Whether the baseline holds more often on the same days, and not by chance."""
    misses: tuple[dict[str, Any], ...] = ()
    """What breaks it, the most frequent first: ``kind``, ``unit``, ``typical`` and ``worst`` amount in ``measure``."""


def evidence(plan: Plan, ensemble: Ensemble | None) -> Evidence | None:
    """What is known of a plan on disturbed days, from the most days; None: it was followed on none.

    Args:
        plan: a stored one.
        ensemble: of its replays; None: there is none.
    """
    record, entries = plan.holding, list[Evidence]()
    if plan.replays is not None and plan.replays.n and not plan.late:
        n, successes = plan.replays.n, plan.replays.successes
        entries.append(Evidence(n, successes / n, *replays.interval(successes, n)))
    if record is not None:
        worse = plan.replays is not None and plan.replays.less_often
        entries.append(
            Evidence(record.days, record.share, *record.interval, record.baseline_share, worse, record.misses)
        )
    if ensemble is not None:
        broke = tuple(row | {"worst": row["amount"]} for row in ensemble.broke())
        against = ensemble.against_baseline
        baseline = float((ensemble.data["baseline_violations"] == 0).mean()) if against else None
        entries.append(Evidence(ensemble.n, *ensemble.chance, baseline, ensemble.less_often, broke))
    return max(entries, key=lambda one: (one.days, len(one.misses)), default=None)


def show(plan: Plan, ensemble: Ensemble | None) -> None:
    """Draw the headline, and in a few sentences what it means."""
    facts = evidence(plan, ensemble)
    if facts is None:
        return
    level = plan.scenario.goal.hold or plan.scenario.disturbances.hold or None
    target = level if level or plan.holding is None else plan.holding.level
    says = headline(facts, target)
    st.markdown(f"##### {'⚠ ' if facts.worse else ''}{says}")
    lines = sentences(facts, target)
    if target and not level:
        lines.append(tr("No level was set: {asked} were asked.", asked=f"{100 * target:.3g}"))
    st.text(" ".join(lines))


def headline(facts: Evidence, target: float | None) -> str:
    """How often the plan holds, its range, and what was asked for."""
    values = {
        "share": _of_100(facts.share), "low": _of_100(facts.low),
        "high": math.ceil(100 * facts.high - 1e-9), "asked": f"{100 * (target or 0.0):.3g}",
    }  # fmt: skip
    if target is None:
        return tr("This plan holds on {share} of 100 disturbed replays (between {low} and {high}).", **values)
    return tr(
        "This plan holds on {share} of 100 disturbed replays (between {low} and {high}); asked: {asked}.", **values
    )


def sentences(facts: Evidence, target: float | None) -> list[str]:
    """How sure that is, what the baseline does, and what a day means on which the plan does not hold."""
    lines = [
        tr("Counted on {days} replays; the range is what so few can tell (95 % confidence).", days=facts.days)
    ]  # fmt: skip
    if target is not None and facts.low < target <= facts.high:
        lines.append(tr("What was asked lies within it: more replays narrow it down."))
    if facts.baseline_share is not None:
        text = tr("The baseline holds on {share} of 100.", share=_of_100(facts.baseline_share))
        if facts.worse:
            text = tr("The baseline holds in more replays: {share} of 100.", share=_of_100(facts.baseline_share))
        lines.append(text)
    lines.append(tr("A replay holds where no limit is missed by more than its tolerance."))
    if facts.misses:
        worst = facts.misses[0]
        who = worst["unit"] or worst.get("stage") or tr("site")
        lines.append(
            tr(
                "In the other replays it is most often: {what} ({who}), typically by {typical} {measure}, at most by "
                "{worst} {measure}.",
                what=tr(wording.KINDS.get(worst["kind"], worst["kind"])), who=who, measure=say(worst["measure"]),
                typical=wording.number(worst["typical"], 1), worst=wording.number(worst["worst"], 1),
            )
        )  # fmt: skip
    return lines


def _of_100(share: float) -> int:
    """Days of a hundred, rounded down: a level that is missed is not reached."""
    return math.floor(100 * share + 1e-9)
