"""The roll: at each step the state is read from the twin, the forecast as it was issued then, and a plan is made.

The plant is the twin (``planning/loop/loop.py``). It follows one schedule, the baseline's at first, into which every
plan is laid from its beginning on: what has happened is never touched again, and in the end the whole run has one bill
and one ledger. Until a plan is laid in, nothing of it counts.

A plan begins where the frozen time ends. It takes the place of the one before only if it reaches further, or is better
by more than what a change is worth (``How.keep_share``), both followed by the twin on what is known now.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from emberline import twin
from emberline.models import Study, replan_processes
from emberline.planning.accounts.figures import Figures
from emberline.planning.accounts.sums import figures
from emberline.planning.engine.engine import Engine
from emberline.planning.loop import policy_of, run
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.pipeline import Search, follow
from emberline.planning.plan.record import Plan, violations
from emberline.planning.planner import PLAIN, make_plan
from emberline.planning.robustness.holding.hold import hold
from emberline.scenarios import Case, Scenario
from emberline.scenarios.datasets import Policy
from emberline.scenarios.goal_metrics import goal_metric
from emberline.scenarios.loading.issued_forecasts import foreseen, part
from emberline.scenarios.metrics import METRICS
from emberline.scenarios.plain import Plain
from emberline.scenarios.records.disturbances import MARGINS, Disturbances
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.replanning import Using
from emberline.studies.rolling import budgets, laying
from emberline.studies.rolling.horizon import How, grid_of, refuse, window_end
from emberline.studies.rolling.laying import LetGo, cut, lay, let_go, with_sun
from emberline.twin.plant import LinePlant
from emberline.twin.processes.plant import WorksPlant
from emberline.twin.run import plants
from emberline.twin.state import BEGUN_MIN, later

Optimize = Callable[..., xr.Dataset]
Tell = Callable[["Step"], None]
LEVEL = 1e-6
"""By how much of its capacity a battery may end below what is wanted."""


@dataclass(frozen=True)
class Step(Plain):
    """One planning."""

    named = {"adopted": "laid", "margins": "", "import_mw": ""}
    at_min: float
    """Time of planning, after the start of the roll."""
    begin_min: float
    end_min: float
    """From when to when it plans."""
    status: str
    """Of the search; ``baseline`` where no plan was found and none was there, so that its list is followed."""
    gap: float | None
    adopted: bool
    """Whether the new plan was laid in; else the one before goes on."""
    better: float | None
    """By how much the new plan is better than the one before, by the goal, on what is known; None: none reaches so far,
    or it does not hold any more."""
    moved_mwh: float
    """Change of the planned import, sum of absolutes over the time that both plans cover."""
    moved_heats: int
    """Operations that start at another time or on another unit."""
    seconds: float
    margins: Mapping[str, Any] | None = None
    """Keys of ``disturbances`` that were learnt for the plan; None: none were."""
    import_mw: np.ndarray | None = field(default=None, repr=False, compare=False)
    """Import that is planned from ``begin_min`` to ``end_min`` from now on, shape (n_steps of the plan,)."""


@dataclass(frozen=True)
class Rolled:
    """A roll: what happened, and how it came about."""

    scenario: Case
    """Over the whole roll."""
    how: How
    schedule: xr.Dataset
    """Schedule that searches have made (table ``SCHEDULE``); it was followed, but for the changes of a shift."""
    run: xr.Dataset
    """Simulation of the roll (table ``RUN``)."""
    figures: Figures
    steps: tuple[Step, ...]
    seconds: float = 0.0
    looks: int = 0
    changes: int = 0
    """Looks of a shift that plans again, and changes that came of them."""

    @property
    def violations(self) -> list[dict[str, Any]]:
        """Violations of the run."""
        return violations(self.run)

    @property
    def unplanned(self) -> int:
        """Plannings that found no plan."""
        return sum(not step.status.startswith(("within", "best", "cancelled")) for step in self.steps)


@dataclass
class SearchPolicy:
    """The policy that plans by search at the clock, on what is known then."""

    scenario: Case
    how: How
    baseline: xr.Dataset
    """Run of the baseline from the beginning, for caps above it."""
    schedule: xr.Dataset
    """As it was planned, on what was known."""
    letting: LetGo
    """Of the schedule."""
    foresight: bool = False
    disturbed: bool = False
    study: Study | None = None
    optimize: Optimize | None = None
    on_step: Tell | None = None
    cancel: Callable[[], bool] | None = None
    reach_min: float = 0.0
    """Until where plans have been laid."""
    now_min: float = 0.0
    """Moment of the next plan."""
    steps: list[Step] = field(default_factory=list)

    @property
    def at_min(self) -> float:
        """Just before the next plan, so that what is to start then has not begun; infinite: there is none."""
        begin, end = self._span()
        over = self.now_min >= self.scenario.horizon.length_min or begin >= end
        return math.inf if over or (self.cancel is not None and self.cancel()) else self.now_min - BEGUN_MIN

    def _span(self) -> tuple[float, float]:
        """From when to when the next plan plans."""
        now = self.now_min
        return now + self.how.frozen_min if now else 0.0, window_end(self.scenario, self.how, now)

    def decide(self, plant: LinePlant | WorksPlant) -> xr.Dataset | None:
        """The schedule with the new plan in it; None: it is not worth a change."""
        now, (begin, end) = self.now_min, self._span()
        self.now_min += self.how.every_min
        if self.foresight and not self.disturbed and end <= self.reach_min:
            return None  # nothing is learnt, nothing would change
        until, past = (self.scenario, plant.state()) if begin <= now else self._expected(now)
        step = self.plan(now, begin, end, until, past)
        if self.on_step is not None:
            self.on_step(step)
        return self.followed if step.adopted else None

    @property
    def followed(self) -> xr.Dataset:
        """The schedule with the sun and wind that there are."""
        return with_sun(self.scenario, self.schedule, self.letting)

    def _expected(self, now: float) -> tuple[Case, xr.Dataset]:
        """Scenario and run as they are expected at a moment: what has happened, and forecasts of the frozen time."""
        scenario, horizon = self.scenario, self.scenario.horizon
        if not self.foresight:
            ahead = _steps(horizon, now, min(now + self.how.frozen_min, horizon.length_min))
            inputs = scenario.inputs.copy(deep=True)
            for name, values in foreseen(scenario, ahead, horizon.instant(now)).data_vars.items():
                inputs[name].loc[{"time": ahead.times}] = values
            scenario = scenario.with_inputs(inputs)
        return scenario, followed(scenario, with_sun(scenario, self.schedule, self.letting), None)

    def plan(self, now: float, begin: float, end: float, until: Case, past: xr.Dataset) -> Step:
        """Make one plan and lay it in, if it is worth it.

        Args:
            now: the moment at which it is made.
            begin, end: from when to when it plans.
            until: the scenario as it is expected to be until then.
            past: what has happened by then, or is expected to (table ``RUN``).
        """
        began = time.perf_counter()
        scenario = self.scenario
        step_min, meter_min = scenario.horizon.step_min, scenario.site.grid.metered_interval_min
        k = round(begin / step_min)
        plan_scenario = laying.within(later(until, past, begin, end), laying.looked_at(until, past, begin, end))
        if not self.foresight:
            issued = foreseen(scenario, plan_scenario.horizon, scenario.horizon.instant(now))
            plan_scenario = plan_scenario.with_inputs(issued)
        plan_scenario = plan_scenario.with_time_limit()
        share = budgets.share_left(scenario, begin, plan_scenario)
        plan_scenario = budgets.with_limits(plan_scenario, share)
        baseline = Baseline.of(plan_scenario)
        if self.how.hold and self.how.margins is not None:
            plain = plan_scenario.disturbances.model_dump(mode="json") | dict(self.how.margins)
            plan_scenario = plan_scenario.model_copy(update={"disturbances": Disturbances.model_validate(plain)})
        capped = budgets.with_caps(plan_scenario, until, past, self.baseline, k, share, baseline)
        before = None
        if end <= self.reach_min:
            before = with_sun(plan_scenario, cut(self.schedule, plan_scenario, begin), self.letting, begin)
        others = [] if before is None else [before.assign_attrs(complete=1)]
        search = Search(others=others, study=self.study, lists=False, end_levels=False, optimize=self.optimize)
        learning = self.how.hold and self.how.margins is None and capped.holding
        shared: dict[str, Any] = {"baseline": baseline, "search": search, "cancel": self.cancel}
        if learning:
            planned = hold(capped, Engine(), work=capped.goal.budget, whole=True, **shared).robust
        else:
            planned = make_plan(capped, PLAIN, replications=0, **shared)
        margins = None
        if learning and planned.has_schedule:
            margins = planned.scenario.disturbances.model_dump(mode="json", include=set(MARGINS))
        if not planned.has_schedule and capped.goal.caps != plan_scenario.goal.caps:
            # what is left of a budget may be out of reach: then as little as can be on top
            planned = make_plan(plan_scenario, PLAIN, replications=0, **shared)
        if planned.schedule is None and any(producer.by_step for producer in scenario.producers):
            # it may be that something is missed whatever is done: as little as can be
            start, work = baseline.schedule if before is None else before, capped.goal.budget
            schedule = replan_processes(capped, baseline.envelope, start, work=work, cancel=self.cancel)
            if schedule.attrs["found"]:
                planned = follow(capped, baseline=baseline, schedule=schedule, replications=0)
        status, better, is_laid = planned.status, None, True
        if planned.schedule is None:
            is_laid = before is None
            schedule, status = baseline.schedule, status if before is not None else "baseline"
        else:
            schedule = planned.schedule
            if before is not None:
                earlier = follow(capped, baseline=baseline, schedule=before, replications=0)
                better, is_laid = _worth(earlier, replace(planned, scenario=capped), self.how.keep_share)
        moved_mwh, moved = _moved(before, schedule, step_min / 60) if is_laid and before is not None else (0.0, 0)
        if is_laid:
            if begin and any(producer.by_step for producer in scenario.producers):
                # what has happened under a schedule is not decided by rule again
                schedule = schedule.assign_attrs(policy=Policy.SCHEDULE.value)
            if "delivered_t" in past:
                # what has gone of orders is no longer owed by the plan before
                self.schedule["delivered_t"][:, :k] = past["delivered_t"].to_numpy()[:, :k]
            self.schedule = lay(self.schedule, schedule, begin, step_min, meter_min)
            for name, going in let_go(plan_scenario, schedule).items():
                self.letting[name][k : k + len(going)] = going
            self.reach_min = end
        step = Step(
            at_min=now,
            begin_min=begin,
            end_min=end,
            status=status,
            gap=planned.gap,
            adopted=is_laid,
            better=better,
            moved_mwh=moved_mwh,
            moved_heats=moved,
            seconds=time.perf_counter() - began,
            margins=margins,
            import_mw=(schedule if is_laid or before is None else before)["import_mw"].to_numpy(),
        )
        self.steps.append(step)
        return step


def plant_of(scenario: Case, schedule: xr.Dataset, replication: int | None) -> LinePlant | WorksPlant:
    """A plant that begins its day with a schedule; ``replication`` None: undisturbed."""
    disturbed = replication is not None
    return plants(scenario, schedule)(scenario.disturbances.seed, replication or 0, disturbed=disturbed)


def followed(scenario: Case, schedule: xr.Dataset, replication: int | None) -> xr.Dataset:
    """The run of a schedule (table ``RUN``)."""
    plant = plant_of(scenario, schedule, replication)
    plant.run()
    return plant.state()


def roll(
    scenario: Case,
    how: How | None = None,
    *,
    foresight: bool = False,
    replication: int | None = None,
    optimize: Optimize | None = None,
    study: Study | None = None,
    on_step: Tell | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Rolled:
    """Roll through a scenario's horizon.

    Args:
        scenario: the whole; its series are what comes true, their forecasts what is known in advance.
        how: how often, how far ahead, what is frozen.
        foresight: whether each plan knows what comes true, instead of the forecasts; undisturbed, plans are then made
            only where they reach further.
        replication: of the disturbances of the line; None: undisturbed.
        optimize: takes the place of ``emberline.models.optimize``.
        study: keeps solvers from plan to plan.
        on_step: called with every planning.
        cancel: polled; True leaves the last plan to be followed to its end.

    Raises:
        ScenarioError: the scenario cannot be rolled, or a forecast cannot be had.
    """
    how = (how or How()).of(scenario)
    disturbed = replication is not None
    refuse(scenario, how, disturbed=disturbed)
    last = (scenario.horizon.length_min - 1) // how.every_min * how.every_min
    for now in () if foresight else (0.0, last):  # what lacks a forecast is refused before the first plan
        foreseen(scenario, _steps(scenario.horizon, now, window_end(scenario, how, now)), scenario.horizon.instant(now))
    began = time.perf_counter()
    listed = twin.dispatch(scenario)
    baseline, letting = followed(scenario, listed, replication), let_go(scenario, listed)
    more: dict[str, Any] = {"study": study, "optimize": optimize, "on_step": on_step, "cancel": cancel}
    search = SearchPolicy(scenario, how, baseline, listed, letting, foresight, disturbed, **more)
    if how.look_ahead_min < scenario.horizon.length_min:
        search.schedule = laying.unplanned(listed)
    plant: Any = plant_of(scenario, search.schedule, replication)
    run(plant, search, math.inf if how.using is None else 0.0)
    if how.using is not None:  # the day begins with the plan, as where a plan is judged
        plant = plant_of(scenario, search.followed, replication)
    policy = policy_of(plant, how.using or Using.FOLLOW)
    run(plant, policy)
    ran, steps, seconds = plant.state(), tuple(search.steps), time.perf_counter() - began
    sums = figures(scenario, ran)
    return Rolled(scenario, how, search.followed, ran, sums, steps, seconds, policy.looks, policy.changes)


def onward(
    scenario: Case, how: How, schedule: xr.Dataset, expected: xr.Dataset, baseline: xr.Dataset, now_min: float
) -> tuple[Step, xr.Dataset]:
    """Plan once more from what has happened, for a plant that is not the twin.

    Args:
        scenario: the whole; its series are what is known now.
        how: how far ahead, what is frozen, what a change is worth.
        schedule: that is followed (table ``SCHEDULE``).
        expected: the run that is expected under it, measured until now (``emberline.twin.expect``).
        baseline: run of the baseline from the beginning, for caps above it.
        now_min: the moment [min after the start].

    Returns:
        The planning, and the schedule with the new plan in it, or as it was.

    Raises:
        ScenarioError: the scenario cannot be rolled.
        ValueError: the horizon is over.
    """
    refuse(scenario, how)
    grid = grid_of(scenario)
    begin = math.ceil((now_min + how.frozen_min) / grid) * grid
    end = window_end(scenario, how, begin)
    if begin >= end:
        raise ValueError("the horizon is over")
    standing = _standing(schedule, expected, int(now_min // scenario.horizon.step_min))
    search = SearchPolicy(scenario, how, baseline, standing, let_go(scenario, schedule), foresight=True)
    search.reach_min = scenario.horizon.length_min
    return search.plan(now_min, begin, end, scenario, expected), search.schedule


def _standing(schedule: xr.Dataset, expected: xr.Dataset, k: int) -> xr.Dataset:
    """A schedule with starts and units of heats as expected by now, and what processes did before step ``k``."""
    standing = schedule.copy(deep=True)
    standing["unit"] = standing["unit"].astype(object)
    columns = (expected[f"op_{name}"].values.tolist() for name in ("heat", "stage", "unit", "start_min", "end_min"))
    for heat, stage, unit, start, end in zip(*columns, strict=True):
        for name, value in (("unit", unit), ("start_min", start), ("end_min", end)):
            standing[name].loc[{"heat": heat, "stage": stage}] = value
    for name in ("process_mode", "process_tph") if "process_mode" in schedule else ():
        past = expected[name].sel(process=schedule["process"])[:, :k]
        standing[name] = standing[name].astype(object if name == "process_mode" else float)
        standing[name][:, :k] = past.to_numpy()
    return standing


def _steps(horizon: Horizon, begin_min: float, end_min: float) -> Horizon:
    return part(horizon, round(begin_min / horizon.step_min), round(end_min / horizon.step_min))


def _worth(before: Plan, planned: Plan, keep_share: float) -> tuple[float | None, bool]:
    """By how much a plan is better than the one before, and whether it is worth a change."""
    values, missed = [], []
    for one in (before, planned):
        assert one.replay is not None
        assert one.replay_figures is not None
        values.append(goal_metric(one.scenario).of(one.replay_figures))
        missed.append(broken(one) + _short(one.scenario, one.replay) + _over(one.scenario, one.replay_figures))
    if missed[0] != missed[1]:
        return None, missed[1] < missed[0]
    gain = values[0] - values[1]
    return gain, gain > keep_share * abs(values[0])


def broken(planned: Plan) -> int:
    """Number of limits missed by more than their tolerance. Deviations of the battery do not count: its level is
    never quite what a plan assumed, and :func:`_short` looks at the end."""
    tolerance = planned.scenario.tolerances.of
    return sum(row["kind"] != "battery" and row["amount"] > tolerance(row["kind"]) for row in planned.violations)


def _short(scenario: Scenario, run: xr.Dataset) -> bool:
    """Whether the battery ends below what is wanted."""
    battery = scenario.battery
    if battery is None or battery.end_level_share is None:
        return False
    return float(run["battery_mwh"][-1]) < battery.end_level - LEVEL * max(battery.capacity, 1.0)


def _over(scenario: Scenario, sums: Figures) -> int:
    """Number of caps that are exceeded."""
    caps = ((getattr(scenario.goal.caps, row.cap), row.of(sums)) for row in METRICS.values() if row.cap)
    return sum(cap is not None and value > cap + 1e-6 * max(abs(cap), 1.0) for cap, value in caps)


def _moved(before: xr.Dataset, after: xr.Dataset, hours: float) -> tuple[float, int]:
    """Change of the planned import [MWh], and operations that start at another time or on another unit."""
    change = np.abs(after["import_mw"].to_numpy() - before["import_mw"].to_numpy()).sum() * hours
    start, then = after["start_min"].to_numpy(), before["start_min"].to_numpy()
    moved = np.abs(start - then) > 1e-6
    return float(change), int((moved | (after["unit"].values != before["unit"].values)).sum())
