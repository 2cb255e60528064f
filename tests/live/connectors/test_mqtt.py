"""MQTT: payloads and the host application of Sparkplug B, and both kinds of connector with a real broker."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from brokers import Broker
from paho.mqtt.client import MQTTMessage

from emberline.live.connectors import ConnectorError, Feed, read
from emberline.live.connectors.mqtt import Session, Topics, send
from emberline.live.connectors.sparkplug.host import Host
from emberline.live.connectors.sparkplug.payload import Metric, Payload, Value, decode, encode
from emberline.live.tags import Plant, Quality, Reading, judge, load

MS = 1_780_000_000_000
DOUBLE, STRING, INT64 = 10, 12, 4


def test_the_example_of_the_wire() -> None:
    """Proves: one metric x of type Double with 1.5 has the bytes that the field numbers of the specification give, and
    random metrics of every type come back. Sensitivity: a field number, or the sign of small integers."""
    content = bytes.fromhex("120e0a0178200a69000000000000f83f")
    assert encode(Payload(None, None, [Metric("x", DOUBLE, 1.5)])) == content
    assert decode(content).metrics == (Metric("x", DOUBLE, 1.5),)
    rows: list[tuple[int, Value]] = [
        (1, -128), (2, -2), (3, -(2**31)), (4, -(2**63)), (5, 255), (6, 65535), (7, 2**32 - 1), (8, 2**64 - 1),
        (9, 0.5), (10, 1e300), (11, False), (12, "Grüße"), (13, MS), (14, ""), (17, b"\0x"), (10, None),
    ]  # fmt: skip
    metrics = [Metric("a", kind, value, alias=k, at_ms=MS + k, quality=192) for k, (kind, value) in enumerate(rows)]
    assert decode(encode(Payload(MS, 255, metrics))) == Payload(MS, 255, tuple(metrics))
    with pytest.raises(ValueError, match="no payload"):
        decode(b"\xff\xff")


class Node:
    """An edge node that sends to a host, a message each time."""

    def __init__(self, host: Host) -> None:
        self.host, self.seq, self.at_ms = host, 0, MS

    def send(self, kind: str, *metrics: Metric, device: str = "", now: float, lost: bool = False) -> Callable[[], None]:
        """Count a message and send it, if it is not lost; the function returned sends it late."""
        self.at_ms += 10
        seq = None if kind == "NDEATH" else self.seq
        content = encode(Payload(None if kind == "NDEATH" else self.at_ms, seq, metrics))
        self.seq = (self.seq + 1) % 256
        topic = f"spBv1.0/works/{kind}/edge" + (f"/{device}" if device else "")

        def late() -> None:
            self.host.receive(topic, content, now)

        if not lost:
            late()
        return late

    def birth(self, now: float, session: int = 0) -> None:
        self.seq = 0
        self.send("NBIRTH", Metric("bdSeq", INT64, session), now=now)
        self.send("DBIRTH", Metric("Power", DOUBLE, 1.0, alias=7, at_ms=self.at_ms), device="EAF", now=now)


@pytest.fixture
def node() -> Node:
    node = Node(Host(reorder_s=2.0))
    node.host.connect([("works", "edge")], 0.0)
    node.birth(0.0)
    return node


def power(node: Node) -> Reading:
    return node.host.reading("works/edge/EAF:Power")


def test_one_gap_gives_one_rebirth(node: Node) -> None:
    """Proves: of 600 messages with swapped pairs none gives a rebirth; one that is lost gives exactly one, after the
    time for reordering, and until then and after the birth the values count; before it they are marked.
    Sensitivity: each message after a gap requests once more; the sequence does not wrap."""
    host = node.host
    for k in range(300):
        late = node.send("DDATA", Metric(None, DOUBLE, 2.0, alias=7), device="EAF", now=k / 100, lost=True)
        node.send("DDATA", Metric(None, DOUBLE, 3.0, alias=7), device="EAF", now=k / 100)
        late()
        assert host.due(k / 100 + 0.01) == []
    assert power(node).value == 3.0  # the late one is older
    node.send("DDATA", Metric(None, DOUBLE, 4.0, alias=7), device="EAF", now=4.0, lost=True)
    requests = []
    for k in range(100):
        now = 4.0 + k / 10
        if k % 10 == 1:
            node.send("DDATA", Metric("Power", DOUBLE, 5.0), device="EAF", now=now)
        requests += [(now, *command) for command in host.due(now)]
        if k == 30:
            assert "lost" in power(node).status or power(node).value == 5.0
    ((at, topic, content),) = requests
    assert at == pytest.approx(6.1)
    assert topic == "spBv1.0/works/NCMD/edge"
    assert decode(content).metrics == (Metric("Node Control/Rebirth", 11, True),)
    node.birth(15.0)
    assert host.due(200.0) == []
    assert power(node) == Reading(1.0, power(node).at)


def test_death_makes_stale_and_what_is_unknown_is_asked_for(node: Node, tmp_path: Path) -> None:
    """Proves: a death certificate makes each metric of node and devices STALE, the one of an earlier session none; data
    of an unknown alias, and an edge node without birth, give one request. Sensitivity: a late will of the session
    before takes the values away."""
    host = node.host
    plant = plant_of(tmp_path, "kind: sparkplug, url: 'mqtt://x'", "works/edge/EAF:Power")
    (tag,) = plant.live.tags
    node.send("NDEATH", Metric("bdSeq", INT64, 9), now=1.0)
    assert power(node).status == ""
    node.send("NDEATH", Metric("bdSeq", INT64, 0), now=1.0)
    finding = judge(plant, tag, power(node), datetime.fromtimestamp(MS / 1000, UTC))
    assert (finding.quality, finding.value) == (Quality.STALE, None)
    assert finding.says == "its source has reported that it is offline"
    node.send("DDATA", Metric("Power", DOUBLE, 9.0), device="EAF", now=1.5)
    assert power(node).status  # it was late
    assert len(host.due(1.6)) == 1
    node.birth(2.0, session=1)
    assert power(node).status == ""
    node.send("DDATA", Metric(None, DOUBLE, 2.0, alias=99), device="EAF", now=3.0)
    assert [len(host.due(3.0 + k)) for k in range(50)].count(1) == 1
    assert host.requests == 2
    node.birth(60.0, session=1)
    host.connect([("works", "edge"), ("works", "other")], 70.0)
    assert [topic[-5:] for k in range(20) for topic, _ in host.due(70.0 + k)] == ["/edge", "other"]
    node.send("DDATA", Metric(None, DOUBLE, 9.0, alias=7), device="EAF", now=90.0)
    assert power(node).value == 1.0  # what the alias means now is not known
    node.birth(91.0)
    node.send("DDATA", Metric("Power", DOUBLE, 9.0, at_ms=2**63), device="EAF", now=91.0)
    assert power(node) == Reading(9.0, None)
    host.receive("spBv1.0/works/NDATA/edge", b"\xff", 0.0)
    host.receive("a/b", b"", 0.0)


def plant_of(folder: Path, connector: str, *addresses: str) -> Plant:
    path = folder / "live.yaml"
    units = ("EAF", "LF", "CC", "site")
    rows = "".join(
        f"- {{name: {of}, connector: plant, address: '{address}', power_of: {of}, unit: MW, range: [0, 100],"
        " longest_age_s: 60}\n"
        for of, address in zip(units, addresses, strict=False)
    )
    head = f"scenario: melt-shop-small\nconnectors:\n- {{name: plant, {connector}}}\n"
    path.write_text(f"{head}loop: {{read_every_s: 0.1}}\ntags:\n{rows}")
    return load(path)


def values(feed: Feed) -> dict[str, object]:
    return {name: one.value if isinstance(one, Reading) else one for name, one in feed.newest().items()}


def until(what: Callable[[], object]) -> None:
    """Wait for a state; a test that waits for ever fails by its runner."""
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end, "the state does not come"
        time.sleep(0.02)


@pytest.mark.mosquitto
def test_an_edge_node_and_a_broker_that_dies(broker: Broker, tmp_path: Path) -> None:
    """Proves: with a real broker the simulated edge node's values arrive, a lost message gives one request and one
    birth, the host's state is retained, a broker that is killed and starts again brings the values back by itself,
    and an edge node that says goodbye leaves STALE tags. Sensitivity: a session that stays dead."""
    from paho.mqtt import subscribe

    from emberline.live.simulation.edge import Edge
    from emberline.live.simulation.plant import Messages

    plant = plant_of(tmp_path, f"kind: sparkplug, url: '{broker.url}', reorder_s: 0.2", "emberline/plant/EAF:Power")
    edge, messages = Edge(broker.url), Messages(noise=0.0)

    def send(value: float, lost: float = 0.0) -> None:
        messages.lost = lost
        edge.send({"ns=2;s=EAF.Power": (value, 0.0)}, datetime.now(UTC), messages)

    send(40.0)
    feed = Feed(plant)
    try:
        until(lambda: values(feed) == {"EAF": 40.0})
        state = subscribe.simple("spBv1.0/STATE/emberline", port=broker.port, qos=1)
        assert json.loads(state.payload)["online"] is True
        assert state.retain
        births = edge.births
        send(41.0, lost=1.0)
        send(42.0)
        until(lambda: edge.births > births)
        assert edge.births == births + 1
        until(lambda: values(feed) == {"EAF": 42.0})
        broker.kill()
        until(lambda: "connection to the broker is lost" in str(feed.newest()["EAF"]))
        broker.start()

        def comes_back() -> bool:
            send(43.0)
            return values(feed) == {"EAF": 43.0}

        until(comes_back)
        edge.close()
        until(lambda: feed.newest()["EAF"] == Reading(None, feed.newest()["EAF"].at, "offline"))  # type: ignore[union-attr]
    finally:
        feed.close()
    assert json.loads(subscribe.simple("spBv1.0/STATE/emberline", port=broker.port).payload)["online"] is False


def test_messages_that_nobody_expects(tmp_path: Path) -> None:
    """Proves: JSON that is nested deeply, numbers and times that no float or calendar holds, bytes that are no text and
    messages that are too long make their tag suspect, and raise nothing. Sensitivity: the session's thread ends."""
    plant = plant_of(tmp_path, "kind: mqtt, url: 'mqtt://127.0.0.1:1'", "EAF")
    (connector,), (tag,) = plant.live.connectors, plant.live.tags
    session = Session(connector, [tag], tmp_path, {})
    for content in (
        b"[" * 200_000, b"1" + b"0" * 400, b"NaN", b"\xff", b" " * 1_000_001, b'{"value": 1, "time": 1e30}',
        b'{"value": 1, "time": "0001-01-01T00:00:00+14:00"}', b'{"value": [1]}', b"null",
    ):  # fmt: skip
        assert isinstance(session._content, Topics)
        session._content._newest.clear()
        message = MQTTMessage(topic=b"EAF")
        message.payload = content
        session._message(session._client, None, message)
        assert judge(plant, tag, session._content.reading("EAF"), datetime.now(UTC)).quality is Quality.SUSPECT, (
            content[:40]
        )
    session.close()


