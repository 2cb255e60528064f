"""Disturbed replays stored with their run: one ensemble per seed, written atomically.

home/runs/<run>/ensemble-<seed>.nc   table ``ENSEMBLE``, with schedule hash and versions in its attributes
                holding.json         for a robust plan: the result (``Robustness.summary``)
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from emberline.planning.robustness.ensemble import Ensemble
from emberline.planning.robustness.holding.robustness import Robustness
from emberline.runs.store import netcdf
from emberline.runs.store.catalogue.errors import StoreError
from emberline.runs.store.earlier_releases import renamed
from emberline.runs.store.run_folder import StoredRun, versions
from emberline.runs.store.store import Store
from emberline.scenarios import whole_file
from emberline.scenarios.whole_file import replacing

__all__ = ["read", "read_holding", "save", "save_holding", "seeds"]

FORMAT = 1
NAME = re.compile(r"ensemble-(\d+)\.nc\Z")
HOLDING = "holding.json"


def save(ensemble: Ensemble, stored: StoredRun) -> Path:
    """Store an ensemble with its run, replacing one of the same seed."""
    path = stored.folder / f"ensemble-{int(ensemble.data.attrs['seed'])}.nc"
    attributes = {
        "format": FORMAT,
        "run": stored.id,
        "schedule_sha256": stored.meta["files_sha256"]["schedule.nc"],
        "asked": ensemble.n_requested,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": json.dumps(versions()),
    }
    with replacing(path) as partial:
        netcdf.write(ensemble.data.assign_attrs(attributes), partial)
    return path


def seeds(stored: StoredRun) -> list[int]:
    """Return the seeds for which a run has ensembles, in order."""
    return sorted(int(match[1]) for path in stored.folder.iterdir() if (match := NAME.match(path.name)))


def read(stored: StoredRun, seed: int) -> Ensemble:
    """Read an ensemble of a run.

    Raises:
        StoreError: there is none of this seed, or it is of an unknown format or of another schedule.
    """
    path = stored.folder / f"ensemble-{seed}.nc"
    if not path.is_file():
        has = ", ".join(map(str, seeds(stored))) or "none"
        text = f"has no ensemble of seed {seed} (it has {has}); make it with 'emberline replay'"
        raise StoreError(f"run {stored.id} {text}")
    try:
        data = netcdf.read(path)
    except Exception:  # corrupt data can raise any exception of the libraries
        raise StoreError(f"{path.name} of run {stored.id} is torn; make it again") from None
    stamp = data.attrs.get("format"), data.attrs.get("schedule_sha256")
    if stamp != (FORMAT, stored.meta["files_sha256"]["schedule.nc"]):
        raise StoreError(f"{path.name} of run {stored.id} is of another format or schedule; make it again")
    return Ensemble(stored.plan.scenario, data, int(data.attrs["asked"]))


def save_holding(store: Store, run: str, answer: Robustness) -> Path:
    """Store a robust plan as a run in progress, with its judgement and the result; return the run's folder."""
    folder = store.save(run, answer.robust)
    if answer.judged is not None:
        save(answer.judged, store.open(run))
        whole_file.write(folder / HOLDING, json.dumps(answer.summary(), indent=1, allow_nan=False))
    return folder


class _Interval(BaseModel):
    low: float
    high: float


class _Judged(BaseModel):
    n: int
    chance: float
    interval: _Interval


class _Answer(BaseModel):
    """Fields of the result that are read."""

    level: float
    status: str
    robust: _Judged | None
    plain: _Judged | None
    margins: dict[str, float]
    price: dict[str, dict[str, float]]


def read_holding(folder: Path) -> dict[str, Any] | None:
    """Read the result of robust planning in a run's folder; None: there is none, or no judgement.

    Raises:
        StoreError: the file is corrupt.
    """
    path = folder / HOLDING
    if not path.is_file():
        return None
    try:
        text = path.read_bytes()
        _Answer.model_validate_json(text)
        return renamed(json.loads(text))
    except (OSError, ValueError, RecursionError):
        raise StoreError(f"{HOLDING} of run {folder.name} is torn; make the plan again") from None
