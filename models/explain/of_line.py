"""Limits of a line and its orders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from emberline.models.explain.limit import Limit, droppable, item, moment, number, numeric, without
from emberline.scenarios import Scenario
from emberline.scenarios.case.line import Stage
from emberline.scenarios.messages import Message

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
        says = Message("lock of heat {heat} at {stage}", heat=lock.heat, stage=lock.stage)
        yield droppable(
            f"locks.{i}", says, Message("{limit} dropped", limit=says), "lock", without("locks", scenario.locks, i)
        )
        yield from _lock_moved(scenario, i)
    if len(scenario.locks) > 1:
        yield droppable("locks", Message("all locks"), Message("all locks dropped"), "lock", "locks=[]")
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
    names = {
        "latest": Message("latest start of heat {heat} at {stage}", heat=lock.heat, stage=lock.stage),
        "earliest": Message("earliest start of heat {heat} at {stage}", heat=lock.heat, stage=lock.stage),
    }
    for end, at, loosest in (("latest", last, horizon.length_min - horizon.step_min), ("earliest", first, 0.0)):
        if at is not None and (minutes(at) < loosest if end == "latest" else minutes(at) > loosest):
            says = names[end]
            limit = moment(f"locks.{place}.{end}", says, "lock", scenario, minutes(at), loosest)
            yield replace(limit, scale=LOCK_SCALE_MIN, write=partial(moved, end))


def _times(scenario: Scenario) -> Iterator[Limit]:
    end, minutes = scenario.horizon.length_min, scenario.horizon.minutes
    names = [order.name for order in scenario.orders]
    for i, order in enumerate(scenario.orders):
        key = f"orders.{item(order.name, i, names)}"
        if order.due is not None and minutes(order.due) < end:
            yield moment(
                f"{key}.due",
                Message("due time of order {order}", order=order.name),
                "due",
                scenario,
                minutes(order.due),
                end,
            )
        for j, entry in enumerate(order.heats):
            if entry.due is not None and minutes(entry.due) < end:
                says = Message(
                    "due time of heats {number} ({grade}) of order {order}",
                    number=j + 1,
                    grade=entry.grade,
                    order=order.name,
                )
                yield moment(f"{key}.heats.{j}.due", says, "due", scenario, minutes(entry.due), end)
        if order.release is not None and minutes(order.release) > 0:
            says = Message("release of order {order}", order=order.name)
            yield moment(f"{key}.release", says, "due", scenario, minutes(order.release), 0.0)
        if order.units:
            says = Message("order {order} on {units}", order=order.name, units=order.units)
            change = Message(
                "order {order} on any unit of {stage}", order=order.name, stage=scenario.line.stages[-1].name
            )
            yield droppable(f"{key}.units", says, change, "lock", f"{key}.units=[]")


def _stage(scenario: Scenario, stage: Stage) -> Iterator[Limit]:
    line, n = scenario.line, scenario.line.stages.index(stage)
    key = f"line.stages.{item(stage.name, n, [s.name for s in line.stages])}"
    if stage.longest_wait_min is not None:
        yield numeric(
            f"{key}.longest_wait_min", Message("longest wait after {stage}", stage=stage.name), "wait",
            stage.longest_wait_min,
            max(scenario.horizon.length_min, stage.longest_wait_min + 60), "min", step=WAIT_STEP_MIN, scale=60.0,
        )  # fmt: skip
    units = [unit.name for unit in stage.units]
    for i, unit in enumerate(stage.units):
        if unit.setup_min > 0:
            setup_key = f"{key}.units.{item(unit.name, i, units)}.setup_min"
            yield numeric(
                setup_key, Message("set-up of {unit}", unit=unit.name), "rate", unit.setup_min, 0.0, "min", step=1.0
            )
    yield from _pace(scenario, stage)


def _pace(scenario: Scenario, stage: Stage) -> Iterator[Limit]:
    """All heats quicker by the same factor at one stage."""
    names, used = [grade.name for grade in scenario.line.grades], {heat.grade.name for heat in scenario.heats}
    places = [stage.name, *(unit.name for unit in stage.units)]
    durations: list[tuple[str, float]] = []
    for i, grade in enumerate(scenario.line.grades):
        for place in places:
            if place in grade.duration_min and grade.name in used and "." not in place:
                key = f"line.grades.{item(grade.name, i, names)}.duration_min.{place}"
                durations.append((key, grade.duration_min[place]))
    if not durations:
        return
    slowest = max(minutes for _, minutes in durations)
    yield numeric(
        durations[0][0], Message("slowest heat at {stage} (others in proportion)", stage=stage.name), "rate", 1.0,
        QUICKEST, "min", step=PACE_STEP, factor=slowest,
        write=lambda new: tuple(f"{key}={number(round(minutes * new, 3))}" for key, minutes in durations),
    )  # fmt: skip


def _leaving_out(scenario: Scenario) -> Iterator[Limit]:
    if len(scenario.orders) < 2:
        return
    for i, order in enumerate(scenario.orders):
        says = Message("order {order}", order=order.name)
        yield droppable(
            f"orders.{i}", says, Message("{limit} left out", limit=says), "order", without("orders", scenario.orders, i)
        )
