"""The search of a day and its bound against brute force, on shops with few enough schedules to try them all."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from cast_shops import CASES, schedules, search, shop
from shops import MARKET, cast, melt_shop, scenario

from emberline import models
from emberline.models.bounds import column_generation as cast_bound
from emberline.models.bounds.branch_and_bound import Bound
from emberline.models.bounds.joint_prices import JointBound
from emberline.models.kernel.highs import Program
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import LINE
from emberline.models.strategies import line as bounds
from emberline.twin import envelope, replay


@cache
def every_schedule(case: str, seed: int) -> Search:
    """A search that has been offered every schedule of a shop. Not to be changed."""
    every = search(shop(seed, **CASES[case]))
    for starts in schedules(every.problem):
        every.offer(starts)
    assert every.value is not None
    return every


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("case", CASES)
def test_bound_and_plan_against_every_schedule(case: str, seed: int) -> None:
    """Proves: no schedule lies below the bound, and the plan is the best of all. Sensitivity: a lag or a window."""
    built = shop(seed, **CASES[case])
    every = every_schedule(case, seed)
    assert every.value is not None

    proof = search(built)
    proof.best, proof.best_flows = every.best, every.best_flows
    Bound(proof).run()
    assert proof.bound is not None
    assert proof.bound <= every.value * (1 + 1e-9)
    assert proof.bound >= 0.97 * every.value

    plan = models.optimize(built, envelope(built))
    assert plan.attrs["objective"] == pytest.approx(every.value, rel=1e-9)
    assert plan.attrs["bound"] <= every.value * (1 + 1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("case", CASES)
def test_bounds_in_turn_against_every_schedule(case: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: on fine grids prices come first where they may, the relaxation after them, and neither proves too much.

    Sensitivity: the relaxation left out where prices end; a price's own bound above the best schedule.
    """
    monkeypatch.setattr(bounds, "LINE", replace(LINE, long_slots=0))
    built = shop(seed, **CASES[case])
    first: type[Any] = cast_bound.CastBound
    if cast_bound.of(search(built)) is None:
        first = JointBound
        # a felt limit: shorter lines begin with the relaxation
        monkeypatch.setattr(bounds, "LINE", replace(LINE, long_slots=0, long_heats=0))
    every = every_schedule(case, seed)
    assert every.value is not None

    proof = search(built)
    rows: list[float | None] = []
    proof.on_progress = lambda event: rows.append(event["bound"])
    result = bounds.bound_of(proof)
    result.run()
    assert [type(part) for part in result.parts] == [first, Bound]
    assert result.failure is None
    assert all(bound is not None and bound <= every.value * (1 + 1e-9) for bound in rows)
    assert rows[-1] is not None
    assert rows[-1] >= 0.97 * every.value

    plan = models.optimize(built, envelope(built))
    assert plan.attrs["objective"] == pytest.approx(every.value, rel=1e-9)
    assert plan.attrs["bound"] <= every.value * (1 + 1e-9)


def holding(line: dict[str, Any]) -> dict[str, Any]:
    """The same with a furnace that holds at 2 MW or is off (typical), and a ladle furnace that holds at 0.3 MW."""
    line = deepcopy(line)
    melting, ladle = (stage["units"][0] for stage in line["stages"][:2])
    melting["states"] = {
        "states": [{"name": "ready", "power_mw": 2.0}, {"name": "off", "power_mw": 0.0}],
        "transitions": [
            {"start": "ready", "end": "off", "duration_min": 15, "power_mw": 0.5},
            {"start": "off", "end": "ready", "duration_min": 25, "power_mw": 4.0},
        ],
        "ready": "ready",
        "initial": "off",
    }
    ladle["states"] = {"states": [{"name": "ready", "power_mw": 0.3}], "ready": "ready"}
    return line


