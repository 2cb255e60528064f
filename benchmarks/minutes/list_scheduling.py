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

from benchmarks.minutes.line_in_minutes import Operation, Place, Shop
from benchmarks.minutes.longest_path import earliest
from emberline.scenarios.line.tables import NEVER

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
        for item in shop.under_way.values():
            busy[item.unit].append((item.start, item.end, shop.setup[item.unit]))
        self.busy = [sorted(items) for items in busy]

    def decode(self, listing: Listing) -> tuple[Value, dict[Operation, Place]]:
        """The schedule of a list and what it is worth; operations that have begun are part of it."""
        shop = self.shop
        planned, transfer, setup, able, window = shop.planned, shop.transfer, shop.setup, shop.able, shop.window
        busy, pinned = [items[:] for items in self.busy], listing.pinned
        places = {key: Place(item.unit, item.start, item.end) for key, item in shop.under_way.items()}
        position = self.arrival[:]
        for h in listing.heats:
            at, since = position[h]
            durations = planned[h]
            for k in shop.upstream[h]:
                low = window[h, k][0] if (h, k) in window else 0.0
                best_end, best_start, best = NEVER, 0.0, -1
                for u in (pinned[h, k],) if (h, k) in pinned else able[h, k]:
                    ready = max(since + transfer[at][u] if at >= 0 else since, low, 0.0)
                    if ready + durations[u] >= best_end:
                        continue
                    start = fit(busy[u], ready, durations[u], setup[u])
                    if start + durations[u] < best_end:
                        best_end, best_start, best = start + durations[u], start, u
                _insert(busy[best], (best_start, best_end, setup[best]))
                places[h, k] = Place(best, best_start, best_end)
                at, since = best, best_end
            position[h] = at, since
        for g in listing.groups:
            group, u = shop.groups[g], listing.unit[g]
            low = 0.0
            for h, offset in zip(group.heats, group.offset[u], strict=True):
                at, since = position[h]
                ready = since + transfer[at][u] if at >= 0 else since
                if (h, group.stage) in window:
                    ready = max(ready, window[h, group.stage][0])
                low = max(low, ready - offset)
            forced = group.start_min  # a heat that comes too late for it is reported by ``missed``
            start = fit(busy[u], low, group.length[u], setup[u]) if forced is None else forced
            _insert(busy[u], (start, start + group.length[u], setup[u]))
            for h, offset in zip(group.heats, group.offset[u], strict=True):
                places[h, group.stage] = Place(u, start + offset, start + offset + planned[h][u])
        missed = 0.0
        if shop.waits:
            places = earliest(shop, places)
            missed = self.missed(places)
        return self.value(places, missed), places

    def missed(self, places: dict[Operation, Place]) -> float:
        """Minutes by which longest waits, latest starts and forced cast starts are missed."""
        shop, total = self.shop, 0.0
        for h, route in enumerate(shop.route):
            for k, after in pairwise(route):
                over = places[h, k].start + shop.nominal[h][places[h, k].unit]
                total += max(places[h, after].start - over - shop.longest[k], 0.0)
                way = shop.transfer[places[h, k].unit][places[h, after].unit]
                if (h, after) not in shop.under_way:
                    total += max(places[h, k].end + way - places[h, after].start, 0.0)
        for key, (_, latest) in shop.window.items():
            if key not in shop.under_way:
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


class SearchEnd(NamedTuple):
    """A schedule, what it is worth, and the list that it was decoded from."""

    value: Value
    places: dict[Operation, Place]
    listing: Listing


def search(
    shop: Shop,
    steps: int,
    first: Listing,
    *,
    seed: int = 0,
    stop: Callable[[Value], bool] = lambda value: False,
) -> SearchEnd:
    """The best schedule that ``steps`` moves find from a list.

    Args:
        shop: the line.
        steps: moves to try; the result depends on nothing else.
        first: list to begin with.
        seed: of the moves.
        stop: asked from time to time with the best value so far; true ends the search.
    """
    decoder = Decoder(shop)
    chance = random.Random(seed)
    now = best = SearchEnd(*decoder.decode(first), first)
    memory = [now.value] * MEMORY
    for step in range(steps):
        if step % 100 == 99 and stop(best.value):
            break
        trial = _move(shop, now.listing, now.places, chance)
        value, places = decoder.decode(trial)
        if value <= now.value or value <= memory[step % MEMORY]:
            now = SearchEnd(value, places, trial)
            if value < best.value:
                best = now
        memory[step % MEMORY] = min(memory[step % MEMORY], now.value)
    return best


