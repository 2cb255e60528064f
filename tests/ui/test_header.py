"""The header in a real browser: at the same place on every page, one choice of the plan."""

from __future__ import annotations

from pathlib import Path

import pytest
from browsing import at_rest, go
from playwright.sync_api import Browser, expect
from served import Server

from emberline.ui.pages import ADDRESSES, PAGES, SECTIONS

pytestmark = pytest.mark.browser
PLACES = """() => [...document.querySelectorAll('.st-key-header_sections a')]
  .map(link => Math.round(link.getBoundingClientRect().x))"""


def test_the_header_stays_at_its_place(stored_server: Server, browser: Browser, stored_home: tuple[Path, str]) -> None:
    """Proves: the links of the sections do not move from page to page, with and without a side; the plan in view is the
    same on all of them; each page of a section can be reached."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{stored_server.url}/?run={stored_home[1]}")
    at_rest(page)
    places = page.evaluate(PLACES)
    assert len(places) == len(SECTIONS)
    for module in ("plant", "scenario", "why", "export", "runs", "performance"):
        go(page, "en", module)
        assert f"/{ADDRESSES.get(module, module)}?" in page.url
        assert page.evaluate(PLACES) == places
        expect(page.get_by_role("combobox", name="Plan in view")).not_to_have_value("")
        expect(page.get_by_test_id("stException")).to_have_count(0)
    page.close()


def test_each_page_has_a_place() -> None:
    """Proves: no page is without a section, and none in two."""
    names = [name for pages in SECTIONS.values() for name in pages]
    assert sorted(names) == sorted(PAGES)
