"""The hours of a search for processes: groups of steps from the horizon's start, whatever the clock shows then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cement_works import CEMENT_MILLS, DELIVERIES, KILN, PARTS, RAW_MILLS, SITE, STORES, solve
from enumerated import assert_followed, envelope, works

from emberline.models.heuristics.processes.integer_slots import coarser
from emberline.scenarios import Case

TARIFF: dict[str, Any] = {
    "name": "by half hours",
    "energy": [{"name": "use", "rates": [{"per_mwh": 30.0}, {"per_mwh": 60.0, "hours": "6:30-11:30"}]}],
    "demand": [{"name": "peak", "rates": [{"per_mw": 100.0, "hours": "6:30-11:30"}]}],
}


def works_at(start: str, zone: str, step_min: float = 30.0, hours: float = 12.0, meter: int = 15) -> Case:
    n = round(hours * 60 / step_min)
    return works(
        [KILN, RAW_MILLS, CEMENT_MILLS], STORES, price=np.linspace(20, 90, n).tolist(), step_min=step_min,
        horizon={"start": start, "zone": zone, "length_h": hours, "step_min": step_min},
        site=SITE | {"grid": {"metered_interval_min": meter, "import_limit_mw": 14.0}}, deliveries=DELIVERIES[:1],
        market={"tariff": TARIFF}, goal={"gap": 0.05, "effort": 20.0},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("start", "zone"),
    [
        ("2026-01-05T00:00+05:30", "Asia/Kolkata"),
        ("2026-01-05T00:00+05:45", "Asia/Kathmandu"),
        ("2026-01-05T00:30+01:00", "Europe/Berlin"),
        ("2026-01-05T00:15+01:00", "Europe/Berlin"),
    ],
)
def test_hours_are_groups_of_steps_from_the_start(start: str, zone: str) -> None:
    """Proves: half hours from midnight in India, or from a quarter past, come in pairs: what they ask of the stores,
    their prices and the tariff's windows, which begin at half past, are the steps' own.

    Sensitivity: no hours at all where UTC shows no full hour; a window that cuts an hour is refused."""
    scenario = works_at(start, zone)
    result = coarser(scenario, envelope(scenario))
    assert result is not None
    plant, data = result
    assert (plant.n, plant.hours) == (12, 1.0)
    case = scenario.inputs["demand_tph"].values[0].reshape(-1, 2).mean(axis=1)
    assert plant.demand["CEM I"] == pytest.approx(case)
    assert data.price == pytest.approx(scenario.inputs["price_per_mwh"].values.reshape(-1, 2).mean(axis=1))
    rates = scenario.rates
    assert rates is not None
    assert data.guide_price - data.price == pytest.approx(rates.energy[0].per_mwh[0].reshape(-1, 4).mean(axis=1))


@pytest.mark.parametrize(
    ("step_min", "hours", "meter", "slot_h"),
    [(15, 10.5, 15, 0.5), (15, 10.25, 15, None), (30, 10.5, 30, None), (20, 10, 15, 1.0), (10, 10.5, 30, 0.5)],
)
def test_a_horizon_that_is_no_whole_number_of_hours(
    step_min: float, hours: float, meter: int, slot_h: float | None
) -> None:
    """Proves: the longest slot up to an hour that divides the horizon and holds whole metered intervals is taken."""
    scenario = works_at("2026-01-05T00:00+05:30", "Asia/Kolkata", step_min, hours, meter)
    result = coarser(scenario, envelope(scenario))
    assert (None if result is None else result[0].hours) == slot_h


def test_half_an_hour_later_the_search_goes_by_hours_too() -> None:
    """Proves: begun at half past, a plan goes from hours to steps in a corridor. Sensitivity: without hours there is no
    corridor."""
    scenario = works_at("2026-01-05T00:30+01:00", "Europe/Berlin")
    result = solve(scenario, PARTS)
    assert result.attrs["found"]
    assert {"seconds hours", "seconds corridor"} <= set(result.attrs)
    assert_followed(scenario, result)
