"""A loop that is driven by a simulated plant within a test, without servers or waiting."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import xarray as xr

from emberline.live.loop import Service
from emberline.live.simulation import SimulatedPlant, values
from emberline.live.simulation.live_file import text
from emberline.live.tags import Plant, Reading, load
from emberline.scenarios import Case
from emberline.scenarios import load as load_scenario
from emberline.studies.rolling import How, Step


def small(folder: Path, *, replication: int = 1, longest_age_s: float = 240) -> tuple[Plant, SimulatedPlant]:
    """The small melt shop as a simulated plant with its file ``live.yaml``."""
    twin = SimulatedPlant(load_scenario("melt-shop-small"), replication=replication)
    start = twin.scenario.horizon.start_utc
    file = folder / "live.yaml"
    file.write_text(text(twin, "melt-shop-small", "opc.tcp://x", (start, start, 1.0), longest_age_s))
    return load(file), twin


def later_by_a_step(
    scenario: Case, how: How, schedule: xr.Dataset, expected: xr.Dataset, baseline: xr.Dataset, now_min: float
) -> tuple[Step, xr.Dataset]:
    """A planner that searches nothing: what begins after the frozen time does so 15 min later."""
    moved = schedule.copy(deep=True)
    begin = now_min + how.frozen_min
    movable = moved["start_min"].to_numpy() > begin
    for name in ("start_min", "end_min"):
        moved[name] = moved[name] + np.where(movable, 15.0, 0.0)
    step = Step(now_min, begin, begin + how.look_ahead_min, "best found", None, True, 1.0, 1.0, int(movable.sum()), 0.1)
    return step, moved


def readings(plant: Plant, twin: SimulatedPlant, at_min: float) -> dict[str, Reading | str]:
    """What all tags show at a moment."""
    tags = values(twin, at_min)
    at = twin.scenario.horizon.start_utc + timedelta(minutes=at_min)
    return {tag.name: Reading(tags[tag.address][0], at) for tag in plant.live.tags}


def drive(service: Service, twin: SimulatedPlant, begin_min: float, end_min: float, every_min: float = 3.0) -> None:
    """Cycles from one moment to another."""
    start = twin.scenario.horizon.start_utc
    for at_min in np.arange(begin_min, end_min, every_min).tolist():
        service.take(readings(service.plant, twin, at_min), start + timedelta(minutes=at_min))
