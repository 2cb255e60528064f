"""A shift that plans again: it looks, compares carrying on with changing, and changes what is worth a change.

At a look the order on each unit stays, and all starts that are left get their best times with a price of slack
(``planning/loop/retiming.py``). Where those are better by it, carrying on and changing are followed through a few
imagined days, the same for both, since what slack is worth shows on disturbed days alone. Imagined days have random
numbers of their own: nobody sees the day that is to come.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import xarray as xr

from emberline.models.site import read
from emberline.planning.loop.retiming import Retiming
from emberline.planning.loop.risks import BROKEN, Risks, alike, worth_per_mwh
from emberline.scenarios import effort
from emberline.scenarios.datasets import ViolationKind
from emberline.scenarios.goal_metrics import goal_metric, no_worse
from emberline.scenarios.line.tables import LineShop
from emberline.scenarios.metrics import OTHER_CARBON
from emberline.scenarios.tariff.bill import demand_cost
from emberline.twin.line.clock import Clock
from emberline.twin.line.line import LineHistory, ListReplay
from emberline.twin.line.missed import missed
from emberline.twin.line.operations import Operations, Row, SoFar, onward, rows_of
from emberline.twin.plant import PER_OPERATION, PER_RUN, Follower, LinePlant, failures, recourse_of, scattered
from emberline.twin.power import operations_trace
from emberline.twin.recorder import Trajectory, reheating, trajectory

SLACK = 0.3
"""Price of a limit that is broken for want of slack, as a share of what a broken day counts. Raced on 150 days of the
plan of ``melt-shop-day``: 0.1 saves a twentieth more and breaks more of them, 1 loses two fifths of the saving."""
FUTURES = (4, 8, 24)
"""Imagined days: a change that is better on few of them is compared on more. With 8 alone 200 days of the plan of
``melt-shop-small`` kept their limits less often than as printed; 8 and 32 are no better on 150 of ``melt-shop-day``."""
WORTH_IT = 1e-3
"""Share of a day's worth by which a change must be better. On 40 replays of the plan of ``melt-shop-two-days`` 3e-4
saves a fiftieth more with twice the changes and keeps the limits on one in twenty fewer."""
REFUSED = 1.0
"""Share of a gain that was refused which another one must exceed to be imagined."""
CLOSE_MW = 1e-6
AHEAD_MIN, BEHIND_MIN = 1440.0, 360.0
"""Reach of a look, and time for which a cast that has ended counts for the next one on its caster. With 480 ahead the
plan of a day of 2024 kept its limits on 83 % in place of 98 % of 60 days: what came later had no say."""
IMAGINED = 0x5EED << 32
"""Added to a scenario's seed for imagined days."""


class Prospect(NamedTuple):
    """Outcome of a list over imagined days."""

    worth: float
    """Mean of the goal's figure, as far as it follows from the import."""
    broken: float
    """Share of the days on which a limit is missed by more than is tolerated."""
    other_kg: float
    """Mean of what is emitted by the signal that the goal leaves out; 0 where a plan may be worse by it."""


def expected(operations: Operations, view: SoFar) -> LineHistory:
    """Course of a list as it is expected."""
    return ListReplay(operations, operations.planned, {}, clock=Clock(view.now), so_far=view).run()


def moved(shop: LineShop, operations: Operations, view: SoFar, starts: list[float]) -> Operations:
    """A list at other starts [min]."""
    rows = [(*row[:3], at, at + row[4] - row[3]) for row, at in zip(rows_of(operations), starts, strict=True)]
    return onward(shop, view, rows, operations.missing)


def lateness(rows: Iterable[Row], so_far: SoFar) -> float:
    """Delay of what is under way, or should have begun, by a list [min]."""
    now = so_far.now
    waiting = (now - row[3] for row in rows if row[:2] not in so_far.actuals)
    running = (now - actual.start - actual.planned for actual in so_far.actuals.values() if not actual.end <= now)
    return max(max(waiting, default=0.0), max(running, default=0.0), 0.0)


