"""Water as a metric: factors on assets and processes, as the goal, below a cap, in figures and in its ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from works import KILN, MILL, works

from emberline import scenarios
from emberline.planning import Plan
from emberline.planning.accounts import emissions
from emberline.planning.planner import PLAIN, make_plan
from emberline.runs.store import fronts
from emberline.scenarios import Case
from emberline.scenarios.goal_metrics import in_use
from emberline.scenarios.records.base import ScenarioError
from emberline.studies.pareto import axes, pareto
from emberline.studies.rolling.budgets import goal_by_step

HOURS, HEAT_MW = 4, 3.0


def site(**goal: Any) -> Case:
    """3 MW of heat for 4 h: a gas boiler draws 2 m3 for each MWh and costs 50 EUR, an electric one none and 80 EUR."""
    document = {
        "name": "steam",
        "horizon": {"start": "2026-03-10T00:00+00:00", "length_h": HOURS, "step_min": 60},
        "market": {"price_per_mwh": 80, "carbon_intensity_kg_per_mwh": 100, "currency": "EUR"},
        "site": {
            "carriers": [{"name": "gas"}, {"name": "heat"}],
            "assets": [
                {"kind": "supply", "name": "gas grid", "carrier": "gas", "price_per_unit": 50,
                 "fossil_kg_per_unit": 200},
                {"kind": "boiler", "name": "gas boiler", "fuel": "gas", "heat": "heat", "heat_mw": 5, "efficiency": 1,
                 "water_m3_per_unit": 2},
                {"kind": "boiler", "name": "electric boiler", "fuel": "electricity", "heat": "heat", "heat_mw": 5,
                 "efficiency": 1},
                {"kind": "load", "name": "users", "carrier": "heat", "rate": HEAT_MW},
            ],
        },
        "goal": {"minimize": "cost", "gap": 0, "caps": {"extra_cost_share": None}, **goal},
    }  # fmt: skip
    return scenarios.loads(json.dumps(document), "steam", [])


def water(subject: Plan) -> float:
    """Water of the replay [m3]; the ledger and its steps add up to it."""
    assert subject.replay is not None
    assert subject.replay_figures is not None
    book = list(emissions.entries(subject.scenario, subject.replay, "water"))
    assert sum(entry.amount for entry in book) == pytest.approx(subject.replay_figures.water_m3)
    assert [entry.activity * entry.factor for entry in book] == pytest.approx([entry.amount for entry in book])
    by_step = emissions.by_step(subject.scenario, subject.replay, "water")
    assert by_step.sum() == pytest.approx(subject.replay_figures.water_m3)
    return subject.replay_figures.water_m3


def test_the_cheapest_draws_most_and_the_goal_draws_none() -> None:
    """Proves: least cost burns gas (600 EUR, 24 m3), least water takes power (960 EUR, 0 m3). Sensitivity: without the
    factor in the objective both are the same plan."""
    cheap, dry = make_plan(site(), PLAIN), make_plan(site(minimize="water"), PLAIN)
    assert water(cheap) == pytest.approx(2 * HEAT_MW * HOURS)
    assert water(dry) == pytest.approx(0, abs=1e-6)
    assert cheap.replay_figures is not None
    assert dry.replay_figures is not None
    assert cheap.replay_figures.cost == pytest.approx(600)
    assert dry.replay_figures.cost == pytest.approx(960)
    assert dry.objective == pytest.approx(0, abs=1e-6)
    assert dry.acceptable
    assert dry.saved()["water_m3"] == pytest.approx(water(dry) * -1 + dry.baseline_figures.water_m3)
    assert goal_by_step(dry.scenario, dry.replay) == pytest.approx(np.zeros(HOURS), abs=1e-6)  # type: ignore[arg-type]


def test_a_cap_is_kept_at_least_cost() -> None:
    """Proves: below 10 m3 gas makes 5 MWh of the 12, power the rest: 810 EUR. Sensitivity: a cap that is not stated."""
    subject = make_plan(site(caps={"extra_cost_share": None, "water_m3": 10}), PLAIN)
    assert water(subject) == pytest.approx(10)
    assert subject.replay_figures is not None
    assert subject.replay_figures.cost == pytest.approx(5 * 50 + 7 * 80)


def test_water_is_traded_against_cost(tmp_path: Path) -> None:
    """Proves: a cubic metre less costs 15 EUR between 0 and 24 m3, as difference and as shadow price; the front is
    stored with its axis. Sensitivity: caps or prices of carbon in place of those of water."""
    front = pareto(site(), 4, metric="water")
    assert not front.failed
    data = front.data
    assert data["water_m3"].values == pytest.approx([0, 8, 16, 24], abs=1e-6)
    assert data["cost"].values == pytest.approx([960, 840, 720, 600])
    assert data["water_cap_m3"].values[:-1] == pytest.approx([0, 8, 16], abs=1e-6)
    assert data["difference_per_m3"].values[:-1] == pytest.approx(15)
    assert data["dual_per_m3"].values == pytest.approx(15)
    assert data["dual_per_m3"].attrs["units"] == "EUR/m3"
    back = fronts.read(fronts.save(front, tmp_path).id, tmp_path).front
    assert back.metric == "water"
    assert back.summary() == front.summary()


def test_only_what_a_scenario_counts_is_an_axis() -> None:
    """Proves: without factors there is no front of water, and it is said. Sensitivity: a front of zeros."""
    dry = scenarios.load("melt-shop-small")
    assert axes(dry) == ("carbon",)
    with pytest.raises(ScenarioError, match="no front of water: this scenario has carbon to trade against cost"):
        pareto(dry, 3, metric="water")


def test_a_front_of_the_release_before_opens(tmp_path: Path) -> None:
    """Proves: a front that was stored without metric and water is one of carbon. Sensitivity: it is called torn."""
    front = pareto(site(), 2)
    stored = fronts.save(front, tmp_path)
    meta = json.loads((stored.folder / "front.json").read_text())
    del meta["summary"]["metric"], meta["summary"]["baseline"]["water_m3"]
    (stored.folder / "front.json").write_text(json.dumps(meta))
    back = fronts.read(stored.id, tmp_path).front
    assert back.metric == "carbon"
    assert back.data.equals(front.data)
    assert fronts.headlines(1, tmp_path)[stored.id]["metric"] == "carbon"


def test_processes_draw_by_the_tonne() -> None:
    """Proves: a kiln's water is its tonnes times its factor, in model and ledger. Sensitivity: a mode left out."""
    dry, wet = works(), works(KILN | {"water_m3_per_t": 0.5}, MILL)
    assert "water" not in in_use(dry)
    subject = make_plan(wet, PLAIN)
    assert subject.has_schedule, subject.reason
    assert subject.replay is not None
    units = [unit for unit, owner in wet.process_units if owner.name == KILN["name"]]
    tonnes = float(subject.replay["process_tph"].sel(process=units).sum()) * wet.horizon.step_h
    assert tonnes > 0
    assert water(subject) == pytest.approx(0.5 * tonnes)


def test_nothing_changes_without_factors() -> None:
    """Proves: a scenario that gives no factor has the metrics of before. Sensitivity: a row that every model states."""
    assert in_use(scenarios.load("works-hub-year", ["goal.caps.other_signal=off"])) == (
        "carbon",
        "cost",
        "cost_with_carbon_price",
    )
