"""Records of a headline: the savings of a plan, how often it holds, and the result of a simple rule."""

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
"""Basis of a figure: disturbed days with the given use of the plan, or the undisturbed day."""


@dataclass(frozen=True)
class Saving(Plain):
    """Saving of one figure: raw, with stock credit, and expected."""

    also = ("raw", "net", "expected", "share")
    baseline: float
    plan: float
    """Value of the undisturbed replay, like ``baseline``."""
    stock: float = 0.0
    """Credit for final stock beyond the baseline's."""
    p10: float | None = None
    """P10 of the net saving in the disturbed replays; None: there are none."""
    p50: float | None = None
    p90: float | None = None
    median_share: float | None = None
    """``p50`` as a share of the baseline's median."""

    @property
    def raw(self) -> float:
        """Baseline minus plan."""
        return self.baseline - self.plan

    @property
    def net(self) -> float:
        """Raw saving plus stock credit."""
        return self.raw + self.stock

    @property
    def expected(self) -> float:
        """Median of the disturbed replays, or the net saving if there are none."""
        return self.net if self.p50 is None else self.p50

    @property
    def same(self) -> bool:
        """Whether the difference from the baseline is negligible."""
        return abs(self.expected) <= SAME * max(abs(self.baseline), 1.0)

    @property
    def worse(self) -> bool:
        """Whether emissions or cost exceed the baseline's."""
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
    """Part of the cost saving from a monthly demand charge, for a plan that covers only part of the month."""

    also = ("of_days",)
    saved: Saving
    month_share: float
    """Share of the month that the plan covers."""

    @property
    def of_days(self) -> float:
        """Part of the saved charge that is allocated to the days of the plan."""
        return self.saved.expected * self.month_share


@dataclass(frozen=True)
class PerTonne:
    """Figures of the whole site per tonne of product, including base load, excluding production for stock."""

    carbon_kg: float
    baseline_carbon_kg: float
    kwh: float
    baseline_kwh: float
    units_kwh: float
    """Electricity of the units of line and processes only."""
    baseline_units_kwh: float
    cost: float
    baseline_cost: float

    @property
    def has_load(self) -> bool:
        """Whether other loads or sources contribute to the electricity."""
        return abs(self.kwh - self.units_kwh) > HIGHER * self.kwh


@dataclass(frozen=True)
class Holding:
    """Share of disturbed replays in which plan and baseline keep all limits."""

    n: int
    share: float
    baseline_share: float | None
    low: float | None = None
    """Interval of ``share``, if enough days were replayed to state one."""
    high: float | None = None
    difference: tuple[float, float, float] | None = None
    """``share`` minus ``baseline_share``, with its 95 % interval from paired days; None: there are no pairs."""
    level: float | None = None
    """Required share; None: the plan was not made robust."""

    @property
    def worse(self) -> bool:
        """Whether the plan holds significantly less often than the baseline."""
        return self.difference is not None and self.difference[2] < 0


@dataclass(frozen=True)
class Printed:
    """Result of following a printed plan without changes on disturbed days."""

    holding: Holding
    saving: Saving | None
    """Saving of the goal's figure; None without a comparable baseline."""
    same: float | None = None
    """Share of days without violations among those on which the plan is replanned, if these are fewer."""


@dataclass(frozen=True)
class SimpleRule:
    """Best simple rule, and the plan's additional saving; undisturbed, with stock credit."""

    name: str
    units: tuple[str, ...]
    hours: float
    peak_mw: float | None
    saved: float
    """Saving of the rule against the baseline, of the goal's figure [kg CO2e, or the currency]."""
    beyond: float
    """Saving of the plan against the rule."""
    beyond_share: float
    """``beyond`` as a share of the rule's figure."""
    days: int = 0
    """Number of disturbed days on which the rule was also followed, a subset of the plan's; 0: none."""
    share: float | None = None
    """Share of these days on which it held."""
    expected: float | None = None
    """Median saving of the rule on these days."""
    plan_expected: float | None = None
    """Median saving of the plan on these days."""
    ties: str = ""
    """Choice among hours of equal value for resting: ``first`` or ``last``; empty without ties."""
    over_cap: float = 0.0
    """Cost above the cap on extra cost; 0: the rule keeps it."""
    over_other_kg: float = 0.0
    """Emissions above the baseline by the signal outside the goal, if plans must not exceed them; 0: the rule does not
    exceed them [kg CO2e]."""

    @property
    def expected_beyond(self) -> float | None:
        """Expected saving of the plan against the rule on these days; None: there are none."""
        if self.expected is None or self.plan_expected is None or self.share is None:
            return None
        return self.plan_expected - self.expected


