"""Search for a schedule with little tardiness: list scheduling, improved by moving casts and heats.

A *list* says in which order groups (casts) take their last unit, which unit that is, and in which order heats are
sent through the stages before. Decoding a list is serial schedule generation (Kolisch, EJOR 90, 1996): each heat runs
as soon as possible, each operation on the unit on which it is done first, unless it is pinned to another; a group
starts as soon as none of its heats comes too late for its place in it. Where waits are limited, start times follow from
the sequences by longest paths. The search is late-acceptance hill climbing (Burke & Bykov, EJOR 258, 2017) with a fixed
seed and a fixed number of steps.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from models.lateness_shop import NEVER, Operation, Place, Shop
from models.lateness_timing import earliest

TOLERANCE = 1e-6
MEMORY = 60
"""Steps that a worse list may lie back to be accepted."""
PULL = 0.4
"""Share of steps that move a heat which some group waits for."""


class Value(NamedTuple):
    """What a schedule is worth; smaller is better, from the first figure to the last."""

    missed_min: float
    """By how much longest waits, latest starts and forced cast starts are missed."""
    tardiness_min: float
    makespan_min: float
    ends_min: float
    """Sum of the heats' ends."""


@dataclass
class Listing:
    """The three decisions that a schedule is decoded from."""

    groups: list[int]
    unit: list[int]
    """Unit of each group's last stage."""
    heats: list[int]
    pinned: dict[tuple[int, int], int] = field(default_factory=dict)
    """Unit that a heat takes at a stage although it is done sooner on another."""

    def copy(self) -> Listing:
        return Listing(self.groups[:], self.unit[:], self.heats[:], self.pinned.copy())


