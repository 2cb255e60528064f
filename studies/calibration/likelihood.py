"""Maximum-likelihood fit of a law with a separate location for each group and a common shape.

Observations may be exact, at most a value (a caster that kept the plan's pace would have been faster), or at least a
value (still running at the end of the log). Intervals use the observed information and Student's t. As for normal
observations, spread and standard errors are corrected for the fitted locations by sqrt(n / (n - groups)), where n is
the number of exact observations. Source: Meeker, Hahn, Escobar, "Statistical Intervals", 2nd ed., Wiley 2017, chapter
14.

``scipy.stats.CensoredData`` fits one law to one sample, without groups that share a shape. ``lifelines`` supports such
groups, but not the law of the twin; it needs pandas 2, matplotlib and autograd.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats
from scipy.special import log_ndtr

HALF_LOG_2PI = 0.5 * float(np.log(2 * np.pi))


@dataclass(frozen=True)
class Capped:
    """Lognormal durations that energies can lengthen, as densities of the logarithm of actual over nominal duration.

    A unit draws at most its nominal power, so a heat that needs more energy takes longer (``scenarios.line.scatter``):

        x = max(a z1, b z2)    with z1, z2 standard normal, a the spread of durations and b that of energies,
        F(x) = N(x / a) N(x / b),    f(x) = n(x / a) / a N(x / b) + N(x / a) n(x / b) / b

    where n and N are the density and distribution of the standard normal. ``energy_spread`` is b; None: equal to a, for
    lack of data on energies. ``shapes`` is the number of fitted shape parameters, 0 or 1; ``shape`` is the logarithm of
    the spread. Array shapes broadcast.
    """

    energy_spread: float | None = None
    name: str = "lognormal"
    shapes: int = 1

    def _spreads(self, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a = np.exp(shape)
        return a, a if self.energy_spread is None else np.full_like(a, self.energy_spread)

    def log_density(self, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """Logarithm of the density."""
        a, b = self._spreads(shape)
        u, v = x / a, x / b
        by_duration = -0.5 * u * u - np.log(a) + log_ndtr(v)
        by_energy = -0.5 * v * v - np.log(b) + log_ndtr(u)
        return np.logaddexp(by_duration, by_energy) - HALF_LOG_2PI

    def log_below(self, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """Logarithm of the probability of x or less."""
        a, b = self._spreads(shape)
        return log_ndtr(x / a) + log_ndtr(x / b)

    def log_above(self, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """Logarithm of the probability of more than x."""
        return _log_of_rest(self.log_below(x, shape))

    def draw(self, generator: np.random.Generator, size: int, shape: float) -> np.ndarray:
        """Draw random numbers, shape (size,)."""
        a, b = self._spreads(np.array(shape))
        normal = generator.standard_normal((2, size))
        return np.maximum(float(a) * normal[0], float(b) * normal[1])


@dataclass(frozen=True)
class Exponential:
    """Exponential durations with mean 1, independent of energies: F(x) = 1 - exp(-exp(x)), the smallest-value Gumbel
    distribution."""

    name: str = "exponential"
    shapes: int = 0

    def log_density(self, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """See :class:`Capped`."""
        return x - np.exp(x)

    def log_below(self, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """See :class:`Capped`."""
        return _log_of_rest(-np.exp(x))

    def log_above(self, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """See :class:`Capped`."""
        return -np.exp(x)

    def draw(self, generator: np.random.Generator, size: int, shape: float) -> np.ndarray:
        """See :class:`Capped`."""
        return np.log(generator.standard_exponential(size))


Family = Capped | Exponential
"""Law of the logarithm of actual over nominal duration."""


def _log_of_rest(log_part: np.ndarray) -> np.ndarray:
    """Compute log(1 - p) from log(p)."""
    return np.log(np.maximum(-np.expm1(log_part), 1e-300))


EXACT, AT_MOST, AT_LEAST = 0, 1, 2
STEP = 1e-3
"""Step of finite differences relative to the spread; the error of a location is about 1e-6 of the spread."""
STENCIL = np.array([(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1)], dtype=float)


@dataclass(frozen=True)
class Sample:
    """Observations y, with arrays of shape (n,)."""

    y: np.ndarray
    group: np.ndarray
    """Group of each observation, 0 to n_groups - 1; no group is empty."""
    censoring: np.ndarray
    """EXACT, AT_MOST or AT_LEAST."""
    floor: np.ndarray
    """Value below which an observation would be censored as AT_MOST; -inf if there is none."""

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.group.max()) + 1


@dataclass(frozen=True)
class Fit:
    """Law fitted by maximum likelihood."""

    family: Family
    place: np.ndarray
    """Location of each group, shape (n_groups,)."""
    shape: float
    """Corrected logarithm of the spread; 0 if the law has none."""
    place_error: np.ndarray
    """Standard error of each location, shape (n_groups,)."""
    shape_error: float
    log_likelihood: float
    n: int
    """Number of exact observations."""

    @property
    def freedom(self) -> int:
        """Degrees of freedom."""
        return max(self.n - len(self.place), 1)

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return 2 * (len(self.place) + self.family.shapes) - 2 * self.log_likelihood

    def reach(self, confidence: float) -> float:
        """Half-width of an interval in standard errors."""
        return float(stats.t.ppf(0.5 + confidence / 2, self.freedom))


def fit(family: Family, sample: Sample, start: Fit | None = None) -> Fit:
    """Fit a law by maximum likelihood.

    Args:
        family: family of the law.
        sample: observations; more of them must be exact than there are groups.
        start: fit of similar observations to start from.

    Raises:
        ValueError: the likelihood has no maximum, for example if all observations are equal.
    """
    groups, exact = sample.n_groups, int((sample.censoring == EXACT).sum())
    if exact <= groups:
        raise ValueError(f"only {exact} observations are exact")
    counts = np.bincount(sample.group, minlength=groups)
    means = np.bincount(sample.group, weights=sample.y, minlength=groups) / counts
    scale = float(np.sqrt(np.square(sample.y - means[sample.group]).sum() / max(len(sample.y) - groups, 1)))
    if not scale > 1e-9:
        raise ValueError("all observations are equal")
    first = np.append(means / scale - 0.3, np.log(scale))
    if start is not None:
        first = np.append(start.place / scale, start.shape)
    if not family.shapes:
        first = first[:-1]
    problem = _Problem(family, sample, scale)
    tight = {"gtol": 1e-4 * np.sqrt(exact), "maxiter": 200}
    optimum = optimize.minimize(
        problem.value, first, jac=problem.slope, hess=problem.curvature, method="trust-exact", options=tight
    )
    information = problem.curvature(optimum.x)
    try:
        covariance = np.linalg.inv(information)
    except np.linalg.LinAlgError:
        raise ValueError("the observations do not identify the parameters") from None
    variance = np.diagonal(covariance)
    if not (np.isfinite(optimum.fun) and (variance > 0).all()):
        raise ValueError("the likelihood has no maximum")
    correction = np.sqrt(exact / (exact - groups)) if family.shapes else 1.0
    error = np.sqrt(variance) * correction
    return Fit(
        family=family,
        place=optimum.x[:groups] * scale,
        shape=float(optimum.x[-1] + np.log(correction)) if family.shapes else 0.0,
        place_error=error[:groups] * scale,
        shape_error=float(error[-1]) if family.shapes else 0.0,
        log_likelihood=-float(optimum.fun),
        n=exact,
    )


class _Problem:
    """Negative log-likelihood with derivatives by finite differences in x and shape; locations are scaled by
    ``scale``."""

    def __init__(self, family: Family, sample: Sample, scale: float) -> None:
        self.family, self.sample, self.scale = family, sample, scale
        self._at: np.ndarray | None = None
        self._parts: tuple[float, np.ndarray, np.ndarray] = (0.0, np.zeros(0), np.zeros(0))

    def value(self, at: np.ndarray) -> float:
        return self._evaluated(at)[0]

    def slope(self, at: np.ndarray) -> np.ndarray:
        return self._evaluated(at)[1]

    def curvature(self, at: np.ndarray) -> np.ndarray:
        return self._evaluated(at)[2]

    def _evaluated(self, at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        if self._at is None or not np.array_equal(self._at, at):
            self._at, self._parts = at.copy(), self._evaluate(at)
        return self._parts

    def _evaluate(self, at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        sample, groups = self.sample, self.sample.n_groups
        shape = at[-1] if self.family.shapes else 0.0
        x = sample.y - at[sample.group] * self.scale
        moved = x + STENCIL[:, :1] * STEP * self.scale
        f = log_likelihoods(self.family, moved, shape + STENCIL[:, 1:] * STEP, sample.censoring)
        # x decreases with increasing location
        by_place = -(f[1] - f[2]) / (2 * STEP)
        by_place_twice = (f[1] - 2 * f[0] + f[2]) / STEP**2
        slope = np.bincount(sample.group, weights=by_place, minlength=groups)
        diagonal = np.bincount(sample.group, weights=by_place_twice, minlength=groups)
        curvature = np.diag(diagonal)
        if self.family.shapes:
            by_shape = (f[3] - f[4]) / (2 * STEP)
            by_shape_twice = (f[3] - 2 * f[0] + f[4]) / STEP**2
            mixed = -(f[5] + f[6] - f[1] - f[2] - f[3] - f[4] + 2 * f[0]) / (2 * STEP**2)
            slope = np.append(slope, by_shape.sum())
            column = np.bincount(sample.group, weights=mixed, minlength=groups)
            curvature = np.block([[curvature, column[:, None]], [column[None, :], np.array([[by_shape_twice.sum()]])]])
        return -float(f[0].sum()), -slope, -curvature


def log_likelihoods(family: Family, x: np.ndarray, shape: np.ndarray, censoring: np.ndarray) -> np.ndarray:
    """Contribution of each observation, shape (…, n), for residuals x of that shape and shapes that broadcast."""
    terms = np.empty(x.shape)
    for kind, law in ((EXACT, family.log_density), (AT_MOST, family.log_below), (AT_LEAST, family.log_above)):
        mask = censoring == kind
        if mask.any():
            terms[..., mask] = law(x[..., mask], np.broadcast_to(shape, x.shape)[..., mask])
    return terms
