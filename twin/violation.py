"""A limit that was missed, as every part of the twin reports it, and what counts as zero."""

from __future__ import annotations

from typing import NamedTuple

from emberline.scenarios.datasets import ViolationKind

TOLERANCE = 1e-6
"""MW and MWh that count as zero."""


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
