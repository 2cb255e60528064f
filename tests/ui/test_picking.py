"""Plan, twin and plant in a real browser: a heat is picked and locked, a replay moves, no host is called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import WAIT_MS
from playwright.sync_api import Browser, Page, expect
from served import Server

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that remembers what went wrong and who was called."""
    opened = browser.new_page(viewport={"width": 1440, "height": 1000})
    opened.set_default_timeout(WAIT_MS)
    yield opened
    opened.close()


def watched(page: Page, server: Server) -> list[str]:
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    part = (server.url, server.url.replace("http", "ws", 1), "data:", "blob:")
    page.on("request", lambda sent: None if sent.url.startswith(part) else wrong.append(sent.url))
    return wrong


def test_a_heat_is_picked_in_the_chart_and_locked_in_the_table(
    stored_server: Server, page: Page, stored_home: tuple[Path, str]
) -> None:
    """Proves: a click on a bar tells of its heat, the list says the same; a tick and a button plan around it."""
    wrong = watched(page, stored_server)
    page.goto(f"{stored_server.url}/?run={stored_home[1]}")
    bar = page.locator("[data-id='C2-1/melting']")
    expect(bar).to_be_visible(timeout=WAIT_MS)
    bar.click()
    expect(page.get_by_text("C2-1 · rebar · order C2 · 100 t")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_role("combobox", name="Heat", exact=True)).to_have_value("C2-1")
    page.get_by_role("tab", name="Heats", exact=True).click()
    again = page.get_by_role("button", name="Lock and plan again")
    expect(again).to_be_disabled(timeout=WAIT_MS)
    grid = page.get_by_role("tabpanel", name="Heats").get_by_test_id("stDataFrame")
    expect(grid).to_be_visible(timeout=WAIT_MS)
    page.wait_for_timeout(1500)  # the grid paints itself
    grid.click(position={"x": 47, "y": 35 + 17})
    expect(again).to_be_enabled(timeout=WAIT_MS)
    again.click()
    page.wait_for_url(lambda url: stored_home[1] not in url)
    expect(page.get_by_text("Locks", exact=True).first).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("Export this plan")).to_be_visible(timeout=WAIT_MS)
    assert wrong == []


def test_a_replay_moves_by_slider_and_button(stored_server: Server, page: Page, stored_home: tuple[Path, str]) -> None:
    """Proves: the arrow key moves the moment and the board with it, Play goes on by itself and stops on demand; the
    flow sheet of the plant shows; nothing sticks out of a small window."""
    wrong = watched(page, stored_server)
    page.goto(f"{stored_server.url}/twin?run={stored_home[1]}")
    slider = page.locator(".st-key-replay .vega-bindings input")
    expect(slider).to_be_visible(timeout=WAIT_MS)
    board = page.locator(".st-key-replay svg.marks")
    expect(board.get_by_text("Tue 16 Jun 2026 12:00 +02:00", exact=True)).to_be_visible(timeout=WAIT_MS)
    slider.focus()
    slider.press("ArrowRight")
    expect(board.get_by_text("Tue 16 Jun 2026 12:15 +02:00", exact=True)).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("button", name="Play").click()
    expect(slider).not_to_have_value("735", timeout=WAIT_MS)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.goto(f"{stored_server.url}/plant?run={stored_home[1]}")
    sheet = page.locator(".st-key-sheet svg.marks")
    expect(sheet.get_by_text("battery", exact=True)).to_be_visible(timeout=WAIT_MS)
    page.set_viewport_size({"width": 1024, "height": 768})
    page.wait_for_timeout(1500)  # drawn again
    for key in ("sheet", "energy", "carbon"):
        inside = page.evaluate(
            "key => { const svg = document.querySelector(`.st-key-${key} svg.marks`).getBoundingClientRect();"
            " return svg.left >= 0 && svg.right <= window.innerWidth + 1 }",
            key,
        )
        assert inside, key
    assert wrong == []
