"""WattTime: marginal carbon intensity, historical and forecast, after a login. Published in lb/MWh."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from emberline.live.signals.polite import Client
from emberline.live.signals.sources.request import Request, document, even, instant, number, second, stamp
from emberline.scenarios.signals.issues import Issue

KG_PER_LB = 0.45359237
UNITS = {"lbs_co2_per_mwh": KG_PER_LB, "lbs_co2e_per_mwh": KG_PER_LB}
SIGNAL_TYPE = "co2_moer"
FIVE_MIN_S = 300


def fetch(request: Request, client: Client, remarks: list[str]) -> Iterator[Issue]:
    """Past and forecast intensities of a region."""
    login = base64.b64encode(":".join(request.account).encode()).decode()
    token = document(client.get("/login", headers={"Authorization": f"Basic {login}"}))["token"]
    headers = {"Authorization": f"Bearer {token}"}
    region = {"region": request.signal.zone, "signal_type": SIGNAL_TYPE}
    if request.start < request.now:
        span = {"start": stamp(request.start), "end": stamp(min(request.end, request.now))}
        yield read(client.get("/v3/historical", {**region, **span}, headers) or "", request, forecast=False)
    if request.end > request.now:
        yield read(client.get("/v3/forecast", region, headers) or "", request, forecast=True)


def read(text: str, request: Request, *, forecast: bool) -> Issue:
    """The issue of an answer, in kg/MWh.

    Raises:
        ValueError: it is cut off, or in a unit that is not known.
    """
    data = document(text)
    units = str(data["meta"].get("units"))
    if units not in UNITS:
        raise ValueError(f"values are in {units[:40]!r}; {' or '.join(UNITS)} is read")
    rows = [
        (second(item["point_time"]), None if item["value"] is None else number(item["value"]) * UNITS[units], forecast)
        for item in data["data"]
    ]
    generated = data["meta"].get("generated_at")
    return request.issue(rows, even([row[0] for row in rows], FIVE_MIN_S), instant(generated) if generated else None)
