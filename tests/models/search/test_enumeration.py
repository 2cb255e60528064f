"""All plans of a few heats, tried: the best under a demand charge, and its proof."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import counted_shops
import numpy as np
import pytest
from cast_shops import search

from emberline.models.search import enumeration
from emberline.models.search.tuning import FEW_HEATS
from emberline.models.strategies import exact_named
from emberline.scenarios import Case, Scenario, resolve

START = "2026-03-10T00:00+00:00"
PER_MW = 300


def peaky_shop(kinds: str, limit_mw: float | None = 22) -> Case:
    """Heats, alike where they have the same letter, on two furnaces and a ladle, which reheats what has waited,
    under prices of both signs and a charge on the peak."""

    def hourly(values: list[float]) -> dict[str, Any]:
        return {"values": values, "start": START, "interval_min": 60}

    furnaces = [{"name": "F1", "power_mw": 8, "setup_min": 5}, {"name": "F2", "power_mw": 14, "setup_min": 20}]
    grid = {"metered_interval_min": 60} | ({} if limit_mw is None else {"import_limit_mw": limit_mw})
    return resolve(Scenario.model_validate(
        {
            "name": "peaky",
            "horizon": {"start": START, "length_h": 5, "step_min": 20},
            "line": {
                "stages": [
                    {"name": "melting", "units": furnaces, "transfer_min": 5, "longest_wait_min": 60},
                    {"name": "ladle", "units": [{"name": "L", "power_mw": 18, "setup_min": 10}]},
                ],
                "grades": [
                    {"name": "A", "mass_t": 50, "duration_min": {"melting": 55, "ladle": 25}},
                    {"name": "B", "mass_t": 60, "duration_min": {"melting": 35, "ladle": 30}},
                ],
                "heat_loss": {"rate_k_per_min": 1, "reheat_kwh_per_t_k": 0.3, "reheating_stage": "ladle"},
            },
            "orders": [{"name": f"O{i}", "heats": [{"grade": kind}]} for i, kind in enumerate(kinds)],
            "site": {"grid": grid, "base_load_mw": hourly([1, 3, 2, 0, 1])},
            "market": {
                "price_per_mwh": hourly([-37, 96, 20, -22, 75]),
                "carbon_intensity_kg_per_mwh": 100,
                "tariff": {"demand": [{"name": "peak", "rates": [{"per_mw": PER_MW}], "assessed": "daily"}]},
            },
            "goal": {"minimize": "cost", "gap": 1e-6, "caps": {"extra_cost_share": None}},
        }
    ))  # fmt: skip


def brute(scenario: Case) -> float:
    """The least cost of all plans, base load included."""
    shop, base = counted_shops.read(scenario), scenario.inputs["base_load_mw"].to_numpy()
    hours = scenario.horizon.step_h
    always = base.reshape(5, -1).sum(axis=1) * hours
    least = np.inf
    for plan in itertools.product(*(item.ways for item in shop.items)):
        if any(one.busy & other.busy for one, other in itertools.combinations(plan, 2)):
            continue
        load = always + sum(way.metered for way in plan)
        if load.max() <= shop.limit_mwh + 1e-9:
            least = min(least, sum(way.cost for way in plan) + PER_MW * float(load.max()))
    return float(least + base @ scenario.inputs["price_per_mwh"].to_numpy() * hours)


@pytest.mark.parametrize(("kinds", "limit_mw"), [("AAA", 22), ("ABA", None), ("BA", 20)])
def test_the_best_of_all_plans_is_proven(kinds: str, limit_mw: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: value and bound are the least of all plans, without any program being solved.

    Sensitivity: set-ups, reheating or base load left out; a peak that counts once for each heat."""
    scenario = peaky_shop(kinds, limit_mw)
    monkeypatch.setattr(exact_named, "solve", lambda *_: pytest.fail("a program was solved"))
    every = search(scenario)
    every.gap, every.limit = 1e-6, 600.0
    assert enumeration.suits(every)
    enumeration.run(every)
    best = brute(scenario)
    assert every.value is not None
    assert every.bound is not None
    assert every.value + every.aim.constant == pytest.approx(best, rel=1e-7)
    assert best - 1e-4 <= every.bound + every.aim.constant <= best + 1e-6


def test_where_looks_run_out_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a search that is cut off raises no bound."""
    monkeypatch.setattr(enumeration, "FEW_HEATS", replace(FEW_HEATS, looks=500))
    every = search(peaky_shop("AAA"))
    enumeration.run(every)
    assert every.bound is None
