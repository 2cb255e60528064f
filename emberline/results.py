"""Results of the Python API: a plan with its figures, tables, chart and datasets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from emberline.scenarios import Scenario

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    from emberline.plans.plan import Plan
    from emberline.plans.robustness.holding import Held


@dataclass(frozen=True)
class Result:
    """One plan: baseline, schedule, replay and accounts."""

    plan: Plan
    run: str = ""
    """Id in the store; empty: not stored yet."""
    folder: Path | None = None
    robustness: Held | None = None
    """Of a plan made by :func:`emberline.hold`: how often it keeps its limits, and what that costs."""

    @property
    def scenario(self) -> Scenario:
        """What was planned."""
        return self.plan.scenario

    @property
    def status(self) -> str:
        """Outcome of the search: ``within gap``, ``best found``, ``infeasible`` …"""
        return self.plan.status

    @property
    def objective(self) -> float | None:
        """Value of the goal [kg CO2e, or the scenario's currency]; None: there is no schedule."""
        return self.plan.objective

    @property
    def bound(self) -> float | None:
        """Proven lower bound of the goal, in the objective's unit."""
        return self.plan.bound

    @property
    def gap(self) -> float | None:
        """Largest possible distance from the optimum, as a share of what can be decided."""
        return self.plan.gap

    @property
    def verdict(self) -> str:
        """One sentence: whether there is a plan and whether the twin confirms it."""
        return self.plan.verdict

    @property
    def acceptable(self) -> bool:
        """Whether the twin confirms the schedule without a violation."""
        return self.plan.acceptable

    @property
    def saved(self) -> dict[str, float]:
        """Saving against the baseline: carbon_kg, cost, peak_mw, and shares; empty where nothing can be compared."""
        return self.plan.saved()

    @property
    def baseline(self) -> xr.Dataset:
        """The undisturbed run of the baseline, table ``RUN``; units in the attributes."""
        return self.plan.baseline

    @property
    def schedule(self) -> xr.Dataset | None:
        """The optimizer's schedule, table ``SCHEDULE``; units in the attributes."""
        return self.plan.schedule

    @property
    def replay(self) -> xr.Dataset | None:
        """The undisturbed run of the schedule, table ``RUN``; units in the attributes."""
        return self.plan.replay

    def summary(self) -> dict[str, Any]:
        """The same figures as ``emberline plan --json``."""
        return self.plan.summary()

    def to_frame(self, table: str | None = None) -> pd.DataFrame:
        """A table of the plan.

        Args:
            table: ``heats``, ``runs``, ``steps``, ``hours``, ``figures``, ``bill``, ``ledger`` …; None: heats, runs of
                processes, or steps, whichever the plant has.

        Raises:
            ValueError: there is no such table, or no schedule.
        """
        from emberline.plans.exports import CannotExport, tables

        try:
            return tables.chosen(self._stored(), table)[1]
        except CannotExport as error:
            raise ValueError(str(error)) from None

    def plot(self) -> alt.VConcatChart:
        """Schedule, power, carbon intensity and price on one time axis; ``.save("plan.html")`` keeps it."""
        from emberline.ui.charts.plan import timeline

        self._stored()
        return timeline(self.plan)

    def save(self, name: str = "", home: Path | None = None) -> Result:
        """Store the plan, where the command line and the pages see it.

        Args:
            name: how it is called in the list of runs.
            home: folder of stored runs; None: that of the command line.

        Raises:
            NotKeptError: it cannot be written.
        """
        from emberline.plans.store import Store

        store = Store(home)
        with store.working(self.scenario) as run:
            folder = store.save(run, self.plan)
        if name:
            store.rename(run, name)
        return Result(self.plan, run, folder, self.robustness)

    def _stored(self) -> Any:
        from emberline.plans.store import StoredRun

        if self.plan.replay is None:
            raise ValueError(f"there is no schedule: {self.plan.reason or self.plan.status}")
        return StoredRun(self.run, self.folder or Path(), {}, self.plan)
