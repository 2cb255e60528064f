"""Power is integrated exactly: closed forms, grids that agree, standstills without power."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberline.scenarios.line.tables import Profile
from emberline.twin.power import Trace, operations_trace

pieces = st.lists(
    st.tuples(st.floats(-200, 1400), st.floats(0.01, 300), st.floats(0, 100)),
    min_size=1,
    max_size=30,
)


@given(pieces, st.sampled_from([5, 15, 60]))
def test_mean_power_is_the_closed_form(rows: list[tuple[float, float, float]], width: int) -> None:
    """Proves: the mean over each interval is the sum of power × overlap. Sensitivity: sampling misses short pieces."""
    start, long, power = (np.array(column) for column in zip(*rows, strict=True))
    edges = np.arange(0, 1441, width, dtype=float)
    overlap = np.minimum(start + long, edges[1:, None]) - np.maximum(start, edges[:-1, None])
    target = (np.maximum(overlap, 0) * power).sum(axis=1) / width
    assert Trace(start, start + long, power).mean(edges) == pytest.approx(target, abs=1e-9)


@given(pieces)
def test_grids_agree_on_energy(rows: list[tuple[float, float, float]]) -> None:
    """Proves: 5, 15 and 60 min give one energy. Sensitivity: any rounding of events to the grid breaks it."""
    start, long, power = (np.array(column) for column in zip(*rows, strict=True))
    trace = Trace(start, start + long, power)
    energies = [trace.mean(np.arange(0, 1441, width, dtype=float)).sum() * width / 60 for width in (5, 15, 60)]
    assert energies == pytest.approx([trace.energy(0, 1440)] * 3, abs=1e-8)


def test_a_standstill_draws_nothing_and_moves_the_rest_on() -> None:
    """Proves: 60 min of work (20 min at 6, 40 min at 3 MW) with 30 min down after 30 min end at 90, energy kept.

    Sensitivity: power during the repair, or phases that do not move on, change the means.
    """
    profile = Profile(np.array([1 / 3, 1.0]), np.array([1.5, 0.75]))
    trace = operations_trace(
        np.array([0]),
        np.array([0.0]),
        np.array([90.0]),
        np.array([4.0]),
        np.array([1.0]),
        [profile],
        {0: [(30.0, 30.0)]},
    )
    # 1 MWh of reheating over 60 min of work adds 1 MW
    assert trace.mean(np.arange(0, 91, 10.0)) == pytest.approx([7, 7, 4, 0, 0, 0, 4, 4, 4])


def test_energy_follows_phases() -> None:
    """Proves: two overlapping operations add up phase by phase. Sensitivity: a mean per operation gives 30 MW flat."""
    profile = Profile(np.array([0.2, 0.8, 1.0]), np.array([0.625, 1.25, 0.625]))
    trace = operations_trace(
        np.array([0, 0]),
        np.array([0.0, 50.0]),
        np.array([50.0, 100.0]),
        np.array([25.0, 25.0]),
        np.zeros(2),
        [profile],
        {},
    )
    assert trace.mean(np.array([0.0, 10, 40, 50, 60, 90, 100])) == pytest.approx([18.75, 37.5, 18.75] * 2)
    assert trace.energy(0, 100) == pytest.approx(50.0)


def test_energy_of_a_part_is_that_of_its_length() -> None:
    """Proves: 12 MW from 0 to 90 min are 6 MWh from 45 to 75 min and 3 after 75. Sensitivity: a part counted from the
    start of the horizon."""
    trace = Trace(np.array([0.0]), np.array([90.0]), np.array([12.0]))
    assert trace.energy(45.0, 75.0) == pytest.approx(6.0)
    assert trace.energy(75.0, 120.0) == pytest.approx(3.0)
