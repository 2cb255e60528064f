"""A plant to test against: the twin in accelerated time, behind the protocols of real plants."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.live.simulation.live_file import values
    from emberline.live.simulation.plant import Messages, SimulatedPlant
    from emberline.live.simulation.server import Simulation, served

__all__ = ["Messages", "SimulatedPlant", "Simulation", "served", "values"]


__getattr__ = door(__name__)
