"""Published melt shops (Castro et al. 2013, Zhang et al. 2017), read as scenarios.

A case is one JSON file: units by stage, minutes by unit and heat, transfers by pair of units (or by stage), longest
transfers by stage, casting groups, set-up of the casters, power and hourly prices. The goal is the cost of energy.

Slots last 15 minutes. Every part is rounded up by itself; a transfer starts the instant a stage ends. A heat waits at
most ⌈(longest transfer − shortest transfer of the stage)/15⌉ slots before a unit, and before the second and third stage
it reaches its unit at most ⌊longest transfer/15⌋ slots after it left the one before. Casts end by the last slot.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import xarray as xr
from pydantic import BaseModel, Field, ValidationError

from benchmarks.instruments.quiet import quiet
from benchmarks.published.cases import BadCase, parsed, parser, read_json, tell
from benchmarks.registry import oracle
from emberline import twin
from emberline.models.formulations.site import objective
from emberline.models.formulations.site.dispatch import Dispatcher
from emberline.models.problem import site as sites
from emberline.models.problem.assignment import mistakes
from emberline.models.problem.line import Heat, Rounding, SlotProblem, down, up
from emberline.models.problem.line_reader import from_scenario
from emberline.models.search.incumbent import Search
from emberline.models.search.schedule import as_schedule
from emberline.models.strategies.line import pursue
from emberline.scenarios import Case, Scenario, resolve

STEP_MIN = 15
GAP = 1e-8
"""Zero but for the solver's tolerance."""
AGREE = 0.01
"""Plan and replay cost the same within this."""

Minutes = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Price = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class PublishedCase(BaseModel):
    """A case as published."""

    stage2units: Annotated[dict[str, Annotated[dict[str, Count], Field(min_length=1)]], Field(min_length=2)]
    group2heats: Annotated[dict[str, Annotated[list[int | str], Field(min_length=1)]], Field(min_length=1)]
    equip2mw: dict[str, Minutes]
    equip2process_time: dict[str, dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]]]
    trans_time: dict[str, Minutes]
    trans_time_max: dict[str, Minutes]
    setup_time: dict[str, Minutes]
    energy_price: Annotated[list[Price], Field(min_length=1, max_length=168)]

    @property
    def stages(self) -> list[str]:
        """Stages in order."""
        return sorted(self.stage2units, key=lambda name: (len(name), name))

    def units(self, stage: str) -> dict[str, str]:
        """Units of a stage and the name that the file has for each: alike ones share one there."""
        table = {}
        for name, count in sorted(self.stage2units[stage].items()):
            table.update({name if count == 1 else f"{name}_{i + 1}": name for i in range(count)})
        return table

    def transfers(self, stage: str) -> dict[tuple[str, str], float]:
        """Minutes from each unit of a stage to each of the next.

        Raises:
            BadCase: a pair is missing.
        """
        after = self.stages[self.stages.index(stage) + 1]
        table = {}
        for start, a in self.units(stage).items():
            for end, b in self.units(after).items():
                minutes = self.trans_time.get(f"{a}-{b}", self.trans_time.get(f"TR_S{stage}"))
                if minutes is None:
                    raise BadCase(f"trans_time: {a}-{b} is missing")
                table[start, end] = minutes
        return table

    def longest(self, stage: str) -> float:
        """Longest transfer after a stage [min].

        Raises:
            BadCase: it is missing.
        """
        minutes = self.trans_time_max.get(f"TR_S{stage}")
        if minutes is None:
            raise BadCase(f"trans_time_max: TR_S{stage} is missing")
        return minutes

    def minutes(self, heat: int | str) -> dict[str, float]:
        """Duration of a heat on each unit [min].

        Raises:
            BadCase: one is missing.
        """
        table = {}
        for stage in self.stages:
            for unit, name in self.units(stage).items():
                if str(heat) not in self.equip2process_time.get(name, {}):
                    raise BadCase(f"equip2process_time: {name} has no time for heat {heat}")
                table[unit] = self.equip2process_time[name][str(heat)]
        return table


