"""``live.yaml``: mistakes are reported by line, values that cannot be right by tag."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emberline.live.tags import Finding, Plant, Quality, Reading, judge, load
from emberline.live.tags.loading import same_node
from emberline.scenarios import ScenarioError

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TEXT = """\
scenario: melt-shop-small
connectors:
- {name: plant, kind: opcua, url: 'opc.tcp://plant:4840'}
tags:
- {name: furnace power, connector: plant, address: a, power_of: EAF, unit: kW, range: [0, 120000], longest_age_s: 60}
- {name: furnace heat, connector: plant, address: b, heat_of: EAF, longest_age_s: 600}
- {name: furnace state, connector: plant, address: c, state_of: EAF, states: {1: on, 0: off}, longest_age_s: 600}
- {name: spot, connector: plant, address: d, price: true, unit: EUR/MWh, range: [-500, 5000], longest_age_s: 90000}
"""

POINT = (
    "{name: battery, battery: true, address: ns=2;s=P, unit: kW, range: [-1, 1], ramp_per_min: 1, "
    "heartbeat: ns=2;s=Q, return_value: 0}"
)
SAME = POINT.replace("s=P", "s=R")
OTHER = POINT.replace("name: battery", "name: other")


def points(*rows: str, more: str = "") -> str:
    """The file's key ``tags`` with set-points before it."""
    lines = "".join(f"  - {row}\n" for row in rows)
    return f"{more}set_points:\n  connector: plant\n  allow:\n{lines}tags:"


def plant(folder: Path, text: str = TEXT) -> Plant:
    (folder / "live.yaml").write_text(text)
    return load(folder / "live.yaml")


