"""The twin as a plant: what its meters and units show at a moment of one disturbed run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from emberline import twin
from emberline.live.tags.loading import MeasuredStore, levels, units
from emberline.planning.loop import policy_of, run
from emberline.scenarios import Case
from emberline.scenarios.records.replanning import Using
from emberline.twin.run import plants

MEAN_MIN = 0.5
"""Powers are means over the time before."""


class SimulatedPlant:
    """A plant that follows the baseline until it is given a plan, under a policy."""

    def __init__(
        self, scenario: Case, *, replication: int = 0, disturbed: bool = True, using: Using = Using.FOLLOW
    ) -> None:
        """Start at the beginning of the scenario's horizon.

        Args:
            scenario: of the plant.
            replication: which of its disturbances happen.
            disturbed: whether they do.
            using: what its shift does: as printed, or planned again by ``goal.replan``.
        """
        self.scenario, self._using = scenario, using
        begin = plants(scenario, twin.dispatch(scenario))
        self._day: Any = begin(scenario.disturbances.seed, replication, disturbed=disturbed)
        self._policy = policy_of(self._day, using)
        self._look_ahead()

    def go_on(self, until_min: float) -> None:
        """Go on to a moment under the policy."""
        before = self._policy.changes
        run(self._day, self._policy, until_min)
        if self._policy.changes != before:
            self._look_ahead()

    def follow(self, schedule: xr.Dataset, now_min: float) -> None:
        """Follow a schedule (table ``SCHEDULE``) from a moment on, processes from the next step; what has begun stays
        as it is."""
        run(self._day, self._policy, now_min)
        self._day.follow(schedule)
        self._policy = policy_of(self._day, self._using)
        self._look_ahead()

    def _look_ahead(self) -> None:
        self._ahead = self._day.ahead()
        for name in ("_energies", "_rest", "_occupations"):
            self.__dict__.pop(name, None)

    @property
    def run(self) -> xr.Dataset:
        """The day as it comes to be under what is followed now (table ``RUN``)."""
        return self._ahead.run

    @property
    def units(self) -> list[str]:
        """Names of the units."""
        return units(self.scenario)

    @cached_property
    def _energies(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        return {unit: trace.cumulative() for unit, trace in self._ahead.powers.items()}

    @property
    def stops(self) -> list[tuple[str, float, float]]:
        """Breakdowns: unit, when and how long [min]."""
        return self._ahead.stops

    def heat_on(self, unit: str, at_min: float) -> str:
        """The heat on a unit, or the mode that it runs in; empty: none."""
        return next((name for name, start, end in self._occupations[unit] if start <= at_min < end), "")

    def left_min(self, unit: str, at_min: float) -> float:
        """Time until the heat on a unit is finished [min]; nan: there is none."""
        ends = (end - at_min for _, start, end in self._occupations[unit] if start <= at_min < end)
        return next(ends, float("nan"))

    @cached_property
    def _occupations(self) -> dict[str, list[tuple[str, float, float]]]:
        """Heat or mode, start and end of each operation or run, by unit."""
        rows: dict[str, list[tuple[str, float, float]]] = {unit: [] for unit in self.units}
        for unit, *row in self._ahead.occupations:
            rows[unit].append((*row,))
        return rows

    def state(self, unit: str, at_min: float) -> str:
        """State of a unit: ``down``, ``on`` where it is busy or draws power, else ``idle``."""
        if self.is_down(unit, at_min):
            return "down"
        return "on" if self.heat_on(unit, at_min) or self.power_mw(unit, at_min) > 0 else "idle"

    def is_down(self, unit: str, at_min: float) -> bool:
        """Whether a unit is broken down."""
        return any(name == unit and at <= at_min < at + stop_min for name, at, stop_min in self.stops)

    def power_mw(self, unit: str, at_min: float) -> float:
        """Power of a unit, the mean of the half minute before."""
        at, energy = self._energies[unit]
        if not len(at):
            return 0.0
        end = max(at_min, MEAN_MIN)
        before, now = np.interp((end - MEAN_MIN, end), at, energy)
        return float(now - before) * 60 / MEAN_MIN

    def highest_mw(self, unit: str) -> float:
        """Highest power of a unit in the run."""
        return float(self._ahead.powers[unit].power.max(initial=0.0))

    def site_mw(self, at_min: float) -> float:
        """Net import of the site."""
        line = sum(self.power_mw(unit, at_min) for unit in self.units)
        return round(float(self._rest[self._step(at_min - MEAN_MIN)]) + line, 9)

    @cached_property
    def _rest(self) -> np.ndarray:
        """Net import of the site without what units draw at work, by step [MW]."""
        run = self.run
        remaining = run["import_mw"] - run["export_mw"] - run["line_mw"]
        return np.asarray(remaining + run["idle_mw"] if "idle_mw" in run else remaining)

    @cached_property
    def stores(self) -> dict[str, MeasuredStore]:
        """Everything that has a level, by name."""
        return levels(self.scenario)

    def levels(self, at_min: float) -> dict[str, float]:
        """Level of each store."""
        step_min = self.scenario.horizon.step_min
        stores = self.stores.items()
        return {name: min(max(store.at(self.run, step_min, at_min), 0.0), store.capacity) for name, store in stores}

    def price(self, at_min: float) -> float:
        """Price of electricity, per MWh."""
        return float(self._prices[self._step(at_min)])

    @cached_property
    def _prices(self) -> np.ndarray:
        return self.scenario.inputs["price_per_mwh"].to_numpy()

    def _step(self, at_min: float) -> int:
        horizon = self.scenario.horizon
        return min(max(int(at_min // horizon.step_min), 0), horizon.n_steps - 1)


Value = float | str
Message = tuple[str, Value, datetime]
"""Address, value and time of measurement."""


@dataclass
class Messages:
    """Transmission of a plant's values: noise, losses and changes of order."""

    seed: int = 1
    noise: float = 0.01
    """Standard deviation of numbers, as a share of the largest possible value."""
    lost: float = 0.0
    """Share of messages that never arrive."""
    swapped: float = 0.0
    """Share of messages that arrive after the next one of the same address."""
    _late: dict[str, Message] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Draw from a generator of its own."""
        self._random = np.random.default_rng(self.seed)

    def sent(self, values: Mapping[str, tuple[Value, float]], at: datetime) -> Iterator[Message]:
        """Messages that arrive of the values of a moment, in the order of their arrival.

        Args:
            values: by address; each with the largest possible value, 0 for one without noise.
            at: the moment.
        """
        for address, (value, largest) in values.items():
            noisy = value
            if isinstance(value, float) and largest:
                noisy = value + self.noise * largest * float(self._random.standard_normal())
                noisy = min(max(noisy, 0.0), largest) if value >= 0 else noisy
            lost, swapped = self._random.random(2) < (self.lost, self.swapped)
            if lost:
                continue
            message = (address, noisy, at)
            if swapped and address not in self._late:
                self._late[address] = message
                continue
            yield message
            late = self._late.pop(address, None)
            if late is not None:
                yield late
