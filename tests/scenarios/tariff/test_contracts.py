"""Contracts: how import is settled, what a linear model may price, market-based scope 2, and the schemes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberline.scenarios import Case, Scenario, ScenarioError, loads, resolve
from emberline.scenarios.case.market import CarbonPrice
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.flows.settlement import (
    imbalance_prices,
    marginal_prices,
    market_based,
    onto_meter,
    settle,
    unused_blocks,
)

SITE = """
name: site
horizon: {start: 2026-01-05, length_h: 2, step_min: 60}
market: {price_per_mwh: 40, carbon_intensity_kg_per_mwh: 300}
"""


def market(spot: Any = (100.0, 20.0), step_min: float = 60.0, **remaining: Any) -> Case:
    """A site with a market alone; ``spot`` by hour."""
    built = resolve(
        Scenario.model_validate(
            {
                "name": "site",
                "horizon": {"start": "2026-01-05", "length_h": len(spot), "step_min": step_min},
                "market": {"price_per_mwh": 1.0, "carbon_intensity_kg_per_mwh": 300.0, **remaining},
            },
            context={"currency": "EUR"},
        )
    )

    assert not list(between_nouns(built))
    inputs = built.inputs.copy()
    inputs["price_per_mwh"] = ("time", np.repeat(spot, round(60 / step_min)))
    return built.with_inputs(inputs)


def paid(scenario: Case, *mwh: float) -> float:
    return float(sum(part.money.sum() for part in settle(scenario, np.array(mwh))))


BLOCK = {"kind": "base_block", "name": "base", "mw": 10.0, "price_per_mwh": 60.0, "unused_spread_per_mwh": 5.0}
GREEN = {"kind": "green", "name": "wind", "share": 0.25, "price_per_mwh": 80.0}
GUARANTEES = {"kind": "guarantees", "name": "hydro", "mwh": 8.0, "price_per_mwh": 2.0}


def test_spot_alone() -> None:
    """Proves: 12 MWh at 100 and 4 at 20 are 1,280."""
    assert paid(market(), 12, 4) == pytest.approx(1280)


def test_a_base_block_is_paid_whether_used_or_not() -> None:
    """Proves: 2 × 10 × 60 = 1,200; 2 more at 100 = 200; 6 sold back at 20 − 5 = −90: 1,310 in all.

    Sensitivity: unused energy lost gives 1,400, sold at the full spot price 1,280."""
    scenario = market(contracts=[BLOCK])
    assert [(part.name, part.kind, float(part.money.sum())) for part in settle(scenario, np.array([12.0, 4.0]))] == [
        ("base", "energy", 1200.0),
        ("spot", "energy", 200.0),
        ("base", "resale", -90.0),
    ]
    imported, exported, constant = marginal_prices(scenario)
    assert imported.tolist() == [100, 20]
    assert exported.tolist() == [0, 0]
    assert constant == pytest.approx(10 * (60 - 100) + 10 * (60 - 20))
    twice = {"value": 5.0, "scale": 2.0}
    assert paid(market(contracts=[{**BLOCK, "mw": twice}]), 12, 4) == pytest.approx(1310)


def test_what_is_left_is_sold_from_the_least_spread_first() -> None:
    """Proves: of two blocks of 10 the 12 MWh left over are 10 with spread 1 and 2 with spread 5: 12·20 − 10 − 10.

    Sensitivity: in the order of the file, 10 with spread 5, they would bring 12·20 − 52."""
    other = {**BLOCK, "name": "cheap", "unused_spread_per_mwh": 1.0}
    sold = [p for p in settle(market((20.0,), contracts=[BLOCK, other]), np.array([8.0])) if p.kind == "resale"]
    assert [(p.name, float(p.mwh[0]), float(p.money[0])) for p in sold] == [
        ("cheap", -10.0, -190.0),
        ("base", -2.0, -30.0),
    ]


def test_a_share_is_paid_as_it_is_used() -> None:
    """Proves: a quarter of 16 MWh at 80 is 320, the rest at spot 960; the price at the margin is the mix of both.

    Sensitivity: the share on top of the spot energy gives 1,600."""
    scenario = market(contracts=[GREEN])
    assert paid(scenario, 12, 4) == pytest.approx(320 + 960)
    assert marginal_prices(scenario).imported.tolist() == pytest.approx([95, 35])


def test_guarantees_cost_their_own() -> None:
    """Proves: 8 MWh at 2 are 16 whatever is imported; of half the import they are 1 on every MWh."""
    assert paid(market(contracts=[GUARANTEES]), 12, 4) == pytest.approx(1280 + 16)
    assert marginal_prices(market(contracts=[GUARANTEES])).constant == pytest.approx(16)
    half = market(contracts=[{"kind": "guarantees", "name": "hydro", "share": 0.5, "price_per_mwh": 2.0}])
    assert paid(half, 12, 4) == pytest.approx(1280 + 16)
    assert marginal_prices(half).imported.tolist() == pytest.approx([101, 21])
    assert marginal_prices(half).constant == 0


@given(
    imported=st.lists(st.floats(0, 40), min_size=3, max_size=3),
    spot=st.lists(st.floats(-50, 200), min_size=3, max_size=3),
    blocks=st.lists(st.tuples(st.floats(0, 15), st.floats(-20, 90), st.sampled_from([0.0, 1.0, 7.5])), max_size=3),
    share=st.sampled_from([0.0, 0.3, 1.0]),
    mwh=st.floats(0, 30),
)
def test_the_linear_price_and_the_unused_blocks_are_the_settlement(
    imported: list[float], spot: list[float], blocks: list[tuple[float, float, float]], share: float, mwh: float
) -> None:
    """Proves: price·import + constant + Σ spread·sold, sold from the least spread first, is what is paid, to 1e-9.

    Sensitivity: a share left out of what blocks must cover, or a spread counted for all of a block, fails."""
    contracts: list[dict[str, Any]] = [
        {**BLOCK, "name": f"b{i}", "mw": mw, "price_per_mwh": price, "unused_spread_per_mwh": spread}
        for i, (mw, price, spread) in enumerate(blocks)
    ]
    contracts += [{**GREEN, "share": share}, {**GUARANTEES, "mwh": mwh}]
    scenario = market(spot, contracts=contracts)
    values = np.array(imported)
    price, _, constant = marginal_prices(scenario)
    linear = float(price @ values) + constant
    unused = unused_blocks(scenario)
    if unused is not None:
        remaining = np.maximum(unused.mwh.sum(axis=0) - unused.counted * values, 0.0)
        for j in np.argsort(unused.spread, kind="stable"):
            sold = np.minimum(remaining, unused.mwh[j])
            remaining = remaining - sold
            linear += float(unused.spread[j] * sold.sum())
    money = paid(scenario, *imported)
    assert money == pytest.approx(linear, rel=1e-9, abs=1e-7)
    # what a model without the spreads reckons is never above
    assert float(price @ values) + constant <= money + 1e-7
    energy = sum(p.mwh for p in settle(scenario, values) if p.kind != "guarantees")
    assert np.asarray(energy) == pytest.approx(values, abs=1e-9)


def test_a_profile_from_a_file(tmp_path: Path) -> None:
    """Proves: a purchase agreement's profile comes from a series and is kept with the inputs; it delivers 3 and 5 MWh.

    Sensitivity: the constant of another contract taken for it fails."""
    (tmp_path / "wind.csv").write_text("time_utc,mw\n2026-01-05T00:00Z,3\n2026-01-05T01:00Z,5\n", encoding="utf-8")
    contracts = "contracts: [{kind: ppa, name: wind, mw: {csv: wind.csv, column: mw}, price_per_mwh: 50}]"
    scenario = loads(SITE.replace("price_per_mwh: 40", f"price_per_mwh: 40, {contracts}"), folder=tmp_path)
    assert paid(scenario, 10, 10) == pytest.approx(8 * 50 + 12 * 40)
    stored = Case.of(Scenario.model_validate_json(scenario.model_dump_json(exclude_defaults=True)), scenario.inputs)
    assert paid(stored, 10, 10) == pytest.approx(880)
    assert scenario.inputs["contract_mw"].sel(contract="wind").values.tolist() == [3, 5]


def test_scope_2_market_based() -> None:
    """Proves: of 10 + 3 MWh the agreement of 4 MW covers 4 + 3 (one is sold back with its guarantees), 3 MWh of
    guarantees cover half of the 6 that are left, 3 have the residual mix of 500: 1,500 kg.

    Sensitivity: guarantees of what is sold back kept give 1,000 kg; more guarantees than import must be no credit."""
    scenario = market(
        residual_kg_per_mwh=500.0,
        contracts=[
            {"kind": "ppa", "name": "wind", "mw": 4.0, "price_per_mwh": 50.0},
            {**GUARANTEES, "mwh": 3.0},
        ],
    )
    parts = market_based(scenario, np.array([10.0, 3.0]))
    assert [(p.name, float(p.mwh.sum()), float(p.kg.sum())) for p in parts] == [
        ("wind", 7.0, 0.0),
        ("hydro", 3.0, 0.0),
        ("rest", 3.0, 1500.0),
    ]
    assert parts[-1].says == "intensity of the residual mix"
    half = market(residual_kg_per_mwh={"value": 500.0, "scale": 0.5})
    assert float(market_based(half, np.array([10.0, 3.0]))[-1].kg.sum()) == 13 * 250
    more = market(contracts=[{**GUARANTEES, "mwh": 100.0}])
    for imported in ([10.0, 3.0], [0.5, 0.25]):
        covered = [float(p.mwh.sum()) for p in market_based(more, np.array(imported))]
        assert covered == [sum(imported), 0.0]
    none = market(contracts=[{**GREEN, "share": 0.0}])
    assert [float(p.mwh.sum()) for p in market_based(none, np.array([10.0, 3.0]))] == [0.0, 13.0]
    share = market(contracts=[{"kind": "guarantees", "name": "hydro", "share": 0.5, "price_per_mwh": 2.0}])
    assert [p.mwh.tolist() for p in market_based(share, np.array([10.0, 3.0]))] == [[5, 1.5], [5, 1.5]]


def test_what_is_sold_back_takes_its_guarantees_along() -> None:
    """Proves: of 10 MWh of a block and 4 of wind 12 are used; the 2 left over are wind's, whose spread is the least: it
    covers 2. Sensitivity: 4 covered by guarantees that were sold."""
    wind = {"kind": "ppa", "name": "wind", "mw": 4.0, "price_per_mwh": 50.0, "unused_spread_per_mwh": 1.0}
    parts = market_based(market((20.0,), contracts=[BLOCK, wind]), np.array([12.0]))
    assert [(p.name, float(p.mwh.sum())) for p in parts] == [("wind", 2.0), ("rest", 10.0)]


def test_without_a_residual_mix_the_location_counts_and_it_is_said() -> None:
    """Proves: a block without a factor of its own is part of the rest: 16 MWh × 300. Sensitivity: 0 for the block."""
    (remaining,) = market_based(market(contracts=[BLOCK]), np.array([12.0, 4.0]))
    assert (remaining.name, float(remaining.kg.sum())) == ("rest", 4800.0)
    assert "no residual mix" in remaining.says
    part = market(contracts=[{**BLOCK, "kg_per_mwh": 100.0}])
    assert [float(p.kg.sum()) for p in market_based(part, np.array([12.0, 4.0]))] == [1400.0, 600.0]


def test_imbalance_prices_lie_on_the_spot_price_or_are_given() -> None:
    """Proves: spreads of 50 and 15 on spot prices by hour, on the quarter-hours of the meter; a given price stays."""
    scenario = market(imbalance={"short_spread_per_mwh": 50, "long_spread_per_mwh": 15})
    short, long = imbalance_prices(scenario)
    assert short.tolist() == [150] * 4 + [70] * 4
    assert long.tolist() == [85] * 4 + [5] * 4
    inputs = market(imbalance={"short_price_per_mwh": 300, "long_spread_per_mwh": 15})
    assert imbalance_prices(inputs)[0].tolist() == [300] * 8
    assert onto_meter(market(step_min=5), np.arange(24.0)).tolist() == [1, 4, 7, 10, 13, 16, 19, 22]


def test_schemes_say_what_they_cover() -> None:
    """Proves: trading in the EU and China prices scope 1 only, a shadow price all, free shares taken off.

    Sensitivity: a Chinese price on scope 2 fails."""
    for scheme, on_grid in (("eu_ets", 0.0), ("china_ets", 0.0), ("shadow", 60.0)):
        price = CarbonPrice.model_validate({"scheme": scheme, "per_t": 80, "free_share": 0.25})
        assert (price.on_direct, price.on_grid) == (60.0, on_grid)
        assert CarbonPrice.model_validate(price.model_dump(exclude_defaults=True)) == price


TARIFF = "tariff: {demand: [{name: peak, rates: [{per_mw: 1000}]}]}, "


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("price_per_mwh: 40, ", "", "market.price_per_mwh: is required"),
        (
            "40,",
            "40, contracts: [{kind: block, name: x}],",
            "contracts.0.kind: unknown kind 'block'; did you mean base_block",
        ),
        ("40,", "40, contracts: [{name: x}],", "contracts.0.kind: is required"),
        ("40,", "40, contracts: [{kind: green, name: x, price_per_mwh: 1}],", "give either mw"),
        (
            "40,",
            "40, contracts: [{kind: guarantees, name: x, price_per_mwh: 1}],",
            "give either mwh over the horizon or share",
        ),
        (
            "40,",
            "40, contracts: [{kind: base_block, name: x, mw: 3, price_per_mwh: 5 USD/MWh}],",
            "wrong unit 'USD/MWh'",
        ),
        (
            "40,",
            "40, contracts: [{kind: base_block, name: spot, mw: 3, price_per_mwh: 5}],",
            "contracts.0.name: contract",
        ),
        (
            "40,",
            "40, contracts: [{kind: ppa, name: a, share: 0.7, price_per_mwh: 1}, {kind: ppa, name: b, share: 0.4, "
            "price_per_mwh: 1}],",
            "market.contracts: the shares of contracts add up to 1.1",
        ),
        (
            "price_per_mwh: 40,",
            TARIFF + "contracts: [{kind: base_block, name: x, mw: 3, price_per_mwh: 5}],",
            "contracts.0.mw: is settled against the spot price",
        ),
        ("price_per_mwh: 40,", TARIFF + "imbalance: {long_spread_per_mwh: 3},", "market.imbalance: its spreads lie on"),
        (
            "40,",
            "40, imbalance: {short_price_per_mwh: 3, short_spread_per_mwh: 4},",
            "or short_spread_per_mwh, not both",
        ),
        ("40,", "40, tariff_before: {energy_mwh: 3},", "market.tariff_before: applies to a tariff, but there is none"),
        ("40,", "40, tariff: {currency: USD},", "market.tariff.currency: is USD, that of the market is EUR"),
        (
            "40,",
            "40, " + TARIFF + "tariff_before: {peak_mw: {summit: 3}},",
            "tariff_before: peak_mw: there is no demand",
        ),
        (
            "horizon: {start: 2026-01-05, length_h: 2, step_min: 60}\nmarket: {",
            "horizon: {start: 2026-01-01, length_h: 2, step_min: 60}\nstate: {peak_so_far_mw: 3}\nmarket: {" + TARIFF,
            "state.peak_so_far_mw: the horizon begins with 2026-01",
        ),
        (
            "market: {",
            "state: {peak_so_far_mw: 3}\nmarket: {tariff_before: {peak_mw: 4}, " + TARIFF,
            "tariff_before.peak_mw: is also given by state.peak_so_far_mw",
        ),
        ("40,", "40, carbon_price: {scheme: eu_ets, covers: all},", "scheme eu_ets covers direct, not all"),
        ("40,", "40, tariff: {energy: [{name: e, rates: [{per_mwh: 3, hours: 1:07-12}]}]},", "market.tariff: e"),
    ],
)
def test_mistakes_with_contracts(old: str, new: str, message: str) -> None:
    """Proves: a mistake is one line that says where and what would be right."""
    assert old in SITE
    with pytest.raises(ScenarioError) as text:
        loads(SITE.replace(old, new, 1), "site.yaml")
    assert message in str(text.value)
    assert "\n" not in str(text.value)


def test_a_tariff_may_stand_alone() -> None:
    """Proves: with a tariff there need be no spot price, the price on its steps is zero; stored it stays so."""
    scenario = loads(SITE.replace("price_per_mwh: 40, ", TARIFF))
    assert not scenario.market.has_spot
    assert scenario.inputs["price_per_mwh"].values.tolist() == [0, 0]
    assert scenario.rates is not None
    assert resolve(Scenario.model_validate_json(scenario.model_dump_json(exclude_defaults=True))) == scenario
    free = loads(SITE.replace("price_per_mwh: 40", "price_per_mwh: 0"))
    assert free.market.has_spot
    assert resolve(Scenario.model_validate_json(free.model_dump_json(exclude_defaults=True))) == free


def test_the_tariff_remembers_the_states_peak() -> None:
    """Proves: ``state.peak_so_far_mw`` is what the tariff's charges start from. Sensitivity: zero fails."""
    answer = loads(SITE.replace("market: {", "state: {peak_so_far_mw: 7 MW}\nmarket: {" + TARIFF))
    assert answer.rates is not None
    assert [peak.floor_mw for peak in answer.rates.peaks] == [7.0]
