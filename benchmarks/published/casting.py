"""Published steelmaking–refining–continuous-casting shops (Hong et al. 2021), read as scenarios.

A case is four files: ``PREFIX_mc_env.json`` (machines by stage, stages in order), ``PREFIX_pt.csv`` (minutes by charge
and machine; no row: the charge skips that stage or cannot run there), ``PREFIX_cast.json`` (charges of each cast in
order) and ``PREFIX_duedate.json``. Transfers take no time, waits are free, there is no power. Due dates are reported,
not forbidden: the goal is total tardiness, then makespan.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from pydantic import ValidationError

from benchmarks.instruments.quiet import quiet
from benchmarks.minutes.lateness import Lateness, minimize_lateness
from benchmarks.registry import oracle
from emberline import twin
from emberline.scenarios import Case, Scenario, resolve
from emberline.scenarios.case.line import Grade, Line, Stage, Unit
from emberline.scenarios.case.market import Market
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.datasets import FLOWS, SCHEDULE, check, metered
from emberline.scenarios.records.goal import Goal
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.orders import HeatEntry, Order
from emberline.scenarios.records.series import Series


class BadCase(ValueError):
    """A file of a case is missing or does not say what it must; one line."""


TOLERANCE_MIN = 1e-6


@dataclass(frozen=True)
class PublishedCase:
    """A case as published."""

    name: str
    machines: dict[str, list[str]]
    """By stage, stages in order."""
    minutes: dict[str, dict[str, float]]
    """By charge and machine."""
    casts: dict[str, list[str]]
    due_min: dict[str, float]

    @property
    def length_h(self) -> int:
        """A horizon in which every schedule without idle time fits [h]."""
        work = sum(max(minutes.values()) * len(self.machines) for minutes in self.minutes.values())
        return math.ceil((work + max(self.due_min.values())) / 60) + 1

    def scenario(self, *, due: bool = True) -> Case:
        """The case as a scenario; without ``due``, no due date is known to it.

        Raises:
            BadCase: names or figures that no scenario can have.
        """
        entries = {
            charge: HeatEntry(grade=charge, name=charge, due=timedelta(minutes=at) if due else None)
            for charge, at in self.due_min.items()
        }
        last = list(self.machines)[-1]
        nothing = Series(value=0.0)
        try:
            scenario = resolve(
                Scenario(
                    name=self.name,
                    horizon=Horizon(start=date(2024, 1, 1), length_h=self.length_h),
                    line=Line(
                        stages=tuple(
                            Stage(name=stage, units=tuple(Unit(name=unit) for unit in units), campaign=stage == last)
                            for stage, units in self.machines.items()
                        ),
                        grades=tuple(
                            Grade(name=charge, mass_t=1.0, duration_min=minutes)
                            for charge, minutes in self.minutes.items()
                        ),
                    ),
                    orders=tuple(
                        Order(name=cast, heats=tuple(entries[charge] for charge in charges))
                        for cast, charges in self.casts.items()
                    ),
                    market=Market(price_per_mwh=nothing, carbon_intensity_kg_per_mwh=nothing),
                    goal=Goal(minimize="lateness"),
                )
            )

        except ValidationError as error:
            first = error.errors()[0]
            raise BadCase(f"{self.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        for _, text in between_nouns(scenario):
            raise BadCase(f"{self.name}: {text}")
        return scenario


def read(prefix: str) -> PublishedCase:
    """Read a case.

    Raises:
        BadCase: a file is missing, is not what its name says, or lacks something that another one names.
    """
    environment = _mapping(f"{prefix}_mc_env.json")
    casts = _mapping(f"{prefix}_cast.json")
    due = _mapping(f"{prefix}_duedate.json")
    stages = environment.get("stage_seq")
    if not isinstance(stages, list) or not stages:
        raise BadCase(f"{prefix}_mc_env.json: stage_seq, the list of stages in order, is missing")
    machines = {}
    for stage in stages:
        if not isinstance(environment.get(stage), list) or not environment[stage]:
            raise BadCase(f"{prefix}_mc_env.json: machines of stage {stage} are missing")
        machines[stage] = [str(machine) for machine in environment[stage]]
    casts.pop("cast_seq", None)
    if not casts:
        raise BadCase(f"{prefix}_cast.json: has no cast")
    table: dict[str, str] = {}
    for cast, charges in casts.items():
        if not isinstance(charges, list) or not charges:
            raise BadCase(f"{prefix}_cast.json: {cast} is no list of charges")
        for charge in charges:
            if charge in table:
                raise BadCase(f"{prefix}_cast.json: {charge} stands in {table[charge]} and in {cast}")
            table[charge] = cast
    minutes = _minutes(f"{prefix}_pt.csv", {unit for units in machines.values() for unit in units})
    for charge in [*minutes, *due]:
        if charge not in table:
            raise BadCase(f"{prefix}_cast.json: charge {charge} stands in no cast")
    for charge in table:
        if charge not in minutes:
            raise BadCase(f"{prefix}_pt.csv: no row for charge {charge} of {table[charge]}")
        if not any(unit in minutes[charge] for unit in machines[stages[-1]]):
            raise BadCase(f"{prefix}_pt.csv: charge {charge} has no time on a machine of {stages[-1]}")
        if not isinstance(due.get(charge), int | float) or isinstance(due[charge], bool):
            raise BadCase(f"{prefix}_duedate.json: no due date in minutes for charge {charge}")
    name = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in Path(prefix).name) or "case"
    return PublishedCase(
        f"casting-{name}"[:60],
        machines,
        {charge: minutes[charge] for charge in table},
        casts,
        {charge: float(due[charge]) for charge in table},
    )


def _mapping(path: str) -> dict[str, Any]:
    text = _text(path)
    try:
        answer = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadCase(f"{path}:{error.lineno}: is not JSON: {error.msg}") from None
    if not isinstance(answer, dict):
        raise BadCase(f"{path}: is not a JSON object")
    return answer


def _minutes(path: str, machines: set[str]) -> dict[str, dict[str, float]]:
    rows = csv.DictReader(_text(path).splitlines())
    lacking = {"ch_id", "mc_id", "pt"} - set(rows.fieldnames or ())
    if lacking:
        raise BadCase(f"{path}: column {', '.join(sorted(lacking))} is missing")
    table: dict[str, dict[str, float]] = {}
    for row in rows:
        where = f"{path}:{rows.line_num}"
        if row["mc_id"] not in machines:
            raise BadCase(f"{where}: machine {row['mc_id']} stands in no stage")
        try:
            value = float(row["pt"])
        except (TypeError, ValueError):
            value = math.nan
        if not 0 < value < math.inf:
            raise BadCase(f"{where}: pt {row['pt']!r} is no time in minutes above 0")
        table.setdefault(row["ch_id"], {})[row["mc_id"]] = value
    return table


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadCase(f"{path}: is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadCase(f"{path}: cannot be read: {error}") from None


@oracle("casting", "steelmaking to continuous casting, total tardiness (Hong et al. 2021): PREFIX")
def main(argv: list[str]) -> int:
    """Solve a case through the product's model, replay it in the twin, print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks oracle casting", description=__doc__)
    parser.add_argument("prefix", help="path without _cast.json, _pt.csv, _duedate.json, _mc_env.json")
    parser.add_argument("--time-limit", type=float, default=45.0, help="seconds (default 45)")
    parser.add_argument("--gap", type=float, default=0.0, help="relative gap at which to stop (default 0)")
    parser.add_argument("--json", action="store_true", help="print JSON, and nothing else on stdout")
    request = parser.parse_args(argv)
    try:
        case = read(request.prefix)
        scenario, plain = case.scenario(), case.scenario(due=False)
    except BadCase as error:
        print(error, file=sys.stderr)
        return 2
    with quiet():
        answer = solve(case, scenario, plain, request.time_limit, request.gap)
    if request.json:
        print(json.dumps(answer, indent=2))
    else:
        for key, value in answer.items():
            print(f"{key:12} {value}")
    return 0 if answer["objective"] is not None else 1


