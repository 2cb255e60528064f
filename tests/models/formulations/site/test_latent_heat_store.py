"""Latent heat stores on sites that are solved by hand: rates by the level at which a step begins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hubs import ELECTRODE, amounts, best, hub, plan

STEAM = {"kind": "supply", "name": "steam", "carrier": "heat", "price_per_unit": [10.0, 10.0, 100.0, 100.0]}
NEED = {"kind": "load", "name": "need", "carrier": "heat", "rate": [0.0, 0.0, 6.0, 6.0]}
SLOW_WHEN_COLD = ((0.0, 2.0, 0.0), (0.5, 5.0, 4.0), (1.0, 5.0, 4.0))
"""From 2 MW in and nothing out when it is solid to 5 MW in and 4 MW out from half its capacity on: bends downward."""
PLATEAU = ((0.0, 6.0, 2.0), (0.2, 3.0, 3.0), (0.8, 3.0, 3.0), (1.0, 1.0, 6.0))
"""Sensible heat fast, the plateau slow, then slower in and faster out: neither curve bends downward only."""


def store(curve: tuple[tuple[float, float, float], ...], **how: Any) -> dict[str, Any]:
    limits = [dict(zip(("level_share", "in_rate", "out_rate"), point, strict=True)) for point in curve]
    return {
        "kind": "latent_heat_store", "name": "salt", "carrier": "heat", "capacity": 10.0, "level_share": 0.0,
        "limits": limits, **how,
    }  # fmt: skip


def test_a_cold_store_takes_and_gives_slowly() -> None:
    """Proves: empty it takes 2 in the first hour, at 2 of 10 it takes 2 + 0.4·3 = 3.2: 5.2 are there. Above 5 it gives
    4; at 1.2 it gives 0.24·4 = 0.96. So 4.96 of 12 come from it: 52 + 704 = 756.

    Sensitivity: limits by the level at a step's end, or of a full store: 4 + 4 out of 8 at 10, 480.
    """
    result = plan(hub(STEAM, NEED, store(SLOW_WHEN_COLD), price=[100.0] * 4))
    assert amounts(result, "salt", "in") == [-2.0, -3.2, 0.0, 0.0]
    assert amounts(result, "salt", "out") == [0.0, 0.0, 4.0, 0.96]
    assert result.attrs["objective"] == pytest.approx(5.2 * 10 + (12 - 4.96) * 100)


def test_a_pump_limits_it_at_every_level() -> None:
    """Proves: at most 2.5 MW in: 2, then 2.5; 4.5 give 3.6 and then 0.9·0.8 = 0.72: 45 + 768. Sensitivity: 756."""
    result = plan(hub(STEAM, NEED, store(SLOW_WHEN_COLD, in_rate=2.5), price=[100.0] * 4))
    assert amounts(result, "salt", "in") == [-2.0, -2.5, 0.0, 0.0]
    assert amounts(result, "salt", "out") == [0.0, 0.0, 3.6, 0.72]
    assert result.attrs["objective"] == pytest.approx(45 + (12 - 4.32) * 100)


def test_a_plateau_is_slow_though_the_ends_are_fast() -> None:
    """Proves: 6 in the first hour, on the plateau 3 in the second: 9. From 9 it gives 4.5, then from 4.5 the 3 of the
    plateau: 90 + 450 = 540. By segments out of order it would take 6 and more.

    Sensitivity: rows of lines instead of binaries: 3 at most from the start on, or 4.5 and less than 3.
    """
    result = plan(hub(STEAM, NEED, store(PLATEAU), price=[100.0] * 4))
    assert amounts(result, "salt", "in") == [-6.0, -3.0, 0.0, 0.0]
    assert amounts(result, "salt", "out") == [0.0, 0.0, 4.5, 3.0]
    assert result.attrs["objective"] == pytest.approx(90 + (12 - 7.5) * 100)


def test_limits_are_per_hour_and_by_the_level_at_a_steps_begin() -> None:
    """Proves: in steps of half an hour the level rises by half of 2, and the next step may take 2 + 0.2·3 = 2.6.

    Sensitivity: amounts of an hour in half an hour.
    """
    result = plan(hub(STEAM, NEED, store(SLOW_WHEN_COLD), price=[100.0] * 4, step_min=30.0))
    assert amounts(result, "salt", "in")[:2] == [-2.0, -2.6]


@pytest.mark.parametrize("curve", [SLOW_WHEN_COLD, PLATEAU])
def test_flat_limits_are_those_of_a_store(curve: tuple[tuple[float, float, float], ...]) -> None:
    """Proves: with the same rates at every level it costs what a plain store does, losses and bands included."""
    remaining: dict[str, Any] = {
        "self_loss_per_h": 0.02, "in_efficiency": 0.95, "out_efficiency": 0.9, "lowest_share": 0.1, "level_share": 0.3,
        "wear_cost_per_unit": 1.0,
    }  # fmt: skip
    flat = store(tuple((share, 3.0, 2.5) for share, *_ in curve), **remaining)
    plain = {**flat, "kind": "storage", "in_rate": 3.0, "out_rate": 2.5}
    del plain["limits"]
    costs = [best(hub(STEAM, NEED, one, price=[100.0] * 4)) for one in (flat, plain)]
    assert costs[0] == pytest.approx(costs[1])


def test_one_that_holds_nothing_is_in_nobodys_way() -> None:
    """Proves: a capacity of 0 leaves the plan without a store: 1200. Sensitivity: a division by the capacity."""
    assert best(hub(STEAM, NEED, store(PLATEAU, capacity=0.0), price=[100.0] * 4)) == pytest.approx(1200)


def test_prices_of_heat_at_all_levels_stay_within_the_curve() -> None:
    """Proves: on a day of random prices no step's rates are above the curve at its begin, and some reach it.

    Sensitivity: segments out of order.
    """
    draw = np.random.default_rng(5)
    prices = np.round(draw.uniform(5, 90, 24), 2).tolist()
    case = hub(ELECTRODE, {**NEED, "rate": [2.0] * 24}, store(PLATEAU, level_share=0.5), price=prices)
    result = plan(case)
    salt = case.site.stores["salt"]
    levels = [salt.start_level, *result["asset_level"].sel(store="salt").to_numpy()[:-1].tolist()]
    binding = 0
    rates = zip(levels, amounts(result, "salt", "in"), amounts(result, "salt", "out"), strict=True)
    for level, put_in, put_out in rates:
        most_in, most_out = salt.rate_limits(level)
        assert -put_in <= most_in + 1e-6
        assert put_out <= most_out + 1e-6
        binding += abs(put_in + most_in) < 1e-6
    assert binding >= 2
