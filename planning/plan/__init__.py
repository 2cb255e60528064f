"""The plan: baseline, schedule, replays, accounts and verdict from one scenario."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.planning.plan import caps, pace, replan, stock_credit
    from emberline.planning.plan.baseline import Baseline
    from emberline.planning.plan.progress import Progress
    from emberline.planning.plan.record import Plan, filled, violations

__all__ = ["Baseline", "Plan", "Progress", "caps", "filled", "pace", "replan", "stock_credit", "violations"]
_PLACES = {
    "Baseline": "baseline",
    "Plan": "record",
    "Progress": "progress",
    "filled": "record",
    "violations": "record",
}


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
