"""Continuous processes in the model: units by counts, stores between them, and what a solution makes of them."""

from emberline.models.formulations.processes.network import PlantPorts, add
from emberline.models.formulations.processes.result import columns
from emberline.models.formulations.processes.stock_value import bands, credits
from emberline.models.problem.plant import Plant, read

__all__ = ["Plant", "PlantPorts", "add", "bands", "columns", "credits", "read"]
