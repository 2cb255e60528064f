"""Plans keep their locks to the second, and a plan fed back as locks is the same plan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from locked_shops import Shop, exported, fate, fed_back, lock, random_shop, same_places
from plan_judge import faults

from emberline.planning.planner import PLAIN, make_plan
from emberline.runs.store.store import Store
from emberline.scenarios import load

SHOPS = [random_shop(seed, effort=4) for seed in (0, 2, 3)]
"""Casts with an outage, casts on two casters of different pace with margins, single heats on two casters; odd minutes,
steps of 10, 15 and 5 min."""


@pytest.mark.parametrize("shop", [*SHOPS, Shop("melt-shop-small")], ids=lambda shop: shop.name)
def test_a_plan_fed_back_is_the_same_plan(shop: Shop) -> None:
    """Proves: all starts and units of a plan, given back as locks, make that plan again, later heats of casts included.

    Sensitivity: offsets within a cast that are rounded to steps make it infeasible."""
    result = make_plan(shop.scenario([]), PLAIN)
    assert result.acceptable
    assert same_places(result, make_plan(shop.scenario(fed_back(result)), PLAIN)) == ""


def test_random_locks_are_kept_or_refused_or_impossible(tmp_path: Path) -> None:
    """Proves: of locks of every kind, on the grid and off it, none is missed by the exported table, none is refused
    without times that are accepted, and nothing is proven impossible that a plan keeps; what no start on the grid keeps
    is moved to times that are kept. The bench ``locks`` tries 500.
    """
    store, names = Store(tmp_path), set()
    for seed, shop in enumerate(SHOPS[1:]):
        result = make_plan(shop.scenario([]), PLAIN)
        base = exported(result, store)
        assert faults(result.scenario, base) == []
        draw = np.random.Generator(np.random.Philox(key=seed))
        for _ in range(7):
            cancel_event = lock(shop, base, draw)
            became = fate(shop, cancel_event, base, store)
            assert became.what in ("kept", "refused", "moved", "proven"), (cancel_event, became)
            names.add(became.what)
    assert {"kept", "refused", "proven"} <= names


def test_two_locks_on_one_operation_are_both_kept() -> None:
    """Proves: a window of two locks holds in the plan. Sensitivity: the last lock alone leaves the other side open."""
    window = "[{heat: C1-2, stage: melting, earliest: 4 h}, {heat: C1-2, stage: melting, latest: 5 h}]"
    scenario = load("melt-shop-small", [f"locks={window}", "goal.gap=0.5", "disturbances.replications=0"])
    result = make_plan(scenario, PLAIN)
    assert result.acceptable
    assert result.replay is not None
    mine = (result.replay["op_heat"].values == "C1-2") & (result.replay["op_stage"].values == "melting")
    assert 240 <= float(result.replay["op_start_min"].to_numpy()[mine][0]) <= 300
