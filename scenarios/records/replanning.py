"""Use of a plan on a disturbed day, and the rules by which a shift reviews it."""

from __future__ import annotations

from enum import StrEnum

from emberline.scenarios.records.base import Record
from emberline.scenarios.records.quantity import Minutes, PositiveMinutes


class Using(StrEnum):
    """Use of a plan on a disturbed day."""

    FOLLOW = "follow"
    """As printed."""
    REPLAN = "replan"
    """Planned again at the clock, on deviation and on breakdown."""


class Replanning(Record):
    """Rules for planning again on a disturbed day; what is not worth a change is left as it is."""

    every_min: PositiveMinutes = 60
    """Time from one look to the next at most."""
    late_min: Minutes = 10
    """A heat that is later than the list by more than this is looked at sooner."""
    rest_min: Minutes = 10
    """Time from one look to the next at least; also after a breakdown, which is looked at as soon."""
