"""Stored fronts: each is a folder that is written atomically, and its points can be exported to a file.

home/fronts/<front>/front.json     request and result, with versions and hashes
                    front.nc       the points
                    schedules.nc   the schedule of each point, dimension ``point``
                    scenario.json  scenario of the request
                    inputs.nc      series of the scenario
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xarray as xr

from emberline.planning.accounts.figures import Figures
from emberline.runs.store import netcdf
from emberline.runs.store.catalogue.errors import StoreError
from emberline.runs.store.run_folder import altered, hashes_of, versions
from emberline.scenarios import Case, Scenario
from emberline.scenarios.home import home
from emberline.scenarios.messages import restored, with_messages
from emberline.scenarios.whole_file import replacing, sync
from emberline.studies.pareto.front import CARBON, Front, rows

__all__ = ["FORMATS", "StoredFront", "headlines", "read", "save", "write"]

FORMAT = 1
FORMATS = ("csv", "json", "nc")


@dataclass(frozen=True)
class StoredFront:
    """Front read from its folder."""

    id: str
    folder: Path
    created: str
    """Time of creation in UTC, ISO 8601."""
    front: Front


def save(front: Front, folder: Path | None = None, number: str | None = None) -> StoredFront:
    """Store a front.

    Args:
        front: front to store.
        folder: home folder; None: the user's.
        number: id of the front; None: a new one.
    """
    number = number or uuid.uuid4().hex
    place = _folder(folder)
    place.mkdir(parents=True, exist_ok=True)
    for leftover in place.glob(".*.partial"):  # of a killed process
        if time.time() - leftover.stat().st_mtime > 86_400:
            shutil.rmtree(leftover, ignore_errors=True)
    partial = place / f".{number}.partial"
    partial.mkdir()
    try:
        scenario_json = front.scenario.model_dump_json(indent=1, exclude_defaults=True)
        (partial / "scenario.json").write_text(scenario_json, encoding="utf-8")
        netcdf.write(front.scenario.inputs, partial / "inputs.nc")
        netcdf.write(front.data, partial / "front.nc")
        if front.schedules:
            netcdf.write(together(front), partial / "schedules.nc")
        created = datetime.now(UTC).isoformat(timespec="seconds")
        stamp = {"front": number, "format": FORMAT, "created": created, "versions": versions()}
        meta = {**stamp, "files_sha256": hashes_of(partial), "summary": front.summary()}
        text = json.dumps(with_messages(meta), indent=1, allow_nan=False)
        (partial / "front.json").write_text(text, encoding="utf-8")
        for path in (*partial.iterdir(), partial):
            sync(path)
        os.replace(partial, place / number)
        sync(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return StoredFront(number, place / number, created, front)


def together(front: Front) -> xr.Dataset:
    """Concatenate the schedules of all points along dimension ``point``."""
    bare = [schedule.drop_attrs(deep=False) for schedule in front.schedules.values()]
    return xr.concat(
        bare, dim=xr.DataArray(list(front.schedules), dims="point", name="point"), data_vars="all", coords="minimal",
        compat="override", join="exact", combine_attrs="override",
    )  # fmt: skip


def stored(folder: Path | None = None) -> list[str]:
    """Return the ids of all stored fronts, newest first."""
    paths = [path for path in _folder(folder).glob("*/front.json") if re.fullmatch(r"[0-9a-f]{32}", path.parent.name)]
    return [path.parent.name for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True)]


def headlines(most: int, folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return summaries of the newest fronts by id: ``created``, ``scenario``, number of ``points``, ``signal``,
    ``metric``; corrupt ones are left out."""
    entries = {}
    for number in stored(folder)[:most]:
        try:
            meta = json.loads((_folder(folder) / number / "front.json").read_text(encoding="utf-8"))
            summary = meta["summary"]
            entries[number] = {
                "created": datetime.fromisoformat(meta["created"]),
                "scenario": str(summary["scenario"]),
                "points": len(summary["points"]),
                "signal": str(summary["signal"]),
                "metric": str(summary.get("metric", CARBON)),
            }
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return entries


def read(prefix: str = "last", folder: Path | None = None) -> StoredFront:
    """Read a stored front.

    Args:
        prefix: first digits of its id; ``last``: the newest one.
        folder: home folder; None: the user's.

    Raises:
        StoreError: there is no unique match, or the front is corrupt or of an unknown format.
    """
    ids = stored(folder)
    matches = ids[:1] if prefix == "last" else [number for number in ids if prefix and number.startswith(prefix)]
    if len(matches) != 1:
        raise StoreError(
            f"{len(matches) or 'no'} stored fronts begin with {prefix[:40]!r}" if ids or prefix != "last"
            else "there is no stored front yet; make one with 'emberline pareto'"
        )  # fmt: skip
    try:
        return _opened(_folder(folder) / matches[0])
    except StoreError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        text = f"front {matches[0]} is torn: front.json cannot be read; search it again"
        raise StoreError(text) from error


def _opened(place: Path) -> StoredFront:
    meta = restored(json.loads((place / "front.json").read_text(encoding="utf-8")))
    if meta.get("format") != FORMAT:
        raise StoreError(f"front {place.name} has format {meta.get('format')}, this version reads {FORMAT}")
    torn = altered(place, meta["files_sha256"])
    if torn:
        raise StoreError(f"front {place.name} is torn: {', '.join(torn)} missing or altered; search it again")
    scenario = Scenario.model_validate_json((place / "scenario.json").read_text(encoding="utf-8"))
    summary = meta["summary"]
    baseline = {name: value for name, value in summary["baseline"].items() if name in Figures.__dataclass_fields__}
    schedules = {}
    if (place / "schedules.nc").is_file():
        several = netcdf.read(place / "schedules.nc")
        schedules = {int(number): several.sel(point=number, drop=True) for number in several["point"].values}
    front = Front(
        scenario=Case.of(scenario, netcdf.read(place / "inputs.nc")),
        baseline=Figures(**baseline),
        data=netcdf.read(place / "front.nc"),
        schedules=schedules,
        n_requested=summary["asked"],
        failed=tuple(summary["failed"]),
        metric=summary.get("metric", CARBON),
        **{name: summary[name] for name in ("dominated", "same", "unsearched", "seconds")},
    )
    return StoredFront(place.name, place, meta["created"], front)


def write(front: Front, path: Path) -> Path:
    """Write the points atomically to a file in one of ``FORMATS``, chosen by its extension.

    In a CSV file, the second line contains the unit of measure of each column.

    Raises:
        ValueError: the extension is not one of ``FORMATS``.
    """
    kind = path.suffix.removeprefix(".")
    if kind not in FORMATS:
        raise ValueError(f"unknown format {kind!r}; formats are {', '.join(FORMATS)}")
    with replacing(path) as partial:
        if kind == "nc":
            netcdf.write(front.data, partial)
        elif kind == "json":
            partial.write_text(json.dumps(front.summary(), indent=1, allow_nan=False), encoding="utf-8")
        else:
            _csv(front, partial)
    return path


def _csv(front: Front, path: Path) -> None:
    names = ["point", *map(str, front.data.data_vars)]
    units: dict[str, Any] = {name: front.data[name].attrs.get("units", "") for name in names}
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, names)
        table.writeheader()
        table.writerow(units)
        table.writerows(rows(front.data))


def _folder(folder: Path | None) -> Path:
    return (folder or home()).absolute() / "fronts"
