"""Components that are switched off: each is there, each is off within and on again after."""

from __future__ import annotations

from pkgutil import resolve_name

import pytest

from benchmarks.planning import ablation
from emberline.scenarios import bundled


@pytest.mark.parametrize("name", ablation.COMPONENTS)
def test_a_component_is_off_within(name: str) -> None:
    """Proves: every function that stands for a component exists, is replaced and comes back. Sensitivity: a function
    that was moved or renamed."""
    places = {f"{ablation.ROOM}.{place}": value for place, value in ablation.COMPONENTS[name].items()}
    before = {place: resolve_name(place) for place in places}
    assert all(map(callable, before.values()))
    with ablation.without(name):
        assert all(resolve_name(place) is value for place, value in places.items())
    assert all(resolve_name(place) is function for place, function in before.items())


def test_cases_are_bundled_and_name_components() -> None:
    """Proves: each case can be planned as bundled, and each component is tried somewhere. Sensitivity: a name amiss."""
    assert {case.scenario for case in ablation.CASES.values()} <= set(bundled())
    assert {name for case in ablation.CASES.values() for name in case.components} == set(ablation.COMPONENTS)
