"""Set-points of the plan in force, written to the plant: only those of the allow-list, within range and ramp.

Each value is read back, and comes with a heartbeat and the time until which it holds, so that a controller falls back
by itself when Emberline dies. Whatever is not clear is not written.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import xarray as xr

from emberline.live.connectors.errors import ConnectorError
from emberline.live.tags.loading import Plant
from emberline.live.tags.record import SetPoint
from emberline.scenarios.messages import Message
from emberline.scenarios.records.base import Misplaced

CLOSE = 1e-3
"""Share of the range by which a value that is read back may differ."""


class Transport(Protocol):
    """A way to the plant's controllers."""

    def read(self, address: str) -> float:
        """The value of an address now.

        Raises:
            ConnectorError: there is none.
        """

    def write(self, address: str, value: float | datetime) -> None:
        """Write a value.

        Raises:
            ConnectorError: it is refused.
        """


@dataclass
class _Last:
    value: float
    at: datetime


class SetPoints:
    """Writes the set-points of one plant."""

    def __init__(self, plant: Plant, transport: Transport) -> None:
        """Write nothing yet."""
        self._plant, self._transport = plant, transport
        self._settings = plant.live.set_points
        self._last: dict[str, _Last] = {}
        self._blocked: dict[str, str] = {}
        """Set-points that are not written any more in the plan in force, and why."""
        self._plan = ""
        self._beat = 0

    def step(self, plan: str, schedule: xr.Dataset | None, ends: datetime | None, now: datetime) -> list[Message]:
        """Write what the plan in force says now.

        Args:
            plan: id of the approved advice; empty: none is in force, and nothing is written.
            schedule: of the plan.
            ends: until when it is in force.
            now: by the plant's clock.

        Returns:
            What was not written, and why; once for each plan.
        """
        if not self._settings.enabled:
            return []
        if plan != self._plan:
            self._plan, self._blocked = plan, {}
        if not plan or schedule is None or ends is None or now >= ends:
            self._last.clear()
            return []
        says: list[Message] = []
        for point in self._settings.allow:
            if point.name in self._blocked:
                continue
            try:
                reason = self._one(point, schedule, min(ends, now + timedelta(seconds=point.expires_s)), now)
            except ConnectorError as error:
                reason = str(error)
            if reason:
                self._blocked[point.name] = reason
                self._last[point.name] = _Last(math.nan, now)  # the next plan begins where the controller falls back to
                says.append(Message("Set-point {name} is not written: {reason}", name=point.name, reason=reason))
        return says

    def _one(self, point: SetPoint, schedule: xr.Dataset, until: datetime, now: datetime) -> str:
        """Write one set-point; why not, if it is not."""
        try:
            wish = target(self._plant, point, schedule, now)
        except Misplaced as error:
            return str(error)
        low, high = point.range
        if wish is None or not math.isfinite(wish):
            return "the plan has no number for it"
        if not low <= wish <= high:
            return f"{wish:g} {point.unit} lies outside its range, {low:g} to {high:g} {point.unit}"
        last = self._last.get(point.name)
        value = self._transport.read(point.address)
        if not math.isfinite(value) or not low <= value <= high:
            return f"the controller's {value:g} {point.unit} lies outside its range"
        if last is not None and abs(value - last.value) > CLOSE * (high - low):
            return f"the controller shows {value:g} {point.unit} instead of {last.value:g}"
        minutes = point.every_s / 60 if last is None else (now - last.at).total_seconds() / 60
        step = point.ramp_per_min * max(min(minutes, point.every_s / 60), 0.0)
        if last is not None and minutes * 60 < point.every_s:
            return ""
        value = min(max(wish, value - step), value + step)
        self._transport.write(point.address, value)
        back = self._transport.read(point.address)
        if not abs(back - value) <= CLOSE * (high - low):
            return f"read back {back:g} {point.unit} instead of {value:g}"
        self._last[point.name] = _Last(value, now)
        if point.valid_until is not None:
            self._transport.write(point.valid_until, until)
        self._beat = (self._beat + 1) % 2**15
        self._transport.write(point.heartbeat, float(self._beat))
        return ""


def target(plant: Plant, point: SetPoint, schedule: xr.Dataset, now: datetime) -> float | None:
    """What a schedule says of a set-point at a moment, in the set-point's unit."""
    horizon = plant.scenario.horizon
    k = int(horizon.minutes(now) // horizon.step_min)
    if not 0 <= k < horizon.n_steps:
        return None
    if point.battery:
        if "charge_mw" not in schedule:
            return None
        value, unit = float(schedule["charge_mw"][k] - schedule["discharge_mw"][k]), "MW"
    else:
        flows = schedule.get("asset_rate")
        if flows is None or point.flow not in flows["flow"].values:
            return None
        value, unit = float(flows.sel(flow=point.flow)[k]), str(flows["flow_unit"].sel(flow=point.flow).item())
    return value / point.factor(unit)


def addresses(plant: Plant) -> Iterator[str]:
    """Every address that may be written."""
    for point in plant.live.set_points.allow:
        yield point.address
        yield point.heartbeat
        if point.valid_until is not None:
            yield point.valid_until
