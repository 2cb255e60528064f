"""Requests to a publisher, limited to the allowed rate and suspended during a ban.

Times of requests and the end of a ban are stored in the home folder, so the limit applies to all processes together.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from filelock import FileLock

from emberline.scenarios import whole_file

MINUTE_S = 60.0
TIMEOUT_S = 30.0
PAUSES_S = (1.0, 4.0)
"""Pauses before the repetitions of a request to a busy publisher [s]."""
LARGEST_MB = 64
LOCK_S = 120
BUSY = (500, 502, 503, 504)
AGENT = "emberline"


class SourceError(Exception):
    """Failure of a source: unreachable, busy, banned, or an unreadable answer. The message is one line."""


@dataclass
class Limiter:
    """Rate limiter for the requests to a source."""

    path: Path
    """File of the source's requests."""
    per_minute: int
    clock: Callable[[], float] = time.time
    """Function that returns the time [s since 1970]."""
    sleep: Callable[[float], None] = time.sleep

    def wait(self, name: str) -> None:
        """Wait until a request is allowed, and record the request.

        Raises:
            SourceError: the source has banned us.
        """
        while True:
            with self._locked() as record:
                now = self.clock()
                until = record["banned_until"]
                # a ban longer than a day results from a wrong clock
                if now < until <= now + 86_400:
                    stamp = datetime.fromtimestamp(until, UTC).isoformat(timespec="minutes").replace("+00:00", "Z")
                    raise SourceError(f"{name} asked us to stay away until {stamp}; nothing was requested")
                recent = [at for at in record["requests"] if now - MINUTE_S < at <= now]
                if len(recent) < self.per_minute:
                    record["requests"] = [*recent, now]
                    return
                pause = recent[0] + MINUTE_S - now
            self.sleep(max(pause, 0.01))

    def ban(self, seconds: float) -> None:
        """Suspend requests for a time."""
        with self._locked() as record:
            record["banned_until"] = self.clock() + seconds

    @contextmanager
    def _locked(self) -> Iterator[dict[str, Any]]:
        """Context manager with the recorded requests; the file is locked meanwhile."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_suffix(".lock"), timeout=LOCK_S):
            record: dict[str, Any] = {"requests": [], "banned_until": 0.0}
            with suppress(OSError, ValueError, TypeError):
                record |= json.loads(self.path.read_text(encoding="utf-8"))
            try:
                yield record
            finally:
                whole_file.write(self.path, json.dumps(record))


@dataclass
class Client:
    """HTTP client for one source."""

    title: str
    """Title of the source in messages. URLs are not shown, as they may contain a token."""
    url: str
    limiter: Limiter
    ban_s: float
    """Length of a ban without a stated end [s]."""

    def get(
        self,
        path: str,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        may_lack: bool = False,
    ) -> str | None:
        """The text at a path; None: there is none, which ``may_lack`` allows.

        Raises:
            SourceError: the source gives none.
        """
        query = f"?{urlencode(parameters)}" if parameters else ""
        address = f"{self.url.rstrip('/')}{path}{query}"
        if urlsplit(address).scheme not in ("http", "https"):
            raise SourceError(f"{self.title}: its address begins with http:// or https://")
        request = urllib.request.Request(address, headers={"User-Agent": AGENT, **(headers or {})})
        for pause in (*PAUSES_S, None):
            self.limiter.wait(self.title)
            try:
                return self._answer(request)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code == 404 and may_lack:
                        return None
                    if error.code == 429:
                        seconds = self._retry_after(error.headers.get("Retry-After"))
                        self.limiter.ban(seconds)
                        raise SourceError(
                            f"{self.title}: too many requests (429); nothing is requested for {seconds:.0f} s"
                        ) from None
                    if error.code not in BUSY or pause is None:
                        raise SourceError(f"{self.title}: {_status(error.code)}") from None
            except (OSError, HTTPException) as error:
                if pause is None:
                    reason = getattr(error, "reason", error)
                    text = getattr(reason, "strerror", None) or str(reason) or type(error).__name__
                    raise SourceError(f"{self.title} cannot be reached: {text[:120]}") from None
            self.limiter.sleep(pause)
        raise AssertionError

    def _answer(self, request: urllib.request.Request) -> str:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            content = answer.read(LARGEST_MB * 1_000_000 + 1)
        if len(content) > LARGEST_MB * 1_000_000:
            raise SourceError(f"{self.title}: the answer has more than {LARGEST_MB} MB")
        return str(content.decode("utf-8", errors="replace"))

    def _retry_after(self, text: str | None) -> float:
        """Waiting time requested by a busy source as a number or a time [s]."""
        if text is None:
            return self.ban_s
        with suppress(ValueError):
            return min(max(float(text), 1.0), 86_400.0)
        with suppress(ValueError):
            return min(max(parsedate_to_datetime(text).timestamp() - self.limiter.clock(), 1.0), 86_400.0)
        return self.ban_s


def _status(code: int) -> str:
    if code in (401, 403):
        return f"refuses the account ({code}); check its token or password"
    if code in (400, 404):
        return f"knows no such zone or time ({code})"
    return f"answers with an error ({code})"
