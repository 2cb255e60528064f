"""A plant on one day: it runs up to any moment, reports its history and continues with the same list or another one.

The past never changes. Durations depend on heat and unit, and failures on the working time of a unit, so that every
list meets the same disturbances: policies are compared with common random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr

from emberline.scenarios import Case, effort
from emberline.scenarios.columns import Columns
from emberline.scenarios.datasets import Policy, ViolationKind
from emberline.scenarios.line.tables import LineShop, nominal, shop
from emberline.scenarios.records.disturbances import Recourse
from emberline.twin.line.clock import Clock, Environment
from emberline.twin.line.line import LineHistory, ListReplay
from emberline.twin.line.load_management import LoadManagement
from emberline.twin.line.missed import late_min
from emberline.twin.line.operations import Actual, Operations, Row, SoFar, onward, operations_of, rows_of
from emberline.twin.power import Ahead
from emberline.twin.recorder import Trajectory, columns, record, trajectory
from emberline.twin.run_variables import Violation, run_attrs
from emberline.twin.site.assets.setpoints import joined
from emberline.twin.site.site import Setpoints, SiteGrid
from emberline.twin.streams import Breakdowns, breakdowns, factors

PER_RUN, PER_OPERATION, PER_ASSET = 1.5e-3, 1e-5, 5e-6
"""Effort of following a list: fixed, per operation, and per asset and step."""


def scattered(table: LineShop, seed: int, replication: int, disturbed: bool) -> np.ndarray:
    """Factors on duration and energy, shape (n_units, n_heats, 2)."""
    rows = np.ones((len(table.units), len(table.names), 2))
    for u, name in enumerate(table.units if disturbed else ()):
        rows[u] = factors(table.scenario.disturbances, name, len(table.names), seed, replication)
    return rows


def failures(table: LineShop, seed: int, replication: int, disturbed: bool) -> dict[int, Breakdowns]:
    """Breakdowns of each unit that can fail, by the unit's index."""
    by_name = breakdowns(table.scenario.disturbances, seed, replication) if disturbed else {}
    return {table.unit_index[name]: failing for name, failing in by_name.items()}


def recourse_of(table: LineShop, disturbed: bool) -> Recourse | None:
    """Recourse of the dispatcher, or None if there is none, which saves a check at each operation."""
    recourse = table.scenario.recourse
    return recourse if disturbed and recourse != Recourse() else None


def spend(operations: Operations) -> None:
    """Count the effort of following a list once."""
    scenario = operations.shop.scenario
    assets = len(scenario.site.assets) * scenario.horizon.n_steps
    effort.spend(PER_RUN + PER_OPERATION * len(operations) + PER_ASSET * assets)


def follow(operations: Operations, seed: int, replication: int, disturbed: bool) -> tuple[LineHistory, np.ndarray]:
    """History of the operations of a list, without the site, and the factor on the energy of each."""
    spend(operations)
    of, table = operations.arrays, scattered(operations.shop, seed, replication, disturbed)
    mine, failing = table[of["unit"], of["heat"]], failures(operations.shop, seed, replication, disturbed)
    duration, recourse = (of["duration"] * mine[:, 0]).tolist(), recourse_of(operations.shop, disturbed)
    return ListReplay(operations, duration, failing, recourse).run(), mine[:, 1]


class Follower:
    """A schedule of a line, prepared for being followed any number of times."""

    def __init__(
        self, scenario: Case, schedule: xr.Dataset, policy: Policy = Policy.SCHEDULE, table: LineShop | None = None
    ) -> None:
        self.scenario = scenario
        self.shop = shop(scenario) if table is None else table
        if schedule.attrs.get("policy") == Policy.BASELINE:
            self.shop = nominal(self.shop)
        self.operations = operations_of(self.shop, schedule)
        self.grid = SiteGrid(scenario)
        self.policy = policy
        # the baseline's assets respond to the actual load; a schedule's set-points are followed
        self.setpoints = None if policy == Policy.BASELINE else Setpoints.read(schedule)
        if self.setpoints is not None and schedule.attrs.get("policy") == Policy.BASELINE and self.grid.per_step > 1:
            # means over a step do not determine what the battery does in each metered interval
            self.setpoints = replace(self.setpoints, by_rule=True)

    def load_management(self, disturbed: bool) -> LoadManagement | None:
        """Load management of one run, or None if there is none."""
        recourse = self.shop.scenario.recourse
        most_min, most_share = recourse.start_later_min, recourse.less_power_share
        if not disturbed or not (most_min or most_share) or math.isinf(self.grid.import_limit_mw):
            return None
        return LoadManagement(self.operations, self._room_mwh, self.grid.meter_min, most_min, most_share)

    @cached_property
    def _room_mwh(self) -> np.ndarray:
        """Energy left to the line by the import limit in each metered interval, if the other assets run as planned
        [MWh]."""
        plant = LinePlant(self, 0, 0, disturbed=False)
        plant.run()
        ran = plant.trajectory()
        besides = np.asarray(ran.flows["meter_mw"]) - self.grid.metered(ran.load_mw)
        return np.asarray((self.grid.import_limit_mw - besides) * self.grid.meter_min / 60)


