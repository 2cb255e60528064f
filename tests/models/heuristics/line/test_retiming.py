"""The best times of all starts at once, against brute force and against the judge of plans."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from cast_shops import CASES, ELIGIBLE, schedules, search, shop, week

from emberline.models.heuristics.line.minimum_cut_retiming import Cut, Lags, of_search
from emberline.models.heuristics.line.placement import Placed, Shop
from emberline.models.heuristics.line.ruin_and_recreate import Renewal
from emberline.models.problem.assignment import Starts, extra_mwh, line_cells, mistakes
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import LINE

FAR = 1e6
"""By any time."""


def cost(shop_of: Shop, starts: Starts) -> float:
    """What starts cost one by one."""
    heats = sum(
        shop_of.worth(h, i, u)[t]
        for h in range(len(starts.unit))
        for i, (u, t) in enumerate(zip(starts.unit[h], starts.slot[h], strict=True))
    )
    return float(
        heats
        + sum(
            shop_of.casting(c, u)[t]
            for c, (u, t) in enumerate(zip(starts.cast_unit, starts.cast_slot, strict=True))
        )
    )  # fmt: skip


def order(starts: Starts, result: Search) -> tuple[Any, ...]:
    """Units of all, and who comes after whom on each."""
    on: dict[int, list[tuple[int, Any]]] = {}
    for h, (units, slots) in enumerate(zip(starts.unit, starts.slot, strict=True)):
        for i, (u, t) in enumerate(zip(units, slots, strict=True)):
            on.setdefault(u, []).append((t, (h, i)))
    for c, (u, t) in enumerate(zip(starts.cast_unit, starts.cast_slot, strict=True)):
        on.setdefault(u, []).append((t, c))
    sequences = tuple((u, tuple(one for _, one in sorted(on[u], key=lambda pair: pair[0]))) for u in sorted(on))
    return starts.unit, starts.cast_unit, sequences


def placed(result: Search, starts: Starts) -> list[Placed]:
    """The casts of a plan."""
    shop_of = Shop(result.problem, np.zeros(result.problem.n_slots))
    shop_of.read(starts)
    return [one for one in shop_of.at if one is not None]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("case", ELIGIBLE)
def test_no_other_times_of_the_same_sequences_cost_less(case: str, seed: int) -> None:
    """Proves: from any schedule the cut finds the best of all schedules with its units and sequences, and breaks no
    rule. Sensitivity: a lag, a window, a node's slot by one, the sign of a cost."""
    result = search(shop(seed, **CASES[case]))
    retiming = of_search(result)
    assert retiming is not None
    shop_of = retiming.shop
    best: dict[Any, float] = {}
    first: dict[Any, Starts] = {}
    for starts in (one for one in schedules(result.problem) if not mistakes(result.problem, one)):
        key = order(starts, result)
        best[key] = min(best.get(key, np.inf), cost(shop_of, starts))
        first.setdefault(key, starts)
    assert best
    for key, starts in first.items():
        outcome = retiming.best(placed(result, starts), FAR)
        assert outcome is not None
        after = shop_of.starts(outcome)
        assert not mistakes(result.problem, after)
        assert order(after, result) == key
        assert cost(shop_of, after) == pytest.approx(best[key], rel=1e-6)


