"""The file ``live.yaml`` of a simulated plant: its tags, as its OPC UA server or its edge node has them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from emberline.live.simulation.plant import SimulatedPlant

STATES = {"0": "idle", "1": "on", "2": "down"}
CODES = {state: float(code) for code, state in STATES.items()}
SPARE = 1.3
"""Ranges of tags end so far above the largest possible value."""


def power_range_mw(plant: SimulatedPlant, of: str) -> float:
    """A power that is not exceeded by far, in round figures [MW]."""
    if of != "site":
        return _round(2 * plant.highest_mw(of))
    return _round(plant.scenario.site.grid.import_limit_mw or 2 * sum(map(plant.highest_mw, plant.units)))


def _round(value: float) -> float:
    digit = 10 ** math.floor(math.log10(max(value * SPARE, 1.0)))
    return float(math.ceil(value * SPARE / digit) * digit)


def _tags(plant: SimulatedPlant, age_s: float) -> Iterator[dict[str, Any]]:
    def tag(name: str, node: str, **meaning: Any) -> dict[str, Any]:
        return {"name": name, "connector": "plant", "longest_age_s": age_s, "address": f"ns=2;s={node}", **meaning}

    for unit in plant.units:
        most_kw = power_range_mw(plant, unit) * 1000
        yield tag(f"{unit} power", f"{unit}.Power", power_of=unit, unit="kW", range=[0, most_kw])
        yield tag(f"{unit} state", f"{unit}.State", state_of=unit, states=STATES)
        if not plant.scenario.by_step:
            yield tag(f"{unit} heat", f"{unit}.Heat", heat_of=unit)
    site, most = plant.scenario.site, power_range_mw(plant, "site")
    least = -most if site.grid.export_limit_mw else 0
    yield tag("site power", "Site.Power", power_of="site", unit="MW", range=[least, most])
    for name, store in plant.stores.items():
        yield tag(f"{name} level", f"{name}.Level", level_of=name, unit=store.unit, range=[0, store.capacity])
    price_unit = f"{plant.scenario.market.currency}/MWh"
    yield tag("price", "Market.Price", price=True, unit=price_unit, range=[-500, 5000])


def text(
    plant: SimulatedPlant, scenario: str, url: str, clock: tuple[datetime, datetime, float], longest_age_s: float,
    address_of: Callable[[str], str] | None = None,
) -> str:  # fmt: skip
    """The file.

    Args:
        plant: that is simulated.
        scenario: name or path of its scenario.
        url: of the OPC UA server, or of the broker.
        clock: a moment of this computer, that of the plant then, and its speed.
        longest_age_s: of every tag, in the plant's time.
        address_of: metric of Sparkplug from a node id; None: tags are read from the OPC UA server.
    """
    at, shows, speed = clock
    rows = list(_tags(plant, longest_age_s))
    if address_of is not None:
        rows = [{**row, "address": address_of(row["address"])} for row in rows]
    kind = "opcua" if address_of is None else "sparkplug"
    lines = [
        f"scenario: {json.dumps(scenario)}",
        f"clock: {{at: '{at.isoformat()}', plant: '{shows.isoformat()}', speed: {speed:g}}}",
        "connectors:",
        f"- {{name: plant, kind: {kind}, url: '{url}', timeout_s: 4}}",
        "tags:",
        *(f"- {json.dumps(row, ensure_ascii=False)}" for row in rows),
        "loop: {read_every_s: 2}",
    ]
    return "\n".join(lines) + "\n"


def values(plant: SimulatedPlant, at_min: float) -> dict[str, tuple[float | str, float]]:
    """Values of the tags at a moment, by address, each with the largest possible value; 0 where it has no noise."""
    tags: dict[str, tuple[float | str, float]] = {}
    for unit in plant.units:
        power, heat = plant.power_mw(unit, at_min), plant.heat_on(unit, at_min)
        tags[f"ns=2;s={unit}.Power"] = power * 1000, (power_range_mw(plant, unit) * 1000 if power else 0.0)
        tags[f"ns=2;s={unit}.State"] = CODES[plant.state(unit, at_min)], 0.0
        tags[f"ns=2;s={unit}.Heat"] = heat, 0.0
    tags["ns=2;s=Site.Power"] = plant.site_mw(at_min), power_range_mw(plant, "site")
    for name, level in plant.levels(at_min).items():
        tags[f"ns=2;s={name}.Level"] = level, plant.stores[name].capacity
    tags["ns=2;s=Market.Price"] = plant.price(at_min), 0.0
    return tags
