"""The laws that the twin draws durations from, as densities of the logarithm of duration by nominal duration.

A unit draws no more than its nominal power, so a heat that needs more energy takes longer (``scenarios.line.scatter``):

    x = max(a z1, b z2)    with z1, z2 standard normal, a the spread of durations and b that of energies,
    F(x) = N(x / a) N(x / b),    f(x) = n(x / a) / a N(x / b) + N(x / a) n(x / b) / b

with n and N density and distribution of the standard normal. The exponential law has mean 1 whatever the energies are:
F(x) = 1 - exp(-exp(x)), the smallest-value law of Gumbel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import log_ndtr

HALF_LOG_2PI = 0.5 * float(np.log(2 * np.pi))


class Family(Protocol):
    """A law of x; ``shape`` is the logarithm of its spread, where it has one. Shapes of the arrays broadcast."""

    @property
    def name(self) -> str:
        """As a scenario names it."""
        ...

    @property
    def shapes(self) -> int:
        """How many shape parameters are fitted: 0 or 1."""
        ...

    def log_density(self, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """Logarithm of the density."""
        ...

    def log_below(self, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """Logarithm of the probability of x or less."""
        ...

    def log_above(self, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """Logarithm of the probability of more than x."""
        ...

    def draw(self, generator: np.random.Generator, size: int, shape: float) -> np.ndarray:
        """Random numbers of the law, shape (size,)."""
        ...


@dataclass(frozen=True)
class Capped:
    """Lognormal durations that energies can lengthen.

    ``energy_spread`` is b; None: the same as a, where nothing is known of energies.
    """

    energy_spread: float | None = None
    name: str = "lognormal"
    shapes: int = 1

    def _spreads(self, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a = np.exp(shape)
        return a, a if self.energy_spread is None else np.full_like(a, self.energy_spread)

    def log_density(self, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """See :class:`Family`."""
        a, b = self._spreads(shape)
        u, v = x / a, x / b
        by_duration = -0.5 * u * u - np.log(a) + log_ndtr(v)
        by_energy = -0.5 * v * v - np.log(b) + log_ndtr(u)
        return np.logaddexp(by_duration, by_energy) - HALF_LOG_2PI

    def log_below(self, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """See :class:`Family`."""
        a, b = self._spreads(shape)
        return log_ndtr(x / a) + log_ndtr(x / b)

    def log_above(self, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """See :class:`Family`."""
        return _log_of_rest(self.log_below(x, shape))

    def draw(self, generator: np.random.Generator, size: int, shape: float) -> np.ndarray:
        """See :class:`Family`."""
        a, b = self._spreads(np.array(shape))
        normal = generator.standard_normal((2, size))
        return np.maximum(float(a) * normal[0], float(b) * normal[1])


@dataclass(frozen=True)
class Exponential:
    """Exponential durations."""

    name: str = "exponential"
    shapes: int = 0

    def log_density(self, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """See :class:`Family`."""
        return x - np.exp(x)

    def log_below(self, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """See :class:`Family`."""
        return _log_of_rest(-np.exp(x))

    def log_above(self, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """See :class:`Family`."""
        return -np.exp(x)

    def draw(self, generator: np.random.Generator, size: int, shape: float) -> np.ndarray:
        """See :class:`Family`."""
        return np.log(generator.standard_exponential(size))


def _log_of_rest(log_part: np.ndarray) -> np.ndarray:
    """log(1 - p) from log(p)."""
    return np.log(np.maximum(-np.expm1(log_part), 1e-300))
