"""A shift that plans again: it looks, compares carrying on with changing, and changes what is worth a change.

At a look the order on each unit stays and all starts that are left get their best times with margins in minutes
(``planning/loop/retiming.py``): the largest margins of a short ladder for which there are any. Carrying on and changing
are then followed through a few imagined days, the same for both, since what slack is worth shows on disturbed days
alone. Imagined days have random numbers of their own: nobody sees the day that is to come.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import xarray as xr

from emberline.models.site import read
from emberline.planning.loop.retiming import Margins, Retiming
from emberline.scenarios import effort
from emberline.scenarios.datasets import ViolationKind
from emberline.scenarios.goal_metrics import goal_metric
from emberline.scenarios.records.disturbances import Recourse
from emberline.twin.line.clock import Clock
from emberline.twin.line.line import LineHistory, ListReplay
from emberline.twin.line.operations import Operations, Row, SoFar, onward, rows_of
from emberline.twin.plant import LinePlant
from emberline.twin.recorder import Course, course
from emberline.twin.run import PER_OPERATION, PER_RUN, Follower
from emberline.twin.site.site import Setpoints
from emberline.twin.streams import breakdowns, factors

LADDER = (Margins(10, 10, 20), Margins(5, 5, 10), Margins())
"""Margins that are tried. Raced on forty days of ``melt-shop-day``, a look each hour: from 10 min on limits are kept on
36 of them, with 15 min first on as many for a quarter less saving, without any on 30."""
FUTURES = 8
"""Imagined days. With 16 forty days of ``melt-shop-day`` came out alike."""
BROKEN = 0.1
"""What a broken day counts, as a share of a day's worth."""
WORTH_IT = 1e-4
"""Share of a day's worth by which a change must be better."""
IMAGINED = 0x5EED << 32
"""Added to a scenario's seed for imagined days."""


class Prospect(NamedTuple):
    """What going on under a list comes to, over imagined days."""

    worth: float
    """Mean of the goal's figure, as far as it follows from the import."""
    broken: float
    """Share of the days on which a limit is missed by more than is tolerated."""


@dataclass(frozen=True)
class Look:
    """What a shift saw and decided."""

    rows: list[Row] | None
    """The list to follow from now on; None: the one before."""
    carrying: Prospect
    changing: Prospect | None
    """None: there was nothing to compare with."""


