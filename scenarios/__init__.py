"""The ground floor: what is asked. Nouns, files, units of measure and the vocabulary of datasets."""

from emberline.scenarios.reading.loading import bundled, load, loads
from emberline.scenarios.records.base import Problem, ScenarioError
from emberline.scenarios.records.scenario import Heat, Scenario

__all__ = ["Heat", "Problem", "Scenario", "ScenarioError", "bundled", "load", "loads"]
