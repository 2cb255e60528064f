"""The planning board in a real browser: its rules are those of the search, bars are dragged and moved by keys."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import WAIT_MS, Watched, at_rest, settled
from busy_shops import busy_shop
from playwright.sync_api import Browser, Locator, Page, expect
from served import Server

from emberline import twin
from emberline.models import line
from emberline.reports.charts import board as drawing
from emberline.runs.store.store import Store
from emberline.scenarios import Scenario, resolve
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.studies.board import HeatBoard, key_text

pytestmark = pytest.mark.browser
CHECK = """([rules, cases]) => { const home = placesOf(rules); return cases.map((moves) =>
  conflicts(rules, {...home, ...moves}).map((one) => [one.kind, ...[...one.keys].sort()].join(" ")).sort()); }"""
Moves = dict[line.Key, tuple[int, int]]


@pytest.fixture
def page(stored_home: tuple[Path, str], stored_server: Server, browser: Browser) -> Iterator[tuple[Page, str, Watched]]:
    """The page of the stored plan, its id, and what goes wrong on it."""
    opened = browser.new_page(viewport={"width": 1440, "height": 1400})
    opened.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    watched = Watched(opened, stored_server.url)
    opened.goto(f"{stored_server.url}/?run={stored_home[1]}")
    settled(opened, "Heat")
    yield opened, stored_home[1], watched
    opened.close()


def test_the_rules_are_those_of_the_search(stored_home: tuple[Path, str], browser: Browser) -> None:
    """Proves: on random lines with outages, casts, units that differ and heats under way, and on a stored plan, what
    the browser calls a conflict of a random move is what the judge of the search calls one, kind by kind."""
    plan = Store(stored_home[0]).open(stored_home[1]).plan
    tab = browser.new_page()
    tab.add_script_tag(content=(drawing.FOLDER / "rules.js").read_text(encoding="utf-8").replace("export ", ""))
    draw, kinds = random.Random(4), set[str]()
    for board in filter(None, [of_stored(plan), *map(of_shop, [plan] * 24, range(24))]):
        cases = [moves_of(board, draw) for _ in range(12)]
        expected = [texts(board.conflicts(moves)) for moves in cases]
        kinds |= {row.split()[0] for rows in expected for row in rows}
        sent = [{key_text(key): list(place) for key, place in moves.items()} for moves in cases]
        assert tab.evaluate(CHECK, [board.rules(), sent]) == expected
    assert kinds >= {"window", "outage", "early", "wait", "busy"}
    tab.close()


def of_stored(plan: Any) -> HeatBoard | None:
    from emberline.studies.board import heat_board

    return heat_board.of_line(plan)


def of_shop(plan: Any, seed: int) -> HeatBoard | None:
    """A random line as a board; the plan only lends its signal."""
    scenario = resolve(Scenario.model_validate(busy_shop(seed), context={"currency": "EUR"}))
    if list(between_nouns(scenario)):
        return None
    problem = line.from_scenario(scenario, twin.envelope(scenario))
    starts = line.from_schedule(problem, twin.dispatch(scenario, over=lambda: True))
    return None if starts is None else HeatBoard(plan, scenario, problem, starts)


def moves_of(board: HeatBoard, draw: random.Random) -> Moves:
    """One to three random moves, short and long, some to another unit."""
    moves: Moves = {}
    for _ in range(draw.choice((1, 1, 2, 3))):
        key = draw.choice(sorted(set(board.key_of.values())))
        unit, slot = board.place(key)
        far = draw.choice((3, board.problem.n_slots))
        moves[key] = draw.choice((unit, draw.choice(board.units(key)))), slot + draw.randint(-far, far)
    return moves


def texts(conflicts: list[line.Conflict]) -> list[str]:
    return sorted(" ".join([one.kind, *sorted(map(key_text, one.keys))]) for one in conflicts)


def bar_of(page: Page, heat: str, stage: str = "melting") -> Locator:
    return page.locator(f"[data-id='{heat}/{stage}']")


def test_a_bar_is_dragged(page: tuple[Page, str, Watched]) -> None:
    """Proves: while a bar is dragged it shows the conflict and its reason; dropped it is a lock that the side and the
    address have, its old place is a ghost; Undo takes it back, and a plan is made around it. Sensitivity: a page that
    is drawn again and loses the place or the scroll."""
    tab, run, watched = page
    bar = bar_of(tab, "C1-2")
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + 20, box["y"] + 14)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 60, box["y"] + 14)
    tab.mouse.move(box["x"] + 260, box["y"] + 14, steps=4)
    expect(tab.locator(".status b").first).to_be_visible()
    expect(bar).to_contain_text("!")
    tab.mouse.up()
    again = tab.get_by_role("button", name="Plan again around it")
    expect(again).to_be_visible()
    at_rest(tab)
    expect(bar.locator(".padlock")).to_have_count(1)
    expect(tab.locator(".ghost")).to_have_count(1)
    assert "locks=" in tab.url
    tab.locator(".st-key-board-changes").get_by_role("button", name="Undo", exact=True).click()
    expect(again).to_have_count(0)
    expect(tab.locator(".ghost")).to_have_count(0)
    at_rest(tab)
    bar.focus()
    tab.keyboard.press("l")
    expect(again).to_be_visible()
    at_rest(tab)
    again.click()
    tab.wait_for_url(lambda url: run not in url)
    (new,) = parse_qs(urlsplit(tab.url).query)["run"]
    expect(tab.locator(f".st-key-plan_{new[:8]}")).to_be_visible(timeout=WAIT_MS)
    at_rest(tab)
    expect(bar.locator(".padlock")).to_have_count(1)
    assert watched.wrong == []


def test_a_bar_is_moved_by_keys(page: tuple[Page, str, Watched]) -> None:
    """Proves: arrows move a bar by a step, Escape takes it back, Enter drops it, L locks and frees, Tab goes on to the
    next bar, and the focus stays on the bar when the page is drawn again; + zooms and 0 shows all again, a drag
    over the axis shows what it covers, and the address has the range in view; "Why here?" asks about that heat.
    Sensitivity: a reset that leaves the range in the address, a drag that shows another span."""
    tab, _, watched = page
    bar = bar_of(tab, "C1-2")
    home = bar.get_attribute("transform")
    bar.focus()
    tab.keyboard.press("ArrowRight")
    expect(bar).not_to_have_attribute("transform", str(home))
    expect(tab.get_by_text("+15 min")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(bar).to_have_attribute("transform", str(home))
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Enter")
    again = tab.get_by_role("button", name="Plan again around it")
    expect(again).to_be_visible()
    at_rest(tab)
    expect(bar).to_be_focused()
    tab.keyboard.press("Escape")
    expect(again).to_have_count(0)
    at_rest(tab)
    tab.keyboard.press("l")
    expect(bar.locator(".padlock")).to_have_count(1)
    at_rest(tab)
    tab.keyboard.press("l")
    expect(bar.locator(".padlock")).to_have_count(0)
    at_rest(tab)
    tab.keyboard.press("+")
    tab.wait_for_url("**range=*")
    at_rest(tab)
    expect(tab.get_by_role("button", name="Whole horizon")).to_be_visible()
    expect(bar).to_be_focused()
    tab.keyboard.press("0")
    tab.wait_for_url(lambda url: "range=" not in url)
    at_rest(tab)
    expect(tab.get_by_role("button", name="Whole horizon")).to_have_count(0)
    drag_over_the_axis(tab, 0.25, 0.5)
    tab.wait_for_url("**range=*")
    (span,) = parse_qs(urlsplit(tab.url).query)["range"]
    assert [float(end) for end in span.split("-")] == pytest.approx([6 * 60, 12 * 60], abs=15)
    at_rest(tab)
    tab.get_by_role("button", name="Whole horizon").click()
    tab.wait_for_url(lambda url: "range=" not in url)
    at_rest(tab)
    bar.focus()
    tab.keyboard.press("Tab")
    expect(bar).not_to_be_focused()
    assert tab.evaluate("document.activeElement.shadowRoot.activeElement.dataset.id") != "C1-2/melting"
    bar.focus()
    tab.keyboard.press("Enter")
    tab.get_by_role("button", name="Why here?").click()
    tab.wait_for_url("**/analyses?*")
    assert settled(tab, "Heat").input_value() == "C1-2"
    assert watched.wrong == []


def drag_over_the_axis(page: Page, start: float, end: float) -> None:
    """Drag below the bars, over shares of the span in view."""
    drawing_area = page.locator(".board > svg")
    drawing_area.scroll_into_view_if_needed()
    box = drawing_area.bounding_box()
    assert box is not None
    west, east = box["x"] + 98, box["x"] + box["width"] - 6  # names of units, margin
    height = box["y"] + box["height"] - 12
    page.mouse.move(west + start * (east - west), height)
    page.mouse.down()
    page.mouse.move(west + (start + end) / 2 * (east - west), height)
    page.mouse.move(west + end * (east - west), height, steps=4)
    page.mouse.up()
