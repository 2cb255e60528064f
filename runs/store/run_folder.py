"""Folder of a run: its files, how they are written and read, and the data for the catalogue.

home/runs/<run>/plan.json       status, bound, gap, figures, versions, seed, and SHA-256 of every other file
                scenario.json   resolved scenario
                inputs.nc       series of the scenario
                envelope.nc, baseline.nc, schedule.nc, replay.nc, replays.nc, again.nc   if there are any
                labels.json     name and tags, as a backup of the catalogue
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xarray as xr

from emberline.planning.accounts.figures import Figures, Rule
from emberline.planning.answer.figure_table import Figure, figure_data, figures_of, of_summary
from emberline.planning.plan.alternatives.record import AsRun, Choice
from emberline.planning.plan.holding import Holding
from emberline.planning.plan.record import Plan
from emberline.planning.plan.replays import Replays
from emberline.runs.store import netcdf, run_record
from emberline.runs.store.catalogue import labels
from emberline.runs.store.catalogue.errors import StoreError
from emberline.scenarios import Case, Scenario, whole_file
from emberline.scenarios.messages import Message, dumps, with_messages
from emberline.scenarios.metrics import above

PACKAGES = ("emberline", "pyomo", "highspy", "simpy", "xarray", "numpy")
DATASETS = ("envelope", "baseline", "schedule", "replay")


@dataclass(frozen=True)
class StoredRun:
    """Run read from its folder."""

    id: str
    folder: Path
    meta: dict[str, Any]
    plan: Plan


def write(folder: Path, run: str, plan: Plan) -> None:
    """Write all files of a plan into an empty folder, and flush them to disk."""
    scenario_json = plan.scenario.model_dump_json(indent=1, exclude_defaults=True)
    (folder / "scenario.json").write_text(scenario_json, encoding="utf-8")
    netcdf.write(plan.scenario.inputs, folder / "inputs.nc")
    for name in DATASETS:
        data = getattr(plan, name)
        if data is not None:
            netcdf.write(data, folder / f"{name}.nc")
    for name, replays in (("replays", plan.replays), ("again", plan.again)):
        if replays is not None:
            netcdf.write(replays.data, folder / f"{name}.nc")
    hashes = hashes_of(folder)
    meta = {
        "run": run,
        "format": run_record.FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "seed": plan.scenario.disturbances.seed,
        "input_sha256": hashlib.sha256((scenario_json + hashes["inputs.nc"]).encode()).hexdigest(),
        "files_sha256": hashes,
        "signs": Message("import, export, charge and discharge are each positive in their own direction"),
        "zone": plan.scenario.horizon.zone,
        "summary": plan.summary() | {"figures": figure_data(figures_of(plan))},
    }
    (folder / "plan.json").write_text(json.dumps(with_messages(meta), indent=1, allow_nan=False), encoding="utf-8")
    for path in folder.iterdir():
        whole_file.sync(path)
    whole_file.sync(folder)


def read(folder: Path, run: str) -> StoredRun:
    """Read a run from its folder.

    Raises:
        FileNotFoundError: there is no plan in the folder.
        StoreError: the run is corrupt, or of an unknown format.
    """
    meta = run_record.read(folder, run)
    torn = altered(folder, meta["files_sha256"])
    if torn:
        raise StoreError(f"run {run} is torn: {', '.join(torn)} missing or altered; make the plan again")
    nouns = json.loads((folder / "scenario.json").read_text(encoding="utf-8"))
    nouns.setdefault("goal", {}).setdefault("time_limit_s", 60)  # an earlier release wrote no default limit
    scenario = Scenario.model_validate_json(json.dumps(nouns))
    inputs, envelope, baseline = (netcdf.read(folder / f"{name}.nc") for name in ("inputs", "envelope", "baseline"))
    data = {name: _load(folder / f"{name}.nc") for name in ("schedule", "replay", "replays", "again")}
    summary = meta["summary"]
    proof = {name: summary[name] for name in ("status", "objective", "bound", "gap")}
    if None not in (proof["objective"], proof["bound"]) and above(proof["bound"], proof["objective"]):
        proof |= {"status": "best found", "bound": None, "gap": None}  # an earlier release mixed the goals of two plans
    plan = Plan(
        scenario=Case.of(scenario, inputs),
        envelope=envelope,
        baseline=baseline,
        baseline_figures=_figures(summary["baseline"]),
        baseline_complete=summary["baseline"]["complete"],
        **proof,
        constant=0.0 if data["schedule"] is None else float(data["schedule"].attrs.get("constant", 0.0)),
        reason=summary["reason"],
        schedule=data["schedule"],
        schedule_figures=_figures(summary["schedule"]) if summary["schedule"] else None,
        replay=data["replay"],
        replay_figures=_figures(summary["replay"]) if summary["replay"] else None,
        replays=_replays(scenario, summary["replays"], data["replays"]),
        again=_replays(scenario, summary["again"], data["again"]) if summary.get("again") else None,
        holding=Holding.read(summary["holding"]) if summary.get("holding") else None,
        seconds=summary["seconds"],
        omissions=tuple(summary.get("omissions", [])),
        rules=tuple(_rule(stored) for stored in summary.get("rules", [])),
        choices=tuple(
            Choice(**stored | {"figures": _figures(stored["figures"])}) for stored in summary.get("choices", [])
        ),
        as_run=AsRun(**summary["as_run"]) if summary.get("as_run") else None,
        repair=tuple(summary.get("repair", [])),
    )
    return StoredRun(run, folder, meta, plan)


def has_plan(folder: Path) -> bool:
    """Return whether the folder contains a complete run; ``plan.json`` appears with the final rename."""
    return (folder / "plan.json").is_file()


def is_torn(folder: Path) -> bool:
    """Return whether the folder contains a run with a corrupt record."""
    try:
        state = (folder / run_record.NAME).stat()
        _read_once(folder, state.st_mtime_ns, state.st_size)
    except (FileNotFoundError, run_record.OtherFormatError):
        return False
    except (OSError, StoreError):
        return True
    return False


def figures(folder: Path) -> dict[str, Figure]:
    """Return the figures of a run by name, for the use of its plan; empty if its record cannot be read."""
    try:
        state = (folder / run_record.NAME).stat()
        return _read_once(folder, state.st_mtime_ns, state.st_size)
    except (OSError, StoreError):
        return {}


@lru_cache(maxsize=10_000)
def _read_once(folder: Path, *state: int) -> dict[str, Figure]:
    """Read a record for a given state of its file; failures are not cached. Lists of runs call this on every view."""
    return of_summary(run_record.read(folder, folder.name)["summary"])


def columns(folder: Path) -> dict[str, Any] | None:
    """Return the catalogue columns of a run, with the labels of its folder; None if the folder is not valid."""
    try:
        meta = run_record.read(folder, folder.name)
        scenario = json.loads((folder / "scenario.json").read_text(encoding="utf-8"))
        summary = meta["summary"]
        plan, saved = summary["replay"] or {}, summary["saved"]
        fields = {
            "scenario": str(summary["scenario"]),
            "title": str(scenario.get("title", "")),
            "goal": str(summary["goal"]),
            "status": str(summary["status"]),
            "gap": _number(summary["gap"]),
            "verdict": dumps(summary["verdict"]),
            "saved_carbon_kg": _number(saved.get("carbon_kg")),
            "saved_cost": _number(saved.get("cost")),
            **{name: _number(plan.get(name)) for name in ("carbon_kg", "cost", "peak_mw")},
            "currency": str(summary["baseline"]["currency"]),
            "version": str(meta["versions"]["emberline"]),
            "input_sha256": str(meta["input_sha256"]),
            "created": datetime.fromisoformat(meta["created"]).astimezone(UTC).replace(tzinfo=None),
        }
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
    try:
        label_file = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        tags = sorted(labels.tags(map(str, label_file["tags"])))[: labels.MAX_TAGS]
        return {**fields, "name": labels.name(str(label_file["name"])), "tags": tags}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return fields


def label(folder: Path, name: str, tags: tuple[str, ...]) -> None:
    """Store name and tags next to the plan; no file is kept without labels."""
    path = folder / "labels.json"
    if not has_plan(folder):
        return
    if not name and not tags:
        path.unlink(missing_ok=True)
        return
    whole_file.write(path, json.dumps({"name": name, "tags": list(tags)}))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _figures(stored: dict[str, Any]) -> Figures:
    # runs of earlier releases lack newer figures
    return Figures(**{name: stored[name] for name in Figures.__dataclass_fields__ if name in stored})


def _rule(stored: dict[str, Any]) -> Rule:
    fields = {name: stored[name] for name in Rule.__dataclass_fields__ if name in stored}
    return Rule(**fields | {"figures": _figures(stored["figures"]), "units": tuple(stored["units"])})


def _replays(scenario: Scenario, stored: dict[str, Any], data: xr.Dataset | None) -> Replays | None:
    # an earlier release replayed undisturbed scenarios repeatedly
    if data is None:
        return None
    if not scenario.disturbed:
        return Replays(0, 0, data.isel(replication=slice(0)))
    return Replays(int(stored["n"]), int(stored["held"] or 0), data)


def _load(path: Path) -> xr.Dataset | None:
    return netcdf.read(path) if path.is_file() else None


def versions() -> dict[str, str]:
    """Return the versions of the packages on which results depend."""
    return {name: version(name) for name in PACKAGES}


def hashes_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a folder, by name."""
    return {path.name: _sha256(path) for path in sorted(folder.iterdir())}


def altered(folder: Path, hashes: Mapping[str, str]) -> list[str]:
    """Return the files that are missing in a folder, or whose hashes differ."""
    pairs = ((folder / name, digest) for name, digest in hashes.items())
    return [path.name for path, digest in pairs if not path.is_file() or _sha256(path) != digest]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
