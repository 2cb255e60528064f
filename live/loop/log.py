"""Log of the loop with the readings and decisions of each cycle, as JSON lines in one file for each day.

home/live/<plant>/log/2026-06-16.jsonl
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emberline.live.tags import Reading

Readings = Mapping[str, Reading | str]


class Log:
    """Log of one plant."""

    def __init__(self, folder: Path) -> None:
        """Use a folder, which is created when the first line is written."""
        self.folder = folder
        self._before: dict[str, Any] = {}

    def cycle(self, now: datetime, readings: Readings, **more: Any) -> None:
        """Log a cycle, with only the readings that differ from those of the previous cycle.

        Args:
            now: its time.
            readings: by tag.
            more: ``request``; ``search``: a search begins; ``during``: one is under way, nothing is decided.
        """
        plain = {name: _plain(reading) for name, reading in readings.items()}
        news = {name: value for name, value in plain.items() if self._before.get(name) != value}
        self._before = plain
        flags = {name: value for name, value in more.items() if value}
        self._write(now, {"now": now.isoformat(), "readings": news, **flags}, durable=False)

    def mark(self, now: datetime, **what: Any) -> None:
        """Log an event other than a cycle: ``begin``, ``approved``, ``ended``, ``series`` or ``planned``."""
        if "begin" in what:
            self._before = {}
        self._write(now, {"now": now.isoformat(), **what}, durable=True)

    def _write(self, now: datetime, row: Mapping[str, Any], durable: bool) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{now.astimezone(UTC).date()}.jsonl"
        # a power failure may have cut off the last line of an earlier process
        is_cut = "begin" in row and path.is_file() and not path.read_bytes().endswith(b"\n")
        with path.open("a", encoding="utf-8") as file:
            file.write("\n" * is_cut + json.dumps(row) + "\n")  # in ASCII: texts may not be valid Unicode
            if durable:
                file.flush()
                os.fsync(file.fileno())

    def rows(self, since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """Lines from the day of a moment on, without truncated lines."""
        first = "" if since is None else since.astimezone(UTC).date().isoformat()
        for path in sorted(self.folder.glob("*.jsonl")):
            if path.stem < first:
                continue
            for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
                try:
                    yield json.loads(line)
                except json.JSONDecodeError:
                    continue


def readings_of(row: Mapping[str, Any], before: Readings) -> dict[str, Reading | str]:
    """Complete readings of a cycle."""
    return {**before, **{name: _reading(value) for name, value in row["readings"].items()}}


def _plain(reading: Reading | str) -> Any:
    if isinstance(reading, str):
        return reading
    return [reading.value, None if reading.at is None else reading.at.isoformat(), reading.status]


def _reading(value: Any) -> Reading | str:
    if isinstance(value, str):
        return value
    number, at, status = value
    return Reading(number, None if at is None else datetime.fromisoformat(at), status)
