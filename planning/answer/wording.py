"""Amounts, shares and rules of a headline in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from emberline.planning.answer.record import Headline
from emberline.planning.plan.alternatives.record import LEAST_CARBON, NO_REGRET, ONE_SIGNAL
from emberline.planning.plan.replays import in_words
from emberline.scenarios.goal_metrics import GOALS, IN_MINUTES, cost_cap, more_allowed
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.metrics import METRICS, amount_digits, share_digits
from emberline.scenarios.records.horizon import Horizon


def fixed(value: float, digits: int) -> Message:
    """Format a number with a given number of decimals."""
    return Message(f"{{value:,.{digits}f}}", value=value)


def amount(value: float) -> Message:
    """Format a number with about three significant digits."""
    return fixed(value, amount_digits(value))


def percent(share: float) -> Message:
    """Format a share in percent."""
    return Message(f"{{value:,.{share_digits(share)}f}} %", value=100 * share)


def total(headline: Headline, name: str, value: float) -> Message:
    """Format a total of the whole day, carbon in tonnes or money, with the digits used in every table.

    Args:
        headline: headline of the plan.
        name: name of the metric.
        value: its value [kg CO2e or currency].
    """
    _, factor, digits = METRICS[name].display_in(headline.currency)
    return fixed(value * factor, digits)


def replays(headline: Headline, count: int) -> Message:
    """Number of disturbed replays of a headline, in words."""
    return in_words(count, headline.length_min)


def span(horizon: Horizon, steps: np.ndarray) -> tuple[Message, float, float]:
    """Time span of consecutive steps, or the longest of several spans, in words; with its ends [min]."""
    runs = [[place for _, place in group] for _, group in groupby(enumerate(steps), lambda pair: pair[1] - pair[0])]
    longest = max(runs, key=len)
    first, last = float(longest[0] * horizon.step_min), float((longest[-1] + 1) * horizon.step_min)
    texts = {True: mark("{first} to {last}"), False: mark("among them {first} to {last}")}
    return Message(texts[len(runs) == 1], first=horizon.instant(first), last=horizon.instant(last)), first, last


def joined(parts: Sequence[str], sign: str = "; ") -> str:
    """Join clauses with a separator."""
    if len(parts) < 2:
        return parts[0] if parts else ""
    names = [f"part{i}" for i in range(len(parts))]
    return Message(sign.join(f"{{{name}}}" for name in names), **dict(zip(names, parts, strict=True)))


def of_goal(headline: Headline, value: float) -> tuple[Message, str]:
    """Convert a value of the goal (kg CO2e, money or minutes) to its display unit; return amount and unit."""
    if headline.goal in IN_MINUTES:
        return amount(value), "min"
    unit, factor, _ = METRICS[headline.goal].display_in(headline.currency)
    return amount(value * factor), unit


RULES = {
    ("rest", "average"): mark(
        "{units} at rest in the {hours:g} h of each day with the most carbon-intensive electricity"
    ),
    ("rest", "marginal"): mark("{units} at rest in the {hours:g} h of each day with the highest marginal intensity"),
    ("rest", "price"): mark("{units} at rest in the {hours:g} h of each day with the dearest electricity"),
    ("rest", "first"): mark(
        "{units} at rest in the {hours:g} h of each day with the dearest electricity, of equal ones in the first"
    ),
    ("rest", "last"): mark(
        "{units} at rest in the {hours:g} h of each day with the dearest electricity, of equal ones in the last"
    ),
    ("peak", ""): mark("no peak above {peak:,.1f} MW"),
}


def rule_text(headline: Headline) -> Message:
    """Simple rule in words."""
    rule = headline.rule
    assert rule is not None
    parts = []
    if rule.hours:
        kind = (rule.ties or "price") if headline.of_money else str(headline.signal)
        parts.append(Message(RULES["rest", kind], units=rule.units, hours=rule.hours))
    if rule.peak_mw is not None:
        parts.append(Message(RULES["peak", ""], peak=rule.peak_mw))
    if len(parts) == 1:
        return parts[0]
    return Message("{rest}, {peak}", rest=parts[0], peak=parts[1])


def point_label(name: str, minimize: str, signal: str, extra_cost_share: float | None) -> Message:
    """Point of the quick front in words, like a goal.

    Args:
        name: name of the point.
        minimize: goal of the plan.
        signal: signal of the grid used by the goal.
        extra_cost_share: cap on extra cost.
    """
    if name not in (ONE_SIGNAL, LEAST_CARBON, NO_REGRET):
        money = minimize in METRICS and METRICS[minimize].money
        return Message(GOALS[minimize if money else "cost"])
    share = 0.0 if name == NO_REGRET else extra_cost_share if name == ONE_SIGNAL else extra_cost_share or None
    cap = Message("whatever it costs") if share is None else cost_cap(share)
    text = Message("{goal}, {cap}", goal=Message(GOALS["carbon"]), cap=cap)
    return text if name != ONE_SIGNAL else Message("{first}, {second}", first=text, second=more_allowed(signal))


MIN_GAP = 5e-5
"""Gaps below this count as zero."""
