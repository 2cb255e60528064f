"""Processes and flexible loads, rolled: what stands in the middle of a day is carried over into the next plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from emberline import models, twin
from emberline.scenarios import Case, load
from emberline.studies.rolling.horizon import How
from emberline.studies.rolling.roll import roll
from emberline.twin.state import later

HOUR = 60.0


def two_days_of_cement() -> Case:
    """Monday and Tuesday of the bundled week: before its ships come."""
    week = load("cement-week", ["horizon.step_min=60", "goal.effort=2"])
    return later(week, twin.dispatch(week), 0.0, 48 * HOUR)


def grinding() -> Case:
    """Mills alone."""
    return load(Path(__file__).parent / "grinding-plant.yaml", ["goal.effort=1"])


@pytest.mark.parametrize("replication", [None, 1], ids=["undisturbed", "disturbed"])
@pytest.mark.parametrize("case", [two_days_of_cement, grinding])
def test_processes_are_rolled(case: Callable[[], Case], replication: int | None) -> None:
    """Proves: planned from how units, stores and orders stand, two days miss no more deliveries than the baseline with
    the same disturbances, and undisturbed no limit at all; a ship gets what it ordered, no more. Sensitivity: a unit
    whose run, start-up or repair is not carried over, or an order that begins again, breaks a limit."""
    scenario = case()
    # a weekday takes more clinker than the kiln gives: both days have to be looked at
    every, ahead = (12 * HOUR, 24 * HOUR) if case is grinding else (24 * HOUR, 48 * HOUR)
    result = roll(scenario, How(every_min=every, look_ahead_min=ahead), replication=replication)
    assert result.steps[0].adopted
    disturbed = replication is not None
    baseline = twin.simulate(scenario, replication=replication or 0, disturbed=disturbed)
    missed = [row for row in result.violations if row["kind"] == "delivery"]
    assert len(missed) <= int((baseline["violation_kind"] == "delivery").sum())
    if not disturbed:
        assert not result.violations
    for order in scenario.deliveries:
        if order.amount_t is not None:
            loaded = result.run["delivered_t"].sel(delivery=order.name).sum()
            assert float(loaded) == pytest.approx(order.amount_t)


def file(folder: Path) -> Path:
    """A site with pumps alone, for two days."""
    path = folder / "pumps.yaml"
    path.write_text(
        """
name: pumps
horizon: {start: 2026-03-10, zone: Europe/Berlin, days: 2, step_min: 60}
site:
  assets: [{kind: flexible_load, name: pumps, rate_limit: 3 MW, per_day: 20 MWh}]
market:
  price_per_mwh: {table: de_typical_2018, column: price_eur_per_mwh}
  carbon_intensity_kg_per_mwh: {table: de_typical_2018, column: carbon_intensity_average_kg_per_mwh}
goal: {minimize: carbon, effort: 2}
""",
        encoding="utf-8",
    )
    return path


def test_a_flexible_load_takes_what_is_left_of_its_day(tmp_path: Path) -> None:
    """Proves: in the middle of a day a flexible load has still to take its amount less what it took, of days to come
    all of it; the parts together take each day's amount. Sensitivity: a share of the day by time takes too much where
    it ran at night."""
    scenario = load(file(tmp_path))
    schedule = models.optimize(scenario, twin.envelope(scenario), twin.dispatch(scenario))
    run = twin.replay(scenario, schedule)
    used = -run["asset_rate"].sel(flow="pumps.main").to_numpy()
    for hour in (7, 24, 31):
        part = later(scenario, run, hour * HOUR, scenario.horizon.length_min)
        days = part.site.flexible["pumps"].days(part.horizon)
        first = 24 * ((hour // 24) + 1)
        assert days[0][1] == pytest.approx(20 - float(used[first - 24 : hour].sum()), abs=1e-6)
        assert all(amount == pytest.approx(20) for _, amount in days[1:])
        again = models.optimize(part, twin.envelope(part), twin.dispatch(part))
        total = -again["asset_rate"].sel(flow="pumps.main").to_numpy()
        assert np.isclose(total[: first - hour].sum(), days[0][1], atol=1e-6)
