"""A stored plan made again: it stays as it is where the data are unchanged and nothing clearly better is known.

What the planner has decided is a list of locks: a heat starts at a stage on its unit at its time. Adding or taking away
locks leaves all other data as they are, so the earlier schedule is where the search begins, and it is kept wherever it
still holds and what is found is not better by more than a change is worth.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import singledispatch

import numpy as np
import xarray as xr

from emberline.planning.accounts.site_stores import ending_no_lower
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.pipeline import Search
from emberline.planning.plan.proof import judge, judged, prove
from emberline.planning.plan.record import Plan
from emberline.planning.plan.tuning import PLAN
from emberline.scenarios import Case, Problem, Scenario, ScenarioError
from emberline.scenarios.case.scenario import ProcessNetwork, ProductionLine
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.datasets import ViolationKind
from emberline.scenarios.goal_metrics import no_worse
from emberline.scenarios.messages import Message
from emberline.scenarios.records.orders import AnyLock, Lock, RunLock

__all__ = [
    "Operation",
    "all_locks",
    "as_set",
    "first_stage",
    "hurried",
    "lock",
    "override",
    "pinned",
    "read_lock",
    "same_locks",
    "with_locks",
]

STAYS = Message("The earlier plan stays.")
MOVED = Message("The earlier plan stays but for what its locks move.")
Operation = tuple[str, str]
"""Heat and stage."""
Starts = Mapping[str, float | None] | Mapping[Operation, float | None] | Mapping[str | Operation, float | None]
"""Start after the start of the horizon [min] by heat, or by heat and stage; None: as a schedule has it."""


def again(stored: Plan, scenario: Case, search: Search) -> Plan | tuple[Case, Search]:
    """Scenario and search with which a stored plan is made again; the plan itself where nothing is searched.

    With the same locks and a plan that has reached its gap there is nothing to search. With others a cap that
    counts from the baseline stays the amount that it was: its list is made with the locks, too, and would move it.

    Args:
        stored: the earlier plan.
        scenario: its scenario with the locks that hold now (:func:`with_locks`).
        search: how the schedule is searched; of processes the first of the others is where it begins.
    """
    from emberline.models import Study

    stored = judged(stored)
    unchanged = same_locks(all_locks(scenario), all_locks(stored.scenario))
    gap = stored.gap if stored.holding is None or not stored.between_steps else stored.holding.draft_gap
    if unchanged and stored.has_schedule and gap is not None and gap <= stored.scenario.goal.gap + 1e-9:
        return stored
    if stored.schedule is None:
        return scenario, search
    if not unchanged and (scenario.goal.caps.extra_cost_share is not None or no_worse(scenario)):
        scenario = _capped(scenario, stored)
    stored_locks, holding = ({lock.model_dump_json() for lock in all_locks(one)} for one in (stored.scenario, scenario))
    schedule, stays, share = stored.schedule, STAYS, PLAN.keep_share
    near = next((other for other in search.others if "grid_min" in other.attrs), None)
    if near is not None and not (unchanged or holds(scenario, stored.envelope, schedule)):
        near = _used(scenario, stored, near)
        if near is not None:
            # a search without its slack may seem better
            schedule, stays, share = near, MOVED, math.inf
    # what binds more raises no plan's worth
    tighter = unchanged or stored_locks <= holding
    bound = stored.bound if tighter and stored.bound is not None else math.nan
    before = schedule.assign_attrs(bound=bound)
    study = search.study or Study()
    study.keep(scenario, before)
    return scenario, dataclasses.replace(
        search,
        start=search.others[0] if scenario.by_step and search.others else None,
        study=study,
        keep=lambda candidate: choose(
            scenario, stored.envelope, before, candidate, share, sound=unchanged, reason=stays
        ),
    )


def _used(scenario: Case, stored: Plan, heats: xr.Dataset) -> xr.Dataset | None:
    """The schedule of heats between steps, its site used as well as can be; None: it breaks a limit."""
    from emberline.models.strategies.redispatch import Redispatch

    listed = Baseline.of(scenario, stored.envelope)
    best = Redispatch(ending_no_lower(scenario, listed.run), stored.envelope, listed.start).best(heats)
    return None if best.reason else best.schedule


def _capped(variant: Case, stored: Plan) -> Case:
    """The request, its caps that count from the baseline as they stand for the stored plan's."""
    from emberline.planning.plan import caps

    listed = Baseline.of(stored.scenario, stored.envelope).schedule
    return variant.with_goal(caps=caps.fixed(stored.scenario, stored.envelope, listed))


