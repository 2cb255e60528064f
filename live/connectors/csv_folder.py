"""Connector for a folder with the CSV files of a historian, of which the newest row of each tag is used."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from emberline.live.connectors.errors import ConnectorError, moment
from emberline.live.tags import Connector, Reading, Tag

MAX_FILES = 50
"""Largest number of files that are read, newest first."""
LARGEST_MB = 64


def read(connector: Connector, tags: Sequence[Tag], folder: Path, environment: Mapping[str, str]) -> dict[str, Reading]:
    """Read the newest row of each tag.

    Raises:
        ConnectorError: the folder or a column is missing, or a time cannot be interpreted.
    """
    place = folder / str(connector.folder)
    if not place.is_dir():
        raise ConnectorError(f"there is no folder {str(connector.folder)[:120]}")
    files = sorted(place.glob("*.csv"), key=lambda path: path.stat().st_mtime_ns)[-MAX_FILES:]
    if not files:
        raise ConnectorError(f"there is no .csv file in {str(connector.folder)[:120]}")
    addresses = {tag.address for tag in tags}
    newest: dict[str, Reading] = {}
    for path in files:
        for address, reading in _rows(connector, path, addresses):
            before = newest.get(address)
            if before is None or before.at is None or (reading.at is not None and reading.at >= before.at):
                newest[address] = reading
    return {tag.name: newest.get(tag.address, Reading(None, None, "in no file")) for tag in tags}


def _rows(connector: Connector, path: Path, addresses: set[str]) -> Iterator[tuple[str, Reading]]:
    try:
        if path.stat().st_size > LARGEST_MB * 1e6:
            raise ConnectorError(f"{path.name} has more than {LARGEST_MB} MB")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise ConnectorError(f"{path.name} cannot be read as UTF-8 text") from None
    # the historian is still writing a line without a line break
    lines = text[: text.rfind("\n") + 1].splitlines()
    rows = csv.DictReader(lines, delimiter=";" if lines and lines[0].count(";") > lines[0].count(",") else ",")
    for column in (connector.time, connector.tag, connector.value):
        if lines and column not in (rows.fieldnames or ()):
            raise ConnectorError(f"{path.name} has no column {column[:40]!r}; give time, tag and value")
    for row in rows:
        address = (row[connector.tag] or "").strip()
        if address in addresses:
            yield (
                address,
                Reading((row[connector.value] or "").strip(), moment(row[connector.time] or "", connector.zone)),
            )
