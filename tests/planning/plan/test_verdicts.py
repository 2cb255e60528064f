"""What a plan is said to be worth: lateness, disturbed days, what is to be expected, a month's charge on a day."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import planned
import pytest
from shops import edited, one_machine

from emberline import twin
from emberline.planning import Plan, follow
from emberline.planning.accounts.bill import bill
from emberline.planning.accounts.ledger import ledger
from emberline.planning.accounts.sums import figures
from emberline.planning.answer import answer
from emberline.planning.answer.wording import amount
from emberline.planning.plan import pipeline
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.replays import Replays
from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.exports import export
from emberline.reports.text import wording
from emberline.runs.store.store import Store
from emberline.scenarios import Case
from emberline.scenarios.case.market import Market

BOILER = [
    {"kind": "supply", "name": "grid gas", "carrier": "gas", "price_per_unit": 40.0},
    {"kind": "boiler", "name": "boiler", "fuel": "gas", "heat": "steam", "heat_mw": 5.0, "efficiency": 0.9},
    {"kind": "load", "name": "users", "carrier": "steam", "rate": 1.0},
]
SPREAD = {"replications": 4, "duration_spread": 0.05, "seed": 3}


@cache
def rough() -> Plan:
    """A plan on disturbed days. Not to be changed."""
    return make_plan(planned.shop(disturbances=SPREAD, goal={"gap": 0.3}), PLAIN)


def test_the_least_lateness_is_acceptable() -> None:
    """Proves: two jobs of 2 h on one machine, both due after 3 h: one is late by 1 h whatever is done. A plan of an
    earlier release for the goal lateness is accepted and says so; nothing is said of disturbed days, in which it could
    not hold. With another goal the same lateness is a violation.

    Sensitivity: what was asked for is called not acceptable."""
    orders = [{"name": name, "heats": [{"grade": "G", "count": 1}]} for name in "AB"]
    late = [order | {"due": "3 h"} for order in orders]
    free, case = (
        planned.shop(line=one_machine(minutes=120), orders=rows, goal={"minimize": "lateness"}, disturbances=SPREAD)
        for rows in (orders, late)
    )
    followed = follow(case, schedule=twin.dispatch(free))
    assert followed.objective == pytest.approx(60)
    result = dataclasses.replace(followed, bound=60.0)
    assert result.acceptable
    assert result.verdict == "Feasible, and the twin agrees. Late: 1 heat(s), 60 min in all; no schedule is less late."
    assert result.successes is None
    unproven = dataclasses.replace(result, bound=0.0)
    assert unproven.verdict.endswith("Late: 1 heat(s), 60 min in all; the least that was found.")
    other = case.model_copy(update={"goal": case.goal.model_copy(update={"minimize": "cost"})})
    assert not dataclasses.replace(result, scenario=other.with_inputs(case.inputs)).acceptable


def test_nothing_is_said_of_disturbed_days_where_nothing_is_disturbed(tmp_path: Path) -> None:
    """Proves: without spreads and breakdowns neither verdict nor summary, words, report or a stored run of an earlier
    release say that a plan held. Sensitivity: 2 of 2 days, and a median that is P10 and P90."""
    result = planned.full_plan()
    assert not result.scenario.disturbed
    assert "held" not in result.verdict
    assert result.successes is None
    assert result.summary()["replays"] == {"n": 0, "held": None, "quantiles": {}}
    assert result.summary()["expected"] == {}
    first = answer(result)
    assert first is not None
    assert first.headline.holding is None
    assert first.headline.average is not None
    assert first.headline.average.p10 is None
    store = Store(tmp_path / "home")
    calm = rough().replays
    assert calm is not None
    with store.working(result.scenario) as run:
        # as an earlier release kept it
        store.save(run, dataclasses.replace(result, replays=Replays(calm.n, calm.n, calm.data)))
    stored = store.open(run)
    assert stored.plan.successes is None
    page = export(stored, "html", tmp_path / "plan.html").read_text(encoding="utf-8")
    assert "disturbed replays" not in page
    assert "disturbed days" not in page


def test_the_expected_saving_stands_next_to_the_undisturbed(tmp_path: Path) -> None:
    """Proves: the headline is the median of the differences of plan and baseline, replay by replay, with P10 and P90;
    in words, in JSON, in the report. Sensitivity: the difference of medians, or the undisturbed saving alone."""
    result = rough()
    assert result.replays is not None
    data = result.replays.data
    for name in ("carbon_kg", "cost"):
        each = data[f"baseline_{name}"].to_numpy() - data[name].to_numpy()
        expected = result.expected()[name]
        assert [expected[q] for q in ("p10", "p50", "p90")] == pytest.approx(
            np.quantile(each, (0.1, 0.5, 0.9)).tolist()
        )
        assert expected["share"] == pytest.approx(float(np.median(each) / np.median(data[f"baseline_{name}"])))
    first = answer(result)
    assert first is not None
    middle, plain = (amount(kg / 1000) for kg in (result.expected()["carbon_kg"]["p50"], result.saved()["carbon_kg"]))
    assert first.says.startswith(f"Saves {middle} t CO2e as printed (")
    carbon = next(tile for tile in first.tiles if tile.name == "average")
    assert carbon.value.startswith(f"{middle} t CO2e less (")
    low, high = (amount(result.expected()["carbon_kg"][q] / 1000) for q in ("p10", "p90"))
    # ends that are written alike are no range
    assert low == high == plain
    assert carbon.note.endswith(" t CO2e")
    store = Store(tmp_path / "home")
    with store.working(result.scenario) as run:
        store.save(run, result)
    assert json.loads((store.path(run) / "plan.json").read_text())["summary"]["expected"] == result.expected()
    page = export(store.open(run), "html", tmp_path / "plan.html").read_text(encoding="utf-8")
    assert carbon.note in page


def test_the_headline_adds_up_from_the_stored_datasets(tmp_path: Path) -> None:
    """Proves: saved carbon and cost of a stored run are those that its own datasets give, by bill and ledger, and so is
    what is to be expected. Sensitivity: figures that are kept and not those of what is kept."""
    store = Store(tmp_path / "home")
    with store.working(rough().scenario) as run:
        store.save(run, rough())
    stored = store.open(run).plan
    assert stored.replay is not None
    assert stored.replays is not None
    scenario, total = stored.scenario, {}
    for name, data in (("baseline", stored.baseline), ("plan", stored.replay)):
        book = ledger(scenario, data)
        kg = book.total_kg(scenario.goal.signal)
        assert kg is not None
        nominated = stored.schedule if name == "plan" else None
        total[name] = (kg, bill(scenario, data, book.direct_kg, nominated).total)
        again = figures(scenario, data, nominated=nominated)
        assert (again.carbon_kg, again.cost) == pytest.approx(total[name])
    saved = stored.saved()
    stock = saved.get("stock_carbon_kg", 0.0), saved.get("stock_cost", 0.0)
    for i, name in enumerate(("carbon_kg", "cost")):
        assert saved[name] == pytest.approx(total["baseline"][i] - total["plan"][i] + stock[i])
        data = stored.replays.data
        each = data[f"baseline_{name}"] - data[name]
        more = data.get(f"more_{name}", 0.0)
        assert stored.expected()[name]["p50"] == pytest.approx(float((each + more).median()))


def test_a_months_demand_charge_is_distinguished() -> None:
    """Proves: what of the saving is a month's charge on the peak, and what is saved without it; a daily charge counts
    for the day and needs no words. Sensitivity: 95 % saved in a day."""
    result, rate = planned.full_plan(), {"name": "grid", "rates": [{"per_mw": 110_000.0}]}
    sums = dataclasses.replace(result.baseline_figures, demand_cost=4000.0, cost=5000.0)
    process = result.replay_figures
    assert process is not None
    less = dataclasses.replace(process, demand_cost=3000.0, cost=3990.0)
    scenario = result.scenario.model_copy(update={"market": _market(rate)})
    changed = dataclasses.replace(
        result, scenario=scenario, baseline_figures=sums, replay_figures=less, schedule_figures=less
    )
    saved = changed.saved()
    assert (saved["demand_cost"], saved["cost_without_demand"]) == pytest.approx((1000, 10))
    assert saved["cost_without_demand_share"] == pytest.approx(10 / (sums.cost - sums.demand_cost))
    first = answer(changed)
    assert first is not None
    assert "It saves 1\u202f010 EUR undisturbed (" in first.says
    assert "in full: 1\u202f000 EUR less if no other day peaks higher. All other costs: 10 EUR less." in first.says
    daily = scenario.model_copy(update={"market": _market(rate | {"assessed": "daily"})})
    by_day = answer(dataclasses.replace(changed, scenario=daily))
    assert by_day is not None
    assert by_day.headline.demand is None


def _market(rate: dict[str, Any]) -> Market:
    tariff = {"currency": "EUR", "demand": [rate]}
    return Market.model_validate({"price_per_mwh": 50.0, "carbon_intensity_kg_per_mwh": 400.0, "tariff": tariff})


def late_ladle(request: Case, envelope: Any, start: Any, **how: Any) -> Any:
    """A search whose heat waits for five hours where one is allowed, and calls it proven."""
    proven = {"found": 1, "status": "within gap", "objective": 1.0, "bound": 1.0, "gap": 0.0, "constant": 0.0}
    return edited(start, "A-1", "ladle", 300.0).assign_attrs(proven | {"policy": "schedule"})


LATE = pipeline.Search(optimize=late_ladle, end_levels=False)


def test_a_refused_schedule_gives_way_to_the_baseline() -> None:
    """Proves: where the twin refuses what the search found and the baseline keeps all limits, the baseline is the plan,
    nothing is proven, and the reason is said.

    Sensitivity: the search's bound kept says "proven" of a plan that it is not."""
    baseline = Baseline.of(planned.shop(disturbances={"replications": 0}))
    result = make_plan(baseline.scenario, PLAIN, baseline=baseline, search=LATE)
    assert result.acceptable
    assert (result.objective, result.bound, result.gap) == (None, None, None)
    assert result.schedule is not None
    assert result.schedule["start_min"].equals(baseline.schedule["start_min"])
    assert "the twin refused" in result.verdict
    first = answer(result)
    assert first is not None
    assert "proven" not in first.says


def test_nothing_is_praised_of_a_plan_that_cannot_be_carried_out() -> None:
    """Proves: where neither the schedule nor the baseline keeps the limits, there is no headline, and the status says
    nothing of a bound.

    Sensitivity: "saves", "better" or "proven" above a verdict that refuses the plan."""
    caps = {"peak_mw": 1.0, "extra_cost_share": None}
    baseline = Baseline.of(planned.shop(disturbances={"replications": 0}, goal={"caps": caps}))
    result = make_plan(baseline.scenario, PLAIN, baseline=baseline, search=LATE)
    assert not result.acceptable
    assert answer(result) is None
    assert wording.status(result) == "the schedule cannot be carried out"
