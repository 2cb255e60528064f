"""Small shops whose every list of heats can be enumerated: the rules of a line once more, without a model.

Steps are hours and every time is whole hours, so that slots and minutes say the same. What a heat emits follows from
where it lies alone, so the best list is found by going through all places of one heat after the other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from emberline.scenarios import Case, Scenario, resolve
from emberline.scenarios.checking.mistakes import between_nouns

Place = tuple[str, int, str, int]
"""Unit and start hour at the first stage, and at the second one (empty and −1 where there is none)."""
Allowed = Callable[[str, Place], bool]


def shop(
    intensity: list[float],
    hours: list[int],
    *,
    furnaces: int = 1,
    ladle_h: int = 0,
    wait_h: float = 2,
    due_h: list[int] | None = None,
    power_mw: float = 10.0,
    minimize: str = "carbon",
    price: float = 10.0,
    **remaining: Any,
) -> Case:
    """Heats of one order each, named H1, H2 …; the first stage takes their hours, the second, if any, the same of all.

    Args:
        intensity: of each hour [kg/MWh].
        hours: of each heat at the first stage.
        furnaces: units of the first stage, F1, F2 …
        ladle_h: hours at the second stage, on its one unit L; 0: there is none.
        wait_h: longest wait after the first stage.
        due_h: of each heat; None: the end of the horizon.
        power_mw: of a furnace; the ladle takes a tenth.
        minimize: goal.
        price: of a MWh, the same in each hour.
        rest: more nouns.
    """
    melting: dict[str, Any] = {
        "name": "melting",
        "units": [{"name": f"F{i + 1}", "power_mw": power_mw} for i in range(furnaces)],
    }
    stages: list[dict[str, Any]] = [melting]
    if ladle_h:
        melting["longest_wait_min"] = wait_h * 60
        stages.append({"name": "ladle", "units": [{"name": "L", "power_mw": power_mw / 10}]})
    grades = [
        {
            "name": f"G{length}", "mass_t": 100.0,
            "duration_min": {"melting": length * 60} | ({"ladle": ladle_h * 60} if ladle_h else {}),
        }
        for length in sorted(set(hours))
    ]  # fmt: skip
    orders = [
        {"name": f"O{i + 1}", "heats": [{"grade": f"G{length}", "name": f"H{i + 1}"}]}
        | ({} if due_h is None else {"due": f"{due_h[i]} h"})
        for i, length in enumerate(hours)
    ]
    goal = {"minimize": minimize, "gap": 1e-6, "effort": 20, "caps": {"extra_cost_share": None}}
    built = resolve(
        Scenario.model_validate(
            {
                "name": "shop",
                "horizon": {"start": "2026-03-10T00:00+00:00", "length_h": len(intensity), "step_min": 60},
                "line": {"stages": stages, "grades": grades},
                "orders": orders,
                "site": {"grid": {"metered_interval_min": 60}},
                "market": {"price_per_mwh": price, "carbon_intensity_kg_per_mwh": 1.0},
                "disturbances": {"replications": 0},
                "goal": goal,
                **remaining,
            }
        )
    )

    assert not list(between_nouns(built)), list(between_nouns(built))
    name = "carbon_intensity_kg_per_mwh"
    series = ("time", np.array(intensity, dtype=float), built.inputs[name].attrs)
    return built.with_inputs(built.inputs.assign({name: series}))


@dataclass(frozen=True)
class Best:
    """The least that any list emits, and where the heats lie then."""

    kg: float
    places: dict[str, Place]


def best(
    scenario: Case,
    allowed: Allowed = lambda heat, place: True,
    keeps: Callable[[dict[str, Place]], bool] = lambda places: True,
) -> Best | None:
    """The best of all lists, by trying every one; None: there is none.

    Args:
        scenario: of :func:`shop`.
        allowed: whether a heat may lie there.
        keeps: whether a whole list may be, as limits and caps are of all heats together.
    """
    intensity = scenario.inputs["carbon_intensity_kg_per_mwh"].to_numpy()
    options: list[list[tuple[float, Place]]] = []
    for heat in scenario.heats:
        rows = [
            (_kg(scenario, heat, place, intensity), place)
            for place in _places(scenario, heat)
            if allowed(heat.name, place)
        ]
        options.append(sorted(rows, key=lambda item: item[0]))
    if any(not option for option in options):
        return None
    least = [min(kg for kg, _ in option) for option in options]
    lengths = [_hours(scenario, heat) for heat in scenario.heats]
    bests: list[Best] = []

    def place(h: int, spent: float, places: list[Place]) -> None:
        if bests and spent + sum(least[h:]) >= bests[0].kg - 1e-9:
            return
        if h == len(options):
            by_name = dict(zip([heat.name for heat in scenario.heats], places, strict=True))
            if keeps(by_name):
                bests[:] = [Best(spent, by_name)]
            return
        for kg, at in options[h]:
            if all(_apart(at, lengths[h], other, lengths[i]) for i, other in enumerate(places)):
                place(h + 1, spent + kg, [*places, at])

    place(0, 0.0, [])
    return bests[0] if bests else None


def _hours(scenario: Case, heat: Any) -> tuple[int, int]:
    rows = [round((heat.grade.duration_min.get(stage.name) or 0) / 60) for stage in scenario.line.stages]
    return rows[0], rows[1] if len(rows) > 1 else 0


def _places(scenario: Case, heat: Any) -> Iterator[Place]:
    n, (melt, ladle) = scenario.horizon.n_steps, _hours(scenario, heat)
    due = round(heat.due_min / 60)
    minutes = scenario.horizon.minutes
    outages = [
        (item.unit, round(minutes(item.start) / 60), round(minutes(item.end) / 60)) for item in scenario.state.outages
    ]

    def free(unit: str, begin: int, end: int) -> bool:
        return not any(name == unit and begin < last and first < end for name, first, last in outages)

    for unit, t in itertools.product([u.name for u in scenario.line.stages[0].units], range(n)):
        if not free(unit, t, t + melt):
            continue
        if not ladle:
            if t + melt <= due:
                yield unit, t, "", -1
            continue
        wait = int((scenario.line.stages[0].longest_wait_min or 0) // 60)
        for s in range(t + melt, t + melt + wait + 1):
            if s + ladle <= due and free("L", s, s + ladle):
                yield unit, t, "L", s


def _kg(scenario: Case, heat: Any, place: Place, intensity: np.ndarray) -> float:
    (melt, ladle), power = _hours(scenario, heat), scenario.line.units
    mw = {unit.name: unit.power_mw or 0.0 for unit in power}
    kg = mw[place[0]] * intensity[place[1] : place[1] + melt].sum()
    return float(kg + (mw["L"] * intensity[place[3] : place[3] + ladle].sum() if ladle else 0.0))


def _apart(one: Place, mine: tuple[int, int], two: Place, other: tuple[int, int]) -> bool:
    stages = ((one[:2], two[:2]), (one[2:], two[2:]))
    return not any(
        here[0] and here[0] == there[0] and here[1] < there[1] + other[k] and there[1] < here[1] + mine[k]
        for k, (here, there) in enumerate(stages)
    )
