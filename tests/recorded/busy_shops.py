"""Random lines in which much happens: casts, waits, locks, outages, heats under way, idle states, an import limit.

They are for figures of the twin, not for plans: much of what they ask for cannot be done, and some have mistakes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from small_works import Draw

STATES = {
    "states": [{"name": "ready", "power_mw": 3.0}, {"name": "warm", "power_mw": 1.0}, {"name": "off", "power_mw": 0.0}],
    "transitions": [
        {"start": "ready", "end": "warm", "duration_min": 5},
        {"start": "warm", "end": "ready", "duration_min": 15, "power_mw": 4.0},
        {"start": "warm", "end": "off", "duration_min": 0},
        {"start": "off", "end": "warm", "duration_min": 25, "power_mw": 2.5},
    ],
    "ready": "ready",
}  # fmt: skip


def busy_shop(seed: int) -> dict[str, Any]:
    """A line of one to four stages and a dozen heats."""
    draw = Draw(seed)
    step = draw.pick(5, 10, 15, 30)
    hours = draw.pick(10, 12, 16)
    raw: dict[str, Any] = {
        "name": f"shop-{seed}",
        "horizon": {"start": "2026-03-10T00:00+00:00", "length_h": hours, "step_min": step},
        "market": {"price_per_mwh": 50.0, "carbon_intensity_kg_per_mwh": 400.0},
        "site": {"base_load_mw": draw.even(0, 4), "carriers": [{"name": "steam", "waste": True}],
                 "grid": {"metered_interval_min": draw.pick(15, 30) if step != 10 else draw.pick(10, 20, 30)}},
        "line": _line(draw),
        "state": {"outages": [], "started": []},
        "disturbances": {},
    }  # fmt: skip
    stages = raw["line"]["stages"]
    raw["orders"] = _orders(draw, hours, stages, len(raw["line"]["grades"]))
    units = [unit["name"] for stage in stages for unit in stage["units"]]
    raw["disturbances"] = _disturbances(draw, units)
    for name in units:
        if draw.chance(0.2):
            begin = draw.pick(-30, int(draw.even(0, hours * 50, 0)))
            raw["state"]["outages"].append(
                {"unit": name, "start": f"{begin} min", "end": f"{begin + draw.pick(35, 60, 127)} min"}
            )
    free = draw.chance(0.2)
    if free:
        # nothing couples the heats: first come, first served
        for stage in stages:
            stage.pop("longest_wait_min", None)
            stage.pop("campaign", None)
    elif draw.chance(0.4):
        raw["site"]["grid"]["import_limit_mw"] = draw.even(30, 70)
    if draw.chance(0.3):
        raw["site"]["battery"] = {"energy_mwh": 8.0, "power_mw": 5.0, "level_share": 0.5}
    raw["state"]["started"] = _started(draw, raw)
    if not free and draw.chance(0.5):
        raw["locks"] = _locks(draw, raw)
    if len(stages) > 1 and draw.chance(0.4):
        margin = {"stage": stages[0]["name"], "slack_min": draw.pick(0, 6), "quantile": 0.7}
        if "longest_wait_min" in stages[0]:
            margin["wait_min"] = draw.pick(0, 7)
        raw["disturbances"] |= {"due_margin_min": draw.pick(0, 10), "margins": [margin]}
        if "import_limit_mw" in raw["site"]["grid"]:
            raw["disturbances"]["import_margin_mw"] = 2.0
    return raw


def _line(draw: Draw) -> dict[str, Any]:
    names = ["melt", "ladle", "vacuum", "cast"][-draw.pick(1, 2, 3, 3, 4) :]
    stages: list[dict[str, Any]] = []
    for name in names:
        units = [_unit(draw, f"{name} {i + 1}") for i in range(draw.pick(1, 2, 2, 3) if name != "vacuum" else 1)]
        stage: dict[str, Any] = {"name": name, "units": units}
        if name != "cast":
            stage["transfer_min"] = draw.pick(0, 5, 8)
            if draw.chance(0.6):
                stage["longest_wait_min"] = draw.pick(30, 60, 90)
        if draw.chance(0.2):
            stage["gives"] = [{"carrier": "steam", "per_mwh": 0.2}]
        stages.append(stage)
    if draw.chance(0.6):
        stages[-1]["campaign"] = True
    grades = []
    for g in range(draw.pick(1, 2, 3)):
        grade: dict[str, Any] = {"name": f"G{g}", "mass_t": draw.pick(60.0, 85.0), "duration_min": {}}
        for stage in stages:
            if stage["name"] == "vacuum" and g == 1:
                continue
            grade["duration_min"][stage["name"]] = draw.pick(25, 30, 41, 52)
            for unit in stage["units"]:
                if draw.chance(0.25):
                    grade["duration_min"][unit["name"]] = draw.pick(20, 33, 45)
        if draw.chance(0.4) and stages[-1]["name"] in grade["duration_min"]:
            grade["energy_kwh_per_t"] = {stages[-1]["name"]: draw.even(100, 400)}
        grades.append(grade)
    line: dict[str, Any] = {"stages": stages, "grades": grades, "transfers": []}
    for first, second in pairwise(stages):
        if draw.chance(0.5):
            line["transfers"].append(
                {"start": first["units"][0]["name"], "end": second["units"][-1]["name"], "minutes": draw.pick(3, 11)}
            )
    open_ = [stage["name"] for stage in stages[1:] if not stage.get("campaign")]
    if open_ and draw.chance(0.6):
        line["heat_loss"] = {
            "rate_k_per_min": 2.0, "reheat_kwh_per_t_k": 0.5, "reheating_stage": draw.pick(*open_),
        }  # fmt: skip
    return line


def _unit(draw: Draw, name: str) -> dict[str, Any]:
    unit: dict[str, Any] = {"name": name, "setup_min": draw.pick(0, 0, 5, 12)}
    if draw.chance(0.3):
        unit["phases"] = [
            {"share": 0.25, "power_mw": 6.0},
            {"share": 0.5, "power_mw": 30.0},
            {"share": 0.25, "power_mw": 3},
        ]
    else:
        unit["power_mw"] = draw.pick(4.0, 18.0, 27.0)
    if draw.chance(0.2):
        unit["states"] = STATES
    return unit


def _orders(draw: Draw, hours: int, stages: list[dict[str, Any]], grades: int) -> list[dict[str, Any]]:
    orders = []
    for i in range(draw.pick(2, 3, 4, 5)):
        entry: dict[str, Any] = {"grade": f"G{int(draw.rng.integers(grades))}", "count": draw.pick(1, 2, 3)}
        order: dict[str, Any] = {"name": f"O{i}", "heats": [entry]}
        if draw.chance(0.3):
            order["heats"].append({"grade": f"G{int(draw.rng.integers(grades))}"})
            if draw.chance(0.3):
                order["heats"][-1]["due"] = f"{int(draw.even(hours * 45, hours * 60, 0))} min"
        if draw.chance(0.3):
            order["due"] = f"{int(draw.even(hours * 40, hours * 60, 0))} min"
        if draw.chance(0.25):
            order["release"] = f"{int(draw.even(0, hours * 20, 0))} min"
        if draw.chance(0.15):
            order["units"] = [stages[-1]["units"][-1]["name"]]
        orders.append(order)
    return orders


def _started(draw: Draw, raw: dict[str, Any]) -> list[dict[str, Any]]:
    """The first heat of the first orders, under way somewhere."""
    stages = raw["line"]["stages"]
    started: list[dict[str, Any]] = []
    grade = {item["name"]: item["duration_min"] for item in raw["line"]["grades"]}
    for order in raw["orders"][: draw.pick(0, 0, 1, 2)]:
        order.pop("release", None)  # what has begun was free to
        stage = draw.pick(*stages)
        unit = stage["units"][len(started) % len(stage["units"])]["name"]
        if {stage["name"], unit} & set(grade[order["heats"][0]["grade"]]):
            started.append(
                {
                    "heat": f"{order['name']}-1",
                    "stage": stage["name"],
                    "unit": unit,
                    "start": f"-{draw.pick(0, 9, 20, 60)} min",
                }
            )
            if draw.chance(0.4) and stage is stages[0] and len(stages) > 1:
                unit = stages[1]["units"][0]["name"]
                if {stages[1]["name"], unit} & set(grade[order["heats"][0]["grade"]]):
                    started[-1]["start"] = "-66 min"
                    started.append(
                        {"heat": f"{order['name']}-1", "stage": stages[1]["name"], "unit": unit, "start": "-7 min"}
                    )
    return started


def _locks(draw: Draw, raw: dict[str, Any]) -> list[dict[str, Any]]:
    locks = []
    for order in raw["orders"][-draw.pick(1, 2) :]:
        stage = draw.pick(*raw["line"]["stages"])
        lock: dict[str, Any] = {"heat": f"{order['name']}-1", "stage": stage["name"]}
        begin = 30 * int(draw.even(3, raw["horizon"]["length_h"], 0))
        what = draw.pick("unit", "window", "start", "both")
        if what in ("unit", "both"):
            lock["unit"] = draw.pick(*stage["units"])["name"]
        if what == "start":
            lock["start"] = f"{begin} min"
        elif what != "unit":
            lock |= {"earliest": f"{begin} min", "latest": f"{begin + draw.pick(0, 61, 200)} min"}
        locks.append(lock)
    return locks


def _disturbances(draw: Draw, units: list[str]) -> dict[str, Any]:
    table: dict[str, Any] = {
        "duration_spread": draw.pick(0, 0.08), "energy_spread": draw.pick(0, 0.05), "seed": draw.pick(1, 2, 3),
        "planning_quantile": draw.pick(0.5, 0.8), "breakdowns": [],
    }  # fmt: skip
    for name in units:
        if draw.chance(0.3):
            table["breakdowns"].append({"unit": name, "mtbf_h": draw.pick(2, 6), "mttr_min": draw.pick(12, 40)})
    if draw.chance(0.3):
        table["units"] = [{"unit": "cast 1", "duration": 0.15, "distribution": draw.pick("lognormal", "exponential")}]
    return table


def altered(schedule: xr.Dataset, raw: dict[str, Any], seed: int) -> xr.Dataset:
    """A list that starts some heats at other times or on other units, and leaves one out: much of it cannot be kept."""
    draw = Draw(1000 + seed)
    unit, start, end = (schedule[name].values.copy() for name in ("unit", "start_min", "end_min"))
    unit = unit.astype("U20")
    grades = {grade["name"]: grade["duration_min"] for grade in raw["line"]["grades"]}
    entries = [
        entry["grade"] for order in raw["orders"] for entry in order["heats"] for _ in range(entry.get("count", 1))
    ]
    step = raw["horizon"]["step_min"]
    for h, grade in enumerate(entries):
        if draw.chance(0.3):
            later = draw.pick(-step, step, 3 * step, 17)
            start[h], end[h] = start[h] + later, end[h] + later
        for k, stage in enumerate(raw["line"]["stages"]):
            if not unit[h, k]:
                continue
            if draw.chance(0.25):
                later = draw.pick(-2 * step, -step, step, 40, 6.5)
                start[h, k], end[h, k] = start[h, k] + later, end[h, k] + later
            if draw.chance(0.2):
                end[h, k] += draw.pick(-4, 3, 12)
            if draw.chance(0.3):
                other = draw.pick(*stage["units"])["name"]
                if {stage["name"], other} & set(grades[grade]):
                    unit[h, k] = other
    if draw.chance(0.3):
        h = int(draw.rng.integers(len(entries)))
        k = int(draw.rng.integers(len(raw["line"]["stages"])))
        unit[h, k:], start[h, k:], end[h, k:] = "", np.nan, np.nan
    columns = {"unit": unit, "start_min": np.maximum(start, 0.0), "end_min": np.maximum(end, 5.0)}
    result = schedule.assign({name: (("heat", "stage"), values) for name, values in columns.items()})
    return result.assign_attrs(policy="schedule")
