"""Runs of the twin: following a schedule or the baseline, or serving heats first come, first served."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import numpy as np
import simpy
import xarray as xr

from emberline.scenarios import Case
from emberline.scenarios.datasets import Policy
from emberline.scenarios.line.tables import LineShop, shop
from emberline.twin.line.baseline import coupled, dispatch_heats, rank
from emberline.twin.line.first_come import Serving
from emberline.twin.line.line import LineHistory
from emberline.twin.line.operations import Operations
from emberline.twin.plant import Follower, LinePlant, Operation, expect_heats, failures, scattered
from emberline.twin.processes.observed import Observations
from emberline.twin.processes.plant import WorksFollower, WorksPlant, dispatch_works, expect_works
from emberline.twin.recorder import record, trajectory
from emberline.twin.run_variables import Violation, run_attrs
from emberline.twin.site.site import SiteGrid

Actuals = Mapping[tuple[str, str], Operation] | Observations


def plants(scenario: Case, schedule: xr.Dataset) -> Callable[..., LinePlant | WorksPlant]:
    """Factory of plants that begin their day with a schedule (table ``SCHEDULE``), called with seed and replication.

    Data shared by the plants is prepared once.
    """
    if scenario.processes:
        return partial(WorksPlant, WorksFollower(scenario, schedule))
    return partial(LinePlant, Follower(scenario, schedule))


def dispatch(
    scenario: Case,
    envelope: xr.Dataset | None = None,
    *,
    keeping: bool = False,
    like: xr.Dataset | None = None,
    over: Callable[[], bool] | None = None,
) -> xr.Dataset:
    """The baseline's schedule (table ``SCHEDULE``) of heats or processes; arguments as in ``dispatch_heats``.

    The attribute ``complete`` is 0 if not everything that is due is produced.
    """
    if scenario.processes:
        return dispatch_works(scenario)
    return dispatch_heats(scenario, envelope, keeping=keeping, like=like, over=over)


def simulate(scenario: Case, *, seed: int | None = None, replication: int = 0, disturbed: bool = False) -> xr.Dataset:
    """The baseline run, a dataset of table ``RUN``.

    If heats are coupled (by casts, longest waits, an import limit or locks), the twin follows the baseline schedule and
    shifts it right when operations are late. Otherwise heats are served first come, first served. For processes, the
    baseline decides in each step from their actual state.

    Args:
        scenario: the scenario.
        seed: random seed; None: the scenario's.
        replication: number of the independent repetition.
        disturbed: whether durations and energies scatter and units break down.
    """
    seed = scenario.disturbances.seed if seed is None else seed
    plant: LinePlant | WorksPlant
    if scenario.processes:
        plant = WorksPlant(WorksFollower(scenario, None), seed, replication, disturbed=disturbed)
    else:
        table = shop(scenario)
        if not coupled(table):
            return _serve(table, seed, replication, disturbed)
        follower = Follower(scenario, dispatch(scenario), policy=Policy.BASELINE, table=table)
        plant = LinePlant(follower, seed, replication, disturbed=disturbed)
    plant.run()
    return plant.dataset()


def replay(
    scenario: Case,
    schedule: xr.Dataset,
    *,
    seed: int | None = None,
    replication: int = 0,
    disturbed: bool = False,
) -> xr.Dataset:
    """Follow a schedule (table ``SCHEDULE``) and record the run, a dataset of table ``RUN``.

    Without disturbances, durations and energies are nominal and nothing starts earlier than scheduled. If an operation
    is late, everything after it shifts right. Every limit that is missed by more than 1e-6 min or MWh, or by more than
    1e-6 of the highest power, is recorded. Processes follow the schedule's modes and rates step by step, or the
    baseline's rule if the schedule is the baseline's (``emberline.twin.processes``).

    Raises:
        ValueError: the schedule names heats, stages, units or modes that are not in the scenario, or lacks units.
    """
    return next(replays(scenario, schedule, [replication], seed=seed, disturbed=disturbed))


def expect(scenario: Case, schedule: xr.Dataset, actuals: Actuals, now_min: float) -> xr.Dataset:
    """Expected run at a moment, a dataset of table ``RUN``.

    Args:
        scenario: scenario of the plant.
        schedule: the schedule that is followed (table ``SCHEDULE``).
        actuals: for a line, the operations that have begun, by heat and stage; for processes, the observations so far.
        now_min: the moment [min after the start]; other operations start no earlier.
    """
    if isinstance(actuals, Observations):
        return expect_works(scenario, schedule, actuals, now_min)
    return expect_heats(scenario, schedule, actuals, now_min)


def replays(
    scenario: Case,
    schedule: xr.Dataset,
    replications: Iterable[int],
    *,
    seed: int | None = None,
    disturbed: bool = True,
) -> Iterator[xr.Dataset]:
    """Replays of one schedule, one dataset per replication. Data shared by the replays is prepared once.

    Lines run in SimPy, with the same result as with the fast clock.
    """
    for plant in _days(scenario, schedule, replications, seed, disturbed=disturbed, in_simpy=not scenario.processes):
        yield plant.dataset()


def violations(
    scenario: Case, schedule: xr.Dataset, replications: Iterable[int], *, seed: int | None = None
) -> Iterator[list[Violation]]:
    """Violations in each disturbed replay of a schedule, as in :func:`replays`, in order of time.

    No datasets are built, which would take most of the time of a replay. For heats that are late or unfinished, the
    unit is the last one of the heat and the amount is the delay [min].
    """
    return (plant.violations() for plant in _days(scenario, schedule, replications, seed))


def _days(
    scenario: Case, schedule: xr.Dataset, replications: Iterable[int], seed: int | None, *, disturbed: bool = True,
    in_simpy: bool = False,
) -> Iterator[LinePlant | WorksPlant]:  # fmt: skip
    begin, seed = plants(scenario, schedule), scenario.disturbances.seed if seed is None else seed
    for replication in replications:
        clock = {"clock": simpy.Environment()} if in_simpy else {}
        plant = begin(seed, replication, disturbed=disturbed, **clock)
        plant.run()
        yield plant


def _serve(table: LineShop, seed: int, replication: int, disturbed: bool) -> xr.Dataset:
    """Run in which heats are served first come, first served."""
    n_heats = len(table.names)
    factor = scattered(table, seed, replication, disturbed)
    duration = (np.array(table.duration) * factor[..., 0].T).tolist()
    serving = Serving(table, rank(table), duration, failures(table, seed, replication, disturbed))
    serving.run()
    plan = []
    for h in range(n_heats):
        for k in table.route[h]:
            u, start, end = serving.rows[h, k]
            plan.append((h, k, u, start, end))
    operations = Operations(table, plan, [])
    place = {(h, k): i for i, (h, k) in enumerate(zip(operations.heat, operations.stage, strict=True))}
    history = LineHistory([row[3] for row in plan], [row[4] for row in plan])
    history.stops = {place[key]: spans for key, spans in serving.stops.items()}
    queued = np.array(
        [
            max(start - max(table.release[h], 0.0), 0.0) if before < 0 else 0.0
            for (h, _, _, start, _), before in zip(plan, operations.before, strict=True)
        ]
    )
    of = operations.arrays
    attrs = run_attrs(seed, replication, disturbed, Policy.BASELINE)
    assert not any(math.isnan(end) for end in history.end)
    ran = trajectory(operations, history, factor[of["unit"], of["heat"], 1], SiteGrid(table.scenario), None, disturbed)
    return record(ran, attrs, queued)
