"""Locks on runs of processes in the model, against every course of small plants enumerated."""

from __future__ import annotations

import random
from datetime import timedelta

import enumerated
import numpy as np
import pytest

from emberline.scenarios import Case
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.process.record import Process
from emberline.scenarios.records.orders import RunLock

SEEDS = range(0, 100, 8)


def lockable(seed: int) -> tuple[Case, Process, int, int, int] | None:
    """A random plant, a process of one unit, and a run that it may make: mode, first step, step after its last."""
    scenario, draw = enumerated.works(**enumerated.random_works(seed)), random.Random(seed)
    for process in scenario.processes:
        if process.count > 1 or (process.must_run and len(process.all_modes) == 1):
            continue
        runs = [
            (int(trajectory.runs[first]), first, last)
            for trajectory in enumerated.courses(scenario, process, 0)
            for first in range(1, len(trajectory.runs))
            for last in range(first + 1, len(trajectory.runs) + 1)
            if trajectory.runs[first] >= 0 and trajectory.runs[first] != trajectory.runs[first - 1]
            and (trajectory.runs[first:last] == trajectory.runs[first]).all()
        ]  # fmt: skip
        if runs:
            return (scenario, process, *draw.choice(runs))
    return None


@pytest.mark.parametrize("seed", SEEDS)
def test_a_locked_run_is_where_it_is_locked(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: with a run locked the model's plan costs what the cheapest course with that run costs, or there is none.

    Sensitivity: a lock whose run may have begun before, or that ends early, is cheaper on some seeds."""
    picked = lockable(seed)
    if picked is None:
        return
    scenario, process, mode, first, last = picked
    step = scenario.horizon.step_min
    name = process.all_modes[mode].name if process.modes else None
    lock = RunLock(
        process=process.name, mode=name, start=timedelta(minutes=first * step), end=timedelta(minutes=last * step)
    )
    locked = scenario.model_copy(update={"run_locks": (lock,)})
    assert not list(between_nouns(locked))
    every = enumerated.courses

    def with_the_run(one: Case, of: Process, unit: int) -> list[enumerated.Trajectory]:
        return [
            trajectory
            for trajectory in every(one, of, unit)
            if of.name != process.name
            or ((trajectory.runs[first:last] == mode).all() and trajectory.runs[first - 1] != mode)
        ]

    monkeypatch.setattr(enumerated, "courses", with_the_run)
    expected, result = enumerated.cheapest(locked), enumerated.optimum(locked)
    if expected is None:
        assert result.attrs["status"] == "infeasible"
        return
    assert result.attrs["objective"] + result.attrs["constant"] == pytest.approx(expected, abs=1e-5, rel=1e-7)
    modes = result["process_mode"].sel(process=process.units[0]).values
    assert (modes[first:last] == process.all_modes[mode].name).all()


def test_most_of_the_plants_have_a_run_to_lock() -> None:
    """Proves: what is above is tried on at least six plants, in the first mode and in others."""
    plants = [picked for seed in SEEDS if (picked := lockable(seed)) is not None]
    assert len(plants) >= 6
    assert len({int(np.sign(mode)) for _, _, mode, _, _ in plants}) == 2
