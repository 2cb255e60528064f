"""Electricity Maps: average carbon intensity, measured or estimated, and its forecast if the account includes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from emberline.live.signals.polite import Client, SourceError
from emberline.live.signals.sources.request import Request, document, even, instant, second, stamp
from emberline.scenarios.signals.issues import Issue

RECENT = timedelta(hours=24)
"""Length of the history available to every account."""


def fetch(request: Request, client: Client, remarks: list[str]) -> Iterator[Issue]:
    """Past and forecast intensities of a zone."""
    zone, headers = request.signal.zone, {"auth-token": request.account[0]}
    if request.start < request.now:
        if request.start >= request.now - RECENT:
            text = client.get("/v3/carbon-intensity/history", {"zone": zone}, headers)
        else:
            span = {"start": stamp(request.start), "end": stamp(min(request.end, request.now))}
            text = client.get("/v3/carbon-intensity/past-range", {"zone": zone, **span}, headers)
        yield read(text or "", request)
    if request.end > request.now:
        try:
            text = client.get("/v3/carbon-intensity/forecast", {"zone": zone}, headers)
        except SourceError as error:
            if "refuses the account" not in str(error):
                raise
            remarks.append("this account has no forecast")
            return
        yield read(text or "", request)


def read(text: str, request: Request) -> Issue:
    """The issue of an answer: a history, a range, a forecast or the latest value. [g/kWh] is [kg/MWh]."""
    data = document(text)
    forecast = "forecast" in data
    key = next((key for key in ("forecast", "history", "data") if key in data), None)
    items: list[dict[str, Any]] = data[key] if key else [data]
    rows = [
        (second(item["datetime"]), item["carbonIntensity"], forecast or bool(item.get("isEstimated"))) for item in items
    ]
    updates = [text for text in (data.get("updatedAt"), *(item.get("updatedAt") for item in items)) if text]
    issued = max(map(instant, updates)) if updates else None
    return request.issue(rows, even([row[0] for row in rows], 3600), issued)
