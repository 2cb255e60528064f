"""A shift of a works of processes that plans again: runs begin, end and move where that is better than carrying on.

At a look the runs of each unit are changed in turn by what is best: longer, shorter, earlier, later, in another mode,
left out, or a new one. Better is by what energy is worth, by what is wanted in stores at the end, and by the chance of
an empty or full store on each day. A level lies about its forecast by the spread of deliveries and rates and by
breakdowns, as far as there is no time to do anything about them. So slack has a value though no days are imagined.

Units that must run, have ramps or a day's energy, take or give carriers, or have locked runs go on as planned, and so
do set-points of the site.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.special import ndtr

from emberline.models.site import read, worth_per_t
from emberline.planning.loop.risks import BROKEN, worth_per_mwh
from emberline.scenarios import effort
from emberline.scenarios.process.record import in_steps, moves_runs
from emberline.twin.envelope import envelope
from emberline.twin.processes.following import SchedulePolicy
from emberline.twin.processes.plant import WorksFollower, WorksPlant
from emberline.twin.processes.scatter import SHIFT_MIN, rate_spread

REACH_H = 36.0
"""Runs that begin or end later than this are left to later looks."""
ANSWER_H = 12.0
"""Time in which more or less can be made of what turns out otherwise."""
MOVES_H = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Shifts of the begin and end of runs, earlier and later."""
PASSES = 4
"""Turns of each unit."""
WORTH_IT, SMALL = 2e-3, 1e-4
"""Share of a day's worth by which a change must be better, and each part of it."""
SHORT = 0.2
"""Price of a store that lacks as much as it scatters by, as a share of that of a broken limit."""
LACKING = 2.0
"""Price of what lacks at the end, as a share of what it takes to make where energy is worth most."""
CLOSE_MIN = 10.0
"""Flow of so long into or out of a store is no slack."""
CHEAPEST = 3
"""Places of a new run where its energy is worth least."""
PER_CELL = 3e-7
"""Work for each way and step that is compared."""


class Unit(NamedTuple):
    """A unit made ready to be planned again; times in steps."""

    row: int
    start: int
    change: np.ndarray
    """Of a change-over from one mode to another."""
    run: int
    rest: int
    repair: int
    """Expected of a repair."""
    stores: np.ndarray
    """That it takes from or gives to."""
    per_t: np.ndarray
    """Tonnes that they get of a tonne by mode, (n_modes, n_stores)."""
    usual: np.ndarray
    """Rate by mode [t/h]."""
    worth: np.ndarray
    """Of a tonne by mode."""


class Ways(NamedTuple):
    """Ways on for a unit and what comes of them, by way and step."""

    modes: np.ndarray
    tph: np.ndarray
    mw: np.ndarray
    flows: list[np.ndarray]
    """Flow into each of its stores [t/h]."""
    lost: np.ndarray
    """Worth of off-spec product, by way."""
    wrong: np.ndarray
    """Steps by which runs and rests are too short or lie in outages, by way."""


