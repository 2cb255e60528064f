"""CSV: one table as plain text, and its manifest next to it, so that the table stays clean.

Times are ISO 8601 with the plant's offset, with seconds where a table needs them. A text that a spreadsheet would
calculate gets an apostrophe in front, column names too; numbers stay numbers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from emberline.reports.exports import tables
from emberline.reports.exports.manifest import manifest
from emberline.reports.exports.texts import uncalculated
from emberline.runs.store.run_folder import StoredRun

if TYPE_CHECKING:
    import pandas as pd

DIGITS = {"heats": 3, "runs": 3}
"""Digits after the point; of other tables ``MOST_DIGITS``."""
MOST_DIGITS = 6


def sidecar(path: Path) -> Path:
    """Where the manifest of a CSV file stands."""
    return path.with_name(f"{path.stem}.manifest.json")


def write(run: StoredRun, path: Path, table: str | None = None) -> None:
    """Write a table (``tables.by_name``) and its manifest."""
    name, frame = tables.by_name(run, table)
    numbers = frame.select_dtypes("number").columns
    frame[numbers] = frame[numbers].round(DIGITS.get(name, MOST_DIGITS))
    frame["run"] = run.id
    safe(frame).to_csv(path, index=False, encoding="utf-8", lineterminator="\n")
    says = {"file": path.name, "table": name, **manifest(run)}
    sidecar(path).write_text(json.dumps(says, indent=1, allow_nan=False, ensure_ascii=False), encoding="utf-8")


def safe(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with times as texts and no text that a spreadsheet calculates."""
    times = tables.timed(frame)
    out = tables.plain(frame, rounded=True)
    for column in out.columns:
        cells = out[column].tolist()
        if column not in times and any(isinstance(cell, str) for cell in cells):
            out[column] = [uncalculated(cell) if isinstance(cell, str) else cell for cell in cells]
    return out.rename(columns=lambda name: uncalculated(str(name)))
