"""Many plans of one scenario: sweeps and headroom."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.studies import headroom, sweep
    from emberline.studies.headroom import Headroom, Load, Saving
    from emberline.studies.sweep import Row, Sweep

__all__ = ["Headroom", "Load", "Row", "Saving", "Sweep", "headroom", "sweep"]
_PLACES = {"Headroom": "headroom", "Load": "headroom", "Row": "sweep", "Saving": "headroom", "Sweep": "sweep"}


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
