"""Planning durations: what a plan reckons with for an operation that scatters and breaks down."""

from __future__ import annotations

import math

import numpy as np

from emberline.scenarios.line.scatter import PLANNING, Spread, stream
from emberline.scenarios.records.disturbances import Disturbances

SAMPLES = 8192
"""Operations drawn of each unit to find a quantile; its error is about 1 % of the spread."""


def planned_min(disturbances: Disturbances, unit: str, minutes: float, quantile: float) -> float:
    """Duration that a plan reckons with [min]: a quantile, in whole minutes above the nominal duration, never below it.

    (At the median a breakdown shifts the quantile by seconds; on a raster those would cost a whole step of every heat.)
    """
    longer = quantile_min(disturbances, unit, minutes, quantile) - minutes
    # half a minute down: what is left of 0.5 counts as nothing
    return minutes + max(0, math.ceil(longer - 0.5))


def quantile_min(disturbances: Disturbances, unit: str, minutes: float, quantile: float) -> float:
    """Quantile of the time that an operation of nominally ``minutes`` takes on a unit [min].

    Without breakdowns in closed form, with them from drawn operations: working time scatters, the number of failures in
    it is Poisson, repairs are exponential.
    """
    spread = Spread(disturbances, unit)
    failing = next((item for item in disturbances.breakdowns if item.unit == unit), None)
    if failing is None:
        from statistics import NormalDist

        normal = NormalDist().inv_cdf(quantile)
        # a greater normal number is a longer duration in either distribution
        return minutes * float(spread.durations(np.array([normal]))[0])
    generator = stream(disturbances.seed, unit, 0, PLANNING)
    working = minutes * spread.durations(generator.standard_normal(SAMPLES))
    failures = generator.poisson(working / (failing.mtbf_h * 60))
    repair = generator.standard_gamma(np.maximum(failures, 1)) * (failures > 0) * failing.mttr_min
    return float(np.quantile(working + repair, quantile))
