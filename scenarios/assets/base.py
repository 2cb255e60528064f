"""What every asset has: a name, the carriers it touches, the series it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, TypeAdapter, ValidationInfo

from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.records.base import NAME, Place, Record, of_kind
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.series import Series

Unit = Literal["MWh", "t", "Nm3"]


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

    def label(self, asset: str) -> str:
        """Label of the series in the coordinate ``series`` of ``inputs``."""
        return f"{asset}.{self.key}"


KINDS: dict[str, type[Named]] = {}
"""Record of each ``kind``; a record that says its ``kind`` enters by itself."""


class Named(Record):
    """An asset: its name in the file, and what its kind is known by."""

    name: str = Field(pattern=NAME)
    flexible: ClassVar[bool] = False
    """Whether it must take a certain amount each local day, at any time of it."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Enter the record under the kinds that it says."""
        super().__pydantic_init_subclass__(**kwargs)
        if "kind" in cls.__annotations__:
            KINDS.update(dict.fromkeys(get_args(cls.model_fields["kind"].annotation), cls))

    def touches(self) -> Iterator[tuple[Place, str]]:
        """Place and name of each carrier that the asset names."""
        if hasattr(self, "carrier"):
            yield ("carrier",), self.carrier

    def wants(self) -> Iterator[Wanted]:
        """The series that the asset needs. On a scenario's steps they are ``inputs['asset_values']``."""
        yield from ()

    def days(self, horizon: Horizon) -> list[tuple[range, float]]:
        """Steps of each local day and the amount that a flexible load must take in them, in its carrier's unit."""
        return []


def read_asset(raw: Any, info: ValidationInfo) -> Any:
    """The asset that a mapping describes, by its ``kind``."""
    return of_kind(raw, KINDS, "an asset", info.context)


class _AnyKind:
    """Writes all kinds of assets into the schema of a scenario."""

    def __get_pydantic_json_schema__(self, _: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        records = reduce(or_, dict.fromkeys(KINDS.values()))
        return handler(TypeAdapter(Annotated[records, Field(discriminator="kind")]).core_schema)


if TYPE_CHECKING:
    Asset = Named
else:
    Asset = Annotated[Any, BeforeValidator(read_asset), _AnyKind()]
