"""Horizon of a plan: start, length and time step. Calculations use UTC, input and output the plant's time zone."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, TypeAdapter, ValidationInfo, WithJsonSchema, field_validator

from emberline.scenarios.records.base import Misplaced, Record
from emberline.scenarios.records.instants import read_instant, within_centuries, zone_of, zones
from emberline.scenarios.records.quantity import Hours, PositiveMinutes, convert

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
HALF_YEAR = timedelta(days=182)
LONGEST_STEPS = 400_000
MOMENT_MIN = 5.0
"""Grid of the starts in a printed list, if the time step is a multiple of it [min]."""


def read_moment(raw: Any, zone: str = "") -> datetime | timedelta:
    """Parse a time stamp with offset, or a span after the start of the horizon such as ``14 h`` or ``90 min``."""
    if isinstance(raw, timedelta):
        return raw
    if isinstance(raw, str) and re.fullmatch(r"P(?:\d|T)[0-9DTHMS.]*|-P[0-9DTHMS.]+", raw.strip()):
        return TypeAdapter(timedelta).validate_python(raw.strip())
    if isinstance(raw, str) and re.fullmatch(r"\s*[+-]?[\d.]+\s*[a-z]+\s*", raw):
        minutes = convert(raw, "min")
        if abs(minutes) > LONGEST_MIN:
            raise ValueError(f"{raw.strip()!r} is more than 100 years")
        return timedelta(minutes=minutes)
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        raise ValueError(f"{raw} has no unit; write '{raw} h' after the start, or a time with offset")
    return read_instant(raw, zone)


def _moment(raw: Any, info: ValidationInfo) -> datetime | timedelta:
    return read_moment(raw, zone_of(info))


Moment = Annotated[
    datetime | timedelta,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "description": "a time with offset, or a span after the start such as '14 h'"}),
]


LONGEST_MIN = 100 * 366 * 24 * 60
"""Longest span between a moment and the start of the horizon [min]."""


def clock_hours(times: np.ndarray, zone: str) -> np.ndarray:
    """Return the start of the local hour in which each step begins, naive UTC ``datetime64``, shape (n_steps,).

    Hours are distinguished by their instant, so the hour repeated when clocks go back counts twice. If steps extend
    over the full hour, such as hourly steps from half past, hours begin with a step.

    Args:
        times: start of each step, naive UTC ``datetime64``, evenly spaced.
        zone: IANA name of the time zone.
    """
    minute = pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(zone).minute.to_numpy()
    step = int((times[1] - times[0]) / np.timedelta64(1, "m")) if len(times) > 1 else 1
    return np.asarray(times - (minute // step * step).astype("timedelta64[m]"))


class Horizon(Record):
    """Start, length and time step of the plan.

    ``start`` is a date (local midnight in ``zone``) or a time with offset. The length is given as civil ``days`` in the
    plant's zone, which have 23 or 25 hours when clocks change, or as ``length_h``. Steps count from the start.
    """

    start: date | datetime
    zone: str = "UTC"
    days: int | None = None
    length_h: Hours | None = None
    step_min: PositiveMinutes = 15

    @field_validator("start", mode="before")
    @classmethod
    def _start(cls, raw: Any) -> Any:
        if isinstance(raw, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", raw.strip()):
            try:
                raw = date.fromisoformat(raw.strip())
            except ValueError:
                raise ValueError(f"{raw!r} is not a day of the calendar") from None
        moment = raw if isinstance(raw, date) and not isinstance(raw, datetime) else read_instant(raw)
        within_centuries(moment)
        return moment

    @field_validator("zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        if name not in zones():
            raise ValueError(f"unknown time zone {name!r}; write an IANA name such as Europe/Berlin")
        return name

    @field_validator("step_min")
    @classmethod
    def _step(cls, minutes: float) -> float:
        if minutes != int(minutes) or 60 % int(minutes):
            raise ValueError(
                f"step {minutes:g} min does not divide the hour; use 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60"
            )
        return minutes

    def check(self) -> None:
        if (self.days is None) == (self.length_h is None):
            raise ValueError("give exactly one of days (civil days in the zone) and length_h")
        if self.days is not None and not 1 <= self.days <= 366:
            raise Misplaced(f"must lie between 1 and 366, got {self.days}", "days")
        minutes = (self.end_utc - self.start_utc) / MINUTE
        if minutes % self.step_min:
            text = f"the length of {minutes:g} min is not a whole number of steps of {self.step_min:g} min"
            raise Misplaced(text, "step_min")
        if self.start_utc.second or self.start_utc.microsecond:
            raise Misplaced("must lie on a whole minute", "start")
        if minutes / self.step_min > LONGEST_STEPS:
            raise ValueError(f"{minutes / self.step_min:g} steps are too many (at most {LONGEST_STEPS})")

    @cached_property
    def tz(self) -> ZoneInfo:
        """Time zone of the plant."""
        return ZoneInfo(self.zone)

    @property
    def clocks_change(self) -> bool:
        """Whether clocks change within the horizon, so that an hour is repeated or skipped."""
        instants = (*range(0, int(self.length_min) + 1, 24 * 60), self.length_min)
        return len({self.instant(at).utcoffset() for at in instants}) > 1

    @cached_property
    def start_utc(self) -> datetime:
        """First instant in UTC."""
        if isinstance(self.start, datetime):
            return self.start
        return datetime(self.start.year, self.start.month, self.start.day, tzinfo=self.tz).astimezone(UTC)

    @cached_property
    def end_utc(self) -> datetime:
        """First instant after the horizon in UTC."""
        if self.length_h is not None:
            return self.start_utc + timedelta(hours=self.length_h)
        local = self.start_utc.astimezone(self.tz).replace(tzinfo=None) + timedelta(days=self.days or 1)
        return local.replace(tzinfo=self.tz).astimezone(UTC)

    @property
    def n_steps(self) -> int:
        """Number of time steps."""
        return round(self.length_min / self.step_min)

    @property
    def length_min(self) -> float:
        """Length of the horizon [min]."""
        return (self.end_utc - self.start_utc) / MINUTE

    @property
    def day_share(self) -> float:
        """Share of one day in the horizon, at most 1."""
        return min(timedelta(days=1) / (self.end_utc - self.start_utc), 1.0)

    @property
    def step_h(self) -> float:
        """Length of a time step [h]."""
        return self.step_min / 60

    @cached_property
    def times(self) -> np.ndarray:
        """Start of each step, naive UTC ``datetime64[ns]``, shape (n_steps,)."""
        start = np.datetime64(self.start_utc.replace(tzinfo=None), "ns")
        return start + np.arange(self.n_steps) * np.timedelta64(round(self.step_min * 60), "s")

    def local_days(self) -> list[tuple[range, float]]:
        """Return the steps of each local day and the share of the day that they cover.

        If a day begins within a step, the step belongs to the day in which it begins.
        """
        days, first, step = [], 0, self.step_min
        day = self.instant(0).date()
        while first < self.n_steps:
            begin, end = (self.minutes(datetime(d.year, d.month, d.day, tzinfo=self.tz)) for d in (day, day + DAY))
            last = min(math.ceil(end / step - 1e-9), self.n_steps)
            days.append((range(first, last), min((last - first) * step / (end - begin), 1.0)))
            first, day = last, day + DAY
        return days

    def by_day(self, amount: float, first: float | None = None) -> list[tuple[range, float]]:
        """Return the steps of each local day and its part of a daily amount; ``first`` overrides the first day."""
        days = [(steps, share * amount) for steps, share in self.local_days()]
        return days if first is None else [(days[0][0], first), *days[1:]]

    def local_minutes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return month, weekday (0 is Monday) and minute of the local day for each minute, shape (n_minutes,) each."""
        start = np.datetime64(self.start_utc.replace(tzinfo=None), "ns")
        times = start + np.arange(round(self.length_min)) * np.timedelta64(60, "s")
        local = pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(self.tz)
        return local.month.to_numpy(), local.day_of_week.to_numpy(), (local.hour * 60 + local.minute).to_numpy()

    def begins_on(self, interval_min: float) -> bool:
        """Return whether the start lies on a grid from the full hour, in local time or UTC.

        The grids differ in zones with an offset of half an hour. A meter may use either, and does not change its grid
        when clocks change by half an hour.
        """
        seasons = (self.start_utc, self.start_utc + HALF_YEAR)
        offsets = [at.astimezone(self.tz).utcoffset() or timedelta(0) for at in seasons]
        return any((self.start_utc + by).minute % interval_min == 0 for by in (timedelta(0), *offsets))

    def minutes(self, moment: datetime | timedelta) -> float:
        """Return the minutes from the start of the horizon to a moment."""
        span = moment if isinstance(moment, timedelta) else moment - self.start_utc
        return span / MINUTE

    def instant(self, minutes: float) -> datetime:
        """Return the instant ``minutes`` after the start, in the plant's zone."""
        return (self.start_utc + timedelta(minutes=minutes)).astimezone(self.tz)
