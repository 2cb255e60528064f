"""Source streams: tonnes of CO2 from an amount of fuel or material by calculation, mass balance or measurement.

Equations of Implementing Regulation (EU) 2025/2547, annex II, section B, as the Commission's communication template
(v2.1.1, sheet ``B_EmInst``) states them, with amount A, net calorific value NCV, emission factor EF, biogenic share b,
oxidation factor OF, conversion factor CF and carbon content C::

    combustion     A · NCV · EF / 1000 · OF · (1 − b)        process    A · EF · CF · (1 − b)
    mass balance   A · C · 3.664 · (1 − b)                   measured   A · (1 − b)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field, model_validator

from emberline.scenarios.records.base import Record

Method = Literal["combustion", "process", "mass_balance", "measurement"]
CO2_PER_CARBON = 3.664
"""t CO2 per t C, as the regulation rounds 44.01/12.011."""
REQUIREMENTS: dict[Method, tuple[tuple[str, ...], ...]] = {
    "combustion": (("kg_co2_per_gj", "t_co2_per_unit"),),
    "process": (("t_co2_per_unit",),),
    "mass_balance": (("carbon_content",),),
    "measurement": (),
}
"""Factors that a method needs, one of each group."""
USED: dict[Method, frozenset[str]] = {
    "combustion": frozenset({"ncv_gj_per_unit", "kg_co2_per_gj", "t_co2_per_unit", "oxidation"}),
    "process": frozenset({"ncv_gj_per_unit", "t_co2_per_unit", "conversion"}),
    "mass_balance": frozenset({"ncv_gj_per_unit", "carbon_content", "carbon_to_co2"}),
    "measurement": frozenset(),
}
"""Factors that a method may have."""
_FACTORS = frozenset().union(*USED.values())


@dataclass(frozen=True)
class StreamEmissions:
    """Emissions of a source stream over a period."""

    fossil_t_co2: float
    biogenic_t_co2: float
    """Apart, in no total."""
    energy_tj: float = 0.0
    """Net energy, where the stream has a calorific value."""


class SourceStream(Record):
    """A fuel, a material or a stack: its method and its factors per unit of its amount."""

    name: str = Field(min_length=1, max_length=80)
    method: Method
    """Method that determines its emissions."""
    unit: str = Field(default="t", min_length=1, max_length=20)
    """Of the amount: ``t``, ``1000Nm3``, ``TJ`` …; measured streams count t CO2."""
    ncv_gj_per_unit: float | None = Field(default=None, gt=0)
    """Net calorific value."""
    kg_co2_per_gj: float | None = Field(default=None, ge=0)
    """Emission factor by energy, the same number as t CO2/TJ."""
    t_co2_per_unit: float | None = Field(default=None, ge=0)
    """Emission factor by amount."""
    carbon_content: float | None = Field(default=None, ge=0)
    """t C per unit."""
    carbon_to_co2: float = Field(default=CO2_PER_CARBON, gt=0)
    """From carbon to carbon dioxide."""
    biogenic_share: float = Field(default=0.0, ge=0, le=1)
    """Share of its carbon that is biogenic, in no total."""
    oxidation: float = Field(default=1.0, gt=0, le=1)
    """Share that is oxidised, of a fuel."""
    conversion: float = Field(default=1.0, ge=0, le=1)
    """Share that is converted, of a process input."""

    @model_validator(mode="after")
    def _complete(self) -> SourceStream:
        for group in REQUIREMENTS[self.method]:
            stated = [name for name in group if getattr(self, name) is not None]
            if len(stated) != 1:
                problem = "has both" if stated else "needs"
                raise ValueError(f"{self.method} stream {self.name} {problem} {' or '.join(group)}")
        if self.kg_co2_per_gj is not None and self.ncv_gj_per_unit is None:
            raise ValueError(f"stream {self.name} has kg_co2_per_gj and needs ncv_gj_per_unit")
        foreign = sorted((self.model_fields_set & _FACTORS) - USED[self.method])
        if foreign:
            raise ValueError(f"{self.method} stream {self.name} does not use {', '.join(foreign)}")
        return self

    @property
    def t_co2_each(self) -> float:
        """Fossil and biogenic CO2 of one unit [t]."""
        if self.method == "mass_balance":
            return (self.carbon_content or 0.0) * self.carbon_to_co2
        if self.method == "measurement":
            return 1.0
        if self.kg_co2_per_gj is not None:
            return (self.ncv_gj_per_unit or 0.0) * self.kg_co2_per_gj / 1000 * self.oxidation
        part = self.oxidation if self.method == "combustion" else self.conversion
        return (self.t_co2_per_unit or 0.0) * part

    def emissions(self, amount: float) -> StreamEmissions:
        """Emissions of an amount of the stream.

        Args:
            amount: in the stream's unit; negative for what leaves by a mass balance.

        Raises:
            ValueError: a negative amount of another method.
        """
        if amount < 0 and self.method != "mass_balance":
            raise ValueError(f"stream {self.name}: amount {amount:g} is negative; only a mass balance has outputs")
        t_co2 = amount * self.t_co2_each
        return StreamEmissions(
            t_co2 * (1 - self.biogenic_share),
            t_co2 * self.biogenic_share,
            amount * (self.ncv_gj_per_unit or 0.0) / 1000,
        )
