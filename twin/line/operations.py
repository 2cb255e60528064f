"""The line as tables that the engine reads, and the operations that a schedule asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import xarray as xr

from emberline.scenarios import Scenario
from emberline.scenarios.energy_states import EnergyStates
from emberline.scenarios.line.planning_durations import planned_min
from emberline.twin.power import Profile

NEVER = math.inf
HELD_SHARE = 0.75
"""Share of the longest wait for which a heat that is held back is meant to wait: the next stage may be later still."""


@dataclass(frozen=True)
class LineShop:
    """A scenario's line in numbers: heats, stages and units are indices in the scenario's order; times in minutes."""

    scenario: Scenario
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
    transfer: list[list[float]]
    """Transfer time by the unit that is left and the unit that is reached."""
    quickest: list[list[float]]
    """Quickest transfer by the stage that is left and the stage that is reached."""
    setup: list[float]
    """Set-up of each unit."""
    longest_wait: list[float]
    """Longest time from the end of each stage to the start of the next, transfer included; infinite where free."""
    slack: list[float]
    """How long, by the plan's margins, a heat is there before the stage after each one takes it."""
    campaign: int
    """The stage whose heats follow each other without a gap; -1 where there is none."""
    reheating: int
    """The stage that makes good what a heat lost while waiting; -1 where nothing is lost."""
    reheat_mwh_per_min: list[float]
    """What a minute of waiting costs each heat."""
    outages: list[list[tuple[float, float]]]
    """When each unit is not available."""
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

    def able(self, heat: int, stage: int) -> list[int]:
        """Units of a stage that can take a heat."""
        return [u for u in self.units_of[stage] if not math.isnan(self.duration[heat][u])]


def shop(scenario: Scenario) -> LineShop:
    """The tables of a scenario's line."""
    line, heats = scenario.line, scenario.heats
    minutes = scenario.horizon.minutes
    units = line.units
    stages = [stage.name for stage in line.stages]
    unit_index = {unit.name: u for u, unit in enumerate(units)}
    index = {heat.name: i for i, heat in enumerate(heats)}
    durations, energies, routes = {}, {}, {}
    for grade in line.grades:
        minutes_by_unit = [line.duration_min(grade, unit.name) for unit in units]
        durations[grade.name] = [math.nan if d is None else d for d in minutes_by_unit]
        energies[grade.name] = [
            math.nan if d is None else line.energy_mwh(grade, unit.name)
            for d, unit in zip(minutes_by_unit, units, strict=True)
        ]
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
        transfer=[[line.transfer_min(a.name, b.name) for b in units] for a in units],
        quickest=[[line.quickest_min(a, b) for b in stages] for a in stages],
        setup=[unit.setup_min for unit in units],
        longest_wait=[NEVER if s.longest_wait_min is None else s.longest_wait_min for s in line.stages],
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


def careful(table: LineShop) -> LineShop:
    """The line as a plan with margins sees it: longer transfers, shorter waits, sooner due times."""
    disturbances = table.scenario.disturbances
    return replace(
        table,
        transfer=[
            [minutes + table.slack[table.stage_of[u]] for minutes in row] for u, row in enumerate(table.transfer)
        ],
        longest_wait=[
            wait - disturbances.wait_min(name) for wait, name in zip(table.longest_wait, table.stages, strict=True)
        ],
        due=[due - disturbances.due_margin_min for due in table.due],
    )


def careless(table: LineShop) -> LineShop:
    """The line of somebody who follows a list without margins."""
    return replace(table, slack=[0.0] * len(table.slack))


def _profile(phases: tuple) -> Profile:
    shares = np.array([phase.share for phase in phases])
    power = np.array([phase.power_mw for phase in phases])
    ends = np.cumsum(shares)
    ends[-1] = 1.0
    mean = float(shares @ power)
    return Profile(ends, power / mean if mean > 0 else np.ones(len(shares)))


@dataclass(frozen=True)
class Operations:
    """What is to be done, one entry per heat and stage; those of a heat are neighbours, in the order of its route."""

    shop: LineShop
    heat: list[int]
    stage: list[int]
    unit: list[int]
    scheduled: list[float]
    """Nothing starts earlier [min]."""
    planned: list[float]
    """Duration that the plan reckons with [min]."""
    before: list[int]
    """The operation of the same heat before this one; -1 for the first."""
    travel: list[float]
    """Transfer from there [min]."""
    started: list[bool]
    """Whether it has begun before the horizon."""
    pace: list[float]
    """Shortest duration [min]: a caster keeps the plan's pace while another heat of the cast follows; else 0."""
    sequence: list[list[int]]
    """Operations of each unit in order."""
    missing: list[int]
    """Heats that the schedule leaves out, wholly or in part."""

    def __len__(self) -> int:
        return len(self.heat)

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """Unit, heat, stage and nominal figures of each operation, shape (n,) each."""
        unit, heat = np.array(self.unit, dtype=int), np.array(self.heat, dtype=int)
        before = np.array(self.before, dtype=int)
        return {
            "unit": unit,
            "heat": heat,
            "stage": np.array(self.stage, dtype=int),
            "before": before,
            "travel": np.array(self.travel, dtype=float),
            "duration": np.array([self.shop.duration[h][u] for h, u in zip(self.heat, self.unit, strict=True)]),
            "energy": np.array([self.shop.energy[h][u] for h, u in zip(self.heat, self.unit, strict=True)]),
            "reheat": np.array([self.shop.reheat_mwh_per_min[h] for h in self.heat]),
            "longest": np.array([self.shop.longest_wait[self.stage[b]] if b >= 0 else NEVER for b in self.before]),
        }

    @cached_property
    def rank(self) -> list[int]:
        """Place of each operation in its unit's sequence."""
        ranks = [0] * len(self)
        for sequence in self.sequence:
            for place, i in enumerate(sequence):
                ranks[i] = place
        return ranks

    def last_of(self, i: int) -> int:
        """The last operation of the heat of an operation."""
        while i + 1 < len(self) and self.before[i + 1] == i:
            i += 1
        return i

    def reach(self, i: int) -> float:
        """How long before an operation the one before it of the same heat may begin, where reality is late [min]."""
        b = self.before[i]
        return self.shop.duration[self.heat[b]][self.unit[b]] + HELD_SHARE * self.shop.longest_wait[self.stage[b]]

    @cached_property
    def soonest(self) -> list[float]:
        """When each operation may begin for those after it to be as scheduled [min]; infinitely soon for the last."""
        starts = [-NEVER] * len(self)
        for i in range(len(self) - 2, -1, -1):
            if self.before[i + 1] == i:
                starts[i] = max(self.scheduled[i + 1], starts[i + 1]) - self.reach(i + 1)
        return starts

    def same_cast(self, first: int, second: int) -> bool:
        """Whether two neighbours on a unit belong to one cast."""
        shop = self.shop
        return self.stage[second] == shop.campaign and shop.orders[self.heat[first]] == shop.orders[self.heat[second]]


