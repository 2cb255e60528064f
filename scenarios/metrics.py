"""Metrics: what a plan minimizes, keeps below a cap and accounts for. Each is one row of ``METRICS``.

A flow adds to components: money, scope 1, scope 2. A metric says what a unit of each component counts. Objective, caps,
figures, Pareto axes and pages iterate over the rows, so that a further metric is a further row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emberline.scenarios.records.market import Market
    from emberline.scenarios.records.scenario import Scenario

COMPONENTS = ("cost", "scope1", "scope2")
"""What flows add up to: money [currency], direct emissions and those of heat that is bought [kg CO2e]."""
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
    )
}
"""By name, in the order in which they are shown."""
FIGURES = tuple(dict.fromkeys(row.figure for row in METRICS.values()))
"""Fields of the figures that hold metrics."""


def goal_metric(scenario: Scenario) -> Metric:
    """What a scenario's goal minimizes; where it is lateness, what breaks ties."""
    return METRICS.get(scenario.goal.minimize, METRICS["carbon"])


def parts(market: Market) -> dict[str, Mapping[str, float]]:
    """What a unit of each component counts, by metric."""
    return {name: row.parts(market) for name, row in METRICS.items()}