IDLE: dict[str, dict[str, Any]] = {
    "one by one": {"orders": [cast("A", 1), cast("B", 1)]},
    "a cast of two": {"orders": [cast("A", 2)]},
    "under a limit": {"orders": [cast("A", 1), cast("B", 1)], "site": {"grid": {"import_limit_mw": 44.2}}},
    "with PV": {"orders": [cast("A", 2)], "site": {"pv": {"peak_mw": 30.0, "capacity_factor": 0.3}}},
    "heat of the furnace replaces gas": CASES["heat of the furnace replaces gas"],
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("case", IDLE)
def test_bound_and_plan_of_units_that_draw_when_idle(case: str, negative: bool, seed: int) -> None:
    """Proves: no schedule lies below the bound, no plan below the best of all, and a plan says what its starts come to.

    Formulations leave idle units out, so that the plan need not be the best. Sensitivity: where energy earns, a bound
    without what idle units may earn lies above schedules.
    """
    table = {"line": melt_shop(), **IDLE[case]}
    built = shop(seed, **{**table, "line": holding(table["line"])})
    if negative:
        built = built.model_copy(update={"goal": built.goal.model_copy(update={"minimize": "cost"})})
        price = built.inputs["price_per_mwh"]
        result = np.random.Generator(np.random.Philox(key=seed)).uniform(-60, 20, len(price))
        built = built.with_inputs(built.inputs.assign(price_per_mwh=price.copy(data=result)))
    every = search(built)
    for starts in schedules(every.problem):
        every.offer(starts)
    assert every.value is not None
    small = 1e-9 * abs(every.value)

    proof = search(built)
    proof.best, proof.best_flows = every.best, every.best_flows
    Bound(proof).run()
    assert proof.bound is not None
    assert proof.bound <= every.value + small

    # the bound leaves idle units out, so that the gap stays open and the search would go on to its limit
    short = built.goal.model_copy(update={"effort": 4.0})
    plan = models.optimize(built.model_copy(update={"goal": short}), envelope(built))
    assert plan.attrs["bound"] <= every.value + small
    assert plan.attrs["objective"] >= every.value - small
    assert plan.attrs["objective"] <= every.value + 0.05 * abs(every.value)
    run = replay(built, plan)
    assert not run.sizes["violation"]
    assert np.abs(run["line_mw"].values - plan["line_mw"].values).max() < 1e-9


def test_reheating_may_earn() -> None:
    """Proves: where energy earns, heats wait to draw more, each by its own mass, and the bound knows it: 64 MWh and 45
    minutes of waiting of 100 t and of 10 t at 0.2 kWh/t earn 50 a MWh.

    Sensitivity: the relaxation counts the lightest heat, so that its bound without what reheating may earn lies above
    the best schedule."""
    grade = melt_shop()["grades"][0]
    line = melt_shop(grades=[grade, {**grade, "name": "light", "mass_t": 10.0}])
    orders = [cast("A", 1), {"name": "B", "heats": [{"grade": "light"}]}]
    built = scenario(
        line, orders, horizon={"length_h": 8.0, "step_min": 15.0}, market={**MARKET, "price_per_mwh": -50.0},
        goal={"minimize": "cost", "gap": 0.0, "effort": 30.0},
    )  # fmt: skip
    best = -50.0 * (2 * (30 + 2 + 0.75) + 45 * 0.2 * (100 + 10) / 1000)
    proof = search(built)
    Bound(proof).run()
    assert proof.bound is not None
    assert 1.03 * best <= proof.bound <= best + 1e-6
    plan = models.optimize(built, envelope(built))
    assert plan.attrs["objective"] == pytest.approx(best)
    assert plan.attrs["bound"] <= best + 1e-6


def test_casts_alike_are_counted_without_loss() -> None:
    """Proves: counting casts that differ in their due time alone moves no bound. Sensitivity: their latest starts."""
    orders = [cast(name, 1, due=due) for name, due in (("A", "3 h"), ("B", "5 h"), ("C", "8 h"))]
    for seed in range(5):
        rows = []
        for named in (orders, [dict(order, heats=[{"grade": f"G{k}"}]) for k, order in enumerate(orders)]):
            line = melt_shop()
            line["grades"] = [dict(line["grades"][0], name=name) for name in ("G", "G0", "G1", "G2")]
            proof = search(shop(seed, orders=named, line=line))
            model = Bound(proof)
            assert len(model._alone) == (0 if named is orders else 3)
            model.run()
            rows.append(proof.bound)
        assert rows[0] == pytest.approx(rows[1], rel=1e-6)


def test_an_import_limit_where_full_power_comes_after_the_first_slot() -> None:
    """Proves: in a slot where nothing can draw full power yet the limit's hull says nothing. Sensitivity: slot 0."""
    line = melt_shop()
    for stage, low, high in ((0, 30.0, 45.0), (1, 2.0, 6.0)):
        unit = line["stages"][stage]["units"][0]
        del unit["power_mw"]
        unit["phases"] = [{"share": 1 / 3, "power_mw": low}, {"share": 2 / 3, "power_mw": high}]
    built = scenario(line, [cast("A", 2)], site={"grid": {"import_limit_mw": 48.0}})
    assert models.optimize(built, envelope(built)).attrs["status"] == "within gap"


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("forgets", [False, True])
def test_what_completes_a_start_is_no_bound(forgets: bool, seed: int) -> None:
    """Proves: bounds that HiGHS tells while it completes what an earlier run left are not taken for proven.

    Whole numbers of random cost must cover random demands. Sensitivity: the completion's bounds reported as they come.
    """
    generator = np.random.Generator(np.random.Philox(key=seed))
    cost, rows = generator.integers(20, 90, 30).tolist(), generator.integers(0, 9, (12, 30)).tolist()
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(30), domain=pyo.Integers, bounds=(0, 3))
    m.covered = pyo.Constraint(range(12), rule=lambda m, i: sum(f * m.x[j] for j, f in enumerate(rows[i])) >= 100)
    m.cost = pyo.Objective(expr=sum(c * m.x[j] for j, c in enumerate(cost)))
    program = Program(m)
    program.run(work=10, relax=True)
    if forgets:
        program.forget()
    items: list[float] = []

    def tell(event: dict[str, Any]) -> None:
        if event["bound"] is not None:
            items.append(event["bound"])

    outcome = program.run(work=20, on_progress=tell)
    assert outcome.status == "optimal"
    assert outcome.objective is not None
    assert max(items, default=0.0) <= outcome.objective + 1e-6
    assert bool(items) == forgets


