"""The aim: what is minimized, what breaks ties, and which caps hold, in the model's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from emberline.models.problem.constants import baseline_totals, direct_kg, grade_caps
from emberline.models.problem.flows import Flows
from emberline.models.problem.line import GradeCap
from emberline.models.problem.site import SiteData, dearest
from emberline.scenarios import Case, Scenario
from emberline.scenarios.goal_metrics import goal_metric, no_worse
from emberline.scenarios.metrics import FULL_COST, METRICS, OTHER_CARBON

SECOND = 1e-3
"""Weight of the second goal: all of it counts as little as this share of the first."""
WITHIN = 0.1
"""Nor does it count for more than this share of the gap that is asked for."""
EARLY = 1e-6
"""Weight of early starts, by slot and as a share of the first goal."""
FUEL = 4.0
"""Units of fuel that a unit of electricity is thought to take at most, where keeping a limit is priced."""
BREACH = 30.0
"""Price of breaking a limit or a cap, as a multiple of the largest weight: more than keeping it could cost."""


@dataclass(frozen=True)
class Aim:
    """First goal, second goal and caps. Values leave out what no plan can change.

    Goals are lexicographic up to ``SECOND``: the weight of the second goal is so small that trading all of it would
    move the first by a tenth of a percent, and by a tenth of the gap that is asked for at most.
    """

    first: str
    """A metric."""
    second: str
    second_weight: float
    constant: float
    """Part of the first goal that base load beyond PV causes: left out of objective, bound and gap."""
    tops: dict[str, float]
    """Caps by metric, of what the site adds to it."""
    grades: tuple[GradeCap, ...] = ()
    """Caps on what grades carry."""

    def expression(self, ports: Any) -> Any:
        """Both goals as one, for a model; from the site's ports."""
        return ports.worth(self.first) + self.second_weight * ports.worth(self.second)

    def pure(self, ports: Any) -> Any:
        """The first goal alone: what a bound is proven on; from the site's ports."""
        return ports.worth(self.first)

    def value(self, flows: Flows) -> float:
        """The first goal of a plan, the constant left out."""
        return flows.totals[self.first] - self.constant

    def rank(self, flows: Flows) -> float:
        """Both goals as one, for comparing plans."""
        return flows.totals[self.first] + self.second_weight * flows.totals[self.second]

    def over_price(self, data: SiteData) -> float:
        """Price of a MWh above the import limit while a plan is searched: more than moving it could bring."""
        weight = float(np.abs(self.both_weights(data)).max())
        if data.hub is not None:
            # the grid may be clean and cheap: assets that keep the limit must still be worth their fuel
            weight = max(weight, FUEL * dearest(data.hub, self.first))
        return BREACH * weight + 1e-6

    def draft_rank(self, data: SiteData, flows: Flows) -> float:
        """Both goals as one with what broken limits and caps count: ranks plans that may not be acceptable yet."""
        broken = self.over_price(data) * flows.over_mwh
        broken += sum(price * max(flows.totals[name] - cap, 0.0) for name, cap, price in self.caps(data))
        return self.rank(flows) + broken

    def caps(self, data: SiteData) -> list[tuple[str, float, float]]:
        """Caps: metric, cap, and what a unit above it counts while a plan is searched."""
        top = BREACH * float(np.abs(self.both_weights(data)).max())
        table = data.guide_per_mwh
        return [(name, cap, top / max(float(np.abs(table[name]).mean()), 1e-9)) for name, cap in self.tops.items()]

    def grade_prices(self, data: SiteData) -> list[tuple[GradeCap, float]]:
        """Caps on grades, and what a kilogram above one counts while a plan is searched."""
        top = BREACH * float(np.abs(self.both_weights(data)).max())
        return [(cap, top / max(float(np.abs(data.average).mean()), 1e-9)) for cap in self.grades]

    def weight(self, data: SiteData) -> np.ndarray:
        """Worth of a MWh imported in each slot by the first goal."""
        return data.guide_per_mwh[self.first]

    def both_weights(self, data: SiteData) -> np.ndarray:
        """Worth of a MWh imported in each slot by both goals as one."""
        table = data.guide_per_mwh
        return table[self.first] + self.second_weight * table[self.second]

    def keeps_caps(self, flows: Flows) -> bool:
        """Whether a plan keeps all caps."""
        return not self.broken(flows)

    def broken(self, flows: Flows) -> tuple[str, ...]:
        """Metrics of which a plan has more than their caps allow."""
        return tuple(name for name, top in self.tops.items() if flows.totals[name] > top + 1e-6 * max(abs(top), 1))


def of(scenario: Case, envelope: xr.Dataset, data: SiteData, baseline: xr.Dataset | None) -> Aim:
    """The aim of a scenario, its cap on extra cost counted from what a baseline schedule pays; None: no such cap."""
    counted = baseline_totals(scenario, data, baseline)
    aim = read(scenario, data, counted, direct_kg(scenario, envelope) if scenario.heats else 0.0)
    return replace(aim, grades=grade_caps(scenario, envelope))


def read(scenario: Scenario, data: SiteData, baseline: Mapping[str, float], direct_kg: float) -> Aim:
    """The aim of a scenario.

    Args:
        scenario: with its goal and caps.
        data: the site.
        baseline: by metric, what the baseline schedule comes to, direct emissions of a line left out; none: no such
            plan.
        direct_kg: scope 1 of the orders, which every plan has in common [kg CO2e].
    """
    goal, caps = scenario.goal, scenario.goal.caps
    metric = goal_metric(scenario)
    first, second, table = metric.name, metric.tie_break, data.guide_per_mwh
    scale = float(np.abs(table[first]).mean()) / max(float(np.abs(table[second]).mean()), 1e-9)
    tops: dict[str, float] = {}
    for name, row in METRICS.items():
        cap = getattr(caps, row.cap) if row.cap else None
        if cap is not None:
            common = row.parts(scenario.market.carbon_price).get("scope1", 0.0) * direct_kg
            tops[name] = cap - common - (data.sunk_cost if row.money else 0.0)
    paid, emitted = baseline.get(FULL_COST), baseline.get(OTHER_CARBON)
    if caps.extra_cost_share is not None and paid is not None:
        most = paid + caps.extra_cost_share * abs(paid)
        tops[FULL_COST] = min(most, tops.get(FULL_COST, most))
    if emitted is not None and no_worse(scenario):
        tops[OTHER_CARBON] = min(emitted, tops.get(OTHER_CARBON, emitted))
    return Aim(
        first=first,
        second=second,
        second_weight=min(SECOND, WITHIN * goal.gap) * scale,
        constant=data.unavoidable(table[first]),
        tops=tops,
    )
