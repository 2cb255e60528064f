"""Scope 1 of the line: what its stages emit by the tonnes that they treat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from scenarios import Scenario
from scenarios.line import Emission


@dataclass(frozen=True)
class Direct:
    """Scope 1 of the line over a horizon [kg CO2e]: by source, by heat and by step."""

    fossil: dict[str, float]
    biogenic: dict[str, float]
    of_heat: np.ndarray
    of_step: np.ndarray
    treated_t: dict[str, float]
    """Tonnes treated by stage."""

    @property
    def total_kg(self) -> float:
        """Fossil emissions."""
        return sum(self.fossil.values())


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


def direct(scenario: Scenario, data: xr.Dataset) -> Direct:
    """Scope 1 of the line in a run or a schedule: each operation's emissions spread evenly over its time.

    What lies outside the horizon belongs to another plan.
    """
    index = {heat.name: i for i, heat in enumerate(scenario.heats)}
    mass = [heat.grade.mass_t for heat in scenario.heats]
    stages: dict[str, tuple[Emission, ...]] = {stage.name: stage.emissions for stage in scenario.line.stages}
    step, n = scenario.horizon.step_min, scenario.horizon.n_steps
    of_heat, of_step = np.zeros(len(mass)), np.zeros(n)
    fossil = {e.source: 0.0 for emissions in stages.values() for e in emissions if not e.biogenic}
    biogenic = {e.source: 0.0 for emissions in stages.values() for e in emissions if e.biogenic}
    treated = {name: 0.0 for name, emissions in stages.items() if emissions}
    for name, stage, start, end in operations(data):
        if not stages[stage]:
            continue
        i = index[name]
        first = max(int(start // step), 0)
        last = max(min(int(-(-end // step)), n), first)
        edges = np.clip(np.arange(first, last + 1) * step, start, end)
        share = np.diff(edges) / (end - start) if end > start else np.zeros(last - first)
        treated[stage] += mass[i] * float(share.sum())
        for emission in stages[stage]:
            kg = emission.kg_per_t * mass[i] * share
            if emission.biogenic:
                biogenic[emission.source] += float(kg.sum())
                continue
            fossil[emission.source] += float(kg.sum())
            of_heat[i] += kg.sum()
            of_step[first:last] += kg
    return Direct(fossil, biogenic, of_heat, of_step, treated)
