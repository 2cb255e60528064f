"""The bound by prices and the renewal of casts, against brute force and against the judge of plans."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from cast_shops import CASES, ELIGIBLE, schedules, search, shop, week
from hypothesis import given
from hypothesis import strategies as st
from shops import cast, melt_shop

from emberline import models, twin
from emberline.models.bounds import column_generation as cast_bound
from emberline.models.bounds.cast_pricing import PricingTables
from emberline.models.heuristics.line import ruin_and_recreate
from emberline.models.heuristics.line.batch_moves import Draws
from emberline.models.heuristics.line.move_tables import core, least
from emberline.models.heuristics.line.ruin_and_recreate import Renewal
from emberline.models.problem import cost_curves
from emberline.models.problem.assignment import extra_mwh, from_schedule, line_cells, mistakes
from emberline.models.search.incumbent import Search
from emberline.scenarios import load


def best_of(case: str, seed: int, **changes: Any) -> tuple[Search, float]:
    """A search that has not begun, and the best of all schedules."""
    built = shop(seed, **{**CASES[case], **changes})
    every = search(built)
    for starts in schedules(every.problem):
        every.offer(starts)
    assert every.value is not None
    return search(built), every.value


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=30), st.integers(-5, 6), st.integers(0, 12))
def test_the_least_within_a_window_of_lags(values: list[int], least: int, more: int) -> None:
    """Proves: the doubled window is the plain minimum over lags. Sensitivity: its width or its shift by one."""
    curve, n = np.array(values, dtype=float), len(values)
    result = cost_curves.best_before(curve, least, least + more)
    for t in range(n):
        lags = [curve[t - lag] for lag in range(least, least + more + 1) if 0 <= t - lag < n]
        # a window that leaves the curve early may know less, never more
        plain = min(lags, default=np.inf)
        assert result[t] >= plain
        if 0 <= t - least < n:
            assert result[t] == plain


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("case", ELIGIBLE)
def test_no_prices_prove_more_than_the_best_schedule(case: str, seed: int) -> None:
    """Proves: whatever units cost, no schedule lies below the value. Sensitivity: a lag, a window, heat lost."""
    proof, best = best_of(case, seed)
    result = cast_bound.of(proof)
    assert result is not None
    generator = np.random.Generator(np.random.Philox(key=seed))
    for scale in (0.0, 10.0, 300.0, 3000.0):
        units = scale * generator.random(result.tables.capacity.shape)
        value = result.proven(units, np.zeros(len(result._room)))
        assert value <= best * (1 + 1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("case", ELIGIBLE)
def test_prices_are_found_that_prove_nearly_all(case: str, seed: int) -> None:
    """Proves: column generation ends near the best schedule, never above it. Sensitivity: a column's use or worth."""
    proof, best = best_of(case, seed)
    result = cast_bound.of(proof)
    assert result is not None
    result.run()
    assert result.failure is None
    assert proof.bound is not None
    assert proof.bound <= best * (1 + 1e-9)
    # heats of one cast do not know of each other, so that halves of casts may use the furnace at once
    if case != "a cast of two":
        assert proof.bound >= 0.95 * best


def test_a_cast_may_start_as_late_as_its_quickest_caster_allows() -> None:
    """Proves: with a caster that takes 45 min and one that takes 180, of 8 h, a column may start in any half-hour that
    is in time for the first. Sensitivity: the latest start of the slower one leaves out the last two hours."""
    line = melt_shop()
    line["stages"][2]["units"].append({"name": "slow", "power_mw": 1.0})
    line["grades"][0]["duration_min"] |= {"slow": 180}
    proof = search(shop(1, orders=[cast("A", 1)], line=line))
    bound = cast_bound.of(proof)
    assert bound is not None
    # the set-up after the last cast need not lie within the horizon; 45 min take two half-hours, 180 take six
    assert proof.problem.casts[0].last == {2: 14, 3: 10}
    assert bound.master.latest(0) == 14


@pytest.mark.parametrize("seed", [1, 2])
def test_a_column_is_worth_what_its_curve_says(seed: int) -> None:
    """Proves: the starts behind a point of a curve cost that, by energy and prices. Sensitivity: a step back by one."""
    proof = search(shop(seed, orders=CASES["a cast of two"]["orders"]))
    weights = np.array([proof.aim.weight(proof.data), proof.data.full_price])
    tables = PricingTables(proof.problem, weights)
    generator = np.random.Generator(np.random.Philox(key=seed))
    units, mix = 100 * generator.random(tables.capacity.shape), np.array([1.0, 0.4])
    tables.price(units, mix)
    result = 0
    for slot in np.flatnonzero(np.isfinite(tables.curves[0, 0])).tolist():
        cast_column = tables.cast_column(0, 0, slot)
        total = sum(units[use.resource, use.slot : use.slot + use.slots].sum() for use in cast_column.uses)
        assert mix @ np.array(cast_column.worth) + total == pytest.approx(tables.curves[0, 0][slot], rel=1e-9)
        result += 1
    assert result > 3


