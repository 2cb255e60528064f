"""Scenarios of any size, made from the bundled ones and the neutral hub."""

from __future__ import annotations

import json
from dataclasses import replace

from benchmarks.peers import hub
from emberline.scenarios import Case, load

WINTER = "2026-01-05"
"""A Monday from which no clock changes for long."""
PER_DAY = 24
"""Heats of the reference shop's day."""


def of_heats(heats: int, time_limit_s: float) -> Case:
    """The reference shop with so many heats: the bundled week's casts one after the other, 24 heats a day.

    Args:
        heats: the last cast is shortened where it must be.
        time_limit_s: of the goal.
    """
    week = load("melt-shop-week")
    days = -(-heats // PER_DAY)
    orders, remaining = [], heats
    for n in range(heats):
        if not remaining:
            break
        order = week.orders[n % len(week.orders)]
        rows = []
        for batch in order.heats:
            count = min(batch.count, remaining)
            remaining -= count
            if count:
                rows.append({"grade": batch.grade, "count": count})
        orders.append(
            {"name": f"cast {n + 1}", "due": f"{(heats - remaining - 1) // PER_DAY * 24 + 24} h", "heats": rows}
        )
    return load(
        "melt-shop-week",
        [
            f"orders={json.dumps(orders)}",
            f"horizon={{start: {WINTER}, zone: Europe/Berlin, length_h: {days * 24}, step_min: 15}}",
            f"goal.effort={time_limit_s:g}",
        ],
    )


def hub_of_copies(copies: int) -> hub.HubCase:
    """A week of the neutral hub with each machine and store several times, no two quite alike."""
    case = next(case for case in hub.cases() if case.name == "week")
    worse = [1 - 0.004 * k for k in range(copies)]
    grid = replace(
        case.grid,
        import_limit_mw=case.grid.import_limit_mw * copies,
        export_limit_mw=case.grid.export_limit_mw * copies,
    )
    return replace(
        case,
        name=f"week-{copies}",
        grid=grid,
        loads=[replace(one, mw=[mw * copies for mw in one.mw]) for one in case.loads],
        solar=[replace(one, name=f"{one.name} {k}") for one in case.solar for k in range(copies)],
        chps=[
            replace(one, name=f"{one.name} {k}", electric_efficiency=one.electric_efficiency * share)
            for one in case.chps
            for k, share in enumerate(worse)
        ],
        boilers=[
            replace(one, name=f"{one.name} {k}", efficiency=one.efficiency * share)
            for one in case.boilers
            for k, share in enumerate(worse)
        ],
        heat_pumps=[
            replace(one, name=f"{one.name} {k}", cop=[value * share for value in one.cop])
            for one in case.heat_pumps
            for k, share in enumerate(worse)
        ],
        stores=[
            replace(one, name=f"{one.name} {k}", out_efficiency=one.out_efficiency * share)
            for one in case.stores
            for k, share in enumerate(worse)
        ],
    )
