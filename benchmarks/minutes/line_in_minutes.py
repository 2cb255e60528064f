"""The line in numbers, as the lateness goal needs it: heats, units, groups, what is fixed and what is still open.

Indices follow the scenario's order; times are minutes after the horizon's start. A *group* is what takes its last unit
as a whole: a cast, or a single heat where the line has no campaigns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import xarray as xr

from emberline.scenarios import Case
from emberline.scenarios.line import tables
from emberline.scenarios.line.tables import NEVER

Operation = tuple[int, int]
"""Heat and stage."""


@dataclass(frozen=True)
class Group:
    """Heats that follow each other without a gap on one unit of their last stage."""

    heats: tuple[int, ...]
    """Those whose last stage has not begun, in order."""
    stage: int
    units: tuple[int, ...]
    """Units that may take all of them."""
    offset: dict[int, tuple[float, ...]]
    """Start of each heat after the group's start, by unit [min]."""
    length: dict[int, float]
    """Minutes that the group takes, by unit."""
    start_min: float | None
    """Start that is forced, because a heat of the same cast is on the caster; None: free."""


class Place(NamedTuple):
    """An operation with its unit, start and planned end."""

    unit: int
    start: float
    end: float


@dataclass(frozen=True)
class Shop:
    """What the lateness goal decides upon."""

    heats: tuple[str, ...]
    order: tuple[str, ...]
    """Order of each heat."""
    units: tuple[str, ...]
    stages: tuple[str, ...]
    planned: list[list[float]]
    """Duration that the plan reckons with by heat and unit; nan where the heat cannot run there."""
    nominal: list[list[float]]
    transfer: list[list[float]]
    """By the unit that is left and the unit that is reached."""
    setup: list[float]
    longest: list[float]
    """Longest time from the nominal end of each stage to the start of the next, transfer included."""
    release: list[float]
    due: list[float]
    route: list[tuple[int, ...]]
    """Stages that each heat still runs through or has begun."""
    under_way: dict[tuple[int, int], Place]
    """Operations that have started before the horizon; what is over already ends by its nominal duration."""
    able: dict[tuple[int, int], tuple[int, ...]]
    """Units that may take a heat at a stage, locks and casters named by the order taken in."""
    window: dict[tuple[int, int], tuple[float, float]]
    """Earliest and latest start that the planner has locked, by heat and stage."""
    outages: list[list[tuple[float, float]]]
    groups: tuple[Group, ...]
    campaign: bool
    """Whether groups are casts."""
    integral: bool
    """Whether all data are whole minutes; then some best schedule has whole minutes only."""
    group_of: dict[int, int] = field(default_factory=dict)

    @cached_property
    def upstream(self) -> list[tuple[int, ...]]:
        """Stages of each heat, before its group's, that are still to be decided."""
        return [
            tuple(k for k in route if (h, k) not in self.under_way and (h not in self.group_of or k != route[-1]))
            for h, route in enumerate(self.route)
        ]

    @cached_property
    def waits(self) -> bool:
        """Whether any longest wait, latest start or forced start must be looked at."""
        forced = any(group.start_min is not None for group in self.groups)
        latest = any(window[1] < NEVER for window in self.window.values())
        return forced or latest or any(wait < NEVER for wait in self.longest[:-1])

    def arrival(self, heat: int) -> tuple[int, float]:
        """Where a heat is when the plan begins, and since when: (-1, release) if nothing of it has begun."""
        last = max((k for k in self.route[heat] if (heat, k) in self.under_way), default=-1)
        if last < 0:
            return -1, max(self.release[heat], 0.0)
        place = self.under_way[heat, last]
        return place.unit, place.end

    @cached_property
    def head(self) -> dict[tuple[int, int], float]:
        """Earliest start of a heat on a unit, by its own route alone, for every operation that is still open."""
        heads: dict[tuple[int, int], float] = {}
        for h, route in enumerate(self.route):
            place, since = self.arrival(h)
            before = [(place, since)]
            for k in route:
                if (h, k) in self.under_way:
                    continue
                low = max(0.0, self.window.get((h, k), (0.0, NEVER))[0])
                here = []
                for u in self.able[h, k]:
                    free = max(
                        (self._free(h, other, u) for other, item in self.under_way.items() if item.unit == u),
                        default=0.0,
                    )
                    heads[h, u] = max(low, free, min(t + (self.transfer[v][u] if v >= 0 else 0.0) for v, t in before))
                    here.append((u, heads[h, u] + self.planned[h][u]))
                before = here
        return heads

    def _free(self, heat: int, other: tuple[int, int], unit: int) -> float:
        """When a unit is free for a heat after an operation that has begun."""
        same_cast = self.campaign and other[1] == len(self.stages) - 1 and self.order[other[0]] == self.order[heat]
        return self.under_way[other].end + (0.0 if same_cast else self.setup[unit])

    def after_outages(self, unit: int, start: float, length: float) -> float:
        """Earliest start from ``start`` on at which a unit is available for ``length`` minutes."""
        for begin, over in self.outages[unit]:
            if start < over and start + length > begin:
                start = over
        return start

    def soonest(self, group: Group, unit: int) -> float:
        """Earliest start of a group on a unit, each heat by its own route alone."""
        if group.start_min is not None:
            return group.start_min
        return max(self.head[h, unit] - offset for h, offset in zip(group.heats, group.offset[unit], strict=True))

    @cached_property
    def tail(self) -> dict[tuple[int, int, int], float]:
        """Least time from the end of a heat's operation at a stage to its start on a unit of its last stage."""
        tails: dict[tuple[int, int, int], float] = {}
        for h, route in enumerate(self.route):
            if h not in self.group_of:
                continue
            for last in self.able[h, route[-1]]:
                after = {last: 0.0}  # from the start on a unit to the start on the last one
                for k in reversed(route[:-1]):
                    if (h, k) in self.under_way:
                        break
                    least = {u: min(self.transfer[u][v] + t for v, t in after.items()) for u in self.able[h, k]}
                    tails[h, k, last] = min(least.values())
                    after = {u: self.planned[h][u] + t for u, t in least.items()}
        return tails


