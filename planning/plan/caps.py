"""Caps that count from the baseline as amounts, whatever list becomes it, and the goal on a grade, reached by caps.

That goal is the least that a tonne of the grade carries, and of the plans that reach it the least carbon. Its caps are
lowered by halves: a plan under a cap between what has been reached and what no plan can undercut is searched, as long
as that brings it down. Nothing is proven of the least; it is the best that was found.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import xarray as xr

from emberline.planning.accounts.ledger import grades_kg_per_t, ledger
from emberline.planning.plan.tuning import PLAN
from emberline.scenarios import Case
from emberline.scenarios.goal_metrics import no_worse
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.metrics import FULL_COST, OTHER_CARBON
from emberline.scenarios.records.goal import Caps, OtherSignal

__all__ = ["fixed"]


def fixed(scenario: Case, envelope: xr.Dataset, listed: xr.Dataset) -> Caps:
    """The caps of a scenario with those that count from the baseline schedule as amounts.

    Args:
        scenario: with its caps.
        envelope: of the scenario.
        listed: the baseline schedule of the scenario; where it is not complete, no such cap holds.
    """
    from emberline.models import site

    caps, data = scenario.goal.caps, site.read(scenario, envelope)
    totals = site.baseline_totals(scenario, data, listed) if listed.attrs["complete"] else {}
    direct_kg = site.direct_kg(scenario, envelope)
    costs = [] if caps.cost is None else [caps.cost]
    if caps.extra_cost_share is not None and FULL_COST in totals:
        paid = totals[FULL_COST]
        direct = scenario.market.carbon_price.on_direct / 1000 * direct_kg
        costs.append(paid + caps.extra_cost_share * abs(paid) + direct + data.sunk_cost)
    emitted = [] if caps.other_carbon_kg is None else [caps.other_carbon_kg]
    if no_worse(scenario) and OTHER_CARBON in totals:
        emitted.append(totals[OTHER_CARBON] + direct_kg)
    amounts = {"cost": min(costs, default=None), "other_carbon_kg": min(emitted, default=None)}
    return caps.model_copy(update={"extra_cost_share": None, "other_signal": OtherSignal.OFF, **amounts})


def least_carried(scenario: Case, schedule: xr.Dataset, search: Callable[[Case], xr.Dataset]) -> xr.Dataset:
    """The schedule whose grade carries least.

    Args:
        scenario: with ``goal.grade``.
        schedule: of the least carbon; none where nothing was found.
        search: finds the schedule of a request.
    """
    grade = scenario.goal.grade
    if grade is None or not schedule.attrs["found"]:
        return schedule
    best, kg_per_t = schedule, _carried(scenario, grade, schedule)
    floor, searches = _floor(scenario, grade), 0
    while searches < PLAN.cap_searches and kg_per_t - floor > scenario.goal.gap * kg_per_t:
        middle = (floor + kg_per_t) / 2
        again = search(_capped(scenario, grade, middle))
        searches += 1
        if again.attrs["found"]:
            lower = _carried(scenario, grade, again)
            if lower < kg_per_t:
                best, kg_per_t = again, lower
                continue
        floor = middle
    text = mark("{grade} carries {kg_per_t:.1f} kg CO2e/t, the least that {searches} searches have found")
    reason = Message(text, grade=grade, kg_per_t=kg_per_t, searches=searches + 1)
    return best.assign_attrs(status="best found", bound=math.nan, gap=math.nan, reason=reason)


def _carried(scenario: Case, grade: str, schedule: xr.Dataset) -> float:
    """Emissions of a tonne of the grade when the twin follows a schedule [kg CO2e/t]."""
    from emberline import twin

    return grades_kg_per_t(scenario, ledger(scenario, twin.replay(scenario, schedule)))[grade]


def _floor(scenario: Case, grade: str) -> float:
    """Lower bound of every plan [kg CO2e/t]: scope 1, and all of its electricity in the cleanest step."""
    line = scenario.line
    record = next(heat.grade for heat in scenario.heats if heat.grade.name == grade)
    direct, least_mwh = 0.0, 0.0
    for stage in line.route(record):
        direct += sum(emission.kg_per_t for emission in stage.emissions if not emission.biogenic)
        least_mwh += min(line.energy_mwh(record, unit) for unit in line.able(record, stage))
    clean = float(np.min(scenario.inputs["carbon_intensity_kg_per_mwh"].to_numpy()))
    # what feeds the line besides the grid may be cleaner
    alone = not scenario.site.assets and scenario.battery is None and not scenario.inputs["pv_available_mw"].any()
    return direct + (max(clean, 0.0) * least_mwh / record.mass_t if alone else 0.0)


def _capped(scenario: Case, grade: str, kg_per_t: float) -> Case:
    goal = scenario.goal
    caps = goal.caps.model_copy(update={"embedded_kg_per_t": {**goal.caps.embedded_kg_per_t, grade: kg_per_t}})
    return scenario.with_goal(caps=caps, grade=None, effort=goal.budget / PLAN.cap_searches)
