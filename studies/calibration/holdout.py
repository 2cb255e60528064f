"""Hold-out check: whether the twin, fitted to the first part of a log, reproduces the rest of it.

The heats of the rest are simulated in the twin on the units and in the sequence of the log, with other disturbances in
each replication and with figures drawn from the uncertainty of the fit (a predictive check: Gelman, Meng, Stern,
Statistica Sinica 6, 1996). The log must not deviate from the replications more than they deviate from each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from emberline.scenarios import Case, Scenario
from emberline.scenarios.line.tables import shop
from emberline.scenarios.loading.heat_log import HeatLog
from emberline.scenarios.plain import Plain
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.orders import HeatEntry, Order
from emberline.scenarios.records.state import State
from emberline.studies.calibration.fitting import Estimate, UnitFit
from emberline.studies.calibration.observations import ONE_CAST_MIN, observations
from emberline.studies.calibration.overlay import applied, overlay
from emberline.twin.line.operations import Operations, planned_durations
from emberline.twin.plant import follow
from emberline.twin.recorder import reheating, waits

REPLICATIONS = 199
ERROR = 0.05
"""Probability that a correct twin fails any of the checks."""
FEWEST_HEATS = 5


@dataclass(frozen=True)
class Check(Plain):
    """Comparison of one quantity."""

    what: str
    unit_of_measure: str
    n: int
    logged: float
    """Mean of the log."""
    twin: float
    """Mean of the twin's replications."""
    low: float
    high: float
    """``low`` to ``high`` contains the means of 95 % of the replications."""
    p_value: float | None
    """Share of replications that deviate from the others at least as much as the log; None: not tested."""


@dataclass(frozen=True)
class HoldOut(Plain):
    """Result of the hold-out check."""

    also, named = ("passed",), {"from_min": ""}
    from_min: float
    """Start of the held-out part, after the log's origin."""
    heats: int
    checks: tuple[Check, ...]
    planned: bool
    """Whether the log contains planned times; otherwise the twin starts heats as soon as possible, and only durations
    are tested."""
    reason: str = ""
    """Reason why nothing was compared."""

    @property
    def passed(self) -> bool | None:
        """Whether every check holds (Bonferroni); None: nothing was compared."""
        tested = [check.p_value for check in self.checks if check.p_value is not None]
        return min(tested) > ERROR / len(tested) if tested else None


def hold_out(
    scenario: Case,
    log: HeatLog,
    fits: Sequence[UnitFit],
    from_min: float,
    *,
    replications: int = REPLICATIONS,
    seed: int = 1,
) -> HoldOut:
    """Compare the twin with the heats that began after ``from_min``.

    Args:
        scenario: scenario before the fit.
        log: whole log.
        fits: fits of the part before ``from_min``.
        from_min: beginning of the held-out part.
        replications: number of replications of the twin.
        seed: seed of their random numbers.
    """
    rest = log.part(from_min, np.inf)
    rows = rest.heats
    over = rows.groupby("heat")["end_min"].transform(lambda ends: ends.notna().all())
    rows = rows[over.to_numpy(dtype=bool)].reset_index(drop=True) if len(rows) else rows
    heats = rows["heat"].nunique()
    if heats < FEWEST_HEATS:
        return HoldOut(from_min, heats, (), False, f"{heats} of {FEWEST_HEATS} heats in the last part of the log")
    planned = bool(rows["planned_start_min"].notna().all() and rows["planned_end_min"].notna().all())
    rows = _by_heat(scenario, rows)
    logged = _logged(scenario, replace(rest, heats=rows))
    generator = np.random.default_rng(seed)
    estimates = [item for fit in fits for item in fit.estimates]
    log_scenario = _log_scenario(scenario, rows, from_min)
    courses = []
    for replication in range(replications):
        variant = applied(log_scenario, overlay(log_scenario, fits, _sample(estimates, generator)))
        operations = _operations(variant, rows, from_min)
        courses.append(_replay_course(operations, seed, replication))
    checks = _checks(scenario, rows, logged, courses)
    if not planned:
        # waits depend on an unknown plan, so they are reported but do not test the fit
        checks = [check if check.what == "all durations" else replace(check, p_value=None) for check in checks]
    return HoldOut(from_min, heats, tuple(checks), planned)


