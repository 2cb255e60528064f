"""Planning a horizon as a whole: a bound, pooled plans told apart into heats, and neighbourhoods of the best plan.

1. A bound: the pooled model with the shortest lags, its integrality dropped.
2. By turns, the rungs of ``LADDER``: a pooled plan near its relaxation, then named heats within the windows that it
   leaves. Later rungs search wider and leave more room for what pools do not see.
3. Between the rungs: the heats of one or two casts moved by some slots, all others held.

Every plan is judged by its own figures, whatever made it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyomo.environ as pyo

from models import pooled
from models.aim import Aim
from models.dispatch import Flows, dispatch, excess
from models.named import Named, Windows
from models.pooled import Choice, Counted, Pooled
from models.site import SiteData
from models.slots import SlotProblem
from models.solve import Progress, building, solve
from models.starts import Starts, extra_mwh, line_cells, mistakes
from scenarios import Scenario


@dataclass
class Search:
    """State of a search: best plan, bound, clock. Moves are accepted on recomputed figures only."""

    scenario: Scenario
    problem: SlotProblem
    data: SiteData
    aim: Aim
    time_limit: float
    gap: float
    on_progress: Progress
    cancel: Callable[[], bool]
    began: float = field(default_factory=time.perf_counter)
    best: Starts | None = None
    best_flows: Flows | None = None
    bound: float | None = None
    """On the first goal, the constant left out."""
    infeasible: bool = False
    """The relaxation has no solution: no plan exists."""
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def left(self) -> float:
        """Seconds left."""
        return self.time_limit - (time.perf_counter() - self.began)

    @property
    def value(self) -> float | None:
        """First goal of the best plan, the constant left out."""
        return None if self.best_flows is None else self.aim.value(self.best_flows)

    @property
    def told_gap(self) -> float | None:
        """Relative gap on what can be decided."""
        value = self.value
        if value is None or self.bound is None:
            return None
        return max(value - self.bound, 0.0) / max(abs(value), 1e-9)

    def done(self) -> bool:
        """Whether to stop: gap reached, time over, cancelled or infeasible."""
        told = self.told_gap
        return self.infeasible or self.left <= 0.05 or self.cancel() or (told is not None and told <= self.gap)

    def tell(self) -> None:
        """Report incumbent, bound and gap."""
        self.on_progress(
            {
                "incumbent": self.value,
                "bound": self.bound,
                "gap": self.told_gap,
                "seconds": time.perf_counter() - self.began,
            }
        )

    def clock(self, name: str, began: float) -> None:
        """Add the seconds since ``began`` to a phase."""
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

    def offer(self, starts: Starts, *, capped: bool = True) -> bool:
        """Judge a plan by its own figures; keep it where it is feasible and better. True where it was kept."""
        if mistakes(self.problem, starts):
            return False
        flows = self.flows(starts)
        if flows is None or (capped and not self.aim.keeps_caps(flows)):
            return False
        if self.best_flows is not None and self.aim.rank(flows) >= self.aim.rank(self.best_flows) - 1e-9:
            return False
        self.best, self.best_flows = starts, flows
        self.tell()
        return True

    def cells(self, starts: Starts) -> np.ndarray:
        """Energy of the line by cell, what is under way and decided included [MWh]."""
        cells = line_cells(self.problem, starts, extra_mwh(self.scenario, self.problem, starts))
        return cells + self.problem.fixed_cells + pooled.under_way(self.problem)

    def flows(self, starts: Starts) -> Flows | None:
        """Flows of a plan with the site used as well as can be."""
        return dispatch(self.data, self.cells(starts), self.aim.expression)

    def raise_bound(self, bound: float | None) -> None:
        """Take a proven bound, where it is better."""
        if bound is not None and (self.bound is None or bound > self.bound):
            self.bound = bound
            self.tell()


def run(search: Search) -> None:
    """Search until the gap or the limit is reached, by turns a pooled plan and neighbourhoods of the best one."""
    bound(search)
    width = WIDTHS[0]
    ladder = iter(LADDER)
    while not search.done():
        step = next(ladder, None)
        found = step is not None and rung(search, step)
        if search.best is not None and corridors(search, width):
            continue
        if step is None and not found:
            wider = [slots for slots in WIDTHS if slots > width]
            if not wider or search.best is None:
                break
            width = wider[0]
    if not search.done():
        bound(search, relax=False)


def bound(search: Search, relax: bool = True) -> None:
    """Prove a bound by the pooled model with the shortest lags."""
    began = time.perf_counter()
    choice = Choice(tight=False, bounding=True)
    with building():
        made = Pooled(search.problem, search.data, choice, search.aim.weight(search.data))
        if made.possible:
            _cap(made.model, made.ports, search)
            pooled.objective(made, search.aim.pure)
    search.clock("build", began)
    if not made.possible:
        search.infeasible = True
        return
    began = time.perf_counter()
    below = negative_reheating(search) + search.aim.constant

    def tell(event: dict[str, Any]) -> None:
        if event["bound"] is not None:
            search.raise_bound(event["bound"] - below)

    outcome = solve(
        made.model,
        time_limit=max(search.left, 0.05),
        gap=search.gap / 4,
        relax=relax,
        ipm=relax,
        on_progress=None if relax else tell,
        cancel=search.cancel,
    )
    search.clock("bound", began)
    if outcome.status == "infeasible":
        search.infeasible = True
    elif outcome.bound is not None:
        search.raise_bound(outcome.bound - below)


def negative_reheating(search: Search) -> float:
    """What reheating could earn at most where a weight is negative: taken off the bound."""
    problem = search.problem
    lowest = min(float(search.aim.weight(search.data).min()), 0.0)
    if lowest == 0 or problem.reheat_kwh_per_t_min == 0:
        return 0.0
    minutes = problem.n_slots * problem.step_min
    most = 0.0
    for heat in problem.heats:
        if heat.reheat is not None:
            waits = sum(min(int(heat.most[k].max()) * problem.step_min, minutes) for k in range(heat.reheat))
            most += problem.reheat_kwh_per_t_min / 1000 * heat.mass_t * waits
    return -lowest * most


@dataclass(frozen=True)
class Rung:
    """How a pooled plan is made: the model, and how closely it follows the relaxation."""

    choice: Choice
    slack: int | None
    around: int = 0


LADDER = (
    Rung(Choice(tight=False), slack=1, around=0),
    Rung(Choice(tight=False, draws=True), slack=1, around=1),
    Rung(Choice(tight=True, reserve_mw=1.0), slack=1, around=1),
    Rung(Choice(tight=True, whole=True, reserve_mw=2.0), slack=2, around=2),
    Rung(Choice(tight=True), slack=None),
)
"""The likeliest first; later ones search wider and leave more room for what pools do not see."""


STEP_S = 5.0
"""Seconds that one step of improvement may take."""
WIDTHS = (10, 20, 40)
"""Slots by which heats may move in a step of improvement: wider when no step helps any more."""
RUNG_SHARE = 0.2
"""Share of the time limit that the mixed-integer program of one pooled plan may take."""


def rung(search: Search, step: Rung) -> bool:
    """One pooled plan, told apart into heats. True where a better plan came out."""
    began = time.perf_counter()
    with building():
        made = Pooled(search.problem, search.data, step.choice, search.aim.both_weights(search.data))
        if not made.possible:
            return False
        pooled.objective(made, search.aim.expression)
    search.clock("build", began)
    began = time.perf_counter()
    if step.slack is not None:
        relaxed = solve(made.model, time_limit=max(search.left, 0.5), relax=True, ipm=True, cancel=search.cancel)
        search.clock("relax", began)
        if not relaxed.found or not pooled.follow(made, step.slack, step.around):
            return False
    began = time.perf_counter()
    limit = min(max(RUNG_SHARE * search.time_limit, 8.0), search.left)
    outcome = solve(made.model, time_limit=limit, gap=search.gap / 3, cancel=search.cancel)
    search.clock("plan", began)
    if not outcome.found:
        return False
    counted = pooled.read(made)
    return name_heats(search, counted)


NAMINGS = ((0, 0), (1, 0), (2, 1))
"""By how many slots leading starts and casts may leave the pooled plan."""
REPAIRS = 6
"""How often the import limit is lowered where reheating, known only afterwards, exceeds it."""


def name_heats(search: Search, counted: Counted) -> bool:
    """Tell heats apart within the windows of a pooled plan. True where a better plan came out."""
    return any(_name(search, counted, wide, around) for wide, around in NAMINGS if search.left > 0.1)


def _name(search: Search, counted: Counted, wide: int, around: int) -> bool:
    problem = search.problem
    lead_stage = pooled.leading_stage(problem)
    operation: dict[tuple[int, int], tuple[int, int]] = {}
    free: dict[int, tuple[float, float]] = {}
    waiting: dict[int, tuple[float, float]] = {}
    cast_of = problem.cast_of()
    for h, heat in enumerate(problem.heats):
        for i, op in enumerate(heat.operations):
            low, high = op.first, op.last
            if op.stage == lead_stage and op.started_min is None:
                slot, _ = counted.lead[h]
                low, high = slot - wide, slot + wide
            operation[h, i] = (max(low, op.first), min(high, op.last))
        _propagate(problem, h, operation, counted.cast.get(cast_of[h][0]) if h in cast_of else None, around)
        if heat.reheat is None:
            continue
        if operation[h, 0][0] == operation[h, 0][1]:
            free[h] = (_minute(problem, h, operation), free_minutes(search, h))
        elif heat.operations[0].started_min is None and heat.operations[heat.reheat].started_min is None:
            waiting[h] = (free_minutes(search, h), _worth(search, *operation[h, heat.reheat]))
    cast = {}
    for c, (u, slot) in counted.cast.items():
        made = problem.casts[c]
        low, high = max(slot - around, made.first[u]), min(slot + around, made.last[u])
        cast[c] = [(u, t) for t in range(low, high + 1) if problem.free[u, t : t + made.hold[u]].all()]
    return _named(search, Windows(operation, cast, {}, free, waiting), limit=max(search.left * 0.4, 1.0))


def _minute(problem: SlotProblem, h: int, operation: dict[tuple[int, int], tuple[int, int]]) -> float:
    started = problem.heats[h].operations[0].started_min
    return started if started is not None else operation[h, 0][0] * problem.step_min


def _worth(search: Search, low: int, high: int) -> float:
    """Mean weight of the slots in which a heat may be reheated."""
    weight = search.aim.both_weights(search.data)
    low, high = max(low, 0), min(high, len(weight) - 1)
    return float(weight[low : high + 1].mean()) if low <= high else 0.0


def _free_on(search: Search, h: int, units: tuple[int, ...]) -> float:
    """Minutes from a heat's first start to its reheating start in which nothing is lost, on these units."""
    heat, names = search.problem.heats[h], search.problem.units
    assert heat.reheat is not None
    total = 0.0
    for i in range(heat.reheat):
        total += heat.operations[i].minutes[units[i]]
        total += search.scenario.line.transfer_min(names[units[i]], names[units[i + 1]])
    return total


