"""Reading of ``live.yaml``, and checks against its scenario."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import xarray as xr
from pydantic import ValidationError

from emberline.live.tags.record import MEANINGS, Live, Tag
from emberline.scenarios import Case, Problem, Scenario, ScenarioError, bundled
from emberline.scenarios import load as load_scenario
from emberline.scenarios.reading import document as yaml_document
from emberline.scenarios.reading.document import Document, dotted
from emberline.scenarios.records.base import Misplaced, Mistakes, Place, unknown
from emberline.scenarios.records.faults import fault

SITE = "site"
NODE = re.compile(
    r"(?:\s*(?:ns\s*=\s*(?P<index>\d+)|nsu\s*=(?P<uri>[^;]+?))\s*;)?\s*(?P<kind>[isgb])\s*=(?P<text>.+)", re.S
)
"""Pattern of an OPC UA node id."""
NO_NODE = "is no node id such as ns=2;s=EAF1.Power"
PLANNED_WITH = {"name", "horizon", "line", "orders", "site", "stores", "processes", "arrivals", "deliveries"}
"""Sections of a scenario that must not change while a plan is in force. Prices, goal and disturbances may change."""


@dataclass(frozen=True)
class Plant:
    """Scenario of a plant with its tags."""

    live: Live
    scenario: Case
    folder: Path
    """Folder that paths in the file are relative to."""
    name: str = "live"
    """Name of the file, under which history and decisions are stored."""

    @cached_property
    def identity(self) -> str:
        """SHA-256 hash of plant, orders and horizon. A plan is followed only if its scenario has the same hash."""
        nouns = self.scenario.model_dump(mode="json", include=PLANNED_WITH)
        return hashlib.sha256(json.dumps(nouns, sort_keys=True).encode()).hexdigest()

    def now(self) -> datetime:
        """Current time by the plant's clock."""
        return datetime.now(UTC) if self.live.clock is None else self.live.clock.now()

    def tag(self, **meaning: str | bool) -> Tag | None:
        """Return the tag with a meaning such as ``power_of="EAF"``."""
        (key, subject), *_ = meaning.items()
        return next((tag for tag in self.live.tags if getattr(tag, key) == subject), None)

    def unit_of(self, tag: Tag) -> str:
        """Emberline's unit of measure for a tag's values."""
        if tag.power_of is not None:
            return "MW"
        if tag.level_of is not None:
            return levels(self.scenario)[tag.level_of].unit
        return f"{self.scenario.market.currency}/MWh" if tag.price else ""


