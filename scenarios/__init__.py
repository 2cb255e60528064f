"""The ground floor: what is asked. Nouns, files, units of measure and the vocabulary of datasets."""

from scenarios.loading import bundled, load, loads
from scenarios.record import Problem, ScenarioError
from scenarios.scenario import Heat, Scenario

__all__ = ["Heat", "Problem", "Scenario", "ScenarioError", "bundled", "load", "loads"]