class WorksReplan:
    """The policy of a works of processes, made ready for any number of days."""

    def __init__(self, follower: WorksFollower) -> None:
        """Args:
        follower: the schedule that days begin with.
        """
        self.scenario, self.table = follower.scenario, follower.table
        scenario, table, schedule = self.scenario, self.table, follower.schedule
        assert schedule is not None
        assert follower.policy is not None
        bounds = envelope(scenario)
        site = read(scenario, bounds)
        self.worth = worth_per_mwh(scenario, site.guide_per_mwh) * table.step_h
        """Of a MW in each step."""
        self.least_per_t, self.most_per_t, self.band_t = worth_per_t(scenario, bounds, site)
        imported = (schedule["import_mw"] - schedule["export_mw"]).to_numpy()
        self.day = abs(float(imported @ self.worth)) * scenario.horizon.day_share
        """Worth of a day's import."""
        caps = (site.import_limit_mw, scenario.goal.caps.peak_mw)
        limit = min((cap for cap in caps if cap is not None), default=math.inf)
        if scenario.rates is not None and scenario.rates.peaks:
            limit = min(limit, max(float(imported.max()), scenario.state.peak_so_far_mw))
        other = imported - schedule["process_mw"].to_numpy().sum(axis=0)
        self.most_mw, self.least_mw = limit - other, -site.export_limit_mw - other
        """Of all units in each step, the rest of the site as planned."""
        self.units = [self._unit(u) for u in range(len(table.machines))]
        processes, locks = (table.machines[unit.row].process for unit in self.units), scenario.run_locks
        self.movable = [u for u, process in zip(self.units, processes, strict=True) if moves_runs(process, locks)]
        flow = np.zeros((2, len(table.stores), table.n_steps))
        for load in table.loads:
            if not load.order:
                flow[0, load.store] += load.demand_tph
        for _, store, offered in table.arrivals:
            flow[1, store] += offered
        self.outside = flow[1] - flow[0]
        """Flow into each store from demands and arrivals [t/h]."""
        planned = [(unit, self._planned(unit, follower.policy)) for unit in self.units]
        fastest = flow.max(axis=(0, 2))
        for unit, tph in planned:
            fastest[unit.stores] = np.maximum(fastest[unit.stores], np.abs(tph).max(axis=1))
        self.fastest = np.maximum(fastest, 1e-6)
        self.variance = self._variance(planned)
        self.begin()

    def _unit(self, u: int) -> Unit:
        table, machine = self.table, self.table.machines[u]
        process, step_h = machine.process, table.step_h
        per_t = np.zeros((len(machine.ways), len(table.stores)))
        for m, way in enumerate(machine.ways):
            for sign, flows in ((1, way.outs), (-1, way.ins)):
                for store, amount in flows:
                    per_t[m, store] += sign * amount
        names, stores = [way.name for way in machine.ways], np.flatnonzero(per_t.any(axis=0))
        return Unit(
            u, in_steps(process.start_up.hours, step_h),
            np.array([[in_steps(process.changing(a, b).minutes / 60, step_h) for b in names] for a in names]),
            in_steps(process.min_run_h, step_h), in_steps(process.min_rest_h, step_h),
            in_steps(self._failing(u)[1], step_h), stores, per_t[:, stores],
            np.array([way.usual for way in machine.ways]),
            np.maximum(per_t, 0.0) @ np.array([self.least_per_t[name] for name in table.stores]),
        )  # fmt: skip

    def _failing(self, u: int) -> tuple[float, float]:
        """Failures of a unit in an hour of work, and hours of a repair."""
        machine = self.table.machines[u]
        by_name = {item.unit: item for item in self.scenario.disturbances.breakdowns}
        item = by_name.get(machine.name) or by_name.get(machine.process.name)
        return (0.0, 0.0) if item is None else (1 / item.mtbf_h, item.mttr_min / 60)

    def _planned(self, unit: Unit, policy: SchedulePolicy) -> np.ndarray:
        """Planned flow of a unit into its stores, (n_stores, n_steps) [t/h]."""
        return (unit.per_t[policy.modes[unit.row]] * policy.rates[unit.row][:, None]).T

    def _variance(self, planned: list[tuple[Unit, np.ndarray]]) -> np.ndarray:
        """Variance of each level about its forecast by what happens in the time before that an answer takes [t²]."""
        table, disturbances = self.table, self.scenario.disturbances
        n, hours, answer = table.n_steps, table.step_h, in_steps(ANSWER_H, table.step_h)
        variance = np.zeros((len(table.stores), n))

        def lately(values: np.ndarray) -> np.ndarray:
            total = np.cumsum(values, axis=-1)
            total[..., answer:] -= total[..., :-answer].copy()
            return total

        def scatter(store: int, tph: np.ndarray, spread: float, groups: np.ndarray) -> None:
            parts = np.where(groups == np.unique(groups)[:, None], tph * hours, 0.0)
            variance[store] += ((spread * lately(parts)) ** 2).sum(axis=0)

        for load in table.loads:
            if not load.order:
                scatter(load.store, np.array(load.demand_tph), disturbances.delivery_spread, table.day_of)
        shifts = np.arange(n) * table.step_min // SHIFT_MIN
        for unit, by_store in planned:
            machine, (failures, repair_h) = table.machines[unit.row], self._failing(unit.row)
            spread = rate_spread(disturbances, machine.name, machine.process.name)
            for store, tph in zip(unit.stores.tolist(), by_store, strict=True):
                scatter(store, tph, spread, shifts)
                # a repair is exponential: its mean square is twice that of its mean
                variance[store] += lately(2 * (tph * repair_h) ** 2 * failures * hours)
        return variance

    def begin(self) -> None:
        """A new day begins: nothing of the one before counts."""
        self._forecast: tuple[int, np.ndarray] | None = None

    def signs(self, plant: WorksPlant, change: xr.Dataset | None = None) -> tuple[float, frozenset[int]]:
        """Deviation of a store from its forecast [min of its fastest flow], and units that are being repaired."""
        del change
        assert plant.schedule is not None
        first, level = self._forecast or (0, plant.schedule["stock_t"].to_numpy())
        k, off = round(plant.now / self.table.step_min), 0.0
        if k > first:
            off = float(
                (np.abs(np.array(plant.works.levels) - level[:, k - first - 1]) / self.fastest).max(initial=0.0)
            )
        return off * 60, frozenset(unit.index for unit in plant.works.units if unit.down)

    def decide(self, plant: WorksPlant) -> xr.Dataset | None:
        """The schedule to follow from now on; None: carry on."""
        look = WorksLook(self, plant)
        carrying = look.level.copy()
        schedule = look.best()
        self._forecast = look.k, carrying if schedule is None else look.level
        return schedule