def solve(case: PublishedCase, scenario: Case, plain: Case, time_limit: float, gap: float) -> dict[str, Any]:
    """Plan, replay and judge a case.

    Args:
        case: as published.
        scenario: with due dates, for the planner.
        plain: without, for the twin: being late is reported, not a violation.
        time_limit: of the search [s].
        gap: relative gap at which the search may stop.
    """
    began = time.perf_counter()
    lateness = minimize_lateness(scenario, twin.envelope(scenario), time_limit=time_limit, gap=gap)
    answer: dict[str, Any] = {
        "case": case.name,
        "heats": len(case.due_min),
        "status": lateness.status,
        "objective": lateness.objective if lateness.has_schedule else None,
        "bound": lateness.bound,
        "gap": lateness.gap if lateness.has_schedule else None,
    }
    if not lateness.has_schedule:
        return answer | {"violations": [], "seconds": time.perf_counter() - began}
    run = twin.replay(plain, _schedule(plain, lateness))
    ends = dict.fromkeys(case.due_min, 0.0)
    for heat, end in zip(run["op_heat"].values.tolist(), run["op_end_min"].values.tolist(), strict=True):
        ends[heat] = max(ends[heat], end)
    late = {heat: max(ends[heat] - due, 0.0) for heat, due in case.due_min.items()}
    return answer | {
        "makespan_min": max(ends.values()),
        "violations": [*_violations(run), *_broken(case, run), *_differs(lateness, sum(late.values()))],
        "seconds": time.perf_counter() - began,
        "tardiness_min": late,
        "operations": [
            {"heat": heat, "stage": stage, "unit": unit, "start_min": start, "end_min": end}
            for heat, stage, unit, start, end in zip(
                *(run[f"op_{name}"].values.tolist() for name in ("heat", "stage", "unit", "start_min", "end_min")),
                strict=True,
            )
        ],
    }


