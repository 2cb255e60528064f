"""Situation as a step begins: levels, the hours ahead as the baseline expects them so far, and what is still needed.

The more it has decided, the more is expected: ``expect`` counts a unit's flows in the levels ahead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from emberline.twin.processes.network import ModeTable
from emberline.twin.processes.rule.fitting import MUST, ROUNDING, UnitIntent
from emberline.twin.processes.rule.outlook import Needs, Outlook, ProcessGroup
from emberline.twin.processes.unit import CHANGING, RUNNING, SOON_MIN
from emberline.twin.processes.works import Works
from emberline.twin.site.grids import SiteGrid

OUT_OF_STOCK = 1.0
"""Shortage of a product that would run out."""
ROUNDING_MW = 1e-6
"""Power that counts as nothing."""


class Bands:
    """Limits that stay the same from step to step: the bands of all stores and what the grid leaves."""

    def __init__(self, outlook: Outlook, grid: SiteGrid) -> None:
        self.outlook = outlook
        stores = outlook.table.scenario.stores
        self.low = [store.keep_low * store.capacity_t for store in stores]
        self.high = [store.keep_high * store.capacity_t for store in stores]
        room = grid.import_limit_mw - grid.over_meters(grid.committed_mw, worst=True)
        self.room_mw = room if math.isfinite(grid.import_limit_mw) else None
        """Power that the import limit leaves in each step, shape (n_steps,); none: there is no limit."""


@dataclass(frozen=True)
class ExpectedFlows:
    """Amounts that count for a unit's inputs and outputs, until the end of each step ahead [t], shape (n_window,)."""

    taken_t: np.ndarray
    given_t: np.ndarray