def read(path: str | Path) -> PublishedCase:
    """Read a case.

    Raises:
        BadCase: the file cannot be read or lacks something.
    """
    data = read_json(path)
    try:
        case = PublishedCase.model_validate(data)
        for stage in case.stages:
            for name in case.stage2units[stage]:
                if name not in case.equip2mw:
                    raise BadCase(f"equip2mw: {name} is missing")
                if stage == case.stages[-1] and name not in case.setup_time:
                    raise BadCase(f"setup_time: {name} is missing")
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadCase(f"{path}: {place + ': ' if place else ''}{first['msg']}") from None
    except BadCase as error:
        raise BadCase(f"{path}: {error}") from None
    return case


def published(case: PublishedCase, groups: list[int]) -> Case:
    """A case with some of its casting groups as a scenario; the last slot is kept free.

    The limits are those that the published rounding means in minutes, for the heat and the units that need most.

    Raises:
        BadCase: the file has not these groups, or figures that no scenario can have.
    """
    missing = [str(group) for group in groups if str(group) not in case.group2heats]
    if missing:
        raise BadCase(f"group2heats: there is no group {missing[0]}, only {', '.join(case.group2heats)}")
    heats = {str(group): [(str(heat), case.minutes(heat)) for heat in case.group2heats[str(group)]] for group in groups}
    grades: dict[tuple, dict] = {}
    orders = []
    length = len(case.energy_price)
    for group, members in heats.items():
        entries = []
        for heat, minutes in members:
            grade = {"name": f"G{len(grades)}", "mass_t": 1, "duration_min": minutes}
            entries.append({"grade": grades.setdefault(tuple(minutes.items()), grade)["name"], "name": f"H{heat}"})
        orders.append({"name": f"C{group}", "due": f"{length * 60 - STEP_MIN} min", "heats": entries})
    stages: list[dict] = []
    for stage in case.stages:
        units: list[dict] = [{"name": u, "power_mw": case.equip2mw[name]} for u, name in case.units(stage).items()]
        entry: dict = {"name": f"S{stage}", "units": units}
        if stage == case.stages[-1]:
            entry["campaign"] = True
            for unit, name in zip(units, case.units(stage).values(), strict=True):
                unit["setup_min"] = case.setup_time[name]
        else:
            entry["longest_wait_min"] = _longest_wait(case, stage, list(heats.values()))
        stages.append(entry)
    try:
        scenario = resolve(
            Scenario.model_validate(
                {
                    "name": "published",
                    "horizon": {"start": "2024-01-10", "length_h": length, "step_min": STEP_MIN},
                    "line": {
                        "stages": stages,
                        "grades": list(grades.values()),
                        "transfers": [
                            {"start": start, "end": end, "minutes": minutes}
                            for stage in case.stages[:-1]
                            for (start, end), minutes in case.transfers(stage).items()
                        ],
                    },
                    "orders": orders,
                    "market": {"price_per_mwh": {"value": 1}, "carbon_intensity_kg_per_mwh": {"value": 1}},
                    "goal": {"minimize": "cost"},
                }
            )
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise BadCase(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    inputs = scenario.inputs.copy()
    price = np.repeat(np.array(case.energy_price, dtype=float), 60 // STEP_MIN)
    inputs["price_per_mwh"] = ("time", price, inputs["price_per_mwh"].attrs)
    return scenario.with_inputs(inputs)


def most_slots(case: PublishedCase, stage: str, transfer: float) -> int:
    """Most slots from the end of a stage, rounded up, to the start of the next."""
    longest, shortest = case.longest(stage), min(case.transfers(stage).values())
    most = up(transfer, STEP_MIN) + up(longest - shortest, STEP_MIN)
    return most if stage == case.stages[-2] else min(most, down(longest, STEP_MIN))


def _longest_wait(case: PublishedCase, stage: str, groups: list[list[tuple[str, dict[str, float]]]]) -> float:
    """The same in minutes from the exact end, to the exact start within a cast."""
    casting = stage == case.stages[-2]
    result = 0.0
    for (a, b), transfer in case.transfers(stage).items():
        most = most_slots(case, stage, transfer) * STEP_MIN
        for members in groups:
            value = 0.0
            for _, minutes in members:
                early = up(minutes[a], STEP_MIN) * STEP_MIN - minutes[a]
                late = value - down(value, STEP_MIN) * STEP_MIN if casting else 0.0
                result = max(result, most + early + late)
                value += minutes[b]
    return result


def problem_of(case: PublishedCase, scenario: Case, envelope: xr.Dataset) -> SlotProblem:
    """The line on slots by the published rules, whose longest waits no single limit by stage can say."""
    problem = from_scenario(scenario, envelope, Rounding(published=True))
    return replace(problem, heats=tuple(_waits(case, problem, heat) for heat in problem.heats))


def _waits(case: PublishedCase, problem: SlotProblem, heat: Heat) -> Heat:
    tables = []
    for i, operation in enumerate(heat.operations):
        stage = case.stages[operation.stage]
        transfers = case.transfers(stage)
        targets = problem.stage_units[operation.stage + 1]
        more = [
            [
                most_slots(case, stage, minutes) - up(minutes, STEP_MIN)
                for v in targets
                for minutes in [transfers[problem.units[u], problem.units[v]]]
            ]
            for u in operation.units
        ]
        tables.append(heat.least[i] + np.array(more))
    return replace(heat, most=tuple(tables))


def search(case: PublishedCase, scenario: Case, envelope: xr.Dataset, seconds: float, gap: float = GAP) -> Search:
    """A search of a case that is ready to run."""
    data = sites.read(scenario, envelope)
    return Search(
        problem=problem_of(case, scenario, envelope),
        data=data,
        aim=objective.read(scenario, data, {}, 0.0),
        limit=seconds,
        gap=gap,
        on_progress=lambda event: None,
        cancel=lambda: False,
        dispatching=Dispatcher,
    )


@oracle("melt_shop", "arc furnaces to casters, cost of energy (Zhang et al. 2017): INSTANCE.json --groups K")
def main(argv: list[str]) -> int:
    """Solve a case through the product's model, replay it in the twin, print what came of it."""
    argument_parser = parser("melt_shop", __doc__)
    argument_parser.add_argument("instance", help="JSON file of the family")
    argument_parser.add_argument("--groups", type=int, help="casting groups 1…K (default: all)")
    namespace = parsed(argument_parser, argv, 600.0)
    try:
        case = read(namespace.instance)
        count = len(case.group2heats) if namespace.groups is None else namespace.groups
        if not 1 <= count <= len(case.group2heats):
            raise BadCase(f"--groups {count}: {namespace.instance} has groups 1…{len(case.group2heats)}")
        try:
            scenario = published(case, list(range(1, count + 1)))
        except BadCase as error:
            raise BadCase(f"{namespace.instance}: {error}") from None
    except BadCase as error:
        print(error, file=sys.stderr)
        return 2
    with quiet():
        answer = {"case": Path(namespace.instance).stem, "groups": count} | solve(case, scenario, namespace.time_limit)
    tell(answer, namespace.json)
    return 0 if answer["objective"] is not None else 1


def solve(case: PublishedCase, scenario: Case, time_limit: float) -> dict[str, Any]:
    """Plan, replay and judge a case."""
    began = time.perf_counter()
    envelope = twin.envelope(scenario)
    result = search(case, scenario, envelope, time_limit)
    pursue(result)
    schedule = as_schedule(result, scenario, envelope, exact=True)  # the published starts lie on slots alone
    answer: dict[str, Any] = {
        "heats": len(scenario.heats),
        "status": schedule.attrs["status"],
        "objective": result.value,
        "bound": result.bound,
        "gap": result.told_gap,
        "seconds": time.perf_counter() - began,
    }
    if result.best is None:
        return answer | {"violations": []}
    run = twin.replay(scenario, schedule)
    price = scenario.inputs["price_per_mwh"].to_numpy()
    cost = float(run["import_mw"].to_numpy() @ price) * scenario.horizon.step_h
    violations = [
        *_violations(run),
        *({"kind": "plan", "says": text} for text in mistakes(result.problem, result.best)),
    ]
    if result.value is None or abs(cost - result.value) > AGREE:
        violations.append({"kind": "cost", "says": f"the replay costs {cost}, the plan {result.value}"})
    operations = zip(
        *(run[f"op_{name}"].values.tolist() for name in ("heat", "stage", "unit", "start_min", "end_min")), strict=True
    )
    return answer | {
        "replay_cost": cost,
        "violations": violations,
        "operations": [
            dict(zip(("heat", "stage", "unit", "start_min", "end_min"), row, strict=True)) for row in operations
        ],
    }


def _violations(run: xr.Dataset) -> list[dict[str, Any]]:
    names = ("kind", "heat", "unit", "at_min", "amount", "measure")
    rows = zip(*(run[f"violation_{name}"].values.tolist() for name in names), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]
