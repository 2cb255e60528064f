"""Machines in engineering terms; each is converted to a ``Converter``, the only machine that twin and model know.

``units`` gives the unit of measure of each carrier; hydrogen, for example, may be balanced in MWh, t or Nm3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from emberline.scenarios.assets.base import AssetSeries, Use
from emberline.scenarios.assets.converter import Converter, LoadPoint, Machine, Stream
from emberline.scenarios.assets.quantity import ELECTRICITY, Amount, MoneyPerUnit, PerHour
from emberline.scenarios.records.base import Record
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.quantity import Fraction, KilowattHoursPerTonne, Megawatts, TonnesPerHour, read_in
from emberline.scenarios.records.series import FactorSeries, Series

HYDROGEN = {"t": 0.001, "MWh": 0.033326, "Nm3": 1 / 0.08988}
"""One kilogram of hydrogen by unit: lower heating value 119.97 MJ/kg, 0.08988 kg/Nm³ (NIST Chemistry WebBook)."""
KilowattHoursPerKilogram = Annotated[float, read_in("kWh/kg"), Field(gt=0, le=1000)]
Efficiency = Annotated[float, read_in(""), Field(gt=0, le=2)]
"""Ratio of output to input based on the lower heating value; above 1 for condensing boilers."""


class EnginePoint(Record):
    """Efficiencies of an engine at one load."""

    load: Fraction
    electric: Fraction = Field(gt=0)
    heat: Fraction = 0


class _NamedCarriers(Machine):
    cost_per_unit: MoneyPerUnit = Field(default=0, ge=0)
    """Cost of wear and maintenance per unit of the main flow."""


def _in_mwh(units: Mapping[str, str], *carriers: str | None) -> None:
    for carrier in carriers:
        if carrier is not None and units.get(carrier, "MWh") != "MWh":
            raise ValueError(
                f"takes and gives what is counted in MWh; carrier {carrier!r} is counted in {units[carrier]} "
                "(kind: converter takes any unit)"
            )


def _either(name: str, ratio: str, value: float | None, by_load: Sequence[LoadPoint], not_zero: str) -> None:
    """Check that a ratio is either constant or given by load, and positive.

    Raises:
        ValueError: both or neither are given, or the ratio is zero at a load.
    """
    if (value is None) == (not by_load):
        raise ValueError(f"{name}: give exactly one of {ratio} and by_load")
    if any(point.per_unit == 0 for point in by_load):
        raise ValueError(f"{name}: {not_zero} above 0")


def _divided(carrier: str, amount: float, ratio: float | None, by_load: Sequence[LoadPoint]) -> Stream:
    """Return the flow of an amount divided by a ratio, which is constant or given by load."""
    if ratio is not None:
        return _stream(carrier, amount / ratio)
    points = tuple(LoadPoint(load=point.load, per_unit=amount / point.per_unit) for point in by_load)
    return Stream(carrier=carrier, by_load=points)


def _stream(carrier: str, per_unit: float | Series) -> Stream:
    return Stream(carrier=carrier, per_unit=per_unit if isinstance(per_unit, Series) else Series(value=per_unit))


class GasEngine(_NamedCarriers):
    """Gas engine or other fuelled generator, with or without heat recovery. Main flow: electricity out."""

    electric: ClassVar[int] = 1
    size: ClassVar[str] = "electric_mw"
    kind: Literal["gas_engine", "chp"]
    electric_mw: Megawatts = Field(gt=0)
    fuel: str
    heat: str | None = None
    """Carrier of the recovered heat."""
    electric_efficiency: Fraction | None = Field(default=None, gt=0)
    """Efficiency at all loads, unless ``by_load`` is given."""
    heat_efficiency: Fraction = 0
    by_load: tuple[EnginePoint, ...] = ()

    def check(self) -> None:
        if (self.electric_efficiency is None) == (not self.by_load):
            raise ValueError(f"{self.name}: give exactly one of electric_efficiency and by_load")
        if self.by_load and self.heat_efficiency:
            raise ValueError(f"{self.name}: give the efficiencies of heat in by_load too")
        points = self.by_load or (
            EnginePoint(load=1, electric=self.electric_efficiency or 1, heat=self.heat_efficiency),
        )
        for point in points:
            if point.electric + point.heat > 1.1:
                raise ValueError(
                    f"{self.name}: electricity and heat add up to {point.electric + point.heat:g} of the fuel"
                )
        if self.heat is None and any(point.heat for point in points):
            raise ValueError(f"{self.name}: heat must name the carrier of the recovered heat")

    @property
    def burns(self) -> tuple[str, ...]:
        """Its fuel, as a tuple."""
        return (self.fuel,)

    def core(self, units: Mapping[str, str]) -> Converter:
        """Return a converter with electricity out, fuel in and heat out."""
        _in_mwh(units, self.fuel, self.heat)
        if self.by_load:
            fuel = tuple(LoadPoint(load=p.load, per_unit=1 / p.electric) for p in self.by_load)
            heat = tuple(LoadPoint(load=p.load, per_unit=p.heat / p.electric) for p in self.by_load)
            inputs = (Stream(carrier=self.fuel, by_load=fuel),)
            outputs = (Stream(carrier=self.heat, by_load=heat),) if self.heat else ()
        else:
            electric = self.electric_efficiency or 1.0
            inputs = (_stream(self.fuel, 1 / electric),)
            outputs = (_stream(self.heat, self.heat_efficiency / electric),) if self.heat else ()
        return self.converter(ELECTRICITY, self.electric_mw, inputs=inputs, outputs=outputs)


class Boiler(_NamedCarriers):
    """Boiler; with ``electricity`` as fuel, an electrode boiler. Main flow: heat out."""

    size: ClassVar[str] = "heat_mw"
    kind: Literal["boiler"]
    heat_mw: Megawatts = Field(gt=0)
    fuel: str
    heat: str
    efficiency: Efficiency | None = None
    by_load: tuple[LoadPoint, ...] = ()
    """Efficiency by load, given as ``per_unit``."""

    def check(self) -> None:
        _either(self.name, "efficiency", self.efficiency, self.by_load, "an efficiency is")

    @property
    def burns(self) -> tuple[str, ...]:
        """Its fuel, as a tuple."""
        return (self.fuel,)

    def core(self, units: Mapping[str, str]) -> Converter:
        """Return a converter with heat out and fuel in."""
        _in_mwh(units, self.fuel, self.heat)
        fuel = _divided(self.fuel, 1, self.efficiency, self.by_load)
        return self.converter(self.heat, self.heat_mw, inputs=(fuel,))


class HeatPump(_NamedCarriers):
    """Heat pump. Main flow: electricity in."""

    electric: ClassVar[int] = -1
    size: ClassVar[str] = "electric_mw"
    kind: Literal["heat_pump"]
    electric_mw: Megawatts = Field(gt=0)
    heat: str
    cop: FactorSeries
    """Ratio of heat to electricity: a number, or a series that depends on temperature."""
    source: str | None = None
    """Carrier of the heat source; none: air, water or ground, which are not balanced."""

    def check(self) -> None:
        if self.source is not None and self.cop.value is None:
            raise ValueError(f"{self.name}: with a source that is balanced, cop must be a number")
        if self.cop.value is not None and self.cop.value * self.cop.scale < 1:
            raise ValueError(f"{self.name}: cop must be at least 1, got {self.cop.value * self.cop.scale:g}")

    def core(self, units: Mapping[str, str]) -> Converter:
        """Return a converter with electricity and source heat in, and heat out."""
        _in_mwh(units, self.heat, self.source)
        remaining = (_stream(self.source, (self.cop.value or 1.0) * self.cop.scale - 1),) if self.source else ()
        return self.converter(
            ELECTRICITY, self.electric_mw, main="input", inputs=remaining, outputs=(_stream(self.heat, self.cop),)
        )

    def wants(self) -> Iterator[AssetSeries]:
        """Iterate over its series: availability and COP."""
        yield from super().wants()
        yield AssetSeries("outputs.0", ("cop",), self.cop)


class Electrolyser(_NamedCarriers):
    """Electrolyser. Main flow: electricity in."""

    electric: ClassVar[int] = -1
    size: ClassVar[str] = "electric_mw"
    kind: Literal["electrolyser"]
    electric_mw: Megawatts = Field(gt=0)
    hydrogen: str
    kwh_per_kg: KilowattHoursPerKilogram | None = None
    by_load: tuple[LoadPoint, ...] = ()
    """Specific electricity by load, given as ``per_unit`` [kWh/kg]."""
    waste_heat: str | None = None
    waste_heat_share: Fraction = 0
    """Share of the electricity that becomes usable heat."""

    def check(self) -> None:
        _either(self.name, "kwh_per_kg", self.kwh_per_kg, self.by_load, "kWh per kg are")

    def core(self, units: Mapping[str, str]) -> Converter:
        """Return a converter with electricity in, and hydrogen and waste heat out; 1 MWh yields 1000/(kWh/kg) kg."""
        _in_mwh(units, self.waste_heat)
        kilogram = HYDROGEN[units.get(self.hydrogen, "t")]
        product = _divided(self.hydrogen, 1000 * kilogram, self.kwh_per_kg, self.by_load)
        warm = (_stream(self.waste_heat, self.waste_heat_share),) if self.waste_heat else ()
        return self.converter(ELECTRICITY, self.electric_mw, main="input", outputs=(product, *warm))


class Turbine(_NamedCarriers):
    """Steam, ORC, top-gas or expansion turbine. Main flow: electricity out."""

    electric: ClassVar[int] = 1
    size: ClassVar[str] = "electric_mw"
    kind: Literal["turbine", "orc"]
    electric_mw: Megawatts = Field(gt=0)
    input: str
    """Carrier that drives the turbine."""
    mwh_per_unit: float = Field(gt=0)
    """Electricity per unit of the input carrier; if that is measured in MWh, this is the efficiency."""
    exhaust: str | None = None
    """Exhaust carrier of a back-pressure turbine."""
    exhaust_per_unit: float = Field(default=0, ge=0)
    """Amount of exhaust per unit of the input carrier."""

    def core(self, units: Mapping[str, str]) -> Converter:
        """Return a converter with electricity and exhaust out, and the driving carrier in."""
        out = (_stream(self.exhaust, self.exhaust_per_unit / self.mwh_per_unit),) if self.exhaust else ()
        return self.converter(
            ELECTRICITY, self.electric_mw, inputs=(_stream(self.input, 1 / self.mwh_per_unit),), outputs=out
        )


class WasteHeatRecovery(_NamedCarriers):
    """Generator of steam or hot water from waste heat. Main flow: heat out."""

    size: ClassVar[str] = "heat_mw"
    kind: Literal["waste_heat_recovery"]
    heat_mw: Megawatts = Field(gt=0)
    source: str
    """Carrier of the waste heat."""
    heat: str
    efficiency: Fraction = Field(gt=0)
    electric_mwh_per_mwh: float = Field(default=0, ge=0, le=1)
    """Electricity of pumps and fans per MWh of heat."""

    def core(self, units: Mapping[str, str]) -> Converter:
        """Return a converter with heat out, and waste heat and electricity in."""
        _in_mwh(units, self.heat, self.source)
        auxiliary = (_stream(ELECTRICITY, self.electric_mwh_per_mwh),) if self.electric_mwh_per_mwh else ()
        return self.converter(self.heat, self.heat_mw, inputs=(_stream(self.source, 1 / self.efficiency), *auxiliary))


class OxygenPlant(_NamedCarriers):
    """Air separation unit. Main flow: oxygen out."""

    electric: ClassVar[int] = -1
    size: ClassVar[str] = "rate_tph"
    kind: Literal["oxygen_plant"]
    oxygen: str
    rate_tph: TonnesPerHour = Field(gt=0)
    """Largest oxygen production per hour."""
    kwh_per_t: KilowattHoursPerTonne = Field(gt=0)

    def core(self, units: Mapping[str, str]) -> Converter:
        """Return a converter with oxygen out and electricity in."""
        if units.get(self.oxygen) == "MWh":
            raise ValueError(f"oxygen is counted in t or Nm3; carrier {self.oxygen!r} is counted in MWh")
        # 1.429 kg/Nm³ at 0 °C and 1.01325 bar
        tonne = 1.0 if units.get(self.oxygen, "t") == "t" else 1000 / 1.429
        return self.converter(
            self.oxygen, self.rate_tph * tonne, inputs=(_stream(ELECTRICITY, self.kwh_per_t / 1000 / tonne),)
        )


class FlexibleLoad(Machine):
    """Load that must consume a given amount each local day at any time, such as compressors, pumps or a crusher.

    Main flow: consumption. On a day that the horizon covers only in part, the amount is reduced proportionally. Days
    of 23 or 25 hours have the full amount.
    """

    size: ClassVar[str] = "rate_limit"
    kind: Literal["flexible_load"]
    flexible: ClassVar[bool] = True
    decided: ClassVar[bool] = False
    carrier: str = ELECTRICITY
    rate_limit: PerHour = Field(gt=0)
    per_day: Amount
    first_day: Amount | None = None
    """Amount still to be consumed on the first local day; none: in proportion to the part within the horizon."""

    def check(self) -> None:
        if self.per_day > 24 * self.rate_limit * (1 + 1e-9):
            raise ValueError(f"per_day {self.per_day:g} is more than rate_limit {self.rate_limit:g} takes in 24 h")

    def core(self, units: Mapping[str, str]) -> Converter:
        """Return a converter with the load as input; ``days`` returns the amount of each day."""
        return self.converter(self.carrier, self.rate_limit, main="input")

    def days(self, horizon: Horizon) -> list[tuple[range, float]]:
        """Return the steps of each local day and the amount to consume in them, in the carrier's unit."""
        return horizon.by_day(self.per_day, self.first_day)

    def committed_mw(self, horizon: Horizon) -> np.ndarray:
        """Return the power if the consumption is spread evenly over each day [MW], shape (n_steps,)."""
        rate = np.zeros(horizon.n_steps)
        for steps, amount in self.days(horizon) if self.carrier == ELECTRICITY else ():
            rate[steps.start : steps.stop] = amount / (len(steps) * horizon.step_h)
        return rate

    def later(self, core: Converter, use: Use, k: int, horizon: Horizon) -> dict[str, Any]:
        """Return the machine state after ``k`` steps and the remaining amount of the current day."""
        update = super().later(core, use, k, horizon)
        for steps, amount in self.days(horizon):
            if steps.start < k < steps.stop:
                amount_so_far = float(np.abs(use.rates["main"][steps.start : k]).sum()) * use.hours
                update["first_day"] = float(
                    np.clip(amount - amount_so_far, 0.0, core.capacity * (steps.stop - k) * use.hours)
                )
        return update
