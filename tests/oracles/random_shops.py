"""Small random shops: one to three stages, casts or not, outages and set-ups to odd minutes, steps of all sizes.

Written as plain data, so that the same shop can be asked on another grid. Nothing here knows how plans are made.
"""

from __future__ import annotations

import copy
import itertools
import random
from typing import Any

import numpy as np

from emberline.scenarios import Case, Scenario, resolve
from emberline.scenarios.checking.mistakes import between_nouns

STEPS = (5, 10, 15, 30, 60)
HOURS = {5: 4, 10: 6, 15: 8, 30: 12, 60: 18}
"""Length of the horizon by step: few slots, so that all is counted quickly."""


def raw(seed: int, *, most_heats: int = 7) -> tuple[dict[str, Any], list[float]]:
    """A shop and the worth of a MWh in each hour (EUR, or kg CO2e), as its goal counts.

    Args:
        seed: of the generator; the same shop for the same seed.
        most_heats: two heats at least, so many at most.
    """
    dice = random.Random(seed)
    step = dice.choice(STEPS)
    stages = _stages(dice, step)
    names = [stage["name"] for stage in stages]
    grades = [
        {
            "name": f"G{g}", "mass_t": 50.0 + 50 * g,
            "duration_min": {name: _minutes(dice, step, 0.5, 2.5) for name in names},
        }
        for g in range(dice.choice((1, 1, 2)))
    ]  # fmt: skip
    hours = HOURS[step]
    orders = _orders(dice, hours, len(grades), dice.randint(2, most_heats))
    line: dict[str, Any] = {"stages": stages, "grades": grades}
    before = [stage["name"] for stage in stages[1:] if not stage.get("campaign")]
    if before and dice.random() < 0.3:
        line["heat_loss"] = {
            "rate_k_per_min": 2.0, "reheat_kwh_per_t_k": 1.0, "reheating_stage": before[0],
        }  # fmt: skip
    units = [unit for stage in stages for unit in stage["units"]]
    state = {"outages": [_outage(dice, unit["name"], hours * 60) for unit in units if dice.random() < 0.4]}
    goal = dice.choice(("cost", "carbon"))
    worth = [round(dice.uniform(20, 200), 1) for _ in range(hours)]
    if goal == "cost" and dice.random() < 0.3:
        worth = [value - 90 for value in worth]
    meter = dice.choice([m for m in (15, 30, 60) if m % step == 0 or step % m == 0])
    grid: dict[str, Any] = {"metered_interval_min": meter}
    if dice.random() < 0.3:
        peak = max(_power(unit) for unit in units)
        grid["import_limit_mw"] = round(dice.uniform(1.0, 1.6) * peak, 1)
    return {
        "name": f"shop-{seed}",
        "horizon": {"start": "2026-03-10T00:00+00:00", "length_h": hours, "step_min": step},
        "line": line,
        "orders": orders,
        "locks": _locks(dice, stages, orders, hours * 60) if dice.random() < 0.3 else [],
        "site": {"grid": grid},
        "market": {"price_per_mwh": 10.0, "carbon_intensity_kg_per_mwh": 1.0},
        "state": state,
        "disturbances": {"replications": 0},
        "goal": {"minimize": goal, "gap": 1e-4, "effort": 20, "caps": {"extra_cost_share": None}},
    }, worth


def uneven(shop: tuple[dict[str, Any], list[float]], seed: int) -> tuple[dict[str, Any], list[float]]:
    """A shop of the same kind whose units differ in duration; heat is lost while heats wait, where a stage can reheat.

    Args:
        shop: scenario as a mapping, and worth by hour.
        seed: of the generator.
    """
    dice, data = random.Random(seed), copy.deepcopy(shop[0])
    line, step = data["line"], data["horizon"]["step_min"]
    for grade, stage in itertools.product(line["grades"], line["stages"]):
        if len(stage["units"]) > 1:
            del grade["duration_min"][stage["name"]]
            for unit in stage["units"]:
                grade["duration_min"][unit["name"]] = _minutes(dice, step, 0.5, 2.5)
    before = [stage["name"] for stage in line["stages"][1:] if not stage.get("campaign")]
    if before:
        line["heat_loss"] = {
            "rate_k_per_min": 2.0, "reheat_kwh_per_t_k": 1.0, "reheating_stage": dice.choice(before),
        }  # fmt: skip
    return data, shop[1]


