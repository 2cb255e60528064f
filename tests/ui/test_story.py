"""The whole story in a real browser: open, change, plan, stop, plan, lock, plan again, compare, what carbon costs, take
it along. In Chinese and a small window; in English and a wide one it goes by keyboard (test_keyboard.py)."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import WAIT_MS, Watched, at_rest, change, choose, go, offered, press, say, sound
from playwright.sync_api import Browser, Page, expect
from served import Server

pytestmark = pytest.mark.browser
EFFORT = "2"
"""Of a search of the small melt shop, and of each end and point of its front."""


def run_of(page: Page) -> str:
    """Id of the run that the address names; empty where it names none."""
    return parse_qs(urlsplit(page.url).query).get("run", [""])[0]


def test_the_story(server: Server, browser: Browser, tmp_path: Path) -> None:
    """Proves: from an open page to a file for the shift nothing breaks, nothing is called outside, nothing sticks out;
    the gap is shown while the search goes on, a stopped search leaves no run, and a locked heat is planned around."""
    language = "zh"
    tell = partial(say, language)
    context = browser.new_context(viewport={"width": 1024, "height": 768}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    watched = Watched(page, server.url)

    page.goto(f"{server.url}/?lang={language}")
    expect(page.get_by_text(tell("When should this plant use energy?"))).to_be_visible()
    _plan_and_stop(page, language)
    first = _plan(page, language)
    again = _lock_and_plan_again(page, language)
    assert again != first
    sound(page)
    _compare(page, language)
    _front(page, language)
    _take_along(page, language, again, tmp_path)
    assert watched.wrong == []
    context.close()


def _plan_and_stop(page: Page, language: str) -> None:
    """A search that would take minutes tells its gap, and is stopped; nothing of it is kept."""
    tell = partial(say, language)
    choose(page, tell("Scenario"), "melt-shop-day")
    page.get_by_text(tell("Caps and search"), exact=True).click()
    change(page, tell("Stop at a gap of [%]"), "0")
    change(page, tell("Effort of the search"), "600")
    press(page, tell("Plan"))
    gap = page.get_by_test_id("stMetric").filter(has_text=tell("Gap")).get_by_test_id("stMetricValue")
    expect(gap).to_have_text(re.compile(r"\d.*%"))
    expect(page.get_by_text(tell("Best plan [{unit}]", unit="t CO2e"), exact=True)).to_be_visible()
    sound(page)
    press(page, tell("Stop"))
    expect(page.get_by_text(tell("It was stopped."))).to_be_visible()


def _plan(page: Page, language: str) -> str:
    """The small melt shop with another carbon price and more PV; the run's id."""
    tell = partial(say, language)
    choose(page, tell("Scenario"), "melt-shop-small")
    change(page, tell("Carbon [{unit}]", unit="EUR/t"), "120")
    change(page, tell("PV peak [MW]"), "20")
    change(page, tell("Effort of the search"), EFFORT)
    page.get_by_role("radio", name=tell("scope 1 and 2"), exact=True).click()
    press(page, tell("Plan"))
    expect(page.get_by_text(tell("Export this plan"), exact=True)).to_be_visible()
    expect(page.locator(".st-key-timeline .marks")).to_be_visible()
    sound(page)
    return run_of(page)


def _lock_and_plan_again(page: Page, language: str) -> str:
    """A heat is chosen and locked, and the plan is made again around it; the new run's id."""
    tell, before = partial(say, language), run_of(page)
    choose(page, tell("Heat"))
    press(page, tell("Lock its start"))
    expect(page.get_by_role("button", name=tell("Unlock"), exact=True)).to_be_visible()
    at_rest(page)
    press(page, tell("Plan"))
    page.wait_for_url(lambda url: f"run={before}" not in url)
    expect(page.locator(f".st-key-plan_{run_of(page)[:8]}")).to_be_visible()
    expect(page.get_by_text(tell("Export this plan"), exact=True)).to_be_visible()
    expect(page.locator(".bar .padlock")).not_to_have_count(0)
    return run_of(page)


def _compare(page: Page, language: str) -> None:
    """The run that is looked at stands next to the one before it, with what differs."""
    tell = partial(say, language)
    go(page, language, "compare")
    offered(page, tell("Plans, two to five"), exact=False).first.click()
    page.keyboard.press("Escape")
    expect(page.get_by_text(tell("Differences between the scenarios"))).to_be_visible()
    at_rest(page)
    sound(page)


def _front(page: Page, language: str) -> None:
    """Three points of the front, of which one is chosen."""
    tell = partial(say, language)
    go(page, language, "pareto")
    change(page, tell("Points of the front"), "3")
    press(page, tell("Search the front"))
    expect(page.get_by_role("button", name=tell("Open this plan"), exact=True)).to_be_visible()
    at_rest(page)
    sound(page)


def _take_along(page: Page, language: str, run: str, folder: Path) -> None:
    """Files of the run that was planned last."""
    tell = partial(say, language)
    go(page, language, "export")
    assert run_of(page) == run
    for kind, label, start in (("xlsx", "Excel", b"PK"), ("json", "JSON", b"{"), ("html", "Report", b"<")):
        with page.expect_download() as loading:
            press(page, tell("Download {kind}", kind=tell(label)))
        assert run[:8] in loading.value.suggested_filename
        path = folder / f"plan.{kind}"
        loading.value.save_as(path)
        assert path.read_bytes().lstrip().startswith(start)
        path.unlink()
    sound(page)
