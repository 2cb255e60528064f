"""Reading of tags through their connectors, once or in the background for as long as the loop runs."""

from __future__ import annotations

import os
import pkgutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from emberline.live.connectors.errors import ConnectorError
from emberline.live.tags import Connector, Plant, Reading, Tag

__all__ = ["ConnectorError", "Feed", "read"]

Readings = dict[str, Reading | str]


def read(plant: Plant, environment: Mapping[str, str] = os.environ) -> Readings:
    """Read each tag once. A text instead of a reading is the reason why the connector gave no value."""
    readings: Readings = {}
    for connector, tags in _connectors(plant):
        readings |= _once(connector, tags, plant.folder, environment)
    return readings


class Source(Protocol):
    """Source of readings of a connector's tags for as long as the loop runs."""

    @property
    def is_complete(self) -> bool:
        """Whether each tag has a reading or an error."""

    def readings(self) -> Mapping[str, Reading | str]:
        """Return the newest reading of each tag, or the reason why there is none.

        Raises:
            ConnectorError: no tag has a reading at present.
        """

    def close(self) -> None:
        """Stop reading; a read in progress is completed."""


class Feed:
    """Newest readings of a plant. Reading takes place in the background, so an unresponsive server blocks nothing."""

    def __init__(self, plant: Plant, environment: Mapping[str, str] = os.environ) -> None:
        """Start to read each connector, and wait until each has answered or its timeout has passed."""
        self._sources: list[tuple[Connector, Sequence[Tag], Source]] = []
        self._failed: Readings = {}
        for connector, tags in _connectors(plant):
            try:
                feed = _code(connector.traits.feed)
                self._sources.append((connector, tags, feed(connector, tags, plant, environment)))
            except Exception as error:
                self._failed |= _away(connector, tags, _reason(connector, error))
        for connector, _, source in self._sources:
            end = time.monotonic() + connector.timeout_s
            while time.monotonic() < end and not source.is_complete:
                threading.Event().wait(0.02)

    def newest(self) -> Readings:
        """Return the newest reading of each tag, or the reason why the connector gives no value at present."""
        readings = dict(self._failed)
        for connector, tags, source in self._sources:
            try:
                readings |= source.readings()
            except ConnectorError as error:
                readings |= _away(connector, tags, error)
        return readings

    def close(self) -> None:
        """Close all sources."""
        for _, _, source in self._sources:
            source.close()


class Polling:
    """Source that reads a connector repeatedly in a separate thread."""

    def __init__(self, read_once: Callable[[], Readings], every_s: float) -> None:
        """Start reading."""
        self._read_once, self._every_s = read_once, every_s
        self._over = threading.Event()
        self._newest: Readings = {}
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while not self._over.is_set():
            self._newest = self._read_once()
            self._over.wait(self._every_s)

    @property
    def is_complete(self) -> bool:
        """Whether the connector has been read."""
        return bool(self._newest)

    def readings(self) -> Readings:
        """Return the newest readings.

        Raises:
            ConnectorError: nothing has been read yet.
        """
        if not self._newest:
            raise ConnectorError("has not answered yet")
        return self._newest

    def close(self) -> None:
        """Stop reading; a read in progress is completed."""
        self._over.set()


def poll(connector: Connector, tags: Sequence[Tag], plant: Plant, environment: Mapping[str, str]) -> Polling:
    """Create a source that reads a connector every ``loop.read_every_s``."""
    return Polling(lambda: _once(connector, tags, plant.folder, environment), plant.live.loop.read_every_s)


def _connectors(plant: Plant) -> list[tuple[Connector, list[Tag]]]:
    pairs = [
        (connector, [tag for tag in plant.live.tags if tag.connector == connector.name])
        for connector in plant.live.connectors
    ]
    return [(connector, tags) for connector, tags in pairs if tags]


def _once(connector: Connector, tags: Sequence[Tag], folder: Path, environment: Mapping[str, str]) -> Readings:
    try:
        return dict(_code(connector.traits.read)(connector, tags, folder, environment))
    except Exception as error:  # the next reading may succeed after any error
        return _away(connector, tags, _reason(connector, error))


def _code(place: str) -> Callable[..., Any]:
    """Function of a kind of connector. Its module is imported only when needed, as asyncua takes a second to load."""
    code: Callable[..., Any] = pkgutil.resolve_name(f"emberline.live.connectors.{place}")
    return code


def _away(connector: Connector, tags: Sequence[Tag], error: object) -> Readings:
    return dict.fromkeys((tag.name for tag in tags), f"connector {connector.name}: {error}")


def _reason(connector: Connector, error: Exception) -> object:
    if isinstance(error, ModuleNotFoundError) and connector.traits.protocol:
        return f"{error.name} is not installed; {connector.traits.protocol} needs it: pip install 'emberline[live]'"
    if isinstance(error, ConnectorError):
        return error
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
