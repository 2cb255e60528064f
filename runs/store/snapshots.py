"""Scenarios from a browser's text: a draft that is being edited, or a snapshot of it for planning.

    home/snapshots/<id>/scenario.yaml   text of a plan; the id is a hash of its content
                        files/          series of the scenario

They read only their own files, since a path in such a text could name any file of the server.

The scenario of a stored run is also converted to such a text, so that its plan can be made again. It names no files of
the machine on which the run was made: every series from a file becomes the planned values on the plan's steps, and
factors are included with their rows.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from emberline.runs.store.drafts import KEPT_DAYS, prune
from emberline.scenarios import Case, Problem, Scenario, ScenarioError
from emberline.scenarios.home import RUN_ID, home
from emberline.scenarios.loading.loading import build
from emberline.scenarios.reading.document import Document, Keys, dotted, parse, read, value_at
from emberline.scenarios.reading.inputs import row_of
from emberline.scenarios.reading.overlay import FILES

__all__ = ["NOWHERE", "find", "keep", "load", "loads", "source", "take"]

FILE_PATH = re.compile(r"files/[a-z0-9][a-z0-9-]{0,59}\.csv\Z")
"""Paths that a text may name."""
NOWHERE = Path(os.devnull)
"""Folder of a text that has no files yet."""


def load(path: Path, overrides: Iterable[str] = ()) -> Case:
    """Load the scenario of a draft or a snapshot, which reads only the files next to it.

    Raises:
        ScenarioError: the scenario is invalid; all problems are listed.
    """
    document = read(path)
    document.name = "scenario.yaml"
    _refuse_foreign_files(document, path.parent)
    return build(document, path.parent, overrides)


def loads(text: str, folder: Path, overrides: Iterable[str] = ()) -> Case:
    """Load the scenario of a text that is not stored yet; see :func:`load`."""
    document = parse(text)
    _refuse_foreign_files(document, folder)
    return build(document, folder, overrides)


def take(path: Path) -> str:
    """Store a snapshot of a text with its current files; return its id for :func:`find`.

    Raises:
        ScenarioError: the text names foreign files, or is invalid.
    """
    text = path.read_bytes()
    name = hashlib.sha256(text).hexdigest()[:32]
    folder = _snapshots() / name
    if (folder / "scenario.yaml").is_file():
        os.utime(folder)
        return name
    document = read(path)
    _refuse_foreign_files(document, path.parent)
    prune(_snapshots(), KEPT_DAYS)
    partial = _snapshots() / f".{uuid.uuid4().hex}.partial"
    (partial / "files").mkdir(parents=True)
    for file_name in {value for _, value in _paths(document.data, ())}:
        _linked(path.parent / file_name, partial / file_name)
    (partial / "scenario.yaml").write_bytes(text)
    with suppress(OSError):  # another process has just stored the same
        partial.rename(folder)
    shutil.rmtree(partial, ignore_errors=True)
    return name


def find(name: str) -> Path | None:
    """Return the path of a snapshot's text; None: it is no longer stored."""
    if not RUN_ID.match(name):
        return None
    path = _snapshots() / name / "scenario.yaml"
    return path if path.is_file() else None


def _refuse_foreign_files(document: Document, folder: Path) -> None:
    """Reject a text that names files other than the draft's own, before any file is read.

    Raises:
        ScenarioError: the text names such files; its other problems are also listed.
    """
    mistakes: dict[Keys, str] = {}
    for path, value in _paths(document.data, ()):
        if not (isinstance(value, str) and FILE_PATH.match(value)):
            mistakes[path] = "names a file that does not belong to the scenario; import it under Series"
        elif not (folder / value).is_file():
            mistakes[path] = "is not a series of this draft; import it under Series"
    emissions = document.data.get("emissions")
    if isinstance(emissions, dict) and emissions.get("table") is not None:
        mistakes["emissions", "table"] = "custom factor tables are supported only on the command line"
    if mistakes:
        problems = [Problem(document.where(path), dotted(path), text) for path, text in mistakes.items()]
        raise ScenarioError([*document.problems, *problems])


def _paths(data: Any, path: Keys) -> Iterator[tuple[Keys, Any]]:
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(data, dict):
        items = data.items()
    elif isinstance(data, list):
        items = enumerate(data)
    for key, value in items:
        if key in FILES and value is not None:
            yield (*path, key), value
        else:
            yield from _paths(value, (*path, key))


def _snapshots() -> Path:
    folder = home().absolute() / "snapshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _linked(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def keep(scenario: Case) -> str:
    """Store a stored run's scenario as a snapshot; return its id for :func:`find`.

    Raises:
        ScenarioError: the scenario cannot be written as a text.
    """
    text, files = source(scenario)
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "files").mkdir()
        for path, content in files.items():
            (folder / path).write_text(content, encoding="utf-8")
        (folder / "scenario.yaml").write_text(text, encoding="utf-8")
        return take(folder / "scenario.yaml")


def source(scenario: Case, *, inline: bool = False) -> tuple[str, dict[str, str]]:
    """Return the scenario's text and the files it names, by path; with ``inline``, series are part of the text."""
    data: dict[str, Any] = json.loads(scenario.model_dump_json(exclude_defaults=True))
    data.get("emissions", {}).pop("table", None)
    files = {}
    for name, place, series, _ in scenario.series():
        if series.csv is None and series.parquet is None and series.signal is None:
            continue
        values = _values(scenario, name, place)
        if inline:
            start = scenario.horizon.start_utc.isoformat()
            source_keys = {"values": values.tolist(), "start": start}
        else:
            content = _table(scenario, values)
            path = f"files/series-{hashlib.sha256(content.encode()).hexdigest()[:16]}.csv"
            files[path] = content
            source_keys = {"csv": path, "column": "value"}
        value_at(data, place[:-1])[place[-1]] = {**source_keys, "interval_min": scenario.horizon.step_min}
    return json.dumps(data, indent=1, ensure_ascii=False), files


def _values(scenario: Case, name: str, place: tuple[str | int, ...]) -> np.ndarray:
    """Return a series as used in the plan, in the unit of its field; shape (n_steps,)."""
    if (row := row_of(place)) is not None:
        variable, label = row
        return np.asarray(scenario.inputs[variable].sel({label: name}).to_numpy(), dtype=float)
    values = np.asarray(scenario.inputs[name].to_numpy(), dtype=float)
    pv = scenario.site.pv
    # for a PV plant, the power is stored, but the text contains the share of its peak
    return values / pv.peak_mw if name == "pv_available_mw" and pv is not None and pv.peak_mw else values


def _table(scenario: Scenario, values: np.ndarray) -> str:
    """Format values on the plan's steps as CSV."""
    times = [f"{stamp}Z" for stamp in np.datetime_as_string(scenario.horizon.times, unit="s")]
    return "time_utc,value\n" + "".join(f"{at},{value!r}\n" for at, value in zip(times, values.tolist(), strict=True))
