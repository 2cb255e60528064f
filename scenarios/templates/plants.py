"""Plant templates: small scenarios with typical figures, each with its source in a comment.

Templates have the format of the bundled scenarios (``library/templates``). ``remarks.py`` reads the comments, so that
pages can show the source next to a figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator

from emberline.scenarios.loading.loading import LIBRARY
from emberline.scenarios.messages import mark
from emberline.scenarios.reading.document import Keys, mapping_at, parse, value_at
from emberline.scenarios.reading.editing import revised
from emberline.scenarios.reading.remarks import remarks
from emberline.scenarios.records.base import Problem, ScenarioError

TITLES = {
    "melt-shop": (mark("Melt shop"), mark("One arc furnace, ladle furnace and caster; six heats in two casts.")),
    "mini-mill": (mark("Mini-mill"), mark("A melt shop with ten heats, a bar mill, PV and a battery on one site.")),
    "cement-works": (mark("Cement works"), mark("Raw mill, kiln, two cement mills, silos; two grades by truck.")),
    "grinding-plant": (
        mark("Grinding plant"),
        mark("One mill between two silos, with prices for day and night and for the month's peak."),
    ),
    "foundry": (mark("Foundry"), mark("Two induction furnaces for one moulding line, and compressors.")),
    "boiler-house": (mark("Boiler house"), mark("Steam from a gas engine and two boilers, with a steam store and PV.")),
    "meter": (mark("From a meter file"), mark("The site's load as metered; try PV, a battery and tariffs around it.")),
    "empty": (mark("Empty flow sheet"), mark("Place units and stores, connect them, fill in forms.")),
}  # fmt: skip
"""Display name and description of each template, in the order of the menu."""
TEMPLATES, EMPTY = tuple(TITLES), "empty"
METER = "meter"
"""Template of a site with a load from a meter file."""


@cache
def template(name: str) -> str:
    """Return the text of a template.

    Raises:
        ScenarioError: there is no template of this name.
    """
    if name not in TEMPLATES:
        raise ScenarioError([Problem(name[:80], "", f"no such template; there are {', '.join(TEMPLATES)}")])
    return (LIBRARY / "templates" / f"{name}.yaml").read_text(encoding="utf-8")


def summary(name: str) -> tuple[str, str]:
    """Return the title and description of a template."""
    data = parse(template(name)).data
    return str(data["title"]), str(data["description"])


def start(name: str, plant: str, title: str = "") -> str:
    """Create the text of a new plant from a template, without its description, which would soon be outdated.

    Args:
        name: name of the template.
        plant: name of the new scenario.
        title: title of the new scenario; empty: title of the template.
    """
    text = template(name)
    data = parse(text).data
    data = {key: value for key, value in data.items() if key != "description"}
    return revised(text, {**data, "name": plant, **({"title": title} if title else {})})


GRADE, ORDER, HEATS = "grade 1", "C1", 6
"""Defaults for a line without grades and orders."""
HEAT_T = "100 t"


DottedKeys = Annotated[Keys, BeforeValidator(lambda dotted: tuple(dotted.split(".")))]
"""Keys in dotted notation."""


class Further(BaseModel):
    """Additional record required by a part, with its place."""

    into: DottedKeys
    record: dict[str, Any]


class Part(BaseModel):
    """Record with typical figures, with its place."""

    name: str
    group: str
    into: DottedKeys
    record: dict[str, Any]
    source: str
    """Source of the figures."""
    carriers: tuple[str, ...] = ()
    minutes: float = 0
    kwh_per_t: float = 0
    also: tuple[Further, ...] = ()
    """Additional records required, unless their names exist."""
    replaces: tuple[DottedKeys, ...] = ()
    """Keys that the part replaces."""

    @property
    def single(self) -> bool:
        """Whether a scenario can have only one."""
        return self.into in (("site", "pv"), ("site", "battery"), ("market", "tariff"))


@cache
def parts() -> dict[str, Part]:
    """Return all parts by name."""
    text = (LIBRARY / "templates" / "parts.yaml").read_text(encoding="utf-8")
    sources = remarks(text)
    return {
        row["name"]: Part(**row, source=sources["parts", i, "record"])
        for i, row in enumerate(parse(text).data["parts"])
    }


def refusal(part: Part, data: dict[str, Any]) -> str:
    """Return the reason why a part cannot be placed; empty if it can."""
    of_line = part.into[0] == "line"
    of_processes = part.into[0] in ("processes", "stores", "arrivals", "deliveries")
    if (of_line and data.get("processes")) or (of_processes and data.get("line")):
        return mark("a line of heats and processes are not planned together")
    if part.into[0] in ("arrivals", "deliveries") and not data.get("stores"):
        return mark("place a store first")
    if part.single and value_at(data, part.into) is not None:
        return mark("it is there already")
    stages = value_at(data, ("line", "stages")) or []
    if of_line and any(stage.get("campaign") for stage in stages[-1:]):
        return mark("a stage that casts without a gap is the last one")
    return ""


def place(part: Part, data: dict[str, Any]) -> tuple[dict[str, Any], Keys]:
    """Add a part to a scenario; return the new data and the place of the part.

    Args:
        part: part to be placed.
        data: plain data of the scenario; not modified.
    """
    data = deepcopy(data)
    record = deepcopy(part.record)
    for carrier in part.carriers:
        _carrier(data, carrier)
    for more in part.also:
        if more.record.get("name") not in set(names(data)):
            _append(data, more.into, deepcopy(more.record))
    for path in part.replaces:
        mapping_at(data, path[:-1]).pop(str(path[-1]), None)
    if part.single:
        mapping_at(data, part.into[:-1])[str(part.into[-1])] = record
        return data, part.into
    names_in_use = set(names(data))
    record["name"] = free(str(record["name"]), names_in_use)
    for i, unit in enumerate(record.get("units", ())):
        record["units"][i]["name"] = free(str(unit["name"]), names_in_use)
    if "store" in record:
        at = 0 if part.into[0] == "arrivals" else -1
        record["store"] = data["stores"][at]["name"]
    if part.into == ("line", "stages"):
        _heats(data, record["name"], part)
    return data, (*part.into, _append(data, part.into, record))


def names(data: Any) -> Iterator[str]:
    """Iterate over all names in the data of a scenario."""
    if isinstance(data, dict):
        if isinstance(data.get("name"), str):
            yield data["name"]
        for value in data.values():
            yield from names(value)
    elif isinstance(data, list):
        for value in data:
            yield from names(value)


def free(name: str, names_in_use: set[str]) -> str:
    """Return an unused name, with a number appended if necessary."""
    number, result = 1, name
    while result in names_in_use:
        number += 1
        result = f"{name} {number}"
    names_in_use.add(result)
    return result


def _heats(data: dict[str, Any], stage: str, part: Part) -> None:
    """Add the duration and energy at a new stage to every grade; create a grade and an order if there are none."""
    line = mapping_at(data, ("line",))
    grades = line.setdefault("grades", [])
    if not grades:
        grades.append({"name": GRADE, "mass_t": HEAT_T, "duration_min": {}, "energy_kwh_per_t": {}})
    for grade in grades:
        grade.setdefault("duration_min", {})[stage] = part.minutes
        grade.setdefault("energy_kwh_per_t", {})[stage] = part.kwh_per_t
    if not data.get("orders"):
        data["orders"] = [{"name": ORDER, "heats": [{"grade": grades[0]["name"], "count": HEATS}]}]


def _carrier(data: dict[str, Any], name: str) -> None:
    carriers = mapping_at(data, ("site",)).setdefault("carriers", [])
    if all(carrier.get("name") != name for carrier in carriers):
        carriers.append({"name": name})


def _append(data: dict[str, Any], path: Keys, record: dict[str, Any]) -> int:
    items = mapping_at(data, path[:-1]).setdefault(str(path[-1]), [])
    items.append(record)
    return len(items) - 1
