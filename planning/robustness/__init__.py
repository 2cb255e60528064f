"""Plans under disturbances: ensembles of replays, and robust plans."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.planning.robustness.ensemble import Ensemble

__all__ = ["Ensemble"]


__getattr__ = door(__name__)
