"""The plan: baseline, schedule, replays, accounts and verdict from one scenario."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.planning.engine.progress import Progress
    from emberline.planning.plan.baseline import Baseline
    from emberline.planning.plan.record import Plan, filled, violations
    from emberline.planning.plan.replays import of_days

__all__ = ["Baseline", "Plan", "Progress", "filled", "of_days", "violations"]


__getattr__ = door(__name__)
