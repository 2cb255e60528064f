"""What a tonne of carbon less, or a unit of another metric, costs: the shadow price of a cap, heats' starts fixed.

The starts are those of a schedule, so the line's load is given and only the site is left to decide: battery, PV and
assets. Its least cost under the cap is a linear program once the whole numbers (what is on, what fills) are
fixed too, and the multiplier of the cap is the abatement cost at that place. It does not tell what other starts would
bring; for that compare plans.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.assets.ports import Linear
from emberline.models.problem import line_reader
from emberline.models.problem import site as site_problem
from emberline.models.problem.assignment import from_schedule, line_gives, site_cells
from emberline.models.problem.constants import direct_kg
from emberline.models.search.first_goal import minimize_first
from emberline.scenarios import Case, effort
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


def abatement_price(
    scenario: Case, envelope: xr.Dataset, schedule: xr.Dataset, amount: float, metric: str = "carbon"
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
    cells, amounts = None, dict[str, np.ndarray]()
    if scenario.orders:
        problem = line_reader.from_scenario(scenario, envelope, like=schedule)
        starts = from_schedule(problem, schedule)
        if starts is None:
            return AbatementPrice(None, "starts", "the starts do not lie on the model's slots")
        cells, amounts = site_cells(problem, starts, data.n_cells), line_gives(problem, starts)
    row = METRICS[metric]
    cap = amount - row.parts(scenario.market.carbon_price).get("scope1", 0.0) * direct_kg(scenario, envelope)
    limit, began = scenario.goal.budget, effort.now()
    aim = replace(aims.read(scenario, data, {}, 0.0), tops={metric: cap + NEXT * max(abs(cap), 1.0)})
    gives = {carrier: Linear(constant=by_slot) for carrier, by_slot in amounts.items()}
    site_model, outcome = minimize_first(
        data, aim, cells, lambda: limit - (effort.now() - began), {"build": 0.0, "first goal": 0.0}, gives,
        gap=GAP,
    )  # fmt: skip
    program, capped = site_model.program, site_model.model.total[metric]
    fixed += ["site"] if program.whole else []
    whole = " and ".join(fixed) or "none"
    if not outcome.has_solution or program.multipliers(work=limit) is None:
        return AbatementPrice(None, whole, "the site's least cost under the cap was not found")
    for place in (cap - NEXT * max(abs(cap), 1.0), cap + NEXT * max(abs(cap), 1.0)):
        program.restrict([(capped, -math.inf, place)])
        moved = program.outcome(program.search(work=limit, relax=True))  # whole numbers are fixed by now
        multipliers = program.multipliers(work=limit) if moved.has_solution else None
        if multipliers is not None:
            return AbatementPrice(max(-multipliers.of_bound(capped) / row.display[1] + 0.0, 0.0), whole)
    return AbatementPrice(None, whole, "no price was found in time")
