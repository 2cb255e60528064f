"""States of process units and measured levels of their stores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import xarray as xr

from emberline import twin
from emberline.live.estimate.heats import HeatInProgress
from emberline.scenarios import Case
from emberline.scenarios.messages import Message

DOWN, ON = "down", "on"


@dataclass
class UnitTracker:
    """States of all units in the order of their detection, and levels of material stores.

    The interface is that of ``HeatTracker``, but heats are ignored.
    """

    scenario: Case
    events: list[Message] = field(default_factory=list)
    """One-line messages on impossible reports since the last state was returned."""
    _states: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    """Changes of state of each unit, with their times [min]."""
    _newest: dict[str, float] = field(default_factory=dict)
    """Time of the newest message of each unit."""
    _levels: dict[tuple[str, int], twin.Measured] = field(default_factory=dict)
    """Last measured level by store and step."""

    def heat(self, unit: str, heat: str, at_min: float) -> None:
        """Ignore the heat, as a process has no heats."""

    def report(self, heat: str, stage: str, unit: str, start_min: float, end_min: float | None) -> None:
        """Reject a job response, as a process has no heats."""
        text = Message("A job response names {heat} ({stage}) on {unit}: unknown.", heat=heat, stage=stage, unit=unit)
        self.events.append(text)

    def state(self, unit: str, state: str, at_min: float) -> None:
        """Process the measured state of a unit."""
        if at_min < self._newest.get(unit, at_min):
            return  # a late message
        self._newest[unit] = at_min
        states = self._states.setdefault(unit, [])
        if not states or states[-1][1] != state:
            states.append((at_min, state))

    def level(self, store: str, level_t: float, at_min: float) -> None:
        """Process the measured level of a store."""
        step = int(at_min // self.scenario.horizon.step_min)
        self._levels[store, step] = twin.Measured(store, at_min, level_t)

    def is_down(self, unit: str) -> bool:
        """Whether a unit is known to be broken down."""
        return self._states.get(unit, [(0.0, "")])[-1][1] == DOWN

    def in_progress(self, now_min: float) -> Iterator[HeatInProgress]:
        """Heats on units; a process has none."""
        del now_min
        return iter(())

    def actuals(self, now_min: float) -> twin.Observations:
        """Stops of units and levels of stores so far."""
        levels = (level for level in self._levels.values() if level.at_min <= now_min)
        return twin.Observations(tuple(self._stops()), tuple(levels))

    def _stops(self) -> Iterator[twin.Stop]:
        for unit, states in self._states.items():
            ends: list[float | None] = [*(at_min for at_min, _ in states[1:]), None]
            for (at_min, state), end_min in zip(states, ends, strict=True):
                if state != ON:
                    yield twin.Stop(unit, at_min, end_min, state == DOWN)

    def intended(self, schedule: xr.Dataset) -> xr.Dataset:
        """Expected run of a schedule after the observations so far (table ``RUN``)."""
        now_min = max(self._newest.values(), default=0.0)
        return twin.expect(self.scenario, schedule, self.actuals(now_min), now_min)