def _by_heat(scenario: Scenario, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows heat by heat in the order of the route, with the number of the heat and of its cast or order."""
    rows = rows.copy()
    order = rows["order"].where(rows["order"] != "", rows["heat"])
    casting = scenario.line.campaign_stage
    if casting is not None and (rows["order"] == "").any():
        # without order names, heats that follow each other on a caster without a gap form a cast
        for _, group in rows[rows["unit"].isin([unit.name for unit in casting.units])].groupby("unit"):
            gap = group["start_min"].to_numpy()[1:] - group["end_min"].to_numpy()[:-1]
            cast = np.concatenate([[0], np.cumsum(gap > ONE_CAST_MIN)])
            first = dict(zip(cast[::-1], group["heat"].to_numpy()[::-1], strict=True))
            names = dict(zip(group["heat"], (first[number] for number in cast), strict=True))
            order = rows["heat"].map(names).fillna(order)
    rows["cast"] = pd.factorize(order)[0]
    rows = rows.sort_values(["cast", "start_min"], kind="stable")
    rows["number"] = pd.factorize(rows["heat"])[0]
    return rows.sort_values(["number", "stage"], kind="stable").reset_index(drop=True)


def _sample(estimates: Sequence[Estimate], generator: np.random.Generator) -> list[Estimate]:
    return [
        item if item.value is None else replace(item, value=item.value * float(np.exp(item.log_error * normal)))
        for item, normal in zip(estimates, generator.standard_normal(len(estimates)), strict=True)
    ]


def _log_scenario(scenario: Case, rows: pd.DataFrame, from_min: float) -> Case:
    """Return the scenario with the logged heats as its orders, on a sufficiently long horizon."""
    orders = []
    for cast, group in rows.drop_duplicates("number").groupby("cast", sort=False):
        entries = tuple(HeatEntry(grade=row["grade"], name=f"h{row['number']}") for row in group.to_dict("records"))
        orders.append(Order(name=f"o{cast}", heats=entries))
    length_h = float(np.ceil((rows["end_min"].max() - from_min) / 60 + 24))
    horizon = Horizon(start=scenario.horizon.start_utc, length_h=length_h, step_min=60)
    nouns = {"orders": tuple(orders), "locks": (), "state": State(), "horizon": horizon}
    return scenario.model_copy(update=nouns)


def _operations(scenario: Case, rows: pd.DataFrame, from_min: float) -> Operations:
    """Logged heats as a list that the twin follows; times after ``from_min``."""
    table = shop(scenario)
    place = {int(name[1:]): h for h, name in enumerate(table.names)}
    planned = planned_durations(table)
    plan: list[tuple[int, int, int, float, float]] = []
    before = (-1, 0.0, 0)
    names = ("number", "stage", "unit", "start_min", "planned_start_min", "planned_end_min")
    for number, stage, unit, began, start, end in zip(*(rows[name].tolist() for name in names), strict=True):
        h, u = place[number], table.unit_index[unit]
        if np.isfinite(start) and np.isfinite(end):
            start, end = start - from_min, end - from_min
        else:
            start = began - from_min
            if before[0] == h:  # at the earliest time after transfer
                start = min(start, before[1] + table.lag[h][before[2]][u].least)
            end = start + float(planned[h][u])
        before = (h, end, u)
        plan.append((h, stage, u, start, end))
    return Operations(table, _in_sequence(plan, rows), [])


def _in_sequence(
    plan: list[tuple[int, int, int, float, float]], rows: pd.DataFrame
) -> list[tuple[int, int, int, float, float]]:
    """Return the list with starts that keep the logged sequence on each unit."""
    latest: dict[int, float] = {}
    entries = list(plan)
    for i in np.argsort(rows["start_min"].to_numpy(), kind="stable").tolist():
        h, k, u, start, end = plan[i]
        begin = max(start, latest.get(u, -np.inf) + 1e-6)
        latest[u] = begin
        entries[i] = h, k, u, begin, begin + end - start
    return entries


@dataclass(frozen=True)
class _Course:
    """Course of events, logged or simulated, with one entry per row of the log (energies: per heat)."""

    duration: np.ndarray
    waited: np.ndarray
    energy: np.ndarray
    per_day: float


def _replay_course(operations: Operations, seed: int, replication: int) -> _Course:
    trajectory, factor = follow(operations, seed, replication, True)
    start, end = np.array(trajectory.start), np.array(trajectory.end)
    energy = operations.arrays["energy"] * factor + reheating(operations, start, end)
    of_heats = np.bincount(operations.arrays["heat"], weights=energy)
    return _Course(end - start, waits(operations, start, end), of_heats, _per_day(start, end, len(of_heats)))


def _logged(scenario: Case, log: HeatLog) -> _Course:
    rows = log.heats
    logged_waits = observations(scenario, log).set_index(["heat", "stage"])["waited_min"]
    waited = logged_waits.reindex(pd.MultiIndex.from_frame(rows[["heat", "stage"]])).to_numpy()
    start, end = rows["start_min"].to_numpy(), rows["end_min"].to_numpy()
    energy = rows.groupby("number")["energy_mwh"].sum(skipna=False).to_numpy()
    return _Course(end - start, waited, energy, _per_day(start, end, len(energy)))


def _per_day(start: np.ndarray, end: np.ndarray, heats: int) -> float:
    return float(heats / (np.nanmax(end) - np.nanmin(start)) * 1440)


def _checks(scenario: Scenario, rows: pd.DataFrame, logged: _Course, courses: list[_Course]) -> list[Check]:
    units, stages = rows["unit"].to_numpy(), rows["stage"].to_numpy()
    checks: list[Check] = []
    of_units = [(f"duration on {name}", units == name) for name in dict.fromkeys(units)]
    checks += _compared(
        "durations", "min", of_units, logged.duration, np.array([course.duration for course in courses])
    )
    wait_mask = ~np.isnan(logged.waited)
    of_stages = [
        (f"wait before {stage.name}", (stages == k) & wait_mask)
        for k, stage in enumerate(scenario.line.stages)
        if k and ((stages == k) & wait_mask).any()
    ]
    if of_stages:
        checks += _compared("waits", "min", of_stages, logged.waited, np.array([course.waited for course in courses]))
    energy_mask = ~np.isnan(logged.energy)
    if energy_mask.any():
        energy = np.array([course.energy for course in courses])
        checks += _compared("energies", "MWh", [("energy of a heat", energy_mask)], logged.energy, energy)
    per_day = np.array([course.per_day for course in courses])
    tail = min((per_day >= logged.per_day).sum(), (per_day <= logged.per_day).sum())
    p = min(2 * (1 + int(tail)) / (1 + len(per_day)), 1.0)
    return [*checks, _check("throughput", "heats/day", len(logged.energy), logged.per_day, per_day, p)]


def _check(what: str, unit: str, n: int, logged: float, means: np.ndarray, p_value: float | None = None) -> Check:
    """Compare a mean of the log with those of the replications."""
    low, high = np.quantile(means, [0.025, 0.975])
    return Check(what, unit, n, logged, float(means.mean()), float(low), float(high), p_value)


def _compared(
    what: str, unit: str, parts: list[tuple[str, np.ndarray]], logged: np.ndarray, draws: np.ndarray
) -> list[Check]:
    """Compare the means of each part, and test all parts by the largest Kolmogorov-Smirnov distance times root n."""
    checks = []
    of_log, of_twin = 0.0, np.zeros(len(draws))
    for name, mask in parts:
        pool = np.sort(draws[:, mask].ravel())
        n = int(mask.sum())
        of_log = max(of_log, np.sqrt(n) * _distance(logged[mask], pool))
        of_twin = np.maximum(of_twin, [np.sqrt(n) * _distance(row[mask], pool) for row in draws])
        checks.append(_check(name, unit, n, float(logged[mask].mean()), draws[:, mask].mean(axis=1)))
    p = (1 + int((of_twin >= of_log).sum())) / (1 + len(draws))
    if what == "energies":
        return [replace(checks[0], p_value=p)]
    n = sum(check.n for check in checks)
    every = np.any([mask for _, mask in parts], axis=0)
    return [*checks, _check(f"all {what}", unit, n, float(logged[every].mean()), draws[:, every].mean(axis=1), p)]


def _distance(sample: np.ndarray, pool: np.ndarray) -> float:
    """Largest distance between the distributions of a sample and of a sorted pool."""
    values = np.unique(sample)
    here = np.sort(sample)
    above, below = (np.searchsorted(here, values, side) / len(here) for side in ("right", "left"))
    pool_above, pool_below = (np.searchsorted(pool, values, side) / len(pool) for side in ("right", "left"))
    return float(max(np.abs(above - pool_above).max(), np.abs(below - pool_below).max()))
