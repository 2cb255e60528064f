"""The exact model: which unit takes each operation, and which of two operations on a unit comes first.

Continuous time, general precedence: one order variable for every pair of jobs that can meet on a unit, whatever the
unit, one assignment variable for each job and unit (Méndez & Cerdá, Computers & Chemical Engineering 27, 2003; for
parallel units of steelmaking with casts: Castro, Sun & Harjunkoski, Industrial & Engineering Chemistry Research 52,
2013). A cast is one job on its caster. The relaxation is weak, so this is for small shops and for improving a schedule.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import pyomo.environ as pyo
from pyomo.common.errors import InfeasibleConstraintException

from models import solve
from models.lateness_shop import NEVER, Operation, Place, Shop


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
    m.start = pyo.Var(m.J, bounds=lambda _, j: (min(every[j].head.values()), end))
    m.on = pyo.Var(m.PLACES, domain=pyo.Binary)
    m.first = pyo.Var(m.MEET, domain=pyo.Binary)
    m.late = pyo.Var(m.H, domain=pyo.NonNegativeReals)
    m.makespan = pyo.Var(domain=pyo.NonNegativeReals)

    def length(j: int) -> Any:
        return sum(minutes * m.on[j, u] for u, minutes in every[j].length.items())

    def begin(h: int, k: int) -> Any:
        """Start of an operation, be it a job of its own or part of a group's."""
        if (h, k) in number:
            return m.start[number[h, k]]
        if (h, k) in shop.begun:
            return shop.begun[h, k].start
        g = shop.group_of[h]
        at = shop.groups[g].heats.index(h)
        return m.start[of_group[g]] + sum(m.on[of_group[g], u] * off[at] for u, off in shop.groups[g].offset.items())

    def chosen(h: int, k: int) -> dict[int, Any]:
        """Whether a heat takes a unit, by unit."""
        if (h, k) in shop.begun:
            return {shop.begun[h, k].unit: 1}
        j = number[h, k] if (h, k) in number else of_group[shop.group_of[h]]
        return {u: m.on[j, u] for u in every[j].length}

    @m.Constraint(m.J)
    def placed(m, j):
        return sum(m.on[j, u] for u in every[j].length) == 1

    @m.Constraint(m.J)
    def soonest(m, j):
        return m.start[j] >= sum(at * m.on[j, u] for u, at in every[j].head.items())

    @m.Constraint(m.CLASH)
    def forward(m, i, j, u):
        big = end + every[i].length[u] + shop.setup[u]
        lag = every[i].length[u] + shop.setup[u]
        return m.start[j] >= m.start[i] + lag - big * (3 - m.first[i, j] - m.on[i, u] - m.on[j, u])

    @m.Constraint(m.CLASH)
    def backward(m, i, j, u):
        big = end + every[j].length[u] + shop.setup[u]
        lag = every[j].length[u] + shop.setup[u]
        return m.start[i] >= m.start[j] + lag - big * (2 + m.first[i, j] - m.on[i, u] - m.on[j, u])

    m.flow = pyo.ConstraintList()
    m.limits = pyo.ConstraintList()
    for h, route in enumerate(shop.route):
        for k, after in pairwise(route):
            if (h, after) in shop.begun:
                continue
            here, there = chosen(h, k), chosen(h, after)
            done = shop.begun.get((h, k))
            over = done.end if done else begin(h, k) + sum(shop.planned[h][u] * on for u, on in here.items())
            least = min(shop.transfer[u][v] for u in here for v in there)
            m.flow.add(begin(h, after) >= over + least)
            for u, on in here.items():
                for v, then in there.items():
                    if shop.transfer[u][v] > least:
                        extra = shop.transfer[u][v] - least
                        m.flow.add(begin(h, after) >= over + least + extra * (on + then - 1))
            if shop.longest[k] < NEVER:
                nominal = begin(h, k) + sum(shop.nominal[h][u] * on for u, on in here.items())
                m.limits.add(begin(h, after) <= nominal + shop.longest[k])
    for (h, k), (earliest, latest) in shop.window.items():
        if (h, k) not in shop.begun:
            if earliest > 0:
                m.limits.add(begin(h, k) >= earliest)
            if latest < NEVER:
                m.limits.add(begin(h, k) <= latest)
    for g, job in whole.items():
        if job.fixed is not None:
            m.start[of_group[g]].fix(job.fixed)
    _outages(m, shop, every, end)

    @m.Constraint(m.H)
    def tardy(m, h):
        g = shop.group_of[h]
        group = shop.groups[g]
        at = group.heats.index(h)
        ends = {u: off[at] + shop.planned[h][u] for u, off in group.offset.items()}
        return m.late[h] >= m.start[of_group[g]] + sum(e * m.on[of_group[g], u] for u, e in ends.items()) - shop.due[h]

    @m.Constraint(m.J)
    def ends(m, j):
        return m.makespan >= m.start[j] + length(j)

    m.total = pyo.Expression(expr=sum(m.late[h] for h in m.H))
    m.proven = pyo.Constraint(expr=m.total >= bound_min - settled_min - 1e-6)
    m.tardiness = pyo.Objective(expr=m.total, sense=pyo.minimize)
    m.length = pyo.Objective(expr=m.makespan, sense=pyo.minimize)
    m.length.deactivate()
    return m


