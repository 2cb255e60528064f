"""Guards in front of the pages, each a small ASGI middleware: headers, origin, sign-in, and limits of tabs.

Starlette's ``TrustedHostMiddleware`` checks the host. Guards read only Streamlit's paths and its cookie of claims.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse

from emberline.ui.oidc import CALLBACK

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from emberline.ui.oidc import Oidc

FILES = "/media/"
CLOSED = ("/_stcore/", FILES, "/component/", "/app/static/")
"""Paths that need sign-in where it is configured."""
OPEN = ("/_stcore/health", "/_stcore/host-config", "/_stcore/stream")
"""Exceptions that a browser needs before sign-in; over the stream the pages themselves ask for it."""
CAME = "_emberline_came_for"
"""Cookie with the page requested before sign-in; only the return from the provider reads it."""
PAGE = re.compile(r"/[a-z]{0,20}(\?[A-Za-z0-9=&%._-]{0,500})?")
UNUSED = ("/_stcore/metrics", "/_stcore/agent/", "/_stcore/script-health-check")
"""Endpoints that Streamlit offers to other programs and that nobody uses here."""

POLICY_VIOLATION = 1008
"""Code for closing a WebSocket (RFC 6455)."""
READING = ("GET", "HEAD", "OPTIONS")
POLICY = {
    "default-src": "'none'",
    "script-src": "'self' blob:",  # blob: is how Streamlit loads the script of a component, such as the twin's player
    "style-src": "'self' 'unsafe-inline'",  # Streamlit makes its styles as it draws
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",  # the WebSocket as well
    "worker-src": "'self' blob:",
    "manifest-src": "'self'",
    "media-src": "'self' blob:",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
}
"""Vega uses its expression interpreter, so ``'unsafe-eval'`` is not needed."""
FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'"
"""Policy of downloaded files: opened in place they cannot run anything."""
ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def content_policy(document: str) -> str:
    """The Content-Security-Policy of the pages, with the hash of each inline script of their document."""
    scripts = re.findall(r"<script>(.*?)</script>", document, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    policy = POLICY | {"script-src": " ".join([POLICY["script-src"], *(f"'sha256-{one}'" for one in hashes)])}
    return "; ".join(f"{name} {value}" for name, value in policy.items())


@dataclass
class Guard:
    """A middleware that looks at some kinds of requests; all others pass."""

    app: ASGIApp
    """The app to guard."""
    kinds: ClassVar[tuple[str, ...]] = ("http",)
    """Types of the requests that it looks at."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Guard the request, or pass it on."""
        await (self.guard if scope["type"] in self.kinds else self.app)(scope, receive, send)

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        await (self.answer(scope) or self.app)(scope, receive, send)

    def answer(self, scope: Scope) -> ASGIApp | None:
        """The response in place of the app's; None: the request passes."""
        return None


@dataclass
class SafeHeaders(Guard):
    """Headers that make the browser reject other hosts."""

    policy: str
    """Content policy of the pages."""
    secure: bool
    """Whether browsers use https, so that cookies must too."""

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add headers to the response."""
        is_file = scope["path"].startswith(FILES)

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(ALWAYS)
                headers["content-security-policy"] = FILE_POLICY if is_file else self.policy
                if is_file:
                    headers.setdefault("cache-control", "private, no-store")
                if self.secure:
                    message["headers"] = [(name, _secured(name, value)) for name, value in message["headers"]]
            await send(message)

        await self.app(scope, receive, dressed)


def _secured(name: bytes, value: bytes) -> bytes:
    if name.lower() != b"set-cookie" or b"; secure" in value.lower():
        return value
    return value + b"; Secure"


class Closing(Guard):
    """Close a refused WebSocket before it opens, which browsers see as 403.

    The server treats any other response as a fault of the app and logs it.
    """

    kinds = ("websocket",)

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and close instead of responding."""

        async def closed(message: Message) -> None:
            if message["type"] == "websocket.http.response.start":
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            elif message["type"] != "websocket.http.response.body":
                await send(message)

        await self.app(scope, receive, closed)


