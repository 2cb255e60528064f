"""A Sankey diagram: nodes and the amounts that flow between them. What enters a node between others leaves it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

NOTHING = 1e-9
"""Share of all that flows below which a link is rounding."""


@dataclass(frozen=True)
class Node:
    """Where flows begin, meet or end."""

    name: str
    kind: str
    """Of energy ``grid``, ``source``, ``carrier``, ``machine``, ``store``, ``use``, ``loss``; of carbon ``grid``,
    ``source``, ``scope``, ``product``, ``store``, ``site``."""
    named: bool = False
    """Whether the scenario gives the name; else it is a word of ours."""


@dataclass(frozen=True)
class Link:
    """What flows from one node to another over the horizon."""

    source: str
    target: str
    """Keys of nodes."""
    amount: float
    """In the diagram's unit, positive."""


@dataclass(frozen=True)
class Diagram:
    """Nodes by key, and links; there are no nodes without a link."""

    unit: str
    nodes: dict[str, Node]
    links: tuple[Link, ...]

    @cached_property
    def inflow(self) -> dict[str, float]:
        """What flows into each node that has anything flowing into it."""
        return _sums((link.target, link.amount) for link in self.links)

    @cached_property
    def outflow(self) -> dict[str, float]:
        """What flows out of each node that has anything flowing out of it."""
        return _sums((link.source, link.amount) for link in self.links)

    @property
    def total(self) -> float:
        """What flows in from outside."""
        return sum(amount for key, amount in self.outflow.items() if key not in self.inflow)

    def without(self, least: float) -> Diagram:
        """The diagram without links of less than an amount."""
        links = tuple(link for link in self.links if link.amount >= least)
        used = {key for link in links for key in (link.source, link.target)}
        return Diagram(self.unit, {key: node for key, node in self.nodes.items() if key in used}, links)

    def through(self, key: str) -> float:
        """What flows through a node."""
        return max(self.inflow.get(key, 0.0), self.outflow.get(key, 0.0))

    def between(self, source: str, target: str) -> float:
        """What flows from one node to another."""
        return sum(link.amount for link in self.links if (link.source, link.target) == (source, target))


class Drawing:
    """A diagram in the making."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.nodes: dict[str, Node] = {}
        self.flows: dict[tuple[str, str], float] = {}

    def node(self, key: str, name: str, kind: str, named: bool = False) -> str:
        """A node, made where it is not there yet; returns its key."""
        self.nodes.setdefault(key, Node(name, kind, named))
        return key

    def add(self, source: str, target: str, amount: float) -> None:
        """Let an amount flow; what is negative is left out."""
        if amount > 0:
            self.flows[source, target] = self.flows.get((source, target), 0.0) + amount

    def net(self, key: str) -> float:
        """What flows into a node less what flows out of it."""
        into = sum(amount for (_, target), amount in self.flows.items() if target == key)
        return into - sum(amount for (source, _), amount in self.flows.items() if source == key)

    def diagram(self) -> Diagram:
        """The diagram; what is rounding is left out."""
        links = tuple(Link(*ends, amount) for ends, amount in self.flows.items())
        return Diagram(self.unit, self.nodes, links).without(NOTHING * max(self.flows.values(), default=0.0))


def _sums(parts: Iterable[tuple[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for key, amount in parts:
        sums[key] = sums.get(key, 0.0) + amount
    return sums
