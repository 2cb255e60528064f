"""Activity data from the history: the energy of each day that a power tag has measured."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import numpy as np

from emberline.live.history.history import History
from emberline.live.tags import Plant, Quality

COVERED = 0.95
"""Share of a day that must be measured; the day's mean stands for the rest of it, other days are left out."""


def daily_energy(plant: Plant, history: History, tag: str, first: date, last: date) -> Iterator[tuple[date, float]]:
    """Days by the plant's clock, and the energy of each [MWh]; days with too little data are left out.

    A value holds until the next one, at most as long as the tag's longest age.

    Args:
        plant: with the tag.
        history: of the plant.
        tag: name of a tag of a power.
        first: day.
        last: day.

    Raises:
        ValueError: there is no such tag, or it measures no power.
    """
    record = next((one for one in plant.live.tags if one.name == tag), None)
    powers = [one.name for one in plant.live.tags if one.power_of is not None]
    if record is None or record.power_of is None:
        raise ValueError(f"{tag[:40]!r} is no tag of a power; there are {', '.join(powers) or 'none'}")
    begin = [datetime(day.year, day.month, day.day, tzinfo=plant.scenario.horizon.tz) for day in _days(first, last)]
    longest_s = record.longest_age_s
    table = history.table(begin[0] - timedelta(seconds=longest_s), begin[-1], [tag])
    rows = [
        (at.timestamp(), value)
        for at, value, quality in zip(
            *(table[name].to_pylist() for name in ("time_utc", "value", "quality")), strict=True
        )
        if value is not None and quality == Quality.OK.value
    ]
    if not rows:
        return
    at, power_mw = np.array(sorted(dict(rows).items())).T
    over = np.minimum(np.append(at[1:], np.inf), at + longest_s)
    for day, start, end in zip(_days(first, last), begin, begin[1:], strict=False):
        seconds = np.clip(np.minimum(over, end.timestamp()) - np.maximum(at, start.timestamp()), 0.0, None)
        whole_s, measured_s = end.timestamp() - start.timestamp(), float(seconds.sum())
        if measured_s >= COVERED * whole_s:
            yield day, float(seconds @ power_mw) / measured_s * whole_s / 3600


def _days(first: date, last: date) -> list[date]:
    """The days and the one after them."""
    return [first + timedelta(days=i) for i in range((last - first).days + 2)]
