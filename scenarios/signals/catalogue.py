"""Public signals that can be fetched: sources, quantities with unit and range, and how a signal is named."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

CC_BY = "CC BY 4.0"
ZONE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
HIGHEST_PRICE = 100_000.0
"""Beyond any price of a MWh in the currencies of these sources."""
HIGHEST_KG_PER_MWH = 3_000.0
HIGHEST_MW = 1e6


@dataclass(frozen=True)
class Quantity:
    """Quantity that a source publishes."""

    unit: str
    lowest: float
    highest: float
    """Values outside are no values of this quantity; most often their unit is another one."""


PRICE = Quantity("EUR/MWh", -HIGHEST_PRICE, HIGHEST_PRICE)
INTENSITY = Quantity("kg/MWh", 0.0, HIGHEST_KG_PER_MWH)
POWER = Quantity("MW", 0.0, HIGHEST_MW)


@dataclass(frozen=True)
class Source:
    """A publisher."""

    title: str
    url: str
    quantities: dict[str, Quantity]
    per_minute: int
    """Most requests in a minute."""
    days: int
    """Most days in one request."""
    zone: str = "DE-LU"
    """An example of a zone."""
    licence: str = CC_BY
    """Of what it publishes, unless the answer states another one."""
    ban_s: int = 600
    """Pause after too many requests, unless the answer states another one."""
    secrets: tuple[str, ...] = field(default=())
    """Environment variables of the account."""


FORESEEN = ("load", "pv", "wind-onshore", "wind-offshore")
"""Powers of which SMARD publishes a forecast too."""
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
"""Of the two sources with a login, limits as they state them, less some for others who use the same account."""


@dataclass(frozen=True)
class Signal:
    """A quantity of a source in a zone, named as in ``smard/price/DE-LU``."""

    source: str
    quantity: str
    zone: str

    def __str__(self) -> str:
        return f"{self.source}/{self.quantity}/{self.zone}"

    @property
    def publisher(self) -> Source:
        """Source that publishes it."""
        return SOURCES[self.source]

    @property
    def measure(self) -> Quantity:
        """Its unit and range."""
        return self.publisher.quantities[self.quantity]


def signal(name: str) -> Signal:
    """The signal of a name.

    Raises:
        ValueError: there is none of that name.
    """
    parts = name.split("/")
    if len(parts) != 3:
        raise ValueError(f"{name[:60]!r} is no signal; write SOURCE/QUANTITY/ZONE, as in smard/price/DE-LU")
    source, quantity, zone = parts
    if source not in SOURCES:
        raise ValueError(f"unknown source {source[:40]!r}; sources are {', '.join(SOURCES)}")
    if quantity not in SOURCES[source].quantities:
        quantities = ", ".join(SOURCES[source].quantities)
        raise ValueError(f"unknown quantity {quantity[:40]!r} of {source}; it publishes {quantities}")
    if not ZONE.fullmatch(zone) or ".." in zone:
        raise ValueError(f"{zone[:60]!r} is no zone; write it as the source does, such as {SOURCES[source].zone}")
    return Signal(source, quantity, zone)
