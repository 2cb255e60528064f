"""Integer hull of the import limit: which units may draw full power at the same time.

With at most two furnaces u, two casters v and four other units w, 85 u + 7 v + 2 w ≤ 186 means 3 u + 3 v + w ≤ 13 for
integers. The facets of the convex hull of the integer points cut off the fractional points that the row of the limit
allows, and with them most of what makes the relaxation weak.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.kernel.arrays import Series
from emberline.models.kernel.banded_rows import Runs, Terms, banded, profile, running_sum
from emberline.models.problem.aggregation import Pools
from emberline.models.problem.line import grouped
from emberline.models.problem.site import SiteData

FullCells = Callable[[int, int, int], np.ndarray]
LOADS = 2
MAX_POINTS = 4000
"""Largest number of integer points of a hull; the smallest loads are left out until it is kept."""


@dataclass(frozen=True)
class _Load:
    """Units of a stage that draw full power: their number, the minimum draw of each, and their count by slot.

    ``count`` adds this count to the rows of facets, times the facet's factor, as counted starts or as a running sum.
    """

    units: int
    mw: float
    count: Callable[[Terms, Terms, dict[int, float]], None]


def add(
    m: pyo.ConcreteModel,
    line: Pools,
    data: SiteData,
    full_cells: FullCells,
    cast_runs: Mapping[tuple[int, int], Runs],
    started: np.ndarray,
) -> None:
    """Add the facets of each slot to a pooled model.

    They need a limit by slot and a site with nothing to decide; elsewhere only the row of the limit applies.

    Args:
        m: model with its counts and casts.
        line: pools that are counted.
        data: the site.
        full_cells: energy by cell of a pool's operation, by stage, pool and class of units.
        cast_runs: slots in which each cast may start on each caster.
        started: energy of the line's fixed and started work, by cell [MWh].
    """
    problem = line.problem
    if not np.isfinite(data.limit_mwh()) or not data.plain:
        return
    if abs(data.meter_min - problem.cell_min) > 1e-9 or problem.cells_per_slot != 1:
        return
    loads = [load for load in [*_stages(line, full_cells), *_casters(m, line, cast_runs)] if load.mw > 1e-6]
    loads.sort(key=lambda load: -load.mw)
    loads = loads[:LOADS]
    while loads and np.prod([load.units + 1 for load in loads]) > MAX_POINTS:
        loads.pop()
    if not loads:
        return
    to_mw = 60 / problem.cell_min
    room = (data.limit_mwh() - data.base + data.pv - started) * to_mw
    units, power = tuple(load.units for load in loads), tuple(load.mw for load in loads)
    rounded = np.round(room, 6).tolist()
    slots = grouped((facet, t) for t in range(line.n) for facet in _facets(units, power, rounded[t]))
    facets = list(slots)
    counts, courses = Terms(line.n, 4), Terms(line.n, 2)
    for d, load in enumerate(loads):
        factors = {k: facet[d] for k, facet in enumerate(facets) if facet[d]}
        if factors:
            load.count(counts, courses, factors)
    facet_ids = [k for k in range(len(facets)) if (k,) in counts.of or (k,) in courses.of]
    m.FACETS = pyo.Set(initialize=facet_ids, dimen=1)
    m.top = Series(m.FACETS, values=np.array([facets[k][-1] for k in facet_ids]))
    at_full = [(m.Y, counts), *([(m.at_full.level, courses)] if courses.of else ())]

    @banded(m, {(k,): slots[facets[k]] for k in facet_ids}, *at_full, empty=False)
    def hull(m: Any, *parts: Any) -> Any:
        *draws, k, _ = parts
        return sum(draws) <= m.top[k]


def _stages(line: Pools, full_cells: FullCells) -> list[_Load]:
    return [_stage(line, full_cells, s) for s in line.stages]


def _stage(line: Pools, full_cells: FullCells, s: int) -> _Load:
    counted = [(k, c) for k in range(len(line.pools[s])) for c in line.able[s, k]]
    curves = {(k, c): full_cells(s, k, c) for k, c in counted}
    full = min((float(cells.max()) for cells in curves.values()), default=0.0)

    def count(counts: Terms, _: Terms, factors: dict[int, float]) -> None:
        for facet, factor in factors.items():
            for (k, c), cells in curves.items():
                # an operation that started d slots ago is in a slot of full power
                for d in np.flatnonzero(cells >= full - 1e-9).tolist():
                    counts.lagged((facet,), (s, k, c), d, factor)
                    counts.lagged((facet,), (s, k, c), d + 1, -factor)

    return _Load(len(line.problem.stage_units[s]), full * 60 / line.problem.cell_min, count)


def _casters(m: pyo.ConcreteModel, line: Pools, cast_runs: Mapping[tuple[int, int], Runs]) -> list[_Load]:
    problem = line.problem
    if not problem.campaign:
        return []
    full = min((float(cells.max()) for cast in problem.casts for cells in cast.cells.values()), default=0.0)

    def count(_: Terms, courses: Terms, factors: dict[int, float]) -> None:
        changes = Terms(line.n, 3)
        for (c, column), slots in cast_runs.items():
            cells = problem.casts[c].cells[problem.casts[c].units[column]]
            profile(changes, 0, (c, column), (cells >= full - 1e-9).astype(float), slots)
        m.at_full = pyo.Block()
        running_sum(m.at_full, m.z, changes, {0: (0, 1)})
        for facet, factor in factors.items():
            courses.lagged((facet,), (0,), 0, factor)

    return [_Load(len(problem.stage_units[-1]), full * 60 / problem.cell_min, count)]


@lru_cache(maxsize=256)
def _facets(units: tuple[int, ...], power: tuple[float, ...], room: float) -> tuple[tuple[float, ...], ...]:
    """Return the facets a·x ≤ b of the hull of integers x with power·x ≤ room and 0 ≤ x ≤ units, without the box.

    Returns:
        Each facet as its factors and its right-hand side; the largest factor is 1.
    """
    grid = np.array(list(itertools.product(*(range(n + 1) for n in units))))
    points = grid[grid @ np.array(power) <= room + 1e-9]
    if len(points) in (0, len(grid)):
        return ()
    # a unit that may never run has a row of its own; the hull covers the others
    run = points.max(axis=0) > 0
    rows = [(*(float(i == d) for i in range(len(units))), 0.0) for d in np.flatnonzero(~run)]
    points = np.unique(points[:, run], axis=0)
    tops = np.array(units)[run]
    if points.shape[1] == 1:
        hull = np.array([[1.0, -float(points.max())]])
    elif points.shape[1] > 1:
        from scipy.spatial import ConvexHull

        hull = ConvexHull(points).equations
    else:
        hull = np.zeros((0, 1))
    faces = set()
    for *normal, offset in hull.tolist():
        factors = np.where(np.abs(normal) < 1e-9, 0.0, normal)
        if (factors < 0).any():
            continue
        factors, top = factors / factors.max(), -offset / np.abs(normal).max()
        single = np.count_nonzero(factors) == 1
        if single and top >= tops[int(factors.argmax())] - 1e-9:
            continue
        row = np.zeros(len(units) + 1)
        row[:-1][run], row[-1] = factors, top
        faces.add(tuple(float(v) for v in np.round(row, 9)))
    return tuple(rows + sorted(faces))
