"""What speaks against a plan before any search: what can be counted, and what the baseline has no place for.

Without Pyomo, as every check of a scenario asks it.
"""

from __future__ import annotations

import time

import xarray as xr

from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.counted import shortages
from emberline.scenarios import Scenario
from emberline.scenarios.messages import Message

__all__ = ["shortages", "without_place"]
PLACING_S = 1.0
"""Of the processor, for the baseline's list."""


def without_place(scenario: Scenario, envelope: xr.Dataset | None = None) -> list[str]:
    """Heats for which the baseline has no place, as a sentence; empty where it makes all: then there is a plan, or
    nothing speaks against one.

    Args:
        scenario: what is asked.
        envelope: of the scenario, where it is known.
    """
    if not scenario.heats:
        return []
    end = time.process_time() + PLACING_S
    baseline = Baseline.of(scenario, envelope, over=lambda: time.process_time() > end)
    heats = str(baseline.schedule.attrs["unplaced"])
    return [Message("the baseline finds no place for {heats}", heats=heats)] if heats else []
