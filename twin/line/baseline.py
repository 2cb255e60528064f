"""Baseline policy of a line. The baseline respects every hard limit and ignores prices.

1. Orders are placed by due time, ties in file order; started and locked heats come first. If an order cannot be
   placed, other sequences are tried.
2. A cast (or a heat, if the line has no campaigns) takes the earliest start at which all of its heats can arrive in
   time and none waits too long, on the unit on which the cast ends first. Its heats pass the earlier stages as soon as
   possible, each on the unit that finishes first.
3. Mean import over a metered interval never exceeds the import limit. The baseline relies on the PV forecast for this
   but not on the battery. An idle unit with energy states counts with its highest possible idle power.
4. After all heats are placed, those that would wait before reheating are melted later, as late as their start at the
   reheating stage allows, because a waiting ladle costs energy.

Starts lie on whole steps, but the heats of a cast follow the first without a gap. Durations are planning durations.
Longest waits count from the end of the nominal duration, so that they also hold in a run without disturbances.
This is serial schedule generation: Kolisch, "Serial and parallel resource-constrained project scheduling methods
revisited", European Journal of Operational Research 90 (1996).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import xarray as xr

from emberline.scenarios import Case, effort
from emberline.scenarios.datasets import SCHEDULE, Policy, check
from emberline.scenarios.line.tables import LineShop, nominal, shop, with_margins
from emberline.twin.line.line import ListReplay
from emberline.twin.line.operations import Operations, planned_durations
from emberline.twin.line.placing import CastGroup, Placing
from emberline.twin.recorder import trajectory
from emberline.twin.site.site import SiteGrid, variables

TRIES = 40
"""Number of sequences that the baseline tries before it leaves an order unplaced."""
PER_PLACE = 5e-5
"""Effort of placing an operation."""
PAINS = 7200
"""Number of placements of heats for a schedule with margins, which is harder to find: 300 sequences of 24 heats a day.
Only the heats placed before a failure count, so that sequences that fail early are cheap."""


def coupled(table: LineShop) -> bool:
    """Whether heats depend on each other by more than the queue for a unit, so that a schedule is needed."""
    return (
        table.campaign >= 0
        or any(stage.longest_wait_min is not None for stage in table.scenario.line.stages[:-1])
        or table.scenario.site.grid.import_limit_mw is not None
        or bool(table.scenario.locks)
        or bool(table.scenario.line.changeovers)
    )


def rank(table: LineShop) -> list[int]:
    """Heats by due time, ties in file order."""
    return sorted(range(len(table.names)), key=lambda h: (table.due[h], h))


def dispatch_heats(
    scenario: Case,
    envelope: xr.Dataset | None = None,
    *,
    keeping: bool = False,
    like: xr.Dataset | None = None,
    over: Callable[[], bool] | None = None,
) -> xr.Dataset:
    """Baseline schedule, a dataset of table ``SCHEDULE``, with the flows of a run without disturbances.

    Args:
        scenario: the scenario.
        envelope: envelope from the twin (table ``ENVELOPE``), whose planning durations are used unless margins change
            them. None: planning durations are calculated.
        keeping: whether the baseline keeps the margins of the plan.
        like: schedule (table ``SCHEDULE``) whose order of casts is tried first, instead of the order of due times.
        over: polled when an order cannot be placed; True: no other sequences are tried.

    The attribute ``complete`` is 0 if a heat could not be placed; ``unplaced`` names these heats.
    """
    table = shop(scenario)
    if envelope is None or scenario.disturbances.margins:
        planned = planned_durations(table, with_margins=keeping)
    else:
        planned = envelope["planned_min"].values
    grid = SiteGrid(_calmer(scenario, keeping))
    pains = PAINS if keeping else 0
    placing = _list(with_margins(table) if keeping else table, planned.tolist(), grid, pains, like, over)
    placing.melt_later()
    placing.table = nominal(table)
    return _schedule(placing)


def _calmer(scenario: Case, keeping: bool) -> Case:
    """Scenario with its import limit reduced by the margin of the plan, if the margin is kept."""
    limit, margin = scenario.site.grid.import_limit_mw, scenario.disturbances.import_margin_mw
    if not keeping or limit is None or not margin:
        return scenario
    grid = scenario.site.grid.model_copy(update={"import_limit_mw": limit - margin})
    return scenario.model_copy(update={"site": scenario.site.model_copy(update={"grid": grid})})


def _groups(table: LineShop) -> list[CastGroup]:
    locked = {lock.heat for lock in table.scenario.locks}
    by_order: dict[str, list[int]] = {}
    for h, name in enumerate(table.orders):
        by_order.setdefault(name, []).append(h)
    groups = []
    for order in table.scenario.orders:
        heats = by_order[order.name]
        for members in [heats] if table.campaign >= 0 else [[h] for h in heats]:
            stage = table.route[members[0]][-1]
            allowed = [
                u
                for u in table.units_of[stage]
                if (not order.units or table.stage_of[u] != len(table.stages) - 1 or table.units[u] in order.units)
                and all(not math.isnan(table.duration[h][u]) for h in members)
            ]
            fixed_heats = [h for h in members if (h, stage) in table.started]
            remaining = [h for h in members if h not in fixed_heats]
            under_way = max(fixed_heats, key=lambda h: table.started[h, stage][0]) if fixed_heats else None
            urgent = bool(fixed_heats) or any(
                table.names[h] in locked or any((h, k) in table.started for k in table.route[h]) for h in remaining
            )
            due = min(table.due[h] for h in members)
            if remaining:
                groups.append(CastGroup(remaining, stage, allowed, due, under_way, urgent))
    return groups


def _list(
    table: LineShop,
    planned: list[list[float]],
    grid: SiteGrid,
    pains: int,
    like: xr.Dataset | None,
    over: Callable[[], bool] | None,
) -> Placing:
    """Baseline schedule. If an order cannot be placed, this order and those before it are tried in other sequences."""
    sequence = sorted(_groups(table), key=lambda group: (not group.urgent, group.due))
    if like is not None:
        begins = like["start_min"].max("stage").to_series()
        sequence.sort(key=lambda group: (not group.urgent, float(begins[table.names[group.heats[0]]])))
    generator = np.random.Generator(np.random.Philox(key=0))
    furthest, best = -1, sequence
    tries = 0
    while tries < TRIES or pains > 0:
        trial = Placing(table, planned, grid)
        effort.spend(PER_PLACE * sum(len(route) for route in table.route))
        if table.scenario.line.changeovers:
            trial.follow(sequence)
            return trial
        failed = trial.place(sequence, stop=True)
        if failed is None:
            return trial
        if failed > furthest:
            furthest, best = failed, sequence
        if over is not None and over():
            break
        tries += 1
        pains -= sum(len(group.heats) for group in sequence[: failed + 1])
        sequence = _other(best, furthest, generator)
    trial = Placing(table, planned, grid)
    trial.place(best)
    return trial


def _other(sequence: list[CastGroup], failed: int, generator: np.random.Generator) -> list[CastGroup]:
    """Sequence in which the group that failed comes earlier, shuffled among groups with the same due time."""
    group = sequence[failed]
    ahead = [i for i in range(failed) if sequence[i].due == group.due and sequence[i].urgent == group.urgent]
    if not ahead:
        place = int(generator.integers(max(failed, 1)))
        return [*sequence[:place], group, *sequence[place:failed], *sequence[failed + 1 :]]
    variant = list(sequence)
    places = [*ahead, failed]
    for place, source in zip(places, generator.permutation(places).tolist(), strict=True):
        variant[place] = sequence[source]
    return variant


def _schedule(placed: Placing) -> xr.Dataset:
    """Placed operations as a dataset of table ``SCHEDULE``, with the flows of a run without disturbances."""
    table, left_out = placed.table, set(placed.unplaced)
    shape = len(table.names), len(table.stages)
    unit = np.full(shape, "", dtype=f"U{max((len(name) for name in table.units), default=1)}")
    start, end, extra = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    plan = []
    for h, route in enumerate(table.route):
        for k in route:
            place = placed.places.get((h, k))
            if place is None or (h in left_out and (h, k) not in table.started):
                break
            unit[h, k], start[h, k], end[h, k] = table.units[place.unit], place.start, place.end
            plan.append((h, k, place.unit, place.start, place.end))
    operations = Operations(table, plan, placed.unplaced)
    history = ListReplay(operations, operations.arrays["duration"].tolist(), {}).run()
    ran = trajectory(operations, history, np.ones(len(operations)), placed.grid, None, disturbed=False)
    extra[ran.work.heat, operations.arrays["stage"][ran.indices]] = ran.work.extra_mwh
    data = placed.grid.dataset(
        {
            "unit": (("heat", "stage"), unit),
            "start_min": (("heat", "stage"), start),
            "end_min": (("heat", "stage"), end),
            "extra_mwh": (("heat", "stage"), extra),
            **variables(ran.flows),
        },
        {"heat": list(table.names), "stage": list(table.stages)},
    )
    data.attrs = {
        "policy": Policy.BASELINE.value,
        "complete": int(not placed.unplaced),
        "unplaced": ", ".join(table.names[h] for h in sorted(placed.unplaced)),
    }
    return check(data, SCHEDULE)
