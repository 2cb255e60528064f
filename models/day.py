"""Planning a horizon as a whole: a bound, a pooled plan told apart into heats, and neighbourhoods of what comes out.

1. Beside all else: the bound (``models/bound.py``).
2. A pooled plan of averaged heats near its relaxation: when the leading stage melts, and where the casts lie.
3. Named heats around it. The import limit is priced here, not hard: a plan that breaks it a little is a better place
   to go on from than one that keeps it and is far off.
4. Every heat moved by a slot; two casts exchanged; the heats of one or two casts moved by some slots, all others held,
   until nothing improves any more.

Every plan is judged by its own figures, whatever made it. Mixed-integer programs are solved around their relaxation:
that is where good plans lie, and HiGHS would look there last.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pyomo.environ as pyo

from models import quarters
from models.aim import EARLY
from models.average import averaged, differences
from models.bound import rising
from models.guide import Guide
from models.named import Named, Windows
from models.pooled import Pooled, leading_stage
from models.rens import Counted, read, surroundings
from models.search import Search
from models.slots import SlotProblem
from models.solve import Program
from models.starts import Starts
from models.templates import building

SURROUNDINGS = ((0, 0), (1, 0), (1, 1), (2, 4))
"""How far a pooled plan may leave its relaxation, closest first: counts, and slots around casts with weight."""
NAMING = 2
"""By how many slots leading starts and casts may leave the pooled plan, and then the plan that uses units twice."""
ROUNDS = 10
"""How often a plan that uses units twice is solved again, each time with that priced higher."""
PATIENCE = 2
"""Rounds in which the double use may stay as it is."""
OVERLAP = 0.004
"""What a slot of double use counts at first, as a share of what the line's energy is worth."""
WIDTHS = (4, 10, 20, 40)
"""Slots by which heats may move in a step of improvement: wider when no step helps any more."""
LONG_SLOTS = 200
"""More slots than these: the interior-point method is the quicker one for a first relaxation."""
NEAR_H = 24.0
"""Hours within which casts change places."""
FIRM = 32
"""How much more than at first double use counts where it must go at once."""
FEW = 8
"""Slots of double use that are few: then it is tried at once to get rid of them, every heat moved by a slot."""
STEP_S = 3.0
"""Seconds that one step of improvement may take."""
NAMING_S = 4.0
"""Seconds that one naming may take while others are left to try."""
RELAXATIONS = 5
"""A naming may take so many times as long as its relaxation."""
STALL_S = 0.7
"""Seconds without a better pooled plan after which it is taken."""
SHARE = 0.4
"""Share of the time left that one pooled plan may take."""
BEGINNINGS = (0.0, 0.5, 0.99, None)
"""How lags of averaged heats are rounded (nearest slot, up, down; None: heats as they are): each leads to another
plan."""
SAME = 5e-4
"""Difference, as a share, below which two pooled plans count as the same."""
GAIN = 1e-4
"""Gain, as a share of the plan, for which a cheap step is repeated."""


def run(search: Search) -> None:
    """Search until the gap or the limit is reached."""
    with rising(search) as proof:
        for rounding in () if _from_coarser(search) else BEGINNINGS:
            if search.done():
                break
            with search.afresh():
                first_plan(search, rounding)
                walk(search, 1)
                exchange(search)
                corridors(search, WIDTHS[0])
        polish(search)
        # nothing better is in sight: wait for the proof
        while proof.is_alive() and not search.done():
            proof.join(0.1)
    search.tell()


def _from_coarser(search: Search) -> bool:
    """Begin with the plan of a coarser grid, where there is one."""
    if search.coarser is None:
        return False
    began = time.perf_counter()
    inner = search.coarser(search)
    run(inner)
    starts = quarters.finer(inner, search)
    search.clock("coarse plan", began)
    return starts is not None and search.offer(starts)


def polish(search: Search) -> None:
    """Improve the plan step by step, wider where no step helps any more, until none does."""
    improving = True
    while improving and not search.done() and search.draft is not None:
        before = search.draft_rank
        for width in WIDTHS:
            if corridors(search, width) | exchange(search):
                walk(search)
        improving = search.draft_rank < before


def walk(search: Search, widest: int = 2) -> None:
    """Move every heat by a slot or two, as long as it pays: cheap, and it leads far."""
    everyone = [h for h, heat in enumerate(search.problem.heats) if heat.operations]
    for width in range(1, widest + 1):
        while not search.done() and search.draft is not None:
            before = search.draft_rank
            if not improve(search, everyone, width) or before - search.draft_rank < GAIN * abs(before):
                break


