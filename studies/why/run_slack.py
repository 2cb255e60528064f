"""Slack of a process run: how far it can move as a whole, earlier or later, with everything else as planned.

A run moves together with its start-up, step by step. It is stopped by the first of: another run of its unit with the
minimum rest between them; the horizon; a store that would run empty, overflow or end below its required level; and the
import limit, as the mean over a metered interval. Losses of stores, carriers and assets stay as planned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from emberline.planning.accounts.unit_runs import RUN, UnitRun, unit_runs
from emberline.planning.answer.uses import SIGNALS, signal, signal_text
from emberline.planning.plan.record import Plan
from emberline.scenarios import Scenario
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.process.record import Process, in_steps
from emberline.studies.why.slack import MW, Slack, Stop

__all__ = ["buffers", "intensity", "slack"]

TONNES = 1e-6
"""Amounts below this count as zero [t]."""


@dataclass(frozen=True)
class Buffer:
    """Lowest and highest level of a store during a run."""

    store: str
    lowest_t: float
    lowest_min: float
    """Time of the lowest level [min]."""
    highest_t: float
    highest_min: float
    capacity_t: float


def buffers(scenario: Scenario, run: xr.Dataset, unit_run: UnitRun) -> list[Buffer]:
    """Buffers of the stores that a run fills or empties, from its start to its end."""
    step, rows = scenario.horizon.step_min, []
    for name in _flows(scenario, run, unit_run):
        level = run["stock_t"].sel(stock=name).to_numpy()[unit_run.first : unit_run.last]
        low, high = int(level.argmin()), int(level.argmax())
        ends = ((float(level[at]), (unit_run.first + at + 1) * step) for at in (low, high))
        rows.append(Buffer(name, *next(ends), *next(ends), scenario.store[name].capacity_t))
    return rows


def intensity(plan: Plan, unit_run: UnitRun) -> Message:
    """Value of a MWh by the goal during a run, and its mean over all imports of the plan, in words."""
    assert plan.replay is not None
    worth, kind, unit = signal(plan)
    here = signal_text(weighted(worth[unit_run.first : unit_run.last], power(plan.replay, unit_run)))
    mean = signal_text(weighted(worth, plan.replay["import_mw"].to_numpy()))
    text = mark("{signal} while it runs: {here} {unit}; mean of all that the plan imports: {mean} {unit}")
    return Message(text, signal=Message(SIGNALS[kind]), here=here, mean=mean, unit=unit)


def power(run: xr.Dataset, unit_run: UnitRun) -> np.ndarray:
    """Power of a unit in each step of a run [MW]."""
    return run["process_mw"].sel(process=unit_run.unit).to_numpy()[unit_run.first : unit_run.last]


def weighted(worth: np.ndarray, mw: np.ndarray) -> float:
    """Mean value per MWh, weighted by power; the plain mean if the power is zero."""
    return float(worth @ mw / mw.sum()) if mw.sum() > MW else float(worth.mean())


def slack(scenario: Scenario, run: xr.Dataset, unit_run: UnitRun, every: Sequence[UnitRun] | None = None) -> Slack:
    """Compute the slack of a run.

    Args:
        scenario: scenario with its processes.
        run: undisturbed dataset of table ``RUN``.
        unit_run: run of ``unit_runs(scenario, run)``.
        every: all of these runs; None: they are computed again.
    """
    mine = [other for other in every or list(unit_runs(scenario, run)) if other.unit == unit_run.unit]
    place = mine.index(unit_run)
    begin, end, before = unit_run.first, unit_run.last, mine[:place]
    while before and before[-1].what != RUN and before[-1].last == begin:
        begin = before.pop().first
    after = mine[place + 1] if place + 1 < len(mine) else None
    joined = next((o for o in [*before[-1:], after] if o is not None and begin <= o.last and o.first <= end), None)
    if joined is not None:  # a changeover lies between, or the run waits
        stop = Stop("unit", joined.mode)
        return Slack(0.0, stop, 0.0, stop)
    free = _Moved(scenario, run, unit_run, begin)
    earlier = _neighbour(scenario, unit_run, begin, before[-1] if before else None, earlier=True)
    later = _neighbour(scenario, unit_run, unit_run.last, after, earlier=False)
    (back, why_back), (ahead, why_ahead) = free.as_far(-1, *earlier), free.as_far(1, *later)
    step = scenario.horizon.step_min
    return Slack(back * step, why_back, ahead * step, why_ahead)


def on_before(process: Process, unit: str) -> bool:
    """Return whether a unit of a process runs at the beginning of the horizon."""
    return process.start[process.units.index(unit)].mode is not None


def _neighbour(
    scenario: Scenario, unit_run: UnitRun, edge: int, other: UnitRun | None, *, earlier: bool
) -> tuple[int, Stop]:
    """Steps to the next run of the unit, excluding its minimum rest, or to the end of the horizon, and the limit."""
    process = dict(scenario.process_units)[unit_run.unit]
    if process.must_run:
        return 0, Stop("must run")
    if earlier and edge == 0:
        return 0, Stop("started" if on_before(process, unit_run.unit) else "horizon")
    if other is None:
        return (edge if earlier else scenario.horizon.n_steps - edge), Stop("horizon")
    gap = edge - other.last if earlier else other.first - edge
    rest = in_steps(process.min_rest_h, scenario.horizon.step_h)
    return max(gap - max(rest, 1), 0), Stop("unit", other.mode)


def _flows(scenario: Scenario, run: xr.Dataset, unit_run: UnitRun) -> dict[str, np.ndarray]:
    """Flow from a unit to each store in each step of a run [t]; negative values are taken from the store."""
    flows: dict[str, np.ndarray] = {}
    hours = scenario.horizon.step_h
    mine = run["stream_process"].values == unit_run.unit
    for place, rate in zip(run["stream_place"].values[mine], run["stream_rate"].to_numpy()[mine], strict=True):
        tonnes = rate[unit_run.first : unit_run.last] * hours
        if str(place) in scenario.store and tonnes.any():
            flows[str(place)] = flows.get(str(place), 0.0) + tonnes
    return flows


class _Moved:
    """Levels of stores and import for a moved run."""

    def __init__(self, scenario: Scenario, run: xr.Dataset, unit_run: UnitRun, begin: int) -> None:
        self.scenario, self.one, self.begin = scenario, unit_run, begin
        self.step, self.n = scenario.horizon.step_min, scenario.horizon.n_steps
        self.flows = _flows(scenario, run, unit_run)
        self.levels = {name: run["stock_t"].sel(stock=name).to_numpy() for name in self.flows}
        self.power = run["process_mw"].sel(process=unit_run.unit).to_numpy()[begin : unit_run.last]
        self.meter = run["meter_mw"].to_numpy()

    def as_far(self, way: int, most: int, stop: Stop) -> tuple[int, Stop]:
        """Number of steps that the run can move in one direction, and the limit that stops it."""
        for by in range(1, most + 1):
            reason = self._broken(way * by)
            if reason is not None:
                return by - 1, reason
        return most, stop

    def _change(self, values: np.ndarray, first: int, last: int, by: int) -> np.ndarray:
        """Change of a series when the values of some steps are moved."""
        change = np.zeros(self.n)
        change[first:last] -= values
        change[first + by : last + by] += values
        return change

    def _broken(self, by: int) -> Stop | None:
        first, last = self.one.first, self.one.last
        for name, flow in self.flows.items():
            old, store = self.levels[name], self.scenario.store[name]
            new = old + np.cumsum(self._change(flow, first, last, by))
            empty = new < np.minimum(old, 0.0) - TONNES
            full = new > np.maximum(old, store.capacity_t) + TONNES
            for kind, passed in (("empty", empty), ("full", full)):
                at = np.flatnonzero(passed)
                if len(at):
                    return Stop(kind, name, float(at[0] + 1) * self.step)
            if new[-1] < min(store.end_t, old[-1]) - TONNES:
                return Stop("end level", name)
        limit = self.scenario.site.grid.import_limit_mw
        if limit is None:
            return None
        interval_min = self.scenario.site.grid.metered_interval_min
        change = self._change(self.power, self.begin, last, by)
        edges = np.arange(self.n + 1) * self.step
        meters = np.arange(len(self.meter) + 1) * interval_min
        energy = np.interp(meters, edges, np.concatenate([[0.0], np.cumsum(change) * self.step]))
        mean = self.meter + np.diff(energy) / interval_min
        at = np.flatnonzero(mean > np.maximum(self.meter, limit) + MW * max(limit, 1.0))
        return Stop("import", at_min=float(meters[at[0]])) if len(at) else None