def choose(
    scenario: Case,
    envelope: xr.Dataset,
    before: xr.Dataset,
    candidate: xr.Dataset,
    keep_share: float = PLAN.keep_share,
    *,
    sound: bool = False,
    reason: Message | None = None,
) -> xr.Dataset:
    """The earlier schedule where it still holds and the one found is hardly better, else the one found.

    Args:
        scenario: what is planned; only its locks differ from what the earlier schedule was made for.
        envelope: of both.
        before: the earlier schedule, its bound on ``scenario`` among its attributes.
        candidate: of a search for ``scenario``.
        keep_share: by how much better a schedule must be, as a share of what can be decided, to take its place.
        sound: it is known that the earlier schedule holds.
        reason: what is said where it stays; None: that it does.

    Raises:
        ContradictionError: a bound lies above the schedule that is taken.
    """
    bounds = [float(data.attrs.get("bound", math.nan)) for data in (before, candidate)]
    bound = max((b for b in bounds if not math.isnan(b)), default=math.nan)
    before = judge(scenario, envelope, before)
    value, other = float(before.attrs["objective"]), float(candidate.attrs["objective"])
    better = candidate.attrs["found"] and value - other > keep_share * max(abs(value), 1e-9)
    if better or not (sound or holds(scenario, envelope, before)):
        return prove(scenario, candidate, bound) if candidate.attrs["found"] else candidate
    seconds = {name: value for name, value in candidate.attrs.items() if str(name).startswith("seconds ")}
    status = str(candidate.attrs["status"]) if candidate.attrs["found"] else "best found"
    stays = {"status": status, "reason": reason or STAYS}
    return prove(scenario, before.assign_attrs({**seconds, **stays}), bound)


def holds(scenario: Case, envelope: xr.Dataset, schedule: xr.Dataset) -> bool:
    """Whether a schedule of the same data keeps the locks of a scenario, and its caps under the new baseline."""
    return all(_holds(producer, scenario, envelope, schedule) for producer in scenario.producers)


@singledispatch
def _holds(producer: object, scenario: Case, envelope: xr.Dataset, schedule: xr.Dataset) -> bool:
    raise NotImplementedError(type(producer))


@_holds.register
def _(producer: ProductionLine, scenario: Case, envelope: xr.Dataset, schedule: xr.Dataset) -> bool:
    from emberline.models import explain

    return explain.holds(scenario, envelope, schedule, Baseline.of(scenario, envelope).start, work=PLAN.earlier_flows)


@_holds.register
def _(producer: ProcessNetwork, scenario: Case, envelope: xr.Dataset, schedule: xr.Dataset) -> bool:
    from emberline import twin

    return not producer.locks or ViolationKind.LOCK not in twin.replay(scenario, schedule)["violation_kind"].values


def hurried(stored: Plan, work: float) -> Plan:
    """A stored plan whose scenario is searched with little effort, so that an answer is there soon."""
    scenario = stored.scenario.with_goal(effort=min(stored.scenario.goal.budget, work))
    return dataclasses.replace(stored, scenario=scenario)


def without_margins(stored: Plan) -> Plan:
    """A stored plan to plan again with the margins that were asked for, in place of those that were learnt.

    With fewer margins a better plan may exist, so the bound does not hold any more.
    """
    scenario = stored.requested.model_copy(update={"goal": stored.scenario.goal})
    return dataclasses.replace(stored, scenario=scenario, bound=None, gap=None)


def all_locks(scenario: Scenario) -> tuple[AnyLock, ...]:
    """Locks on heats and on runs of processes."""
    return (*scenario.locks, *scenario.run_locks)


def with_locks(scenario: Case, locks: Sequence[AnyLock]) -> Case:
    """The scenario with other locks.

    Raises:
        ScenarioError: a lock is mistaken: no such heat, stage, unit, process or mode, a time off the steps or outside
            the horizon.
    """
    heats, runs = ([lock for lock in locks if isinstance(lock, kind)] for kind in (Lock, RunLock))
    update = {"locks": tuple(heats), "run_locks": tuple(runs)}
    variant = scenario.model_copy(update=update)
    problems = [
        Problem(scenario.name, ".".join(map(str, place)), text)
        for place, text in between_nouns(variant)
        if place and place[0] in ("locks", "run_locks")
    ]
    if problems:
        raise ScenarioError(problems)
    return variant


def same_locks(one: Sequence[AnyLock], other: Sequence[AnyLock]) -> bool:
    """Whether two lists lock the same, in whatever order."""
    first, second = (sorted(lock.model_dump_json() for lock in locks) for locks in (one, other))
    return first == second


def pinned(scenario: Scenario, locks: Sequence[Lock]) -> tuple[Lock, ...]:
    """The scenario's locks with some more, which take the place of those on the same heat and stage, or cast."""
    return (*unlocked(scenario, *((lock.heat, lock.stage) for lock in locks)), *locks)


