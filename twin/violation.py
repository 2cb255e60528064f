"""A limit that was missed, as every part of the twin reports it, and what counts as zero."""

from __future__ import annotations

from typing import NamedTuple

from emberline.scenarios.datasets import RecourseKind, ViolationKind

TOLERANCE = 1e-6
"""MW and MWh that count as zero."""
SMALL = 1e-5
"""Share of a store's rate that may go the other way at the same time: a solver's whole numbers are as exact."""


class Act(NamedTuple):
    """What the dispatcher did once so that a limit is kept."""

    kind: RecourseKind
    unit: str
    """Unit or asset."""
    at_min: float
    amount: float
    """By how much, in ``measure``."""
    measure: str
    cost: float


class Violation(NamedTuple):
    """A limit that was missed once."""

    kind: ViolationKind
    heat: str
    """Empty where no heat is concerned."""
    unit: str
    """Unit, asset, store, delivery or carrier; empty where none is concerned."""
    at_min: float
    amount: float
    """By how much, in ``measure``."""
    measure: str
    """Unit of measure."""
