"""What the line should do: Pyomo models solved by HiGHS, on a grid of slots, with a proven bound."""

from emberline.models.optimize import optimize
from emberline.models.search.schedule import seconds

__all__ = ["optimize", "seconds"]
