"""Every plan, run and schedule that the suite makes or opens in its process is judged before anyone else sees it.

``plan_judge`` is asked wherever Emberline says that something is in order: of each plan that calls itself acceptable,
whoever made it (plans, points of a Pareto front, levers, runs read back that a worker made), of each undisturbed run in
which the twin finds no violation (rolls, answers to why, cases of levers), and of each schedule that a search found.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import xarray as xr
from plan_judge import Row, faults, site_faults

from emberline import models, twin
from emberline.planning import Plan
from emberline.scenarios import Case

LOOKS_AWAY: ContextVar[bool] = ContextVar("looks_away", default=False)
COLUMNS = ("heat", "stage", "unit", "start_min", "end_min", "energy_mwh")
SITE = ("charge_mw", "discharge_mw", "battery_mwh", "meter_mw")


def watch() -> None:
    """Put the judge before everyone who uses plans, ``twin.replay`` and ``models.optimize``."""
    begin, follow, search = Plan.__init__, twin.replay, models.optimize

    @functools.wraps(begin)
    def planned(plan: Plan, *inputs: Any, **named: Any) -> None:
        begin(plan, *inputs, **named)
        assert LOOKS_AWAY.get() or not broken(plan), f"{plan.scenario.name}: {broken(plan)}"

    @functools.wraps(follow)
    def followed(scenario: Case, schedule: xr.Dataset, **named: Any) -> xr.Dataset:
        run = follow(scenario, schedule, **named)
        if not run.attrs.get("disturbed") and not run.sizes["violation"] and scenario.heats:
            wrong = faults(scenario, rows(run), flows(run), on_steps=False)
            assert not wrong, f"{scenario.name}: {wrong}"
        return run

    @functools.wraps(search)
    def searched(scenario: Case, envelope: xr.Dataset, *inputs: Any, **named: Any) -> xr.Dataset:
        schedule = search(scenario, envelope, *inputs, **named)
        # where plans reckon with longer durations than nominal ones, the judge sees the run alone
        if schedule.attrs["found"] and scenario.heats and envelope["planned_min"].equals(envelope["duration_min"]):
            wrong = faults(scenario, scheduled(schedule))
            assert not wrong, f"{scenario.name}: {wrong}"
        return schedule

    Plan.__init__ = planned  # type: ignore[method-assign, assignment]
    twin.replay = followed
    models.optimize = searched


@contextmanager
def unwatched() -> Iterator[None]:
    """Plans made within are not judged: for tests that put names into a plan which no scenario may carry."""
    token = LOOKS_AWAY.set(True)
    try:
        yield
    finally:
        LOOKS_AWAY.reset(token)


def broken(plan: Plan) -> list[str]:
    """What the judge has against a plan that calls itself acceptable; empty for any other, and without a line."""
    if plan.replay is None or plan.replay.attrs.get("disturbed") or not plan.acceptable:
        return []
    wrong: list[str] = []
    if plan.scenario.heats:
        on_steps = plan.gap is not None and not plan.between_steps
        wrong = faults(plan.scenario, rows(plan.replay), flows(plan.replay), on_steps=on_steps)
    # without a gap the baseline may be the plan, which decides in each metered interval
    return wrong if plan.gap is None else [*wrong, *site_faults(plan.scenario, flows(plan.replay, *SITE))]


def rows(run: xr.Dataset) -> list[Row]:
    """The operations of a run."""
    return [Row(*row) for row in zip(*(run[f"op_{name}"].values.tolist() for name in COLUMNS), strict=True)]


def flows(run: xr.Dataset, *more: str) -> dict[str, np.ndarray]:
    """What the judge looks at of a run's steps."""
    return {name: run[name].to_numpy() for name in ("line_mw", "import_mw", "export_mw", *more)}


def scheduled(schedule: xr.Dataset) -> list[Row]:
    """The operations of a schedule; what each draws is known once it is followed."""
    units, starts, ends = (schedule[name].values.tolist() for name in ("unit", "start_min", "end_min"))
    return [
        Row(heat, stage, units[h][s], starts[h][s], ends[h][s], float("nan"))
        for h, heat in enumerate(schedule["heat"].values.tolist())
        for s, stage in enumerate(schedule["stage"].values.tolist())
        if units[h][s]
    ]
