"""Every page for everybody: by axe-core no violation of WCAG 2.1 A and AA, and in windows of two sizes, both
languages and themes nothing is an exception, an error in the console, sticks out, or makes markup of free text."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import SIDEWAYS, WAIT_MS, Watched, at_rest, go, sound, violations
from playwright.sync_api import Browser, Page, expect
from served import Server

from emberline.ui.pages import ADDRESSES, PAGES

pytestmark = pytest.mark.browser
WIDE, SMALL, PHONE = 1440, 1024, 390
TALL = 2600
"""What is below the window has no contrast that could be measured: so high is it for axe."""
OUTSIDE = "http://outside.example/"
EVIL = f"![a]({OUTSIDE}a.png) <img src='{OUTSIDE}b.png'> <script>fetch('{OUTSIDE}c')</script> [d](javascript:alert(1))"
"""Title and description of the scenario in view: what must be shown as it is written."""


@dataclass(frozen=True)
class StoredHome:
    """A server, and what its home keeps: two plans, a front, and an ensemble of the plan in view."""

    server: Server
    run: str
    query: str


@pytest.fixture(scope="module")
def filled(stored_home: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredHome]:
    """The app with something to show on every page."""
    from emberline.planning.engine.engine import Engine
    from emberline.planning.planner import PLAIN, make_plan
    from emberline.planning.robustness.ensemble import ensemble
    from emberline.runs.store import ensembles, fronts
    from emberline.runs.store.store import Store
    from emberline.scenarios import load
    from emberline.studies.pareto.search import pareto

    home, other = tmp_path_factory.mktemp("filled") / "home", stored_home[1]
    shutil.copytree(stored_home[0], home)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("EMBERLINE_HOME", str(home))
        store = Store()
        free = [f"{key}={json.dumps(EVIL)}" for key in ("title", "description")]
        result = make_plan(load("melt-shop-small", ["goal.effort=1", "disturbances.replications=2", *free]), PLAIN)
        assert result.schedule is not None
        with store.working(result.scenario) as run:
            store.save(run, result)
        replayed = ensemble(result.scenario, result.schedule, 12, Engine())
        assert replayed is not None
        ensembles.save(replayed, store.open(run))
        front = fronts.save(pareto(load("melt-shop-small", ["goal.effort=1"]), 2), home).id
    server = Server(environment={"EMBERLINE_HOME": str(home)})
    yield StoredHome(server, run, f"run={run}&runs={run},{other}&front={front}")
    server.kill()


def free_text(page: Page) -> str:
    """What the page says, after nothing of it was found to be made of free text."""
    for item in (f"img[src*='{OUTSIDE}']", f"a[href*='{OUTSIDE}']", "a[href^='javascript']"):
        expect(page.locator(item), page.url).to_have_count(0)
    return page.get_by_test_id("stMain").inner_text()


def opened(
    browser: Browser, server: Server, address: str, width: int = WIDE, theme: Literal["light", "dark"] = "light"
) -> tuple[Page, Watched]:
    """A page in a browser of its own, at rest."""
    expect.set_options(timeout=WAIT_MS)
    page = browser.new_context(viewport={"width": width, "height": TALL}, color_scheme=theme).new_page()
    page.set_default_timeout(WAIT_MS)
    watched = Watched(page, server.url)
    page.goto(f"{server.url}/{address}")
    at_rest(page)
    return page, watched


def test_pages_with_nothing_to_show(server: Server, browser: Browser) -> None:
    """Proves: with no plan yet no page breaks, and what stands instead of a plan is accessible."""
    page, watched = opened(browser, server, "")
    table: dict[str, list[str]] = {}
    for module in PAGES:
        go(page, "en", module)
        sound(page)
        if module in ("plan", "why", "runs", "shift"):  # the others say it in the same way, or need no plan
            table[module] = violations(page)
    assert len(table) == 4
    assert {where: lines for where, lines in table.items() if lines} == {}
    assert watched.wrong == []
    page.context.close()


def test_pages_with_a_plan(filled: StoredHome, browser: Browser) -> None:
    """Proves: with plans, a front and an ensemble each page is accessible in a wide window, every chart has a name,
    nothing sticks out, on a phone no page scrolls sideways but for parts of it, and no page makes an image, a link or
    a script of what a scenario says, calls another host or breaks the policy of content. Sensitivity: a title in
    st.markdown fails here."""
    page, watched = opened(browser, filled.server, f"?{filled.query}")
    table: dict[str, list[str]] = {}
    text = ""
    for module in PAGES:
        page.goto(f"{filled.server.url}/{_path(module)}?{filled.query}")
        at_rest(page)
        sound(page)
        table[module] = violations(page)
        charts = page.locator('[data-testid="stVegaLiteChart"]:has(svg.marks)')  # those that are drawn
        names = charts.evaluate_all("all => all.map(one => one.ariaLabel)")
        table[f"charts of {module}"] = [name for name in names if name in (None, "", "Vega visualization")]
        text += free_text(page)
        page.set_viewport_size({"width": PHONE, "height": TALL})
        at_rest(page)
        assert not page.evaluate(SIDEWAYS), module
        page.set_viewport_size({"width": WIDE, "height": TALL})
    assert EVIL in text
    assert {where: lines for where, lines in table.items() if lines} == {}
    assert watched.wrong == []
    page.context.close()


def test_pages_in_chinese_and_dark(filled: StoredHome, browser: Browser) -> None:
    """Proves: in Chinese, in the dark and in a small window each page is accessible, nothing breaks or sticks out, the
    language is declared, and run and language stay in the address, also of a page that is loaded again."""
    page, watched = opened(browser, filled.server, f"?lang=zh&{filled.query}", SMALL, "dark")
    table: dict[str, list[str]] = {}
    for module in PAGES:
        go(page, "zh", module)
        if module == "why":
            page.reload()
            at_rest(page)
        sound(page)
        table[module] = violations(page)
        text = parse_qs(urlsplit(page.url).query)
        assert (text["run"], text["lang"]) == ([filled.run], ["zh"]), module
        assert page.locator("html").get_attribute("lang").startswith("zh")  # type: ignore[union-attr]
    assert {where: lines for where, lines in table.items() if lines} == {}
    assert watched.wrong == []
    page.context.close()


@pytest.mark.parametrize("address", ["plan", "start"])
def test_the_first_page_by_its_names(filled: StoredHome, browser: Browser, address: str) -> None:
    """Proves: the name of the first page, and the one of earlier releases, lead to it, with the run that is named. The
    other addresses of earlier releases are those of today."""
    page, watched = opened(browser, filled.server, f"{address}?run={filled.run}")
    expect(page.locator(f".st-key-plan_{filled.run[:8]}")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert urlsplit(page.url).path == "/"
    assert watched.wrong == []
    page.context.close()


def _path(module: str) -> str:
    """Address of a page; that of the first one is empty."""
    return ADDRESSES.get(module, module)