def sited(seed: int) -> tuple[dict[str, Any], list[float]]:
    """A shop with a site: PV, a battery, export, base load, demand charges, limits, negative prices come and go.

    Args:
        seed: of the generator.
    """
    dice = random.Random(seed + 5000)
    data, worth = raw(seed, most_heats=6)
    if seed % 4 == 0:
        # two local days
        data["horizon"]["start"] = "2026-03-10T20:00+00:00"
    hours, start = int(data["horizon"]["length_h"]), data["horizon"]["start"]

    def hourly(low: float, high: float) -> dict[str, Any]:
        values = [round(dice.uniform(low, high), 2) for _ in range(hours)]
        return {"values": values, "start": start, "interval_min": 60}

    site, market = data["site"], data["market"]
    if dice.random() < 0.6:
        site["pv"] = {"peak_mw": dice.choice((5, 20, 40)), "capacity_factor": hourly(0, 1)}
    if dice.random() < 0.4:
        site["battery"] = {"energy_mwh": dice.choice((4, 16)), "power_mw": dice.choice((2, 8))}
    if dice.random() < 0.5:
        site["grid"]["export_limit_mw"] = dice.choice((2, 10))
        market["export_price_per_mwh"] = hourly(0, 18)
    if data["goal"]["minimize"] == "cost" and dice.random() < 0.7:
        charge = {"name": "peak", "rates": [{"per_mw": dice.choice((30, 300, 3000))}]}
        market["tariff"] = {"demand": [charge | ({"assessed": "daily"} if dice.random() < 0.5 else {})]}
    most = max(_power(unit) for stage in data["line"]["stages"] for unit in stage["units"])
    if dice.random() < 0.5:
        site["base_load_mw"] = hourly(0, dice.choice((3, 15)))
    if "import_limit_mw" not in site["grid"] and dice.random() < 0.3:
        site["grid"]["import_limit_mw"] = round(dice.uniform(1.0, 1.6) * most, 1)
    if data["goal"]["minimize"] == "cost" and min(worth) > 0 and dice.random() < 0.4:
        worth = [round(value - dice.choice((0, 60, 150)), 1) for value in worth]
    if "battery" in site and dice.random() < 0.5:
        site["battery"] |= {"discharge_efficiency": 0.8, "self_loss_per_h": dice.choice((0.0, 0.02))}
        site["battery"] |= {"level_share": dice.choice((0.1, 0.5)), "end_level_share": dice.choice((0.0, 0.4))}
    if data["goal"]["minimize"] == "carbon" and dice.random() < 0.3:
        data["goal"]["minimize"] = "cost_with_carbon_price"
        market["carbon_price"] = {"per_t": 500.0, "covers": "all"}
    if dice.random() < 0.3:
        stage = dice.choice(data["line"]["stages"])["name"]
        data["line"]["grades"][0]["energy_kwh_per_t"] = {stage: dice.choice((60, 200))}
    if dice.random() < 0.2:
        # intervals that begin in one step and end in the next are longer than steps: else the PV used in one depends on
        # where the line draws most in two
        step = data["horizon"]["step_min"]
        site["grid"]["metered_interval_min"] = dice.choice([m for m in (10, 20) if m > step or step % m == 0])
    if "tariff" in market and "assessed" not in market["tariff"]["demand"][0] and dice.random() < 0.3:
        data["state"]["peak_so_far_mw"] = round(dice.uniform(0.5, 1.5) * most, 1)
    return data, worth


