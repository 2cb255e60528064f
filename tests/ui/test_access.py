"""Every page for everybody: by axe-core no violation of WCAG 2.1 A and AA, and in windows of two sizes and both
languages nothing is an exception, an error in the console, or sticks out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import WAIT_MS, Watched, at_rest, go, sound
from playwright.sync_api import Browser, Page, expect
from served import Server

from emberline.ui.pages import ADDRESSES, FIRST, PAGES

pytestmark = pytest.mark.browser
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
WIDE, SMALL = {"width": 1440, "height": 900}, {"width": 1024, "height": 768}
TALL = 2600
"""What is below the window has no contrast that could be measured: so high is it for axe."""


@dataclass(frozen=True)
class StoredHome:
    """A server, and what its home keeps: two plans, a front, and an ensemble of the first plan."""

    server: Server
    run: str
    query: str


@pytest.fixture(scope="module")
def filled(stored_home: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredHome]:
    """The app with something to show on every page."""
    from emberline.plans import plan
    from emberline.plans.jobs.engine import Engine
    from emberline.plans.pareto import store as fronts
    from emberline.plans.pareto.search import pareto
    from emberline.plans.robustness.ensemble import ensemble
    from emberline.plans.store import ensembles
    from emberline.plans.store.store import Store
    from emberline.scenarios import load

    home, run = tmp_path_factory.mktemp("filled") / "home", stored_home[1]
    shutil.copytree(stored_home[0], home)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("EMBERLINE_HOME", str(home))
        store = Store()
        stored = store.open(run)
        assert stored.plan.schedule is not None
        replayed = ensemble(stored.plan.scenario, stored.plan.schedule, 12, Engine())
        assert replayed is not None
        ensembles.save(replayed, stored)
        cheap = ["goal.minimize=cost", "goal.time_limit_s=4", "disturbances.replications=2"]
        result = plan(load("melt-shop-small", cheap))
        with store.working(result.scenario) as other:
            store.save(other, result)
        front = fronts.save(pareto(load("melt-shop-small", ["goal.time_limit_s=4"]), 2), home).id
    server = Server(environment={"EMBERLINE_HOME": str(home)})
    yield StoredHome(server, run, f"run={run}&runs={run},{other}&front={front}")
    server.kill()


def violations(page: Page) -> list[str]:
    """What axe-core finds, one line for each element: rule, element, why."""
    result: list[dict[str, Any]] = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} ({node['failureSummary'][:240]})"
        for rule in result
        for node in rule["nodes"]
    ]


def opened(browser: Browser, server: Server, address: str) -> tuple[Page, Watched]:
    """A page in a browser of its own, at rest."""
    expect.set_options(timeout=WAIT_MS)
    page = browser.new_context(viewport=WIDE, color_scheme="light").new_page()  # type: ignore[arg-type]
    page.set_default_timeout(WAIT_MS)
    watched = Watched(page, server.url)
    page.goto(f"{server.url}/{address}")
    at_rest(page)
    return page, watched


def in_themes(page: Page, *themes: Literal["light", "dark"]) -> dict[str, list[str]]:
    """What axe-core finds on a page, by page and theme."""
    table: dict[str, list[str]] = {}
    page.set_viewport_size({"width": 1440, "height": TALL})
    for theme in themes:
        page.emulate_media(color_scheme=theme)
        at_rest(page)
        table[f"{urlsplit(page.url).path} {theme}"] = violations(page)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    return table


def test_pages_with_nothing_to_show(server: Server, browser: Browser) -> None:
    """Proves: with no plan yet each page is accessible, and nothing breaks."""
    page, watched = opened(browser, server, "")
    table: dict[str, list[str]] = {}
    for module in PAGES:
        go(page, "en", module)
        sound(page)
        table |= in_themes(page, "light")
    assert {where: lines for where, lines in table.items() if lines} == {}
    assert watched.wrong == []
    page.context.close()


def test_pages_with_a_plan(filled: StoredHome, browser: Browser) -> None:
    """Proves: with plans, a front and an ensemble each page is accessible in light and dark, every chart has a name,
    and nothing sticks out of a wide and of a small window."""
    page, watched = opened(browser, filled.server, f"?{filled.query}")
    table: dict[str, list[str]] = {}
    for module in PAGES:
        page.goto(f"{filled.server.url}/{_path(module)}?{filled.query}")
        at_rest(page)
        sound(page)
        table |= in_themes(page, "light", "dark")
        charts = page.locator('[data-testid="stVegaLiteChart"]:has(svg.marks)')  # those that are drawn
        names = charts.evaluate_all("all => all.map(one => one.ariaLabel)")
        table[f"charts of {module}"] = [name for name in names if name in (None, "", "Vega visualization")]
        page.set_viewport_size(SMALL)  # type: ignore[arg-type]
        at_rest(page)
        sound(page)
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    assert {where: lines for where, lines in table.items() if lines} == {}
    assert watched.wrong == []
    page.context.close()


def test_pages_in_chinese(filled: StoredHome, browser: Browser) -> None:
    """Proves: in Chinese nothing breaks or sticks out in either window, the language is declared, and a page that is
    loaded again keeps run and language."""
    page, watched = opened(browser, filled.server, f"?lang=zh&{filled.query}")
    table: dict[str, list[str]] = {}
    for module in PAGES:
        go(page, "zh", module)
        sound(page)
        page.set_viewport_size(SMALL)  # type: ignore[arg-type]
        page.reload()
        at_rest(page)
        sound(page)
        table[module] = violations(page)
        says = parse_qs(urlsplit(page.url).query)
        assert (says["run"], says["lang"]) == ([filled.run], ["zh"]), module
        assert page.locator("html").get_attribute("lang").startswith("zh")  # type: ignore[union-attr]
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    assert {where: lines for where, lines in table.items() if lines} == {}
    assert watched.wrong == []
    page.context.close()


def test_the_first_page_by_its_name(filled: StoredHome, browser: Browser) -> None:
    """Proves: who writes the first page's name into the address comes to it, with the run that is named."""
    page, watched = opened(browser, filled.server, f"plan?run={filled.run}")
    expect(page.locator(f".st-key-plan_{filled.run[:8]}")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert urlsplit(page.url).path == "/"
    assert watched.wrong == []
    page.context.close()


def _path(module: str) -> str:
    """Address of a page; that of the first one is empty."""
    return "" if module == FIRST else ADDRESSES.get(module, module)
