"""Plan that is replanned on disturbed days: its saving, and the share of days on which it holds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

from emberline.planning.engine.dask_workers import ClusterError
from emberline.planning.engine.engine import Engine, Workers
from emberline.planning.engine.progress import Progress
from emberline.planning.loop.replan import AHEAD_MIN
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.record import Plan
from emberline.planning.plan.tuning import PLAN
from emberline.planning.robustness.ensemble import ensemble
from emberline.scenarios import Case, Scenario, effort
from emberline.scenarios.process.record import moves_runs

PER_LOOK, PER_OPERATION, PER_LISTED, PER_MODE = 2e-3, 8e-5, 2e-5, 3e-3
"""Work of a replanning step: fixed, per operation within reach, per operation of the whole list, and per mode of a
unit whose runs are replanned."""


def most_days(scenario: Scenario) -> int:
    """Number of disturbed replays that judge a plan: 100 days of the plant in total, at least 20 replays."""
    return max(round(PLAN.again_days / max(scenario.horizon.length_min / 1440, 1.0)), PLAN.again_weeks)


def work_of(scenario: Scenario) -> float:
    """Work of following a plan through one disturbed replay."""
    length = scenario.horizon.length_min
    operations = len(scenario.heats) * len(scenario.line.stages)
    modes = sum(
        process.count * len(process.all_modes)
        for process in scenario.processes
        if moves_runs(process, scenario.run_locks)
    )
    near = operations * min(AHEAD_MIN / length, 1.0)
    each = PER_LOOK + PER_OPERATION * near + PER_LISTED * operations + PER_MODE * modes
    return length / scenario.goal.replan.every_min * each


def days_of(scenario: Scenario) -> int:
    """Number of disturbed replays to follow a plan on: :func:`most_days`, fewer with a small effort."""
    affordable = int(PLAN.again_share * scenario.goal.budget / work_of(scenario))
    return max(PLAN.again_least, min(most_days(scenario), affordable))


def followed(
    plan: Plan,
    *,
    baseline: Baseline | None = None,
    workers: Workers | None = None,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Plan:
    """Return a plan with the results of replanning, if its scenario asks for it (``goal.policy``).

    Args:
        plan: plan with its disturbed replays; returned unchanged if it need not be replayed, is late, or is compared
            with an actual day.
        baseline: baseline of its scenario; None: it is simulated.
        workers: workers for a long computation; None: this process.
        on_progress: called with ``done`` and ``of``.
        cancel: polled; True stops with the days that are complete.
    """
    scenario, printed = plan.scenario, plan.replays
    if printed is None or not printed.n or plan.late or plan.as_run is not None:
        return plan
    if plan.schedule is None or not (scenario.planned_again and plan.acceptable):
        return plan
    requested: Case = plan.requested
    listed = (baseline or Baseline.of(requested)).schedule
    tell: Progress = on_progress or (lambda event: None)
    seed = printed.data.attrs.get("seed")

    def stop() -> bool:
        """Return whether the user cancelled or the plan's time limit has passed."""
        return effort.now() >= effort.OVER or (cancel is not None and cancel())

    days = min(days_of(scenario), printed.n)

    follow = partial(
        ensemble, scenario, plan.schedule, days, seed=None if seed is None else int(seed), dispatched=listed,
        planned_again=True, part=1, cancel=stop,
        on_progress=lambda event: tell({"phase": "replays", "done": event["done"], "of": event["of"]}),
    )  # fmt: skip
    elsewhere = workers if days * work_of(scenario) > PLAN.again_long else None
    try:
        with nullcontext(Engine()) if elsewhere is None else elsewhere() as ready:
            both = follow(engine=ready)
    except (ClusterError, OSError):  # no worker processes, or they died: the plan must not be lost
        both = follow(engine=Engine())
    return plan if both is None or both.other is None else replace(plan, again=both.other.replays)
