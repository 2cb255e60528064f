"""Work of a job by its kind: each function stores its result and returns the data of the last event.

plan     plan of a scenario, stored as a run
front    Pareto front of a scenario; options ``points`` and ``metric`` (default carbon)
point    plan of a point of a stored front, stored as a run; options ``front`` and ``point``
replay   ensemble of a stored run; options ``run``, ``replications``, ``seed`` (or None) and ``baseline``
hold     robust plan of a stored run's scenario, stored as a run; options ``run``, ``level``, ``replications`` and
         ``time_limit_s``
analysis analysis of a scenario or of a stored run; option ``analysis`` (``runs/work/analyses``) and its own options
"""

from __future__ import annotations

import faulthandler
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import singledispatch
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import xarray as xr

from emberline.planning.engine.progress import Progress
from emberline.planning.plan.record import Plan
from emberline.runs.store.catalogue.errors import StoreError
from emberline.runs.store.store import Store
from emberline.scenarios import Case, Scenario, load, loads
from emberline.scenarios.case.scenario import Producer, ProductionLine

if TYPE_CHECKING:
    from emberline.models import Study

LONGEST_S = 900.0
"""Maximum time without a report from a worker that is not searching [s]."""
STARTING_S = 120.0
"""Allowance in addition to the time limits of its searches [s]."""


@dataclass(frozen=True)
class Task:
    """Job that is being processed."""

    folder: Path
    request: dict[str, Any]
    """Request of the job."""
    progress: Progress
    late: IO[str] | None = None
    """File for a traceback if the work hangs, before the process is ended; None: no watchdog."""
    study: Study | None = None
    """Data for warm starts from earlier plans."""

    @property
    def id(self) -> str:
        """Id under which the result is stored."""
        return self.folder.name

    @property
    def home(self) -> Path:
        """Folder of jobs, runs and fronts."""
        return self.folder.parent.parent

    @property
    def options(self) -> dict[str, Any]:
        """Additional options of the kind of job."""
        return dict(self.request.get("given", {}))

    def cancelled(self) -> bool:
        """Return whether the client has asked for the results so far."""
        return (self.folder / "cancel").exists()

    def scenario(self) -> Case:
        """Load the requested scenario.

        Raises:
            ScenarioError: the scenario is invalid.
        """
        if self.request["text"] is not None:
            return loads(self.request["text"], overrides=self.request["overrides"])
        return load(self.request["scenario"], self.request["overrides"])

    def patience(self, seconds: float) -> None:
        """Let the watchdog end the worker after this time without a report."""
        if self.late is not None:
            faulthandler.dump_traceback_later(seconds, exit=True, file=self.late)

    def report(self, text: str, count: int = 0, of: int = 0) -> None:
        """Report a step of an analysis and its progress, ``count`` of ``of``."""
        self.progress({"phase": "analysis", "says": text, "done": count, "of": of})
        self.patience(LONGEST_S)

    def progress_within(self, silent_s: Callable[[str], float]) -> Progress:
        """Return a function that reports events, and then allows a silence that depends on the phase [s]."""

        def progress(event: dict[str, Any]) -> None:
            self.progress(event)
            self.patience(silent_s(str(event["phase"])))

        return progress


def plan(task: Task) -> dict[str, Any]:
    """Make the plan of a scenario."""
    from emberline.planning.engine import memory
    from emberline.planning.engine.engine import engine
    from emberline.planning.plan import pace
    from emberline.planning.planner import make_plan

    scenario = task.scenario()
    memory.refuse(memory.of_plan(scenario), scenario.name)
    pace.refuse(scenario)

    def work() -> Plan:
        progress = _watched(task, scenario)
        result = make_plan(scenario, workers=engine, on_progress=progress, cancel=task.cancelled)
        return replace(result, repair=tuple(task.options.get("repair", ())))

    return _stored(task, scenario, work)


def _watched(task: Task, scenario: Scenario) -> Progress:
    """Return a function that reports the events of a plan, with a time limit for each phase."""
    longest = {"optimize": 1.5 * scenario.goal.time_limit_s + STARTING_S}
    return task.progress_within(lambda phase: longest.get(phase, LONGEST_S))


def replan(task: Task) -> dict[str, Any]:
    """Plan a stored plan again around locks, starting from its schedule; ``seconds`` limits the time.

    Within seconds, a plan with the stored plan's learnt margins is found only near that plan. If there is none, the
    search uses the margins of the request, and the plan is then judged and its margins raised as far as time allows.
    """
    from emberline.planning.plan.pipeline import Search
    from emberline.planning.plan.replan import holds, hurried, read_lock, with_locks, without_margins
    from emberline.planning.planner import make_plan

    before, seconds = Store(task.home).open(str(task.options["run"])).plan, task.options.get("seconds")
    locks = [read_lock(lock) for lock in task.options["locks"]]
    scenario = with_locks(before.scenario, locks)
    near = _near(before, scenario)
    if seconds:
        before = hurried(before, float(seconds))
        if before.holding is not None and not any(holds(scenario, before.envelope, one) for one in near):
            before = without_margins(before)
            near = _near(before, with_locks(before.scenario, locks))
        scenario = with_locks(before.scenario, locks)
    progress = _watched(task, scenario)

    def work() -> Plan:
        search = Search(study=task.study, others=near, lists=not seconds)
        after = make_plan(scenario, before=before, search=search, on_progress=progress, cancel=task.cancelled)
        return replace(after, repair=before.repair)

    return _stored(task, scenario, work)


