"""Functions of the Python API: load, change, simulate, plan, compare. Each is a thin call of one room."""

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
"""Dotted key of the scenario and its new value: a number in the key's unit, a quantity such as ``"85 MW"``, a list or
dict as YAML would hold it, or a pandas Series with a time index."""


def load(source: str | Path | Mapping[str, Any] | Scenario, changes: Changes | None = None, **keywords: Any) -> Case:
    """Load a scenario.

    Args:
        source: name of a bundled scenario, path of a YAML file, the same content as a dict, or a scenario that was
            built of its nouns (``em.Scenario(line=em.Line(…), …)``).
        changes: values by dotted key, applied in order: ``{"goal.minimize": "cost"}``.
        keywords: the same with two underscores for each dot: ``goal__minimize="cost"``.

    Raises:
        ScenarioError: with every mistake, each with its place.
    """
    if isinstance(source, Scenario):
        return change(source, changes, **keywords) if changes or keywords else _resolved(source)
    if isinstance(source, Mapping):
        return loading.loads(json.dumps(_plain(source)), "scenario", _overrides(changes, keywords))
    return loading.load(source, _overrides(changes, keywords))


def change(scenario: Scenario, changes: Changes | None = None, **keywords: Any) -> Case:
    """The same scenario with some values changed; it is read again, including its series, other than those that
    ``Case.with_inputs`` gave.

    Args:
        scenario: from :func:`load`, or of a stored run.
        changes: as in :func:`load`.
        keywords: as in :func:`load`.

    Raises:
        ScenarioError: with every mistake, each with its place.
    """
    scenario = _resolved(scenario)
    if scenario.document is not None:
        return loading.changed(scenario, _overrides(changes, keywords))
    from emberline.runs.store import snapshots

    text, _ = snapshots.source(scenario, inline=True)
    case = loading.loads(text, scenario.name, _overrides(changes, keywords))
    old, new = loading.loads(text, scenario.name).inputs, scenario.inputs
    # series that were replaced in Python stay, where the changes leave them alone
    stay = {k: new[k] for k in old if not new[k].equals(old[k]) and k in case.inputs and old[k].equals(case.inputs[k])}
    return case.with_inputs(case.inputs.assign(stay)) if stay else case


