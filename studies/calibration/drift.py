"""Drift of a unit: control charts of exponentially weighted residuals of its durations and energies over time.

A residual is the normal quantile of an observation's probability under the law fitted to the first part of the log. The
chart is z_i = w r_i + (1 - w) z_(i-1) divided by its own standard deviation, the root of w / (2 - w) (1 - (1 - w)^2i):
Roberts, "Control chart tests based on geometric moving averages", Technometrics 1 (1959); Lucas, Saccucci,
"Exponentially weighted moving average control schemes", Technometrics 32 (1990). Its limit is simulated instead of
taken from tables: a log of the same length and grades without drift, with locations and spread estimated from the first
part, exceeds it with the stated probability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from scipy.special import ndtri

from emberline.scenarios.loading.heat_log import HeatLog
from emberline.studies.calibration.fitting import UnitFit, energies_of, sample_of
from emberline.studies.calibration.goodness import places_of
from emberline.studies.calibration.likelihood import Fit, Sample

__all__ = ["FALSE_ALARM", "FEWEST_BEFORE"]

WEIGHT = 0.2
FALSE_ALARM = 0.01
"""Probability that the chart of a unit without drift ever exceeds its limit."""
FEWEST_BEFORE = 30
"""Minimum number of observations in the first part for a chart; with fewer, false alarms are too frequent."""
DRAWS = 2000
LARGEST_RESIDUAL = 6.0


@dataclass(frozen=True)
class Chart:
    """Control chart; arrays have shape (n,)."""

    unit: str
    what: str
    """``durations`` or ``energies``."""
    start_min: np.ndarray
    """Start of each operation, after the log's origin."""
    residual: np.ndarray
    """Residual of each observation: the individuals chart."""
    ewma: np.ndarray
    """Weighted mean, in its own standard deviations."""
    limit: float
    first: int
    """Index of the first observation beyond the limit; -1: none."""
    change: float
    """Mean of the observations from there on relative to that of the first part, minus 1."""

    @property
    def drifts(self) -> bool:
        """Whether the limit is exceeded."""
        return self.first >= 0

    def as_dict(self, log: HeatLog) -> dict[str, object]:
        """Plain data for JSON."""
        start = [log.instant(at).isoformat(timespec="seconds") for at in self.start_min.tolist()]
        first, change = (start[self.first], self.change) if self.drifts else (None, None)
        head = {"unit": self.unit, "what": self.what, "limit": self.limit, "first_beyond": first, "change": change}
        return {**head, "start": start, "residual": self.residual.tolist(), "ewma": self.ewma.tolist()}


def charts(reference: UnitFit, whole: UnitFit, seed: int = 1) -> list[Chart]:
    """Compute the charts of one unit.

    Args:
        reference: fit of the first part of the log.
        whole: fit of the whole log; observations are charted if their grade is part of the reference.
        seed: seed of the random numbers for the limit and for censored residuals.
    """
    generator = np.random.default_rng(seed)
    unit_charts = []
    rows = whole.rows

    def chart(
        what: str, chart_rows: pd.DataFrame, residual: np.ndarray, group: np.ndarray, first: int, rest: np.ndarray
    ) -> None:
        ewma, most, values = weighted(residual), limit(group, first, generator), np.exp(rest)
        beyond = np.flatnonzero(np.abs(ewma) > most)
        at = int(beyond[0]) if len(beyond) else -1
        change = float(values[at:].mean() / values[:first].mean() - 1) if at >= 0 else 0.0
        start = chart_rows["start_min"].to_numpy()
        unit_charts.append(Chart(whole.unit, what, start, residual, ewma, most, at, change))

    if reference.durations is not None and reference.sample is not None and reference.durations.n >= FEWEST_BEFORE:
        sample_rows = rows[rows["grade"].isin(reference.grades)]
        sample = sample_of(rows, reference.grades)
        residual = residuals(reference.durations, sample, generator)
        rest = sample.y - reference.durations.place[sample.group]
        chart("durations", sample_rows, residual, sample.group, len(reference.sample.y), rest)
    if reference.energies is not None and int(reference.energies.counts.sum()) >= FEWEST_BEFORE:
        energies = reference.energies
        sample_rows = rows[rows["grade"].isin(energies.grades) & rows["kwh_per_t"].notna()]
        y, group = energies_of(rows, energies.grades)
        rest = y - energies.place[group]
        residual = np.clip(rest / energies.spread, -LARGEST_RESIDUAL, LARGEST_RESIDUAL)
        chart("energies", sample_rows, residual, group, int(energies.counts.sum()), rest)
    return unit_charts


def residuals(law: Fit, sample: Sample, generator: np.random.Generator) -> np.ndarray:
    """Randomized quantile residuals, standard normal if the law holds, shape (n,)."""
    places = np.clip(places_of(law, sample, generator), 1e-300, 1 - 1e-16)
    return np.clip(ndtri(places), -LARGEST_RESIDUAL, LARGEST_RESIDUAL)


def weighted(residual: np.ndarray) -> np.ndarray:
    """Exponentially weighted means in their own standard deviations, along the last axis."""
    n = residual.shape[-1]
    mean = lfilter([WEIGHT], [1, WEIGHT - 1], residual, axis=-1)
    growing = 1 - (1 - WEIGHT) ** (2 * np.arange(1, n + 1))
    return mean / np.sqrt(WEIGHT / (2 - WEIGHT) * growing)


def limit(group: np.ndarray, first: int, generator: np.random.Generator) -> float:
    """Compute the limit of the chart by simulation.

    Args:
        group: grade of each observation, shape (n,).
        first: number of observations used by the fit.
        generator: random number generator.
    """
    normal = generator.standard_normal((DRAWS, len(group)))
    member = np.eye(int(group.max()) + 1)[group]
    reference = member[:first]
    counts = np.maximum(reference.sum(axis=0), 1)
    rest = normal - (normal[:, :first] @ reference / counts)[:, group]
    freedom = max(first - int((reference.sum(axis=0) > 0).sum()), 1)
    spread = np.sqrt(np.square(rest[:, :first]).sum(axis=1, keepdims=True) / freedom)
    highest = np.abs(weighted(rest / spread)).max(axis=1)
    return float(np.quantile(highest, 1 - FALSE_ALARM))
