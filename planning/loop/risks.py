"""Worth of slack: the chance that work is late by more than it, times the price of a broken limit.

Work is late by the spread of its units and by breakdowns. What the slack of a list cannot take in is broken; what comes
later in the day may be mended at the next look, so that the price is below that of a broken day. And worth of a MWh, by
which starts and runs are moved.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from scipy.special import ndtr

from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import goal_metric, no_worse
from emberline.scenarios.line.scatter import Spread
from emberline.scenarios.line.tables import LineShop
from emberline.scenarios.metrics import OTHER_CARBON
from emberline.scenarios.records.horizon import MOMENT_MIN

BROKEN = 0.3
"""Price of a broken day, as a share of a day's worth."""
GRID_MIN = MOMENT_MIN
"""Slack counts in slots so long [min]."""
LEVELS = np.array([0, 1, 2, 4, 8, 14])
"""Slots of slack between which its price is a straight line; more is not paid for."""
SLACK_MIN = LEVELS * GRID_MIN
REMEMBERED = 20_000
"""Prices that are remembered at most."""
OTHER = 0.1
"""Weight of the signal that the goal does not count with, where a plan must be no worse by it; both by their means. On
40 replays of the plan of ``melt-shop-two-days`` 0 emits 94 t more by that signal than the baseline, 0.1 emits 37 t less
and 0.3 150 t less for 2 t in 133 of the saving."""


def alike(weight: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """A weight that is as large as another one in the mean of absolutes."""
    return weight * np.abs(worth).mean() / max(np.abs(weight).mean(), 1e-12)


def worth_per_mwh(scenario: Scenario, guide: Mapping[str, np.ndarray]) -> np.ndarray:
    """Worth of a MWh in each step at a look: by the goal, and by the other signal where a plan must be no worse by it.

    Args:
        scenario: with its goal.
        guide: by metric, what a MWh counts in each step.
    """
    worth = guide[goal_metric(scenario).name]
    return worth + OTHER * alike(guide[OTHER_CARBON], worth) if no_worse(scenario) else worth


class Risks:
    """Prices of slack on one line."""

    def __init__(self, shop: LineShop, price: float) -> None:
        """Args:
        shop: the line.
        price: of a limit that is broken.
        """
        disturbances = shop.scenario.disturbances
        spreads = [Spread(disturbances, name) for name in shop.units]
        failing = {breakdown.unit: (breakdown.mtbf_h * 60, breakdown.mttr_min) for breakdown in disturbances.breakdowns}
        self._price = price
        # a unit draws no more than its power: a heat that needs more energy takes longer
        self._shares = [1.0 if each.exponential else math.hypot(each.duration, each.energy) for each in spreads]
        self._failing = [failing.get(name) for name in shop.units]
        self._steps: dict[tuple[tuple[int, float], ...], np.ndarray] = {}

    def of(self, works: Iterable[tuple[int, float]], slack_min: np.ndarray = SLACK_MIN) -> np.ndarray:
        """Price of being late by more than some slack, same shape.

        Args:
            works: unit and minutes of each work before it.
            slack_min: the slack.
        """
        variance, broken = 0.0, np.zeros(len(slack_min))
        for unit, minutes in works:
            variance += (self._shares[unit] * minutes) ** 2
            failing = self._failing[unit]
            if failing is not None:
                broken += minutes / failing[0] * np.exp(-slack_min / failing[1])
        late = ndtr(-slack_min / math.sqrt(variance)) if variance else 0.0
        return np.asarray(self._price * np.minimum(late + broken, 1.0))

    def steps(self, works: Iterable[tuple[int, float]]) -> np.ndarray:
        """Prices of each slot by which a level of slack is not reached, shape (n_levels - 1,): together they rise as
        :meth:`of` does over ``LEVELS``. What was priced once is remembered, as works come again at every look."""
        key = tuple(works)
        if key not in self._steps:
            if len(self._steps) > REMEMBERED:
                self._steps.clear()
            slopes = -np.diff(self.of(key)) / np.diff(LEVELS)
            self._steps[key] = np.maximum(slopes - np.append(slopes[1:], 0.0), 0.0)
        return self._steps[key]
