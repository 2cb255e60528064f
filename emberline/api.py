"""Functions of the Python API: load, change, simulate, plan, compare. Each is a thin wrapper of one room."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from emberline.results import Result
from emberline.scenarios import Case, Problem, Scenario, ScenarioError
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.loading import loading
from emberline.scenarios.reading.document import dotted
from emberline.scenarios.records.series import from_pandas

if TYPE_CHECKING:
    import pandas as pd
    import pyomo.core as pyo

    from emberline.planning.plan import Progress
    from emberline.studies import Headroom
    from emberline.studies.difference import Difference
    from emberline.studies.pareto import Front
    from emberline.studies.rolling import Rolled
    from emberline.studies.why import Why
    from emberline.studies.why.why_not import WhyNot

Changes = Mapping[str, Any]
"""Dotted keys of the scenario and their new values: a number in the key's unit, a quantity such as ``"85 MW"``, a list
or dict as in YAML, or a pandas Series with a time index."""


def load(source: str | Path | Mapping[str, Any] | Scenario, changes: Changes | None = None, **keywords: Any) -> Case:
    """Load a scenario.

    Args:
        source: name of a bundled scenario, path of a YAML file, the same content as a dict, or a scenario built from
            its parts (``em.Scenario(line=em.Line(…), …)``).
        changes: values by dotted key, applied in order: ``{"goal.minimize": "cost"}``.
        keywords: the same with two underscores for each dot: ``goal__minimize="cost"``.

    Raises:
        ScenarioError: the scenario is invalid; all problems are listed with their places.
    """
    if isinstance(source, Scenario):
        return change(source, changes, **keywords) if changes or keywords else _resolved(source)
    if isinstance(source, Mapping):
        return loading.loads(json.dumps(_plain(source)), "scenario", _overrides(changes, keywords))
    return loading.load(source, _overrides(changes, keywords))


def change(scenario: Scenario, changes: Changes | None = None, **keywords: Any) -> Case:
    """Return the scenario with some values changed. It is read again, including its series, except those set by
    ``Case.with_inputs``.

    Args:
        scenario: scenario from :func:`load`, or of a stored run.
        changes: as in :func:`load`.
        keywords: as in :func:`load`.

    Raises:
        ScenarioError: the scenario is invalid; all problems are listed with their places.
    """
    scenario = _resolved(scenario)
    if scenario.document is not None:
        return loading.changed(scenario, _overrides(changes, keywords))
    from emberline.runs.store import snapshots

    text, _ = snapshots.source(scenario, inline=True)
    case = loading.loads(text, scenario.name, _overrides(changes, keywords))
    old, new = loading.loads(text, scenario.name).inputs, scenario.inputs
    # keep series that were replaced in Python, unless the changes affect them
    stay = {k: new[k] for k in old if not new[k].equals(old[k]) and k in case.inputs and old[k].equals(case.inputs[k])}
    return case.with_inputs(case.inputs.assign(stay)) if stay else case


def simulate(scenario: Scenario, schedule: xr.Dataset | None = None, *, seed: int | None = None) -> xr.Dataset:
    """Run the twin with the baseline or with a schedule.

    Args:
        scenario: scenario of the plant.
        schedule: schedule to follow (``Result.schedule``); None: the baseline.
        seed: random seed of the disturbances; None: an undisturbed run.

    Returns:
        Dataset of table ``RUN`` (``emberline.scenarios.datasets``), with the unit of each variable in
        ``attrs["units"]``.
    """
    from emberline import twin

    scenario = _resolved(scenario)
    policy = twin.dispatch(scenario, twin.envelope(scenario)) if schedule is None else schedule
    return twin.replay(scenario, policy, seed=seed, disturbed=seed is not None)


def plan(
    scenario: Scenario,
    *,
    progress: bool = False,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Result:
    """Optimize the scenario's goal and replay the schedule in the twin.

    If the scenario has disturbances, the plan holds on the share ``goal.hold`` of disturbed days, if such a plan is
    found (see ``Result.plan.holding``). ``goal.hold: off`` skips this step.

    Args:
        scenario: scenario to plan; its goal sets gap, time limit and the required share.
        progress: whether to show phases and figures of the search on standard error, in a terminal or a notebook, like
            the command; an interrupt then returns the best plan so far.
        on_progress: called with a dict: ``phase``, and while optimizing ``incumbent``, ``bound``, ``gap``, ``seconds``;
            ``draft`` has the figures of the first plan.
        cancel: polled; True ends the search with the best schedule so far.
    """
    from emberline.planning import make_plan

    if progress:
        from emberline.ui.cli import terminal

        return Result(terminal.make(_resolved(scenario), quiet=False))
    return Result(make_plan(_resolved(scenario), on_progress=on_progress, cancel=cancel))


def optimize(
    scenario: Scenario, *, on_progress: Progress | None = None, cancel: Callable[[], bool] | None = None
) -> Result:
    """Make a plan with a single search and an undisturbed replay: no margins, alternatives, rules or disturbed days.

    Args:
        scenario: scenario to plan; its goal sets gap and effort.
        on_progress: as in :func:`plan`.
        cancel: as in :func:`plan`.
    """
    from emberline.planning import PLAIN, make_plan

    return Result(make_plan(_resolved(scenario), PLAIN, replications=0, on_progress=on_progress, cancel=cancel))


def model(scenario: Scenario) -> pyo.ConcreteModel:
    """Build the whole problem as one Pyomo model, to inspect, extend and solve with any solver of Pyomo.

    Objective ``goal`` is the scenario's total goal; see ``emberline.models.pyomo_model`` for variables. The size grows
    with heats, steps and units, since no heuristic reduces it: the nine heats of ``melt-shop-small`` result in 41,000
    variables.
    """
    from emberline import models, twin

    case = _resolved(scenario)
    envelope = twin.envelope(case)
    return models.whole_model(case, envelope, twin.dispatch(case, envelope))


def sweep(scenario: Scenario, values: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Optimize every combination of some values and return one row per plan.

    Args:
        scenario: common scenario.
        values: values of each dotted key, as in :func:`load`: ``{"market.carbon_price.per_t": [0, 50, 100]}``.

    Returns:
        A column for each key; ``status``, ``gap`` (a share), ``carbon_kg`` [kg CO2e], ``cost`` [currency] and
        ``peak_mw`` [MW], missing if there is no plan; and ``result``, the plan itself.

    Raises:
        ScenarioError: a combination is invalid; all problems of the first such combination are listed.
    """
    import pandas as pd

    changes = [dict(zip(values, some, strict=True)) for some in product(*values.values())]
    rows = []
    for case, row in [(change(scenario, row), row) for row in changes]:
        result = optimize(case)
        amounts = {name: getattr(result.plan.replay_figures, name, None) for name in ("carbon_kg", "cost", "peak_mw")}
        rows.append({**row, "status": result.status, "gap": result.gap, **amounts, "result": result})
    return pd.DataFrame(rows)


