"""Savings against load: what is left of the orders, and where flexibility ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from enumerated_shops import best, shop
from hypothesis import given
from hypothesis import strategies as st

from emberline.planning.engine.engine import Engine, engine
from emberline.scenarios import ScenarioError, load, loads
from emberline.scenarios.records.orders import Order
from emberline.studies.headroom import Headroom, Load, checked, headroom, interval, scaled

LINE = [400.0, 400.0, 100.0, 100.0]
SMALL = load("melt-shop-small")
MILLS = Path(__file__).resolve().parents[1] / "planning" / "cement-small.yaml"


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.floats(0.05, 1.0))
def test_so_many_heats_are_left_and_casts_stay_whole(counts: list[int], share: float) -> None:
    """Proves: the heats that are left are the first ones of each order, as many as the share makes, evenly taken.

    Sensitivity: taking whole orders, or from the front, would break casts or leave one order empty and another full.
    """
    orders = tuple(
        Order.model_validate({"name": f"C{i + 1}", "heats": [{"grade": "rebar", "count": count}]})
        for i, count in enumerate(counts)
    )
    whole = SMALL.model_copy(update={"orders": orders})
    part = scaled(whole.with_inputs(SMALL.inputs), share)
    table = {one.name: sum(entry.count for entry in one.heats) for one in part.orders}
    total = sum(counts)
    assert len(part.heats) == max(int(share * total + 0.5), 1)
    for i, count in enumerate(counts):
        assert abs(table.get(f"C{i + 1}", 0) - count * len(part.heats) / total) < 1
    assert [heat.name for heat in part.heats] == [
        heat.name for heat in whole.heats if heat.position < table.get(heat.order, 0)
    ]


def test_deliveries_are_scaled() -> None:
    """Proves: demands and orders of a works shrink with their series; its stores stay as they are."""
    whole = load(str(MILLS))
    part = scaled(whole, 0.5)
    assert part.tonnes == pytest.approx(whole.tonnes / 2)
    np.testing.assert_allclose(part.inputs["demand_tph"], whole.inputs["demand_tph"] / 2)
    assert part.stores == whole.stores
    assert scaled(whole, 1.0) is whole


def test_locks_of_heats_that_are_left_out_go_with_them() -> None:
    """Proves: a lock stays with its heat, and goes with it."""
    locks = "locks=[{heat: C1-1, stage: melting, unit: EAF}, {heat: C1-3, stage: melting, unit: EAF}]"
    part = scaled(load("melt-shop-small", [locks]), 0.67)
    assert [lock.heat for lock in part.locks] == ["C1-1"]


def test_flexibility_ends_where_the_plant_is_full() -> None:
    """Proves: with a heat less the clean hours take all that is left; full, there is nothing to move: by enumeration.

    Four hours, two clean; the baseline melts at once. At half load 2 heats save 2 · 10 · 300 kg of 8000; at full load
    every hour is taken, and nothing is saved.
    """
    result = headroom(shop(LINE, [1, 1, 1, 1]), Engine(), [1.0, 0.5, 0.75], threshold=0.02)
    assert [one.heats for one in result.loads] == [2, 3, 4]
    for one in result.loads:
        case = scaled(shop(LINE, [1, 1, 1, 1]), one.load)
        truth = best(case)
        assert truth is not None
        assert one.saved is not None
        assert one.baseline is not None
        assert one.baseline["carbon_kg"] - one.saved["carbon_kg"].undisturbed == pytest.approx(truth.kg, rel=1e-5)
    assert result.loads[0].goal_share == pytest.approx(6000 / 8000)
    assert result.loads[2].goal_share == pytest.approx(0)
    assert result.loads[2].goal_most == pytest.approx(0, abs=1e-5), "proven: no plan saves anything when full"
    assert result.ends_at == 1.0
    assert result.says == (
        "flexibility ends between 75 and 100 % load: from there on less than 2 % of the baseline's carbon is saved"
    )


def test_the_same_on_any_number_of_workers() -> None:
    """Proves: two workers find what one finds, intervals included. Sensitivity: disturbances that depend on which
    worker replays."""
    scenario = shop(
        [*LINE, 300.0, 200.0], [1, 1], disturbances={"replications": 4, "duration_spread": 0.02, "energy_spread": 0.05}
    )
    alone = headroom(scenario, Engine(), [0.5, 1.0])
    with engine(2) as ready:
        shared = headroom(scenario, ready, [0.5, 1.0])
    assert shared == alone
    one = alone.loads[1].saved
    assert one is not None
    saving = one["carbon_kg"]
    assert saving.low is not None
    assert saving.mean is not None
    assert saving.high is not None
    assert saving.low < saving.mean < saving.high


def test_the_interval_covers_the_mean() -> None:
    """Proves: of 400 samples of 8 normal values the 95 % interval holds the true mean in 92 to 98 of 100.

    Sensitivity: the normal quantile instead of Student's would hold it in 91.
    """
    rng = np.random.default_rng(7)
    result = 0
    for _ in range(400):
        _, low, high = interval(rng.normal(3.0, 2.0, 8))
        assert low is not None
        assert high is not None
        result += low <= 3.0 <= high
    assert 0.92 <= result / 400 <= 0.98
    assert interval(np.zeros(0)) == (None, None, None)
    assert interval(np.array([2.0])) == (2.0, None, None)


def row(share: float, saved: float | None) -> Load:
    """A load of which so much of the goal is saved."""
    return Load(load=share, share=share, heats=1, tonnes=1.0, status="within gap", goal_share=saved)


@pytest.mark.parametrize(
    ("saved", "end"),
    [
        ((0.2, 0.1, 0.05), None),
        ((0.2, 0.001, 0.0), 0.8),
        ((0.001, 0.1, 0.0), 1.0),
        ((0.0, 0.0, 0.0), 0.6),
        ((0.2, 0.0, None), 0.8),
        ((None, None, None), None),
    ],
)
def test_where_flexibility_ends(saved: tuple[float | None, ...], end: float | None) -> None:
    """Proves: it ends at the least load from which on less than the threshold is saved, among those with a plan."""
    loads_ = tuple(row(share, value) for share, value in zip((0.6, 0.8, 1.0), saved, strict=True))
    result = Headroom("shop", "EUR", "carbon", 0.01, loads_)
    assert result.ends_at == end
    assert result.says


def test_what_has_no_load_is_refused() -> None:
    """Proves: a site alone, loads outside 0 to 100 %, and too many of them, are refused."""
    site = loads(
        "name: house\nhorizon: {start: 2026-03-10, length_h: 2, step_min: 60}\n"
        "site: {base_load_mw: 2}\nmarket: {price_per_mwh: 10, carbon_intensity_kg_per_mwh: 100}\n"
    )
    with pytest.raises(ScenarioError, match="a site alone makes nothing"):
        checked(site, [0.5])
    for wrong in ([0.0], [1.2], [], [0.5] * 60):
        with pytest.raises(ScenarioError, match="--load"):
            checked(shop(LINE, [1]), wrong)
    assert checked(shop(LINE, [1]), [1.0, 0.5, 0.5]) == [0.5, 1.0]
