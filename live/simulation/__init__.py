"""A plant to test against: the twin in accelerated time, behind the protocols of real plants."""

from emberline.live.simulation.messages import Messages
from emberline.live.simulation.plant import SimulatedPlant

__all__ = ["Messages", "SimulatedPlant"]
