"""A model's plan of a small scenario compared with the oracle's optimum: what is wrong between them, in words."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import small_works
from plan_judge import site_faults
from site_oracle import optimum

from emberline import models, twin

TOLERANCE = 1e-5
"""Of a solver, as a share and as money or kg; the oracle's gap is zero."""
MIN_DIFFERENCE = 1e-3


@dataclass(frozen=True)
class Compared:
    """Both answers."""

    status: str
    """Of the oracle."""
    value: float
    """The oracle's optimum, nan where there is none."""
    plan: float
    bound: float
    """The model's, constant included."""
    seconds: float
    """Of the model."""
    faults: tuple[str, ...]


def compare(raw: dict[str, Any], seconds: float) -> Compared:
    """Plan a scenario written as a mapping, and judge the plan.

    Args:
        raw: as of ``small_works.random_works`` and ``small_sites.random_site``.
        seconds: time limit of both.
    """
    built = small_works.scenario(raw, seconds)
    oracle = optimum(raw, 3 * seconds)
    began = time.perf_counter()
    schedule = models.optimize(built, small_works.envelope(built))
    text, spent = schedule.attrs, time.perf_counter() - began
    plan, bound = (text[name] + text["constant"] for name in ("objective", "bound"))
    faults: list[str] = []
    if text["found"]:
        run = twin.replay(built, schedule)
        faults += [f"the twin refuses the plan: {kind}" for kind in run["violation_kind"].values.tolist()]
        for data in (schedule, run):
            columns = ("import_mw", "charge_mw", "discharge_mw", "battery_mwh", "meter_mw")
            faults += site_faults(built, {name: data[name].to_numpy() for name in columns})
    small = TOLERANCE * max(abs(oracle.value), 1.0) + MIN_DIFFERENCE if oracle.status == "optimal" else math.nan
    if oracle.status == "optimal":
        if text["status"] == "infeasible":
            faults.append("a false infeasible")
        elif text["status"] != "within gap":
            faults.append(f"not solved to its gap: {text['status']}")
        if bound > oracle.value + small:
            faults.append(f"a bound of {bound:.6g} above the optimum of {oracle.value:.6g}")
        if plan < oracle.value - small:
            faults.append(f"a plan of {plan:.6g} below the optimum of {oracle.value:.6g}")
        if plan > oracle.value + small_works.GAP * abs(oracle.value) + small and text["status"] == "within gap":
            faults.append(f"a plan of {plan:.6g} further than its gap from the optimum of {oracle.value:.6g}")
    elif oracle.status == "open":
        # what the oracle has is a plan and a bound of its own: neither may contradict the model's
        if bound > oracle.value + TOLERANCE * max(abs(oracle.value), 1.0) + MIN_DIFFERENCE:
            faults.append(f"a bound of {bound:.6g} above a plan of {oracle.value:.6g}")
        if plan < oracle.bound - TOLERANCE * max(abs(oracle.bound), 1.0) - MIN_DIFFERENCE:
            faults.append(f"a plan of {plan:.6g} below what the oracle proves, {oracle.bound:.6g}")
        if text["status"] != "within gap":
            faults.append(f"not known: the oracle ended open, the plan is {text['status']}")
    elif text["found"]:
        faults.append("a plan where there is none")
    elif text["status"] != "infeasible":
        faults.append(f"not proven infeasible: {text['status']}")
    return Compared(oracle.status, oracle.value, plan, bound, spent, tuple(faults))
