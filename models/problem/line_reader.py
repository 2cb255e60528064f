"""Conversion of a scenario to its line on slots (``models/problem/line.py``).

A unit with energy states draws at least its *floor* whenever it is not working, whatever its gaps (``with_floors``).
The floor over the whole horizon minus that during work is linear in the starts, so every formulation and every bound
includes it without knowing the gaps. ``SlotProblem.states`` contains only the draw of gaps above the floor: nothing for
a unit with one state.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TypeVar

import numpy as np
import xarray as xr

from emberline.models.problem.line import (
    EPS,
    Cast,
    Heat,
    Operation,
    Rounding,
    SlotProblem,
    Work,
    down,
    energy_cells,
    grouped,
    up,
)
from emberline.scenarios import Scenario
from emberline.scenarios.case.line import phase_power
from emberline.scenarios.energy_states.record import EnergyStates
from emberline.scenarios.records.disturbances import Disturbances
from emberline.scenarios.records.locks import Window


def from_scenario(
    scenario: Scenario, envelope: xr.Dataset, rounding: Rounding | None = None, *, like: xr.Dataset | None = None
) -> SlotProblem:
    """Convert the line of a scenario to slots.

    Args:
        scenario: scenario to convert.
        envelope: planning durations, energies, availability and state (table ``ENVELOPE``).
        rounding: conversion of minutes to slots.
        like: schedule whose grid defines the slots if it is finer than the steps (``grid_min``).
    """
    step = scenario.horizon.step_min
    if like is not None:
        step = float(like.attrs.get("grid_min", step))
    return _Reader(scenario, envelope, rounding or Rounding(), step).read()


class _Reader:
    def __init__(self, scenario: Scenario, envelope: xr.Dataset, rounding: Rounding, step: float) -> None:
        self.scenario, self.line, self.rounding = scenario, scenario.line, rounding
        self.step = step
        # on a finer grid the slack is part of the starts themselves
        self.margins = scenario.disturbances if step == scenario.horizon.step_min else Disturbances()
        self.cell = math.gcd(int(step), int(scenario.site.grid.metered_interval_min))
        self.per_step = round(scenario.horizon.step_min / step)
        self.n = scenario.horizon.n_steps * self.per_step
        self.units = [unit.name for unit in self.line.units]
        self.planned = envelope["planned_min"].to_numpy()
        self.nominal = envelope["duration_min"].to_numpy()
        self.energy = envelope["energy_mwh"].to_numpy()
        self.started = envelope["started_min"].to_numpy()
        self.started_unit = envelope["started_unit"].to_numpy()
        ends = itertools.accumulate((len(stage.units) for stage in self.line.stages), initial=0)
        self.stage_units = tuple(tuple(range(first, end)) for first, end in itertools.pairwise(ends))
        self.campaign = self.line.campaign_stage is not None
        self.locks = scenario.lock_windows

    def read(self) -> SlotProblem:
        scenario = self.scenario
        orders = {order.name: i for i, order in enumerate(scenario.orders)}
        of_heat = [orders[heat.order] for heat in scenario.heats]
        members = grouped((order, h) for h, order in enumerate(of_heat))
        casts = tuple(self._cast(o, group) for o, group in members.items()) if self.campaign else ()
        loss = self.line.heat_loss
        states = {u: unit.states for u, unit in enumerate(self.line.units) if unit.states is not None}
        return SlotProblem(
            step_min=self.step,
            n_slots=self.n,
            cell_min=self.cell,
            units=tuple(self.units),
            stage_units=self.stage_units,
            campaign=self.campaign,
            heats=tuple(self._heat(h, order, members[order]) for h, order in enumerate(of_heat)),
            casts=casts,
            free=np.ones((len(self.units), self.n), dtype=bool),
            fixed_cells=np.zeros(round(self.n * self.step / self.cell)),
            reheat_kwh_per_t_min=loss.kwh_per_t_min if loss else 0.0,
            rounding=self.rounding,
            gives=self.line.gives,
            states=states,
            idle=states,
            outages={u: scenario.outages[name] for u, name in enumerate(self.units) if name in scenario.outages},
            per_step=self.per_step,
        )

    def _window(self, h: int, stage: int) -> tuple[int, int, int | None]:
        """Return the first and last start slot of a heat at a stage and its locked unit, from its release and locks."""
        heat = self.scenario.heats[h]
        first, last = self._locked(h, stage)
        unit = self.locks.get((heat.name, self.line.stages[stage].name), Window()).unit
        return (
            max(first, self.rounding.slots(heat.release_min, self.step)),
            last,
            None if unit is None else self.units.index(unit),
        )

    def _locked(self, h: int, stage: int, offset: float = 0.0) -> tuple[int, int]:
        """Return the first and last slot that locks allow for a heat, or for its cast ``offset`` minutes earlier."""
        window = self.locks.get((self.scenario.heats[h].name, self.line.stages[stage].name), Window())
        first, last = window.steps(self.step, offset)
        if self.rounding.outer:
            first, _ = window.steps(self.step, offset + self.step - EPS)
        return round(min(max(first, 0), self.n)), round(max(min(last, self.n - 1), -1))

    def _profile(self, h: int, u: int, started: float) -> np.ndarray:
        ends, power = phase_power(self.line.units[u], float(self.energy[h, u]), float(self.nominal[h, u]))
        return energy_cells(ends, power, self.cell, self._within(started))

    def _within(self, started: float) -> float:
        """Return the minutes from the edge of a cell to a start before the horizon; other starts lie on an edge."""
        return started % self.cell if np.isfinite(started) else 0.0

    def _operation(self, h: int, stage: int, final: bool) -> Operation:
        first, last, locked = self._window(h, stage)
        started = self.started[h, stage]
        units = [u for u in self.stage_units[stage] if np.isfinite(self.nominal[h, u])]
        heat = self.scenario.heats[h]
        if np.isfinite(started):
            units = [self.units.index(str(self.started_unit[h, stage]))]
            first = last = down(float(started), self.step)
        elif locked is not None:
            units = [u for u in units if u == locked]
        if final and not self.campaign:
            allowed = self.scenario.orders[[o.name for o in self.scenario.orders].index(heat.order)].units
            units = [u for u in units if not allowed or self.units[u] in allowed]
        minutes = {u: float(self.nominal[h, u]) for u in units}
        due = {u: down(self._due(h) - float(self.planned[h, u]), self.step) for u in units} if final else {}
        if due and not np.isfinite(started):
            last = min(last, max(due.values()))
        return Operation(
            stage=stage,
            units=tuple(units),
            occupy={u: self.rounding.slots(float(self.planned[h, u]) + self._setup(u), self.step) for u in units},
            planned={u: float(self.planned[h, u]) for u in units},
            minutes=minutes,
            cells={u: self._profile(h, u, float(started)) for u in units},
            first=first,
            last=last,
            started_min=float(started) if np.isfinite(started) else None,
            due=due,
        )

    def _due(self, h: int) -> float:
        """Return the time by which a plan must finish a heat [min]."""
        return self.scenario.heats[h].due_min - self.margins.due_margin_min

    def _setup(self, u: int) -> float:
        return self.line.units[u].setup_min

    def _heat(self, h: int, order: int, group: list[int]) -> Heat:
        heat = self.scenario.heats[h]
        route = [self.line.stages.index(stage) for stage in self.line.route(heat.grade)]
        last_stage = len(self.line.stages) - 1
        casting = self.campaign and route[-1] == last_stage
        stages = route[:-1] if casting else route
        operations = [self._operation(h, stage, stage == route[-1]) for stage in stages]
        # a heat that has reached a stage has left those before it, so only its latest start matters
        starts = [i for i, operation in enumerate(operations) if operation.started_min is not None]
        if starts:
            operations = operations[starts[-1] :]
        lags = [self._lags(h, a, list(b.units), None) for a, b in itertools.pairwise(operations)]
        if casting:
            casters = self._casters(order, group)
            position = group.index(h)
            if operations:
                lags.append(self._lags(h, operations[-1], casters, (group, position)))
        loss = self.line.heat_loss
        reheat = None
        if loss is not None:
            names = [self.line.stages[operation.stage].name for operation in operations]
            if loss.reheating_stage in names and names.index(loss.reheating_stage) > 0:
                reheat = names.index(loss.reheating_stage)
        kind = (
            heat.grade.name,
            tuple((o.stage, o.units, o.first, o.last, o.started_min) for o in operations),
            tuple((o.stage, tuple(o.occupy.items())) for o in operations),
            # in a campaign the cast sets the end, so equal heats of different casts are interchangeable
            () if casting else (heat.due_min,),
        )
        return Heat(
            name=heat.name,
            order=order,
            mass_t=heat.grade.mass_t,
            operations=tuple(operations),
            least=tuple(least for least, _ in lags),
            most=tuple(most for _, most in lags),
            kind=kind,
            reheat=reheat,
            quickest=tuple(
                self.line.quickest_min(self.line.stages[a.stage].name, self.line.stages[b.stage].name)
                for a, b in itertools.pairwise(operations)
            ),
        )

    def _lags(
        self, h: int, a: Operation, targets: list[int], cast: tuple[list[int], int] | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return minimum and maximum slots from an operation to the next start; maximum < minimum if infeasible."""
        grade, name = self.scenario.heats[h].grade, self.line.stages[a.stage].name
        slack, short = self.margins.slack_min(name), self.margins.wait_min(name)
        if a.started_min is not None:
            slack = short = 0.0  # too late for margins
        if self.rounding.outer:
            short = 0.0  # a margin may be violated on slots
        # started work lies between slots: its lags count from the slot before
        within = 0.0 if a.started_min is None else max(a.started_min - a.first * self.step, 0.0)
        least, most = (np.zeros((len(a.units), len(targets)), dtype=int) for _ in range(2))
        for i, u in enumerate(a.units):
            for j, v in enumerate(targets):
                transfer, longest = self.line.lag(grade, self.units[u], self.units[v])
                offset, started = 0.0, math.nan
                if cast is not None:
                    group, position = cast
                    offset = float(self.planned[group[:position], v].sum())
                    started = self._cast_started(group, v)
                    if np.isfinite(started):
                        offset += max(started - down(started, self.step) * self.step, 0.0)
                low = self.rounding.least(within + float(self.planned[h, u]), transfer + slack, offset, self.step)
                high = whole = self.n
                if math.isfinite(longest):
                    high, whole = (
                        self.rounding.most(within + float(self.nominal[h, u]), transfer, wait, offset, self.step)
                        for wait in (longest - short, longest)
                    )
                # a margin is reduced before the wait itself is exceeded; started work waits as long as necessary
                high = max(high, low if a.started_min is not None else min(low, whole))
                if self.rounding.outer and a.started_min is not None:
                    high = self.n
                if a.started_min is not None and np.isfinite(started):
                    # nothing is left to decide; a cast waits less than a slot for a late heat
                    lag = down(started, self.step) - a.first
                    over = np.isfinite(self.started[h, -1])
                    low, high = (min(low, lag), max(high, lag)) if over else (low - 1, high + 1)
                least[i, j], most[i, j] = low, high
        return least, most

    def _casters(self, order: int, group: list[int]) -> list[int]:
        allowed = self.scenario.orders[order].units
        stage = len(self.line.stages) - 1
        units = [
            u
            for u in self.stage_units[-1]
            if np.isfinite(self.nominal[group, u]).all() and (not allowed or self.units[u] in allowed)
        ]
        for h in group:
            if np.isfinite(self.started[h, stage]):
                return [self.units.index(str(self.started_unit[h, stage]))]
            locked = self._window(h, stage)[2]
            if locked is not None:
                units = [u for u in units if u == locked]
        return units

    def _cast(self, order: int, group: list[int]) -> Cast:
        stage = len(self.line.stages) - 1
        units = self._casters(order, group)
        offsets = {u: np.concatenate([[0.0], np.cumsum(self.planned[group, u])[:-1]]) for u in units}
        started = self._cast_started(group, units[0]) if units else math.nan
        within = self._within(started)
        cells, nominal, first, last = {}, {}, {}, {}
        for u in units:
            ends, power = self._cast_power(group, u)
            cells[u], nominal[u] = energy_cells(ends, power, self.cell, within), float(ends[-1])
            lo, hi = 0, self.n - up(float(self.planned[group, u].sum()), self.step)
            for i, h in enumerate(group):
                heat = self.scenario.heats[h]
                off = float(offsets[u][i])
                begin, end = self._locked(h, stage, off)
                lo = max(lo, begin, self.rounding.slots(heat.release_min, self.step))
                hi = min(hi, end, down(self._due(h) - off - float(self.planned[h, u]), self.step))
            first[u], last[u] = (lo, hi) if math.isnan(started) else (down(started, self.step),) * 2
        return Cast(
            stage=stage,
            order=order,
            heats=tuple(group),
            units=tuple(units),
            occupy={
                u: self.rounding.slots(float(self.planned[group, u].sum()) + self._setup(u), self.step) for u in units
            },
            planned={u: float(self.planned[group, u].sum()) for u in units},
            minutes=nominal,
            offsets=offsets,
            cells=cells,
            first=first,
            last=last,
            started_min=float(started) if np.isfinite(started) else None,
        )

    def _cast_started(self, group: list[int], u: int) -> float:
        """Return the start of a running cast on a unit, consistent with its next heats [min]; nan: not started."""
        current = max((i for i, h in enumerate(group) if np.isfinite(self.started[h, -1])), default=None)
        if current is None:
            return math.nan
        # the heats of a cast follow the one that started last; the next one starts no earlier than the plan
        offsets = np.concatenate([[0.0], np.cumsum(self.planned[group, u])])
        started = float(self.started[group[current], -1] - offsets[current])
        return started if current + 1 == len(group) else max(started, -float(offsets[current + 1]))

    def _cast_power(self, group: list[int], u: int) -> tuple[np.ndarray, np.ndarray]:
        ends, power, begin = [], [], 0.0
        for h in group:
            # a caster keeps the planned pace until its last heat, which has no successor
            minutes = float((self.nominal if h == group[-1] else self.planned)[h, u])
            own_ends, own_power = phase_power(self.line.units[u], float(self.energy[h, u]), minutes)
            ends.append(begin + own_ends)
            power.append(own_power)
            begin += own_ends[-1]
        return np.concatenate(ends), np.concatenate(power)


