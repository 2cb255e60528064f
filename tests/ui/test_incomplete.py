"""Pages whose program or connection fails while they load: they load again, or say that they are incomplete."""

from __future__ import annotations

import re

import pytest
from browsing import WAIT_MS, at_rest
from playwright.sync_api import Browser, Page, Route, expect
from served import Server

pytestmark = pytest.mark.browser
MAIN, LAZY = r"/static/js/index\.[^.]*\.js", r"/static/js/Button[^/]*\.js"


def failing(page: Page, pattern: str, times: int) -> list[str]:
    """Let the first requests of a pattern fail as by a server that is gone; their addresses."""
    failures: list[str] = []

    def answer(route: Route) -> None:
        if len(failures) >= times:
            route.continue_()
            return
        failures.append(route.request.url)
        route.abort("connectionreset")

    page.route(re.compile(pattern), answer)
    return failures


@pytest.mark.parametrize(("pattern", "times"), [(MAIN, 1), (LAZY, 1), (r"/static/js/react-dom", 2), (r"\.css$", 1)])
def test_a_part_that_fails_to_load_is_loaded_again(server: Server, browser: Browser, pattern: str, times: int) -> None:
    """Proves: a page whose main program, one of its parts, or style could not be fetched is whole soon after.
    Sensitivity: a blank page, or one without buttons, for as long as anybody waits."""
    with browser.new_context() as context:
        page = context.new_page()
        failures = failing(page, pattern, times)
        page.goto(server.url)
        expect(page.get_by_role("button", name="Plan", exact=True)).to_be_enabled(timeout=WAIT_MS)
        at_rest(page)
        assert len(failures) == times
        # two failures are of one load, its preload and its import, or of two
        assert 1 <= page.evaluate("JSON.parse(sessionStorage.getItem('emberline.reloads')).length") <= times


def test_a_page_that_cannot_be_loaded_says_so(server: Server, browser: Browser) -> None:
    """Proves: what fails again and again ends in a sentence with a button, which loads the page once it can be loaded.
    Sensitivity: loading without end, or a blank page."""
    with browser.new_context(locale="zh-CN") as context:
        page = context.new_page()
        failures = failing(page, MAIN, 4)
        page.goto(f"{server.url}/?lang=en")
        expect(page.get_by_role("alert")).to_contain_text("A part of this page could not be loaded.", timeout=WAIT_MS)
        assert len(failures) == 4
        page.get_by_role("button", name="Load again").click()
        expect(page.get_by_role("button", name="Plan", exact=True)).to_be_enabled(timeout=WAIT_MS)


def test_a_server_killed_while_a_page_loads(server: Server, browser: Browser) -> None:
    """Proves: a page whose server is killed between its document and its program waits for the next one, and is drawn.
    Sensitivity: loading again at once, which leaves the browser's own page of a refused connection."""
    with browser.new_context() as context:
        page = context.new_page()
        killed: list[str] = []

        def answer(route: Route) -> None:
            if not killed:
                killed.append(route.request.url)
                server.kill()
            route.continue_()

        page.route(re.compile(MAIN), answer)
        page.goto(server.url, wait_until="commit")
        while not page.evaluate("sessionStorage.getItem('emberline.reloads')"):
            page.wait_for_timeout(100)
        server.start()
        expect(page.get_by_role("button", name="Plan", exact=True)).to_be_enabled(timeout=WAIT_MS)
