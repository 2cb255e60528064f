"""What a tonne of carbon less, or a unit of another metric, costs: the shadow price of a cap, heats' starts fixed.

The starts are those of a schedule, so the line's load is given and only the site is left to decide: battery, PV and
assets. Its least cost under the cap is a linear program once the whole numbers (what is on, what fills) are
fixed too, and the multiplier of the cap is the abatement cost at that place. It does not tell what other starts would
bring; for that compare plans.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
import xarray as xr

from emberline.models.formulations.site import assets
from emberline.models.formulations.site import balance as sites
from emberline.models.formulations.site.assets.ports import Linear
from emberline.models.formulations.site.assets.result import burning as burning_slots
from emberline.models.kernel.arrays import Series
from emberline.models.kernel.highs import Program
from emberline.models.kernel.templates import building
from emberline.models.problem import line_reader
from emberline.models.problem import site as site_problem
from emberline.models.problem.assignment import from_schedule, line_gives, load_cells
from emberline.models.problem.constants import direct_kg
from emberline.models.problem.site import SiteData
from emberline.scenarios import Scenario
from emberline.scenarios.metrics import METRICS

NEXT = 1e-6
"""By how much, as a share, the cap is tightened: at a kink of the cost the next unit less is what is asked for."""
GAP = 1e-6


@dataclass(frozen=True)
class AbatementPrice:
    """Shadow price of a cap on a metric."""

    per_unit: float | None
    """What a unit less costs [currency/t CO2e for carbon], a unit of ``Metric.display``; None: nothing is to decide but
    the starts, or there is no price."""
    whole_numbers: str
    """What was fixed: ``starts``, ``starts and site``, ``site`` or ``none``."""
    reason: str = ""
    """Why there is no price."""


@dataclass(frozen=True)
class _Load:
    """What the line draws and gives, its starts fixed."""

    cells: np.ndarray
    """Electricity by cell [MWh]."""
    gives: dict[str, np.ndarray]
    """Of other carriers, by slot, in the carrier's unit."""


def abatement_price(
    scenario: Scenario, envelope: xr.Dataset, schedule: xr.Dataset, amount: float, metric: str = "carbon"
) -> AbatementPrice:
    """What less of a metric than a plan has costs where only the site may answer.

    Args:
        scenario: what is asked; its cost counts with the carbon price, where the scheme has one.
        envelope: as for ``emberline.models.optimize``.
        schedule: the plan, a dataset of table ``SCHEDULE``; its starts are kept.
        amount: the metric of the plan: where the cap stands. Carbon: scope 1 and 2 by the goal's signal [kg CO2e].
        metric: a row of ``METRICS``.

    Returns:
        The price of the next unit less; where nothing less can be had with these starts, of the last one.
    """
    goal = scenario.goal.model_copy(update={"minimize": "cost_with_carbon_price"})
    scenario = scenario.model_copy(update={"goal": goal})
    data = site_problem.read(scenario, envelope)
    fixed = ["starts"] if scenario.orders else []
    if data.plain:
        return AbatementPrice(None, " and ".join(fixed) or "none", "the site has nothing to decide, only heats have")
    load = _load(scenario, envelope, schedule)
    if load is None:
        return AbatementPrice(None, "starts", "the starts do not lie on the model's slots")
    if not scenario.orders and data.step_min > data.meter_min:
        data = replace(data, meter_min=data.step_min, cell_min=data.step_min)
    row = METRICS[metric]
    cap = amount - row.parts(scenario.market.carbon_price).get("scope1", 0.0) * direct_kg(scenario, envelope)
    limit = scenario.goal.time_limit_s
    # whole numbers that only keep a store from burning a surplus are wanted where a linear program would do so
    easy = data.hub is not None and assets.continuous(data.hub)
    for burning in ((), None) if easy else (None,):
        model, program, hub = _build(data, load, metric, cap, burning)
        outcome = program.run(time_limit=limit, gap=GAP)
        if not outcome.has_solution or hub is None or not burning_slots(hub):
            break
    fixed += ["site"] if program.whole else []
    whole = " and ".join(fixed) or "none"
    if not outcome.has_solution or program.multipliers(time_limit=limit) is None:
        return AbatementPrice(None, whole, "the site's least cost under the cap was not found")
    for place in (cap - NEXT * max(abs(cap), 1.0), cap + NEXT * max(abs(cap), 1.0)):
        program.restrict([(model.amount, -math.inf, place)])
        moved = program.outcome(program.search(time_limit=limit, relax=True))  # whole numbers are fixed by now
        multipliers = program.multipliers(time_limit=limit) if moved.has_solution else None
        if multipliers is not None:
            return AbatementPrice(max(-multipliers.of_bound(model.amount) / row.display[1] + 0.0, 0.0), whole)
    return AbatementPrice(None, whole, "no price was found in time")


def _load(scenario: Scenario, envelope: xr.Dataset, schedule: xr.Dataset) -> _Load | None:
    if not scenario.orders:
        return _Load(np.zeros(0), {})
    problem = line_reader.from_scenario(scenario, envelope)
    starts = from_schedule(problem, schedule)
    if starts is None:
        return None
    return _Load(load_cells(problem, starts), line_gives(problem, starts))


def _build(
    data: SiteData, load: _Load, metric: str, cap: float, burning: Collection[int] | None
) -> tuple[pyo.ConcreteModel, Program, Any]:
    """The site under a load: least cost, the metric a variable with the cap as upper bound."""
    n = len(data.base)
    cells = load.cells if len(load.cells) else np.zeros(n * data.cells_per_slot)
    line = cells.reshape(n, -1).sum(axis=1)

    model = pyo.ConcreteModel()
    with building():
        model.site = pyo.Block()
        model.CELL, model.T = pyo.RangeSet(0, len(cells) - 1), pyo.RangeSet(0, n - 1)
        model.by_cell, model.by_slot = Series(model.CELL, values=cells), Series(model.T, values=line)
        gives = {carrier: Linear(constant=np.asarray(amounts)) for carrier, amounts in load.gives.items()}
        ports = sites.add(
            model.site,
            data,
            lambda c, t: model.by_cell[c],
            lambda t: model.by_slot[t],
            line_gives=gives,
            burning=burning,
        )
        model.amount = pyo.Var(bounds=(None, cap + NEXT * max(abs(cap), 1.0)))
        model.counted = pyo.Constraint(rule=lambda m: ports.worth(metric) - m.amount == 0)
        model.goal = pyo.Objective(rule=lambda m: ports.worth("cost_with_carbon_price"))
        program = Program(model)
    return model, program, ports.hub