@dataclass
class SameOrigin(Guard):
    """Only the pages themselves may open a stream or change anything; pages of other sites in the same browser may not.

    Streamlit checks this too, but for a foreign origin it first asks an outside host for this machine's address.
    """

    public: str = ""
    """Origin that browsers see where a proxy changes the host."""
    kinds = ("http", "websocket")

    def answer(self, scope: Scope) -> ASGIApp | None:
        """A refusal of what another origin asks for."""
        reads = scope["type"] == "http" and scope["method"] in READING
        return None if reads or self._same_origin(Headers(scope=scope)) else refuse(403, "another origin")

    def _same_origin(self, headers: Headers) -> bool:
        origin = headers.get("origin", "")
        if self.public:
            return origin == self.public
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.netloc == headers.get("host")


class Unused(Guard):
    """Endpoints of Streamlit that stay closed."""

    def answer(self, scope: Scope) -> ASGIApp | None:
        """A refusal of these endpoints."""
        return refuse(404, "not here") if scope["path"].startswith(UNUSED) else None


@dataclass
class SignedIn(Guard):
    """Files and uploads need sign-in; the pages check it themselves."""

    oidc: Oidc
    """Sign-in settings."""

    def answer(self, scope: Scope) -> ASGIApp | None:
        """A refusal of these without sign-in."""
        shut = scope["path"].startswith(CLOSED) and scope["path"] not in OPEN
        refused = shut and self.oidc.refuses(_claims(Headers(scope=scope), self.oidc), time.time())
        return refuse(403, "sign in first") if refused else None


@dataclass
class CameFor(Guard):
    """Return to the requested page after sign-in; Streamlit always leads to the first page."""

    oidc: Oidc
    """Sign-in settings."""

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; store the page in a cookie, or lead back to it."""
        if scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        headers, query = Headers(scope=scope), scope["query_string"].decode("latin-1")
        page = f"{scope['path']}?{query}" if query else scope["path"]
        back = cookie_parser(headers.get("cookie", "")).get(CAME, "")

        async def led(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                if scope["path"] == CALLBACK:
                    if answer.get("location") == "/" and PAGE.fullmatch(back):
                        answer["location"] = back
                elif PAGE.fullmatch(page) and self.oidc.refuses(_claims(headers, self.oidc), time.time()):
                    answer.append("set-cookie", f"{CAME}={page}; Path={CALLBACK}; Max-Age=900; HttpOnly; SameSite=Lax")
            await send(message)

        await self.app(scope, receive, led)


def _claims(headers: Headers, oidc: Oidc) -> dict[str, Any]:
    """Claims in the cookie that Streamlit has signed; empty if there is none or the signature is invalid."""
    from streamlit.auth_util import get_cookie_with_chunks
    from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
    from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

    cookies = cookie_parser(headers.get("cookie", ""))

    def one(name: str) -> bytes | None:
        return decode_signed_value(oidc.cookie_secret, name, cookies.get(name, "").encode("latin-1", "replace"))

    try:
        claims = json.loads(get_cookie_with_chunks(one, USER_COOKIE_NAME) or b"{}")
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) and claims.get("origin") == oidc.origin else {}


def refuse(status: int, text: str) -> PlainTextResponse:
    """A response to a request, or to a WebSocket that is not opened."""
    return PlainTextResponse(text, status_code=status)


UPLOADS = "/_stcore/upload_file/"
LARGEST_STATE_MB = 2
"""Largest message of a tab: the state of all fields of a page."""
LARGEST_MESSAGE_MB = 50
"""Largest message of a page: a chart with its tables."""


@dataclass
class Uploads(Guard):
    """Limit uploads, which stay in memory until their tab is closed, per tab and in total."""

    MAX_FILES, MAX_BYTES = 20, 100_000_000
    """Limits per tab."""
    MAX_IN_ALL = 400_000_000
    AT_ONCE, LONGEST_S = 4, 120.0

    coming: Counter[str] = field(default_factory=Counter)
    """Uploads under way, by tab."""

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on or refuse it."""
        if scope["method"] != "PUT" or not scope["path"].startswith(UPLOADS):
            await self.app(scope, receive, send)
            return
        tab = scope["path"].removeprefix(UPLOADS).partition("/")[0]
        if text := self._full(tab):
            await refuse(507, text)(scope, receive, send)
            return
        self.coming[tab] += 1
        try:
            async with asyncio.timeout(self.LONGEST_S):
                await self.app(scope, receive, send)
        except TimeoutError:  # Streamlit answers once everything has arrived: nothing has been sent yet
            await refuse(408, "too slow")(scope, receive, send)
        finally:
            self.coming[tab] -= 1
            self.coming += Counter()  # drops zero counts

    def _full(self, tab: str) -> str:
        from streamlit.runtime import get_instance

        if self.coming[tab] >= self.AT_ONCE or self.coming.total() >= 2 * self.AT_ONCE:
            return "too many uploads at once"
        manager: Any = get_instance().uploaded_file_mgr
        stored = dict(manager.file_storage)
        sizes = {one: [len(file.data) for file in list(files.values())] for one, files in stored.items()}
        mine = sizes.get(tab, [])
        if len(mine) >= self.MAX_FILES or sum(mine) >= self.MAX_BYTES:
            return "this tab holds too many files; reload it"
        return "too many files are in memory" if sum(map(sum, sizes.values())) >= self.MAX_IN_ALL else ""


