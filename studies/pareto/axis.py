"""The axis of a Pareto front: the metric that is traded against cost, and the names of what a front has of it."""

from __future__ import annotations

from dataclasses import dataclass

from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import in_use
from emberline.scenarios.metrics import METRICS, Metric

CARBON, COST = "carbon", "cost_with_carbon_price"
"""Cost is what the bill comes to, the carbon price of the market's scheme included."""


@dataclass(frozen=True)
class Axis:
    """A metric as an axis; a name has the figure's unit of measure as its ending, as ``carbon_cap_kg``."""

    metric: str = CARBON

    @property
    def row(self) -> Metric:
        """Its row of ``METRICS``."""
        return METRICS[self.metric]

    @property
    def figure(self) -> str:
        """Field of the figures, and column of the front."""
        return self.row.figure

    @property
    def cap(self) -> str:
        """Column of the cap under which cost was minimized."""
        return self._named("cap")

    @property
    def bound(self) -> str:
        """Column of what is proven of an end."""
        return self._named("bound")

    @property
    def difference(self) -> str:
        """Column of the cost of a unit less, against the next cheaper point."""
        return f"difference_per_{self.unit.split()[0]}"

    @property
    def dual(self) -> str:
        """Column of the shadow price of the cap."""
        return f"dual_per_{self.unit.split()[0]}"

    @property
    def unit(self) -> str:
        """Unit of measure in which it is displayed and priced."""
        return self.row.display[0]

    @property
    def factor(self) -> float:
        """From the figure's unit of measure to ``unit``."""
        return self.row.display[1]

    @property
    def digits(self) -> int:
        """Digits in which it is displayed."""
        return self.row.display[2]

    def of(self, figures: object) -> float:
        """Its value among some figures."""
        return float(getattr(figures, self.figure))

    def _named(self, what: str) -> str:
        stem, _, unit = self.figure.rpartition("_")
        return f"{stem}_{what}_{unit}"


def axes(scenario: Scenario) -> tuple[str, ...]:
    """Metrics that can be an axis: those in use that can be capped and are no money."""
    rows = (METRICS[name] for name in in_use(scenario))
    return tuple(row.name for row in rows if row.cap and not (row.money or row.only_capped))
