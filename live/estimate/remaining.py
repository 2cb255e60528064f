"""How long an operation still takes, given how long it has worked already."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from emberline.scenarios.line.scatter import Spread

LOW, HIGH = 0.05, 0.95
STARTS = 9
"""Moments of an uncertain start that are tried."""
GRID = np.linspace(0.3, 3.0, 2701)
"""Factors on the nominal duration."""


@dataclass(frozen=True)
class Remaining:
    """Time that is left: median and 90 % interval [min]."""

    median: float
    low: float
    high: float


def remaining(
    nominal_min: float,
    worked_min: float,
    spread: Spread,
    *,
    error_min: float = 0.0,
    at_least_min: float = 0.0,
    repair_min: float = 0.0,
) -> Remaining:
    """Time left of an operation.

    A duration is the nominal one times a lognormal factor, and no shorter than its electricity takes, a second one
    (``emberline.twin.streams.factors``); exponential ones forget how long they have lasted.

    Args:
        nominal_min: the median of the duration.
        worked_min: how long it has worked until now, standstills left out.
        spread: of its unit.
        error_min: half the time within which it began.
        at_least_min: shortest duration; a caster keeps its pace.
        repair_min: mean time to repair, where the unit is down; exponential.
    """
    durations = (GRID[1:] + GRID[:-1]) / 2 * nominal_min
    values, weights = [], []
    steps = np.diff(_cumulative(spread, GRID))
    for shift in np.linspace(-error_min, error_min, STARTS if error_min else 1).tolist():
        worked = max(worked_min + shift, 0.0)
        times = np.maximum(durations, at_least_min) - worked
        probability = np.where(times > 0, steps, 0.0)
        total = probability.sum()
        if total < 1e-9:  # longer than anything that was expected: it may end at any time
            times, probability, total = np.array([0.0, 0.05 * nominal_min]), np.array([0.5, 0.5]), 1.0
        values.append(times)
        weights.append(probability / total)
    times, weight = np.concatenate(values), np.concatenate(weights)
    if repair_min:
        levels = (np.arange(20) + 0.5) / 20
        repairs = -np.log1p(-levels) * repair_min
        times = (times[:, None] + repairs).ravel()
        weight = np.repeat(weight, len(repairs))
    order = np.argsort(times)
    cumulative = np.cumsum(weight[order]) / weight.sum()
    low, median, high = (float(times[order][np.searchsorted(cumulative, p)]) for p in (LOW, 0.5, HIGH))
    return Remaining(max(median, 0.0), max(low, 0.0), max(high, 0.0))


def _cumulative(spread: Spread, factor: np.ndarray) -> np.ndarray:
    """Probability that a duration is at most so many times the nominal one."""
    if spread.exponential:
        cumulative = -np.expm1(-factor)
        cumulative[-1] = 1.0
        return np.asarray(cumulative)
    shares = [_lognormal(factor, sigma) for sigma in (spread.duration, spread.energy)]
    return np.asarray(shares[0] * shares[1])


def _lognormal(factor: np.ndarray, sigma: float) -> np.ndarray:
    if sigma <= 0 or math.isclose(sigma, 0):
        return np.asarray(factor >= 1.0, dtype=float)
    return np.asarray(ndtr(np.log(factor) / sigma))
