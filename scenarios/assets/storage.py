"""Whatever has a level: battery, heat store, hydrogen store, gas holder, tank of liquid oxygen. Record and physics."""

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
"""Self-loss per hour below which the formula loses more digits than the loss is worth."""


def retention(loss_per_h: float, hours: float) -> float:
    """Share of a level that remains after some hours."""
    return (1 - loss_per_h) ** hours


def effective_hours(loss_per_h: float, hours: float) -> float:
    """Hours that count for what is put in at a constant rate, its own loss until the interval's end taken off.

    Self-loss acts continuously: dE/dt = −λE + p with λ = −ln(1 − loss per hour), whose solution after h hours is
    E·exp(−λh) + p·(1 − exp(−λh))/λ. So the result does not depend on how the hours are cut into steps.
    """
    if loss_per_h < NOTHING:
        return hours
    rate = -math.log1p(-loss_per_h) if loss_per_h < 1 else math.inf
    return -math.expm1(-rate * hours) / rate if math.isfinite(rate) else 0.0


class Storage(Named):
    """A store of one carrier, which it neither gives nor takes on balance.

    Rates count at its terminals, on the carrier's side of the losses.
    """

    counted: ClassVar[str] = "out"
    size: ClassVar[str] = "capacity"
    kind: Literal["storage"]
    carrier: str
    capacity: Amount
    in_rate: PerHour | None = None
    """Most that may be put in per hour; none: no limit."""
    out_rate: PerHour | None = None
    in_efficiency: Fraction = Field(default=1.0, gt=0)
    out_efficiency: Fraction = Field(default=1.0, gt=0)
    self_loss_per_h: ShareLost = 0.0
    """Share of the level lost in an hour."""
    level_share: Fraction = 0.5
    """Level at the start, as a share of the capacity."""
    end_level_share: Fraction | None = None
    """Level wanted at the end, at least; none: what it was at the start."""
    lowest_share: Fraction = 0.0
    highest_share: Fraction = 1.0
    """Band that the level must keep to, as shares of the capacity."""
    wear_cost_per_unit: MoneyPerUnit = Field(default=0, ge=0)
    """Per unit put out."""
    both_ways: bool = False
    """Whether it can be filled and emptied at the same time, as a tank with two pipes can and a battery cannot."""

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
        """Its carrier, put in and out."""
        return {"in": self.carrier, "out": self.carrier}

    def touches(self) -> Iterator[tuple[Place, str]]:
        """Its carrier."""
        yield ("carrier",), self.carrier

    def items(self, use: Use) -> tuple[Item, ...]:
        """Wear by what is put out."""
        return (Item("wear", use.amount("out"), self.wear_cost_per_unit),)

    def later(self, core: Any, use: Use, k: int, horizon: Horizon) -> dict[str, Any]:
        """Its level, and the level wanted at the end, whatever the level at the start."""
        update: dict[str, Any] = {"end_level_share": self.end_level / self.capacity if self.capacity else 0.0}
        if k:
            assert use.level is not None
            level = float(use.level[k - 1])
            update["level_share"] = min(max(level, self.lowest), self.highest) / (self.capacity or 1.0)
        return update

    @property
    def most_out(self) -> float:
        """Most that may be put out per hour; infinite without a limit."""
        return math.inf if self.out_rate is None else self.out_rate

    def rate_limits(self, level: float) -> tuple[float, float]:
        """Most that may be put in and out per hour in a step that begins at a level; infinite without a limit."""
        return math.inf if self.in_rate is None else self.in_rate, self.most_out

    @property
    def one_way(self) -> bool:
        """Whether filling and emptying it at the same time differs from its net flow, and is not possible."""
        return self.in_efficiency * self.out_efficiency < 1 and not self.both_ways

    @property
    def start_level(self) -> float:
        """Level at the start, in the carrier's unit."""
        return self.level_share * self.capacity

    @property
    def end_level(self) -> float:
        """Level wanted at the end, in the carrier's unit."""
        return self.start_level if self.end_level_share is None else self.end_level_share * self.capacity

    @property
    def lowest(self) -> float:
        """Lowest level allowed, in the carrier's unit."""
        return self.lowest_share * self.capacity

    @property
    def highest(self) -> float:
        """Highest level allowed, in the carrier's unit."""
        return self.highest_share * self.capacity

    def retention(self, hours: float) -> float:
        """Share of the level that remains after some hours."""
        return retention(self.self_loss_per_h, hours)

    def effective_hours(self, hours: float) -> float:
        """Hours that count for a constant flow, its own loss until the end taken off."""
        return effective_hours(self.self_loss_per_h, hours)

    def after(self, level: float, in_rate: float, out_rate: float, hours: float) -> float:
        """Level after some hours of constant rates at the terminals, in the carrier's unit."""
        net = in_rate * self.in_efficiency - out_rate / self.out_efficiency
        return level * self.retention(hours) + net * self.effective_hours(hours)