def free_minutes(search: Search, h: int) -> float:
    """Minutes from a heat's first start to its reheating start in which nothing is lost, on the quickest units."""
    heat, line = search.problem.heats[h], search.scenario.line
    assert heat.reheat is not None
    total = 0.0
    for i in range(heat.reheat):
        here, there = heat.operations[i], heat.operations[i + 1]
        total += min(here.minutes.values())
        total += min(
            line.transfer_min(search.problem.units[u], search.problem.units[v]) for u in here.units for v in there.units
        )
    return total


def _propagate(
    problem: SlotProblem,
    h: int,
    windows: dict[tuple[int, int], tuple[int, int]],
    cast: tuple[int, int] | None,
    around: int,
) -> None:
    """Tighten a heat's windows by its lags, the loosest of all pairs of units."""
    heat = problem.heats[h]
    last = len(heat.operations) - 1
    if last < 0:
        return
    low = [windows[h, i][0] for i in range(last + 1)]
    high = [windows[h, i][1] for i in range(last + 1)]
    for i, operation in enumerate(heat.operations):
        if operation.started_min is not None:
            low[i] = high[i] = int(np.floor(operation.started_min / problem.step_min))
    if cast is not None:
        unit, slot = cast
        column = problem.casts[problem.cast_of()[h][0]].units.index(unit)
        high[last] = min(high[last], slot + around - int(heat.least[last][:, column].min()))
        low[last] = max(low[last], slot - around - int(np.maximum(heat.most[last], heat.least[last])[:, column].max()))
    for i in range(1, last + 1):
        low[i] = max(low[i], low[i - 1] + int(heat.least[i - 1].min()))
        high[i] = min(high[i], high[i - 1] + int(np.maximum(heat.most[i - 1], heat.least[i - 1]).max()) + 1)
    for i in range(last - 1, -1, -1):
        if heat.operations[i].started_min is None:
            high[i] = min(high[i], high[i + 1] - int(heat.least[i].min()))
            low[i] = max(low[i], low[i + 1] - int(np.maximum(heat.most[i], heat.least[i]).max()))
    for i in range(last + 1):
        windows[h, i] = (low[i], high[i])


