"""The same site asked again: a step along a front on the year, a step of a rolling horizon of 192 slots.

What is kept between plans is a study (``models/search/warm_start.py``). A step of the front is another cap on carbon; a
rolling step is another 192 hours, one hour later, so that all prices, demands and limits differ. The references: the
first solve of the year, model and all; and the same 192 slots built afresh each time, once as Emberline builds them,
once from the same rules without templates and through Pyomo's own interface to HiGHS.
"""

from __future__ import annotations

import time
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
import xarray as xr

from benchmarks.peers import hub
from benchmarks.peers.emberline_side import scenario
from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Bar, Findings, Table, measured
from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.objective import Aim
from emberline.models.formulations.whole_site import SiteModel, build
from emberline.models.kernel.templates import building
from emberline.models.problem import site as sites
from emberline.models.problem.site import SiteData
from emberline.models.search import first_goal as hubs
from emberline.models.search.warm_start import Study

POINTS, SOLVES = 20, 6
"""Points of the front, and how many of its steps are taken, from the cheapest year on."""
SLOTS, STEPS = 192, 20
SAME = 1e-6
NOTHING = xr.Dataset({"battery_level_mwh": ((), 0.0)})


def site_and_aim(case: hub.HubCase) -> tuple[SiteData, Aim]:
    """Site and aim of a case."""
    result = scenario(case)
    data = sites.read(result, NOTHING)
    return data, aims.read(result, data, {}, 0.0)


def minimized(data: SiteData, aim: Aim, study: Study | None) -> tuple[SiteModel, float, float]:
    """Model, objective and seconds."""
    began = time.perf_counter()
    seconds = {"build": 0.0, "first goal": 0.0}
    result, outcome = hubs.minimize_first(data, aim, None, lambda: 300.0, seconds, study=study, gap=0.0)
    assert outcome.objective is not None
    return result, outcome.objective, time.perf_counter() - began


def cut(part: Any, first: int, last: int, hours: int) -> Any:
    """A case, or a part of it, with the hours from ``first`` to ``last`` only."""
    if is_dataclass(part) and not isinstance(part, type):
        table = {f.name: cut(getattr(part, f.name), first, last, hours) for f in fields(part)}
        return replace(part, **table | ({"hours": last - first} if isinstance(part, hub.HubCase) else {}))
    if isinstance(part, list) and len(part) == hours and isinstance(part[0], int | float):
        return part[first:last]
    if isinstance(part, list | tuple):
        return type(part)(cut(one, first, last, hours) for one in part)
    return part


def by_pyomo(data: SiteData, aim: Aim) -> tuple[float, float]:
    """Objective and seconds of the same model from plain rules, through Pyomo's own interface."""
    from pyomo.contrib.solver.solvers.highs import Highs

    began = time.perf_counter()
    rows: list[float] = []

    class Theirs:
        """Takes the model where Emberline's compiler would."""

        def __init__(self, model: pyo.ConcreteModel) -> None:
            rows.append(float(Highs().solve(model, load_solutions=True).incumbent_objective))

    with building(on=False):
        build(data, aim, None, set(), program=Theirs)
    return rows[0], time.perf_counter() - began


def front() -> Table:
    """Steps along the year's front."""
    data, aim = site_and_aim(next(case for case in hub.cases() if case.name == "year"))
    study = Study()
    result, _, first = minimized(data, aim, study)
    high = float(pyo.value(result.model.total["carbon"]))
    _, low, _ = minimized(data, replace(aim, first="carbon", second=aim.first), None)
    steps = []
    for cap in np.linspace(high, low, POINTS)[1 : SOLVES + 1].tolist():
        capped = replace(aim, tops={**aim.tops, "carbon": cap})
        _, warm, seconds = minimized(data, capped, study)
        steps.append(seconds)
        _, cold, _ = minimized(data, capped, None)
        if abs(warm - cold) > SAME * abs(cold):
            raise Wrong(f"a cap of {cap:,.0f} kg: {warm} begun with the plan before, {cold} afresh")
    return Table(
        "A step along the front of the year",
        [
            measured("the first plan, model and all", [first], reference=[first]),
            measured(f"the next of {POINTS} caps on carbon", steps, reference=[first], bars=[Bar(0.15, "ratio")]),
        ],
        reference="the first plan",
    )


def rolling() -> Table:
    """Steps of a rolling horizon."""
    hours = SLOTS + STEPS
    long = hub.of_hours(hours)
    study, warm, fresh, pyomos = Study(), [], [], []
    for step in range(STEPS):
        data, aim = site_and_aim(cut(long, step, step + SLOTS, hours))
        (_, one, first), (_, other, second) = minimized(data, aim, study), minimized(data, aim, None)
        third, last = by_pyomo(data, aim)
        if max(abs(one - other), abs(one - third)) > SAME * abs(other):
            raise Wrong(f"step {step}: {one} begun with the step before, {other} afresh, {third} by Pyomo's interface")
        if step:  # the first one loads what is used later
            warm.append(first)
            fresh.append(second)
            pyomos.append(last)
    return Table(
        f"A step of a rolling horizon of {SLOTS} slots",
        [
            measured("rules without templates, Pyomo's own interface", pyomos, reference=pyomos),
            measured("templates, built afresh", fresh, reference=pyomos),
            measured("with the study", warm, reference=pyomos, bars=[Bar(0.25, "ratio")]),
        ],
        reference="rules without templates, Pyomo's own interface",
        notes=[f"With the study ÷ built afresh with templates: {np.median(warm) / np.median(fresh):.2f}."],
    )


@bench("resolve", "the same site asked again: a step of a front on the year, a step of a rolling horizon")
def main() -> Findings:
    """Both tables."""
    return Findings([front(), rolling()])
