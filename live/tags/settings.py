"""Records of ``live.yaml`` for the loop: its clock, when it plans, where advice goes, and the allowed set-points."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, Field, model_validator

from emberline.scenarios.records.base import NAME, Misplaced, Record


class Clock(Record):
    """The plant's clock where it is not that of this computer: a simulated plant in accelerated time."""

    at: AwareDatetime
    """A moment of this computer's clock."""
    plant: AwareDatetime
    """What the plant's clock shows then."""
    speed: float = Field(gt=0, le=10_000)
    """Seconds of the plant in a second of this computer."""

    def now(self, real: datetime | None = None) -> datetime:
        """The plant's time at a moment of this computer."""
        return self.plant + ((real or datetime.now(UTC)) - self.at) * self.speed


class LoopSettings(Record):
    """When the loop plans again, and how."""

    read_every_s: float = Field(default=5, gt=0, le=600)
    """By this computer's clock."""
    plan_every_min: float = Field(default=240, ge=15, le=2880)
    """At least so often, whatever happens."""
    rest_min: float = Field(default=15, ge=0, le=240)
    """Shortest time between two plannings, requests left out."""
    late_min: float = Field(default=10, gt=0, le=600)
    """A heat that is expected so much later than planned is a deviation."""
    price_change: float = Field(default=1, ge=0)
    """Mean change of prices of the coming hours that is worth a plan, in the currency per MWh."""
    frozen_min: float = Field(default=30, ge=0, le=480)
    """What begins within this time stays as it is; rounded up to whole metered intervals."""
    look_ahead_h: float = Field(default=24, ge=1, le=336)
    keep_share: float = Field(default=0.005, ge=0, lt=1)
    """A plan that is better by less than this share of its goal is not advised."""
    expires_min: float = Field(default=60, ge=5, le=1440)
    """How long advice can be approved."""
    plan_expires_h: float = Field(default=36, ge=1, le=336)
    """How long an approved plan stays in force."""


class HistorySettings(Record):
    """Where measured values are kept, and how long."""

    database_from: str | None = None
    """Environment variable with the SQLAlchemy URL of a PostgreSQL database; none: Parquet files in the home."""
    keep_days: float = Field(default=730, ge=1, le=36_500)


class Publication(Record):
    """A place that advice is sent to, besides the page *Shift*."""

    kind: Literal["webhook", "mqtt", "job_orders"]
    url: str | None = None
    """Of a webhook."""
    connector: str | None = None
    """Through which MQTT messages or job orders go."""
    topic: str = "emberline/advice"
    address: str | None = None
    """Node id of the ISA-95 job order receiver."""

    @model_validator(mode="after")
    def _keys(self) -> Publication:
        required = {"webhook": ("url",), "mqtt": ("connector",), "job_orders": ("connector", "address")}[self.kind]
        for key in required:
            if getattr(self, key) is None:
                raise Misplaced("is required", key)
        if self.url is not None and not self.url.startswith(("https://", "http://")):
            raise Misplaced("begins with https:// or http://", "url")
        return self


class SetPoint(Record):
    """A value that Emberline may write. Nothing is written that is not listed, or while ``set_points`` is off."""

    name: str = Field(pattern=NAME)
    connector: str
    address: str = Field(min_length=1, max_length=2000)
    of: str
    """Asset, or ``battery``, whose planned power it is."""
    unit: str
    range: tuple[float, float]
    """Lowest and highest value that may be written, in ``unit``."""
    ramp_per_min: float = Field(gt=0)
    """Largest change in a minute, in ``unit``."""
    safe: float
    """Value that is written when the plan expires or its data are stale."""
    read_back: float = Field(default=0.01, gt=0)
    """Largest difference between what was written and what is read back, as a share of the range."""

    @model_validator(mode="after")
    def _order(self) -> SetPoint:
        low, high = self.range
        if not low < high:
            raise Misplaced("the first number is below the second", "range")
        if not low <= self.safe <= high:
            raise Misplaced("lies in the range", "safe")
        return self


class SetPoints(Record):
    """Set-points: off unless ``on`` is true."""

    on: bool = False
    allowed: tuple[SetPoint, ...] = Field(default=(), max_length=1000)
    heartbeat: str | None = None
    """Address of a counter that rises with every cycle, so that the controller sees that Emberline is alive."""
    heartbeat_connector: str | None = None
    expires_s: float = Field(default=120, gt=0, le=3600)
    """A plan's set-points are written as long after its last estimate; then the safe values."""
