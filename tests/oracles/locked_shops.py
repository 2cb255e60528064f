"""Small shops drawn by a seed, locks drawn for them, and what became of each lock: by the judge of plans alone."""

from __future__ import annotations

import csv as csv_files
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from plan_judge import SECOND, Row, faults, from_file

from emberline.models.explain import limits
from emberline.planning import Plan
from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.exports.formats import programs
from emberline.runs.store.store import Store
from emberline.scenarios import Case, ScenarioError, load, loads
from emberline.scenarios.records.orders import Lock
from emberline.studies.why.why_not import why_not

HASTY = ("goal.gap=0.5", "disturbances.replications=0", "goal.caps.extra_cost_share=null")
"""Whether a lock can be kept is asked, not what it costs."""
MOVING, HOUR_S = 120.0, 3600.0
"""Most work of a search for the times that a lock can be moved to, and its limit on time: that of a machine that stands
still."""


@dataclass(frozen=True)
class Shop:
    """A scenario that can be loaded with locks."""

    name: str
    text: str = ""
    """Of its file; empty: a bundled one."""
    settings: tuple[str, ...] = (*HASTY, "goal.effort=30")

    def scenario(self, locks: list[dict[str, str]], more: Sequence[str] = ()) -> Case:
        """The scenario with these locks and further overrides, as a user would load it."""
        rows = [*self.settings, *([f"locks={json.dumps(locks)}"] if locks else []), *more]
        return loads(self.text, overrides=rows) if self.text else load(self.name, rows)


def random_shop(seed: int, effort: float = 30) -> Shop:
    """A shop of one or two furnaces and casters, five or six heats, with odd minutes on a grid of 5, 10 or 15 min."""
    draw = np.random.Generator(np.random.Philox(key=seed))

    def of(*values: Any) -> Any:
        return values[int(draw.integers(len(values)))]

    def units(name: str, power: float, setup: int) -> list[dict[str, Any]]:
        return [{"name": f"{name}{i + 1}", "power_mw": power, "setup_min": setup} for i in range(of(1, 2, 2))]

    casting = bool(draw.random() < 0.75)
    melting, last = units("F", 30.0, of(0, 5)), units("C", 1.0, of(10, 25))
    grades = []
    for g in range(2):
        minutes = {"melting": of(41, 47, 50), "ladle": of(20, 24, 31)}
        pace = of(38, 41.5, 45, 52)
        minutes |= {unit["name"]: pace + of(0, 0, 3) for unit in last}
        grades.append({"name": f"G{g}", "mass_t": 60.0, "duration_min": minutes})
    data = {
        "name": f"shop-{seed}",
        "horizon": {"start": "2026-03-10", "zone": "Europe/Berlin", "length_h": 14, "step_min": of(5, 10, 15)},
        "line": {
            "stages": [
                {"name": "melting", "units": melting, "transfer_min": of(5, 8), "longest_wait_min": of(60, 90)},
                {"name": "ladle", "units": [{"name": "L", "power_mw": 5.0}], "transfer_min": 6, "longest_wait_min": 80},
                {"name": "casting", "campaign": casting, "units": last},
            ],
            "grades": grades,
            "transfers": [{"start": "F1", "end": "L", "minutes": of(3, 12)}],
        },
        "orders": [
            {"name": name, "heats": [{"grade": f"G{of(0, 1)}", "count": count}]}
            | ({"release": f"{of(10, 45)} min"} if draw.random() < 0.3 else {})
            for name, count in (("A", of(2, 3)), ("B", 3))
        ],
        "market": {
            "price_per_mwh": {"table": "de_typical_2018", "column": "price_eur_per_mwh"},
            "carbon_intensity_kg_per_mwh": {
                "table": "de_typical_2018", "column": "carbon_intensity_average_kg_per_mwh"
            },
        },
        "goal": {"minimize": "carbon"},
    }  # fmt: skip
    if draw.random() < 0.3:
        data["state"] = {"outages": [{"unit": of("F1", "C1"), "start": "180 min", "end": f"{of(205, 220)} min"}]}
    if draw.random() < 0.3:
        data["disturbances"] = {"duration_spread": 0.08, "margins": [{"stage": "casting", "quantile": 0.8}]}
    return Shop(f"shop-{seed}", json.dumps(data), (*HASTY, f"goal.effort={effort}"))


