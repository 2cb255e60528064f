"""Sankey diagrams of a run: energy from source to use, carbon from source to what carries it."""

from plans.sankey.carbon import carbon
from plans.sankey.diagram import Diagram, Link, Node
from plans.sankey.energy import energy

__all__ = ["Diagram", "Link", "Node", "carbon", "energy"]
