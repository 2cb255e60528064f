"""The third floor: what comes out. A plan is baseline, schedule, replays, ledger, bill and verdict."""

from emberline.plans.plan.plan import Plan, plan

__all__ = ["Plan", "plan"]
