"""Results of the Python API: a plan with its figures, tables, chart and datasets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from emberline.scenarios import Case
from emberline.scenarios.metrics import legible_bound

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    from emberline.planning.plan import Plan
    from emberline.planning.robustness.holding import Robustness


@dataclass(frozen=True)
class Result:
    """Plan with baseline, schedule, replay and accounts."""

    plan: Plan
    run: str = ""
    """Id in the store; empty: not stored yet."""
    folder: Path | None = None
    robustness: Robustness | None = None
    """For a plan made by :func:`emberline.hold`: how often it keeps its limits, and the price of robustness."""

    def __repr__(self) -> str:
        plan, scenario = self.plan, self.scenario
        lines = [f"{scenario.name}: {plan.status}{f', run {self.run}' if self.run else ''}"]
        if plan.replay_figures is None:
            return "\n".join([*lines, f"  {plan.verdict}"])
        gap = "no gap proven" if plan.gap is None else f"gap {plan.gap:.2%}"
        legible = legible_bound(plan.objective, plan.bound, 0.1)
        bound = "no bound" if legible is None else f"bound {legible:,.1f}"
        lines.append(f"  {scenario.goal.minimize:<9} {_number(plan.objective)}, {bound}, {gap}")
        carbon, cost = plan.replay_figures.carbon_kg / 1000, plan.replay_figures.cost
        saved, currency = plan.saved(), plan.replay_figures.currency
        lines.append(f"  carbon    {carbon:,.1f} t CO2e{_against(saved, 'carbon_kg', 1000)}")
        lines.append(f"  cost      {cost:,.0f} {currency}{_against(saved, 'cost', 1)}")
        if self.robustness is not None and self.robustness.judged is not None:
            judged = self.robustness.judged
            lines.append(
                f"  {self.robustness.status:<9} every limit in {judged.successes} of {judged.n} disturbed replays"
            )
        return "\n".join(lines if plan.acceptable else [*lines, f"  {plan.verdict}"])

    @property
    def scenario(self) -> Case:
        """Scenario of the plan."""
        return self.plan.scenario

    @property
    def status(self) -> str:
        """Status of the search: ``within gap``, ``best found``, ``infeasible`` …"""
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
        """Largest possible distance from the optimum, as a share; fixed emissions and costs are left out."""
        return self.plan.gap

    @property
    def verdict(self) -> str:
        """Verdict in one sentence: whether there is a plan and whether the twin confirms it."""
        return self.plan.verdict

    @property
    def acceptable(self) -> bool:
        """Whether the twin confirms the schedule without a violation."""
        return self.plan.acceptable

    @property
    def saved(self) -> dict[str, float]:
        """Saving against the baseline: carbon_kg, cost, peak_mw, and shares; empty without a comparable baseline."""
        return self.plan.saved()

    @property
    def baseline(self) -> xr.Dataset:
        """Undisturbed run of the baseline, table ``RUN``; units in the attributes."""
        return self.plan.baseline

    @property
    def schedule(self) -> xr.Dataset | None:
        """Schedule of the optimizer, table ``SCHEDULE``; units in the attributes."""
        return self.plan.schedule

    @property
    def replay(self) -> xr.Dataset | None:
        """Undisturbed run of the schedule, table ``RUN``; units in the attributes."""
        return self.plan.replay

    def summary(self) -> dict[str, Any]:
        """Return the same data as ``emberline plan --json``."""
        return self.plan.summary()

    def to_frame(self, table: str | None = None) -> pd.DataFrame:
        """Return a table of the plan.

        Args:
            table: ``heats``, ``runs``, ``steps``, ``hours``, ``figures``, ``bill``, ``ledger`` …; None: heats, runs of
                processes, or steps, depending on the plant.

        Returns:
            A row for each entry; ``steps`` and ``hours`` are indexed by local time.

        Raises:
            ValueError: there is no such table, or no schedule.
        """
        from emberline.reports.exports import CannotExport, tables

        try:
            name, frame = tables.by_name(self._stored(), table)
            return frame.set_index("start") if name in ("steps", "hours") else frame
        except CannotExport as error:
            raise ValueError(str(error)) from None

    def plot(self) -> alt.VConcatChart:
        """Draw schedule, power, carbon intensity and price on one time axis; save it with ``.save("plan.html")``."""
        return self._drawing()

    def gantt(self) -> alt.VConcatChart:
        """Draw heats and runs of units over time, with those of the baseline as outlines; empty without units."""
        return self._drawing(selected=())

    def power(self) -> alt.VConcatChart:
        """Draw the power of processes, and the supply and use of electricity [MW]."""
        return self._drawing(selected=("power", "electricity"), units=False)

    def sankey(self) -> alt.LayerChart:
        """Draw the sources and uses of energy over the horizon [MWh]."""
        from emberline.planning.accounts.sankey import energy
        from emberline.reports.charts import sankey

        replay = self._stored().plan.replay
        return sankey.draw(energy(self.scenario, replay), sankey.carrier_colours(self.scenario), dark=False)

    @property
    def ledger(self) -> pd.DataFrame:
        """Energy and carbon of each step, unit, heat or run, carrier and scope."""
        return self.to_frame("ledger")

    @property
    def bill(self) -> pd.DataFrame:
        """Lines of the electricity bill, in the scenario's currency."""
        return self.to_frame("bill")

    @property
    def replays(self) -> xr.Dataset | None:
        """Figures of the disturbed replays, table ``ENSEMBLE``; None: there are none."""
        replays = self.plan.replays
        return replays.data if replays is not None and replays.n else None

    def save(self, name: str = "", home: Path | None = None) -> Result:
        """Store the plan where the command line and the pages find it.

        Args:
            name: name of the run in lists.
            home: folder of stored runs; None: that of the command line.

        Raises:
            NotKeptError: the plan cannot be written.
        """
        from emberline.runs.store import Store

        store = Store(home)
        with store.working(self.scenario) as run:
            folder = store.save(run, self.plan)
        if name:
            store.label(run, name=name)
        return Result(self.plan, run, folder, self.robustness)

    def _drawing(self, **panels: Any) -> alt.VConcatChart:
        from emberline.reports.charts.plan import drawing

        return drawing(self._stored().plan, **panels)

    def _stored(self) -> Any:
        from emberline.runs.store import StoredRun

        if self.plan.replay is None:
            raise ValueError(f"there is no schedule: {self.plan.reason or self.plan.status}")
        return StoredRun(self.run, self.folder or Path(), {}, self.plan)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}"


def _against(saved: dict[str, float], name: str, per: float) -> str:
    """Saving of a figure against the baseline as text; empty if the two are not comparable."""
    if name not in saved:
        return ""
    less, digits = saved[name] / per, 1 if per > 1 else 0
    word = "less" if less >= 0 else "more"
    return f", {abs(less):,.{digits}f} ({abs(saved[f'{name}_share']):.1%}) {word} than the baseline, undisturbed"
