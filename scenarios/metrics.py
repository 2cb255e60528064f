"""Metrics that a plan minimizes, caps or accounts for; each is a row of ``METRICS``.

Flows contribute to components: money, scope 1 and scope 2. A metric is a weighted sum of components. Objective, caps,
figures and pages iterate over the rows, so a new metric only needs a new row.

A metric may also have its own component with factors on assets and processes; ``per_unit`` and ``per_t`` name the
fields of their records (``docs/design/0012-metrics.md``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

CURRENCY = "{currency}"
CARBON, OTHER_CARBON, FULL_COST = "carbon", "other_carbon", "cost_with_carbon_price"


class CarbonPrice(Protocol):
    """Carbon price of the market [currency/t]."""

    @property
    def on_direct(self) -> float:
        """Price of scope 1 emissions."""

    @property
    def on_grid(self) -> float:
        """Price of scope 2 emissions."""


@dataclass(frozen=True)
class Metric:
    """Row of ``METRICS``."""

    name: str
    """Value of ``goal.minimize``."""
    unit: str
    """Unit of measure; ``{currency}`` stands for the currency of the market."""
    figure: str
    """Field of the figures with its value."""
    parts: Callable[[CarbonPrice], Mapping[str, float]]
    """Contribution of one unit of each component, as a function of the carbon price."""
    per_unit: str = ""
    """Field of assets with the contribution per unit supplied or consumed; empty: the metric has no factors."""
    per_t: str = ""
    """Field of modes of processes with the contribution per tonne."""
    cap: str = ""
    """Key of ``goal.caps``; empty: no cap."""
    less: tuple[str, ...] = ()
    """Fields of the figures that are subtracted from ``figure``."""
    display: tuple[str, float, int] = (CURRENCY, 1.0, 0)
    """Display unit, conversion factor to it, and number of digits."""
    only_capped: bool = False
    """Whether it serves only as a cap, without being a figure of plans or an axis of charts."""

    @property
    def money(self) -> bool:
        """Whether the metric is an amount of money."""
        return self.unit == CURRENCY

    @property
    def tie_break(self) -> str:
        """Name of the secondary objective."""
        return CARBON if self.money else FULL_COST

    def unit_in(self, currency: str) -> str:
        """Return the unit of measure in a currency."""
        return self.unit.format(currency=currency)

    def display_in(self, currency: str) -> tuple[str, float, int]:
        """Return ``display`` in a currency."""
        unit, factor, digits = self.display
        return unit.format(currency=currency), factor, digits

    def of(self, figures: Any) -> float:
        """Return the value of the metric from figures; NaN if unknown."""
        value = getattr(figures, self.figure)
        return math.nan if value is None else float(value - sum(getattr(figures, name) for name in self.less))


def _priced(price: CarbonPrice) -> Mapping[str, float]:
    return {"cost": 1.0, "scope1": price.on_direct / 1000, "scope2": price.on_grid / 1000}


METRICS = {
    row.name: row
    for row in (
        Metric(
            CARBON,
            "kg CO2e",
            "carbon_kg",
            lambda price: {"scope1": 1.0, "scope2": 1.0},
            cap="carbon_kg",
            display=("t CO2e", 1e-3, 2),
        ),
        # with the grid signal that the goal does not use
        Metric(
            OTHER_CARBON,
            "kg CO2e",
            "other_carbon_kg",
            lambda price: {"scope1": 1.0, "scope2": 1.0},
            cap="other_carbon_kg",
            display=("t CO2e", 1e-3, 2),
            only_capped=True,
        ),
        Metric("cost", CURRENCY, "cost", lambda price: {"cost": 1.0}, less=("carbon_cost",)),
        Metric(FULL_COST, CURRENCY, "cost", _priced, cap="cost"),
        Metric(
            "water",
            "m3",
            "water_m3",
            lambda price: {"water": 1.0},
            "water_m3_per_unit",
            "water_m3_per_t",
            cap="water_m3",
            display=("m3", 1.0, 1),
        ),
    )
}
"""Metrics by name, in display order."""
FACTORS = {name: row for name, row in METRICS.items() if row.per_unit}
"""Metrics with factors on assets and processes."""
COMPONENTS = ("cost", "scope1", "scope2", *FACTORS)
"""Components: money [currency], direct emissions [kg CO2e], indirect emissions [kg CO2e], and each metric of
``FACTORS``."""
FIGURES = tuple(dict.fromkeys(row.figure for row in METRICS.values() if not row.only_capped))
"""Fields of the figures that contain metrics."""


class ContradictionError(ArithmeticError):
    """Error for a lower bound above the value of a plan, which disproves the bound."""


TOLERANCE = 1e-6
"""Relative tolerance of the solver by which a bound may exceed a value."""

ZERO = 1e-3
"""Smallest denominator of a relative gap, in kilograms, currency or minutes."""


def above(bound: float, value: float) -> bool:
    """Return whether a bound exceeds the value of a plan by more than the solver's tolerance."""
    return bound > value + TOLERANCE * max(abs(value), abs(bound), 1.0)


def sound(bound: float, value: float) -> float:
    """Return a bound limited to the value of a plan, which it may exceed within the solver's tolerance.

    Raises:
        ContradictionError: the bound exceeds the value by more.
    """
    if above(bound, value):
        raise ContradictionError(f"a bound of {bound:.12g} lies above a plan of {value:.12g}; please report it")
    return min(bound, value)


def gap(value: float, bound: float) -> float:
    """Return the relative gap between the value of a plan and a bound checked by :func:`sound`."""
    return (value - sound(bound, value)) / max(abs(value), ZERO)


def amount_digits(value: float) -> int:
    """Return the number of decimals that gives about three significant digits, as used for savings."""
    size = abs(value)
    return 0 if size >= 99.95 or size == round(size) else 1 if size >= 9.995 else 2


def share_digits(share: float) -> int:
    """Return the number of decimals of a percentage; small values have more."""
    return 0 if abs(share) >= 0.0995 or share == 0 else 1 if abs(share) >= 0.00995 else 2


def legible_bound(best: float | None, bound: float | None, digit: float) -> float | None:
    """Return the bound for display next to the value of a plan; equal to it if they differ only by rounding.

    Args:
        best: value of the plan.
        bound: proven bound in the same unit.
        digit: value of the last displayed digit in the same unit.
    """
    same = best is not None and bound is not None and abs(best - bound) < digit / 2
    return best if same else bound
