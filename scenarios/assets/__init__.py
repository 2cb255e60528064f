"""Carriers and assets of the site: one record for each kind, with the pure physics that twin and model share.

A new kind of asset is one record, listed here in ``KINDS``. Machines turn into one core (``Converter``).
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo

from scenarios.assets.base import POWER, Carrier, Named, Wanted
from scenarios.assets.converter import Batch, Converter, LoadPoint, Machine, MachineState, Stream
from scenarios.assets.machines import (
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
from scenarios.assets.quantity import CARRIERS, ELECTRICITY
from scenarios.assets.storage import Storage
from scenarios.assets.trade import Flare, Load, Renewable, Sale, Source, Supply

Kind = (
    Supply | Sale | Flare | Load | Source | Renewable | Storage | Converter | GasEngine | Boiler | HeatPump
    | Electrolyser | Turbine | WasteHeatRecovery | OxygenPlant | FlexibleLoad
)  # fmt: skip
KINDS: dict[str, type[Named]] = {
    kind: record for record in Kind.__args__ for kind in record.model_fields["kind"].annotation.__args__
}
"""Record of each ``kind``."""


def read_asset(raw: Any, info: ValidationInfo) -> Any:
    """The asset that a mapping describes, by its ``kind``.

    A validator of its own instead of pydantic's tagged union: that would put the tag into the place of every mistake.
    """
    if isinstance(raw, Named):
        return raw
    if not isinstance(raw, dict):
        raise ValueError("an asset is a mapping with kind, name and what belongs to its kind")
    kind = raw.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        close = get_close_matches(str(kind), KINDS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"kinds are {', '.join(KINDS)}"
        raise ValueError(f"kind is required; {hint}" if kind is None else f"unknown kind {str(kind)[:40]!r}; {hint}")
    return KINDS[kind].model_validate(raw, context=info.context)


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
