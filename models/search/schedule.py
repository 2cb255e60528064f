"""Conversion of a finished search to a dataset of table ``SCHEDULE``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from emberline.models.formulations.site.dispatch import columns
from emberline.models.problem import assignment
from emberline.models.problem.assignment import Starts
from emberline.models.problem.flows import Flows
from emberline.models.problem.line import SlotProblem
from emberline.models.problem.site import SiteData
from emberline.models.search.incumbent import Search
from emberline.models.search.record import ProcessSearch, Record
from emberline.scenarios import Scenario
from emberline.scenarios.datasets import SCHEDULE, check, metered
from emberline.scenarios.messages import Message
from emberline.scenarios.metrics import sound

__all__ = ["ON_GRID", "RULED_OUT", "empty", "seconds"]

ON_GRID = "no plan on this grid"
"""Status if no start on slots keeps all limits, which proves nothing about starts between them."""
RULED_OUT = ("infeasible", ON_GRID)
"""Statuses of searches that have proven that there is no plan, at least on slots."""


def seconds(schedule: xr.Dataset) -> dict[str, float]:
    """Return the seconds by phase of the search that produced a schedule."""
    return {
        name.removeprefix("seconds "): float(value)
        for name, value in schedule.attrs.items()
        if name.startswith("seconds ")
    }


def outcome(search: Record, infeasible: tuple[str, str]) -> tuple[str, str]:
    """Return the status and reason of a finished search.

    Args:
        search: search of any kind.
        infeasible: status and reason if infeasibility was proven.

    Raises:
        ContradictionError: its bound lies above its plan.
    """
    value, gap = search.value, search.told_gap
    if value is not None and search.bound is not None:
        sound(search.bound, value)
    if gap is not None and gap <= search.gap + 1e-9:
        return "within gap", ""
    if value is not None:
        return ("cancelled" if search.cancel() else "best found"), ""
    if search.infeasible:
        return infeasible
    return without_plan(search.cancel(), round(search.limit, 2))


def without_plan(stopped: bool, effort: float) -> tuple[str, str]:
    """Return the status and reason of a search that has found and proven nothing."""
    if stopped:
        return "cancelled", Message("cancelled before a plan was found")
    return "no plan within the limit", Message("no plan was found with an effort of {effort:g}", effort=effort)


def stamped(
    data: xr.Dataset,
    scenario: Scenario,
    status: str,
    reason: str,
    *,
    objective: float | None,
    bound: float | None,
    gap: float | None,
    constant: float,
    seconds: Mapping[str, float] | None = None,
    **more: float,
) -> xr.Dataset:
    """Return a schedule with its attributes, checked; None: unknown, or no plan in the case of the objective."""
    success = int(objective is not None)
    if objective is not None and bound is not None and math.isfinite(bound):
        bound = sound(bound, objective)
    data.attrs = {
        "found": success, "status": status, "reason": reason, "objective": _number(objective), "bound": _number(bound),
        "gap": _number(gap), "constant": constant, "goal": scenario.goal.minimize, "policy": "schedule",
        "complete": success, "unplaced": "", **more,
        **{f"seconds {name}": value for name, value in (seconds or {}).items()},
    }  # fmt: skip
    return check(data, SCHEDULE)


def recorded(
    search: Search | ProcessSearch, data: xr.Dataset, scenario: Scenario, status: str, reason: str, **more: float
) -> xr.Dataset:
    """Return a schedule with the attributes of ``stamped``, from the search that produced it."""
    seconds = search.seconds | {"search": search.spent_s}
    return stamped(
        data, scenario, status, reason, objective=search.value, bound=search.bound, gap=search.told_gap,
        constant=search.aim.constant, seconds=seconds, **more,
    )  # fmt: skip


def as_schedule(
    search: Search,
    scenario: Scenario,
    envelope: xr.Dataset,
    *,
    improved: bool = True,
    baseline: bool = False,
    exact: bool = False,
) -> xr.Dataset:
    """Return the result of a search as a dataset of table ``SCHEDULE``.

    Args:
        search: finished search.
        scenario: scenario of the search.
        envelope: durations and state.
        improved: whether the search found a better plan than the given ones.
        baseline: whether the baseline schedule was given.
        exact: whether infeasibility on slots is proven for any start times.
    """
    if exact:
        nothing = "infeasible", Message("no schedule keeps all limits: the relaxation of the line has no solution")
    else:
        step = search.problem.step_min
        nothing = ON_GRID, Message("no schedule whose starts lie on steps of {step:g} min keeps all limits", step=step)
    status, reason = outcome(search, nothing)
    if search.best is not None and baseline and not improved:
        reason = Message("No better order of heats than the baseline's was found.")
    data = (
        empty(scenario)
        if search.best is None or search.best_flows is None
        else filled(scenario, envelope, search.problem, search.data, search.best, search.best_flows)
    )
    return recorded(search, data, scenario, status, reason)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _coordinates(scenario: Scenario) -> dict[str, Any]:
    times = scenario.horizon.times
    return {
        "heat": np.array([heat.name for heat in scenario.heats], dtype=str),
        "stage": np.array([stage.name for stage in scenario.line.stages], dtype=str),
        "time": times,
        "meter": metered(times, scenario.horizon.step_min, scenario.site.grid.metered_interval_min),
    }


def empty(scenario: Scenario) -> xr.Dataset:
    """Return a schedule without a plan, in which all values are missing."""
    coordinates = _coordinates(scenario)
    size = {name: len(values) for name, values in coordinates.items()}
    columns: dict[str, Any] = {}
    for name, variable in SCHEDULE.items():
        if variable.optional:
            continue
        shape = tuple(size[dim] for dim in variable.dims)
        # netCDF does not store an empty array of objects as text
        kind: Any = object if math.prod(shape) else "U1"
        columns[name] = (variable.dims, np.full(shape, "", dtype=kind) if variable.text else np.full(shape, np.nan))
    return xr.Dataset(columns, coords=coordinates)


def filled(
    scenario: Scenario, envelope: xr.Dataset, problem: SlotProblem, site: SiteData, best: Starts, flows: Flows
) -> xr.Dataset:
    """Return a schedule of starts and of the site's flows under them, without attributes.

    Args:
        scenario: scenario of the plan.
        envelope: durations and state.
        problem: the line.
        site: the site.
        best: starts of the plan.
        flows: flows of the site.
    """
    data = empty(scenario)
    planned, started = envelope["planned_min"].to_numpy(), envelope["started_min"].to_numpy()
    begin, end, unit = np.full(started.shape, np.nan), np.full(started.shape, np.nan), data["unit"].to_numpy()
    extra = np.zeros(started.shape)

    def place(h: int, stage: int, u: int, minute: float) -> None:
        unit[h, stage], begin[h, stage], end[h, stage] = problem.units[u], minute, minute + planned[h, u]

    for h, stage in zip(*np.nonzero(np.isfinite(started)), strict=True):
        name = str(envelope["started_unit"].to_numpy()[h, stage])
        place(int(h), int(stage), problem.units.index(name), float(started[h, stage]))
    for operation in best.operations(problem):
        place(*operation)
    for h, mwh in assignment.extra_mwh(problem, best).items():
        reheat = problem.heats[h].reheat
        assert reheat is not None
        extra[h, problem.heats[h].operations[reheat].stage] = mwh
    data = data.assign(
        start_min=(("heat", "stage"), begin),
        end_min=(("heat", "stage"), end),
        unit=(("heat", "stage"), unit),
        extra_mwh=(("heat", "stage"), extra),
    )
    data = data.assign(columns(scenario, site, flows, problem.on_steps(assignment.load_cells(problem, best))))
    data = data.assign(assignment.idle_column(problem, best))
    gives = assignment.line_gives(problem, best)
    if flows.hub is None or not gives:
        return data
    rates = np.array(list(gives.values())) / site.hours
    return data.assign_coords(given=np.array(list(gives), dtype=str)).assign(line_rate=(("given", "time"), rates))
