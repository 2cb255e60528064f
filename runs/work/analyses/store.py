"""Stored results of analyses, each a file that is written whole or not at all.

home/analyses/<id>.json   what was asked, when, and the result, with ids and parameters of its messages
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass

from emberline.runs.store.catalogue.errors import StoreError
from emberline.scenarios import whole_file
from emberline.scenarios.home import RUN_ID, home
from emberline.scenarios.messages import Message, restored, with_messages

FORMAT = 1
MODULES = {
    **dict.fromkeys(("levers", "headroom", "sweep", "roll"), "of_scenario"),
    **dict.fromkeys(("prices", "why", "locks", "why_not"), "of_plan"),
    "calibrate": "of_scenario",
}
"""Module of this folder that does each, in its function ``work_NAME``."""
ANALYSES = tuple(MODULES)


@dataclass(frozen=True)
class StoredAnalysis:
    """The result of an analysis."""

    id: str
    name: str
    """One of ``ANALYSES``."""
    created: datetime
    scenario: str | None
    """As requested: a name or a file; None: it is about a run."""
    overrides: tuple[str, ...]
    options: dict[str, Any]
    """Other options of the request."""
    result: dict[str, Any]

    @property
    def run(self) -> str:
        """The stored run that it is about; empty: it is about a scenario."""
        return str(self.options.get("run", ""))

    @property
    def title(self) -> str:
        """Name of the scenario."""
        return str(self.result.get("scenario", ""))


def work(name: str) -> Callable[[Any], dict[str, Any]]:
    """The function that does an analysis.

    Raises:
        StoreError: there is no such analysis.
    """
    if name not in ANALYSES:
        raise StoreError(Message("unknown analysis {name}", name=name[:40]))
    module = import_module(f"emberline.runs.work.analyses.{MODULES[name]}")
    function: Callable[[Any], dict[str, Any]] = getattr(module, f"work_{name}")
    return function


def save(folder: Path, number: str, name: str, request: dict[str, Any], result: dict[str, Any]) -> None:
    """Store a result.

    Args:
        folder: the home.
        number: id of the job.
        name: of the analysis.
        request: of the job.
        result: plain data.
    """
    content = {
        "format": FORMAT,
        "analysis": name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "scenario": request.get("scenario"),
        "overrides": list(request.get("overrides", ())),
        "options": request.get("given", {}),
        "result": result,
    }
    place = folder / "analyses"
    place.mkdir(parents=True, exist_ok=True)
    whole_file.write(place / f"{number}.json", json.dumps(with_messages(content), allow_nan=False))


def read(number: str) -> StoredAnalysis:
    """A stored result.

    Raises:
        StoreError: there is none of this id, it is torn, or of a format that this version does not know.
    """
    path = home().absolute() / "analyses" / f"{number}.json"
    if not RUN_ID.match(number) or not path.is_file():
        raise StoreError(Message("analysis {number} is not stored here", number=number[:8]))
    try:
        content = restored(json.loads(path.read_text(encoding="utf-8")))
        if content.pop("format") != FORMAT:
            raise StoreError(Message("analysis {number} is of another format; start it again", number=number[:8]))
        return StoredAnalysis(id=number, name=content.pop("analysis"), **content)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(Message("analysis {number} is torn; start it again", number=number[:8])) from error


def headlines(most: int) -> list[StoredAnalysis]:
    """The newest results, newest first; without torn ones."""
    place = home().absolute() / "analyses"
    paths = [path for path in place.glob("*.json") if RUN_ID.match(path.stem)] if place.is_dir() else []
    results = []
    for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True)[:most]:
        try:
            results.append(read(path.stem))
        except StoreError:
            continue
    return results