TOLERANCE_MWH = 1e-12
T = TypeVar("T", bound=Work)


def with_floors(problem: SlotProblem) -> SlotProblem:
    """Return the line with the floors of its units included in the energy of its works and in the fixed energy.

    Units of stages that give a carrier are unchanged because this output follows from their draw at work; so are units
    that draw less at work than when idle.
    """
    for u in problem.states:
        stage = next(stage for stage, units in enumerate(problem.stage_units) if u in units)
        if not any(weight[stage] for weight in problem.gives.values()):
            problem = _with_floor(problem, u)
    return problem


def _with_floor(problem: SlotProblem, u: int) -> SlotProblem:
    states, length = problem.states[u], problem.n_slots * problem.step_min
    steady = _always_ready(states, length)
    floor = states.states[states.ready_index].power_mw if steady else least_mw(states)
    if floor <= 0 and not steady:
        return problem

    def less(work: T) -> T:
        if u not in work.units:
            return work
        excess = _excess(problem, work.cells[u], work.minutes[u], work.started_min, floor)
        return replace(work, cells=work.cells | {u: excess})

    heats = [replace(heat, operations=tuple(map(less, heat.operations))) for heat in problem.heats]
    casts = tuple(map(less, problem.casts))
    lessened = replace(problem, heats=tuple(heats), casts=casts)
    if any(float(work.cells[u].min()) < -TOLERANCE_MWH for _, work in lessened.works() if u in work.units):
        return problem
    above = {**problem.states, u: _lowered(states, floor)}
    if steady:
        del above[u]
    fixed = problem.fixed_cells + floor * problem.cell_min / 60
    return replace(lessened, fixed_cells=fixed, states=above)


