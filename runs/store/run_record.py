"""Record of a run, ``plan.json``, and its validation on reading."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emberline.planning.accounts.figures import Figures
from emberline.runs.store.catalogue.errors import StoreError
from emberline.runs.store.earlier_releases import renamed
from emberline.scenarios.messages import restored

FORMAT = 1
NAME = "plan.json"
ALWAYS = ("baseline.nc", "envelope.nc", "inputs.nc", "scenario.json")
"""Files of every run."""


class OtherFormatError(StoreError):
    """The run has the format of another release; it is intact as far as can be judged."""


class _Part(BaseModel):
    """Base class that ignores keys of other releases."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class _Replays(_Part):
    n: int
    successes: int | None = Field(alias="held")
    """None without disturbances."""


class _Holding(_Part):
    level: float
    status: str
    reached: bool
    days: int
    share: float
    interval: tuple[float, float]
    severity: dict[str, int]
    margins: dict[str, float]
    request: dict[str, Any]


class _Summary(_Part):
    scenario: str
    goal: str
    status: str
    reason: str
    verdict: str
    objective: float | None
    bound: float | None
    gap: float | None
    baseline: Figures
    schedule: Figures | None
    replay: Figures | None
    saved: dict[str, float | None]
    replays: _Replays
    holding: _Holding | None = None
    seconds: dict[str, float]


class _Record(_Part):
    created: datetime
    versions: dict[str, str]
    seed: int
    input_sha256: str
    files_sha256: dict[str, str]
    signs: str
    zone: str
    summary: _Summary


def read(folder: Path, run: str) -> dict[str, Any]:
    """Read and validate the record.

    Raises:
        FileNotFoundError: there is no record.
        StoreError: the record is corrupt, or of an unknown format.
    """
    text = (folder / NAME).read_bytes()
    try:
        record = json.loads(text.decode(), parse_constant=_no_number)
        form = record.get("format") if isinstance(record, dict) else None
        if form == FORMAT:
            _check(_Record.model_validate_json(text), record)
            record["summary"] = renamed(record["summary"])
            return restored(record)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"run {run} is torn: {NAME} {_why(error)}; make the plan again") from None
    if isinstance(form, int):
        raise OtherFormatError(f"run {run} has format {form}, this version reads {FORMAT}; make the plan again")
    raise StoreError(f"run {run} is torn: {NAME} is not the record of a run; make the plan again")


def _check(record: _Record, raw: dict[str, Any]) -> None:
    """Check requirements that the types do not express.

    Raises:
        ValueError: a required entry is missing.
    """
    summary = record.summary
    if not isinstance(raw["summary"]["baseline"].get("complete"), bool):
        raise ValueError("complete")
    planned = [f"{name}.nc" for name in ("schedule", "replay") if getattr(summary, name) is not None]
    if not {*ALWAYS, *planned} <= record.files_sha256.keys():
        raise ValueError("files_sha256")


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return f"has no valid {'.'.join(map(str, error.errors()[0]['loc']))}"
    return "cannot be read"


def _no_number(name: str) -> float:
    raise ValueError(name)
