"""Slack of an operation or a run in words: how far it may move, and what stops it."""

from __future__ import annotations

import math

from emberline.reports.text import moment
from emberline.reports.text.language import tr
from emberline.reports.text.numbers import number
from emberline.scenarios import Scenario
from emberline.studies.why import slack as slacks_of

SAME_MIN = 1e-6


def moves(scenario: Scenario, slack: slacks_of.Slack, earlier: bool) -> str:
    """How far something may move one way, and what stops it."""
    minutes, stop = (slack.earlier_min, slack.earlier) if earlier else (slack.later_min, slack.later)
    return f"{number(math.floor(minutes + SAME_MIN), 0)} min: {stops(scenario, stop)}"


def stops(scenario: Scenario, stop: slacks_of.Stop) -> str:
    """What limits an operation, in words."""
    instant = None if math.isnan(stop.at_min) else scenario.horizon.instant(stop.at_min)
    at = "" if instant is None else moment.short(stop.at_min, scenario.horizon)
    return tr(slacks_of.STOPS[stop.kind], other=stop.other, time=at)
