"""The record of a run, ``plan.json``: what must stand in it before anything is made of the run."""

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
    """A run of a release that writes another format: whole, as far as this one knows."""


class _Part(BaseModel):
    """Further keys are those of other releases."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class _Replays(_Part):
    n: int
    successes: int | None = Field(alias="held")
    """None where nothing is disturbed."""


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
    """The record as it is written.

    Raises:
        FileNotFoundError: there is none.
        StoreError: it is torn, or of a format that this version does not know.
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
    raise StoreError(f"run {run} is torn: {NAME} is no record of a run; make the plan again")


def _check(record: _Record, raw: dict[str, Any]) -> None:
    """Check what the types do not say.

    Raises:
        ValueError: something is missing.
    """
    summary = record.summary
    if not isinstance(raw["summary"]["baseline"].get("complete"), bool):
        raise ValueError("complete")
    planned = [f"{name}.nc" for name in ("schedule", "replay") if getattr(summary, name) is not None]
    if not {*ALWAYS, *planned} <= record.files_sha256.keys():
        raise ValueError("files_sha256")


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return f"has no sound {'.'.join(map(str, error.errors()[0]['loc']))}"
    return "cannot be read"


def _no_number(name: str) -> float:
    raise ValueError(name)
