"""Parameter sweep: one scenario planned for every combination of given values of its keys.

Every plan is stored as a run of its own as soon as it is made. The request and the ids of its plans are recorded in
``home/sweeps/<sweep>.json``, which is rewritten after each plan.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import traceback
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from emberline.planning.engine import memory
from emberline.planning.engine.engine import Engine
from emberline.planning.engine.progress import Progress
from emberline.planning.plan import pace
from emberline.planning.plan.record import Plan
from emberline.planning.planner import Steps, make_plan
from emberline.scenarios import Case, load, whole_file
from emberline.scenarios.goal_metrics import figures_of
from emberline.scenarios.plain import Plain
from emberline.scenarios.reading.document import parse
from emberline.scenarios.records.base import Problem, ScenarioError
from emberline.studies.headroom import outcome_of

__all__ = ["axes", "refuse", "settings", "sweep"]

MAX_PLANS = 500


class Keeper(Protocol):
    """Storage of plans, such as a store of runs."""

    folder: Path
    """Folder that also holds the records of sweeps."""

    def keep(self, plan: Plan) -> str:
        """Store a plan and return its id."""


@dataclass(frozen=True)
class Axis:
    """Key and its values."""

    key: str
    values: tuple[Any, ...]

    def assignment(self, value: Any) -> str:
        """Return an override that sets the key; JSON is valid YAML."""
        return f"{self.key}={json.dumps(value, default=str)}"


@dataclass(frozen=True)
class Variant:
    """Variant of the scenario in a sweep."""

    setting: dict[str, Any]
    """Value of each key."""
    scenario: Case


@dataclass(frozen=True)
class Row(Plain):
    """Result of one variant."""

    named = {"successes": "held"}
    setting: dict[str, Any]
    run: str | None = None
    """Id of the stored run; None: no plan was made."""
    status: str = "not planned"
    gap: float | None = None
    bound: float | None = None
    figures: dict[str, float] = field(default_factory=dict)
    """Figures of the undisturbed replay."""
    saved: dict[str, float] = field(default_factory=dict)
    """Savings against the baseline of the same variant."""
    replications: int = 0
    successes: int = 0
    acceptable: bool = False
    says: str = ""
    """Verdict, or description of the failure."""


@dataclass(frozen=True)
class Sweep:
    """Sweep of plans over the values of some keys, with its results."""

    id: str
    path: Path
    scenario: str
    currency: str
    axes: tuple[Axis, ...]
    rows: tuple[Row, ...]
    created: str
    """Time of creation in UTC, ISO 8601."""

    @property
    def n_planned(self) -> int:
        """Number of variants that have a plan."""
        return sum(row.run is not None for row in self.rows)

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        keys = {axis.key: list(axis.values) for axis in self.axes}
        head = {"sweep": self.id, "created": self.created, "scenario": self.scenario, "currency": self.currency}
        return {**head, "keys": keys, "planned": self.n_planned, "plans": [row.summary() for row in self.rows]}


def axes(assignments: Iterable[str]) -> tuple[tuple[Axis, ...], tuple[str, ...]]:
    """Split assignments into lists ``key=[value, …]`` and single values, which apply to every plan.

    For a key whose value is itself a list, give a list of lists.

    Raises:
        ScenarioError: a list is empty, a value or a key occurs twice, or there is no list.
    """
    dimensions: list[Axis] = []
    fixed: list[str] = []
    problems: list[Problem] = []
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        place = f"--set {assignment if len(assignment) <= 80 else assignment[:77] + '…'}"
        values = parse(f"value: {text}", place).data.get("value") if equals else None
        if not isinstance(values, list):
            fixed.append(assignment)
            continue
        axis = Axis(key.strip(), tuple(values))
        if not values:
            problems.append(Problem(place, axis.key, "has no values; write them as [1, 2]"))
        if len({json.dumps(value, default=str) for value in values}) < len(values):
            problems.append(Problem(place, axis.key, "has a value twice"))
        if axis.key in [other.key for other in dimensions]:
            problems.append(Problem(place, axis.key, "is given twice; put all its values into one list"))
        dimensions.append(axis)
    if not dimensions and not problems:
        sentence = "a sweep needs a list of values, such as --set goal.minimize=[carbon, cost]"
        problems.append(Problem("--set", "", sentence))
    if problems:
        raise ScenarioError(problems)
    return tuple(dimensions), tuple(fixed)


def settings(name: str, along: Sequence[Axis], fixed: Iterable[str] = ()) -> list[Variant]:
    """Load the scenario for every combination of the axes' values, with the last key changing fastest.

    Raises:
        ScenarioError: there are too many combinations, or some are invalid; each mistake is listed once.
    """
    count = math.prod(len(axis.values) for axis in along)
    if count > MAX_PLANS:
        keys = " × ".join(f"{axis.key} ({len(axis.values)})" for axis in along)
        raise ScenarioError([Problem("--set", "", f"{keys} are {count} plans, a sweep has at most {MAX_PLANS}")])
    cases: list[Variant] = []
    problems: list[Problem] = []
    fixed = list(fixed)
    for values in itertools.product(*(axis.values for axis in along)):
        overrides = [axis.assignment(value) for axis, value in zip(along, values, strict=True)]
        setting = {axis.key: value for axis, value in zip(along, values, strict=True)}
        try:
            cases.append(Variant(setting, load(name, [*fixed, *overrides])))
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(dict.fromkeys(problems))
    return cases


def sweep(
    along: Sequence[Axis],
    cases: Sequence[Variant],
    engine: Engine,
    store: Keeper,
    *,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Sweep:
    """Plan every variant and store the plans.

    Args:
        along: keys and values.
        cases: variants from :func:`settings`.
        engine: engine that makes the plans; a plan is restarted if its worker dies.
        store: store of the plans.
        on_progress: called with ``done``, ``of`` and ``row`` after each plan.
        cancel: polled; True stops: finished plans are kept, running ones are abandoned.

    Raises:
        ScenarioError: a plan needs more memory than is available.
    """
    refuse(cases, engine.workers if engine.local else 1)
    tell: Progress = on_progress or (lambda event: None)
    number, first = uuid.uuid4().hex, cases[0].scenario
    path, created = store.folder / "sweeps" / f"{number}.json", datetime.now(UTC).isoformat(timespec="seconds")
    path.parent.mkdir(exist_ok=True)
    unplanned = tuple(Row(case.setting) for case in cases)
    record = Sweep(number, path, first.name, first.market.currency, tuple(along), unplanned, created)
    _write(record)
    for piece in engine.each(_plan, None, [case.scenario for case in cases], cancel):
        one = cases[piece.place]
        if piece.error is None:
            row = _keep(store, one, piece.unwrap())
        else:
            row = Row(one.setting, status="failed", says=_failure(piece.error, store))
        rows = list(record.rows)
        rows[piece.place] = row
        record = dataclasses.replace(record, rows=tuple(rows))
        _write(record)
        tell({"phase": "sweep", "done": sum(r.status != "not planned" for r in rows), "of": len(rows), "row": row})
    return record


def refuse(cases: Sequence[Variant], workers: int) -> None:
    """Reject a sweep that needs more memory than is available, given the number of plans made in parallel.

    Raises:
        ScenarioError: one line for each plan that is too large.
    """
    at_once = min(workers, len(cases))
    problems: list[Problem] = []
    for case in cases:
        label = ", ".join(f"{key}={value}" for key, value in case.setting.items())
        what = f"{label}{f' ({at_once} plans at a time)' if at_once > 1 else ''}"
        try:
            memory.refuse(memory.of_plan(case.scenario) * at_once, what, "use fewer --workers" if at_once > 1 else "")
            pace.refuse(case.scenario, label)
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(problems)


def _plan(_: None, scenario: Case) -> Plan:
    return make_plan(scenario, Steps(again=False))


def _keep(store: Keeper, one: Variant, case_plan: Plan) -> Row:
    run = store.keep(case_plan)
    sums, columns = case_plan.replay_figures, (*figures_of(one.scenario), "peak_mw")
    return Row(
        setting=one.setting,
        run=run,
        bound=case_plan.bound,
        figures={name: getattr(sums, name) for name in columns} if sums is not None else {},
        saved={name: value for name, value in case_plan.saved().items() if name in columns},
        **outcome_of(case_plan),
    )


def _failure(error: BaseException, store: Keeper) -> str:
    """Return an error in one line, and write the details to a file."""
    path = store.folder / "errors" / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]} (details: {path})"


def _write(record: Sweep) -> None:
    whole_file.write(record.path, json.dumps(record.summary(), indent=1, allow_nan=False, default=str))
