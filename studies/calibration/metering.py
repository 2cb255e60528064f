"""Energies from a meter, if the log has none: least-squares fit of the energy of each grade on each unit.

The metered mean power is a base load plus the sum over heats of energy per tonne times tonnes, distributed over the
operation by the phases of the unit; energies are non-negative (Lawson, Hanson, "Solving Least Squares Problems", 1974,
chapter 23). Grades with few heats keep the scenario's energies. Intervals are bootstrapped over whole days, because the
deviation of one heat affects many metered intervals (Davison, Hinkley, "Bootstrap Methods and their Application", 1997,
section 8.2.3).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import linalg, optimize

from emberline.scenarios import Case, Scenario
from emberline.scenarios.line.tables import shop
from emberline.scenarios.loading.heat_log import HeatLog
from emberline.scenarios.loading.meter import Meter
from emberline.studies.calibration.fitting import FEWEST, Estimate
from emberline.twin.power import operations_trace

FEWEST_DAYS = 10
"""Minimum number of days for an interval."""
DRAWS = 400
FAINTEST = 1e-6
"""Minimum independent share of a regressor, below which it cannot be distinguished from the others."""
DAY_MIN = 1440.0


@dataclass(frozen=True)
class MeterFit:
    """Fit to the metered power; arrays have shape (n_intervals,)."""

    estimates: tuple[Estimate, ...]
    base_mw: float
    base_low: float | None
    base_high: float | None
    start_min: np.ndarray
    """Start of each interval used, after the log's origin."""
    metered_mw: np.ndarray
    fitted_mw: np.ndarray

    @property
    def residual_mw(self) -> float:
        """Root mean square of the residuals."""
        return float(np.sqrt(np.square(self.metered_mw - self.fitted_mw).mean()))

    @property
    def explained(self) -> float:
        """Share of the variance that is explained."""
        variance = float(self.metered_mw.var())
        return 1 - self.residual_mw**2 / variance if variance > 0 else 0.0

    def summary(self) -> dict[str, float | int | None]:
        """Figures as plain data."""
        names = ("base_mw", "base_low", "base_high", "residual_mw", "explained")
        return {"intervals": len(self.start_min), **{name: getattr(self, name) for name in names}}


def fit_meter(
    scenario: Case, log: HeatLog, rows: pd.DataFrame, meter: Meter, confidence: float, seed: int = 1
) -> MeterFit:
    """Fit energies and base load.

    Args:
        scenario: prior scenario.
        log: log of the heats; its energies are not used.
        rows: ``observations`` of the log.
        meter: meter of the line and its base load only.
        confidence: confidence level of the intervals.
        seed: random seed of the bootstrap.

    Raises:
        ValueError: meter and log overlap too little.
    """
    start = meter.after(log.origin)
    last = float(rows.loc[rows["end_min"].isna(), "start_min"].min()) if rows["end_min"].isna().any() else log.until_min
    used = (start >= 0) & (start + meter.interval_min <= last)
    start, metered = start[used], meter.power_mw[used]
    counts = Counter(zip(rows["unit"].tolist(), rows["grade"].tolist(), strict=True))
    groups = sorted(pair for pair, n in counts.items() if n >= FEWEST)
    if len(start) <= 2 * (len(groups) + 1):
        raise ValueError(f"has {len(start)} intervals within the log; more than {2 * (len(groups) + 1)} are needed")
    power = _Power(scenario, log, rows, start, meter.interval_min)
    columns = [np.ones(len(start)), *(power.of(unit, grade) for unit, grade in groups)]
    fixed_mw = power.reheating()
    for (unit, grade), n in counts.items():
        if n < FEWEST:
            fixed_mw += power.of(unit, grade) * _before(scenario, unit, grade)
    indices = _apart(np.column_stack(columns))
    for column in range(1, len(columns)):
        if column not in indices:
            fixed_mw += columns[column] * _before(scenario, *groups[column - 1])
    matrix = np.column_stack([columns[column] for column in indices])
    solution, _ = optimize.nnls(matrix, metered - fixed_mw)
    interval, error = _intervals(matrix, metered - fixed_mw, start, confidence, seed)
    estimates: list[Estimate] = []
    for column, (unit, grade) in enumerate(groups, start=1):
        n, before = counts[unit, grade], _before(scenario, unit, grade)
        at = indices.index(column) if column in indices else -1
        if at < 0 or solution[at] <= 0:
            text = "the meter cannot distinguish it"
            estimates.append(Estimate("energy", unit, grade, before, n, reason=text))
            continue
        log_error = 0.0 if error is None else float(error[at] / solution[at])
        figures = (float(solution[at]), *interval[at], log_error)
        estimates.append(Estimate("energy", unit, grade, before, n, *figures))
    fitted_mw = matrix @ solution + fixed_mw
    return MeterFit(tuple(estimates), float(solution[0]), *interval[0], start, metered, fitted_mw)


