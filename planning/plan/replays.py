"""The record of disturbed replays: what comes of schedule and baseline under the same disturbances."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios.messages import Message, mark
from emberline.scenarios.metrics import FIGURES

QUANTILES = (0.1, 0.5, 0.9)
MAX_IN_PERCENT = 100
"""Days of which a whole percent tells the share."""
CONFIDENCE = 0.95
"""Of intervals."""
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
COUNTS = ("peak_mw", "late_heats", "missed_deliveries", "violations")
COLUMNS = (*FIGURES, *COUNTS[:-1])
"""Of disturbed replays; what a run of an earlier release lacks is left out."""


PARTS = ("demand_cost", "grid_average_kg", "grid_marginal_kg")
"""Parts of the figures, of disturbed replays; what a run of an earlier release lacks is left out."""


@dataclass(frozen=True)
class Replays:
    """Disturbed replays of schedule and baseline with the same disturbances, dimension ``replication``."""

    n: int
    successes: int
    """Replays without any violation."""
    data: xr.Dataset
    """``carbon_kg``, ``cost``, ``peak_mw``, ``violations``, ``late_heats``, ``missed_deliveries`` and the baseline's
    ``baseline_…``; where there are stores ``more_carbon_kg`` and ``more_cost``: by how much the schedule's stocks and
    deliveries are worth more than the baseline's."""

    @property
    def less_often(self) -> bool:
        """Whether the plan held less often than the baseline, and not by chance."""
        return less_often(self.data)

    def quantiles(self) -> dict[str, dict[str, float]]:
        """P10, P50 and P90 of each figure, and of what is saved against the baseline with the same disturbances."""
        if not self.n:
            return {}
        return quantiles(self.data, COLUMNS)

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"n": self.n, "held": self.successes, "quantiles": self.quantiles()}


def interval(successes: int, n: int) -> tuple[float, float]:
    """Interval of the chance to hold, Wilson's, at 95 %.

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22.
    """
    z, share = Z, successes / n
    middle, shrink = share + z * z / (2 * n), 1 + z * z / n
    half = z * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    return max(min((middle - half) / shrink, share), 0.0), min(max((middle + half) / shrink, share), 1.0)


def held_more(data: xr.Dataset) -> tuple[float, float, float] | None:
    """Share of the disturbed days on which the plan held less that of the baseline on the same days, with its 95 %
    interval; None: the baseline was not followed.

    Args:
        data: by replication, ``violations`` and ``baseline_violations``.

    Source: Agresti and Min (2005), "Simple improved confidence intervals for comparing matched proportions",
    Statistics in Medicine 24: half a day is added to each of the four outcomes of a pair.
    """
    if "violations" not in data or "baseline_violations" not in data or not data.sizes["replication"]:
        return None
    plan, baseline = (data[name].to_numpy() == 0 for name in ("violations", "baseline_violations"))
    n, gained, lost = len(plan), int((plan & ~baseline).sum()), int((~plan & baseline).sum())
    middle = (gained - lost) / (n + 2)
    half = Z * math.sqrt(gained + lost + 1 - (gained - lost) ** 2 / (n + 2)) / (n + 2)
    return (gained - lost) / n, middle - half, middle + half


def less_often(data: xr.Dataset) -> bool:
    """Whether the whole interval of :func:`held_more` lies below zero."""
    difference = held_more(data)
    return difference is not None and difference[2] < 0


def in_words(count: int, length_min: float) -> Message:
    """A number of disturbed replays: days or weeks, where that is how long they are."""
    for days, text in ((1, mark("{count} disturbed days")), (7, mark("{count} disturbed weeks"))):
        if abs(length_min - 1440 * days) <= 60:  # clocks may change within it
            return Message(text, count=count)
    return Message("{count} disturbed replays", count=count)


def of_days(share: float | None, n: int = MAX_IN_PERCENT) -> Message:
    """A share of ``n`` disturbed days in percent, rounded down: 399 of 400 are not all, and a level that is missed is
    not reached. Of more than a hundred with a tenth, so that shares that differ look different."""
    digits = 0 if n <= MAX_IN_PERCENT else 1
    scale = 10**digits
    value = math.floor(100 * scale * (share or 0.0) + 1e-9) / scale
    return Message(f"{{value:,.{digits}f}} %", value=value)


def quantiles(data: xr.Dataset, names: Iterable[str]) -> dict[str, dict[str, float]]:
    """P10, P50 and P90 over disturbed replays of some figures, where they are known, and of what each metric saves.

    Args:
        data: by replication; the baseline's figures as ``baseline_…``.
        names: of the figures.
    """
    table = {name: data[name].to_numpy() for name in names if name in data}
    table |= {f"saved_{name}": saved(data, name) for name in FIGURES if f"baseline_{name}" in data}
    return {
        name: {f"p{round(q * 100)}": float(np.quantile(values, q)) for q in QUANTILES} for name, values in table.items()
    }


def saved(data: xr.Dataset, name: str) -> np.ndarray:
    """Saving of a metric in each disturbed replay, stock credited, shape (n_replications,).

    Args:
        data: as of :func:`quantiles`.
        name: the field of the figures that holds the metric.
    """
    more = data[f"more_{name}"].to_numpy() if f"more_{name}" in data else 0.0
    return np.asarray(data[f"baseline_{name}"].to_numpy() - data[name].to_numpy() + more)
