"""Alternatives to a plan: the day as it was run, the points of its quick front."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.planning.plan.alternatives.logged_day import as_run
    from emberline.planning.plan.alternatives.record import (
        LEAST_CARBON,
        LEAST_COST,
        NO_REGRET,
        ONE_SIGNAL,
        AsRun,
        Choice,
    )

__all__ = ["LEAST_CARBON", "LEAST_COST", "NO_REGRET", "ONE_SIGNAL", "AsRun", "Choice", "as_run"]


__getattr__ = door(__name__)
