"""A site planned over samples: against plans enumerated by hand, the tail's mean, and the nomination."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hubs import ENVELOPE, GAS, hub

from emberline.models.strategies.sample_average import Fixed, cvar, decides, optimize_samples
from emberline.scenarios import Case

ENGINE = {
    "kind": "gas_engine", "name": "engine", "electric_mw": 4.0, "fuel": "gas", "electric_efficiency": 0.5,
    "heat_efficiency": 0.0, "min_load": 1.0, "start_cost": 30.0, "heat": "heat",
}  # fmt: skip


def engines(*prices: list[float], **remaining: Any) -> list[Case]:
    """Samples of a site of 6 MW whose engine makes 4 MWh for 240 in an hour in which it is on, wholly or not."""
    rows = []
    for price in prices:
        assets = (GAS, ENGINE, {"kind": "flare", "name": "sky", "carrier": "heat"})
        rows.append(hub(*assets, price=price, base=6.0, export=0.0, grid={"export_limit_mw": 0.0}, **remaining))
    return rows


def by_hand(prices: list[list[float]], on: tuple[int, ...]) -> np.ndarray:
    """Cost of each sample where the engine is on in some hours: 240 an hour, 30 a start, the rest from the grid."""
    starts = sum(1 for before, now in itertools.pairwise((0, *on)) if now > before)
    costs = [sum(p * (6 - 4 * o) + 240 * o for p, o in zip(price, on, strict=True)) for price in prices]
    return np.array(costs) + 30 * starts


PRICES = [[50.0, 90.0, 55.0], [70.0, 20.0, 80.0], [65.0, 40.0, 64.0], [58.0, 100.0, 30.0]]


@pytest.mark.parametrize("share", [None, 0.5, 0.75, 0.6])
def test_the_commitment_is_the_best_of_all(share: float | None) -> None:
    """Proves: of the eight commitments the one of least mean, or of least mean in the tail, is found, exactly, and what
    each sample costs with it. Sensitivity: a commitment for each sample, or for the mean price where the tail counts.
    """
    rated = {on: by_hand(PRICES, on) for on in itertools.product((0, 1), repeat=3)}
    judge = np.mean if share is None else lambda worth: cvar(worth, share)
    best = min(rated, key=lambda on: float(judge(rated[on])))
    sampled = optimize_samples(engines(*PRICES), ENVELOPE, share=share, gap=0.0)
    assert sampled.value == pytest.approx(float(judge(rated[best])))
    assert sampled.bound == pytest.approx(sampled.value)
    assert sampled.fixed is not None
    assert float(judge(rated[tuple(int(x) for x in sampled.fixed.on["engine"])])) == pytest.approx(sampled.value)
    assert sorted(sampled.worth) == pytest.approx(sorted(rated[tuple(int(x) for x in sampled.fixed.on["engine"])]))


def test_the_mean_and_the_tail_want_different_commitments() -> None:
    """Proves: who minds the worst pays more in the mean and less in the worst sample. Sensitivity: CVaR left out."""
    prices = [[10.0], [10.0], [10.0], [200.0]]
    mean, tail = (optimize_samples(engines(*prices), ENVELOPE, share=share, gap=0.0) for share in (None, 0.75))
    assert mean.fixed is not None
    assert tail.fixed is not None
    assert (mean.fixed.on["engine"].tolist(), tail.fixed.on["engine"].tolist()) == ([0.0], [1.0])
    assert mean.worth.mean() == pytest.approx(345)
    assert tail.worth.tolist() == pytest.approx([290, 290, 290, 670])
    assert tail.value == pytest.approx(670)


def test_tail_means_by_hand() -> None:
    """Proves: the worst half of four is a mean of two, a value at the edge counts in part. Sensitivity: a quantile."""
    worth = np.array([1.0, 4.0, 2.0, 8.0])
    assert cvar(worth, 0.5) == pytest.approx(6.0)
    assert cvar(worth, 0.75) == pytest.approx(8.0)
    assert cvar(worth, 0.625) == pytest.approx((8 + 0.5 * 4) / 1.5)


def stored(price: list[float], spread: float, minimize: str = "cost") -> Case:
    """2 MW of load and a battery of 1 MWh and 1 MW, empty, without losses; deviations cost a spread either way."""
    result = hub(
        price=price, base=2.0, carriers="", minimize=minimize,
        battery={
            "energy_mwh": 1.0, "power_mw": 1.0, "level_share": 0.0, "charge_efficiency": 1.0,
            "discharge_efficiency": 1.0, "self_loss_per_h": 0.0,
        },
    )  # fmt: skip
    inputs = result.inputs
    imbalance = {"short_spread_per_mwh": spread, "long_spread_per_mwh": spread}
    market = type(result.market).model_validate(result.market.model_dump() | {"imbalance": imbalance})
    return result.model_copy(update={"market": market}).with_inputs(inputs)


def test_a_nomination_is_kept_or_paid_for() -> None:
    """Proves: with prices of 10 and 50, or of 50 and 20, charging first saves 40 in one sample and loses 30 in the
    other. With a spread of 5 it is nominated, and left alone in the other sample for 10. With a spread of 100 nobody
    deviates, and it pays in the mean all the same. Sensitivity: deviations for nothing.
    """
    prices = [[10.0, 50.0], [50.0, 20.0]]
    plain = np.array([120.0, 140.0])
    cheap = optimize_samples([stored(price, 5.0) for price in prices], ENVELOPE, gap=0.0)
    assert cheap.fixed is not None
    assert cheap.value == pytest.approx((plain.sum() - 40 + 10) / 2)
    dear = optimize_samples([stored(price, 100.0) for price in prices], ENVELOPE, gap=0.0)
    assert dear.fixed is not None
    assert dear.fixed.nominated_mwh is not None
    assert dear.fixed.nominated_mwh.tolist() == pytest.approx([3, 1])
    assert dear.worth.tolist() == pytest.approx([80, 170])


def test_a_first_stage_that_is_given_is_kept() -> None:
    """Proves: with nomination and commitment given only the dispatch is left, and each sample is judged apart.

    Sensitivity: a nomination that is planned again."""
    wrong = Fixed({}, np.array([2.0, 2.0]))
    sampled = optimize_samples([stored([10.0, 50.0], 15.0)], ENVELOPE, fixed=wrong, gap=0.0)
    assert sampled.worth.tolist() == pytest.approx([120 - 40 + 2 * 15])
    idle = Fixed({"engine": np.zeros(3)}, None)
    apart = optimize_samples(engines(PRICES[0]), ENVELOPE, fixed=idle, gap=0.0)
    assert apart.worth.tolist() == pytest.approx(by_hand(PRICES[:1], (0, 0, 0)).tolist())


def test_what_must_be_decided_before() -> None:
    """Proves: a switched machine or a nomination whose money counts; else there is nothing to plan over samples.

    Sensitivity: a comparison of a plan with itself."""
    assert decides(engines(PRICES[0])[0])
    assert decides(stored([10.0, 50.0], 5.0))
    assert not decides(stored([10.0, 50.0], 5.0, "carbon"))
    assert not decides(hub(price=[1.0, 2.0], base=2.0))
