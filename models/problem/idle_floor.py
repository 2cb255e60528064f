"""What an idle unit draws at all times, counted as a constant: a work then draws only what it takes beyond that.

A unit with energy states draws at least its *floor* whenever it does not work, whatever its gaps are. The floor over
the whole horizon less that of the works is linear in the starts, so every formulation and every bound holds it without
knowing of gaps. What is left to ``SlotProblem.states`` is what gaps draw above it: nothing for a unit with one state.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from emberline.models.problem.line import SlotProblem, energy_cells
from emberline.scenarios.energy_states import EnergyStates

TOLERANCE_MWH = 1e-12


def with_floors(problem: SlotProblem) -> SlotProblem:
    """The same line with the floors of its units in the energy of its works and in what is decided.

    Units of stages that give a carrier stay as they are, for what is given follows from what works draw; so do units
    that draw less at work than when idle.
    """
    for u in problem.states:
        if not any(weight[_stage(problem, u)] for weight in problem.gives.values()):
            problem = _with_floor(problem, u)
    return problem


def _stage(problem: SlotProblem, u: int) -> int:
    return next(stage for stage, units in enumerate(problem.stage_units) if u in units)


def _with_floor(problem: SlotProblem, u: int) -> SlotProblem:
    states, length = problem.states[u], problem.n_slots * problem.step_min
    steady = _always_ready(states, length)
    floor = states.states[states.ready_index].power_mw if steady else least_mw(states)
    if floor <= 0 and not steady:
        return problem
    heats = list(problem.heats)
    for h, heat in enumerate(heats):
        operations = [
            replace(o, cells=o.cells | {u: _beyond(problem, o.cells[u], o.minutes[u], o.started_min, floor)})
            if u in o.units
            else o
            for o in heat.operations
        ]
        heats[h] = replace(heat, operations=tuple(operations))
    casts = [
        replace(c, cells=c.cells | {u: _beyond(problem, c.cells[u], c.nominal_min[u], c.started_min, floor)})
        if u in c.units
        else c
        for c in problem.casts
    ]
    draws = [o.cells[u] for heat in heats for o in heat.operations if u in o.units]
    draws += [cast.cells[u] for cast in casts if u in cast.units]
    if any(float(cells.min()) < -TOLERANCE_MWH for cells in draws):
        return problem
    above = {**problem.states, u: _above(states, floor)}
    if steady:
        del above[u]
    fixed = problem.fixed_cells + floor * problem.cell_min / 60
    return replace(problem, heats=tuple(heats), casts=tuple(casts), fixed_cells=fixed, states=above)


def least_mw(states: EnergyStates) -> float:
    """The least that a machine draws without working."""
    lasting = [way.power_mw for way in states.transitions if way.duration_min > 0]
    return min([state.power_mw for state in states.states] + lasting)


def _always_ready(states: EnergyStates, length_min: float) -> bool:
    """Whether no gap of a horizon is spent in another state than the ready one."""
    ready = states.ready_index
    return states.start_index == states.end_index == ready and all(
        states.break_even_min(i) >= length_min for i in range(len(states.states)) if i != ready
    )


def _above(states: EnergyStates, floor: float) -> EnergyStates:
    """The machine with all its powers less by a floor: it spends each gap as before."""
    return states.model_copy(
        update={
            "states": tuple(s.model_copy(update={"power_mw": s.power_mw - floor}) for s in states.states),
            "transitions": tuple(
                t.model_copy(update={"power_mw": t.power_mw - floor}) if t.duration_min else t
                for t in states.transitions
            ),
        }
    )


def _beyond(
    problem: SlotProblem, cells: np.ndarray, minutes: float, started_min: float | None, floor: float
) -> np.ndarray:
    """Energy by cell of a work beyond the floor [MWh]."""
    begin = 0.0 if started_min is None else started_min % problem.cell_min
    idle = energy_cells(np.array([minutes]), np.array([floor]), problem.cell_min, begin)
    excess = np.zeros(max(len(cells), len(idle)))
    excess[: len(cells)] += cells
    excess[: len(idle)] -= idle
    return np.where(np.abs(excess) < TOLERANCE_MWH, 0.0, excess)
