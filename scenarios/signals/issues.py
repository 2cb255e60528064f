"""Archive of issued signal values in the home folder; later values for an interval are added, not replaced.

    home/signals/<source>/<quantity>/<zone>.parquet

For each interval, only values that differ from the previous one are added. The time of the newest issue is stored in
the metadata of the file, so that an issue without changes counts as well.
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
"""Number of decimals stored; a price of 1e-11 is effectively zero and causes numerical problems in solvers."""
NEWEST = b"emberline.newest_issue"
LOCK_S = 60


@dataclass(frozen=True)
class Issue:
    """Values of a signal published at one time."""

    issued: datetime
    licence: str
    starts: np.ndarray
    """Start of each interval, seconds since 1970 UTC."""
    seconds: np.ndarray
    """Length of each interval [s]."""
    values: np.ndarray
    """Values in the unit of the signal; NaN: missing."""
    estimated: np.ndarray
    """Mask of values that are estimates or forecasts."""


@dataclass(frozen=True)
class NewestValues:
    """Newest values of a signal on a regular grid; see :func:`newest_values`."""

    starts: np.ndarray
    seconds: int
    values: np.ndarray
    estimated: np.ndarray
    issued: datetime
    """Time of the newest issue."""
    licence: str


def folder() -> Path:
    """Return the folder of the stored signals."""
    return home().absolute() / "signals"


def stored() -> Iterator[Signal]:
    """Iterate over the signals that have been fetched."""
    for path in sorted(folder().glob("*/*/*.parquet")):
        if not path.name.startswith("."):
            yield signal(f"{path.parent.parent.name}/{path.parent.name}/{path.stem}")


def keep(name: Signal, issue: Issue) -> int:
    """Add an issue to the archive and return the number of new values.

    Raises:
        ValueError: a value lies outside the range of the quantity, so its unit is probably wrong.
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
    """Return all values of a signal as issued, with the columns of the file.

    Raises:
        ValueError: the signal has not been fetched, or the file cannot be read.
    """
    return _table(name)[0].copy()


def newest_values(name: Signal, at: datetime | None = None) -> NewestValues:
    """Return the newest values of a signal, optionally as known at a given time.

    Intervals of different lengths are divided into the shortest. The newest value of each interval is used.

    Raises:
        ValueError: the signal has not been fetched, or the file cannot be read.
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
    """Return issue time and start of the interval (seconds since 1970 UTC) and value of everything ever issued.

    Raises:
        ValueError: the signal has not been fetched, or the file cannot be read.
    """
    frame, _ = _table(name)
    rows, starts, times, _ = _divided(frame)
    return times, starts, frame["value"].to_numpy(float)[rows]


def _divided(frame: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Divide intervals into the shortest; return row, start and issue time of each, and the length [s]."""
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
    except Exception as error:  # the parser raises many types of exception; all mean that the file is unreadable
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
