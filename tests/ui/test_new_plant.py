"""A plant of one's own in a real browser, without YAML: a melt shop by its meter's file, and a mill that is drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import WAIT_MS, Watched, at_rest, change, press, sound
from playwright.sync_api import Browser, Locator, Page, expect
from served import Server

from emberline.runs.store import drafts, snapshots
from emberline.scenarios import Case

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def home(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home of the app is that of the test."""
    monkeypatch.setenv("EMBERLINE_HOME", server.environment["EMBERLINE_HOME"])


@pytest.fixture
def page(server: Server, browser: Browser) -> Iterator[Page]:
    """The page Scenario; nothing may go wrong in the browser."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    watched = Watched(page, server.url)
    page.goto(f"{server.url}/scenario")
    at_rest(page)
    yield page
    assert watched.wrong == []
    context.close()


def draft_of(page: Page) -> drafts.Draft:
    """The draft in the address."""
    return drafts.open_draft(parse_qs(urlsplit(page.url).query)["draft"][0])


def scenario_of(page: Page) -> Case:
    """The scenario of the draft in the address."""
    return snapshots.load(draft_of(page).path)


def begin(page: Page, template: str, name: str) -> None:
    """Choose a template and type a name."""
    page.get_by_role("button", name="New plant", exact=True).first.click()
    at_rest(page)
    page.get_by_role("button", name=template, exact=True).click()
    at_rest(page)
    change(page, "Name", name)
    at_rest(page)


def place(page: Page, group: str, part: str) -> None:
    """Place a part of a group."""
    page.get_by_role("button", name=group, exact=True).click()
    page.get_by_role("button", name=part, exact=True).click()
    at_rest(page)
    page.keyboard.press("Escape")


def on_sheet(page: Page, kind: str, name: str) -> Locator:
    """A box or bar of the flow sheet."""
    return page.locator(f"g.{kind}").filter(has=page.locator("text.name", has_text=re.compile(f"^{re.escape(name)}$")))


def line(page: Page, start: Locator, end: Locator) -> None:
    """Draw a line from one to the other."""
    middle = []
    for one, share in ((start, 0.45), (end, 0.55)):
        at = one.locator("rect").first.bounding_box()
        assert at is not None
        middle.append((at["x"] + share * at["width"], at["y"] + at["height"] / 2))
    page.mouse.move(*middle[0])
    page.mouse.down()
    page.mouse.move(*middle[1], steps=4)
    page.mouse.up()
    at_rest(page)


def plan(page: Page) -> None:
    """Plan the draft, and wait for the plan."""
    press(page, "Plan this")
    expect(page.get_by_text("Export this plan", exact=True)).to_be_visible()
    sound(page)


def test_a_melt_shop_by_its_meter(page: Page, tmp_path: Path) -> None:
    """Proves: from a template and a meter's file to a plan of six heats over the file's last day, by fields alone.
    Sensitivity: the template's day instead of the file's; a meter in kW read as MW."""
    first = datetime(2026, 10, 4, 22, tzinfo=UTC)
    rows = [f"{first + timedelta(minutes=15 * i):%Y-%m-%dT%H:%M}Z,{3000 + 10 * (i % 96)}" for i in range(96 * 3)]
    meter = tmp_path / "meter.csv"
    meter.write_text("\n".join(["time,load [kW]", *rows]), encoding="utf-8")
    begin(page, "Melt shop", "Our shop")
    page.locator(".st-key-new-meter input[type=file]").set_input_files(meter)
    expect(page.get_by_text("from 2026-10-07")).to_be_visible()
    press(page, "Create")
    at_rest(page)
    on_sheet(page, "box", "grid").click()
    change(page, "Import limit [MW]", "82")
    at_rest(page)
    scenario = scenario_of(page)
    assert (len(scenario.heats), scenario.site.grid.import_limit_mw) == (6, 82)
    assert str(scenario.horizon.start) == "2026-10-07"
    assert scenario.inputs["base_load_mw"].to_numpy().max() == pytest.approx(3.95)
    plan(page)


def test_a_mill_is_drawn(page: Page) -> None:
    """Proves: two silos, a mill, trucks and their lines are drawn on an empty sheet, renamed, given a night tariff
    and planned; undo takes a name back; the trucks' table shows all of its columns on screens of three widths.
    Sensitivity: a line that reaches the wrong side of the recipe; a column for months that no truck has."""
    begin(page, "Empty flow sheet", "Our mill")
    press(page, "Create")
    at_rest(page)
    for part in ("silo", "silo", "mill", "arrival", "delivery"):
        place(page, "Processes and stores", part)
    place(page, "Electricity", "day and night tariff")
    line(page, on_sheet(page, "bar", "silo"), on_sheet(page, "box", "mill"))
    line(page, on_sheet(page, "box", "mill"), on_sheet(page, "bar", "silo 2"))
    (mill,) = scenario_of(page).processes
    assert ([one.place for one in mill.inputs], [one.place for one in mill.outputs]) == (["silo"], ["silo 2"])
    on_sheet(page, "bar", "silo").focus()
    page.keyboard.press("Enter")
    at_rest(page)
    change(page, "Name", "clinker")
    at_rest(page)
    (mill,) = scenario_of(page).processes
    assert mill.inputs[0].place == "clinker"
    assert scenario_of(page).arrivals[0].store == "clinker"
    press(page, "Undo")
    at_rest(page)
    assert "clinker" not in draft_of(page).text
    on_sheet(page, "box", "delivery").click()
    weekly = page.locator(".st-key-sheet-form .dvn-scroller")
    expect(weekly).to_be_visible()
    for width in (1024, 1300, 1440):  # no column of the trucks is cut off
        page.set_viewport_size({"width": width, "height": 900})
        at_rest(page)
        page.wait_for_function("e => e.scrollWidth <= e.clientWidth", arg=weekly.element_handle())
    plan(page)
