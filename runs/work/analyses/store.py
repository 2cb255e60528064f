"""Stored results of analyses, each in a file that is written atomically.

home/analyses/<id>.json   request, time and result, with ids and parameters of its messages
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass

from emberline.runs.store.catalogue.errors import StoreError
from emberline.scenarios import whole_file
from emberline.scenarios.home import RUN_ID, home
from emberline.scenarios.messages import Message, restored, with_messages

FORMAT = 1
MODULES = ("of_scenario", "of_plan", "calibrate")
"""Modules of this folder with the functions of analyses, listed in their ``WORK``."""


@dataclass(frozen=True)
class StoredAnalysis:
    """Result of an analysis."""

    id: str
    name: str
    """One of ``works()``."""
    created: datetime
    scenario: str | None
    """Requested name or file; None: the analysis is about a run."""
    overrides: tuple[str, ...]
    options: dict[str, Any]
    """Other options of the request."""
    result: dict[str, Any]

    @property
    def run(self) -> str:
        """Stored run that was analysed; empty: the analysis is about a scenario."""
        return str(self.options.get("run", ""))

    @property
    def title(self) -> str:
        """Name of the scenario."""
        return str(self.result.get("scenario", ""))


@cache
def works() -> dict[str, Callable[[Any], dict[str, Any]]]:
    """Return the function of each analysis, in the order of the page."""
    modules = (import_module(f"emberline.runs.work.analyses.{module}") for module in MODULES)
    return {function.__name__.removeprefix("work_"): function for module in modules for function in module.WORK}


def work(name: str) -> Callable[[Any], dict[str, Any]]:
    """Return the function of an analysis.

    Raises:
        StoreError: there is no such analysis.
    """
    if name not in works():
        raise StoreError(Message("unknown analysis {name}", name=name[:40]))
    return works()[name]


def save(folder: Path, number: str, name: str, request: dict[str, Any], result: dict[str, Any]) -> None:
    """Store a result.

    Args:
        folder: home folder.
        number: id of the job.
        name: name of the analysis.
        request: request of the job.
        result: result as plain data.
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
    """Read a stored result.

    Raises:
        StoreError: there is none with this id, or it is corrupt or of an unknown format.
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
    """Return the newest results, newest first; corrupt ones are left out."""
    place = home().absolute() / "analyses"
    paths = [path for path in place.glob("*.json") if RUN_ID.match(path.stem)] if place.is_dir() else []
    results = []
    for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True)[:most]:
        try:
            results.append(read(path.stem))
        except StoreError:
            continue
    return results
