"""Aim of a search in terms of the model: the goal, the second goal that breaks ties, and the caps."""

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
"""Weight of the second goal: all of it counts as much as this share of the first."""
WITHIN = 0.1
"""Largest weight of the second goal, as a share of the requested gap."""
EARLY = 1e-6
"""Weight of early starts by slot, as a share of the first goal."""
FUEL = 4.0
"""Assumed maximum of fuel per unit of electricity, for pricing the violation of a limit."""
BREACH = 30.0
"""Price of breaking a limit or a cap, as a multiple of the largest weight; keeping it never costs as much."""


@dataclass(frozen=True)
class Aim:
    """First goal, second goal and caps; values leave out what no plan can change.

    Goals are lexicographic up to ``SECOND``: the weight of the second goal is so small that trading all of it would
    change the first by at most a tenth of a percent, and by at most a tenth of the requested gap.
    """

    first: str
    """A metric."""
    second: str
    second_weight: float
    constant: float
    """Part of the first goal due to base load beyond PV, which objective, bound and gap leave out."""
    tops: dict[str, float]
    """Caps by metric, on the contribution of the site."""
    grades: tuple[GradeCap, ...] = ()
    """Caps on the emissions that grades carry."""

    def expression(self, ports: Any) -> Any:
        """Return both goals as one for a model, from the site's ports."""
        return ports.worth(self.first) + self.second_weight * ports.worth(self.second)

    def pure(self, ports: Any) -> Any:
        """Return the first goal alone, on which a bound is proven, from the site's ports."""
        return ports.worth(self.first)

    def value(self, flows: Flows) -> float:
        """Return the first goal of a plan, without the constant."""
        return flows.totals[self.first] - self.constant

    def rank(self, flows: Flows) -> float:
        """Return both goals as one, for comparing plans."""
        return flows.totals[self.first] + self.second_weight * flows.totals[self.second]

    def over_price(self, data: SiteData) -> float:
        """Return the price of a MWh above the import limit during a search, which exceeds any gain from it."""
        weight = float(np.abs(self.both_weights(data)).max())
        if data.hub is not None:
            # the grid may be clean and cheap: assets that keep the limit must still be worth their fuel
            weight = max(weight, FUEL * dearest(data.hub, self.first))
        return BREACH * weight + 1e-6

    def draft_rank(self, data: SiteData, flows: Flows) -> float:
        """Return both goals as one, with penalties for broken limits and caps, to rank plans that may be infeasible."""
        broken = self.over_price(data) * flows.over_mwh
        broken += sum(price * max(flows.totals[name] - cap, 0.0) for name, cap, price in self.caps(data))
        return self.rank(flows) + broken

    def caps(self, data: SiteData) -> list[tuple[str, float, float]]:
        """Return the caps: metric, cap, and price of a unit above it during a search."""
        top = BREACH * float(np.abs(self.both_weights(data)).max())
        table = data.guide_per_mwh
        return [(name, cap, top / max(float(np.abs(table[name]).mean()), 1e-9)) for name, cap in self.tops.items()]

    def grade_prices(self, data: SiteData) -> list[tuple[GradeCap, float]]:
        """Return the caps on grades, each with the price of a kilogram above it during a search."""
        top = BREACH * float(np.abs(self.both_weights(data)).max())
        return [(cap, top / max(float(np.abs(data.average).mean()), 1e-9)) for cap in self.grades]

    def weight(self, data: SiteData) -> np.ndarray:
        """Return the value of an imported MWh in each slot by the first goal."""
        return data.guide_per_mwh[self.first]

    def both_weights(self, data: SiteData) -> np.ndarray:
        """Return the value of an imported MWh in each slot by both goals as one."""
        table = data.guide_per_mwh
        return table[self.first] + self.second_weight * table[self.second]

    def keeps_caps(self, flows: Flows) -> bool:
        """Return whether a plan keeps all caps."""
        return not self.broken(flows)

    def broken(self, flows: Flows) -> tuple[str, ...]:
        """Return the metrics of a plan that exceed their caps."""
        return tuple(name for name, top in self.tops.items() if flows.totals[name] > top + 1e-6 * max(abs(top), 1))


def of(scenario: Case, envelope: xr.Dataset, data: SiteData, baseline: xr.Dataset | None) -> Aim:
    """Return the aim of a scenario; its cap on extra cost refers to a baseline schedule (None: no such cap)."""
    counted = baseline_totals(scenario, data, baseline)
    aim = read(scenario, data, counted, direct_kg(scenario, envelope) if scenario.heats else 0.0)
    return replace(aim, grades=grade_caps(scenario, envelope))


def read(scenario: Scenario, data: SiteData, baseline: Mapping[str, float], direct_kg: float) -> Aim:
    """Return the aim of a scenario from the totals of its baseline.

    Args:
        scenario: scenario with its goal and caps.
        data: the site.
        baseline: totals of the baseline schedule by metric, without direct emissions of a line; empty: there is no such
            plan.
        direct_kg: scope 1 of the orders, which is the same in every plan [kg CO2e].
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
