"""The pages in a real browser: what is waited for, how one goes about, and what must never happen meanwhile.

Nothing waits for a span of time: a page is looked at again until it has been at rest for a while, since a page that is
drawn again shows the old fields next to the new ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Locator, Page, TimeoutError, WebSocket, expect

from emberline.reports.text.language import catalogue
from emberline.ui.pages import PAGES, SECTIONS

WAIT_MS = 90_000
LOOK_MS = 100
LOOKS = 5
"""As often in a row must a page be found at rest."""
STICKS_OUT = """() => {
  const wide = window.innerWidth + 1;
  const seen = [...document.querySelectorAll('button, input, svg.marks, h1, h2, h3, [data-testid="stMetric"]')];
  return [...seen.filter(one => one.checkVisibility() && !one.closest('[role="tablist"], [data-testid="stDataFrame"]'))
      .filter(one => { const box = one.getBoundingClientRect(); return box.width && box.right > wide; })
      .map(one => one.outerHTML.slice(0, 120))];
}"""
SIDEWAYS = """() => [document.documentElement, document.querySelector('[data-testid="stMain"]')]
  .some(part => part.scrollWidth > part.clientWidth + 1)"""
"""Whether the page itself scrolls sideways, and not a part of it alone."""

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}


class Watched:
    """What went wrong on a page: errors in the console, exceptions, and hosts that are not its own server."""

    def __init__(self, page: Page, server: str) -> None:
        self.wrong: list[str] = []
        part = (server, server.replace("http", "ws", 1), "data:", "blob:")
        page.on("console", self._says)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda sent: None if sent.url.startswith(part) else self.wrong.append(sent.url))

    def _says(self, console_message: ConsoleMessage) -> None:
        where = str(console_message.location.get("url", ""))
        if console_message.type == "error":
            self.wrong.append(f"{console_message.text} {where}")


@contextmanager
def recorded(page: Page) -> Iterator[None]:
    """Context manager that adds the requests, messages and elements of a tab to an error within."""
    lines: list[str] = []
    page.on("console", lambda one: lines.append(f"console {one.type}: {one.text}"))
    page.on("pageerror", lambda error: lines.append(f"error {error}"))
    page.on("requestfailed", lambda one: lines.append(f"failed {one.url} {one.failure}"))
    page.on("response", lambda one: lines.append(f"{one.status} {one.url}"))
    page.on("framenavigated", lambda frame: lines.append(f"document {frame.url}"))

    def stream(socket: WebSocket) -> None:
        lines.append(f"stream opened {socket.url}")
        socket.on("close", lambda _: lines.append("stream closed"))
        socket.on("socketerror", lambda error: lines.append(f"stream failed {error}"))
        for way in ("framesent", "framereceived"):
            socket.on(way, lambda data, way=way: lines.append(f"{way} {len(data)} bytes"))

    page.on("websocket", stream)
    try:
        yield
    except BaseException as error:
        html = page.evaluate("document.getElementById('root')?.innerHTML.slice(0, 2000)")
        error.add_note("\n".join([*lines[-400:], f"html: {html}"]))
        raise


def say(language: str, message: str, **values: object) -> str:
    """A text of the pages in a language; what its catalogue lacks is English."""
    result = catalogue(language).gettext(message)
    return result.format(**values) if values else result


def at_rest(page: Page, also: Callable[[], bool] = lambda: True, within_s: float = WAIT_MS / 1000) -> None:
    """Wait until the page has been drawn, and something else holds, for a while."""
    app, quiet = page.get_by_test_id("stApp"), 0
    blank = page.locator('[data-testid="stSkeleton"]:visible')  # where something is still to be drawn
    end = time.monotonic() + within_s
    while quiet < LOOKS:
        assert time.monotonic() < end, f"the page did not come to rest: {page.url}"
        condition = (
            app.count() == 1 and app.get_attribute("data-test-script-state") == "notRunning" and not blank.count()
        )
        quiet = quiet + 1 if condition and also() else 0
        page.wait_for_timeout(LOOK_MS)


def settled(page: Page, label: str) -> Locator:
    """The one field of this label, once the page has been at rest for a while."""
    field = page.get_by_label(label, exact=True)
    at_rest(page, lambda: field.count() == 1)
    return field


def change(page: Page, label: str, value: str) -> None:
    """Type a value into a field."""
    field = settled(page, label)
    field.fill(value)
    field.press("Enter")


def offered(page: Page, label: str, exact: bool = True) -> Locator:
    """Open a list; what it offers. What is drawn again or scrolled closes it again: then once more."""
    field, options = page.get_by_role("combobox", name=label, exact=exact), page.get_by_role("option")
    end = time.monotonic() + WAIT_MS / 1000
    while True:
        at_rest(page, lambda: field.count() == 1)
        field.scroll_into_view_if_needed()
        field.click()
        try:
            options.first.wait_for(timeout=5_000)
            return options
        except TimeoutError:
            assert time.monotonic() < end, f"{label} offers nothing"
            page.keyboard.press("Escape")


def choose(page: Page, label: str, option: str | None = None) -> None:
    """Choose from a list: what is called so, or else the first one."""
    options = offered(page, label)
    (options.first if option is None else page.get_by_role("option", name=option, exact=True)).click()
    at_rest(page)


def press(page: Page, name: str, within_ms: float = WAIT_MS) -> None:
    """Press the button of this name once it can be pressed."""
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_be_enabled(timeout=within_ms)
    button.click()


def go(page: Page, language: str, module: str) -> None:
    """Go to a page by the navigation, and wait until it is drawn."""
    section = next(name for name, pages in SECTIONS.items() if module in pages)
    page_link = _link(page, "header_links", say(language, PAGES[module]))
    if not page_link.count():  # another section's pages are listed
        _link(page, "header_sections", say(language, section)).click()
        at_rest(page)
        if module == next(iter(SECTIONS[section])):
            return
    page_link.click()
    at_rest(page)


def _link(page: Page, row: str, name: str) -> Locator:
    """A link of the header."""
    return page.locator(f".st-key-{row}").get_by_role("link", name=name, exact=True)


def sound(page: Page) -> None:
    """Nothing on the page is an exception, and nothing sticks out of the window."""
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert not page.evaluate(SIDEWAYS), f"{page.url} at {page.viewport_size} scrolls sideways"
    out = page.evaluate(STICKS_OUT)
    assert out == [], f"{page.url} at {page.viewport_size}: {out}"


def violations(page: Page) -> list[str]:
    """What axe-core finds, one line for each element: rule, element, why."""
    result: list[dict[str, Any]] = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} ({node['failureSummary'][:240]})"
        for rule in result
        for node in rule["nodes"]
    ]