def test_a_broker_that_does_not_answer(tmp_path: Path) -> None:
    """Proves: publishing at a place that only takes connections ends. Sensitivity: the loop waits for ever."""
    with socket.create_server(("127.0.0.1", 0)) as place:
        url = f"mqtt://127.0.0.1:{place.getsockname()[1]}"
        (connector,) = plant_of(tmp_path, f"kind: mqtt, url: '{url}', timeout_s: 0.2", "EAF").live.connectors
        with pytest.raises(ConnectorError, match="no answer within"):
            send(connector, "a", b"x", tmp_path, {})
    assert "names no host" in str(read(plant_of(tmp_path, "kind: mqtt, url: 'mqtt://:1'", "EAF"))["EAF"])


@pytest.mark.mosquitto
def test_plain_topics(broker: Broker, tmp_path: Path) -> None:
    """Proves: numbers, objects with value and time, and values deep in an object are read through a topic template; a
    retained number without a time has none, so that it is not shown as current. Sensitivity: the time of arrival of a
    value that was retained for weeks."""
    from paho.mqtt import publish

    at = "2026-06-16T06:00:00+00:00"
    for topic, content, retain in (
        ("works/EAF/value", {"value": 50, "time": at}, True),
        ("works/LF/value", {"power": {"mw": 4.5}, "time": 1_780_000_000_000}, True),
        ("works/CC/value", 1, True),
    ):
        publish.single(topic, json.dumps(content), qos=1, retain=retain, port=broker.port)
    connector = f"kind: mqtt, url: '{broker.url}', topic: 'works/{{address}}/value', timeout_s: 5"
    readings = read(plant_of(tmp_path, connector, "EAF", "LF#power.mw"))
    assert readings["EAF"] == Reading(50.0, datetime.fromisoformat(at))
    assert readings["LF"] == Reading(4.5, datetime.fromtimestamp(MS / 1000, UTC))
    plant = plant_of(tmp_path, connector, "EAF", "LF#power.mw", "CC")
    feed = Feed(plant)
    try:
        until(lambda: feed.newest()["CC"] == Reading(1.0, None))
        publish.single("works/CC/value", "2", port=broker.port)
        until(lambda: values(feed)["CC"] == 2.0)
        reading = feed.newest()["CC"]
        assert isinstance(reading, Reading)
        assert reading.at is not None
    finally:
        feed.close()


