"""Energy-Charts of Fraunhofer ISE: day-ahead prices. The licence differs by zone and comes with the answer."""

from __future__ import annotations

from collections.abc import Iterator

from emberline.live.signals.polite import Client
from emberline.live.signals.sources.request import Request, document, even, stamp
from emberline.scenarios.signals.issues import Issue

UNITS = ("EUR/MWH", "EUR / MWH", "€/MWH")


def fetch(request: Request, client: Client, remarks: list[str]) -> Iterator[Issue]:
    """Prices of a bidding zone."""
    text = client.get("/price", {"bzn": request.signal.zone, "start": stamp(request.start), "end": stamp(request.end)})
    yield read(text or "", request)


def read(text: str, request: Request) -> Issue:
    """The issue of an answer.

    Raises:
        ValueError: it is cut off, or in another unit.
    """
    data = document(text)
    unit, starts, prices = str(data.get("unit")), data["unix_seconds"], data["price"]
    if unit.upper().strip() not in UNITS:
        raise ValueError(f"prices are in {unit[:40]!r}, not in EUR/MWh")
    rows = [(int(at), price, False) for at, price in zip(starts, prices, strict=True)]
    licence = " ".join(str(data.get("license_info") or "not stated").split())[:200]
    return request.issue(rows, even(starts, 3600), licence=licence)
