"""The site: grid connection, fixed base load, PV and battery. Record and pure physics."""

from __future__ import annotations

import math

from pydantic import Field, model_validator

from scenarios.quantity import Fraction, MegawattHours, Megawatts, PerHour, PositiveMinutes
from scenarios.record import Record
from scenarios.series import FactorSeries, PowerSeries, Series


class Grid(Record):
    """The connection to the public grid. The limits hold for the mean over the metered interval."""

    import_limit_mw: Megawatts | None = None
    export_limit_mw: Megawatts = 0
    metered_interval_min: PositiveMinutes = 15

    @model_validator(mode="after")
    def _interval(self) -> Grid:
        if self.metered_interval_min != int(self.metered_interval_min) or 60 % int(self.metered_interval_min):
            raise ValueError(f"metered_interval_min {self.metered_interval_min:g} does not divide the hour")
        return self


class Pv(Record):
    """A photovoltaic plant; what is neither used nor exported is curtailed."""

    peak_mw: Megawatts
    capacity_factor: FactorSeries


class Battery(Record):
    """A battery, with its level at the start and the level wanted at the end of the horizon."""

    energy_mwh: MegawattHours
    power_mw: Megawatts
    """Longest-lasting charge and discharge power at the terminals."""
    charge_efficiency: Fraction = Field(default=0.95, gt=0)
    discharge_efficiency: Fraction = Field(default=0.95, gt=0)
    self_loss_per_h: PerHour = 0.0
    """Share of the level lost in an hour."""
    level_share: Fraction = 0.5
    """Level at the start, as a share of the capacity, unless the state tells it."""
    end_level_share: Fraction | None = None
    """Level wanted at the end; none: what it was at the start."""

    @model_validator(mode="after")
    def _usable(self) -> Battery:
        if self.energy_mwh > 0 and self.power_mw == 0:
            raise ValueError(
                "a battery with energy needs power; give power_mw above 0, or energy_mwh: 0 for no battery"
            )
        return self

    def kept(self, hours: float) -> float:
        """Share of the level that remains after some hours."""
        return (1 - self.self_loss_per_h) ** hours

    def after(self, level_mwh: float, charge_mw: float, discharge_mw: float, hours: float) -> float:
        """Level after ``hours`` of constant charge and discharge power at the terminals [MWh].

        Self-loss acts on the level continuously: dE/dt = −λE + p with λ = −ln(1 − loss per hour), so that the result
        does not depend on how the hours are cut into steps.
        """
        net = charge_mw * self.charge_efficiency - discharge_mw / self.discharge_efficiency
        return level_mwh * self.kept(hours) + net * self.effective_hours(hours)

    def effective_hours(self, hours: float) -> float:
        """Hours that count for what is put in over an interval, its own loss until the interval's end taken off."""
        if self.self_loss_per_h == 0:
            return hours
        rate = -math.log1p(-self.self_loss_per_h) if self.self_loss_per_h < 1 else math.inf
        return -math.expm1(-rate * hours) / rate if math.isfinite(rate) else 0.0


class Site(Record):
    """What feeds the line."""

    grid: Grid = Grid()
    base_load_mw: PowerSeries = Series(value=0.0)
    pv: Pv | None = None
    battery: Battery | None = None
