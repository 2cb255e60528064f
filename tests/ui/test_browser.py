"""Pages of plans in a real browser: Gantt by mode or by heat, tables, a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Watched, at_rest, choose, settled, sound, violations
from playwright.sync_api import Browser, expect
from served import Server
from sites import cement_day_plan

from emberline.runs.store.store import Store
from emberline.ui.pages import ADDRESSES

pytestmark = pytest.mark.browser


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    """The app in the test's home."""
    started = Server()
    yield started
    started.kill()


def test_the_page_of_a_works(server: Server, browser: Browser, tmp_path: Path) -> None:
    """Proves: a board of runs, a card of the one that is clicked, a run that is moved by keys and locked until that
    is undone, tables of units, stores and products, a file; nothing sticks out of a wide and of a small window, and no
    chart reports an error; the page Twin is accessible."""
    result, store = cement_day_plan(), Store()
    with store.working(result.scenario) as run:
        store.save(run, result)
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = context.new_page()
    watched = Watched(page, server.url)
    page.goto(f"{server.url}/?run={run}")
    marks = page.locator(".st-key-timeline .marks")
    expect(marks).to_be_visible(timeout=60_000)
    page.locator("[data-id='kiln/0']").click()
    expect(page.get_by_text("it must run").first).to_be_visible()
    expect(page.get_by_text("kiln · kiln").first).to_be_visible()
    for width in (1440, 1024):
        page.set_viewport_size({"width": width, "height": 900})
        at_rest(page)
        sound(page)
    bar = page.locator(".board .bar.free").first
    bar.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Plan again around it")).to_be_visible()
    at_rest(page)
    expect(bar.locator(".padlock")).to_have_count(1)
    expect(page.locator(".ghost")).to_have_count(1)
    page.locator(".st-key-board-changes").get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator(".ghost")).to_have_count(0)
    at_rest(page)
    for tab, text in (("Units", "Runs of"), ("Stores and deliveries", "Deliveries"), ("Products", "Destinations")):
        page.get_by_role("tab", name=tab, exact=True).click()
        expect(page.get_by_text(text, exact=True)).to_be_visible()
    with page.expect_download() as loading:
        page.get_by_role("button", name="Excel", exact=True).click()
    path = tmp_path / loading.value.suggested_filename
    loading.value.save_as(path)
    assert path.read_bytes().startswith(b"PK")
    page.goto(f"{server.url}/{ADDRESSES.get('twin', 'twin')}?run={run}")
    expect(page.locator(".marks").first).to_be_visible(timeout=60_000)
    at_rest(page)
    assert violations(page) == []
    assert watched.wrong == []
    context.close()


def test_a_heat_that_is_clicked_is_marked(
    stored_home: tuple[Path, str], stored_server: Server, browser: Browser
) -> None:
    """Proves: a click marks all bars of its heat and the list says it; what is chosen from the list is marked in place
    of the click, and the next click in place of that. Sensitivity: a chart that keeps its old click."""
    page = browser.new_page(viewport={"width": 1440, "height": 1400})
    page.goto(f"{stored_server.url}/?run={stored_home[1]}")
    field = settled(page, "Heat")
    marked = page.locator(".bar.picked")
    for heat, clicked in (("C1-1", True), ("C3-2", False), ("C2-1", True)):
        if clicked:
            page.locator(f"[data-id='{heat}/melting']").click()
        else:
            choose(page, "Heat", heat)
        expect(field).to_have_value(heat)
        expect(marked).to_have_count(3)
        assert all(str(bar.get_attribute("data-id")).startswith(f"{heat}/") for bar in marked.all())
        at_rest(page)
    page.close()