def lock(shop: Shop, base: list[Row], draw: np.random.Generator) -> dict[str, str]:
    """A lock on any heat at any stage: start, earliest, latest, both, or unit; on the grid and off it.

    Args:
        shop: where.
        base: a plan of it, near which about half of the locks lie.
        draw: the random numbers.
    """
    scenario = shop.scenario([])
    row = base[int(draw.integers(len(base)))]
    step = scenario.horizon.step_min
    near = row.start + step * float(draw.integers(-3, 4))
    at = near if draw.random() < 0.6 else float(draw.integers(0, int(scenario.horizon.length_min - 60)))
    at = float(np.clip(at + (draw.choice([0.0, 1.0, 4.0, 0.5]) if draw.random() < 0.4 else 0.0), 0.0, 800.0))
    wish = {"heat": row.heat, "stage": row.stage}
    kind = str(draw.choice(["start", "start", "earliest", "latest", "window", "unit", "start and unit"]))
    if "unit" in kind:
        wish["unit"] = str(draw.choice([unit.name for unit in _stage(scenario, row.stage).units]))
    if "start" in kind:
        wish["start"] = f"{at:g} min"
    if kind in ("earliest", "window"):
        wish["earliest"] = f"{at:g} min"
    if kind in ("latest", "window"):
        wish["latest"] = f"{at + (float(draw.choice([0.0, 3.0, 20.0])) if kind == 'window' else 0.0):g} min"
    return wish


def _stage(scenario: Case, name: str) -> Any:
    return next(stage for stage in scenario.line.stages if stage.name == name)


def exported(result: Plan, store: Store) -> list[Row]:
    """The operations of a plan as its exported table has them, read back from the file."""
    with store.working(result.scenario) as run:
        store.save(run, result)
    path = Path(store.folder) / f"{run}.csv"
    programs.write_csv(store.open(run), path, "heats")
    with path.open(encoding="utf-8") as file:
        assert next(csv_files.reader(file))[0] == "heat"
    return from_file(result.scenario, path)


@dataclass(frozen=True)
class Fate:
    """What became of a lock."""

    what: str
    """``kept``, ``refused``, ``moved`` to a time that is kept, ``proven`` impossible, ``open`` (no plan within the
    limit) or ``wrong``."""
    says: str = ""


def fate(shop: Shop, wish: dict[str, str], base: list[Row], store: Store) -> Fate:
    """Plan a shop with one lock, and judge what comes of it.

    A plan must keep the lock by its exported table. A refusal must name times that are accepted, and be right: no start
    of the heat lies on the grid then. What is proven impossible must not be kept by the plan without the lock. Where no
    start on the grid keeps a lock, the times that it is moved to must be kept.
    """
    try:
        scenario = shop.scenario([wish])
    except ScenarioError as error:
        return _refused(shop, wish, base, str(error))
    result = make_plan(scenario, PLAIN)
    if result.has_schedule:
        outcome = faults(scenario, exported(result, store))
        return Fate("wrong", f"{result.verdict} {outcome}") if outcome or not result.acceptable else Fate("kept")
    if not result.ruled_out:
        return Fate("open", result.reason)
    if not faults(scenario, base):
        return Fate("wrong", f"{result.reason}, but the plan without it keeps it")
    return Fate("proven") if result.status == "infeasible" else _moved(shop, wish, store)


class _LocksFirst:
    """Ends a search for repairs once what it says of locks is known."""

    def __init__(self, scenario: Case) -> None:
        self.locks = sum(limit.kind == "lock" for limit in limits(scenario))
        self.over = False

    def hear(self, line: str) -> None:
        """Hear a line of the search: the number of the limit that is tried, locks before all others."""
        number = line.partition(" of ")[0]
        self.over = self.over or (number.isdigit() and int(number) > self.locks)


def _moved(shop: Shop, wish: dict[str, str], store: Store) -> Fate:
    """What becomes of a lock that no start on the grid keeps: each time that it is moved to must be kept."""
    first = _LocksFirst(shop.scenario([wish]))
    answer = why_not(
        lambda more: shop.scenario([wish], more),
        time_limit_s=HOUR_S, work=MOVING, on_progress=first.hear, cancel=lambda: first.over, proven=True,
    )  # fmt: skip
    moves = [repair for repair in answer.repairs if set(repair.keys) <= {"locks.0.earliest", "locks.0.latest"}]
    if answer.status == "infeasible":
        return Fate("proven")
    for move in moves:
        scenario = shop.scenario([], move.overrides)
        result = make_plan(scenario, PLAIN)
        outcome = faults(scenario, exported(result, store)) if result.has_schedule else [result.reason]
        if outcome or not result.acceptable or not scenario.locks:
            return Fate("wrong", f"moved to {move.overrides}: {result.verdict} {outcome}")
    return Fate("moved", ", ".join(str(say) for move in moves for say in move.says)) if moves else Fate("open", "as is")


