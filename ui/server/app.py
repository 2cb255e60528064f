"""The pages as an ASGI app behind its guards, served on one address to known hosts."""

from __future__ import annotations

import gc
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamlit.starlette import App

    from emberline.ui.oidc import Oidc

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
    """Where and to whom the pages are served."""

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
    from emberline.ui.server import documents, guards, limits

    oidc = door.oidc
    sign_in.require(oidc, alone=not door.hosts)
    secure = oidc is not None and oidc.origin.startswith("https:")
    document = documents.index(Path(get_static_dir()) / "index.html")
    policy = guards.content_policy(document)
    middleware = [
        Middleware(guards.SafeHeaders, policy=policy, secure=secure),
        Middleware(guards.Closing),
        Middleware(TrustedHostMiddleware, allowed_hosts=door.allowed_hosts, www_redirect=False),
        Middleware(guards.SameOrigin, public=oidc.origin if oidc else ""),
        Middleware(guards.Unused),
        *([Middleware(guards.SignedIn, oidc=oidc), Middleware(guards.CameFor, oidc=oidc)] if oidc else []),
        Middleware(documents.Documents, document=document),
        Middleware(limits.Uploads),
        Middleware(limits.Tabs),
        Middleware(limits.Messages),
        Middleware(limits.PageInView),
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
    from emberline.ui.server.limits import LARGEST_MESSAGE_MB, LARGEST_STATE_MB

    app = build(door)
    app.run(
        config={
            **FIXED,
            "server.address": door.address,
            "server.port": door.port,
            "server.headless": True,
            "server.maxMessageSize": LARGEST_MESSAGE_MB,
            "server.maxWidgetStateSize": LARGEST_STATE_MB,
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
