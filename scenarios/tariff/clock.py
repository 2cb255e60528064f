"""Metered intervals by the local clock: their month, day, weekday and minute of the day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd


class Clock:
    """Metered intervals by the clock of a zone.

    Args:
        times: start of each interval, naive UTC ``datetime64[ns]``, shape (n,).
        zone: IANA name.
        interval_min: their length [min].
        holidays: dates that count as another weekday.
        counts_as: the weekday that they count as.

    Raises:
        ValueError: the intervals do not follow each other.
    """

    def __init__(
        self, times: np.ndarray, zone: str, interval_min: float, holidays: Iterable[date], counts_as: int
    ) -> None:
        self.times, self.zone, self.interval_min = times, ZoneInfo(zone), interval_min
        width = np.timedelta64(round(interval_min * 60), "s")
        if times.ndim != 1 or not len(times) or (np.diff(times) != width).any():
            raise ValueError(f"times are not the starts of consecutive metered intervals of {interval_min:g} min")
        self._holidays, self._counts_as = np.array(sorted(holidays), "datetime64[D]"), counts_as
        local = self._local(times)
        self.month, self.weekday, self.minute = self._fields(local)
        # the last instant of each interval, to find windows that cut it
        self.end = self._fields(self._local(times + width - np.timedelta64(1, "s")))
        self.days, self.of_day = _named(local.strftime("%Y-%m-%d"))
        self.months, self.of_month = _named(local.strftime("%Y-%m"))

    def _local(self, times: np.ndarray) -> Any:
        return pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(self.zone)

    def _fields(self, local: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        weekday = local.day_of_week.to_numpy().copy()
        days = local.tz_localize(None).to_numpy("datetime64[D]")
        weekday[np.isin(days, self._holidays)] = self._counts_as
        return local.month.to_numpy(), weekday, local.hour.to_numpy() * 60 + local.minute.to_numpy()

    @property
    def start(self) -> datetime:
        """The first instant, local."""
        return _instant(self.times[0]).astimezone(self.zone)

    @property
    def begins_month(self) -> bool:
        """Whether the horizon begins with a month."""
        return self.start == self._first_of(self.months[0])

    @property
    def begins_day(self) -> bool:
        """Whether the horizon begins with a day."""
        day = date.fromisoformat(self.days[0])
        return _instant(self.times[0]) == datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)

    def _first_of(self, month: str, ahead: int = 0) -> datetime:
        year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + ahead, 12)
        return datetime(year, number + 1, 1, tzinfo=self.zone).astimezone(UTC)

    def share_of(self, month: str) -> float:
        """Share of a month's hours that the intervals cover."""
        whole = self._first_of(month, 1) - self._first_of(month)
        covered = (self.of_month == self.months.index(month)).sum() * timedelta(minutes=self.interval_min)
        return float(covered / whole)

    def refuse_cut(self, name: str, at_start: Any, at_end: Any) -> None:
        """Refuse a window with an edge within an interval."""
        cut = np.flatnonzero(np.any(np.atleast_2d(at_start != at_end), axis=0))
        if len(cut):
            where = _instant(self.times[cut[0]]).astimezone(self.zone).isoformat(timespec="minutes")
            raise ValueError(
                f"{name}: its hours do not lie on metered intervals of {self.interval_min:g} min: "
                f"one from {where} is cut"
            )


def _named(labels: Any) -> tuple[tuple[str, ...], np.ndarray]:
    """Distinct labels in the order of time, and the place of each interval's."""
    names, place = np.unique(labels.to_numpy(str), return_inverse=True)
    return tuple(str(name) for name in names), place


def _instant(time: np.datetime64) -> datetime:
    return datetime.fromtimestamp(int(time.astype("datetime64[s]").astype(int)), UTC)
