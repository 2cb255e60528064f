"""The scenario of a stored run as a text of its own: whoever opens the run can plan the same again.

A run that the command line made may name files of the machine that it was made on. The text names none of them: every
series of a file becomes the values that were planned with, on the plan's steps, and factors stand with their rows.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from emberline.plans.store import snapshots
from emberline.scenarios import Scenario

SEVERAL = (
    ("deliveries", "demand_tph", "demand"),
    ("arrivals", "arrival_tph", "arrival"),
    ("assets", "asset_values", "series"),
    ("contracts", "contract_mw", "contract"),
)
"""Nouns whose series stand together in a variable of the inputs, under a label each."""


def keep(scenario: Scenario) -> str:
    """Keep a stored run's scenario as a snapshot; the id by which ``snapshots.find`` finds it.

    Raises:
        ScenarioError: it cannot be written as a text.
    """
    text, files = source(scenario)
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "files").mkdir()
        for path, content in files.items():
            (folder / path).write_text(content, encoding="utf-8")
        (folder / "scenario.yaml").write_text(text, encoding="utf-8")
        return snapshots.take(folder / "scenario.yaml")


def source(scenario: Scenario, *, inline: bool = False) -> tuple[str, dict[str, str]]:
    """The text, and the files that it names by their paths; none where series stand ``inline``, in the text."""
    data: dict[str, Any] = json.loads(scenario.model_dump_json(exclude_defaults=True))
    data.get("emissions", {}).pop("table", None)
    files = {}
    for name, place, series, _ in scenario.series():
        if series.csv is None and series.parquet is None and series.signal is None:
            continue
        values = _values(scenario, name, place)
        if inline:
            start = scenario.horizon.start_utc.isoformat()
            series_text = {"values": values.tolist(), "start": start, "interval_min": scenario.horizon.step_min}
            _set(data, place, series_text)
            continue
        content = _table(scenario, values)
        path = f"files/series-{hashlib.sha256(content.encode()).hexdigest()[:16]}.csv"
        files[path] = content
        _set(data, place, {"csv": path, "column": "value", "interval_min": scenario.horizon.step_min})
    return json.dumps(data, indent=1, ensure_ascii=False), files


def _values(scenario: Scenario, name: str, place: tuple[str | int, ...]) -> np.ndarray:
    """A series as it was planned with, in the unit that its field asks for; shape (n_steps,)."""
    for noun, variable, label in SEVERAL:
        if noun in place[:2]:
            return np.asarray(scenario.inputs[variable].sel({label: name}).to_numpy(), dtype=float)
    values = np.asarray(scenario.inputs[name].to_numpy(), dtype=float)
    pv = scenario.site.pv
    # of a PV plant the power is kept, the text says the share of its peak
    return values / pv.peak_mw if name == "pv_available_mw" and pv is not None and pv.peak_mw else values


def _table(scenario: Scenario, values: np.ndarray) -> str:
    """Values on the plan's steps as CSV."""
    times = [f"{stamp}Z" for stamp in np.datetime_as_string(scenario.horizon.times, unit="s")]
    return "time_utc,value\n" + "".join(f"{at},{value!r}\n" for at, value in zip(times, values.tolist(), strict=True))


def _set(data: dict[str, Any], place: tuple[str | int, ...], value: Any) -> None:
    inner: Any = data
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
