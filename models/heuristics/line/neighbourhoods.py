"""Steps that improve a plan: all starts at their best times, some casts moved, two casts exchanged."""

from __future__ import annotations

import itertools
import math

import numpy as np

from emberline.models.heuristics.line import minimum_cut_retiming
from emberline.models.heuristics.line.disaggregation import named, overlap_price, told_apart
from emberline.models.heuristics.line.start_windows import near
from emberline.models.problem.assignment import Starts
from emberline.models.problem.line_reader import SlotProblem
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import LINE


def polish(search: Search) -> None:
    """Improve the plan step by step, wider where no step helps any more, until none does."""
    improving = True
    while improving and not search.phase_over() and search.draft is not None:
        before = search.draft_rank
        retime(search)
        for width in LINE.widths:
            if corridors(search, width) | exchange(search):
                retime(search)
        improving = search.draft_rank < before


def retime(search: Search) -> bool:
    """All starts at their best times at once, units and sequences kept. True if that was better."""
    retiming = minimum_cut_retiming.of_search(search)
    if retiming is None or search.draft is None or search.phase_over():
        return False
    shop = retiming.shop
    shop.read(search.draft)
    places = retiming.best([placed for placed in shop.at if placed is not None], math.inf, search.phase_over)
    return places is not None and search.offer(shop.starts(places))


def corridors(search: Search, width: int) -> bool:
    """Move some casts at a time by some slots, all others held, until no neighbourhood improves. True if any did."""
    ever = False
    while search.draft is not None and not search.phase_over():
        moved = [improve(search, some, width) for some in _neighbourhoods(search) if not search.phase_over()]
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
            if search.phase_over() or search.draft is None:
                return ever
            near = abs(search.draft.cast_slot[c] - search.draft.cast_slot[d]) * problem.step_min <= LINE.exchange_h * 60
            if near and _alike(problem, c, d):
                swapped = _swapped(problem, search.draft, c, d)
                better |= told_apart(search, swapped, LINE.overlap_firm * overlap_price(search))
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


def shake(search: Search, chance: np.random.Generator, size: int) -> bool:
    """Plan some casts again, or heats where there are none, chosen by chance. True where a better plan came out.

    Half the time they lie together, and how far they may move is drawn as well.
    """
    problem, draft = search.problem, search.draft
    assert draft is not None
    groups = [cast.heats for cast in problem.casts if cast.started_min is None] or [
        (h,) for h, heat in enumerate(problem.heats) if any(o.started_min is None for o in heat.operations)
    ]
    if not groups:
        return False
    order = chance.permutation(len(groups))
    if chance.random() < 0.5:
        first = [min((t for h in group for t in draft.slot[h]), default=0) for group in groups]
        order = np.argsort([abs(at - first[order[0]]) for at in first], kind="stable")
    heats = [h for g in order[:size].tolist() for h in groups[g]]
    width = int(chance.choice((*LINE.widths, problem.n_slots)))
    return improve(search, heats, width, seconds=size * LINE.step_work, wide=bool(chance.random() < 0.5))


def improve(
    search: Search, heats: list[int], width: int, *, seconds: float = LINE.step_work, wide: bool = False
) -> bool:
    """Move some heats by some slots, all others held. True where a better plan came out.

    Args:
        search: has a draft.
        heats: to move.
        width: slots.
        seconds: at most.
        wide: far from the relaxation too.
    """
    assert search.draft is not None
    windows = near(search.problem, search.draft, width, set(heats))
    plan, _, _ = named(search, windows, min(search.remaining, seconds), "improve", search.draft, wide=wide)
    return plan is not None and search.offer(plan)
