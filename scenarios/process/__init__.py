"""A process: what runs continuously, switched or modulated, between stores. Kiln, mill, crusher.

Rates count in tonnes per hour of what the process is measured by, mostly its main product; every flow, its power and
its heat follow from the rate. A grade of product is a mode. Records and pure physics.
"""

from emberline.scenarios.process.recipe import GJ_PER_MWH, Fuel, Heat, Mode, PowerPoint, Rate, Recipe, Stream
from emberline.scenarios.process.record import (
    Between,
    ChangeOver,
    ChangeOvers,
    PlannedStop,
    Process,
    StartUp,
    UnitState,
    carriers_of,
    in_steps,
    stores_of,
)

__all__ = [
    "GJ_PER_MWH",
    "Between",
    "ChangeOver",
    "ChangeOvers",
    "Fuel",
    "Heat",
    "Mode",
    "PlannedStop",
    "PowerPoint",
    "Process",
    "Rate",
    "Recipe",
    "StartUp",
    "Stream",
    "UnitState",
    "carriers_of",
    "in_steps",
    "stores_of",
]
