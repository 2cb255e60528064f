"""Serial placement of casts and heats, each at its earliest feasible time: the core of the baseline schedule.

Times are in minutes after the start of the horizon. The policy is defined in ``emberline.twin.line.baseline``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate, pairwise

from emberline.scenarios.line.tables import NEVER, LineShop
from emberline.twin.line.timeline import TOLERANCE, Load, PowerHeadroom, Timeline
from emberline.twin.site.site import SiteGrid


@dataclass
class CastGroup:
    """Heats that are placed together: a cast, or a single heat if the line has no campaigns."""

    heats: list[int]
    """Heats whose last stage has not started."""
    stage: int
    """The last stage."""
    units: list[int]
    """Units that may process the last stage."""
    due: float
    last_heat: int | None
    """Heat of the same cast that started most recently; None if no heat of the cast has started."""
    urgent: bool
    """Whether the group is locked or in progress."""


@dataclass(frozen=True)
class Position:
    """Unit and times of an operation in the schedule [min]."""

    unit: int
    start: float
    end: float
    """End if the operation takes its planning duration."""
    over: float
    """End if the operation takes its nominal duration."""


class Placing:
    """Partial schedule: operations placed so far, and the unit time and power that they occupy."""

    def __init__(self, table: LineShop, planned: list[list[float]], grid: SiteGrid) -> None:
        self.table = table
        self.planned = planned
        self.grid = grid
        self.step = table.scenario.horizon.step_min
        self.timeline = [Timeline(table.setup[u], table.outages[u]) for u in range(len(table.units))]
        room_mw = None
        if math.isfinite(grid.import_limit_mw):
            room_mw = (grid.import_limit_mw - grid.metered(grid.committed_mw)).tolist()
        idle = {u: states.most_mw for u, states in table.states.items()}
        self.headroom = PowerHeadroom(room_mw, grid.meter_min, table.profiles, idle)
        self.places: dict[tuple[int, int], Position] = {}
        self.unplaced: list[int] = []
        self._journal: list[tuple[Position | None, Load]] = []
        """Unit time and power occupied by the last attempt."""
        self._locks = table.locks
        for (h, k), (start, u) in table.started.items():
            over = start + table.duration[h][u]
            # an operation ends by its nominal duration, but a caster keeps the planned pace within a cast
            end = start + planned[h][u] if over > 0 or k == table.campaign else over
            self.places[h, k] = Position(u, start, end, over)
            if end + table.setup[u] > 0:
                self.timeline[u].take(start, end)
        for (h, k), (start, u) in table.started.items():
            if self.places[h, k].end > 0:
                extra = self._extra(h, start, u) if k == table.reheating else 0.0
                cast_goes_on = k == table.campaign and table.orders[h] in table.orders[h + 1 : h + 2]
                minutes = max(table.duration[h][u], planned[h][u]) if cast_goes_on else table.duration[h][u]
                self.headroom.take(self.headroom.load(u, start, minutes, table.energy[h][u], extra))

    def place(self, sequence: list[CastGroup], stop: bool = False) -> int | None:
        """Place the groups in order. Return the index of the first that fits nowhere; ``stop`` ends the loop there."""
        failed = None
        for number, group in enumerate(sequence):
            best: tuple[float, int, float] | None = None
            for unit in group.units:
                if group.last_heat is not None and unit != self.places[group.last_heat, group.stage].unit:
                    continue
                start = self._earliest(group, unit, math.inf if best is None else best[0])
                if start is None:
                    continue
                ends = start + self._length(group, unit)
                if best is None or ends < best[0] - TOLERANCE:
                    best = ends, unit, start
            if best is None:
                failed = number if failed is None else failed
                self.unplaced += group.heats
                if stop:
                    break
                continue
            self._try(group, best[1], best[2])
            self._journal.clear()
        return failed

    def follow(self, sequence: list[CastGroup]) -> None:
        """Place heats one after the other with their changeovers, each on the unit on which it ends first."""
        last: dict[int, int] = {}
        for group in sequence:
            h, best = group.heats[0], None
            for unit in group.units:
                at = max(self.table.release[h], 0.0)
                if unit in last:
                    before = last[unit]
                    at = max(at, self.places[before, group.stage].end + self.table.setup_between(unit, before, h))
                over = at + self.planned[h][unit]
                if best is None or over < best.end - TOLERANCE:
                    best = Position(unit, at, over, at + self.table.duration[h][unit])
            assert best is not None
            last[best.unit] = h
            self.places[h, group.stage] = best

    def _length(self, group: CastGroup, unit: int) -> float:
        return sum(self.planned[h][unit] for h in group.heats)

    def _offsets(self, group: CastGroup, unit: int) -> list[float]:
        return list(accumulate((self.planned[h][unit] for h in group.heats[:-1]), initial=0.0))

    def _earliest(self, group: CastGroup, unit: int, sooner: float) -> float | None:
        """Earliest start of a group on a unit; None if the group cannot end before ``sooner``."""
        table = self.table
        offsets = self._offsets(group, unit)
        length = self._length(group, unit)
        low, high, fixed = 0.0, sooner - length, False
        for h, offset in zip(group.heats, offsets, strict=True):
            of, earliest, latest = self._locks.get((h, group.stage), (None, -NEVER, NEVER))
            if of is not None and of != unit:
                return None
            fixed = fixed or earliest == latest
            low = max(low, self._soonest(h, group.stage, unit) - offset, earliest - offset)
            high = min(high, table.due[h] - offset - self.planned[h][unit], latest - offset)
        if group.last_heat is not None:
            last = self.places[group.last_heat, group.stage]
            if last.end >= 0:  # else the cast is interrupted already and continues as soon as possible
                low, high, fixed = max(low, last.end), min(high, last.end), True
        start = low if fixed else self._ceil(low)
        while start <= high + TOLERANCE:
            later = self._free_for_cast(group, unit, start, start + length)
            if later is None:
                later = self._try(group, unit, start)
                self._undo()
                if later is None:
                    return start
            if fixed or later == NEVER:
                return None
            start = max(self._ceil(later), start + self.step)
        return None

    def _free_for_cast(self, group: CastGroup, unit: int, start: float, end: float) -> float | None:
        if group.last_heat is None:
            return self.timeline[unit].conflict(start, end)
        # the group continues the occupation of the previous heat: no set-up in between
        after = [begin for begin, _ in self.timeline[unit].occupations if begin >= start - TOLERANCE]
        return None if not after or end + self.table.setup[unit] <= min(after) + TOLERANCE else NEVER

    def _ceil(self, minutes: float) -> float:
        return math.ceil(minutes / self.step - TOLERANCE) * self.step

    def _floor(self, minutes: float) -> float:
        return math.floor(minutes / self.step + TOLERANCE) * self.step

    def _ahead(self, heat: int, stage: int) -> tuple[Position | None, list[int]]:
        """Position of the last operation of a heat that has started, and its open stages before ``stage``."""
        last = None
        stages = []
        for k in self.table.route[heat]:
            if k >= stage:
                break
            if (heat, k) in self.table.started:
                last = self.places[heat, k]
            else:
                stages.append(k)
        return last, stages

    def _soonest(self, heat: int, stage: int, unit: int) -> float:
        """Lower bound on the start of a heat at its last stage: it passes the earlier stages without waiting."""
        table, planned, lag = self.table, self.planned[heat], self.table.lag[heat]
        last, stages = self._ahead(heat, stage)
        at = {last.unit: last.end} if last is not None else {}
        for k in [*stages, stage]:
            units = table.able(heat, k) if k != stage else [unit]
            reach = {
                u: max((min(end + lag[v][u].least for v, end in at.items()) if at else table.release[heat]), 0.0)
                for u in units
            }
            if k == stage:
                return reach[unit]
            at = {u: ready + planned[u] for u, ready in reach.items()}
        return 0.0

    def _try(self, group: CastGroup, unit: int, start: float) -> float | None:
        """Place a group with its last stage at ``start``. Return None on success, else the next start to try."""
        table, headroom = self.table, self.headroom
        duration, energy = table.duration, table.energy
        at = start
        ends = start + self._length(group, unit)
        for i, h in enumerate(group.heats):
            # a caster keeps the planned pace until the last heat of its cast
            minutes = max(duration[h][unit], self.planned[h][unit]) if i + 1 < len(group.heats) else duration[h][unit]
            load = headroom.load(unit, at, minutes, energy[h][unit])
            if not headroom.fits(load):
                return start + self.step
            headroom.take(load)
            self._journal.append((None, load))
            self.places[h, group.stage] = Position(unit, at, at + self.planned[h][unit], at + minutes)
            at += self.planned[h][unit]
        self.timeline[unit].take(start, ends)
        self._journal.append((Position(unit, start, ends, ends), (0, ())))
        for h in group.heats:
            late = self._place_heat(h, group.stage)
            if late > 0:
                return start + late
            if group.stage == table.reheating:
                cast = self.places[h, group.stage]
                minutes = cast.over - cast.start
                load = headroom.load(unit, cast.start, minutes, 0.0, self._extra(h, cast.start, unit), working=True)
                if not headroom.fits(load):
                    return start + self.step
                headroom.take(load)
                self._journal.append((None, load))
        return None

    def _undo(self) -> None:
        for place, load in reversed(self._journal):
            if place is not None:
                self.timeline[place.unit].give(place.start, place.end)
            self.headroom.take(load, -1.0)
        self._journal.clear()

    def _place_heat(self, heat: int, stage: int) -> float:
        """Place the earlier stages of a heat. Return 0 on success, else how much too early its last stage is [min]."""
        table = self.table
        before, stages = self._ahead(heat, stage)
        last = self.places[heat, stage]
        if not stages:
            if before is None:
                return 0.0
            lag = table.lag[heat][before.unit][last.unit]
            late = before.end + lag.least - last.start
            if late > TOLERANCE:
                return late
            return self.step if last.start - before.over > lag.most + TOLERANCE else 0.0
        windows = self._windows(heat, stages, last)
        floors = [-NEVER] * len(stages)
        placed: list[tuple[Position, Load]] = []
        for _ in range(40):  # backtracking raises a lower bound; casts that need more rounds are delayed
            j = len(placed)
            if j == len(stages):
                break
            previous = placed[-1][0] if placed else before
            choice = self._choose(heat, stages, j, windows, floors[j], previous)
            if choice is None:
                late = self._late
                self._give(placed)
                return max(late, self.step)
            place, load = choice
            waited = -NEVER
            if previous is not None:
                waited = place.start - previous.over - table.lag[heat][previous.unit][place.unit].most
            if waited > TOLERANCE:
                if not placed:
                    self._give(placed)
                    return self.step
                floors[j - 1] = placed[-1][0].start + max(waited, TOLERANCE * 2)
                self._give(placed[-1:])
                placed.pop()
                continue
            self.timeline[place.unit].take(place.start, place.end)
            self.headroom.take(load)
            placed.append((place, load))
            self.places[heat, stages[j]] = place
        if len(placed) < len(stages):
            self._give(placed)
            return self.step
        self._journal += placed
        return 0.0

    def _give(self, placed: list[tuple[Position, Load]]) -> None:
        for place, load in placed:
            self.timeline[place.unit].give(place.start, place.end)
            self.headroom.take(load, -1.0)

    def _windows(self, heat: int, stages: list[int], last: Position) -> list[dict[int, tuple[float, float]]]:
        """Earliest and latest start at each stage and unit from which the last stage can be reached; other heats are
        ignored."""
        table, nominal, planned = self.table, self.table.duration[heat], self.planned[heat]
        lag = table.lag[heat]
        nexts = {last.unit: (last.start, last.start)}
        windows: list[dict[int, tuple[float, float]]] = []
        for k in reversed(stages):
            of, earliest, latest = self._locks.get((heat, k), (None, -NEVER, NEVER))
            by_unit = {}
            for u in table.able(heat, k):
                if of is not None and of != u:
                    continue
                low = min(bound[0] - lag[u][v].most for v, bound in nexts.items()) - nominal[u]
                high = max(bound[1] - lag[u][v].least for v, bound in nexts.items()) - planned[u]
                low, high = max(low, earliest), min(high, latest)
                by_unit[u] = low, high
            windows.append(by_unit)
            nexts = by_unit
            if not by_unit:
                break
        return windows[::-1]

    def _choose(
        self,
        heat: int,
        stages: list[int],
        j: int,
        windows: list[dict[int, tuple[float, float]]],
        floor: float,
        previous: Position | None,
    ) -> tuple[Position, Load] | None:
        """Position and load on the unit that finishes first; None if all are too late, by ``_late`` at least."""
        table, planned = self.table, self.planned[heat]
        nominal, energy = table.duration[heat], table.energy[heat]
        self._late = NEVER
        best, choice = math.inf, None
        if len(windows) < len(stages):
            return None
        extra = 0.0
        for u, (low, high) in windows[j].items():
            ready = table.release[heat] if previous is None else previous.end + table.lag[heat][previous.unit][u].least
            start = max(low, ready, floor, 0.0)
            start = start if low == high and start <= low + TOLERANCE else self._ceil(start)
            while True:
                later = self.timeline[u].conflict(start, start + planned[u])
                if later is None:
                    if stages[j] == table.reheating:
                        extra = self._extra(heat, start, u)
                    load = self.headroom.load(u, start, nominal[u], energy[u], extra)
                    if self.headroom.fits(load):
                        break
                    later = start + self.step
                start = self._ceil(later)
                if start > table.length:
                    break
            if start > high + TOLERANCE:
                self._late = min(self._late, start - high)
                continue
            if start + planned[u] < best - TOLERANCE:
                best = start + planned[u]
                choice = Position(u, start, start + planned[u], start + nominal[u]), load
        return choice

    def _quickest(self, start: int, end: int) -> float:
        """Quickest transfer between the stages of two units [min]."""
        table = self.table
        return table.quickest[table.stage_of[start]][table.stage_of[end]]

    def _extra(self, heat: int, start: float, unit: int) -> float:
        """Reheating energy of a heat that starts the reheating stage on a unit, given its earlier stages [MWh]."""
        table = self.table
        chain = [self.places[heat, k] for k in table.route[heat] if k < table.stage_of[unit]]
        waited = 0.0
        for first, second in pairwise(chain):
            waited += max(second.start - first.over - self._quickest(first.unit, second.unit), 0.0)
        if chain:
            waited += max(start - chain[-1].over - self._quickest(chain[-1].unit, unit), 0.0)
        return waited * table.reheat_mwh_per_min[heat]

    def melt_later(self) -> None:
        """Shorten waits before reheating by moving the earlier stages later where possible."""
        table = self.table
        if table.reheating < 0:
            return
        heats = [
            h for h in range(len(table.names)) if (h, table.reheating) in self.places and h not in set(self.unplaced)
        ]
        for h in sorted(heats, key=lambda h: -self.places[h, table.reheating].start):
            if (h, table.reheating) in table.started:
                continue
            last = self.places[h, table.reheating]
            duration, energy = table.duration[h][last.unit], table.energy[h][last.unit]
            before = self._extra(h, last.start, last.unit)
            route = [k for k in table.route[h] if k <= table.reheating]
            for later, k in reversed(list(zip(route[1:], route, strict=False))):
                if (h, k) not in table.started and (h, k) not in self._locks:
                    earlier = route[route.index(k) - 1] if route.index(k) else -1
                    self._move_later(h, k, later, earlier)
            after = self._extra(h, last.start, last.unit)
            if before != after:
                self.headroom.take(self.headroom.load(last.unit, last.start, duration, energy, before), -1.0)
                self.headroom.take(self.headroom.load(last.unit, last.start, duration, energy, after))

    def _move_later(self, heat: int, stage: int, later: int, earlier: int) -> None:
        table = self.table
        place, after = self.places[heat, stage], self.places[heat, later]
        u, planned = place.unit, self.planned[heat][place.unit]
        high = after.start - table.lag[heat][u][after.unit].least - planned
        if earlier >= 0:
            before = self.places[heat, earlier]
            high = min(high, before.over + table.lag[heat][before.unit][u].most)
        load = self.headroom.load(u, place.start, table.duration[heat][u], table.energy[heat][u])
        self.timeline[u].give(place.start, place.end)
        self.headroom.take(load, -1.0)
        start = self._floor(high)
        while start > place.start + TOLERANCE:
            sooner = self.timeline[u].latest(start, start + planned)
            if sooner is None:
                moved = self.headroom.load(u, start, table.duration[heat][u], table.energy[heat][u])
                if self.headroom.fits(moved):
                    place, load = Position(u, start, start + planned, start + table.duration[heat][u]), moved
                    break
                sooner = start + planned - self.step
            start = min(self._floor(sooner - planned), start - self.step)
        self.timeline[u].take(place.start, place.end)
        self.headroom.take(load)
        self.places[heat, stage] = place
