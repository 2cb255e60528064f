"""Parts of studies that differ by producer exist for each."""

from __future__ import annotations

import pytest

from emberline.scenarios import ScenarioError, load
from emberline.studies.levers import refused
from emberline.studies.rolling import How, refuse
from emberline.studies.why.quick import without_place


@pytest.mark.parametrize(
    ("name", "levers", "measured"),
    [
        ("melt-shop-small", "", ""),
        ("cement-week", "", "states of their units are not measured yet"),
        ("works-hub-year", "nothing is produced, so there is no production to plan first", ""),
    ],
)
def test_each_producer_has_an_answer(name: str, levers: str, measured: str) -> None:
    """Proves: levers, rolls of a measured plant and the first look at what lacks a place know a line, a network of
    processes and a site alone. Sensitivity: a producer that a function is not registered for, or takes for another.
    """
    scenario = load(name)
    assert refused(scenario).startswith(levers)
    assert bool(refused(scenario)) == bool(levers)
    assert not without_place(scenario)
    try:
        refuse(scenario, How(), measured=True)
    except ScenarioError as error:
        text = " ".join(problem.says for problem in error.problems)
    else:
        text = ""
    assert (measured in text) if measured else ("measured" not in text)
