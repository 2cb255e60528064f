"""The bill by hand, and that its lines add up whatever flows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledgers import ENGINE, GAS, flows, site

from emberline.planning.accounts.bill import Bill, bill, energy_cost, hourly_cost, import_price
from emberline.planning.accounts.sums import figures
from emberline.scenarios.flows.asset_flows import accounts


def lines(money: Bill) -> dict[tuple[str, str], Any]:
    return {(line.name, line.kind): pytest.approx(line.amount) for line in money.lines}


def test_a_plain_bill() -> None:
    """Proves: 10 + 4 MWh at 100, 3 MWh exported at 40, scope 1 of 2 t and scope 2 of 4.2 t at 50 less a fifth.

    Sensitivity: the price on scope 2 under a scheme for direct emissions makes 168 more."""
    market = {"export_price_per_mwh": 40.0, "carbon_price": {"per_t": 50.0, "covers": "all", "free_share": 0.2}}
    case = site(market=market)
    run = flows(case, import_mw=[10, 4], export_mw=[0, 3])
    money = bill(case, run, 2000.0)
    assert lines(money) == {
        ("spot", "energy"): 1400.0,
        ("export", "export"): -120.0,
        ("scope 1", "carbon"): 80.0,
        ("scope 2, grid", "carbon"): 168.0,
    }
    assert (money.imported, money.exported, money.carbon, money.total) == pytest.approx((1400, 120, 248, 1528))
    assert [(line.quantity, line.rate) for line in money.lines] == [(14, 100), (3, -40), (2, 40), (4.2, 40)]
    assert hourly_cost(case, run).tolist() == pytest.approx([1000, 280])
    direct = site(market={**market, "carbon_price": {"per_t": 50.0, "scheme": "china_ets"}})
    assert bill(direct, run, 2000.0).carbon == pytest.approx(100)


def test_a_step_of_half_an_hour_costs_half() -> None:
    """Proves: on half-hours 10 and 4 MW at 100, 3 MW exported at 40, gas at 30 and an engine's wear at 9 count half as
    many MWh, and its running at 5 half as many hours.

    Sensitivity: power taken for energy."""
    horizon = {"start": "2026-01-05", "length_h": 1, "step_min": 30}
    engine = {**ENGINE, "cost_per_unit": 9.0, "running_cost_per_h": 5.0}
    case = site(GAS, engine, horizon=horizon, market={"export_price_per_mwh": 40.0})
    run = flows(case, {("gas", ""): [20, 10], ("engine", "main"): [8, 4]}, import_mw=[10, 4], export_mw=[0, 3])
    assert lines(bill(case, run, 0.0)) == {
        ("spot", "energy"): 700.0,
        ("export", "export"): -60.0,
        ("gas", "fuel"): 450.0,
        ("engine", "wear"): 54.0,
        ("engine", "running"): 5.0,
    }
    engines = [36 + 2.5, 18 + 2.5]
    assert hourly_cost(case, run).tolist() == pytest.approx([500 + 300 + engines[0], 200 - 60 + 150 + engines[1]])


def test_assets_are_billed_line_by_line() -> None:
    """Proves: gas 20 + 10 MWh at 30; steam sold 2 MWh at 25; engine 12 MWh at 9, 2 h at 5, one start at 150; store
    2 MWh out at 1.5; flare 1 MWh at 3. The lines are what the assets' accounts say.

    Sensitivity: a start counted for a machine that is on already, or wear of what goes in, fails."""
    case = site(
        GAS,
        {**ENGINE, "cost_per_unit": 9.0, "running_cost_per_h": 5.0, "start_cost": 150.0, "stop_cost": 70.0},
        {"kind": "sale", "name": "steam sold", "carrier": "steam", "price_per_unit": 25.0},
        {"kind": "storage", "name": "tank", "carrier": "steam", "capacity": 9.0, "wear_cost_per_unit": 1.5},
        {"kind": "flare", "name": "torch", "carrier": "gas", "cost_per_unit": 3.0, "fossil_kg_per_unit": 1.0},
        {"kind": "load", "name": "users", "carrier": "steam", "rate": 4.0},
    )
    moves = {
        ("users", ""): [-4, -4],
        ("gas", ""): [20, 10],
        ("engine", "main"): [8, 4],
        ("engine", "inputs.0"): [-20, -9],
        ("engine", "outputs.0"): [8, 4],
        ("steam sold", ""): [-2, 0],
        ("tank", "in"): [-3, 0],
        ("tank", "out"): [0, 2],
        ("torch", ""): [0, -1],
    }
    run = flows(case, moves, import_mw=[1, 1])
    money = bill(case, run, 0.0)
    assert lines(money) == {
        ("spot", "energy"): 200.0,
        ("gas", "fuel"): 900.0,
        ("engine", "wear"): 108.0,
        ("engine", "running"): 10.0,
        ("engine", "start"): 150.0,
        ("steam sold", "sale"): -50.0,
        ("tank", "wear"): 3.0,
        ("torch", "flare"): 3.0,
    }
    assert sum(a.totals["cost"] for a in accounts(case, run)) == pytest.approx(money.total - 200.0)
    assert float(hourly_cost(case, run).sum()) == pytest.approx(money.total)
    sums = figures(case, run)
    assert (sums.fuel_cost, sums.sales, sums.upkeep_cost, sums.by_product) == (900.0, 50.0, 274.0, {"steam sold": 2.0})
    assert sums.cost == pytest.approx(money.total)


@pytest.mark.parametrize(
    ("covers", "paid"),
    [("all", {("scope 2, grid", "carbon"): 15.0, ("scope 2, bought heat", "carbon"): 8.0}), ("direct", {})],
)
def test_bought_heat_pays_the_carbon_price_as_the_grid_does(covers: str, paid: dict[tuple[str, str], float]) -> None:
    """Proves: 1 MWh of the grid at 300 kg and 2 of bought heat at 80 pay 50 a tonne where the scheme covers scope 2,
    and nothing where it covers direct emissions alone.

    Sensitivity: bought heat at the rate of direct emissions pays 8 in both."""
    heat = {"kind": "supply", "name": "district", "carrier": "heat", "fossil_kg_per_unit": 80.0, "scope": 2}
    case = site(heat, market={"carbon_price": {"per_t": 50.0, "covers": covers}})
    run = flows(case, {("district", ""): [0, 2]}, import_mw=[1, 0])
    assert {place: money for place, money in lines(bill(case, run, 0.0)).items() if "carbon" in place} == paid


def test_a_deviation_from_the_nomination_is_settled_at_imbalance_prices() -> None:
    """Proves: 10 + 10 MWh nominated at 100; 2 more at 150 and 3 fewer at 85: 2,000 + 300 − 255. Nominated exactly, or
    without imbalance prices, what is taken is paid at the spot price.

    Sensitivity: the deviation on top of the actual import gives 1,945."""
    case = site(market={"imbalance": {"short_spread_per_mwh": 50, "long_spread_per_mwh": 15}})
    planned, run = flows(case, import_mw=[10, 10]), flows(case, import_mw=[12, 7])
    money = bill(case, run, 0.0, planned)
    assert lines(money) == {
        ("spot", "energy"): 2000.0,
        ("short", "imbalance"): 300.0,
        ("long", "imbalance"): -255.0,
    }
    assert figures(case, run, nominated=planned).imbalance_cost == pytest.approx(45)
    assert bill(case, run, 0.0, run) == bill(case, run, 0.0)
    assert bill(case, run, 0.0).total == pytest.approx(1900)
    assert bill(site(), run, 0.0, planned).total == pytest.approx(1900)


def test_export_is_netted_in_the_deviation() -> None:
    """Proves: 4 MWh nominated for export and 1 taken instead are 5 short: −4·40 + 5·150.

    Sensitivity: import and export each against their own nomination settle 1 at 150 and lose the other 4."""
    case = site(market={"export_price_per_mwh": 40.0, "imbalance": {"short_spread_per_mwh": 50}})
    planned, run = flows(case, export_mw=[4, 0]), flows(case, import_mw=[1, 0])
    assert bill(case, run, 0.0, planned).total == pytest.approx(-160 + 750)


TARIFF = {
    "levies": [{"name": "levy", "per_mwh": 4.0}],
    "demand": [{"name": "peak", "rates": [{"per_mw": 1000.0}]}],
    "fixed": [{"name": "meter", "per_month": 310.0}],
    "taxes": [{"name": "tax", "share": 0.1, "on": ["levy", "demand"]}],
    "export": [{"name": "feed-in", "rates": [{"per_mwh": 11.0}]}],
}


def test_spot_price_and_tariff_add_up() -> None:
    """Proves: 10 MWh at spot 100 and levy 4; the peak of 8 MW less the 5 of the month so far at 1,000; 2 h of 744 of
    the fixed charge; a tenth on levy and demand; 3 MWh fed in at 40 and 11. In a month that begins here 8 MW count.

    Sensitivity: the month's peak so far forgotten gives 5,500 more."""
    case = site(
        market={"tariff": TARIFF, "export_price_per_mwh": 40.0},
        state={"peak_so_far_mw": 5.0},
    )
    run = flows(case, import_mw=[8, 2], export_mw=[0, 3])
    # the meter counts net: of the second hour nothing but 1 MWh of export
    money = bill(case, run, 0.0)
    assert lines(money) == {
        ("spot", "energy"): 1000.0,
        ("export", "export"): -120.0,
        ("levy", "levy"): 32.0,
        ("peak", "demand"): 3000.0,
        ("meter", "fixed"): pytest.approx(310 * 2 / 744),
        ("tax", "tax"): 303.2,
        ("feed-in", "tariff export"): -11.0,
    }
    assert "feed-in" not in {line.name for line in bill(case, flows(case, import_mw=[8, 2]), 0.0).lines}
    sums = figures(case, run)
    assert sums.energy_cost == pytest.approx(1000 - 120 + 32 - 11)
    assert hourly_cost(case, run).tolist() == pytest.approx([800 + 35.2, 200 - 120 - 11])
    assert energy_cost(case, run).tolist() == pytest.approx([800 + 35.2, 200])
    assert (sums.demand_cost, sums.fixed_cost, sums.tax_cost) == pytest.approx((3000, 310 * 2 / 744, 303.2))
    assert sums.cost == pytest.approx(money.total)


