"""Storage assets such as batteries, heat and hydrogen stores, gas holders and tanks: record and physics."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from emberline.scenarios.assets.base import Item, Named, Use
from emberline.scenarios.assets.quantity import Amount, MoneyPerUnit, PerHour
from emberline.scenarios.records.base import Place
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.quantity import Fraction
from emberline.scenarios.records.quantity import PerHour as ShareLost

NOTHING = 1e-12
"""Self-loss per hour below which rounding errors of the formula exceed the loss."""


def retention(loss_per_h: float, hours: float) -> float:
    """Return the share of a level that remains after some time."""
    return (1 - loss_per_h) ** hours


def effective_hours(loss_per_h: float, hours: float) -> float:
    """Return the effective duration of a constant inflow, reduced by its self-loss until the end of the interval [h].

    Self-loss is continuous: dE/dt = −λE + p with λ = −ln(1 − loss per hour), whose solution after h hours is
    E·exp(−λh) + p·(1 − exp(−λh))/λ. The result is therefore independent of the length of the steps.
    """
    if loss_per_h < NOTHING:
        return hours
    rate = -math.log1p(-loss_per_h) if loss_per_h < 1 else math.inf
    return -math.expm1(-rate * hours) / rate if math.isfinite(rate) else 0.0


class Storage(Named):
    """Storage of one carrier.

    Rates are measured at its terminals, that is, before charging losses and after discharging losses.
    """

    counted: ClassVar[str] = "out"
    size: ClassVar[str] = "capacity"
    kind: Literal["storage"]
    carrier: str
    capacity: Amount
    in_rate: PerHour | None = None
    """Largest charge rate per hour; none: no limit."""
    out_rate: PerHour | None = None
    in_efficiency: Fraction = Field(default=1.0, gt=0)
    out_efficiency: Fraction = Field(default=1.0, gt=0)
    self_loss_per_h: ShareLost = 0.0
    """Share of the level lost per hour."""
    level_share: Fraction = 0.5
    """Initial level as a share of the capacity."""
    end_level_share: Fraction | None = None
    """Minimum final level as a share of the capacity; none: the initial level."""
    lowest_share: Fraction = 0.0
    highest_share: Fraction = 1.0
    """Highest permitted level as a share of the capacity."""
    wear_cost_per_unit: MoneyPerUnit = Field(default=0, ge=0)
    """Cost of wear per unit discharged."""
    both_ways: bool = False
    """Whether it can be charged and discharged at the same time, like a tank with two pipes but unlike a battery."""

    def check(self) -> None:
        if self.lowest_share > self.highest_share:
            raise ValueError(f"lowest_share {self.lowest_share:g} lies above highest_share {self.highest_share:g}")
        for field in ("level_share", "end_level_share"):
            share = getattr(self, field)
            if share is not None and not self.lowest_share - 1e-12 <= share <= self.highest_share + 1e-12:
                raise ValueError(
                    f"{field} {share:g} lies outside the band of {self.lowest_share:g} to {self.highest_share:g}"
                )

    @property
    def flows(self) -> Mapping[str, str]:
        """Its carrier, for inflow and outflow."""
        return {"in": self.carrier, "out": self.carrier}

    def touches(self) -> Iterator[tuple[Place, str]]:
        """Iterate over its only carrier."""
        yield ("carrier",), self.carrier

    def items(self, use: Use) -> tuple[Item, ...]:
        """Return the cost of wear by the amount discharged."""
        return (Item("wear", use.amount("out"), self.wear_cost_per_unit),)

    def later(self, core: Any, use: Use, k: int, horizon: Horizon) -> dict[str, Any]:
        """Return the level after ``k`` steps, and the final level of the original horizon."""
        update: dict[str, Any] = {"end_level_share": self.end_level / self.capacity if self.capacity else 0.0}
        if k:
            assert use.level is not None
            level = float(use.level[k - 1])
            update["level_share"] = min(max(level, self.lowest), self.highest) / (self.capacity or 1.0)
        return update

    @property
    def most_out(self) -> float:
        """Largest discharge rate per hour; infinite without a limit."""
        return math.inf if self.out_rate is None else self.out_rate

    def rate_limits(self, level: float) -> tuple[float, float]:
        """Return the largest charge and discharge rates in a step that begins at a level; infinite without a limit."""
        return math.inf if self.in_rate is None else self.in_rate, self.most_out

    @property
    def one_way(self) -> bool:
        """Whether simultaneous charging and discharging would change the losses and must be excluded."""
        return self.in_efficiency * self.out_efficiency < 1 and not self.both_ways

    @property
    def start_level(self) -> float:
        """Initial level in the carrier's unit."""
        return self.level_share * self.capacity

    @property
    def end_level(self) -> float:
        """Required final level in the carrier's unit."""
        return self.start_level if self.end_level_share is None else self.end_level_share * self.capacity

    @property
    def lowest(self) -> float:
        """Lowest permitted level in the carrier's unit."""
        return self.lowest_share * self.capacity

    @property
    def highest(self) -> float:
        """Highest permitted level in the carrier's unit."""
        return self.highest_share * self.capacity

    def retention(self, hours: float) -> float:
        """Return the share of the level that remains after some time."""
        return retention(self.self_loss_per_h, hours)

    def effective_hours(self, hours: float) -> float:
        """Return the effective duration of a constant inflow, reduced by its self-loss [h]."""
        return effective_hours(self.self_loss_per_h, hours)

    def after(self, level: float, in_rate: float, out_rate: float, hours: float) -> float:
        """Compute the level after some hours of constant rates at the terminals, in the carrier's unit."""
        net = in_rate * self.in_efficiency - out_rate / self.out_efficiency
        return level * self.retention(hours) + net * self.effective_hours(hours)