def load(path: Path) -> Plant:
    """Read a plant from a file.

    Raises:
        ScenarioError: the file has mistakes; each is listed with file, line and key.
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
    problems += [Problem(document.where(place), dotted(place), text) for place, text in _mistakes(live, scenario)]
    if problems:
        raise ScenarioError(problems)
    return Plant(live, scenario, path.parent, path.stem)


def scenario_of(plant: Plant) -> Case:
    """The plant's scenario, read again with the newest values of its series.

    Raises:
        ScenarioError: the scenario can no longer be read.
    """
    return _scenario(plant.live.scenario, plant.folder)


def _scenario(name: str, folder: Path) -> Case:
    return load_scenario(name if name in bundled() else folder / name)


@dataclass(frozen=True)
class MeasuredStore:
    """A store whose level can be measured."""

    unit: str
    """Unit of measure of the level."""
    capacity: float
    start_level: float
    variable: str
    """Variable of a run with the levels at the end of each step."""
    place: Mapping[str, str]
    """Label of the store in that variable."""

    def ends(self, run: xr.Dataset) -> xr.DataArray:
        """Level at the end of each step, shape (n_steps,)."""
        return run[self.variable].loc[self.place]

    def at(self, run: xr.Dataset, step_min: float, at_min: float) -> float:
        """Level in a run at a moment, without corrections from measurements."""
        levels = np.append(self.start_level, self.ends(run))
        if self.variable == "stock_t":
            flow = run["stock_in_t"] - run["stock_out_t"] - run["stock_lost_t"]
            levels = self.start_level + np.append(0.0, np.cumsum(flow.loc[self.place]))
        return float(np.interp(at_min, np.arange(len(levels)) * step_min, levels))


def levels(scenario: Scenario) -> dict[str, MeasuredStore]:
    """Stores and storages with a level, by name."""
    materials = {
        store.name: MeasuredStore("t", store.capacity_t, store.start_t, "stock_t", {"stock": store.name})
        for store in scenario.stores
    }
    site, battery = scenario.site, scenario.battery
    carriers = {
        name: MeasuredStore(
            site.carrier[store.carrier].unit, store.capacity, store.start_level, "asset_level", {"store": name}
        )
        for name, store in site.stores.items()
    }
    if battery is not None:
        carriers = {
            "battery": MeasuredStore("MWh", battery.capacity, battery.start_level, "battery_mwh", {}),
            **carriers,
        }
    return {**materials, **carriers}


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
    traits = {connector.name: connector.traits for connector in live.connectors}
    for noun, names in (("connectors", connectors), ("tags", [tag.name for tag in live.tags])):
        for i, name in enumerate(names):
            if name in names[:i]:
                yield (noun, i, "name"), f"there are two of the name {name}"
    brokers = [name for name, of_kind in traits.items() if of_kind.publishes]
    for i, publication in enumerate(live.publish):
        if publication.connector is not None and publication.connector not in brokers:
            yield ("publish", i, "connector"), unknown("connector to a broker", publication.connector, brokers)
    servers = [name for name, of_kind in traits.items() if of_kind.writes]
    if live.job_orders is not None and live.job_orders.connector not in servers:
        yield ("job_orders", "connector"), unknown("OPC UA connector", live.job_orders.connector, servers)
    if live.set_points.enabled and live.set_points.connector not in servers:
        yield ("set_points", "connector"), unknown("OPC UA connector", live.set_points.connector or "", servers)
    yield from _of_set_points(live, scenario)
    meanings: dict[tuple[str, object], str] = {}
    for i, tag in enumerate(live.tags):
        if tag.connector not in connectors:
            yield ("tags", i, "connector"), unknown("connector", tag.connector, connectors)
        elif traits[tag.connector].address.fullmatch(tag.address) is None:
            yield ("tags", i, "address"), f"is {traits[tag.connector].address_form}"
        yield from ((("tags", i, key), text) for key, text in _of_tag(tag, scenario))
        key, subject = next((key, getattr(tag, key)) for key in MEANINGS if getattr(tag, key))
        if (key, subject) in meanings:
            yield ("tags", i, key), f"tag {meanings[key, subject]} measures the same"
        meanings.setdefault((key, subject), tag.name)


def node(address: str) -> tuple[str, str, object]:
    """Namespace, kind and identifier of a node id, equal for all notations of the same node.

    Raises:
        ValueError: the address is not a node id.
    """
    parts = NODE.fullmatch(address)
    if parts is None:
        raise ValueError(NO_NODE)
    kind, text = parts["kind"], parts["text"]
    identifier: object = text
    try:
        if kind == "i":
            identifier = int(text)
        elif kind == "g":
            identifier = uuid.UUID(text.strip())
        elif kind == "b":
            is_hex = text.startswith("0x")
            identifier = bytes.fromhex(text[2:]) if is_hex else base64.b64decode(text.strip(), validate=True)
    except ValueError:
        raise ValueError(NO_NODE) from None
    return parts["uri"] or str(int(parts["index"] or 0)), kind, identifier


def same_node(address: str, other: str) -> bool:
    """Whether two addresses denote, or may denote, the same node: a name and an index may denote the same namespace."""
    try:
        (first, *identifier), (second, *other_identifier) = node(address), node(other)
    except ValueError:
        return False  # reported elsewhere as not a node id
    return identifier == other_identifier and (first == second or first.isdigit() != second.isdigit())


def _of_set_points(live: Live, scenario: Scenario) -> Mistakes:
    orders, here = live.job_orders, ("set_points", "allow")
    values: list[tuple[Place, str]] = []
    signs: list[tuple[Place, str]] = []
    """Addresses of heartbeats and expiry times, which set-points may share, and of job orders."""
    for i, point in enumerate(live.set_points.allow):
        signs.append(((*here, i, "heartbeat"), point.heartbeat))
        signs += [] if point.valid_until is None else [((*here, i, "valid_until"), point.valid_until)]
    if orders is not None and orders.connector == live.set_points.connector:
        for key, address in (("receiver", orders.receiver), ("responses", orders.responses)):
            signs += [] if address is None else [(("job_orders", key), address)]
    for i, point in enumerate(live.set_points.allow):
        low, high = point.range
        if point.name in [earlier.name for earlier in live.set_points.allow[:i]]:
            yield (*here, i, "name"), f"there are two of the name {point.name}"
        if point.return_value is None:
            text = f"is required: the value that is written once when a plan ends, {low:g} to {high:g} {point.unit}"
            yield (*here, i, "return_value"), f"{text}, such as return_value: {min(max(0.0, low), high):g}"
        elif not low <= point.return_value <= high:
            text = f"{point.return_value:g} {point.unit} lies outside its range, {low:g} to {high:g} {point.unit}"
            yield (*here, i, "return_value"), text
        if point.battery and scenario.battery is None:
            yield (*here, i, "battery"), "the plant has none"
        yield from _written_twice((*here, i, "address"), point.address, [*values, *signs])
        values.append(((*here, i, "address"), point.address))
    for k, (place, address) in enumerate(signs):
        others = [sign for sign in signs[:k] if sign[0][-1] != place[-1]]
        yield from _written_twice(place, address, others)


def _written_twice(place: Place, address: str, others: list[tuple[Place, str]]) -> Mistakes:
    """Problem of an address that is not a node id, or that denotes the same node as another address."""
    try:
        node(address)
    except ValueError as error:
        yield place, f"{address[:60]} {error}"
        return
    for other, text in others:
        if same_node(address, text):
            yield place, f"is written for something else too: {dotted(other)} is the same node, {text}"
            return


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
    unit = levels(scenario)[tag.level_of].unit if tag.level_of else None
    if tag.price:
        unit = f"{scenario.market.currency}/MWh"
    if unit is not None:
        try:
            tag.factor(unit)
        except Misplaced as error:
            yield "unit", str(error)