@dataclass(frozen=True)
class Headline(Plain):
    """Main figures of a plan. Savings are None if the baseline does not have the same output and service."""

    also = ("per_tonne_avoided", "to_best", "worse")
    goal: str
    """Value of ``goal.minimize``."""
    signal: Signal
    extra_cost_share: float | None
    """Cap on extra cost over the baseline, as a share; None: there is none."""
    currency: str
    length_min: float
    """Length of the horizon."""
    policy: Using
    """Policy of the plan on the disturbed days of its figures."""
    average: Saving | None
    """Saving of carbon [kg CO2e] by the grid's average intensity."""
    marginal: Saving | None
    """Saving by its marginal intensity; also None if the market gives none."""
    cost: Saving | None
    """Saving of the total bill, like all other cost figures."""
    demand: DemandCharge | None
    """None if no charge is assessed over a longer period than the plan."""
    per_tonne: PerTonne | None
    """None without production."""
    peak_mw: float
    baseline_peak_mw: float
    holding: Holding | None
    """Result for the intended use: replanned, or as printed; None without disturbances."""
    printed: Printed | None
    """Result if printed and followed without changes; None if this is :attr:`holding`."""
    rule: SimpleRule | None
    """None if no rule was tried, or none has the same output."""
    choices: tuple[Choice, ...]
    """Known points of the quick front; one of them is the plan."""
    one_signal: tuple[float, float] | None
    """Effect of the cap on the other signal [kg CO2e]: additional saving of a draft that considers only the goal's
    signal, and its excess over the baseline by the other signal. None: there is no cap, or no such draft is better."""
    as_run: AsRun | None
    """Actual day, if the savings refer to it."""
    margins: bool
    """Whether the plan keeps margins against disturbances, which rules do not."""
    unlocked: bool
    """Whether the plan has locks; the savings then refer to the undisturbed baseline without them."""
    repair: tuple[str, ...]
    """Changes that were needed for a feasible plan."""
    status: str
    objective: float | None
    bound: float | None
    gap: float | None
    bound_covers: BoundCovers
    """Plans to which the proven bound applies."""
    beyond_steps: float | None
    """For a plan that starts heats between steps: proven advantage over every plan on steps, in the goal's unit; if
    negative, the largest possible advantage of the latter. None: the plan is on steps, or no bound is known."""

    @property
    def of_money(self) -> bool:
        """Whether the goal is an amount of money."""
        return self.goal in METRICS and METRICS[self.goal].money

    def basis(self, saving: Saving) -> str:
        """Key of ``BASES`` for the expected saving."""
        return UNDISTURBED if saving.p50 is None else self.policy

    @property
    def carbon(self) -> Saving | None:
        """Saving of carbon by the goal's signal."""
        return self.marginal if self.signal == "marginal" else self.average

    @property
    def per_tonne_avoided(self) -> float | None:
        """Cost per tonne of CO2e avoided [currency/t]; negative: each tonne avoided also saves money.

        None if no carbon is avoided.
        """
        if self.carbon is None or self.cost is None or self.carbon.expected <= 0 or self.carbon.same:
            return None
        return -self.cost.expected / (self.carbon.expected / 1000)

    @property
    def to_best(self) -> float | None:
        """Largest possible advantage of the best plan, in the goal's unit; None: no bound is known."""
        if self.gap is None or self.objective is None or self.bound is None:
            return None
        return max(self.objective - self.bound, 0.0)

    @property
    def rule_is_outside(self) -> bool:
        """Whether a simple rule is better than the bound, and therefore violates the limits of plans."""
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
"""Relative rise of the peak above which it counts as worse."""
SAME = 5e-5
"""Share below which a difference counts as zero."""
