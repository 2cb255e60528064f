"""Cement lines as state-task networks (Golmohamadi 2020, as published with Production-Scheduling-Identification).

Stages in a row, each on at its one rate and power or off in a slot, freely switchable; a store behind each; one tonne
in for one tonne out, and what a stage makes may be used in the slot that makes it. The goal of a day is what its energy
costs by the prices of its slots. A plant is one JSON file, its days are the rows of a CSV file.
"""

from __future__ import annotations

import csv
import json
import math
import re
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, Field, ValidationError, model_validator

from benchmarks.instruments.quiet import quiet
from benchmarks.published.cases import BadCase, parsed, parser, read_json
from benchmarks.registry import oracle
from emberline import models, twin
from emberline.scenarios import Case, Scenario, resolve

AGREE = 0.005
"""Plan and replay cost the same within this."""
MIN_T = 1e-6
"""Capacity of a store that the file says holds nothing: the stages before and after it run at the same time."""
PRICE = re.compile(r"price_h(\d+)(_usd_per_mwh)?", re.IGNORECASE)

Amount = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Several = Annotated[list[Amount], Field(min_length=1, max_length=50)]
OrNone = list[Amount | None] | None


class Off(BaseModel):
    """What a stage does while it is off."""

    rate: Literal[0] = 0
    power: Amount | Several = 0.0
    """kW."""


class UpDown(BaseModel):
    """Least hours on and off."""

    up: Amount | Several = 0.0
    down: Amount | Several = 0.0


class Plant(BaseModel):
    """A plant as published."""

    rate_t_per_h_on: Several
    power_kW_on: Several
    off: Off = Off()
    store_after_stage_max_t: OrNone = None
    store_initial_t: OrNone = None
    """None: empty."""
    store_final_min_t: OrNone = None
    """None: may be emptied."""
    slots: Annotated[int, Field(ge=1, le=10_000)]
    slot_h: Annotated[float, Field(gt=0, le=1)] = 1.0
    min_up_down: Amount | Several | UpDown | None = None
    """Hours, for all stages or each; the same on and off unless both are named."""

    @model_validator(mode="after")
    def _whole(self) -> Plant:
        for name in Plant.model_fields:
            value = getattr(self, name)
            if isinstance(value, list) and len(value) != len(self.rate_t_per_h_on):
                raise ValueError(f"{name} has {len(value)} entries, there are {len(self.rate_t_per_h_on)} stages")
        minutes = self.slot_h * 60
        if abs(minutes - round(minutes)) > 1e-9 or 60 % round(minutes):
            raise ValueError(f"slot_h {self.slot_h:g} does not divide the hour")
        if not all(self.rate_t_per_h_on):
            raise ValueError("rate_t_per_h_on: a stage that is on has a rate above 0")
        for stage, (on, off) in enumerate(zip(self.power_kW_on, self.each(self.off.power), strict=True)):
            if on < off:
                raise ValueError(f"stage {stage}: draws less when it is on than when it is off")
        for stage, (level, most) in enumerate(zip(self.start_t, self.most_t, strict=True)):
            if level > most:
                raise ValueError(f"stage {stage}: store_initial_t {level:g} is more than its store holds, {most:g}")
        return self

    def each(self, value: Amount | list[Amount]) -> list[float]:
        """A value of each stage, of one that may hold for all."""
        result = value if isinstance(value, list) else [value] * len(self.rate_t_per_h_on)
        if len(result) != len(self.rate_t_per_h_on):
            raise ValueError(f"{len(result)} entries, there are {len(self.rate_t_per_h_on)} stages")
        return result

    @property
    def hours(self) -> float:
        """Length of the day [h]."""
        return self.slots * self.slot_h

    @property
    def least_h(self) -> tuple[list[float], list[float]]:
        """Least hours on and off of each stage."""
        text = self.min_up_down
        apart = text if isinstance(text, UpDown) else UpDown(up=text or 0.0, down=text or 0.0)
        return self.each(apart.up), self.each(apart.down)

    @property
    def start_t(self) -> list[float]:
        """Level of each store at the start [t]."""
        return [level or 0.0 for level in self.store_initial_t or [None] * len(self.rate_t_per_h_on)]

    @property
    def final_t(self) -> list[float]:
        """Least level of each store at the end [t]."""
        return [level or 0.0 for level in self.store_final_min_t or [None] * len(self.rate_t_per_h_on)]

    @property
    def most_t(self) -> list[float]:
        """What each store can hold, or can ever have to hold [t]."""
        condition = self.store_after_stage_max_t or [None] * len(self.rate_t_per_h_on)
        ever = [level + rate * self.hours for level, rate in zip(self.start_t, self.rate_t_per_h_on, strict=True)]
        return [enough if most is None else min(most, enough) for most, enough in zip(condition, ever, strict=True)]


