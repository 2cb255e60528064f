"""Larger margins to try: first those for which a list of heats exists, since a search finds no plan without one."""

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
    """Yield scenarios with larger margins, each with a list of heats if there is one, in the order to try them.

    Args:
        scenario: scenario with the margins of the last plan.
        raises: margins and their raises, the one responsible for most days first.
        like: last schedule, whose order of casts is tried first.
        far: whether the plan is far below the level.
        over: polled during the search for lists.
    """
    remaining = []
    every = list(candidates(scenario, raises, far=far))
    for candidate in every:
        lists = listed(candidate, like, over)
        if lists is None:
            remaining.append(candidate)
        else:
            yield candidate, lists
    # a missing list proves nothing: search the smallest overall raise and that of the first margin
    if far and len(remaining) == len(every):
        yield from ((candidate, ()) for candidate in remaining[-len(raises) - 1 :][:2])


def candidates(scenario: Case, raises: list[tuple[Margin, float]], *, far: bool) -> Iterator[Case]:
    """Yield scenarios with larger margins in the order to try them; arguments as for :func:`larger`."""
    tries = [[(margin, by * share) for margin, by in raises] for share in HOLDING.raise_shares[0 if far else 2 :]]
    if len(raises) > 1:
        tries += [[(margin, by / 2)] for margin, by in raises]
    every: list[Case] = []
    for trial in tries:
        candidate = scenario
        for margin, by in trial:
            candidate = raised(candidate, margin, by) or candidate
        if candidate is not scenario and candidate not in every:
            every.append(candidate)
            yield candidate


def listed(scenario: Case, like: xr.Dataset, over: Callable[[], bool]) -> tuple[xr.Dataset, ...] | None:
    """Return a list that keeps the margins of a scenario; None: none was found soon; empty: no producer follows a list.

    Args:
        scenario: scenario with its margins.
        like: schedule whose order of casts is tried first.
        over: polled while other orders are tried.
    """
    from emberline import twin

    if not any(rules.as_list for rules in map(shift_rules, scenario.producers)):
        return ()
    tries = count(1)
    schedule = twin.dispatch(scenario, keeping=True, like=like, over=lambda: over() or next(tries) >= HOLDING.orders)
    return (schedule,) if schedule.attrs["complete"] else None