def _outages(m: pyo.ConcreteModel, shop: Shop, every: list[Job], end: float) -> None:
    """A job on a unit lies before or after each of the unit's outages."""
    met = [(j, u, o) for j, job in enumerate(every) for u in job.length for o in range(len(shop.outages[u]))]
    m.OUTAGES = pyo.Set(initialize=met, dimen=3)
    m.before = pyo.Var(m.OUTAGES, domain=pyo.Binary)

    @m.Constraint(m.OUTAGES)
    def over_in_time(m, j, u, o):
        big = end + every[j].length[u]
        return m.start[j] + every[j].length[u] <= shop.outages[u][o][0] + big * (2 - m.before[j, u, o] - m.on[j, u])

    @m.Constraint(m.OUTAGES)
    def after_it(m, j, u, o):
        back = shop.outages[u][o][1]
        return m.start[j] >= back - back * (1 + m.before[j, u, o] - m.on[j, u])


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
    with solve.building():
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
    try:
        outcome = solve.solve(m, time_limit=time_limit, gap=gap, start=True, cancel=cancel)
    except InfeasibleConstraintException:  # Pyomo tells a row of constants that does not hold this way
        return places, None
    proven = None if outcome.bound is None else max(bound_min, settled_min + outcome.bound)
    if not outcome.found:
        return places, proven
    left = time_limit - (time.perf_counter() - began)
    if outcome.status == "optimal" and left > 0:
        m.kept = pyo.Constraint(expr=m.total <= sum(m.late[h].value for h in m.H) + 1e-6)
        m.tardiness.deactivate()
        m.length.activate()
        solve.solve(m, time_limit=left, gap=gap, start=True, cancel=cancel)
    return _read(shop, m, keys, places), proven


def _read(
    shop: Shop, m: pyo.ConcreteModel, keys: list[Operation], places: dict[Operation, Place]
) -> dict[Operation, Place]:
    unit = {j: u for j, u in m.PLACES if m.on[j, u].value > 0.5}
    found = dict(places)
    for j, (h, k) in enumerate(keys):
        u, start = unit[j], float(m.start[j].value)
        g = shop.group_of.get(h)
        if g is None or k != shop.groups[g].stage:
            found[h, k] = Place(u, start, start + shop.planned[h][u])
            continue
        for member, offset in zip(shop.groups[g].heats, shop.groups[g].offset[u], strict=True):
            found[member, k] = Place(u, start + offset, start + offset + shop.planned[member][u])
    return found
