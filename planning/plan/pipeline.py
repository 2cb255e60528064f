"""From a scenario to a plan: baseline, envelope, search, replay, accounts.

What differs from plan to plan is data: the scenario (goal, caps, limits, locks, series), the baseline, where the search
begins, a schedule that is fixed already, and how many disturbed replays follow.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from emberline.planning.accounts.figures import Figures
from emberline.planning.accounts.ledger import broken_grades
from emberline.planning.accounts.site_stores import levels, searched, site_stores, stores_of
from emberline.planning.accounts.sums import figures
from emberline.planning.engine.progress import Progress
from emberline.planning.loop.finer_starts import BETWEEN, around_locks, keeps_locks
from emberline.planning.plan.alternatives.nearest import neighbours
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.caps import least_carried
from emberline.planning.plan.counted import ruled_out
from emberline.planning.plan.proof import judge, proven
from emberline.planning.plan.record import Plan, number, violations
from emberline.planning.plan.replay_outcome import Followed, outcomes
from emberline.planning.plan.replays import COUNTS, PARTS, Replays
from emberline.planning.plan.start_lists import shift_rules, start_lists
from emberline.scenarios import Case
from emberline.scenarios.goal_metrics import figures_of
from emberline.scenarios.messages import Message
from emberline.scenarios.metrics import METRICS
from emberline.scenarios.records.horizon import MOMENT_MIN

if TYPE_CHECKING:
    from emberline.models import Study


CLOSE = 1e-6
"""Share of a store's capacity by which its level may lie below what is wanted."""


@dataclass(frozen=True)
class Search:
    """Settings of the search for a plan's schedule."""

    start: xr.Dataset | None = None
    """Schedule to begin with in place of the baseline's list."""
    others: Sequence[xr.Dataset] = ()
    """More schedules of the same heats, units and steps, to begin with where they hold."""
    study: Study | None = None
    """Solvers and schedules of earlier plans of the same plant."""
    lists: bool = True
    """Whether to begin also with lists around the baseline's, and to take the baseline's where nothing is found."""
    end_levels: bool = True
    """Whether stores of the site end no lower than the baseline leaves them."""
    keep: Callable[[xr.Dataset], xr.Dataset] | None = None
    """Given the schedule of the search, returns the one to take: that, or an earlier one that is as good."""
    optimize: Callable[..., xr.Dataset] | None = None
    """Takes the place of ``emberline.models.optimize``."""


