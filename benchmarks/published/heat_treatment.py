"""A published heat-treatment line without waiting, set-up by sequence (Gomes, Ravetti & Carrano 2021): its order.

The line is read as one unit that takes the next order while the last one is still inside: both orders together say how
long after the last start the next one is, and how much gas is burned between them. Gas is a carrier of the site that
the grades and the changeovers take. Due dates are reported, not forbidden.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from benchmarks.minutes.to_the_minute import to_the_minute
from benchmarks.published.cases import BadCase, parsed, parser, read_json
from benchmarks.published.replayed import SEARCH_SHARE, answered, checked, starts, violations
from benchmarks.registry import oracle
from emberline import twin
from emberline.scenarios import Case, Scenario, resolve

Aim = Literal["gas", "tardiness"]
AGREE = 1e-6
STEP_MIN = 60


@dataclass(frozen=True)
class PublishedCase:
    """A case as published; arrays have one row for each order, times in hours."""

    name: str
    total_h: np.ndarray
    waiting_h: np.ndarray
    """From the start of one order to the start of the next, shape (n, n)."""
    due_h: np.ndarray
    gas: np.ndarray
    idle_gas: np.ndarray
    """Between two orders, shape (n, n)."""
    price: float

    def scenario(self, aim: Aim, time_limit: float = 60.0, *, due: bool) -> Case:
        """The case as a scenario; without ``due``, no due date is known to it."""
        n, unit = len(self.total_h), "line"
        names = [f"order {i}" for i in range(n)]
        work_h = float(self.waiting_h.max(axis=1).sum() + self.total_h.max())
        length_h = math.ceil(max(work_h, float(self.due_h.max()))) + 1
        changeovers = [
            {
                "unit": unit,
                "before": names[i],
                "after": names[j],
                "setup_min": (self.waiting_h[i, j] - self.total_h[i]) * 60,
                "takes": {"gas": self.idle_gas[i, j]} if self.idle_gas[i, j] else {},
            }
            for i in range(n)
            for j in range(n)
            if i != j
        ]
        raw = {
            "name": "heat-treatment",
            "horizon": {"start": date(2024, 1, 1), "length_h": length_h, "step_min": STEP_MIN},
            "line": {
                "stages": [{"name": "treatment", "units": [{"name": unit}]}],
                "grades": [
                    {
                        "name": name,
                        "mass_t": 1.0,
                        "duration_min": {unit: self.total_h[i] * 60},
                        "takes": {"gas": self.gas[i]},
                    }
                    for i, name in enumerate(names)
                ],
                "changeovers": changeovers,
            },
            "orders": [
                {
                    "name": name,
                    "heats": [{"grade": name, "name": name}],
                    "due": timedelta(hours=float(self.due_h[i])) if due else None,
                }
                for i, name in enumerate(names)
            ],
            "site": {
                "carriers": [{"name": "gas", "unit": "Nm3"}],
                "assets": [{"name": "main", "kind": "supply", "carrier": "gas", "price_per_unit": self.price}],
            },
            "market": {"price_per_mwh": {"value": 0.0}, "carbon_intensity_kg_per_mwh": {"value": 0.0}},
            "goal": {
                "minimize": "cost" if aim == "gas" else "lateness",
                "caps": {"extra_cost_share": None},
                "gap": 0.0,
                "time_limit_s": time_limit,
            },
        }
        if due and aim == "gas":
            # a user's due times are limits; here they break ties between orders of least gas
            return resolve(Scenario.model_validate(raw))
        return checked(self.name, raw)


def read(path: str) -> PublishedCase:
    """Read a case.

    Raises:
        BadCase: it lacks something, or says what cannot be.
    """
    raw = read_json(path)
    if not isinstance(raw, dict):
        raise BadCase(f"{path}: is not a JSON object")
    number = raw.get("NumberJobs")
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise BadCase(f"{path}: NumberJobs: {str(number)[:40]!r} is no number of orders")

    def table(key: str, *shape: int) -> np.ndarray:
        try:
            values = np.array(raw[key], dtype=float)
        except KeyError:
            raise BadCase(f"{path}: {key}: is missing") from None
        except (TypeError, ValueError):
            raise BadCase(f"{path}: {key}: is no table of numbers") from None
        if values.shape != shape:
            raise BadCase(f"{path}: {key}: has {' × '.join(map(str, values.shape))} numbers, not {shape}")
        if not np.isfinite(values).all() or (values < 0).any():
            raise BadCase(f"{path}: {key}: holds a number below 0 or none")
        return values

    total_h = table("ProcessTimeTotal", number)
    if (total_h <= 0).any():
        raise BadCase(f"{path}: ProcessTimeTotal: holds a time of 0")
    return PublishedCase(
        Path(path).name,
        total_h,
        table("WaitingTime", number, number),
        24 * (table("DueDates", number) + 1),
        table("VolumeGasByJob", number),
        table("VolumeGasIdleTime", number, number),
        float(table("CostNaturalGas")),
    )


@oracle("heat_treatment", "a line without waiting, order of least gas or tardiness (Gomes et al. 2021): FILE")
def main(argv: list[str]) -> int:
    """Solve a case through the product's model, replay it in the twin, print what came of it."""
    argument_parser = parser("heat_treatment", __doc__)
    argument_parser.add_argument("file", help="JSON file of the case")
    argument_parser.add_argument("--goal", choices=("gas", "tardiness"), default="gas", help="the other breaks ties")
    argument_parser.add_argument("--as-run", action="store_true", help="evaluate the order of the file, search nothing")
    request = parsed(argument_parser, argv, 60.0)

    def run() -> dict[str, Any]:
        case = read(request.file)
        return as_run(case, request.goal) if request.as_run else solve(case, request.goal, request.time_limit)

    return answered(run, request.json)


