"""How a baseline spreads what a flexible load must take over its day."""

from __future__ import annotations

import math

from emberline.twin.site.assets.machine import TINY, MachineRun


def evenly(machine: MachineRun, day: tuple[range, float], t: int, hours: float) -> float:
    """Load in step ``t`` with which the rest of the day's amount is taken evenly, as a share of the capacity.

    Args:
        machine: the load; its loads until ``t`` tell what it has taken.
        day: steps of the local day, and what must be taken in them.
        t: the step.
        hours: length of a step.
    """
    steps, amount = day
    full = machine.core.capacity * hours
    rest = amount / full - float(machine.loads[steps.start : t].sum())
    least = machine.core.min_load
    able = [i for i in range(t, steps.stop) if machine.available[i] >= max(least, TINY)]
    if rest <= TINY or not able or able[0] != t:
        return 0.0
    load = _level(rest, [machine.available[i] for i in able])
    if load >= least:
        return load
    # in as few steps as its least load allows, from now on
    some = able[: max(math.floor(rest / least + 1e-9), 1)]
    return _level(rest, [machine.available[i] for i in some])


def _level(amount: float, tops: list[float]) -> float:
    """The level up to which vessels of these heights are filled by an amount; the highest one where they overflow."""
    rest, count = amount, len(tops)
    for top in sorted(tops):
        if rest <= top * count:
            return rest / count
        rest -= top
        count -= 1
    return max(tops)