class LinePlant:
    """A line with its site on one day."""

    def __init__(
        self, follower: Follower, seed: int, replication: int, *, disturbed: bool = True,
        clock: Environment | None = None,
    ) -> None:  # fmt: skip
        """Begin the day.

        Args:
            follower: the prepared list that is followed first.
            seed, replication: random numbers of the day.
            disturbed: whether durations and energies scatter and units break down.
            clock: clock of the first run; None: the fast one.
        """
        self.follower, self.shop = follower, follower.shop
        self.seed, self.replication, self.disturbed = seed, replication, disturbed
        self.now = 0.0
        self.operations = follower.operations
        """Operations that are followed at present."""
        self.setpoints = follower.setpoints
        self._factors = scattered(self.shop, seed, replication, disturbed)
        spend(self.operations)
        self._replay = self._begin(None, clock)
        self._history: LineHistory | None = None

    def run(self, until_min: float = math.inf) -> None:
        """Run to a moment, or until all operations have finished."""
        self._history = self._replay.run(until_min)
        self.now = until_min

    def so_far(self) -> SoFar:
        """History until now. Operations under way have their simulated ends, which could not be known yet in
        reality."""
        return self._replay.so_far(self.now)

    def follow_rows(self, rows: Iterable[Row], missing: list[int] | None = None) -> None:
        """Follow another list from now on. Operations that have begun stay as they are.

        Args:
            rows: operations that have not begun; rows of other operations are ignored.
            missing: heats that are left out, wholly or in part; None: the same as before.
        """
        so_far = self.so_far()
        self.operations = onward(self.shop, so_far, rows, self.operations.missing if missing is None else missing)
        self._replay = self._begin(so_far)

    def follow(self, change: xr.Dataset | list[Row]) -> None:
        """Follow another plan from now on: a schedule (table ``SCHEDULE``) or a list, as in ``follow_rows``.

        The set-points of a schedule apply from the next step on.

        Raises:
            ValueError: as in ``twin.replay``.
        """
        if not isinstance(change, xr.Dataset):
            self.follow_rows(change)
            return
        other = Follower(self.shop.scenario, change)
        self.follower, self.shop = other, other.shop
        if self._history is None:  # the schedule applies from the start of the day
            self.operations, self.setpoints = other.operations, other.setpoints
            self._replay = self._begin(None)
            return
        if other.setpoints is not None:
            step = self.shop.scenario.horizon.step_min
            self.setpoints = joined(self.setpoints, other.setpoints, math.ceil(self.now / step))
        self.follow_rows(rows_of(other.operations), other.operations.missing)

    def state(self) -> xr.Dataset:
        """State of the plant for replanning (``twin.state.later``), a dataset of table ``RUN``.

        It contains the whole day under the present list, including the simulated future, which no planner could know.
        The plant itself does not advance.
        """
        return self.dataset(self.outlook())

    def outlook(self) -> LineHistory:
        """History of the whole day under the present list."""
        return self._begin(self.so_far()).run()

    def ahead(self) -> Ahead:
        """The whole day under the present list. The plant itself does not advance."""
        history = self.outlook()
        work, run = self.trajectory(history).work, self.dataset(history)
        units = work.shop.units
        powers = {name: work.of(np.flatnonzero(work.unit == u)).trace() for u, name in enumerate(units)}
        stops = [(units[work.unit[i]], *stop) for i, stops in work.stops.items() for stop in stops]
        columns = (run[f"op_{name}"].values.tolist() for name in ("unit", "heat", "start_min", "end_min"))
        return Ahead(run, powers, stops, list(zip(*columns, strict=True)))

    def _begin(self, so_far: SoFar | None, clock: Environment | None = None) -> ListReplay:
        operations, of = self.operations, self.operations.arrays
        duration = (of["duration"] * self._factors[of["unit"], of["heat"], 0]).tolist()
        clock = clock or Clock(0.0 if so_far is None else so_far.now)
        recourse, managing = recourse_of(self.shop, self.disturbed), self._load_management(so_far)
        return ListReplay(operations, duration, self._failures(so_far), recourse, managing, clock, so_far)

    def _failures(self, so_far: SoFar | None) -> dict[int, Breakdowns]:
        """Breakdowns of each unit, advanced by the time that it has worked so far."""
        by_unit = failures(self.shop, self.seed, self.replication, self.disturbed)
        for one in sorted(() if so_far is None else so_far.actuals.values(), key=lambda one: one.start):
            if one.unit in by_unit and one.casting is None and one.working > 0:
                by_unit[one.unit].during(one.start, one.working)
        return by_unit

    def _load_management(self, so_far: SoFar | None) -> LoadManagement | None:
        managing = self.follower.load_management(self.disturbed)
        if managing is None or so_far is None:
            return managing
        return managing.onward(self.operations, so_far.actuals)

    # ---- the day as a run -----------------------------------------------------------------------------------------

    def trajectory(self, history: LineHistory | None = None) -> Trajectory:
        """Trajectory of the site with every violation, after the end of the day or for an outlook."""
        of, history = self.operations.arrays, history or self._history
        assert history is not None
        factor = self._factors[of["unit"], of["heat"], 1]
        return trajectory(self.operations, history, factor, self.follower.grid, self.setpoints, self.disturbed)

    def columns(self) -> Columns:
        """The day as plain arrays, after its end."""
        return columns(self.trajectory(), self._attrs)

    def dataset(self, history: LineHistory | None = None) -> xr.Dataset:
        """The day as a dataset of table ``RUN``, after its end or for an outlook."""
        by_heat = not self.disturbed and self.follower.policy == Policy.SCHEDULE
        return record(self.trajectory(history), self._attrs, by_heat=by_heat)

    def violations(self) -> list[Violation]:
        """Violations in order of time, after the end of the day.

        For heats that are late or unfinished, the unit is the last one of the heat and the amount is the delay [min].
        """
        ran, rows = self.trajectory(), []
        for row in sorted(ran.violations, key=lambda row: row.at_min):
            if row.kind in (ViolationKind.DUE, ViolationKind.UNFINISHED):
                unit, late = late_min(self.operations, ran.end, row.heat)
                row = row._replace(unit=unit, amount=late, measure="min")
            rows.append(row)
        return rows

    @property
    def _attrs(self) -> dict[str, object]:
        return run_attrs(self.seed, self.replication, self.disturbed, self.follower.policy)


