"""Random sequences of requests for the same small shop in one home, and a judge of what they leave on the disk.

Goal, signal, step, margins, import limit, cap on cost, carbon price and time for the search change from one request to
the next. The judge reads the files of a run alone: objective, constant and bound are counted from imports and series,
and where steps are hours all lists of heats are tried.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from enumerated_shops import Place, best, shop

from emberline.scenarios import Case
from emberline.scenarios.goal_metrics import no_worse
from emberline.scenarios.records.goal import Goal

NEAR = 1e-6


def sequence(seed: int, length: int = 4) -> Iterator[Case]:
    """Requests of one shop, each made of the one before by some changes."""
    dice = random.Random(seed)
    hours = [dice.choice((1, 1, 2)) for _ in range(dice.randint(2, 3))]
    n = dice.randint(7, 10)
    intensity, marginal, prices = ([round(dice.uniform(20, 500), 1) for _ in range(n)] for _ in range(3))
    ladle = dice.random() < 0.5
    options: dict[str, tuple[Any, ...]] = {
        "minimize": ("carbon", "cost", "cost_with_carbon_price"), "signal": ("average", "marginal"),
        "cap": (None, 0.0, 0.02, 0.1), "step": (60, 60, 30), "due": (0, 60), "slack": (0, 60),
        "limit": (None, 12.5, 26.0), "carbon_price": (0.0, 80.0), "seconds": (3.0, 3.0, 0.02),
        "other": ("off", "no_worse", None),
    }  # fmt: skip
    settings = {key: dice.choice(values) for key, values in options.items()}
    for _ in range(length):
        for key in dice.sample(sorted(options), dice.randint(0, 4)):
            settings[key] = dice.choice(options[key])
        margins = [{"stage": "melting", "slack_min": settings["slack"]}] if ladle and settings["slack"] else []
        grid = {"metered_interval_min": 60}
        times = 60 // settings["step"]
        built = shop(
            np.repeat(intensity, times).tolist(), hours, furnaces=2, ladle_h=int(ladle), minimize=settings["minimize"],
            site={"grid": grid | ({} if settings["limit"] is None else {"import_limit_mw": settings["limit"]})},
            market={
                "price_per_mwh": 1.0, "carbon_intensity_kg_per_mwh": 1.0, "marginal_carbon_intensity_kg_per_mwh": 1.0,
                "carbon_price": {"per_t": settings["carbon_price"], "covers": "all"},
            },
            disturbances={"replications": 0, "due_margin_min": settings["due"], "margins": margins},
            horizon={"start": "2026-03-10T00:00+00:00", "length_h": n, "step_min": settings["step"]},
        )  # fmt: skip
        goal = {"signal": settings["signal"], "effort": settings["seconds"]}
        caps = {"extra_cost_share": settings["cap"], "other_signal": settings["other"]}
        goal |= {"minimize": settings["minimize"], "gap": built.goal.gap, "caps": caps}
        series = {
            "price_per_mwh": prices, "carbon_intensity_kg_per_mwh": intensity,
            "marginal_carbon_intensity_kg_per_mwh": marginal,
        }  # fmt: skip
        inputs = built.inputs.assign(
            {name: ("time", np.repeat(values, times), built.inputs[name].attrs) for name, values in series.items()}
        )
        yield built.model_copy(update={"goal": Goal.model_validate(goal)}).with_inputs(inputs)


def faults(scenario: Case, folder: Path) -> list[str]:
    """Faults in the numbers of a stored run; empty where all are right."""
    summary = json.loads((folder / "plan.json").read_text(encoding="utf-8"))["summary"]
    if summary["schedule"] is None or summary["objective"] is None:
        return []
    with xr.open_dataset(folder / "schedule.nc") as schedule, xr.open_dataset(folder / "baseline.nc") as baseline:
        return list(_faults(scenario, summary, schedule, baseline))


def _faults(scenario: Case, summary: dict[str, Any], schedule: xr.Dataset, baseline: xr.Dataset) -> Iterator[str]:
    hours, objective, bound = scenario.horizon.step_h, summary["objective"], summary["bound"]
    worth = by_goal(scenario, scenario.goal.minimize)
    mine = float((schedule["import_mw"].to_numpy() * worth).sum()) * hours
    near = NEAR * max(abs(mine), 1.0)
    # electricity alone: there is no part that no plan can change
    if abs(objective - mine) > near:
        yield f"objective {objective:.6g} instead of {mine:.6g}"
    for name, value in (("objective", objective), ("bound", bound), ("gap", summary["gap"]), ("constant", 0.0)):
        stored = float(schedule.attrs[name])
        if (value is None and not math.isnan(stored)) or (value is not None and not abs(stored - value) <= near):
            yield f"{name} of the schedule is {stored:.6g}, of the plan {value}"
    if schedule.attrs["goal"] != scenario.goal.minimize:
        yield f"the schedule is said to be of {schedule.attrs['goal']}"
    for point in summary["choices"]:
        if point["is_plan"] and abs(point["figures"]["carbon_kg"] - summary["replay"]["carbon_kg"]) > near:
            yield "the point of the plan is another plan"
    if bound is None:
        return
    if bound > objective + near:
        yield f"bound {bound:.6g} above the objective {objective:.6g}"
    if abs(summary["gap"] - (objective - bound) / max(abs(objective), 1e-9)) > NEAR:
        yield f"gap {summary['gap']:.6g} is not that of objective and bound"
    cap, least = scenario.goal.caps.extra_cost_share, None
    if scenario.horizon.step_min == 60:
        paid = by_goal(scenario, "cost_with_carbon_price")
        base = float((baseline["import_mw"].to_numpy() * paid).sum())
        limits = [] if cap is None else [(paid, base + cap * abs(base))]
        if no_worse(scenario):
            other = scenario.inputs[scenario.goal.signal.other.series].to_numpy()
            limits.append((other, float((baseline["import_mw"].to_numpy() * other).sum())))
        least = optimum(scenario, worth, limits)
    if least is None:
        return
    if bound > least + near:
        yield f"bound {bound:.6g} above the optimum {least:.6g}"
    if summary["gap"] * abs(objective) < objective - least - near:
        yield f"gap {summary['gap']:.6g} below the true one, {(objective - least) / abs(objective):.6g}"


def by_goal(scenario: Case, goal: str) -> np.ndarray:
    """Weight of a MWh in each step by a goal."""
    prefix = "marginal_" if scenario.goal.signal == "marginal" and goal == "carbon" else ""
    intensity = scenario.inputs[f"{prefix}carbon_intensity_kg_per_mwh"].to_numpy()
    if goal == "carbon":
        return intensity
    added = scenario.market.carbon_price.on_grid / 1000 if goal == "cost_with_carbon_price" else 0.0
    return scenario.inputs["price_per_mwh"].to_numpy() + added * intensity


def optimum(scenario: Case, worth: np.ndarray, caps: list[tuple[np.ndarray, float]]) -> float | None:
    """The least of all lists of heats on hours under caps: what a MWh counts in each, and how much; None: there is
    none."""
    margins, line = scenario.disturbances, scenario.line
    slack = round(margins.slack_min(line.stages[0].name) / 60)
    length = {heat.name: round(heat.grade.duration_min["melting"] / 60) for heat in scenario.heats}
    power = {unit.name: unit.power_mw or 0.0 for unit in line.units}
    most = scenario.site.grid.import_limit_mw or math.inf
    last = round((scenario.horizon.length_min - margins.due_margin_min) / 60)

    def allowed(heat: str, place: Place) -> bool:
        melted = place[1] + length[heat]
        end = place[3] + 1 if place[2] else melted
        return end <= last and (not place[2] or place[3] >= melted + slack)

    def load(places: dict[str, Place]) -> np.ndarray:
        mw = np.zeros(scenario.horizon.n_steps)
        for heat, (unit, begin, second, then) in places.items():
            mw[begin : begin + length[heat]] += power[unit]
            if second:
                mw[then] += power[second]
        return mw

    def keeps(places: dict[str, Place]) -> bool:
        mw = load(places)
        return mw.max() <= most + 1e-9 and all(float(mw @ each) <= top + 1e-9 * abs(top) for each, top in caps)

    name = "carbon_intensity_kg_per_mwh"
    series = ("time", worth, scenario.inputs[name].attrs)
    result = best(scenario.with_inputs(scenario.inputs.assign({name: series})), allowed, keeps)
    return None if result is None else result.kg
