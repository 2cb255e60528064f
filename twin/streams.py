"""Durations, energies and breakdowns of one replication, drawn from the streams of ``scenarios.line.scatter``."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from emberline.scenarios.line.scatter import BREAKDOWN, SPREAD, Spread, stream
from emberline.scenarios.records.disturbances import Disturbances


def factors(disturbances: Disturbances, unit: str, n_heats: int, seed: int, replication: int) -> np.ndarray:
    """Factors on the duration and the energy of each heat on a unit, shape (n_heats, 2)."""
    spread = Spread(disturbances, unit)
    return np.ones((n_heats, 2)) if spread.none else _draw(spread, unit, n_heats, seed, replication)


@lru_cache(maxsize=256)
def _draw(spread: Spread, unit: str, n_heats: int, seed: int, replication: int) -> np.ndarray:
    """Factors drawn once and shared by all runs with the same disturbances: plan, draft, baseline."""
    normal = stream(seed, unit, replication, SPREAD).standard_normal((n_heats, 2))
    durations, energies = spread.durations(normal[:, 0]), spread.energies(normal[:, 1])
    if not spread.exponential:
        # a unit draws at most its nominal power: a heat that needs more energy takes longer
        durations = np.maximum(durations, energies)
    table = np.column_stack([durations, energies])
    table.setflags(write=False)
    return table


class Breakdowns:
    """Failures of one unit: working time until the next one and its repair, both exponential [min].

    Only working time counts towards the next failure: an idle unit does not fail.
    """

    def __init__(self, mtbf_min: float, mttr_min: float, generator: np.random.Generator) -> None:
        self._mean_working, self.mean_repair = mtbf_min, mttr_min
        self._generator = generator
        self._ahead: list[list[float]] = []
        self.until_failure_min, self._repair = self._draw()
        """Working time until the next failure [min]."""

    def work(self, minutes: float) -> None:
        """Count working time, at most until the next failure."""
        self.until_failure_min = max(self.until_failure_min - minutes, 0.0)

    def fail(self) -> float:
        """Fail now.

        Returns:
            Duration of the repair [min].
        """
        repair = self._repair
        self.until_failure_min, self._repair = self._draw()
        return repair

    def _draw(self) -> tuple[float, float]:
        if not self._ahead:
            self._ahead = self._generator.standard_exponential((8, 2)).tolist()[::-1]
        working, repair = self._ahead.pop()
        return working * self._mean_working, repair * self.mean_repair

    def during(self, start: float, working: float) -> list[tuple[float, float]]:
        """Standstills while a unit works for ``working`` minutes from ``start`` on: start and duration of each
        [min]."""
        stops = []
        at = start
        while self.until_failure_min < working:
            working -= self.until_failure_min
            at += self.until_failure_min
            stops.append((at, self._repair))
            at += self._repair
            self.until_failure_min, self._repair = self._draw()
        self.until_failure_min -= working
        return stops


def breakdowns(disturbances: Disturbances, seed: int, replication: int) -> dict[str, Breakdowns]:
    """Failures of each unit that can fail, by the unit's name."""
    return {
        item.unit: Breakdowns(item.mtbf_h * 60, item.mttr_min, stream(seed, item.unit, replication, BREAKDOWN))
        for item in disturbances.breakdowns
    }