def first_plan(search: Search, rounding: float | None) -> bool:
    """A pooled plan told apart into heats. True where one came out that is better than what there was.

    Args:
        search: takes the plan.
        rounding: how the lags of averaged heats are rounded; None: count heats as they are, which takes longer.
    """
    began = time.perf_counter()
    problem, guide = search.problem, search.planning
    lead = leading_stage(problem)
    mean = rounding is not None
    with building():
        line = averaged(problem, lead, rounding) if rounding is not None else problem
        made = Pooled(line, guide.data, bounding=not mean, whole_total=not mean)
        if not made.possible:
            return False
        own: Any = 0.0
        if mean:
            more = differences(problem, line, lead, guide.aim.both_weights(guide.data))
            m = made.model
            own = sum(more[c, problem.casts[c].units[k], t] * m.z[c, k, t] for c, k, t in m.OPTION)
        made.model.goal = pyo.Objective(rule=lambda m: guide.aim.expression(made.ports) + own)
        program = Program(made.model)
    search.clock("build", began)
    began = time.perf_counter()
    relaxed = program.run(
        time_limit=max(search.left, 0.5), relax=True, ipm=not mean or problem.n_slots > LONG_SLOTS, cancel=search.done
    )
    if not relaxed.found:
        search.clock("plan", began)
        return False
    places = [list(surroundings(made, slack, around)) for slack, around in SURROUNDINGS]
    tried: list[float] = []
    plans: list[tuple[Counted, Starts | None]] = []
    # furnaces and casters lie as the pooled plan has them; where that leads nowhere, no unit is sure
    everything = set(range(len(problem.units)))
    fed = everything.difference(problem.stage_units[lead], problem.stage_units[-1] if problem.campaign else ())
    for place in places:
        began = time.perf_counter()
        program.restrict(place)
        limit = max(search.left * SHARE, 0.5)
        patience = Patience(search.done)
        outcome = program.run(time_limit=limit, gap=search.gap / 2, on_progress=patience.tell, cancel=patience.over)
        search.clock("plan", began)
        # wider places often hold the same plan
        if outcome.objective is not None and all(abs(outcome.objective - one) > SAME * abs(one) for one in tried):
            tried.append(outcome.objective)
            counted = read(made, problem)
            named, draft = name_heats(search, counted, fed, hurried=True)
            if named:
                return True
            plans.append((counted, draft))
        if search.left <= 0.1 or search.done():
            return False
    for counted, draft in plans:
        if draft is not None and name_heats(search, counted, fed, draft)[0]:
            return True
    return any(name_heats(search, counted, everything)[0] for counted, _ in plans)


class Patience:
    """Ends a search for a pooled plan that has found one and no better one for a while: it is only a guide."""

    def __init__(self, over: Callable[[], bool]) -> None:
        self._over = over
        self._best: float | None = None
        self._since = 0.0

    def tell(self, event: dict[str, Any]) -> None:
        """Hear of the search's progress."""
        if event["incumbent"] is not None and event["incumbent"] != self._best:
            self._best, self._since = event["incumbent"], time.perf_counter()

    def over(self) -> bool:
        """Whether to end it."""
        return self._over() or (self._best is not None and time.perf_counter() - self._since > STALL_S)


def name_heats(
    search: Search, counted: Counted, loose: Collection[int], draft: Starts | None = None, *, hurried: bool = False
) -> tuple[bool, Starts | None]:
    """Tell heats apart around a pooled plan.

    A pooled plan fills units better than single heats can. So units may be used twice at first, at a price that rises
    until they are not.

    Args:
        search: takes the plan.
        counted: the pooled plan.
        loose: units that may be used twice at first.
        draft: a plan that uses units twice, to go on from.
        hurried: leave off where this takes long and leaves much double use.

    Returns:
        Whether a better plan came out, and if not what there is, if anything.
    """
    problem = search.problem
    around = _around(problem, counted, NAMING, NAMING) if draft is None else _near(problem, draft, NAMING)
    price = _overlap_price(search)
    rise = price if draft is None else 2 * price
    least, idle = math.inf, 0
    for _ in range(ROUNDS):
        if search.left <= 0.1 or search.done() or idle > PATIENCE:
            break
        limit = min(NAMING_S, max(search.left, 0.5))
        found, twice, cut = _named(search, around, limit, "name heats", draft, loose, rise, gap=search.gap / 2)
        if found is None:
            break
        draft = found
        if twice < 0.5:
            return search.offer(draft), None
        if twice <= FEW and _told_apart(search, draft, FIRM * price):
            return True, None
        idle = 0 if twice < least - 0.5 else idle + 1
        if twice > FEW and (idle or (hurried and cut)):
            break
        least, rise = min(twice, least), 2 * rise
        around = _near(problem, draft, NAMING + idle)
    return False, draft


