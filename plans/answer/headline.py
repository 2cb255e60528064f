"""The headline of a plan: what is saved against the baseline, how often it holds, how far the best possible may be.

One record, computed once from a plan, so that command line, page, report and JSON show the same figures.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from emberline.plans.accounts.figures import Figures
from emberline.plans.accounts.stock import difference
from emberline.plans.plan.alternatives.choice import Choice
from emberline.plans.plan.alternatives.day import AsRun
from emberline.plans.plan.record import Plan
from emberline.plans.plan.replays import QUANTILES
from emberline.plans.plan.stock_credit import credit_kg
from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import IN_MINUTES, goal_metric


@dataclass(frozen=True)
class Saving:
    """What a plan saves of one figure: raw, then with the stock that it ends with, then what is to be expected."""

    baseline: float
    plan: float
    """Of the undisturbed replay, as ``baseline``."""
    stock: float = 0.0
    """Credit for what the plan ends with in stock more than the baseline."""
    p10: float | None = None
    """Of the net saving in the disturbed replays; None: there are none."""
    p50: float | None = None
    p90: float | None = None
    median_share: float | None = None
    """``p50`` as a share of the baseline's median."""

    @property
    def raw(self) -> float:
        """Baseline less plan."""
        return self.baseline - self.plan

    @property
    def net(self) -> float:
        """Raw saving and stock."""
        return self.raw + self.stock

    @property
    def expected(self) -> float:
        """Median of the disturbed replays; the net saving where there are none."""
        return self.net if self.p50 is None else self.p50

    @property
    def share(self) -> float:
        """Expected saving as a share of the baseline's figure."""
        if self.median_share is not None:
            return self.median_share
        return self.net / abs(self.baseline) if self.baseline else 0.0

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        more = {name: getattr(self, name) for name in ("raw", "net", "expected", "share")}
        return asdict(self) | more


@dataclass(frozen=True)
class DemandCharge:
    """Part of the cost saved that is a charge on the peak of a month, of which the plan covers only some days."""

    saved: Saving
    rest: Saving
    """Of the cost without it."""
    month_share: float
    """Share of the month that the plan covers."""

    @property
    def of_days(self) -> float:
        """What of the charge saved falls on the days of the plan."""
        return self.saved.expected * self.month_share

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        parts = {"saved": self.saved.summary(), "rest": self.rest.summary()}
        return parts | {"month_share": self.month_share, "of_days": self.of_days}


@dataclass(frozen=True)
class PerTonne:
    """What a tonne of product takes, stock credited to the plan."""

    carbon_kg: float
    baseline_carbon_kg: float
    kwh: float
    baseline_kwh: float
    cost: float
    baseline_cost: float


@dataclass(frozen=True)
class Holding:
    """How often plan and baseline keep all limits in disturbed replays."""

    n: int
    share: float
    baseline_share: float | None
    low: float | None = None
    """The interval of ``share``, where enough days were replayed to state one."""
    high: float | None = None


@dataclass(frozen=True)
class SimpleRule:
    """The best simple rule, and what the plan saves beyond it; undisturbed, stock credited."""

    name: str
    units: tuple[str, ...]
    hours: float
    peak_mw: float | None
    saved: float
    """By the rule against the baseline, of the goal's figure [kg CO2e, or the currency]."""
    beyond: float
    """By the plan against the rule."""
    beyond_share: float
    """Of the rule's figure."""
    days: int = 0
    """Disturbed days on which it was followed as well, those of the plan; 0: none."""
    share: float | None = None
    """Of these days on which it held."""
    expected: float | None = None
    """Median of what it saves on them."""
    plan_expected: float | None = None
    """Median of what the plan saves on them."""