def offered(text: str) -> Iterator[tuple[str, str | None]]:
    """Times and units that a refusal offers."""
    for at, unit in re.findall(r"(\d{4}-\d\d-\d\dT[\d:]+[+-]\d\d:\d\d)(?: on (\w+))?", text.partition("; use ")[2]):
        yield at, unit or None


def _refused(shop: Shop, wish: dict[str, str], base: list[Row], text: str) -> Fate:
    times = list(offered(text))
    if "\n" in text or not times:
        return Fate("wrong", f"no times: {text}")
    for at, unit in times:
        moved = {"heat": wish["heat"], "stage": wish["stage"], "start": at} | ({"unit": unit} if unit else {})
        moved |= {"unit": wish["unit"]} if "unit" in wish else {}
        try:
            shop.scenario([moved])
        except ScenarioError as error:
            return Fate("wrong", f"offered {at}, then {error}")
    scenario = shop.scenario([])
    if not faults(scenario.model_copy(update={"locks": _locks(wish)}), base):
        return Fate("wrong", f"the plan without it keeps it: {text}")
    if not scenario.disturbances.margins and _on_grid(scenario, *_locks(wish)):
        return Fate("wrong", f"a start lies on the grid: {text}")
    return Fate("refused")


def _on_grid(scenario: Case, wish: Lock) -> bool:
    """Whether a locked heat could start on the grid by its nominal minutes, in a cast after those of the heats before.

    Worked out by trying every step."""
    minutes, step = scenario.horizon.minutes, scenario.horizon.step_min
    first, last = (wish.start, wish.start) if wish.start is not None else (wish.earliest, wish.latest)
    low = -np.inf if first is None else minutes(first) - SECOND
    high = np.inf if last is None else minutes(last) + SECOND
    heat = next(heat for heat in scenario.heats if heat.name == wish.heat)
    stage = _stage(scenario, wish.stage)
    cast = [other for other in scenario.heats if other.order == heat.order] if stage.campaign else [heat]
    for unit in stage.units:
        pace = [other.grade.duration_min.get(unit.name, other.grade.duration_min.get(stage.name)) for other in cast]
        if wish.unit not in (None, unit.name) or None in pace:
            continue
        offset = sum(pace[: cast.index(heat)])  # type: ignore[arg-type]
        starts = np.arange(-100, scenario.horizon.n_steps) * step + offset
        if ((starts >= low) & (starts <= high)).any():
            return True
    return False


def _locks(wish: dict[str, str]) -> tuple[Lock, ...]:
    return (Lock.model_validate(wish),)


def fed_back(result: Plan) -> list[dict[str, str]]:
    """All starts and units of a plan as locks."""
    assert result.replay is not None
    names = {(item.heat, item.stage) for item in result.scenario.state.started}
    columns = (result.replay[f"op_{name}"].values.tolist() for name in ("heat", "stage", "unit", "start_min"))
    return [
        {"heat": heat, "stage": stage, "unit": unit, "start": result.scenario.horizon.instant(start).isoformat()}
        for heat, stage, unit, start in zip(*columns, strict=True)
        if (heat, stage) not in names
    ]


def same_places(one: Plan, other: Plan) -> str:
    """By what two plans differ in units and starts, in words; empty where they are the same."""
    if one.replay is None or other.replay is None or not other.acceptable:
        return other.verdict
    places = [
        {
            (heat, stage): (unit, start)
            for heat, stage, unit, start in zip(
                *(item.replay[f"op_{name}"].values.tolist() for name in ("heat", "stage", "unit", "start_min")),
                strict=True,
            )
        }
        for item in (one, other)
        if item.replay is not None
    ]
    for key, (unit, start) in places[0].items():
        on, at = places[1][key]
        if on != unit or abs(at - start) > 1 / 60:
            return f"{key} on {on} at {at:g} instead of {unit} at {start:g}"
    return ""
