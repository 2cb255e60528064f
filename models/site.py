"""A site by slot, its goals, and what no plan of it can change: what the rooms above may use."""

from emberline.models.formulations.site.objective import read as read_aim
from emberline.models.problem.constants import baseline_cost, direct_kg
from emberline.models.problem.site import read

__all__ = ["baseline_cost", "direct_kg", "read", "read_aim"]
