"""Metrics: what a plan minimizes, keeps below a cap and accounts for. Each is one row of ``METRICS``.

A flow adds to components: money, scope 1, scope 2. A metric says what a unit of each component counts. Objective, caps,
figures and pages iterate over the rows, so that a further metric is a further row.

A metric may also be its own component, counted by a factor on assets and on processes: ``per_unit`` and ``per_t`` name
the fields of their records (``docs/design/0012-metrics.md``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

CURRENCY = "{currency}"
CARBON, OTHER_CARBON, FULL_COST = "carbon", "other_carbon", "cost_with_carbon_price"


class CarbonPrice(Protocol):
    """Price of emissions as the market has it [currency/t]."""

    @property
    def on_direct(self) -> float:
        """On scope 1."""

    @property
    def on_grid(self) -> float:
        """On scope 2."""


@dataclass(frozen=True)
class Metric:
    """One row."""

    name: str
    """Value of ``goal.minimize``."""
    unit: str
    """``{currency}`` stands for the market's."""
    figure: str
    """Field of the figures that holds it."""
    parts: Callable[[CarbonPrice], Mapping[str, float]]
    """Contribution of one unit of each component, by the price of carbon."""
    per_unit: str = ""
    """Field of an asset: what a unit of what it delivers or takes adds; empty: the metric has no factors."""
    per_t: str = ""
    """Field of a mode of a process: what a tonne that it treats adds."""
    cap: str = ""
    """Key of ``goal.caps``; empty: no cap."""
    less: tuple[str, ...] = ()
    """Fields of the figures that are taken off ``figure``."""
    display: tuple[str, float, int] = (CURRENCY, 1.0, 0)
    """Unit in which it is shown, the factor to it, and its digits."""
    only_capped: bool = False
    """Whether it is no figure of a plan by itself, and no axis, but has a cap."""

    @property
    def money(self) -> bool:
        """Whether it counts what is paid."""
        return self.unit == CURRENCY

    @property
    def tie_break(self) -> str:
        """Name of the metric that is minimized second."""
        return CARBON if self.money else FULL_COST

    def unit_in(self, currency: str) -> str:
        """Unit of measure in a currency."""
        return self.unit.format(currency=currency)

    def display_in(self, currency: str) -> tuple[str, float, int]:
        """``display`` in a currency."""
        unit, factor, digits = self.display
        return unit.format(currency=currency), factor, digits

    def of(self, figures: Any) -> float:
        """The metric of some figures; nan: it is not known."""
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
        # by the signal of the grid that the goal does not count with
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
"""By name, in the order in which they are shown."""
FACTORS = {name: row for name, row in METRICS.items() if row.per_unit}
"""Those that are counted by factors."""
COMPONENTS = ("cost", "scope1", "scope2", *FACTORS)
"""Sums over flows: money [currency], direct emissions and those of heat that is bought [kg CO2e], and each metric
of ``FACTORS``."""
FIGURES = tuple(dict.fromkeys(row.figure for row in METRICS.values() if not row.only_capped))
"""Fields of the figures that hold metrics."""


class ContradictionError(ArithmeticError):
    """A bound above a plan: what was proven is false."""


TOLERANCE = 1e-6
"""Share of a value by which a bound may lie above it: the solver's tolerance."""

ZERO = 1e-3
"""Kilograms, money or minutes: a plan that is worth less is taken for worth so much where its gap is a share."""


def above(bound: float, value: float) -> bool:
    """Whether a bound lies above the value of a plan by more than the solver's tolerance."""
    return bound > value + TOLERANCE * max(abs(value), abs(bound), 1.0)


def sound(bound: float, value: float) -> float:
    """The bound, no higher than the value of a plan, from which the solver's tolerance may set it apart.

    Raises:
        ContradictionError: it lies above the plan.
    """
    if above(bound, value):
        raise ContradictionError(f"a bound of {bound:.12g} lies above a plan of {value:.12g}; please report it")
    return min(bound, value)


def gap(value: float, bound: float) -> float:
    """Relative gap between the value of a plan and a bound, as of :func:`sound`."""
    return (value - sound(bound, value)) / max(abs(value), ZERO)


def amount_digits(value: float) -> int:
    """Digits after the point of a number that is written with about three digits, as savings are."""
    size = abs(value)
    return 0 if size >= 99.95 or size == round(size) else 1 if size >= 9.995 else 2


def share_digits(share: float) -> int:
    """Digits after the point of a share in percent: more where it is small."""
    return 0 if abs(share) >= 0.0995 or share == 0 else 1 if abs(share) >= 0.00995 else 2


def legible_bound(best: float | None, bound: float | None, digit: float) -> float | None:
    """The bound as it is written next to the value of a plan: that value where rounding alone would tell them apart.

    Args:
        best: value of the plan.
        bound: proven, in the same unit.
        digit: what the last digit that is written counts, in the same unit.
    """
    same = best is not None and bound is not None and abs(best - bound) < digit / 2
    return best if same else bound
