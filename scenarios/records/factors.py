"""Emission factors: rows with value, gas, unit, source and period of validity, looked up by name and date.

A row gives the mass of one gas per unit of a fuel, material or purchase. Energy refers to the lower (net) heating
value; rows based on the higher (gross) value give the ratio. Biogenic CO2 is reported separately and excluded from all
totals; methane and nitrous oxide always count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache, cached_property
from typing import Literal

from pydantic import Field

from emberline.scenarios.records.base import Record
from emberline.scenarios.records.quantity import convert, converts, factor

Gas = Literal["CO2", "CH4", "N2O", "CO2e"]
Gases = Literal["CO2", "all"]
"""``CO2``: as in emissions trading; ``all``: including methane and nitrous oxide."""
Warming = Literal["AR5", "AR6"]
WARMING: dict[str, dict[str, float]] = {
    "AR5": {"CO2": 1.0, "CO2e": 1.0, "CH4": 28.0, "CH4 biogenic": 28.0, "N2O": 265.0},
    "AR6": {"CO2": 1.0, "CO2e": 1.0, "CH4": 29.8, "CH4 biogenic": 27.0, "N2O": 273.0},
}
"""Global warming potential over 100 years [kg CO2e/kg]: IPCC, fifth report (WG I, table 8.7, as used by the rulebook of
the Paris Agreement) and sixth report (WG I, table 7.15)."""


class FactorRow(Record):
    """Row of a factor table."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_]{0,59}$")
    gas: Gas = "CO2"
    value: float = Field(ge=0, le=1e9)
    unit: str
    """Mass of gas per unit of activity, such as ``kg/GJ``, ``t/t`` or ``kg/MWh``."""
    scope: str = Field(default="", pattern=r"^(|scope1_fuel|scope1_process|scope2_location|scope2_market)$")
    biogenic: bool = False
    heating_value: str = ""
    """Net energy per mass or volume, such as ``48 GJ/t``; required for conversions between them."""
    basis: Literal["net", "gross"] = "net"
    """Heating value to which units of energy refer."""
    gross_per_net: float | None = Field(default=None, gt=1, le=1.5)
    """Ratio of higher to lower heating value; required if the basis is gross."""
    valid_from: date | None = None
    valid_to: date | None = None
    """Last day on which the row is valid."""
    source: str = Field(min_length=1)

    def check(self) -> None:
        mass, slash, _ = self.unit.partition("/")
        if not slash:
            raise ValueError(f"unit {self.unit!r} is not a mass per unit, such as kg/GJ")
        factor(mass, "kg")
        if self.heating_value:
            _energy_of(self.heating_value, self.per)
        if self.basis == "gross" and self.gross_per_net is None:
            raise ValueError("a row by the gross heating value needs gross_per_net, the ratio of gross to net")
        if self.valid_from and self.valid_to and self.valid_from > self.valid_to:
            raise ValueError(f"valid_to {self.valid_to} lies before valid_from {self.valid_from}")

    @property
    def per(self) -> str:
        """Unit of activity, such as ``GJ``, ``t`` or ``MWh``."""
        return self.unit.partition("/")[2].strip()

    def kg_per(self, unit: str) -> float:
        """Return the mass of the gas per unit of activity [kg].

        Raises:
            ValueError: the units cannot be converted, or only with a heating value, which is missing.
        """
        kg = self.value * factor(self.unit.partition("/")[0].strip(), "kg")
        if self.basis == "gross" and converts(self.per, "MWh"):
            kg *= self.gross_per_net or 1.0
        if converts(unit, self.per):
            return kg * factor(unit, self.per)
        if self.heating_value:
            energy, counted = _energy_of(self.heating_value, self.per)
            if converts(self.per, "MWh") and converts(unit, counted):
                return kg * factor("MWh", self.per) * energy * factor(unit, counted)
            if converts(unit, "MWh") and converts(self.per, counted):
                return kg * factor(unit, "MWh") / (energy * factor(self.per, counted))
        reason = f"has {self.heating_value}" if self.heating_value else "has no heating_value"
        raise ValueError(f"factor {self.name} counts by {self.per} and {reason}: it cannot be given by {unit}")

    def holds(self, first: date, last: date) -> bool:
        """Return whether the row is valid on all days of a span."""
        return (self.valid_from or date.min) <= first and last <= (self.valid_to or date.max)

    @property
    def span(self) -> str:
        """Period of validity, in words."""
        if self.valid_from is None and self.valid_to is None:
            return "always"
        return f"{self.valid_from or '…'} to {self.valid_to or '…'}"

    def meets(self, other: FactorRow) -> bool:
        """Return whether two rows would count the same emissions twice on any day."""
        same = self.gas == other.gas or "CO2e" in (self.gas, other.gas)
        return (
            self.name == other.name
            and same
            and self.biogenic == other.biogenic
            and (self.valid_from or date.min) <= (other.valid_to or date.max)
            and (other.valid_from or date.min) <= (self.valid_to or date.max)
        )