def hold(
    scenario: Scenario,
    level: float = 0.9,
    *,
    replications: int = 1000,
    time_limit_s: float = 300.0,
    workers: int = 1,
) -> Result:
    """Make a plan that keeps every limit in a given share of disturbed replays.

    Args:
        scenario: scenario with disturbances.
        level: required share, above 0 and at most 0.999.
        replications: number of disturbed replays on which the plan is judged.
        time_limit_s: time limit of the search, excluding the judgement [s].
        workers: number of replay processes.

    Raises:
        ScenarioError: the scenario has no disturbances.
        ValueError: the level is out of range.
    """
    from emberline.planning.engine import engine
    from emberline.planning.robustness.holding import hold as search

    with engine.engine(workers) as pool:
        outcome = search(_resolved(scenario), pool, level=level, replications=replications, work=time_limit_s)
    return Result(outcome.robust, robustness=outcome)


def pareto(scenario: Scenario, points: int = 11, *, metric: str = "carbon", workers: int = 1) -> Front:
    """Compute the Pareto front of a metric and cost.

    Args:
        scenario: scenario to plan.
        points: number of points on the front, including both ends.
        metric: metric that is traded off against cost, such as ``carbon`` or ``water``.
        workers: number of parallel search processes.

    Raises:
        ScenarioError: there is no such metric.
    """
    from emberline.studies.pareto import pareto as search

    return search(_resolved(scenario), points, metric=metric, workers=workers)