class Glance:
    """One look at the works."""

    def __init__(self, bands: Bands, k: int, works: Works, orders: list[float]) -> None:
        """``orders``: what is still to be loaded of each order [t]."""
        self.bands, self.outlook, self.k, self.works = bands, bands.outlook, k, works
        self.table, self.levels = works.table, works.levels
        self.path = self.outlook.ahead(k, works.levels, orders)
        """Expected level of each store at the edges ahead [t], shape (n_stores, n_window)."""
        self._most, self._least = self.path.copy(), self.path.copy()
        """The same where producers, or consumers, stop as soon as their least runs let them: who must not be cut short
        needs room in the one and stock in the other."""
        self._filling, self._emptying = ([0] * len(self.path) for _ in range(2))
        """Steps ahead until which producers and consumers of each store may not stop."""
        self.needs: Needs = self.outlook.back(k, works.levels, orders)
        self._drawing = np.zeros(self.path.shape[1])
        self._making: dict[tuple[int, int], int] = {}

    def share(self, store: int) -> float:
        """Level of a store as a share of its band, below zero where it lies below it."""
        return (self.levels[store] - self.bands.low[store]) / (self.bands.high[store] - self.bands.low[store])

    def pushed(self, way: ModeTable) -> bool:
        """Whether an input of who must run gets too full for its band, and products have room in theirs."""
        return any(self._pressed(s, ()) for s, _ in way.ins) and all(self.share(s) < 1 for s, _ in way.outs)

    def _pressed(self, store: int, behind: tuple[int, ...]) -> bool:
        """Whether a store gets too full for its band with what must run, or with what is pushed on from there."""
        if store in behind or max(self.levels[store], float(self.path[store, -1])) <= self.bands.high[store]:
            return False
        return any(
            maker.must_run or any(self._pressed(s, (*behind, store)) for s, _ in maker.machine.ways[mode].ins)
            for maker, mode, _ in self.outlook.makers[store]
        )

    def cut_short(self, job: UnitIntent) -> bool:
        """Whether a store would stop a running unit within the next step."""
        trajectory, way = self._trajectory(job), job.unit.machine.ways[job.mode]
        return any(
            self._most[s][0] + per_t * trajectory.given_t[0] > self.table.capacity[s] + self._hair(s)
            for s, per_t in way.outs
        ) or any(self._least[s][0] - per_t * trajectory.taken_t[0] < -self._hair(s) for s, per_t in way.ins)

    def expect(self, group: ProcessGroup, job: UnitIntent) -> None:
        """Count what a unit does in the hours ahead: it is expected to go on."""
        if job.mode < 0 or job.idle:
            return
        way = job.unit.machine.ways[job.mode]
        self._making[group.index, job.mode] = self._making.get((group.index, job.mode), 0) + 1
        bound = self._bound(group, job)
        going, least = self._trajectory(job), self._trajectory(job, bound)
        for s, per_t in way.outs:
            self.path[s] += per_t * going.given_t
            self._most[s] += per_t * least.given_t
            self._least[s] += per_t * going.given_t
            self._filling[s] = max(self._filling[s], bound)
        for s, per_t in way.ins:
            self.path[s] -= per_t * going.taken_t
            self._most[s] -= per_t * going.taken_t
            self._least[s] -= per_t * least.taken_t
            self._emptying[s] = max(self._emptying[s], bound)
        if self.bands.room_mw is not None:
            self._drawing += self._draws(job)

    def _bound(self, group: ProcessGroup, job: UnitIntent) -> int:
        """Steps ahead until which a unit may not stop."""
        window = self.path.shape[1]
        if job.kind == MUST:
            return window
        if job.new:
            return min(max(job.begin_k - self.k, 0) + group.run_k, window)
        ran_min = self.works.now - job.unit.since
        steps = math.ceil((job.unit.process.min_run_h * 60 - ran_min) / self.table.step_min - SOON_MIN)
        return min(max(steps, 1), window)

    def _trajectory(self, job: UnitIntent, until: int | None = None) -> ExpectedFlows:
        """Expected flows of a unit; its run ends after some steps, with an outage, or goes on."""
        begin, steps = max(job.begin_k - self.k, 0), self.path.shape[1]
        working = self.outlook.open[job.unit.index, self.k : self.k + steps].copy()
        working[:begin] = 0.0
        if until is not None:
            working[until:] = 0.0
        if job.kind != MUST:
            # who is closed once has stopped
            shut = np.flatnonzero(working[begin:] == 0.0)
            working[begin + shut[0] if len(shut) else steps :] = 0.0
        way = job.unit.machine.ways[job.mode]
        hours = np.cumsum(working) * self.table.step_h
        intake_t = (job.rate or way.usual) * hours
        return ExpectedFlows(intake_t, intake_t - np.minimum(job.off_t, way.pace * hours))

    def fits(self, group: ProcessGroup, job: UnitIntent) -> bool:
        """Whether nobody who may not stop would be cut short by a unit's flows, itself included."""
        bound = self._bound(group, job)
        trajectory, way = self._trajectory(job, bound), job.unit.machine.ways[job.mode]
        for s, per_t in way.outs:
            span = slice(0, max(self._filling[s], bound))
            if _breaks(self._most[s][span] - self.table.capacity[s], per_t * trajectory.given_t[span], self._hair(s)):
                return False
        for s, per_t in way.ins:
            span = slice(0, max(self._emptying[s], bound))
            if _breaks(-self._least[s][span], per_t * trajectory.taken_t[span], self._hair(s)):
                return False
        room = self.bands.room_mw
        return room is None or float(self._drawing[0] + self._draws(job)[0]) <= room[self.k] + ROUNDING_MW

    def must_go_on(self, job: UnitIntent) -> bool:
        """Whether somebody who may not stop would be cut short if a running unit stopped, and not if it goes on."""
        trajectory, way = self._trajectory(job), job.unit.machine.ways[job.mode]
        return any(
            _breaks(
                -(self._least[s] + per_t * trajectory.given_t)[:bound],
                (per_t * trajectory.given_t)[:bound],
                self._hair(s),
            )
            for s, per_t in way.outs
            for bound in (self._emptying[s],)
        ) or any(
            _breaks(
                (self._most[s] - per_t * trajectory.taken_t)[:bound] - self.table.capacity[s],
                (per_t * trajectory.taken_t)[:bound],
                self._hair(s),
            )
            for s, per_t in way.ins
            for bound in (self._filling[s],)
        )

    def _hair(self, store: int) -> float:
        return ROUNDING * self.table.capacity[store]

    def _draws(self, job: UnitIntent) -> np.ndarray:
        """Draw of a unit in each step ahead [MW], start-up and change-over included."""
        way, process = job.unit.machine.ways[job.mode], job.unit.process
        begin = max(job.begin_k - self.k, 0)
        draw_mw = np.full(self.path.shape[1], way.power_mw(job.rate or way.usual))
        extra = process.start_up.energy_mwh, process.start_up.hours
        if job.unit.phase in (RUNNING, CHANGING):
            change = max(process.change_overs, key=lambda pair: pair.energy_mwh / max(pair.minutes, 1.0))
            extra = change.energy_mwh, change.minutes / 60
        draw_mw[:begin] = extra[0] / extra[1] if extra[1] else 0.0
        if job.new and not extra[1]:
            draw_mw[begin : begin + 1] += extra[0] / self.table.step_h
        return draw_mw

    def shortage(self, group: ProcessGroup, way: ModeTable) -> float:
        """By how much of its band a product would lie below it after the next least run; more where it runs out."""
        share = 0.0
        for s, _ in way.outs:
            ahead = self.path[s, group.start_k : group.lead_k]
            if len(ahead):
                band = self.bands.high[s] - self.bands.low[s]
                lowest = float(ahead.min())
                short = (self.bands.low[s] - float(ahead[-1])) / band
                share = max(share, short, OUT_OF_STOCK - lowest / band if lowest < 0 else 0.0)
        return share

    def urgent(self, group: ProcessGroup) -> bool:
        """Whether the units of a process have no more time to lose for what is wanted later."""
        lead_h = (group.lead_k + 1) * self.table.step_h
        return self.needs.slack.get(group.index, math.inf) <= lead_h * len(group.members)

    def lacking(self, group: ProcessGroup, mode: int) -> float:
        """Amount to make in a mode by the tightest moment, less what units in that mode make until then [t]."""
        step = self.needs.tightest[group.index]
        rate_t = self._making.get((group.index, mode), 0) * group.machine.ways[mode].usual
        return float(self.needs.tonnes[group.index, mode][step]) - rate_t * (step + 1) * self.table.step_h

    def spared(self, way: ModeTable, steps: int) -> bool:
        """Whether inputs can spare some steps of a run that only fills a store's band, their end levels kept."""
        needs = self.needs
        left_h = needs.need.shape[1] * self.table.step_h
        for s, per_t in way.ins:
            need = float(needs.need[s, -1])
            more = -need
            for maker, _, rate in self.outlook.makers[s]:
                if maker.must_run:
                    usual = maker.way.usual
                    more += rate * (maker.way.high / usual - 1) * left_h if usual else 0.0
                else:
                    more += max(need, 0.0) + rate / len(maker.members) * max(needs.spare_h[maker.index], 0.0)
            if more < per_t * way.usual * steps * self.table.step_h:
                return False
        return True

    def has_room(self, group: ProcessGroup, job: UnitIntent, pressing: bool) -> bool:
        """Whether inputs hold enough, products have room and the grid gives enough for a least run of a new one."""
        way, begin = group.machine.ways[job.mode], job.begin_k - self.k
        span = slice(begin, begin + group.run_k)
        trajectory, capacity = self._trajectory(job), self.table.capacity
        for s, per_t in way.ins:
            levels = (self.path[s] - per_t * trajectory.taken_t)[span]
            if len(levels) and levels.min() < (0.0 if pressing else self.bands.low[s]):
                return False
        if any(
            (self.path[s] + per_t * trajectory.taken_t)[span].max(initial=0.0) > capacity[s] for s, per_t in way.outs
        ):
            return False
        if not self.fits(group, job):
            return False
        if not all(self._enough_of(s, per_t * way.usual, begin, group.run_k) for s, per_t in way.takes[len(way.ins) :]):
            return False
        if self.bands.room_mw is None:
            return True
        until = slice(0, begin + group.run_k)
        draw_mw = (self._drawing + self._draws(job))[until]
        return bool((draw_mw <= self.bands.room_mw[self.k : self.k + len(draw_mw)] + ROUNDING_MW).all())

    def _enough_of(self, carrier: int, need: float, begin: int, steps: int) -> bool:
        """Whether who must run gives enough of a carrier in some steps ahead; where others give it, it is not known."""
        span = slice(self.k + begin, self.k + begin + steps)
        supply = np.zeros(len(self.outlook.open[0, span]))
        for group in self.outlook.groups:
            for s, per_t in group.way.gives:
                if s == carrier and not group.must_run:
                    return True
                if s == carrier:
                    supply += per_t * group.way.usual * self.outlook.open[list(group.members), span].sum(axis=0)
        return bool((supply >= need).all())


def _breaks(over: np.ndarray, more: np.ndarray, hair: float) -> bool:
    """Whether something more puts a store out of its limits where it was within them.

    Args:
        over: by how much it lies beyond a limit without it, negative: within [t].
        more: what is added [t].
        hair: what counts as nothing [t].
    """
    return bool(((over <= hair) & (over + more > hair)).any())
