"""A machine on a grid by hand: what a gap costs, and durations that are no whole steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.machine_states.graph import gap_costs, legs, slots, slots_between, through
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


def names(states: EnergyStates, moves: Any) -> list[tuple[float, str]]:
    return [(move.at_min, states.transitions[move.transition].end) for move in moves]


def test_a_short_gap_is_waited_out_and_a_long_one_is_left() -> None:
    """Proves: 1 h: idle 2 MWh; 5 h: standby 3 + 4·1 = 7 against 10 idle; 11 h: off 11 against 13 in standby.

    Sensitivity: idle alone costs 10 and 22; without the power of the ways, off would win at 5 h.
    """
    states = mill()
    for hours, cost, ways in ((1, 2, []), (5, 7, ["standby", "idle"]), (11, 11, ["off", "idle"])):
        result = through(states, np.ones(hours), 60)
        assert result is not None
        assert result.cost == pytest.approx(cost)
        assert result.energy_mwh.sum() == pytest.approx(cost)
        assert [name for _, name in names(states, result.moves)] == ways
        assert states.best_state(hours * 60) == states.index[("idle", "standby", "off")[[1, 5, 11].index(hours)]]


def test_at_a_negative_price_the_machine_waits_ready() -> None:
    """Proves: 12 h at −10 €/MWh: up and down again whenever that draws most, here off > idle at 5 MW for two hours of
    three, 4·11 = 44 MWh against 24 idle; with those ways taken away it idles for −240 €.

    Sensitivity: least energy instead of least cost goes to off and stays: −110 €.
    """
    result = through(mill(), np.full(12, -10.0), 60)
    assert result is not None
    assert result.cost == pytest.approx(-440)
    no_ways = [way for way in MILL["transitions"] if way["end"] != "off" and way["start"] != "off"]
    calm = mill(transitions=[*no_ways[:1], {**no_ways[1], "power_mw": 2}])
    result = through(calm, np.full(12, -10.0), 60)
    assert result is not None
    assert result.cost == pytest.approx(-240)
    assert result.moves == ()


def test_the_way_up_is_taken_when_power_is_cheap() -> None:
    """Proves: from off, ready by 6 h; the two cheap hours are used for the way up and the rest is waited in standby.

    Up early: 10 MWh at 1 € + into standby for 3 h (3·10) + 3 MWh up at 10 = 70; up late: 10 MWh at 10 = 100.
    Sensitivity: as late as possible costs 100.
    """
    states = mill(initial="off")
    result = through(states, np.array([1, 1, 10, 10, 10, 10]), 60, start=states.start_index)
    assert result is not None
    assert result.cost == pytest.approx(70)
    assert names(states, result.moves) == [(0, "idle"), (120, "standby"), (300, "idle")]


def test_a_transition_of_no_whole_slots_keeps_its_energy() -> None:
    """Proves: 20 min at 6 MW on quarter-hours take 2 slots, 1.5 MWh and then 5 min at 6 with 10 min idle at 2 MW.

    Sensitivity: 6 MW in both slots gives 3 MWh, 6 MW × 20 min spread evenly loses the wait for the slot's end.
    """
    states = mill(
        transitions=[*MILL["transitions"][:1], {"start": "off", "end": "idle", "duration_min": 20, "power_mw": 6}]
    )
    up = legs(states, 15)[-1]
    assert up.energy_mwh == pytest.approx([1.5, 0.5 + 2 * 10 / 60])
    assert [slots(minutes, 15) for minutes in (0, 1, 15, 15 + 1e-9, 16, 30.0)] == [0, 1, 1, 1, 2, 2]
    assert slots_between(states, 15)[states.index["off"], states.index["idle"]] == 2


@pytest.mark.parametrize("step", [5, 15, 30, 60])
def test_the_step_changes_nothing_where_durations_are_whole(step: int) -> None:
    """Proves: the same gap of 5 h costs 7 at every step. Sensitivity: power by slot taken for energy by slot."""
    result = through(mill(), np.ones(300 // step), step)
    assert result is not None
    assert result.cost == pytest.approx(7)


@given(st.lists(st.integers(-5, 20), min_size=1, max_size=12), st.sampled_from([25.0, 60.0]))
def test_every_gap_at_once_is_each_gap_by_itself(prices: list[int], step: float) -> None:
    """Proves: the table is the single way's cost, and ways that are not ready in between make it up.

    Sensitivity: a transition without duration reckoned once per slot, or a way ready in between counted twice.
    """
    states, price = mill(), np.array(prices, dtype=float)
    table, away = (gap_costs(states, price, step, away=only) for only in (False, True))
    n = len(price)
    for remaining in range(n + 1):
        for reached in range(remaining, n + 1):
            result = through(states, price[remaining:reached], step)
            assert result is not None
            assert table[remaining, reached] == pytest.approx(result.cost)
            assert result.energy_mwh @ price[remaining:reached] == pytest.approx(result.cost)
    outcome = np.where(np.eye(n + 1, dtype=bool), 0.0, away)
    for via in range(n + 1):
        outcome = np.minimum(outcome, outcome[:, [via]] + outcome[[via], :])
    upper = np.triu_indices(n + 1)
    assert outcome[upper] == pytest.approx(table[upper])


def test_away_leaves_out_what_is_ready_in_between() -> None:
    """Proves: without other states only single slots remain, of which every gap consists.

    Sensitivity: the whole table again, with an arc for each pair of slots.
    """
    away = gap_costs(
        EnergyStates.model_validate({"states": MILL["states"], "ready": "idle"}), np.ones(5), 60, away=True
    )
    assert {(int(a), int(b)) for a, b in np.argwhere(np.isfinite(away)) if a != b} == {(t, t + 1) for t in range(5)}