@pytest.mark.mosquitto
def test_the_simulated_plant_at_a_broker(broker: Broker, tmp_path: Path) -> None:
    """Proves: with noise, lost and swapped messages each tag of the simulated plant's file is read from a broker.
    Sensitivity: an address of the file is no metric of the edge node."""
    from emberline.live.simulation import Messages, SimulatedPlant, values
    from emberline.live.simulation.edge import Edge, address_of
    from emberline.live.simulation.live_file import text
    from emberline.scenarios import load as load_scenario

    twin = SimulatedPlant(load_scenario("melt-shop-small"))
    start = twin.scenario.horizon.start_utc
    path = tmp_path / "live.yaml"
    path.write_text(text(twin, "melt-shop-small", broker.url, (start, start, 1.0), 600, address_of))
    plant = load(path)
    edge, messages = Edge(broker.url), Messages(1, 0.01, 0.2, 0.1)
    now = datetime.fromtimestamp(start.timestamp(), UTC)
    feed = Feed(plant)
    try:
        for second in np.arange(0, 20, 1.0).tolist():
            now = datetime.fromtimestamp(start.timestamp() + second, UTC)
            edge.send(values(twin, second / 60), now, messages)
            time.sleep(0.02)

        def good() -> bool:
            readings = {name: one for name, one in feed.newest().items() if isinstance(one, Reading)}
            return len(readings) == 12 and all(
                judge(plant, tag, readings[tag.name], now).quality is Quality.OK for tag in plant.live.tags
            )

        until(good)
    finally:
        feed.close()
        edge.close()


