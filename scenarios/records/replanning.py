"""Use of a plan on a disturbed day, and rules for replanning."""

from __future__ import annotations

from enum import StrEnum

from emberline.scenarios.records.base import Record
from emberline.scenarios.records.quantity import Minutes, PositiveMinutes


class Using(StrEnum):
    """Use of a plan on a disturbed day."""

    FOLLOW = "follow"
    """Follow the plan as printed."""
    REPLAN = "replan"
    """Replan at fixed intervals, after deviations and after breakdowns."""


class Replanning(Record):
    """Rules for replanning on a disturbed day; the plan is changed only if that is better."""

    every_min: PositiveMinutes = 60
    """Longest time between two reviews of the plan."""
    late_min: Minutes = 10
    """Delay of a heat above which the plan is reviewed earlier."""
    rest_min: Minutes = 10
    """Shortest time between two reviews, also after a breakdown, which is reviewed as soon as possible."""
