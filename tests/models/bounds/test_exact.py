"""What is known of starts at any times, between slots too."""

from __future__ import annotations

import numpy as np
import pytest

from emberline.models.bounds.exact_times import least_peak
from emberline.scenarios.line.rounding import dividing


def test_least_peak_by_hand() -> None:
    """Proves: 20 min at 60 MW split evenly over two intervals of 15 min draw 40 MW in each; 31 min fill one.

    Sensitivity: the peak of a start on an interval's edge is 60 MW.
    """
    assert least_peak(np.array([20.0]), np.array([60.0]), 15.0) == pytest.approx(40.0)
    assert least_peak(np.array([31.0]), np.array([60.0]), 15.0) == pytest.approx(60.0)


def test_least_peak_of_phases_is_that_of_all_starts_tried() -> None:
    """Proves: no start to the hundredth of a minute has a lower highest mean, and some comes near.

    Sensitivity: without the starts at which two intervals draw the same it is too high.
    """
    rng = np.random.default_rng(7)
    for _ in range(20):
        ends, power = np.cumsum(rng.integers(3, 25, size=3)).astype(float), rng.uniform(0, 90, size=3)
        at, result = np.r_[0.0, ends], np.r_[0.0, np.cumsum(np.diff(np.r_[0.0, ends]) * power)]
        edges = np.arange(8) * 15.0
        rows = [
            float((np.diff(np.interp(edges - begin, at, result)) / 15).max())
            for begin in np.arange(0, 15, 0.01).tolist()
        ]
        outcome = least_peak(ends, power, 15.0)
        assert outcome <= min(rows) + 1e-9
        assert outcome == pytest.approx(min(rows), abs=0.2)


def test_what_divides_all_times() -> None:
    """Proves: the longest whole minutes are found; times that are no whole minutes have none."""
    assert dividing(15, [100, 35, 8]) == 1
    assert dividing(15, [100, 35]) == 5
    assert dividing(15, [45, 60, float("nan")]) == 15
    assert dividing(15, [7.5]) is None