def headroom(scenario: Scenario, loads: Sequence[float] | None = None, *, workers: int = 1) -> Headroom:
    """Compute savings as a function of load, with a plan at each share of the orders.

    Args:
        scenario: scenario with orders or deliveries.
        loads: shares above 0 and at most 1; None: the default of the command line.
        workers: number of parallel planning processes.

    Raises:
        ScenarioError: there is nothing to scale.
    """
    from emberline.planning.engine import engine
    from emberline.studies.headroom import LOADS
    from emberline.studies.headroom import headroom as search

    with engine.engine(workers) as pool:
        return search(_resolved(scenario), pool, LOADS if loads is None else loads)


def roll(scenario: Scenario, **settings: Any) -> Rolled:
    """Run a rolling horizon in the twin; ``settings`` are fields of ``studies.rolling.How``, such as ``every_min``,
    ``look_ahead_min``, ``frozen_min`` or ``using``.

    Raises:
        ScenarioError: the scenario cannot be rolled with these settings.
    """
    from emberline.studies.rolling import How
    from emberline.studies.rolling import roll as search

    return search(_resolved(scenario), How(**settings))


def why(result: Result, **question: Any) -> Why:
    """Explain one decision of a plan; ``question`` as in ``studies.why.question.why``: ``heat``, ``unit``, ``hour`` …

    Raises:
        ScenarioError: there is no such heat, unit or hour.
    """
    from emberline.studies.why.question import why as search

    return search(result.plan, **question)


def why_not(scenario: Scenario) -> WhyNot:
    """Diagnose a scenario without a plan: conflicting limits, and changes that would help."""
    from emberline.studies.why.why_not import why_not as search

    loaded = change(scenario)
    return search(lambda more: loading.changed(loaded, more))


def difference(before: Result, after: Result) -> Difference:
    """Compare two plans: keys, series, figures and moves."""
    from emberline.studies.difference import difference as search

    return search(before.plan, after.plan)


def open_run(run: str = "last", home: Path | None = None) -> Result:
    """Open a stored run.

    Args:
        run: id of the run, at least four digits of it, or ``last``.
        home: folder of stored runs; None: that of the command line.

    Raises:
        StoreError: there is no such run, or it cannot be read.
    """
    from emberline.runs.store import Store

    store = Store(home)
    stored = store.open(store.find(run))
    return Result(stored.plan, run=stored.id, folder=stored.folder)


def compare(results: Mapping[str, Result]) -> pd.DataFrame:
    """Tabulate figures of several plans side by side, one column each, with units in the index.

    Args:
        results: plans by the name of their column.
    """
    import pandas as pd

    columns = {
        name: result.to_frame("figures").set_index(["figure", "unit"])["plan"] for name, result in results.items()
    }
    return pd.DataFrame(columns)


def _resolved(scenario: Scenario) -> Case:
    """Resolve the series of a scenario that was built in Python.

    Raises:
        ScenarioError: the scenario is inconsistent, or a series is unavailable; all problems are listed.
    """
    if isinstance(scenario, Case):
        return scenario
    problems = [Problem(scenario.name, dotted(place), text) for place, text in between_nouns(scenario)]
    if problems:
        raise ScenarioError(problems)
    try:
        return loading.resolve(scenario)
    except ValueError as error:
        raise ScenarioError([Problem(scenario.name, "", str(error))]) from None


def _overrides(changes: Changes | None, keywords: Changes) -> list[tuple[str, Any]]:
    dotted = {key.replace("__", "."): value for key, value in keywords.items()}
    return [(key, _plain(value)) for key, value in {**(changes or {}), **dotted}.items()]


def _plain(value: Any) -> Any:
    """Convert pandas and numpy objects and times to numbers, lists and text, as in YAML."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "index") and hasattr(value, "to_numpy"):
        return from_pandas(value)
    return value
