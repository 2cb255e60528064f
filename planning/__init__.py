"""How a plan comes about and what it comes to: baseline, schedule, replays, ledger, bill and verdict."""

from emberline.planning.plan.pipeline import plan
from emberline.planning.plan.record import Plan

__all__ = ["Plan", "plan"]
