"""A deviation of energy split by cause, with what the twin says should have been used.

The baseline knows tonnes. The twin knows more: run with the heats that were made, when they were made, it says what
their grades, the idle hours and the waits had to cost. What it does not explain is drift, or a fault where a single
period stands out::

    actual − expected = mix + idling + waiting + drift + fault

    mix      twin's energy of the operations, less the reference's per tonne
    idling   twin's energy between works, less the reference's per period
    waiting  twin's energy of reheating after waits, less the reference's per tonne
    fault    of a period whose unexplained share lies far from the median of its neighbours
    drift    all else that is unexplained
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

NEIGHBOURS = 7
"""Periods whose median says what is usual."""
OUTLIER_SD = 5.0
"""Robust standard deviations from that median that make a fault."""
MAD_TO_SD = 1.4826
CAUSES = ("mix", "idling", "waiting", "drift", "fault")


@dataclass(frozen=True)
class TwinUse:
    """What the twin says that a period uses [MWh]."""

    tonnes: float
    works_mwh: float
    """Operations, reheating left out."""
    idling_mwh: float
    waiting_mwh: float

    @property
    def total_mwh(self) -> float:
        """All of it."""
        return self.works_mwh + self.idling_mwh + self.waiting_mwh

    @classmethod
    def of(cls, run: xr.Dataset, tonnes: float, step_h: float) -> TwinUse:
        """The use of a run.

        Args:
            run: table ``RUN``, of the heats as they were made.
            tonnes: what it makes.
            step_h: length of its steps.
        """
        waiting = float(run["op_extra_mwh"].sum())
        idling = float(run["idle_mw"].sum()) * step_h if "idle_mw" in run else 0.0
        return cls(tonnes, float(run["op_energy_mwh"].sum()) - waiting, idling, waiting)


@dataclass(frozen=True)
class Split:
    """A deviation by cause [MWh]."""

    expected_mwh: float
    actual_mwh: float
    by_cause: dict[str, float]
    by_period: dict[str, np.ndarray]
    """The same by period, shape (n_periods,) each."""

    @property
    def deviation_mwh(self) -> float:
        """Actual less expected; the causes add up to it."""
        return self.actual_mwh - self.expected_mwh

    def share(self, cause: str) -> float:
        """Share of a cause in the deviation."""
        return self.by_cause[cause] / self.deviation_mwh


def split(actual_mwh: Sequence[float], use: Sequence[TwinUse], reference: Sequence[TwinUse]) -> Split:
    """Split the deviation of report periods by cause.

    Args:
        actual_mwh: energy used in each report period.
        use: what the twin says of the same periods.
        reference: what the twin says of the baseline's periods, of the same length.

    Raises:
        ValueError: numbers of periods differ, or the reference made nothing.
    """
    if len(actual_mwh) != len(use):
        raise ValueError(f"{len(actual_mwh)} periods of energy, {len(use)} of the twin")
    reference_t = sum(part.tonnes for part in reference)
    if not reference_t > 0:
        raise ValueError("the reference periods made nothing")
    works_rate = sum(part.works_mwh for part in reference) / reference_t
    waiting_rate = sum(part.waiting_mwh for part in reference) / reference_t
    idling = sum(part.idling_mwh for part in reference) / len(reference)
    tonnes = np.array([part.tonnes for part in use])
    unexplained = np.array(actual_mwh) - np.array([part.total_mwh for part in use])
    fault = _faults(unexplained, np.array([part.total_mwh for part in use]))
    by_period = {
        "mix": np.array([part.works_mwh for part in use]) - works_rate * tonnes,
        "idling": np.array([part.idling_mwh for part in use]) - idling,
        "waiting": np.array([part.waiting_mwh for part in use]) - waiting_rate * tonnes,
        "drift": unexplained - fault,
        "fault": fault,
    }
    expected = float(((works_rate + waiting_rate) * tonnes + idling).sum())
    by_cause = {cause: float(values.sum()) for cause, values in by_period.items()}
    return Split(expected, float(np.sum(actual_mwh)), by_cause, by_period)


def _faults(unexplained: np.ndarray, total: np.ndarray) -> np.ndarray:
    """The part of single periods that stand out from their neighbours [MWh], shape (n_periods,)."""
    ratio = np.divide(unexplained, total, out=np.zeros_like(unexplained), where=total > 0)
    n, half = len(ratio), NEIGHBOURS // 2
    usual = np.array([np.median(ratio[max(0, i - half) : i + half + 1]) for i in range(n)])
    away = ratio - usual
    spread = MAD_TO_SD * float(np.median(np.abs(away - np.median(away)))) if n else 0.0
    stands_out = np.abs(away) > max(OUTLIER_SD * spread, 1e-9)
    return np.where(stands_out & (n >= NEIGHBOURS), away * total, 0.0)