def finding(one: Plant, name: str, value: float | str | None, *, age_s: float = 1, status: str = "") -> Finding:
    tag = next(tag for tag in one.live.tags if tag.name == name)
    return judge(one, tag, Reading(value, NOW - timedelta(seconds=age_s), status), NOW)


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("unit: kW, ", "", "live.yaml:5: tags.0.unit: is required: a number without unit"),
        ("range: [0, 120000], ", "", "live.yaml:5: tags.0.range: is required"),
        ("[0, 120000]", "[120000, 0]", "live.yaml:5: tags.0.range: the first number is below the second"),
        ("unit: kW", "unit: t", "live.yaml:5: tags.0.unit: wrong unit 't'"),
        ("power_of: EAF", "power_of: EAV", "live.yaml:5: tags.0.power_of: unknown unit 'EAV'"),
        ("heat_of: EAF", "heat_of: XX", "live.yaml:6: tags.1.heat_of: unknown unit 'XX'"),
        ("heat_of: EAF", "heat_of: EAF, level_of: EAF", "live.yaml:6: tags.1: give one of power_of"),
        ("heat_of: EAF", "heat_of: EAF, unit: t", "live.yaml:6: tags.1.unit: heat_of has none"),
        (", states: {1: on, 0: off}", "", "live.yaml:7: tags.2.states: is required"),
        ("1: on", "1: busy", "live.yaml:7: tags.2.states"),
        ("EUR/MWh", "GBP/MWh", "live.yaml:8: tags.3.unit: wrong unit 'GBP/MWh'"),
        ("connector: plant, address: b", "connector: plan, address: b", "tags.1.connector: unknown connector 'plan'"),
        ("name: spot", "name: furnace heat", "live.yaml:8: tags.3.name: there are two of the name furnace heat"),
        ("longest_age_s: 600}", "longest_age_s: 0}", "live.yaml:6: tags.1.longest_age_s"),
        ("url: 'opc.tcp", "url: 'http", "live.yaml:3: connectors.0.url: begins with opc.tcp://"),
        ("kind: opcua", "kind: opcda", "live.yaml:3: connectors.0.kind"),
        ("kind: opcua", "kind: opcua, folder: x", "connectors.0.folder: a connector of kind opcua takes"),
        ("4840'", "4840', password_from: X", "connectors.0.password_from: needs a user"),
        ("4840'", "4840', security: Basic256Sha256", "connectors.0.security: needs certificate and key"),
        ("melt-shop-small", "nowhere.yaml", "nowhere.yaml: no such file"),
        ("tags:", points(POINT, SAME), "live.yaml:8: set_points.allow.1.name: there are two of the name"),
        (
            "tags:",
            points(POINT.replace(", return_value: 0", "")),
            "live.yaml:7: set_points.allow.0.return_value: is required: the value that is written once when a plan"
            " ends, -1 to 1 kW, such as return_value: 0",
        ),
        (
            "tags:",
            points(POINT.replace("return_value: 0", "return_value: 2")),
            "live.yaml:7: set_points.allow.0.return_value: 2 kW lies outside its range, -1 to 1 kW",
        ),
        ("tags:", points(POINT.replace("return_value: 0", "return_value: .nan")), "set_points.allow.0.return_value"),
        ("tags:", points(POINT.replace("ns=2;s=P", "P")), "set_points.allow.0.address: P is no node id such as"),
        ("tags:", points(POINT.replace("ns=2;s=Q", "ns=2;i=x")), "set_points.allow.0.heartbeat: ns=2;i=x is no node"),
    ],
)
def test_mistakes_name_line_and_key(tmp_path: Path, before: str, after: str, text: str) -> None:
    """Proves: each mistake is one line with file, line and key. Sensitivity: a tag without unit is taken as MW."""
    assert before in TEXT
    with pytest.raises(ScenarioError) as error:
        plant(tmp_path, TEXT.replace(before, after, 1))
    (line,) = str(error.value).splitlines()
    assert text in line


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("ns=2;s=P", "ns=2;s=P"), ("ns=2;s=P", "ns=02;s=P"), ("ns=2;s=P", "ns=2; s=P"), ("ns=2;s=P", " ns = 2 ;s=P"),
        ("ns=0;i=85", "i=85"), ("ns=2;i=7", "ns=2;i=07"), ("s=P", "ns=0;s=P"),
        ("ns=2;g=09087E75-8E5E-499B-954F-F2A9603DB28A", "ns=2;g=09087e758e5e499b954ff2a9603db28a"),
        ("ns=2;b=qw==", "ns=2;b=0xAB"), ("nsu=urn:works;s=P", "nsu=urn:works; s=P"), ("nsu=urn:works;s=P", "ns=2;s=P"),
    ],
)  # fmt: skip
def test_spellings_of_a_node(one: str, same: str) -> None:
    """Proves: ways to write a node are the same node; another namespace, kind or identifier is another. Sensitivity:
    addresses are compared as text."""
    assert same_node(one, same)
    assert same_node(same, one)
    for other in ("ns=2;s=p", "ns=3;i=7", "nsu=urn:other;s=Q", "ns=2;i=8", "ns=2;s=P ", "ns=2;s=85", "P"):
        assert not same_node(one, other)


@pytest.mark.parametrize("place", ["address", "heartbeat", "valid_until", "receiver"])
def test_a_node_is_written_for_one_thing(tmp_path: Path, place: str) -> None:
    """Proves: a set-point whose node is that of another set-point, of a heartbeat, a time or the receiver of job orders
    is refused by name, in another spelling too. Sensitivity: a wide range reaches the node of a narrow one, or a date
    lies on a value."""
    alias, second, more = "ns=02; s=P", OTHER.replace("s=P", "s=R"), ""
    if place == "address":
        second = OTHER.replace("ns=2;s=P", alias)
    elif place == "heartbeat":
        second = second.replace("ns=2;s=Q", alias)
    elif place == "valid_until":
        second = second.replace("}", f", valid_until: {alias}}}")
    else:
        more = f"job_orders: {{connector: plant, receiver: {alias}}}\n"
    with pytest.raises(ScenarioError) as error:
        plant(tmp_path, TEXT.replace("tags:", points(POINT, second, more=more), 1))
    (line,) = str(error.value).splitlines()
    assert "address: is written for something else too: " in line
    assert line.endswith(f"{place} is the same node, {'ns=2;s=P' if place == 'address' else alias}")