def _schedule(scenario: Case, lateness: Lateness) -> xr.Dataset:
    """The schedule for the twin; there is no power, so all flows are nil."""
    horizon = scenario.horizon
    meter = metered(horizon.times, horizon.step_min, scenario.site.grid.metered_interval_min)
    size = {"time": horizon.n_steps, "meter": len(meter)}
    place = ("heat", "stage")
    return check(
        xr.Dataset(
            {
                "unit": (place, lateness.unit),
                "start_min": (place, lateness.start_min),
                "end_min": (place, lateness.end_min),
                "extra_mwh": (place, np.where(np.isnan(lateness.start_min), np.nan, 0.0)),
                **{
                    name: (flow.dims[0], np.zeros(size[flow.dims[0]]))
                    for name, flow in FLOWS.items()
                    if not flow.optional
                },
            },
            coords={
                "heat": [heat.name for heat in scenario.heats],
                "stage": [stage.name for stage in scenario.line.stages],
                "time": horizon.times,
                "meter": meter,
            },
        ),
        SCHEDULE,
    )


def _violations(run: xr.Dataset) -> list[dict[str, Any]]:
    names = ("kind", "heat", "unit", "at_min", "amount", "measure")
    rows = zip(*(run[f"violation_{name}"].values.tolist() for name in names), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _broken(case: PublishedCase, run: xr.Dataset) -> list[dict[str, Any]]:
    """What the published rules ask for and the replay does not keep, judged by the case's files alone."""
    stages = list(case.machines)
    stage_of = {unit: stage for stage, units in case.machines.items() for unit in units}
    columns = ("heat", "unit", "start_min", "end_min")
    rows = list(zip(*(run[f"op_{name}"].values.tolist() for name in columns), strict=True))
    items: list[dict[str, Any]] = []

    def tell(kind: str, heat: str, unit: str, at: float, amount: float) -> None:
        items.append({"kind": kind, "heat": heat, "unit": unit, "at_min": at, "amount": amount, "measure": "min"})

    for heat, minutes in case.minutes.items():
        names = sorted((row for row in rows if row[0] == heat), key=lambda row: row[2])
        target = [stage for stage in stages if any(unit in minutes for unit in case.machines[stage])]
        if [stage_of[row[1]] for row in names] != target:
            tell("route", heat, "", 0.0, 0.0)
        for _, unit, start, end in names:
            if abs(end - start - minutes.get(unit, math.inf)) > TOLERANCE_MIN:
                tell("duration", heat, unit, start, end - start)
        for (_, _, _, end), (_, unit, start, _) in pairwise(names):
            if start < end - TOLERANCE_MIN:
                tell("precedence", heat, unit, start, end - start)
    for unit in stage_of:
        names = sorted((row for row in rows if row[1] == unit), key=lambda row: row[2])
        for (_, _, _, end), (heat, _, start, _) in pairwise(names):
            if start < end - TOLERANCE_MIN:
                tell("overlap", heat, unit, start, end - start)
    last = {row[0]: row for row in rows if stage_of[row[1]] == stages[-1]}
    for charges in case.casts.values():
        for one, two in pairwise(charges):
            if one in last and two in last:
                if last[one][1] != last[two][1]:
                    tell("caster", two, last[two][1], last[two][2], 0.0)
                elif abs(last[two][2] - last[one][3]) > TOLERANCE_MIN:
                    tell("gap", two, last[two][1], last[two][2], last[two][2] - last[one][3])
    return items


def _differs(lateness: Lateness, late: float) -> list[dict[str, Any]]:
    """The twin's total tardiness where it is not the planner's."""
    if abs(late - lateness.objective) <= TOLERANCE_MIN * max(1.0, late):
        return []
    amount = late - lateness.objective
    return [{"kind": "tardiness", "heat": "", "unit": "", "at_min": 0.0, "amount": amount, "measure": "min"}]