def shop(scenario: Case, envelope: xr.Dataset) -> Shop:
    """The tables of a scenario's line, with durations and state from the twin's envelope (table ``ENVELOPE``).

    Raises:
        ValueError: a heat finds no unit, because locks and named units leave none.
    """
    heats, table = scenario.heats, tables.shop(scenario)
    guarded = tables.with_margins(table)  # margins lengthen transfers and shorten waits
    times = envelope.sel(heat=list(table.names), unit=list(table.units))
    planned, nominal = times["planned_min"].values.tolist(), times["duration_min"].values.tolist()
    under_way: dict[tuple[int, int], Place] = {}
    for (h, k), (start, u) in sorted(table.started.items()):
        over = start + nominal[h][u]
        under_way[h, k] = Place(u, start, start + planned[h][u] if over > 0 else over)
    named = {order.name: {table.unit_index[unit] for unit in order.units} for order in scenario.orders}
    able: dict[tuple[int, int], tuple[int, ...]] = {}
    for h, heat in enumerate(heats):
        for k in table.route[h]:
            allowed = named[heat.order] if k == len(table.stages) - 1 else set()
            locked = table.locks[h, k][0] if (h, k) in table.locks else None
            able[h, k] = tuple(
                u
                for u in table.units_of[k]
                if not math.isnan(planned[h][u]) and (not allowed or u in allowed) and locked in (None, u)
            )
            if not able[h, k] and (h, k) not in under_way:
                raise ValueError(f"no unit of stage {table.stages[k]} may take heat {heat.name}")
    window = {key: (earliest, latest) for key, (_, earliest, latest) in table.locks.items()}
    groups = _groups(scenario, table.route, under_way, able, planned)
    transfer = [[lag.least for lag in row] for row in guarded.lag[0]]
    longest = [guarded.lag[0][units[0]][0].most for units in guarded.units_of]
    """Of all grades alike."""
    flat = [value for rows in (planned, nominal, transfer) for row in rows for value in row]
    flat += [*table.setup, *longest, *table.release, *table.due]
    flat += [edge for spans in (*table.outages, window.values()) for span in spans for edge in span]
    flat += [value for item in under_way.values() for value in (item.start, item.end)]
    return Shop(
        heats=table.names,
        order=table.orders,
        units=table.units,
        stages=table.stages,
        planned=planned,
        nominal=nominal,
        transfer=transfer,
        setup=table.setup,
        longest=longest,
        release=table.release,
        due=table.due,
        route=table.route,
        under_way=under_way,
        able=able,
        window=window,
        outages=table.outages,
        groups=groups,
        campaign=table.campaign >= 0,
        integral=all(value == round(value) for value in flat if math.isfinite(value)),
        group_of={h: g for g, group in enumerate(groups) for h in group.heats},
    )


def _groups(
    scenario: Case,
    route: list[tuple[int, ...]],
    under_way: dict[tuple[int, int], Place],
    able: dict[tuple[int, int], tuple[int, ...]],
    planned: list[list[float]],
) -> tuple[Group, ...]:
    by_order: dict[str, list[int]] = {}
    for h, heat in enumerate(scenario.heats):
        by_order.setdefault(heat.order, []).append(h)
    groups = []
    for members in by_order.values():
        casts = [members] if scenario.line.campaign_stage is not None else [[h] for h in members]
        for cast in casts:
            open_heats = [h for h in cast if (h, route[h][-1]) not in under_way]
            if not open_heats:
                continue
            stage = route[open_heats[0]][-1]
            units = set.intersection(*(set(able[h, stage]) for h in open_heats))
            ahead = [under_way[h, stage] for h in cast if (h, stage) in under_way] if len(cast) > 1 else []
            forced = max(ahead, key=lambda item: item.start) if ahead else None
            if forced is not None:
                units &= {forced.unit}
            if not units:
                names = ", ".join(scenario.heats[h].name for h in open_heats)
                raise ValueError(f"no unit of stage {scenario.line.stages[stage].name} may take all of {names}")
            offset, length = {}, {}
            for u in sorted(units):
                ends = np.cumsum([planned[h][u] for h in open_heats])
                offset[u] = (0.0, *ends[:-1].tolist())
                length[u] = float(ends[-1])
            start = None if forced is None else forced.end
            groups.append(Group(tuple(open_heats), stage, tuple(sorted(units)), offset, length, start))
    return tuple(groups)
