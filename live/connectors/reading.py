"""Reading tags, each through its connector: once, or in the background as long as the loop runs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from emberline.live.connectors.errors import ConnectorError
from emberline.live.tags import Connector, Plant, Reading, Tag

if TYPE_CHECKING:
    from emberline.live.connectors.mqtt import Session

__all__ = ["ConnectorError", "Feed", "read"]

Readings = dict[str, Reading | str]
PACKAGES = {"opcua": "OPC UA", "sparkplug": "MQTT", "mqtt": "MQTT"}


def read(plant: Plant, environment: Mapping[str, str] = os.environ) -> Readings:
    """The reading of each tag, or why its connector gives none."""
    readings: Readings = {}
    for connector, tags in _connectors(plant):
        readings |= _once(connector, tags, plant.folder, environment)
    return readings


class Feed:
    """Newest readings of a plant, read in the background: nobody waits for a server that does not answer."""

    def __init__(self, plant: Plant, environment: Mapping[str, str] = os.environ) -> None:
        """Begin to read each connector in a thread of its own."""
        self._plant, self._environment = plant, environment
        self._every_s = plant.live.loop.read_every_s
        self._over = threading.Event()
        self._newest: dict[str, Readings] = {}
        self._sessions: dict[str, tuple[Session, Sequence[Tag]]] = {}
        self._threads = []
        for connector, tags in _connectors(plant):
            if connector.kind in ("sparkplug", "mqtt"):
                try:
                    from emberline.live.connectors.mqtt import Session

                    self._sessions[connector.name] = Session(connector, tags, plant.folder, environment), tags
                except Exception as error:
                    self._newest[connector.name] = _away(connector, tags, _reason(connector, error))
                continue
            thread = threading.Thread(target=self._poll, args=(connector, tags), daemon=True)
            thread.start()
            self._threads.append(thread)
        self._wait()

    def _wait(self) -> None:
        """Until each connector has given something, or its time is over."""
        for connector, tags in _connectors(self._plant):
            end = time.monotonic() + connector.timeout_s
            session, _ = self._sessions.get(connector.name, (None, tags))
            while time.monotonic() < end:
                if session is not None and session.connected.is_set() and session.is_complete:
                    break
                if session is None and connector.name in self._newest:
                    break
                threading.Event().wait(0.02)

    def _poll(self, connector: Connector, tags: Sequence[Tag]) -> None:
        while not self._over.is_set():
            self._newest[connector.name] = _once(connector, tags, self._plant.folder, self._environment)
            self._over.wait(self._every_s)

    def newest(self) -> Readings:
        """The newest reading of each tag, or why its connector gives none now."""
        readings: Readings = {}
        for connector, tags in _connectors(self._plant):
            session, _ = self._sessions.get(connector.name, (None, tags))
            if session is None:
                readings |= self._newest.get(connector.name) or _away(connector, tags, "has not answered yet")
                continue
            try:
                readings |= session.readings()
            except ConnectorError as error:
                readings |= _away(connector, tags, error)
        return readings

    def close(self) -> None:
        """End the sessions; a read under way ends by itself."""
        self._over.set()
        for session, _ in self._sessions.values():
            session.close()


def _connectors(plant: Plant) -> list[tuple[Connector, list[Tag]]]:
    pairs = [(one, [tag for tag in plant.live.tags if tag.connector == one.name]) for one in plant.live.connectors]
    return [(connector, tags) for connector, tags in pairs if tags]


def _once(connector: Connector, tags: Sequence[Tag], folder: Path, environment: Mapping[str, str]) -> Readings:
    try:
        return dict(_reader(connector)(connector, tags, folder, environment))
    except Exception as error:  # whatever it is, the next reading may succeed
        return _away(connector, tags, _reason(connector, error))


def _away(connector: Connector, tags: Sequence[Tag], error: object) -> Readings:
    return dict.fromkeys((tag.name for tag in tags), f"connector {connector.name}: {error}")


def _reason(connector: Connector, error: Exception) -> object:
    if isinstance(error, ModuleNotFoundError) and connector.kind in PACKAGES:
        what = PACKAGES[connector.kind]
        return f"{error.name} is not installed; {what} needs it: pip install 'emberline[live]'"
    if isinstance(error, ConnectorError):
        return error
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"


Reader = Callable[[Connector, Sequence[Tag], Path, Mapping[str, str]], dict[str, Reading]]


def _reader(connector: Connector) -> Reader:
    # each imported when it is needed: asyncua alone takes a second
    if connector.kind == "opcua":
        from emberline.live.connectors import opcua

        return opcua.read
    if connector.kind in ("sparkplug", "mqtt"):
        from emberline.live.connectors import mqtt

        return mqtt.read
    if connector.kind == "csv":
        from emberline.live.connectors import csv_folder

        return csv_folder.read
    from emberline.live.connectors import sql

    return sql.read
