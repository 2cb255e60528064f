"""The carbon ledger: kilograms by scope, source, hour and heat, computed from a run's flows.

Scope 2 counts what is imported, location-based, by the average and, where the market gives it, by the marginal
intensity of the grid; the two stand beside each other and are never mixed. Exports earn no credit.

Allocation to heats: the emissions of a step are shared between the line and the rest of the site (base load, battery
losses) in proportion to the energy drawn in the step. The line's part goes to the heats by the energy that each draws
in the step, the rest to the heats by their mass. Direct emissions belong to the heat that causes them. The parts add
up to the total.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from scenarios import Scenario

SIGNALS = ("average", "marginal")
INTENSITY = {"average": "carbon_intensity_kg_per_mwh", "marginal": "marginal_carbon_intensity_kg_per_mwh"}


@dataclass(frozen=True)
class Ledger:
    """Emissions of a run [kg CO2e]. ``marginal`` is missing where the market gives no marginal intensity."""

    direct: dict[str, float]
    """Scope 1 by source, fossil."""
    biogenic: dict[str, float]
    """Biogenic emissions by source, outside the totals."""
    grid: dict[str, float]
    """Scope 2, location-based, by signal."""
    by_step: xr.Dataset
    """Scope 2 by signal and scope 1, dimension ``time`` [kg]."""
    by_heat: xr.Dataset
    """``direct_kg``, ``grid_average_kg``, ``grid_marginal_kg`` and ``mass_t``, dimension ``heat``."""

    @property
    def direct_kg(self) -> float:
        """Scope 1, fossil."""
        return sum(self.direct.values())

    def total_kg(self, signal: str) -> float | None:
        """Scope 1 and 2 by one signal; None where the signal is not given."""
        return self.direct_kg + self.grid[signal] if signal in self.grid else None

    def kg_per_t(self, signal: str) -> xr.DataArray:
        """Scope 1 and 2 of each heat per tonne [kg/t], dimension ``heat``."""
        heat = self.by_heat
        return (heat["direct_kg"] + heat[f"grid_{signal}_kg"]) / heat["mass_t"]


def operations(data: xr.Dataset) -> Iterator[tuple[str, str, float, float]]:
    """Heat, stage, start and end [min] of each operation of a run or a schedule."""
    if "op_heat" in data:
        names = ("op_heat", "op_stage", "op_start_min", "op_end_min")
        yield from zip(*(data[name].values.tolist() for name in names), strict=True)
        return
    for heat, starts, ends in zip(
        data["heat"].values.tolist(), data["start_min"].values.tolist(), data["end_min"].values.tolist(), strict=True
    ):
        for stage, start, end in zip(data["stage"].values.tolist(), starts, ends, strict=True):
            if start == start:  # missing where the route skips the stage
                yield heat, stage, start, end


@dataclass(frozen=True)
class Direct:
    """Scope 1 of a horizon [kg CO2e]: by source, by heat and by step."""

    fossil: dict[str, float]
    biogenic: dict[str, float]
    of_heat: np.ndarray
    of_step: np.ndarray

    @property
    def total_kg(self) -> float:
        """Fossil emissions."""
        return sum(self.fossil.values())


def direct(scenario: Scenario, data: xr.Dataset) -> Direct:
    """Scope 1 of a run or a schedule: each operation's emissions spread evenly over its time.

    What lies outside the horizon belongs to another plan.
    """
    index = {heat.name: i for i, heat in enumerate(scenario.heats)}
    mass = [heat.grade.mass_t for heat in scenario.heats]
    stages = {stage.name: stage.emissions for stage in scenario.line.stages}
    step, n = scenario.horizon.step_min, scenario.horizon.n_steps
    of_heat, of_step = np.zeros(len(mass)), np.zeros(n)
    fossil = {e.source: 0.0 for emissions in stages.values() for e in emissions if not e.biogenic}
    biogenic = {e.source: 0.0 for emissions in stages.values() for e in emissions if e.biogenic}
    for name, stage, start, end in operations(data):
        if not stages[stage]:
            continue
        i = index[name]
        first = max(int(start // step), 0)
        last = max(min(int(-(-end // step)), n), first)
        edges = np.clip(np.arange(first, last + 1) * step, start, end)
        share = np.diff(edges) / (end - start) if end > start else np.zeros(last - first)
        for emission in stages[stage]:
            kg = emission.kg_per_t * mass[i] * share
            if emission.biogenic:
                biogenic[emission.source] += float(kg.sum())
                continue
            fossil[emission.source] += float(kg.sum())
            of_heat[i] += kg.sum()
            of_step[first:last] += kg
    return Direct(fossil, biogenic, of_heat, of_step)


def ledger(scenario: Scenario, run: xr.Dataset) -> Ledger:
    """The ledger of a run (a dataset of table ``RUN`` with ``heat_mwh``)."""
    hours, horizon = scenario.horizon.step_h, scenario.horizon
    heats = scenario.heats
    mass = np.array([heat.grade.mass_t for heat in heats])
    own = direct(scenario, run)

    imported = run["import_mw"].to_numpy() * hours
    line = run["line_mw"].to_numpy() * hours
    heat_mwh = run["heat_mwh"].to_numpy()
    charge, discharge = run["charge_mw"].to_numpy(), run["discharge_mw"].to_numpy()
    rest = (run["base_load_mw"].to_numpy() + np.maximum(charge - discharge, 0.0)) * hours
    drawn = line + rest
    of_line = np.divide(line, drawn, out=np.zeros_like(line), where=drawn > 0)
    of_heat = np.divide(heat_mwh, line, out=np.zeros_like(heat_mwh), where=line > 0)

    grid: dict[str, float] = {}
    by_step: dict[str, tuple[str, np.ndarray]] = {"direct_kg": ("time", own.of_step)}
    by_heat = {"direct_kg": ("heat", own.of_heat), "mass_t": ("heat", mass)}
    for signal in SIGNALS:
        if INTENSITY[signal] not in scenario.inputs:
            continue
        kg = imported * scenario.inputs[INTENSITY[signal]].to_numpy()
        grid[signal] = float(kg.sum())
        by_step[f"grid_{signal}_kg"] = ("time", kg)
        heats_part = of_heat @ (kg * of_line)
        by_heat[f"grid_{signal}_kg"] = ("heat", heats_part + (kg.sum() - heats_part.sum()) * mass / mass.sum())
    return Ledger(
        direct=own.fossil,
        biogenic=own.biogenic,
        grid=grid,
        by_step=xr.Dataset(by_step, coords={"time": horizon.times}),
        by_heat=xr.Dataset(by_heat, coords={"heat": [heat.name for heat in heats]}),
    )
