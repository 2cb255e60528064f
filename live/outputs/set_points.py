"""Set-points of the plan in force, written to the plant: only those of the allow-list, within range and ramp.

Each value is read back, and comes with a heartbeat and the time until which it holds, so that a controller falls back
by itself when Emberline dies. Whatever is not clear is not written. After the end of a plan each set-point gets its
return value once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import xarray as xr

from emberline.live.connectors.errors import ConnectorError
from emberline.live.tags import Finding, Plant, Quality, Reading, Tag, judge
from emberline.live.tags.loading import SITE, node
from emberline.live.tags.record import SetPoint
from emberline.scenarios.messages import Message
from emberline.scenarios.records.base import Misplaced
from emberline.scenarios.whole_file import write

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


class Stage(StrEnum):
    """Progress of a set-point with a plan."""

    NEW = "new"
    """No value is written yet."""
    ACTIVE = "active"
    """The return value is due when the plan ends."""
    RETURNING = "returning"
    """The return value may have been written, and is not read back yet."""
    OVER = "over"
    """No value is written any more."""


@dataclass
class Use:
    """A set-point in the plan that it was written for last; kept on the disk, before anything is written."""

    plan: str
    address: str
    stage: Stage = Stage.NEW
    values: list[float] = field(default_factory=list)
    """Values that the controller shows if nobody else has written: before and after the last write."""


class SetPoints:
    """Writes the set-points of one plant."""

    def __init__(self, plant: Plant, transport: Transport, memory: Path | None = None) -> None:
        """Write nothing yet.

        Args:
            plant: with its allow-list.
            transport: to the controllers.
            memory: file by which a restart knows what was written; None: it does not.
        """
        self._plant, self._transport, self._memory = plant, transport, memory
        self._settings = plant.live.set_points
        self._uses: dict[str, Use] = {}
        self._at: dict[str, datetime] = {}
        """Time of the last write of this process, by set-point."""
        self._says: dict[str, str] = {}
        """Last reported reason why a return value is not shown yet, by set-point."""
        self._beat = 0
        if memory is not None and memory.is_file():
            for name, row in json.loads(memory.read_text(encoding="utf-8")).items():
                self._uses[name] = Use(row["plan"], row["address"], Stage(row["stage"]), row["values"])

    def step(self, plan: str, schedule: xr.Dataset | None, ends: datetime | None, now: datetime) -> list[Message]:
        """Write what the plan in force says now; after its end the return values, each once.

        A plan that follows another takes its set-points over. A set-point is over for the plan when its return value
        is read back, or when somebody else has written it.

        Args:
            plan: id of the approved advice; empty: none is in force.
            schedule: of the plan.
            ends: until when it is in force.
            now: by the plant's clock.

        Returns:
            Which set-points have ended and why, once for each plan.
        """
        if not self._settings.enabled:
            return []
        text: list[Message] = []
        is_in_force = bool(plan) and schedule is not None and ends is not None and now < ends
        for point in self._settings.allow:
            use = self._uses.get(point.name)
            if use is not None and node(use.address) != node(point.address):
                use = None  # an address that is not allowed any more is not written
            if is_in_force and (use is None or use.plan != plan):
                use = self._take_over(point, use, plan)
            if use is None or use.stage is Stage.OVER:
                continue
            self._uses[point.name] = use
            if is_in_force and use.stage in (Stage.NEW, Stage.ACTIVE):
                assert schedule is not None
                assert ends is not None
                try:
                    until = min(ends, now + timedelta(seconds=point.expires_s))
                    reason = self._follow(point, use, schedule, until, now)
                except (ConnectorError, OSError) as error:
                    reason = str(error)
                if not reason:
                    continue
                text.append(Message("Set-point {name} is not written: {reason}", name=point.name, reason=reason))
            if self._is_due(use):
                text += self._return(point, use)
        return text

    def _is_due(self, use: Use) -> bool:
        """Whether the return value has to be written; what was not written ends without."""
        if use.stage is Stage.NEW:
            self._enter(use, Stage.OVER)
            return False
        return use.stage is not Stage.OVER

    def _take_over(self, point: SetPoint, use: Use | None, plan: str) -> Use:
        """A set-point for a new plan; what an earlier one has written and not returned is this one's to return."""
        self._at.pop(point.name, None)
        self._says.pop(point.name, None)
        if use is None or use.stage in (Stage.NEW, Stage.OVER):
            return Use(plan, point.address)
        assert point.return_value is not None
        attempt = [point.return_value] if use.stage is Stage.RETURNING else []
        return Use(plan, point.address, Stage.ACTIVE, [*use.values, *attempt])

    def _follow(self, point: SetPoint, use: Use, schedule: xr.Dataset, until: datetime, now: datetime) -> str:
        """Write one set-point; why not, if it is not."""
        try:
            desired = target(self._plant, point, schedule, now)
        except Misplaced as error:
            return str(error)
        low, high = point.range
        if desired is None or not math.isfinite(desired):
            return "the plan has no number for it"
        if not low <= desired <= high:
            return f"{desired:g} {point.unit} lies outside its range, {low:g} to {high:g} {point.unit}"
        at = self._at.get(point.name)
        value = self._transport.read(point.address)
        if use.stage is Stage.ACTIVE and math.isfinite(value) and not _is_near(point, value, use.values):
            self._enter(use, Stage.OVER)
            return f"the controller shows {value:g} {point.unit} instead of {use.values[-1]:g}"
        if not math.isfinite(value) or not low <= value <= high:
            return f"the controller's {value:g} {point.unit} lies outside its range"
        if at is not None and (now - at).total_seconds() < point.every_s:
            return ""
        step = point.ramp_per_min * point.every_s / 60
        new = min(max(desired, value - step), value + step)
        self._enter(use, Stage.ACTIVE, value, new)
        self._transport.write(point.address, new)
        back = self._transport.read(point.address)
        if not _is_near(point, back, [new]):
            self._enter(use, Stage.ACTIVE, value, new, back)
            return f"read back {back:g} {point.unit} instead of {new:g}"
        self._at[point.name] = now
        use.values = [new]
        if point.valid_until is not None:
            self._transport.write(point.valid_until, until)
        self._beat = (self._beat + 1) % 2**15
        self._transport.write(point.heartbeat, float(self._beat))
        return ""

    def _return(self, point: SetPoint, use: Use) -> list[Message]:
        """Write the return value, unless it was written or somebody else has written; again until it is read back."""
        assert point.return_value is not None
        name, unit, target_value = point.name, point.unit, point.return_value
        try:
            value = self._transport.read(point.address)
            is_there = _is_near(point, value, [target_value])
            if use.stage is Stage.RETURNING and is_there:
                self._enter(use, Stage.OVER)
                return [_returned(point)]
            if math.isfinite(value) and not _is_near(point, value, use.values):
                self._enter(use, Stage.OVER)
                text = Message(
                    "Set-point {name} is left to the controller, which shows {value:g} {unit}.",
                    name=name,
                    value=value,
                    unit=unit,
                )
                return [text]
            if use.stage is Stage.RETURNING and not math.isfinite(value):
                raise ConnectorError("the controller shows no number")  # it may be there already
            self._enter(use, Stage.RETURNING)
            self._transport.write(point.address, target_value)
            back = self._transport.read(point.address)
            if _is_near(point, back, [target_value]):
                self._enter(use, Stage.OVER)
                return [_returned(point)]
            reason = f"read back {back:g} {unit}"
        except ConnectorError as error:
            reason = str(error)
        if self._says.get(name) == reason:
            return []
        self._says[name] = reason
        text = Message(
            "Set-point {name} does not show its return value {value:g} {unit} yet: {reason}",
            name=name,
            value=target_value,
            unit=unit,
            reason=reason,
        )
        return [text]

    def _enter(self, use: Use, stage: Stage, *values: float) -> None:
        """Keep on the disk what is about to happen; a return does not wait for a disk that is full."""
        use.stage, use.values = stage, list(values) or use.values
        try:
            if self._memory is not None:
                write(self._memory, json.dumps({name: vars(use) for name, use in self._uses.items()}))
        except OSError:
            if stage is Stage.ACTIVE:
                raise


