"""Sparkplug host application: state of edge nodes, derived from their messages, and requests of rebirths.

This module uses neither a clock nor the network. The session passes messages and times to the host, and sends the
messages that ``due`` returns.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from emberline.live.connectors.sparkplug.payload import BOOLEAN, GOOD, Metric, Payload, decode, encode
from emberline.live.tags.quality import OFFLINE, Reading
from emberline.live.tags.record import METRIC

NAMESPACE = "spBv1.0"
REBIRTH = "Node Control/Rebirth"
AGAIN_S = 60.0
"""Time after which a rebirth is requested again if none has arrived [s]."""
SEQUENCE = 256
LOST = "not current: a message was lost"
Node = tuple[str, str]


@dataclass
class _Edge:
    is_born: bool = False
    birth_ms: int = 0
    birth_number: int | None = None
    """Birth number ``bdSeq`` of the session."""
    next_seq: int = 0
    missing: dict[int, float] = field(default_factory=dict)
    """Missing sequence numbers with the latest times at which their messages may arrive."""
    aliases: dict[int, tuple[str, str]] = field(default_factory=dict)
    devices: set[str] = field(default_factory=set)
    values: dict[tuple[str, str], Reading] = field(default_factory=dict)
    """Readings by device (empty for the node itself) and metric."""
    birth_due: float | None = None
    """Time at which a rebirth is requested if no birth has arrived."""
    requested: float | None = None


class Host:
    """Sparkplug host application that reads edge nodes."""

    def __init__(self, reorder_s: float) -> None:
        """Begin without any edge nodes.

        Args:
            reorder_s: time within which messages may arrive out of order [s].
        """
        self.reorder_s = reorder_s
        self._edges: dict[Node, _Edge] = {}
        self.requests = 0
        """Number of rebirths requested so far."""

    def connect(self, nodes: Iterable[Node], now: float) -> None:
        """Handle a new connection to the broker. A rebirth is requested from nodes that send no birth soon."""
        for node in nodes:
            edge = self._edges.setdefault(node, _Edge())
            edge.is_born, edge.requested = False, None
            edge.missing.clear()
            edge.aliases.clear()  # the next session may assign other aliases
            edge.birth_due = now + self.reorder_s

    def receive(self, topic: str, content: bytes, now: float) -> None:
        """Process a message. Messages that are not Sparkplug messages are ignored.

        Args:
            topic: topic of the message.
            content: bytes of the message.
            now: time of a monotonic clock [s].
        """
        parts = topic.split("/")
        if len(parts) not in (4, 5) or parts[0] != NAMESPACE:
            return
        try:
            payload = decode(content)
        except (ValueError, OverflowError):
            return
        group, kind, name, device = parts[1], parts[2], parts[3], "".join(parts[4:])
        edge = self._edges.setdefault((group, name), _Edge())
        if kind == "NDEATH":
            self._death(edge, payload)
        elif kind == "NBIRTH":
            self._birth(edge, payload)
        elif kind in ("DBIRTH", "NDATA", "DDATA", "DDEATH"):
            if not edge.is_born:
                self._request_birth(edge, now)
            elif payload.at_ms is None or payload.at_ms >= edge.birth_ms:
                self._count(edge, payload.seq, now)
            if kind == "DBIRTH":
                edge.devices.add(device)
            if kind == "DDEATH":
                edge.devices.discard(device)
                self._offline(edge, device)
            elif kind == "DDATA" and edge.is_born and device not in edge.devices:
                self._request_birth(edge, now + self.reorder_s)  # the birth of the device may be late
            self._values(edge, device, payload, kind == "DBIRTH", now)

    def _birth(self, edge: _Edge, payload: Payload) -> None:
        edge.is_born, edge.birth_due, edge.requested, edge.next_seq = True, None, None, 1
        edge.missing.clear()
        edge.aliases.clear()
        edge.birth_ms = payload.at_ms or 0
        numbers = [metric.value for metric in payload.metrics if metric.name == "bdSeq"]
        edge.birth_number = int(numbers[0]) if numbers and isinstance(numbers[0], int) else None
        self._values(edge, "", payload, True, 0.0)

    def _death(self, edge: _Edge, payload: Payload) -> None:
        numbers = [metric.value for metric in payload.metrics if metric.name == "bdSeq"]
        if edge.is_born and numbers and edge.birth_number is not None and numbers[0] != edge.birth_number:
            return  # death of an earlier session
        edge.is_born, edge.birth_due = False, None
        edge.missing.clear()
        edge.aliases.clear()
        edge.devices.clear()
        for device in {device for device, _ in edge.values}:
            self._offline(edge, device)

    def _offline(self, edge: _Edge, device: str) -> None:
        for key, reading in edge.values.items():
            if key[0] == device:
                edge.values[key] = replace(reading, value=None, status=OFFLINE)

    def _count(self, edge: _Edge, seq: int | None, now: float) -> None:
        """Track sequence numbers. Messages with missing numbers may still arrive within the reordering time."""
        if seq is None:
            return
        ahead = (seq - edge.next_seq) % SEQUENCE
        if seq in edge.missing:
            del edge.missing[seq]
        elif ahead < SEQUENCE // 2:
            for number in range(ahead):
                edge.missing.setdefault((edge.next_seq + number) % SEQUENCE, now + self.reorder_s)
            edge.next_seq = (seq + 1) % SEQUENCE

    def _values(self, edge: _Edge, device: str, payload: Payload, birth: bool, now: float) -> None:
        for metric in payload.metrics:
            place: tuple[str, str] | None = None if metric.name is None else (device, metric.name)
            if birth and place is not None and metric.alias is not None:
                edge.aliases[metric.alias] = place
            if place is None and metric.alias is not None:
                place = edge.aliases.get(metric.alias)
            if place is None or (edge.is_born and not birth and place not in edge.values):
                if edge.is_born:
                    self._request_birth(edge, now + self.reorder_s)  # the birth of the unknown metric may be late
                continue
            if metric.is_historical:
                continue
            reading = _reading(metric, payload.at_ms)
            if not edge.is_born and not birth:  # sent before a death, or in a session whose birth was missed
                reading = replace(reading, status=reading.status or LOST)
            before = edge.values.get(place)
            if birth or before is None or before.at is None or reading.at is None or reading.at >= before.at:
                edge.values[place] = reading

    def _request_birth(self, edge: _Edge, due: float) -> None:
        edge.birth_due = due if edge.birth_due is None else min(edge.birth_due, due)

    def due(self, now: float) -> list[tuple[str, bytes]]:
        """Topics and payloads to be sent now: a rebirth request for each edge node that needs one."""
        commands = []
        for (group, name), edge in self._edges.items():
            is_lost = any(limit <= now for limit in edge.missing.values())
            if is_lost:
                edge.missing.clear()
                for key, reading in edge.values.items():
                    edge.values[key] = replace(reading, status=reading.status or LOST)
            if not is_lost and (edge.birth_due is None or edge.birth_due > now):
                continue
            edge.birth_due = now + AGAIN_S
            if edge.requested is not None and now - edge.requested < AGAIN_S:
                continue
            edge.requested = now
            self.requests += 1
            payload = Payload(int(datetime.now(UTC).timestamp() * 1000), None, [Metric(REBIRTH, BOOLEAN, True)])
            commands.append((f"{NAMESPACE}/{group}/NCMD/{name}", encode(payload)))
        return commands

    def reading(self, address: str) -> Reading:
        """Newest value of a metric."""
        match = METRIC.fullmatch(address)
        if match is None:
            return Reading(None, None, "no address such as group/edge/device:metric")
        edge = self._edges.get((match["group"], match["edge"]))
        reading = None if edge is None else edge.values.get((match["device"] or "", match["metric"]))
        return Reading(None, None, "not sent yet") if reading is None else reading


def node_of(address: str) -> Node | None:
    """Group and edge node of an address; None if the address is not valid."""
    match = METRIC.fullmatch(address)
    return None if match is None else (match["group"], match["edge"])


def _reading(metric: Metric, payload_ms: int | None) -> Reading:
    at_ms = metric.at_ms if metric.at_ms is not None else payload_ms
    at = None
    if at_ms is not None:
        with suppress(ValueError, OverflowError, OSError):  # an invalid time is ignored
            at = datetime.fromtimestamp(at_ms / 1000, UTC)
    if metric.is_unread or isinstance(metric.value, bytes):
        return Reading(None, at, "neither number nor text")
    status = "" if metric.quality in (None, GOOD) else "stale" if metric.quality == 500 else "bad"
    value = metric.value
    return Reading(float(value) if isinstance(value, bool | int | float) else value, at, status)
