"""A scenario's line as tables of numbers: what twin and models read of heats, stages, units and times."""

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
    """Power of a unit by phase, in units of its mean over the operation, shares ending after ``ends``."""

    ends: np.ndarray
    """End of each phase as a share of the duration, the last one 1, shape (n_phases,)."""
    relative: np.ndarray
    """Power of each phase by the mean power, shape (n_phases,)."""


@dataclass(frozen=True)
class LineShop:
    """A scenario's line in numbers: heats, stages and units are indices in the scenario's order; times in minutes."""

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
    """Nominal duration by heat and unit; nan where the heat cannot run there."""
    energy: list[list[float]]
    """Nominal electricity by heat and unit [MWh]."""
    lag: list[list[list[Lag]]]
    """Limits on the time from the end of an operation to the start of the next one of its heat, by heat, the unit that
    is left and the unit that is reached."""
    quickest: list[list[float]]
    """Quickest transfer by the stage that is left and the stage that is reached."""
    setup: list[float]
    """Set-up of each unit."""
    slack: list[float]
    """Time, by the plan's margins, by which a heat is ready before the stage after each one takes it."""
    campaign: int
    """The stage whose heats follow each other without a gap; -1 where there is none."""
    reheating: int
    """The stage that makes good what a heat lost while waiting; -1 where nothing is lost."""
    reheat_mwh_per_min: list[float]
    """Energy that a minute of waiting costs each heat."""
    outages: list[list[tuple[float, float]]]
    """Outages of each unit."""
    started: dict[tuple[int, int], tuple[float, int]]
    """Start and unit of operations that have begun already, by heat and stage."""
    route: list[tuple[int, ...]]
    """Stages that each heat still has to run through or has begun."""
    profiles: list[Profile] = field(repr=False)
    states: dict[int, EnergyStates] = field(default_factory=dict, repr=False)
    """Of the units that draw something when they do not work."""

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
        """Unit, earliest and latest start that the planner has locked, by heat and stage."""
        return {
            (self.index[heat], self.stages.index(stage)): (
                None if window.unit is None else self.unit_index[window.unit],
                window.earliest_min,
                window.latest_min,
            )
            for (heat, stage), window in self.scenario.lock_windows.items()
        }

    def setup_between(self, unit: int, before: int, after: int) -> float:
        """From the end of a heat on a unit to the start of the next one [min], below 0 where they overlap."""
        line, heats = self.scenario.line, self.scenario.heats
        if not line.changeovers:
            return self.setup[unit]
        return line.setup_min(self.units[unit], heats[before].grade.name, heats[after].grade.name)

    def able(self, heat: int, stage: int) -> list[int]:
        """Units of a stage that can take a heat."""
        return [u for u in self.units_of[stage] if not math.isnan(self.duration[heat][u])]


def shop(scenario: Case) -> LineShop:
    """The tables of a scenario's line."""
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
        # a stage before one that has begun and of which nothing is said is over
        route=[
            tuple(k for k in routes[heat.grade.name] if k >= reached[h] or (h, k) in started)
            for h, heat in enumerate(heats)
        ],
        profiles=[_profile(unit.profile) for unit in units],
        states={u: unit.states for u, unit in enumerate(units) if unit.states is not None},
    )


def with_margins(table: LineShop) -> LineShop:
    """The line as a plan with margins sees it: longer transfers, shorter waits, sooner due times."""
    disturbances = table.scenario.disturbances
    margins = [(table.slack[k], disturbances.wait_min(table.stages[k])) for k in table.stage_of]
    """Of each unit that is left."""
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
    """The line without margins, as one who follows a list has it."""
    return replace(table, slack=[0.0] * len(table.slack))


def _profile(phases: tuple) -> Profile:
    shares = np.array([phase.share for phase in phases])
    power = np.array([phase.power_mw for phase in phases])
    ends = np.cumsum(shares)
    ends[-1] = 1.0
    mean = float(shares @ power)
    return Profile(ends, power / mean if mean > 0 else np.ones(len(shares)))
