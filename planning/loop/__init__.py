"""A plan on disturbed days: plant and policy together."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.planning.loop.following import Day, days, policy_of, refuse
    from emberline.planning.loop.loop import run

__all__ = ["Day", "days", "policy_of", "refuse", "run"]


__getattr__ = door(__name__)