def test_a_tariff_alone() -> None:
    """Proves: without a spot price the tariff's energy charge is all that energy costs; there is no line of spot."""
    tariff = {"energy": [{"name": "day", "rates": [{"per_mwh": 90.0}]}]}
    alone = site(market={"tariff": tariff, "price_per_mwh": None})
    money = bill(alone, flows(alone, import_mw=[8, 2]), 0.0)
    assert [(line.name, line.amount) for line in money.lines] == [("day", 900.0)]
    taxed = site(market={"tariff": {**tariff, "taxes": [{"name": "vat", "share": 0.1}]}, "price_per_mwh": None})
    assert energy_cost(taxed, flows(taxed, import_mw=[8, 2])).tolist() == pytest.approx([792, 198])
    assert hourly_cost(taxed, flows(taxed, import_mw=[8, 2])).tolist() == pytest.approx([792, 198])
    assert import_price(taxed).tolist() == pytest.approx([99, 99])
    both = site(market={"tariff": tariff, "price_per_mwh": 7.0})
    assert import_price(both).tolist() == [97, 97]


def test_blocks_of_energy_begin_with_the_month() -> None:
    """Proves: of 8 MWh in a month that has had 148, 2 lie below the block of 150 at 9 and 6 in that of 4; 2 MWh of the
    next month are at 9. Sensitivity: blocks filled by the month before, or from nothing in the first."""
    tariff = {"energy": [{"name": "blocks", "rates": [{"per_mwh": 9.0}, {"per_mwh": 4.0, "above_mwh": 150.0}]}]}
    case = site(
        market={"tariff": tariff, "price_per_mwh": None, "tariff_before": {"energy_mwh": 148.0}},
        horizon={"start": "2026-01-31T23:00Z", "length_h": 2, "step_min": 60},
    )
    run = flows(case, import_mw=[8, 2])
    assert energy_cost(case, run).tolist() == pytest.approx([2 * 9 + 6 * 4, 2 * 9])
    assert bill(case, run, 0.0).total == pytest.approx(60)


