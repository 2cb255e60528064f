"""Making less is no saving: what is left in stock is valued, by hand, and runs that deliver less are not compared."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from works import COAL, KILN, MILL, STORES, TRUCKS, as_run, compared, trajectory, works

from emberline.planning.accounts import bill
from emberline.planning.accounts.bill import energy_cost
from emberline.planning.accounts.figures import Figures, comparable
from emberline.planning.accounts.stock import difference, shortfall
from emberline.planning.accounts.sums import figures
from emberline.planning.answer import headline

FULL = [("kiln", 100.0), ("kiln", 100.0)]
LESS = [("kiln", 100.0), ("kiln", 50.0)]
SECOND = [("", 0.0), ("mill", 100.0)]
IDLE = [("", 0.0), ("", 0.0)]
PRICED = {"carbon_price": {"per_t": 50.0, "covers": "direct"}}


def test_a_tonne_is_worth_what_it_took() -> None:
    """Proves: clinker took 815 kg/t, and 10 of coal, 5 of power and 40 of carbon price on 800 kg, 55 EUR/t; cement 0.8
    of that and 12 kg, 4 EUR. Stock and tonnes are those of the run.

    Sensitivity: base load in the price, carbon price on scope 2 which the scheme does not cover, opening stock free."""
    case = works(market=PRICED)
    sums = figures(case, trajectory(case, {"kiln": FULL, "mill": SECOND}))
    assert sums.stock_kg_per_t == pytest.approx({"clinker": 815, "cement": 664})
    assert sums.stock_cost_per_t == pytest.approx({"clinker": 55, "cement": 48})
    assert sums.stock_mwh_per_t == pytest.approx({"clinker": 0.05, "cement": 0.08})
    assert sums.stock == pytest.approx({"clinker": 520, "cement": 240})
    assert sums.delivered == {"trucks": 60}
    assert sums.tonnes == 60
    assert sums.energy_mwh == pytest.approx(10 + 4 + 2)


def test_who_makes_less_has_less_in_stock() -> None:
    """Proves: a plan that makes 50 t of clinker less saves nothing: its 40.75 t CO2e and 2,750 EUR less are the stock
    that is missing. One that does the same with dearer power loses just that.

    Sensitivity: a saving of 40.75 t, the credit with the wrong sign of 81.5 t."""
    case = works(market=PRICED)
    baseline = trajectory(case, {"kiln": FULL, "mill": SECOND})
    result = compared(case, baseline, trajectory(case, {"kiln": LESS, "mill": SECOND}))
    assert result.comparable
    assert result.replay_figures is not None
    assert result.baseline_figures.carbon_kg - result.replay_figures.carbon_kg == pytest.approx(50 * 815)
    saved = result.saved()
    assert saved["carbon_kg"] == pytest.approx(0, abs=1e-9)
    assert saved["cost"] == pytest.approx(0, abs=1e-9)
    assert saved["stock_carbon_kg"] == pytest.approx(-40_750)
    assert saved["stock_cost"] == pytest.approx(-2_750)
    first = headline(result)
    assert first is not None
    assert first.per_tonne is not None
    assert first.per_tonne.kwh == pytest.approx(first.per_tonne.baseline_kwh)
    assert saved["peak_mw"] == pytest.approx(2.5)
    back = compared(case, trajectory(case, {"kiln": LESS, "mill": SECOND}), baseline).saved()
    assert back["carbon_kg"] == pytest.approx(0, abs=1e-9)
    assert back["stock_carbon_kg"] == pytest.approx(40_750)

    waste = compared(case, baseline, trajectory(case, {"kiln": FULL, "mill": SECOND}, extra_mw={"mill": [1.0, 0]}))
    assert waste.saved()["carbon_kg"] == pytest.approx(-300)
    assert waste.saved()["stock_carbon_kg"] == 0
    text = waste.summary()
    assert text["stock"]["stores"]["clinker"] == pytest.approx(
        {"start_t": 400, "end_t": 520, "baseline_end_t": 520, "kg_per_t": 815, "cost_per_t": 55}
    )
    assert text["products"]["cement"]["kg_per_t"] == pytest.approx(667)


def test_cement_in_place_of_clinker() -> None:
    """Proves: a plan that does not grind keeps 80 t of clinker and lacks 100 t of cement: what it saves is zero.

    Sensitivity: a stock valued by tonnes alone, without what it is made of."""
    case = works()
    baseline = trajectory(case, {"kiln": FULL, "mill": SECOND})
    result = compared(case, baseline, trajectory(case, {"kiln": FULL, "mill": IDLE}))
    saved = result.saved()
    assert saved["stock_carbon_kg"] == pytest.approx(80 * 815 - 100 * 664)
    assert saved["carbon_kg"] == pytest.approx(0, abs=1e-9)


def test_what_only_the_plan_makes_is_valued_by_the_plan() -> None:
    """Proves: where the baseline grinds nothing, cement counts as the plan made it, and what neither makes is reported.

    Sensitivity: cement without worth makes the grinding plan 1,200 kg worse and 80 t of clinker poorer."""
    case = works()
    result = compared(
        case, trajectory(case, {"kiln": FULL, "mill": IDLE}), trajectory(case, {"kiln": FULL, "mill": SECOND})
    )
    assert result.saved()["carbon_kg"] == pytest.approx(0, abs=1e-9)
    idle = figures(case, trajectory(case, {"kiln": FULL, "mill": IDLE}))
    poorer = dataclasses.replace(idle, stock={**idle.stock, "cement": 100.0})
    assert difference(idle, poorer).unknown == ("cement",)


def test_only_the_same_deliveries_are_compared() -> None:
    """Proves: less by one delivery and more by another is not the same, a missed delivery is none; a millionth is, and
    so is an end level that the baseline misses, of material or of the site, which is valued.

    Sensitivity: equal sums taken for equal deliveries."""
    second = {"name": "train", "store": "cement", "amount_t": 50.0}
    case = works(deliveries=[TRUCKS, second])
    table: dict[str, Any] = {"kiln": FULL, "mill": SECOND}

    def sums(trucks: float, train: float, *result: tuple[str, str]) -> Figures:
        run = trajectory(case, table, delivered={"trucks": [trucks, 0.0], "train": [train, 0.0]})
        return figures(case, as_run(run, *result))

    full = sums(60, 50)
    assert comparable(full, sums(60 * (1 + 5e-7), 50))
    assert not comparable(full, sums(70, 40))
    assert not comparable(sums(60, 40), full)
    assert not comparable(sums(60, 50, ("delivery", "train")), full)
    assert comparable(sums(60, 50, ("level", "battery")), full)
    assert comparable(sums(60, 50, ("level", "cement")), full)
    assert sums(60, 50, ("level", "cement"), ("process", "mill")).unserved == 0


def test_disturbed_runs_are_compared_by_what_they_made() -> None:
    """Proves: 20 t less delivered and 10 t less in stock count 30 t. Sensitivity: what was not delivered left out."""
    case = works()
    table: dict[str, Any] = {"kiln": FULL, "mill": SECOND}
    before = figures(case, trajectory(case, table))
    after = figures(case, trajectory(case, table, delivered={"trucks": [30, 10]}))
    lost = dataclasses.replace(after, stock={**after.stock, "cement": 230.0})
    result = shortfall(case, before, lost)
    assert result.tonnes == pytest.approx({"clinker": 0, "cement": -30})
    assert result.carbon_kg == pytest.approx(-30 * 664)


def test_energy_of_a_tariff_by_step() -> None:
    """Proves: by step, import costs its spot price, and the tariff's energy by hour and block, levies and their taxes;
    together they are the bill's lines of that kind, the demand charge left out. Meters finer and coarser
    than a step agree.

    Sensitivity: the first block's rate for all energy, tax left out, demand charge in."""
    tariff: dict[str, Any] = {
        "currency": "EUR",
        "energy": [{"name": "net", "rates": [
            {"per_mwh": 10.0}, {"per_mwh": 6.0, "above_mwh": 12.0}, {"per_mwh": 20.0, "hours": "1-2"},
        ]}],
        "levies": [{"name": "levy", "per_mwh": 2.0}],
        "taxes": [{"name": "tax", "share": 0.1, "on": ["energy", "levy"]}],
        "demand": [{"name": "peak", "rates": [{"per_mw": 1000.0}]}],
    }  # fmt: skip
    for metered, step in ((15, 60), (60, 60), (60, 30), (15, 30)):
        grid = {"grid": {"metered_interval_min": metered}}
        case = works(market={"tariff": tariff}, site=grid, step_min=step)
        each = 60 // step
        run = trajectory(case, {"kiln": FULL[:1] * 2 * each, "mill": [("", 0.0)] * each + [("mill", 100.0)] * each})
        if step < metered:
            mean = run["import_mw"].values.reshape(-1, metered // step).mean(axis=1)
            run = run.drop_vars("meter_mw").assign(meter_mw=("meter", mean))
        lines = bill.bill(case, run, 0.0)
        by_step = energy_cost(case, run)
        assert by_step.sum() == pytest.approx(lines.of("energy") + 1.1 * lines.of("tariff energy", "levy"))
        # 6 MWh, then 10 in the dear hour, of which 4 lie above 12 MWh
        by_hour = by_step.reshape(2, each).sum(axis=1)
        assert by_hour.tolist() == pytest.approx([600 + 6 * 12 * 1.1, 1000 + (6 * 30 + 4 * 6 + 10 * 2) * 1.1])
        assert lines.of("demand") == pytest.approx(10_000)


def test_unused_coal_is_no_cost_of_a_tonne() -> None:
    """Proves: coal that is bought and vented stays with the site. Sensitivity: cost shared by tonnes made."""
    torch = {"kind": "flare", "name": "torch", "carrier": "coal", "fossil_kg_per_unit": 7.0}
    case = works(KILN, MILL, stores=STORES, site={"assets": [COAL, torch]})
    table: dict[str, Any] = {"kiln": FULL, "mill": SECOND}
    plain = figures(case, trajectory(case, table))
    moves = {("yard", ""): [100.0, 100.0], ("torch", ""): [0.0, -50.0]}
    wasted = figures(case, trajectory(case, table, moves=moves))
    assert wasted.stock_cost_per_t == pytest.approx(plain.stock_cost_per_t)
    assert wasted.carbon_kg == pytest.approx(plain.carbon_kg + 350)
