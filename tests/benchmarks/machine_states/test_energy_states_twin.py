"""A machine with energy states in the twin: the baseline rules by hand, and plans that agree with the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.machine_states.graph import Move, Work, through
from benchmarks.machine_states.order import cheapest
from benchmarks.machine_states.simulation import Run, baseline, replay
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
"""Break-even: standby 2 h, off 5.5 h after idle; off against standby 9 h."""


def mill(**changes: Any) -> EnergyStates:
    return EnergyStates.model_validate(MILL | changes)


def periods(run: Run) -> list[tuple[str, float, float]]:
    return [(piece.name, piece.start_min / 60, piece.end_min / 60) for piece in run.pieces]


def energy(run: Run) -> float:
    return run.trace.energy(0, run.pieces[-1].end_min)


def works(*hours: float) -> list[Work]:
    return [Work(hour * 60, 60, 10) for hour in hours]


def test_with_the_next_work_known_the_leanest_state_is_taken() -> None:
    """Proves: gaps of 1, 5 and 11 h are idle, standby and off, ready on the minute, 2 + 7 + 11 MWh and 40 of work.

    Sensitivity: always off costs 11 in the second gap, always idle 22 in the third.
    """
    run = baseline(mill(), works(0, 2, 8, 20), 21 * 60)
    assert periods(run) == [
        ("work", 0, 1),
        ("idle", 1, 2),
        ("work", 2, 3),
        ("standby", 3, 7),
        ("standby > idle", 7, 8),
        ("work", 8, 9),
        ("idle > off", 9, 10),
        ("off", 10, 18),
        ("off > idle", 18, 20),
        ("work", 20, 21),
    ]
    assert energy(run) == pytest.approx(60)
    assert run.late_min == pytest.approx([0, 0, 0, 0])
    assert run.violations == ()
    assert [run.at(minute) for minute in (0, 60, 600, 21 * 60)] == ["work", "idle", "off", ""]


def test_without_knowing_he_waits_until_break_even_and_then_switches_off() -> None:
    """Proves: after 5.5 h idle it goes down; work at 11 h finds it off and begins 2 h late; a gap of 3 h is waited out.

    Sensitivity: knowing the gap of 10 h it would be in time; without the wait it is late after 3 h as well.
    """
    run = baseline(mill(), works(0, 4, 15), 20 * 60, foreseen=False)
    assert periods(run) == [
        ("work", 0, 1),
        ("idle", 1, 4),
        ("work", 4, 5),
        ("idle", 5, 10.5),
        ("idle > off", 10.5, 11.5),
        ("off", 11.5, 15),
        ("off > idle", 15, 17),
        ("work", 17, 18),
        ("idle", 18, 23.5),
        ("idle > off", 23.5, 24.5),
    ]
    assert run.late_min == pytest.approx([0, 0, 120])


def test_work_that_comes_on_the_way_down_waits_for_both_ways() -> None:
    """Proves: work at 7 h, half an hour into the way down, begins at 9.5 h. Sensitivity: a transition cut short."""
    run = baseline(mill(), works(0, 7), 12 * 60, foreseen=False)
    assert run.late_min == pytest.approx([0, 150])


def test_from_off_the_machine_gets_ready_in_time_and_ends_as_wanted() -> None:
    """Proves: off until 2 h before work, off again at the end. Sensitivity: ready from the start costs 2 MW more."""
    run = baseline(mill(initial="off"), works(5), 10 * 60)
    assert periods(run) == [
        ("off", 0, 3),
        ("off > idle", 3, 5),
        ("work", 5, 6),
        ("idle > off", 6, 7),
        ("off", 7, 10),
    ]
    assert run.violations == ()


def test_work_planned_before_it_can_be_ready_is_late() -> None:
    """Proves: work at 1 h from off begins at 2 h, and the next follows it. Sensitivity: two works at once."""
    run = baseline(mill(initial="off", final="idle"), works(1, 2), 5 * 60)
    assert run.late_min == pytest.approx([60, 60])
    assert [piece for piece in periods(run) if piece[0] == "work"] == [("work", 2, 3), ("work", 3, 4)]


def test_what_a_plan_asks_for_and_the_machine_cannot_do_is_reported() -> None:
    """Proves: a way that begins in another state, work without being ready, a late step and a wrong end.

    Sensitivity: a plan that is followed by a machine which jumps between states.
    """
    states = mill()
    down, up = 0, 1

    def kinds(run: Run) -> list[str]:
        return [violation[0] for violation in run.violations]

    assert kinds(replay(states, [Move(0, up)], [], 600)) == ["state"]
    assert kinds(replay(states, [Move(0, down)], [], 600)) == ["final state"]
    run = replay(states, [Move(0, down)], works(1), 600)
    assert kinds(run) == ["state"]
    assert run.late_min == pytest.approx([120])
    assert kinds(replay(states, [Move(0, down), Move(60, up)], works(2), 600)) == ["late"]
    assert kinds(replay(states, [], works(9.5), 600)) == ["too long"]
    assert kinds(replay(states, [Move(0, down), Move(60, up)], works(3), 600)) == []


prices = st.lists(st.integers(-5, 20), min_size=16, max_size=28)
durations = st.tuples(*[st.sampled_from([0.0, 7.0, 15.0, 20.0, 37.5])] * 4)


def uneven(minutes: tuple[float, ...], ends: tuple[str, str]) -> EnergyStates:
    """The mill with other durations of its transitions."""
    ways = [
        way | {"duration_min": long, "power_mw": way.get("power_mw", 0) if long else 0}
        for way, long in zip(MILL["transitions"], minutes, strict=True)
    ]
    return mill(transitions=ways, initial=ends[0], final=ends[1])


@given(prices, durations, st.tuples(*[st.sampled_from(["off", "standby", "idle"])] * 2))
def test_the_cheapest_way_is_followed_to_the_minute(
    price: list[int], minutes: tuple[float, ...], ends: tuple[str, str]
) -> None:
    """Proves: in every slot the twin draws what the way through a gap says, transitions of no whole slots too.

    Sensitivity: a transition's energy spread evenly over its slots, or its end put at the slot's edge.
    """
    states = uneven(minutes, ends)
    result = through(states, np.array(price, dtype=float), 15, states.start_index, states.end_index)
    assert result is not None
    run = replay(states, result.moves, [], 15 * len(price))
    assert run.violations == ()
    assert run.trace.mean(np.arange(len(price) + 1) * 15.0) / 4 == pytest.approx(result.energy_mwh, abs=1e-9)


@settings(max_examples=15)
@given(prices, durations, st.sampled_from([{1: 3}, {1: 1, 2: 1}, {3: 1, 2: 2}]))
def test_model_and_twin_agree_on_cost(price: list[int], minutes: tuple[float, ...], lengths: dict[int, int]) -> None:
    """Proves: the cheapest order costs the same when it is replayed, and nothing is late.

    Sensitivity: a move out of order, or work that begins before the machine is ready.
    """
    states, per_mwh = uneven(minutes, ("off", "off")), np.array(price, dtype=float)
    order = cheapest(states, lengths, 10.0, per_mwh, 15.0, time_limit=20)
    assert order.status == "optimal"
    rows = [Work(slot * 15, length * 15, 10) for slot, length in order.starts]
    run = replay(states, order.moves, rows, 15 * len(price))
    assert run.violations == ()
    assert run.trace.mean(np.arange(len(price) + 1) * 15.0) @ per_mwh / 4 == pytest.approx(order.cost)


@given(st.lists(st.floats(0.1, 20), min_size=1, max_size=5))
def test_knowing_more_never_takes_more_energy_than_idling(gaps: list[float]) -> None:
    """Proves: with gaps known, energy is at most that of idling, gap by gap. Sensitivity: off below its break-even."""
    starts = np.concatenate([[0.0], np.cumsum(np.array(gaps) + 1)])
    run = baseline(mill(), works(*starts), (starts[-1] + 1) * 60)
    assert run.late_min == pytest.approx(np.zeros(len(starts)), abs=1e-6)
    assert energy(run) <= 10 * len(starts) + 2 * sum(gaps) + 1e-6