def read_plant(path: str | Path) -> Plant:
    """Read a plant.

    Raises:
        BadCase: the file cannot be read or lacks something.
    """
    try:
        return Plant.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        # unions put the tags of their kinds between the keys
        keys = {*Plant.model_fields, *Off.model_fields, *UpDown.model_fields}
        place = ".".join(str(part) for part in first["loc"] if part in keys or isinstance(part, int))
        text = first["msg"].removeprefix("Value error, ")
        raise BadCase(f"{path}: {place + ': ' if place else ''}{text}") from None


def read_days(path: str | Path, plant: Plant) -> tuple[list[str], np.ndarray]:
    """Names of the days of a file and their prices.

    Returns:
        The names, and the price of each slot [USD/MWh], shape (n_days, n_slots).

    Raises:
        BadCase: the file cannot be read or has not a number for each slot of each day.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            columns = {int(result[1]): name for name in table.fieldnames or () if (result := PRICE.fullmatch(name))}
            rows = [(table.line_num, row) for row in table]
    except FileNotFoundError:
        raise BadCase(f"{path}: is missing") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadCase(f"{path}: cannot be read: {error}") from None
    # prices are given by the slot, or by the hour where slots are shorter
    times = 1 if len(columns) == plant.slots else round(1 / plant.slot_h)
    if sorted(columns) != list(range(plant.slots // times)) or plant.slots % times:
        raise BadCase(f"{path}: needs the columns price_h0 … price_h{plant.slots // times - 1}, has {len(columns)}")
    if not rows:
        raise BadCase(f"{path}: has no day")
    names, prices = [], []
    for line, row in rows:
        names.append(" ".join(filter(None, (row.get("month"), row.get("day")))) or f"line {line}")
        prices.append([_price(row[columns[i]], f"{path}:{line}: {columns[i]}") for i in range(len(columns))])
    return names, np.repeat(np.array(prices), times, axis=1)


def _price(text: str | None, place: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not abs(value) <= 1e6:
        raise BadCase(f"{place}: {str(text)[:40]!r} is no price")
    return value


def published(plant: Plant) -> Case | None:
    """A plant as a scenario, its prices still to come; None: its stores cannot hold what is wanted at the end."""
    if any(final > most for final, most in zip(plant.final_t, plant.most_t, strict=True)):
        return None
    up, down = plant.least_h
    off = plant.each(plant.off.power)
    stages = range(len(plant.rate_t_per_h_on))
    processes: list[dict[str, Any]] = [
        {
            "name": f"S{i + 1}",
            "rate": plant.rate_t_per_h_on[i],
            "power_mw": (plant.power_kW_on[i] - off[i]) / 1000,
            "inputs": [{"store": f"after S{i}"}] if i else [],
            "outputs": [{"store": f"after S{i + 1}"}],
            "min_run_h": up[i],
            "min_rest_h": down[i],
        }
        for i in stages
    ]
    stores = [
        {
            "name": f"after S{i + 1}",
            "capacity_t": max(plant.most_t[i], MIN_T),
            "level_t": plant.start_t[i],
            "end_level_t": plant.final_t[i],
        }
        for i in stages
    ]
    return resolve(
        Scenario.model_validate(
            {
                "name": "published",
                "horizon": {
                    "start": "2022-07-01",
                    "length_h": plant.hours,
                    "step_min": plant.slot_h * 60,
                },
                # what is drawn when nothing is on is drawn at all times
                "site": {
                    "grid": {"metered_interval_min": plant.slot_h * 60},
                    "base_load_mw": {"value": sum(off) / 1000},
                },
                "stores": stores,
                "processes": processes,
                "market": {
                    "currency": "USD",
                    "price_per_mwh": {"value": 0.0},
                    "carbon_intensity_kg_per_mwh": {"value": 0.0},
                },
                "goal": {"minimize": "cost", "caps": {"extra_cost_share": None}, "credit_stock": False, "gap": 0.0},
            }
        )
    )


@oracle("cement_stn", "four stages and their stores, cost of energy (Golmohamadi 2020): --plant P --prices DAYS")
def main(argv: list[str]) -> int:
    """Solve the days through the product's model, replay each in the twin, print what came of them."""
    argument_parser = parser("cement_stn", __doc__)
    argument_parser.add_argument("--plant", required=True, help="JSON file of the plant")
    argument_parser.add_argument("--prices", required=True, help="CSV file, one day in each row: price_h0 …")
    namespace = parsed(argument_parser, argv, 60.0, "seconds for each day")
    try:
        plant = read_plant(namespace.plant)
        names, prices = read_days(namespace.prices, plant)
        try:
            scenario = published(plant)
        except ValidationError as error:
            first = error.errors()[0]
            raise BadCase(f"{namespace.plant}: {first['msg'].removeprefix('Value error, ')}") from None
    except BadCase as error:
        print(error, file=sys.stderr)
        return 2
    began = time.perf_counter()
    with quiet():
        days = [solve(scenario, price, namespace.time_limit) for price in prices]
    seconds = time.perf_counter() - began
    if namespace.json:
        keys = {
            "objectives": "objective",
            "bounds": "bound",
            "replay_costs": "replay_cost",
            "statuses": "status",
            "violations": "violations",
        }
        answer = {name: [day[key] for day in days] for name, key in keys.items()}
        print(json.dumps({**answer, "days": names, "seconds": seconds}, indent=2))
    else:
        for name, day in zip(names, days, strict=True):
            value = "none" if day["objective"] is None else f"{day['objective']:.2f}"
            print(f"{name:12} {value:>14} USD  {day['status']}" + "".join(f"; {text}" for text in day["violations"]))
        print(f"{len(days)} days, {seconds:.1f} s")
    return 0 if all(day["objective"] is not None and not day["violations"] for day in days) else 1


