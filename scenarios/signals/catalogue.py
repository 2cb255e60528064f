"""Catalogue of public signals: sources, quantities with units and ranges, and names of signals."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

CC_BY = "CC BY 4.0"
ZONE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
HIGHEST_PRICE = 100_000.0
"""Upper limit of plausible prices per MWh in the currencies of these sources."""
HIGHEST_KG_PER_MWH = 3_000.0
HIGHEST_MW = 1e6


@dataclass(frozen=True)
class Quantity:
    """Quantity published by a source."""

    unit: str
    lowest: float
    highest: float
    """Largest plausible value; values beyond these limits usually have another unit."""


PRICE = Quantity("EUR/MWh", -HIGHEST_PRICE, HIGHEST_PRICE)
INTENSITY = Quantity("kg/MWh", 0.0, HIGHEST_KG_PER_MWH)
POWER = Quantity("MW", 0.0, HIGHEST_MW)


@dataclass(frozen=True)
class Source:
    """Publisher of signals."""

    title: str
    url: str
    quantities: dict[str, Quantity]
    per_minute: int
    """Largest number of requests per minute."""
    days: int
    """Largest number of days per request."""
    zone: str = "DE-LU"
    """Example of a zone."""
    licence: str = CC_BY
    """Default licence, if the response does not state one."""
    ban_s: int = 600
    """Default pause after too many requests, if the response does not state one [s]."""
    secrets: tuple[str, ...] = field(default=())
    """Environment variables with the credentials of the account."""


FORESEEN = ("load", "pv", "wind-onshore", "wind-offshore")
"""Powers for which SMARD also publishes forecasts."""
SMARD_POWERS = (*FORESEEN, "gas", "lignite", "hard-coal", *(f"{name}-forecast" for name in FORESEEN))
SOURCES = {
    "entsoe": Source(
        "ENTSO-E Transparency Platform",
        "https://web-api.tp.entsoe.eu",
        {"price": PRICE},
        per_minute=380,
        days=365,
        secrets=("EMBERLINE_ENTSOE_TOKEN",),
    ),
    "smard": Source(
        "SMARD, Bundesnetzagentur",
        "https://www.smard.de",
        {"price": PRICE, **dict.fromkeys(SMARD_POWERS, POWER)},
        per_minute=60,
        days=7,
    ),
    "energy-charts": Source(
        "Energy-Charts, Fraunhofer ISE",
        "https://api.energy-charts.info",
        {"price": PRICE},
        per_minute=30,
        days=365,
        licence="as stated in the answer",
    ),
    "electricity-maps": Source(
        "Electricity Maps",
        "https://api.electricitymap.org",
        {"intensity": INTENSITY},
        per_minute=30,
        days=10,
        zone="DE",
        licence="Electricity Maps terms",
        secrets=("EMBERLINE_ELECTRICITYMAPS_TOKEN",),
    ),
    "neso": Source(
        "NESO Carbon Intensity",
        "https://api.carbonintensity.org.uk",
        {"intensity": INTENSITY},
        per_minute=30,
        days=13,
        zone="GB",
    ),
    "watttime": Source(
        "WattTime",
        "https://api.watttime.org",
        {"marginal": INTENSITY},
        per_minute=600,
        days=30,
        zone="CAISO_NORTH",
        licence="WattTime terms",
        ban_s=300,
        secrets=("EMBERLINE_WATTTIME_USER", "EMBERLINE_WATTTIME_PASSWORD"),
    ),
}
"""Sources by name. Request limits are those of the source, with some reserve for other users of the same account."""


@dataclass(frozen=True)
class Signal:
    """Quantity of a source in a zone, with a name such as ``smard/price/DE-LU``."""

    source: str
    quantity: str
    zone: str

    def __str__(self) -> str:
        return f"{self.source}/{self.quantity}/{self.zone}"

    @property
    def publisher(self) -> Source:
        """Source of the signal."""
        return SOURCES[self.source]

    @property
    def measure(self) -> Quantity:
        """Quantity with unit and range."""
        return self.publisher.quantities[self.quantity]


def signal(name: str) -> Signal:
    """Parse the name of a signal.

    Raises:
        ValueError: there is no such signal.
    """
    parts = name.split("/")
    if len(parts) != 3:
        raise ValueError(f"{name[:60]!r} is not a signal; write SOURCE/QUANTITY/ZONE, as in smard/price/DE-LU")
    source, quantity, zone = parts
    if source not in SOURCES:
        raise ValueError(f"unknown source {source[:40]!r}; sources are {', '.join(SOURCES)}")
    if quantity not in SOURCES[source].quantities:
        quantities = ", ".join(SOURCES[source].quantities)
        raise ValueError(f"unknown quantity {quantity[:40]!r} of {source}; it publishes {quantities}")
    if not ZONE.fullmatch(zone) or ".." in zone:
        raise ValueError(f"{zone[:60]!r} is not a zone; write it as the source does, such as {SOURCES[source].zone}")
    return Signal(source, quantity, zone)
