"""Random small shops with sites of all kinds, whose schedules can all be tried with the site's exact best use."""

from __future__ import annotations

from typing import Any

import numpy as np
from cast_shops import CASES, giving, schedules, search, shop
from shops import MARKET, cast, melt_shop

from emberline.models.bounds import joint_prices
from emberline.models.search.incumbent import Search
from emberline.models.search.warm_start import Study
from emberline.scenarios import Case


def random_shop(seed: int) -> Case:
    """Two casts of a heat, or one of two; battery, PV, assets, demand charge, limit and negative prices mix."""
    rng = np.random.Generator(np.random.Philox(key=7000 + seed))

    def chance(share: float) -> bool:
        return bool(rng.random() < share)

    def even(low: float, high: float) -> float:
        return round(float(rng.uniform(low, high)), 2)

    assets = chance(0.4)
    line = giving() if assets else melt_shop()
    if chance(0.2):
        line["heat_loss"] = None
    if chance(0.3):
        line["stages"][0]["units"].append({"name": "F2", "power_mw": even(25, 40)})
    site: dict[str, Any] = {"grid": {"metered_interval_min": int(rng.choice([15, 30, 30, 60]))}, "base_load_mw": 3.0}
    if assets:
        site |= {key: CASES["heat of the furnace replaces gas"]["site"][key] for key in ("carriers", "assets")}
    if chance(0.5):
        site["battery"] = {
            "energy_mwh": even(2, 20), "power_mw": even(2, 12), "charge_efficiency": 0.95,
            "discharge_efficiency": 0.95, "end_level_share": float(rng.choice([0.0, 0.5])),
        }  # fmt: skip
    if chance(0.3):
        site["grid"]["export_limit_mw"] = even(2, 10)
    if chance(0.3):
        site["grid"]["import_limit_mw"] = even(46, 60)
    market: dict[str, Any] = {**MARKET, "carbon_price": {"per_t": 70.0, "covers": "all"}}
    remaining: dict[str, Any] = {}
    if chance(0.6):
        charge: dict[str, Any] = {"name": "peak", "rates": [{"per_mw": even(50, 2000)}]}
        if chance(0.4):
            charge["ratchet"] = {"share": 0.8}
        if chance(0.3):
            charge["rates"].append({"per_mw": even(2000, 4000), "above_mw": 42.0})
        market["tariff"] = {
            "name": "network", "demand": [charge], "energy": [{"name": "use", "rates": [{"per_mwh": 4.0}]}]
        }  # fmt: skip
        if chance(0.4):
            remaining["state"] = {"peak_so_far_mw": even(20, 44)}
    orders = [cast("A", 2)] if chance(0.2) else [cast("A", 1), cast("B", 1, **({"due": "5 h"} if chance(0.3) else {}))]
    goal = {"minimize": str(rng.choice(["cost", "cost_with_carbon_price", "carbon"]))}
    built = shop(seed, orders=orders, line=line, site=site, market=market, **remaining)
    built = built.model_copy(update={"goal": built.goal.model_copy(update=goal)})
    n = built.horizon.n_steps
    price = rng.normal(50, 45, n)
    price = price if chance(0.4) else np.maximum(price, 1.0)
    series = {"price_per_mwh": price}
    if chance(0.4):
        series["pv_available_mw"] = np.maximum(rng.normal(4, 8, n), 0.0)
    return built.with_inputs(built.inputs.assign({k: built.inputs[k].copy(data=v) for k, v in series.items()}))


def best_plan(built: Case) -> float | None:
    """The least of the goal over all schedules, each with the best use of the site; None where there is no plan."""
    every = search(built)
    for starts in schedules(every.problem):
        every.offer(starts)
    return every.value


def joint_bound(built: Case, study: Study | None = None) -> tuple[Search, joint_prices.JointBound]:
    """A search whose bound prices have raised as far as they can, from what a study has kept."""
    proof = search(built)
    proof.study = study
    bound = joint_prices.JointBound(proof)
    bound.run()
    if bound.failure is not None:
        raise bound.failure
    return proof, bound


def features(built: Case) -> dict[str, bool]:
    """What a random shop has, by name."""
    tariff, grid = built.market.tariff, built.site.grid
    return {
        "battery": built.battery is not None,
        "assets": bool(built.site.assets),
        "demand charge": tariff is not None,
        "blocks of demand": tariff is not None and len(tariff.demand[0].rates) > 1,
        "ratchet": tariff is not None and tariff.demand[0].ratchet is not None,
        "peak so far": bool(built.state.peak_so_far_mw),
        "import limit": grid.import_limit_mw is not None,
        "export": grid.export_limit_mw > 0,
        "two furnaces": len(built.line.stages[0].units) > 1,
        "a cast of two": len(built.orders) == 1,
        "negative price": bool(built.inputs["price_per_mwh"].min() < 0),
        "PV": bool(built.inputs["pv_available_mw"].max() > 0),
        "meter finer than a step": grid.metered_interval_min < built.horizon.step_min,
        "meter coarser than a step": grid.metered_interval_min > built.horizon.step_min,
    }
