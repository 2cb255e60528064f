"""Heats in progress with start and remaining time, derived from tags whose values may be missing, late or wrong."""

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
"""Number of possible start times considered if the start is uncertain."""
GRID = np.linspace(0.3, 3.0, 2701)
"""Factors on the nominal duration."""


@dataclass(frozen=True)
class Remaining:
    """Remaining time: median and 90 % interval [min]."""

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
    """Remaining time of an operation.

    A duration is the nominal duration times the larger of two lognormal factors, one for the duration and one for
    the energy (``emberline.twin.streams.factors``). Exponential durations are memoryless.

    Args:
        nominal_min: median of the duration.
        worked_min: time worked so far, without standstills.
        spread: spread of the unit's durations and energies.
        error_min: half the width of the interval in which the operation began.
        at_least_min: shortest duration, for a caster that must keep its pace.
        repair_min: mean time to repair (exponential) if the unit is down.
    """
    durations = (GRID[1:] + GRID[:-1]) / 2 * nominal_min
    values, weights = [], []
    steps = np.diff(_cumulative(spread, GRID))
    for shift in np.linspace(-error_min, error_min, STARTS if error_min else 1).tolist():
        worked = max(worked_min + shift, 0.0)
        times = np.maximum(durations, at_least_min) - worked
        probability = np.where(times > 0, steps, 0.0)
        total = probability.sum()
        if total < 1e-9:  # longer than any expected duration: the operation may end at any time
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
    """Probability that the ratio of the actual to the nominal duration is at most ``factor``."""
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
    """Heat on a unit. Times are in minutes after the start of the horizon."""

    heat: str
    stage: str
    unit: str
    start_min: float
    error_min: float
    """Half the width of the interval in which the heat began."""
    end_min: float | None = None
    down_min: float = 0.0
    """Standstill so far [min]."""


@dataclass(frozen=True)
class HeatInProgress:
    """Heat on a unit with its remaining time."""

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
    """Current heat; None if unknown."""
    seen_min: float = float("-inf")
    """Time of the newest message."""
    down: bool = False
    state_min: float = float("-inf")
    current: Occupation | None = None