STEPS = st.lists(st.floats(0, 50), min_size=4, max_size=4)


@given(grid=st.tuples(STEPS, STEPS, STEPS), fuel=STEPS, sold=STEPS, covers=st.sampled_from(["all", "direct"]))
def test_the_lines_add_up_whatever_flows(
    grid: tuple[list[float], ...], fuel: list[float], sold: list[float], covers: str
) -> None:
    """Proves: each line is quantity times rate, the total is the lines and the parts of the figures, to 1e-9; assets
    cost what their accounts say.

    Sensitivity: a kind of line that no part of the figures holds fails."""
    market: dict[str, Any] = {
        "export_price_per_mwh": 40.0,
        "tariff": TARIFF,
        "carbon_price": {"per_t": 70.0, "covers": covers, "free_share": 0.1},
        "imbalance": {"short_spread_per_mwh": 30.0, "long_price_per_mwh": 5.0},
        "contracts": [
            {"kind": "base_block", "name": "base", "mw": 12.0, "price_per_mwh": 80.0, "unused_spread_per_mwh": 4.0},
            {"kind": "ppa", "name": "wind", "share": 0.2, "price_per_mwh": 70.0},
            {"kind": "guarantees", "name": "hydro", "mwh": 5.0, "price_per_mwh": 2.0},
        ],
    }
    case = site(
        GAS, {**ENGINE, "cost_per_unit": 9.0, "start_cost": 150.0, "stop_cost": 20.0},
        {"kind": "sale", "name": "steam sold", "carrier": "steam", "price_per_unit": 25.0},
        hours=4, market=market,
    )  # fmt: skip
    moves = {("gas", ""): fuel, ("engine", "main"): fuel, ("steam sold", ""): [-amount for amount in sold]}
    on = {"engine": [float(amount > 20) for amount in fuel]}
    imported, exported, nominated = grid
    run = flows(case, moves, on, import_mw=imported, export_mw=exported)
    planned = flows(case, moves, on, import_mw=nominated)
    sums = figures(case, run, nominated=planned)
    money = bill(case, run, sums.direct_kg, planned)
    close: dict[str, Any] = {"rel": 1e-9, "abs": 1e-9 * (1 + sum(abs(line.amount) for line in money.lines))}
    for line in money.lines:
        assert line.quantity * line.rate == pytest.approx(line.amount, **close)
    assert money.total == pytest.approx(np.sum([line.amount for line in money.lines]), **close)
    parts = (
        sums.energy_cost, sums.demand_cost, sums.fixed_cost, sums.tax_cost, sums.imbalance_cost, sums.fuel_cost,
        -sums.sales, sums.upkeep_cost, sums.carbon_cost,
    )  # fmt: skip
    assert sum(parts) == pytest.approx(money.total, **close) == sums.cost
    of_assets = money.of("fuel", "sale", "flare", "wear", "running", "start", "stop")
    assert of_assets == pytest.approx(sum(a.totals["cost"] for a in accounts(case, run)), **close)
