"""The goal's time limit where a scenario names none."""

from __future__ import annotations

from typing import Any

import pytest

from emberline.scenarios import Scenario
from emberline.scenarios.records.goal import effort_of


def scenario(heats: int, step_min: int, **goal: Any) -> Scenario:
    start = "2026-03-10T00:00+00:00"
    line = {
        "stages": [{"name": "melting", "units": [{"name": "F1", "power_mw": 10}]}],
        "grades": [{"name": "A", "mass_t": 50, "duration_min": {"F1": 60}}],
    }
    return Scenario.model_validate(
        {
            "name": "limits",
            "horizon": {"start": start, "length_h": 72, "step_min": step_min},
            "line": line,
            "orders": [{"name": "O1", "heats": [{"grade": "A", "count": heats}]}],
            "market": {"price_per_mwh": 50, "carbon_intensity_kg_per_mwh": 100},
            **({"goal": goal} if goal else {}),
        }
    )


@pytest.mark.parametrize(
    ("heats", "step_min", "goal", "effort", "limit"),
    [
        (9, 60, {}, 60, 300),
        (40, 60, {"gap": 0.01}, 60, 300),
        (40, 5, {}, 200, 1000),
        (40, 5, {"gap": 0.01}, 200, 1000),
        (40, 5, {"time_limit_s": 60}, 60, 60),
        (40, 5, {"effort": 20}, 20, 120),
        (40, 5, {"effort": 20, "time_limit_s": 300}, 20, 300),
        (400, 1, {}, 600, 3000),
    ],
)
def test_the_effort_follows_from_heats_and_steps(
    heats: int, step_min: int, goal: dict[str, Any], effort: float, limit: float
) -> None:
    """Proves: many heats on fine steps are searched with more effort, one that is named stays, as does a limit in
    seconds, and both are in the record, so that everything that shows them shows those that are used. Sensitivity: a
    scenario without any goal."""
    shop = scenario(heats, step_min, **goal)
    assert (shop.goal.budget, shop.goal.time_limit_s) == (effort, limit)
    for text in (shop.model_dump_json(), shop.model_dump_json(exclude_defaults=True)):
        # a stored record is read again with the effort that it was planned with, whatever the rule is by then
        again = Scenario.model_validate_json(text)
        assert (again.goal.budget, again.goal.time_limit_s) == (effort, limit)
        assert "time_limit_s" in again.goal.model_fields_set


def test_a_part_of_a_long_horizon_has_the_effort_of_a_part() -> None:
    """Proves: a window of a month is not searched as long as the month. Sensitivity: an effort that is named stays."""
    for goal, effort in (({}, 60), ({"effort": 300}, 300)):
        month = scenario(400, 1, **goal)
        window = month.horizon.model_copy(update={"length_h": 1, "step_min": 30.0})
        part = month.model_copy(update={"horizon": window})
        assert part.with_time_limit().goal.budget == effort


def test_the_limit_grows_with_the_root_of_the_places() -> None:
    """Proves: no limit falls below a minute or above ten, none is finer than ten seconds, and none falls."""
    limits = [effort_of(places) for places in range(0, 1_000_000, 5_000)]
    assert limits == sorted(limits)
    assert (limits[0], limits[-1]) == (60, 600)
    assert all(limit % 10 == 0 for limit in limits)
