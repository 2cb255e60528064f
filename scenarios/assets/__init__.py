"""Carriers and assets of the site: one record for each kind, with the pure physics that twin and model share.

A new kind of asset is one record in this folder, imported here: it enters ``KINDS`` by its ``kind``. Machines turn into
one core (``Converter``).
"""

from __future__ import annotations

from emberline.scenarios.assets.base import KINDS, POWER, Asset, AssetSeries, Carrier, Named, of
from emberline.scenarios.assets.converter import Batch, Converter, LoadPoint, Machine, MachineState, Stream
from emberline.scenarios.assets.latent_heat import LatentHeatStore
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
from emberline.scenarios.assets.trade import Flare, Load, Renewable, Sale, Source, Supply, used_within

__all__ = [
    "CARRIERS",
    "ELECTRICITY",
    "KINDS",
    "POWER",
    "Asset",
    "AssetSeries",
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
    "LatentHeatStore",
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
    "WasteHeatRecovery",
    "of",
    "used_within",
]
