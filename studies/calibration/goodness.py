"""Goodness of fit of a law: Anderson-Darling statistic with a parametric bootstrap.

Tabulated critical values are invalid for estimated parameters. Instead, samples are drawn from the fitted law and
fitted again to obtain a p-value. Censored observations get a random value in the part of the law to which they are
limited. Sources: Stute, Gonzalez Manteiga, Presedo Quindimil, "Bootstrap based goodness-of-fit tests", Metrika 40
(1993); Dunn, Smyth, "Randomized quantile residuals", Journal of Computational and Graphical Statistics 5 (1996).

``scipy.stats.goodness_of_fit`` handles one complete sample, without groups with a common spread and without censoring.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats
from scipy.special import ndtr

from emberline.scenarios.plain import Plain
from emberline.studies.calibration.fitting import Energies, UnitFit, energies_of
from emberline.studies.calibration.likelihood import AT_LEAST, AT_MOST, EXACT, Fit, Sample, fit

DRAWS = 199
"""Number of bootstrap samples."""
CLOSEST = 1e-12


@dataclass(frozen=True)
class Goodness(Plain):
    """Goodness of fit of one law."""

    unit: str
    what: str
    """``durations``, ``energies``, ``repairs`` or ``failures``."""
    law: str
    n: int
    statistic: float
    """Anderson-Darling statistic; for failures Kolmogorov-Smirnov."""
    p_value: float


def anderson_darling(places: np.ndarray) -> float:
    """Anderson-Darling statistic of n probabilities, shape (n,), which are uniform if the law holds."""
    u = np.clip(np.sort(places), CLOSEST, 1 - CLOSEST)
    n = len(u)
    weight = 2 * np.arange(1, n + 1) - 1
    return float(-n - (weight * (np.log(u) + np.log1p(-u[::-1]))).sum() / n)


def places_of(law: Fit, sample: Sample, generator: np.random.Generator) -> np.ndarray:
    """Cumulative probability of each observation under the fitted law, shape (n,); randomized if it is censored."""
    x = sample.y - law.place[sample.group]
    below = np.exp(law.family.log_below(x, np.array(law.shape)))
    at_random = generator.random(len(x))
    part = np.where(sample.censoring == AT_MOST, below * at_random, below + (1 - below) * at_random)
    return np.where(sample.censoring == EXACT, below, part)


def goodness(unit_fit: UnitFit, draws: int = DRAWS, seed: int = 1) -> list[Goodness]:
    """Goodness of fit of a unit's durations and energies, as far as they were fitted."""
    generator = np.random.default_rng(seed)
    rows = []
    if unit_fit.durations is not None and unit_fit.sample is not None:
        rows.append(_of_durations(unit_fit.unit, unit_fit.durations, unit_fit.sample, draws, generator))
    if unit_fit.energies is not None:
        rows.append(_of_energies(unit_fit, unit_fit.energies, draws, generator))
    return rows


def exponential_goodness(unit: str, what: str, values: np.ndarray, draws: int = DRAWS, seed: int = 1) -> Goodness:
    """Test an exponential law of unknown mean on uncensored values, shape (n,)."""
    values = np.maximum(values, CLOSEST * values.mean())  # logs in whole minutes may contain repairs of 0 min
    test = stats.goodness_of_fit(
        stats.expon, values, known_params={"loc": 0.0}, statistic="ad", n_mc_samples=draws, rng=seed
    )
    return Goodness(unit, what, "exponential", len(values), float(test.statistic), float(test.pvalue))


def _of_durations(unit: str, law: Fit, sample: Sample, draws: int, generator: np.random.Generator) -> Goodness:
    complete = sample.censoring != AT_LEAST
    # right-censored observations carry little information; without them, samples can be drawn like the log
    sample = Sample(*(column[complete] for column in (sample.y, sample.group, sample.censoring, sample.floor)))
    statistic = anderson_darling(places_of(law, sample, generator))
    again = []
    for _ in range(draws):
        y = law.place[sample.group] + law.family.draw(generator, len(sample.y), law.shape)
        floor_mask = (sample.floor > -np.inf) & (y <= sample.floor)
        censoring = np.where(floor_mask, AT_MOST, EXACT)
        resample = replace(sample, y=np.where(floor_mask, sample.floor, y), censoring=censoring)
        try:
            refitted = fit(law.family, resample, law)
        except ValueError:
            continue
        again.append(anderson_darling(places_of(refitted, resample, generator)))
    return Goodness(unit, "durations", law.family.name, len(sample.y), statistic, _p_value(statistic, again))


def _of_energies(unit_fit: UnitFit, energies: Energies, draws: int, generator: np.random.Generator) -> Goodness:
    y, group = energies_of(unit_fit.rows, energies.grades)
    statistic = anderson_darling(_normal_places(y[None, :], group)[0])
    again = [anderson_darling(row) for row in _normal_places(generator.standard_normal((draws, len(y))), group)]
    return Goodness(unit_fit.unit, "energies", "lognormal", len(y), statistic, _p_value(statistic, again))


def _normal_places(y: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Probabilities under normal laws with the groups' own means and a common spread, for each row of y."""
    member = np.eye(int(group.max()) + 1)[group]
    rest = y - (y @ member / member.sum(axis=0))[:, group]
    spread = np.sqrt(np.square(rest).sum(axis=1, keepdims=True) / (y.shape[1] - member.shape[1]))
    return ndtr(rest / np.maximum(spread, CLOSEST))


def _p_value(statistic: float, again: list[float]) -> float:
    """Share of samples that fit no better, with the log itself counted among them."""
    return (1 + sum(value >= statistic for value in again)) / (1 + len(again))


def failure_times(unit: str, failed_min: np.ndarray, start_min: np.ndarray, working_min: np.ndarray) -> Goodness:
    """Test for a constant failure rate, under which failures are uniformly distributed over the working time.

    Given their number, nothing is estimated, so that the p-value of the Kolmogorov-Smirnov test is exact. Source: Cox,
    Lewis, "The Statistical Analysis of Series of Events", Methuen 1966, section 3.3.

    Args:
        unit: name of the unit.
        failed_min: times of its failures, shape (n,).
        start_min: starts of its operations, in increasing order, shape (n_operations,).
        working_min: working time of each operation, shape (n_operations,).
    """
    place = np.searchsorted(start_min, failed_min, side="right") - 1
    before = np.concatenate([[0.0], np.cumsum(working_min)])
    within = np.clip(failed_min - start_min[np.maximum(place, 0)], 0.0, working_min[np.maximum(place, 0)])
    worked = np.where(place < 0, 0.0, before[np.maximum(place, 0)] + within)
    test = stats.kstest(worked / before[-1], "uniform")
    return Goodness(unit, "failures", "constant rate", len(failed_min), float(test.statistic), float(test.pvalue))
