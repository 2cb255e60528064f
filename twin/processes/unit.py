"""A unit of a process in the course of the horizon: it stands, starts up, changes over, runs, is down or waits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from emberline.scenarios.assets.storage import NOTHING
from emberline.scenarios.process.recipe import GJ_PER_MWH
from emberline.scenarios.process.record import UnitState, in_steps
from emberline.twin.processes.network import MachineTable, ModeTable
from emberline.twin.streams import Breakdowns

STANDING, STARTING, CHANGING, RUNNING, DOWN, OUT = range(6)
"""Phases. Running too is who waits for a store, or is ready and waits for its rate; out is who may not work."""
GRACE = 1e-6
"""Share of its highest rate over the horizon by which a unit may fall short of its least rate before it stands: what a
schedule is rounded by, and seconds of a week."""
SOON_MIN = 1e-9
"""Moments that lie so close together are one [min]."""


@dataclass(frozen=True)
class ModeRun:
    """A run of a unit in one mode, from its first product to its end [min]."""

    unit: int
    mode: int
    begin: float
    end: float
    by_order: bool
    """Whether it was ended by a set-point, not by a failure, an outage or the end of the horizon."""


@dataclass(frozen=True)
class Standstill:
    """A standstill of a unit, from its stop to the beginning of its start-up [min]."""

    unit: int
    begin: float
    end: float


class Standing(NamedTuple):
    """State of a unit at a moment, in the terms of ``UnitState``."""

    mode: int
    """In which it runs, or is about to; -1: it stands."""
    since_h: float
    rate_tph: float
    """That it is set to."""
    ready_in_h: float
    leaves: int
    """Mode that it changes over from; -1: none."""
    off_spec_t: float


NOBODY = Standing(-1, 0.0, 0.0, 0.0, -1, 0.0)


class UnitProcess:
    """One unit: its set-points, what it does, and what it draws."""

    def __init__(
        self, index: int, machine: MachineTable, failing: Breakdowns | None, length_h: float, step_h: float
    ) -> None:
        self.index, self.machine, self.process = index, machine, machine.process
        self.failing = failing
        self.mode = machine.mode
        self.phase = RUNNING if machine.mode >= 0 else STANDING
        self.setpoint_mode, self.setpoint_tph = -1, 0.0
        self.since = -machine.state.since_h * 60
        """Beginning of the run, or of the standstill."""
        self.running = machine.mode >= 0
        """Whether a run has begun: product is made, or would be but for a store."""
        self.until = math.inf
        """End of start-up, change-over or repair."""
        self.ready_from = 0.0
        """From when on a run at rate zero may begin, where the rates reach down to it."""
        self.target = 0.0
        """Rate that it would run at if no store were in its way [t/h]."""
        self.rate = 0.0
        self.off = 0.0
        """Part of the rate that gives off-spec product [t/h]."""
        self.off_left = 0.0
        """Off-spec product still to be made [t]."""
        self.grace = GRACE * machine.high * length_h
        self.waits: list[tuple[int, float, bool]] = []
        """Stores for which it stands: the level at which it goes on, and whether it must be at least that."""
        self.extra_mw = 0.0
        """Start-up or change-over energy."""
        self.heating_mw = 0.0
        """Start-up heat by the usual mix."""
        self.extra_until = math.inf
        self.resuming = False
        """Whether it starts up by itself, after a repair or an outage."""
        self._cold = True
        self._leaves = -1
        self._pending = (0.0, 0.0, 0.0)
        """Electricity [MWh], heat [MWh] and off-spec product [t] with which the next run begins."""
        self.runs: list[ModeRun] = []
        self.rests: list[Standstill] = []
        self.stops: list[tuple[float, float]] = []
        """Breakdowns: when, and how long the repair takes [min]."""
        if machine.mode >= 0:
            self._go_on(machine.state, step_h)

    def _go_on(self, state: UnitState, step_h: float) -> None:
        """Go on with the repair, start-up, change-over or off-spec product that is under way at the start."""
        if state.repair_h:
            self.mode, self.running, self._cold = -1, False, False
            self.phase, self.until = DOWN, state.repair_h * 60
            return
        if not state.ready_in_h:
            self.off_left = state.off_spec_t
            return
        names = [way.name for way in self.machine.ways]
        self.running, self.until = False, state.ready_in_h * 60
        self.ready_from, self._pending = self.until, (0.0, 0.0, state.off_spec_t)
        if state.leaves is None:
            start = self.process.start_up
            self.phase, lasts_h = STARTING, in_steps(start.hours, step_h) * step_h
            self.extra_mw, self.heating_mw = start.energy_mwh / lasts_h, start.heat_gj / GJ_PER_MWH / lasts_h
        else:
            self.phase, self._leaves = CHANGING, names.index(state.leaves)
            change = self.process.changing(state.leaves, self.way.name)
            self.extra_mw = change.energy_mwh / (in_steps(change.minutes / 60, step_h) * step_h)

    def standing(self, now: float) -> Standing:
        """State of the unit at the moment ``now``."""
        preparing = self.phase in (STARTING, CHANGING) and self.until > now + SOON_MIN
        return Standing(
            self.mode,
            (now - self.since) / 60 if self.running or self.mode < 0 or preparing else 0.0,
            self.setpoint_tph,
            (self.until - now) / 60 if preparing else 0.0,
            self._leaves if preparing and self.phase == CHANGING else -1,
            0.0 if self.mode < 0 else self.off_left if self.running else self._pending[2],
        )

    @property
    def way(self) -> ModeTable:
        """The mode in which it runs, or is about to."""
        return self.machine.ways[self.mode]

    @property
    def floor(self) -> float:
        """Lowest rate at which it goes on [t/h]."""
        return min(self.way.low, self.target)

    @property
    def working(self) -> bool:
        """Whether it runs and no store keeps it from doing so."""
        return self.phase == RUNNING and self.running and not self.waits

    @property
    def down(self) -> bool:
        """Whether it is being repaired."""
        return self.phase == DOWN

    @property
    def coming_off_t(self) -> float:
        """Off-spec product with which its next run begins [t]."""
        return self._pending[2]

    def power_mw(self) -> float:
        """Power that it draws now."""
        if self.working and (self.rate > 0 or not self.way.low):
            return self.way.power_mw(self.rate) + self.extra_mw
        return self.extra_mw

    def instruct(self, mode: int, rate_tph: float, now: float, step_min: float) -> None:
        """Set mode and rate from now on; mode -1: to stand."""
        self.setpoint_mode, self.setpoint_tph = mode, rate_tph
        if mode < 0:
            self._cold = True
            if self.phase in (STARTING, CHANGING, RUNNING):
                self.stop(now, by_order=True)
                self.phase = STANDING
        elif self.phase == STANDING:
            self._start_up(now, step_min)
        elif self.phase == STARTING:
            self.mode = mode
        elif self.phase in (RUNNING, CHANGING) and mode != self.mode:
            self._change_over(now, step_min)
        self.begin(now, step_min)

    def stop(self, now: float, *, by_order: bool) -> None:
        """Everything is off at once."""
        if self.running:
            self.runs.append(ModeRun(self.index, self.mode, self.since, now, by_order))
        self.mode, self.running, self.resuming, self.waits = -1, False, False, []
        self.since, self.until, self.extra_until = now, math.inf, math.inf
        self.target = self.rate = self.off = self.off_left = self.extra_mw = self.heating_mw = 0.0

    def break_down(self, now: float, repair_min: float | None = None) -> None:
        """Fail, and be repaired; ``repair_min`` None: in the time that is drawn."""
        if repair_min is None:
            assert self.failing is not None
            repair_min = self.failing.fail()
        self.stop(now, by_order=False)
        self.phase, self._cold = DOWN, False
        self.until = now + repair_min
        self.stops.append((now, self.until - now))

    def close(self, now: float) -> None:
        """It is not available any more, for the time being."""
        if self.phase in (STARTING, CHANGING, RUNNING):
            self.stop(now, by_order=False)
        self.phase, self._cold, self.until = OUT, True, math.inf

    def open(self, now: float, step_min: float) -> None:
        """It is available again and goes on with its set-points."""
        self.phase = STANDING
        if self.setpoint_mode >= 0:
            self.resuming = True
            self._start_up(now, step_min)

    def _start_up(self, now: float, step_min: float) -> None:
        start = self.process.start_up
        share, still_h = 1.0, (now - self.since) / 60
        if not self._cold and start.cold_after_h:
            share = min(still_h / start.cold_after_h, 1.0)
        self.rests.append(Standstill(self.index, self.since, now))
        self.mode, self._cold = self.setpoint_mode, True
        needs = start.energy_mwh * share, start.heat_gj * share / GJ_PER_MWH, start.off_spec_t * share
        self._prepare(STARTING, now, step_min, start.hours * share, needs)

    def _change_over(self, now: float, step_min: float) -> None:
        ways = self.machine.ways
        change = self.process.changing(self.way.name, ways[self.setpoint_mode].name)
        self._leaves = self.mode
        self.stop(now, by_order=True)
        self.mode = self.setpoint_mode
        self._prepare(CHANGING, now, step_min, change.minutes / 60, (change.energy_mwh, 0.0, change.off_spec_t))

    def _prepare(
        self, phase: int, now: float, step_min: float, hours: float, needs: tuple[float, float, float]
    ) -> None:
        """Begin a start-up or change-over: electricity [MWh], heat [MWh] and off-spec product [t] that it needs."""
        steps = in_steps(hours, step_min / 60)
        self.ready_from = now + steps * step_min
        # what is planned takes whole steps, within which the power does not change
        self.phase, self.until = phase, now + hours * 60 if self.resuming else self.ready_from
        if steps:
            lasts_h = (self.until - now) / 60
            self.extra_mw, self.heating_mw = needs[0] / lasts_h, needs[1] / lasts_h
            self._pending = (0.0, 0.0, needs[2])
        else:
            self._pending = needs
        self._pass(now, step_min)

    def _pass(self, now: float, step_min: float) -> None:
        """End a start-up, change-over or breakdown whose time is over."""
        if self.phase in (STARTING, CHANGING) and self.until <= now + SOON_MIN:
            self.phase, self.until = RUNNING, math.inf
            self.extra_mw = self.heating_mw = 0.0
            self.begin(now, step_min)
        elif self.phase == DOWN and self.until <= now + SOON_MIN:
            self.until = math.inf
            self.open(now, step_min)

    def begin(self, now: float, step_min: float) -> None:
        """Begin to run where it is ready and has its rate."""
        if self.phase != RUNNING or self.running or self.setpoint_mode < 0:
            return
        if not self.setpoint_tph and (self.way.low or now < self.ready_from - SOON_MIN):
            return
        self.running, self.since, self.resuming = True, now, False
        mwh, heat_mwh, self.off_left = self._pending
        if mwh or heat_mwh:
            self.extra_mw, self.heating_mw = mwh * 60 / step_min, heat_mwh * 60 / step_min
            self.extra_until = now + step_min
        self._pending = (0.0, 0.0, 0.0)

    def aim(self, factor: float) -> None:
        """Set its rate again; ``factor`` of its set-point, never above its highest."""
        if not self.working:
            self.target = 0.0
            return
        self.target = self.setpoint_tph if factor == 1 else min(self.setpoint_tph * factor, self.way.high)

    def portion(self, until_h: float) -> None:
        """Spread what is off-spec in the next hours evenly over them."""
        self.off = min(self.off_left, self.way.pace * until_h) / until_h if self.off_left and until_h else 0.0

    def due(self, now: float) -> float:
        """Time of its next event if flows stay as they are [min]."""
        at = min(self.until, self.extra_until)
        if self.working and self.rate > 0:
            if self.failing is not None:
                at = min(at, now + self.failing.until_failure_min)
            if self.short:
                at = min(at, now + self.grace / (self.target - self.rate) * 60)
        elif self.short:
            at = min(at, now + self.grace / self.target * 60)
        return at

    @property
    def short(self) -> bool:
        """Whether a store keeps it below its least rate."""
        return self.working and self.rate < self.floor * (1 - GRACE)

    def pass_time(self, minutes: float) -> None:
        """Let time pass with flows as they are."""
        hours = minutes / 60
        if self.off_left:
            self.off_left -= min(self.off, self.rate) * hours
            if self.off_left < NOTHING * self.way.pace:
                self.off_left = 0.0
        if self.failing is not None and self.rate > 0:
            self.failing.work(minutes)
        if self.short:
            self.grace -= (self.target - self.rate) * hours
            if self.grace < NOTHING * self.target:
                self.grace = 0.0

    def turn(self, now: float, step_min: float) -> None:
        """Whatever is due happens."""
        if self.extra_until <= now + SOON_MIN:
            self.extra_mw = self.heating_mw = 0.0
            self.extra_until = math.inf
        if self.failing is not None and self.working and self.rate > 0 and self.failing.until_failure_min <= SOON_MIN:
            self.break_down(now)
        self._pass(now, step_min)
