"""A plant to test against: the twin in accelerated time, behind the protocols of real plants."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.live.simulation.live_file import values
    from emberline.live.simulation.messages import Messages
    from emberline.live.simulation.plant import SimulatedPlant
    from emberline.live.simulation.server import Simulation, served

__all__ = ["Messages", "SimulatedPlant", "Simulation", "served", "values"]
_PLACES = {
    "Messages": "messages",
    "SimulatedPlant": "plant",
    "Simulation": "server",
    "served": "server",
    "values": "live_file",
}


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
