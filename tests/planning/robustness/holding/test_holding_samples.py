"""Samples made of real errors of forecasts, and the comparison on days that no plan has seen."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from rolled import works

from emberline import twin
from emberline.models.strategies.sample_average import optimize_samples
from emberline.planning.robustness.holding.errors import AHEAD, samples
from emberline.planning.robustness.holding.sampled import compare
from emberline.scenarios import Case
from emberline.scenarios.loading.issued_forecasts import forecast_at
from emberline.scenarios.reading.series import resolve
from emberline.scenarios.records.base import ScenarioError


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Case:
    changes = ("market.imbalance={short_spread_per_mwh: 10, long_spread_per_mwh: 10}",)
    return works(tmp_path_factory.mktemp("works"), hours=24, goal="cost", changes=changes)


def test_a_sample_is_the_forecast_and_the_error_of_another_day(hub: Case) -> None:
    """Proves: each sample adds to the forecast of half a day before what was wrong with the forecast of some earlier
    day at the same lead, of price and intensity together; no day serves twice. Sensitivity: errors drawn hour by hour.
    """
    result = samples(hub, 3, 50)
    assert result.names == ("price_per_mwh", "carbon_intensity_kg_per_mwh")
    errors = {}
    for back in range(1, 10):
        earlier = hub.horizon.model_copy(update={"start": hub.horizon.start_utc - timedelta(days=back)})
        for name, _, series, unit in hub.series():
            if name not in result.names:
                continue
            folder = hub._folder
            text = forecast_at(series, earlier, unit, folder, earlier.start_utc - AHEAD).values
            errors[back, name] = resolve(series, earlier, unit, folder).values - text
    used = []
    for item in (*result.planned, *result.fresh):
        matching = [
            back
            for back in range(1, 10)
            if np.allclose(
                item.inputs["price_per_mwh"] - result.foretold.inputs["price_per_mwh"], errors[back, "price_per_mwh"]
            )
            and np.allclose(
                item.inputs["carbon_intensity_kg_per_mwh"],
                np.maximum(
                    result.foretold.inputs["carbon_intensity_kg_per_mwh"] + errors[back, "carbon_intensity_kg_per_mwh"],
                    0.0,
                ),
            )
        ]
        assert len(matching) == 1
        used += matching
    assert len(set(used)) == len(used) >= 5
    again = samples(hub, 3, 50)
    assert all(one.inputs.identical(two.inputs) for one, two in zip(result.planned, again.planned, strict=True))


def test_on_fresh_days_nobody_beats_who_knows_them(hub: Case) -> None:
    """Proves: both plans are judged on days that neither has seen, knowing the day is never dearer, and what is
    reported of gains adds up. Sensitivity: a judge who lets the first stage change."""
    result = compare(hub, 3)
    text = result.summary()
    assert text["fresh"] == len(result.on_fresh) == len(result.plain_on_fresh) >= 2
    small = 1e-4 * abs(result.knowing).max()
    assert (result.knowing <= result.on_fresh + small).all()
    assert (result.knowing <= result.plain_on_fresh + small).all()
    assert text["gained"]["mean"] == pytest.approx(float((result.plain_on_fresh - result.on_fresh).mean()))
    assert text["gained"]["knowing"] >= -small
    assert result.sampled.value == pytest.approx(float(result.sampled.worth.mean()))
    sampled = optimize_samples(samples(hub, 3, 50).planned, twin.envelope(hub), fixed=result.plain.fixed, gap=1e-6)
    assert result.sampled.bound is not None
    assert sampled.value is not None
    assert result.sampled.bound <= sampled.value + small


def test_what_samples_cannot_be_had_of(hub: Case, tmp_path: Path) -> None:
    """Proves: too few earlier days, heats, and a site without a first stage are one line each. Sensitivity: a guess."""
    from emberline.scenarios import load

    with pytest.raises(ScenarioError, match="earlier days with forecast errors"):
        samples(hub, 40, 10)
    with pytest.raises(ScenarioError, match="site alone"):
        compare(load("melt-shop-small"), 3)
    with pytest.raises(ScenarioError, match="this site has no decisions before prices are known"):
        compare(load("works-hub-year", ["horizon.days=1"]), 3)
