"""Plans under disturbance: ensembles of replays, and plans that hold."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.planning.robustness import ensemble
    from emberline.planning.robustness.ensemble import Ensemble
    from emberline.planning.robustness.making import answered, plan_that_holds

__all__ = ["Ensemble", "answered", "ensemble", "plan_that_holds"]
_PLACES = {"Ensemble": "ensemble", "answered": "making", "plan_that_holds": "making"}


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
