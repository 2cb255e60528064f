"""Reading tags once, each through its connector."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from emberline.live.connectors.errors import ConnectorError
from emberline.live.tags import Connector, Plant, Reading, Tag

__all__ = ["ConnectorError", "read"]


def read(plant: Plant, environment: Mapping[str, str] = os.environ) -> dict[str, Reading | str]:
    """The reading of each tag, or why its connector gives none."""
    readings: dict[str, Reading | str] = {}
    for connector in plant.live.connectors:
        tags = [tag for tag in plant.live.tags if tag.connector == connector.name]
        if not tags:
            continue
        try:
            readings |= _reader(connector)(connector, tags, plant.folder, environment)
        except ConnectorError as error:
            readings |= dict.fromkeys((tag.name for tag in tags), f"connector {connector.name}: {error}")
    return readings


Reader = Callable[[Connector, Sequence[Tag], Path, Mapping[str, str]], dict[str, Reading]]


def _reader(connector: Connector) -> Reader:
    # each imported when it is needed: asyncua alone takes a second
    if connector.kind == "opcua":
        try:
            from emberline.live.connectors import opcua
        except ModuleNotFoundError as error:
            says = f"{error.name} is not installed; OPC UA needs it: pip install 'emberline[live]'"
            raise ConnectorError(says) from None
        return opcua.read
    if connector.kind == "csv":
        from emberline.live.connectors import csv_folder

        return csv_folder.read
    from emberline.live.connectors import sql

    return sql.read