def draft(
    scenario: Case,
    *,
    baseline: Baseline | None = None,
    search: Search | None = None,
    replications: int | None = None,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Plan:
    """Search a schedule and follow it, without and with disturbance: the first step of ``make_plan`` and of its trials.

    Args:
        scenario: what is asked.
        baseline: of the scenario, or of one that differs in goal and caps only; None: it is simulated.
        search: how the schedule is searched.
        replications: disturbed replays; None: the scenario's.
        on_progress: called in this process with each event.
        cancel: polled while optimizing; True ends the search with the best schedule so far.
    """
    from emberline.models.search.schedule import seconds

    course = _Course(scenario, on_progress)
    search, baseline = search or Search(), course.simulated(baseline)
    with course.phase("optimize"):
        schedule = _optimize(scenario, baseline, search, course.report, cancel)
    course.seconds |= {f"optimize.{name}": value for name, value in seconds(schedule).items()}
    return course.followed(baseline, schedule, replications, instead=search.lists)


def follow(
    scenario: Case,
    schedule: xr.Dataset,
    *,
    baseline: Baseline | None = None,
    replications: int | None = None,
    on_progress: Progress | None = None,
) -> Plan:
    """The plan that follows a schedule as it is (table ``SCHEDULE``), judged by the scenario's goal.

    Args:
        scenario: what is asked.
        schedule: whatever it was made for.
        baseline, replications, on_progress: as of :func:`draft`.
    """
    course = _Course(scenario, on_progress)
    baseline = course.simulated(baseline)
    return course.followed(baseline, judge(scenario, baseline.envelope, schedule), replications)


class _Course:
    """The way to a plan: phases are reported and timed."""

    def __init__(self, scenario: Case, on_progress: Progress | None) -> None:
        self.scenario = scenario
        self.report: Progress = on_progress or (lambda event: None)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Report a phase and time it."""
        self.report({"phase": name})
        began = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - began

    def simulated(self, baseline: Baseline | None) -> Baseline:
        """The baseline with its run and figures; of the scenario where there is none yet."""
        with self.phase("twin"):
            baseline = baseline or Baseline.of(self.scenario)
            _ = baseline.run, baseline.figures
        return baseline

    def followed(
        self, baseline: Baseline, schedule: xr.Dataset, replications: int | None, *, instead: bool = False
    ) -> Plan:
        """The plan of a schedule, replayed without and with disturbance.

        Args:
            baseline: of the scenario.
            schedule: with its objective; one that was not found gives a plan without.
            replications: disturbed replays; None: the scenario's.
            instead: whether the baseline is the plan where the twin refuses the schedule.
        """
        from emberline import twin

        scenario = self.scenario
        plan = Plan(
            scenario=scenario,
            envelope=baseline.envelope,
            baseline=baseline.run,
            baseline_figures=baseline.figures,
            baseline_complete=baseline.complete,
            status=str(schedule.attrs.get("status", "")),
            objective=number(schedule, "objective"),
            bound=number(schedule, "bound"),
            gap=number(schedule, "gap"),
            constant=number(schedule, "constant") or 0.0,
            reason=str(schedule.attrs.get("reason", "")),
            seconds=self.seconds,
        )
        if not schedule.attrs.get("found", 1):
            return plan

        def replayed(schedule: xr.Dataset) -> Plan:
            replay = twin.replay(scenario, schedule)
            return dataclasses.replace(
                plan,
                schedule=schedule,
                schedule_figures=figures(scenario, schedule),
                replay=replay,
                replay_figures=figures(scenario, replay, nominated=schedule),
            )

        with self.phase("replay"):
            result = replayed(schedule)
            if instead and not result.acceptable and baseline.complete and stands(scenario, baseline):
                schedule = _baseline_instead(
                    baseline, schedule, Message("The baseline: the twin refused the schedule that the search found.")
                )
                plan = dataclasses.replace(
                    plan, status="best found", objective=None, bound=None, gap=None, reason=schedule.attrs["reason"]
                )
                result = replayed(schedule)
        with self.phase("replays"):
            replays = _disturbed_replays(scenario, schedule, baseline.schedule, self.report, replications)
        return dataclasses.replace(result, replays=replays)


def stands(scenario: Case, baseline: Baseline) -> bool:
    """Whether the baseline's complete list, as the twin runs it, is a plan itself: within limits, caps and margins.

    Args:
        scenario: what is asked.
        baseline: of the scenario.
    """
    return not scenario.disturbances.has_margins and keeps(scenario, baseline.run, baseline.figures)


def keeps(scenario: Case, run: xr.Dataset, sums: Figures) -> bool:
    """Whether a run keeps all limits and caps, with stores of the site at their levels in the end.

    Args:
        scenario: what is asked; its cap on extra cost is left out.
        run: table ``RUN``.
        sums: of the run.
    """
    caps = scenario.goal.caps
    pairs = [(row.of(sums), getattr(caps, row.cap)) for row in METRICS.values() if row.cap]
    above = any(cap is not None and value > cap for value, cap in (*pairs, (sums.peak_mw, caps.peak_mw)))
    ends = levels(scenario, run)
    low = any(
        ends[store.name] < store.end - CLOSE * store.capacity for store in site_stores(scenario) if store.name in ends
    )
    return not (above or low or violations(run) or broken_grades(scenario, run))


def _optimize(
    scenario: Case, baseline: Baseline, search: Search, report: Progress, cancel: Callable[[], bool] | None
) -> xr.Dataset:
    from emberline import models

    nothing = ruled_out(scenario, baseline)
    if nothing is not None:
        return nothing
    optimize = search.optimize or models.optimize
    start = baseline.start if search.start is None else search.start
    others = [*start_lists(scenario, baseline, search.study, around=search.lists), *search.others]

    def within_locks(request: Case) -> xr.Dataset:
        around = around_locks(request)
        schedule = schedule_of(around)
        if around is request or not schedule.attrs["found"]:
            return schedule
        return _at_locks(request, baseline, schedule)

    def schedule_of(request: Case) -> xr.Dataset:
        return optimize(
            request,
            baseline.envelope,
            start,
            others=others,
            on_progress=lambda event: report({"phase": "optimize", **event}),
            cancel=cancel,
            study=search.study,
        )

    def end(request: Case) -> xr.Dataset:
        return searched(request, baseline.run, within_locks) if search.end_levels else within_locks(request)

    schedule = least_carried(scenario, end(scenario), end)
    listed = search.lists and any(shift_rules(producer).as_list for producer in scenario.producers)
    if listed and not schedule.attrs["found"] and baseline.complete:
        step = scenario.horizon.step_min
        reason = Message(
            "The baseline schedule: the search found no schedule whose starts lie on steps of {step:g} min.", step=step
        )
        schedule = _baseline_instead(baseline, schedule, reason) if stands(scenario, baseline) else schedule
    return search.keep(schedule) if search.keep is not None else schedule


def _at_locks(scenario: Case, baseline: Baseline, schedule: xr.Dataset) -> xr.Dataset:
    """A schedule on steps taken to locks between them; none where that cannot be."""
    from emberline.models.strategies.redispatch import Redispatch

    if keeps_locks(scenario, schedule):
        return schedule
    site = Redispatch(scenario, baseline.envelope, baseline.start)
    for near in neighbours(scenario, baseline.envelope, schedule.assign_attrs(grid_min=MOMENT_MIN)):
        best = site.best(near)
        if best.schedule is not None and not best.reason:
            return judge(scenario, baseline.envelope, best.schedule).assign_attrs(reason=BETWEEN)
    lost = {"objective": math.nan, "bound": math.nan, "gap": math.nan}
    reason = Message("No list was found that keeps the locks between steps.")
    return schedule.assign_attrs(lost, found=0, complete=0, status="no plan within the limit", reason=reason)


def _baseline_instead(baseline: Baseline, schedule: xr.Dataset, reason: Message) -> xr.Dataset:
    """The baseline's schedule where the search has none that can be carried out: its starts may lie between steps."""
    remaining = {
        name: value for name, value in schedule.attrs.items() if name.startswith("seconds ") or name == "constant"
    }
    outcome = {"found": 1, "status": "best found", "objective": math.nan, "bound": math.nan, "gap": math.nan}
    return baseline.schedule.assign_attrs(remaining | outcome | {"reason": reason})


def _disturbed_replays(
    scenario: Case, schedule: xr.Dataset, dispatched: xr.Dataset, tell: Progress, replications: int | None = None
) -> Replays:
    """Replays of the schedule and of the baseline's list under the same disturbances.

    Args:
        scenario: of both.
        schedule: of the plan.
        dispatched: the baseline's list.
        tell: called after each replay with ``done`` and ``of``.
        replications: how many; None: the scenario's.
    """
    count = scenario.disturbances.replications if replications is None else replications
    n = count if scenario.disturbed else 0
    names = [prefix + name for prefix in ("", "baseline_") for name in (*figures_of(scenario), *COUNTS)]
    if any(stores_of(scenario)):
        names += [f"more_{name}" for name in figures_of(scenario)]
    columns: dict[str, list[float]] = {name: [] for name in names}
    for outcome in outcomes(Followed(scenario, schedule, dispatched), range(n)):
        parts = [prefix + name for prefix in ("", "baseline_") for name in PARTS if prefix + name in outcome.figures]
        for name in (*names, *parts):
            columns.setdefault(name, []).append(float(outcome.figures[name]))
        tell({"phase": "replays", "done": outcome.replication + 1, "of": n})
    data = xr.Dataset(
        {name: ("replication", np.array(values, dtype=float)) for name, values in columns.items()},
        coords={"replication": np.arange(n)},
    )
    return Replays(n=n, successes=int((data["violations"] == 0).sum()), data=data)


def substitute(base: Plan, schedule: xr.Dataset, baseline: Baseline, *, reason: str = "", judged: bool = False) -> Plan:
    """The plan that follows another schedule, judged by the goal of the plan and against its bound.

    Args:
        base: a plan of the same scenario, with its bound.
        schedule: table ``SCHEDULE``.
        baseline: of the scenario.
        reason: what is said of it.
        judged: whether it is followed through the scenario's disturbed days too.

    Raises:
        ContradictionError: the bound lies above it.
    """
    result = follow(base.scenario, baseline=baseline, schedule=schedule, replications=None if judged else 0)
    names = ("baseline", "baseline_figures", "baseline_complete")
    compared: dict[str, Any] = {name: getattr(base, name) for name in names}
    return proven(dataclasses.replace(result, reason=reason, **compared), base.bound)