def _told_apart(search: Search, draft: Starts, price: float) -> bool:
    """Move every heat by a slot until no unit is used twice, as long as it helps. True where a better plan came out."""
    everything = set(range(len(search.problem.units)))
    plan: Starts | None = draft
    least = math.inf
    while plan is not None and not search.done():
        windows = _near(search.problem, plan, 1)
        plan, left, _ = _named(search, windows, min(search.left, STEP_S), "name heats", plan, everything, price)
        if plan is not None and left < 0.5:
            return search.offer(plan)
        if left > least - 0.5:
            break
        least = left
    return False


def _overlap_price(search: Search) -> float:
    """What a slot of double use counts at first."""
    return OVERLAP * float(np.abs(search.aim.both_weights(search.data)).mean()) * line_mwh(search.problem)


def line_mwh(problem: SlotProblem) -> float:
    """What the heats that have something left to start take, reheating left out [MWh]."""
    return sum(
        float(np.mean([cells.sum() for cells in operation.cells.values()]))
        for heat in problem.heats
        for operation in heat.operations
        if operation.started_min is None
    )


def _near(problem: SlotProblem, plan: Starts, width: int, moving: set[int] | None = None) -> Windows:
    """Windows around a plan; where some heats move, all others are held."""
    operation: dict[tuple[int, int], tuple[int, int]] = {}
    cast: dict[int, list[tuple[int, int]]] = {}
    settled: dict[tuple[int, int], int] = {}
    for h, heat in enumerate(problem.heats):
        room = width if moving is None or h in moving else 0
        for i in range(len(heat.operations)):
            operation[h, i] = (plan.slot[h][i] - room, plan.slot[h][i] + room)
            if room == 0:
                settled[h, i] = plan.unit[h][i]
    for c, made in enumerate(problem.casts):
        if made.started_min is None:
            still = moving is not None and moving.isdisjoint(made.heats)
            at = (plan.cast_unit[c], plan.cast_slot[c])
            cast[c] = [at] if still else _options(problem, c, at[1], width)
    return Windows(operation, cast, settled)


def _around(problem: SlotProblem, counted: Counted, wide: int, around: int) -> Windows:
    lead_stage = leading_stage(problem)
    operation: dict[tuple[int, int], tuple[int, int]] = {}
    cast_of = problem.cast_of()
    for h, heat in enumerate(problem.heats):
        for i, op in enumerate(heat.operations):
            low, high = op.first, op.last
            if op.stage == lead_stage and op.started_min is None:
                slot = counted.lead[h]
                low, high = slot - wide, slot + wide
            operation[h, i] = (max(low, op.first), min(high, op.last))
        _propagate(problem, h, operation, counted.cast.get(cast_of[h][0]) if h in cast_of else None, around)
    return Windows(operation, {c: _options(problem, c, slot, around) for c, (_, slot) in counted.cast.items()})


def _options(problem: SlotProblem, c: int, slot: int, around: int) -> list[tuple[int, int]]:
    """Caster and slot of each place of a cast near a slot."""
    cast = problem.casts[c]
    return [
        (u, t)
        for u in cast.units
        for t in range(max(slot - around, cast.first[u]), min(slot + around, cast.last[u]) + 1)
        if problem.free[u, t : t + cast.hold[u]].all()
    ]


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


def _named(
    search: Search,
    windows: Windows,
    limit: float,
    phase: str,
    start: Starts | None,
    loose: Collection[int] = (),
    overlap: float = 0.0,
    gap: float | None = None,
) -> tuple[Starts | None, float, bool]:
    """The best plan of named heats near the relaxation within windows.

    Args:
        search: takes the time.
        windows: where starts may lie.
        limit: seconds.
        phase: what the seconds are told as.
        start: a plan within the windows.
        loose: units that may be used twice at a time.
        overlap: what a slot of that counts.
        gap: at which the search may stop; None: a tenth of what is asked for.

    Returns:
        The plan, how many slots units are used twice in, and whether time ended the search.
    """
    began = time.perf_counter()
    until = began + limit
    with building():
        guide = search.planning
        made = Named(search.problem, guide.data, windows, loose)
        if not made.possible:
            return None, 0.0, False
        aim = _aim(guide, made)
        twice = overlap * made.twice if loose else 0.0
        made.model.goal = pyo.Objective(rule=lambda m: aim(m) + twice)
        program = Program(made.model)
        if start is not None:
            made.begin(start)
    search.clock("build", began)
    began = time.perf_counter()

    def left() -> float:
        return max(min(until - time.perf_counter(), search.left), 0.2)

    # the start is kept by the solver, what the relaxation holds goes into the variables
    relaxed = program.run(time_limit=left(), relax=True, cancel=search.done)
    outcome = relaxed
    # on a slow machine, or a busy one, all takes longer
    until = max(until, time.perf_counter() + RELAXATIONS * relaxed.seconds)
    if relaxed.found:
        program.restrict(made.surroundings(1, start))
        if start is not None:
            made.begin(start)
        gap = search.gap / 10 if gap is None else gap
        outcome = program.run(time_limit=left(), gap=gap, start=start is not None, cancel=search.done)
    search.clock(phase, began)
    if not outcome.found or outcome is relaxed:
        return None, 0.0, True
    return made.read(), float(pyo.value(made.twice)), outcome.status != "optimal"