def unlocked(scenario: Scenario, *operations: Operation) -> tuple[Lock, ...]:
    """The scenario's locks without those of some heats at a stage; a cast moves as a whole, so without those of it."""
    freed = {other for heat, stage in operations for other in moving_together(scenario, heat, stage)}
    return tuple(lock for lock in scenario.locks if (lock.heat, lock.stage) not in freed)


def moving_together(scenario: Scenario, heat: str, stage: str) -> list[Operation]:
    """A heat at a stage; where heats follow each other without a gap, all heats of its cast there."""
    casting = scenario.line.campaign_stage
    if casting is None or casting.name != stage:
        return [(heat, stage)]
    order = next((item.order for item in scenario.heats if item.name == heat), None)
    return [(item.name, stage) for item in scenario.heats if item.order == order]


def lock(
    scenario: Scenario,
    schedule: xr.Dataset,
    heat: str,
    stage: str,
    start_min: float | None = None,
    unit: str | None = None,
) -> Lock:
    """A lock of a heat at a stage, on the unit that a schedule gives it unless another is named.

    Args:
        scenario: whose schedule it is.
        schedule: table ``SCHEDULE``.
        heat, stage: the operation.
        start_min: its start after the start of the horizon [min]; None: the schedule's.
        unit: None: the schedule's.

    Raises:
        ScenarioError: there is no such operation, or it has started already.
    """
    where = f"heat {heat}"
    by_name = {item.name: item for item in scenario.heats}
    if heat not in by_name:
        first = ", ".join(list(by_name)[:6])
        raise ScenarioError([Problem(scenario.name, where, f"there is no such heat; heats are {first} …")])
    route = [part.name for part in scenario.line.route(by_name[heat].grade)]
    if stage not in route:
        raise ScenarioError(
            [Problem(scenario.name, where, f"does not run through {stage!r}; its stages are {', '.join(route)}")]
        )
    if any((item.heat, item.stage) == (heat, stage) for item in scenario.state.started):
        raise ScenarioError([Problem(scenario.name, where, f"has started at {stage} already; nothing is to lock")])
    unit = unit or str(schedule["unit"].sel(heat=heat, stage=stage).item())
    at = float(schedule["start_min"].sel(heat=heat, stage=stage) if start_min is None else start_min)
    return Lock(heat=heat, stage=stage, unit=unit, start=timedelta(minutes=round(at, 6)))


def locked(scenario: Case, schedule: xr.Dataset, heats: Starts) -> tuple[str, ...]:
    """Overrides, as for ``--set``, that lock heats of a schedule at their units and starts.

    The scenario's own locks stay, but for those on the same heat and stage, or cast.

    Args:
        scenario: whose schedule it is.
        schedule: table ``SCHEDULE``.
        heats: what to lock, and where; a heat by itself is locked at the first stage that it has not begun.

    Raises:
        ScenarioError: there is no such heat or stage, it has started, or its start is off the steps.
    """
    pins = []
    for key, start_min in heats.items():
        heat, stage = key if isinstance(key, tuple) else (key, first_stage(scenario, key))
        pins.append(lock(scenario, schedule, heat, stage, start_min))
    variant = with_locks(scenario, pinned(scenario, pins))
    return (f"locks={json.dumps([as_set(lock) for lock in variant.locks], ensure_ascii=False)}",)


def first_stage(scenario: Scenario, heat: str) -> str:
    """The first stage of a heat that it has not begun; the empty name where there is none."""
    stages = {item.stage for item in scenario.state.started if item.heat == heat}
    for batch in scenario.heats:
        if batch.name == heat:
            names = [stage.name for stage in scenario.line.route(batch.grade)]
            last = max((names.index(stage) for stage in stages if stage in names), default=-1)
            return next(iter(names[last + 1 :]), "")
    return ""


def as_set(lock: AnyLock) -> dict[str, str]:
    """A lock as plain data for an override; spans after the start in minutes."""
    return {name: value if isinstance(value, str) else _moment(value) for name, value in lock if value is not None}


def read_lock(data: Mapping[str, str]) -> AnyLock:
    """The lock of plain data.

    Raises:
        ValueError: it is none.
    """
    return RunLock.model_validate(data) if "process" in data else Lock.model_validate(data)


def override(scenario: Scenario, locks: Sequence[Mapping[str, str]]) -> str:
    """Override for a list of locks as plain data: on what the scenario's producer decides."""
    key = next((producer.lock_key for producer in scenario.producers), "locks")
    return f"{key}={json.dumps(list(locks), ensure_ascii=False)}"


def _moment(value: datetime | timedelta) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{np.format_float_positional(value.total_seconds() / 60, trim='-')} min"
