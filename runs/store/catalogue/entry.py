"""What the catalogue tells of a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

STATES = ("working", "stored", "broken", "deleted")


@dataclass(frozen=True)
class Entry:
    """One run in the catalogue. Figures are of the undisturbed replay, None where there is no plan."""

    id: str
    scenario: str
    state: str
    """One of ``STATES``."""
    status: str
    """Of the optimization, such as ``within gap`` or ``infeasible``."""
    created: datetime
    """UTC."""
    goal: str
    gap: float | None
    saved_carbon_kg: float | None
    """Against the baseline."""
    saved_cost: float | None
    verdict: str
    home: str
    """Which home folder keeps the run's files."""
    title: str
    """Of the scenario: free text."""
    name: str
    """Given by a user; empty: none."""
    version: str
    """Of Emberline."""
    input_sha256: str
    """Runs of the same scenario and series have the same."""
    carbon_kg: float | None
    cost: float | None
    currency: str
    peak_mw: float | None
    deleted: datetime | None
    """UTC; None: it is not."""
    tags: tuple[str, ...] = ()
    """In alphabetical order."""
