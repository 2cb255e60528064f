"""The third floor: what comes out. A plan is baseline, schedule, replays, ledger, bill and verdict."""

from emberline.plans.plan.pipeline import plan
from emberline.plans.plan.record import Plan

__all__ = ["Plan", "plan"]
