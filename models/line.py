"""A line by slot and the places of heats in a plan: the interface for other packages."""

from emberline.models.heuristics.line.minimum_cut_retiming import Cut, Lags
from emberline.models.problem.assignment import Conflict, Starts, conflicts, from_schedule, mistakes
from emberline.models.problem.line import Heat, Key, SlotProblem, Work
from emberline.models.problem.line_reader import from_scenario

__all__ = [
    "Conflict", "Cut", "Heat", "Key", "Lags", "SlotProblem", "Starts", "Work", "conflicts", "from_scenario",
    "from_schedule", "mistakes",
]  # fmt: skip
