"""Parse times in common formats to seconds since 1970 UTC: any order of day, month and year, with or without offset.

Local times without offset are ambiguous when clocks change. The repeated hour in autumn is resolved by its order in the
file. If it occurs only once, or if a time is skipped in spring, the file is rejected with the line number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import tzinfo

import numpy as np
import pandas as pd

from emberline.scenarios.importing.mapping import Mapping, Order

Refuse = Callable[[np.ndarray, str], None]
"""Function called with a mask of valid rows, shape (n,), and a message for the others."""
OFFSET = r"(?:Z|UTC|[+-]\d{2}:?\d{2})$"
TIMESTAMP = re.compile(
    r"(?P<a>\d{1,4})[-./](?P<b>\d{1,2})[-./](?P<c>\d{1,4})"
    r"(?:[T ,]+(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?(?:[:.](?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"\s*(?P<half>[AaPp][Mm])?)?"
    r"\s*(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?"
)
EARLIEST, LATEST = 31_536_000, 7_289_654_400
"""1971 and 2201 in seconds since 1970."""
OUTSIDE, ONE_DAY = "lies outside 1971 to 2200", 86_400
PLACES: dict[Order, str] = {"year first": "abc", "day first": "cba", "month first": "cab"}
"""Groups of year, month and day in ``TIMESTAMP``."""
EXAMPLES = {"year first": "2026-03-10 06:00", "day first": "10.03.2026 06:00", "month first": "03/10/2026 06:00"}
EPOCH = {"unix seconds": 1.0, "unix milliseconds": 1e-3}


def utc_seconds(stamps: pd.Series, mapping: Mapping, refuse: Refuse, *, local: bool = False) -> np.ndarray:
    """Convert times to seconds since 1970 UTC, shape (n,); rejected times are 0.

    Args:
        stamps: times as in the file.
        mapping: format of the times.
        refuse: function called for times that cannot be read.
        local: whether to keep times without offset in local time.
    """
    certain = np.full(len(stamps), True)

    def note(good: np.ndarray, text: str) -> None:  # report only one mistake per row
        refuse(good | ~certain, text)
        certain[~good] = False

    if pd.api.types.is_datetime64_any_dtype(stamps):
        index = pd.DatetimeIndex(stamps)
        missing, zoned = np.asarray(index.isna()), np.full(len(index), index.tz is not None)
        naive = index.tz_convert("UTC").tz_localize(None) if index.tz is not None else index
        seconds = np.where(missing, 0, naive.as_unit("s").asi8)
        offsets = np.zeros(len(index), dtype=np.int64)
        note(~missing, "is empty")
    elif mapping.order in EPOCH:
        values = pd.to_numeric(stamps, errors="coerce").to_numpy(float) * EPOCH[mapping.order]
        missing = ~np.isfinite(values) | (np.abs(values) > LATEST)
        note(~missing, f"is not a time in {mapping.order}")
        seconds, zoned = np.where(missing, 0, values).round().astype(np.int64), np.full(len(values), True)
        offsets = np.zeros(len(values), dtype=np.int64)
    else:
        seconds, offsets, zoned, missing = _parse(stamps, mapping, note)
    # reject distant times before time zones are applied, since the calendar is limited
    near = (seconds > EARLIEST - ONE_DAY) & (seconds < LATEST + ONE_DAY)
    note(missing | near, OUTSIDE)
    missing = missing | ~near
    mask, seconds = ~missing, np.where(near, seconds, 0)
    if mask.any() and zoned[mask].any() != zoned[mask].all():
        first = zoned[mask][0]
        note(missing | (zoned == first), "times with and without offset are mixed; write all of one kind")
        return np.zeros(len(seconds), dtype=np.int64)
    if mask.any() and zoned[mask].all():
        seconds = seconds - offsets
    elif not local and mapping.tz is None:
        note(missing, "has no offset; say the zone of the times, such as UTC or Europe/Berlin")
        return np.zeros(len(seconds), dtype=np.int64)
    elif not local and mapping.tz is not None:
        seconds = localized(seconds, mask, mapping.tz, mapping.zone or "", note)
    note(missing | ((seconds > EARLIEST) & (seconds < LATEST)), OUTSIDE)
    return np.where(mask & certain, seconds, 0)


def on_the_wall(stamps: pd.Series, mapping: Mapping) -> np.ndarray:
    """Convert times to local time [s], shape (n,); times in UTC are converted to the zone, others kept as written.

    Args:
        stamps: times as in the file.
        mapping: format of the times, and the zone.
    """
    utc = mapping.order in EPOCH
    if isinstance(stamps.dtype, pd.DatetimeTZDtype):
        utc = str(stamps.dtype.tz) == "UTC"
        stamps = stamps.dt.tz_localize(None)
    elif not utc and not pd.api.types.is_datetime64_any_dtype(stamps):
        text = cleaned(stamps)
        utc = bool(text.str.contains(r"\d\s*(?:Z|UTC|[+-]00:?00)$").all())
        stamps = text.where(~text.str.contains(":"), text.str.replace(rf"\s*{OFFSET}", "", regex=True))
    seconds = utc_seconds(stamps, mapping, lambda good, sentence: None, local=True)
    if utc and mapping.tz is not None:
        local = pd.DatetimeIndex(seconds.astype("datetime64[s]"), tz="UTC").tz_convert(mapping.tz)
        seconds = np.where(seconds == 0, 0, local.tz_localize(None).as_unit("s").asi8)
    return seconds


def _parse(
    stamps: pd.Series, mapping: Mapping, refuse: Refuse
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return local seconds, offsets [s], a mask of times with offset and a mask of invalid times, shape (n,) each."""
    text = cleaned(stamps)
    parts = text.str.extract(rf"^(?:{TIMESTAMP.pattern})$")
    number = {
        name: pd.to_numeric(parts[name], errors="coerce").fillna(0).to_numpy(np.int64)
        for name in ("a", "b", "c", "hour", "minute", "second")
    }
    year, month, day = (number[part] for part in PLACES[mapping.order])
    short = (parts[PLACES[mapping.order][0]].str.len() <= 2).to_numpy(bool, na_value=False)
    year = np.where(short, year + 2000, year)
    half = parts["half"].str.lower()
    hour = number["hour"] % np.where(half.notna(), 12, 100) + np.where(half == "pm", 12, 0)
    frame = {"year": year, "month": month, "day": day}
    days = pd.to_datetime(pd.DataFrame(frame), errors="coerce")
    # the end of a day may be written as hour 24
    clock = (hour < 24) | ((hour == 24) & (number["minute"] == 0) & (number["second"] == 0))
    good = parts["a"].notna().to_numpy() & days.notna().to_numpy() & clock & (number["minute"] < 60)
    good &= number["second"] < 60
    refuse(good | (text == "").to_numpy(), f"is not a time with the {mapping.order}, as in {EXAMPLES[mapping.order]}")
    refuse((text != "").to_numpy(), "is empty")
    midnight = days.fillna(pd.Timestamp(0)).dt.as_unit("s").astype("int64").to_numpy()
    seconds = midnight + hour * 3600 + number["minute"] * 60 + number["second"]
    zone = parts["zone"].fillna("")
    sign = np.where(zone.str.startswith("-"), -1, 1)
    digits = zone.str.replace(r"\D", "", regex=True)
    numbers = pd.to_numeric(digits, errors="coerce").fillna(0).to_numpy(np.int64)
    offsets = sign * (numbers // 100 * 3600 + numbers % 100 * 60)
    return np.where(good, seconds, 0), offsets, (zone != "").to_numpy(), ~good


def cleaned(stamps: pd.Series) -> pd.Series:
    """Convert times to text; spans are reduced to their start."""
    text = stamps.astype(object).where(stamps.notna(), "").astype(str).str.strip()
    return text.str.replace(r"\s+(?:-|–|to)\s+\d.*$", "", regex=True)


def localized(seconds: np.ndarray, mask: np.ndarray, zone: tzinfo, name: str, refuse: Refuse) -> np.ndarray:
    """Convert local seconds to seconds since 1970 UTC; repeated local times are resolved by their order."""
    early, late, exists = on_wall(seconds, zone)
    refuse(
        exists | ~mask,
        f"is a local time that the change of clocks in {name} skips; is the file in UTC, or in winter time all year "
        "(zone +01:00 or the like)?",
    )
    places = np.flatnonzero(mask & exists & (early != late))
    if not len(places):
        return early
    same = pd.Series(seconds[places]).groupby(seconds[places])
    rank, count = same.cumcount().to_numpy(), same.transform("size").to_numpy()
    once = np.full(len(seconds), False)
    once[places[count != 2]] = True
    refuse(
        ~once,
        f"is a local time that the change of clocks in {name} has twice, and the file does not have it twice; write "
        "offsets, or give a file in UTC",
    )
    rising = np.median(np.diff(seconds[mask])) >= 0
    first = (rank == 0) if rising else (rank == count - 1)
    early[places] = np.where(first, early[places], late[places])
    return early


def on_wall(seconds: np.ndarray, zone: tzinfo) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the first and last instant of local times, which differ if clocks go back, and whether they exist.

    Args:
        seconds: local time in seconds, shape (n,).
        zone: time zone.

    Returns:
        First and last instant in seconds since 1970 UTC, and a mask of existing times, shape (n,) each.
    """
    wall = pd.DatetimeIndex(seconds.astype("datetime64[s]"))
    times_on_wall = []
    for first in (True, False):
        local = wall.tz_localize(zone, ambiguous=np.full(len(wall), first), nonexistent="NaT")
        times_on_wall.append(np.array(local.tz_convert("UTC").tz_localize(None), dtype="datetime64[s]"))
    exists = ~np.isnat(times_on_wall[0])
    early, late = (np.where(exists, times, np.datetime64(0, "s")).astype(np.int64) for times in times_on_wall)
    return early, late, exists
