"""Larger margins to be tried: those first for which a list of heats is at hand, as a search would find no plan else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import xarray as xr

from emberline.planning.plan.start_lists import shift_rules
from emberline.planning.robustness.holding.margins import Margin, raised
from emberline.planning.robustness.holding.tuning import HOLDING
from emberline.scenarios import Case


def larger(
    scenario: Case,
    raises: list[tuple[Margin, float]],
    like: xr.Dataset,
    *,
    far: bool,
    over: Callable[[], bool],
) -> Iterator[tuple[Case, tuple[xr.Dataset, ...]]]:
    """Scenarios with larger margins and the list of each where there is one, the ones to be tried first first.

    Args:
        scenario: with the margins of the last plan.
        raises: margins and by how much they should be raised, the one that answers to most days first.
        like: the last schedule, whose order of casts is tried first.
        far: whether the level is far.
        over: polled while lists are looked for.
    """
    remaining = []
    every = list(candidates(scenario, raises, far=far))
    for candidate in every:
        lists = listed(candidate, like, over)
        if lists is None:
            remaining.append(candidate)
        else:
            yield candidate, lists
    # a list that is not found proves nothing: the smallest raise of all, and that of the first margin, are searched for
    if far and len(remaining) == len(every):
        yield from ((candidate, ()) for candidate in remaining[-len(raises) - 1 :][:2])


def candidates(scenario: Case, raises: list[tuple[Margin, float]], *, far: bool) -> Iterator[Case]:
    """Scenarios with larger margins, the ones to be tried first first; as of :func:`larger`."""
    tries = [[(margin, by * share) for margin, by in raises] for share in HOLDING.raise_shares[0 if far else 2 :]]
    if len(raises) > 1:
        tries += [[(margin, by / 2)] for margin, by in raises]
    every: list[Case] = []
    for one in tries:
        candidate = scenario
        for margin, by in one:
            candidate = raised(candidate, margin, by) or candidate
        if candidate is not scenario and candidate not in every:
            every.append(candidate)
            yield candidate


def listed(scenario: Case, like: xr.Dataset, over: Callable[[], bool]) -> tuple[xr.Dataset, ...] | None:
    """A list that keeps the margins of a scenario; None: none is soon found, empty: its producer follows no list.

    Args:
        scenario: with its margins.
        like: a schedule whose order of casts is tried first.
        over: polled while other orders are tried.
    """
    from emberline import twin

    if not any(rules.as_list for rules in map(shift_rules, scenario.producers)):
        return ()
    tries = count(1)
    schedule = twin.dispatch(scenario, keeping=True, like=like, over=lambda: over() or next(tries) >= HOLDING.orders)
    return (schedule,) if schedule.attrs["complete"] else None
