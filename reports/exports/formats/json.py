"""JSON: manifest, figures and every table of a plan, for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emberline.planning.answer import summary
from emberline.reports.exports import tables
from emberline.reports.exports.hours import hours
from emberline.reports.exports.manifest import manifest
from emberline.runs.store.run_folder import StoredRun

if TYPE_CHECKING:
    import pandas as pd


def as_json(run: StoredRun) -> dict[str, Any]:
    """The plan as plain data: manifest, summary, first answer, a list of rows for each table; steps by column."""
    frames = {"heats": tables.heat_list(run), **tables.of_processes(run), "machines": tables.activity_list(run)}
    frames |= {"hours": hours(run), "bill": tables.bill_lines(run), "ledger": tables.ledger_entries(run)}
    return {
        "manifest": manifest(run),
        "summary": run.meta["summary"],
        "answer": summary(run.plan),
        **{name: _rows(frame) for name, frame in frames.items()},
        "steps": tables.plain(tables.steps(run)).to_dict(orient="list"),
    }


def write(run: StoredRun, path: Path) -> None:
    """Write all of it as UTF-8."""
    path.write_text(json.dumps(as_json(run), indent=1, allow_nan=False, ensure_ascii=False), encoding="utf-8")


def _rows(frame: pd.DataFrame) -> list[Any]:
    return list(tables.plain(frame).to_dict(orient="records"))
