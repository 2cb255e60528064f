"""ENTSO-E Transparency Platform: day-ahead prices (document A44, XML).

With curve type A03 a missing position repeats the value before it; with A01 it has none. Where a zone has several
auctions, sequence 1 is the common one; series without a sequence stand in where that has no value, and others are
left out. Days that hold nothing but zeros are not published yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from itertools import groupby
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from emberline.live.signals.polite import Client
from emberline.live.signals.sources.request import Request, instant, number, stamp
from emberline.scenarios.records.base import unknown
from emberline.scenarios.signals.issues import Issue

ZONES = {
    "AT": "10YAT-APG------L", "BE": "10YBE----------2", "BG": "10YCA-BULGARIA-R", "CH": "10YCH-SWISSGRIDZ",
    "CZ": "10YCZ-CEPS-----N", "DE-LU": "10Y1001A1001A82H", "DK1": "10YDK-1--------W", "DK2": "10YDK-2--------M",
    "EE": "10Y1001A1001A39I", "ES": "10YES-REE------0", "FI": "10YFI-1--------U", "FR": "10YFR-RTE------C",
    "GR": "10YGR-HTSO-----Y", "HR": "10YHR-HEP------M", "HU": "10YHU-MAVIR----U", "LT": "10YLT-1001A0008Q",
    "LV": "10YLV-1001A00074", "NL": "10YNL----------L", "NO1": "10YNO-1--------2", "NO2": "10YNO-2--------T",
    "PL": "10YPL-AREA-----S", "PT": "10YPT-REN------W", "RO": "10YRO-TEL------P", "SE3": "10Y1001A1001A46L",
    "SE4": "10Y1001A1001A47J", "SI": "10YSI-ELES-----O", "SK": "10YSK-SEPS-----K",
}  # fmt: skip
"""Codes of bidding zones (EIC); any other code is taken as it is."""
RESOLUTION_S = {"PT15M": 900, "PT30M": 1800, "PT60M": 3600}
SEQUENCE = "classificationSequence_AttributeInstanceComponent.position"
MARKET_DAY = ZoneInfo("Europe/Brussels")
NO_DATA = "999"


def fetch(request: Request, client: Client, remarks: list[str]) -> Iterator[Issue]:
    """Prices of a bidding zone."""
    zone = request.signal.zone
    code = ZONES.get(zone, zone)
    if not re.fullmatch(r"[0-9A-Z-]{16}", code):
        raise ValueError(f"{unknown('zone', zone, ZONES)}; or give its EIC code of 16 characters")
    text = client.get(
        "/api",
        {
            "documentType": "A44",
            "in_Domain": code,
            "out_Domain": code,
            "periodStart": stamp(request.start, "%Y%m%d%H%M"),
            "periodEnd": stamp(request.end, "%Y%m%d%H%M"),
            "securityToken": request.account[0],
        },
    )
    yield from read(text or "", request, remarks)


def read(text: str, request: Request, remarks: list[str]) -> Iterator[Issue]:
    """The issue of an answer.

    Raises:
        ValueError: it is cut off, in another currency or unit, or not as documented.
    """
    root = _root(text)
    if root.tag == "Acknowledgement_MarketDocument":
        reason = (root.findtext("Reason/text") or "no reason given").strip()
        if root.findtext("Reason/code") != NO_DATA:
            raise ValueError(reason)
        remarks.append("nothing is published for these times")
        return
    if root.tag != "Publication_MarketDocument":
        raise ValueError(f"it is no price document but {root.tag[:60]}")
    series_of: dict[tuple[bool, int], dict[int, float | None]] = {}
    for series in root.iter("TimeSeries"):
        money, energy = series.findtext("currency_Unit.name"), series.findtext("price_Measure_Unit.name")
        if f"{money}/{energy}".upper() != "EUR/MWH":
            raise ValueError(f"prices are in {money}/{energy}, not in EUR/MWh")
        sequence = (series.findtext(SEQUENCE) or "").strip()
        if sequence not in ("", "1"):
            remarks.append(f"auction sequence {sequence} is left out; 1 is the common auction")
            continue
        repeats = series.findtext("curveType") == "A03"
        for period in series.iter("Period"):
            length, values = _period(period, repeats)
            series_of.setdefault((bool(sequence), -length), {}).update(values)
    shortest = min((-length for _, length in series_of), default=900)
    values_at: dict[int, float] = {}
    # the common auction lies over series without a sequence, short intervals lie over long ones
    for (_, length), values in sorted(series_of.items(), key=lambda item: item[0]):
        for start, value in values.items():
            if value is not None:
                values_at |= dict.fromkeys(range(start, start - length, shortest), value)
    created = root.findtext("createdDateTime")
    rows = [(start, value, False) for start, value in _published(sorted(values_at.items()), remarks)]
    yield request.issue(rows, shortest, instant(created) if created else None)


def _root(text: str) -> ElementTree.Element:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("it declares entities, which no answer needs")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        raise ValueError("it is no XML, or is cut off") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _period(period: ElementTree.Element, repeats: bool) -> tuple[int, dict[int, float | None]]:
    """Length of the intervals of a period, and the value of each by its start."""
    resolution = period.findtext("resolution") or ""
    if resolution not in RESOLUTION_S:
        raise ValueError(f"resolution {resolution[:20]!r}; {', '.join(RESOLUTION_S)} are read")
    length = RESOLUTION_S[resolution]
    start, end = (int(instant(period.findtext(f"timeInterval/{side}") or "").timestamp()) for side in ("start", "end"))
    points: dict[int, float] = {}
    for point in period.iter("Point"):
        position = int(point.findtext("position") or "")
        points[position] = number(float(point.findtext("price.amount") or ""))
    count, remaining = divmod(end - start, length)
    if remaining or count < 1 or any(not 1 <= position <= count for position in points):
        raise ValueError(f"positions and {resolution} do not fit the period of {(end - start) / 3600:g} h")
    values: dict[int, float | None] = {}
    last: float | None = None
    for position in range(1, count + 1):
        value = points.get(position)
        last = value if value is not None or not repeats else last
        values[start + (position - 1) * length] = last
    return length, values


def _published(rows: list[tuple[int, float]], remarks: list[str]) -> list[tuple[int, float]]:
    """Rows without the last days that hold nothing but zeros."""

    def day_of(row: tuple[int, float]) -> date:
        return datetime.fromtimestamp(row[0], MARKET_DAY).date()

    days = [(day, list(group)) for day, group in groupby(rows, day_of)]
    while days and all(value == 0 for _, value in days[-1][1]):
        day, _ = days.pop()
        remarks.append(f"{day} holds nothing but zeros: not published yet, left out")
    return [row for _, group in days for row in group]
