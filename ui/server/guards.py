"""What stands before the pages, each a small ASGI middleware: headers, origin, sign-in.

The host is checked by Starlette's own ``TrustedHostMiddleware``. Guards read Streamlit's paths and its cookie of
claims, nothing else of it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse

from emberline.ui.server.oidc import CALLBACK

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from emberline.ui.server.oidc import Oidc

FILES = "/media/"
CLOSED = ("/_stcore/", FILES, "/component/", "/app/static/")
"""Paths for those who are signed in alone, where people sign in."""
OPEN = ("/_stcore/health", "/_stcore/host-config", "/_stcore/stream")
"""Of these, what a browser needs before that; over the stream the pages themselves ask to sign in."""
CAME = "_emberline_came_for"
"""Cookie of the page that was asked for before signing in; only what leads back from the provider sees it."""
PAGE = re.compile(r"/[a-z]{0,20}(\?[A-Za-z0-9=&%._-]{0,500})?")
UNUSED = ("/_stcore/metrics", "/_stcore/agent/", "/_stcore/script-health-check")
"""What Streamlit serves to other programs, and nobody here asks for."""

POLICY_VIOLATION = 1008
"""Why a WebSocket is closed (RFC 6455)."""
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
"""Vega draws by its interpreter of expressions: no ``'unsafe-eval'`` is needed."""
FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'"
"""Of a file that is taken along: were it opened in place, it could run nothing."""
ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def content_policy(index: Path) -> str:
    """The Content-Security-Policy of the pages, with the hash of each script that stands in their one HTML file."""
    scripts = re.findall(r"<script>(.*?)</script>", index.read_text(encoding="utf-8"), re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    policy = POLICY | {"script-src": " ".join([POLICY["script-src"], *(f"'sha256-{one}'" for one in hashes)])}
    return "; ".join(f"{name} {value}" for name, value in policy.items())


class SafeHeaders:
    """Headers by which the browser itself lets no other host in."""

    def __init__(self, app: ASGIApp, policy: str, secure: bool) -> None:
        """Args:
        app: what is guarded.
        policy: of the pages' content.
        secure: browsers come by https, so cookies go that way only.
        """
        self.app, self.policy, self.secure = app, policy, secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and add to the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
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


class Closing:
    """A WebSocket that is refused is closed before it is opened, which browsers see as 403.

    The server takes any other answer for a fault of the app, and writes each into the log.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Args:
        app: what is guarded.
        """
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and close instead of answering."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return

        async def closed(message: Message) -> None:
            if message["type"] == "websocket.http.response.start":
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            elif message["type"] != "websocket.http.response.body":
                await send(message)

        await self.app(scope, receive, closed)


class SameOrigin:
    """Only the pages themselves may open a stream or change anything: another site's page in the same browser may not.

    Streamlit checks this too, but asks an outside host for this machine's address first when the origin is foreign.
    """

    def __init__(self, app: ASGIApp, public: str = "") -> None:
        """Args:
        app: what is guarded.
        public: origin that browsers see where a proxy changes the host.
        """
        self.app, self.public = app, public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on or refuse."""
        reads = scope["type"] == "http" and scope["method"] in READING
        if scope["type"] in ("http", "websocket") and not reads and not self._own(Headers(scope=scope)):
            await refuse(403, "another origin")(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _own(self, headers: Headers) -> bool:
        origin = headers.get("origin", "")
        if self.public:
            return origin == self.public
        seen = urlsplit(origin)
        return seen.scheme in ("http", "https") and seen.netloc == headers.get("host")


class Unused:
    """Doors of Streamlit that are kept shut."""

    def __init__(self, app: ASGIApp) -> None:
        """Args:
        app: what is guarded.
        """
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on or refuse."""
        if scope["type"] == "http" and scope["path"].startswith(UNUSED):
            await refuse(404, "not here")(scope, receive, send)
            return
        await self.app(scope, receive, send)


class SignedIn:
    """Files and uploads are for those who are signed in; the pages ask for it themselves."""

    def __init__(self, app: ASGIApp, oidc: Oidc) -> None:
        """Args:
        app: what is guarded.
        oidc: how people sign in.
        """
        self.app, self.oidc = app, oidc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on or refuse."""
        shut = scope["type"] == "http" and scope["path"].startswith(CLOSED) and scope["path"] not in OPEN
        if shut and self.oidc.refuses(_claims(Headers(scope=scope), self.oidc), time.time()):
            await refuse(403, "sign in first")(scope, receive, send)
            return
        await self.app(scope, receive, send)


class CameFor:
    """Whoever asked for a page and had to sign in comes to that page then; Streamlit leads everybody to the first."""

    def __init__(self, app: ASGIApp, oidc: Oidc) -> None:
        """Args:
        app: what is guarded.
        oidc: how people sign in.
        """
        self.app, self.oidc = app, oidc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and keep the page in a cookie, or lead back to it."""
        if scope["type"] != "http" or scope["method"] != "GET":
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
    """Of the cookie that Streamlit has signed; empty where there is none, or it is not signed so."""
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


def refuse(status: int, says: str) -> PlainTextResponse:
    """An answer, to a request or to a WebSocket that is not opened."""
    return PlainTextResponse(says, status_code=status)