@dataclass
class HeatTracker:
    """Occupations of all units in the order of their detection."""

    scenario: Case
    occupations: dict[tuple[str, str], Occupation] = field(default_factory=dict)
    """Occupations by heat and stage."""
    events: list[Message] = field(default_factory=list)
    """One-line messages on impossible readings and reports since the last state was returned."""
    _units: dict[str, _Unit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare the tables of the line."""
        self._shop = shop(self.scenario)
        self._spread = {name: Spread(self.scenario.disturbances, name) for name in self._shop.units}
        self._heat_index = self._shop.index
        self._repair = {item.unit: item.mttr_min for item in self.scenario.disturbances.breakdowns}

    def heat(self, unit: str, heat: str, at_min: float) -> None:
        """Process the measured heat number of a unit; an empty number means that there is no heat."""
        record = self._units.setdefault(unit, _Unit())
        if at_min < record.seen_min:
            return  # a late message
        before, record.seen_min = record.seen_min, at_min
        if heat == record.heat:
            return
        is_known, record.heat = record.heat is not None, heat
        changed, error = ((before + at_min) / 2, (at_min - before) / 2) if is_known else (at_min, 0.0)
        if record.current is not None:
            record.current.end_min = changed
            record.current = None
        if heat:
            self._begin(record, unit, heat, changed, error, is_known)

    def _begin(self, record: _Unit, unit: str, heat: str, at_min: float, error: float, is_known: bool) -> None:
        stage = self._shop.stages[self._shop.stage_of[self._shop.unit_index[unit]]]
        h = self._heat_index[heat]
        nominal = self._shop.duration[h][self._shop.unit_index[unit]]
        if nominal != nominal:
            self.events.append(Message("Heat {heat} is on {unit}, where it cannot run.", heat=heat, unit=unit))
            return
        earlier = self.occupations.get((heat, stage))
        if earlier is not None and earlier.unit == unit:
            earlier.end_min, record.current = None, earlier  # a gap in the messages
            return
        if not is_known:  # the heat was there before the first reading
            first = min(max(at_min - nominal, 0.0), at_min)  # no heat has begun before the horizon
            at_min, error = (first + at_min) / 2, (at_min - first) / 2
        record.current = Occupation(heat, stage, unit, at_min, error)
        self.occupations[heat, stage] = record.current
        for (name, at), other in self.occupations.items():
            if name == heat and at != stage and other.end_min is None:
                other.end_min = at_min

    def report(self, heat: str, stage: str, unit: str, start_min: float, end_min: float | None) -> None:
        """Process an operation reported by the plant, with exact times."""
        table, h, u = self._shop, self._heat_index.get(heat), self._shop.unit_index.get(unit)
        if h is None or u is None or table.stages[table.stage_of[u]] != stage or not table.duration[h][u] > 0:
            self.events.append(
                Message("A job response names {heat} ({stage}) on {unit}: unknown.", heat=heat, stage=stage, unit=unit)
            )
            return
        record = self._units.setdefault(unit, _Unit())
        occupation = Occupation(heat, stage, unit, start_min, 0.0, end_min)
        before = self.occupations.get((heat, stage))
        if before is not None:
            occupation.down_min = before.down_min
            if record.current is before:
                record.current = None
        self.occupations[heat, stage] = occupation
        if end_min is None:
            record.heat, record.current = heat, occupation

    def state(self, unit: str, state: str, at_min: float) -> None:
        """Process the measured state of a unit."""
        down = state == "down"
        record = self._units.setdefault(unit, _Unit())
        if at_min < record.state_min:
            return
        if record.down and record.current is not None and record.state_min > float("-inf"):
            record.current.down_min += at_min - max(record.state_min, record.current.start_min)
        record.down, record.state_min = down, at_min

    def is_down(self, unit: str) -> bool:
        """Whether a unit is known to be broken down."""
        return unit in self._units and self._units[unit].down

    def in_progress(self, now_min: float) -> Iterator[HeatInProgress]:
        """Heats on units with their remaining times."""
        for unit, record in self._units.items():
            current = record.current
            if current is None:
                continue
            u, h = self._shop.unit_index[unit], self._heat_index[current.heat]
            repair = self._repair.get(unit, 30.0) if record.down else 0.0
            nominal = self._shop.duration[h][u]
            worked = max(now_min - current.start_min - current.down_min, 0.0)
            pace = nominal if self._is_followed(current) else 0.0
            others = remaining(
                nominal, worked, self._spread[unit], error_min=current.error_min, at_least_min=pace, repair_min=repair
            )
            yield HeatInProgress(current.heat, current.stage, unit, current.start_min, others, record.down)

    def _is_followed(self, current: Occupation) -> bool:
        """Whether the caster must keep its pace because another heat of the cast follows."""
        table = self._shop
        if table.campaign < 0 or table.stages[table.campaign] != current.stage:
            return False
        order = table.orders[self._heat_index[current.heat]]
        cast = [name for name, of in zip(table.names, table.orders, strict=True) if of == order]
        return any((name, current.stage) not in self.occupations for name in cast)

    def level(self, store: str, level_t: float, at_min: float) -> None:
        """Ignore the level, as a line has no stores."""

    def intended(self, schedule: xr.Dataset) -> xr.Dataset:
        """Undisturbed run of a schedule (table ``RUN``)."""
        return twin.replay(self.scenario, schedule)

    def actuals(self, now_min: float) -> dict[tuple[str, str], Operation]:
        """Operations that have begun, with unmeasured earlier stages. Those in progress end at their median."""
        ends = {(job.heat, job.stage): now_min + max(job.remaining.median, 1e-3) for job in self.in_progress(now_min)}
        actuals = {
            key: Operation(
                occupation.unit, min(occupation.start_min, now_min), ends.get(key, occupation.end_min or now_min)
            )
            for key, occupation in self.occupations.items()
        }
        for (heat, stage), occupation in list(self.occupations.items()):
            self._fill(actuals, heat, stage, occupation.start_min)
        return actuals

    def _fill(self, actuals: dict[tuple[str, str], Operation], heat: str, stage: str, start_min: float) -> None:
        """Add the stages before a begun operation for which nothing was measured."""
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
