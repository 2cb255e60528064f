"""The records of a headline: what a plan saves, how often it holds, what a simple rule reaches."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from emberline.planning.plan.alternatives.record import AsRun, Choice
from emberline.scenarios.goal_metrics import BoundCovers
from emberline.scenarios.messages import mark
from emberline.scenarios.metrics import METRICS
from emberline.scenarios.plain import Plain
from emberline.scenarios.records.goal import Signal
from emberline.scenarios.records.replanning import Using

UNDISTURBED = "undisturbed"
BASES = {
    Using.REPLAN: mark("planned again"),
    Using.FOLLOW: mark("as printed"),
    UNDISTURBED: mark("undisturbed"),
}
"""Basis of a figure: disturbed days on which the plan is used so, or the day without disturbances."""


@dataclass(frozen=True)
class Saving(Plain):
    """Saving of one figure: raw, then with the stock at the end, then as expected."""

    also = ("raw", "net", "expected", "share")
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
    def same(self) -> bool:
        """Whether the figure is that of the baseline, as far as a person would say."""
        return abs(self.expected) <= SAME * max(abs(self.baseline), 1.0)

    @property
    def worse(self) -> bool:
        """Whether more is emitted or paid than by the baseline."""
        return self.expected < 0 and not self.same

    @property
    def way(self) -> str:
        """``less``, ``more`` or ``same``, compared with the baseline."""
        return "same" if self.same else "more" if self.worse else "less"

    @property
    def share(self) -> float:
        """Expected saving as a share of the baseline's figure."""
        if self.median_share is not None:
            return self.median_share
        return self.net / abs(self.baseline) if self.baseline else 0.0


@dataclass(frozen=True)
class DemandCharge(Plain):
    """Part of the cost saved that is a charge on the peak of a month, of which the plan covers only some days."""

    also = ("of_days",)
    saved: Saving
    month_share: float
    """Share of the month that the plan covers."""

    @property
    def of_days(self) -> float:
        """Part of the charge saved that falls on the days of the plan."""
        return self.saved.expected * self.month_share


@dataclass(frozen=True)
class PerTonne:
    """Figures per tonne of product of the whole site, base load included, without what is made for stock."""

    carbon_kg: float
    baseline_carbon_kg: float
    kwh: float
    baseline_kwh: float
    units_kwh: float
    """Of the units of line and processes alone."""
    baseline_units_kwh: float
    cost: float
    baseline_cost: float

    @property
    def has_load(self) -> bool:
        """Whether other loads than the units draw electricity of it, or sources give some."""
        return abs(self.kwh - self.units_kwh) > HIGHER * self.kwh


@dataclass(frozen=True)
class Holding:
    """Share of disturbed replays in which plan and baseline keep all limits."""

    n: int
    share: float
    baseline_share: float | None
    low: float | None = None
    """The interval of ``share``, where enough days were replayed to state one."""
    high: float | None = None
    difference: tuple[float, float, float] | None = None
    """``share`` less ``baseline_share``, with its 95 % interval by the pairs of days; None: there are no pairs."""
    level: float | None = None
    """Share on which it was to hold; None: it was not made to."""

    @property
    def worse(self) -> bool:
        """Whether the plan holds less often than the baseline, and not by chance."""
        return self.difference is not None and self.difference[2] < 0


@dataclass(frozen=True)
class Printed:
    """Outcome of a plan that is printed and left alone on disturbed days."""

    holding: Holding
    saving: Saving | None
    """Of the goal's figure; None where nothing is compared."""
    same: float | None = None
    """Share of the days on which the plan is planned again on which it holds as printed, where those are more."""


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
    ties: str = ""
    """Rest in tied hours where other hours count as much as some of its hours of rest: ``first`` or ``last``."""
    over_cap: float = 0.0
    """By how much the rule costs more than the cap on extra cost allows; 0: it keeps it."""
    over_other_kg: float = 0.0
    """By how much it emits more than the baseline by the signal that the goal leaves out, where a plan must be no worse
    by it; 0: it does not [kg CO2e]."""

    @property
    def expected_beyond(self) -> float | None:
        """By the plan beyond the rule on them; None: there are none."""
        if self.expected is None or self.plan_expected is None or self.share is None:
            return None
        return self.plan_expected - self.expected


