"""The ensembles that are kept: with the run that was followed, one for each seed, written whole or not at all.

home/runs/<run>/ensemble-<seed>.nc   table ``ENSEMBLE``; its attributes tell what was followed and with which versions
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from emberline.plans.robustness.ensemble import Ensemble
from emberline.plans.store import netcdf
from emberline.plans.store.store import PACKAGES, StoredRun, StoreError
from emberline.scenarios.whole_file import replacing

FORMAT = 1
NAME = re.compile(r"ensemble-(\d+)\.nc\Z")


def save(ensemble: Ensemble, stored: StoredRun) -> Path:
    """Keep an ensemble with its run; one of the same seed gives way."""
    path = stored.folder / f"ensemble-{int(ensemble.data.attrs['seed'])}.nc"
    attributes = {
        "format": FORMAT,
        "run": stored.id,
        "schedule_sha256": stored.meta["files_sha256"]["schedule.nc"],
        "asked": ensemble.n_requested,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": json.dumps({name: version(name) for name in PACKAGES}),
    }
    with replacing(path) as partial:
        netcdf.write(ensemble.data.assign_attrs(attributes), partial)
    return path


def seeds(stored: StoredRun) -> list[int]:
    """Seeds of which a run has ensembles, in order."""
    return sorted(int(match[1]) for path in stored.folder.iterdir() if (match := NAME.match(path.name)))


def read(stored: StoredRun, seed: int) -> Ensemble:
    """An ensemble of a run.

    Raises:
        StoreError: there is none of this seed, or it is of a format that this version does not know, or of another
            schedule.
    """
    path = stored.folder / f"ensemble-{seed}.nc"
    if not path.is_file():
        has = ", ".join(map(str, seeds(stored))) or "none"
        raise StoreError(
            f"run {stored.id} has no ensemble of seed {seed} (it has {has}); make it with 'emberline replay'"
        )
    try:
        data = netcdf.read(path)
    except Exception:  # of torn data the libraries raise errors of every kind
        raise StoreError(f"{path.name} of run {stored.id} is torn; make it again") from None
    stamp = data.attrs.get("format"), data.attrs.get("schedule_sha256")
    if stamp != (FORMAT, stored.meta["files_sha256"]["schedule.nc"]):
        raise StoreError(f"{path.name} of run {stored.id} is of another format or schedule; make it again")
    return Ensemble(stored.plan.scenario, data, int(data.attrs["asked"]))
