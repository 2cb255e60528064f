"""The pages as an ASGI app behind its guards, served on one address to known hosts, and its documents."""

from __future__ import annotations

import gc
import html
import json
import logging
import os
import re
import socket
import sys
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse

from emberline.reports.text.language import LANGUAGES, mark, spoken, tr
from emberline.ui.oidc import CALLBACK
from emberline.ui.pages import ADDRESSES, ALIASES, PAGES
from emberline.ui.server import guards
from emberline.ui.server.guards import Guard

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Scope
    from streamlit.starlette import App

    from emberline.ui.oidc import Oidc


DOCUMENT_SCRIPT = Path(__file__).with_name("document.js")
"""Script that the document runs before the pages."""
TEXTS = "{/* by language: what is said, and the button */}"
"""Place of the script's texts in it."""
INCOMPLETE = mark("A part of this page could not be loaded.")
RELOAD = mark("Load again")
PAGE = re.compile(r"[^_./][^./]*")
"""Pattern of a page's address: neither a file nor a path of the server."""
UNKNOWN = mark("There is no page at this address.")
HOME = mark("To the plan")
STYLE = """body { font-family: sans-serif; margin: 20vh auto 0; max-width: 30rem; padding: 0 1rem; color: #1C2530;
  background: #FCFCFB } a { color: #1F6393 }
@media (prefers-color-scheme: dark) { body { color: #E3E8ED; background: #12171D } a { color: #5FA8DA } }"""


def index(original: Path) -> str:
    """The document of all pages, with the product's name and the script above."""
    text = original.read_text(encoding="utf-8")
    text = text.replace("<title>Streamlit</title>", "<title>Emberline</title>")
    script = DOCUMENT_SCRIPT.read_text(encoding="utf-8").replace(TEXTS, json.dumps(dict(_texts())), 1)
    return text.replace("<head>", f"<head>\n    <script>{script}</script>", 1)


def _texts() -> Iterator[tuple[str, tuple[str, str]]]:
    """Texts of a page that could not be loaded, by language."""
    for language in LANGUAGES:
        with spoken(language):
            yield language, (tr(INCOMPLETE), tr(RELOAD))


def unknown(language: str) -> str:
    """The document for an unknown address."""
    with spoken(language):
        text, home = html.escape(tr(UNKNOWN)), html.escape(tr(HOME))
    return (
        f'<!DOCTYPE html><html lang="{language}"><meta charset="utf-8"><title>Emberline</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f'<body><h1>Emberline</h1><p>{text}</p><p><a href="/">{home}</a></p></body></html>'
    )


@dataclass
class Documents(Guard):
    """Answers requests for pages by their document, and those for what is no page by 404."""

    document: str
    """Of the pages."""
    addresses: ClassVar[set[str]] = {*ALIASES, *(ADDRESSES.get(name, name) for name in PAGES)}

    def answer(self, scope: Scope) -> ASGIApp | None:
        """The document, or a refusal; None: no page is asked for."""
        path = scope["path"].strip("/")
        if scope["method"] not in ("GET", "HEAD"):
            return None
        if path in self.addresses:
            return HTMLResponse(self.document, headers={"cache-control": "no-cache"})
        if not PAGE.fullmatch(path) or path == CALLBACK.strip("/"):
            return None
        language = "zh" if Headers(scope=scope).get("accept-language", "").lower().startswith("zh") else "en"
        return HTMLResponse(unknown(language), status_code=404)


SCRIPT = Path(__file__).resolve().parents[2] / "app.py"
"""The folder ``.streamlit`` next to it holds theme and limits, which apply in any working directory."""
HERE = ("localhost", "127.0.0.1", "[::1]")
"""Names by which this machine reaches itself. Any other is refused: it may be a foreign name that points here."""
FIXED = {
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.corsAllowedOrigins": [],
    "server.enableStaticServing": False,
    "server.enableAgentApi": False,
    "server.scriptHealthCheckEnabled": False,
    "server.trustedUserHeaders": "{}",
    "server.baseUrlPath": "",
    "global.developmentMode": False,
    "browser.gatherUsageStats": False,
    "logger.hideWelcomeMessage": True,  # Streamlit's message asks an outside host for this machine's address
    "secrets.files": [],
    "runner.postScriptGC": False,  # garbage collection after each run, even that of a poll; Python collects when needed
    # watching a thousand files delays a new tab most; developers of the pages can turn it on
    "server.fileWatcherType": os.environ.get("STREAMLIT_SERVER_FILE_WATCHER_TYPE", "none"),
}
"""Settings that no configuration file or environment variable of the user may weaken."""


