"""Flow sheet of a draft as boxes, bars and lines, from plain data that may contain mistakes; changes of connections.

As on the page Plant, carriers are horizontal bars with the site above them and production below. Stores of material
are bars below production. Positions are pixels of a drawing of fixed width."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

from emberline.reports.text import mark, tr
from emberline.scenarios.assets.base import KINDS
from emberline.scenarios.assets.converter import CARRIER_FIELDS, Converter, Machine
from emberline.scenarios.assets.machines import FlexibleLoad
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.reading.document import Keys
from emberline.ui.pages.editor.fields import value_at

WIDTH, MARGIN, LABEL = 680, 8, 92
BOX, GAP, BAR, ROW = 46, 26, 36, 5
"""Height of a box, gap between rows, distance between bars [px], and maximum number of boxes in a row."""
INPUTS = ("fuel", "source", "input")
"""Fields of machines that name a consumed carrier; all other carrier fields name a supplied one."""
CONNECTIONS = {"grid": mark("grid"), "pv": mark("PV"), "battery": mark("battery"), "base_load_mw": mark("base load")}

at = partial(value_at, otherwise=None)
"""Value at a path of the draft; None if there is none."""


@dataclass(frozen=True)
class SheetBox:
    """A box: its path in the draft and the bars that are connected to it."""

    path: Keys
    name: str
    detail: str
    gives: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    wrong: int = 0

    @property
    def id(self) -> str:
        """Path of the box as text."""
        return "/".join(map(str, self.path))


@dataclass
class SheetDrawing:
    """Drawing as plain data for the browser."""

    wrong: dict[str, int]
    """Number of mistakes, by id of the box or bar."""
    boxes: list[dict[str, Any]] = field(default_factory=list)
    bars: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    height: float = float(MARGIN)
    """Present height of the drawing [px]."""

    def lanes(self, lanes: list[SheetBox]) -> None:
        """Add bars below each other."""
        for place, lane in enumerate(lanes):
            self.height += BAR if place else 12
            self.bars.append({**self._entry(lane), "y": self.height, "material": lane.path[0] == "stores"})

    def row(self, boxes: list[SheetBox], by: float = 0) -> None:
        """Add boxes next to each other, in several rows shifted by half a box if there are many."""
        across = min(max(len(boxes), 4), ROW)
        width = (WIDTH - LABEL - MARGIN) / (across + max(0.5 if len(boxes) > ROW else 0, by))
        for i, box in enumerate(boxes):
            number, place = divmod(i, across)
            x = LABEL + width * (place + (0.5 if number % 2 else by)) + 6
            top = self.height + number * (BOX + GAP)
            self.boxes.append({**self._entry(box), "x": x, "y": top, "w": width - 12, "h": BOX})
        self.height += -(-len(boxes) // across) * (BOX + GAP)

    def connect(self, box: SheetBox) -> None:
        """Add the lines between a box and its bars."""
        place = next(entry for entry in self.boxes if entry["id"] == box.id)
        flows, levels = {*box.gives, *box.takes}, {bar["name"]: bar["y"] for bar in self.bars}
        names = [name for name in levels if name in flows]
        for i, name in enumerate(names):
            both = name in box.gives and name in box.takes
            self.lines.append(
                {
                    "box": box.id,
                    "bar": name,
                    "x": place["x"] + place["w"] * (i + 1) / (len(names) + 1),
                    "y": place["y"] if levels[name] < place["y"] else place["y"] + BOX,
                    "y2": levels[name],
                    "way": "both" if both else "gives" if name in box.gives else "takes",
                }
            )

    def _entry(self, box: SheetBox) -> dict[str, Any]:
        return {"id": box.id, "name": box.name, "detail": box.detail, "wrong": self.wrong.get(box.id, 0)}


def _items(data: Any, *path: str) -> list[tuple[int, dict[str, Any]]]:
    """Number and content of the items of a list in data."""
    value = at(data, path)
    return [(i, row) for i, row in enumerate(value) if isinstance(row, dict)] if isinstance(value, list) else []


def _names(row: dict[str, Any], keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(row[key]) for key in keys if row.get(key))


def _streams(recipe: dict[str, Any], side: str) -> Iterator[str]:
    for _, stream in _items(recipe, side):
        name = stream.get("store") or stream.get("carrier")
        if name:
            yield str(name)


def connections(data: dict[str, Any]) -> Iterator[SheetBox]:
    """Grid, PV, battery and base load of the site."""
    limit = at(data, ("site", "grid", "import_limit_mw"))
    detail = tr("no import limit") if limit is None else tr("at most {amount}", amount=amount(limit, "MW"))
    yield SheetBox(("site", "grid"), tr(CONNECTIONS["grid"]), detail, (ELECTRICITY,))
    for key, of, unit, takes in (("pv", "peak_mw", "MW", ()), ("battery", "energy_mwh", "MWh", (ELECTRICITY,))):
        part = at(data, ("site", key))
        if isinstance(part, dict):
            yield SheetBox(("site", key), tr(CONNECTIONS[key]), amount(part.get(of), unit), (ELECTRICITY,), takes)
    site = at(data, ("site",))
    if isinstance(site, dict) and "base_load_mw" in site:
        load = site["base_load_mw"]
        detail = str(load.get("csv", tr("a series"))) if isinstance(load, dict) else amount(load, "MW")
        yield SheetBox(("site", "base_load_mw"), tr(CONNECTIONS["base_load_mw"]), detail, (), (ELECTRICITY,))


def carrier_fields(kind: str, way: str) -> tuple[str, ...]:
    """Fields that name a carrier that a kind of asset supplies (``gives``) or consumes (``takes``)."""
    record = KINDS.get(kind)
    if record is None or issubclass(record, Converter):
        return ()
    sides = {**dict.fromkeys(INPUTS, -1), "carrier": -1 if issubclass(record, FlexibleLoad) else record.sign}
    names = (name for name in record.model_fields if name in CARRIER_FIELDS)
    return tuple(name for name in names if sides.get(name, 1) in (0, 1 if way == "gives" else -1))


def amount(value: Any, unit: str) -> str:
    """Value as typed, with the unit of its field if the value has no unit."""
    if isinstance(value, int | float):
        return f"{value:g} {unit}"
    return "" if value is None else str(value)


def assets(data: dict[str, Any]) -> Iterator[tuple[SheetBox, bool]]:
    """Assets, and whether each is a machine."""
    for i, row in _items(data, "site", "assets"):
        kind = str(row.get("kind", ""))
        gives, takes = (list(_names(row, carrier_fields(kind, way))) for way in ("gives", "takes"))
        if kind == "flexible_load" and not takes:
            takes = [ELECTRICITY]
        if kind == "converter":
            gives += list(_streams(row, "outputs"))
            takes += list(_streams(row, "inputs"))
            (takes if row.get("main") == "input" else gives).insert(0, str(row.get("carrier", "")))
        record = KINDS.get(kind, Machine)
        power = -1 if row.get("electric_mwh_per_mwh") else record.electric
        if power:
            (gives if power > 0 else takes).append(ELECTRICITY)
        box = SheetBox(
            ("site", "assets", i), str(row.get("name", "")), kind.replace("_", " "), tuple(gives), tuple(takes)
        )
        yield box, issubclass(record, Machine)


def production(data: dict[str, Any]) -> Iterator[SheetBox]:
    """Stages of the line in order, or processes."""
    for i, row in _items(data, "line", "stages"):
        units = ", ".join(str(unit.get("name", "")) for _, unit in _items(row, "units"))
        gives = tuple(str(output.get("carrier", "")) for _, output in _items(row, "gives"))
        yield SheetBox(("line", "stages", i), str(row.get("name", "")), units, gives, (ELECTRICITY,))
    for i, row in _items(data, "processes"):
        recipes = [row, *(mode for _, mode in _items(row, "modes"))]
        gives = tuple(dict.fromkeys(name for recipe in recipes for name in _streams(recipe, "outputs")))
        takes = [name for recipe in recipes for name in _streams(recipe, "inputs")]
        heats = [recipe["heat"] for recipe in recipes if isinstance(recipe.get("heat"), dict)]
        takes += [str(fuel.get("carrier", "")) for heat in heats for _, fuel in _items(heat, "fuels")]
        count, modes = row.get("count", 1), len(recipes) - 1
        parts = [f"{count} ×"] if count != 1 else []
        parts += [tr("{count} modes", count=modes)] if modes else []
        parts += [_rate(row["rate"])] if "rate" in row else []
        yield SheetBox(
            ("processes", i), str(row.get("name", "")), " · ".join(parts), gives, (ELECTRICITY, *dict.fromkeys(takes))
        )


def _rate(rate: Any) -> str:
    if isinstance(rate, dict):
        return " – ".join(amount(rate[key], "t/h") for key in ("low", "high") if key in rate)
    return amount(rate, "t/h")


def trucks(data: dict[str, Any]) -> Iterator[SheetBox]:
    """Arrivals into stores and deliveries from them."""
    for i, row in _items(data, "arrivals"):
        yield SheetBox(("arrivals", i), str(row.get("name", "")), tr("arrival"), _names(row, ("store",)))
    for i, row in _items(data, "deliveries"):
        yield SheetBox(("deliveries", i), str(row.get("name", "")), tr("delivery"), (), _names(row, ("store",)))


def bars(data: dict[str, Any]) -> tuple[list[SheetBox], list[SheetBox]]:
    """Carriers, electricity first, and stores."""
    carriers = [SheetBox(("site",), ELECTRICITY, "MWh")]
    carriers += [
        SheetBox(("site", "carriers", i), str(row.get("name", "")), str(row.get("unit", "MWh")))
        for i, row in _items(data, "site", "carriers")
    ]
    stores = [
        SheetBox(("stores", i), str(row.get("name", "")), amount(row.get("capacity_t"), "t"))
        for i, row in _items(data, "stores")
    ]
    return carriers, stores


def drawing(data: dict[str, Any], wrong: dict[str, int]) -> SheetDrawing:
    """Boxes, bars and lines with their positions.

    Args:
        data: plain data of the draft.
        wrong: number of mistakes by id of a box or bar.
    """
    sheet = SheetDrawing(wrong)
    machines = [box for box, machine in assets(data) if machine]
    above = [*connections(data), *(box for box, machine in assets(data) if not machine)]
    below, outside = [*machines, *production(data)], list(trucks(data))
    carriers, stores = bars(data)
    sheet.row(above)
    for lanes, boxes, by in ((carriers, below, 0.1), (stores, outside, 0.25)):
        sheet.lanes(lanes)
        if boxes:
            sheet.height += GAP
            sheet.row(boxes, by)
    for box in (*above, *below, *outside):
        sheet.connect(box)
    line = [box for box in below if box.path[0] == "line"]
    for stage, following in pairwise(line):
        sheet.lines.append({"stages": [stage.id, following.id], "from": stage.id, "to": following.id})
    sheet.height += MARGIN + 8
    return sheet


NO_PLACE = mark("{box} cannot be connected to {bar} in this direction")
ALREADY = mark("{box} is connected to {bar} already")
OF_CARRIER = 0.05
"""Typical amount of a carrier per tonne [MWh], used until another value is typed."""


def connected(data: dict[str, Any], path: Keys, bar: str, way: str) -> tuple[dict[str, Any], str]:
    """Add a connection to a draft; return the new data and, if the connection is impossible, the reason.

    Args:
        data: plain data of the draft, which is not changed.
        path: path of the box.
        bar: name of a carrier or store.
        way: ``gives`` for box to bar, ``takes`` for bar to box.
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
    """Data of the draft without the connections between a process and a bar."""
    data = deepcopy(data)
    record = at(data, path)
    for recipe in (record, *record.get("modes", ())):
        for side in ("inputs", "outputs"):
            streams = recipe.get(side)
            if isinstance(streams, list):
                remaining = [stream for stream in streams if bar not in (stream.get("store"), stream.get("carrier"))]
                recipe.pop(side) if not remaining else recipe.update({side: remaining})
    return data
