"""Heats on units with start and remaining time, from tags that may be lost, late or wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from scipy.special import ndtr

from emberline import twin
from emberline.scenarios import Case
from emberline.scenarios.line.scatter import Spread
from emberline.scenarios.line.tables import shop
from emberline.scenarios.messages import Message
from emberline.twin import Operation

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


@dataclass
class Occupation:
    """A heat on a unit. Times in minutes after the start of the horizon."""

    heat: str
    stage: str
    unit: str
    start_min: float
    error_min: float
    """Half the time within which it began."""
    end_min: float | None = None
    down_min: float = 0.0
    """Standstill until now."""


@dataclass(frozen=True)
class HeatInProgress:
    """A heat on a unit with the time that it still takes."""

    heat: str
    stage: str
    unit: str
    start_min: float
    remaining: Remaining
    down: bool
    """Whether the unit is broken down."""


@dataclass
class _Unit:
    heat: str | None = None
    """None: not known yet."""
    seen_min: float = float("-inf")
    """Time of the newest message."""
    down: bool = False
    state_min: float = float("-inf")
    current: Occupation | None = None


@dataclass
class HeatTracker:
    """Occupations of every unit in the order in which they were seen."""

    scenario: Case
    occupations: dict[tuple[str, str], Occupation] = field(default_factory=dict)
    """By heat and stage."""
    events: list[Message] = field(default_factory=list)
    """Messages on impossible readings and reports, one line each, since they were last taken."""
    _units: dict[str, _Unit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the line's tables once."""
        self._shop = shop(self.scenario)
        self._spread = {name: Spread(self.scenario.disturbances, name) for name in self._shop.units}
        self._heat_index = self._shop.index
        self._repair = {item.unit: item.mttr_min for item in self.scenario.disturbances.breakdowns}

    def heat(self, unit: str, heat: str, at_min: float) -> None:
        """A unit's heat number was measured; empty: there is none."""
        one = self._units.setdefault(unit, _Unit())
        if at_min < one.seen_min:
            return  # a late message
        before, one.seen_min = one.seen_min, at_min
        if heat == one.heat:
            return
        is_known, one.heat = one.heat is not None, heat
        changed, error = ((before + at_min) / 2, (at_min - before) / 2) if is_known else (at_min, 0.0)
        if one.current is not None:
            one.current.end_min = changed
            one.current = None
        if heat:
            self._begin(one, unit, heat, changed, error, is_known)

    def _begin(self, one: _Unit, unit: str, heat: str, at_min: float, error: float, is_known: bool) -> None:
        stage = self._shop.stages[self._shop.stage_of[self._shop.unit_index[unit]]]
        h = self._heat_index[heat]
        nominal = self._shop.duration[h][self._shop.unit_index[unit]]
        if nominal != nominal:
            self.events.append(Message("Heat {heat} is on {unit}, where it cannot run.", heat=heat, unit=unit))
            return
        earlier = self.occupations.get((heat, stage))
        if earlier is not None and earlier.unit == unit:
            earlier.end_min, one.current = None, earlier  # a gap in the messages
            return
        if not is_known:  # it was there before anything was read
            first = min(max(at_min - nominal, 0.0), at_min)  # nothing else has begun before the horizon
            at_min, error = (first + at_min) / 2, (at_min - first) / 2
        one.current = Occupation(heat, stage, unit, at_min, error)
        self.occupations[heat, stage] = one.current
        for (name, at), other in self.occupations.items():
            if name == heat and at != stage and other.end_min is None:
                other.end_min = at_min

    def report(self, heat: str, stage: str, unit: str, start_min: float, end_min: float | None) -> None:
        """The plant has reported an operation, whose times are exact."""
        table, h, u = self._shop, self._heat_index.get(heat), self._shop.unit_index.get(unit)
        if h is None or u is None or table.stages[table.stage_of[u]] != stage or not table.duration[h][u] > 0:
            self.events.append(
                Message("A job response names {heat} ({stage}) on {unit}: unknown.", heat=heat, stage=stage, unit=unit)
            )
            return
        one = self._units.setdefault(unit, _Unit())
        occupation = Occupation(heat, stage, unit, start_min, 0.0, end_min)
        before = self.occupations.get((heat, stage))
        if before is not None:
            occupation.down_min = before.down_min
            if one.current is before:
                one.current = None
        self.occupations[heat, stage] = occupation
        if end_min is None:
            one.heat, one.current = heat, occupation

    def state(self, unit: str, state: str, at_min: float) -> None:
        """A unit's state was measured."""
        down = state == "down"
        one = self._units.setdefault(unit, _Unit())
        if at_min < one.state_min:
            return
        if one.down and one.current is not None and one.state_min > float("-inf"):
            one.current.down_min += at_min - max(one.state_min, one.current.start_min)
        one.down, one.state_min = down, at_min

    def is_down(self, unit: str) -> bool:
        """Whether a unit is broken down, as far as is known."""
        return unit in self._units and self._units[unit].down

    def in_progress(self, now_min: float) -> Iterator[HeatInProgress]:
        """Heats on units with the time that they still take."""
        for unit, one in self._units.items():
            current = one.current
            if current is None:
                continue
            u, h = self._shop.unit_index[unit], self._heat_index[current.heat]
            repair = self._repair.get(unit, 30.0) if one.down else 0.0
            nominal = self._shop.duration[h][u]
            worked = max(now_min - current.start_min - current.down_min, 0.0)
            pace = nominal if self._is_followed(current) else 0.0
            others = remaining(
                nominal, worked, self._spread[unit], error_min=current.error_min, at_least_min=pace, repair_min=repair
            )
            yield HeatInProgress(current.heat, current.stage, unit, current.start_min, others, one.down)

    def _is_followed(self, current: Occupation) -> bool:
        """Whether the caster keeps its pace, as another heat of the cast comes after."""
        table = self._shop
        if table.campaign < 0 or table.stages[table.campaign] != current.stage:
            return False
        order = table.orders[self._heat_index[current.heat]]
        cast = [name for name, of in zip(table.names, table.orders, strict=True) if of == order]
        return any((name, current.stage) not in self.occupations for name in cast)

    def level(self, store: str, level_t: float, at_min: float) -> None:
        """A line has no stores of its own."""

    def intended(self, schedule: xr.Dataset) -> xr.Dataset:
        """The run that a schedule intends (table ``RUN``)."""
        return twin.replay(self.scenario, schedule)

    def actuals(self, now_min: float) -> dict[tuple[str, str], Operation]:
        """Operations that have begun; those in progress with the median of their end, and those that must have been."""
        ends = {(one.heat, one.stage): now_min + max(one.remaining.median, 1e-3) for one in self.in_progress(now_min)}
        actuals = {
            key: Operation(
                occupation.unit, min(occupation.start_min, now_min), ends.get(key, occupation.end_min or now_min)
            )
            for key, occupation in self.occupations.items()
        }
        for (heat, stage), one in list(self.occupations.items()):
            self._fill(actuals, heat, stage, one.start_min)
        return actuals

    def _fill(self, actuals: dict[tuple[str, str], Operation], heat: str, stage: str, start_min: float) -> None:
        """The stages before one that has actuals, where nothing was measured there."""
        table, h = self._shop, self._heat_index[heat]
        route = [k for k in table.route[h] if k < table.stages.index(stage)]
        until = start_min
        for k in reversed(route):
            key = heat, table.stages[k]
            if key in actuals:
                until = actuals[key].start_min
                continue
            u = next(u for u, at in enumerate(table.stage_of) if at == k and table.duration[h][u] > 0)
            end = until - table.quickest[k][min(k + 1, len(table.stages) - 1)]
            actuals[key] = Operation(table.units[u], end - table.duration[h][u], end)
            until = actuals[key].start_min