@cache
def _energy_of(text: str, per: str) -> tuple[float, str]:
    """Parse a heating value; return the net energy [MWh] and the unit of mass or volume."""
    for counted in ("t", "Nm3"):
        try:
            return convert(text, f"MWh/{counted}"), counted
        except ValueError:
            continue
    raise ValueError(f"heating_value {text!r} is not an energy per mass or normal volume such as '48 GJ/t' (per {per})")


@dataclass(frozen=True)
class Part:
    """Contribution of one gas to a factor."""

    gas: str
    apart: bool
    """Whether it is biogenic CO2, which is excluded from totals."""
    kg_per_unit: float
    """Emissions per unit [kg CO2e]."""
    source: str


class Factor(Record):
    """Emission factor of a scenario: the rows of one name that are valid over the horizon."""

    name: str
    rows: tuple[FactorRow, ...] = Field(min_length=1)
    warming: Warming = "AR5"

    def parts(self, unit: str) -> tuple[Part, ...]:
        """Return the contribution of each gas per unit of activity [kg CO2e].

        Raises:
            ValueError: the unit cannot be converted.
        """
        parts = []
        for row in self.rows:
            key = "CH4 biogenic" if row.gas == "CH4" and row.biogenic else row.gas
            kg = row.kg_per(unit) * WARMING[self.warming][key]
            parts.append(Part(row.gas, row.biogenic and row.gas in ("CO2", "CO2e"), kg, row.source))
        return tuple(parts)

    def fossil_kg_per(self, unit: str) -> float:
        """Return the fossil emissions per unit [kg CO2e]."""
        return sum(part.kg_per_unit for part in self.parts(unit) if not part.apart)

    def biogenic_kg_per(self, unit: str) -> float:
        """Return the biogenic CO2 per unit [kg]."""
        return sum(part.kg_per_unit for part in self.parts(unit) if part.apart)


@dataclass(frozen=True)
class FactorTable:
    """Rows of one or more files; a name in an earlier file hides all its rows in later files."""

    rows: tuple[FactorRow, ...]

    @cached_property
    def by_name(self) -> dict[str, list[FactorRow]]:
        """Rows by name."""
        rows: dict[str, list[FactorRow]] = {}
        for row in self.rows:
            rows.setdefault(row.name, []).append(row)
        return rows

    def over(self, other: FactorTable) -> FactorTable:
        """Return this table, supplemented by the names that only the other table has."""
        return FactorTable(self.rows + tuple(row for row in other.rows if row.name not in self.by_name))

    def find(self, name: str, first: date, last: date | None = None, gases: Gases = "CO2") -> tuple[FactorRow, ...]:
        """Return the rows of a name that are valid over a span of days.

        Raises:
            ValueError: the name is unknown, or no row is valid over the whole span or concerns the gases counted.
        """
        last = last or first
        named = self.by_name.get(name)
        if named is None:
            close = get_close_matches(name, self.by_name, n=3)
            names = ", ".join(list(self.by_name)[:8])
            hint = f"did you mean {' or '.join(close)}?" if close else f"there are {names} …"
            raise ValueError(f"unknown factor {name[:60]!r}; {hint}")
        valid = [row for row in named if row.holds(first, last)]
        if not valid:
            spans = ", ".join(dict.fromkeys(row.span for row in named))
            when = f"on {first}" if first == last else f"from {first} to {last}"
            raise ValueError(f"factor {name} has no row that holds {when}; its rows hold {spans}")
        counted = [row for row in valid if gases == "all" or row.gas in ("CO2", "CO2e")]
        if not counted:
            gas = ", ".join(dict.fromkeys(row.gas for row in valid))
            raise ValueError(f"factor {name} is of {gas} alone; emissions.gases: all counts it")
        return tuple(counted)
