"""Emissions: scope 1 of line and processes by treated tonnes, scopes 1 and 2 of assets and grid by step.

The module also computes ledgers of other metrics that are counted by factors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from emberline.scenarios import Case, Scenario
from emberline.scenarios.case.scenario import mode_name
from emberline.scenarios.flows.asset_flows import Account, accounts, label
from emberline.scenarios.goal_metrics import in_use
from emberline.scenarios.metrics import FACTORS
from emberline.scenarios.process.recipe import Mode
from emberline.scenarios.process.record import Process
from emberline.scenarios.records.emissions import Emission
from emberline.scenarios.records.goal import Signal

__all__ = ["entries"]


@dataclass(frozen=True)
class UnitEmission:
    """Emissions of a unit of a process from one source."""

    unit: str
    source: str
    biogenic: bool
    kg: np.ndarray
    """Emissions by step, shape (n_steps,)."""


@dataclass(frozen=True)
class StageEmission:
    """Emissions of the operations at a stage, spread evenly over their duration."""

    kg_per_t: tuple[float, ...]
    """Emission factor of each fossil source."""
    mass_t: np.ndarray
    """Mass of each operation, shape (n,)."""
    start_min: np.ndarray
    end_min: np.ndarray

    def over_at(self, grid: np.ndarray) -> np.ndarray:
        """Share of each operation completed at given times [min], shape (n, n_moments)."""
        starts, ends = self.start_min[:, None], self.end_min[:, None]
        shares = np.clip(grid, starts, ends) - starts
        return np.divide(shares, ends - starts, out=np.zeros_like(shares), where=ends > starts)


@dataclass(frozen=True)
class Direct:
    """Scope 1 of line and processes over a horizon [kg CO2e]: by source, by heat, by unit and by step."""

    fossil: dict[str, float]
    biogenic: dict[str, float]
    of_heat: np.ndarray
    of_stages: tuple[StageEmission, ...]
    edges: np.ndarray
    """Edges of the steps [min], shape (n_steps + 1,)."""
    treated_t: dict[str, float]
    """Tonnes treated by stage, or by process and mode, including off-spec product."""
    of_units: tuple[UnitEmission, ...] = ()
    """Emissions of each unit of the processes, by source."""

    @property
    def total_kg(self) -> float:
        """Fossil emissions."""
        return sum(self.fossil.values())

    @cached_property
    def of_step(self) -> np.ndarray:
        """Emissions by step, shape (n_steps,)."""
        kg = np.zeros(len(self.edges) - 1)
        for stage in self.of_stages:
            tonnes = np.diff(stage.mass_t @ stage.over_at(self.edges))
            for kg_per_t in stage.kg_per_t:
                kg += kg_per_t * tonnes
        for unit in self.of_units:
            if not unit.biogenic:
                kg += unit.kg
        return kg


def operations(data: xr.Dataset, stage: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Heat, start and end [min] of each operation of a run or a schedule at a stage."""
    if "op_heat" in data:
        here = data["op_stage"].values == stage
        heats, starts, ends = (data[name].values[here] for name in ("op_heat", "op_start_min", "op_end_min"))
        return heats.tolist(), starts, ends
    column = data["stage"].values.tolist().index(stage)
    starts, ends = data["start_min"].values[:, column], data["end_min"].values[:, column]
    here = ~np.isnan(starts)  # missing if the route skips the stage
    return data["heat"].values[here].tolist(), starts[here], ends[here]


def direct(scenario: Scenario, data: xr.Dataset) -> Direct:
    """Compute scope 1 of line and processes in a run or a schedule.

    Each operation's emissions are spread evenly over its duration; the part outside the horizon belongs to another
    plan. A unit of a process emits in each step according to its rate and its mode at the beginning of the step.
    """
    index = {heat.name: i for i, heat in enumerate(scenario.heats)}
    mass = [heat.grade.mass_t for heat in scenario.heats]
    stages: dict[str, tuple[Emission, ...]] = dict(scenario.emitters)
    of_heat, of_stages = np.zeros(len(mass)), []
    fossil = {e.source: 0.0 for emissions in stages.values() for e in emissions if not e.biogenic}
    biogenic = {e.source: 0.0 for emissions in stages.values() for e in emissions if e.biogenic}
    treated_t = {name: 0.0 for name, emissions in stages.items() if emissions}
    edges = np.arange(scenario.horizon.n_steps + 1) * scenario.horizon.step_min
    for stage in [stage for stage in scenario.line.stages if stages.get(stage.name)]:
        names, starts, ends = operations(data, stage.name)
        heats = np.array([index[name] for name in names], dtype=int)
        fossil_kg = tuple(emission.kg_per_t for emission in stages[stage.name] if not emission.biogenic)
        emitted = StageEmission(fossil_kg, np.array(mass)[heats], starts, ends)
        shares = emitted.over_at(edges[[0, -1]])
        tonnes = emitted.mass_t * (shares[:, 1] - shares[:, 0])
        of_stages.append(emitted)
        treated_t[stage.name] += float(tonnes.sum())
        for emission in stages[stage.name]:
            kg = emission.kg_per_t * float(tonnes.sum())
            if emission.biogenic:
                biogenic[emission.source] += kg
                continue
            fossil[emission.source] += kg
            np.add.at(of_heat, heats, emission.kg_per_t * tonnes)
    of_units = []
    for unit, process in scenario.process_units:
        for name, mode, tonnes in treated(scenario, unit, process, data):
            if mode.emissions:
                treated_t[name] += float(tonnes.sum())
            for emission in mode.emissions:
                by_step = emission.kg_per_t * tonnes
                of_units.append(UnitEmission(unit, emission.source, emission.biogenic, by_step))
                (biogenic if emission.biogenic else fossil)[emission.source] += float(by_step.sum())
    return Direct(fossil, biogenic, of_heat, tuple(of_stages), edges, treated_t, tuple(of_units))


