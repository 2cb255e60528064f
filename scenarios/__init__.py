"""Scenarios: records, files, units of measure and the variables of datasets."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.scenarios.case.case import Case
    from emberline.scenarios.case.scenario import Heat, Scenario
    from emberline.scenarios.loading.loading import bundled, load, loads, resolve
    from emberline.scenarios.records.base import Problem, ScenarioError

__all__ = ["Case", "Heat", "Problem", "Scenario", "ScenarioError", "bundled", "load", "loads", "resolve"]


__getattr__ = door(__name__)
