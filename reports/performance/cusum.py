"""CUSUM of energy against its baseline, with an alarm at a given false-alarm rate.

    CUSUM[t] = Σ (predicted − actual)           S[t] = max(0, S[t−1] + error[t] / sd[t] − k)

The curve is for people: it falls while more energy is used than expected. The alarm detects higher use than expected by
the tabular CUSUM (Page 1954) of the errors, each divided by its standard deviation, which includes that of the
baseline's coefficients. Its threshold is a quantile of the maximum of S over periods without change, whose errors are
sampled from their joint distribution under the baseline (multivariate t) with fixed random numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from emberline.reports.performance.baseline import EnergyBaseline

FALSE_ALARMS = 0.03
"""Share of unchanged report periods with a false alarm."""
REFERENCE_SD = 1.0
"""k: half the change to be detected fastest, in standard deviations of one row."""
DRAWS, SEED = 10_000, 20_060


@dataclass(frozen=True)
class Alarm:
    """Alarm for higher energy use than the baseline expects."""

    at: Any
    """Row at which the alarm is raised."""
    since: Any
    """Row since which the sum has been positive."""


@dataclass(frozen=True)
class Cusum:
    """CUSUM of a report period."""

    curve: pd.Series
    """Σ (predicted − actual), in the unit of energy."""
    more: pd.Series
    """S, in standard deviations."""
    threshold: float
    false_alarms: float
    """Share of unchanged periods of this length with a false alarm."""

    @property
    def alarm(self) -> Alarm | None:
        """First alarm; None if there is none."""
        above = np.flatnonzero(self.more.to_numpy() > self.threshold)
        if not len(above):
            return None
        zeros = np.flatnonzero(self.more.to_numpy()[: above[0]] == 0)
        since = int(zeros[-1]) + 1 if len(zeros) else 0
        return Alarm(self.more.index[above[0]], self.more.index[since])


def cusum(baseline: EnergyBaseline, report: pd.DataFrame) -> Cusum:
    """Compute the CUSUM of a report period.

    Args:
        baseline: fitted baseline.
        report: rows with energy and variables.
    """
    errors = (report[baseline.energy] - baseline.predict(report)).to_numpy(float)
    covariance = baseline.error_covariance(report)
    sd = np.sqrt(np.diag(covariance))
    more = _sums((errors / sd)[None, :])
    threshold = _threshold(covariance, baseline.freedom)
    index = report.index
    return Cusum(pd.Series(np.cumsum(-errors), index=index), pd.Series(more[0], index=index), threshold, FALSE_ALARMS)


def _sums(ratios: np.ndarray) -> np.ndarray:
    """Return the tabular CUSUM of each path, shape (n_paths, n_rows)."""
    sums, level = np.zeros_like(ratios), np.zeros(len(ratios))
    for t in range(ratios.shape[1]):
        level = np.maximum(0.0, level + ratios[:, t] - REFERENCE_SD)
        sums[:, t] = level
    return sums


def _threshold(covariance: np.ndarray, freedom: int) -> float:
    """Return the quantile of the maximum sum over unchanged periods."""
    rng = np.random.default_rng(SEED)
    sd = np.sqrt(np.diag(covariance))
    root = np.linalg.cholesky(covariance / np.outer(sd, sd))
    highest = []
    draws = max(DRAWS // max(1, len(sd) // 60), 2000)
    for part in np.array_split(np.arange(draws), max(1, draws * len(sd) // 1_000_000)):
        normal = rng.standard_normal((len(part), len(sd))) @ root.T
        scale = np.sqrt(rng.chisquare(freedom, len(part)) / freedom)
        highest.append(_sums(normal / scale[:, None]).max(axis=1))
    return float(np.quantile(np.concatenate(highest), 1 - FALSE_ALARMS))