def as_run(case: PublishedCase, aim: Aim = "gas") -> dict[str, Any]:
    """The order of the file, which is the baseline's where no order is due before another."""
    began = time.perf_counter()
    figures = _figures(case, twin.simulate(case.scenario(aim, due=False)))
    value = figures["gas_cost"] if aim == "gas" else figures["tardiness_h"]
    return {
        "case": case.name, "goal": aim, "status": "as run", "objective": value, "bound": None, "gap": None,
        "seconds": time.perf_counter() - began, **figures,
    }  # fmt: skip


def solve(case: PublishedCase, aim: Aim, time_limit: float) -> dict[str, Any]:
    """Plan, replay and judge a case: cost of gas, or hours of tardiness."""
    began = time.perf_counter()
    plain, scenario = case.scenario(aim, due=False), case.scenario(aim, SEARCH_SHARE * time_limit, due=True)
    schedule = to_the_minute(scenario, twin.envelope(scenario))
    unit = 1.0 if aim == "gas" else 60.0
    objective, bound = (float(schedule.attrs[name]) / unit for name in ("objective", "bound"))
    figures = _figures(case, twin.replay(plain, schedule))
    value = figures["gas_cost"] if aim == "gas" else figures["tardiness_h"]
    if abs(value - objective) > AGREE * max(1.0, objective):
        figures["violations"].append({"kind": aim, "amount": value - objective, "measure": ""})
    return {
        "case": case.name,
        "goal": aim,
        "status": str(schedule.attrs["status"]),
        "objective": value,
        "bound": bound,
        "gap": max(value - bound, 0.0) / value if value > AGREE else 0.0,
        "seconds": time.perf_counter() - began,
        **figures,
    }


def _figures(case: PublishedCase, run: xr.Dataset) -> dict[str, Any]:
    """Gas and tardiness of a run, its order, and what it missed."""
    spans = {int(name.split()[1]): span for name, span in starts(run).items()}
    order = sorted(spans, key=lambda i: spans[i][0])
    gas = -float(run["line_rate"].sel(given="gas").sum()) * STEP_MIN / 60
    late = sum(max(spans[i][1] / 60 - case.due_h[i], 0.0) for i in order)
    return {
        "gas_cost": case.price * gas,
        "tardiness_h": float(late),
        "violations": [*violations(run), *broken(case, order, {i: span[0] for i, span in spans.items()})],
        "order": order,
    }


def broken(case: PublishedCase, order: list[int], start_min: dict[int, float]) -> list[dict[str, Any]]:
    """What the published rules ask for and the replay does not keep, judged by the case's file alone."""
    items: list[dict[str, Any]] = []
    at = 0.0
    for place, i in enumerate(order):
        at += case.waiting_h[order[place - 1], i] if place else 0.0
        if abs(start_min[i] / 60 - at) > AGREE:
            items.append({"kind": "start", "heat": f"order {i}", "at_min": start_min[i], "amount": at * 60})
    if sorted(order) != list(range(len(case.total_h))):
        items.append({"kind": "unfinished", "amount": len(case.total_h) - len(order)})
    return items
