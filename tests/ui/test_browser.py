"""The story in a real browser: open, change, plan, watch, read, take along; reload and kill the server on the way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from sites import cement_day

from plans.plan import plan
from plans.store import Store

ROOT = Path(__file__).resolve().parents[2]
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
pytestmark = pytest.mark.browser


class Server:
    """``emberline app`` on a port of its own."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "ui", "app", "--port", str(self.port), "--no-browser"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        for _ in range(150):
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1).close()
                return
            except OSError:
                time.sleep(0.2)
        raise AssertionError("the app did not start")

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    started = Server()
    yield started
    started.kill()


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        yield opened
        opened.close()


def settled(page: Page, label: str, within_s: float = 30.0) -> Locator:
    """The one field of this label, once the page has been at rest for a while.

    While a page is drawn anew the old field stands beside the new one, and before it begins the old one stands alone:
    one look is not enough.
    """
    field, quiet = page.get_by_label(label, exact=True), 0
    app = page.get_by_test_id("stApp")
    end = time.monotonic() + within_s
    while quiet < 8:
        assert time.monotonic() < end, f"the page did not come to rest: {label} stands {field.count()} times"
        rests = app.get_attribute("data-test-script-state") == "notRunning" and field.count() == 1
        quiet = quiet + 1 if rests else 0
        page.wait_for_timeout(100)
    return field


def change(page: Page, label: str, value: str) -> None:
    field = settled(page, label)
    field.fill(value)
    field.press("Enter")


def press_plan(page: Page) -> None:
    button = page.get_by_role("button", name="Plan", exact=True)
    expect(button).to_be_enabled(timeout=15_000)
    button.click()


def test_the_story(server: Server, browser: Browser, tmp_path: Path) -> None:
    """Proves: a change of carbon price and PV is planned, watched live, read and taken along; no host is called."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = context.new_page()
    outside: list[str] = []
    page.on("request", lambda asked: None if _own(asked.url, server.url) else outside.append(asked.url))
    page.goto(server.url)
    expect(page.get_by_text("When should this plant use energy?")).to_be_visible(timeout=20_000)
    change(page, "Carbon [EUR/t]", "120")
    change(page, "PV peak [MW]", "20")
    page.get_by_text("Caps and search").click()
    change(page, "Stop the search after [s]", "8")
    page.get_by_role("radio", name="scope 1 and 2").click()
    press_plan(page)
    expect(page.get_by_text("Making the plan").or_(page.get_by_text("Waiting for a free worker"))).to_be_visible()
    expect(page.get_by_text("search for the best schedule")).to_be_visible()
    expect(page.get_by_text("Take it along")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("twin agrees")).to_be_visible()
    expect(page.locator(".st-key-timeline .marks")).to_be_visible()
    assert page.get_by_text("Carbon [t CO2e]").is_visible()
    for kind, start in (("Excel", b"PK"), ("CSV", b"heat"), ("JSON", b"{")):
        with page.expect_download() as loading:
            page.get_by_role("button", name=kind, exact=True).click()
        path = tmp_path / loading.value.suggested_filename
        loading.value.save_as(path)
        assert path.read_bytes().startswith(start)
    address = page.url
    page.reload()
    expect(page.get_by_text("Take it along")).to_be_visible(timeout=20_000)
    assert page.url == address
    expect(page.get_by_label("Carbon [EUR/t]", exact=True)).to_have_value("120")
    assert outside == []
    context.close()


def test_live_progress_reload_killed_server_and_taking_the_plan(server: Server, browser: Browser) -> None:
    """Proves: the search goes on while the page is loaded again and the server dies; its best plan is taken."""
    page = browser.new_page()
    page.goto(server.url)
    page.get_by_role("combobox", name="Scenario").click()
    page.get_by_role("option", name="melt-shop-day").click()
    expect(settled(page, "Stop at a gap of [%]")).to_have_value("1")
    page.get_by_text("Caps and search").click()
    change(page, "Stop at a gap of [%]", "0")
    change(page, "Stop the search after [s]", "300")
    press_plan(page)
    take = page.get_by_role("button", name="Take the best plan now")
    expect(take).to_be_enabled(timeout=60_000)
    expect(page.get_by_text("Best plan [t CO2e]")).to_be_visible()
    page.reload()
    expect(take).to_be_enabled(timeout=30_000)
    server.kill()
    server.start()
    page.reload()
    expect(take).to_be_enabled(timeout=30_000)
    take.click()
    expect(page.get_by_text("Take it along")).to_be_visible(timeout=60_000)
    page.close()


def test_the_page_of_a_works(server: Server, browser: Browser, tmp_path: Path) -> None:
    """Proves: Gantt by mode with what a run tells, tables of units, stores and products, a file; nothing sticks out of
    a wide and of a small window, and no chart reports an error."""
    made, store = plan(cement_day()), Store()
    with store.working(made.scenario) as run:
        store.save(run, made)
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{server.url}/?run={run}")
    marks = page.locator(".st-key-timeline .marks")
    expect(marks).to_be_visible(timeout=60_000)
    bars = page.locator(".st-key-timeline .mark-rect.role-mark path[aria-label*='does: run']")
    expect(bars.first).to_be_visible()
    bars.first.hover()
    told = page.locator("#vg-tooltip-element")
    for name in ("mode", "start", "end", "makes", "power, mean", "electricity"):
        expect(told.get_by_text(name, exact=True)).to_be_visible()
    for width in (1440, 1024):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(1500)  # the chart is drawn anew
        inside = page.evaluate(
            "() => { const svg = document.querySelector('.st-key-timeline svg').getBoundingClientRect();"
            " return svg.left >= 0 && svg.right <= window.innerWidth"
            " && document.documentElement.scrollWidth <= window.innerWidth }"
        )
        assert inside, width
    for tab, says in (("Units", "Runs of"), ("Stores and deliveries", "Deliveries"), ("Products", "Where it goes")):
        page.get_by_role("tab", name=tab, exact=True).click()
        expect(page.get_by_text(says, exact=True)).to_be_visible()
    with page.expect_download() as loading:
        page.get_by_role("button", name="CSV", exact=True).click()
    path = tmp_path / loading.value.suggested_filename
    loading.value.save_as(path)
    assert path.read_bytes().startswith(b"unit,what,mode")
    assert wrong == []
    context.close()


def _own(url: str, server: str) -> bool:
    return url.startswith((server, server.replace("http", "ws", 1), "data:", "blob:"))
