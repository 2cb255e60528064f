"""Scenarios with mistakes that were put in at random, and the table of what is said of each.

``make figures`` writes the table again.
"""

from __future__ import annotations

import copy
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from busy_shops import busy_shop
from busy_works import busy_works
from pydantic import ValidationError
from small_sites import random_site
from small_works import Draw, random_works

from emberline.scenarios import Scenario
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.records.faults import fault

TABLE = Path(__file__).resolve().parent / "mistakes.csv"
SEEDS = 400
Place = tuple[str | int, ...]


def messages(seed: int) -> list[str]:
    """Place and message of each mistake of a spoilt scenario, in the order of the checks."""
    raw = spoilt(seed)
    try:
        built = Scenario.model_validate(raw, context={"currency": "EUR"})
        mistakes: list[tuple[Place, str]] = list(between_nouns(built))
    except ValidationError as error:
        # pydantic names validators in places too
        mistakes = [(tuple(p for p in item["loc"] if "(" not in str(p)), fault(item)) for item in error.errors()]
    return [f"{'.'.join(map(str, place))}: {text}" for place, text in mistakes]


def spoilt(seed: int) -> dict[str, Any]:
    """A scenario with some mistakes, or with none by chance."""
    draw = Draw(3000 + seed)
    kind = draw.pick("shop", "shop", "locks", "locks", "works", "small works", "site", "site")
    if kind in ("shop", "locks"):
        raw = busy_shop(seed)
    else:
        raw = {"works": busy_works, "small works": random_works, "site": random_site}[kind](seed)
    raw = copy.deepcopy(raw)
    raw.pop("series", None)
    if kind == "locks":
        _lock(draw, raw)
        return raw
    if draw.chance(0.3):
        raw["market"] |= _market(draw)
        if draw.chance(0.2):
            del raw["market"]["price_per_mwh"]
    if draw.chance(0.3):
        _add(draw, raw)
    for _ in range(draw.pick(0, 1, 1, 2)):
        _spoil(draw, raw)
    return raw


def _lock(draw: Draw, raw: dict[str, Any]) -> None:
    """Locks at random on heats of two orders, and heats under way."""
    orders, stages = raw["orders"][:2], raw["line"]["stages"]
    heats = [
        f"{order['name']}-{i + 1}" for order in orders for i in range(sum(e.get("count", 1) for e in order["heats"]))
    ]
    raw["locks"] = []
    for _ in range(draw.pick(1, 2, 3, 4)):
        stage = stages[-1] if draw.chance(0.7) else draw.pick(*stages)
        begin, wide = draw.pick(0, 30, 60, 61, 62.5, 95, 120, 131, 200), draw.pick(0, 0, 3, 30, 90)
        lock: dict[str, Any] = {"heat": draw.pick(*heats), "stage": stage["name"]}
        if draw.chance(0.4):
            lock["unit"] = draw.pick(*stage["units"])["name"]
        what = draw.pick("start", "window", "earliest", "latest", "none" if "unit" in lock else "start")
        if what == "start":
            lock["start"] = f"{begin} min"
        if what in ("window", "earliest"):
            lock["earliest"] = f"{begin} min"
        if what in ("window", "latest"):
            lock["latest"] = f"{begin + wide} min"
        raw["locks"].append(lock)
    if draw.chance(0.3):
        raw["state"]["started"] = [
            {"heat": heats[0], "stage": stages[-1]["name"], "unit": stages[-1]["units"][0]["name"], "start": "-12 min"}
        ]
    if draw.chance(0.15):
        raw["goal"] = {"minimize": "lateness"}


def _market(draw: Draw) -> dict[str, Any]:
    contracts = [
        {"kind": "ppa", "name": draw.pick("wind", "spot"), "share": draw.pick(0.4, 1.0), "price_per_mwh": 50.0},
        {"kind": "guarantees", "name": draw.pick("wind", "water"), "share": draw.pick(0.6, 1.0), "price_per_mwh": 1.0},
        {"kind": "ppa", "name": "rest", "mw": 2.0, "price_per_mwh": 40.0},
    ]
    market: dict[str, Any] = {"contracts": [row for row in contracts if draw.chance(0.6)]}
    if draw.chance(0.5):
        market["imbalance"] = {"short_spread_per_mwh": 10.0, "long_spread_per_mwh": 5.0}
    if draw.chance(0.3):
        market["tariff_before"] = {"peak_mw": 3.0}
    return market


