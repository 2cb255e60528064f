"""Limits of a line and its orders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from emberline.models.explain.limit import Limit, droppable, item, moment, number, numeric, without
from emberline.scenarios import Scenario
from emberline.scenarios.records.line import Stage

WAIT_STEP_MIN = 5.0
PACE_STEP = 0.01
LOCK_SCALE_MIN = 480.0
"""A lock that is moved by as much counts as one that is dropped."""
QUICKEST = 0.1
"""Share of its time below which no stage could work."""


def limits(scenario: Scenario) -> Iterator[Limit]:
    """Due times, releases, locks, units named, waits, set-ups, the pace of stages, orders as such."""
    if not scenario.orders:
        return
    yield from _times(scenario)
    for i, lock in enumerate(scenario.locks):
        says = f"lock of heat {lock.heat} at {lock.stage}"
        yield droppable(f"locks.{i}", says, f"{says} dropped", "lock", without("locks", scenario.locks, i))
        yield from _lock_moved(scenario, i)
    if len(scenario.locks) > 1:
        yield droppable("locks", "all locks", "all locks dropped", "lock", "locks=[]")
    for stage in scenario.line.stages:
        yield from _stage(scenario, stage)
    yield from _leaving_out(scenario)


def _lock_moved(scenario: Scenario, place: int) -> Iterator[Limit]:
    """A lock on times with its end moved later, or its beginning earlier: the nearest starts that can be kept."""
    lock, minutes = scenario.locks[place], scenario.horizon.minutes
    first, last = (lock.start, lock.start) if lock.start is not None else (lock.earliest, lock.latest)
    records = [one.model_dump(mode="json", exclude_defaults=True) for one in scenario.locks]
    window = {name: value for name, value in records[place].items() if name != "start"}
    if lock.start is not None:
        window |= dict.fromkeys(("earliest", "latest"), records[place]["start"])

    def moved(end: str, new: float) -> tuple[str, ...]:
        changed = [*records[:place], window | {end: f"{number(new)} min"}, *records[place + 1 :]]
        return (f"locks={json.dumps(changed, ensure_ascii=False)}",)

    horizon = scenario.horizon
    for end, at, loosest in (("latest", last, horizon.length_min - horizon.step_min), ("earliest", first, 0.0)):
        if at is not None and (minutes(at) < loosest if end == "latest" else minutes(at) > loosest):
            says = f"{end} start of heat {lock.heat} at {lock.stage}"
            limit = moment(f"locks.{place}.{end}", says, "lock", scenario, minutes(at), loosest)
            yield replace(limit, scale=LOCK_SCALE_MIN, write=partial(moved, end))


def _times(scenario: Scenario) -> Iterator[Limit]:
    end, minutes = scenario.horizon.length_min, scenario.horizon.minutes
    names = [order.name for order in scenario.orders]
    for i, order in enumerate(scenario.orders):
        key = f"orders.{item(order.name, i, names)}"
        if order.due is not None and minutes(order.due) < end:
            yield moment(f"{key}.due", f"due time of order {order.name}", "due", scenario, minutes(order.due), end)
        for j, entry in enumerate(order.heats):
            if entry.due is not None and minutes(entry.due) < end:
                says = f"due time of heats {j + 1} ({entry.grade}) of order {order.name}"
                yield moment(f"{key}.heats.{j}.due", says, "due", scenario, minutes(entry.due), end)
        if order.release is not None and minutes(order.release) > 0:
            says = f"release of order {order.name}"
            yield moment(f"{key}.release", says, "due", scenario, minutes(order.release), 0.0)
        if order.units:
            says = f"order {order.name} on {', '.join(order.units)}"
            change = f"order {order.name} on any unit of {scenario.line.stages[-1].name}"
            yield droppable(f"{key}.units", says, change, "lock", f"{key}.units=[]")


def _stage(scenario: Scenario, stage: Stage) -> Iterator[Limit]:
    line, n = scenario.line, scenario.line.stages.index(stage)
    key = f"line.stages.{item(stage.name, n, [s.name for s in line.stages])}"
    if stage.longest_wait_min is not None:
        yield numeric(
            f"{key}.longest_wait_min", f"longest wait after {stage.name}", "wait", stage.longest_wait_min,
            max(scenario.horizon.length_min, stage.longest_wait_min + 60), "min", step=WAIT_STEP_MIN, scale=60.0,
        )  # fmt: skip
    units = [unit.name for unit in stage.units]
    for i, unit in enumerate(stage.units):
        if unit.setup_min > 0:
            own = f"{key}.units.{item(unit.name, i, units)}.setup_min"
            yield numeric(own, f"set-up of {unit.name}", "rate", unit.setup_min, 0.0, "min", step=1.0)
    yield from _pace(scenario, stage)


def _pace(scenario: Scenario, stage: Stage) -> Iterator[Limit]:
    """All heats quicker by the same factor at one stage."""
    names, used = [grade.name for grade in scenario.line.grades], {heat.grade.name for heat in scenario.heats}
    places = [stage.name, *(unit.name for unit in stage.units)]
    told: list[tuple[str, float]] = []
    for i, grade in enumerate(scenario.line.grades):
        for place in places:
            if place in grade.duration_min and grade.name in used and "." not in place:
                key = f"line.grades.{item(grade.name, i, names)}.duration_min.{place}"
                told.append((key, grade.duration_min[place]))
    if not told:
        return
    slowest = max(minutes for _, minutes in told)
    yield numeric(
        told[0][0], f"slowest heat at {stage.name} (others in proportion)", "rate", 1.0, QUICKEST,
        "min", step=PACE_STEP, factor=slowest,
        write=lambda new: tuple(f"{key}={number(round(minutes * new, 3))}" for key, minutes in told),
    )  # fmt: skip


def _leaving_out(scenario: Scenario) -> Iterator[Limit]:
    if len(scenario.orders) < 2:
        return
    for i, order in enumerate(scenario.orders):
        says = f"order {order.name}"
        yield droppable(f"orders.{i}", says, f"{says} left out", "order", without("orders", scenario.orders, i))