class LineReplan:
    """The policy of one line and site, made ready for any number of days."""

    def __init__(self, follower: Follower) -> None:
        """Args:
        follower: the schedule that days begin with.
        """
        self.follower, self.shop = follower, follower.shop
        self.scenario, grid = self.shop.scenario, follower.grid
        site = read(self.scenario, xr.Dataset())
        self.worth = site.guide_per_mwh[goal_metric(self.scenario).name]
        """Of a MWh in each step."""
        todo = follower.todo
        calm = ListReplay(todo, todo.arrays["duration"].tolist(), {}, clock=Clock()).run()
        ran = course(todo, calm, np.ones(len(todo)), grid, follower.setpoints, False)
        meter = np.asarray(ran.flows["meter_mw"])
        self.day = abs(self._worth(ran))
        limit = math.inf if site.import_limit_mw is None else site.import_limit_mw
        if self.scenario.rates is not None and self.scenario.rates.peaks:
            limit = min(limit, float(meter.max()))  # a higher peak is charged for
        room = limit - (meter - grid.metered(ran.load_mw))
        self.retiming = Retiming(self.shop, self.worth, room, grid.meter_min)
        index = self.shop.unit_index
        self._repair = {index[b.unit]: b.mttr_min for b in self.scenario.disturbances.breakdowns if b.unit in index}

    def _worth(self, ran: Course) -> float:
        imported = np.asarray(ran.flows["import_mw"]) - np.asarray(ran.flows["export_mw"])
        return float(imported @ self.worth) * self.scenario.horizon.step_h

    # ---- what is known --------------------------------------------------------------------------------------------

    def view(self, so_far: SoFar) -> SoFar:
        """What a shift knows of what has happened: what is under way ends as it is expected to."""
        actuals = {
            key: replace(
                one, end=one.expected_end(so_far.now, self._repair.get(one.unit, 0.0)), casting=None, stops=()
            )
            for key, one in so_far.actuals.items()
        }  # fmt: skip
        return replace(so_far, actuals=actuals)

    @staticmethod
    def expected(todo: Operations, view: SoFar) -> LineHistory:
        """How a list goes on without further disturbance."""
        return ListReplay(todo, todo.planned, {}, clock=Clock(view.now), so_far=view).run()

    # ---- decisions ------------------------------------------------------------------------------------------------

    def look(self, plant: LinePlant) -> Look:
        """Compare carrying on with changing."""
        view, todo = self.view(plant.so_far()), plant.todo
        carrying = onward(self.shop, view, rows_of(todo), todo.missing)
        before = self.prospect(carrying, view, plant.setpoints)
        starts = self._retimed(carrying, view)
        if starts is None:
            return Look(None, before, None)
        rows = [(*row[:3], at, at + row[4] - row[3]) for row, at in zip(rows_of(carrying), starts, strict=True)]
        after = self.prospect(onward(self.shop, view, rows, todo.missing), view, plant.setpoints)
        better = self._score(before) - self._score(after) > WORTH_IT * self.day
        return Look(rows if better else None, before, after)

    def _score(self, prospect: Prospect) -> float:
        return prospect.worth + BROKEN * self.day * prospect.broken

    def _retimed(self, todo: Operations, view: SoFar) -> list[float] | None:
        """The best times with the largest margins for which there are any."""
        ahead = self.expected(todo, view)
        tries = (self.retiming.best(todo, ahead, view.now, margins) for margins in LADDER)
        return next((starts for starts in tries if starts is not None), None)

    # ---- imagined days --------------------------------------------------------------------------------------------

    def prospect(self, todo: Operations, view: SoFar, setpoints: Setpoints | None) -> Prospect:
        """What going on under a list comes to."""
        effort.spend(FUTURES * (PER_RUN + PER_OPERATION * len(todo)))
        worth, broken = zip(*(self._imagined(todo, view, setpoints, k) for k in range(FUTURES)), strict=True)
        return Prospect(float(np.mean(worth)), float(np.mean(broken)))

    def _imagined(self, todo: Operations, view: SoFar, setpoints: Setpoints | None, number: int) -> tuple[float, bool]:
        """Worth of an imagined day, and whether it breaks a limit from now on."""
        shop, scenario, of = self.shop, self.scenario, todo.arrays
        disturbances, seed = scenario.disturbances, (scenario.disturbances.seed + IMAGINED) & (2**63 - 1)
        table = np.array([factors(disturbances, name, len(shop.names), seed, number) for name in shop.units])
        factor = table[of["unit"], of["heat"]]
        failing = breakdowns(disturbances, seed, number)
        actuals = {
            # of what is under way the rest takes longer or less long than planned
            key: one if one.end <= view.now else replace(
                one, end=max(view.now + (one.end - view.now) * table[one.unit, key[0], 0], view.now)
            )
            for key, one in view.actuals.items()
        }  # fmt: skip
        recourse = None if scenario.recourse == Recourse() else scenario.recourse
        history = ListReplay(
            todo, (of["duration"] * factor[:, 0]).tolist(),
            {shop.unit_index[name]: failures for name, failures in failing.items()},
            recourse, None, Clock(view.now), replace(view, actuals=actuals),
        ).run()  # fmt: skip
        energy = np.where(np.isin(np.arange(len(todo)), list(todo.actuals)), 1.0, factor[:, 1])
        ran = course(todo, history, energy, self.follower.grid, setpoints, True)
        return self._worth(ran), self._breaks(todo, history, ran, view.now)

    def _breaks(self, todo: Operations, history: LineHistory, ran: Course, now: float) -> bool:
        """Whether a limit is missed from a moment on by more than is tolerated."""
        tolerance = self.scenario.tolerances.of
        for row in ran.violations:
            by = row.amount
            if row.kind in (ViolationKind.DUE, ViolationKind.UNFINISHED):
                h = self.shop.index[row.heat]
                last = todo.last.get(h)
                by = math.inf if last is None else history.end[last] - self.shop.due[h]
            if row.at_min > now and not by <= tolerance(row.kind):  # not finished at all: nan
                return True
        return False
