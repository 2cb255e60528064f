"""Values of signals in the home, kept as issued: a later value for an interval is added and replaces none.

    home/signals/<source>/<quantity>/<zone>.parquet

Of each interval only values that differ from the one before are added. The time of the newest issue stands in the
file's metadata, so that an issue without news counts as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from emberline.scenarios.home import home
from emberline.scenarios.signals.catalogue import Signal, signal
from emberline.scenarios.whole_file import replacing

DIGITS = 6
"""Decimals that are kept: a price of 1e-11 is none, and spoils the arithmetic of a solver."""
NEWEST = b"emberline.newest_issue"
LOCK_S = 60


@dataclass(frozen=True)
class Issue:
    """Values of a signal as they were published at one time."""

    issued: datetime
    licence: str
    starts: np.ndarray
    """Start of each interval, seconds since 1970 UTC."""
    seconds: np.ndarray
    """Length of each interval."""
    values: np.ndarray
    """In the signal's unit; nan: none was given."""
    estimated: np.ndarray
    """Whether each value is an estimate or a forecast."""


@dataclass(frozen=True)
class NewestValues:
    """The newest values of a signal, on an even raster; see :func:`course`."""

    starts: np.ndarray
    seconds: int
    values: np.ndarray
    estimated: np.ndarray
    issued: datetime
    """Time of the newest issue."""
    licence: str


def folder() -> Path:
    """Folder of the stored signals."""
    return home().absolute() / "signals"


def stored() -> Iterator[Signal]:
    """Signals that have been fetched."""
    for path in sorted(folder().glob("*/*/*.parquet")):
        if not path.name.startswith("."):
            yield signal(f"{path.parent.parent.name}/{path.parent.name}/{path.stem}")


def keep(name: Signal, issue: Issue) -> int:
    """Add an issue to what is kept; the number of values that are new.

    Raises:
        ValueError: a value lies outside the quantity's range, so that its unit is likely another one.
    """
    from filelock import FileLock

    measure, present = name.measure, ~np.isnan(issue.values)
    outside = present & ((issue.values < measure.lowest) | (issue.values > measure.highest))
    if outside.any():
        at, value = int(issue.starts[outside][0]), float(issue.values[outside][0])
        raise ValueError(
            f"{name}: {value:g} {measure.unit} at {_stamp(at)} lies outside {measure.lowest:g} to {measure.highest:g}"
        )
    rows = pd.DataFrame(
        {
            "issued_utc": pd.Timestamp(issue.issued).as_unit("s"),
            "time_utc": pd.to_datetime(issue.starts[present], unit="s", utc=True).as_unit("s"),
            "seconds": issue.seconds[present].astype("int32"),
            "value": np.round(issue.values[present].astype(float), DIGITS) + 0.0,  # no negative zero
            "estimated": issue.estimated[present].astype(bool),
            "licence": issue.licence,
        }
    )
    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock"), timeout=LOCK_S):
        before, newest = _read(path) if path.is_file() else (rows.iloc[:0], issue.issued)
        key = ["time_utc", "seconds"]
        earlier = before[before["issued_utc"] <= issue.issued].sort_values("issued_utc", kind="stable")
        last = earlier.drop_duplicates(key, keep="last").set_index(key)
        same = last.reindex(pd.MultiIndex.from_frame(rows[key]))
        news = ~(
            (same["value"].to_numpy() == rows["value"].to_numpy())
            & (same["estimated"].to_numpy() == rows["estimated"].to_numpy())
        )
        frame = rows[news] if before.empty else pd.concat([before, rows[news]], ignore_index=True)
        _write(path, frame, max(newest, issue.issued))
    return int(news.sum())


def table(name: Signal) -> Any:
    """All values of a signal as they were issued, a frame; its columns are those of the file.

    Raises:
        ValueError: nothing of it has been fetched, or the file cannot be read.
    """
    return _table(name)[0].copy()


def newest_values(name: Signal, at: datetime | None = None) -> NewestValues:
    """A signal as it was known at a moment, or as it is.

    Intervals of several lengths are divided into the shortest. Of each the newest value counts.

    Raises:
        ValueError: nothing of it has been fetched, or the file cannot be read.
    """
    frame, newest = _table(name)
    if at is not None:
        frame = frame[frame["issued_utc"] <= at]
        newest = min(newest, at) if frame.empty else frame["issued_utc"].max().to_pydatetime()
    if frame.empty:
        raise ValueError(f"signal {name} has no values; fetch it: emberline signals fetch {name}")
    rows, starts, issued, shortest = _divided(frame)
    order = np.lexsort((rows, issued, starts))
    order = order[np.append(np.diff(starts[order]) != 0, True)]
    rows = rows[order]
    return NewestValues(
        starts[order],
        shortest,
        frame["value"].to_numpy(float)[rows],
        frame["estimated"].to_numpy(bool)[rows],
        newest,
        ", ".join(sorted(set(frame["licence"]))),
    )


def issued(name: Signal) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time of issue and start of the interval, seconds since 1970 UTC, and value: of all that was ever issued.

    Raises:
        ValueError: nothing of it has been fetched, or the file cannot be read.
    """
    frame, _ = _table(name)
    rows, starts, times, _ = _divided(frame)
    return times, starts, frame["value"].to_numpy(float)[rows]


def _divided(frame: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Intervals divided into the shortest: row, start and time of issue of each, and the length [s]."""
    seconds = frame["seconds"].to_numpy()
    shortest = int(np.gcd.reduce(seconds)) if len(seconds) else 3600
    parts = seconds // shortest
    rows = np.repeat(np.arange(len(frame)), parts)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(parts) - parts, parts)
    return rows, _seconds(frame["time_utc"])[rows] + within * shortest, _seconds(frame["issued_utc"])[rows], shortest


def _path(name: Signal) -> Path:
    return folder() / name.source / name.quantity / f"{name.zone}.parquet"


def _table(name: Signal) -> tuple[Any, datetime]:
    path = _path(name)
    if not path.is_file():
        raise ValueError(f"signal {name} has not been fetched yet; fetch it: emberline signals fetch {name}")
    return _cached(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _cached(path: Path, changed: int) -> tuple[Any, datetime]:
    return _read(path)


def _read(path: Path) -> tuple[Any, datetime]:
    import pyarrow.parquet as pq

    try:
        content = pq.read_table(path)
        newest = datetime.fromisoformat(content.schema.metadata[NEWEST].decode())
        return content.to_pandas(), newest
    except Exception as error:  # the parser raises many kinds; to the user the file is unreadable
        raise ValueError(
            f"{path.name} cannot be read: {str(error).splitlines()[0][:120]}; delete it and fetch it again"
        ) from None


def _write(path: Path, frame: Any, newest: datetime) -> None:
    import pyarrow.parquet as pq

    content = pa.Table.from_pandas(frame, preserve_index=False)
    metadata = {**(content.schema.metadata or {}), NEWEST: newest.isoformat().encode()}
    with replacing(path) as partial:
        pq.write_table(content.replace_schema_metadata(metadata), partial)


def _seconds(stamps: Any) -> np.ndarray:
    naive = stamps.dt.tz_convert(UTC).dt.tz_localize(None).to_numpy()
    return np.asarray(naive.astype("datetime64[s]").astype(np.int64))


def _stamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat(timespec="minutes").replace("+00:00", "Z")
