"""Heats to the minute, by lateness, makespan or in a sequence: their schedule, and the best use of the site under it.

The heats come first, so that the site is planned after them: battery and assets under the load that the line then
draws, by least carbon and, among equal ones, least cost.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.dispatch import Dispatcher, columns
from emberline.models.kernel.progress import Progress
from emberline.models.problem import assignment, line_reader
from emberline.models.problem import site as sites
from emberline.models.problem.line_reader import SlotProblem
from emberline.models.search.schedule import empty, stamped
from emberline.scenarios import Scenario
from emberline.scenarios.case.line import phase_power
from emberline.scenarios.datasets import SCHEDULE
from emberline.scenarios.line import taking
from emberline.scenarios.messages import Message
from emberline.scenarios.metrics import gap as relative_gap
from emberline.scenarios.records.goal import Target

if TYPE_CHECKING:
    from benchmarks.minutes.lateness import Lateness

LEAST_S = 5.0
"""Seconds that the use of the site may take at least, however long the search for the heats took."""


def to_the_minute(
    scenario: Scenario,
    envelope: xr.Dataset,
    start: xr.Dataset | None,
    tell: Progress,
    stop: Callable[[], bool],
) -> xr.Dataset:
    """The schedule of least lateness, makespan or cost of a sequence.

    The search by lateness knows no import limit: where that is broken it is the baseline schedule.

    Args:
        scenario: what is asked.
        envelope: durations and state.
        start: the baseline schedule.
        tell: called with progress.
        stop: polled; True ends the search.
    """
    from benchmarks.minutes.line_in_minutes import shop

    goal, began = scenario.goal, time.perf_counter()
    solution = _searched(scenario, envelope, start, tell, stop)
    data = empty(scenario)
    site = sites.read(scenario, envelope)
    problem = line_reader.from_scenario(scenario, envelope)
    ok, flows = bool(solution.has_schedule), None
    reason = (
        ""
        if ok
        else Message("no schedule keeps the waits and casts")
        if _by_lateness(scenario)
        else Message("no schedule was found")
    )
    if ok:
        missing = np.isnan(solution.start_min)
        unit = np.where(missing, "", np.asarray(solution.unit, dtype=object))
        extra = _reheated(problem, solution)
        data = data.assign(
            start_min=(("heat", "stage"), solution.start_min),
            end_min=(("heat", "stage"), solution.end_min),
            unit=(("heat", "stage"), unit.astype(object)),
            extra_mwh=(("heat", "stage"), extra),
        )
        cells = _load(scenario, problem, solution, extra)
        idle = (
            assignment.idle_cells(problem, problem.idle, _works(problem, solution, envelope)) if problem.idle else None
        )
        if idle is not None:
            cells += idle
        aim = aims.read(scenario, site, None, 0.0)
        remaining_s = max(goal.time_limit_s - (time.perf_counter() - began), LEAST_S)
        flows = Dispatcher(site, aim.expression, aim.over_price(site)).flows(
            cells, time_limit=remaining_s, cancel=stop, line_gives=_gives(scenario, problem, solution)
        )
    late, gap, status = solution.objective if ok else math.nan, solution.gap, solution.status
    if flows is not None:
        data = data.assign(columns(scenario, site, flows, problem.on_slots(cells)))
        if idle is not None:
            data = data.assign(idle_mw=("time", problem.on_slots(idle) / site.hours))
    if start is not None and ok and _by_lateness(scenario) and (flows is None or flows.over_mwh > 0):
        # the search knows no import limit, the list keeps it
        data = start[[name for name in SCHEDULE if name in start]].copy()
        last = np.nanmax(start["end_min"].to_numpy(), axis=1)
        late = float(np.maximum(last - np.array(shop(scenario, envelope).due), 0.0).sum())
        gap = relative_gap(late, solution.bound)
        status = "within gap" if gap <= goal.gap else "best found"
        reason = Message("The baseline schedule: what the search found draws more than the import limit.")
    elif ok and flows is None:
        ok, data, late, gap, status = False, empty(scenario), math.nan, math.nan, "no plan"
        reason = Message("no use of the site keeps all limits: demands, rates, levels, switching times and caps")
    return stamped(
        data, scenario, status, reason, objective=late if ok else None, bound=solution.bound, gap=gap, constant=0.0
    )


def _by_lateness(scenario: Scenario) -> bool:
    return scenario.goal.minimize == Target.LATENESS and not scenario.line.changeovers


def _searched(
    scenario: Scenario, envelope: xr.Dataset, start: xr.Dataset | None, tell: Progress, stop: Callable[[], bool]
) -> Lateness:
    """The schedule of the heats alone, by the search that suits the line and its goal."""
    goal = scenario.goal
    limits: dict[str, Any] = {"time_limit": goal.time_limit_s, "gap": goal.gap, "on_progress": tell, "cancel": stop}
    if scenario.line.changeovers:
        from benchmarks.minutes.in_sequence import least_in_sequence

        return least_in_sequence(scenario, **limits)
    if goal.minimize == Target.MAKESPAN:
        from benchmarks.minutes.makespan import least_makespan

        return least_makespan(scenario, **limits)
    from benchmarks.minutes.lateness import minimize_lateness

    return minimize_lateness(scenario, envelope, start=start, **limits)


def _reheated(problem: SlotProblem, solution: Any) -> np.ndarray:
    """Reheating of a schedule whose starts need not lie on slots [MWh], shape (n_heats, n_stages)."""
    extra = np.zeros(solution.start_min.shape)
    for h, heat in enumerate(problem.heats):
        if heat.reheat is None or heat.operations[heat.reheat].started_min is not None:
            continue
        at = [operation.stage for operation in heat.operations[: heat.reheat + 1]]
        start, end = solution.start_min[h, at], solution.end_min[h, at]
        waited = np.maximum(start[1:] - end[:-1] - np.array(heat.quickest[: heat.reheat]), 0.0)
        extra[h, at[-1]] = problem.reheat_kwh_per_t_min / 1000 * heat.mass_t * waited.sum()
    return extra


def _works(problem: SlotProblem, solution: Any, envelope: xr.Dataset) -> dict[int, list[tuple[float, float]]]:
    """Start and end of each work by unit [min], without disturbance, of starts that need not lie on slots."""
    nominal = envelope["duration_min"].to_numpy()
    works: dict[int, list[tuple[float, float]]] = {}
    for h, s in zip(*np.nonzero(np.isfinite(solution.start_min)), strict=True):
        u, begin = problem.units.index(str(solution.unit[h, s])), float(solution.start_min[h, s])
        works.setdefault(u, []).append((begin, begin + float(nominal[h, u])))
    for cast in problem.casts:
        # a caster keeps the pace of the plan until its last heat
        for h in cast.heats[:-1]:
            u, begin = problem.units.index(str(solution.unit[h, -1])), float(solution.start_min[h, -1])
            works[u].append((begin, float(solution.end_min[h, -1])))
    return works


def _gives(scenario: Scenario, problem: SlotProblem, solution: Any) -> dict[str, np.ndarray]:
    """What the line gives of each carrier by slot, shape (n_slots,) each; reheating gives nothing."""
    none = np.zeros(solution.start_min.shape)
    gives = {
        carrier: problem.on_slots(_load(scenario, problem, solution, none, weight))
        for carrier, weight in problem.gives.items()
    }
    if scenario.line.takes:
        horizon = scenario.horizon
        edges = np.arange(horizon.n_steps + 1) * horizon.step_min
        units, grades = solution.unit[:, 0].tolist(), [heat.grade.name for heat in scenario.heats]
        start, end = solution.start_min[:, 0], solution.end_min[:, 0]
        for carrier, rate in taking.rates(scenario.line, units, grades, start, end, edges).items():
            gives[carrier] = gives.get(carrier, 0.0) - rate * np.diff(edges) / 60
    return gives


def _load(
    scenario: Scenario, problem: SlotProblem, solution: Any, extra: np.ndarray, weight: np.ndarray | None = None
) -> np.ndarray:
    """Energy by cell of a schedule whose starts need not lie on slots [MWh], times a weight by stage."""
    cells = np.zeros(problem.n_cells)
    edges = np.arange(problem.n_cells + 1) * problem.cell_min
    units = {unit.name: unit for unit in scenario.line.units}
    for h, heat in enumerate(scenario.heats):
        for s in range(len(scenario.line.stages)):
            begin, name = solution.start_min[h, s], str(solution.unit[h, s])
            if not np.isfinite(begin) or not name:
                continue
            minutes = float(solution.end_min[h, s]) - begin
            ends, power = phase_power(units[name], scenario.line.energy_mwh(heat.grade, name) + extra[h, s], minutes)
            for first, last, mw in zip([0.0, *ends[:-1]], ends, power, strict=True):
                share = 1.0 if weight is None else weight[s]
                cells += share * np.diff(np.clip(edges, begin + first, begin + last)) / 60 * mw
    return cells
