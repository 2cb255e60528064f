"""What the charts show of a long horizon: merged steps, weeks, and nothing of it lost."""

from __future__ import annotations

import numpy as np
import pytest

from emberline.reports.charts.view import MAX_POINTS, View, weeks
from emberline.scenarios.records.horizon import Horizon

YEAR = Horizon.model_validate({"start": "2026-01-01", "zone": "Europe/Berlin", "days": 365, "step_min": 60})


def test_a_week_of_quarter_hours_is_shown_as_it_is() -> None:
    """Proves: what can be seen is not merged. Sensitivity: a month of them is, to whole hours or more."""
    week = Horizon.model_validate({"start": "2026-03-09", "zone": "Europe/Berlin", "days": 7})
    month = Horizon.model_validate({"start": "2026-03-01", "zone": "Europe/Berlin", "days": 31})
    assert (View.of(week).merged, View.of(week).says) == (1, "")
    assert View.of(month).merged * 15 == 120
    assert "mean over 2 h" in View.of(month).says


@pytest.mark.parametrize("days", [1, 9, 31, 100, 365])
@pytest.mark.parametrize("step_min", [1, 15, 60])
def test_never_more_points_than_can_be_seen_and_no_energy_lost(days: int, step_min: int) -> None:
    """Proves: means over the intervals, weighted by their lengths, give the energy; their number is bounded."""
    horizon = Horizon.model_validate(
        {"start": "2026-03-20", "zone": "Europe/Berlin", "days": days, "step_min": max(step_min, 15 * (days > 31))}
    )
    view, power = View.of(horizon), np.random.default_rng(1).random(horizon.n_steps)
    assert len(view.starts) <= MAX_POINTS
    assert view.mean(power) @ np.diff(view.edges_min) == pytest.approx(power.sum() * horizon.step_min, rel=1e-12)
    assert view.highest(power).max() == power.max()
    level = view.at_edges(-1.0, power)
    assert (level[0], level[-1], len(level)) == (-1.0, power[-1], len(view.edges_min))


def test_weeks_cover_the_year_once() -> None:
    """Proves: each hour lies in one week, also where the clocks change, and weeks begin at local midnight."""
    views = list(weeks(YEAR).values())
    assert views[0].whole
    assert views[0].merged == 24
    assert [view.first for view in views[2:]] == [view.end for view in views[1:-1]]
    assert (views[1].first, views[-1].end) == (0, YEAR.n_steps)
    assert all(YEAR.instant(view.span_min[0]).hour == 0 for view in views[1:])
    assert {view.merged for view in views[1:]} == {1}
    assert {view.end - view.first for view in views[1:-1]} == {167, 168, 169}


def test_weeks_where_the_horizon_begins_at_noon() -> None:
    """Proves: the first week is cut at the horizon's start, the last at its end."""
    horizon = Horizon.model_validate(
        {"start": "2026-03-01T12:00+01:00", "zone": "Europe/Berlin", "length_h": 1000, "step_min": 60}
    )
    views = list(weeks(horizon).values())[1:]
    assert (views[0].first, views[0].end, views[-1].end) == (0, 156, 1000)