@dataclass
class Tabs(Guard):
    """Limit the number of streams: each is a session with its own memory."""

    MAX_OPEN = 200

    open: int = 0
    kinds = ("websocket",)

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on or refuse it."""
        if self.open >= self.MAX_OPEN:
            await refuse(503, "too many open tabs")(scope, receive, send)
            return
        self.open += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.open -= 1


class Messages(Guard):
    """Pass on only these messages of a tab: run a page, stop it, request a file or more of a table.

    Streamlit would also accept: clear all caches, report uncommitted files of the checkout, write files next to the
    app.
    """

    SAYS = ("rerun_script", "stop_script", "file_urls_request", "app_heartbeat", "backend_operation_request")
    ASKS = ("deferred_file", "dataframe_chunk")

    kinds = ("websocket",)

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on permitted messages."""

        async def heard() -> Message:
            while True:
                message = await receive()
                if message["type"] != "websocket.receive" or self._may(message.get("bytes") or b""):
                    return message

        await self.app(scope, heard, send)

    def _may(self, data: bytes) -> bool:
        from streamlit.proto.BackMsg_pb2 import BackMsg

        if len(data) > LARGEST_STATE_MB * 1_000_000:
            return True  # Streamlit closes the stream
        try:
            message = BackMsg.FromString(data)
        except Exception:  # protobuf's own exception, which has no types
            return True  # the same
        kind = message.WhichOneof("type")
        operation = (
            message.backend_operation_request.WhichOneof("payload") if kind == "backend_operation_request" else None
        )
        return kind in self.SAYS and operation in (None, *self.ASKS)


class PageInView(Guard):
    """Let every part be drawn on the page that the tab has in view."""

    kinds = ("websocket",)

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass messages on; what starts a part names the page in view."""
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        in_view = ""  # not known yet on a stream that takes over from a broken one

        async def answer(message: Message) -> None:
            nonlocal in_view
            if data := message.get("bytes"):
                forward = ForwardMsg.FromString(data)
                kind = forward.WhichOneof("type")
                if kind == "navigation":
                    in_view = forward.navigation.page_script_hash
                elif kind == "new_session" and not forward.metadata.run.fragment_ids:
                    in_view = forward.new_session.page_script_hash
                elif kind == "new_session" and in_view and forward.new_session.page_script_hash != in_view:
                    forward.new_session.page_script_hash = in_view
                    message = {**message, "bytes": forward.SerializeToString()}
            await send(message)

        await self.app(scope, receive, answer)
