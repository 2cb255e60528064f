"""Mechanisms that are switched off: each is there, each is off within and on again after."""

from __future__ import annotations

from pkgutil import resolve_name

import pytest

from benchmarks.planning import ablation
from emberline.scenarios import bundled


@pytest.mark.parametrize("name", ablation.COMPONENTS)
def test_a_component_is_off_within(name: str) -> None:
    """Proves: every function or record that stands for a component exists, is replaced and comes back. Sensitivity: one
    that was moved or renamed."""
    places = {f"emberline.{place}": value for place, value in ablation.COMPONENTS[name].items()}
    before = {place: resolve_name(place) for place in places}
    assert all(callable(there) or type(there) is type(places[place]) for place, there in before.items())
    assert all(there != places[place] for place, there in before.items())
    with ablation.without(name):
        assert all(resolve_name(place) is value for place, value in places.items())
    assert all(resolve_name(place) is function for place, function in before.items())


def test_cases_are_bundled_and_name_components() -> None:
    """Proves: each case can be planned as bundled, and each component is tried somewhere. Sensitivity: a name amiss."""
    assert {case.scenario for case in ablation.CASES.values()} <= {*bundled(), "few heats"}
    assert {name for case in ablation.CASES.values() for name in case.components} == set(ablation.COMPONENTS)
