"""The loop: a plant runs to the moment at which its policy looks next, and goes on under what the policy decides."""

from __future__ import annotations

import math
from typing import Any, Protocol

import xarray as xr

from emberline.twin.line.operations import Row

Change = xr.Dataset | list[Row]
"""The list to follow from now on: a schedule (table ``SCHEDULE``), or of a line another list alone."""


class Policy(Protocol):
    """Decisions on what a plant follows: a line (``twin/plant.py``), works (``twin/processes/plant.py``), or another
    plant that runs to a moment and follows a change."""

    @property
    def at_min(self) -> float:
        """Moment of the next look [min]; infinite: there is none."""

    def decide(self, plant: Any) -> Change | None:
        """Look at the plant, which has run to that moment.

        Returns:
            What it is to follow from now on; None: it carries on.
        """


class Follow:
    """The policy that carries on: the schedule as printed."""

    at_min, looks, changes = math.inf, 0, 0

    def begin(self, now_min: float) -> None:
        """A day begins."""

    def decide(self, plant: Any) -> None:
        """Carry on."""


def run(plant: Any, policy: Policy, until_min: float = math.inf) -> None:
    """Run a plant under a policy to a moment, or to the end of its day.

    However often it is stopped and carried on, the day is the same.
    """
    while policy.at_min <= until_min and policy.at_min < math.inf:
        if policy.at_min > plant.now:
            plant.run(policy.at_min)
        change = policy.decide(plant)
        if change is not None:
            plant.follow(change)
    if until_min > plant.now:
        plant.run(until_min)
