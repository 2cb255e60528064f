"""MQTT connector with a persistent session, for Sparkplug edge nodes and plain JSON topics."""

from __future__ import annotations

import json
import queue
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from emberline.live.connectors.errors import ConnectorError, moment, secret
from emberline.live.connectors.sparkplug.host import NAMESPACE, Host, node_of
from emberline.live.tags import Connector, Plant, Reading, Tag

KEEPALIVE_S, LONGEST_PAUSE_S = 15, 2
LOOK_S = 0.2
"""Time between two checks for messages to be sent [s]."""
EPOCH_S = 1e11
"""Threshold above which a number is a time in milliseconds since 1970 instead of seconds."""
LARGEST_BYTES = 1_000_000
"""Largest size of a JSON message [bytes]."""


def read(connector: Connector, tags: Sequence[Tag], folder: Path, environment: Mapping[str, str]) -> dict[str, Reading]:
    """Connect, and wait until each tag has a value or the timeout has passed.

    Raises:
        ConnectorError: the broker cannot be reached or refuses the connection.
    """
    session = Session(connector, tags, folder, environment, announces=False)
    end = time.monotonic() + connector.timeout_s
    try:
        while time.monotonic() < end and not session.is_complete:
            threading.Event().wait(0.05)
        return session.readings()
    finally:
        session.close()


def feed(connector: Connector, tags: Sequence[Tag], plant: Plant, environment: Mapping[str, str]) -> Session:
    """Open a persistent session.

    Raises:
        ConnectorError: the password is not set, or a certificate cannot be read.
    """
    return Session(connector, tags, plant.folder, environment)


class Topics:
    """Reader of JSON messages on plain topics."""

    state_topic = None

    def __init__(self, connector: Connector, tags: Sequence[Tag]) -> None:
        """Begin without any values."""
        self._connector, self._tags = connector, tags
        self._newest: dict[str, Reading] = {}

    def begin(self, now: float) -> set[str]:
        """Topics to subscribe to."""
        return {self._topic(tag.address) for tag in self._tags}

    def take(self, message: MQTTMessage, now: float) -> None:
        """Process a message."""
        for tag in self._tags:
            if self._topic(tag.address) == message.topic:
                reading = self._plain(tag, message)
                before = self._newest.get(tag.address)
                if before is None or before.at is None or reading.at is None or reading.at >= before.at:
                    self._newest[tag.address] = reading

    def due(self, now: float) -> list[tuple[str, bytes]]:
        """Messages to be sent now: none, as plain MQTT has no requests."""
        return []

    def reading(self, address: str) -> Reading:
        """Newest value of an address."""
        return self._newest.get(address, Reading(None, None, "not sent yet"))

    def _topic(self, address: str) -> str:
        """Topic of an address. The address may end with ``#`` and the keys of a value within the JSON message."""
        return self._connector.topic.replace("{address}", address.partition("#")[0])

    def _plain(self, tag: Tag, message: MQTTMessage) -> Reading:
        """Reading from a JSON value, or an object with value and time. Retained values may lack a time."""
        if len(message.payload) > LARGEST_BYTES:
            return Reading(None, None, f"longer than {LARGEST_BYTES / 1e6:g} MB")
        try:
            content = json.loads(message.payload, parse_int=float)  # whole numbers may be too large for a float
        except (ValueError, RecursionError):
            content = message.payload.decode("utf-8", "replace")
        keys = tag.address.partition("#")[2]
        time_text: Any = None
        value = content
        if isinstance(content, dict):
            time_text = content.get(self._connector.time)
            value = content
            for key in (keys or self._connector.value).split("."):
                value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, bool):
            value = float(value)
        if isinstance(value, dict | list):
            return Reading(None, None, "neither number nor text")
        try:
            at = _time(time_text, self._connector)
        except ConnectorError as error:
            return Reading(None, None, str(error))
        if at is None and not message.retain:
            at = datetime.now(UTC)
        return Reading(value, at)


class EdgeNodes(Host):
    """Reader of the messages of Sparkplug edge nodes."""

    def __init__(self, connector: Connector, tags: Sequence[Tag]) -> None:
        """Begin without any births received."""
        super().__init__(connector.reorder_s)
        self._nodes = {node for tag in tags if (node := node_of(tag.address)) is not None}
        self.state_topic = f"{NAMESPACE}/STATE/{connector.host}"

    def begin(self, now: float) -> set[str]:
        """Expect births, and return the topics to subscribe to."""
        self.connect(self._nodes, now)
        return {f"{NAMESPACE}/{group}/+/{edge}{remaining}" for group, edge in self._nodes for remaining in ("", "/+")}

    def take(self, message: MQTTMessage, now: float) -> None:
        """Process a message."""
        self.receive(message.topic, bytes(message.payload), now)


CONTENTS: dict[str, type[Topics] | type[EdgeNodes]] = {"mqtt": Topics, "sparkplug": EdgeNodes}
"""Reader of messages for each kind of connector."""


