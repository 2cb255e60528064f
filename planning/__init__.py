"""The planner, and what a plan comes to: baseline, schedule, replays, ledger, bill and verdict."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.planning.plan.pipeline import follow
    from emberline.planning.plan.record import Plan
    from emberline.planning.planner import PLAIN, Steps, make_plan

__all__ = ["PLAIN", "Plan", "Steps", "follow", "make_plan"]


__getattr__ = door(__name__)
