"""Outcome of a disturbed replay: a few figures and every limit that was missed, small enough for thousands."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from emberline.planning.accounts.figures import Figures
from emberline.planning.accounts.site_stores import stores_of
from emberline.planning.accounts.stock import shortfall
from emberline.planning.accounts.sums import figures
from emberline.planning.loop import days
from emberline.planning.plan.replays import COUNTS, PARTS
from emberline.scenarios import Case, Scenario
from emberline.scenarios.columns import Columns
from emberline.scenarios.datasets import ViolationKind
from emberline.scenarios.goal_metrics import figures_of
from emberline.scenarios.records.replanning import Using

Limit = tuple[str, str, str, str]
"""Kind of a violation, stage or process, unit, and the unit of measure of its amount."""
LATE = tuple(kind for kind in ViolationKind if kind.late)
RECOURSE = ("recourses", "recourse_cost")
FAN = 200
"""Replications of which the import over time is kept, the first ones: enough for quantiles of it."""


@dataclass(frozen=True)
class Outcome:
    """One replay."""

    replication: int
    figures: dict[str, float]
    """By the names of table ``ENSEMBLE``, those of dimension ``replication``."""
    missed: dict[Limit, tuple[int, float]]
    """Number of misses and the largest amount."""
    hours: frozenset[tuple[Limit, int]]
    """Limits missed, with the hour."""
    first: tuple[Limit, int] | None
    """First limit missed, with the hour; None: nothing."""
    first_heat: str
    waited_min: tuple[float, ...]
    """By stage; empty without heats."""
    longest_wait_min: tuple[float, ...]
    down_min: tuple[float, ...]
    """By unit; empty without heats."""
    lowest_t: tuple[float, ...] = ()
    """Lowest level at the end of a step, by store."""
    last_t: tuple[float, ...] = ()
    meter_mw: np.ndarray | None = None
    """Net grid import, shape (n_meter,); None after the first ``FAN`` replications."""
    other: Outcome | None = None
    """Of the other plan, where there is one."""


@dataclass(frozen=True)
class Followed:
    """Schedule that is followed again and again, and the baseline schedule where it is compared with."""

    scenario: Case
    schedule: xr.Dataset
    dispatched: xr.Dataset | None = None
    seed: int | None = None
    """None: the scenario's."""
    other: tuple[Case, xr.Dataset] | None = None
    """A plan of the same heats or deliveries with other margins, and its schedule."""
    dispatched_in: Case | None = None
    """Scenario of the baseline; None: the same."""
    other_using: Using = Using.FOLLOW
    """Policy by which the other plan is followed."""


def outcomes(followed: Followed, replications: Iterable[int]) -> Iterator[Outcome]:
    """Replay under disturbance and keep what matters; the same for a replication whoever else is replayed.

    The baseline, which may take as long as both plans, is followed once for both.
    """
    scenario, numbers, seed = followed.scenario, list(replications), followed.seed
    reader, stores = _Reader(scenario), any(stores_of(scenario))
    plans = [(scenario, followed.schedule), *([followed.other] if followed.other else [])]
    uses = (Using.FOLLOW, followed.other_using)
    runs = [
        (day.columns for day in days(margins, schedule, numbers, using=using, seed=seed))
        for (margins, schedule), using in zip(plans, uses, strict=False)
    ]
    baselines: Iterator[Any] = iter(())
    if followed.dispatched is not None:
        listed = days(followed.dispatched_in or scenario, followed.dispatched, numbers, seed=seed)
        baselines = (day.columns for day in listed)
    for replication, *by_plan in zip(numbers, *runs, strict=True):
        # a schedule was nominated; the baseline nominates what it draws
        sums = [figures(scenario, run, nominated=each[1]) for run, each in zip(by_plan, plans, strict=True)]
        rows = [reader.read(replication, run, each) for run, each in zip(by_plan, sums, strict=True)]
        if followed.dispatched is not None:
            theirs = next(baselines)
            baseline = figures(scenario, theirs)
            row = reader.read(replication, theirs, baseline).figures
            names = (*figures_of(scenario), *COUNTS, *RECOURSE, *(name for name in PARTS if name in row))
            for outcome, each in zip(rows, sums, strict=True):
                outcome.figures.update({f"baseline_{name}": row[name] for name in names})
                if stores:
                    more = shortfall(scenario, baseline, each)
                    outcome.figures.update({f"more_{name}": more.credit(name) for name in figures_of(scenario)})
        yield dataclasses.replace(rows[0], other=rows[1]) if followed.other else rows[0]