class Session:
    """Connection to a broker with the newest reading of each tag. After an outage, the session reconnects."""

    def __init__(
        self, connector: Connector, tags: Sequence[Tag], folder: Path, environment: Mapping[str, str],
        announces: bool = True,
    ) -> None:  # fmt: skip
        """Start to connect.

        Args:
            connector: connector of kind ``mqtt`` or ``sparkplug``.
            tags: tags to be read.
            folder: folder to which the paths of certificates are relative.
            environment: environment variables, including the password.
            announces: whether to publish the state of the host application.

        Raises:
            ConnectorError: the password is not set, or a certificate cannot be read.
        """
        self._tags, self._content = tags, CONTENTS[connector.kind](connector, tags)
        self._lock = threading.Lock()
        self._says = "has not answered yet"
        self._connected = threading.Event()
        self._state_topic = self._content.state_topic if announces else None
        self._client, place = _client(connector, folder, environment)
        self._client.suppress_exceptions = True  # an unexpected message must not end the session
        self._client.on_connect, self._client.on_disconnect = self._begin, self._end
        self._client.on_connect_fail = self._fail
        self._client.on_message = self._message
        self._client.reconnect_delay_set(1, LONGEST_PAUSE_S)
        self._client.connect_timeout = min(connector.timeout_s, 5.0)
        self._will()
        self._client.connect_async(*place, KEEPALIVE_S)
        self._client.loop_start()
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    def close(self) -> None:
        """Announce the end of the session and disconnect."""
        self._over.set()
        if self._state_topic is not None and self._connected.is_set():
            self._client.publish(self._state_topic, self._state(False), 1, True).wait_for_publish(2)
        self._client.disconnect()
        self._client.loop_stop()
        self._watch.join(2)

    @property
    def is_complete(self) -> bool:
        """Whether each tag has a reading from this connection."""
        with self._lock:
            return self._connected.is_set() and all(self._content.reading(tag.address).at for tag in self._tags)

    def readings(self) -> dict[str, Reading]:
        """Return the newest reading of each tag.

        Raises:
            ConnectorError: the session is not connected at present.
        """
        if not self._connected.is_set():
            raise ConnectorError(self._says)
        with self._lock:
            return {tag.name: self._content.reading(tag.address) for tag in self._tags}

    def _will(self) -> None:
        """Set the state that the broker publishes if this process dies, with the time at which the session began."""
        self._begins_ms = int(time.time() * 1000)
        if self._state_topic is not None:
            self._client.will_set(self._state_topic, self._state(False), 1, True)

    def _state(self, online: bool) -> str:
        return json.dumps({"online": online, "timestamp": self._begins_ms})

    def _begin(self, client: Client, data: Any, flags: ConnectFlags, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._says = f"the broker refuses: {reason}"
            return
        with self._lock:
            topics = self._content.begin(time.monotonic())
        if self._state_topic is not None:
            topics.add(self._state_topic)
        client.subscribe([(topic, 1) for topic in sorted(topics)])
        if self._state_topic is not None:
            client.publish(self._state_topic, self._state(True), 1, True)
        self._connected.set()

    def _end(self, client: Client, data: Any, flags: DisconnectFlags, reason: Any, properties: Any) -> None:
        if self._connected.is_set():
            self._says = "the connection to the broker is lost"
        self._connected.clear()
        self._will()

    def _fail(self, client: Client, data: Any) -> None:
        self._says = "cannot connect: no broker answers"

    def _message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        if message.topic == self._state_topic:
            if json.loads(message.payload or b"{}").get("online") is False and not self._over.is_set():
                client.publish(message.topic, self._state(True), 1, True)  # the will of an earlier session
            return
        with self._lock:
            self._content.take(message, time.monotonic())

    def _look(self) -> None:
        while not self._over.wait(LOOK_S):
            if not self._connected.is_set():
                continue
            with self._lock:
                commands = self._content.due(time.monotonic())
            for topic, content in commands:
                self._client.publish(topic, content)


def send(
    connector: Connector, topic: str, content: bytes, folder: Path, environment: Mapping[str, str], qos: int = 1
) -> None:
    """Publish one message without retaining it.

    Raises:
        ConnectorError: the broker cannot be reached or refuses the connection.
    """
    client, place = _client(connector, folder, environment)
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    client.on_connect = lambda client, data, flags, reason, properties: answers.put(reason)
    client.connect_timeout = connector.timeout_s
    try:
        client.connect(*place, KEEPALIVE_S)
        client.loop_start()
        reason = answers.get(timeout=connector.timeout_s)
        if reason.is_failure:
            raise ConnectorError(f"cannot publish: the broker refuses: {reason}")
        message = client.publish(topic, content, qos)
        message.wait_for_publish(connector.timeout_s)
        if not message.is_published():
            raise queue.Empty
    except queue.Empty:
        raise ConnectorError(f"cannot publish: no answer within {connector.timeout_s:g} s") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise ConnectorError(f"cannot publish: {' '.join(str(error).split())[:120]}") from None
    finally:
        client.disconnect()
        client.loop_stop()


def _client(connector: Connector, folder: Path, environment: Mapping[str, str]) -> tuple[Client, tuple[str, int]]:
    """Create an unconnected client, and return it with host and port of the broker."""
    url, client = urlsplit(str(connector.url)), Client(CallbackAPIVersion.VERSION2)
    if connector.user is not None:
        client.username_pw_set(connector.user, secret(connector.password_from, environment))
    if url.scheme == "mqtts":
        files = {"ca_certs": "server_certificate", "certfile": "certificate", "keyfile": "key"}
        paths = {name: getattr(connector, key) for name, key in files.items()}
        tls: dict[str, Any] = {name: str(folder / path) for name, path in paths.items() if path is not None}
        try:
            client.tls_set(**tls, cert_reqs=ssl.CERT_REQUIRED)
        except (OSError, ValueError) as error:
            raise ConnectorError(f"its certificates cannot be used: {error}"[:160]) from None
    try:
        port = url.port or (8883 if url.scheme == "mqtts" else 1883)
    except ValueError as error:
        raise ConnectorError(f"its url: {error}") from None
    if not url.hostname:
        raise ConnectorError("its url names no host")
    return client, (url.hostname, port)


def _time(value: Any, connector: Connector) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value / 1000 if value > EPOCH_S else value, UTC)
        except (ValueError, OverflowError, OSError):
            raise ConnectorError(f"{value:g} is no time") from None
    return moment(str(value), connector.zone)
