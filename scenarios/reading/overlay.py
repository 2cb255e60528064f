"""Overlays: files that change part of a scenario, such as parameters fitted to a plant's log.

Mappings are merged key by key; values and lists are replaced. Paths in an overlay are relative to the overlay, not to
the scenario.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emberline.scenarios.reading.document import Document, Keys, mapping_at, read

FILES = ("csv", "parquet")
"""Keys of a series that name a file."""


def lay(document: Document, name: str) -> None:
    """Apply an overlay to a document; mistakes in it are reported with its file and line.

    Raises:
        ScenarioError: the file is not a YAML mapping.
    """
    over = read(Path(name))
    document.problems += over.problems
    leaves: set[Keys] = set()
    for path, value in _leaves(_beside(over.data, Path(name).absolute().parent), ()):
        mapping_at(document.data, path[:-1])[path[-1]] = value
        leaves.add(path)

    def covered(at: Keys) -> bool:
        return any(at[:size] in leaves for size in range(1, len(at) + 1))

    document.lines = {at: line for at, line in document.lines.items() if not covered(at)}
    document.overrides |= {at: f"--set @{over.name}:{line}" for at, line in over.lines.items() if covered(at)}


def _beside(data: Any, folder: Path) -> Any:
    """Return the data with absolute paths of series."""
    if isinstance(data, list):
        return [_beside(item, folder) for item in data]
    if not isinstance(data, dict):
        return data
    document = {key: _beside(value, folder) for key, value in data.items()}
    return document | {key: str(folder / document[key]) for key in FILES if isinstance(document.get(key), str)}


def _leaves(data: dict[str, Any], path: Keys) -> Iterator[tuple[Keys, Any]]:
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value
