"""Files for programs: CSV, Parquet, JSON and netCDF, the same in every language."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import xarray as xr

from emberline.planning.accounts.ledger import ledger
from emberline.planning.answer import summary
from emberline.reports.exports import tables
from emberline.reports.exports.manifest import flat, manifest
from emberline.reports.exports.worded import uncalculated
from emberline.reports.text.activities import replay_of
from emberline.runs.store import netcdf
from emberline.runs.store.run_folder import StoredRun

DIGITS = {"heats": 3, "runs": 3}
"""Decimal places by table; other tables have ``MAX_DIGITS``."""
MAX_DIGITS = 6


def sidecar(path: Path) -> Path:
    """Return the path of the manifest of a CSV file."""
    return path.with_name(f"{path.stem}.manifest.json")


def write_csv(run: StoredRun, path: Path, table: str | None = None) -> None:
    """Write a table (``tables.by_name``) and its manifest."""
    name, frame = tables.by_name(run, table)
    numbers = frame.select_dtypes("number").columns
    frame[numbers] = frame[numbers].round(DIGITS.get(name, MAX_DIGITS))
    frame["run"] = run.id
    safe(frame).to_csv(path, index=False, encoding="utf-8", lineterminator="\n")
    text = {"file": path.name, "table": name, **manifest(run)}
    sidecar(path).write_text(json.dumps(text, indent=1, allow_nan=False, ensure_ascii=False), encoding="utf-8")


def safe(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with times as text and without texts that a spreadsheet would evaluate."""
    times = tables.timed(frame)
    out = tables.plain(frame, rounded=True)
    for column in out.columns:
        cells = out[column].tolist()
        if column not in times and any(isinstance(cell, str) for cell in cells):
            out[column] = [uncalculated(cell) if isinstance(cell, str) else cell for cell in cells]
    return out.rename(columns=lambda name: uncalculated(str(name)))


KEY = b"emberline"
"""Key of the manifest in the schema's metadata, as JSON; ``pandas.read_parquet`` does not need it."""


def write_parquet(run: StoredRun, path: Path, table: str | None = None) -> None:
    """Write a table (``tables.by_name``)."""
    import pyarrow.parquet as pq

    name, frame = tables.by_name(run, table)
    text = json.dumps({"table": name, **manifest(run)}, allow_nan=False, ensure_ascii=False)
    arrow_table = pa.Table.from_pandas(frame, preserve_index=False)
    arrow_table = arrow_table.replace_schema_metadata({**(arrow_table.schema.metadata or {}), KEY: text.encode()})
    pq.write_table(arrow_table, path, compression="zstd")


def as_json(run: StoredRun) -> dict[str, Any]:
    """Return the plan as plain data: manifest, summary, answer, and a list of rows for each table; steps are by
    column."""
    plan = run.plan
    frames = {"heats": pd.DataFrame(), **tables.of_producers(plan)}
    frames |= {name: tables.TABLES[name](plan) for name in ("machines", "hours", "bill", "ledger")}
    return {
        "manifest": manifest(run),
        "summary": run.meta["summary"],
        "answer": summary(plan),
        **{name: _rows(frame) for name, frame in frames.items()},
        "steps": tables.plain(tables.steps(plan)).to_dict(orient="list"),
    }


def write_json(run: StoredRun, path: Path) -> None:
    """Write all plain data as UTF-8 JSON."""
    path.write_text(json.dumps(as_json(run), indent=1, allow_nan=False, ensure_ascii=False), encoding="utf-8")


def _rows(frame: pd.DataFrame) -> list[Any]:
    return list(tables.plain(frame).to_dict(orient="records"))


def groups(run: StoredRun) -> dict[str, xr.Dataset]:
    """Return the datasets of the run by group name.

    ``baseline`` is the baseline run, ``replay`` the undisturbed plan, ``replays`` the disturbed replays.
    """
    plan, replay = run.plan, replay_of(run.plan)
    book = ledger(plan.scenario, replay)
    datasets: dict[str, xr.Dataset | None] = {
        "inputs": plan.scenario.inputs,
        "envelope": plan.envelope,
        "baseline": plan.baseline,
        "schedule": plan.schedule,
        "replay": replay,
        "replays": plan.replays.data if plan.replays is not None else None,
        "ledger_by_step": _kilograms(book.by_step),
    }
    if book.by_heat.sizes["heat"]:
        datasets["ledger_by_heat"] = _kilograms(book.by_heat)
    return {name: data for name, data in datasets.items() if data is not None}


def write_netcdf(run: StoredRun, path: Path) -> None:
    """Write all groups to a netCDF file."""
    text = {
        "title": run.plan.scenario.title or run.plan.scenario.name,
        "source": "Emberline",
        **flat(run),
        "times": "coordinates time and meter: UTC; variables in min: minutes after the horizon's start",
    }
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs=text), **groups(run)})
    netcdf.write(tree, path)


def _kilograms(data: xr.Dataset) -> xr.Dataset:
    """Return the dataset with a unit for each variable."""
    units = {name: "t" if name == "mass_t" else "kg CO2e" for name in data.data_vars}
    return data.assign({name: data[name].assign_attrs(units=unit) for name, unit in units.items()})
