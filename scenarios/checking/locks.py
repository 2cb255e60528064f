"""Checks for contradictory locks and for times that no plan can meet.

Casts and operations start on the time grid, so some locks are provably impossible without planning.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

from emberline.scenarios.case.scenario import Heat, Scenario
from emberline.scenarios.line.scatter import planned_min
from emberline.scenarios.records.base import Mistakes
from emberline.scenarios.records.locks import NEVER, SECOND, Operation, Range, Window
from emberline.scenarios.records.orders import Order


def impossible(scenario: Scenario) -> Mistakes:
    """Find locks that are provably impossible without planning, each with its place and a message."""
    broken: set[Operation] = set()
    for place, key, text in _contradictions(scenario):
        broken.add(key)
        yield place, text
    windows = {key: window for key, window in scenario.lock_windows.items() if key not in broken}
    operations = {(item.heat, item.stage): item for item in scenario.state.started}
    names = [stage.name for stage in scenario.line.stages]
    reached: dict[str, int] = {}
    for heat, stage in operations:
        reached[heat] = max(reached.get(heat, -1), names.index(stage))
    casting = scenario.line.campaign_stage
    for (heat, stage), window in windows.items():
        item = operations.get((heat, stage))
        if item is not None:
            start = scenario.horizon.minutes(item.start)
            if window.unit not in (None, item.unit) or window.missed_min(start):
                text = f"heat {heat} has started at {stage} already, {clock(scenario, start)} on {item.unit}"
                yield ("locks", window.numbers[-1]), text
        elif reached.get(heat, -1) > names.index(stage):
            yield ("locks", window.numbers[-1]), f"heat {heat} has left {stage} already"
        elif casting is None or stage != casting.name:
            yield from _off_step(scenario, window)
    if casting is not None:
        locked = {heat for heat, stage in windows if stage == casting.name and (heat, stage) not in operations}
        for order in scenario.orders if locked else ():
            heats = [heat for heat in scenario.heats if heat.order == order.name]
            if any(heat.name in locked for heat in heats):
                yield from _Cast(scenario, order, heats, windows).impossible()


def _contradictions(scenario: Scenario) -> Iterator[tuple[tuple[str | int, ...], Operation, str]]:
    """Find contradictory locks on the same heat and stage."""
    windows: dict[Operation, list[Window]] = {}
    for number, lock in enumerate(scenario.locks):
        new, earlier = Window.of(lock, number, scenario.horizon), windows.setdefault((lock.heat, lock.stage), [])
        other = next((window for window in earlier if (window & new).empty), None)
        if other is None:
            earlier.append(new)
            continue
        key = lock.heat, lock.stage
        text = f"{_words(scenario, key, new)} cannot be kept together with {_named(scenario, key, other)}"
        yield ("locks", number), key, text


def _off_step(scenario: Scenario, window: Window) -> Mistakes:
    """Report a window before the campaign stage that contains no grid point."""
    step = scenario.moment_min
    first, last = window.steps(step)
    if first <= last or scenario.by_the_minute:
        return
    near = _near(scenario, window, {"": (0.0, (-NEVER, NEVER))}, step)
    yield _place(scenario, window), f"{_when(scenario, window)} lies between steps of {step:g} min{near}"


class _Cast:
    """Locks on the heats of a cast, which follow each other without a gap."""

    def __init__(self, scenario: Scenario, order: Order, heats: list[Heat], windows: dict[Operation, Window]) -> None:
        line, minutes = scenario.line, scenario.horizon.minutes
        casting = line.stages[-1]
        self.scenario, self.order, self.stage = scenario, order, casting.name
        on_caster = {item.heat: item for item in scenario.state.started if item.stage == casting.name}
        last_heat = max((i for i, heat in enumerate(heats) if heat.name in on_caster), default=-1)
        self.step = None if last_heat >= 0 or scenario.by_the_minute else scenario.moment_min
        remaining = heats[max(last_heat, 0) :]
        units = [
            unit.name
            for unit in casting.units
            if (not order.units or unit.name in order.units)
            and all(line.duration_min(heat.grade, unit.name) is not None for heat in remaining)
        ]
        starts: Range = -NEVER, NEVER
        if last_heat >= 0:
            item = on_caster[remaining[0].name]
            units, starts = [item.unit], (minutes(item.start), minutes(item.start))
        quantile = scenario.disturbances.quantile(casting.name)
        planned = cache(lambda unit, nominal: planned_min(scenario.disturbances, unit, nominal, quantile))
        self.offset: dict[str, dict[str, float]] = {}
        """Start of each heat after the start of the cast, or of the heat on the caster, by caster [min]."""
        for unit in units:
            at, self.offset[unit] = 0.0, {}
            for heat in remaining:
                self.offset[unit][heat.name] = at
                at += planned(unit, line.duration_min(heat.grade, unit) or 0.0)
        if last_heat >= 0 and len(remaining) > 1 and starts[0] + self.offset[units[0]][remaining[1].name] < 0:
            self.offset = {}  # the cast is already interrupted and resumes as soon as possible
        self.free = dict.fromkeys(self.offset, starts)
        self.under_way = last_heat >= 0
        keys = [(heat.name, casting.name) for heat in remaining if heat.name not in on_caster]
        locked = sorted((windows[key].numbers, key[0]) for key in keys if key in windows)
        self.windows = {heat: windows[heat, casting.name] for _, heat in locked}

    def impossible(self) -> Mistakes:
        """Find locks that cannot be kept by themselves or together with earlier ones."""
        free, compatible = self.free, list[str]()
        for heat, window in self.windows.items() if free else ():
            remaining = self._remaining(heat, window, free)
            if remaining:
                free = remaining
                compatible.append(heat)
            else:
                yield _place(self.scenario, window), self._message(heat, window, free, compatible)

    def _remaining(self, heat: str, window: Window, free: dict[str, Range]) -> dict[str, Range]:
        """Return the possible starts of the cast within a window, by caster."""
        remaining = {}
        for unit, (low, high) in free.items():
            offset, same = self.offset[unit][heat], 0.0
            if self.step is None:
                first, last, same = window.earliest_min - offset, window.latest_min - offset, SECOND
            else:
                first, last = window.steps(self.step, offset)
            first, last = max(low, first), min(high, last)
            if window.unit in (None, unit) and first <= last + same:
                remaining[unit] = first, max(first, last)
        return remaining

    def _message(self, heat: str, window: Window, free: dict[str, Range], compatible: list[str]) -> str:
        scenario, name = self.scenario, self.order.name
        if window.unit is not None and window.unit not in self.free:
            return f"cast {name} cannot run on {window.unit}; units that can are {', '.join(self.free)}"
        room = {unit: (self.offset[unit][heat], free[unit]) for unit in free if window.unit in (None, unit)}
        near = _near(scenario, window, room, self.step)
        at, words = _when(scenario, window), _words(scenario, (heat, self.stage), window)
        if self.under_way and not compatible:
            return f"{words} cannot be kept: cast {name} is under way{near}"
        if self._remaining(heat, window, self.free):
            conflicting = [other for other in compatible if not self._together(heat, other)]
            other = conflicting[0] if conflicting else compatible[-1]
            named = _named(scenario, (other, self.stage), self.windows[other])
            return f"{words} cannot be kept together with {named}, of the same cast{near}"
        offsets = {unit: offset for unit, (offset, _) in room.items()}
        if not any(offsets.values()):
            return f"{at} lies between steps of {self.step:g} min{near}"
        first = next(iter(offsets.values()))
        after = (
            f"{first:g} min later"
            if all(offset == first for offset in offsets.values())
            else ", ".join(f"{offset:g} min later on {unit}" for unit, offset in offsets.items())
        )
        return f"{at} cannot be kept: cast {name} begins on a step of {self.step:g} min and takes {heat} {after}{near}"

    def _together(self, heat: str, other: str) -> bool:
        remaining = self._remaining(other, self.windows[other], self.free)
        return bool(remaining and self._remaining(heat, self.windows[heat], remaining))


def _near(scenario: Scenario, window: Window, room: dict[str, tuple[float, Range]], step: float | None) -> str:
    """Describe the nearest feasible starts, at most one before and one after; empty if there are none.

    Args:
        scenario: the scenario.
        window: window that cannot be kept.
        room: offset of the heat from the start of its cast and possible starts of the cast, by unit.
        step: time grid of casts [min]; None: any minute.
    """
    size = 1.0 if step is None else step
    low = window.earliest_min if math.isfinite(window.earliest_min) else window.latest_min
    high = window.latest_min if math.isfinite(window.latest_min) else window.earliest_min
    sooner: dict[str, float] = {}
    later: dict[str, float] = {}
    for unit, (offset, (first, last)) in room.items():
        before, after = ((moment - offset) / size for moment in (low, high))
        if step is not None:
            before, after = math.floor(before), math.ceil(after)
        if first <= min(before, last):
            sooner[unit] = min(before, last) * size + offset
        if max(after, first) <= last:
            later[unit] = max(after, first) * size + offset
    proposals: dict[str, None] = {}
    for starts, nearest in ((sooner, max), (later, min)):
        minute = nearest(starts.values(), default=-1.0)
        units = [unit for unit in starts if abs(starts[unit] - minute) < SECOND]
        if 0 <= minute < scenario.horizon.length_min:
            proposals[clock(scenario, minute) + ("" if len(units) == len(room) else f" on {' or '.join(units)}")] = None
    return f"; use {' or '.join(proposals)}" if proposals else ""


def _named(scenario: Scenario, operation: Operation, window: Window) -> str:
    """Describe a lock with its place."""
    return f"locks.{window.numbers[-1]} ({_words(scenario, operation, window)})"


def _words(scenario: Scenario, operation: Operation, window: Window) -> str:
    unit = "" if window.unit is None else f"on {window.unit}"
    return " ".join(filter(None, [f"heat {operation[0]} at {operation[1]}", unit, _when(scenario, window)]))


def _when(scenario: Scenario, window: Window) -> str:
    if window.fixed:
        return clock(scenario, window.earliest_min)
    ends = (("from", window.earliest_min), ("until", window.latest_min))
    return " ".join(f"{word} {clock(scenario, minute)}" for word, minute in ends if math.isfinite(minute))


def _place(scenario: Scenario, window: Window) -> tuple[str | int, ...]:
    """Return the place of the lock that fixes the start, or of the last lock."""
    for number in window.numbers:
        if scenario.locks[number].start is not None:
            return "locks", number, "start"
    return "locks", window.numbers[-1]


def clock(scenario: Scenario, minutes: float) -> str:
    """Format a local time with its offset, with seconds unless it is a whole minute."""
    moment = scenario.horizon.instant(round(minutes * 60) / 60)
    return moment.isoformat(timespec="seconds" if moment.second else "minutes")
