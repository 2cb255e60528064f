"""A plant on one day: it runs to any moment, says what has happened, and goes on under the same list or another one.

Nothing of what has happened is touched again. Durations belong to heat and unit, and failures to the working time of a
unit, so that whatever list is followed meets the same day: policies are compared with common random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import xarray as xr

from emberline.scenarios import effort
from emberline.scenarios.columns import Columns
from emberline.scenarios.records.disturbances import Recourse
from emberline.twin.line.clock import Clock
from emberline.twin.line.line import LineHistory, ListReplay
from emberline.twin.line.load_management import LoadManagement
from emberline.twin.line.operations import Operations, Row, SoFar, onward, rows_of
from emberline.twin.recorder import columns, record
from emberline.twin.run import PER_ASSET, PER_OPERATION, PER_RUN, Follower
from emberline.twin.run_variables import run_attrs
from emberline.twin.site.assets.setpoints import joined
from emberline.twin.site.site import Setpoints, SiteGrid
from emberline.twin.streams import Breakdowns, breakdowns, factors


class LinePlant:
    """A line with its site on one day."""

    def __init__(self, follower: Follower, seed: int, replication: int, *, disturbed: bool = True) -> None:
        """Begin the day.

        Args:
            follower: the list that is followed at first, made ready.
            seed, replication: of the day.
            disturbed: whether durations and energies scatter and units break down.
        """
        self.follower, self.shop = follower, follower.shop
        self.seed, self.replication, self.disturbed = seed, replication, disturbed
        self.now = 0.0
        self.todo = follower.todo
        """What is followed now."""
        self.setpoints = follower.setpoints
        shop = self.shop
        scenario = shop.scenario
        self._factors = np.ones((len(shop.units), len(shop.names), 2))
        if disturbed:
            for u, name in enumerate(shop.units):
                self._factors[u] = factors(scenario.disturbances, name, len(shop.names), seed, replication)
        assets = len(scenario.site.assets) * scenario.horizon.n_steps
        effort.spend(PER_RUN + PER_OPERATION * len(self.todo) + PER_ASSET * assets)
        self._replay = self._begin(None)
        self._history: LineHistory | None = None

    def run(self, until_min: float = math.inf) -> None:
        """Run to a moment, or to the end of all that is under way."""
        self._history = self._replay.run(until_min)
        self.now = until_min

    def so_far(self) -> SoFar:
        """What has happened until now; ends of what is under way are the day's own and nobody's knowledge."""
        return self._replay.so_far(self.now)

    def follow_rows(self, rows: Iterable[Row], missing: list[int] | None = None) -> None:
        """Follow another list from now on; what has begun stays as it is.

        Args:
            rows: of all heats and stages that have not begun; others are left as they are.
            missing: heats that are left out, wholly or in part; None: those that were.
        """
        so_far = self.so_far()
        self.todo = onward(self.shop, so_far, rows, self.todo.missing if missing is None else missing)
        self._replay = self._begin(so_far)

    def follow(self, change: xr.Dataset | list[Row]) -> None:
        """Follow a schedule (table ``SCHEDULE``) from now on, the site's set-points from the next step on; or another
        list, as of ``follow_rows``.

        Raises:
            ValueError: as of ``twin.replay``.
        """
        if not isinstance(change, xr.Dataset):
            self.follow_rows(change)
            return
        other = Follower(self.shop.scenario, change)
        self.follower, self.shop = other, other.shop
        if self._history is None:  # the day begins with it
            self.todo, self.setpoints = other.todo, other.setpoints
            self._replay = self._begin(None)
            return
        if other.setpoints is not None:
            step = self.shop.scenario.horizon.step_min
            self.setpoints = joined(self.setpoints, other.setpoints, math.ceil(self.now / step))
        self.follow_rows(rows_of(other.todo), other.todo.missing)

    def ahead(self) -> xr.Dataset:
        """The day as it will come to be under what is followed now, a dataset of table ``RUN``; it stands where it is.

        What lies ahead is the day's own, and nobody's knowledge.
        """
        return self._record(self._begin(self.so_far()).run())

    def _begin(self, so_far: SoFar | None) -> ListReplay:
        todo, of = self.todo, self.todo.arrays
        duration = (of["duration"] * self._factors[of["unit"], of["heat"], 0]).tolist()
        now = 0.0 if so_far is None else so_far.now
        recourse = self.shop.scenario.recourse if self.disturbed else None
        if recourse == Recourse():
            recourse = None
        return ListReplay(
            todo, duration, self._failures(so_far), recourse, self._load_management(so_far), Clock(now), so_far
        )

    def _failures(self, so_far: SoFar | None) -> dict[int, Breakdowns]:
        """Breakdowns of each unit from the working time on that it has behind it."""
        if not self.disturbed:
            return {}
        by_name = breakdowns(self.shop.scenario.disturbances, self.seed, self.replication)
        failures = {self.shop.unit_index[name]: failing for name, failing in by_name.items()}
        if so_far is not None:
            for one in sorted(so_far.actuals.values(), key=lambda one: one.start):
                failing = failures.get(one.unit)
                if failing is not None and one.casting is None and one.working > 0:
                    failing.during(one.start, one.working)
        return failures

    def _load_management(self, so_far: SoFar | None) -> LoadManagement | None:
        managing = self.follower.load_management(self.disturbed)
        if managing is None or so_far is None:
            return managing
        return managing.onward(self.todo, so_far.actuals)

    # ---- the day as a run -----------------------------------------------------------------------------------------

    def columns(self) -> Columns:
        """The day as plain arrays; after the end."""
        assert self._history is not None
        return columns(*self._ran(self._history), self._attrs)

    def dataset(self) -> xr.Dataset:
        """The day, a dataset of table ``RUN``; after the end."""
        assert self._history is not None
        return self._record(self._history)

    def _record(self, history: LineHistory) -> xr.Dataset:
        return record(*self._ran(history), self._attrs, by_heat=not self.disturbed)

    @property
    def _attrs(self) -> dict[str, object]:
        return run_attrs(self.seed, self.replication, self.disturbed, self.follower.policy)

    def _ran(self, history: LineHistory) -> tuple[Operations, LineHistory, np.ndarray, SiteGrid, Setpoints | None]:
        of = self.todo.arrays
        return self.todo, history, self._factors[of["unit"], of["heat"], 1], self.follower.grid, self.setpoints
