"""What a plan can be compared with, or exchanged for: the day as it was run, the points of its quick front."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.planning.plan.alternatives.as_run import as_run
    from emberline.planning.plan.alternatives.choice import LEAST_CARBON, LEAST_COST, NO_REGRET, Choice
    from emberline.planning.plan.alternatives.day import AsRun

__all__ = ["LEAST_CARBON", "LEAST_COST", "NO_REGRET", "AsRun", "Choice", "as_run"]
_PLACES = {"AsRun": "day", "as_run": "as_run"} | dict.fromkeys(
    ("LEAST_CARBON", "LEAST_COST", "NO_REGRET", "Choice"), "choice"
)


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
