"""Carbon intensity of Great Britain by NESO: half-hours with a forecast and, later, the actual value.

The publisher overwrites the forecast of a half-hour; Emberline stores every forecast.
"""

from __future__ import annotations

from collections.abc import Iterator

from emberline.live.signals.polite import Client
from emberline.live.signals.sources.request import Request, document, second, stamp
from emberline.scenarios.signals.issues import Issue

HALF_HOUR_S = 1800


def fetch(request: Request, client: Client, remarks: list[str]) -> Iterator[Issue]:
    """Intensities of Great Britain."""
    if request.signal.zone != "GB":
        raise ValueError("its only zone is GB")
    text = client.get(f"/intensity/{stamp(request.start)}/{stamp(request.end)}")
    yield read(text or "", request)


def read(text: str, request: Request) -> Issue:
    """The issue of an answer: the actual value, or the forecast where there is none yet. [g/kWh] is [kg/MWh]."""
    rows = []
    for item in document(text)["data"]:
        intensity = item["intensity"]
        actual = intensity.get("actual")
        value = intensity.get("forecast") if actual is None else actual
        rows.append((second(item["from"]), value, actual is None))
    return request.issue(rows, HALF_HOUR_S)
