"""Runs of the twin: following a schedule, following the baseline, or first come, first served."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np
import xarray as xr

from emberline.scenarios import Case, effort
from emberline.scenarios.columns import Columns
from emberline.scenarios.datasets import Policy, ViolationKind
from emberline.scenarios.line.tables import LineShop, careless, shop
from emberline.scenarios.records.disturbances import Recourse
from emberline.twin.line.baseline import coupled, dispatch_heats, rank
from emberline.twin.line.clock import Clock
from emberline.twin.line.first_come import Serving
from emberline.twin.line.line import LineHistory, ListReplay
from emberline.twin.line.load_management import LoadManagement
from emberline.twin.line.missed import late_min
from emberline.twin.line.operations import Operations, arrange, operations
from emberline.twin.processes.plant import WorksFollower
from emberline.twin.processes.run import dispatch_works
from emberline.twin.recorder import columns, course, record
from emberline.twin.run_variables import Violation, run_attrs
from emberline.twin.site.site import Setpoints, SiteGrid
from emberline.twin.streams import Breakdowns, breakdowns, factors

PER_RUN, PER_OPERATION, PER_ASSET = 1.5e-3, 1e-5, 5e-6
"""Work of following a list: in any case, for each operation, and for each asset and step."""


def dispatch(
    scenario: Case,
    envelope: xr.Dataset | None = None,
    *,
    keeping: bool = False,
    like: xr.Dataset | None = None,
    over: Callable[[], bool] | None = None,
) -> xr.Dataset:
    """The baseline's schedule (table ``SCHEDULE``), of heats or of processes; arguments as of ``dispatch_heats``.

    The attribute ``complete`` is 0 where not all that is due is made.
    """
    if scenario.processes:
        return dispatch_works(scenario)
    return dispatch_heats(scenario, envelope, keeping=keeping, like=like, over=over)


def simulate(scenario: Case, *, seed: int | None = None, replication: int = 0, disturbed: bool = False) -> xr.Dataset:
    """The baseline run, a dataset of table ``RUN``.

    Where heats are coupled (casts, longest waits, an import limit, locks) the twin follows the baseline schedule and
    shifts it right when reality is late; where nothing couples them, heats are served first come, first served. Over
    processes it decides step by step as they are.

    Args:
        scenario: what is asked.
        seed: of the random numbers; None: the scenario's.
        replication: which of the independent repetitions.
        disturbed: whether durations and energies scatter and units break down.
    """
    seed = scenario.disturbances.seed if seed is None else seed
    if scenario.processes:
        return WorksFollower(scenario, None).run(seed, replication, disturbed)
    table = shop(scenario)
    if coupled(table):
        follow = Follower(scenario, dispatch(scenario), policy=Policy.BASELINE, table=table)
        return follow.run(seed, replication, disturbed)
    return _serve(table, seed, replication, disturbed)


def replay(
    scenario: Case,
    schedule: xr.Dataset,
    *,
    seed: int | None = None,
    replication: int = 0,
    disturbed: bool = False,
) -> xr.Dataset:
    """Follow a schedule (table ``SCHEDULE``) and record what happens, a dataset of table ``RUN``.

    Undisturbed, durations and energies are nominal and nothing starts earlier than scheduled. Where reality is late
    everything after it shifts right; every limit that is missed by more than 1e-6 min or MWh, or 1e-6 of the highest
    power, is recorded.
    Processes get their modes and rates step by step, or by the baseline's rule where the schedule is its own
    (``emberline.twin.processes``).

    Raises:
        ValueError: the schedule names heats, stages, units or modes that the scenario has not, or lacks units.
    """
    seed = scenario.disturbances.seed if seed is None else seed
    if scenario.processes:
        return WorksFollower(scenario, schedule).run(seed, replication, disturbed)
    return Follower(scenario, schedule).run(seed, replication, disturbed, by_heat=not disturbed)


def replays(
    scenario: Case,
    schedule: xr.Dataset,
    replications: Iterable[int],
    *,
    seed: int | None = None,
    disturbed: bool = True,
) -> Iterator[xr.Dataset]:
    """Replays of one schedule, one dataset for each replication; what they share is prepared once."""
    seed = scenario.disturbances.seed if seed is None else seed
    follower = WorksFollower(scenario, schedule) if scenario.processes else Follower(scenario, schedule)
    for replication in replications:
        yield follower.run(seed, replication, disturbed)


def runs(
    scenario: Case, schedule: xr.Dataset, replications: Iterable[int], *, seed: int | None = None
) -> Iterator[Columns]:
    """The disturbed runs of :func:`replays` as plain arrays, for those who only add them up."""
    seed = scenario.disturbances.seed if seed is None else seed
    follower = WorksFollower(scenario, schedule) if scenario.processes else Follower(scenario, schedule)
    for replication in replications:
        yield follower.columns(seed, replication)


def misses(
    scenario: Case, schedule: xr.Dataset, replications: Iterable[int], *, seed: int | None = None
) -> Iterator[list[Violation]]:
    """Limits missed in each disturbed replay of a schedule, as :func:`replays` has them, in the order of their moments.

    Runs are not written out, which takes most of the time of a replay. Of heats that are late or not finished the last
    unit is named, and the amount is how late they are [min].
    """
    seed = scenario.disturbances.seed if seed is None else seed
    if scenario.processes:
        works = WorksFollower(scenario, schedule)
        for replication in replications:
            yield works.misses(seed, replication)
        return
    follower = Follower(scenario, schedule)
    for replication in replications:
        yield follower.misses(seed, replication)


class Follower:
    """A schedule made ready to be followed any number of times."""

    def __init__(
        self, scenario: Case, schedule: xr.Dataset, policy: Policy = Policy.SCHEDULE, table: LineShop | None = None
    ) -> None:
        self.scenario = scenario
        self.shop = shop(scenario) if table is None else table
        if schedule.attrs.get("policy") == Policy.BASELINE:
            self.shop = careless(self.shop)
        self.todo = operations(self.shop, schedule)
        self.grid = SiteGrid(scenario)
        self.policy = policy
        # the baseline's assets answer to the load as it is; a schedule's set-points are followed
        self.setpoints = None if policy == Policy.BASELINE else Setpoints.read(schedule)
        if self.setpoints is not None and schedule.attrs.get("policy") == Policy.BASELINE and self.grid.per_step > 1:
            # means over a step do not say what its battery does in each metered interval
            self.setpoints = replace(self.setpoints, by_rule=True)

    def run(self, seed: int, replication: int, disturbed: bool, by_heat: bool = False) -> xr.Dataset:
        """Follow the schedule once; a dataset of table ``RUN``, with ``heat_mwh`` where ``by_heat`` is asked for."""
        history, energy = follow(self.todo, seed, replication, disturbed, self.load_management(disturbed))
        attrs = run_attrs(seed, replication, disturbed, self.policy)
        return record(self.todo, history, energy, self.grid, self.setpoints, attrs, by_heat=by_heat)

    def columns(self, seed: int, replication: int) -> Columns:
        """One disturbed run as plain arrays."""
        history, energy = follow(self.todo, seed, replication, True, self.load_management(True), Clock())
        attrs = run_attrs(seed, replication, True, self.policy)
        return columns(self.todo, history, energy, self.grid, self.setpoints, attrs)

    def load_management(self, disturbed: bool) -> LoadManagement | None:
        """Load management of one run; None where there is none."""
        recourse = self.shop.scenario.recourse
        most_min, most_share = recourse.start_later_min, recourse.less_power_share
        if not disturbed or not (most_min or most_share) or math.isinf(self.grid.import_limit_mw):
            return None
        return LoadManagement(self.todo, self._room_mwh, self.grid.meter_min, most_min, most_share)

    @cached_property
    def _room_mwh(self) -> np.ndarray:
        """Energy that the import limit leaves to the line in each metered interval, the rest of the site as planned."""
        history, energy = follow(self.todo, 0, 0, False)
        ran = course(self.todo, history, energy, self.grid, self.setpoints, False)
        besides = np.asarray(ran.flows["meter_mw"]) - self.grid.metered(ran.load_mw)
        return np.asarray((self.grid.import_limit_mw - besides) * self.grid.meter_min / 60)

    def misses(self, seed: int, replication: int) -> list[Violation]:
        """Limits missed in one disturbed run, as of the function of this name."""
        history, energy = follow(self.todo, seed, replication, True, self.load_management(True), Clock())
        ran = course(self.todo, history, energy, self.grid, self.setpoints, True)
        rows = []
        for row in sorted(ran.violations, key=lambda row: row.at_min):
            if row.kind in (ViolationKind.DUE, ViolationKind.UNFINISHED):
                unit, late = late_min(self.todo, ran.end, row.heat)
                row = row._replace(unit=unit, amount=late, measure="min")
            rows.append(row)
        return rows


def follow(
    todo: Operations,
    seed: int,
    replication: int,
    disturbed: bool,
    load_management: LoadManagement | None = None,
    clock: Clock | None = None,
) -> tuple[LineHistory, np.ndarray]:
    """What happens to each operation when a list is followed, and the factor on its energy; the site left out.

    Without ``clock`` it runs in SimPy, with the same result.
    """
    scenario = todo.shop.scenario
    assets = len(scenario.site.assets) * scenario.horizon.n_steps
    effort.spend(PER_RUN + PER_OPERATION * len(todo.arrays["duration"]) + PER_ASSET * assets)
    duration, energy = _factors(todo, seed, replication, disturbed)
    failures = _failures(todo.shop, seed, replication, disturbed)
    recourse = scenario.recourse if disturbed else None
    if recourse == Recourse():  # no rule: nobody asks for one at each operation
        recourse = None
    return ListReplay(todo, duration, failures, recourse, load_management, clock).run(), energy


def _factors(todo: Operations, seed: int, replication: int, disturbed: bool) -> tuple[list[float], np.ndarray]:
    """Duration of each operation [min] and factor on its energy."""
    nominal = todo.arrays["duration"]
    if not disturbed:
        return nominal.tolist(), np.ones(len(nominal))
    shop = todo.shop
    of = todo.arrays
    factor_table = np.ones((len(shop.units), len(shop.names), 2))
    for u, name in enumerate(shop.units):
        if todo.sequence[u]:
            factor_table[u] = factors(shop.scenario.disturbances, name, len(shop.names), seed, replication)
    mine = factor_table[of["unit"], of["heat"]]
    return (nominal * mine[:, 0]).tolist(), mine[:, 1]


def _failures(table: LineShop, seed: int, replication: int, disturbed: bool) -> dict[int, Breakdowns]:
    if not disturbed:
        return {}
    by_name = breakdowns(table.scenario.disturbances, seed, replication)
    return {table.unit_index[name]: failing for name, failing in by_name.items()}


def _serve(table: LineShop, seed: int, replication: int, disturbed: bool) -> xr.Dataset:
    """First come, first served."""
    n_heats = len(table.names)
    duration = [list(row) for row in table.duration]
    energy = np.ones((n_heats, len(table.units)))
    if disturbed:
        for u, name in enumerate(table.units):
            factor_table = factors(table.scenario.disturbances, name, n_heats, seed, replication)
            energy[:, u] = factor_table[:, 1]
            for row, factor in zip(duration, factor_table[:, 0].tolist(), strict=True):
                row[u] *= factor
    serving = Serving(table, rank(table), duration, _failures(table, seed, replication, disturbed))
    serving.run()
    plan = []
    for h in range(n_heats):
        for k in table.route[h]:
            u, start, end = serving.rows[h, k]
            plan.append((h, k, u, start, end))
    todo = arrange(table, plan, [])
    place = {(h, k): i for i, (h, k) in enumerate(zip(todo.heat, todo.stage, strict=True))}
    history = LineHistory([row[3] for row in plan], [row[4] for row in plan])
    history.stops = {place[key]: halts for key, halts in serving.stops.items()}
    queued = np.array(
        [
            max(start - max(table.release[h], 0.0), 0.0) if before < 0 else 0.0
            for (h, _, _, start, _), before in zip(plan, todo.before, strict=True)
        ]
    )
    of = todo.arrays
    factor = energy[of["heat"], of["unit"]]
    attrs = run_attrs(seed, replication, disturbed, Policy.BASELINE)
    assert not any(math.isnan(end) for end in history.end)
    return record(todo, history, factor, SiteGrid(table.scenario), None, attrs, queued)
