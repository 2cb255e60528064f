"""Published machines with energy states (Benedikt, Módos, Hanzálek 2020), read as records of the product.

A case is one JSON file: jobs in whole intervals, a price for each interval, and the machine's states. The first entry
of each list is *off*, further ones are standby states; *idle* is ready, *on* works. A transition draws its power in
each of its intervals, ``null`` says that there is none. Jobs come in any order and are not interrupted; the machine is
off in the first and in the last interval. The goal is the cost of all energy.

An interval is taken for an hour and a unit of power for a MW: then prices per interval are prices per MWh.
"""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field, ValidationError, model_validator

from benchmarks.instruments.quiet import quiet
from benchmarks.machine_states.graph import Move, Work
from benchmarks.machine_states.order import Order, cheapest, slots_needed
from benchmarks.machine_states.simulation import WORKING, Run, replay
from benchmarks.published.cases import BadCase, parsed, parser, read_json, tell
from benchmarks.registry import oracle
from emberline.scenarios.energy_states.record import EnergyState, EnergyStates, Transition

STEP_MIN = 60.0
AGREE = 1e-6
"""Plan and replay cost the same within this, relative."""

Power = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Price = Annotated[float, Field(allow_inf_nan=False)]
Intervals = Annotated[int, Field(ge=0)]


class Job(BaseModel):
    """A job as published."""

    ProcessingTime: Annotated[int, Field(ge=1)]
    MachineIdx: Annotated[int, Field(ge=0)] = 0


class PublishedCase(BaseModel):
    """A case as published."""

    MachinesCount: Annotated[int, Field(ge=1, le=1)] = 1
    Jobs: Annotated[list[Job], Field(min_length=1)]
    EnergyCosts: Annotated[list[Price], Field(min_length=1)]
    LengthInterval: Annotated[int, Field(ge=1, le=1)] = 1
    OffOnTime: Annotated[list[Intervals | None], Field(min_length=1)]
    OnOffTime: list[Intervals | None]
    OffOnPowerConsumption: list[Power | None]
    OnOffPowerConsumption: list[Power | None]
    OffIdleTime: list[Intervals | None]
    IdleOffTime: list[Intervals | None]
    OffIdlePowerConsumption: list[Power | None]
    IdleOffPowerConsumption: list[Power | None]
    OnPowerConsumption: Power
    IdlePowerConsumption: Power
    OffPowerConsumption: list[Power]
    PublishedOptimum: float | None = None

    @model_validator(mode="after")
    def _whole(self) -> PublishedCase:
        for name, values in self:
            if isinstance(values, list) and name not in ("Jobs", "EnergyCosts") and len(values) != len(self.OffOnTime):
                raise ValueError(f"{name}: has {len(values)} entries, OffOnTime has {len(self.OffOnTime)}")
        for name in ("OffOn", "OnOff", "OffIdle", "IdleOff"):
            minutes, power = getattr(self, f"{name}Time"), getattr(self, f"{name}PowerConsumption")
            for i, (one, other) in enumerate(zip(minutes, power, strict=True)):
                if (one is None) != (other is None):
                    raise ValueError(f"{name}Time.{i} and {name}PowerConsumption.{i}: give both, or null for both")
        if any(job.MachineIdx for job in self.Jobs):
            raise ValueError("Jobs: MachineIdx must be 0, there is one machine")
        return self

    @property
    def states(self) -> EnergyStates:
        """The machine, off at both ends.

        Raises:
            BadCase: no transitions lead from off to work and back.
        """
        off = ["off", *(f"standby {i}" for i in range(1, len(self.OffOnTime)))]
        ways = []
        for i, name in enumerate(off):
            for start, end, key in (
                (name, "idle", "OffOn"),
                ("idle", name, "OnOff"),
                (name, "idle", "OffIdle"),
                ("idle", name, "IdleOff"),
            ):
                intervals, power = getattr(self, f"{key}Time")[i], getattr(self, f"{key}PowerConsumption")[i]
                if intervals is not None:
                    result = power if intervals else 0.0  # without time there is no energy
                    minutes = intervals * STEP_MIN
                    ways.append(Transition(start=start, end=end, duration_min=minutes, power_mw=result))
        powers = [*zip(off, self.OffPowerConsumption, strict=True), ("idle", self.IdlePowerConsumption)]
        states = tuple(EnergyState(name=name, power_mw=power) for name, power in powers)
        try:
            return EnergyStates(states=states, transitions=tuple(ways), ready="idle", initial="off")
        except ValidationError as error:
            raise BadCase(_first(error)) from None

    @property
    def whole(self) -> bool:
        """Whether every cost is a whole number."""
        powers = [
            value for name, values in self if name.endswith("PowerConsumption") for value in np.atleast_1d(values)
        ]
        return all(float(value).is_integer() for value in [*powers, *self.EnergyCosts] if value is not None)


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place + ': ' if place else ''}{first['msg'].removeprefix('Value error, ')}"


