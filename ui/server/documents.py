"""The HTML documents of the server: the pages' own, and what is shown for an unknown address."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from emberline.reports.text.language import LANGUAGES, mark, spoken, tr
from emberline.ui.oidc import CALLBACK
from emberline.ui.pages import ADDRESSES, ALIASES, PAGES

SCRIPT = Path(__file__).with_name("document.js")
"""What the document runs before the pages."""
TEXTS = "{/* by language: what is said, and the button */}"
"""Place of the script's texts in it."""
INCOMPLETE = mark("A part of this page could not be loaded.")
RELOAD = mark("Load again")
PAGE = re.compile(r"[^_./][^./]*")
"""What looks like the address of a page: no file, nothing of the server."""
UNKNOWN = mark("There is no page at this address.")
HOME = mark("To the plan")
STYLE = """body { font-family: sans-serif; margin: 20vh auto 0; max-width: 30rem; padding: 0 1rem; color: #1C2530;
  background: #FCFCFB } a { color: #1F6393 }
@media (prefers-color-scheme: dark) { body { color: #E3E8ED; background: #12171D } a { color: #5FA8DA } }"""


def index(original: Path) -> str:
    """The document of all pages, with the product's name and the script above."""
    text = original.read_text(encoding="utf-8")
    text = text.replace("<title>Streamlit</title>", "<title>Emberline</title>")
    script = SCRIPT.read_text(encoding="utf-8").replace(TEXTS, json.dumps(dict(_texts())), 1)
    return text.replace("<head>", f"<head>\n    <script>{script}</script>", 1)


def _texts() -> Iterator[tuple[str, tuple[str, str]]]:
    """Texts of a page that could not be loaded, by language."""
    for language in LANGUAGES:
        with spoken(language):
            yield language, (tr(INCOMPLETE), tr(RELOAD))


def unknown(language: str) -> str:
    """The document for an unknown address."""
    with spoken(language):
        says, home = html.escape(tr(UNKNOWN)), html.escape(tr(HOME))
    return (
        f'<!DOCTYPE html><html lang="{language}"><meta charset="utf-8"><title>Emberline</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f'<body><h1>Emberline</h1><p>{says}</p><p><a href="/">{home}</a></p></body></html>'
    )


class Documents:
    """Answers requests for pages by their document, and those for what is no page by 404."""

    def __init__(self, app: ASGIApp, document: str) -> None:
        """Args:
        app: the app, for all other requests.
        document: of the pages."""
        self.app, self.document = app, document
        self.addresses = {*ALIASES, *(ADDRESSES.get(name, name) for name in PAGES)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        path = scope["path"].strip("/") if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") else None
        if path in self.addresses:
            await HTMLResponse(self.document, headers={"cache-control": "no-cache"})(scope, receive, send)
        elif path is not None and PAGE.fullmatch(path) and path != CALLBACK.strip("/"):
            language = "zh" if Headers(scope=scope).get("accept-language", "").lower().startswith("zh") else "en"
            await HTMLResponse(unknown(language), status_code=404)(scope, receive, send)
        else:
            await self.app(scope, receive, send)
