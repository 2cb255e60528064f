"""Metrics of a scenario: what its goal minimizes, and which rows of ``METRICS`` it uses."""

from __future__ import annotations

from collections.abc import Mapping

from emberline.scenarios.metrics import METRICS, Metric
from emberline.scenarios.records.scenario import Scenario

IN_MINUTES = ("lateness", "makespan")
"""Goals that no metric counts."""


def goal_metric(scenario: Scenario) -> Metric:
    """What a scenario's goal minimizes; where it counts minutes, what breaks ties."""
    return METRICS.get(scenario.goal.minimize, METRICS["carbon"])


def in_use(scenario: Scenario) -> tuple[str, ...]:
    """Metrics of a scenario: of those that are counted by factors, those that it minimizes, caps, or gives factors."""
    goal = scenario.goal
    assets, modes = scenario.site.assets, [mode for process in scenario.processes for mode in process.all_modes]
    return tuple(
        name
        for name, row in METRICS.items()
        if not row.per_unit
        or goal.minimize == name
        or (row.cap and getattr(goal.caps, row.cap) is not None)
        or any(getattr(asset, row.per_unit) for asset in assets)
        or any(getattr(mode, row.per_t) for mode in modes)
    )


def figures_of(scenario: Scenario) -> tuple[str, ...]:
    """Fields of the figures that hold the metrics of a scenario."""
    return tuple(dict.fromkeys(METRICS[name].figure for name in in_use(scenario)))


def parts(scenario: Scenario) -> dict[str, Mapping[str, float]]:
    """What a unit of each component counts, by metric of the scenario."""
    return {name: METRICS[name].parts(scenario.market.carbon_price) for name in in_use(scenario)}
