"""Heats to the minute, by makespan or in a sequence, and the use of the site under them: table ``SCHEDULE``."""

from __future__ import annotations

import numpy as np
import xarray as xr

from benchmarks.minutes.in_sequence import least_in_sequence
from benchmarks.minutes.makespan import least_makespan
from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.dispatch import Dispatcher, columns
from emberline.models.problem import line_reader
from emberline.models.problem import site as sites
from emberline.models.search.schedule import empty, stamped
from emberline.scenarios import Case
from emberline.scenarios.case.line import phase_power
from emberline.scenarios.line import taking

MIN_SECONDS = 5.0
"""Seconds that the use of the site may take at least, however long the search for the heats took."""


def to_the_minute(scenario: Case, envelope: xr.Dataset) -> xr.Dataset:
    """The schedule of least makespan, or of least tardiness or cost of a sequence; a missing one has ``found`` 0."""
    goal = scenario.goal
    search = least_in_sequence if scenario.line.changeovers else least_makespan
    solution = search(scenario, time_limit=goal.time_limit_s, gap=goal.gap)
    data, value = empty(scenario), None
    if solution.has_schedule:
        site = sites.read(scenario, envelope)
        problem = line_reader.from_scenario(scenario, envelope)
        unit = np.where(np.isnan(solution.start_min), "", np.asarray(solution.unit, dtype=object))
        data = data.assign(
            start_min=(("heat", "stage"), solution.start_min),
            end_min=(("heat", "stage"), solution.end_min),
            unit=(("heat", "stage"), unit.astype(object)),
            extra_mwh=(("heat", "stage"), np.zeros(unit.shape)),
        )
        cells = _load(scenario, solution.start_min, solution.end_min, unit, problem.cell_min, problem.n_cells)
        horizon = scenario.horizon
        edges = np.arange(horizon.n_steps + 1) * horizon.step_min
        grades = [heat.grade.name for heat in scenario.heats]
        spans = solution.start_min[:, 0], solution.end_min[:, 0]
        rates = taking.rates(scenario.line, unit[:, 0].tolist(), grades, *spans, edges)
        aim = aims.read(scenario, site, {}, 0.0)
        flows = Dispatcher(site, aim).flows(
            cells,
            work=max(goal.time_limit_s - solution.seconds, MIN_SECONDS),
            line_gives={carrier: -rate * np.diff(edges) / 60 for carrier, rate in rates.items()},
        )
        if flows is not None:
            data, value = data.assign(columns(scenario, site, flows, problem.on_steps(cells))), solution.objective
    status = solution.status if value is not None else "no plan"
    return stamped(data, scenario, status, "", objective=value, bound=solution.bound, gap=solution.gap, constant=0.0)


def _load(
    scenario: Case, start: np.ndarray, end: np.ndarray, unit: np.ndarray, cell_min: float, n_cells: int
) -> np.ndarray:
    """Energy by cell of a schedule on one stage whose starts need not lie on slots [MWh]."""
    cells = np.zeros(n_cells)
    edges = np.arange(n_cells + 1) * cell_min
    for h, heat in enumerate(scenario.heats):
        name, begin = str(unit[h, 0]), float(start[h, 0])
        energy = scenario.line.energy_mwh(heat.grade, name)
        ends, power = phase_power(scenario.line.unit[name], energy, float(end[h, 0]) - begin)
        for first, last, mw in zip([0.0, *ends[:-1]], ends, power, strict=True):
            cells += np.diff(np.clip(edges, begin + first, begin + last)) / 60 * mw
    return cells