@dataclass(frozen=True)
class Headline:
    """The first figures of a plan. Savings are None where the baseline does not make or serve the same."""

    goal: str
    """Value of ``goal.minimize``."""
    signal: str
    currency: str
    average: Saving | None
    """Of carbon [kg CO2e] by the grid's average intensity."""
    marginal: Saving | None
    """By its marginal intensity; None also where the market gives none."""
    cost: Saving | None
    demand: DemandCharge | None
    """None where no charge counts for longer than the plan."""
    per_tonne: PerTonne | None
    """None where nothing is made."""
    peak_mw: float
    baseline_peak_mw: float
    holding: Holding | None
    """None where nothing is disturbed."""
    rule: SimpleRule | None
    """None where no rule was tried, or none makes the same."""
    choices: tuple[Choice, ...]
    """The quick front: least carbon, no regret, least cost, as far as they are known; one of them is the plan."""
    as_run: AsRun | None
    """The day as run, where that is what the savings stand against."""
    unlocked: bool
    """Whether the plan has locks; the savings then stand against the baseline without them, undisturbed."""
    status: str
    objective: float | None
    bound: float | None
    gap: float | None

    @property
    def carbon(self) -> Saving | None:
        """Saving of carbon by the goal's signal."""
        return self.marginal if self.signal == "marginal" else self.average

    @property
    def day_cost(self) -> Saving | None:
        """Saving of cost on the days of the plan: without the demand charge of a longer month."""
        return self.cost if self.demand is None else self.demand.rest

    @property
    def per_tonne_avoided(self) -> float | None:
        """Cost of a tonne of CO2e avoided [currency/t]; negative: each tonne avoided also saves money.

        None where no carbon is avoided.
        """
        if self.carbon is None or self.day_cost is None or self.carbon.expected <= 0 or is_same(self.carbon):
            return None
        return -self.day_cost.expected / (self.carbon.expected / 1000)

    @property
    def to_best(self) -> float | None:
        """By how much the best of all plans may be better at most, in the goal's unit; None: no bound is known."""
        if self.gap is None or self.objective is None or self.bound is None:
            return None
        return max(self.objective - self.bound, 0.0)

    @property
    def worse(self) -> tuple[str, ...]:
        """Dimensions in which the plan is worse than the baseline: ``average``, ``marginal``, ``cost``, ``peak``,
        ``holding``."""
        savings = {"average": self.average, "marginal": self.marginal, "cost": self.day_cost}
        names = [name for name, saving in savings.items() if saving is not None and is_worse(saving)]
        if self.peak_mw > self.baseline_peak_mw * (1 + HIGHER) + SAME:
            names.append("peak")
        holding = self.holding
        if holding is not None and holding.baseline_share is not None and holding.share < holding.baseline_share:
            names.append("holding")
        return tuple(names)

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        savings = {name: getattr(self, name) for name in ("average", "marginal", "cost")}
        return asdict(self) | {
            **{name: None if saving is None else saving.summary() for name, saving in savings.items()},
            "demand": None if self.demand is None else self.demand.summary(),
            "choices": [choice.summary() for choice in self.choices],
            "per_tonne_avoided": self.per_tonne_avoided,
            "to_best": self.to_best,
            "worse": list(self.worse),
        }


HIGHER = 0.005
"""Rise of the peak, as a share, from which on it counts as worse."""
SAME = 5e-5
"""Share below which a difference is none."""


def is_same(saving: Saving) -> bool:
    """Whether a figure is that of the baseline, as far as a person would say."""
    return abs(saving.expected) <= SAME * max(abs(saving.baseline), 1.0)


def is_worse(saving: Saving) -> bool:
    """Whether more is emitted or paid than by the baseline."""
    return saving.expected < 0 and not is_same(saving)


def headline(plan: Plan) -> Headline | None:
    """The headline of a plan; None where there is none."""
    ours, scenario = plan.replay_figures, plan.scenario
    if ours is None:
        return None
    holding = _holding(plan)
    if plan.as_run is not None and plan.as_run.meter:  # the replays know nothing of what was metered
        plan = replace(plan, replays=None)
    free = next((rule for rule in plan.rules if rule.name == "unlocked"), None)
    if free is not None:  # a lock does not move what is compared with; the replays are of the locked baseline
        plan = replace(plan, baseline_figures=free.figures, replays=None)
    baseline = plan.baseline_figures
    cost = _saving(plan, "cost", baseline.cost, ours.cost)
    return Headline(
        goal=scenario.goal.minimize if scenario.goal.minimize in IN_MINUTES else goal_metric(scenario).name,
        signal=scenario.goal.signal,
        currency=ours.currency,
        average=_carbon(plan, "average"),
        marginal=_carbon(plan, "marginal"),
        cost=cost,
        demand=_demand(plan),
        per_tonne=_per_tonne(plan),
        peak_mw=ours.peak_mw,
        baseline_peak_mw=baseline.peak_mw,
        holding=holding,
        rule=_rule(plan),
        choices=plan.choices,
        as_run=plan.as_run,
        unlocked=free is not None,
        status=plan.status,
        objective=plan.objective,
        bound=plan.bound,
        gap=plan.gap,
    )


def carbon_kg(sums: Figures, signal: str) -> float | None:
    """Scope 1 and 2 by a signal of the grid; None: the market does not give it."""
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
    saved, base = _replayed(plan, "carbon_kg", swap=(f"grid_{goal}_kg", f"grid_{signal}_kg"))
    return _with(Saving(before, after, credit_kg(plan, signal)), saved, base)


