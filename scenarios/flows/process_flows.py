"""Flows of processes: the streams of each unit, labelled as in schedules and runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.metrics import FACTORS
from emberline.scenarios.process.recipe import Mode
from emberline.scenarios.process.record import Process


@dataclass(frozen=True)
class ProcessStream:
    """Flow between a unit and a store or carrier."""

    unit: str
    process: Process
    direction: str
    """``in`` or ``out``."""
    place: str
    """Name of the store or carrier."""
    material: bool
    """Whether the place is a store."""
    measure: str
    """Unit of measure of the rate per hour."""

    @property
    def label(self) -> str:
        """Label in the coordinate ``stream``."""
        return f"{self.unit}.{self.direction}.{self.place}"

    @property
    def sign(self) -> float:
        """1 for supply, −1 for consumption."""
        return 1.0 if self.direction == "out" else -1.0


def streams(scenario: Scenario) -> tuple[ProcessStream, ...]:
    """Return all flows of all units, in declared order; fuels are inputs."""
    all_streams = []
    for unit, process in scenario.process_units:
        for direction, places in directions(process).items():
            for place, material in places.items():
                measure = "t/h" if material else scenario.site.carrier[place].rate_unit
                all_streams.append(ProcessStream(unit, process, direction, place, material, measure))
    return tuple(all_streams)


def directions(process: Process) -> dict[str, dict[str, bool]]:
    """Find the stores and carriers that a process uses or supplies in any of its modes.

    Returns:
        Places by ``in`` and ``out``, each with whether it is a store.
    """
    sides: dict[str, dict[str, bool]] = {"in": {}, "out": {}}
    for mode in process.all_modes:
        for side, flows in (("in", mode.inputs), ("out", mode.outputs)):
            for stream in flows:
                sides[side].setdefault(stream.place, stream.store is not None)
        for fuel in mode.heat.fuels if mode.heat else ():
            sides["in"].setdefault(fuel.carrier, False)
    return sides


def per_t(mode: Mode, direction: str, place: str) -> float:
    """Return the amount that a mode exchanges with a place per tonne, excluding fuels, whose mix is variable."""
    flows = mode.inputs if direction == "in" else mode.outputs
    return sum(stream.per_t for stream in flows if stream.place == place)


def added_per_t(mode: Mode) -> dict[str, float]:
    """Return the contribution per tonne of a mode to each component of the metrics, except money."""
    added = {"scope1": sum(emission.kg_per_t for emission in mode.emissions if not emission.biogenic)}
    return added | {name: getattr(mode, row.per_t) for name, row in FACTORS.items()}


def emitted_kg(scenario: Scenario, flows: xr.Dataset) -> np.ndarray:
    """Compute the fossil process emissions in each step [kg CO2e], shape (n_steps,).

    Args:
        scenario: scenario with processes.
        flows: ``process_mode`` and ``process_tph`` of table ``FLOWS``.
    """
    kg = np.zeros(scenario.horizon.n_steps)
    modes, rates = flows["process_mode"].values, flows["process_tph"].to_numpy()
    for i, (_, process) in enumerate(scenario.process_units):
        for mode in process.all_modes:
            kg += added_per_t(mode)["scope1"] * np.where(modes[i] == mode.name, rates[i], 0.0) * scenario.horizon.step_h
    return kg


def coordinates(items: tuple[ProcessStream, ...]) -> dict[str, object]:
    """Return the coordinate ``stream`` and its associated coordinates."""
    return {
        "stream": np.array([stream.label for stream in items], dtype=np.str_),
        "stream_process": ("stream", np.array([stream.unit for stream in items], dtype=np.str_)),
        "stream_place": ("stream", np.array([stream.place for stream in items], dtype=np.str_)),
        "stream_unit": ("stream", np.array([stream.measure for stream in items], dtype=np.str_)),
    }
