"""Fetching of signals: requests to the source, and storage of the answers in Emberline's home folder."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from emberline.live.signals.polite import Client, Limiter, SourceError
from emberline.live.signals.sources import READERS, Request
from emberline.scenarios.signals.catalogue import Signal
from emberline.scenarios.signals.issues import folder, keep


@dataclass(frozen=True)
class Span:
    """Period for which values are requested."""

    start: datetime
    end: datetime

    def parts(self, days: int) -> list[Span]:
        """Split the span into pieces of at most ``days`` days."""
        pieces, start = [], self.start
        while start < self.end:
            end = min(start + timedelta(days=days), self.end)
            pieces.append(Span(start, end))
            start = end
        return pieces


@dataclass(frozen=True)
class Result:
    """Outcome of fetching a signal."""

    signal: Signal
    values: int
    """Number of values received."""
    news: int
    """Number of values that differ from the stored ones."""
    remarks: tuple[str, ...]


def fetch(
    signal: Signal,
    span: Span,
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    environment: Mapping[str, str] = os.environ,
) -> Result:
    """Fetch a signal and store the received values. Values already stored are kept in every case.

    Args:
        signal: signal to be fetched.
        span: requested period.
        clock: function that returns the time [s since 1970].
        sleep: function that waits a number of seconds.
        environment: variables with accounts, and with the URL of a mirror (``EMBERLINE_<SOURCE>_URL``).

    Raises:
        SourceError: the source returns no values, or its answer cannot be read.
    """
    source = signal.publisher
    lacking = [name for name in source.secrets if not environment.get(name)]
    if lacking:
        raise SourceError(f"{source.title} needs an account; set {' and '.join(lacking)}")
    limiter = Limiter(folder() / f"{signal.source}.requests.json", source.per_minute, clock, sleep)
    mirror = environment.get(f"EMBERLINE_{signal.source.replace('-', '').upper()}_URL")
    client = Client(source.title, mirror or source.url, limiter, source.ban_s)
    values = news = 0
    remarks: list[str] = []
    for part in span.parts(source.days):
        now = datetime.fromtimestamp(clock(), UTC)
        request = Request(signal, part.start, part.end, now, [environment[name] for name in source.secrets])
        try:
            for issue in READERS[signal.source](request, client, remarks):
                values += int((~(issue.values != issue.values)).sum())
                news += keep(signal, issue)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            text = str(error) if type(error) is ValueError else f"{type(error).__name__} {error}"
            raise SourceError(f"{source.title}: the answer cannot be read: {' '.join(text.split())[:200]}") from None
    return Result(signal, values, news, tuple(dict.fromkeys(remarks)))
