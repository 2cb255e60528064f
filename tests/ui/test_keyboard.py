"""The story by keyboard alone: no mouse, no focus set by a script; where the focus is can be seen."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import WAIT_MS, at_rest, settled
from playwright.sync_api import Browser, Page, expect
from served import Server

pytestmark = pytest.mark.browser
MAX_TABS = 120
LOOKED = 60
"""Looks at an element that has lost the focus, until it looks another way."""
FOCUSED = """() => {
  const one = document.activeElement;
  const tied = one.id ? document.querySelector(`label[for="${CSS.escape(one.id)}"]`) : null;
  const label = one.closest('label');
  const name = one.getAttribute('aria-label') || (tied || label || one).innerText || '';
  const kinds = {INPUT: one.type, A: 'link', BUTTON: 'button', SUMMARY: 'summary'};
  const role = one.getAttribute('role') || kinds[one.tagName];
  return [role || one.tagName, name.trim()];
}"""
LOOKS = """() => {
  let one = window.looked = window.looked || document.activeElement;
  const found = [];
  for (let up = 0; one && up < 5; up += 1, one = one.parentElement) {
    const style = getComputedStyle(one);
    found.push([style.outlineStyle, style.outlineWidth, style.outlineColor, style.boxShadow, style.borderColor,
      style.backgroundColor, style.color].join(' '));
  }
  return found.join('|');
}"""


def looks(page: Page) -> str:
    """How the element looks that has the focus, once it changes no more."""
    before, after = "", page.evaluate(LOOKS)
    while before != after:
        page.wait_for_timeout(100)  # colours change by and by
        before, after = after, page.evaluate(LOOKS)
    return str(after)


def tab_to(page: Page, role: str, name: str, back: bool = False) -> None:
    """Press Tab until something of this role and name has the focus, and see that it looks another way than without."""
    key, other = ("Shift+Tab", "Tab") if back else ("Tab", "Shift+Tab")
    passed = []
    for _ in range(MAX_TABS):
        page.keyboard.press(key)
        result = page.evaluate(FOCUSED)
        passed.append((result[0], result[1][:40]))
        if result[0] == role and re.fullmatch(name, result[1], re.DOTALL):
            break
    else:
        raise AssertionError(f"no way by {key} to {role} {name}: {passed}")
    page.evaluate("() => { window.looked = null; }")
    focused = looks(page)
    page.keyboard.press(other)
    for _ in range(LOOKED):
        if page.evaluate(LOOKS) != focused:
            break
        page.wait_for_timeout(50)
    else:
        raise AssertionError(f"the focus on {role} {name} cannot be seen")
    page.keyboard.press(key)
    assert page.evaluate(FOCUSED)[1] == result[1]


def fill(page: Page, name: str, value: str) -> None:
    """Type a number over the one that stands there."""
    tab_to(page, "number", re.escape(name))
    page.keyboard.press("Control+A")
    page.keyboard.type(value)
    page.keyboard.press("Enter")
    at_rest(page)


def run_of(page: Page) -> str:
    """Id of the run that the address names; empty where it names none."""
    return parse_qs(urlsplit(page.url).query).get("run", [""])[0]


def test_the_story_by_keyboard(server: Server, browser: Browser) -> None:
    """Proves: a scenario is chosen, a number changed, a plan made and taken early, its tabs read, a heat locked, the
    plan made again and a file taken along by Tab, Enter, Space and arrows alone, with a focus that is seen."""
    expect.set_options(timeout=WAIT_MS)
    page = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True).new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(server.url)
    at_rest(page)
    _choose(page, "Scenario", "melt-shop-small")
    fill(page, "Carbon [EUR/t]", "120")
    tab_to(page, "summary", ".*Caps and search")
    page.keyboard.press("Enter")
    fill(page, "Stop at a gap of [%]", "0")
    fill(page, "Effort of the search", "2")
    tab_to(page, "button", "Plan", back=True)
    page.keyboard.press("Enter")
    result = page.get_by_text("Export this plan", exact=True)
    take = page.get_by_role("button", name="Use the best plan now")
    expect(take.or_(result).first).to_be_visible()
    expect(result).to_be_visible()
    first = run_of(page)
    at_rest(page)

    tab_to(page, "tab", "Schedule")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Heats", exact=True)).to_have_attribute("aria-selected", "true")
    at_rest(page)  # a tab that is opened is drawn, and until then the next key may be lost
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Schedule", exact=True)).to_have_attribute("aria-selected", "true")
    at_rest(page)
    settled(page, "Heat")  # a tab that is opened is drawn first
    tab_to(page, "combobox", "Heat")
    page.keyboard.press("ArrowDown")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Lock its start", exact=True)).to_be_visible()
    at_rest(page)
    tab_to(page, "button", "Lock its start")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Unlock", exact=True)).to_be_visible()
    at_rest(page)
    tab_to(page, "button", "Plan", back=True)
    page.keyboard.press("Space")
    page.wait_for_url(lambda url: f"run={first}" not in url)
    expect(page.locator(f".st-key-plan_{run_of(page)[:8]}")).to_be_visible()
    expect(result).to_be_visible()
    at_rest(page)
    tab_to(page, "button", "Excel")
    with page.expect_download() as loading:
        page.keyboard.press("Enter")
    assert run_of(page)[:8] in loading.value.suggested_filename
    tab_to(page, "link", "Export", back=True)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Download Excel", exact=True)).to_be_visible()
    page.context.close()


def _choose(page: Page, label: str, option: str) -> None:
    """Choose from a list by its arrows."""
    tab_to(page, "combobox", label)
    page.keyboard.press("ArrowDown")
    offered = page.get_by_role("option")
    offered.first.wait_for()
    page.keyboard.type(option)
    page.keyboard.press("Enter")
    at_rest(page)
