"""Deliveries from stores and arrivals into them by truck, train or ship.

A continuous demand (a rate, or trucks by weekday and hour) is served as it occurs. An order is an amount to be
delivered at any time between its release and its due time.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from emberline.scenarios.records.base import NAME, Record
from emberline.scenarios.records.horizon import Horizon, Moment
from emberline.scenarios.records.quantity import Tonnes, TonnesPerHour
from emberline.scenarios.records.series import TonnageSeries
from emberline.scenarios.tariff.windows import Window


class Trucks(Window):
    """Loading on given weekdays and hours of the plant's local time."""

    rate_tph: TonnesPerHour


class Arrival(Record):
    """Material that arrives in a store at a given rate."""

    label: ClassVar[str] = "arrival"
    """Dimension of its series in the inputs."""
    name: str = Field(pattern=NAME)
    store: str
    rate: TonnageSeries | None = None
    """Rate as a number or a series."""
    weekly: tuple[Trucks, ...] = ()
    """Rates by weekday and hour; overlapping rates add up."""

    def check(self) -> None:
        self._one_of(rate=self.rate is not None, weekly=bool(self.weekly))

    def _one_of(self, **options: bool) -> None:
        if sum(options.values()) != 1:
            raise ValueError(f"{self.name}: give one of {', '.join(options)}")

    def rate_tph(self, horizon: Horizon, series: np.ndarray | None) -> np.ndarray:
        """Compute the mean rate over each step [t/h], shape (n_steps,).

        Args:
            horizon: horizon with steps and time zone.
            series: ``rate`` on the steps, if it is a series.
        """
        if self.rate is not None:
            return np.full(horizon.n_steps, self.rate.value or 0.0) if series is None else series
        rate = np.zeros(horizon.n_steps)
        month, weekday, minute = horizon.local_minutes()
        for trucks in self.weekly:
            covered = trucks.covers(month, weekday, minute)
            rate += trucks.rate_tph * covered.reshape(horizon.n_steps, -1).mean(axis=1)
        return rate


class Delivery(Arrival):
    """Material that leaves a store: a continuous demand or an order."""

    label: ClassVar[str] = "demand"
    amount_t: Tonnes | None = None
    """Total amount of an order."""
    release: Moment | None = None
    """Earliest loading of an order; none: the start of the horizon."""
    due: Moment | None = None
    """Latest departure of an order; none: the end of the horizon."""
    loading_tph: TonnesPerHour | None = None
    """Fastest loading of an order; none: within one step."""

    def check(self) -> None:
        self._one_of(rate=self.rate is not None, weekly=bool(self.weekly), amount_t=self.amount_t is not None)
        order_only = [name for name in ("release", "due", "loading_tph") if getattr(self, name) is not None]
        if self.amount_t is None and order_only:
            raise ValueError(f"{self.name}: {', '.join(order_only)} belongs to an order, which has amount_t")
        if self.loading_tph == 0:
            raise ValueError(f"{self.name}: loading_tph must be above 0")

    def span(self, horizon: Horizon) -> tuple[int, int]:
        """Return the half-open range of whole steps between release and due time of an order."""
        first = 0.0 if self.release is None else horizon.minutes(self.release)
        last = horizon.length_min if self.due is None else horizon.minutes(self.due)
        return int(np.ceil(first / horizon.step_min - 1e-9)), int(np.floor(last / horizon.step_min + 1e-9))

    def most_tph(self, step_h: float) -> float:
        """Return the fastest loading rate of an order [t/h]."""
        return (self.amount_t or 0.0) / step_h if self.loading_tph is None else self.loading_tph