class WorksLook:
    """One look at a works at the beginning of a step; arrays by step begin there."""

    def __init__(self, policy: WorksReplan, plant: WorksPlant) -> None:
        self.policy, self.plant, table = policy, plant, policy.table
        self.k = k = round(plant.now / table.step_min)
        rules = plant.works.policy
        assert isinstance(rules, SchedulePolicy)
        self.planned, self.rates = rules.modes[:, k:], rules.rates[:, k:]
        self.modes, self.tph = self.planned.copy(), self.rates.copy()
        n = self.modes.shape[1]
        self.reach = in_steps(REACH_H, table.step_h)
        longest = max((unit.run + unit.start for unit in policy.units), default=0)
        self.n = min(self.reach + in_steps(max(MOVES_H), table.step_h) + longest, n)
        """Steps that ways differ in."""
        flow, self.load_mw = policy.outside[:, k:].copy(), np.zeros(n)
        for j, load in enumerate(table.loads):
            if load.order:
                flow[load.store] -= rules.loading[j, k:]
                if load.span[0] <= k < load.span[1]:
                    flow[load.store, 0] -= max(rules.behind_t(j, k, plant.works), 0.0) / table.step_h
        for unit in policy.units:
            now = self._ways(unit, self.modes[unit.row][None])
            self.load_mw += now.mw[0]
            for store, tph in zip(unit.stores.tolist(), now.flows, strict=True):
                flow[store] += tph[0]
        lasts = np.exp(-np.array(table.decay)[:, None] * table.step_h * np.arange(1, n + 1))
        # what flows later has lost less by then
        self.level = lasts * (
            np.array(plant.works.levels)[:, None] + np.cumsum(flow * table.step_h / np.maximum(lasts, 1e-9), axis=1)
        )
        """Expected of each store at the end of each step [t]."""
        ahead = np.minimum(np.arange(1, n + 1) / in_steps(ANSWER_H, table.step_h), 1.0)
        close = policy.fastest * CLOSE_MIN / 60
        self.sigma = np.sqrt(policy.variance[:, k:] * ahead + close[:, None] ** 2)
        day = table.day_of[k:]
        self.days = np.flatnonzero(np.diff(day[: self.n], prepend=-1))
        later = np.append(self.n + np.flatnonzero(np.diff(day[self.n :], prepend=-1)), n)
        self.later = [range(a, b) for a, b in pairwise(later.tolist())]

    # ---- what comes of modes ---------------------------------------------------------------------------------------

    def _ways(self, unit: Unit, modes: np.ndarray) -> Ways:
        """Course of a unit in each of some ways, modes by way and step."""
        table, u, (count, n) = self.policy.table, unit.row, modes.shape
        process, ways = table.machines[u].process, table.machines[u].ways
        now = self.plant.works.units[u]
        state, repair = now.standing(self.plant.now), unit.repair if now.down else 0
        since = round(state.since_h / table.step_h)
        running, extra_mw, off = np.zeros((count, n), bool), np.zeros((count, n)), np.zeros((count, n))
        lost = np.zeros(count)
        wrong = ((modes >= 0) & table.closed[u, self.k : self.k + n]).sum(axis=1).astype(float)
        switches = np.diff(modes, axis=1) != 0
        for w in range(count):
            before, since_rest = (-1 if now.down else state.mode), -since
            for b, e in pairwise((0, *(np.flatnonzero(switches[w]) + 1).tolist(), n)):
                m = int(modes[w, b])
                if m < 0:
                    since_rest = b if before >= 0 else since_rest
                    before = m
                    continue
                at = max(b, repair)
                if m == before:
                    ready = in_steps(state.ready_in_h, table.step_h)
                    began = ready if ready else -since
                else:
                    what = process.start_up if before < 0 else process.changing(ways[before].name, ways[m].name)
                    lasts = unit.start if before < 0 else int(unit.change[before, m])
                    began = ready = at + lasts
                    extra_mw[w, at : at + max(lasts, 1)] += what.energy_mwh / max(lasts, 1) / table.step_h
                    lost[w] += what.off_spec_t * unit.worth[m]
                    if ready < n:
                        off[w, ready] = what.off_spec_t / table.step_h
                    if before < 0 and b > 0:
                        wrong[w] += max(unit.rest - (b - since_rest), 0)
                running[w, ready:e] = True
                if e < n:
                    wrong[w] += max(unit.run - (e - began), 0)
                before = m
        as_planned = (modes == self.planned[u, :n]) & (self.rates[u, :n] > 0)
        tph = np.where(running, np.where(as_planned, self.rates[u, :n], unit.usual[modes]), 0.0)
        mw = extra_mw
        for m, way in enumerate(ways):
            rates, powers = zip(*way.mode.knots, strict=True)
            mw = mw + np.where(running & (modes == m), np.interp(tph, rates, powers), 0.0)
        good = tph - np.minimum(off, tph)
        flows = [
            np.where(per_t > 0, good, tph) * per_t
            for per_t in (unit.per_t[:, i][modes] for i in range(len(unit.stores)))
        ]
        return Ways(modes, tph, mw, flows, lost, wrong)

    # ---- what it is worth ------------------------------------------------------------------------------------------

    def _prices(self, unit: Unit, ways: Ways) -> np.ndarray:
        """Price of each way; the first one is the present one."""
        policy, n = self.policy, ways.modes.shape[1]
        window = slice(self.k, self.k + n)
        load = self.load_mw[:n] + ways.mw - ways.mw[0]
        over = np.maximum(load - policy.most_mw[window], 0.0) + np.maximum(policy.least_mw[window] - load, 0.0)
        broken = over.sum(axis=1) + np.maximum(ways.wrong - ways.wrong[0], 0.0)
        price = ways.mw @ policy.worth[window] + ways.lost + policy.day * broken
        for store, flow in zip(unit.stores.tolist(), ways.flows, strict=True):
            price += self._stock_price(store, np.cumsum(flow - flow[0], axis=1) * policy.table.step_h)
        effort.spend(PER_CELL * load.size)
        return price

    def _stock_price(self, s: int, more: np.ndarray) -> np.ndarray:
        """Price of what a store has more than expected, by way and step."""
        policy, table, n = self.policy, self.policy.table, more.shape[1]
        level, sigma, last = self.level[s], self.sigma[s], more[:, -1]
        price = np.zeros(len(more))
        for sign, bound in ((-1, 0.0), (1, table.capacity[s])):
            worst = [np.maximum.reduceat(sign * (level[:n] + more - bound) / sigma[:n], self.days, axis=1)]
            for day in self.later:
                # what is made until then shifts all of a later day
                at = day.start + int(
                    np.argmax(sign * (level[day.start : day.stop] - bound) / sigma[day.start : day.stop])
                )
                worst.append((sign * (level[at] + last - bound) / sigma[at])[:, None])
            z = np.concatenate(worst, axis=1)
            price += (ndtr(z) + SHORT * np.maximum(z, 0.0)).sum(axis=1)
        price *= BROKEN * policy.day
        end, name = level[-1] + last - table.end_t[s], table.stores[s]
        return (
            price + LACKING * policy.most_per_t[name] * np.maximum(-end, 0.0)
            - policy.least_per_t[name] * np.clip(end, 0.0, policy.band_t[name])
        )  # fmt: skip

    # ---- search ----------------------------------------------------------------------------------------------------

    def best(self) -> xr.Dataset | None:
        """The best schedule around the present one; None: it is not worth a change."""
        gain, day = 0.0, self.policy.day
        for _ in range(PASSES):
            before = gain
            for unit in self.policy.movable:
                ways = self._ways(unit, np.array(list(self._others(unit))))
                prices = self._prices(unit, ways)
                w = int(np.argmin(prices))
                if prices[0] - prices[w] > SMALL * day:
                    gain += float(prices[0] - prices[w])
                    self._take(unit, ways, w)
            if gain == before:
                break
        return self._schedule() if gain > WORTH_IT * day else None

    def _take(self, unit: Unit, ways: Ways, w: int) -> None:
        n = self.n
        for store, flow in zip(unit.stores.tolist(), ways.flows, strict=True):
            more = np.cumsum(flow[w] - flow[0]) * self.policy.table.step_h
            self.level[store, :n] += more
            self.level[store, n:] += more[-1]
        self.load_mw[:n] += ways.mw[w] - ways.mw[0]
        self.modes[unit.row, :n], self.tph[unit.row, :n] = ways.modes[w], ways.tph[w]

    def _others(self, unit: Unit) -> Iterator[np.ndarray]:
        """The present modes of a unit, and others."""
        row, n = self.modes[unit.row, : self.n], self.n
        yield row

        def with_run(mode: int, begin: int, end: int, row: np.ndarray = row) -> np.ndarray:
            way = row.copy()
            way[max(begin, 0) : end] = mode
            return way

        moves = sorted({in_steps(hours, self.policy.table.step_h) for hours in MOVES_H})
        edges = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), n]
        pieces = [(int(row[b]), b, e) for b, e in pairwise(edges)]
        standing = self.plant.works.units[unit.row].setpoint_mode
        # what goes on as it was is a piece of its own, of no length where another mode begins now
        pieces = pieces if pieces[0][0] == standing else [(standing, 0, 0), *pieces]
        ends = n if len(row) == self.modes.shape[1] else n - 1
        for (m, b, e), (other, _, until) in pairwise(pieces):
            if e > self.reach:
                break
            for move in moves:
                if e > b:
                    yield with_run(other, max(e - move, b), e)
                yield with_run(m, e, min(e + move, until))
        for i, (m, b, e) in enumerate(pieces):
            if b > self.reach or e == b:
                continue
            modes = range(len(unit.usual))
            if m >= 0:
                if e > ends:
                    continue
                yield with_run(-1, b, e)
                yield from (with_run(other, b, e) for other in modes if other != m)
                alone = 0 < i < len(pieces) - 1 and pieces[i - 1][0] == pieces[i + 1][0] == -1
                for move in moves if alone else ():
                    for by in (-move, move):
                        if b + by >= 0 and e + by <= ends:
                            yield with_run(m, b + by, e + by, with_run(-1, b, e))
                continue
            lasts = max(unit.run, 1) + unit.start
            for length in (lasts, 2 * lasts, 3 * lasts):
                for place in self._places(b, min(e, self.reach) - length, length, unit.rest):
                    yield from (with_run(other, place, place + length) for other in modes)

    def _places(self, first: int, last: int, length: int, rest: int) -> set[int]:
        """Steps in which a new run may begin: the first and last ones, and where its energy is worth least."""
        if last < first:
            return set()
        total = np.cumsum(np.append(0.0, self.policy.worth[self.k : self.k + last + length]))
        cheapest = np.argsort(total[first + length :] - total[first : last + 1], kind="stable")[:CHEAPEST]
        return {first, min(first + rest, last), last, *(first + cheapest).tolist()}

    def _schedule(self) -> xr.Dataset:
        schedule, k, table = self.plant.schedule, self.k, self.policy.table
        assert schedule is not None
        modes, rates = schedule["process_mode"].values.astype(object), schedule["process_tph"].to_numpy().copy()
        labels = schedule["process"].values.tolist()
        for unit in self.policy.movable:
            machine, after = table.machines[unit.row], self.modes[unit.row]
            if (after == self.planned[unit.row]).all():
                continue
            row, tph = labels.index(machine.name), self.tph[unit.row]
            if self.plant.works.units[unit.row].down:
                # it may be repaired sooner than expected
                soon = slice(0, unit.repair + unit.start)
                tph[soon] = np.where(after[soon] < 0, 0.0, unit.usual[after[soon]])
            modes[row, k:], rates[row, k:] = [machine.ways[m].name if m >= 0 else "" for m in after.tolist()], tph
        dims = ("process", "time")
        return schedule.assign(process_mode=(dims, modes.astype(np.str_)), process_tph=(dims, rates))