SHORTEST_MIN = 1e-3


@dataclass(frozen=True)
class Operation:
    """An operation that has begun. Its end is measured, or expected while it is under way."""

    unit: str
    start_min: float
    end_min: float


def expect_heats(
    scenario: Case, schedule: xr.Dataset, actuals: Mapping[tuple[str, str], Operation], now_min: float
) -> xr.Dataset:
    """The run that is expected at a moment, a dataset of table ``RUN``.

    Args:
        scenario: with heats and without processes.
        schedule: that is followed (table ``SCHEDULE``).
        actuals: operations by heat and stage.
        now_min: the moment; what has not begun starts no earlier.
    """
    table = shop(scenario)
    listed = operations_of(table, schedule)
    planned = [(h, k, u, at, at + table.duration[h][u]) for h, k, u, at, _ in rows_of(listed)]
    by_index = {
        (table.index[heat], table.stages.index(stage)): _actual(table.unit_index[actual.unit], actual)
        for (heat, stage), actual in actuals.items()
    }
    so_far = SoFar(now_min, by_index, {}, frozenset(), ())
    operations = onward(table, so_far, planned, listed.missing)
    # operations that have begun are not judged again
    operations.started = [before or i in operations.actuals for i, before in enumerate(operations.started)]
    history = ListReplay(operations, operations.planned, {}, clock=Clock(now_min), so_far=so_far).run()
    setpoints = None if schedule.attrs.get("policy") == Policy.BASELINE else Setpoints.read(schedule)
    attrs = run_attrs(scenario.disturbances.seed, 0, False, Policy.SCHEDULE)
    ran = trajectory(operations, history, np.ones(len(operations)), SiteGrid(scenario), setpoints, disturbed=False)
    return record(ran, attrs)


def _actual(unit: int, one: Operation) -> Actual:
    minutes = max(one.end_min - one.start_min, SHORTEST_MIN)
    return Actual(unit, one.start_min, one.start_min + minutes, minutes, minutes)
