"""Studies that make many plans of one scenario, such as sweeps and headroom."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.studies.headroom import Headroom, Load, Saving
    from emberline.studies.sweep import Row, Sweep

__all__ = ["Headroom", "Load", "Row", "Saving", "Sweep"]


__getattr__ = door(__name__)
