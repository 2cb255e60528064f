"""Numerical tables of a line for twin and models: heats, stages, units and times."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from emberline.scenarios.case.case import Case
from emberline.scenarios.case.line import Lag
from emberline.scenarios.energy_states.record import EnergyStates

NEVER = math.inf


@dataclass(frozen=True)
class Profile:
    """Power of a unit by phase, relative to the mean power of the operation."""

    ends: np.ndarray
    """End of each phase as a share of the duration, ending with 1, shape (n_phases,)."""
    relative: np.ndarray
    """Ratio of the power of each phase to the mean power, shape (n_phases,)."""


@dataclass(frozen=True)
class LineShop:
    """Line of a scenario in numbers; heats, stages and units are indices in the scenario's order, times in minutes."""

    scenario: Case
    names: tuple[str, ...]
    """Name of each heat."""
    orders: tuple[str, ...]
    """Order of each heat."""
    mass_t: list[float]
    release: list[float]
    due: list[float]
    length: float
    """Length of the horizon."""
    units: tuple[str, ...]
    stages: tuple[str, ...]
    stage_of: list[int]
    """Stage of each unit."""
    duration: list[list[float]]
    """Nominal duration by heat and unit; NaN if the heat cannot run on the unit."""
    energy: list[list[float]]
    """Nominal electricity by heat and unit [MWh]."""
    lag: list[list[list[Lag]]]
    """Limits on the time from the end of an operation to the start of the heat's next operation, by heat, unit of the
    first and unit of the second operation."""
    quickest: list[list[float]]
    """Shortest transfer time by stage of departure and stage of arrival."""
    setup: list[float]
    """Set-up time of each unit."""
    slack: list[float]
    """Margin of the plan by which a heat is ready before the start of the next stage, by stage."""
    campaign: int
    """Stage whose heats follow each other without a gap; -1 if there is none."""
    reheating: int
    """Stage that compensates for heat losses during waits; -1 if there are no losses."""
    reheat_mwh_per_min: list[float]
    """Extra energy of each heat per minute of waiting [MWh/min]."""
    outages: list[list[tuple[float, float]]]
    """Outages of each unit."""
    started: dict[tuple[int, int], tuple[float, int]]
    """Start and unit of operations that have already begun, by heat and stage."""
    route: list[tuple[int, ...]]
    """Stages that each heat has begun or still has to pass through."""
    profiles: list[Profile] = field(repr=False)
    states: dict[int, EnergyStates] = field(default_factory=dict, repr=False)
    """Energy states of the units that have them, by unit."""

    @cached_property
    def index(self) -> dict[str, int]:
        """Index of each heat by name."""
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def labels(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Names of heats, stages and units as arrays."""
        heats, stages, units = (np.array(names, dtype=np.str_) for names in (self.names, self.stages, self.units))
        return heats, stages, units

    @cached_property
    def unit_index(self) -> dict[str, int]:
        """Index of each unit by name."""
        return {name: i for i, name in enumerate(self.units)}

    @cached_property
    def units_of(self) -> list[list[int]]:
        """Units of each stage."""
        return [[u for u, k in enumerate(self.stage_of) if k == stage] for stage in range(len(self.stages))]

    @cached_property
    def locks(self) -> dict[tuple[int, int], tuple[int | None, float, float]]:
        """Locked unit, earliest start and latest start, by heat and stage."""
        return {
            (self.index[heat], self.stages.index(stage)): (
                None if window.unit is None else self.unit_index[window.unit],
                window.earliest_min,
                window.latest_min,
            )
            for (heat, stage), window in self.scenario.lock_windows.items()
        }

    def setup_between(self, unit: int, before: int, after: int) -> float:
        """Return the time from the end of a heat on a unit to the start of the next [min]; negative: they overlap."""
        line, heats = self.scenario.line, self.scenario.heats
        if not line.changeovers:
            return self.setup[unit]
        return line.setup_min(self.units[unit], heats[before].grade.name, heats[after].grade.name)

    def able(self, heat: int, stage: int) -> list[int]:
        """Return the units of a stage that can process a heat."""
        return [u for u in self.units_of[stage] if not math.isnan(self.duration[heat][u])]


def shop(scenario: Case) -> LineShop:
    """Build the tables of the line of a scenario."""
    line, heats = scenario.line, scenario.heats
    minutes = scenario.horizon.minutes
    units = line.units
    stages = [stage.name for stage in line.stages]
    unit_index = {unit.name: u for u, unit in enumerate(units)}
    index = {heat.name: i for i, heat in enumerate(heats)}
    durations, energies, routes, lags = {}, {}, {}, {}
    for grade in line.grades:
        minutes_by_unit = [line.duration_min(grade, unit.name) for unit in units]
        durations[grade.name] = [math.nan if d is None else d for d in minutes_by_unit]
        energies[grade.name] = [
            math.nan if d is None else line.energy_mwh(grade, unit.name)
            for d, unit in zip(minutes_by_unit, units, strict=True)
        ]
        lags[grade.name] = [[line.lag(grade, a.name, b.name) for b in units] for a in units]
        routes[grade.name] = tuple(stages.index(stage.name) for stage in line.route(grade))
    started = {
        (index[item.heat], stages.index(item.stage)): (minutes(item.start), unit_index[item.unit])
        for item in scenario.state.started
    }
    reached = dict.fromkeys(range(len(heats)), -1)
    for heat, stage in started:
        reached[heat] = max(reached[heat], stage)
    loss = line.heat_loss
    casting = line.campaign_stage
    return LineShop(
        scenario=scenario,
        names=tuple(heat.name for heat in heats),
        orders=tuple(heat.order for heat in heats),
        mass_t=[heat.grade.mass_t for heat in heats],
        release=[heat.release_min for heat in heats],
        due=[heat.due_min for heat in heats],
        length=scenario.horizon.length_min,
        units=tuple(unit.name for unit in units),
        stages=tuple(stages),
        stage_of=[stages.index(line.stage_of[unit.name].name) for unit in units],
        duration=[durations[heat.grade.name] for heat in heats],
        energy=[energies[heat.grade.name] for heat in heats],
        lag=[lags[heat.grade.name] for heat in heats],
        quickest=[[line.quickest_min(a, b) for b in stages] for a in stages],
        setup=[unit.setup_min for unit in units],
        slack=[scenario.disturbances.slack_min(stage) for stage in stages],
        campaign=-1 if casting is None else stages.index(casting.name),
        reheating=-1 if loss is None else stages.index(loss.reheating_stage),
        reheat_mwh_per_min=[line.reheat_mwh_per_min(heat.grade) for heat in heats],
        outages=[list(scenario.outages.get(unit.name, ())) for unit in units],
        started=started,
        # stages before the last one begun are finished unless listed as started
        route=[
            tuple(k for k in routes[heat.grade.name] if k >= reached[h] or (h, k) in started)
            for h, heat in enumerate(heats)
        ],
        profiles=[_profile(unit.profile) for unit in units],
        states={u: unit.states for u, unit in enumerate(units) if unit.states is not None},
    )


def with_margins(table: LineShop) -> LineShop:
    """Return the line with margins of the plan: longer transfers, shorter waits and earlier due times."""
    disturbances = table.scenario.disturbances
    margins = [(table.slack[k], disturbances.wait_min(table.stages[k])) for k in table.stage_of]
    """Margins of slack and wait by unit of departure."""
    by_grade = {
        id(rows): [
            [Lag(lag.least + slack, lag.most - wait) for lag in row]
            for row, (slack, wait) in zip(rows, margins, strict=True)
        ]
        for rows in table.lag
    }
    return replace(
        table,
        lag=[by_grade[id(rows)] for rows in table.lag],
        due=[due - disturbances.due_margin_min for due in table.due],
    )


def nominal(table: LineShop) -> LineShop:
    """Return the line without slack, as used when a schedule is followed."""
    return replace(table, slack=[0.0] * len(table.slack))


def _profile(phases: tuple) -> Profile:
    shares = np.array([phase.share for phase in phases])
    power = np.array([phase.power_mw for phase in phases])
    ends = np.cumsum(shares)
    ends[-1] = 1.0
    mean = float(shares @ power)
    return Profile(ends, power / mean if mean > 0 else np.ones(len(shares)))
