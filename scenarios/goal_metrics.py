"""Metrics of a scenario: the objective of its goal, and the rows of ``METRICS`` in use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.metrics import FACTORS, METRICS, OTHER_CARBON, Metric
from emberline.scenarios.records.goal import Goal, OtherSignal, Signal, Target

T = TypeVar("T")
IN_MINUTES = ("lateness", "makespan")
"""Goals measured in minutes, which are not metrics."""
GOALS = {
    "carbon": mark("least carbon"),
    "cost": mark("least cost"),
    "cost_with_carbon_price": mark("least cost with the carbon price"),
    "water": mark("least water"),
    "lateness": mark("least lateness"),
    "makespan": mark("least makespan"),
}
"""Texts by ``goal.minimize``."""
SIGNALS = {"average": mark("average intensity"), "marginal": mark("marginal intensity")}
NAMES = {"carbon": mark("carbon"), "cost": mark("cost"), "cost_with_carbon_price": mark("cost"), "water": mark("water")}
"""Texts by metric."""


def cap_name(metric: str) -> Message:
    """Return the name of the cap on a metric."""
    if metric == OTHER_CARBON:
        return Message("cap on carbon by the other signal")
    return Message("cap on {metric}", metric=Message(NAMES[metric]))


def goal_metric(scenario: Scenario) -> Metric:
    """Return the metric that the goal of a scenario minimizes; for goals in minutes, the one that breaks ties."""
    return METRICS.get(scenario.goal.minimize, METRICS["carbon"])


def in_use(scenario: Scenario) -> tuple[str, ...]:
    """Return the metrics of a scenario; metrics with factors only if it minimizes, caps or defines them."""
    goal = scenario.goal
    assets, modes = scenario.site.assets, [mode for process in scenario.processes for mode in process.all_modes]
    return tuple(
        name
        for name, row in METRICS.items()
        if not (row.per_unit or row.only_capped)
        or goal.minimize == name
        or (name == OTHER_CARBON and no_worse(scenario))
        or (row.cap and getattr(goal.caps, row.cap) is not None)
        or (row.per_unit and any(getattr(asset, row.per_unit) for asset in assets))
        or (row.per_t and any(getattr(mode, row.per_t) for mode in modes))
    )


def no_worse(scenario: Scenario) -> bool:
    """Return whether a plan may not emit more than the baseline with the signal that its goal does not use."""
    cap = scenario.goal.caps.other_signal
    if scenario.market.marginal_carbon_intensity_kg_per_mwh is None or cap is OtherSignal.OFF:
        return False
    carbon = scenario.goal.minimize is Target.CARBON and scenario.goal.caps.other_carbon_kg is None
    return carbon if cap is None else True


def goal_first(scenario: Scenario, carbon: T, cost: T) -> tuple[T, T]:
    """Return values for carbon and cost in the order of priority of the goal."""
    return (cost, carbon) if goal_metric(scenario).money else (carbon, cost)


def figures_of(scenario: Scenario) -> tuple[str, ...]:
    """Return the fields of the figures with the metrics of a scenario."""
    rows = (METRICS[name] for name in in_use(scenario))
    return tuple(dict.fromkeys(row.figure for row in rows if not row.only_capped))


def parts(scenario: Scenario) -> dict[str, Mapping[str, float]]:
    """Return the contribution of one unit of each component, by metric of the scenario."""
    return {name: METRICS[name].parts(scenario.market.carbon_price) for name in in_use(scenario)}


def goal_text(goal: Goal, currency: str) -> Message:
    """Describe a goal and its caps, with the intensity if any of them concerns carbon."""
    text = Message(GOALS[goal.minimize])
    money = goal.minimize in METRICS and METRICS[goal.minimize].money
    if not money or goal.caps.carbon_kg is not None:
        text = Message("{goal} ({signal})", goal=text, signal=Message(SIGNALS[goal.signal]))
    if goal.grade is not None:
        text = Message("least embedded emissions of {grade}, then {goal}", grade=goal.grade, goal=text)
    for cap in caps(goal, currency):
        text = Message("{first}; {second}", first=text, second=cap)
    return text


def caps(goal: Goal, currency: str) -> Iterator[Message]:
    """Describe the caps of a goal, one clause each."""
    top = goal.caps
    if top.extra_cost_share is not None and goal.minimize == "carbon":
        yield cost_cap(top.extra_cost_share)
    if top.other_signal is OtherSignal.NO_WORSE:
        yield Message("no more by the {signal} than the baseline", signal=Message(SIGNALS[goal.signal.other]))
    elif top.other_signal is OtherSignal.OFF:
        yield more_allowed(goal.signal)
    if top.other_carbon_kg is not None:
        tonnes, signal = top.other_carbon_kg / 1000, Message(SIGNALS[goal.signal.other])
        yield Message("carbon by the {signal} at most {tonnes:,.1f} t", signal=signal, tonnes=tonnes)
    if top.carbon_kg is not None:
        yield Message("carbon at most {tonnes:,.1f} t", tonnes=top.carbon_kg / 1000)
    if top.cost is not None:
        yield Message("cost at most {cost:,.0f} {currency}", cost=top.cost, currency=currency)
    for name, row in FACTORS.items():
        most = getattr(top, row.cap)
        if most is not None:
            unit, factor, digits = row.display
            amount = Message(f"{{amount:,.{digits}f}} {{unit}}", amount=most * factor, unit=unit)
            yield Message("{what} at most {amount}", what=Message(NAMES[name]), amount=amount)
    for grade, kg_per_t in top.embedded_kg_per_t.items():
        yield Message("{grade} at most {kg:,.1f} kg CO2e/t", grade=grade, kg=kg_per_t)
    if top.peak_mw is not None:
        yield Message("peak at most {power:,.1f} MW", power=top.peak_mw)


def more_allowed(signal: str) -> Message:
    """Describe the absence of a cap with the signal that a goal does not use."""
    return Message("more by the {signal} allowed", signal=Message(SIGNALS[Signal(signal).other]))


def cost_cap(share: float) -> Message:
    """Describe the cap on extra cost over the baseline."""
    if not share:
        return Message("cost not above the baseline's")
    return Message("cost at most {share:g} % above the baseline's", share=100 * share)


@dataclass(frozen=True)
class BoundCovers:
    """Set of plans for which a bound is proven."""

    decisions: str
    """Subject of the decisions: ``heats``, ``units`` of processes, or ``site``."""
    step_min: float | None
    """Time step of the plans; plans with times between steps may be better. None: starts at any time."""

    @classmethod
    def of(cls, scenario: Scenario) -> BoundCovers:
        """Return the set of plans considered in the search of a scenario."""
        decisions = next((producer.decisions for producer in scenario.producers), "site")
        return cls(decisions, None if scenario.heats and scenario.by_the_minute else scenario.horizon.step_min)

    @property
    def says(self) -> str:
        """Clause that describes these plans, to follow "a plan that"."""
        texts = {
            "heats": mark("starts heats on {step:g}-minute steps"),
            "units": mark("sets units by steps of {step:g} min"),
            "site": mark("sets the site by steps of {step:g} min"),
        }
        if self.step_min is None:
            return Message("starts heats at any time")
        return Message(texts[self.decisions], step=self.step_min)

    def summary(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {"decisions": self.decisions, "step_min": self.step_min, "says": self.says}