def test_a_cap_on_cost_is_priced() -> None:
    """Proves: with a cap the bound is that of plans that keep it. Sensitivity: the cap left out of the prices."""
    built = shop(5, orders=CASES["one by one"]["orders"])
    # dear when clean, so that the cap keeps the plan from the clean hours
    price = built.inputs["price_per_mwh"]
    dear = 900.0 - built.inputs["carbon_intensity_kg_per_mwh"].to_numpy()
    built = built.with_inputs(built.inputs.assign(price_per_mwh=price.copy(data=dear)))
    plain = search(built)
    every = [flows for starts in schedules(plain.problem) if not mistakes(plain.problem, starts)
             and (flows := plain.flows(starts)) is not None]  # fmt: skip
    cap = float(np.quantile([flows.totals["cost_with_carbon_price"] for flows in every], 0.3))
    best = min(plain.aim.value(flows) for flows in every if flows.totals["cost_with_carbon_price"] <= cap)
    free = min(plain.aim.value(flows) for flows in every)
    table = {}
    for limit in (None, cap):
        proof = search(built)
        proof.aim = dataclasses.replace(proof.aim, tops={} if limit is None else {"cost_with_carbon_price": limit})
        result = cast_bound.of(proof)
        assert result is not None
        result.run()
        assert proof.bound is not None
        table[limit] = proof.bound
    assert table[None] <= free * (1 + 1e-9)
    assert table[None] * (1 + 1e-3) < table[cap] <= best * (1 + 1e-9)


@pytest.mark.parametrize("case", ["under a limit that both cannot draw at once", "heat of the furnace replaces gas"])
def test_what_the_prices_do_not_know_is_left_to_the_other_bound(case: str) -> None:
    """Proves: where a limit is felt or assets decide, the pooled relaxation proves. Sensitivity: the check left out."""
    assert cast_bound.of(search(shop(1, **CASES[case]))) is None


@given(st.data())
def test_the_least_within_lags_that_units_allow(data: st.DataObject) -> None:
    """Proves: window and single lags together are the plain minimum. Sensitivity: the core's width, a lag left out."""
    n_from, n_to, n_lags, width = (data.draw(st.integers(1, most)) for most in (3, 3, 6, 7))
    bars = np.full((1, n_from, n_to, n_lags), np.inf)
    for i in range(n_from):
        for j in range(n_to):
            first = data.draw(st.integers(0, n_lags - 1))
            bars[0, i, j, first : data.draw(st.integers(first + 1, n_lags))] = 0.0
    size = n_from * (width + n_lags - 1)
    costs = np.array(data.draw(st.lists(st.integers(-9, 9), min_size=size, max_size=size)), dtype=float)
    costs = costs.reshape(1, n_from, -1)
    result = least(costs, bars, core(bars.reshape(-1, n_lags)), width)
    for j in range(n_to):
        for t in range(width):
            plain = min((costs[0, i, t : t + n_lags] + bars[0, i, j]).min() for i in range(n_from))
            assert result[0, j, t] == plain


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("case", ["one by one", "no loss"])
def test_a_cast_of_one_returns_to_the_best_place_of_all(case: str, seed: int) -> None:
    """Proves: the only cast of one heat is put where the best of all schedules has it. Sensitivity: a lag, a cost."""
    orders = CASES[case]["orders"][:1]
    result, best = best_of(case, seed, orders=orders)
    assert len(result.problem.heats) == 1
    # by the goal that the moves know: power by slot, and loss at the worth of the hours waited in
    renewal_of = started(result)
    heat = result.problem.casts[0].heats
    none = np.ones((1, result.problem.n_slots))
    value = renewal_of.shifts.returned(np.array([[0]]), np.array([[list(heat)]]), 3, none)
    assert value.fits[0]
    renewal_of._make(renewal_of.shifts.placed(value, 0))
    starts = renewal_of.shop.starts(renewal_of.shop.at)
    assert not mistakes(result.problem, starts)
    flows = result.flows(starts)
    assert flows is not None
    assert best * (1 - 1e-9) <= result.aim.value(flows) <= best * 1.01


def started(result: Search) -> Renewal:
    """A renewal from the first schedule found."""
    for starts in schedules(result.problem):
        if result.offer(starts):
            break
    return Renewal(result)


