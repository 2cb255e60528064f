"""Registry of asset kinds and the interface shared by all kinds.

Each kind is a record that defines its carriers, series, flows, costs, emissions and size. Twin, models, accounts and
pages use this interface, or one function per record (``functools.singledispatch``); they never compare kinds.
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
    """Carrier balanced in each time step: electricity, a fuel, heat at some temperature, hydrogen, oxygen …"""

    name: str = Field(pattern=NAME)
    unit: Unit = "MWh"
    waste: bool = False
    """Whether it is an unavoidable by-product, such as hot furnace gas."""
    dump: bool | None = None
    """Whether a surplus may be vented at no cost; none: only if the carrier is waste."""

    @property
    def dumps(self) -> bool:
        """Whether a surplus may be vented at no cost."""
        return self.waste if self.dump is None else self.dump

    @property
    def rate_unit(self) -> str:
        """Unit of measure of flows per hour."""
        return "MW" if self.unit == "MWh" else f"{self.unit}/h"


POWER = Carrier(name=ELECTRICITY)
"""Electricity, a carrier of every site."""


@dataclass(frozen=True)
class AssetSeries:
    """Series of an asset, with its key, its place in the record and its unit of measure.

    In ``unit``, ``{unit}`` stands for the unit of ``carrier`` and ``{currency}`` for the currency of the market.
    """

    key: str
    place: Place
    series: Series
    unit: str = ""
    carrier: str = ELECTRICITY

    def label(self, asset: str) -> str:
        """Return the label of the series in the coordinate ``series`` of ``inputs``."""
        return f"{asset}.{self.key}"


@dataclass(frozen=True)
class Use:
    """Operation of an asset; arrays have shape (n_steps,)."""

    rates: Mapping[str, np.ndarray]
    """Rates by key of the flow, positive for supply [carrier's unit/h]."""
    hours: float
    """Length of a step [h]."""
    series: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Series of the asset by key (``AssetSeries.key``)."""
    on: np.ndarray | None = None
    """Share of each step in which a machine is on; None: not a machine."""
    level: np.ndarray | None = None
    """Level of a store at the end of each step in its carrier's unit; None: not a store, or unknown."""

    def amount(self, key: str) -> np.ndarray:
        """Return the amount that a flow supplies in each step [carrier's unit]."""
        return np.asarray(self.rates[key] * self.hours)


@dataclass(frozen=True)
class Item:
    """Cost item of an asset in each step."""

    kind: str
    """Kind of item on the bill: ``fuel``, ``sale``, ``flare``, ``wear``, ``running``, ``start``, ``stop``."""
    amount: np.ndarray
    """Amount in ``unit``, shape (n_steps,)."""
    price: np.ndarray | float
    """Price [currency/unit]."""
    unit: str = ""
    """Unit of measure; empty: unit of the asset's carrier."""

    @property
    def cost(self) -> np.ndarray:
        """Cost in each step [currency], shape (n_steps,); negative: revenue."""
        return np.asarray(self.amount * self.price)


@dataclass(frozen=True)
class Emitted:
    """Emissions of an asset or of its purchases in each step; shape (n_steps,) each."""

    fossil_kg: np.ndarray
    """Fossil emissions [kg CO2e]."""
    biogenic_kg: np.ndarray
    """Biogenic emissions [kg CO2]."""


KINDS: dict[str, type[Named]] = {}
"""Records by ``kind``; a subclass that declares its ``kind`` is registered automatically."""


class Named(Record):
    """Base class of assets, with the attributes of their kind."""

    name: str = Field(pattern=NAME)
    water_m3_per_unit: float = Field(default=0, ge=0)
    """Water consumption per unit supplied or consumed [m3 per unit of its carrier]."""
    sign: ClassVar[int] = 0
    """1: its flow supplies the balance of its carrier; -1: it consumes from it; 0: it has flows in both directions."""
    counted: ClassVar[str] = ""
    """Key of the flow that defines its amount on the bill, in the ledger and in comparisons."""
    decided: ClassVar[bool] = True
    """Whether its flow is a decision; else it is an input of the scenario."""
    flexible: ClassVar[bool] = False
    """Whether it must consume a given amount each local day at any time."""
    emits: ClassVar[bool] = False
    """Whether its flows may cause emissions."""
    electric: ClassVar[int] = 0
    """1: it generates electricity without naming the carrier in a field; -1: it consumes electricity."""
    size: ClassVar[str] = ""
    """Field with its size; empty: it has none."""
    courses: ClassVar[Mapping[str, str]] = {}
    """Fields that are series, with their units as in ``AssetSeries``."""

    if TYPE_CHECKING:

        @property
        def kind(self) -> str:
            """Kind as written in the file."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register the record under the kinds that it declares."""
        super().__pydantic_init_subclass__(**kwargs)
        if "kind" in cls.__annotations__:
            KINDS.update(dict.fromkeys(get_args(cls.model_fields["kind"].annotation), cls))

    def touches(self) -> Iterator[tuple[Place, str]]:
        """Iterate over the place and name of each carrier in the record."""
        yield from ((("carrier",), carrier) for carrier in self.flows.values())

    @property
    def flows(self) -> Mapping[str, str]:
        """Carrier of each flow by key; a single flow has the key ``""``."""
        return {}

    @property
    def gives(self) -> tuple[str, ...]:
        """Distinct carriers that it may supply; empty for stores."""
        return tuple(dict.fromkeys(self.flows.values())) if self.sign > 0 else ()

    @property
    def takes(self) -> tuple[str, ...]:
        """Distinct carriers that it may consume; empty for stores."""
        return tuple(dict.fromkeys(self.flows.values())) if self.sign < 0 else ()

    @property
    def burns(self) -> tuple[str, ...]:
        """Carriers that it burns without its own emission factor."""
        return ()

    @property
    def passes_on(self) -> bool:
        """Whether a gas that it consumes may leave it unburned."""
        return False

    @property
    def bought(self) -> bool:
        """Whether its emissions are those of purchased heat or steam (scope 2) rather than direct (scope 1)."""
        return False

    def core(self, units: Mapping[str, str]) -> Named:
        """Return the record used by twin and models: a converter for machines, otherwise the record itself.

        Args:
            units: unit of measure of each carrier.

        Raises:
            ValueError: the machine is not compatible with the units of its carriers.
        """
        return self

    def items(self, use: Use) -> tuple[Item, ...]:
        """Return the cost items of its operation, excluding the carbon price."""
        return ()

    def emitted(self, use: Use) -> Emitted:
        """Return the emissions of its operation."""
        zero = np.zeros(len(use.rates[self.counted]))
        return Emitted(zero, zero)

    def wants(self) -> Iterator[AssetSeries]:
        """Iterate over its series; resampled to the steps of the scenario, they are ``inputs['asset_values']``."""
        for name, unit in self.courses.items():
            yield AssetSeries(name, (name,), getattr(self, name), unit, getattr(self, "carrier", ELECTRICITY))

    def days(self, horizon: Horizon) -> list[tuple[range, float]]:
        """Return the steps of each local day and the amount to be consumed in them, in its carrier's unit."""
        return []

    def committed_mw(self, horizon: Horizon) -> np.ndarray | float:
        """Return the power that is almost certain to be drawn [MW], shape (n_steps,); for loads see ``Site.fixed``."""
        return 0.0

    def later(self, core: Any, use: Use, k: int, horizon: Horizon) -> dict[str, Any]:
        """Return the fields that describe its state at the start of a step, such as the rest of a horizon limit.

        Args:
            core: record used by twin and models.
            use: operation of that record.
            k: index of the step.
            horizon: horizon of the operation.
        """
        limit = getattr(self, "horizon_limit", None)
        if limit is None:
            return {}
        return {"horizon_limit": max(limit - float(np.abs(use.rates[core.counted][:k]).sum()) * use.hours, 0.0)}


Kind = TypeVar("Kind", bound=Named)


def of(assets: Iterable[Named], *records: type[Kind]) -> tuple[Kind, ...]:
    """Return the assets of the given kinds, in declared order."""
    return tuple(asset for asset in assets if isinstance(asset, records))


def read_asset(raw: Any, info: ValidationInfo) -> Any:
    """Validate a mapping as an asset of its ``kind``."""
    return of_kind(raw, KINDS, "an asset", info.context)


class _AnyKind:
    """Annotation that adds all kinds of assets to the schema of a scenario."""

    def __get_pydantic_json_schema__(self, _: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        records = reduce(or_, dict.fromkeys(KINDS.values()))
        annotated: Any = Annotated[records, Field(discriminator="kind")]
        return handler(TypeAdapter(annotated).core_schema)


if TYPE_CHECKING:
    Asset = Named
else:
    Asset = Annotated[Any, BeforeValidator(read_asset), _AnyKind()]
