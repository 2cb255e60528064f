"""Fetching a signal: the requests of its source, and what they bring, kept in the home."""

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
    """From when to when values are wanted."""

    start: datetime
    end: datetime

    def parts(self, days: int) -> list[Span]:
        """The span in pieces of so many days at most."""
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
    """That came."""
    news: int
    """That differ from what was kept."""
    remarks: tuple[str, ...]


def fetch(
    signal: Signal,
    span: Span,
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    environment: Mapping[str, str] = os.environ,
) -> Result:
    """Fetch a signal and keep what comes. What is kept already stays, whatever happens.

    Args:
        signal: the signal.
        span: from when to when.
        clock: seconds since 1970.
        sleep: waits some seconds.
        environment: accounts, and ``EMBERLINE_<SOURCE>_URL`` of a mirror.

    Raises:
        SourceError: the source gives none, or what it sends cannot be read.
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