def read(path: str | Path) -> PublishedCase:
    """Read a case.

    Raises:
        BadCase: the file cannot be read or lacks something.
    """
    try:
        return PublishedCase.model_validate(read_json(path))
    except ValidationError as error:
        raise BadCase(f"{path}: {_first(error)}") from None


@oracle("energy_states", "one machine off, standby, idle or on, cost of energy (Benedikt et al. 2020): FILE.json")
def main(argv: list[str]) -> int:
    """Solve a case through the product's model, replay it in the twin, print what came of it."""
    argument_parser = parser("energy_states", __doc__)
    argument_parser.add_argument("instance", help="JSON file of the family")
    namespace = parsed(argument_parser, argv, 600.0)
    try:
        case = read(namespace.instance)
    except BadCase as error:
        print(error, file=sys.stderr)
        return 2
    with quiet():
        answer = {"case": Path(namespace.instance).stem} | solve(case, namespace.time_limit)
    tell(answer, namespace.json)
    if answer["objective"] is None:
        print(f"{namespace.instance}: {answer['says']}", file=sys.stderr)
    return 0 if answer["objective"] is not None else 1


def solve(case: PublishedCase, time_limit: float) -> dict[str, Any]:
    """Order the jobs, replay them and judge what the machine did."""
    began = time.perf_counter()
    answer: dict[str, Any] = {
        "status": "infeasible",
        "objective": None,
        "bound": None,
        "gap": None,
        "seconds": None,
        "violations": [],
        "published": case.PublishedOptimum,
    }
    lengths = Counter(job.ProcessingTime for job in case.Jobs)
    try:
        states = case.states
    except BadCase as error:
        return answer | {"seconds": time.perf_counter() - began, "says": str(error)}
    price = np.array(case.EnergyCosts, dtype=float)
    most, least = len(price), slots_needed(states, lengths, STEP_MIN) + 2
    if most < least:
        text = f"the jobs with switching on and off, and off at both ends, need {least} intervals, there are {most}"
        return answer | {"seconds": time.perf_counter() - began, "says": text}
    # off in the first and the last interval: the graph lies between
    order = cheapest(states, lengths, case.OnPowerConsumption, price[1:-1], STEP_MIN, time_limit=time_limit)
    ends = case.OffPowerConsumption[0] * (price[0] + price[-1])
    bound = None if order.bound is None else order.bound + ends
    if bound is not None and case.whole:
        bound = float(math.ceil(bound - 1e-5))
    if order.cost is None:
        text = f"no order was found in {time_limit:g} s"
        return answer | {"status": order.status, "bound": bound, "seconds": time.perf_counter() - began, "says": text}
    objective = order.cost + ends
    bound = objective if bound is None or bound > objective else bound
    run = _replay(case, states, order)
    cost = float(run.trace.mean(np.arange(most + 1) * STEP_MIN) @ price)
    status = "optimal" if bound == objective else order.status
    return answer | {
        "status": status,
        "objective": objective,
        "bound": bound,
        "gap": (objective - bound) / max(abs(objective), 1e-9),
        "seconds": time.perf_counter() - began,
        "violations": _violations(case, run, cost, objective),
        "replay_cost": cost,
        "pieces": [
            {"doing": piece.name, "start": piece.start_min / STEP_MIN, "end": piece.end_min / STEP_MIN}
            for piece in run.pieces
        ],
    }


def _replay(case: PublishedCase, states: EnergyStates, order: Order) -> Run:
    moves = [Move(move.at_min + STEP_MIN, move.transition) for move in order.moves]
    works = [Work((t + 1) * STEP_MIN, n * STEP_MIN, case.OnPowerConsumption) for t, n in order.starts]
    return replay(states, moves, works, len(case.EnergyCosts) * STEP_MIN)


def _violations(case: PublishedCase, run: Run, cost: float, objective: float) -> list[dict[str, Any]]:
    """What the twin noted, and what the published rules ask for and the run does not keep, judged by the file."""
    names = ("kind", "heat", "unit", "at_min", "amount", "measure")
    rows: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in run.violations]
    worked = Counter((piece.end_min - piece.start_min) / STEP_MIN for piece in run.pieces if piece.name == WORKING)
    counts = Counter(float(job.ProcessingTime) for job in case.Jobs)
    if worked != counts:
        rows.append({"kind": "jobs", "says": f"worked by length {dict(worked)}, wanted {dict(counts)}"})
    length = len(case.EnergyCosts) * STEP_MIN
    for start in (0.0, length - STEP_MIN):
        if not any(p.name == "off" and p.start_min <= start and p.end_min >= start + STEP_MIN for p in run.pieces):
            rows.append({"kind": "off", "says": f"not off in interval {start / STEP_MIN:g}"})
    whole = [run.pieces[0].start_min == 0, run.pieces[-1].end_min == length]
    if not all([*whole, *(one.end_min == two.start_min for one, two in pairwise(run.pieces))]):
        rows.append({"kind": "horizon", "says": "the pieces do not fill the horizon one after the other"})
    if abs(cost - objective) > AGREE * max(1.0, abs(objective)):
        rows.append({"kind": "cost", "says": f"the replay costs {cost}, the plan {objective}"})
    return rows
