"""Site: grid connection, battery, carriers and assets; base load and PV have a short notation.

Electricity is a carrier like any other; ``battery`` and the grid are part of its balance.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from emberline.scenarios.assets.base import POWER, Asset, Carrier, Named, of
from emberline.scenarios.assets.converter import Converter
from emberline.scenarios.assets.quantity import CARRIERS, ELECTRICITY, unit_in
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.assets.trade import Load, OneFlow, Renewable, Sale, Source, Supply
from emberline.scenarios.records.base import Misplaced, Record, repeated
from emberline.scenarios.records.quantity import Fraction, MegawattHours, Megawatts, PerHour, PositiveMinutes
from emberline.scenarios.records.series import Entry, FactorSeries, PowerSeries, Series

BASE_LOAD, PV = "base load", "PV"
"""Names of the assets given by ``base_load_mw`` and ``pv``."""


class Grid(Record):
    """Connection to the public grid. The limits apply to the mean over a metered interval."""

    import_limit_mw: Megawatts | None = None
    export_limit_mw: Megawatts = 0
    metered_interval_min: PositiveMinutes = 15

    def check(self) -> None:
        if self.metered_interval_min != int(self.metered_interval_min) or 60 % int(self.metered_interval_min):
            text = f"metered_interval_min {self.metered_interval_min:g} does not divide the hour"
            raise Misplaced(text, "metered_interval_min")


class Pv(Record):
    """Photovoltaic plant; power that is neither used nor exported is curtailed."""

    peak_mw: Megawatts
    capacity_factor: FactorSeries


class Battery(Record):
    """Short notation for an electricity storage (``as_store``)."""

    energy_mwh: MegawattHours
    power_mw: Megawatts
    """Continuous charge and discharge power at the terminals."""
    charge_efficiency: Fraction = Field(default=0.95, gt=0)
    discharge_efficiency: Fraction = Field(default=0.95, gt=0)
    self_loss_per_h: PerHour = 0.0
    """Share of the level lost per hour."""
    level_share: Fraction = 0.5
    """Initial level as a share of the capacity, unless given by the state."""
    end_level_share: Fraction | None = None
    """Required final level as a share of the capacity; none: the initial level."""

    def check(self) -> None:
        if self.energy_mwh > 0 and self.power_mw == 0:
            text = "a battery with energy needs power; give power_mw above 0, or energy_mwh: 0 for no battery"
            raise Misplaced(text, "power_mw")

    def as_store(self, level_mwh: float | None) -> Storage | None:
        """Return the battery as an electricity storage; None if it has no capacity.

        Args:
            level_mwh: initial level [MWh]; None: given by ``level_share``.
        """
        if not self.energy_mwh:
            return None
        start = self.level_share if level_mwh is None else min(level_mwh / self.energy_mwh, 1.0)
        return Storage(
            kind="storage",
            name="battery",
            carrier=ELECTRICITY,
            capacity=self.energy_mwh,
            in_rate=self.power_mw,
            out_rate=self.power_mw,
            in_efficiency=self.charge_efficiency,
            out_efficiency=self.discharge_efficiency,
            self_loss_per_h=self.self_loss_per_h,
            level_share=start,
            end_level_share=self.end_level_share,
        )


class Site(Record):
    """Grid connection, base load, PV, battery, carriers and assets of the plant."""

    grid: Grid = Grid()
    base_load_mw: PowerSeries = Series(value=0.0)
    pv: Pv | None = None
    battery: Battery | None = None
    carriers: tuple[Carrier, ...] = Field(default=(), max_length=200, validate_default=True)
    """Carriers in addition to electricity, which always exists."""
    assets: tuple[Asset, ...] = Field(default=(), max_length=500)

    @model_validator(mode="before")
    @classmethod
    def _unread(cls, raw: Any, info: ValidationInfo) -> Any:
        if info.context is not None:
            info.context[CARRIERS] = None  # fields that need the carriers are not judged until these are read
        return raw

    @field_validator("carriers")
    @classmethod
    def _carriers(cls, carriers: tuple[Carrier, ...], info: ValidationInfo) -> tuple[Carrier, ...]:
        twice = repeated(carrier.name for carrier in carriers)
        if twice:
            raise ValueError(f"carrier name used twice: {', '.join(twice)}")
        if any(carrier.name == ELECTRICITY and carrier.unit != "MWh" for carrier in carriers):
            raise ValueError("electricity is counted in MWh")
        if info.context is not None:
            # the assets, which are read next, look up the units of their quantities here
            info.context[CARRIERS] = {carrier.name: carrier.unit for carrier in (POWER, *carriers)}
        return carriers

    @cached_property
    def carrier(self) -> dict[str, Carrier]:
        """Carriers by name, electricity first."""
        return {carrier.name: carrier for carrier in (POWER, *self.carriers)}

    @cached_property
    def cores(self) -> dict[str, Converter]:
        """All machines and flexible loads as converters, by name."""
        units = {name: carrier.unit for name, carrier in self.carrier.items()}
        return {core.name: core for core in of((asset.core(units) for asset in self.assets), Converter)}

    @cached_property
    def base_load(self) -> Load:
        """The base load as an asset."""
        return Load(kind="load", name=self._free(BASE_LOAD), carrier=ELECTRICITY, rate=self.base_load_mw)

    @cached_property
    def sun(self) -> Renewable | None:
        """The PV plant in short notation as an asset; None if it has no capacity."""
        if self.pv is None or not self.pv.peak_mw:
            return None
        factor = self.pv.capacity_factor
        return Renewable(kind="pv", name=self._free(PV), peak_mw=self.pv.peak_mw, capacity_factor=factor)

    def _free(self, name: str) -> str:
        return f"site {name}" if any(asset.name == name for asset in self.assets) else name

    @cached_property
    def short(self) -> tuple[Named, ...]:
        """Assets in short notation."""
        return (self.base_load,) if self.sun is None else (self.base_load, self.sun)

    @cached_property
    def equipment(self) -> tuple[Named, ...]:
        """Assets as used by twin and models, with machines and flexible loads as converters; short notations first."""
        return (*self.short, *(self.cores.get(asset.name, asset) for asset in self.assets))

    @cached_property
    def fixed(self) -> tuple[OneFlow, ...]:
        """Loads and sources of electricity, which are not decisions."""
        return tuple(asset for asset in of(self.equipment, Load, Source) if asset.carrier == ELECTRICITY)

    @cached_property
    def moving(self) -> tuple[Named, ...]:
        """Assets other than ``fixed`` and ``renewables``, as used by twin and models."""
        names = {asset.name for asset in (*self.fixed, *self.renewables)}
        return tuple(asset for asset in self.equipment if asset.name not in names)

    @cached_property
    def renewables(self) -> tuple[Renewable, ...]:
        """PV and wind, whose unused power is curtailed."""
        return of(self.equipment, Renewable)

    @cached_property
    def stores(self) -> dict[str, Storage]:
        """Stores by name, without ``battery``."""
        return {store.name: store for store in of(self.assets, Storage)}

    @cached_property
    def supplies(self) -> dict[str, Supply]:
        """Supplies by name."""
        return {supply.name: supply for supply in of(self.assets, Supply)}

    @cached_property
    def sales(self) -> dict[str, Sale]:
        """Sales by name."""
        return {sale.name: sale for sale in of(self.assets, Sale)}

    @cached_property
    def loads(self) -> tuple[Load, ...]:
        """Loads, with the base load first."""
        return of(self.equipment, Load)

    @cached_property
    def limited(self) -> dict[str, float]:
        """Limits over the horizon by name of the asset."""
        limits = {asset.name: getattr(asset, "horizon_limit", None) for asset in self.assets}
        return {name: limit for name, limit in limits.items() if limit is not None}

    @cached_property
    def flexible(self) -> dict[str, Named]:
        """Flexible loads by name."""
        return {asset.name: asset for asset in self.assets if asset.flexible}

    def touches(self, carrier: str) -> bool:
        """Return whether any asset consumes or supplies a carrier."""
        return any(carrier == name for asset in self.assets for _, name in asset.touches())

    def series(self, currency: str) -> Iterator[Entry]:
        """Iterate over the series of base load, PV and assets, with their places within the site."""
        yield "base_load_mw", ("base_load_mw",), self.base_load_mw, "MW"
        if self.pv is not None:
            yield "pv_available_mw", ("pv", "capacity_factor"), self.pv.capacity_factor, ""
        for i, asset in enumerate(self.assets):
            for entry in asset.wants():
                carrier = self.carrier.get(entry.carrier)
                unit = unit_in(entry.unit, carrier.unit if carrier else "MWh", currency)
                yield entry.label(asset.name), ("assets", i, *entry.place), entry.series, unit
