"""What idle units draw is part of program and bound: both end at the best of all plans, counted one by one."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from emberline import models, twin
from emberline.models.problem import line_reader
from emberline.models.problem.assignment import from_schedule, load_cells
from emberline.models.problem.line_reader import with_floors
from emberline.scenarios import Case, Scenario, resolve
from emberline.scenarios.checking.mistakes import between_nouns

STEP, SLOTS = 15, 10
NEAR = 1e-3

Transitions = dict[tuple[str, str], tuple[int, float]]
"""Minutes and power by the two states."""
FURNACE: tuple[dict[str, float], Transitions] = (
    {"off": 0.0, "standby": 2.0, "hot": 6.0},
    {
        ("hot", "standby"): (5, 3.0),
        ("standby", "hot"): (10, 7.0),
        ("standby", "off"): (4, 1.0),
        ("off", "standby"): (20, 9.0),
    },
)
OVEN: tuple[dict[str, float], Transitions] = (
    {"hot": 5.0, "low": 3.0},
    {("hot", "low"): (7, 4.0), ("low", "hot"): (12, 9.0)},
)
STEADY: tuple[dict[str, float], Transitions] = ({"hot": 2.5}, {})
MACHINES = (FURNACE, OVEN, STEADY)


def raw(seed: int) -> tuple[dict[str, Any], list[float]]:
    """A shop of one stage and the worth of a MWh in each slot."""
    dice = random.Random(seed)
    units: list[dict[str, Any]] = []
    for u in range(dice.choice((1, 2))):
        powers, ways = dice.choice(MACHINES)
        record: dict[str, Any] = {
            "states": [{"name": name, "power_mw": mw} for name, mw in powers.items()],
            "transitions": [
                {"start": a, "end": b, "duration_min": minutes, "power_mw": mw}
                for (a, b), (minutes, mw) in ways.items()
            ],
            "ready": "hot",
        }
        for key in ("initial", "final"):
            if dice.random() < 0.5:
                record[key] = dice.choice(list(powers))
        units.append({"name": f"U{u}", "power_mw": 20.0, "setup_min": dice.choice((0, 5)), "states": record})
    grades = [{"name": f"G{g}", "mass_t": 50.0, "duration_min": {"S": dice.choice((15, 17, 25, 30))}} for g in (0, 1)]
    heats = [{"grade": f"G{dice.randrange(2)}", "name": f"H{i}"} for i in range(dice.choice((2, 3)))]
    stage: dict[str, Any] = {"name": "S", "units": units}
    orders = [{"name": f"O{i}", "heats": [heat]} for i, heat in enumerate(heats)]
    if dice.random() < 0.4:
        stage["campaign"] = True
        orders = [{"name": "O0", "heats": heats[:2]}, *orders[2:]]
    grid: dict[str, Any] = {"metered_interval_min": dice.choice((5, 15))}
    if dice.random() < 0.3:
        grid["import_limit_mw"] = 26.0
    data = {
        "name": f"idle-{seed}",
        "horizon": {"start": "2026-03-10T00:00+00:00", "length_h": SLOTS * STEP / 60, "step_min": STEP},
        "line": {"stages": [stage], "grades": grades},
        "orders": orders,
        "site": {"grid": grid},
        "market": {"price_per_mwh": 10.0, "carbon_intensity_kg_per_mwh": 1.0},
        "disturbances": {"replications": 0},
        "goal": {"minimize": "cost", "gap": 1e-6, "effort": 60, "caps": {"extra_cost_share": None}},
    }
    low = -80 if dice.random() < 0.3 else 20
    return data, [round(dice.uniform(low, 200), 1) for _ in range(SLOTS)]


def built(text: tuple[dict[str, Any], list[float]]) -> Case:
    """The scenario of a shop."""
    result = resolve(Scenario.model_validate(text[0]))
    assert not list(between_nouns(result))
    name = "price_per_mwh"
    return result.with_inputs(result.inputs.assign({name: ("time", np.array(text[1]), result.inputs[name].attrs)}))


# ---- the same once more, to the minute, from the plain data -------------------------------------------------------


def fastest(ways: Transitions, names: list[str], a: str, b: str) -> list[tuple[int, float]]:
    """The transitions of the quickest way."""
    result = [[ways[pair] for pair in itertools.pairwise((a, *via, b))]
             for k in range(len(names)) for via in itertools.permutations([n for n in names if n not in (a, b)], k)
             if all(pair in ways for pair in itertools.pairwise((a, *via, b)))] if a != b else [[]]  # fmt: skip
    return min(result, key=lambda way: sum(minutes for minutes, _ in way), default=[(10**6, 0.0)])


def gap(record: dict[str, Any], minutes: int, start: str, end: str, *, to_work: bool) -> np.ndarray:
    """Power by minute of a gap."""
    powers = {state["name"]: state["power_mw"] for state in record["states"]}
    ways = {(way["start"], way["end"]): (way["duration_min"], way["power_mw"]) for way in record["transitions"]}
    rows: list[tuple[float, float, int, np.ndarray]] = []
    for k, (name, mw) in enumerate(powers.items()):
        there, on = (
            [power for length, power in fastest(ways, list(powers), *ends) for _ in range(length)]
            for ends in ((start, name), (name, end))
        )
        stay = minutes - len(there) - len(on)
        if stay >= 0:
            trajectory = np.array([*there, *[mw] * stay, *on], dtype=float)
            rows.append((round(float(trajectory.sum()), 6), len(there) + len(on), k, trajectory))
    if rows:
        return min(rows, key=lambda one: one[:3])[-1]
    trajectory = np.array([power for length, power in fastest(ways, list(powers), start, end) for _ in range(length)])
    return trajectory[len(trajectory) - minutes :] if to_work else trajectory[:minutes]


def plans(data: dict[str, Any]) -> Iterator[np.ndarray]:
    """Power by minute of each plan."""
    stage, length = data["line"]["stages"][0], STEP * SLOTS
    minutes = {grade["name"]: grade["duration_min"]["S"] for grade in data["line"]["grades"]}
    jobs = [[minutes[heat["grade"]] for heat in order["heats"]] for order in data["orders"]]
    works = [sum(job) for job in jobs]
    units = stage["units"]
    places = [(u, t * STEP) for u in range(len(units)) for t in range(SLOTS)]
    for result in itertools.product(places, repeat=len(works)):
        if any(begin + work > length for (_, begin), work in zip(result, works, strict=True)):
            continue
        total, possible = np.zeros(length), True
        for u, unit in enumerate(units):
            record = unit["states"]
            mine = sorted((begin, begin + work) for (v, begin), work in zip(result, works, strict=True) if v == u)
            initial = record.get("initial", "hot")
            at, state = 0, initial
            for begin, end in mine:
                possible &= begin >= at + (unit["setup_min"] if at and state == "hot" else 0)
                if not possible:
                    break
                total[at:begin] += gap(record, begin - at, state, "hot", to_work=True)
                total[begin:end] += unit["power_mw"]
                at, state = end, "hot"
            if not possible:
                break
            total[at:] += gap(record, length - at, state, record.get("final", initial), to_work=False)
        if possible:
            yield total


def best(text: tuple[dict[str, Any], list[float]]) -> float:
    """The least cost of all plans."""
    data, worth = text
    grid, result = data["site"]["grid"], math.inf
    for power in plans(data):
        metered = power.reshape(-1, grid["metered_interval_min"]).mean(axis=1)
        if metered.max() <= grid.get("import_limit_mw", math.inf) + 1e-9:
            result = min(result, float(power.reshape(SLOTS, -1).sum(axis=1) @ np.array(worth)) / 60)
    return result


# ---- tests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_plan_and_bound_are_the_best_with_what_idle_units_draw(seed: int) -> None:
    """Proves: with states that gaps are spent in by least energy, whatever it costs, plan and bound meet at the best.

    Sensitivity: a bound without what idle units draw leaves a gap; one that may choose states by price lies below.
    """
    text = raw(seed)
    scenario, least = built(text), best(text)
    envelope = twin.envelope(scenario)
    listed = twin.dispatch(scenario, envelope)
    result = models.optimize(scenario, envelope, listed if listed.attrs["complete"] else None).attrs
    if math.isinf(least):
        assert result["status"] in ("infeasible", "no plan on this grid")
        return
    assert result["status"] == "within gap"
    assert result["objective"] == pytest.approx(least, rel=1e-6, abs=NEAR)
    assert result["bound"] <= least + NEAR


@pytest.mark.parametrize("seed", range(6))
def test_floors_change_no_load(seed: int) -> None:
    """Proves: what a plan draws is the same whether the floors of idle units count with them or with works.

    Sensitivity: a floor over set-ups too, or beyond the horizon's end."""
    scenario = built(raw(seed))
    envelope = twin.envelope(scenario)
    plain = line_reader.from_scenario(scenario, envelope)
    floored = with_floors(plain)
    starts = from_schedule(plain, twin.dispatch(scenario, envelope))
    assert starts is not None
    latest = max(range(len(starts.slot)), key=lambda h: starts.slot[h] or (-1,))
    over = tuple((SLOTS - 1,) if h == latest and item else item for h, item in enumerate(starts.slot))
    late = replace(starts, slot=over)
    for one in (starts, late):
        assert load_cells(floored, one) == pytest.approx(load_cells(plain, one))
    assert sum(floored.fixed_cells) > 0 or floored.states