class _Reader:
    """Reads runs of one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.figures = figures_of(scenario)
        self.stages = [stage.name for stage in scenario.line.stages]
        self.units = [unit.name for unit in scenario.line.units]
        self.stage_of = {name: stage.name for name, stage in scenario.line.stage_of.items()}
        self.stage_of |= {unit: process.name for unit, process in scenario.process_units}
        self.mass_t = {heat.name: heat.grade.mass_t for heat in scenario.heats}
        self.due_min = {heat.name: heat.due_min for heat in scenario.heats}
        self.tolerance = scenario.tolerances.of
        self.last_hour = math.ceil(scenario.horizon.length_min / 60)

    def read(self, replication: int, run: xr.Dataset | Columns, sums: Figures) -> Outcome:
        """Outcome of a run."""
        names = ("kind", "heat", "unit", "at_min", "amount", "measure")
        columns = [run[f"violation_{name}"].values.tolist() for name in names]
        missed: dict[Limit, tuple[int, float]] = {}
        places: list[tuple[Limit, int]] = []
        late, unserved, short_t, late_min = set(), set(), 0.0, 0.0
        first: tuple[float, str] | None = None
        for kind, heat, unit, at, amount, measure in zip(*columns, strict=True):
            by = amount
            if kind in LATE:
                late.add(heat)
                unit, over = self._last(run, heat)
                by = over - self.due_min[heat] if unit else math.inf
                late_min = max(late_min, over - self.due_min[heat])
            elif kind == "delivery":
                unserved.add(unit)
                short_t += amount
            if by <= self.tolerance(kind):
                continue
            if first is None:
                first = at, heat
            limit = (kind, self.stage_of.get(unit, ""), unit, measure)
            often, most = missed.get(limit, (0, 0.0))
            missed[limit] = (often + 1, max(most, amount))
            places.append((limit, min(max(int(at // 60), 0), self.last_hour)))
        first_min, first_heat = first or (math.nan, "")
        waited, longest, down = self._operations(run)
        levels = run["stock_t"].values if "stock_t" in run else np.zeros((0, 1))
        return Outcome(
            replication=replication,
            figures={
                **{name: getattr(sums, name) for name in self.figures},
                **{name: value for name in PARTS if (value := getattr(sums, name)) is not None},
                "peak_mw": sums.peak_mw,
                "tonnes": sums.tonnes,
                "late_heats": len(late),
                "late_t": math.fsum(self.mass_t[heat] for heat in late),
                "late_min": late_min,
                "missed_deliveries": len(unserved),
                "short_t": short_t,
                "held": int(not places),
                "violations": len(places),
                "recourses": run.sizes.get("recourse", 0),
                "recourse_cost": float(run["recourse_cost"].sum()) if "recourse" in run.sizes else 0.0,
                "first_min": first_min,
                "first_down_min": self._down_before(run, first_min) if places else 0.0,
            },
            missed=missed,
            hours=frozenset(places),
            first=places[0] if places else None,
            first_heat=first_heat,
            waited_min=waited,
            longest_wait_min=longest,
            down_min=down,
            lowest_t=tuple(levels.min(axis=1).tolist()),
            last_t=tuple(levels[:, -1].tolist()),
            meter_mw=run["meter_mw"].to_numpy().astype(np.float32) if replication < FAN else None,
        )

    def _last(self, run: xr.Dataset | Columns, heat: str) -> tuple[str, float]:
        """Last unit of a heat and the end of its work there [min]; empty where it never began."""
        mine = np.flatnonzero(run["op_heat"].values == heat)
        if not len(mine):
            return "", 0.0
        return str(run["op_unit"].values[mine[-1]]), float(run["op_end_min"].values[mine[-1]])

    def _operations(self, run: xr.Dataset | Columns) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
        """Waits by stage, the longest of each, and standstill by unit [min]."""
        if not self.mass_t:
            return (), (), ()
        stage, unit = run["op_stage"].values, run["op_unit"].values
        waited, down = run["op_waited_min"].values, run["op_down_min"].values
        of_stage = [waited[stage == name] for name in self.stages]
        return (
            tuple(math.fsum(waits) for waits in of_stage),
            tuple(float(waits.max(initial=0.0)) for waits in of_stage),
            tuple(math.fsum(down[unit == name]) for name in self.units),
        )

    def _down_before(self, run: xr.Dataset | Columns, at: float) -> float:
        """Standstill of operations that began before a moment [min]."""
        return math.fsum(run["op_down_min"].values[run["op_start_min"].values < at])
