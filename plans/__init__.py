"""The third floor: what comes out. A plan is baseline, schedule, replays, ledger, bill and verdict."""

from plans.plan import Plan, plan

__all__ = ["Plan", "plan"]
