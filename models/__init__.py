"""What the line should do: Pyomo models solved by HiGHS, on a grid of slots, with a proven bound."""

from models.optimize import optimize
from models.schedule import seconds

__all__ = ["optimize", "seconds"]