@dataclass(frozen=True)
class Headline(Plain):
    """The first figures of a plan. Savings are None where the baseline does not make or serve the same."""

    also = ("per_tonne_avoided", "to_best", "worse")
    goal: str
    """Value of ``goal.minimize``."""
    signal: Signal
    extra_cost_share: float | None
    """The goal's cap on what a plan may cost more than the baseline; None: there is none."""
    currency: str
    length_min: float
    """Of the horizon."""
    policy: Using
    """Policy of the plan on the disturbed days of its figures."""
    average: Saving | None
    """Of carbon [kg CO2e] by the grid's average intensity."""
    marginal: Saving | None
    """By its marginal intensity; None also where the market gives none."""
    cost: Saving | None
    """Of the whole bill, as every other figure of cost."""
    demand: DemandCharge | None
    """None where no charge counts for longer than the plan."""
    per_tonne: PerTonne | None
    """None where nothing is made."""
    peak_mw: float
    baseline_peak_mw: float
    holding: Holding | None
    """As it will be used: planned again, or as printed; None where nothing is disturbed."""
    printed: Printed | None
    """The same printed and left alone; None where :attr:`holding` is that."""
    rule: SimpleRule | None
    """None where no rule was tried, or none makes the same."""
    choices: tuple[Choice, ...]
    """The quick front as far as it is known; one of its points is the plan."""
    one_signal: tuple[float, float] | None
    """Saved more by a draft that counts the goal's signal alone, and emitted more by the other than by the baseline [kg
    CO2e]: what the cap on the other signal costs. None: no cap, or no such draft is better."""
    as_run: AsRun | None
    """The day as run, where that is what the savings stand against."""
    margins: bool
    """Whether the plan keeps margins against disturbances, as rules do not."""
    unlocked: bool
    """Whether the plan has locks; the savings then stand against the baseline without them, undisturbed."""
    repair: tuple[str, ...]
    """Changes that made a plan possible."""
    status: str
    objective: float | None
    bound: float | None
    gap: float | None
    bound_covers: BoundCovers
    """The plans that the bound is proven for."""
    beyond_steps: float | None
    """Of a plan that starts heats between steps: by how much it is better than every plan on steps, in the goal's unit;
    below zero: by how much the best of those may be better at most. None: it is on steps, or no bound is known."""

    @property
    def of_money(self) -> bool:
        """Whether the goal is a sum of money."""
        return self.goal in METRICS and METRICS[self.goal].money

    def basis(self, saving: Saving) -> str:
        """Of ``BASES``, that of the saving to be expected."""
        return UNDISTURBED if saving.p50 is None else self.policy

    @property
    def carbon(self) -> Saving | None:
        """Saving of carbon by the goal's signal."""
        return self.marginal if self.signal == "marginal" else self.average

    @property
    def per_tonne_avoided(self) -> float | None:
        """Cost of a tonne of CO2e avoided [currency/t]; negative: each tonne avoided also saves money.

        None where no carbon is avoided.
        """
        if self.carbon is None or self.cost is None or self.carbon.expected <= 0 or self.carbon.same:
            return None
        return -self.cost.expected / (self.carbon.expected / 1000)

    @property
    def to_best(self) -> float | None:
        """By how much the best of all plans may be better at most, in the goal's unit; None: no bound is known."""
        if self.gap is None or self.objective is None or self.bound is None:
            return None
        return max(self.objective - self.bound, 0.0)

    @property
    def rule_is_outside(self) -> bool:
        """Whether a simple rule is better than the bound allows, so that it is no plan within the same limits."""
        rule, distance = self.rule, self.to_best
        if rule is None or distance is None or self.objective is None:
            return False
        return rule.beyond < -distance - SAME * abs(self.objective)

    @property
    def worse(self) -> tuple[str, ...]:
        """Dimensions in which the plan is worse than the baseline: ``average``, ``marginal``, ``cost``, ``peak``,
        ``holding``."""
        savings = {"average": self.average, "marginal": self.marginal, "cost": self.cost}
        names = [name for name, saving in savings.items() if saving is not None and saving.worse]
        if self.peak_mw > self.baseline_peak_mw * (1 + HIGHER) + SAME:
            names.append("peak")
        if self.holding is not None and self.holding.worse:
            names.append("holding")
        return tuple(names)

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return super().summary() | {"printed": None if self.printed is None else asdict(self.printed)}


HIGHER = 0.005
"""Rise of the peak, as a share, from which on it counts as worse."""
SAME = 5e-5
"""Share below which a difference is none."""
