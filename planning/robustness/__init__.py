"""Plans under disturbance: ensembles of replays, and plans that hold."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.planning.robustness import ensemble
    from emberline.planning.robustness.ensemble import Ensemble

__all__ = ["Ensemble", "ensemble"]
_PLACES = {"Ensemble": "ensemble"}


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
