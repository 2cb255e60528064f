"""A scenario with units away for a while."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from emberline.scenarios import Scenario
from emberline.scenarios.records.state import Outage


def away(scenario: Scenario, units: tuple[str, ...], begin_min: float, end_min: float) -> Scenario:
    """The scenario with some units not available for a while; what has begun on them is done first."""
    outages = []
    for unit in units:
        begun = [item for item in scenario.state.started if item.unit == unit]
        grades = {heat.name: heat.grade for heat in scenario.heats}
        first = begin_min
        for item in begun:
            minutes = scenario.line.duration_min(grades[item.heat], unit) or 0.0
            over = scenario.horizon.minutes(item.start) + minutes
            first = max(first, float(np.ceil(over / scenario.horizon.step_min - 1e-9)) * scenario.horizon.step_min)
        if first < end_min:
            outages.append(Outage(unit=unit, start=timedelta(minutes=first), end=timedelta(minutes=end_min)))
    state = scenario.state.model_copy(update={"outages": (*scenario.state.outages, *outages)})
    return scenario.model_copy(update={"state": state}).with_inputs(scenario.inputs)
