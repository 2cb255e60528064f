"""The record of the day that was really run."""

from __future__ import annotations

from dataclasses import dataclass

from emberline.scenarios.plain import Plain


@dataclass(frozen=True)
class AsRun(Plain):
    """Day with which a plan is compared."""

    log: str
    """File of the heats."""
    meter: str = ""
    """File of the meter; empty: electricity is that of the scenario's heats."""
    missed: int = 0
    """Limits that the plant missed that day, with the scenario's durations."""
