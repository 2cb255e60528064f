"""Sankey diagrams of a run: energy from source to use, carbon from source to what carries it."""

from emberline.planning.accounts.sankey.carbon import carbon
from emberline.planning.accounts.sankey.diagram import Diagram, Link, Node
from emberline.planning.accounts.sankey.energy import energy

__all__ = ["Diagram", "Link", "Node", "carbon", "energy"]