def _named(search: Search, windows: Windows, limit: float, start: Starts | None = None) -> bool:
    """Solve the named model; lower the import limit where reheating exceeded it, and solve again."""
    data = search.data
    until = time.perf_counter() + limit
    for _ in range(REPAIRS):
        began = time.perf_counter()
        with building():
            made = Named(search.problem, data, windows)
            if not made.possible:
                return False
            _cap(made.model, made.ports, search)
            made.model.goal = pyo.Objective(expr=search.aim.expression(made.ports) + made.extra + _early(search, made))
            if start is not None:
                made.begin(start)
        search.clock("build", began)
        began = time.perf_counter()
        outcome = solve(
            made.model,
            time_limit=max(min(until - began, search.left), 0.2),
            gap=search.gap / (10 if start is None else 50),
            start=start is not None,
            cancel=search.cancel,
        )
        search.clock("name heats" if start is None else "improve", began)
        if not outcome.found:
            return False
        starts = made.read()
        if search.offer(starts):
            return True
        over = excess(search.data, search.cells(starts))
        if search.data.battery is not None or over.max() <= 0 or until < time.perf_counter():
            return False
        held = np.zeros(len(over)) if data.held_back_mwh is None else data.held_back_mwh
        data = replace(search.data, held_back_mwh=held + over + 1e-6)
    return False


