"""Start times that follow from sequences: the earliest that keep transfers, set-ups, casts and longest waits.

With units and sequences given, every rule is a difference of two start times, so the earliest schedule is a longest
path; it is found by relaxing arcs until nothing moves (Bellman–Ford). A longest wait is an arc backwards, a cast
without gap one in each direction.
"""

from __future__ import annotations

from itertools import pairwise

from benchmarks.minutes.line_in_minutes import Operation, Place, Shop

TOLERANCE = 1e-6
MAX_ROUNDS = 60


def earliest(shop: Shop, places: dict[Operation, Place]) -> dict[Operation, Place]:
    """The same units and sequences with the earliest start times that keep every rule.

    Where there are none (a wait that cannot be kept in these sequences), the places come back as they were.
    """
    arcs = _arcs(shop, places)
    start = {key: place.start if key in shop.under_way else 0.0 for key, place in places.items()}
    for h, route in enumerate(shop.route):
        for k in route:
            if (h, k) not in shop.under_way:
                start[h, k] = max(shop.head[h, places[h, k].unit], 0.0)
    for _ in range(MAX_ROUNDS):
        moved = False
        for before, after, lag in arcs:
            at = start[before] + lag
            if start[after] < at - TOLERANCE:
                if after in shop.under_way:
                    return places
                start[after] = at
                moved = True
        moved = _dodge_outages(shop, places, start) or moved
        if not moved:
            return {
                key: place
                if key in shop.under_way
                else Place(place.unit, start[key], start[key] + place.end - place.start)
                for key, place in places.items()
            }
    return places


def _arcs(shop: Shop, places: dict[Operation, Place]) -> list[tuple[Operation, Operation, float]]:
    """Rules start(after) ≥ start(before) + lag, forward ones in the order of the given starts."""
    forward: list[tuple[Operation, Operation, float]] = []
    backward: list[tuple[Operation, Operation, float]] = []
    for h, route in enumerate(shop.route):
        for k, after in pairwise(route):
            one, two = places[h, k], places[h, after]
            forward.append(((h, k), (h, after), one.end - one.start + shop.transfer[one.unit][two.unit]))
            if shop.longest[k] < float("inf"):
                backward.append(((h, after), (h, k), -shop.longest[k] - shop.nominal[h][one.unit]))
    on: dict[int, list[Operation]] = {}
    for key in sorted(places, key=lambda key: (places[key].start, places[key].end, key)):
        on.setdefault(places[key].unit, []).append(key)
    for u, sequence in on.items():
        for early, late in pairwise(sequence):
            lag = places[early].end - places[early].start
            if _same_cast(shop, early, late):
                forward.append((early, late, lag))
                backward.append((late, early, -lag))
            elif late not in shop.under_way:
                forward.append((early, late, lag + shop.setup[u]))
    forward.sort(key=lambda arc: places[arc[0]].start)
    backward.sort(key=lambda arc: -places[arc[0]].start)
    return forward + backward


def _same_cast(shop: Shop, one: Operation, two: Operation) -> bool:
    return shop.campaign and one[1] == two[1] == len(shop.stages) - 1 and shop.order[one[0]] == shop.order[two[0]]


def _dodge_outages(shop: Shop, places: dict[Operation, Place], start: dict[Operation, float]) -> bool:
    """Move operations and casts behind outages that they would run into; true if any was moved."""
    moved = False
    if not any(shop.outages):
        return False
    for group in shop.groups:
        first = group.heats[0], group.stage
        u = places[first].unit
        at = shop.after_outages(u, start[first], group.length[u])
        if group.start_min is None and at > start[first] + TOLERANCE:
            start[first], moved = at, True
    for h, stages in enumerate(shop.upstream):
        for k in stages:
            u = places[h, k].unit
            at = shop.after_outages(u, start[h, k], shop.planned[h][u])
            if at > start[h, k] + TOLERANCE:
                start[h, k], moved = at, True
    return moved
