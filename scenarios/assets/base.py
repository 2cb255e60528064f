"""The registry of asset kinds, and what every kind says of itself.

A kind is one record: the carriers it touches, the series it needs, its flows, what it costs and emits, its size. Twin,
models, accounts and pages ask the record, or keep one function for each record (``functools.singledispatch``); none of
them tells kinds apart by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, get_args

import numpy as np
from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, TypeAdapter, ValidationInfo

from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.records.base import NAME, Place, Record, of_kind
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.series import Series

Unit = Literal["MWh", "t", "Nm3"]


class Carrier(Record):
    """Carrier that is balanced in every step: electricity, a fuel, heat at a named level, hydrogen, oxygen …"""

    name: str = Field(pattern=NAME)
    unit: Unit = "MWh"
    waste: bool = False
    """Given off whether it is wanted or not, as hot gas of a furnace is."""
    dump: bool | None = None
    """Whether a surplus may be vented at no cost; none: waste may, all else may not."""

    @property
    def dumps(self) -> bool:
        """Whether a surplus may be vented at no cost."""
        return self.waste if self.dump is None else self.dump

    @property
    def rate_unit(self) -> str:
        """Unit of measure of what flows per hour."""
        return "MW" if self.unit == "MWh" else f"{self.unit}/h"


POWER = Carrier(name=ELECTRICITY)
"""Electricity, which every site has."""


@dataclass(frozen=True)
class AssetSeries:
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


@dataclass(frozen=True)
class Use:
    """Flows of one asset; arrays of shape (n_steps,)."""

    rates: Mapping[str, np.ndarray]
    """Per hour by key of the flow, positive where it delivers [carrier's unit/h]."""
    hours: float
    """Length of a step [h]."""
    series: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Series of the asset by key (``AssetSeries.key``)."""
    on: np.ndarray | None = None
    """Share of each step in which a machine is on; None: it is none."""
    level: np.ndarray | None = None
    """Level of a store at the end of each step in its carrier's unit; None: it is none, or the use does not tell."""

    def amount(self, key: str) -> np.ndarray:
        """Amount that a flow delivers in each step [carrier's unit]."""
        return np.asarray(self.rates[key] * self.hours)


@dataclass(frozen=True)
class Item:
    """Payment for an asset in each step."""

    kind: str
    """Kind of the line on the bill: ``fuel``, ``sale``, ``flare``, ``wear``, ``running``, ``start``, ``stop``."""
    amount: np.ndarray
    """Shape (n_steps,), in ``unit``."""
    price: np.ndarray | float
    """Per unit [currency/unit]."""
    unit: str = ""
    """Unit of measure; empty: that of the asset's carrier."""

    @property
    def cost(self) -> np.ndarray:
        """Cost in each step [currency], shape (n_steps,); negative: earned."""
        return np.asarray(self.amount * self.price)


@dataclass(frozen=True)
class Emitted:
    """Direct emissions of an asset, or those of what it buys, in each step; shape (n_steps,) each."""

    fossil_kg: np.ndarray
    """[kg CO2e]"""
    biogenic_kg: np.ndarray
    """[kg CO2]"""


KINDS: dict[str, type[Named]] = {}
"""Record of each ``kind``; a record that says its ``kind`` enters by itself."""


class Named(Record):
    """An asset: its name in the file, and what its kind is known by."""

    name: str = Field(pattern=NAME)
    water_m3_per_unit: float = Field(default=0, ge=0)
    """Water that a unit of what it delivers or takes draws [m3 per unit of its carrier]."""
    sign: ClassVar[int] = 0
    """1: its flow delivers to the carrier's balance; -1: it takes from it; 0: it has flows of both kinds."""
    counted: ClassVar[str] = ""
    """Key of the flow in which it counts: its amount on the bill, in the ledger, in a comparison."""
    decided: ClassVar[bool] = True
    """Whether its flow is a decision; else it is given with the scenario."""
    flexible: ClassVar[bool] = False
    """Whether it must take a certain amount each local day, at any time of it."""
    emits: ClassVar[bool] = False
    """Whether what it moves may emit."""
    electric: ClassVar[int] = 0
    """1: it gives electricity, although no field of it says so; -1: it takes it."""
    size: ClassVar[str] = ""
    """Field that says how large it is; empty: it has no size."""
    courses: ClassVar[Mapping[str, str]] = {}
    """Fields that are series, with their unit as of ``AssetSeries``."""

    if TYPE_CHECKING:

        @property
        def kind(self) -> str:
            """Kind as the file says it."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Enter the record under the kinds that it says."""
        super().__pydantic_init_subclass__(**kwargs)
        if "kind" in cls.__annotations__:
            KINDS.update(dict.fromkeys(get_args(cls.model_fields["kind"].annotation), cls))

    def touches(self) -> Iterator[tuple[Place, str]]:
        """Place and name of each carrier that the asset names."""
        yield from ((("carrier",), carrier) for carrier in self.flows.values())

    @property
    def flows(self) -> Mapping[str, str]:
        """Carrier of each of its flows by the flow's key; a single flow has the key ``""``."""
        return {}

    @property
    def gives(self) -> tuple[str, ...]:
        """Carriers that it may bring into their balance, each once; a store brings none."""
        return tuple(dict.fromkeys(self.flows.values())) if self.sign > 0 else ()

    @property
    def takes(self) -> tuple[str, ...]:
        """Carriers that it may take out of their balance, each once; a store takes none."""
        return tuple(dict.fromkeys(self.flows.values())) if self.sign < 0 else ()

    @property
    def burns(self) -> tuple[str, ...]:
        """Carriers that it burns without an emission factor of its own."""
        return ()

    @property
    def passes_on(self) -> bool:
        """Whether a gas that it takes may leave it unburned."""
        return False

    @property
    def bought(self) -> bool:
        """Whether its emissions are those of heat or steam bought (scope 2), not direct ones (scope 1)."""
        return False

    def core(self, units: Mapping[str, str]) -> Named:
        """The record that twin and models run: machines turn into a converter, all else is itself.

        Args:
            units: unit of measure of each carrier.

        Raises:
            ValueError: the machine does not go with the units of its carriers.
        """
        return self

    def items(self, use: Use) -> tuple[Item, ...]:
        """Items that are paid for its use, carbon price left out."""
        return ()

    def emitted(self, use: Use) -> Emitted:
        """Emissions of its use."""
        zero = np.zeros(len(use.rates[self.counted]))
        return Emitted(zero, zero)

    def wants(self) -> Iterator[AssetSeries]:
        """The series that the asset needs. On a scenario's steps they are ``inputs['asset_values']``."""
        for name, unit in self.courses.items():
            yield AssetSeries(name, (name,), getattr(self, name), unit, getattr(self, "carrier", ELECTRICITY))

    def days(self, horizon: Horizon) -> list[tuple[range, float]]:
        """Steps of each local day and the amount that a flexible load must take in them, in its carrier's unit."""
        return []

    def committed_mw(self, horizon: Horizon) -> np.ndarray | float:
        """Electricity that is as good as certain to be taken, shape (n_steps,); that of loads is ``Site.fixed``."""
        return 0.0

    def later(self, core: Any, use: Use, k: int, horizon: Horizon) -> dict[str, Any]:
        """Fields that say how it stands at the beginning of a step: here what is left of a limit over the horizon.

        Args:
            core: the record that twin and models run.
            use: use of that until then.
            k: number of the step.
            horizon: of the use.
        """
        limit = getattr(self, "horizon_limit", None)
        if limit is None:
            return {}
        return {"horizon_limit": max(limit - float(np.abs(use.rates[core.counted][:k]).sum()) * use.hours, 0.0)}


Kind = TypeVar("Kind", bound=Named)


def of(assets: Iterable[Named], *records: type[Kind]) -> tuple[Kind, ...]:
    """The assets of some kinds, in declared order."""
    return tuple(asset for asset in assets if isinstance(asset, records))


def read_asset(raw: Any, info: ValidationInfo) -> Any:
    """The asset that a mapping describes, by its ``kind``."""
    return of_kind(raw, KINDS, "an asset", info.context)


class _AnyKind:
    """Writes all kinds of assets into the schema of a scenario."""

    def __get_pydantic_json_schema__(self, _: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        records = reduce(or_, dict.fromkeys(KINDS.values()))
        annotated: Any = Annotated[records, Field(discriminator="kind")]
        return handler(TypeAdapter(annotated).core_schema)


if TYPE_CHECKING:
    Asset = Named
else:
    Asset = Annotated[Any, BeforeValidator(read_asset), _AnyKind()]
