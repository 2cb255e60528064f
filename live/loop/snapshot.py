"""State of the loop in a file for the page *Shift*, which is replaced atomically with every cycle."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xarray as xr

from emberline.live.loop.loop import Loop, Outcome
from emberline.planning.accounts import sums
from emberline.reports.text.activities import of_units
from emberline.scenarios import Scenario
from emberline.scenarios.home import home
from emberline.scenarios.messages import dumps

FILE = "now.json"
MAX_EVENTS = 30


def write(folder: Path, snapshot: Mapping[str, Any]) -> None:
    """Replace the file."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{FILE}.{os.getpid()}"
    partial.write_text(json.dumps(snapshot, ensure_ascii=False), encoding="utf-8")
    partial.replace(folder / FILE)


def current() -> list[dict[str, Any]]:
    """Newest snapshot of each plant in the home folder, most recent first."""
    paths = sorted((home().absolute() / "live").glob(f"*/{FILE}"), key=lambda path: -path.stat().st_mtime)
    snapshots = []
    for path in paths:
        try:
            snapshots.append(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, json.JSONDecodeError):
            continue
    return snapshots


def snapshot(loop: Loop, outcome: Outcome, events: list[dict[str, str]]) -> dict[str, Any]:
    """Content of the page *Shift*."""
    scenario, state = loop.scenario, outcome.state
    horizon, grid = scenario.horizon, scenario.site.grid
    now_min = horizon.minutes(state.at)
    meter_mw, planned_mw = (run["meter_mw"].to_numpy().tolist() for run in (outcome.expected, loop.intended))
    m = min(max(int(now_min // grid.metered_interval_min), 0), len(meter_mw) - 1)
    expected_mw, share = meter_mw[m], now_min / grid.metered_interval_min - m
    forecast = expected_mw
    if state.mean_so_far_mw is not None:
        forecast = state.mean_so_far_mw * share + expected_mw * (1 - share)
    extra, site = None, loop.plant.tag(power_of="site")
    site_value = next((value for value in state.tags if site is not None and value.tag == site.name), None)
    if outcome.late:
        extra = sums.figures(scenario, outcome.expected).cost - sums.figures(scenario, loop.intended).cost
    return {
        "plant": loop.plant.name,
        "title": scenario.title or scenario.name,
        "zone": horizon.zone,
        "currency": scenario.market.currency,
        "written": datetime.now(UTC).isoformat(),
        "read_every_s": loop.plant.live.loop.read_every_s,
        "at": state.at.isoformat(),
        "speed": 1.0 if loop.plant.live.clock is None else loop.plant.live.clock.speed,
        "start": horizon.start_utc.isoformat(),
        "plan": loop.plan_id,
        "tags": [{**asdict(value), "quality": value.quality.value, "says": dumps(value.says)} for value in state.tags],
        "heats": [asdict(heat) for heat in state.heats],
        "down": list(state.down),
        "levels": {name: list(pair) for name, pair in state.levels.items()},
        "power": {
            "now_mw": state.site_mw,
            "age_s": None if site_value is None else site_value.age_s,
            "predicted": site_value is not None and site_value.predicted,
            "mean_mw": state.mean_so_far_mw,
            "forecast_mw": forecast,
            "plan_mw": planned_mw[m],
            "limit_mw": grid.import_limit_mw or None,
            "peak_mw": state.peak_mw,
            "interval_min": grid.metered_interval_min,
            "ends": horizon.instant((m + 1) * grid.metered_interval_min).isoformat(),
            "around": [
                {
                    "start": horizon.instant(k * grid.metered_interval_min).isoformat(),
                    "plan_mw": planned_mw[k],
                    "expected_mw": meter_mw[k] if k >= m else None,
                    "measured_mw": loop.estimator.meter.means.get(k),
                }
                for k in range(max(m - 8, 0), min(m + 17, len(meter_mw)))
            ],
        },
        "price": state.price,
        "operations": _operations(scenario, outcome.expected, loop.intended, now_min),
        "late": dict(outcome.late),
        "late_cost": extra,
        "events": [{**event, "says": dumps(event["says"])} for event in events[-MAX_EVENTS:]],
    }


def _operations(scenario: Scenario, expected: xr.Dataset, intended: xr.Dataset, now_min: float) -> list[dict[str, Any]]:
    """Planned, actual and expected operations of heats and runs of processes."""
    instant = scenario.horizon.instant
    rows = []
    for whose, run in (("plan", intended), ("expected", expected)):
        for work in of_units(scenario, run):
            kind = whose if whose == "plan" or work.start_min > now_min else "actual"
            rows.append(
                {
                    "whose": kind, "heat": work.name, "order": work.group, "stage": work.what, "unit": work.unit,
                    "start": instant(work.start_min).isoformat(), "end": instant(work.end_min).isoformat(),
                }
            )  # fmt: skip
    return rows