class Decoder:
    """Makes schedules from lists."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.arrival = [shop.arrival(h) for h in range(len(shop.heats))]
        busy: list[list[tuple[float, float, float]]] = [
            [(a, b, 0.0) for a, b in spans] for spans in shop.outages
        ]  # start, end, set-up that must lie between it and an operation
        for item in shop.begun.values():
            busy[item.unit].append((item.start, item.end, shop.setup[item.unit]))
        self.busy = [sorted(items) for items in busy]

    def decode(self, listing: Listing) -> tuple[Value, dict[Operation, Place]]:
        """The schedule of a list and what it is worth; operations that have begun are part of it."""
        shop = self.shop
        planned, transfer, setup, able, window = shop.planned, shop.transfer, shop.setup, shop.able, shop.window
        busy, pinned = [items[:] for items in self.busy], listing.pinned
        places = {key: Place(item.unit, item.start, item.end) for key, item in shop.begun.items()}
        left = self.arrival[:]
        for h in listing.heats:
            at, since = left[h]
            own = planned[h]
            for k in shop.upstream[h]:
                low = window[h, k][0] if (h, k) in window else 0.0
                best_end, best_start, best = NEVER, 0.0, -1
                for u in (pinned[h, k],) if (h, k) in pinned else able[h, k]:
                    ready = max(since + transfer[at][u] if at >= 0 else since, low, 0.0)
                    if ready + own[u] >= best_end:
                        continue
                    start = fit(busy[u], ready, own[u], setup[u])
                    if start + own[u] < best_end:
                        best_end, best_start, best = start + own[u], start, u
                _insert(busy[best], (best_start, best_end, setup[best]))
                places[h, k] = Place(best, best_start, best_end)
                at, since = best, best_end
            left[h] = at, since
        missed = 0.0
        for g in listing.groups:
            group, u = shop.groups[g], listing.unit[g]
            low = 0.0
            for h, offset in zip(group.heats, group.offset[u], strict=True):
                at, since = left[h]
                ready = since + transfer[at][u] if at >= 0 else since
                if (h, group.stage) in window:
                    ready = max(ready, window[h, group.stage][0])
                low = max(low, ready - offset)
            if group.start_min is None:
                start = fit(busy[u], low, group.length[u], setup[u])
            else:
                start = group.start_min
                missed += max(low - start, 0.0)
            _insert(busy[u], (start, start + group.length[u], setup[u]))
            for h, offset in zip(group.heats, group.offset[u], strict=True):
                places[h, group.stage] = Place(u, start + offset, start + offset + planned[h][u])
        if shop.waits:
            places = earliest(shop, places)
            missed += self.missed(places)
        return self.value(places, missed), places

    def missed(self, places: dict[Operation, Place]) -> float:
        """Minutes by which longest waits and latest starts are missed."""
        shop, total = self.shop, 0.0
        for h, route in enumerate(shop.route):
            for k, after in pairwise(route):
                over = places[h, k].start + shop.nominal[h][places[h, k].unit]
                total += max(places[h, after].start - over - shop.longest[k], 0.0)
        for key, (_, latest) in shop.window.items():
            if key not in shop.begun:
                total += max(places[key].start - latest, 0.0)
        return total if total > TOLERANCE else 0.0

    def value(self, places: dict[Operation, Place], missed: float) -> Value:
        """What a schedule is worth."""
        tardiness = makespan = ends = 0.0
        for h, route in enumerate(self.shop.route):
            end = places[h, route[-1]].end
            ends += end
            makespan = max(makespan, end)
            tardiness += max(end - self.shop.due[h], 0.0)
        return Value(missed, tardiness, makespan, ends)


def fit(busy: list[tuple[float, float, float]], ready: float, length: float, setup: float) -> float:
    """Earliest start from ``ready`` on at which a unit is free for ``length`` minutes, set-ups on both sides."""
    start = ready
    for begin, over, between in busy:
        if begin >= start + length + setup - TOLERANCE:
            break
        if start < over + between - TOLERANCE and start + length + between > begin + TOLERANCE:
            start = over + between
    return start


def _insert(busy: list[tuple[float, float, float]], item: tuple[float, float, float]) -> None:
    place = len(busy)
    while place and busy[place - 1] > item:
        place -= 1
    busy.insert(place, item)


def search(
    shop: Shop,
    steps: int,
    first: Listing | None = None,
    *,
    seed: int = 0,
    stop: Callable[[Value], bool] = lambda value: False,
) -> tuple[Value, dict[Operation, Place]]:
    """The best schedule that ``steps`` moves find, from a given list or from simple ones.

    Args:
        shop: the line.
        steps: moves to try; the result depends on nothing else.
        first: list to begin with.
        seed: of the moves.
        stop: asked from time to time with the best value so far; true ends the search.
    """
    decoder = Decoder(shop)
    best_value: Value | None = None
    best: dict[Operation, Place] = {}
    listing = first
    for start in [first] if first is not None else simple(shop):
        value, places = decoder.decode(start)
        if best_value is None or value < best_value:
            best_value, best, listing = value, places, start
    assert best_value is not None
    assert listing is not None
    chance = random.Random(seed)
    now, now_places = best_value, best
    memory = [now] * MEMORY
    for step in range(steps):
        if step % 200 == 199 and stop(best_value):
            break
        trial = _move(shop, listing, now_places, chance)
        value, places = decoder.decode(trial)
        if value <= now or value <= memory[step % MEMORY]:
            listing, now, now_places = trial, value, places
            if value < best_value:
                best_value, best = value, places
        memory[step % MEMORY] = min(memory[step % MEMORY], now)
    return best_value, best


def simple(shop: Shop) -> list[Listing]:
    """Lists to begin with: groups by their most urgent heat, and by their mean urgency, each on the unit done first."""
    found = []
    for urgency in (min, _mean):
        order = sorted(range(len(shop.groups)), key=lambda g: (urgency(_latest(shop, g)), g))
        free = [0.0] * len(shop.units)
        unit = [group.units[0] for group in shop.groups]
        for g in order:
            group = shop.groups[g]
            ends = {u: max(free[u], shop.soonest(group, u)) + group.length[u] for u in group.units}
            unit[g] = min(ends, key=lambda u: (ends[u], u))
            free[unit[g]] = ends[unit[g]] + shop.setup[unit[g]]
        heats = [h for g in order for h in shop.groups[g].heats]
        heats += [h for h in range(len(shop.heats)) if h not in shop.group_of]
        found.append(Listing(order, unit, heats))
    return found


def _latest(shop: Shop, g: int) -> list[float]:
    """Start at which each heat of a group would just be in time, on the group's first unit."""
    group = shop.groups[g]
    u = group.units[0]
    return [shop.due[h] - shop.planned[h][u] - offset for h, offset in zip(group.heats, group.offset[u], strict=True)]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _move(shop: Shop, listing: Listing, places: dict[Operation, Place], chance: random.Random) -> Listing:
    trial = listing.copy()
    kind = chance.random()
    if kind < PULL:
        _pull(shop, trial, places, chance)
    elif kind < 0.55:
        _pin(shop, trial, chance)
    elif kind < 0.62:
        a, b = chance.randrange(len(trial.heats)), chance.randrange(len(trial.heats))
        trial.heats.insert(b, trial.heats.pop(a))
    elif kind < 0.72:
        _resort(shop, trial, places)
    elif kind < 0.86:
        g = chance.randrange(len(trial.groups))
        trial.unit[g] = chance.choice(shop.groups[g].units)
        if chance.random() < 0.5:
            trial.groups.remove(g)
            trial.groups.insert(chance.randrange(len(trial.groups) + 1), g)
        if chance.random() < 0.5:
            _resort(shop, trial, places)
    else:
        a, b = chance.randrange(len(trial.groups)), chance.randrange(len(trial.groups))
        first, second = trial.groups[a], trial.groups[b]
        trial.groups[a], trial.groups[b] = second, first
        on_first, on_second = trial.unit[first], trial.unit[second]
        if chance.random() < 0.5 and on_second in shop.groups[first].units and on_first in shop.groups[second].units:
            trial.unit[first], trial.unit[second] = on_second, on_first
        heats = set(shop.groups[first].heats) | set(shop.groups[second].heats)
        if chance.random() < 0.5:  # their heats change places too
            spots = [i for i, h in enumerate(trial.heats) if h in heats]
            own = [h for h in trial.heats if h in heats]
            front = second if a < b else first
            own.sort(key=lambda h: shop.group_of[h] != front)
            for i, h in zip(spots, own, strict=True):
                trial.heats[i] = h
    return trial


