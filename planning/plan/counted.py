"""Shortages counted before any search: hours, power and tonnes that no schedule can have."""

from __future__ import annotations

import math

import xarray as xr

from emberline.planning.plan.baseline import Baseline, envelope_of
from emberline.scenarios import Case
from emberline.scenarios.messages import Message


def shortages(scenario: Case, envelope: xr.Dataset | None = None) -> list[str]:
    """Shortages of a scenario by arithmetic alone, one sentence each; empty where nothing can be counted so simply.

    Args:
        scenario: what is asked.
        envelope: of the scenario, where it is known.
    """
    from emberline.models import explain

    envelope = envelope_of(scenario) if envelope is None else envelope
    return explain.missing(scenario, envelope)


def ruled_out(scenario: Case, baseline: Baseline) -> xr.Dataset | None:
    """A schedule without a plan where arithmetic shows that there is none; None: a search may find one.

    Args:
        scenario: what is asked.
        baseline: of the scenario.
    """
    from emberline.models import explain
    from emberline.models.search import schedule as schedules

    if baseline.complete:
        return None
    lacking = shortages(scenario, baseline.envelope)
    if not lacking:
        return None
    reason = lacking[0] if len(lacking) == 1 else Message("{lines}", lines=tuple(lacking))
    proven = scenario.processes or bool(explain.hours(scenario, baseline.envelope))
    unknown = dict.fromkeys(("objective", "bound", "gap"), math.nan)
    nothing = {"found": 0, "complete": 0, "unplaced": "", "policy": "schedule", "constant": 0.0, **unknown}
    text = {"status": "infeasible" if proven else schedules.ON_GRID, "reason": reason}
    return schedules.empty(scenario).assign_attrs(nothing, goal=scenario.goal.minimize, **text)
