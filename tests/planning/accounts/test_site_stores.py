"""Stores of the site: what a plan leaves in them is no saving, by hand on small sites."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

import pytest
from hubs import hub
from works import STORES, TRUCKS, works

from emberline import twin
from emberline.planning import Plan
from emberline.planning.accounts.figures import comparable
from emberline.planning.accounts.site_stores import ending_no_lower, levels, site_stores
from emberline.planning.accounts.sums import figures
from emberline.planning.answer import figure_table
from emberline.planning.plan.record import violations
from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.text import wording
from emberline.scenarios import Case

ELECTROLYSER = {
    "kind": "electrolyser", "name": "electrolyser", "electric_mw": 50.0, "hydrogen": "hydrogen", "kwh_per_kg": 52.0,
    "min_load": 1.0, "min_up_h": 8.0, "min_down_h": 2.0,
}  # fmt: skip
TANK = {
    "kind": "storage",
    "name": "tank",
    "carrier": "hydrogen",
    "capacity": 20.0,
    "level_share": 0.5,
    "both_ways": True,
}
USERS = {"kind": "load", "name": "users", "carrier": "hydrogen", "rate": 0.45}


def hydrogen(tank: dict[str, Any] | None = None, **remaining: Any) -> Case:
    """A tank between an electrolyser that is on or off and its users, one price and one intensity."""
    return hub(
        ELECTROLYSER, TANK | (tank or {}), USERS, hours=24, price=50.0, carriers="", intensity=300.0,
        more=[{"name": "hydrogen", "unit": "t"}], **remaining,
    )  # fmt: skip


@cache
def hydrogen_plan() -> Plan:
    """A plan of it. Not to be changed."""
    return make_plan(hydrogen(), PLAIN)


def test_an_emptied_tank_is_no_saving() -> None:
    """Proves: the baseline's machine runs 15 h and leaves 13.62 t, 10 t are asked for: a plan of 12 h would
    spend a fifth less. It leaves no less than the baseline, and saves nothing.

    Sensitivity: the level that the scenario asks for as the only limit saves 7,500 EUR and 45 t."""
    assert hydrogen_plan().acceptable
    assert hydrogen_plan().baseline_figures.levels["tank"] == pytest.approx(10 + 15 * 50 / 52 - 24 * 0.45)
    process = hydrogen_plan().replay_figures
    assert process is not None
    assert process.levels["tank"] >= hydrogen_plan().baseline_figures.levels["tank"] - 1e-6
    # what is proven is said of such plans only
    assert hydrogen_plan().no_lower == pytest.approx({"tank": hydrogen_plan().baseline_figures.levels["tank"]})
    assert "the bound is for plans that end with at least tank 13.6 t" in wording.status(hydrogen_plan())
    saved = hydrogen_plan().saved()
    for name in ("carbon_kg", "cost"):
        assert saved[name] <= 1e-3 * getattr(hydrogen_plan().baseline_figures, name)


def test_a_unit_is_worth_what_it_took() -> None:
    """Proves: a tonne of hydrogen took 52 MWh at 50 EUR and 300 kg; filling at 80 % takes a quarter more. A plan with
    2 t less is charged for them, the rows add up to what is saved, and the words say less.

    Sensitivity: a difference that is not valued saves 5,200 EUR."""
    sums = hydrogen_plan().baseline_figures
    assert sums.level_cost_per_unit == pytest.approx({"tank": 52 * 50})
    assert sums.level_kg_per_unit == pytest.approx({"tank": 52 * 300})
    lossy = hydrogen({"in_efficiency": 0.8, "level_share": 0.2})
    run = twin.replay(lossy, twin.dispatch(lossy))
    assert figures(lossy, run).level_cost_per_unit == pytest.approx({"tank": 52 * 50 / 0.8})

    process = hydrogen_plan().replay_figures
    assert process is not None
    changed = dataclasses.replace(
        process, levels={"tank": sums.levels["tank"] - 2}, cost=sums.cost - 5200, carbon_kg=sums.carbon_kg - 31_200
    )
    less = dataclasses.replace(hydrogen_plan(), replay_figures=changed)
    saved = less.saved()
    assert saved["cost"] == pytest.approx(0)
    assert saved["carbon_kg"] == pytest.approx(0)
    assert (saved["stock_cost"], saved["stock_carbon_kg"]) == pytest.approx((-5200, -31_200))
    assert less.summary()["stock"]["site_stores"]["tank"] == pytest.approx(
        {"start": 10, "end": sums.levels["tank"] - 2, "baseline_end": sums.levels["tank"], "kg_per_unit": 15_600,
         "cost_per_unit": 2600, "unit": "t"}
    )  # fmt: skip
    rows = {row.label: row for row in figure_table.figure_totals(less.baseline_figures, less.replay_figures)}
    assert rows["cost"].saved == pytest.approx(5200)
    assert rows["cost, stock credited"].saved == pytest.approx(0)
    text = dict(wording.outcomes(less))["stock"]
    assert text.startswith(
        "at the end, compared with the baseline: tank 2.0 t less; this changes the saving by −31.20 t CO2e and "
        "−5\u202f200 EUR"
    )
    more = dataclasses.replace(less, replay_figures=dataclasses.replace(changed, levels={"tank": 15.0}))
    assert "tank 1.4 t more" in dict(wording.outcomes(more))["stock"]


def test_heat_of_an_engine_takes_the_fuel_less_the_electricity_that_it_replaces() -> None:
    """Proves: an engine with 40 % power and 45 % heat from gas at 30 EUR and 200 kg, with a grid at 50 EUR and 300
    kg: a MWh of heat takes (30 − 0.4 × 50) / 0.45 EUR and (200 − 0.4 × 300) / 0.45 kg.

    Sensitivity: outputs that share the fuel by energy credit 35 EUR for what took 22, so that running on pays."""
    engine = {
        "kind": "chp", "name": "engine", "electric_mw": 8.0, "fuel": "gas", "heat": "heat", "electric_efficiency": 0.4,
        "heat_efficiency": 0.45,
    }  # fmt: skip
    gas = {"kind": "supply", "name": "gas", "carrier": "gas", "price_per_unit": 30.0, "fossil_kg_per_unit": 200.0}
    store = {"kind": "storage", "name": "buffer", "carrier": "heat", "capacity": 40.0, "level_share": 0.2}
    case = hub(
        gas, engine | {"min_load": 1.0, "min_up_h": 3.0}, store, {"kind": "load", "name": "users", "carrier": "heat",
        "rate": 4.0}, hours=8, price=50.0, intensity=300.0, base=20.0,
    )  # fmt: skip
    sums = figures(case, twin.replay(case, twin.dispatch(case)))
    assert sums.level_cost_per_unit["buffer"] == pytest.approx((30 - 0.4 * 50) / 0.45)
    assert sums.level_kg_per_unit["buffer"] == pytest.approx((200 - 0.4 * 300) / 0.45)


def test_the_battery_counts_like_every_store() -> None:
    """Proves: what nothing fills counts at the mean of its carrier, by the efficiency of charging: 100 EUR / 0.8.

    Sensitivity: a battery that is only emptied without any worth."""
    battery = {
        "energy_mwh": 10.0,
        "power_mw": 5.0,
        "level_share": 0.8,
        "end_level_share": 0.2,
        "charge_efficiency": 0.8,
    }
    case = hub(hours=4, price=100.0, base=3.0, battery=battery)
    sums = figures(case, twin.replay(case, twin.dispatch(case)))
    assert sums.level_cost_per_unit == pytest.approx({"battery": 125})
    (store,) = site_stores(case)
    assert (store.start, store.end, store.unit) == (8.0, 2.0, "MWh")


def test_a_baseline_that_misses_an_end_level_is_compared() -> None:
    """Proves: with a site, with a line, with processes alike, an end level that the baseline misses is valued and
    reported as stock, and so is a saving. Sensitivity: no saving with a site, a saving with processes."""
    tank = {"level_share": 0.3, "end_level_share": 0.9, "capacity": 60.0}
    scenario = hydrogen(tank)
    run = twin.replay(scenario, twin.dispatch(scenario))
    assert [row["kind"] for row in violations(run)] == ["level"]
    sums = figures(scenario, run)
    assert sums.unserved == 0
    assert comparable(sums, dataclasses.replace(sums, levels={"tank": 50.0}))


def test_where_only_a_lower_level_keeps_a_cap_it_may_end_lower_and_is_charged() -> None:
    """Proves: a cap on carbon that forbids the baseline's level is kept with the level that the scenario asks for, and
    the difference is charged. Sensitivity: no plan, though the scenario has one."""
    scenario = hydrogen(caps={"extra_cost_share": None, "carbon_kg": 200_000.0})
    capped = make_plan(scenario, PLAIN)
    assert capped.acceptable
    assert capped.stock is not None
    assert capped.stock.levels["tank"] < -1
    assert capped.no_lower == {}
    assert "the bound is for plans" not in wording.status(capped)
    assert capped.saved()["cost"] == pytest.approx(0, abs=1)


def test_only_what_lies_above_what_is_asked_is_raised() -> None:
    """Proves: the level is raised to the lowest that the runs leave, and nothing where they end as asked.

    Sensitivity: a scenario that is always another one makes every search begin afresh."""
    scenario = hydrogen()
    run = hydrogen_plan().baseline
    raised = ending_no_lower(scenario, run)
    assert raised.site.stores["tank"].end_level == pytest.approx(levels(scenario, run)["tank"])
    assert scenario.site.stores["tank"].end_level == 10
    full = run.assign(asset_level=run["asset_level"] * 0 + 10.0)
    assert ending_no_lower(scenario, run, full) is scenario


def test_what_is_thrown_away_is_reported() -> None:
    """Proves: waste heat that nobody takes is reported next to the baseline's; where nothing may be vented there is
    no such line. Sensitivity: tonnes thrown away without a word."""
    source = {"kind": "source", "name": "furnace", "carrier": "heat", "rate": 5.0}
    load = {"kind": "load", "name": "users", "carrier": "heat", "rate": 3.0}
    waste = make_plan(hub(source, load, carriers="gas", more=[{"name": "heat", "waste": True}]), PLAIN)
    assert waste.replay_figures is not None
    assert waste.replay_figures.dumped == pytest.approx({"heat": 8.0})
    assert dict(wording.outcomes(waste))["discarded"] == "surplus without a use: heat 8.0 MWh (baseline 8.0)"
    assert "discarded" not in dict(wording.outcomes(hydrogen_plan()))


def test_stores_of_the_site_and_of_material_are_apart() -> None:
    """Proves: a store of material and a tank of the same name are valued each by its own. Sensitivity: one table."""
    tank = {"kind": "storage", "name": "clinker", "carrier": "steam", "capacity": 10.0, "level_share": 0.5}
    case = works(stores=STORES, deliveries=[TRUCKS], site={"assets": [
        {"kind": "supply", "name": "yard", "carrier": "coal", "price_per_unit": 10.0}, tank,
    ]})  # fmt: skip
    sums = figures(case, twin.replay(case, twin.dispatch(case)))
    assert sums.levels == pytest.approx({"clinker": 5.0})
    assert sums.stock["clinker"] > 100


def test_levels_that_differ_by_rounding_are_the_same() -> None:
    """Proves: a difference of a millionth of a level is none, so that no row and no words tell of it.

    Sensitivity: "0.000 t less" in a store of thousands of tonnes."""
    process, sums = hydrogen_plan().replay_figures, hydrogen_plan().baseline_figures
    assert process is not None
    level = sums.levels["tank"]
    close = dataclasses.replace(
        hydrogen_plan(), replay_figures=dataclasses.replace(process, levels={"tank": level * (1 - 5e-8)})
    )
    assert close.stock is not None
    assert not close.stock.any
    assert "stock" not in dict(wording.outcomes(close))
    assert "cost, stock credited" not in [row.label for row in figure_table.figure_totals(sums, close.replay_figures)]