def _saving(plan: Plan, name: str, before: float, after: float) -> Saving | None:
    if not plan.comparable:
        return None
    stock, quantiles = plan.stock, plan.expected().get(name, {})
    return Saving(
        before, after, 0.0 if stock is None else stock.credit(name), quantiles.get("p10"), quantiles.get("p50"),
        quantiles.get("p90"), quantiles.get("share"),
    )  # fmt: skip


def _replayed(plan: Plan, name: str, swap: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """A figure with one part in place of another in the disturbed replays: net saving and the baseline's figure.

    Empty where the replays do not have it, or where stores are valued by the figure as it is.

    Args:
        plan: with replays or none.
        name: of the figure.
        swap: its part, and what stands in its place; empty: nothing.
    """
    nothing = np.array([]), np.array([])
    data = None if plan.replays is None or not plan.replays.n else plan.replays.data
    out, into = swap
    if data is None or f"baseline_{out}" not in data or (into and f"baseline_{into}" not in data):
        return nothing
    if into and f"more_{name}" in data:
        return nothing
    each = []
    for prefix in ("", "baseline_"):
        values = data[f"{prefix}{name}"] - data[f"{prefix}{out}"]
        each.append((values + data[f"{prefix}{into}"] if into else values).to_numpy())
    more = data[f"more_{name}"].to_numpy() if f"more_{name}" in data else 0.0
    return each[1] - each[0] + more, each[1]


def _with(saving: Saving, saved: np.ndarray, base: np.ndarray) -> Saving:
    """A saving with the quantiles of its disturbed replays, if any."""
    if not len(saved):
        return saving
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
    stock = 0.0 if plan.stock is None else plan.stock.cost
    rest = Saving(before.cost - before.demand_cost, after.cost - after.demand_cost, stock)
    rest = _with(rest, *_replayed(plan, "cost", swap=("demand_cost", "")))
    saved = Saving(before.demand_cost, after.demand_cost)
    if plan.replays is not None and plan.replays.n and "baseline_demand_cost" in plan.replays.data:
        base = plan.replays.data["baseline_demand_cost"].to_numpy()
        saved = _with(saved, base - plan.replays.data["demand_cost"].to_numpy(), base)
    return DemandCharge(saved, rest, share)


def month_share(scenario: Scenario) -> float:
    """Share of the billing months that a horizon covers, by their hours; 1 at most."""
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
    return PerTonne(
        carbon_kg=(ours.carbon_kg - kg) / ours.tonnes,
        baseline_carbon_kg=baseline.carbon_kg / baseline.tonnes,
        kwh=1000 * (ours.energy_mwh - mwh) / ours.tonnes,
        baseline_kwh=1000 * baseline.energy_mwh / baseline.tonnes,
        cost=(ours.cost - money) / ours.tonnes,
        baseline_cost=baseline.cost / baseline.tonnes,
    )


def _rule(plan: Plan) -> SimpleRule | None:
    best = next((rule for rule in plan.rules if rule.hours or rule.peak_mw is not None), None)
    if best is None or plan.replay_figures is None or not plan.comparable:
        return None
    metric, baseline = goal_metric(plan.scenario), plan.baseline_figures

    def value(sums: Figures) -> float:
        """The goal's figure with what is in stock more than in the baseline credited."""
        return metric.of(sums) - difference(baseline, sums).credit(metric.figure)

    by_rule, ours = value(best.figures), value(plan.replay_figures)
    return SimpleRule(
        best.name, best.units, best.hours, best.peak_mw, value(baseline) - by_rule, by_rule - ours,
        (by_rule - ours) / abs(by_rule) if by_rule else 0.0, best.days,
        best.successes / best.days if best.days else None, best.expected.get("p50"), best.expected.get("plan_p50"),
    )  # fmt: skip


def _holding(plan: Plan) -> Holding | None:
    record: Any = plan.holding
    # a day that was run had its own disturbances: on others its starts mean nothing
    ran = plan.as_run is not None
    if hasattr(record, "interval"):  # of a plan that was made to hold: many more days
        return Holding(record.days, record.share, None if ran else record.baseline_share, *record.interval)
    replays = plan.replays
    if replays is None or not replays.n or plan.late:
        return None
    share, data = replays.successes / replays.n, replays.data
    name = "baseline_violations"
    return Holding(replays.n, share, float((data[name] == 0).mean()) if name in data and not ran else None)
