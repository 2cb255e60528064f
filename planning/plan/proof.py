"""Worth of a schedule by a goal, and the gap that a bound leaves: judged here whenever it is stored or compared.

A schedule that is read, or that a search for another goal found, carries the numbers of that search. None of them is
believed: the objective is counted from the flows, and a bound is taken from where it was proven for the same plans.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import xarray as xr

from emberline.planning.accounts.sums import figures
from emberline.planning.plan.record import Plan, number
from emberline.scenarios import Case, Scenario
from emberline.scenarios.goal_metrics import goal_metric
from emberline.scenarios.metrics import TOLERANCE, above, gap, sound
from emberline.scenarios.records.goal import Target


def judge(scenario: Case, envelope: xr.Dataset, schedule: xr.Dataset) -> xr.Dataset:
    """A schedule with objective and constant by a scenario's goal, and nothing proven.

    Args:
        scenario: whose goal counts.
        envelope: of the scenario.
        schedule: table ``SCHEDULE``, whatever it was made for.
    """
    from emberline.models import site

    goal, constant = scenario.goal.minimize, 0.0
    if goal == Target.MAKESPAN:
        objective = float(schedule["end_min"].max())
    elif goal == Target.LATENESS:
        due = [heat.due_min for heat in scenario.heats]
        objective = float(np.maximum(schedule["end_min"].max("stage") - due, 0.0).sum())
    elif scenario.line.changeovers:
        # costs of a sequence are its search's own
        objective = float(schedule.attrs.get("objective", math.nan)) if schedule.attrs.get("goal") == goal else math.nan
    else:
        constant, beyond = site.fixed(scenario, envelope, schedule)
        objective = goal_metric(scenario).of(figures(scenario, schedule)) - constant - beyond
    return schedule.assign_attrs(
        found=1, status="best found", goal=goal, objective=objective, constant=constant, bound=math.nan, gap=math.nan
    )


def judged(stored: Plan) -> Plan:
    """A stored plan as it is where its objective is that of its schedule, else judged and without its bound."""
    if stored.schedule is None or stored.objective is None:
        return stored
    schedule = judge(stored.scenario, stored.envelope, stored.schedule)
    objective = float(schedule.attrs["objective"])
    if math.isnan(objective):
        return stored
    if abs(objective - stored.objective) <= TOLERANCE * max(abs(objective), 1.0):
        return stored
    constant = float(schedule.attrs["constant"])
    return proven(replace(stored, objective=objective, constant=constant, bound=None, gap=None), None)


def prove(scenario: Scenario, schedule: xr.Dataset, bound: float) -> xr.Dataset:
    """A schedule with a bound, the gap that it leaves and its status.

    Args:
        scenario: whose goal its objective counts by.
        schedule: with its objective.
        bound: that no plan of the scenario whose starts lie on steps comes below; NaN: nothing is proven.

    Raises:
        ContradictionError: the bound lies above the schedule.
    """
    value, status = float(schedule.attrs["objective"]), str(schedule.attrs["status"])
    # what starts between steps may be better than all that the bound speaks of
    between = schedule.attrs.get("policy") != "schedule" or "grid_min" in schedule.attrs
    unknown = math.isnan(value) or math.isnan(bound) or (between and above(bound, value))
    share = math.nan if unknown else gap(value, bound)
    if share <= scenario.goal.gap + 1e-9:
        status = "within gap"
    elif status == "within gap":
        status = "best found"
    return schedule.assign_attrs(bound=math.nan if unknown else sound(bound, value), gap=share, status=status)


def proven(plan: Plan, bound: float | None) -> Plan:
    """A plan with a bound, the gap that it leaves and its status; its schedule says the same. As :func:`prove`."""
    if plan.schedule is None or plan.objective is None:
        return replace(plan, bound=None, gap=None)
    numbers = {"objective": plan.objective, "constant": plan.constant, "status": plan.status}
    schedule = plan.schedule.assign_attrs(numbers, goal=plan.scenario.goal.minimize)
    schedule = prove(plan.scenario, schedule, math.nan if bound is None else bound)
    bound, share = number(schedule, "bound"), number(schedule, "gap")
    return replace(plan, schedule=schedule, bound=bound, gap=share, status=str(schedule.attrs["status"]))
