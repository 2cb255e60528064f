"""Carriers and assets of the site: one record for each kind, with the pure physics that twin and model share.

A new kind of asset is one record, listed here in ``KINDS``. Machines turn into one core (``Converter``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo

from emberline.scenarios.assets.base import POWER, Carrier, Named, Wanted
from emberline.scenarios.assets.converter import Batch, Converter, LoadPoint, Machine, MachineState, Stream
from emberline.scenarios.assets.machines import (
    Boiler,
    Electrolyser,
    EnginePoint,
    FlexibleLoad,
    GasEngine,
    HeatPump,
    OxygenPlant,
    Turbine,
    WasteHeatRecovery,
)
from emberline.scenarios.assets.quantity import CARRIERS, ELECTRICITY
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.assets.trade import Flare, Load, Renewable, Sale, Source, Supply
from emberline.scenarios.records.base import of_kind

Kind = (
    Supply | Sale | Flare | Load | Source | Renewable | Storage | Converter | GasEngine | Boiler | HeatPump
    | Electrolyser | Turbine | WasteHeatRecovery | OxygenPlant | FlexibleLoad
)  # fmt: skip
KINDS: dict[str, type[Named]] = {
    kind: record for record in Kind.__args__ for kind in record.model_fields["kind"].annotation.__args__
}
"""Record of each ``kind``."""


def read_asset(raw: Any, info: ValidationInfo) -> Any:
    """The asset that a mapping describes, by its ``kind``."""
    return of_kind(raw, KINDS, "an asset", info.context)


if TYPE_CHECKING:
    Asset = Kind
else:
    Asset = Annotated[
        Any, BeforeValidator(read_asset, json_schema_input_type=Annotated[Kind, Field(discriminator="kind")])
    ]

__all__ = [
    "CARRIERS",
    "ELECTRICITY",
    "KINDS",
    "POWER",
    "Asset",
    "Batch",
    "Boiler",
    "Carrier",
    "Converter",
    "Electrolyser",
    "EnginePoint",
    "Flare",
    "FlexibleLoad",
    "GasEngine",
    "HeatPump",
    "Kind",
    "Load",
    "LoadPoint",
    "Machine",
    "MachineState",
    "Named",
    "OxygenPlant",
    "Renewable",
    "Sale",
    "Source",
    "Storage",
    "Stream",
    "Supply",
    "Turbine",
    "Wanted",
    "WasteHeatRecovery",
]
