"""Continuous processes in the model: units by counts, stores between them, and what a solution makes of them."""

from models.processes.network import PlantPorts, add
from models.processes.plant import Plant, read
from models.processes.result import columns
from models.processes.worth import bands, credits

__all__ = ["Plant", "PlantPorts", "add", "bands", "columns", "credits", "read"]