def built(shop: tuple[dict[str, Any], list[float]], step_min: float | None = None) -> Case:
    """The scenario of a shop, on its own grid or on another.

    Raises:
        ValueError: the shop has mistakes, such as a meter that does not fit the step.
    """
    data, worth = shop
    if step_min is not None:
        data = data | {"horizon": data["horizon"] | {"step_min": step_min}}
    result = resolve(Scenario.model_validate(data))
    mistakes = list(between_nouns(result))
    if mistakes:
        raise ValueError(str(mistakes[0]))
    name = "price_per_mwh" if result.goal.minimize == "cost" else "carbon_intensity_kg_per_mwh"
    per_step = np.repeat(worth, round(60 / result.horizon.step_min))
    return result.with_inputs(result.inputs.assign({name: ("time", per_step, result.inputs[name].attrs)}))


def _minutes(dice: random.Random, step: int, low: float, high: float) -> int:
    """Whole minutes, every second time whole steps."""
    minutes = max(round(dice.uniform(low, high) * step), 1)
    return max(round(minutes / step), 1) * step if dice.random() < 0.5 else minutes


def _stages(dice: random.Random, step: int) -> list[dict[str, Any]]:
    n = dice.choice((1, 2, 2, 3))
    campaign = dice.random() < 0.5
    stages: list[dict[str, Any]] = []
    for s in range(n):
        units = [_unit(dice, f"U{s}{u}", step) for u in range(dice.choice((1, 2)))]
        stage: dict[str, Any] = {"name": f"S{s}", "units": units}
        if s < n - 1:
            stage["transfer_min"] = dice.choice((0, round(step / 2), step, round(dice.uniform(0, 1.5) * step)))
            stage["longest_wait_min"] = max(stage["transfer_min"] + round(dice.uniform(0, 2.5) * step), 1)
        elif campaign:
            stage["campaign"] = True
        stages.append(stage)
    return stages


def _unit(dice: random.Random, name: str, step: int) -> dict[str, Any]:
    unit: dict[str, Any] = {"name": name, "setup_min": dice.choice((0, 0, step, round(dice.uniform(0, 2) * step)))}
    if dice.random() < 0.3:
        unit["phases"] = [
            {"share": 0.25, "power_mw": 8.0},
            {"share": 0.5, "power_mw": 40.0},
            {"share": 0.25, "power_mw": 4},
        ]
    else:
        unit["power_mw"] = float(dice.choice((5, 10, 30)))
    if dice.random() < 0.15:
        unit["states"] = {"states": [{"name": "on", "power_mw": 2.0}], "ready": "on"}
    return unit


def _power(unit: dict[str, Any]) -> float:
    return float(unit.get("power_mw") or max(phase["power_mw"] for phase in unit["phases"]))


def _outage(dice: random.Random, name: str, length: int) -> dict[str, Any]:
    begin = dice.randint(0, length - 20)
    return {"unit": name, "start": f"{begin} min", "end": f"{begin + dice.randint(5, length // 3)} min"}


def _orders(dice: random.Random, hours: int, grades: int, heats: int) -> list[dict[str, Any]]:
    orders: list[dict[str, Any]] = []
    while heats:
        count = min(dice.randint(1, 3), heats)
        heats -= count
        name = f"O{len(orders) + 1}"
        order: dict[str, Any] = {
            "name": name,
            "heats": [{"grade": f"G{dice.randrange(grades)}", "name": f"{name}-{i + 1}"} for i in range(count)],
        }
        if dice.random() < 0.3:
            order["due"] = f"{dice.randint(round(hours * 30), hours * 60)} min"
        if dice.random() < 0.2:
            order["release"] = f"{dice.randint(0, hours * 20)} min"
        orders.append(order)
    return orders


def _locks(
    dice: random.Random, stages: list[dict[str, Any]], orders: list[dict[str, Any]], length: int
) -> list[dict[str, Any]]:
    """A lock of one heat at a stage without casts, within a window or on a unit."""
    open_ = [stage for stage in stages if not stage.get("campaign")]
    if not open_:
        return []
    order, stage = dice.choice(orders), dice.choice(open_)
    lock = {"heat": dice.choice(order["heats"])["name"], "stage": stage["name"]}
    if dice.random() < 0.5:
        return [lock | {"unit": dice.choice(stage["units"])["name"]}]
    begin = dice.randint(0, length // 2)
    return [lock | {"earliest": f"{begin} min", "latest": f"{begin + length // 3} min"}]