def _pin(shop: Shop, trial: Listing, chance: random.Random) -> None:
    """Pin a heat to a unit, or let it go again."""
    h = chance.choice(trial.heats)
    if not shop.upstream[h]:
        return
    k = chance.choice(shop.upstream[h])
    if (h, k) in trial.pinned and chance.random() < 0.5:
        del trial.pinned[h, k]
    else:
        trial.pinned[h, k] = chance.choice(shop.able[h, k])


def _pull(shop: Shop, trial: Listing, places: dict[Operation, Place], chance: random.Random) -> None:
    """Send a heat earlier that its group waits for, or one of the least slack."""
    g = chance.randrange(len(shop.groups))
    group = shop.groups[g]
    slack = []
    for h in group.heats:
        before = shop.upstream[h][-1] if shop.upstream[h] else -1
        if before >= 0:
            slack.append((places[h, group.stage].start - places[h, before].end, h))
    if not slack:
        return
    slack.sort()
    heat = slack[min(int(chance.expovariate(1.5)), len(slack) - 1)][1]
    at = trial.heats.index(heat)
    trial.heats.pop(at)
    trial.heats.insert(max(at - 1 - int(chance.expovariate(0.25)), 0), heat)


def _resort(shop: Shop, trial: Listing, places: dict[Operation, Place]) -> None:
    """Send heats in the order in which their groups need them: those with slack later (justification)."""
    needed = {}
    for h in trial.heats:
        last = shop.route[h][-1]
        work = sum(shop.planned[h][places[h, k].unit] for k in shop.upstream[h])
        needed[h] = places[h, last].start - work
    trial.heats.sort(key=needed.__getitem__)


def led(shop: Shop, unit: dict[int, int], start: dict[int, float]) -> Listing:
    """A list that follows a casting plan: groups by their start there, heats by when they must leave for it."""
    order = sorted(start, key=lambda g: (start[g], g))
    urgency = {}
    for h in range(len(shop.heats)):
        if h not in shop.group_of:
            urgency[h] = 0.0
            continue
        g = shop.group_of[h]
        group, u = shop.groups[g], unit[g]
        first = shop.upstream[h][0] if shop.upstream[h] else -1
        way = shop.tail[h, first, u] if first >= 0 else 0.0
        urgency[h] = start[g] + group.offset[u][group.heats.index(h)] - way
    return Listing(order, [unit[g] for g in range(len(shop.groups))], sorted(urgency, key=lambda h: (urgency[h], h)))


def listed(shop: Shop, places: dict[Operation, Place]) -> Listing:
    """The list of a schedule: groups and heats by their starts, every heat pinned to its units."""
    starts = {g: places[group.heats[0], group.stage] for g, group in enumerate(shop.groups)}
    way = [min((places[h, k].start for k in stages), default=0.0) for h, stages in enumerate(shop.upstream)]
    return Listing(
        sorted(starts, key=lambda g: (starts[g].start, g)),
        [starts[g].unit for g in range(len(shop.groups))],
        sorted(range(len(way)), key=lambda h: (way[h], h)),
        {(h, k): places[h, k].unit for h, stages in enumerate(shop.upstream) for k in stages},
    )
