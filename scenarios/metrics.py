"""Metrics: what a plan minimizes, keeps below a cap and accounts for. Each is one row of ``METRICS``.

A flow adds to components: money, scope 1, scope 2. A metric says what a unit of each component counts. Objective, caps,
figures and pages iterate over the rows, so that a further metric is a further row.

A metric may also be its own component, counted by a factor on assets and on processes: ``per_unit`` and ``per_t`` name
the fields of their records (``docs/design/0012-metrics.md``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emberline.scenarios.records.market import Market
    from emberline.scenarios.records.scenario import Scenario

CURRENCY = "{currency}"


@dataclass(frozen=True)
class Metric:
    """One row."""

    name: str
    """Value of ``goal.minimize``."""
    unit: str
    """``{currency}`` stands for the market's."""
    figure: str
    """Field of the figures that holds it."""
    parts: Callable[[Market], Mapping[str, float]]
    """What a unit of each component counts."""
    per_unit: str = ""
    """Field of an asset: what a unit of what it delivers or takes adds; empty: the metric has no factors."""
    per_t: str = ""
    """Field of a mode of a process: what a tonne that it treats adds."""
    cap: str = ""
    """Key of ``goal.caps``; empty: no cap."""
    less: tuple[str, ...] = ()
    """Fields of the figures that are taken off ``figure``."""
    shown: tuple[str, float, int] = (CURRENCY, 1.0, 0)
    """Unit in which it is shown, the factor to it, and its digits."""

    @property
    def money(self) -> bool:
        """Whether it counts what is paid."""
        return self.unit == CURRENCY

    @property
    def tie_break(self) -> str:
        """Name of the metric that is minimized second."""
        return "carbon" if self.money else "cost_with_carbon_price"

    def unit_in(self, scenario: Scenario) -> str:
        """Unit of measure in a scenario's currency."""
        return self.unit.format(currency=scenario.market.currency)

    def shown_in(self, scenario: Scenario) -> tuple[str, float, int]:
        """``shown`` in a scenario's currency."""
        unit, factor, digits = self.shown
        return unit.format(currency=scenario.market.currency), factor, digits

    def of(self, figures: Any) -> float:
        """The metric of some figures."""
        return float(getattr(figures, self.figure) - sum(getattr(figures, name) for name in self.less))


def _priced(market: Market) -> Mapping[str, float]:
    price = market.carbon_price
    return {"cost": 1.0, "scope1": price.on_direct / 1000, "scope2": price.on_grid / 1000}


METRICS = {
    row.name: row
    for row in (
        Metric(
            "carbon",
            "kg CO2e",
            "carbon_kg",
            lambda market: {"scope1": 1.0, "scope2": 1.0},
            cap="carbon_kg",
            shown=("t CO2e", 1e-3, 2),
        ),
        Metric("cost", CURRENCY, "cost", lambda market: {"cost": 1.0}, less=("carbon_cost",)),
        Metric("cost_with_carbon_price", CURRENCY, "cost", _priced, cap="cost"),
        Metric(
            "water",
            "m3",
            "water_m3",
            lambda market: {"water": 1.0},
            "water_m3_per_unit",
            "water_m3_per_t",
            cap="water_m3",
            shown=("m3", 1.0, 1),
        ),
    )
}
"""By name, in the order in which they are shown."""
FACTORS = {name: row for name, row in METRICS.items() if row.per_unit}
"""Those that are counted by factors."""
COMPONENTS = ("cost", "scope1", "scope2", *FACTORS)
"""What flows add up to: money [currency], direct emissions and those of heat that is bought [kg CO2e], and each metric
of ``FACTORS``."""
FIGURES = tuple(dict.fromkeys(row.figure for row in METRICS.values()))
"""Fields of the figures that hold metrics."""


def goal_metric(scenario: Scenario) -> Metric:
    """What a scenario's goal minimizes; where it is lateness, what breaks ties."""
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
    return {name: METRICS[name].parts(scenario.market) for name in in_use(scenario)}
