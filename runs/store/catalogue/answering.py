"""Connections to PostgreSQL that time out if the server does not answer.

A server that is stopped or disconnected may leave its connections open: libpq then waits forever, because the operating
system of the other machine still acknowledges data. The server's own time limits do not help there, so each wait has a
limit here.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Generator, Mapping
from typing import Any

import psycopg

ANSWER_S = 5
"""Time limit for establishing a connection, and for locks held by others [s]."""
SILENCE_S = 7.0
"""Maximum silence of a server during a statement [s]; its own limits are shorter, so that it can report the reason."""
PING_S = 2.0
"""Maximum silence when checking a connection [s]; a new connection is tried afterwards."""
SHORTEST_CONNECT_S = 2
"""Minimum connection time-out of libpq [s]."""
SILENT = "the server does not answer"
KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 10_000}
"""TCP settings that end idle connections to unreachable machines."""


class Connection(psycopg.Connection[Any]):
    """Connection whose waits time out; it is then closed, since the result of the statement is unknown."""

    @classmethod
    def to(cls, *address: str, **named: Any) -> Connection:
        """Connect, with default time limits where the address specifies none.

        Raises:
            psycopg.OperationalError: the server is unreachable, refuses or does not answer.
        """
        try:
            return cls.connect(*address, **_options(named))
        except psycopg.errors.ConnectionTimeout as error:
            raise psycopg.OperationalError(SILENT) from error

    def wait(self, gen: Generator[Any, Any, Any], *limits: Any, **more: Any) -> Any:
        """Wait for a statement to complete.

        Raises:
            psycopg.OperationalError: the server did not answer.
        """
        # the only statement outside a transaction is SQLAlchemy's connection check
        return super().wait(self._within(gen, PING_S if self.autocommit else SILENCE_S), *limits, **more)

    def _within(self, gen: Generator[Any, Any, Any], longest_s: float) -> Generator[Any, Any, Any]:
        """Limit the silence during a statement, which psycopg resumes several times a second even without data."""
        until = time.monotonic() + longest_s
        try:
            event = next(gen)
            while True:
                ready = yield event
                if ready:
                    until = time.monotonic() + longest_s
                elif time.monotonic() > until:
                    self.close()
                    raise psycopg.OperationalError(SILENT)
                event = gen.send(ready)
        except StopIteration as done:
            return done.value


def _options(named: Mapping[str, Any]) -> dict[str, Any]:
    limits = f"-c lock_timeout={ANSWER_S}s -c statement_timeout={ANSWER_S + 1}s"
    each_s = max(ANSWER_S // _addresses(str(named.get("host") or "")), SHORTEST_CONNECT_S)
    ours = {"connect_timeout": each_s, "application_name": "emberline", **KEEPALIVE}
    return {**ours, **named, "options": f"{limits} {named.get('options', '')}".strip()}


def _addresses(hosts: str) -> int:
    """Return the number of addresses that are tried in turn; ``localhost`` often has two."""
    count = 0
    for host in hosts.split(","):
        try:
            count += len(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
        except OSError:  # a socket folder, or an unknown host, which the driver will report
            count += 1
    return count
