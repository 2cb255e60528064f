"""Fit of one unit: durations and energies of its grades, its breakdowns and repairs.

Breakdowns are counted by working time, as in the twin (``twin.streams.Breakdowns``). With n failures in working time T,
including the time since the last one, the maximum-likelihood estimate is T / n. Its interval follows from the Poisson
count, and that of repairs from the gamma distribution of their sum. Source: Meeker, Escobar, Pascual, "Statistical
Methods for Reliability Data", 2nd ed., Wiley 2022, sections 7.5 and 7.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from emberline.scenarios import Scenario
from emberline.scenarios.line.scatter import Spread
from emberline.scenarios.loading.heat_log import HeatLog
from emberline.scenarios.plain import Plain
from emberline.studies.calibration.likelihood import EXACT, Capped, Exponential, Family, Fit, Sample, fit

FEWEST = 10
"""Minimum number of observations of a unit and grade; with fewer, the scenario's value is kept."""
FEWEST_BREAKDOWNS = 5
"""Minimum number of breakdowns of a unit; with fewer, the scenario's values are kept."""
UNITS = {"duration": "min", "duration_spread": "1", "energy": "kWh/t", "energy_spread": "1", "mtbf": "h", "mttr": "min"}
"""Kinds of figures with their unit of measure."""


@dataclass(frozen=True)
class Estimate(Plain):
    """Figure of the disturbance model or of a grade on a unit."""

    also, named = ("unit_of_measure",), {"log_error": ""}
    kind: str
    """One of ``UNITS``."""
    unit: str
    grade: str
    """Grade; empty if the figure applies to all grades."""
    before: float | None
    """The scenario's value; None: it has none."""
    n: int
    """Number of observations."""
    value: float | None = None
    """Fitted value; None: the scenario's is kept."""
    low: float | None = None
    high: float | None = None
    log_error: float = 0.0
    """Standard error of the logarithm."""
    reason: str = ""
    """Reason why the scenario's value is kept."""

    @property
    def fitted(self) -> bool:
        """Whether the value is fitted to the log."""
        return self.value is not None

    @property
    def unit_of_measure(self) -> str:
        """Unit of measure of the figure."""
        return UNITS[self.kind]


WIDEST = 1.0
"""Maximum spread in a scenario."""
FINEST = 1e-4
"""Minimum spread of energies; smaller values count as equal."""


@dataclass(frozen=True)
class Energies:
    """Lognormal energies of a unit: one median per grade, and a common spread; arrays have shape (n_grades,)."""

    grades: tuple[str, ...]
    place: np.ndarray
    """Logarithm of the median [kWh/t]."""
    spread: float
    counts: np.ndarray

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the spread."""
        return int(self.counts.sum()) - len(self.grades)


@dataclass(frozen=True)
class UnitFit:
    """Fit of one unit to the log."""

    unit: str
    rows: pd.DataFrame
    """Observations of the unit in the log's order."""
    grades: tuple[str, ...]
    """Grades whose durations are fitted."""
    sample: Sample | None
    durations: Fit | None
    alternative: Fit | None
    """Law with the poorer fit."""
    energies: Energies | None
    tied: bool
    """Whether the spread of energies is assumed equal to that of durations, for lack of data."""
    estimates: tuple[Estimate, ...]


def fit_unit(scenario: Scenario, log: HeatLog, rows: pd.DataFrame, unit: str, confidence: float) -> UnitFit:
    """Fit one unit.

    Args:
        scenario: prior scenario.
        log: heat log.
        rows: ``observations`` of the log.
        unit: name of the unit.
        confidence: confidence level of the intervals.
    """
    unit_rows = rows[rows["unit"] == unit].reset_index(drop=True)
    before = Spread(scenario.disturbances, unit)
    energies = fit_energies(unit_rows)
    spread = (before.energy or None) if energies is None else energies.spread
    durations, alternative, sample, grades, failed = _fit_durations(unit_rows, spread)
    tied = spread is None and durations is not None and isinstance(durations.family, Capped)
    figures = _Estimates(scenario, unit_rows, unit, confidence)
    estimates = [*figures.durations(durations, grades, failed), *figures.energies(energies), *figures.breakdowns(log)]
    return UnitFit(unit, unit_rows, grades, sample, durations, alternative, energies, tied, tuple(estimates))


