"""Normalised savings of a report period, with their interval.

    saving = Σ (predicted − actual)      variance = s² · (m + 1ᵀ X (Xᵀ X)⁻¹ Xᵀ 1)

with m rows of the report period. The interval holds for the saving itself: the scatter of the report period and the
uncertainty of the baseline's coefficients are both in it (forecast model of ISO 50047).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from emberline.reports.performance.baseline import EnergyBaseline

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Savings:
    """Savings in the unit of energy; negative: more was used."""

    saving: float
    low: float
    high: float
    predicted: float
    actual: float
    confidence: float

    @property
    def share(self) -> float:
        """Of what the baseline expects."""
        return self.saving / self.predicted

    @property
    def enpi(self) -> float:
        """Energy performance indicator: actual over expected; below 1 is better than the baseline."""
        return self.actual / self.predicted


def savings(baseline: EnergyBaseline, report: pd.DataFrame, confidence: float = CONFIDENCE) -> Savings:
    """Normalised savings.

    Args:
        baseline: what the energy should be.
        report: rows of energy and variables.
        confidence: of the interval.
    """
    from scipy import stats

    predicted, actual = float(baseline.predict(report).sum()), float(report[baseline.energy].sum())
    sd = float(np.sqrt(baseline.error_covariance(report).sum()))
    half = float(stats.t.ppf(0.5 + confidence / 2, baseline.freedom)) * sd
    saving = predicted - actual
    return Savings(saving, saving - half, saving + half, predicted, actual, confidence)
