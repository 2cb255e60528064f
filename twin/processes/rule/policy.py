"""The baseline of continuous processes, written as a policy. It looks at every step's edge, and at no price.

1. What must run runs at its usual rate, within its ramp: lower while a store that it fills is above ``keep_high`` or
   one that it empties would run empty, at its highest while one is below ``keep_low`` or would miss what is wanted of
   it later; in the mode that has room where it begins again or its own store is full. Planned stops are made at their
   earliest, a least run kept. A daily energy is drawn evenly.
2. A switched unit that is free starts in the mode whose product is most short: by the share of its band that the level
   would lie below ``keep_low`` after the least run that follows, known deliveries and units that make it already
   counted. Its inputs must hold enough for that least run (and their ``keep_low`` besides, unless the product would run
   out), its products have room. It starts as well where what must run fills an input above ``keep_high``. It goes on
   until its product is above ``keep_high`` or an input below ``keep_low``, then changes over to the next short product
   or stops. Least runs and rests are obeyed: nobody starts or goes on where a store would then run full or empty before
   all who may not stop yet may, and who runs goes on where those cannot do without.
3. It counts back what is wanted by later deliveries, orders and at the end (``rule.outlook``): when the units
   of a process have no more time to lose for it, free ones start for what lacks most, and do not stop before it is
   made. Nobody starts for a store's band alone what an input needs for its end level.
4. Orders are loaded from their release on as fast as they may be and as known demand leaves something, at the latest so
   that they are out when due.
5. Where a store would run full or empty within the step (``rule.fitting``), who may is turned down or left
   out, those first that it would start. Nor does it start what draws more than the import limit leaves; it counts on
   the sun, but neither on the battery nor on own generation.

Processes with needs downstream are thought of first.
"""

from __future__ import annotations

import math

import numpy as np

from emberline.scenarios.process.record import in_steps
from emberline.twin.processes.network import ModeTable, WorksTable
from emberline.twin.processes.rule.fitting import COMMITTED, FREE, MUST, NEW, Fitting, UnitIntent
from emberline.twin.processes.rule.outlook import Outlook, ProcessGroup
from emberline.twin.processes.rule.situation import OUT_OF_STOCK, Bands, Glance
from emberline.twin.processes.unit import CHANGING, DOWN, OUT, RUNNING, SOON_MIN, STANDING, STARTING, UnitProcess
from emberline.twin.processes.works import Instructions, Works
from emberline.twin.site.grids import SiteGrid


class Daily:
    """Energy that units of processes with a daily energy still have to draw."""

    def __init__(self, table: WorksTable, opened: np.ndarray) -> None:
        """``opened``: 1 where a unit may run, shape (n_machines, n_steps)."""
        self._table, self._open = table, opened
        self._days = {
            machine.group: machine.process.days(table.scenario.horizon)
            for machine in table.machines
            if machine.process.daily_energy_mwh is not None
        }

    def rate(self, k: int, works: Works, u: int) -> float:
        """Rate of unit ``u`` in step ``k`` at which its process draws what is left of the day evenly [t/h]; 0: none."""
        table = self._table
        group = table.machines[u].group
        steps, target_mwh = next((steps, mwh) for steps, mwh in self._days[group] if k in steps)
        members = [m for m, machine in enumerate(table.machines) if machine.group == group]
        rest_mwh = target_mwh - sum(sum(works.trajectory.drawn_mwh[m][steps.start : k]) for m in members)
        way = table.machines[u].ways[max(works.units[u].mode, 0)]
        unit_steps = float(self._open[members, k : steps.stop].sum())
        least = way.power_mw(way.low) * table.step_h
        if least and rest_mwh < least * unit_steps:
            # not enough for all steps of all units: the first ones run
            unit_steps = float(int(rest_mwh / least + 1e-9))
            if members.index(u) >= unit_steps:
                return 0.0
        return rate_of(way, rest_mwh / (unit_steps * table.step_h)) if unit_steps and rest_mwh > 0 else 0.0


def rate_of(way: ModeTable, power_mw: float) -> float:
    """Rate at which a mode draws a power, its lowest or highest where there is none [t/h]."""
    knots = way.mode.knots
    rates, powers = [rate for rate, _ in knots], [power for _, power in knots]
    return float(np.interp(power_mw, powers, rates))