def fit_energies(unit_rows: pd.DataFrame) -> Energies | None:
    """Fit the energies of one unit in closed form; None if no grade has enough observations."""
    rows = unit_rows[unit_rows["kwh_per_t"].notna()]
    counts = rows["grade"].value_counts()
    grades = tuple(sorted(str(name) for name, n in counts.items() if n >= FEWEST))
    if not grades:
        return None
    y, group = energies_of(rows, grades)
    n = np.bincount(group)
    place = np.bincount(group, weights=y) / n
    spread = float(np.sqrt(np.square(y - place[group]).sum() / (len(y) - len(grades))))
    return Energies(grades, place, max(spread, FINEST), n)


def energies_of(unit_rows: pd.DataFrame, grades: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the energies of some grades of one unit, and the index of the grade of each."""
    rows = unit_rows[unit_rows["grade"].isin(grades) & unit_rows["kwh_per_t"].notna()]
    return np.log(rows["kwh_per_t"].to_numpy()), np.searchsorted(grades, rows["grade"].to_numpy(dtype=str))


def sample_of(unit_rows: pd.DataFrame, grades: tuple[str, ...]) -> Sample:
    """Durations of some grades of one unit as a sample of their logarithms."""
    used = unit_rows[unit_rows["grade"].isin(grades)]
    with np.errstate(divide="ignore"):
        floor = np.log(used["pace_min"].to_numpy())
    y = np.maximum(np.log(used["working_min"].to_numpy()), np.where(used["censoring"] == EXACT, -np.inf, floor))
    group = np.searchsorted(grades, used["grade"].to_numpy(dtype=str))
    return Sample(y, group, used["censoring"].to_numpy(), floor)


def _fit_durations(
    unit_rows: pd.DataFrame, energy_spread: float | None
) -> tuple[Fit | None, Fit | None, Sample | None, tuple[str, ...], str]:
    """Fit both laws; return the better one by Akaike's criterion, the other, sample, grades, and the reason if none
    fits."""
    counts = unit_rows["grade"].value_counts()
    exact = unit_rows[unit_rows["censoring"] == EXACT]["grade"].value_counts()
    grades = tuple(sorted(str(name) for name, n in counts.items() if n >= FEWEST and exact.get(name, 0) >= 2))
    if not grades:
        return None, None, None, (), ""
    sample = sample_of(unit_rows, grades)
    families: tuple[Family, ...] = (Capped(energy_spread), Exponential())
    fits, failed = [], ""
    for family in families:
        try:
            fits.append(fit(family, sample))
        except ValueError as error:
            failed = failed or str(error)
    fits.sort(key=lambda candidate: candidate.aic)
    if not fits or (isinstance(fits[0].family, Capped) and np.exp(fits[0].shape) > WIDEST):
        return None, None, None, (), failed or f"their spread exceeds the maximum of a scenario ({WIDEST:g})"
    return fits[0], fits[1] if len(fits) > 1 else None, sample, grades, ""


def _thin(n: int, least: int = FEWEST) -> str:
    return f"{n} of {least} observations"


@dataclass(frozen=True)
class _Estimates:
    """Figures of one unit, each with the scenario's value."""

    scenario: Scenario
    rows: pd.DataFrame
    unit: str
    confidence: float

    def durations(self, law: Fit | None, grades: tuple[str, ...], failed: str) -> Iterator[Estimate]:
        line, counts = self.scenario.line, self.rows["grade"].value_counts()
        for grade in line.grades:
            nominal = line.duration_min(grade, self.unit)
            if nominal is None:
                continue
            n = int(counts.get(grade.name, 0))
            if law is None or grade.name not in grades:
                few = "too few that were not limited by a caster's pace" if n >= FEWEST else _thin(n)
                yield Estimate("duration", self.unit, grade.name, nominal, n, reason=failed or few)
                continue
            g = grades.index(grade.name)
            fitted = float(law.place[g]), float(law.place_error[g]), law.reach(self.confidence)
            yield _logarithmic("duration", self.unit, grade.name, nominal, n, *fitted)
        before, n = Spread(self.scenario.disturbances, self.unit).duration, int(counts.sum())
        if law is None or not law.family.shapes:
            reason = "exponential: no spread" if law is not None else failed or "no grade has enough observations"
            yield Estimate("duration_spread", self.unit, "", before, n, reason=reason)
        else:
            fitted = law.shape, law.shape_error, law.reach(self.confidence)
            yield _logarithmic("duration_spread", self.unit, "", before, n, *fitted)

    def energies(self, energies: Energies | None) -> Iterator[Estimate]:
        line = self.scenario.line
        counts = self.rows[self.rows["kwh_per_t"].notna()]["grade"].value_counts()
        for grade in line.grades:
            if line.duration_min(grade, self.unit) is None:
                continue
            before = line.energy_mwh(grade, self.unit) * 1000 / grade.mass_t
            n = int(counts.get(grade.name, 0))
            if energies is None or grade.name not in energies.grades:
                yield Estimate("energy", self.unit, grade.name, before, n, reason=_thin(n))
                continue
            place = float(energies.place[energies.grades.index(grade.name)])
            reach = float(stats.t.ppf(0.5 + self.confidence / 2, energies.freedom))
            error = energies.spread / float(np.sqrt(n))
            yield _logarithmic("energy", self.unit, grade.name, before, n, place, error, reach)
        name, spread, n = "energy_spread", Spread(self.scenario.disturbances, self.unit).energy, int(counts.sum())
        if energies is None:
            yield Estimate(name, self.unit, "", spread, n, reason="no grade has enough observations")
            return
        tails = stats.chi2.ppf([0.5 + self.confidence / 2, 0.5 - self.confidence / 2], energies.freedom)
        low, high = energies.spread * np.sqrt(energies.freedom / tails)
        error = 1 / float(np.sqrt(2 * energies.freedom))
        yield Estimate(name, self.unit, "", spread, n, energies.spread, float(low), float(high), log_error=error)

    def breakdowns(self, log: HeatLog) -> Iterator[Estimate]:
        breakdown = next((item for item in self.scenario.disturbances.breakdowns if item.unit == self.unit), None)
        mtbf, mttr = (None, None) if breakdown is None else (breakdown.mtbf_h, breakdown.mttr_min)
        if not log.tells_breakdowns:
            for kind, before in (("mtbf", mtbf), ("mttr", mttr)):
                yield Estimate(kind, self.unit, "", before, 0, reason="the log contains no breakdowns")
            return
        stops = log.breakdowns[log.breakdowns["unit"] == self.unit]
        n, working_h = len(stops), float(self.rows["working_min"].sum()) / 60
        ends = [0.5 + self.confidence / 2, 0.5 - self.confidence / 2]
        if n < FEWEST_BREAKDOWNS or working_h <= 0:
            thin, at_least = _thin(n, FEWEST_BREAKDOWNS), working_h / float(stats.gamma.ppf(ends[0], n + 1))
            text = f"{thin} in {working_h:.0f} h of work: at least {at_least:.0f} h"
            yield Estimate("mtbf", self.unit, "", mtbf, n, reason=text)
            yield Estimate("mttr", self.unit, "", mttr, n, reason=thin)
            return
        low, high = (
            working_h / float(stats.gamma.ppf(end, count)) for end, count in zip(ends, (n + 1, n), strict=True)
        )
        yield Estimate("mtbf", self.unit, "", mtbf, n, working_h / n, low, high, log_error=1 / float(np.sqrt(n)))
        down = float((stops["end_min"].fillna(log.until_min) - stops["start_min"]).sum())
        count = int(stops["end_min"].notna().sum())
        if count < FEWEST_BREAKDOWNS:
            yield Estimate("mttr", self.unit, "", mttr, count, reason=_thin(count, FEWEST_BREAKDOWNS))
            return
        low, high = (float(end) for end in down / stats.gamma.ppf(ends, count))
        yield Estimate("mttr", self.unit, "", mttr, count, down / count, low, high, log_error=1 / float(np.sqrt(count)))


def _logarithmic(
    kind: str, unit: str, grade: str, before: float | None, n: int, place: float, error: float, reach: float
) -> Estimate:
    """Return a figure whose logarithm was fitted."""
    low, high = np.exp([place - reach * error, place + reach * error])
    return Estimate(kind, unit, grade, before, n, float(np.exp(place)), float(low), float(high), log_error=error)
