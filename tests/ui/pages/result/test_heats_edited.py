"""The table of heats: a mistyped start is refused and the table goes on; locks survive a reload."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import at_rest, settled
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from served import Server
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[4]
PLAN_AGAIN = "Lock and plan again"
ATTEMPTS = 6


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    served = Server()
    yield served
    served.kill()


@pytest.mark.browser
def test_a_start_that_cannot_be(home: Path, stored_home: tuple[Path, str], server: Server, browser: Browser) -> None:
    """Proves: a start is written as 03:15 or +2 h; what is no time or lies outside the plan gets one line and nothing
    is locked, and the table goes on. Sensitivity: a mistyped year left the table dead until a reload."""
    shutil.copytree(stored_home[0], home, dirs_exist_ok=True)
    page = browser.new_page(viewport={"width": 1440, "height": 1400})
    page.goto(f"{server.url}/?run={stored_home[1]}")
    settled(page, "Heat")
    page.get_by_role("tab", name="Heats", exact=True).click()
    at_rest(page)
    again = page.get_by_role("button", name=PLAN_AGAIN)
    expect(again).to_be_disabled()
    edit_start(page, "99:99")
    expect(page.get_by_text("99:99 is no time", exact=False)).to_be_visible()
    expect(again).to_be_disabled()
    edit_start(page, "+90 h")
    expect(page.get_by_text("+90 h is outside the plan", exact=False)).to_be_visible()
    edit_start(page, "+2 h")
    expect(page.get_by_text("1 to lock", exact=True)).to_be_visible()
    expect(again).to_be_enabled()
    page.close()


def test_a_lock_is_there_after_a_reload(home: Path, stored_home: tuple[Path, str]) -> None:
    """Proves: a lock that was set and not planned yet is in the address, and a page that is opened with it has it; what
    somebody else writes there is nothing. Sensitivity: a reload dropped it."""
    shutil.copytree(stored_home[0], home, dirs_exist_ok=True)
    first = opened(stored_home[1])
    first.selectbox(key=f"heat.{stored_home[1]}").set_value("C1-2").run()
    first.button(key=f"lock.{stored_home[1]}.C1-2").click().run()
    assert not first.exception
    stored = "".join(first.query_params["locks"])
    again = opened(stored_home[1], stored)
    assert [len(item.options) for item in again.multiselect if item.label == "Locks"] == [1]
    for nonsense in ("x", "[]", '{"of":"melt-shop-small","locks":[{"heat":1}]}', stored.replace("shop", "chop", 1)):
        page = opened(stored_home[1], nonsense)
        assert not page.exception
        assert [item for item in page.multiselect if item.label == "Locks"] == []


def opened(run: str, locks: str = "") -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["run"] = run
    if locks:
        app.query_params["locks"] = locks
    return app.run()


def edit_start(page: Page, typed: str, row: int = 0) -> None:
    """Type a start into the cell of a row; a click that met a grid in the drawing is made again."""
    grid = page.get_by_role("tabpanel", name="Heats").get_by_test_id("stDataFrame").locator("canvas").first
    field = page.locator(".gdg-input")
    for _ in range(ATTEMPTS):
        box = grid.bounding_box()
        assert box is not None
        page.mouse.dblclick(box["x"] + box["width"] * 0.475, box["y"] + 52 + 35 * row)
        try:
            field.wait_for(timeout=5000)
        except PlaywrightTimeoutError:
            continue
        field.fill(typed)
        break
    expect(field).to_have_value(typed)
    page.keyboard.press("Enter")
    at_rest(page)