def simulate(scenario: Scenario, schedule: xr.Dataset | None = None, *, seed: int | None = None) -> xr.Dataset:
    """A run of the twin: of the baseline, or of a schedule.

    Args:
        scenario: the plant.
        schedule: what is followed (``Result.schedule``); None: the baseline.
        seed: random seed of the disturbances; None: an undisturbed run.

    Returns:
        Dataset of table ``RUN`` (``emberline.scenarios.datasets``): each variable with its unit in ``attrs["units"]``.
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

    Where disturbances are described, the plan holds on the share ``goal.hold`` of disturbed days, if any plan does:
    ``Result.plan.holding`` tells. ``goal.hold: off`` leaves that out.

    Args:
        scenario: its goal sets gap, time limit and the share.
        progress: whether phases and figures of the search are shown on standard error, in a terminal or a notebook, as
            by the command; an interrupt then takes the best plan so far.
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
    """The plan of one search, replayed undisturbed: no margins, alternatives, rules or disturbed days.

    Args:
        scenario: its goal sets gap and effort.
        on_progress: as of :func:`plan`.
        cancel: as of :func:`plan`.
    """
    from emberline.planning import PLAIN, make_plan

    return Result(make_plan(_resolved(scenario), PLAIN, replications=0, on_progress=on_progress, cancel=cancel))


def model(scenario: Scenario) -> pyo.ConcreteModel:
    """The whole problem as one Pyomo model, to look at, to extend and to solve with any solver of Pyomo.

    Objective ``goal`` is the scenario's goal in all; see ``emberline.models.pyomo_model`` for variables. It grows with
    heats, steps and units, as no heuristic narrows it: the nine heats of ``melt-shop-small`` make 41,000 variables.
    """
    from emberline import models, twin

    case = _resolved(scenario)
    envelope = twin.envelope(case)
    return models.whole_model(case, envelope, twin.dispatch(case, envelope))


def sweep(scenario: Scenario, values: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Optimized plans of every combination of some values, a row each.

    Args:
        scenario: what they have in common.
        values: of each dotted key, as of :func:`load`: ``{"market.carbon_price.per_t": [0, 50, 100]}``.

    Returns:
        A column for each key; ``status``, ``gap`` (a share), ``carbon_kg`` [kg CO2e], ``cost`` [currency] and
        ``peak_mw`` [MW], missing where there is no plan; and ``result``, the plan itself.

    Raises:
        ScenarioError: with every mistake of the first combination that has some.
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
    """A plan that keeps every limit in a share of disturbed replays.

    Args:
        scenario: with disturbances.
        level: the share, above 0 and at most 0.999.
        replications: disturbed replays on which the plan is judged.
        time_limit_s: of the search; judging comes after it [s].
        workers: processes that replay.

    Raises:
        ScenarioError: nothing is disturbed.
        ValueError: level out of range.
    """
    from emberline.planning.engine import engine
    from emberline.planning.robustness.holding import hold as search

    with engine.engine(workers) as pool:
        outcome = search(_resolved(scenario), pool, level=level, replications=replications, work=time_limit_s)
    return Result(outcome.robust, robustness=outcome)


def pareto(scenario: Scenario, points: int = 11, *, metric: str = "carbon", workers: int = 1) -> Front:
    """The Pareto front of a metric and cost; ``front.data`` holds its points, ``front.schedules`` their schedules.

    Args:
        scenario: what is asked.
        points: on the front, both ends included.
        metric: what is traded against cost, such as ``carbon`` or ``water``.
        workers: processes that search at the same time.

    Raises:
        ScenarioError: there is no such metric.
    """
    from emberline.studies.pareto import pareto as search

    return search(_resolved(scenario), points, metric=metric, workers=workers)


def headroom(scenario: Scenario, loads: Sequence[float] | None = None, *, workers: int = 1) -> Headroom:
    """Saving by load: a plan at each share of the orders.

    Args:
        scenario: with orders or deliveries.
        loads: shares above 0 up to 1; None: those of the command line.
        workers: processes that plan at the same time.

    Raises:
        ScenarioError: there is nothing to scale.
    """
    from emberline.planning.engine import engine
    from emberline.studies.headroom import LOADS
    from emberline.studies.headroom import headroom as search

    with engine.engine(workers) as pool:
        return search(_resolved(scenario), pool, LOADS if loads is None else loads)


def roll(scenario: Scenario, **settings: Any) -> Rolled:
    """A rolling horizon in the twin: ``every_min``, ``look_ahead_min``, ``frozen_min``, ``using`` … of
    ``studies.rolling.How``.

    Raises:
        ScenarioError: the scenario cannot be rolled so.
    """
    from emberline.studies.rolling import How
    from emberline.studies.rolling import roll as search

    return search(_resolved(scenario), How(**settings))


def why(result: Result, **question: Any) -> Why:
    """Reasons for one decision of a plan; ``question`` as of ``studies.why.question.why``: ``heat``, ``unit``,
    ``hour`` …

    Raises:
        ScenarioError: there is no such heat, unit or hour.
    """
    from emberline.studies.why.question import why as search

    return search(result.plan, **question)


def why_not(scenario: Scenario) -> WhyNot:
    """Reasons why a scenario has no plan: the limits that cannot all be kept, and what would help."""
    from emberline.studies.why.why_not import why_not as search

    loaded = change(scenario)
    return search(lambda more: loading.changed(loaded, more))


def difference(before: Result, after: Result) -> Difference:
    """Differences between two plans: keys, series, figures and moves."""
    from emberline.studies.difference import difference as search

    return search(before.plan, after.plan)


def open_run(run: str = "last", home: Path | None = None) -> Result:
    """A stored run.

    Args:
        run: its id, at least four digits of it, or ``last``.
        home: folder of stored runs; None: that of the command line.

    Raises:
        StoreError: there is no such run, or it cannot be read.
    """
    from emberline.runs.store import Store

    store = Store(home)
    stored = store.open(store.find(run))
    return Result(stored.plan, run=stored.id, folder=stored.folder)


def compare(results: Mapping[str, Result]) -> pd.DataFrame:
    """Figures of several plans side by side, one column each; units in the index.

    Args:
        results: plans by the name of their column.
    """
    import pandas as pd

    columns = {
        name: result.to_frame("figures").set_index(["figure", "unit"])["plan"] for name, result in results.items()
    }
    return pd.DataFrame(columns)


def _resolved(scenario: Scenario) -> Case:
    """A scenario that was built in Python, with its series.

    Raises:
        ScenarioError: with every mistake between its nouns, or a series that cannot be had.
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
    """Values as YAML holds them: pandas and numpy objects and times as numbers, lists and text."""
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
