"""Time before a search, estimated beforehand: the baseline, and writing rows by unit and step.

The rates are measured, not derived, on one core of an ordinary machine that does nothing else; a plan is refused only
where even a machine twice as quick would still be writing when its time limit is over.
"""

from __future__ import annotations

import math

from emberline.scenarios import Scenario
from emberline.scenarios.checking import to_the_minute
from emberline.scenarios.records.base import Problem, ScenarioError

__all__ = ["refuse"]

PER_PLACE_STEP = 4.5e-6
"""Seconds: of a line, for each step, grade, and unit on its route."""
PER_PART_STEP = 1.2e-4
"""Of processes, for each step, and each mode and store: the baseline and the rows."""
QUICKER = 2.0
"""Factor by which a machine may be faster."""
SPARE_S = 5.0
"""By how much a plan may be late."""


def of_plan(scenario: Scenario) -> float:
    """Seconds that a plan takes before anything is searched; 0 where that is little."""
    grades = {heat.grade.name: heat.grade for heat in scenario.heats}
    places = sum(len(stage.units) for grade in grades.values() for stage in scenario.line.route(grade))
    parts = len(scenario.process_modes) + len(scenario.stores)
    return scenario.horizon.n_steps * (PER_PLACE_STEP * places + PER_PART_STEP * parts)


def refuse(scenario: Scenario, what: str = "") -> None:
    """Refuse a plan that no search makes, or that would not be written within its time limit.

    Args:
        scenario: what is asked.
        what: is to be done; empty: the scenario's name.

    Raises:
        ScenarioError: one line, with both figures where time is short.
    """
    to_the_minute.refuse(scenario, what)
    need_s, limit = of_plan(scenario), scenario.goal.time_limit_s
    if need_s <= QUICKER * limit + SPARE_S:
        return
    parts = len(scenario.heats) + len(scenario.process_modes) + len(scenario.stores)
    text = (
        f"{scenario.horizon.n_steps:,} steps × {parts} heats, modes and stores take about {in_words(need_s)} to write, "
        f"and the limit is {in_words(limit)}; choose longer steps, a shorter horizon or a longer limit"
    )
    raise ScenarioError([Problem(what or scenario.name, "goal.time_limit_s", text)])


def in_words(seconds: float) -> str:
    """A span of time in words, rounded up."""
    return f"{math.ceil(seconds)} s" if seconds <= 120 else f"{math.ceil(seconds / 60)} min"
