"""SMARD of the Bundesnetzagentur: prices, load and generation in files of a week, found by an index.

The newest file of the index may be next week's, which is empty or absent; nulls are values that are not there yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from emberline.live.signals.polite import Client
from emberline.live.signals.sources.request import Request, document, number
from emberline.scenarios.signals.issues import Issue

FILTERS = {
    "price": 4169, "load": 410, "pv": 4068, "wind-onshore": 4067, "wind-offshore": 1225,
    "gas": 4071, "lignite": 1223, "hard-coal": 4069, "load-forecast": 411, "pv-forecast": 125,
    "wind-onshore-forecast": 123, "wind-offshore-forecast": 3791,
}  # fmt: skip
RESOLUTIONS = {"quarterhour": 900, "hour": 3600}
WEEK_MS = (7 * 24 + 1) * 3_600_000
"""Length of the longest week of a file, in which daylight saving time ends."""


def fetch(request: Request, client: Client, remarks: list[str]) -> Iterator[Issue]:
    """Values of a region by quarter-hour, or by hour if quarter-hours are not available."""
    for resolution, seconds in RESOLUTIONS.items():
        issues = list(_weeks(request, client, resolution, seconds))
        if any((issue.values == issue.values).any() for issue in issues):
            yield from issues
            return
    remarks.append("nothing is published for these times")


def _weeks(request: Request, client: Client, resolution: str, seconds: int) -> Iterator[Issue]:
    number_, zone = FILTERS[request.signal.quantity], request.signal.zone
    folder = f"/app/chart_data/{number_}/{zone}"
    text = client.get(f"{folder}/index_{resolution}.json", may_lack=resolution != "hour")
    if text is None:
        return
    start, end = (second * 1000 for second in request.span_s)
    for week in document(text)["timestamps"]:
        if week >= end or week + WEEK_MS <= start:
            continue
        text = client.get(f"{folder}/{number_}_{zone}_{resolution}_{week}.json", may_lack=True)
        if text is not None:
            yield read(text, request, seconds)


def read(text: str, request: Request, seconds: int) -> Issue:
    """The issue of a file; energies become the mean power of their interval."""
    data = document(text)
    factor = 1.0 if request.signal.quantity == "price" else 3600 / seconds
    ahead = request.signal.quantity.endswith("-forecast")
    rows = [(int(at) // 1000, None if value is None else number(value) * factor, ahead) for at, value in data["series"]]
    created = (data.get("meta_data") or {}).get("created")
    return request.issue(rows, seconds, None if created is None else datetime.fromtimestamp(created / 1000, UTC))
