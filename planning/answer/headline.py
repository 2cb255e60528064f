"""Headline of a plan: saving against the baseline, share of days on which it holds, distance to the best plan.

One record, computed once from a plan, ensures that command line, page, report and JSON show the same figures.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from emberline.planning.accounts.figures import Figures
from emberline.planning.accounts.stock import goal_value, since_start
from emberline.planning.answer.record import (
    SAME,
    DemandCharge,
    Headline,
    Holding,
    PerTonne,
    Printed,
    Saving,
    SimpleRule,
)
from emberline.planning.plan.alternatives.record import ONE_SIGNAL
from emberline.planning.plan.record import Plan
from emberline.planning.plan.replays import QUANTILES, held_more, interval, saved
from emberline.planning.plan.stock_credit import credit_kg
from emberline.scenarios import Scenario
from emberline.scenarios.flows.asset_flows import load_mw
from emberline.scenarios.goal_metrics import IN_MINUTES, goal_metric, no_worse
from emberline.scenarios.records.replanning import Using


def headline(plan: Plan) -> Headline | None:
    """Return the headline of a plan; None if there is no plan or it cannot be carried out."""
    ours, scenario = plan.replay_figures, plan.scenario
    if ours is None or not plan.acceptable:
        return None
    holding, again, free = _holding(plan), _again(plan), plan.unlocked
    plan = compared(plan)
    baseline = plan.baseline_figures
    cost = _saving(plan, "cost", baseline.cost, ours.cost)
    return Headline(
        goal=scenario.goal.minimize if scenario.goal.minimize in IN_MINUTES else goal_metric(scenario).name,
        signal=scenario.goal.signal,
        extra_cost_share=scenario.goal.caps.extra_cost_share,
        currency=ours.currency,
        length_min=scenario.horizon.length_min,
        policy=Using.FOLLOW if again is None else Using.REPLAN,
        average=_carbon(plan, "average"),
        marginal=_carbon(plan, "marginal"),
        cost=cost,
        demand=_demand(plan),
        per_tonne=_per_tonne(plan),
        peak_mw=ours.peak_mw,
        baseline_peak_mw=baseline.peak_mw,
        holding=holding if again is None else again,
        printed=None if again is None or holding is None else _printed(plan, holding),
        rule=_rule(plan),
        choices=tuple(point for point in plan.choices if not point.worse),
        one_signal=_one_signal(plan),
        as_run=plan.as_run,
        margins=scenario.disturbances.has_margins,
        unlocked=free is not None,
        repair=plan.repair,
        status=plan.status,
        objective=plan.objective,
        bound=plan.bound,
        gap=plan.gap,
        bound_covers=plan.bound_covers,
        beyond_steps=_beyond_steps(plan),
    )


def _one_signal(plan: Plan) -> tuple[float, float] | None:
    free = next((point for point in plan.choices if point.name == ONE_SIGNAL), None)
    if free is None or free.figures.other_carbon_kg is None:
        return None
    drafts = [plan.saved(), {} if plan.holding is None else plan.holding.draft_saving]
    more = free.carbon_kg - max(each.get("carbon_kg", -math.inf) for each in drafts)
    emitted = free.figures.other_carbon_kg - (plan.baseline_figures.other_carbon_kg or 0.0)
    return (more, emitted) if more > SAME * abs(free.figures.carbon_kg) else None


def compared(plan: Plan) -> Plan:
    """Return a plan with its reference baseline, and with its disturbed days only if they have the same reference."""
    if plan.as_run is not None and plan.as_run.meter:  # the replays do not include metered data
        plan = replace(plan, replays=None, again=None)
    # the reference does not respect the locks, but the replays are of the locked baseline
    free = plan.unlocked
    return plan if free is None else replace(plan, baseline_figures=free.figures, replays=None, again=None)


def _beyond_steps(plan: Plan) -> float | None:
    bound = None if plan.holding is None or not plan.between_steps else plan.holding.draft_bound
    return None if bound is None or plan.objective is None else bound - plan.objective


def carbon_kg(sums: Figures, signal: str) -> float | None:
    """Scopes 1 and 2 by a signal of the grid [kg CO2e]; None: the market does not give it."""
    grid = sums.grid_average_kg if signal == "average" else sums.grid_marginal_kg
    return None if grid is None else sums.direct_kg + sums.bought_kg + grid


def _carbon(plan: Plan, signal: str) -> Saving | None:
    assert plan.replay_figures is not None
    before, after = carbon_kg(plan.baseline_figures, signal), carbon_kg(plan.replay_figures, signal)
    if before is None or after is None or not plan.comparable:
        return None
    goal = plan.scenario.goal.signal
    if signal == goal:
        return _saving(plan, "carbon_kg", before, after)
    saving, data = Saving(before, after, credit_kg(plan, signal)), _data(plan)
    out, into = f"grid_{goal}_kg", f"grid_{signal}_kg"
    # stores are valued by the goal's signal
    if data is None or "more_carbon_kg" in data or any(f"baseline_{name}" not in data for name in (out, into)):
        return saving
    plans, bases = (
        (data[f"{of}carbon_kg"] - data[f"{of}{out}"] + data[f"{of}{into}"]).to_numpy() for of in ("", "baseline_")
    )
    return _with(saving, bases - plans, bases)


def _saving(plan: Plan, name: str, before: float, after: float) -> Saving | None:
    if not plan.comparable:
        return None
    stock, quantiles = plan.stock, plan.expected().get(name, {})
    credit = 0.0 if stock is None else stock.credit(name)
    return Saving(before, after, credit, *(quantiles.get(part) for part in ("p10", "p50", "p90", "share")))


def _data(plan: Plan) -> xr.Dataset | None:
    """Disturbed replays, if any."""
    return None if plan.in_use is None or not plan.in_use.n else plan.in_use.data


def _with(saving: Saving, saved: np.ndarray, base: np.ndarray) -> Saving:
    """Return a saving with the quantiles of its disturbed replays."""
    low, middle, high = (float(np.quantile(saved, q)) for q in QUANTILES)
    share = middle / abs(float(np.median(base))) if np.median(base) else 0.0
    return replace(saving, p10=low, p50=middle, p90=high, median_share=share)


def _demand(plan: Plan) -> DemandCharge | None:
    tariff, before, after = plan.scenario.market.tariff, plan.baseline_figures, plan.replay_figures
    if tariff is None or after is None or not plan.comparable:
        return None
    share = month_share(plan.scenario)
    monthly = any(charge.assessed == "monthly" for charge in tariff.demand_charges)
    if not monthly or share >= 1 or not (before.demand_cost or after.demand_cost):
        return None
    saved, data = Saving(before.demand_cost, after.demand_cost), _data(plan)
    if data is not None and "baseline_demand_cost" in data:
        base = data["baseline_demand_cost"].to_numpy()
        saved = _with(saved, base - data["demand_cost"].to_numpy(), base)
    return DemandCharge(saved, share)


def month_share(scenario: Scenario) -> float:
    """Share of the billing months' hours that a horizon covers, at most 1."""
    horizon = scenario.horizon
    first, last = horizon.instant(0), horizon.instant(horizon.length_min)
    begin = first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = last.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if end < last:
        end = end.replace(year=end.year + end.month // 12, month=end.month % 12 + 1)
    return min(60 * horizon.length_min / (end.timestamp() - begin.timestamp()), 1.0)


def _per_tonne(plan: Plan) -> PerTonne | None:
    ours, baseline, stock = plan.replay_figures, plan.baseline_figures, plan.stock
    assert ours is not None
    if not ours.tonnes or not baseline.tonnes:
        return None
    kg, money, mwh = (0.0, 0.0, 0.0) if stock is None else (stock.carbon_kg, stock.cost, stock.mwh)
    # production for stock is not allocated to the product
    grown = since_start(plan.scenario, baseline, ours)
    assert plan.replay is not None
    energy, baseline_energy = ours.energy_mwh - mwh - grown.mwh, baseline.energy_mwh - grown.mwh
    load, baseline_load = (
        float(load_mw(plan.scenario, run).sum()) * plan.scenario.horizon.step_h for run in (plan.replay, plan.baseline)
    )
    return PerTonne(
        carbon_kg=(ours.carbon_kg - kg - grown.carbon_kg) / ours.tonnes,
        baseline_carbon_kg=(baseline.carbon_kg - grown.carbon_kg) / baseline.tonnes,
        kwh=1000 * energy / ours.tonnes,
        baseline_kwh=1000 * baseline_energy / baseline.tonnes,
        units_kwh=1000 * (energy - load) / ours.tonnes,
        baseline_units_kwh=1000 * (baseline_energy - baseline_load) / baseline.tonnes,
        cost=(ours.cost - money - grown.cost) / ours.tonnes,
        baseline_cost=(baseline.cost - grown.cost) / baseline.tonnes,
    )


def _rule(plan: Plan) -> SimpleRule | None:
    best = next((rule for rule in plan.rules if rule.hours or rule.peak_mw is not None), None)
    if best is None or plan.replay_figures is None or not plan.comparable:
        return None
    baseline = plan.baseline_figures
    value = partial(goal_value, plan.scenario, baseline)
    by_rule, ours = value(best.figures), value(plan.replay_figures)
    share = plan.scenario.goal.caps.extra_cost_share if plan.scenario.goal.minimize == "carbon" else None
    most = math.inf if share is None else baseline.cost + share * abs(baseline.cost)
    more_kg = (best.figures.other_carbon_kg or 0.0) - (baseline.other_carbon_kg or 0.0)
    names = ("name", "units", "hours", "peak_mw", "days", "ties")
    rule: dict[str, Any] = {name: getattr(best, name) for name in names}
    return SimpleRule(
        **rule,
        saved=value(baseline) - by_rule,
        beyond=by_rule - ours,
        beyond_share=(by_rule - ours) / abs(by_rule) if by_rule else 0.0,
        share=best.successes / best.days if best.days else None,
        expected=best.expected.get("p50"),
        plan_expected=best.expected.get("plan_p50"),
        over_cap=max(best.figures.cost - most, 0.0),
        over_other_kg=max(more_kg, 0.0) if no_worse(plan.scenario) else 0.0,
    )


def _again(plan: Plan) -> Holding | None:
    """Result of replanning on disturbed days; None if the plan is not replanned."""
    again = plan.again
    if again is None or not again.n:
        return None
    data = again.data
    baseline = float((data["baseline_violations"] == 0).mean()) if "baseline_violations" in data else None
    low, high = interval(again.successes, again.n)
    level = None if plan.holding is None else plan.holding.level
    missed = level if level is not None and high < level else None  # on fewer days than in the judgement
    return Holding(again.n, again.successes / again.n, baseline, low, high, held_more(data), missed)


def _printed(plan: Plan, holding: Holding) -> Printed:
    """Result of following the printed plan without changes on disturbed days."""
    ours, replays, metric = plan.replay_figures, plan.replays, goal_metric(plan.scenario)
    name, n = metric.figure, 0 if plan.again is None else plan.again.n
    same = None if replays is None or n >= replays.n else float((replays.data["violations"][:n] == 0).mean())
    if ours is None or replays is None or f"baseline_{name}" not in replays.data or not plan.comparable:
        return Printed(holding, None, same)
    before = metric.of(plan.baseline_figures)
    net = Saving(before, metric.of(ours), 0.0 if plan.stock is None else plan.stock.credit(name))
    saving = _with(net, saved(replays.data, name), replays.data[f"baseline_{name}"].to_numpy())
    return Printed(holding, saving, same)


def _holding(plan: Plan) -> Holding | None:
    record = plan.holding
    # an actual day had its own disturbances; its starts have no meaning on other days
    ran = plan.as_run is not None
    replays = plan.replays
    difference = None if ran or replays is None else held_more(replays.data)
    if record is not None:  # a robust plan was judged on many more days
        baseline = None if ran else record.baseline_share
        low, high = record.interval
        return Holding(record.days, record.share, baseline, low, high, difference, record.level)
    if replays is None or not replays.n or plan.late:
        return None
    share, data = replays.successes / replays.n, replays.data
    name = "baseline_violations"
    baseline = float((data[name] == 0).mean()) if name in data and not ran else None
    return Holding(replays.n, share, baseline, difference=difference)
