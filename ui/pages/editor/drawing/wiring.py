"""Connections between a box of the flow sheet and a bar: which key of the draft says them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from emberline.reports.text.language import mark
from emberline.scenarios.assets import ELECTRICITY
from emberline.scenarios.reading.document import Keys
from emberline.ui.pages.editor.drawing.layout import bars, carrier_fields

NO_PLACE = mark("{box} cannot be connected to {bar} in this direction")
ALREADY = mark("{box} is connected to {bar} already")
OF_CARRIER = 0.05
"""Typical amount of a carrier for each tonne, in MWh, until another one is typed."""


def connected(data: dict[str, Any], path: Keys, bar: str, way: str) -> tuple[dict[str, Any], str]:
    """The draft's data with one more connection, or why there cannot be one.

    Args:
        data: of the draft; it is not changed.
        path: of the box.
        bar: name of a carrier or store.
        way: ``gives``: from the box to the bar; ``takes``: the other way.
    """
    data = deepcopy(data)
    record = at(data, path)
    stores = {box.name for box in bars(data)[1]}
    if not isinstance(record, dict):
        return data, NO_PLACE
    if path[0] == "processes":
        return data, _process(record, bar, bar in stores, way)
    if path[0] in ("arrivals", "deliveries"):
        if bar not in stores or (way == "gives") != (path[0] == "arrivals"):
            return data, NO_PLACE
        record["store"] = bar
        return data, ""
    if path[:2] == ("site", "assets") and bar not in stores:
        return data, _asset(record, bar, way)
    return data, NO_PLACE


def _process(record: dict[str, Any], bar: str, material: bool, way: str) -> str:
    if bar == ELECTRICITY:
        return ALREADY if way == "takes" else NO_PLACE
    side = "outputs" if way == "gives" else "inputs"
    recipes = record.get("modes") or [record]
    for recipe in recipes:
        streams = recipe.setdefault(side, [])
        if any(bar in (stream.get("store"), stream.get("carrier")) for stream in streams):
            return ALREADY
        streams.append({"store": bar} if material else {"carrier": bar, "per_t": OF_CARRIER})
    return ""


def _asset(record: dict[str, Any], bar: str, way: str) -> str:
    kind = str(record.get("kind"))
    if kind == "converter":
        record.setdefault("outputs" if way == "gives" else "inputs", []).append({"carrier": bar, "per_unit": 1})
        return ""
    keys = carrier_fields(kind, way)
    if not keys:
        return NO_PLACE
    empty = [key for key in keys if not record.get(key)]
    key = (empty or list(keys))[0]
    if record.get(key) == bar:
        return ALREADY
    record[key] = bar
    return ""


def cut(data: dict[str, Any], path: Keys, bar: str) -> dict[str, Any]:
    """The draft's data without the connections between a process and a bar."""
    data = deepcopy(data)
    record = at(data, path)
    for recipe in (record, *record.get("modes", ())):
        for side in ("inputs", "outputs"):
            streams = recipe.get(side)
            if isinstance(streams, list):
                rest = [stream for stream in streams if bar not in (stream.get("store"), stream.get("carrier"))]
                recipe.pop(side) if not rest else recipe.update({side: rest})
    return data


def at(data: Any, path: Keys) -> Any:
    """What stands at a path; None: nothing."""
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data
