"""Random numbers: one independent stream for each unit, purpose and replication.

Philox is keyed by the seed and the unit's name, its counter by purpose and replication, so that streams never overlap:
adding a unit changes nothing for the others, and the same heat on the same unit has the same luck under any policy.
Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from math import erfc, sqrt

import numpy as np

from scenarios.disturbances import Disturbances

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
    """How durations and energies of one unit scatter, as factors on their nominal values.

    Lognormal: median 1, standard deviation of the logarithm = spread. Exponential: durations have mean 1 whatever the
    spread; energies are lognormal all the same, because a heat melts with much the same energy however long it takes.
    """

    def __init__(self, disturbances: Disturbances, unit: str) -> None:
        own = next((spread for spread in disturbances.units if spread.unit == unit), None)
        general = disturbances
        self.duration = general.duration_spread if own is None or own.duration is None else own.duration
        self.energy = general.energy_spread if own is None or own.energy is None else own.energy
        distribution = None if own is None else own.distribution
        self.exponential = (distribution or general.distribution) == "exponential"

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


def factors(disturbances: Disturbances, unit: str, n_heats: int, seed: int, replication: int) -> np.ndarray:
    """Factors on the duration and the energy of each heat on a unit, shape (n_heats, 2)."""
    spread = Spread(disturbances, unit)
    if spread.none:
        return np.ones((n_heats, 2))
    normal = stream(seed, unit, replication, SPREAD).standard_normal((n_heats, 2))
    durations, energies = spread.durations(normal[:, 0]), spread.energies(normal[:, 1])
    if not spread.exponential:
        # a unit draws no more than its nominal power: a heat that needs more energy takes longer
        durations = np.maximum(durations, energies)
    return np.column_stack([durations, energies])


class Breakdowns:
    """Failures of one unit: working time until the next one and its repair, both exponential [min].

    Only working time counts towards the next failure: a unit that stands still does not fail.
    """

    def __init__(self, mtbf_min: float, mttr_min: float, generator: np.random.Generator) -> None:
        self._mean = mtbf_min, mttr_min
        self._generator = generator
        self._ahead: list[list[float]] = []
        self._left, self._repair = self._draw()

    @property
    def mean_repair(self) -> float:
        """Mean time to repair [min]."""
        return self._mean[1]

    @property
    def left(self) -> float:
        """Working time until it fails [min]."""
        return self._left

    def work(self, minutes: float) -> None:
        """Work for some time, at most until it fails."""
        self._left = max(self._left - minutes, 0.0)

    def fail(self) -> float:
        """Fail now.

        Returns:
            Time that the repair takes [min].
        """
        repair = self._repair
        self._left, self._repair = self._draw()
        return repair

    def _draw(self) -> tuple[float, float]:
        if not self._ahead:
            self._ahead = self._generator.standard_exponential((8, 2)).tolist()[::-1]
        working, repair = self._ahead.pop()
        return working * self._mean[0], repair * self._mean[1]

    def during(self, start: float, working: float) -> list[tuple[float, float]]:
        """Standstills while a unit works for ``working`` minutes from ``start`` on: when and how long [min]."""
        stops = []
        at = start
        while self._left < working:
            working -= self._left
            at += self._left
            stops.append((at, self._repair))
            at += self._repair
            self._left, self._repair = self._draw()
        self._left -= working
        return stops


def breakdowns(disturbances: Disturbances, seed: int, replication: int) -> dict[str, Breakdowns]:
    """The failures of each unit that can fail, by the unit's name."""
    return {
        item.unit: Breakdowns(item.mtbf_h * 60, item.mttr_min, stream(seed, item.unit, replication, BREAKDOWN))
        for item in disturbances.breakdowns
    }
