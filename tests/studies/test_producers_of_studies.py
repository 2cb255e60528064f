"""Parts of studies that differ by producer exist for each."""

from __future__ import annotations

import pytest

from emberline.scenarios import load
from emberline.studies.levers import refused
from emberline.studies.rolling import How, refuse
from emberline.studies.why.quick import without_place


@pytest.mark.parametrize(
    ("name", "levers"),
    [
        ("melt-shop-small", ""),
        ("cement-week", ""),
        ("works-hub-year", "nothing is produced, so there is no production to plan first"),
    ],
)
def test_each_producer_has_an_answer(name: str, levers: str) -> None:
    """Proves: levers, rolls and the first look at what lacks a place know a line, a network of
    processes and a site alone. Sensitivity: a producer that a function is not registered for, or takes for another.
    """
    scenario = load(name)
    assert refused(scenario).startswith(levers)
    assert bool(refused(scenario)) == bool(levers)
    assert not without_place(scenario)
    refuse(scenario, How())