def _add(draw: Draw, raw: dict[str, Any]) -> None:
    """Something that fits seldom: a level, an outage, a breakdown, a margin, what has begun, another stop or order."""
    state, disturbances = raw.setdefault("state", {}), raw.setdefault("disturbances", {})
    stages = raw.get("line", {}).get("stages", [])
    units = [unit["name"] for stage in stages for unit in stage["units"]]
    units += [process["name"] for process in raw.get("processes", ())]
    unit = draw.pick(*units, "nowhere")
    what = draw.pick("level", "outage", "breakdown", "margin", "begun", "limits", "order", "goal")
    if what == "level":
        state["battery_level_mwh"] = draw.pick(0.5, 5.0, 50.0)
    elif what == "outage":
        state["outages"] = [
            {"unit": unit, "start": draw.pick("1 h", "-2 h"), "end": draw.pick("2 h", "0 min", "900 h")}
        ]
    elif what == "breakdown":
        disturbances["breakdowns"] = [{"unit": unit, "mtbf_h": 9, "mttr_min": 30}] * draw.pick(1, 2)
    elif what == "margin":
        margin = {
            "stage": draw.pick("melt", "ladle", "cast"),
            "slack_min": draw.pick(0, 30),
            "wait_min": draw.pick(0, 40),
        }
        disturbances["margins"] = [margin] * draw.pick(1, 2)
    elif what == "begun" and stages:
        stage, heat = draw.pick(*stages), f"{raw['orders'][0]['name']}-{draw.pick(1, 9)}"
        operation = {"heat": heat, "stage": stage["name"], "unit": unit, "start": draw.pick("-3 min", "3 min")}
        state["started"] = [operation] * draw.pick(1, 2)
    elif what == "limits":
        disturbances |= {"import_margin_mw": draw.pick(1.0, 100.0), "due_margin_min": draw.pick(0, 5)}
    elif what == "order" and stages:
        raw["orders"].append(
            {"name": "late", "heats": [{"grade": "G0", "count": draw.pick(1, 40)}], "due": draw.pick("2 h", "99 h")}
        )
    elif what == "goal":
        raw["goal"] = draw.pick(
            {"minimize": "lateness"}, {"signal": "marginal"}, {"minimize": "cost_with_carbon_price"}
        )


def _spoil(draw: Draw, raw: dict[str, Any]) -> None:
    """Change, double or leave out something anywhere."""
    leaves = list(_leaves(raw, ()))
    place, value = draw.pick(*leaves)
    parent: Any = raw
    for key in place[:-1]:
        parent = parent[key]
    last: Any = place[-1]
    what = draw.pick("change", "change", "change", "drop", "add", "double")
    if what == "double" and (inside := [i for i, key in enumerate(place) if isinstance(key, int)]):
        rows: Any = raw
        for key in place[: inside[-1]]:
            rows = rows[key]
        rows.append(copy.deepcopy(rows[place[inside[-1]]]))
    elif what == "drop":
        depth = int(draw.rng.integers(len(place)))
        around: Any = raw
        for key in place[:depth]:
            around = around[key]
        del around[place[depth]]
    elif what == "add" and isinstance(parent, dict):
        parent[draw.pick("colour", "margin", "units")] = draw.pick(1, "red", [])
    elif isinstance(value, bool):
        parent[last] = draw.pick(not value, "maybe", 3)
    elif isinstance(value, int | float):
        parent[last] = draw.pick(-value, 0, value * 10, value * 1.4, value / 10, value + 0.5, 1e12, "many", None)
    else:
        words = [text for _, text in leaves if isinstance(text, str)]
        parent[last] = (
            draw.pick(*words) if draw.chance(0.6) else draw.pick("nothing", "", "9000 min", "-5 h", 7, None, "x" * 70)
        )


def _leaves(raw: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    items = raw.items() if isinstance(raw, dict) else enumerate(raw)
    for key, value in items:
        if isinstance(value, dict | list):
            yield from _leaves(value, (*place, key))
        else:
            yield (*place, key), value


def recorded() -> dict[int, list[str]]:
    """By seed: what was said."""
    rows: dict[int, list[str]] = {seed: [] for seed in range(SEEDS)}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows[int(row["seed"])].append(row["says"])
    return rows


if __name__ == "__main__":
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["seed", "says"])
        writer.writerows([seed, says] for seed in range(SEEDS) for says in messages(seed))