def test_moves_keep_the_line_s_rules_and_the_load() -> None:
    """Proves: after hundreds of moves the plan has no mistake and draws what the judge says. Sensitivity: a unit's use.

    Limits are kept in what is reported as the best plan; on the cast_column they may be broken at a price.
    """
    result = week()
    one = Renewal(result)
    start = one.value
    assert sum(one.round(0.0) for _ in range(6)) > 5
    assert one.value < start
    starts = one.shop.starts(one.shop.at)
    assert not mistakes(result.problem, starts)
    assert one.load == pytest.approx(line_cells(result.problem, starts, extra_mwh(result.problem, starts)), abs=1e-9)
    for c in range(len(result.problem.casts)):
        one.shifts.clear(c)
    assert ((one.shifts._owner == -1) == result.problem.free).all()


def test_each_move_is_tried_as_if_alone() -> None:
    """Proves: moves tried together come out as each by itself, and none breaks a rule. Sensitivity: a shared row."""
    result = week()
    one, problem = Renewal(result), result.problem
    slots, units = (np.array([getattr(p, name) for p in one.shop.at]) for name in ("slot", "unit"))
    moves = Draws(problem).shifts(np.random.Generator(np.random.Philox(key=3)), slots, units, 150)
    together = one.shifts.trial(moves)
    fits = np.flatnonzero(together.fits)
    assert 2 <= len(fits) < 150
    for m in [*fits.tolist(), 0, 1]:
        part = type(moves)(*(getattr(moves, name)[m : m + 1] for name in ("casts", "columns", "slots", "heats")))
        alone = one.shifts.trial(part)
        assert alone.fits[0] == together.fits[m]
        if not alone.fits[0]:
            continue
        places = one.shifts.placed(together, m)
        assert places == one.shifts.placed(alone, 0)
        starts = one.shop.starts([places.get(c, placed) for c, placed in enumerate(one.shop.at)])
        assert not mistakes(problem, starts)
        item = line_cells(problem, starts, extra_mwh(problem, starts))
        assert one.load - one.cast_loads[list(places)].sum(axis=0) + together.cells[m] == pytest.approx(item, abs=1e-9)


def test_equal_rounds_give_an_equal_plan() -> None:
    """Proves: with rounds for a limit neither clock nor bound has a say. Sensitivity: warmth taken from either."""
    plans = []
    for bound in (None, 0.0):
        result = week()
        result.bound = bound
        ruin_and_recreate.run(result, 1e6, rounds=4)
        plans.append(result.best)
    assert plans[0] == plans[1]


def test_a_week_gets_a_bound_and_a_better_plan() -> None:
    """Proves: a week of 168 heats gets a bound within 5 %, long before the limit, and a plan better than the
    baseline's."""
    built = load("melt-shop-week", ["goal.effort=180", "goal.gap=0.045"])
    table = twin.envelope(built)
    listed = twin.dispatch(built, table)
    plan = models.optimize(built, table, listed)
    assert plan.attrs["bound"] <= plan.attrs["objective"]
    assert plan.attrs["gap"] < 0.05
    assert "seconds renew" in plan.attrs
    before = search(built)
    starts = from_schedule(before.problem, listed)
    assert starts is not None
    assert before.offer(starts)
    assert before.value is not None
    assert plan.attrs["objective"] < 0.999 * before.value
    run = twin.replay(built, plan)
    assert not run.sizes["violation"]


def test_columns_keep_their_rows() -> None:
    """Proves: the matrix of columns that came one after the other is that of the same columns at once, also with other
    blocks and after some were dropped. Sensitivity: rows of another block, or of a column that is gone."""
    bound = cast_bound.of(search(shop(1, **CASES[ELIGIBLE[0]])))
    assert bound is not None
    bound.proven(*bound.prices)
    tables, master = bound.tables, bound.master
    curve = tables.curves[0, 0]
    columns = [tables.cast_column(0, 0, int(t)) for t in np.flatnonzero(np.isfinite(curve))]
    assert len(columns) >= 6

    def same(block: int) -> None:
        other = cast_bound.of(bound.search)
        assert other is not None
        other.master.columns = list(master.columns)
        for one, new in zip(master.rows(block), other.master.rows(block), strict=True):
            assert (one != new).sum() == 0

    for number, cast_column in enumerate(columns):
        assert master.add(cast_column)
        if number in (2, 4, len(columns) - 1):
            same(2)
    same(1)
    prices = master.solve(1, tolerance=1e-3, work=5.0, cancel=lambda: False)
    assert prices is not None
    master.keep(prices, 4)
    assert len(master.columns) == 4
    same(1)
