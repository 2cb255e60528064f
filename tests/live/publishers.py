"""A local server that plays the publishers of signals: answers by path, statuses, and what was requested when."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, str, dict[str, str]]


@dataclass
class Clock:
    """Time of the tests: sleeping advances it."""

    now: float
    naps: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


@dataclass
class Publisher:
    """The server. ``answer`` makes an answer of path and query; a text alone stands for status 200."""

    answer: Callable[[str, dict[str, str]], str | Answer]
    url: str = ""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def publisher(answer: Callable[[str, dict[str, str]], str | Answer]) -> Iterator[Publisher]:
    """A server on a free port."""
    play = Publisher(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            play.requests.append((parts.path, query))
            play.headers.append(dict(self.headers))
            reply = play.answer(parts.path, query)
            status, text, headers = (200, reply, {}) if isinstance(reply, str) else reply
            content = text.encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    play.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield play
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
