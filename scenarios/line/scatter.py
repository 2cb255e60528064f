"""Random durations and energies of units, planning durations, and random streams by unit, purpose and replication.

The Philox key consists of the seed and the unit's name, and its counter of purpose and replication, so that streams
never overlap: adding a unit does not affect the others, and a heat on a unit has the same random numbers under any
policy.
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
"""Purposes of random streams."""


@cache
def _key(unit: str) -> int:
    return int.from_bytes(blake2b(unit.encode(), digest_size=8).digest(), "big")


def stream(seed: int, unit: str, replication: int, purpose: int) -> np.random.Generator:
    """Return the generator of a unit, purpose and replication; it is the same on every machine and in every process."""
    key = np.array([seed, _key(unit)], dtype=np.uint64)
    counter = np.array([0, 0, purpose, replication], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


class Spread:
    """Random factors on the nominal durations and energies of a unit.

    Lognormal: median 1 and standard deviation of the logarithm = spread. Exponential: durations have mean 1 independent
    of the spread. Energies are always lognormal, because the energy for melting hardly depends on the duration.
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
        """Whether there is no randomness."""
        return not (self.exponential or self.duration or self.energy)

    def durations(self, normal: np.ndarray) -> np.ndarray:
        """Compute factors on durations from standard normal numbers of the same shape."""
        if self.exponential:
            return -np.log(np.maximum(_upper_tail(normal), 1e-300))
        return np.exp(self.duration * normal)

    def energies(self, normal: np.ndarray) -> np.ndarray:
        """Compute factors on energies from standard normal numbers of the same shape."""
        return np.exp(self.energy * normal)


def _upper_tail(normal: np.ndarray) -> np.ndarray:
    """Return the probability that a standard normal number is greater."""
    return np.array([0.5 * erfc(z * sqrt(0.5)) for z in normal.ravel().tolist()]).reshape(normal.shape)


SAMPLES = 8192
"""Number of samples per unit to estimate a quantile; its error is about 1 % of the spread."""


def planned_min(disturbances: Disturbances, unit: str, minutes: float, quantile: float) -> float:
    """Return the duration assumed in a plan [min]: a quantile, rounded to whole minutes above the nominal duration.

    At the median, breakdowns shift the quantile by seconds, which would cost each heat a whole step on the time grid.
    """
    longer = quantile_min(disturbances, unit, minutes, quantile) - minutes
    # round half a minute down
    return minutes + max(0, math.ceil(longer - 0.5))


def quantile_min(disturbances: Disturbances, unit: str, minutes: float, quantile: float) -> float:
    """Compute a quantile of the duration of an operation of nominally ``minutes`` on a unit [min].

    The quantile has a closed form without breakdowns and is estimated from samples otherwise: working time is random,
    the number of failures in it is Poisson-distributed, and repair times are exponentially distributed.
    """
    spread = Spread(disturbances, unit)
    failing = next((item for item in disturbances.breakdowns if item.unit == unit), None)
    if failing is None:
        normal = NormalDist().inv_cdf(quantile)
        # in both distributions, durations increase with the normal number
        return minutes * float(spread.durations(np.array([normal]))[0])
    generator = stream(disturbances.seed, unit, 0, PLANNING)
    working = minutes * spread.durations(generator.standard_normal(SAMPLES))
    failures = generator.poisson(working / (failing.mtbf_h * 60))
    repair = generator.standard_gamma(np.maximum(failures, 1)) * (failures > 0) * failing.mttr_min
    return float(np.quantile(working + repair, quantile))