def _near(before: Plan, scenario: Scenario) -> list[xr.Dataset]:
    """Return schedules near a stored plan's that respect other locks, as starts of a search."""
    producers = () if before.schedule is None else scenario.producers
    return [near for producer in producers for near in _near_of(producer, before, scenario)]


@singledispatch
def _near_of(_: Producer, before: Plan, scenario: Scenario) -> list[xr.Dataset]:
    from emberline.studies.board import RunBoard

    board = RunBoard(before)
    moves = board.moves(scenario.run_locks)
    return [] if board.outside(moves) else [board.moved(moves)]


@_near_of.register
def _(_: ProductionLine, before: Plan, scenario: Scenario) -> list[xr.Dataset]:
    from emberline.planning.plan.alternatives.nearest import neighbours

    assert before.schedule is not None
    return [] if scenario.by_the_minute else neighbours(scenario, before.envelope, before.schedule)


def point(task: Task) -> dict[str, Any]:
    """Make the plan of a point of a front by following its stored schedule with and without disturbances."""
    from emberline.planning.answer.rules import with_rules
    from emberline.runs.store import fronts
    from emberline.studies.pareto.point import front_plan

    front = fronts.read(str(task.options["front"]), task.home).front
    number = int(task.options["point"])
    progress = task.progress_within(lambda phase: LONGEST_S)
    return _stored(task, front.scenario, lambda: with_rules(front_plan(front, number, on_progress=progress)))


def _stored(task: Task, scenario: Scenario, make: Callable[[], Plan]) -> dict[str, Any]:
    """Make a plan and store it under the job's id."""
    store = Store(task.home)
    with store.working(scenario, task.id) as run:
        new_plan = make()
        faulthandler.cancel_dump_traceback_later()
        store.save(run, new_plan)
    return {"acceptable": new_plan.acceptable}


def front(task: Task) -> dict[str, Any]:
    """Search for a front; on cancellation, the points found so far are stored."""
    from emberline.runs.store import fronts
    from emberline.studies.pareto.front import CARBON
    from emberline.studies.pareto.search import pareto

    scenario = task.scenario()
    # a point takes two searches at most
    silent_s = 3 * scenario.goal.time_limit_s + 2 * STARTING_S
    progress = task.progress_within(lambda phase: silent_s)
    points, metric = int(task.options["points"]), str(task.options.get("metric", CARBON))
    pareto_front = pareto(scenario, points, metric=metric, on_progress=progress, cancel=task.cancelled)
    fronts.save(pareto_front, task.home, task.id)
    return {"acceptable": pareto_front.has_points}


def replay(task: Task) -> dict[str, Any]:
    """Follow a stored plan through disturbed days; on cancellation, the completed days are stored."""
    from emberline import twin
    from emberline.planning.engine.engine import Engine
    from emberline.planning.robustness.ensemble import ensemble
    from emberline.runs.store import ensembles
    from emberline.runs.store.earlier_releases import renamed

    stored, request = Store(task.home).open(str(task.options["run"])), renamed(task.options)
    plan = stored.plan
    if plan.schedule is None:
        raise StoreError(f"run {stored.id} has no schedule to follow: {plan.verdict}")
    progress = task.progress_within(lambda phase: LONGEST_S)
    scenario, count = plan.scenario, int(request["replications"])
    progress({"phase": "replays", "done": 0, "of": count})
    dispatched = twin.dispatch(scenario, plan.envelope) if request.get("baseline") else None
    how: dict[str, Any] = {"seed": request.get("seed"), "dispatched": dispatched}
    replays = ensemble(scenario, plan.schedule, count, Engine(), **how, on_progress=progress, cancel=task.cancelled)
    if replays is None:
        raise StoreError("cancelled before the first replay was complete: nothing is stored")
    ensembles.save(replays, stored)
    return {"seed": int(replays.data.attrs["seed"]), "done": replays.n}


def hold(task: Task) -> dict[str, Any]:
    """Make a robust plan of a stored run's scenario; on cancellation, the best plan so far is stored."""
    from emberline.planning.engine.engine import Engine
    from emberline.planning.robustness import holding
    from emberline.runs.store import ensembles

    request = task.options
    store = Store(task.home)
    before = store.open(str(request["run"])).plan
    scenario = before.requested
    limit_s = float(request["time_limit_s"])
    progress = task.progress_within(lambda phase: max(1.5 * limit_s + STARTING_S, LONGEST_S))
    with store.working(scenario, task.id) as run:
        answer = holding.hold(
            scenario, Engine(), level=float(request["level"]), replications=int(request["replications"]),
            work=limit_s, plain=before if before.acceptable and before.holding is None else None,
            begin=None if before.holding is None else before.scenario.disturbances,
            on_progress=progress, cancel=task.cancelled,
        )  # fmt: skip
        faulthandler.cancel_dump_traceback_later()
        ensembles.save_holding(store, run, answer)
    return {"acceptable": answer.robust.acceptable, "holds": answer.holds}


def analysis(task: Task) -> dict[str, Any]:
    """Run an analysis and store its result."""
    from emberline.runs.work import analyses

    name = str(task.options["analysis"])
    task.patience(LONGEST_S)
    result = analyses.work(name)(task)
    faulthandler.cancel_dump_traceback_later()
    analyses.save(task.home, task.id, name, task.request, result)
    return {"acceptable": True}


WORK: tuple[Callable[[Task], dict[str, Any]], ...] = (plan, replan, front, point, replay, hold, analysis)
KINDS = {work.__name__: work for work in WORK}
"""Functions by kind of job, which is the name of the function."""
