"""Forecasts that extend signals beyond their published values; they are stored separately and marked as forecasts.

    home/signals/<source>/<quantity>/forecast/<zone>.json

Published values take precedence over forecasts. Only the newest forecast of a signal is stored.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from emberline.scenarios import whole_file
from emberline.scenarios.home import home
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.signals.catalogue import Signal

LAST_WEEK = mark("same hour last week")
RIDGE = mark("ridge regression on load and wind")
METHODS = (LAST_WEEK, RIDGE)


@dataclass(frozen=True)
class Forecast:
    """Forecast of a signal beyond its last published value."""

    issued: datetime
    method: str
    """Method, one of ``METHODS``."""
    error: float
    """Mean absolute error on held-out days, in the signal's unit."""
    error_days: float
    """Number of days that ``error`` covers."""
    starts: np.ndarray
    """Start of each interval, seconds since 1970 UTC; shape (n,)."""
    seconds: int
    """Length of each interval [s]."""
    values: np.ndarray
    """Values in the signal's unit; shape (n,)."""

    def text(self, unit: str) -> Message:
        """Describe the method of the forecast and its error."""
        return Message(
            "{method}, mean absolute error {error} {unit} on the last {days} days",
            method=Message(self.method), error=f"{self.error:.3g}", unit=unit, days=f"{self.error_days:g}",
        )  # fmt: skip


def keep_forecast(name: Signal, forecast: Forecast) -> None:
    """Store a forecast in the home folder, replacing the previous one."""
    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = {
        **forecast.__dict__,
        "issued": forecast.issued.isoformat(),
        "starts": forecast.starts.tolist(),
        "values": forecast.values.tolist(),
    }
    whole_file.write(path, json.dumps(fields))


def forecast_of(name: Signal) -> Forecast | None:
    """Load the forecast of a signal; None if there is none or it is unreadable."""
    try:
        fields = json.loads(_path(name).read_text(encoding="utf-8"))
        numbers = {key: np.array(fields[key], dtype=kind) for key, kind in (("starts", np.int64), ("values", float))}
        forecast = Forecast(**{**fields, **numbers, "issued": datetime.fromisoformat(fields["issued"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return forecast if forecast.method in METHODS and len(forecast.starts) == len(forecast.values) else None


def _path(name: Signal) -> Path:
    return home().absolute() / "signals" / name.source / name.quantity / "forecast" / f"{name.zone}.json"