SHORT = 1e-6
"""Share of a band that is not worth starting a unit for."""


class ProcessBaseline:
    """The rule at work; a new one for each run."""

    def __init__(self, table: WorksTable, grid: SiteGrid) -> None:
        self.table = table
        self.outlook = Outlook(table)
        self.stood: list[str] = []
        """Units that had to be stopped though they must run, or in a least run."""
        self._bands = Bands(self.outlook, grid)
        self._daily = Daily(table, self.outlook.open)

    def instructions(self, k: int, works: Works) -> Instructions:
        """Set-points of step ``k``."""
        table, outlook = self.table, self.outlook
        # of orders; other demands have no amount
        orders_t = [max(load.amount_t - tonnes, 0.0) for load, tonnes in zip(table.loads, works.loaded, strict=True)]
        self._k, self._works = k, works
        self._sees = Glance(self._bands, k, works, orders_t)
        jobs: list[UnitIntent] = []
        free: list[tuple[ProcessGroup, list[UnitProcess]]] = []
        for group in outlook.groups:
            units = []
            for u in group.members:
                job = self._fixed_job(group, works.units[u])
                if job is None:
                    units.append(works.units[u])
                else:
                    self._sees.expect(group, job)
                    jobs.append(job)
            free.append((group, units))
        for group, units in free:
            jobs += self._decide(group, units)
        for job in jobs:
            if job.kind == MUST and job.rate and not job.new:
                self._modulate(job)
        loading = self._loading(k, orders_t)
        Fitting(table, k, works.levels, jobs, loading).fit()
        modes, rates = [-1] * len(works.units), [0.0] * len(works.units)
        for job in jobs:
            name = job.unit.machine.name
            if not job.dropped:
                modes[job.unit.index], rates[job.unit.index] = job.mode, job.rate
            elif job.kind in (MUST, COMMITTED) and name not in self.stood:
                self.stood.append(name)
        return modes, rates, loading

    # what is settled already

    def _fixed_job(self, group: ProcessGroup, unit: UnitProcess) -> UnitIntent | None:
        """Intent for a unit that is fixed in this step; None: it is free."""
        k, u = self._k, unit.index
        stop = self.outlook.stops.get(u)
        if self.table.closed[u, k] or unit.phase == OUT or (stop is not None and stop[0] <= k < stop[1]):
            return UnitIntent(unit, -1, 0.0, COMMITTED)
        if unit.phase == DOWN:
            # once repaired it goes on with its set-points
            return UnitIntent(unit, unit.setpoint_mode, unit.setpoint_tph, COMMITTED, idle=True)
        if unit.phase == STANDING:
            if self._works.now - unit.since < unit.process.min_rest_h * 60 - SOON_MIN:
                return UnitIntent(unit, -1, 0.0, COMMITTED)
            return self._started(group, unit, self._first_mode(group, unit), MUST) if group.must_run else None
        kind = MUST if group.must_run else COMMITTED
        if unit.phase in (STARTING, CHANGING) or not unit.running:
            begin = k if unit.resuming else math.ceil(unit.ready_from / self.table.step_min - SOON_MIN)
            rate = self._rate(unit, unit.way)
            rate = 0.0 if begin > k else rate
            return UnitIntent(unit, unit.mode, rate, kind, begin_k=begin, off_t=unit.coming_off_t, new=True)
        may_stop = self._works.now - unit.since >= unit.process.min_run_h * 60 - SOON_MIN
        if may_stop and not group.must_run:
            return None
        on = self._on(unit, kind)
        other = self._other_mode(group, unit) if may_stop else None
        if other is None and may_stop and len(group.machine.ways) > 1 and self._sees.cut_short(on):
            other = next(iter(self._roomy(group, unit, unit.mode)), None)
        return on if other is None else self._changed(group, unit, other, kind)

    def _first_mode(self, group: ProcessGroup, unit: UnitProcess) -> int:
        """Mode in which a unit that must run begins again: that of the start, or one that has room where it has not."""
        usual = max(unit.machine.mode, 0)
        return next(iter(self._roomy(group, unit, None)), usual) if len(group.machine.ways) > 1 else usual

    def _roomy(self, group: ProcessGroup, unit: UnitProcess, before: int | None) -> list[int]:
        """Modes, other than one that is left, in which a least run of who must run has room; the shortest first."""
        ways, usual = group.machine.ways, max(unit.machine.mode, 0)
        make = self._started if before is None else self._changed
        modes = [m for m in range(len(ways)) if m != before and self._sees.fits(group, make(group, unit, m, COMMITTED))]
        return sorted(modes, key=lambda m: (-self._sees.shortage(group, ways[m]), m != usual))

    def _even(self, unit: UnitProcess) -> bool:
        return unit.process.daily_energy_mwh is not None

    def _rate(self, unit: UnitProcess, way: ModeTable) -> float:
        """Rate in this step that a daily energy asks for; the mode's usual one where there is none [t/h]."""
        return self._daily.rate(self._k, self._works, unit.index) if self._even(unit) else way.usual

    def _on(self, unit: UnitProcess, kind: int) -> UnitIntent:
        """It goes on, within its ramp."""
        way, process = unit.way, unit.process
        last = unit.setpoint_tph if self._k else unit.machine.state.rate_tph
        ramp = process.ramp_tph_per_h
        bottom, top = way.low, way.high
        if ramp is not None and last is not None and (last or not way.low):
            span = ramp * self.table.step_h
            bottom, top = max(bottom, last - span), min(top, last + span)
        rate = min(max(self._rate(unit, way), bottom), top)
        return UnitIntent(unit, unit.mode, rate, kind, begin_k=self._k, off_t=unit.off_left, least=bottom, most=top)

    def _started(self, group: ProcessGroup, unit: UnitProcess, mode: int, kind: int) -> UnitIntent:
        rate = 0.0 if group.start_k else self._rate(unit, group.machine.ways[mode])
        begin, off_t = self._k + group.start_k, unit.process.start_up.off_spec_t
        return UnitIntent(unit, mode, rate, kind, begin_k=begin, off_t=off_t, new=True)

    def _changed(self, group: ProcessGroup, unit: UnitProcess, mode: int, kind: int) -> UnitIntent:
        way = group.machine.ways[mode]
        change = unit.process.changing(unit.way.name, way.name)
        steps = in_steps(change.minutes / 60, self.table.step_h)
        rate = 0.0 if steps else way.usual
        return UnitIntent(unit, mode, rate, kind, begin_k=self._k + steps, off_t=change.off_spec_t, new=True)

    def _modulate(self, job: UnitIntent) -> None:
        """The rate of who must run, by the stores next to it."""
        way, needs = job.unit.machine.ways[job.mode], self._sees.needs.need
        if self._even(job.unit) or way.low == way.high:
            return
        levels = self._works.levels
        lacking = any(needs[s].max(initial=0.0) > 0 for s, _ in way.outs)
        rate = way.usual
        if any(self._sees.path[s].min(initial=0.0) < 0 for s, _ in way.ins) or (
            not lacking and any(levels[s] > self._bands.high[s] for s, _ in way.outs)
        ):
            rate = way.low
        elif lacking or any(levels[s] < self._bands.low[s] for s, _ in way.outs):
            rate = way.high
        job.rate = min(max(rate, job.least), job.most)

    # what is free to decide

    def _decide(self, group: ProcessGroup, units: list[UnitProcess]) -> list[UnitIntent]:
        """Jobs of the free units of a process; those that run come first."""
        jobs = []
        for unit in sorted(units, key=lambda unit: (unit.phase != RUNNING, unit.index)):
            job = None
            if self._even(unit):
                job = self._evenly(group, unit)
            else:
                on = self._on(unit, FREE) if unit.phase == RUNNING else None
                if on is not None and (
                    self._sees.must_go_on(on) or (self._goes_on(group, unit) and self._sees.fits(group, on))
                ):
                    job = on
                else:
                    job = self._starts(group, unit)
            if job is not None:
                self._sees.expect(group, job)
                jobs.append(job)
        return jobs

    def _evenly(self, group: ProcessGroup, unit: UnitProcess) -> UnitIntent | None:
        if not self._daily.rate(self._k, self._works, unit.index):
            return None
        return self._on(unit, FREE) if unit.phase == RUNNING else self._started(group, unit, 0, NEW)

    def _goes_on(self, group: ProcessGroup, unit: UnitProcess) -> bool:
        """Whether a unit goes on in its mode; else it changes over, or stops."""
        way, levels = unit.way, self._works.levels
        has_need = self._sees.needs.tonnes[group.index, unit.mode][-1] > 0
        if self._sees.urgent(group):
            lacking = [self._sees.lacking(group, mode) for mode in range(len(group.machine.ways))]
            if max(lacking) > 0:
                return lacking[unit.mode] > 0
        if any(levels[s] > self._bands.high[s] for s, _ in way.outs) or self._other_mode(group, unit) is not None:
            return False
        drained = any(levels[s] < self._bands.low[s] for s, _ in way.ins)
        if drained and self._sees.shortage(group, way) < OUT_OF_STOCK and not self._sees.pushed(way):
            return False
        return has_need or self._sees.spared(way, 1)

    def _starts(self, group: ProcessGroup, unit: UnitProcess) -> UnitIntent | None:
        """Intent with which a free unit starts, or changes over; None: nothing."""
        ways, needs = group.machine.ways, self._sees.needs
        modes = [mode for mode in range(len(ways)) if mode != unit.mode]
        short = {mode: self._sees.shortage(group, ways[mode]) for mode in modes}
        lacking = {mode: self._sees.lacking(group, mode) for mode in modes}
        urgent = self._sees.urgent(group)
        # hours that it lacks come before bands, but what would run out comes first
        modes.sort(
            key=lambda m: (
                short[m] < OUT_OF_STOCK,
                -max(lacking[m], 0.0) / ways[m].usual if urgent else 0.0,
                -short[m],
                max((self._sees.share(s) for s, _ in ways[m].outs), default=0.0),
            )
        )
        for mode in modes:
            if short[mode] <= SHORT and not (urgent and lacking[mode] > 0) and not self._sees.pushed(ways[mode]):
                continue
            if needs.tonnes[group.index, mode][-1] <= 0 and not self._sees.spared(ways[mode], group.run_k):
                continue
            make = self._changed if unit.phase == RUNNING else self._started
            job = make(group, unit, mode, NEW)
            pressing = (urgent and lacking[mode] > 0) or short[mode] >= OUT_OF_STOCK
            if job.begin_k < self.table.n_steps and self._sees.has_room(group, job, pressing):
                return job
        return None

    def _other_mode(self, group: ProcessGroup, unit: UnitProcess) -> int | None:
        """A mode to change over to: it would run out and its own product would not, or its own is full; None: none."""
        ways = group.machine.ways
        modes = [mode for mode in range(len(ways)) if mode != unit.mode]
        if not modes:
            return None
        short = {mode: self._sees.shortage(group, ways[mode]) for mode in modes}
        worst = max(modes, key=lambda mode: short[mode])
        full = any(self._works.levels[s] > self._bands.high[s] for s, _ in unit.way.outs)
        dire = short[worst] >= OUT_OF_STOCK and self._sees.shortage(group, unit.way) <= SHORT
        return worst if dire or (full and short[worst] > SHORT) else None

    # orders

    def _loading(self, k: int, orders_t: list[float]) -> list[float]:
        """Loading rate of each order in this step [t/h]."""
        table, loading = self.table, [0.0] * len(orders_t)
        step_h, ahead = table.step_h, self._sees.path.shape[1]
        for j in sorted(range(len(orders_t)), key=lambda j: (table.loads[j].span[1], j)):
            load = table.loads[j]
            if orders_t[j] <= 0 or not load.span[0] <= k < load.span[1]:
                continue
            most = min(load.most_tph, orders_t[j] / step_h)
            must = orders_t[j] / step_h - (load.span[1] - k - 1) * load.most_tph
            # the levels ahead have its loading in them
            spare = float(self._sees.path[load.store].min()) + min(load.most_tph * step_h * ahead, orders_t[j])
            loading[j] = min(most, max(must, spare / step_h, 0.0))
        return loading
