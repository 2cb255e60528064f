"""Locks on runs of processes in the twin: what a schedule misses of them."""

from __future__ import annotations

from typing import Any

import pytest
from plants import schedule, violations, works

from emberline.twin import dispatch, replay

BIG = {"name": "S", "capacity_t": 5000, "level_t": 0, "end_level_t": 0}
MILL = {"name": "mill", "count": 2, "rate": 30, "outputs": [{"store": "S"}]}


def missed(locks: list[dict[str, Any]], *hours: tuple[int, int]) -> list[Any]:
    """What is missed of locks by two mills that run from hour to hour."""
    scenario = works([MILL], [BIG], horizon={"length_h": 12.0}, run_locks=locks)
    runs = {
        f"mill {i + 1}": [("mill", 30.0) if first <= k < last else ("", 0.0) for k in range(12)]
        for i, (first, last) in enumerate(hours)
    }
    return violations(replay(scenario, schedule(scenario, runs)), "lock")


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ([(3, 6)], []),
        ([(3, 8)], []),
        ([(2, 6)], [("mill", 180.0, 60.0)]),
        ([(3, 5)], [("mill", 300.0, 60.0)]),
        ([(4, 6)], [("mill", 180.0, 60.0), ("mill", 180.0, 60.0)]),
        ([(0, 1)], [("mill", 180.0, 180.0), ("mill", 180.0, 180.0)]),
        ([(1, 5), (3, 6)], []),
    ],
)
def test_a_run_is_where_it_is_locked(hours: list[tuple[int, int]], expected: list[Any]) -> None:
    """Proves: of a run from 3 to 6 h that is locked, one that begins an hour early or late misses an hour, one that
    ends early the hour that lacks; a longer one, and another unit next to it, miss nothing."""
    assert missed([{"process": "mill", "start": "3 h", "end": "6 h"}], *hours) == expected


def test_two_locks_need_two_units() -> None:
    """Proves: units are alike, so two locks at once need two runs that begin and two units that run."""
    twice = [{"process": "mill", "start": "3 h", "end": "6 h"}] * 2
    assert missed(twice, (3, 6), (3, 7)) == []
    assert missed(twice, (3, 6), (2, 7)) == [("mill", 180.0, 60.0)]


def test_the_baseline_knows_no_lock_on_a_run() -> None:
    """Proves: what the shift would do without the plan misses nothing of a lock; the same runs as a plan do."""
    lock = [{"process": "mill", "start": "3 h", "end": "6 h"}]
    scenario = works([MILL], [BIG], horizon={"length_h": 12.0}, run_locks=lock)
    assert violations(replay(scenario, dispatch(scenario)), "lock") == []
    assert violations(replay(scenario, schedule(scenario, {})), "lock") != []
