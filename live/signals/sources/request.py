"""Request for values of a signal, and conversion of the answer to an issue."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from emberline.live.signals.polite import Client
from emberline.scenarios.signals.catalogue import Signal
from emberline.scenarios.signals.issues import Issue


@dataclass(frozen=True)
class Request:
    """Request for values of a signal from ``start`` to ``end``."""

    signal: Signal
    start: datetime
    end: datetime
    now: datetime
    account: list[str]
    """Token, or user and password."""

    @property
    def span_s(self) -> tuple[int, int]:
        """Start and end, seconds since 1970 UTC."""
        return int(self.start.timestamp()), int(self.end.timestamp())

    def issue(
        self,
        rows: Sequence[tuple[int, float | None, bool]],
        seconds: int | Sequence[int],
        issued: datetime | None = None,
        licence: str | None = None,
    ) -> Issue:
        """The issue of an answer.

        Args:
            rows: start of the interval, value, whether it is estimated; outside the request they are left out.
            seconds: length of the intervals, or of each.
            issued: as the source states it; it does not lie in the future, whatever the source's clock says.
            licence: as the source states it.
        """
        start, end = self.span_s
        lengths = [seconds] * len(rows) if isinstance(seconds, int) else list(seconds)
        inside = [i for i, row in enumerate(rows) if row[0] + lengths[i] > start and row[0] < end]
        return Issue(
            min(issued or self.now, self.now).astimezone(UTC),
            licence or self.signal.publisher.licence,
            np.array([rows[i][0] for i in inside], dtype=np.int64),
            np.array([lengths[i] for i in inside], dtype=np.int64),
            np.array([number(rows[i][1]) for i in inside], dtype=float),
            np.array([rows[i][2] for i in inside], dtype=bool),
        )


Reader = Callable[[Request, Client, list[str]], Iterator[Issue]]
"""Function that yields the issues of a request and adds remarks for the user to the list."""


def number(raw: Any) -> float:
    """A value of an answer; null is none.

    Raises:
        ValueError: it is no finite number.
    """
    if raw is None:
        return float("nan")
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not np.isfinite(raw):
        raise ValueError(f"{str(raw)[:40]!r} is no number")
    return float(raw)


def document(text: str | None) -> dict[str, Any]:
    """An answer in JSON.

    Raises:
        ValueError: it is cut off, or no mapping.
    """
    try:
        data = json.loads(text or "")
    except ValueError:
        raise ValueError("it is no JSON, or is cut off") from None
    if not isinstance(data, dict):
        raise ValueError("it is no mapping")
    return data


def instant(text: str) -> datetime:
    """A time of an answer; without offset it is UTC.

    Raises:
        ValueError: it is none.
    """
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def stamp(at: datetime, pattern: str = "%Y-%m-%dT%H:%MZ") -> str:
    """Format a time in UTC as required by a source."""
    return at.astimezone(UTC).strftime(pattern)


def second(text: str) -> int:
    """A time of an answer, seconds since 1970 UTC."""
    return int(instant(text).timestamp())


def even(starts: Sequence[int], otherwise: int) -> int:
    """Length of the intervals that begin at some times: the shortest distance."""
    gaps = np.diff(np.unique(np.asarray(starts, dtype=np.int64)))
    return int(gaps.min()) if len(gaps) else otherwise