def operations(shop: LineShop, schedule: xr.Dataset) -> Operations:
    """The operations of a schedule, a dataset of table ``SCHEDULE``.

    Raises:
        ValueError: the schedule names what the scenario has not, or a unit that cannot take a heat.
    """
    heats, stages = schedule["heat"].values.tolist(), schedule["stage"].values.tolist()
    units, starts = schedule["unit"].values.tolist(), schedule["start_min"].values.tolist()
    ends = schedule["end_min"].values.tolist()
    unknown = set(heats) - set(shop.names) | set(stages) - set(shop.stages)
    if unknown:
        raise ValueError(
            f"the schedule names {', '.join(sorted(unknown)[:6])}, unknown to scenario {shop.scenario.name}"
        )
    row = {name: i for i, name in enumerate(heats)}
    column = [stages.index(name) if name in stages else -1 for name in shop.stages]
    plan: list[tuple[int, int, int, float, float]] = []
    missing = []
    for h, name in enumerate(shop.names):
        for k in shop.route[h]:
            i, j = row.get(name, -1), column[k]
            absent = i < 0 or j < 0 or not units[i][j] or math.isnan(starts[i][j])
            if (h, k) in shop.started:
                start, u = shop.started[h, k]
                planned = shop.duration[h][u] if absent else ends[i][j] - starts[i][j]
                plan.append((h, k, u, start, start + planned))
                continue
            if absent:
                missing.append(h)
                break
            u = shop.unit_index.get(units[i][j], -1)
            if u < 0 or shop.stage_of[u] != k or math.isnan(shop.duration[h][u]):
                raise ValueError(f"the schedule sends heat {name} at stage {shop.stages[k]} to unit {units[i][j]!r}")
            plan.append((h, k, u, starts[i][j], ends[i][j]))
    return arrange(shop, plan, missing)


def arrange(shop: LineShop, plan: list[tuple[int, int, int, float, float]], missing: list[int]) -> Operations:
    """Operations from rows (heat, stage, unit, start, planned end), those of a heat in the order of its route."""
    n = len(plan)
    before = [i - 1 if i and plan[i - 1][0] == plan[i][0] else -1 for i in range(n)]
    unit = [row[2] for row in plan]
    scheduled = [row[3] for row in plan]
    sequence: list[list[int]] = [[] for _ in shop.units]
    for i in sorted(range(n), key=lambda i: (scheduled[i], plan[i][4])):
        sequence[unit[i]].append(i)
    todo = Operations(
        shop=shop,
        heat=[row[0] for row in plan],
        stage=[row[1] for row in plan],
        unit=unit,
        scheduled=scheduled,
        planned=[row[4] - row[3] for row in plan],
        before=before,
        travel=[shop.transfer[unit[b]][unit[i]] if b >= 0 else 0.0 for i, b in enumerate(before)],
        started=[(row[0], row[1]) in shop.started for row in plan],
        pace=[0.0] * n,
        sequence=sequence,
        missing=missing,
    )
    for line in sequence:
        for first, second in pairwise(line):
            if todo.same_cast(first, second):
                todo.pace[first] = todo.planned[first]
    return todo


def planned_durations(table: LineShop, *, careful: bool = True) -> np.ndarray:
    """Duration that a plan reckons with for each heat on each unit [min], shape (n_heats, n_units).

    Args:
        table: the line.
        careful: by the quantiles of the margins, where there are any; else by the general one.
    """
    nominal = np.array(table.duration, dtype=float).reshape(len(table.names), len(table.units))
    planned = nominal.copy()
    disturbances = table.scenario.disturbances
    for u, name in enumerate(table.units):
        quantile = disturbances.quantile(table.stages[table.stage_of[u]]) if careful else disturbances.planning_quantile
        column = nominal[:, u]
        for minutes in np.unique(column[~np.isnan(column)]).tolist():
            planned[column == minutes, u] = planned_min(disturbances, name, minutes, quantile)
    return planned