def _returned(point: SetPoint) -> Message:
    return Message(
        "Set-point {name} has ended at its return value {value:g} {unit}.",
        name=point.name,
        value=point.return_value,
        unit=point.unit,
    )


def _is_near(point: SetPoint, value: float, others: Sequence[float]) -> bool:
    """Whether a controller's value is one of others, but for rounding."""
    low, high = point.range
    return any(abs(value - other) <= CLOSE * (high - low) for other in others)


def target(plant: Plant, point: SetPoint, schedule: xr.Dataset, now: datetime) -> float | None:
    """Value of a set-point in a schedule at a moment, in the set-point's unit."""
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


def relied_on(plant: Plant) -> list[Tag]:
    """The site's power, and levels of the battery or of the assets whose flows are written."""
    points = plant.live.set_points.allow
    stores = {"battery" if point.battery else str(point.flow).partition(".")[0] for point in points}
    return [tag for tag in plant.live.tags if tag.power_of == SITE or tag.level_of in stores]


class TagWatch:
    """The newest good value of each tag that set-points rely on; where there is no such tag, of any."""

    def __init__(self, plant: Plant) -> None:
        """Know no value yet."""
        self._plant = plant
        self._tags, self._rule = relied_on(plant), all
        if not self._tags:
            self._tags, self._rule = list(plant.live.tags), any
        self._good: dict[str, Reading] = {}
        self._begin: datetime | None = None

    @property
    def is_ready(self) -> bool:
        """Whether good values have come since the start."""
        return self._rule(tag.name in self._good for tag in self._tags)

    def loss(self, readings: Mapping[str, Reading | str], now: datetime) -> Message | None:
        """Message on a tag without a good value, or on a clock that is off; None: neither is so.

        A single bad value is no loss: the good one before it counts until it is older than the tag allows, or until a
        clock that is off makes it so. At the start a value is waited for as long.
        """
        self._begin = self._begin or now
        losses = [self._of(tag, readings.get(tag.name), now) for tag in self._tags]
        if losses and not self._rule(loss is None for loss in losses):
            return next(filter(None, losses))
        newest = [(tag, readings.get(tag.name)) for tag in self._plant.live.tags]
        ages = [
            (tag, (now - one.at).total_seconds())
            for tag, one in newest
            if isinstance(one, Reading) and one.at is not None
        ]
        if ages and not any(self._is_timely(tag, age) for tag, age in ages):
            return Message("every time of a tag is old or lies in the future: a clock is off")
        return None

    def _of(self, tag: Tag, reading: Reading | str | None, now: datetime) -> Message | None:
        finding: Finding | None = None
        if isinstance(reading, Reading):
            finding = judge(self._plant, tag, reading, now)
            if finding.quality is Quality.OK:
                self._good[tag.name] = reading
                return None
        if tag.name in self._good:
            finding = judge(self._plant, tag, self._good[tag.name], now)
            if finding.quality is Quality.OK:
                return None
        is_waiting = self._begin is not None and (now - self._begin).total_seconds() <= tag.longest_age_s
        age = None if finding is None else finding.age_s
        if is_waiting and (age is None or self._is_timely(tag, age)):
            return None
        text = finding.says if finding is not None else reading or "has no value"
        return Message("{tag} is not measured: {says}", tag=tag.name, says=text)

    def _is_timely(self, tag: Tag, age_s: float) -> bool:
        return -self._plant.live.largest_clock_error_s <= age_s <= tag.longest_age_s
