"""The guards before the pages, each asked by itself: what passes, what is refused, and with which headers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from emberline.ui.oidc import CALLBACK, Oidc
from emberline.ui.server import guards
from emberline.ui.server.guards import CAME, CameFor, Closing, SafeHeaders, SameOrigin, SignedIn, Unused, content_policy

HOST = "emberline.plant.example"
OIDC = Oidc(
    metadata="https://id.example/.well-known/openid-configuration",
    client="emberline",
    secret="secret",
    redirect=f"https://{HOST}/oauth2callback",
    cookie_secret="s" * 32,
)
ASSET = "/component/a.js"


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


def ask(
    guard: Callable[[Any], Any],
    path: str = "/",
    method: str = "GET",
    kind: str = "http",
    query: str = "",
    answers: Mapping[str, str] | None = None,
    **headers: Any,
) -> Answer:
    """A request through a guard to an app that answers 200 with some headers."""
    answer = Answer()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        rows = [(name.encode(), value.encode()) for name, value in (answers or {}).items()]
        await send({"type": "http.response.start", "status": 200, "headers": rows})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            answer.status = message["status"]
            answer.headers = [(name.decode().lower(), value.decode()) for name, value in message["headers"]]
        elif message["type"] == "websocket.close":
            answer.status = 403

    scope = {
        "type": kind, "method": method, "path": path, "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "extensions": {"websocket.http.response": {}},
    }  # fmt: skip
    asyncio.run(guard(app)(scope, receive, send))
    return answer


def cookie(secret: str = OIDC.cookie_secret, **changes: Any) -> str:
    """The cookie of somebody who signed in a minute ago, as Streamlit signs it."""
    claims = {"is_logged_in": True, "aud": "emberline", "iat": time.time() - 60, "origin": OIDC.origin, **changes}
    signed = create_signed_value(secret, "_streamlit_user", json.dumps(claims))
    return f"other=1; _streamlit_user={signed.decode()}"


def signed_in(app: Any) -> Any:
    return SignedIn(app, OIDC)


def came_for(app: Any) -> Any:
    return CameFor(app, OIDC)


# --- who is signed in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/media/a.png", "/_stcore/upload_file/a/b", ASSET, "/app/static/a.js"])
def test_files_are_for_those_who_are_signed_in(path: str) -> None:
    """Proves: a cookie that Streamlit signed for this address opens files; none, another's, an old one do not."""
    assert ask(signed_in, path).status == 403
    assert ask(signed_in, path, cookie=cookie()).status == 200
    assert ask(signed_in, path, cookie=cookie(iat=time.time() - 13 * 3600)).status == 403
    assert ask(signed_in, path, cookie=cookie(aud="other")).status == 403


@pytest.mark.parametrize(
    "value",
    [
        cookie(origin="https://other.example"),
        cookie(origin=None),
        cookie(secret="t" * 32),
        "_streamlit_user=",
        f"_streamlit_user={json.dumps({'is_logged_in': True, 'aud': 'emberline', 'origin': OIDC.origin})}",
        "_streamlit_user=" + create_signed_value(OIDC.cookie_secret, "_streamlit_user", "[1]").decode(),
        "_streamlit_user=" + create_signed_value(OIDC.cookie_secret, "_streamlit_user", "{").decode(),
        "_streamlit_user=" + create_signed_value(OIDC.cookie_secret, "another", "{}").decode(),
    ],
    ids=["another origin", "no origin", "another secret", "empty", "unsigned", "a list", "torn", "another name"],
)
def test_a_cookie_that_was_signed_for_something_else_lets_nobody_in(value: str) -> None:
    """Proves: of claims only those are believed that were signed here, for this address.

    Sensitivity: a cookie of another address of the same provider is signed as well."""
    assert ask(signed_in, ASSET, cookie=value).status == 403


@pytest.mark.parametrize("path", ["/", "/compare", "/_stcore/health", "/_stcore/host-config", "/_stcore/stream"])
def test_pages_ask_for_it_themselves(path: str) -> None:
    """Proves: what a browser needs before anybody signs in is open."""
    assert ask(signed_in, path).status == 200
    assert ask(signed_in, ASSET, kind="websocket").status == 200


def test_the_page_that_was_asked_for_is_kept_until_somebody_is_signed_in() -> None:
    """Proves: its address goes into a cookie that only the way back sees, and that way leads to it once."""
    text = f"{CAME}=/compare?run=1a; Path={CALLBACK}; Max-Age=900; HttpOnly; SameSite=Lax"
    assert ask(came_for, "/compare", query="run=1a")["set-cookie"] == text
    assert ask(came_for, "/compare")["set-cookie"].startswith(f"{CAME}=/compare;")
    assert ask(came_for, "/compare", cookie=cookie())["set-cookie"] == ""
    assert ask(came_for, "/compare", method="POST")["set-cookie"] == ""
    assert ask(came_for, "/compare", kind="websocket") == Answer(200)
    assert ask(came_for, "/media/a.png")["set-cookie"] == ""
    assert ask(came_for, "/compare", query="a=;b")["set-cookie"] == ""
    text = f"{CAME}=/compare?run=1a"
    assert ask(came_for, CALLBACK, answers={"location": "/"}, cookie=text)["location"] == "/compare?run=1a"
    assert ask(came_for, CALLBACK, answers={"location": "/error"}, cookie=text)["location"] == "/error"
    assert ask(came_for, answers={"location": "/"}, path=CALLBACK)["location"] == "/"
    assert ask(came_for, "/other", answers={"location": "/"}, cookie=text)["location"] == "/"
    for evil in ("//evil.example", "https://evil.example", "/a/b", "/compare#a"):
        assert ask(came_for, CALLBACK, answers={"location": "/"}, cookie=f"{CAME}={evil}")["location"] == "/"


