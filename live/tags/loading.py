"""Reading ``live.yaml``, and checking it against the scenario that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from emberline.live.tags.record import MEANINGS, Live, Tag
from emberline.scenarios import Problem, Scenario, ScenarioError, bundled
from emberline.scenarios import load as load_scenario
from emberline.scenarios.checking.faults import fault
from emberline.scenarios.reading import document as yaml_document
from emberline.scenarios.reading.document import Document, dotted
from emberline.scenarios.records.base import Misplaced, Mistakes, Place, unknown

SITE = "site"
METRIC = re.compile(r"(?P<group>[^/+#:]+)/(?P<edge>[^/+#:]+)(/(?P<device>[^/+#:]+))?:(?P<metric>.+)")
"""Address of a metric of Sparkplug; its device is missing where it is the edge node's own."""


@dataclass(frozen=True)
class Plant:
    """A scenario with the tags that measure it."""

    live: Live
    scenario: Scenario
    folder: Path
    """That paths in the file are relative to."""
    name: str = "live"
    """Of the file, under which history and decisions are kept."""

    def now(self) -> datetime:
        """The time of the plant."""
        return datetime.now(UTC) if self.live.clock is None else self.live.clock.now()

    def tag(self, **meaning: str | bool) -> Tag | None:
        """The tag of a meaning, such as ``power_of="EAF"``."""
        (key, subject), *_ = meaning.items()
        return next((tag for tag in self.live.tags if getattr(tag, key) == subject), None)

    def unit_of(self, tag: Tag) -> str:
        """Unit of measure that Emberline counts a tag's values in."""
        if tag.power_of is not None:
            return "MW"
        if tag.level_of is not None:
            return levels(self.scenario)[tag.level_of]
        return f"{self.scenario.market.currency}/MWh" if tag.price else ""


def load(path: Path) -> Plant:
    """The plant that a file describes.

    Raises:
        ScenarioError: with every mistake found, file, line and key.
    """
    document = yaml_document.read(path)
    problems = list(document.problems)
    live = None
    try:
        live = Live.model_validate(document.data)
    except ValidationError as error:
        problems += _faults(document, error)
    if live is None:
        raise ScenarioError(problems)
    try:
        scenario = _scenario(live.scenario, path.parent)
    except ScenarioError as error:
        raise ScenarioError([*problems, *error.problems]) from None
    problems += [Problem(document.where(place), dotted(place), says) for place, says in _mistakes(live, scenario)]
    if problems:
        raise ScenarioError(problems)
    return Plant(live, scenario, path.parent, path.stem)


def scenario_of(plant: Plant) -> Scenario:
    """The plant's scenario, read again with the newest values of its series.

    Raises:
        ScenarioError: it can no longer be read.
    """
    return _scenario(plant.live.scenario, plant.folder)


def _scenario(name: str, folder: Path) -> Scenario:
    return load_scenario(name if name in bundled() else folder / name)


def levels(scenario: Scenario) -> dict[str, str]:
    """Everything that has a level, with its unit of measure."""
    storages = {
        asset.name: scenario.site.carrier[asset.carrier].unit
        for asset in scenario.site.assets
        if hasattr(asset, "capacity") and hasattr(asset, "carrier")
    }
    battery = {} if scenario.battery is None else {"battery": "MWh"}
    return {**dict.fromkeys((store.name for store in scenario.stores), "t"), **battery, **storages}


def units(scenario: Scenario) -> list[str]:
    """Names of the units of the line and of the processes."""
    return [*(unit.name for unit in scenario.line.units), *(unit for unit, _ in scenario.process_units)]


def _faults(document: Document, error: ValidationError) -> Iterator[Problem]:
    for item in error.errors(include_url=False):
        place: Place = tuple(item["loc"])
        cause = (item.get("ctx") or {}).get("error")
        if isinstance(cause, Misplaced):
            place = cause.below(place)
        yield Problem(document.where(place), dotted(place), " ".join(fault(item).split())[:300])


def _mistakes(live: Live, scenario: Scenario) -> Mistakes:
    if not live.tags:
        yield ("tags",), "names no tag"
    connectors = [connector.name for connector in live.connectors]
    kinds = {connector.name: connector.kind for connector in live.connectors}
    for noun, names in (("connectors", connectors), ("tags", [tag.name for tag in live.tags])):
        for i, name in enumerate(names):
            if name in names[:i]:
                yield (noun, i, "name"), f"there are two of the name {name}"
    brokers = [name for name, kind in kinds.items() if kind in ("mqtt", "sparkplug")]
    for i, publication in enumerate(live.publish):
        if publication.kind == "mqtt" and publication.connector not in brokers:
            yield ("publish", i, "connector"), unknown("connector to a broker", publication.connector or "", brokers)
    servers = [name for name, kind in kinds.items() if kind == "opcua"]
    if live.job_orders is not None and live.job_orders.connector not in servers:
        yield ("job_orders", "connector"), unknown("OPC UA connector", live.job_orders.connector, servers)
    if live.set_points.enabled and live.set_points.connector not in servers:
        yield ("set_points", "connector"), unknown("OPC UA connector", live.set_points.connector or "", servers)
    points = live.set_points.allow
    for i, point in enumerate(points):
        others = [one for one in points if one is not point]
        if point.name in [one.name for one in points[:i]]:
            yield ("set_points", "allow", i, "name"), f"there are two of the name {point.name}"
        signs = [point.heartbeat, point.valid_until, *(of for one in others for of in (one.heartbeat, one.valid_until))]
        if point.address in [*signs, *(one.address for one in others)]:
            yield ("set_points", "allow", i, "address"), "is written for something else too"
    if scenario.battery is None:
        for i, point in enumerate(points):
            if point.battery:
                yield ("set_points", "allow", i, "battery"), "the plant has none"
    meanings: dict[tuple[str, object], str] = {}
    for i, tag in enumerate(live.tags):
        if tag.connector not in connectors:
            yield ("tags", i, "connector"), unknown("connector", tag.connector, connectors)
        elif kinds[tag.connector] == "sparkplug" and METRIC.fullmatch(tag.address) is None:
            yield ("tags", i, "address"), "is group/edge:metric or group/edge/device:metric"
        yield from ((("tags", i, key), says) for key, says in _of_tag(tag, scenario))
        key, subject = next((key, getattr(tag, key)) for key in MEANINGS if getattr(tag, key))
        if (key, subject) in meanings:
            yield ("tags", i, key), f"tag {meanings[key, subject]} measures the same"
        meanings.setdefault((key, subject), tag.name)


def _of_tag(tag: Tag, scenario: Scenario) -> Iterator[tuple[str, str]]:
    places = units(scenario)
    for key, what, names in (
        ("power_of", "unit", [*places, SITE]),
        ("state_of", "unit", places),
        ("heat_of", "unit", places),
        ("level_of", "store", list(levels(scenario))),
    ):
        name = getattr(tag, key)
        if name is not None and name not in names:
            yield key, unknown(what, name, names)
            return
    unit = levels(scenario)[tag.level_of] if tag.level_of else None
    if tag.price:
        unit = f"{scenario.market.currency}/MWh"
    if unit is not None:
        try:
            tag.factor(unit)
        except Misplaced as error:
            yield "unit", str(error)
