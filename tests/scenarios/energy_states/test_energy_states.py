"""Energy states by hand: when leaving one pays, the fastest ways, and mistakes."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from emberline.scenarios.energy_states.record import EnergyStates

MILL: dict[str, Any] = {
    "states": [
        {"name": "off", "power_mw": 0},
        {"name": "standby", "power_mw": 1},
        {"name": "idle", "power_mw": 2},
    ],
    "transitions": [
        {"start": "idle", "end": "off", "duration_min": 60, "power_mw": 1},
        {"start": "off", "end": "idle", "duration_min": 120, "power_mw": 5},
        {"start": "idle", "end": "standby", "duration_min": 0},
        {"start": "standby", "end": "idle", "duration_min": 60, "power_mw": 3},
    ],
    "ready": "idle",
}
"""Through off: 1 + 10 MWh in 3 h, then nothing. Through standby: 3 MWh in 1 h, then 1 MW. Idle: 2 MW."""


def mill(**changes: Any) -> EnergyStates:
    return EnergyStates.model_validate(MILL | changes)


def test_break_even_is_where_both_cost_the_same() -> None:
    """Proves: standby: 2g = 3 + (g − 1), g = 2 h; off: 2g = 11, g = 5.5 h. Sensitivity: the duration of the ways left
    out gives 3 h for standby.
    """
    states = mill()
    for name, minutes in (("standby", 120), ("off", 330), ("idle", 0)):
        place = states.index[name]
        assert states.break_even_min(place) == pytest.approx(minutes)
        gap = states.break_even_min(place)
        assert states.excursion_mwh(place, gap) == pytest.approx(states.excursion_mwh(states.ready_index, gap))
    assert math.isinf(states.excursion_mwh(states.index["off"], 179))


def test_a_state_that_draws_more_never_pays() -> None:
    """Proves: no break-even for a state above idle. Sensitivity: dividing by a negative saving gives a gap below 0."""
    states = mill(states=[{"name": "off", "power_mw": 4}, *MILL["states"][1:]])
    assert math.isinf(states.break_even_min(states.index["off"]))


def test_the_fastest_way_is_taken_and_of_equal_ones_the_leanest() -> None:
    """Proves: off to idle by the second of three ways. Sensitivity: the first in the list, or the fewest MWh."""
    ways = [
        {"start": "idle", "end": "off", "duration_min": 10},
        {"start": "off", "end": "idle", "duration_min": 30, "power_mw": 9},
        {"start": "off", "end": "idle", "duration_min": 30, "power_mw": 8},
        {"start": "off", "end": "idle", "duration_min": 40, "power_mw": 1},
    ]
    states = mill(transitions=ways)
    assert states.route(states.index["off"], states.ready_index) == (2,)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"ready": "hot"}, "ready: there is no state hot, only off, standby, idle"),
        ({"initial": "hot"}, "initial: there is no state hot"),
        ({"states": [*MILL["states"], {"name": "off", "power_mw": 1}]}, "two states off"),
        ({"transitions": MILL["transitions"][:1], "initial": "off"}, "no transitions lead from off to idle"),
        ({"transitions": MILL["transitions"][1:], "final": "off"}, "no transitions lead from idle to off"),
        ({"transitions": [{"start": "off", "end": "off", "duration_min": 1}]}, "to itself"),
        ({"transitions": [{"start": "off", "end": "idle", "duration_min": 0, "power_mw": 1}]}, "must be 0"),
        ({"transitions": [{"start": "off", "end": "hot", "duration_min": 1}]}, "transitions: there is no state hot"),
    ],
)
def test_mistakes_are_reported(changes: dict[str, Any], text: str) -> None:
    """Proves: each mistake has its sentence. Sensitivity: a KeyError later, or a plan that waits for ever."""
    with pytest.raises(ValidationError, match=text):
        mill(**changes)


def test_units_of_measure_are_read() -> None:
    """Proves: kW and hours are taken. Sensitivity: numbers with a unit refused."""
    states = EnergyStates.model_validate(
        {
            "states": [{"name": "off", "power_mw": "50 kW"}, {"name": "idle", "power_mw": "2 MW"}],
            "transitions": [{"start": "off", "end": "idle", "duration_min": "0.5 h", "power_mw": "3 MW"}],
            "ready": "idle",
        }
    )
    assert states.states[0].power_mw == pytest.approx(0.05)
    assert states.transitions[0].energy_mwh == pytest.approx(1.5)