def test_a_long_line_is_timed_within_a_shorter_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: where a cut would have too many nodes, starts move less, no rule is broken, nothing costs more, and the
    graph has the nodes that it may; once the time is over no cut is made. Sensitivity: one cut of a line of 336 heats
    took longer than its search might.
    """
    one = Renewal(week(), None)
    whole, sizes = one._at(), list[int]()

    class Counted(Cut):
        def best(self, costs: np.ndarray) -> np.ndarray:
            sizes.append(self.n)
            return super().best(costs)

    monkeypatch.setattr("emberline.models.heuristics.line.minimum_cut_retiming.Cut", Counted)
    one.retiming.best(whole, FAR)
    fewer = replace(LINE, cut_nodes=(sizes[0] - 1, sizes[0] // 4))
    monkeypatch.setattr("emberline.models.heuristics.line.minimum_cut_retiming.LINE", fewer)
    before, count = one.value, len(sizes)
    outcome = one.retiming.best(whole, FAR)
    assert outcome is not None
    assert max(sizes[count:]) <= sizes[0] // 4
    assert not mistakes(one.search.problem, one.shop.starts(outcome))
    one._make(dict(enumerate(outcome)))
    assert one.value <= before + 1e-6 * abs(before)
    count = len(sizes)
    assert one.retiming.best(whole, FAR, lambda: True) is None
    assert len(sizes) == count


def test_a_limit_that_is_broken_makes_its_hours_dearer() -> None:
    """Proves: from a schedule that keeps a limit that both furnaces cannot draw under at once, the times found keep
    it, and cost no less than where there is none. Sensitivity: a price at the wrong interval."""
    result = search(shop(2, **CASES["under a limit that both cannot draw at once"]))
    retiming = of_search(result)
    assert retiming is not None
    shop_of = retiming.shop
    for starts in schedules(result.problem):
        if result.offer(starts) and result.best is not None:
            break
    keeps = result.best
    assert keeps is not None
    free = retiming.best(placed(result, keeps), FAR)
    value = retiming.best(placed(result, keeps), FAR)
    assert free is not None
    assert value is not None
    assert not retiming.above(value).any()
    assert cost(shop_of, shop_of.starts(free)) <= cost(shop_of, shop_of.starts(value)) + 1e-9


def test_a_unit_that_is_shut_is_not_crossed() -> None:
    """Proves: a start leaves neither its unit's open hours nor the horizon. Sensitivity: windows by costs alone."""
    result = week()
    assert result.best is not None
    problem = result.problem
    idle = problem.free.copy()
    for h, heat in enumerate(problem.heats):
        for operation, u, t in zip(heat.operations, result.best.unit[h], result.best.slot[h], strict=True):
            idle[u, t : t + operation.occupy[u]] = False
    furnaces = list(problem.stage_units[0])
    for u in furnaces:  # one slot of each pause between heats
        pause = np.flatnonzero(idle[u, 1:] & ~idle[u, :-1]) + 1
        assert len(pause) > 3
        problem.free[u, pause] = False
    one = Renewal(result)
    outcome = one.retiming.best(one._at(), LINE.renewal_near_min)
    assert outcome is not None
    assert outcome != one._at()
    assert not mistakes(problem, one.shop.starts(outcome))


def test_all_starts_of_a_week_at_once() -> None:
    """Proves: the baseline's week gets better times in one step, breaks no rule and no limit, moves nothing further
    than it may, and the plan draws what the moves of casts believe. Sensitivity: what waiting loses."""
    result = week()
    one = Renewal(result)
    before, start = one._at(), one.value
    assert one.retime(LINE.renewal_near_min)
    assert one.value < 0.999 * start
    starts = one.shop.starts(one._at())
    assert not mistakes(result.problem, starts)
    assert not one.retiming.above(one._at()).any()
    moved = [abs(a.slot - b.slot) for a, b in zip(before, one._at(), strict=True)]
    assert 0 < max(moved) <= LINE.renewal_near_min / result.problem.step_min
    part = line_cells(result.problem, starts, extra_mwh(result.problem, starts))
    assert one.load == pytest.approx(part, abs=1e-9)
    # the same again finds nothing: the plan stays as it is
    stored = one._at()
    if not one.retime(LINE.renewal_near_min):
        assert one._at() == stored


def test_starts_without_freedom_stay() -> None:
    """Proves: windows of one slot, and costs that are all alike, are no trouble. Sensitivity: an empty graph."""
    none = np.zeros(0, dtype=int)
    fixed = Cut(np.array([3, 5]), np.array([3, 5]), Lags(none, none, none))
    assert fixed.best(np.array([1.0, 2.0])).tolist() == [3, 5]
    alike = Cut(np.array([3]), np.array([6]), Lags(none, none, none))
    assert 3 <= int(alike.best(np.ones(4))[0]) <= 6


@pytest.mark.parametrize("seed", range(40))
def test_lags_at_a_price_against_every_choice(seed: int) -> None:
    """Proves: with lags that may be missed at a price no other starts cost less, windows of any place and width.
    Sensitivity: a row whose starts lie outside each other's windows left out, or counted once in place of each slot."""
    chance = np.random.default_rng(seed)
    n = 3
    low = chance.integers(0, 6, n)
    high = low + chance.integers(0, 5, n)
    rows = 6
    earlier = chance.integers(0, n, rows)
    later = (earlier + chance.integers(1, n, rows)) % n
    soft = Lags(earlier, later, chance.integers(-4, 7, rows), chance.integers(1, 20, rows).astype(float))
    costs = [chance.integers(-9, 10, high[k] - low[k] + 1).astype(float) for k in range(n)]

    def total(starts: tuple[int, ...]) -> float:
        at = np.array(starts)
        assert soft.price is not None
        missing = np.maximum(soft.least - (at[soft.later] - at[soft.earlier]), 0)
        return float(missing @ soft.price) + sum(costs[k][at[k] - low[k]] for k in range(n))

    none = np.zeros(0, dtype=int)
    best = Cut(low, high, Lags(none, none, none), soft).best(np.concatenate(costs))
    least = min(total(each) for each in product(*(range(low[k], high[k] + 1) for k in range(n))))
    assert ((low <= best) & (best <= high)).all()
    assert total(tuple(best.tolist())) == pytest.approx(least)
