"""Shadow prices of a site: the value of one more unit of a carrier, a level or a limit, and the cost of a cap.

They come from the linear program that remains when integers are fixed at the optimum. For the price of a cap the starts
of the heats are those of a schedule, so that the line's load is given and only the site is optimized: battery, PV and
assets. The multiplier of the cap is the abatement cost at this point. It does not show what other starts would achieve;
for this, compare plans.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.assets.ports import Linear
from emberline.models.formulations.site.objective import Aim
from emberline.models.formulations.whole_site import SiteModel
from emberline.models.kernel.highs import Multipliers
from emberline.models.problem import line_reader
from emberline.models.problem import site as sites
from emberline.models.problem.assignment import from_schedule, line_gives, site_cells
from emberline.models.problem.constants import direct_kg
from emberline.models.search.first_goal import minimize_first
from emberline.scenarios import Case, effort
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.messages import mark
from emberline.scenarios.metrics import METRICS

NEXT = 1e-6
"""Share by which the cap is tightened: at a kink of the cost, the price of the next unit less is required."""
GAP = 1e-6


@dataclass(frozen=True)
class AbatementPrice:
    """Shadow price of a cap on a metric."""

    per_unit: float | None
    """Cost of one unit less, in units of ``Metric.display`` [currency/t CO2e for carbon]; None: only the starts can
    change, or there is no price."""
    reason: str = ""
    """Reason why there is no price."""


def abatement_price(
    scenario: Case, envelope: xr.Dataset, schedule: xr.Dataset, amount: float, metric: str = "carbon"
) -> AbatementPrice:
    """Return the cost of reducing a metric below that of a plan if only the site may respond.

    Args:
        scenario: scenario of the plan; its cost includes the carbon price if the scheme has one.
        envelope: as for ``emberline.models.optimize``.
        schedule: the plan, a dataset of table ``SCHEDULE``; its starts are kept.
        amount: metric of the plan, at which the cap is set. Carbon: scope 1 and 2 by the goal's signal [kg CO2e].
        metric: a row of ``METRICS``.

    Returns:
        The price of the next unit less; if these starts allow no reduction, that of the last unit.
    """
    goal = scenario.goal.model_copy(update={"minimize": "cost_with_carbon_price"})
    scenario = scenario.model_copy(update={"goal": goal})
    data = sites.read(scenario, envelope)
    if data.plain:
        return AbatementPrice(None, mark("only the heats have decisions, not the site"))
    cells, amounts = None, dict[str, np.ndarray]()
    if scenario.orders:
        problem = line_reader.from_scenario(scenario, envelope, like=schedule)
        starts = from_schedule(problem, schedule)
        if starts is None:
            return AbatementPrice(None, mark("the starts do not lie on the model's slots"))
        cells, amounts = site_cells(problem, starts, data.n_cells), line_gives(problem, starts)
    row = METRICS[metric]
    cap = amount - row.parts(scenario.market.carbon_price).get("scope1", 0.0) * direct_kg(scenario, envelope)
    limit, began = scenario.goal.budget, effort.now()
    aim = replace(aims.read(scenario, data, {}, 0.0), tops={metric: cap + NEXT * max(abs(cap), 1.0)})
    gives = {carrier: Linear(constant=by_slot) for carrier, by_slot in amounts.items()}
    seconds = {"build": 0.0, "first goal": 0.0}
    site_model, outcome = minimize_first(
        data, aim, cells, lambda: limit - (effort.now() - began), seconds, gives, gap=GAP
    )
    program, capped = site_model.program, site_model.model.total[metric]
    if not outcome.has_solution or program.multipliers(work=limit) is None:
        return AbatementPrice(None, mark("the site's minimum cost under the cap was not found"))
    for place in (cap - NEXT * max(abs(cap), 1.0), cap + NEXT * max(abs(cap), 1.0)):
        program.restrict([(capped, -math.inf, place)])
        moved = program.attempt(work=limit, relax=True)  # integers are fixed by now
        multipliers = program.multipliers(work=limit) if moved.has_solution else None
        if multipliers is not None:
            return AbatementPrice(max(-multipliers.of_bound(capped) / row.display[1] + 0.0, 0.0))
    return AbatementPrice(None, mark("no price was found in time"))


def shadow_prices(
    scenario: Case,
    envelope: xr.Dataset,
    schedule: xr.Dataset | None = None,
    baseline: xr.Dataset | None = None,
) -> xr.Dataset | None:
    """Return the value of one more unit by the first goal: of each carrier's balance, of levels and of limits.

    Amounts are in the carriers' units (MWh, t, Nm3), so that no price depends on the step. Integers (on/off states and
    the order of filling) are fixed at the optimum: a price shows the effect of a small change, not of another
    commitment. If one unit more and one unit less have different values, the price lies anywhere between the two.

    Args:
        scenario: scenario with its goal; prices are in its currency, or in kg CO2e if it minimizes carbon.
        envelope: as for ``emberline.models.optimize``.
        schedule: schedule whose line power is the load, even within a step, with the line's output; None: there is no
            line.
        baseline: baseline run to which a cap on extra cost refers; None: no such cap.

    Returns:
        ``balance_price`` (carrier, time): cost of one more unit of demand; ``level_price`` (store, time): saving by one
        more unit in store at the step's end; ``rate_limit_price`` (asset, time): saving by one more unit of supply,
        sale, flare, renewable or a machine's main flow; ``horizon_limit_price`` (limited): saving by one more unit of a
        limit over the horizon; ``import_limit_price`` (meter): saving by one more MWh of import in a metered interval.
        Attributes: ``measure``, ``goal``, ``whole_numbers`` (``fixed`` or ``none``). None if there is no plan.
    """
    data = sites.read(scenario, envelope)
    aim = aims.of(scenario, envelope, data, baseline)
    load, gives = None, dict[str, Linear]()
    if schedule is not None:
        per = data.cells_per_slot
        load = np.repeat(schedule["line_mw"].to_numpy() * data.hours, per) / per
        if "line_rate" in schedule:
            rates = schedule["line_rate"].to_numpy() * data.hours
            carriers = schedule["given"].values.tolist()
            gives = {carrier: Linear(constant=amount) for carrier, amount in zip(carriers, rates, strict=True)}
    limit, began = scenario.goal.budget, effort.now()
    seconds = {"build": 0.0, "first goal": 0.0}
    site_model, first = minimize_first(
        data, aim, load, lambda: limit - (effort.now() - began), seconds, gives, gap=scenario.goal.gap
    )
    if not first.has_solution:
        return None
    multipliers = site_model.program.multipliers(work=limit)
    if multipliers is None:
        return None
    prices = _prices(site_model, multipliers, aim)
    data_set = prices.assign_coords(time=scenario.horizon.times)
    return data_set.assign_attrs(
        measure=METRICS[aim.first].unit_in(scenario.market.currency).split()[0],
        goal=scenario.goal.minimize,
        whole_numbers="fixed" if site_model.program.whole else "none",
    )


def _prices(site_model: SiteModel, multipliers: Multipliers, aim: Aim) -> xr.Dataset:
    data, site = site_model.data, site_model.model.site
    n = len(data.base)
    coarse = site_model.coarse
    limit = -multipliers.of_rows(site.import_limit) if len(site.import_limit) else np.zeros(coarse.n_meters)
    # a MWh of demand in a slot enters its balance and is shared by the metered intervals of its cells
    cells = np.repeat(limit, round(coarse.meter_min / coarse.cell_min))
    bound = cells.reshape(n, coarse.cells_per_slot).mean(axis=1)
    price = aim.weight(data) if data.plain else multipliers.of_rows(site.balance)
    electricity = (price if coarse.balance_meters else price + bound).tolist()
    meters = np.repeat(limit, round(coarse.meter_min / data.meter_min))
    balance = {ELECTRICITY: electricity}
    level: dict[str, list[float]] = {}
    rate, horizon = dict[str, list[float]](), dict[str, float]()
    if data.sun_mw and not data.plain and data.pv.any():
        rate |= dict.fromkeys(data.sun_mw, np.maximum(-multipliers.of_bounds(site.pv), 0.0).tolist())
    if site_model.ports.hub is not None:
        block = site.hub
        for name in block.CARRIER:
            carrier = block.carrier[name]
            rows = carrier.component("balance")
            balance[name] = [0.0] * n if rows is None else multipliers.of_rows(rows).tolist()
        for i, asset in enumerate(site_model.ports.hub.hub.assets):
            asset_block = block.asset[i]
            if site_model.ports.hub.ports[asset.name].level is not None:
                level[asset.name] = [
                    -multipliers.of(asset_block.first),
                    *(-multipliers.of_rows(asset_block.state)).tolist(),
                ]
            for name in ("amount", "load"):
                variable, most = asset_block.component(name), asset_block.component("most")
                if variable is not None:
                    # a reduced cost above 0 belongs to the lower bound
                    top = np.maximum(-multipliers.of_bounds(variable), 0.0)
                    if most is not None:
                        top = top - multipliers.of_rows(most)
                    rate[asset.name] = top.tolist()
            if asset_block.component("horizon_limit") is not None:
                horizon[asset.name] = -multipliers.of(asset_block.horizon_limit)

    def table(rows: dict[str, list[float]]) -> np.ndarray:
        return np.array(list(rows.values()), dtype=float).reshape(len(rows), n) + 0.0  # no −0

    return xr.Dataset(
        {
            "balance_price": (("carrier", "time"), table(balance)),
            "level_price": (("store", "time"), table(level)),
            "rate_limit_price": (("asset", "time"), table(rate)),
            "horizon_limit_price": ("limited", np.array(list(horizon.values()), dtype=float)),
            "import_limit_price": ("meter", meters),
        },
        coords={
            "carrier": list(balance),
            "store": np.array(list(level), dtype=str),
            "asset": np.array(list(rate), dtype=str),
            "limited": np.array(list(horizon), dtype=str),
        },
    )