def test_brokers_are_checked(tmp_path: Path) -> None:
    """Proves: a broker that is away is one line; an address that is no metric, or a wrong URL, is refused by key.
    Sensitivity: it is found when the loop runs."""
    from emberline.scenarios import ScenarioError

    away = plant_of(tmp_path, "kind: mqtt, url: 'mqtt://127.0.0.1:1', timeout_s: 0.5", "EAF")
    assert read(away)["EAF"] == "connector plant: cannot connect: no broker answers"
    with pytest.raises(ScenarioError, match="is group/edge:metric"):
        plant_of(tmp_path, "kind: sparkplug, url: 'mqtt://x'", "EAF.Power")
    with pytest.raises(ScenarioError, match="begins with mqtt"):
        plant_of(tmp_path, "kind: mqtt, url: 'tcp://x'", "EAF")


@pytest.mark.mosquitto
def test_advice_is_published_at_a_broker(broker: Broker, tmp_path: Path) -> None:
    """Proves: an advice is published once, not retained, and a broker that is away is one line. Sensitivity: an advice
    of last week that a new subscriber is shown as current."""
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    from emberline.live.loop.publishing import publish
    from emberline.runs.decisions import Advice

    path = tmp_path / "live.yaml"
    plant_of(tmp_path, f"kind: mqtt, url: '{broker.url}'", "EAF")
    path.write_text(path.read_text() + "publish: [{kind: mqtt, connector: plant, topic: works/advice}]\n")
    plant, at = load(path), datetime(2026, 6, 16, 6, tzinfo=UTC)
    body = {"says": "The loop has begun.", "changes": [{"says": "x"}], "messages": {}}
    advice = Advice("ab" * 16, "open", at, at, at, at, "00", body)
    messages: list[tuple[bool, dict[str, object]]] = []
    listener = Client(CallbackAPIVersion.VERSION2)
    ready: list[object] = []
    listener.on_subscribe = lambda *of: ready.append(of)
    listener.on_message = lambda client, data, one: messages.append((one.retain, json.loads(one.payload)))
    listener.connect("127.0.0.1", broker.port)
    listener.subscribe("works/advice", 1)
    listener.loop_start()
    until(lambda: ready)
    assert list(publish(plant, advice)) == []
    until(lambda: messages)
    listener.disconnect()
    listener.loop_stop()
    ((retain, document),) = messages
    assert not retain
    assert (document["advice"], document["changes"], "messages" in document) == (advice.id, ["x"], False)
    broker.kill()
    (text,) = publish(plant, advice)
    assert text.startswith("The advice is not sent (mqtt): cannot publish")