def standing(so_far: SoFar) -> frozenset[int]:
    """Units that stand by breakdown."""
    return frozenset(
        actual.unit
        for actual in so_far.actuals.values()
        if any(at <= so_far.now < at + stop_min for at, stop_min in actual.stops)
    )


class LineReplan:
    """The policy of one line and site, made ready for any number of days."""

    def __init__(self, follower: Follower) -> None:
        """Args:
        follower: the schedule that days begin with.
        """
        self.follower, self.shop = follower, follower.shop
        self.scenario, grid = self.shop.scenario, follower.grid
        site = read(self.scenario, xr.Dataset())
        self._guide = site.guide_per_mwh
        self.worth = worth_per_mwh(self.scenario, self._guide)
        ran = self._calm(follower.operations)
        meter = np.asarray(ran.flows["meter_mw"])
        imported = np.asarray(ran.flows["import_mw"]) - np.asarray(ran.flows["export_mw"])
        self.day = abs(float(imported @ self.worth)) * self.scenario.horizon.step_h
        """Worth of the import of a day, or of so much of a longer horizon."""
        self.day *= self.scenario.horizon.day_share
        caps = (site.import_limit_mw, self.scenario.goal.caps.peak_mw)
        limit = min((cap for cap in caps if cap is not None), default=math.inf)
        rates = self.scenario.rates
        self._limit_mw = limit
        self._charged = rates if rates is not None and rates.peaks and goal_metric(self.scenario).money else None
        """Rates of a tariff whose charge for the highest import counts by the goal."""
        self._planned_mw, self._besides_mw = meter, meter - grid.metered(ran.load_mw)
        peak = float(meter.max()) if rates is not None and rates.peaks else math.inf
        self.room_mw = min(limit, peak) - self._besides_mw
        """Room that limits on the import, and what is paid for its peak, leave to the line in each metered interval;
        infinite for none."""
        battery = self.scenario.battery
        help_mw = 0.0 if battery is None else math.inf if battery.out_rate is None else battery.out_rate
        self._most_mw = limit - self._besides_mw + help_mw
        """Of the line in each metered interval by limits alone, the battery's help taken in."""
        self._metered_mw = self._planned_mw.copy()
        """Import as it was until the last look, then as planned, shape (n_meter,)."""
        self.retiming = Retiming(self.shop, self.worth, self.room_mw, grid.meter_min)
        self._risks = Risks(self.shop, SLACK * BROKEN * self.day)
        self._together = self.shop.orders if self.shop.campaign >= 0 else tuple(self.shop.names)
        """Name of the cast by heat, or of the heat where nothing is cast together."""
        index = self.shop.unit_index
        self._other = self._guide[OTHER_CARBON] if no_worse(self.scenario) else np.zeros(len(self.worth))
        self._refused = self._spare_kg = 0.0
        """Gain by the prices of what was last not worth a change; by how much changes have lowered what is emitted by
        the signal that the goal leaves out, which others may use up."""
        self._repair = {index[b.unit]: b.mttr_min for b in self.scenario.disturbances.breakdowns if b.unit in index}

    def _calm(self, operations: Operations) -> Trajectory:
        history = ListReplay(operations, operations.arrays["duration"].tolist(), {}, clock=Clock()).run()
        return trajectory(
            operations, history, np.ones(len(operations)), self.follower.grid, self.follower.setpoints, False
        )

    @property
    def goal_worth(self) -> np.ndarray:
        """Worth of a MWh by the goal alone, shape (n_steps,)."""
        return self._guide[goal_metric(self.scenario).name]

    def weighed(self, name: str) -> np.ndarray:
        """Worth of a MWh by another metric, as much in the mean as by the goal, shape (n_steps,)."""
        return alike(self._guide[name], self.goal_worth)

    def over_mw(self, operations: Operations) -> np.ndarray:
        """By how much a list draws more than the room that limits on the import leave, undisturbed, (n_meter,)."""
        over = self.follower.grid.metered(self._calm(operations).load_mw) - self.room_mw
        return np.where(over > CLOSE_MW, over, 0.0)

    # ---- what is known --------------------------------------------------------------------------------------------

    def view(self, so_far: SoFar) -> SoFar:
        """State that a shift knows: work under way ends as it is expected to."""
        actuals = {
            key: replace(
                actual, end=actual.expected_end(so_far.now, self._repair.get(actual.unit, 0.0)), casting=None, stops=()
            )
            for key, actual in so_far.actuals.items()
        }  # fmt: skip
        return replace(so_far, actuals=actuals)

    # ---- decisions ------------------------------------------------------------------------------------------------

    def decide(self, plant: LinePlant) -> list[Row] | None:
        """The list to follow from now on; None: carrying on is as good."""
        view, operations = self._situation(plant)
        ahead = expected(operations, view)
        if self._charged is not None:
            self._measure(operations, ahead, view.now)
        better = self.retiming.best(operations, ahead, view.now, self._risks, view.now + AHEAD_MIN)
        if better is None or better.gain <= max(WORTH_IT * self.day, REFUSED * self._refused):
            return None
        other = moved(self.shop, operations, view, better.starts)
        near = self._near(operations, view)
        past, lists = self._past(view, near), [self._part(each, near, view) for each in (operations, other)]
        days: tuple[list[Prospect], ...] = ([], [])
        for count in FUTURES:
            before, after = (self._under(each, past, by_day, count) for each, by_day in zip(lists, days, strict=True))
            if self._score(before) - self._score(after) <= WORTH_IT * self.day:
                self._refused = better.gain
                return None
        more_kg = after.other_kg - before.other_kg
        if more_kg > max(self._spare_kg, 0.0) and after.broken >= before.broken:
            self._refused = better.gain
            return None
        self._refused, self._spare_kg = 0.0, self._spare_kg - more_kg
        return rows_of(other)

    @staticmethod
    def signs(plant: LinePlant, change: list[Row] | None = None) -> tuple[float, frozenset[int]]:
        """Lateness by the list, or by the one that follows [min], and units that stand by breakdown."""
        so_far = plant.so_far()
        return lateness(change or rows_of(plant.operations), so_far), standing(so_far)

    def begin(self) -> None:
        """A new day begins: nothing of the one before counts."""
        self.retiming.forget(self.room_mw)
        self._metered_mw = self._planned_mw.copy()
        self._refused = self._spare_kg = 0.0

    def _situation(self, plant: LinePlant) -> tuple[SoFar, Operations]:
        """State that is known, and the rest of the list after it."""
        view = self.view(plant.so_far())
        return view, onward(self.shop, view, rows_of(plant.operations), plant.operations.missing)

    def _measure(self, operations: Operations, ahead: LineHistory, now: float) -> None:
        """Import until a moment, and the room that a peak leaves which is paid for in any case."""
        grid = self.follower.grid
        if np.isnan(ahead.end).any():
            return
        load = self._load(operations, ahead, operations.arrays["energy"])
        over = int(now // grid.meter_min)
        self._metered_mw[:over] = (grid.metered(load) + self._besides_mw)[:over]
        higher = float(self._metered_mw.max() - self._planned_mw.max())
        self.retiming.room_mw = np.minimum(self.room_mw + higher, self._limit_mw - self._besides_mw)

    def _load(self, operations: Operations, history: LineHistory, energy_mwh: np.ndarray) -> np.ndarray:
        """Power of the line in each cell [MW]; every operation has ended."""
        start, end = np.array(history.start), np.array(history.end)
        extra_mwh = reheating(operations, start, end)
        trace = operations_trace(
            operations.arrays["unit"], start, end, energy_mwh, extra_mwh, self.shop.profiles, history.stops
        )
        return trace.mean(self.follower.grid.edges)

    def _near(self, operations: Operations, view: SoFar) -> set[str]:
        """Casts that have just ended, are under way or begin soon: the part of a long horizon that a look imagines."""
        first, last = view.now - BEHIND_MIN, view.now + AHEAD_MIN
        rows = zip(operations.heat, operations.scheduled, operations.planned, strict=True)
        return {self._together[h] for h, at, minutes in rows if at <= last and at + minutes >= first}

    def _past(self, view: SoFar, near: set[str]) -> SoFar:
        return replace(
            view, actuals={key: actual for key, actual in view.actuals.items() if self._together[key[0]] in near}
        )

    def _part(self, operations: Operations, near: set[str], view: SoFar) -> Operations:
        rows = [row for row in rows_of(operations) if self._together[row[0]] in near]
        return onward(self.shop, self._past(view, near), rows, [])

    def _score(self, prospect: Prospect) -> float:
        return prospect.worth + BROKEN * self.day * prospect.broken

    # ---- imagined days --------------------------------------------------------------------------------------------

    def _under(self, operations: Operations, view: SoFar, by_day: list[Prospect], futures: int) -> Prospect:
        """Outcome of a list over imagined days, those that were imagined already included."""
        more = range(len(by_day), futures)
        effort.spend(len(more) * (PER_RUN + PER_OPERATION * len(operations)))
        by_day += [self._imagined(operations, view, k) for k in more]
        return Prospect(*np.mean(by_day, axis=0).tolist())

    def _imagined(self, operations: Operations, view: SoFar, number: int) -> Prospect:
        """Outcome of an imagined day, limits from now on; the rest of the site is as planned."""
        shop, scenario, of = self.shop, self.scenario, operations.arrays
        seed = (scenario.disturbances.seed + IMAGINED) & (2**63 - 1)
        table = scattered(shop, seed, number, disturbed=True)
        factor = table[of["unit"], of["heat"]]
        actuals = {
            # of what is under way the rest takes longer or less long than planned
            key: actual if actual.end <= view.now else replace(
                actual, end=max(view.now + (actual.end - view.now) * table[actual.unit, key[0], 0], view.now)
            )
            for key, actual in view.actuals.items()
        }  # fmt: skip
        history = ListReplay(
            operations, (of["duration"] * factor[:, 0]).tolist(), failures(shop, seed, number, disturbed=True),
            recourse_of(shop, disturbed=True), None, Clock(view.now), replace(view, actuals=actuals),
        ).run()  # fmt: skip
        energy = of["energy"] * np.where(
            np.isin(np.arange(len(operations)), list(operations.actuals)), 1.0, factor[:, 1]
        )
        start, end = np.array(history.start), np.array(history.end)
        stuck, grid = np.isnan(end).any(), self.follower.grid
        if stuck:
            return Prospect(self.day, 1.0, 0.0)
        load = self._load(operations, history, energy)
        mwh = grid.stepped(load) * scenario.horizon.step_h
        metered = grid.metered(load)
        broken = self._breaks(operations, history, start, end, metered, view.now)
        worth = float(mwh @ self.worth)
        if self._charged is not None:
            first, last = (int((view.now + by) // grid.meter_min) for by in (0.0, AHEAD_MIN))
            power = self._metered_mw.copy()
            power[first:last] = (metered + self._besides_mw)[first:last]
            worth += demand_cost(self._charged, np.maximum(power, 0.0))
        return Prospect(worth, float(broken), float(mwh @ self._other))

    def _breaks(
        self,
        operations: Operations,
        history: LineHistory,
        start: np.ndarray,
        end: np.ndarray,
        load: np.ndarray,
        now: float,
    ) -> bool:
        """Whether a limit is missed from a moment on by more than is tolerated."""
        shop, tolerance = self.shop, self.scenario.tolerances.of
        over = load - self._most_mw > tolerance(ViolationKind.IMPORT)
        if over[math.ceil(now / self.follower.grid.meter_min) :].any():
            return True
        leeway = self.scenario.horizon.step_min
        for row in missed(operations, start, end, leeway, history.new_casts, history.returns):
            by, h = row.amount, shop.index[row.heat]
            if row.kind.late:
                if h not in operations.last:
                    continue  # not looked at
                by = end[operations.last[h]] - min(shop.due[h], shop.length)
            if row.at_min > now and by > tolerance(row.kind):
                return True
        return False
