"""The exact model: which unit takes each operation, and which of two operations on a unit comes first.

Continuous time, general precedence: one order variable for every pair of jobs that can meet on a unit, whatever the
unit, one assignment variable for each job and unit (Méndez & Cerdá, Computers & Chemical Engineering 27, 2003; for
parallel units of steelmaking with casts: Castro, Sun & Harjunkoski, Industrial & Engineering Chemistry Research 52,
2013). A cast is one job on its caster. The relaxation is weak, so this is for small shops and for improving a schedule.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyomo.core as pyo

from benchmarks.minutes import transfers
from benchmarks.minutes.line_in_minutes import Operation, Place, Shop
from emberline.models.kernel import highs
from emberline.models.kernel.arrays import Series, Variable, constraint, limit
from emberline.models.kernel.templates import Members, building, each, total


@dataclass(frozen=True)
class Job:
    """What is placed as a whole: an operation before the last stage, or a group."""

    length: dict[int, float]
    """Minutes by unit."""
    head: dict[int, float]
    """Earliest start by unit."""
    fixed: float | None = None


def jobs(shop: Shop) -> tuple[dict[Operation, Job], dict[int, Job]]:
    """Open operations by heat and stage, and groups by number."""
    single = {
        (h, k): Job(
            {u: shop.planned[h][u] for u in shop.able[h, k]}, {u: max(shop.head[h, u], 0.0) for u in shop.able[h, k]}
        )
        for h, stages in enumerate(shop.upstream)
        for k in stages
    }
    whole = {
        g: Job(dict(group.length), {u: max(shop.soonest(group, u), 0.0) for u in group.units}, group.start_min)
        for g, group in enumerate(shop.groups)
    }
    return single, whole


def pairs(shop: Shop) -> int:
    """Number of order variables that the model needs."""
    single, whole = jobs(shop)
    every = list(single.values()) + list(whole.values())
    return sum(1 for one, two in combinations(every, 2) if one.length.keys() & two.length.keys())


def latest_end(shop: Shop) -> float:
    """A time by which every schedule without needless idle time is over [min]."""
    single, whole = jobs(shop)
    travel = max((max(row) for row in shop.transfer), default=0.0)
    setup = max(shop.setup, default=0.0)
    work = sum(max(job.length.values()) + travel + setup for job in [*single.values(), *whole.values()])
    begin = max((head for job in [*single.values(), *whole.values()] for head in job.head.values()), default=0.0)
    outages = max((over for spans in shop.outages for _, over in spans), default=0.0)
    return begin + outages + work + setup


def model(shop: Shop, bound_min: float, settled_min: float) -> pyo.ConcreteModel:
    """The model; minimizes total tardiness of the groups' heats.

    Args:
        shop: the line.
        bound_min: proven bound on total tardiness, added as a row.
        settled_min: the part of it that no plan changes.
    """
    single, whole = jobs(shop)
    every: list[Job] = [*single.values(), *whole.values()]
    number = {key: j for j, key in enumerate(single)}
    of_group = {g: len(single) + g for g in whole}
    end = latest_end(shop)
    m = pyo.ConcreteModel()
    m.J = pyo.RangeSet(0, len(every) - 1)
    m.PLACES = pyo.Set(initialize=[(j, u) for j, job in enumerate(every) for u in sorted(job.length)], dimen=2)
    meet = [(i, j) for i, j in combinations(range(len(every)), 2) if every[i].length.keys() & every[j].length.keys()]
    m.MEET = pyo.Set(initialize=meet, dimen=2)
    m.CLASH = pyo.Set(
        initialize=[(i, j, u) for i, j in meet for u in sorted(every[i].length.keys() & every[j].length.keys())],
        dimen=3,
    )
    m.H = pyo.Set(initialize=sorted(shop.group_of))
    m.start = Variable(m.J)
    limit(m.start, np.array([min(job.head.values()) for job in every], dtype=float), end)
    m.on = Variable(m.PLACES, domain=pyo.Binary)
    m.first = Variable(m.MEET, domain=pyo.Binary)
    m.late = Variable(m.H, domain=pyo.NonNegativeReals)
    m.makespan = pyo.Var(domain=pyo.NonNegativeReals)

    m.UNIT = Members({j: sorted(job.length) for j, job in enumerate(every)}, dimen=1)
    m.length = Series(m.PLACES, values=np.array([every[j].length[u] for j, u in m.PLACES]))
    m.head = Series(m.PLACES, values=np.array([every[j].head[u] for j, u in m.PLACES]))
    m.takes = Series(m.PLACES, values=np.array([every[j].length[u] + shop.setup[u] for j, u in m.PLACES]))

    @constraint(m, m.J)
    def placed(m, j):
        return total(m.on[j, u] for u in each(m.UNIT[j])) == 1

    @constraint(m, m.J)
    def soonest(m, j):
        return m.start[j] >= total(m.head[j, u] * m.on[j, u] for u in each(m.UNIT[j]))

    @constraint(m, m.CLASH)
    def forward(m, i, j, u):
        free = (end + m.takes[i, u]) * (3 - m.first[i, j] - m.on[i, u] - m.on[j, u])
        return m.start[j] >= m.start[i] + m.takes[i, u] - free

    @constraint(m, m.CLASH)
    def backward(m, i, j, u):
        free = (end + m.takes[j, u]) * (2 + m.first[i, j] - m.on[i, u] - m.on[j, u])
        return m.start[i] >= m.start[j] + m.takes[j, u] - free

    m.flow = pyo.Block()
    units: list[Collection[int]] = [job.length.keys() for job in every]
    transfers.add(m.flow, m.start, m.on, shop, transfers.Places(shop, units, number, of_group))
    for g, job in whole.items():
        if job.fixed is not None:
            m.start[of_group[g]].fix(job.fixed)
    _outages(m, shop, every, end)
    late = {}
    for h, g in shop.group_of.items():
        group = shop.groups[g]
        at = group.heats.index(h)
        late[h, of_group[g]] = [(u, off[at] + shop.planned[h][u]) for u, off in group.offset.items()]
    m.LAST = pyo.Set(initialize=list(late), dimen=2)
    m.END = Members(late, dimen=2)
    m.due = Series(m.H, values=np.array([shop.due[h] for h in m.H]))

    @constraint(m, m.LAST)
    def tardy(m, h, j):
        return m.late[h] >= m.start[j] + total(e * m.on[j, u] for u, e in each(m.END[h, j])) - m.due[h]

    @constraint(m, m.J)
    def ends(m, j):
        return m.makespan >= m.start[j] + total(m.length[j, u] * m.on[j, u] for u in each(m.UNIT[j]))

    m.total = pyo.Expression(expr=total(m.late[h] for h in each(m.H)))
    m.proven = pyo.Constraint(expr=m.total >= bound_min - settled_min - 1e-6)
    m.tardiness = pyo.Objective(expr=m.total, sense=pyo.minimize)
    m.duration = pyo.Objective(expr=m.makespan, sense=pyo.minimize)
    m.duration.deactivate()
    return m


def _outages(m: pyo.ConcreteModel, shop: Shop, every: list[Job], end: float) -> None:
    """A job on a unit lies before or after each of the unit's outages."""
    met = [(j, u, o) for j, job in enumerate(every) for u in job.length for o in range(len(shop.outages[u]))]
    m.OUTAGES = pyo.Set(initialize=met, dimen=3)
    m.before = Variable(m.OUTAGES, domain=pyo.Binary)
    m.gone = Series(m.OUTAGES, values=np.array([shop.outages[u][o][0] for _, u, o in met]))
    m.back = Series(m.OUTAGES, values=np.array([shop.outages[u][o][1] for _, u, o in met]))

    @constraint(m, m.OUTAGES)
    def over_in_time(m, j, u, o):
        free = (end + m.length[j, u]) * (2 - m.before[j, u, o] - m.on[j, u])
        return m.start[j] + m.length[j, u] <= m.gone[j, u, o] + free

    @constraint(m, m.OUTAGES)
    def after_it(m, j, u, o):
        return m.start[j] >= m.back[j, u, o] - m.back[j, u, o] * (1 + m.before[j, u, o] - m.on[j, u])


