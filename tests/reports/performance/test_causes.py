"""The twin splits a planted deviation by cause."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emberline import twin
from emberline.reports.performance.losses import CAUSES, TwinUse, split
from emberline.scenarios import Scenario, resolve
from emberline.scenarios.checking.mistakes import between_nouns

STATES = {
    "states": [{"name": "off", "power_mw": 0}, {"name": "idle", "power_mw": 3}],
    "transitions": [
        {"start": "idle", "end": "off", "duration_min": 240, "power_mw": 3},
        {"start": "off", "end": "idle", "duration_min": 240, "power_mw": 3},
    ],
    "ready": "idle",
}


def day(light: int, heavy: int, pause_h: float = 0.0) -> TwinUse:
    """A day of a furnace that idles at 3 MW: light heats of 30 min, heavy ones of 60 min, half after a pause."""
    unit: dict[str, Any] = {"name": "M", "power_mw": 12.0, "states": STATES}
    orders = [
        {"name": "A", "heats": [{"grade": "light", "count": light - light // 2}]},
        {"name": "B", "heats": [{"grade": "heavy", "count": heavy}], "release": f"{12 + pause_h} h"},
        {"name": "C", "heats": [{"grade": "light", "count": light // 2}], "release": f"{12 + pause_h} h"},
    ]
    shop = resolve(
        Scenario.model_validate(
            {
                "name": "shop",
                "horizon": {"start": "2026-03-10T00:00+00:00", "length_h": 24.0, "step_min": 15.0},
                "line": {
                    "stages": [{"name": "work", "units": [unit]}],
                    "grades": [
                        {"name": "light", "mass_t": 10.0, "duration_min": {"work": 30}},
                        {"name": "heavy", "mass_t": 10.0, "duration_min": {"work": 60}},
                    ],
                },
                "orders": orders,
                "market": {"price_per_mwh": 50.0, "carbon_intensity_kg_per_mwh": 400.0},
            }
        )
    )

    assert not list(between_nouns(shop))
    run = twin.simulate(shop)
    waiting, idling = float(run["op_extra_mwh"].sum()), float(run["idle_mw"].sum()) * shop.horizon.step_h
    return TwinUse(shop.tonnes, float(run["op_energy_mwh"].sum()) - waiting, idling, waiting)


def test_a_planted_mixture_is_split_within_five_points() -> None:
    """Proves: mix 60 %, idling 25 % and drift 15 % of a deviation, metered with noise, come back within 5 points.

    Sensitivity: a baseline by tonnes alone calls all of it drift; idle energy counted per tonne."""
    reference, heavier, restless = day(8, 2, pause_h=2.0), day(7, 3, pause_h=2.0), day(8, 2)
    use = [*[heavier] * 15, *[restless] * 10, *[reference] * 3]
    mix = sum(part.works_mwh - reference.works_mwh for part in use)
    idling = sum(part.idling_mwh - reference.idling_mwh for part in use)
    drift = (mix + idling) * 15 / 85
    assert mix / (mix + idling + drift) == pytest.approx(0.60, abs=0.01)
    rng, total = np.random.default_rng(2), sum(part.total_mwh for part in use)
    use = [use[place] for place in rng.permutation(len(use))]
    actual = [part.total_mwh * (1 + drift / total + rng.normal(0, 0.005)) for part in use]
    result = split(actual, use, [reference] * 14)
    assert sum(result.by_cause.values()) == pytest.approx(result.deviation_mwh)
    for cause, share in (("mix", 0.6), ("idling", 0.25), ("waiting", 0.0), ("drift", 0.15), ("fault", 0.0)):
        assert result.by_cause[cause] / result.deviation_mwh == pytest.approx(share, abs=0.05), cause
    assert tuple(result.by_cause) == CAUSES


def test_the_twin_knows_what_mix_and_pauses_cost() -> None:
    """Proves: one heavy heat for a light one is 6 MWh of mix, a longer pause is idling and no drift, by hand.

    Sensitivity: energy that the twin does not tell apart."""
    reference, heavier, pausing = day(8, 2), day(7, 3), day(8, 2, pause_h=2.0)
    assert heavier.works_mwh - reference.works_mwh == pytest.approx(6.0)
    assert pausing.works_mwh == pytest.approx(reference.works_mwh)
    result = split([pausing.total_mwh] * 7, [pausing] * 7, [reference])
    assert result.by_cause["drift"] == pytest.approx(0, abs=1e-9)
    assert result.by_cause["idling"] == pytest.approx(7 * (pausing.idling_mwh - reference.idling_mwh))


def test_a_fault_is_a_single_day_and_drift_is_not() -> None:
    """Proves: a day of 12 MWh too much is a fault, 2 % on all days is drift. Sensitivity: a mean for a median."""
    part = TwinUse(100, 100, 10, 0)
    rng = np.random.default_rng(1)
    actual = [112.2 + rng.normal(0, 0.1) + 12 * (i == 9) for i in range(20)]
    result = split(actual, [part] * 20, [part])
    assert result.by_cause["fault"] == pytest.approx(12, abs=0.5)
    assert result.by_cause["drift"] == pytest.approx(20 * 2.2, rel=0.03)
    with pytest.raises(ValueError, match="2 periods of energy, 1 of the twin"):
        split([1, 2], [part], [part])
