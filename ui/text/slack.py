"""Slack of an operation or a run in words: how far it may move, and what stops it."""

from __future__ import annotations

import math

from emberline.plans.why import slack as slacks_of
from emberline.scenarios import Scenario
from emberline.ui.text import moment
from emberline.ui.text.language import mark, tr
from emberline.ui.text.numbers import number

STOPS = {
    "lock": mark("your lock"),
    "started": mark("it has started"),
    "horizon": mark("the horizon"),
    "release": mark("its release, {time}"),
    "due": mark("its due time, {time}"),
    "before": mark("{other} before it"),
    "after": mark("{other} after it"),
    "wait": mark("longest wait after {other}"),
    "wait after": mark("longest wait before {other}"),
    "unit": mark("{other} on the unit"),
    "cast": mark("no gap in the cast ({other})"),
    "outage": mark("unit not available, {time}"),
    "import": mark("import limit, {time}"),
    "must run": mark("it must run"),
    "empty": mark("{other} would run empty, {time}"),
    "full": mark("{other} would be full, {time}"),
    "end level": mark("required level of {other} at the end"),
}
"""What limits the move of an operation or a run (``plans/why/slack.py``, ``plans/board/run_slack.py``)."""
SAME_MIN = 1e-6


def moves(scenario: Scenario, slack: slacks_of.Slack, earlier: bool) -> str:
    """How far something may move one way, and what stops it."""
    minutes, stop = (slack.earlier_min, slack.earlier) if earlier else (slack.later_min, slack.later)
    return f"{number(math.floor(minutes + SAME_MIN), 0)} min: {stops(scenario, stop)}"


def stops(scenario: Scenario, stop: slacks_of.Stop) -> str:
    """What limits an operation, in words."""
    instant = None if math.isnan(stop.at_min) else scenario.horizon.instant(stop.at_min)
    at = "" if instant is None else moment.short(stop.at_min, scenario.horizon)
    return tr(STOPS[stop.kind], other=stop.other, time=at)
