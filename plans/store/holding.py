"""What is kept of a plan that was made to hold: the run, its judgement, and the answer next to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from emberline.plans.robustness.holding.robustness import Robustness
from emberline.plans.store import ensembles
from emberline.plans.store.earlier_releases import renamed
from emberline.plans.store.store import Store, StoreError
from emberline.scenarios import whole_file

FILE = "holding.json"
"""The answer (``Robustness.summary``), in the run's folder."""


def save(store: Store, run: str, answer: Robustness) -> Path:
    """Store the plan that is kept as a run that is being made, with its judgement and the answer; the run's folder."""
    folder = store.save(run, answer.robust)
    if answer.judged is not None:
        ensembles.save(answer.judged, store.open(run))
        whole_file.write(folder / FILE, json.dumps(answer.summary(), indent=1, allow_nan=False))
    return folder


class _Interval(BaseModel):
    low: float
    high: float


class _Judged(BaseModel):
    n: int
    chance: float
    interval: _Interval


class _Answer(BaseModel):
    """What is read of the answer."""

    level: float
    status: str
    robust: _Judged | None
    plain: _Judged | None
    margins: dict[str, float]
    price: dict[str, dict[str, float]]


def read(folder: Path) -> dict[str, Any] | None:
    """The answer in a run's folder; None: the run was not made to hold, or nothing was judged.

    Raises:
        StoreError: it is torn.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        text = path.read_bytes()
        _Answer.model_validate_json(text)
        return renamed(json.loads(text))
    except (OSError, ValueError, RecursionError):
        raise StoreError(f"{FILE} of run {folder.name} is torn; make the plan again") from None