def simple(shop: Shop, number: int) -> Listing:
    """A list to begin with: groups by urgency, each on the unit done first, heats as their groups need them.

    Number 0 goes by each group's most urgent heat, number 1 by the mean; from 2 on urgencies are shaken.
    """
    chance = random.Random(number)
    shake = 0.0 if number < 2 else _mean([min(group.length.values()) for group in shop.groups])
    urgency = [(min, _mean)[number % 2](_latest(shop, g)) + chance.gauss(0, shake) for g in range(len(shop.groups))]
    order = sorted(range(len(shop.groups)), key=lambda g: (urgency[g], g))
    free = [0.0] * len(shop.units)
    unit = [group.units[0] for group in shop.groups]
    for g in order:
        group = shop.groups[g]
        ends = {u: max(free[u], shop.soonest(group, u)) + group.length[u] for u in group.units}
        unit[g] = min(ends, key=lambda u: (ends[u] + chance.random() * shake / 4, u))
        free[unit[g]] = ends[unit[g]] + shop.setup[unit[g]]
    listing = Listing(order, unit, list(range(len(shop.heats))))
    _retarget(shop, listing)
    return listing


def _latest(shop: Shop, g: int) -> list[float]:
    """Start at which each heat of a group would just be in time, on the group's first unit."""
    group = shop.groups[g]
    u = group.units[0]
    return [shop.due[h] - shop.planned[h][u] - offset for h, offset in zip(group.heats, group.offset[u], strict=True)]


def _mean(values: list[float]) -> float:
    return sum(values) / max(len(values), 1)


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
        _follow(shop, trial, places, chance)
    else:
        a, b = chance.randrange(len(trial.groups)), chance.randrange(len(trial.groups))
        first, second = trial.groups[a], trial.groups[b]
        trial.groups[a], trial.groups[b] = second, first
        on_first, on_second = trial.unit[first], trial.unit[second]
        if chance.random() < 0.5 and on_second in shop.groups[first].units and on_first in shop.groups[second].units:
            trial.unit[first], trial.unit[second] = on_second, on_first
        _follow(shop, trial, places, chance)
    return trial


def _follow(shop: Shop, trial: Listing, places: dict[Operation, Place], chance: random.Random) -> None:
    """Let the heats follow their groups, or not."""
    kind = chance.random()
    if kind < 0.4:
        _retarget(shop, trial)
    elif kind < 0.7:
        _resort(shop, trial, places)


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
    latest_start = {}
    for h in trial.heats:
        last = shop.route[h][-1]
        work = sum(shop.planned[h][places[h, k].unit] for k in shop.upstream[h])
        latest_start[h] = places[h, last].start - work
    trial.heats.sort(key=latest_start.__getitem__)


def _retarget(shop: Shop, trial: Listing) -> None:
    """Send heats in the order in which their groups would need them if these had to wait for nothing but each other."""
    free = [0.0] * len(shop.units)
    start = {}
    for g in trial.groups:
        group, u = shop.groups[g], trial.unit[g]
        start[g] = max(free[u], shop.soonest(group, u))
        free[u] = start[g] + group.length[u] + shop.setup[u]
    trial.heats.sort(key=lambda h: _leaves(shop, h, trial.unit, start))


def _leaves(shop: Shop, heat: int, unit: list[int], start: dict[int, float]) -> float:
    """When a heat must start its first stage for its group to start in time."""
    g = shop.group_of.get(heat)
    if g is None or not shop.upstream[heat]:
        return 0.0
    group, u = shop.groups[g], unit[g]
    first = shop.upstream[heat][0]
    work = min(shop.planned[heat][v] for v in shop.able[heat, first])
    return start[g] + group.offset[u][group.heats.index(heat)] - shop.tail[heat, first, u] - work


def led(shop: Shop, unit: dict[int, int], start: dict[int, float]) -> Listing:
    """A list that follows a casting plan: groups by their start there, heats by when they must leave for it."""
    on = [unit[g] for g in range(len(shop.groups))]
    heats = sorted(range(len(shop.heats)), key=lambda h: (_leaves(shop, h, on, start), h))
    return Listing(sorted(start, key=lambda g: (start[g], g)), on, heats)