def _early(search: Search, made: Named) -> Any:
    from models.aim import EARLY

    scale = EARLY * float(np.abs(search.aim.weight(search.data)).mean()) + 1e-12
    m = made.model
    return scale * (sum(t * m.x[h, i, u, t] for h, i, u, t in m.START) + sum(t * m.z[c, u, t] for c, u, t in m.OPTION))


def _cap(model: pyo.ConcreteModel, ports: Any, search: Search) -> None:
    """Rows for the caps on cost and carbon. What stages left out will cost is known only when they are named."""
    aim = search.aim
    if aim.cost_cap is not None:
        model.cost_cap = pyo.Constraint(expr=ports.full_cost <= aim.cost_cap)
    if aim.carbon_cap is not None:
        model.carbon_cap = pyo.Constraint(expr=ports.carbon <= aim.carbon_cap)


def corridors(search: Search, width: int) -> bool:
    """Move some casts at a time by some slots, all others held, until no neighbourhood improves. True if any did."""
    ever = False
    while search.best is not None and not search.done():
        moved = [improve(search, some, width) for some in _neighbourhoods(search) if not search.done()]
        if not any(moved):
            break
        ever = True
    return ever


def _neighbourhoods(search: Search) -> list[list[int]]:
    """Heats that are moved together: those of each cast, and of each two casts that follow one another in time."""
    problem, best = search.problem, search.best
    assert best is not None
    casts = sorted(
        (c for c, cast in enumerate(problem.casts) if cast.started_min is None), key=lambda c: best.cast_slot[c]
    )
    if not casts:
        heats = [h for h, heat in enumerate(problem.heats) if heat.operations]
        heats.sort(key=lambda h: best.slot[h][0])
        return [heats[i : i + 6] for i in range(0, len(heats), 3)]
    pairs = [[a, b] for gap in (1, 2) for a, b in zip(casts, casts[gap:], strict=False)]
    return [[h for c in some for h in problem.casts[c].heats] for some in pairs or [casts]]


def improve(search: Search, heats: list[int], width: int) -> bool:
    """Move some heats by some slots, all others held. True where a better plan came out."""
    best, problem = search.best, search.problem
    assert best is not None
    moving = set(heats)
    operation, cast = {}, {}
    settled: dict[tuple[int, int], int] = {}
    free: dict[int, tuple[float, float]] = {}
    waiting: dict[int, tuple[float, float]] = {}
    for h, heat in enumerate(problem.heats):
        room = width if h in moving else 0
        for i in range(len(heat.operations)):
            operation[h, i] = (best.slot[h][i] - room, best.slot[h][i] + room)
            if room == 0:
                settled[h, i] = best.unit[h][i]
        r = heat.reheat
        if r is None or heat.operations[r].started_min is not None:
            continue
        if room == 0:
            free[h] = (best.minute(problem, h, 0), _free_on(search, h, best.unit[h]))
        elif heat.operations[0].started_min is not None:
            free[h] = (best.minute(problem, h, 0), free_minutes(search, h))
        else:
            waiting[h] = (free_minutes(search, h), _worth(search, best.slot[h][r] - 1, best.slot[h][r] + 2))
    for c, made in enumerate(problem.casts):
        if made.started_min is not None:
            continue
        at = best.cast_slot[c]
        if moving.isdisjoint(made.heats):
            cast[c] = [(best.cast_unit[c], at)]
            continue
        cast[c] = [
            (u, t)
            for u in made.units
            for t in range(max(at - width, made.first[u]), min(at + width, made.last[u]) + 1)
            if problem.free[u, t : t + made.hold[u]].all()
        ]
    return _named(search, Windows(operation, cast, settled, free, waiting), limit=min(search.left, STEP_S), start=best)