# --- where from -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "public", "status"),
    [
        ({"origin": f"https://{HOST}"}, "", 200),
        ({"origin": f"http://{HOST}"}, "", 200),
        ({"origin": "https://evil.example"}, "", 403),
        ({"origin": f"ftp://{HOST}"}, "", 403),
        ({"origin": "null"}, "", 403),
        ({}, "", 403),
        ({"origin": f"https://{HOST}:8"}, "", 403),
        ({"origin": "https://public.example"}, "https://public.example", 200),
        ({"origin": f"https://{HOST}"}, "https://public.example", 403),
        ({}, "https://public.example", 403),
    ],
)
def test_only_the_pages_themselves_change_anything(headers: dict[str, str], public: str, status: int) -> None:
    """Proves: streams and writing requests need the pages' own origin, reading ones and the server's start do not."""

    def same(app: Any) -> Any:
        return SameOrigin(app, public)

    table: dict[str, Any] = {"host": HOST, **headers}
    assert ask(same, kind="websocket", **table).status == status
    for method in ("POST", "PUT", "DELETE"):
        assert ask(same, method=method, **table).status == status, method
    for method in ("GET", "HEAD", "OPTIONS"):
        assert ask(same, method=method, **table).status == 200
    assert ask(same, kind="lifespan", host=HOST).status == 200


def test_unused_doors_are_shut() -> None:
    """Proves: Streamlit's metrics and its other services are not here; streams and pages are."""
    for path in ("/_stcore/metrics", "/_stcore/agent/x", "/_stcore/script-health-check"):
        assert ask(Unused, path).status == 404
        assert ask(Unused, path, kind="websocket").status == 200
    assert ask(Unused, "/_stcore/health").status == 200


def test_a_stream_that_is_refused_is_closed() -> None:
    """Proves: a refused WebSocket is closed before it opens, with no other answer; one that is let in stays."""

    async def sent(app: Any, kind: str) -> list[Any]:
        messages: list[Any] = []

        async def send(message: Any) -> None:
            messages.append(message)

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        scope = {"type": kind, "method": "GET", "path": "/_stcore/stream", "query_string": b"", "headers": []}
        await Closing(app)({**scope, "extensions": {"websocket.http.response": {}}}, receive, send)
        return messages

    async def opening(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})

    assert asyncio.run(sent(guards.refuse(403, "no"), "websocket")) == [{"type": "websocket.close", "code": 1008}]
    assert asyncio.run(sent(opening, "websocket")) == [{"type": "websocket.accept"}]
    assert [message["type"] for message in asyncio.run(sent(guards.refuse(403, "no"), "http"))] == [
        "http.response.start",
        "http.response.body",
    ]


# --- with which headers ---------------------------------------------------------------------------------------------


def test_pages_and_files_carry_their_policies() -> None:
    """Proves: a page has the pages' policy, a file that of files, which nobody else may keep; by https alone a cookie
    is marked so, once."""

    def plain(app: Any) -> Any:
        return SafeHeaders(app, "the pages' policy", secure=False)

    def secure(app: Any) -> Any:
        return SafeHeaders(app, "the pages' policy", secure=True)

    page = ask(plain, answers={"set-cookie": "a=1", "x-frame-options": "ALLOW"})
    assert dict(page.headers).items() >= guards.ALWAYS.items()
    assert (page["content-security-policy"], page["cache-control"]) == ("the pages' policy", "")
    assert [value for name, value in page.headers if name == "x-frame-options"] == ["DENY"]
    assert page["set-cookie"] == "a=1"
    file = ask(plain, "/media/a.png")
    assert (file["content-security-policy"], file["cache-control"]) == (guards.FILE_POLICY, "private, no-store")
    assert ask(plain, "/media/a.png", answers={"cache-control": "no-cache"})["cache-control"] == "no-cache"
    assert ask(secure, answers={"set-cookie": "a=1"})["set-cookie"] == "a=1; Secure"
    assert ask(secure, answers={"set-cookie": "a=1; Secure; Path=/"})["set-cookie"] == "a=1; Secure; Path=/"
    assert ask(secure, answers={"x-other": "a=1"})["x-other"] == "a=1"
    stream = ask(plain, kind="websocket")
    assert (stream.status, stream["content-security-policy"]) == (200, "")


def test_the_pages_policy_names_the_scripts_of_their_file() -> None:
    """Proves: scripts within the HTML run by their hash, and nothing else that is written into a page does."""
    index = "<script>one\n1</script><b>x</b><script>two</script><script src='a.js'></script>"
    rules = dict(rule.split(" ", 1) for rule in content_policy(index).split("; "))
    hashes = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in (b"one\n1", b"two")]
    assert rules["script-src"] == f"'self' blob: 'sha256-{hashes[0]}' 'sha256-{hashes[1]}'"
    assert rules == guards.POLICY | {"script-src": rules["script-src"]}
