"""Larger margins to be tried: those first for which a list of heats is at hand, as a search would find no plan else."""

from __future__ import annotations

from collections.abc import Iterator

import xarray as xr

from emberline.plans.robustness.holding.knobs import Knob, raised
from emberline.scenarios import Scenario

SHARES = (1.0, 0.75, 0.5, 0.25)
"""Shares of all raises that are tried where the level is far; near it a raise of half comes first."""


def larger(scenario: Scenario, raises: list[tuple[Knob, float]], like: xr.Dataset, *, far: bool) -> Iterator[Scenario]:
    """Scenarios with larger margins, the ones to be tried first first.

    Args:
        scenario: with the margins of the last plan.
        raises: margins and by how much they should be raised, the one that answers to most days first.
        like: the last schedule, whose order of casts is tried first.
        far: whether the level is far.
    """
    tries = [[(knob, by * share) for knob, by in raises] for share in SHARES[0 if far else 2 :]]
    if len(raises) > 1:
        tries += [[(knob, by / 2)] for knob, by in raises]
    candidates: list[Scenario] = []
    for one in tries:
        candidate = scenario
        for knob, by in one:
            candidate = raised(candidate, knob, by) or candidate
        if candidate is not scenario and candidate not in candidates:
            candidates.append(candidate)
    rest = []
    for candidate in candidates:
        if has_room(candidate, like):
            yield candidate
        else:
            rest.append(candidate)
    # a list that is not found proves nothing: the smallest raise of all, and that of the first margin, are searched for
    yield from rest[-len(raises) - 1 :][:2] if len(rest) == len(candidates) else ()


def has_room(scenario: Scenario, like: xr.Dataset) -> bool:
    """Whether the heats find places in a list that keeps the margins; of processes it is not known before."""
    from emberline import twin

    return not scenario.heats or bool(twin.dispatch(scenario, keeping=True, like=like).attrs["complete"])
