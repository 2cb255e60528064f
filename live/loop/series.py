"""Background updates of prices and intensities while the loop runs: signals are fetched and files read again."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import xarray as xr

from emberline.live.signals import SourceError, Span, drivers, fetch, forecast
from emberline.live.signals.forecasting import LONGEST_DAYS
from emberline.live.tags import Plant
from emberline.live.tags.loading import scenario_of
from emberline.scenarios import Case, ScenarioError
from emberline.scenarios.messages import Message
from emberline.scenarios.signals.catalogue import Signal, signal
from emberline.scenarios.signals.issues import newest_values


class SeriesWatch:
    """Background thread that periodically reads the scenario's series again."""

    def __init__(self, plant: Plant) -> None:
        """Start with the present series of the plant's scenario."""
        self._plant = plant
        self._inputs = plant.scenario.inputs
        self._news: dict[str, list[float]] = {}
        self._says: list[Message] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; a request in progress is completed."""
        self._over.set()

    def news(self) -> tuple[dict[str, list[float]], list[Message]]:
        """Return the series that have changed since the last call, and messages on failures."""
        with self._lock:
            news, text = self._news, self._says
            self._news, self._says = {}, []
        return news, text

    def _run(self) -> None:
        while not self._over.wait(self._plant.live.loop.series_every_min * 60):
            text = list(self._fetch())
            try:
                inputs = scenario_of(self._plant).inputs
            except (ScenarioError, OSError, ValueError) as error:
                text.append(Message("The series are not read again: {error}", error=str(error)[:200]))
                inputs = self._inputs
            with self._lock:
                self._news |= changes(self._inputs, inputs)
                self._says += text
            self._inputs = inputs

    def _fetch(self) -> Iterator[Message]:
        horizon = self._plant.scenario.horizon
        names = [signal(name) for name in sorted(set(_signals(self._plant.scenario.model_dump())))]
        ahead = [driver for name in names for driver in drivers(name) if driver not in names]
        for signal_name in (*dict.fromkeys(ahead), *names):
            try:
                fetch(signal_name, Span(max(horizon.start_utc, datetime.now(UTC)), horizon.end_utc))
            except (SourceError, OSError, ValueError) as error:
                yield Message("Signal {name}: {error}", name=str(signal_name), error=str(error)[:200])
        for name in names:
            try:
                continue_to(name, horizon.end_utc)
            except (ValueError, OSError) as error:
                yield Message("Signal {name}: {error}", name=str(name), error=str(error)[:200])


def continue_to(name: Signal, end: datetime) -> None:
    """Extend a signal by a forecast up to a time, at most by the longest forecast.

    Raises:
        ValueError: too few values for a forecast.
    """
    newest = newest_values(name)
    lacks_s = end.timestamp() - (int(newest.starts[-1]) + newest.seconds)
    if lacks_s > 0:
        forecast(name, min(math.ceil(lacks_s / 86_400), LONGEST_DAYS))


def changes(before: xr.Dataset, now: xr.Dataset) -> dict[str, list[float]]:
    """Series with changed values, as plain numbers."""
    news = {}
    for variable in now.data_vars:
        name, values = str(variable), now[variable].to_numpy()
        is_series = name in before and before[name].shape == values.shape and np.issubdtype(values.dtype, np.floating)
        if is_series and values.ndim == 1 and not np.array_equal(before[name].to_numpy(), values, equal_nan=True):
            news[name] = values.tolist()
    return news


def with_series(scenario: Case, news: Mapping[str, list[float]]) -> Case:
    """Return a scenario with new values of its series."""
    inputs = scenario.inputs.copy(deep=True)
    for name, values in news.items():
        inputs[name][:] = np.array(values)
    return scenario.with_inputs(inputs)


def _signals(data: Any) -> Iterator[str]:
    if isinstance(data, Mapping):
        for key, value in data.items():
            if key == "signal" and isinstance(value, str) and value.count("/") == 2:
                yield value
            yield from _signals(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _signals(value)
