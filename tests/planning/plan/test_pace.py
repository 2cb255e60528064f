"""What cannot be written within its time limit is refused beforehand; what works is not."""

from __future__ import annotations

import pytest

from emberline import models, twin
from emberline.planning import make_plan
from emberline.planning.plan import pace
from emberline.scenarios import ScenarioError, bundled, load, loads

CHANGEOVERS = """
name: forge
horizon: {start: 2026-03-10, zone: UTC, days: 1, step_min: 15}
line:
  stages: [{name: forging, units: [{name: F, power_mw: 2}]}]
  grades: [{name: a, mass_t: 5, duration_min: {F: 37}}, {name: b, mass_t: 5, duration_min: {F: 20}}]
  changeovers: [{unit: F, before: a, after: b, setup_min: 11}]
orders: [{name: one, heats: [{grade: a}]}, {name: two, heats: [{grade: b}]}]
market: {price_per_mwh: 50, carbon_intensity_kg_per_mwh: 100}
"""
YEAR = ("horizon.days=366", "goal.time_limit_s=2")


def test_a_year_of_heats_in_two_seconds_is_refused_with_the_figures() -> None:
    """Proves: one line with steps, heats, time needed and limit, by arithmetic alone. Sensitivity: minutes of writing
    before the search looks at its clock."""
    with pytest.raises(ScenarioError) as refused:
        pace.refuse(load("melt-shop-day", YEAR))
    (line,) = str(refused.value).splitlines()
    assert "melt-shop-day: goal.time_limit_s: 35,136 steps × 24 heats, modes and stores take about" in line
    assert "the limit is 2 s" in line


def test_a_week_by_the_minute_in_two_seconds_is_refused() -> None:
    """Proves: the same of processes, whose baseline alone takes longer than the limit."""
    with pytest.raises(ScenarioError, match="10,080 steps × 13 heats, modes and stores"):
        pace.refuse(load("cement-week", ("horizon.step_min=1", "goal.time_limit_s=2")))
    pace.refuse(load("cement-week", ("horizon.step_min=1", "goal.time_limit_s=60")))


@pytest.mark.parametrize("name", bundled())
def test_no_bundled_scenario_is_refused_in_a_second(name: str) -> None:
    """Proves: all of them are written within seconds, and may be asked for with the shortest of limits."""
    pace.refuse(load(name, ("goal.time_limit_s=1",)))


@pytest.mark.parametrize(
    ("case", "text"),
    [
        (
            ("melt-shop-small", "goal.minimize=lateness"),
            "goal.minimize: no plan is made for lateness; take",
        ),
        (("melt-shop-small", "goal.minimize=makespan"), "goal.minimize: no plan is made for makespan"),
        ((CHANGEOVERS,), "line.changeovers: no plan is made for a line with changeovers"),
    ],
)
def test_what_is_planned_to_the_minute_only_is_refused(case: tuple[str, ...], text: str) -> None:
    """Proves: one line with the key, before anything is searched, by whoever asks for a schedule; the twin simulates
    the same scenario. Sensitivity: changeovers that are planned as if there were none."""
    name, *changes = case
    built = load(name, changes) if changes else loads(name)
    for request in (pace.refuse, make_plan, lambda built: models.optimize(built, twin.envelope(built))):
        with pytest.raises(ScenarioError, match=text) as refused:
            request(built)
        assert len(str(refused.value).splitlines()) == 1
    assert twin.simulate(built).sizes["operation"] >= len(built.heats)


def test_the_baseline_looks_at_the_clock_between_sequences() -> None:
    """Proves: where an order finds no place, no more sequences are tried than there is time for, and the list is the
    same as ever where the time suffices. Sensitivity: forty sequences whatever they take."""
    tight = load("melt-shop-small", ("orders.C1.due=4 h",))
    rows: list[int] = []

    def over(after: int) -> bool:
        rows.append(after)
        return len(rows) >= after

    listed = twin.dispatch(tight, over=lambda: over(3))
    assert (len(rows), listed.attrs["complete"]) == (3, 0)
    rows.clear()
    assert twin.dispatch(tight, over=lambda: over(10**6)).identical(twin.dispatch(tight))
    assert len(rows) > 3
