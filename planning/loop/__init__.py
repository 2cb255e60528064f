"""A plan on disturbed days: plant and policy together."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.planning.loop.following import Day, days, refuse

__all__ = ["Day", "days", "refuse"]


__getattr__ = door(__name__)
