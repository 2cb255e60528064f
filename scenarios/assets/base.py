"""What every asset has: a name, the carriers it touches, the series it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.reading.series import Series
from emberline.scenarios.records.base import Record
from emberline.scenarios.records.line import NAME

Unit = Literal["MWh", "t", "Nm3"]
Place = tuple[str | int, ...]
"""Where something stands within an asset's record."""


class Carrier(Record):
    """Something that is balanced in every step: electricity, a fuel, heat at a named level, hydrogen, oxygen …"""

    name: str = Field(pattern=NAME)
    unit: Unit = "MWh"
    waste: bool = False
    """Given off whether it is wanted or not, as hot gas of a furnace is."""
    dump: bool | None = None
    """Whether a surplus may be let go for nothing; none: waste may, all else may not."""

    @property
    def dumps(self) -> bool:
        """Whether a surplus may be let go for nothing."""
        return self.waste if self.dump is None else self.dump

    @property
    def rate_unit(self) -> str:
        """Unit of measure of what flows per hour."""
        return "MW" if self.unit == "MWh" else f"{self.unit}/h"


POWER = Carrier(name=ELECTRICITY)
"""Electricity, which every site has."""


@dataclass(frozen=True)
class Wanted:
    """A series that an asset needs: its key among the asset's series, its place and its unit of measure.

    In ``unit``, ``{unit}`` stands for the unit of ``carrier`` and ``{currency}`` for the market's.
    """

    key: str
    place: Place
    series: Series
    unit: str = ""
    carrier: str = ELECTRICITY


class Named(Record):
    """An asset: what the file calls it."""

    name: str = Field(pattern=NAME)
    water_m3_per_unit: float = Field(default=0, ge=0)
    """Water that a unit of what it delivers or takes draws [m3 per unit of its carrier]."""

    def touches(self) -> Iterator[tuple[Place, str]]:
        """Place and name of each carrier that the asset names."""
        if hasattr(self, "carrier"):
            yield ("carrier",), self.carrier

    def wants(self) -> Iterator[Wanted]:
        """The series that the asset needs. On a scenario's steps they are ``inputs['asset_values']``."""
        yield from ()