def told_modes(modes: np.ndarray) -> np.ndarray:
    """Mode to which each step of a unit belongs, shape (n_steps,); empty only if no mode is reported at all.

    Args:
        modes: mode of the unit at the beginning of each step, empty when it is idle. Production later in an idle step
            belongs to the next mode, or to the last one at the end.
    """
    at = np.flatnonzero(modes != "")
    if not len(at):
        return modes
    return np.asarray(modes[at[np.minimum(np.searchsorted(at, np.arange(len(modes))), len(at) - 1)]])


def treated(
    scenario: Scenario, unit: str, process: Process, data: xr.Dataset
) -> Iterator[tuple[str, Mode, np.ndarray]]:
    """Yield name, mode and tonnes by step of each mode of a unit."""
    tonnes = data["process_tph"].sel(process=unit).to_numpy() * scenario.horizon.step_h
    modes = told_modes(data["process_mode"].sel(process=unit).to_numpy())
    for mode in process.all_modes:
        mine = (modes == mode.name) if len(process.all_modes) > 1 else np.ones(len(modes), bool)
        yield mode_name(process, mode), mode, np.where(mine, tonnes, 0.0)


SIGNALS: tuple[str, ...] = tuple(Signal)


MARKET = "market"


INTENSITY: dict[str, str] = {signal: signal.series for signal in Signal}


@dataclass(frozen=True)
class SiteEmissions:
    """Emissions of assets and grid, from their accounts [kg CO2e]."""

    accounts: tuple[Account, ...]
    grid: dict[str, np.ndarray]
    """Emissions by signal and step."""

    @property
    def direct_kg(self) -> float:
        """Fossil scope 1 of assets."""
        return float(sum(account.scope1_kg.sum() for account in self.accounts))

    @property
    def bought_kg(self) -> float:
        """Scope 2 of purchased heat and steam."""
        return float(sum(account.scope2_kg.sum() for account in self.accounts))


def site_emissions(scenario: Case, flows: xr.Dataset) -> SiteEmissions:
    """Compute the emissions of assets and grid in a run or a schedule."""
    imported = flows["import_mw"].to_numpy() * scenario.horizon.step_h
    grid = {
        signal: imported * scenario.inputs.variables[INTENSITY[signal]].values
        for signal in SIGNALS
        if INTENSITY[signal] in scenario.inputs
    }
    return SiteEmissions(tuple(accounts(scenario, flows)), grid)


@dataclass(frozen=True)
class Entry:
    """Row of a metric's ledger: activity times factor is the amount."""

    source: str
    """Asset, or process and mode."""
    activity: float
    unit: str
    factor: float
    by_step: np.ndarray
    """Amount by step, shape (n_steps,)."""

    @property
    def amount(self) -> float:
        """Sum over the horizon."""
        return float(self.by_step.sum())


def entries(scenario: Case, run: xr.Dataset, name: str) -> Iterator[Entry]:
    """Yield the ledger entries of a metric.

    Args:
        scenario: case with its factors.
        run: dataset of table ``RUN`` or ``SCHEDULE``.
        name: name of a metric of ``FACTORS``.
    """
    row = FACTORS[name]
    assets = {asset.name: asset for asset in scenario.site.assets}
    cores = {record.name: record for record in scenario.site.equipment}
    for account in accounts(scenario, run):
        if name in account.factors:
            asset, by_step = assets[account.asset], account.factors[name]
            factor, place = getattr(asset, row.per_unit), label(asset.name, cores[asset.name].counted)
            carrier = scenario.site.carrier[str(run["flow_carrier"].sel(flow=place).item())]
            yield Entry(asset.name, float(by_step.sum()) / factor, carrier.unit, factor, by_step)
    for unit, process in scenario.process_units:
        for source, mode, tonnes in treated(scenario, unit, process, run):
            factor = getattr(mode, row.per_t)
            if factor:
                yield Entry(f"{unit}: {source}", float(tonnes.sum()), "t", factor, factor * tonnes)


def by_step(scenario: Case, run: xr.Dataset, name: str) -> np.ndarray:
    """Value of a metric of ``FACTORS`` in each step, shape (n_steps,)."""
    return np.sum([np.zeros(scenario.horizon.n_steps), *(e.by_step for e in entries(scenario, run, name))], axis=0)


def totals(scenario: Case, run: xr.Dataset) -> dict[str, float]:
    """Totals of the metrics used by the scenario, by field of the figures."""
    used = [name for name in in_use(scenario) if name in FACTORS]
    return {FACTORS[name].figure: float(by_step(scenario, run, name).sum()) for name in used}