def test_a_pool_of_units_that_differ_starts_no_more_than_there_is() -> None:
    """Proves: where starts cost nothing, counts still end at the number of heats. Sensitivity: the upper window."""
    line = {
        "stages": [{"name": "work", "units": [{"name": "A", "power_mw": 30.0}, {"name": "B", "power_mw": 20.0}]}],
        "grades": [{"name": "G", "mass_t": 10.0, "duration_min": {"work": 15}}],
    }
    built = scenario(line, [cast("A", 1)], goal={"minimize": "cost"}, market={**MARKET, "price_per_mwh": 0.0})
    assert models.optimize(built, envelope(built)).attrs["status"] == "within gap"


def test_a_cast_that_cannot_be_in_time_has_no_plan() -> None:
    """Proves: where counts by unit would be exact, a due time that nobody can keep is reported, not a crash."""
    built = scenario(melt_shop(heat_loss=None), [cast("A", 2, due="2 h")])
    assert models.optimize(built, envelope(built)).attrs["status"] == "infeasible"


def test_everything_has_begun() -> None:
    """Proves: with nothing left to decide there is a plan. Sensitivity: a line of casters alone."""
    line = {
        "stages": [{"name": "casting", "campaign": True, "units": [{"name": "C", "power_mw": 1.0}]}],
        "grades": [{"name": "G", "mass_t": 10.0, "duration_min": {"casting": 45}}],
    }
    started = [{"heat": "A-1", "stage": "casting", "unit": "C", "start": "0 min"}]
    built = scenario(line, [cast("A", 1)], state={"started": started})
    assert models.optimize(built, envelope(built)).attrs["found"] == 1
