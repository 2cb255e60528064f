"""Runs of processes on the planning board: runs are moved in time on their units, and the twin finds violations.

A move is a lock (``RunLock``): the run begins at the given step and lasts as long as planned. Everything else stays as
planned. There is no search: the schedule with the moved run is replayed undisturbed, and violations that the plan does
not have are conflicts. Set-points of assets that share a carrier with processes are ignored, as they follow the new
plan. Overlapping runs on a unit are not replayed; the page detects them while a bar is dragged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, singledispatch
from typing import Any

import numpy as np
import xarray as xr

from emberline.planning.accounts.unit_runs import RUN, UnitRun, unit_runs
from emberline.planning.plan.record import Plan, violations
from emberline.scenarios.case.scenario import ProcessNetwork, Producer, ProductionLine
from emberline.scenarios.datasets import ViolationKind
from emberline.scenarios.flows.process_flows import streams
from emberline.scenarios.process.locks import mode_of, span
from emberline.scenarios.process.record import Process, carriers_of
from emberline.scenarios.records.orders import AnyLock, RunLock
from emberline.studies.board import heat_board
from emberline.studies.board.heat_board import HeatBoard, key_text, worth_of
from emberline.studies.why.run_slack import on_before

MOVED = ("process_mode", "process_tph", "off_spec_tph", "process_mw")
"""Variables of a schedule that move with a run, by unit and step, in addition to the flows of its streams."""
MORE = 1e-6
"""Amounts below this count as zero."""


def of_plan(plan: Plan) -> HeatBoard | RunBoard | None:
    """Return the board of a plan; None: nothing in it can be moved."""
    return next((_board(producer, plan) for producer in plan.scenario.producers), None)


@singledispatch
def _board(_: Producer, plan: Plan) -> HeatBoard | RunBoard | None:
    return None if plan.schedule is None else RunBoard(plan)


@_board.register
def _(_: ProductionLine, plan: Plan) -> HeatBoard | None:
    return heat_board.of_line(plan)


@dataclass(frozen=True)
class Collision:
    """Two overlapping runs on a unit."""

    unit: str
    one: UnitRun
    other: UnitRun


@dataclass(frozen=True)
class RunBoard:
    """Runs of a plan, and their new places. A run is identified by its index in ``runs``."""

    plan: Plan

    @cached_property
    def runs(self) -> tuple[UnitRun, ...]:
        """All movable runs, unit by unit: those of units that may stop, and that have not begun before the horizon."""
        free = {unit: process for unit, process in self.plan.scenario.process_units if not process.must_run}
        return tuple(
            one for one in self._every
            if one.what == RUN and one.unit in free and (one.first or not on_before(free[one.unit], one.unit))
        )  # fmt: skip

    @cached_property
    def _every(self) -> tuple[UnitRun, ...]:
        assert self.plan.replay is not None
        return tuple(unit_runs(self.plan.scenario, self.plan.replay))

    @cached_property
    def _neighbours(self) -> set[str]:
        """Assets that share a carrier with processes."""
        carriers = {name for process in self.plan.scenario.processes for _, name in carriers_of(process)}
        assets = self.plan.scenario.site.assets
        return {asset.name for asset in assets if carriers & {name for _, name in asset.touches()}}

    @cached_property
    def process_of(self) -> dict[str, Process]:
        """Process of each unit."""
        return dict(self.plan.scenario.process_units)

    @cached_property
    def begins(self) -> tuple[int, ...]:
        """Step in which the start-up or changeover of each run begins."""
        first = []
        for run in self.runs:
            begin = run.first
            for before in reversed([one for one in self._every if one.unit == run.unit and one.last <= run.first]):
                if before.what == RUN or before.last != begin:
                    break
                begin = before.first
            first.append(begin)
        return tuple(first)

    def lock(self, number: int, first: int | None = None) -> RunLock:
        """Return the lock that moves a run to a step; None: its present step."""
        run, step = self.runs[number], self.plan.scenario.horizon.step_min
        process = self.process_of[run.unit]
        begin = run.first if first is None else first
        start, end = (timedelta(minutes=at * step) for at in (begin, begin + run.last - run.first))
        return RunLock(process=process.name, mode=run.mode if process.modes else None, start=start, end=end)

    def moves(self, locks: Iterable[AnyLock]) -> dict[int, int]:
        """First step of each locked run. A lock refers to the run of its mode at its place, else to the nearest run,
        preferably of the same length."""
        horizon, places = self.plan.scenario.horizon, dict[int, int]()
        by_name = {process.name: process for process in self.plan.scenario.processes}
        spans = [
            (process, mode_of(lock, process), *span(lock, process, horizon))
            for lock in ProcessNetwork.locks_among(locks) if (process := by_name.get(lock.process))
        ]  # fmt: skip
        for process, mode, first, last in sorted(spans, key=lambda row: not self._there(*row)):
            same = [
                (abs(run.first - first) > 0, run.last - run.first != last - first, abs(run.first - first), number)
                for number, run in enumerate(self.runs)
                if run.mode == mode and self.process_of[run.unit] is process and number not in places
            ]
            if same:
                places[min(same)[-1]] = first
        return places

    def _there(self, process: Process, mode: str, first: int, last: int) -> bool:
        return any(
            (run.first, run.last, run.mode) == (first, last, mode) and self.process_of[run.unit] is process
            for run in self.runs
        )

    def collisions(self, moves: Mapping[int, int]) -> list[Collision]:
        """Runs that overlap on their unit, including their start-ups."""
        spans = [
            (run.unit, self.begins[i] + by, run.last + by, run)
            for i, run in enumerate(self.runs) for by in [moves.get(i, run.first) - run.first]
        ]  # fmt: skip
        return [
            Collision(unit, one, other)
            for i, (unit, begin, end, one) in enumerate(spans)
            for other_unit, other_begin, other_end, other in spans[i + 1 :]
            if unit == other_unit and begin < other_end and other_begin < end
        ]

    def outside(self, moves: Mapping[int, int]) -> list[UnitRun]:
        """Runs that would begin before the horizon or end after it."""
        n = self.plan.scenario.horizon.n_steps
        return [
            self.runs[i]
            for i, first in moves.items()
            if self.begins[i] + first - self.runs[i].first < 0 or first + self.runs[i].last - self.runs[i].first > n
        ]

    def moved(self, moves: Mapping[int, int]) -> xr.Dataset:
        """Return the plan's schedule with moved runs; units are idle at the old places, and moved runs overwrite
        others."""
        assert self.plan.schedule is not None
        schedule = self.plan.schedule.copy(deep=True)
        labels = schedule["process"].values.tolist()
        rows = {
            unit: [(name, labels.index(unit)) for name in MOVED if name in schedule]
            for unit in {self.runs[i].unit for i in moves}
        }
        if "stream_rate" in schedule:
            names = schedule["stream"].values.tolist()
            for stream in streams(self.plan.scenario):
                if stream.unit in rows and stream.label in names:
                    rows[stream.unit].append(("stream_rate", names.index(stream.label)))
        blocks = {}
        for i in moves:
            run = self.runs[i]
            for name, row in rows[run.unit]:
                values = schedule[name].values[row]
                blocks[i, name, row] = values[self.begins[i] : run.last].copy()
                values[self.begins[i] : run.last] = "" if name == "process_mode" else 0.0
        for (i, name, row), block in blocks.items():
            begin = self.begins[i] + moves[i] - self.runs[i].first
            schedule[name].values[row, begin : begin + len(block)] = block
        return schedule

    def missed(self, moves: Mapping[int, int]) -> list[dict[str, Any]]:
        """Rows of ``violations`` of a replay with moved runs that the plan does not have.

        There must be no overlap, and no run outside the horizon.
        """
        from emberline import twin

        moves = {i: first for i, first in moves.items() if first != self.runs[i].first}
        if not moves:
            return []
        scenario = self.plan.scenario.model_copy(update={"run_locks": ()})
        before = _amounts(self.plan.violations)
        rows = [
            row for row in violations(twin.replay(scenario, self.moved(moves)))
            if row["kind"] != ViolationKind.ASSET or row["unit"] not in self._neighbours
        ]  # fmt: skip
        worse = {key for key, amount in _amounts(rows).items() if amount > before.get(key, 0.0) + MORE}
        return [row for row in rows if (row["kind"], row["unit"]) in worse]

    def rules(self) -> dict[str, Any]:
        """Runs as plain data for the board in the browser, where each is a work on its unit, with the keys used for
        heats."""
        horizon, units = self.plan.scenario.horizon, [unit for unit, _ in self.plan.scenario.process_units]
        works: dict[str, Any] = {}
        for i, run in enumerate(self.runs):
            u, length = units.index(run.unit), run.last - self.begins[i]
            times = {"slots": length, "planned": length * horizon.step_min, "minutes": length * horizon.step_min}
            works[key_text((i, 0))] = {
                "name": f"{run.unit} {run.mode}" if run.mode != run.unit else run.unit,
                "stage": "",
                "place": (u, self.begins[i]),
                "started": None,
                "on": {u: {"first": 0, "last": horizon.n_steps - length, **times, "mwh": run.energy_mwh}},
            }
        limits = {"units": units, "outages": {}, "works": works, "edges": []}
        return {"step": horizon.step_min, "slots": horizon.n_steps, **limits, "worth": worth_of(self.plan)}


def _amounts(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    """Violation amount by kind and unit."""
    result: dict[tuple[str, str], float] = {}
    for row in rows:
        key = row["kind"], row["unit"]
        result[key] = result.get(key, 0.0) + float(np.nan_to_num(row["amount"]))
    return result