def _aim(guide: Guide, made: Named) -> Callable[[Any], Any]:
    """Rule of an objective: both goals, what breaking import limit and caps counts, early starts among equals."""
    aim, data, m = guide.aim, guide.data, made.model
    caps = aim.caps(data)
    m.CAP = pyo.RangeSet(0, len(caps) - 1)
    m.above = pyo.Var(m.CAP, domain=pyo.NonNegativeReals)
    m.cap = pyo.Block(m.CAP)
    for k, (name, top, _) in enumerate(caps):
        m.cap[k].kept = pyo.Constraint(rule=made.ports.at_most(name, top, m.above[k]))

    broken = aim.over_price(data) * made.ports.over + sum(price * m.above[k] for k, (_, _, price) in enumerate(caps))
    scale = EARLY * float(np.abs(aim.weight(data)).mean()) + 1e-12
    early = sum(t * m.x[h, i, u, t] for h, i, u, t in m.START) + sum(t * m.z[c, u, t] for c, u, t in m.OPTION)
    return lambda m: aim.expression(made.ports) + broken + scale * early


def corridors(search: Search, width: int) -> bool:
    """Move some casts at a time by some slots, all others held, until no neighbourhood improves. True if any did."""
    ever = False
    while search.draft is not None and not search.done():
        moved = [improve(search, some, width) for some in _neighbourhoods(search) if not search.done()]
        if not any(moved):
            break
        ever = True
    return ever


def _neighbourhoods(search: Search) -> list[list[int]]:
    """Heats that are moved together: those of each cast, and of each two casts that follow one another in time."""
    problem, best = search.problem, search.draft
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


def exchange(search: Search) -> bool:
    """Let two casts of equally many heats change places, which corridors cannot. True where a better plan came out."""
    problem, ever, better = search.problem, False, True
    waiting = [c for c, cast in enumerate(problem.casts) if cast.started_min is None]
    while better:
        better = False
        for c, d in itertools.combinations(waiting, 2):
            if search.done() or search.draft is None:
                return ever
            near = abs(search.draft.cast_slot[c] - search.draft.cast_slot[d]) * problem.step_min <= NEAR_H * 60
            if near and _alike(problem, c, d):
                swapped = _swapped(problem, search.draft, c, d)
                better |= _told_apart(search, swapped, FIRM * _overlap_price(search))
        ever |= better
    return ever


def _alike(problem: SlotProblem, c: int, d: int) -> bool:
    """Whether two casts have equally many heats, each with as many operations to come as the other's."""
    one, other = ([len(problem.heats[h].operations) for h in problem.casts[k].heats] for k in (c, d))
    return one == other


def _swapped(problem: SlotProblem, plan: Starts, c: int, d: int) -> Starts:
    """A plan with the places of two casts and of their heats exchanged; it need not keep the lags."""
    unit, slot = list(plan.unit), list(plan.slot)
    for g, h in zip(problem.casts[c].heats, problem.casts[d].heats, strict=True):
        unit[g], unit[h], slot[g], slot[h] = unit[h], unit[g], slot[h], slot[g]
    cast_unit, cast_slot = list(plan.cast_unit), list(plan.cast_slot)
    cast_unit[c], cast_unit[d] = cast_unit[d], cast_unit[c]
    cast_slot[c], cast_slot[d] = cast_slot[d], cast_slot[c]
    return Starts(tuple(unit), tuple(slot), tuple(cast_unit), tuple(cast_slot))


def improve(search: Search, heats: list[int], width: int) -> bool:
    """Move some heats by some slots, all others held. True where a better plan came out."""
    assert search.draft is not None
    windows = _near(search.problem, search.draft, width, set(heats))
    plan, _, _ = _named(search, windows, min(search.left, STEP_S), "improve", search.draft)
    return plan is not None and search.offer(plan)