def test_a_time_is_not_written_onto_a_counter(tmp_path: Path) -> None:
    """Proves: set-points may share heartbeats and times, but one node is not both. Sensitivity: a date lies on the
    counter by which a controller sees that Emberline lives."""
    timed = POINT.replace("}", ", valid_until: ns=2;s=U}")
    both = TEXT.replace("tags:", points(timed, OTHER.replace("s=P", "s=R").replace("}", ", valid_until: ns=2;s=U}")), 1)
    assert len(plant(tmp_path, both).live.set_points.allow) == 2
    with pytest.raises(ScenarioError, match=r"valid_until: is written for something else too: .*heartbeat is the same"):
        plant(tmp_path, TEXT.replace("tags:", points(POINT.replace("}", ", valid_until: ns=02;s=Q}")), 1))


@pytest.mark.parametrize(
    ("name", "value", "age_s", "quality", "text"),
    [
        ("furnace power", 85_000.0, 1, Quality.OK, ""),
        ("furnace power", 1.2e8, 1, Quality.SUSPECT, "about 1000 times too large; is it in another unit?"),
        ("furnace power", 130_000.0, 1, Quality.SUSPECT, "lies outside its range, 0 to 120000 kW"),
        ("furnace power", float("nan"), 1, Quality.SUSPECT, "nan kW lies outside its range"),
        ("furnace power", "bad", 1, Quality.SUSPECT, "'bad' is no number"),
        ("furnace power", None, 1, Quality.SUSPECT, "has no value"),
        ("furnace power", 85_000.0, 61, Quality.STALE, "is 61 s old; at most 60 s is allowed"),
        ("furnace power", 85_000.0, 3605, Quality.STALE, "the clock or the zone of its source is wrong by 1 h"),
        ("furnace power", 85_000.0, -3600, Quality.SUSPECT, "its time lies 60 min in the future"),
        ("furnace power", 85_000.0, -20, Quality.OK, ""),
        ("spot", 1e-11, 1, Quality.SUSPECT, "1e-11 EUR/MWh is no price"),
        ("spot", 0.0, 1, Quality.OK, ""),
        ("furnace heat", "H99", 1, Quality.SUSPECT, "unknown heat 'H99'; heats are"),
        ("furnace state", 1.0, 1, Quality.OK, ""),
        ("furnace state", 7.0, 1, Quality.SUSPECT, "unknown state '7'; states are 1, 0"),
        ("furnace state", float("nan"), 1, Quality.SUSPECT, "unknown state 'nan'"),
        ("furnace heat", float("inf"), 1, Quality.SUSPECT, "unknown heat 'inf'"),
    ],
)
def test_quality(tmp_path: Path, name: str, value: float, age_s: float, quality: Quality, text: str) -> None:
    """Proves: what cannot be right is suspect, what is old is stale, and each says why. Sensitivity: a value a thousand
    times its range, a clock an hour off, a price of 1e-11 or an unknown heat passes as good."""
    result = finding(plant(tmp_path), name, value, age_s=age_s)
    assert (result.quality, result.tag) == (quality, name)
    assert text in result.says
    assert bool(result.says) == (quality is not Quality.OK)
    assert quality is not Quality.SUSPECT or result.value is None or text.startswith("its time")


def test_good_values_are_in_the_units_of_the_scenario(tmp_path: Path) -> None:
    """Proves: kW become MW, states and heats their names; a bad status is named. Sensitivity: kW read as MW."""
    one = plant(tmp_path)
    heat = one.scenario.heats[0].name
    power = finding(one, "furnace power", 85_000.0)
    assert (power.value, power.unit, power.age_s) == (85.0, "MW", 1.0)
    assert finding(one, "furnace state", 1.0).value == "on"
    assert finding(one, "furnace heat", heat).value == heat
    assert "marks it as BadSensorFailure" in finding(one, "furnace power", 1.0, status="BadSensorFailure").says
    tag = one.live.tags[0]
    assert judge(one, tag, Reading(1.0, None), NOW).says == "has no time, so that its age is unknown"
