"""Two users, a closed tab, a killed server: no run is lost and no scenario is mixed."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import WAIT_MS, at_rest, change, choose, go, offered, press, recorded, settled
from playwright.sync_api import Browser, BrowserContext, Page, expect
from served import Server

pytestmark = pytest.mark.browser
CARBON = "Carbon [EUR/t]"


@pytest.fixture
def users(browser: Browser) -> Iterator[tuple[BrowserContext, BrowserContext]]:
    """Two browsers that share nothing."""
    expect.set_options(timeout=WAIT_MS)
    both = browser.new_context(), browser.new_context()
    for one in both:
        one.set_default_timeout(WAIT_MS)
    yield both
    for one in both:
        one.close()


def named(page: Page, parameter: str) -> list[str]:
    """What the address says of a parameter."""
    return parse_qs(urlsplit(page.url).query).get(parameter, [])


def options(page: Page, label: str) -> list[str]:
    """What a list offers."""
    result = offered(page, label).all_inner_texts()
    page.keyboard.press("Escape")
    return result


def ask_for_long(page: Page) -> str:
    """Start a search that would take minutes, and wait until it tells of a plan; the run's id."""
    choose(page, "Scenario", "melt-shop-day")
    page.get_by_text("Caps and search", exact=True).click()
    change(page, "Stop at a gap of [%]", "0")
    change(page, "Effort of the search", "600")
    press(page, "Plan")
    expect(page.get_by_role("button", name="Use the best plan now")).to_be_enabled()
    (run,) = named(page, "run")
    return run


def test_two_users_at_once(server: Server, users: tuple[BrowserContext, BrowserContext]) -> None:
    """Proves: a draft, inputs at the side and a run are those of one browser; the other one, which plans at the same
    time, sees none of them, and each plan is that of its own inputs."""
    one, other = users[0].new_page(), users[1].new_page()
    one.goto(f"{server.url}/scenario")
    choose(one, "Scenario", "melt-shop-small")
    press(one, "Copy to edit")
    one.wait_for_url("**draft=*")
    at_rest(one)
    (draft,) = named(one, "draft")
    go(one, "en", "plan")
    other.goto(server.url)
    choose(other, "Scenario", "melt-shop-small")
    change(one, CARBON, "210")
    change(other, CARBON, "33")
    expect(settled(one, CARBON)).to_have_value("210")
    offered = options(other, "Scenario")
    assert len(options(one, "Scenario")) == len(offered) + 1, "the draft is offered to whoever has it alone"
    assert draft not in other.url
    for page in (one, other):
        page.get_by_text("Caps and search", exact=True).click()
        change(page, "Effort of the search", "2")
    press(one, "Plan")
    press(other, "Plan")
    for page in (one, other):
        expect(page.get_by_text("Export this plan", exact=True)).to_be_visible()
    runs = [named(page, "run") for page in (one, other)]
    assert runs[0] != runs[1]
    for page, price in ((one, "210"), (other, "33")):
        page.reload()
        expect(page.get_by_text("Export this plan", exact=True)).to_be_visible()
        expect(settled(page, CARBON)).to_have_value(price)
    assert [named(page, "run") for page in (one, other)] == runs
    assert draft in one.url
    assert draft not in other.url


def test_a_tab_closed_and_a_server_killed(server: Server, users: tuple[BrowserContext, BrowserContext]) -> None:
    """Proves: a search goes on while its tab is closed and its server is killed; by its address anybody finds it again,
    and what it has found by then is taken and kept."""
    page = users[0].new_page()
    page.goto(server.url)
    run = ask_for_long(page)
    address = page.url
    page.close()
    again = users[1].new_page()
    with recorded(again):
        again.goto(address)
        take = again.get_by_role("button", name="Use the best plan now")
        expect(take).to_be_enabled()
        expect(again.get_by_text("Best plan [t CO2e]", exact=True)).to_be_visible()
        server.kill()
        server.start()
        again.reload()
        expect(take).to_be_enabled()
        take.click()
        expect(again.get_by_text("Export this plan", exact=True)).to_be_visible()
        assert named(again, "run") == [run]
        go(again, "en", "runs")
        expect(again.get_by_text("There is no stored plan yet.")).to_have_count(0)


def test_a_run_ends_while_the_server_is_away(server: Server, users: tuple[BrowserContext, BrowserContext]) -> None:
    """Proves: a plan that is made while no server runs is there when one is started again."""
    from emberline.runs.jobs import queue

    page = users[0].new_page()
    page.goto(server.url)
    choose(page, "Scenario", "melt-shop-small")
    page.get_by_text("Caps and search", exact=True).click()
    change(page, "Effort of the search", "2")
    press(page, "Plan")
    page.wait_for_url("**run=*")
    (run,) = named(page, "run")
    server.kill()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("EMBERLINE_HOME", server.environment["EMBERLINE_HOME"])
        while not queue.status(run).ended:
            page.wait_for_timeout(200)
        assert queue.status(run).state == "stored"
    server.start()
    page.reload()
    expect(page.get_by_text("Export this plan", exact=True)).to_be_visible()
    assert named(page, "run") == [run]