def improve(
    shop: Shop,
    places: dict[Operation, Place],
    bound_min: float,
    settled_min: float,
    *,
    time_limit: float,
    gap: float,
    cancel: Callable[[], bool] | None = None,
) -> tuple[dict[Operation, Place], float | None]:
    """Solve the exact model from a known schedule.

    Returns:
        places: the schedule found, times as the solver has them (let ``lateness_timing.earliest`` settle them).
        bound: proven bound on total tardiness [min], None where nothing was proven.
    """
    single, whole = jobs(shop)
    with building():
        m = model(shop, bound_min, settled_min)
    keys: list[Operation] = [*single, *((shop.groups[g].heats[0], shop.groups[g].stage) for g in whole)]
    for j, key in enumerate(keys):
        if not m.start[j].fixed:
            m.start[j].value = places[key].start
    for j, u in m.PLACES:
        m.on[j, u].value = int(places[keys[j]].unit == u)
    for i, j in m.MEET:
        m.first[i, j].value = int((places[keys[i]].start, i) <= (places[keys[j]].start, j))
    for j, u, o in m.OUTAGES:
        m.before[j, u, o].value = int(places[keys[j]].start < shop.outages[u][o][0])
    for h in m.H:
        m.late[h].value = max(places[h, shop.route[h][-1]].end - shop.due[h], 0.0)
    m.makespan.value = max(place.end for place in places.values())
    began = time.perf_counter()
    outcome = highs.solve(m, work=time_limit, gap=gap, start=True, cancel=cancel)
    proven = None if outcome.bound is None else max(bound_min, settled_min + outcome.bound)
    if not outcome.has_solution:
        return places, proven
    remaining_s = time_limit - (time.perf_counter() - began)
    if outcome.status == "optimal" and remaining_s > 0:
        m.tardiness_limit = pyo.Constraint(expr=m.total <= sum(m.late[h].value for h in m.H) + 1e-6)
        m.tardiness.deactivate()
        m.duration.activate()
        highs.solve(m, work=remaining_s, gap=gap, start=True, cancel=cancel)
    return _read(shop, m, keys, places), proven


def _read(
    shop: Shop, m: pyo.ConcreteModel, keys: list[Operation], places: dict[Operation, Place]
) -> dict[Operation, Place]:
    unit = {j: u for j, u in m.PLACES if m.on[j, u].value > 0.5}
    schedule = dict(places)
    for j, (h, k) in enumerate(keys):
        u, start = unit[j], float(m.start[j].value)
        g = shop.group_of.get(h)
        if g is None or k != shop.groups[g].stage:
            schedule[h, k] = Place(u, start, start + shop.planned[h][u])
            continue
        for member, offset in zip(shop.groups[g].heats, shop.groups[g].offset[u], strict=True):
            schedule[member, k] = Place(u, start + offset, start + offset + shop.planned[member][u])
    return schedule
