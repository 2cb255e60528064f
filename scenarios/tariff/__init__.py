"""Tariffs: the record, its numbers on the metered grid, and the exact bill."""

from emberline.scenarios.tariff.bill import Bill, Line, bill, billed_mw, charged
from emberline.scenarios.tariff.china import PeakValley, TwoPart
from emberline.scenarios.tariff.rates import Rates, metered, read
from emberline.scenarios.tariff.record import (
    Before,
    CoincidentPeak,
    DemandCharge,
    DemandRate,
    EnergyCharge,
    EnergyRate,
    FixedCharge,
    Levy,
    Ratchet,
    Tariff,
    Tax,
    remarks,
)
from emberline.scenarios.tariff.windows import Window

__all__ = [
    "Before",
    "Bill",
    "CoincidentPeak",
    "DemandCharge",
    "DemandRate",
    "EnergyCharge",
    "EnergyRate",
    "FixedCharge",
    "Levy",
    "Line",
    "PeakValley",
    "Ratchet",
    "Rates",
    "Tariff",
    "Tax",
    "TwoPart",
    "Window",
    "bill",
    "billed_mw",
    "charged",
    "metered",
    "read",
    "remarks",
]
