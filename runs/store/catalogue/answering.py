"""Connections to PostgreSQL that give up on a server which does not answer.

A server that is stopped, or cut off, may leave its connections open: libpq waits on them without end, for the system
of the other machine still confirms what is sent. The server's own time limits do not help there, so each wait has one.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Generator, Mapping
from typing import Any

import psycopg

ANSWER_S = 5
"""For a server to take a connection, and for a lock that another holds."""
SILENCE_S = 7.0
"""Longest silence of a server while it works on a statement; its own limits are shorter, so that it says why."""
PING_S = 2.0
"""Longest silence when it is asked whether it is there; a new connection is tried then."""
SHORTEST_CONNECT_S = 2
"""Libpq's own."""
SILENT = "the server does not answer"
KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 10_000}
"""Of TCP: an idle connection to a machine that is gone ends."""


class Connection(psycopg.Connection[Any]):
    """A connection whose waits end; it is closed then, for nothing is known of the statement."""

    @classmethod
    def to(cls, *address: str, **named: Any) -> Connection:
        """Connect, with time limits for what the address does not name.

        Raises:
            psycopg.OperationalError: the server is not there, refuses or does not answer.
        """
        try:
            return cls.connect(*address, **_options(named))
        except psycopg.errors.ConnectionTimeout as error:
            raise psycopg.OperationalError(SILENT) from error

    def wait(self, gen: Generator[Any, Any, Any], *limits: Any, **more: Any) -> Any:
        """Run a statement to its end.

        Raises:
            psycopg.OperationalError: the server did not answer.
        """
        # SQLAlchemy's question whether the server is there is the one statement outside a transaction
        return super().wait(self._within(gen, PING_S if self.autocommit else SILENCE_S), *limits, **more)

    def _within(self, gen: Generator[Any, Any, Any], longest_s: float) -> Generator[Any, Any, Any]:
        """The same statement; psycopg resumes it several times a second, with nothing where nothing has come."""
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
    """Number of addresses that are tried one after the other. ``localhost`` often has two."""
    count = 0
    for host in hosts.split(","):
        try:
            count += len(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
        except OSError:  # a folder of sockets, or no such host, as the driver will say
            count += 1
    return count