@dataclass(frozen=True)
class Door:
    """Settings for serving the pages: address, host names and sign-in."""

    address: str = "127.0.0.1"
    port: int = 8501
    hosts: tuple[str, ...] = ()
    """Further host names under which browsers may reach the pages."""
    oidc: Oidc | None = None
    browser: bool = False
    """Whether to open the browser."""

    @property
    def url(self) -> str:
        """Address to type into a browser."""
        if self.oidc:
            return self.oidc.origin
        anywhere = self.address in ("0.0.0.0", "::")
        host = "localhost" if anywhere else f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}"

    @property
    def allowed_hosts(self) -> list[str]:
        """All host names that are accepted."""
        return [*HERE, *self.hosts, *([self.oidc.host] if self.oidc else [])]


def build(door: Door) -> App:
    """The ASGI app of the pages with its guards."""
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from streamlit.file_util import get_static_dir
    from streamlit.starlette import App

    from emberline.ui.pages.session import sign_in

    oidc = door.oidc
    sign_in.require(oidc, alone=not door.hosts)
    secure = oidc is not None and oidc.origin.startswith("https:")
    document = index(Path(get_static_dir()) / "index.html")
    policy = guards.content_policy(document)
    middleware = [
        Middleware(guards.SafeHeaders, policy=policy, secure=secure),
        Middleware(guards.Closing),
        Middleware(TrustedHostMiddleware, allowed_hosts=door.allowed_hosts, www_redirect=False),
        Middleware(guards.SameOrigin, public=oidc.origin if oidc else ""),
        Middleware(guards.Unused),
        *([Middleware(guards.SignedIn, oidc=oidc), Middleware(guards.CameFor, oidc=oidc)] if oidc else []),
        Middleware(Documents, document=document),
        Middleware(guards.Uploads),
        Middleware(guards.Tabs),
        Middleware(guards.Messages),
        Middleware(guards.PageInView),
    ]

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncGenerator[dict[str, Any]]:
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # otherwise it logs every tab that is opened
        threading.Thread(target=_warm, name="imports", daemon=True).start()
        _say(door)
        yield {}

    return App(SCRIPT, middleware=middleware, lifespan=lifespan, secrets=oidc.settings() if oidc else None)


def serve(door: Door) -> None:
    """Serve the pages until the process is asked to end."""
    sys.argv[:] = [str(SCRIPT)]  # where Streamlit looks for its configuration
    app = build(door)
    app.run(
        config={
            **FIXED,
            "server.address": door.address,
            "server.port": door.port,
            "server.headless": True,
            "server.maxMessageSize": guards.LARGEST_MESSAGE_MB,
            "server.maxWidgetStateSize": guards.LARGEST_STATE_MB,
            "browser.serverAddress": door.address,
        }
    )


def bind_error(address: str, port: int) -> str:
    """Reason why the address cannot be used; empty if it can."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as trial:
        if os.name != "nt":
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address, port))
            trial.listen(1)
        except OSError as error:
            return os.strerror(error.errno or 0).lower()
    return ""


def _say(door: Door) -> None:
    print(f"Emberline is at {door.url}  (Ctrl-C ends it)", flush=True)
    if door.browser:
        import webbrowser

        threading.Thread(target=webbrowser.open, args=(door.url,), daemon=True).start()


def _warm() -> None:
    """Import what the pages need, and do slow one-time work, while the first browser is still connecting."""
    from emberline.ui.pages import PAGES, module_of

    for name in [*(f"emberline.ui.pages.{page}" for page in PAGES), "netCDF4", "emberline.twin"]:
        with suppress(Exception):  # the page that needs it reports the error
            module_of(name)
        time.sleep(0.001)  # a page that waits for its module is next
    with suppress(Exception):
        import altair

        from emberline.scenarios import bundled, load

        altair.Chart().mark_point().to_dict()  # the first chart reads the grammar of all charts
        load(bundled()[0])
    gc.collect()
    gc.freeze()  # collecting all imported modules would stop every tab for a tenth of a second