class _Power:
    """Mean power of heats over the metered intervals."""

    def __init__(
        self, scenario: Case, log: HeatLog, rows: pd.DataFrame, start: np.ndarray, interval_min: float
    ) -> None:
        self.scenario, self.table, self.start, self.interval_min = scenario, shop(scenario), start, interval_min
        self.rows = rows[rows["end_min"].notna()].reset_index(drop=True)
        self.stops = log.breakdowns[log.breakdowns["end_min"].notna()].to_dict("records")
        self.mass = {grade.name: grade.mass_t for grade in scenario.line.grades}

    def of(self, unit: str, grade: str) -> np.ndarray:
        """Power of all heats of a grade on a unit at 1 kWh/t [MW], shape (n_intervals,)."""
        heats = self.rows[(self.rows["unit"] == unit) & (self.rows["grade"] == grade)]
        return self._mean(heats, heats["mass_t"].fillna(self.mass[grade]).to_numpy() / 1000, np.zeros(len(heats)))

    def reheating(self) -> np.ndarray:
        """Power of reheating for the logged waits, by the scenario's heat loss [MW], shape (n_intervals,)."""
        heats = self.rows[self.rows["reheat_mwh"] > 0]
        return self._mean(heats, np.zeros(len(heats)), heats["reheat_mwh"].to_numpy())

    def _mean(self, heats: pd.DataFrame, energy_mwh: np.ndarray, extra_mwh: np.ndarray) -> np.ndarray:
        start, end = heats["start_min"].to_numpy(), heats["end_min"].to_numpy()
        unit = np.array([self.table.unit_index[name] for name in heats["unit"]], dtype=int)
        stops: dict[int, list[tuple[float, float]]] = {}
        for stop in self.stops:
            inside = (heats["unit"] == stop["unit"]).to_numpy() & (start < stop["start_min"]) & (end >= stop["end_min"])
            for i in np.flatnonzero(inside).tolist():
                stops.setdefault(i, []).append((stop["start_min"], stop["end_min"] - stop["start_min"]))
        trace = operations_trace(unit, start, end, energy_mwh, extra_mwh, self.table.profiles, stops)
        edges = np.append(self.start, self.start[-1] + self.interval_min)
        # before a gap of the meter, the mean would extend to the next time stamp, so it is limited to the interval
        gaps = np.flatnonzero(np.diff(edges) > self.interval_min + 1e-9)
        cut = np.insert(edges, gaps + 1, edges[gaps] + self.interval_min)
        keep = np.ones(len(cut) - 1, dtype=bool)
        keep[gaps + 1 + np.arange(len(gaps))] = False
        return trace.mean(cut)[keep]


def _before(scenario: Scenario, unit: str, grade: str) -> float:
    record = scenario.line.grade[grade]
    return scenario.line.energy_mwh(record, unit) * 1000 / record.mass_t


def _apart(matrix: np.ndarray) -> list[int]:
    """Indices of linearly independent columns, always including the base load."""
    scaled = matrix / np.linalg.norm(matrix, axis=0)
    rest = scaled - np.outer(scaled[:, 0], scaled[:, 0] @ scaled)
    _, triangle, order = linalg.qr(rest[:, 1:], mode="economic", pivoting=True)
    size = np.abs(np.diagonal(triangle))
    return [0, *sorted(int(column) + 1 for column, diagonal in zip(order, size, strict=False) if diagonal > FAINTEST)]


def _intervals(
    matrix: np.ndarray, target_mw: np.ndarray, start: np.ndarray, confidence: float, seed: int
) -> tuple[list[tuple[float | None, float | None]], np.ndarray | None]:
    """Interval of each column, and standard errors, by a bootstrap over days; None if there are too few days."""
    unknown: list[tuple[float | None, float | None]] = [(None, None)] * matrix.shape[1]
    day = (start // DAY_MIN).astype(int)
    days = np.unique(day)
    if len(days) < FEWEST_DAYS:
        return unknown, None
    squares = np.array([matrix[day == d].T @ matrix[day == d] for d in days])
    products = np.array([matrix[day == d].T @ target_mw[day == d] for d in days])
    generator = np.random.default_rng(seed)
    draws = []
    for _ in range(DRAWS):
        sample = generator.integers(0, len(days), len(days))
        try:
            root = np.linalg.cholesky(squares[sample].sum(axis=0))
        except np.linalg.LinAlgError:
            continue
        draws.append(optimize.nnls(root.T, linalg.solve_triangular(root, products[sample].sum(axis=0), lower=True))[0])
    if len(draws) < DRAWS // 2:
        return unknown, None
    ends = np.quantile(draws, [0.5 - confidence / 2, 0.5 + confidence / 2], axis=0)
    return list(zip(*ends.tolist(), strict=True)), np.std(draws, axis=0)
