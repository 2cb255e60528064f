"""Scatter of units, the durations to plan with, and random numbers: a stream for each unit, purpose and replication.

Philox is keyed by the seed and the unit's name, its counter by purpose and replication, so that streams never overlap:
adding a unit changes nothing for the others, and the same heat on the same unit scatters alike under any policy.
Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import math
from functools import cache
from hashlib import blake2b
from math import erfc, sqrt
from statistics import NormalDist

import numpy as np

from emberline.scenarios.records.disturbances import Disturbances

SPREAD, BREAKDOWN, PLANNING, DEMAND = 1, 2, 3, 4
"""Purposes that a stream is drawn for."""


@cache
def _key(unit: str) -> int:
    return int.from_bytes(blake2b(unit.encode(), digest_size=8).digest(), "big")


def stream(seed: int, unit: str, replication: int, purpose: int) -> np.random.Generator:
    """The generator of one unit, purpose and replication; the same on every machine and in every process."""
    key = np.array([seed, _key(unit)], dtype=np.uint64)
    counter = np.array([0, 0, purpose, replication], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


class Spread:
    """Scatter of one unit's durations and energies, as factors on their nominal values.

    Lognormal: median 1, standard deviation of the logarithm = spread. Exponential: durations have mean 1 whatever the
    spread; energies are lognormal all the same, because a heat melts with much the same energy however long it takes.
    """

    def __init__(self, disturbances: Disturbances, unit: str) -> None:
        special = next((spread for spread in disturbances.units if spread.unit == unit), None)
        general = disturbances
        self.duration = general.duration_spread if special is None or special.duration is None else special.duration
        self.energy = general.energy_spread if special is None or special.energy is None else special.energy
        distribution = None if special is None else special.distribution
        self.exponential = (distribution or general.distribution) == "exponential"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spread) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    @property
    def none(self) -> bool:
        """Whether nothing scatters."""
        return not (self.exponential or self.duration or self.energy)

    def durations(self, normal: np.ndarray) -> np.ndarray:
        """Factors on durations from standard normal numbers, same shape."""
        if self.exponential:
            return -np.log(np.maximum(_upper_tail(normal), 1e-300))
        return np.exp(self.duration * normal)

    def energies(self, normal: np.ndarray) -> np.ndarray:
        """Factors on energies from standard normal numbers, same shape."""
        return np.exp(self.energy * normal)


def _upper_tail(normal: np.ndarray) -> np.ndarray:
    """Probability that a standard normal number is greater."""
    return np.array([0.5 * erfc(z * sqrt(0.5)) for z in normal.ravel().tolist()]).reshape(normal.shape)


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
        normal = NormalDist().inv_cdf(quantile)
        # a greater normal number is a longer duration in either distribution
        return minutes * float(spread.durations(np.array([normal]))[0])
    generator = stream(disturbances.seed, unit, 0, PLANNING)
    working = minutes * spread.durations(generator.standard_normal(SAMPLES))
    failures = generator.poisson(working / (failing.mtbf_h * 60))
    repair = generator.standard_gamma(np.maximum(failures, 1)) * (failures > 0) * failing.mttr_min
    return float(np.quantile(working + repair, quantile))