def least_mw(states: EnergyStates) -> float:
    """Return the lowest draw of a machine outside work [MW]."""
    lasting = [transition.power_mw for transition in states.transitions if transition.duration_min > 0]
    return min([state.power_mw for state in states.states] + lasting)


def _always_ready(states: EnergyStates, length_min: float) -> bool:
    """Return whether every gap of a horizon is spent in the ready state."""
    ready = states.ready_index
    return states.start_index == states.end_index == ready and all(
        states.break_even_min(i) >= length_min for i in range(len(states.states)) if i != ready
    )


def _lowered(states: EnergyStates, floor: float) -> EnergyStates:
    """Return the machine with all its powers reduced by a floor; it spends each gap as before."""
    lower = tuple(s.model_copy(update={"power_mw": s.power_mw - floor}) for s in states.states)
    ways = [(way, way.model_copy(update={"power_mw": way.power_mw - floor})) for way in states.transitions]
    lasting = tuple(less if way.duration_min else way for way, less in ways)
    return states.model_copy(update={"states": lower, "transitions": lasting})


def _excess(
    problem: SlotProblem, cells: np.ndarray, minutes: float, started_min: float | None, floor: float
) -> np.ndarray:
    """Return the energy of a work above the floor by cell [MWh]."""
    begin = 0.0 if started_min is None else started_min % problem.cell_min
    idle = energy_cells(np.array([minutes]), np.array([floor]), problem.cell_min, begin)
    excess = np.zeros(max(len(cells), len(idle)))
    excess[: len(cells)] += cells
    excess[: len(idle)] -= idle
    return np.where(np.abs(excess) < TOLERANCE_MWH, 0.0, excess)
