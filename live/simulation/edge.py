"""The simulated plant as an edge node of Sparkplug B: a device for each unit and store."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from emberline.live.connectors.sparkplug.host import NAMESPACE, REBIRTH
from emberline.live.connectors.sparkplug.payload import Metric, Payload, decode, encode
from emberline.live.simulation.plant import Messages, Value

GROUP, EDGE = "emberline", "plant"
DOUBLE, BOOLEAN, STRING, INT64 = 10, 11, 12, 4
SEQUENCE = 256
KEEPALIVE_S = 10


def address_of(node: str) -> str:
    """Address of the metric of a node id: ``ns=2;s=EAF.Power`` is ``emberline/plant/EAF:Power``."""
    return "{}/{}/{}:{}".format(GROUP, EDGE, *_parts(node))


class Edge:
    """An edge node that is connected as long as its object is open."""

    def __init__(self, url: str) -> None:
        """Connect in the background; births are sent as soon as there are values and a connection."""
        parts = urlsplit(url)
        self._seq, self._session = 0, 0
        self._lock = threading.Lock()
        self._values: Mapping[str, tuple[Value, float]] = {}
        self._at: datetime | None = None
        self._numbers: dict[tuple[str, datetime], int] = {}
        self.births = 0
        """Births sent so far, requested ones included."""
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect, self._client.on_disconnect = self._begin, self._end
        self._client.on_message = self._command
        self._client.reconnect_delay_set(1, 2)
        self._will()
        self._client.connect_async(parts.hostname or "", parts.port or 1883, KEEPALIVE_S)
        self._client.loop_start()

    def close(self) -> None:
        """Send the death certificate and disconnect."""
        self._client.publish(self._topic("NDEATH"), self._death(), 1).wait_for_publish(2)
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, values: Mapping[str, tuple[Value, float]], at: datetime, messages: Messages) -> None:
        """Send the values of a moment, a message each; those that are lost leave a gap in the sequence."""
        with self._lock:
            is_first = not self._values
            self._values, self._at = values, at
            if not self._client.is_connected():
                return
            if is_first:
                self._birth()
                return
            for address in values:
                self._numbers[address, at] = self._next()
            for address, value, measured in messages.sent(values, at):
                number = self._numbers.pop((address, measured), None)
                if number is not None:
                    device, name = _parts(address)
                    metric = Metric(name, STRING if isinstance(value, str) else DOUBLE, value, at_ms=_ms(measured))
                    self._publish("DDATA", device, [metric], measured, number)
            for key in [key for key in self._numbers if (at - key[1]).total_seconds() > 3600]:
                del self._numbers[key]

    def _next(self) -> int:
        number, self._seq = self._seq, (self._seq + 1) % SEQUENCE
        return number

    def _topic(self, kind: str, device: str = "") -> str:
        return f"{NAMESPACE}/{GROUP}/{kind}/{EDGE}" + (f"/{device}" if device else "")

    def _death(self) -> bytes:
        return encode(Payload(None, None, [Metric("bdSeq", INT64, self._session)]))

    def _will(self) -> None:
        self._client.will_set(self._topic("NDEATH"), self._death(), 1)

    def _begin(self, client: Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        client.subscribe(self._topic("NCMD"), 1)
        with self._lock:
            if self._values:
                self._birth()

    def _end(self, client: Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._session = (self._session + 1) % SEQUENCE
        self._will()

    def _command(self, client: Client, data: Any, message: MQTTMessage) -> None:
        metrics = decode(bytes(message.payload)).metrics
        if any(metric.name == REBIRTH and metric.value is True for metric in metrics):
            with self._lock:
                self._birth()

    def _birth(self) -> None:
        """Births of the node and of each device, with the newest values."""
        at = self._at or datetime.now(UTC)
        self._seq = 0
        self._numbers.clear()
        self.births += 1
        metrics = [Metric("bdSeq", INT64, self._session), Metric(REBIRTH, BOOLEAN, False)]
        self._publish("NBIRTH", "", metrics, at, self._next())
        devices: dict[str, list[Metric]] = {}
        for address, (value, _) in self._values.items():
            device, name = _parts(address)
            kind = STRING if isinstance(value, str) else DOUBLE
            devices.setdefault(device, []).append(Metric(name, kind, value, at_ms=_ms(at)))
        for device, rows in devices.items():
            self._publish("DBIRTH", device, rows, at, self._next())

    def _publish(self, kind: str, device: str, metrics: list[Metric], at: datetime, seq: int) -> None:
        self._client.publish(self._topic(kind, device), encode(Payload(_ms(at), seq, metrics)))


def _parts(address: str) -> tuple[str, str]:
    device, _, metric = address.rpartition("s=")[2].partition(".")
    return device, metric


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
