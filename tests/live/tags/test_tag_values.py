"""Values of tags at the edges of what is allowed, and records of ``live.yaml`` by key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from emberline.live.tags import Live, Plant, Quality, Reading, judge
from emberline.live.tags.loading import levels, load, scenario_of, units
from emberline.live.tags.quality import utc
from emberline.live.tags.record import Clock, Connector, LoopSettings, Publication, SetPoint, SetPointSettings, Tag
from emberline.scenarios import ScenarioError
from emberline.scenarios import load as load_scenario
from emberline.scenarios.records.base import Misplaced

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
POWER = {
    "name": "power", "connector": "plant", "address": "a", "power_of": "EAF", "unit": "kW", "range": [-100, 1000],
    "longest_age_s": 60,
}  # fmt: skip
PRICE = POWER | {"power_of": None, "price": True, "unit": "EUR/MWh", "range": [-500, 4000]}
HEAT = {"name": "heat", "connector": "plant", "address": "b", "heat_of": "EAF", "longest_age_s": 600}
STATE = HEAT | {"heat_of": None, "state_of": "EAF", "states": {"1": "on", "run": "off"}}


def of(tag: dict[str, Any], value: Any, age_s: float = 1.0, status: str = "", scenario: str = "melt-shop-small") -> Any:
    """The finding of a value."""
    record = Tag.model_validate({key: item for key, item in tag.items() if item is not None})
    live = Live.model_validate({"scenario": scenario, "connectors": [], "tags": []})
    one = Plant(live, load_scenario(scenario), Path())
    return judge(one, record, Reading(value, NOW - timedelta(seconds=age_s), status), NOW)


@pytest.mark.parametrize(
    ("age_s", "quality", "text"),
    [
        (-30, Quality.OK, ""), (-31, Quality.SUSPECT, "its time lies 31 s in the future"), (60, Quality.OK, ""),
        (61, Quality.STALE, "is 61 s old; at most 60 s is allowed"), (119, Quality.STALE, "is 119 s old"),
        (120, Quality.STALE, "is 2 min old"), (1679, Quality.STALE, "is 28 min old; at most 60 s is allowed"),
        (1681, Quality.STALE, "is wrong by 0.5 h"), (1919, Quality.STALE, "is wrong by 0.5 h"),
        (1921, Quality.STALE, "at most 60 s is allowed"), (7199, Quality.STALE, "wrong by 2 h"),
        (7319, Quality.STALE, "is 2.0 h old; at most 60 s is allowed. If it is new"),
        (7321, Quality.STALE, "is 2.0 h old"),
        (14 * 3600, Quality.STALE, "wrong by 14 h"), (15 * 3600, Quality.STALE, "is 15.0 h old; at most"),
    ],
)  # fmt: skip
def test_ages(age_s: float, quality: Quality, text: str) -> None:
    """Proves: a value is good until its longest age and 30 s into the future; older ones within 2 min of whole
    half-hours up to 15 h point to a clock. Sensitivity: a bound moved by a second."""
    finding = of(POWER, 5.0, age_s)
    assert (finding.quality, text in finding.says) == (quality, True)
    assert finding.age_s == age_s
    assert ("If it is new" in finding.says) == (text.startswith(("is wrong", "wrong")) or "If it is new" in text)


@pytest.mark.parametrize(
    ("tag", "raw", "value", "text"),
    [
        (POWER, -100, -0.1, ""), (POWER, 1000, 1.0, ""),
        (POWER, 1000.1, None, "lies outside its range, -100 to 1000 kW"),
        (POWER, 499_000, None, "outside its range"), (POWER, 501_000, None, "about 1000 times too large"),
        (POWER, -501_000, None, "about 1000 times too large"), (POWER, "12", 0.012, ""),
        (POWER, "", None, "has no value"),
        (PRICE, 0.0, 0.0, ""), (PRICE, 1e-6, 1e-6, ""), (PRICE, -9e-7, None, "-9e-07 EUR/MWh is no price"),
        (POWER, 1e-5, 1e-8, ""), (HEAT, "", "", ""), (HEAT, None, None, "has no value"), (HEAT, "C1-1", "C1-1", ""),
        (STATE, 1.0, "on", ""), (STATE, " run ", "off", ""), (STATE, "1.0", None, "unknown state '1.0'"),
        (STATE, 1.5, None, "unknown state '1.5'"), (STATE, "", None, "has no value"),
    ],
)  # fmt: skip
def test_values(tag: dict[str, Any], raw: Any, value: Any, text: str) -> None:
    """Proves: a value at either end of its range is good, and in Emberline's unit; far beyond the range another unit is
    named; no heat is a value, and no state is not. Sensitivity: a bound, a factor or a sign."""
    finding = of(tag, raw)
    assert finding.value == (pytest.approx(value) if isinstance(value, float) else value)
    assert finding.quality is (Quality.SUSPECT if text else Quality.OK)
    assert text in finding.says
    assert text or finding.says == ""


def test_source_and_heats_are_named() -> None:
    """Proves: an offline source makes its value stale, another status suspect; at most ten heats are listed."""
    offline, other = of(POWER, 5.0, status="offline"), of(POWER, 5.0, status="Bad")
    assert (offline.quality, offline.says) == (Quality.STALE, "its source has reported that it is offline")
    assert (other.quality, other.value, other.says) == (Quality.SUSPECT, None, "the source marks it as Bad")
    names = [heat.name for heat in load_scenario("melt-shop-small").heats]
    assert of(HEAT, "x").says == f"unknown heat 'x'; heats are {', '.join(names[:10])}" + (
        ", …" if len(names) > 10 else ""
    )
    many = of(HEAT, "x" * 50, scenario="melt-shop-day").says
    assert many.count(",") == 10
    assert many.endswith(", …")
    assert "x" * 40 in many
    assert "x" * 41 not in many
    assert utc(NOW.replace(tzinfo=None)) == NOW


@pytest.mark.parametrize(
    ("record", "keys", "place"),
    [
        (Connector, {"name": "a", "kind": "sql"}, "url_from"),
        (Connector, {"name": "a", "kind": "sql", "url": "x", "url_from": "Y"}, "url_from"),
        (Connector, {"name": "a", "kind": "sql", "url": "x", "user": "u"}, "takes url, url_from, zone"),
        (Connector, {"name": "a", "kind": "mqtt", "url": "http://x"}, "mqtt://"),
        (Connector, {"name": "a", "kind": "sparkplug", "url": "http://x"}, "mqtt://"),
        (Connector, {"name": "a", "kind": "mqtt", "url": "mqtt://x", "topic": "x"}, "holds {address}"),
        (Connector, {"name": "a", "kind": "mqtt", "url": "mqtt://x", "topic": "{address}/#"}, "holds {address}"),
        (Connector, {"name": "a", "kind": "csv"}, "is required"),
        (Connector, {"name": "a", "kind": "opcua", "url": "opc.tcp://x", "security": "Basic256Sha256", "key": "k"},
         "needs certificate and key"),
        (Connector, {"name": "a", "kind": "opcua", "url": "opc.tcp://x", "security": "Basic256Sha256",
                     "certificate": "k"}, "needs certificate and key"),
        (Connector, {"name": "a", "kind": "mqtt", "url": "mqtt://x", "password_from": "P"}, "needs a user"),
        (Tag, {**POWER, "range": [1, 1]}, "below the second"),
        (Tag, {**HEAT, "range": [0, 1]}, "has none"),
        (Tag, {**HEAT, "states": {"1": "on"}}, "only a state has them"),
        (Tag, {**POWER, "price": True}, "got power_of and price"),
        (Tag, {**POWER, "price": False, "power_of": None}, "got none"),
        (Publication, {"kind": "webhook"}, "is required by the kind webhook"),
        (Publication, {"kind": "mqtt", "connector": "a", "url": "https://x"}, "mqtt takes connector"),
        (Publication, {"kind": "webhook", "connector": "a", "url": "https://x"}, "webhook takes url"),
    ],
)  # fmt: skip
def test_what_a_record_refuses(record: type[Any], keys: dict[str, Any], place: str) -> None:
    """Proves: keys that do not go together are refused, with what is possible. Sensitivity: one check left out."""
    with pytest.raises(ValidationError) as error:
        record.model_validate({key: item for key, item in keys.items() if item is not None})
    assert place in str(error.value)


def test_what_a_record_takes() -> None:
    """Proves: each kind with its keys, a flow without a battery, a clock that runs at its speed; nothing is written
    unless that is enabled. Sensitivity: a check that refuses what is right, or a default that writes."""
    for keys in (
        {"kind": "sql", "url": "sqlite://"}, {"kind": "sql", "url_from": "X", "zone": "UTC"},
        {"kind": "csv", "folder": "x"},
        {"kind": "mqtt", "url": "mqtts://x", "topic": "a/{address}"}, {"kind": "sparkplug", "url": "mqtt://x"},
        {"kind": "opcua", "url": "opc.tcp://x", "user": "u", "password_from": "P"},
        {"kind": "opcua", "url": "opc.tcp://x", "security": "Basic256Sha256", "certificate": "c", "key": "k"},
    ):  # fmt: skip
        assert Connector.model_validate({"name": "a", **keys}).timeout_s == 10
    assert not SetPointSettings().enabled
    assert Publication(kind="webhook", url="https://x").topic == "emberline/advice"
    point = {"name": "p", "address": "a", "unit": "t/h", "range": [0, 1], "ramp_per_min": 1, "heartbeat": "b"}
    flow = SetPoint.model_validate({**point, "flow": "boiler.main"})
    assert (flow.battery, flow.every_s, flow.expires_s, flow.factor("kg/h")) == (False, 10, 120, 1000)
    with pytest.raises(Misplaced):
        flow.factor("MW")
    clock = Clock(at=NOW, plant=NOW - timedelta(days=1), speed=60)
    assert clock.now(NOW + timedelta(minutes=2)) == NOW - timedelta(days=1) + timedelta(hours=2)
    loop = LoopSettings()
    assert (loop.series_every_min, loop.plan_expires_h, loop.price_change, loop.intensity_change) == (5, 36, 1, 10)
    assert (loop.read_every_s, loop.plan_every_min, loop.rest_min, loop.late_min, loop.search_s) == (5, 240, 15, 10, 20)
    assert (loop.frozen_min, loop.look_ahead_h, loop.keep_share, loop.expires_min) == (30, 24, 0.005, 60)


LIVE = """\
scenario: {scenario}
connectors:
- {{name: plant, kind: opcua, url: 'opc.tcp://plant:4840'}}
- {{name: files, kind: csv, folder: x}}
- {{name: edge, kind: sparkplug, url: 'mqtt://b'}}
tags:
- {{name: level, connector: {connector}, address: {address}, {meaning}, unit: {unit}, range: [0, 9], longest_age_s: 60}}
{more}
"""


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, ""),
        ({"meaning": "level_of: batery"}, "unknown store 'batery'"),
        ({"unit": "t"}, "unit: "),
        ({"meaning": "power_of: site", "unit": "kW"}, ""),
        ({"meaning": "power_of: nothing", "unit": "kW"}, "unknown unit 'nothing'"),
        ({"connector": "edge"}, "is group/edge:metric"),
        ({"connector": "edge", "address": "'g/e:Level'"}, ""),
        ({"connector": "edge", "address": "'g/e/d:Level'"}, ""),
        ({"more": "publish: [{kind: mqtt, connector: plant}]"}, "unknown connector to a broker 'plant'"),
        ({"more": "publish: [{kind: mqtt, connector: edge}]"}, ""),
        ({"more": "publish: [{kind: webhook, url: 'https://x'}]"}, ""),
        ({"more": "job_orders: {connector: files, receiver: r}"}, "unknown OPC UA connector 'files'"),
        ({"more": "job_orders: {connector: plant, receiver: r}"}, ""),
        ({"more": "set_points: {enabled: true}"}, "unknown OPC UA connector ''"),
        ({"more": "set_points: {connector: files}"}, ""),
        ({"more": "- {name: again, connector: plant, address: n, level_of: battery, unit: MWh, range: [0, 9], "
                  "longest_age_s: 60}"}, "tag level measures the same"),
    ],
)  # fmt: skip
def test_tags_against_their_scenario(tmp_path: Path, changes: dict[str, str], text: str) -> None:
    """Proves: a tag names what the scenario has, in a unit that converts, over a connector of the right kind; one
    thing is measured once. Sensitivity: any of these checks left out, or one that refuses what is right."""
    usual = {"scenario": "melt-shop-site", "connector": "plant", "address": "a", "meaning": "level_of: battery",
             "unit": "MWh", "more": ""}  # fmt: skip
    path = tmp_path / "live.yaml"
    path.write_text(LIVE.format(**{**usual, **changes}))
    if text:
        with pytest.raises(ScenarioError) as error:
            load(path)
        assert text in str(error.value)
        return
    plant = load(path)
    assert (plant.name, plant.folder, scenario_of(plant).name) == ("live", tmp_path, plant.scenario.name)
    tag = plant.live.tags[0]
    assert plant.tag(level_of="battery") is (tag if tag.level_of else None)
    assert plant.unit_of(tag) == ("MWh" if tag.level_of else "MW")


def test_what_has_a_level() -> None:
    """Proves: stores in tonnes, the battery in MWh, storages in their carrier's unit; units of line and processes."""
    cement, site = load_scenario("cement-week"), load_scenario("melt-shop-small")
    assert {levels(cement)[store.name].unit for store in cement.stores} == {"t"}
    assert [(name, store.unit) for name, store in levels(site).items()] == [("battery", "MWh")]
    assert units(site) == [unit.name for unit in site.line.units]
    assert units(cement) == [name for name, _ in cement.process_units]