def solve(scenario: Case | None, price: np.ndarray, time_limit: float) -> dict[str, Any]:
    """Plan, replay and judge a day.

    Args:
        scenario: the plant; None where it cannot end as wanted.
        price: of each slot [USD/MWh], shape (n_slots,).
        time_limit: seconds.
    """
    nothing: dict[str, Any] = {
        "objective": None,
        "bound": None,
        "replay_cost": None,
        "status": "infeasible",
        "violations": [],
    }
    if scenario is None:
        return nothing
    inputs = scenario.inputs.copy()
    inputs["price_per_mwh"] = ("time", price, inputs["price_per_mwh"].attrs)
    goal = scenario.goal.model_copy(update={"time_limit_s": time_limit})
    day = scenario.model_copy(update={"goal": goal}).with_inputs(inputs)
    envelope = twin.envelope(day)
    schedule = models.optimize(day, envelope)
    answer = nothing | {"status": str(schedule.attrs["status"])}
    if not schedule.attrs["found"]:
        return answer
    hours = day.horizon.step_h
    cost = float(schedule["import_mw"].to_numpy() @ price) * hours
    run = twin.replay(day, schedule)
    replayed = float(run["import_mw"].to_numpy() @ price) * hours
    columns = [run[f"violation_{name}"].values.tolist() for name in ("kind", "unit", "amount", "measure")]
    violations = [f"{kind} {unit}: {amount:g} {measure}" for kind, unit, amount, measure in zip(*columns, strict=True)]
    if abs(cost - replayed) > AGREE:
        violations.append(f"the replay costs {replayed:.4f}, the plan {cost:.4f}")
    bound = float(schedule.attrs["bound"]) + float(schedule.attrs["constant"])
    return answer | {"objective": cost, "bound": bound, "replay_cost": replayed, "violations": violations}
