"""What was chosen and typed follows from page to page, and an address opens what it names: in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from browsing import WAIT_MS, Watched, at_rest, change, choose, go, press, settled
from playwright.sync_api import Browser, Page, WebSocket, expect
from served import Server
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from emberline.reports.text import naming
from emberline.scenarios import load

pytestmark = pytest.mark.browser
SMALL = "melt-shop-small"
COPY = f"draft: {naming.title(load(SMALL))}"
CARBON = "Carbon [EUR/t]"
LATE = """
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (...data) {
  setTimeout(() => send.apply(this, data), window.late_ms || 0);
};
"""
DIFFERS = "The inputs at the side differ from those of the plan below"


@pytest.fixture
def page(server: Server, browser: Browser) -> Iterator[Page]:
    """A tab of its own; nothing may go wrong in it."""
    expect.set_options(timeout=WAIT_MS)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    tab.set_default_timeout(WAIT_MS)
    watched = Watched(tab, server.url)
    yield tab
    assert watched.wrong == []
    context.close()


def chosen_scenario(page: Page) -> str:
    """The scenario that the page shows as chosen, once it is at rest."""
    field = page.get_by_role("combobox", name="Scenario", exact=True)
    at_rest(page, lambda: field.count() == 1)
    return str(field.input_value())


def copied(page: Page, server: Server, name: str = SMALL) -> str:
    """Copy a scenario on its page; the draft's address."""
    page.goto(f"{server.url}/scenario")
    choose(page, "Scenario", name)
    press(page, "Copy to edit")
    page.wait_for_url("**draft=*")
    at_rest(page)
    return page.url


def test_the_choice_follows_from_page_to_page(server: Server, page: Page) -> None:
    """Proves: all pages show the scenario that was chosen last, a bundled one or a draft, and a number that was moved.
    Sensitivity: a list that begins again on each page shows its first scenario."""
    copied(page, server)
    go(page, "en", "plan")
    change(page, CARBON, "123")
    for module in ("pareto", "runs", "plan", "plant", "scenario"):
        go(page, "en", module)
        if module in ("plan", "pareto", "scenario"):
            assert chosen_scenario(page) == COPY, module
        if module in ("plan", "pareto"):
            expect(settled(page, CARBON)).to_have_value("123")
    choose(page, "Scenario", "melt-shop-day")
    go(page, "en", "pareto")
    assert chosen_scenario(page) == "melt-shop-day"
    change(page, CARBON, "45")
    go(page, "en", "plan")
    assert chosen_scenario(page) == "melt-shop-day"
    expect(settled(page, CARBON)).to_have_value("45")


def test_a_value_whose_field_is_left_by_a_link_is_there_on_the_next_page(server: Server, page: Page) -> None:
    """Proves: a number that was typed counts, though the page is left by the same press that leaves the field: the
    server has begun to read it before it hears of the other page, also where it answers late.
    Sensitivity: sent at once, or after a fixed time, the change of page may set out before the number is read, and the
    number is lost."""
    ignored = 0

    def sent(data: str | bytes) -> None:
        nonlocal ignored
        assert isinstance(data, bytes)
        asks = BackMsg.FromString(data).rerun_script
        if asks.page_script_hash and not asks.fragment_id:
            ignored += bool(pages) and not begins and asks.page_script_hash != pages[-1]
            pages.append(asks.page_script_hash)
            begins.clear()

    def received(data: str | bytes) -> None:
        assert isinstance(data, bytes)
        if ForwardMsg.FromString(data).WhichOneof("type") == "new_session":
            begins.append(True)

    def listen(stream: WebSocket) -> None:
        stream.on("framesent", sent)
        stream.on("framereceived", received)

    pages, begins = list[str](), list[bool]()
    page.on("websocket", listen)
    page.add_init_script(LATE)
    page.goto(f"{server.url}/pareto")
    choose(page, "Scenario", "melt-shop-day")
    for value, late_ms in (("45", 0), ("46", 0), ("47", 4000)):
        page.evaluate(f"window.late_ms = {late_ms}")
        settled(page, CARBON).fill(value)
        page.locator(".st-key-header_sections").get_by_role("link", name="Scenario", exact=True).click()
        expect(page).to_have_url(re.compile("/scenario"))
        page.evaluate("window.late_ms = 0")
        at_rest(page)
        go(page, "en", "pareto")
        expect(settled(page, CARBON)).to_have_value(value)
    assert len(pages) > 4
    assert ignored == 0


def test_a_draft_is_found_by_its_address(server: Server, page: Page) -> None:
    """Proves: loaded again, and in another tab, the address of a draft opens that draft, on the pages Scenario and
    Plan; and the address to keep stands next to it."""
    address = copied(page, server)
    name, draft = COPY, address.partition("draft=")[2]
    text = f"{server.url}/scenario?draft={draft}"
    press(page, "Address")
    expect(page.get_by_text(text, exact=True)).to_be_visible()
    page.reload()
    assert chosen_scenario(page) == name
    page.goto("about:blank")
    page.goto(text)
    assert chosen_scenario(page) == name
    page.goto(f"{server.url}/?draft={draft}")
    assert chosen_scenario(page) == name


def test_typed_text_waits_until_it_is_applied(server: Server, page: Page) -> None:
    """Proves: what was typed is there again after another view and another page, is not left out of a plan silently,
    and once it is applied "Plan this" begins the plan of it."""
    copied(page, server)
    page.get_by_role("radio", name="Text", exact=True).click()
    field = settled(page, "The scenario as YAML")
    text = field.input_value()
    typed = text.replace("effort: 30", "effort: 3").replace("gap: 1 %", "gap: 31 %")
    assert typed != text
    field.fill(typed)
    page.get_by_role("radio", name="Form", exact=True).click()  # the field is left by this alone
    expect(page.get_by_text("Typed text is not applied yet", exact=False)).to_be_visible()
    page.get_by_role("radio", name="Text", exact=True).click()
    expect(settled(page, "The scenario as YAML")).to_have_value(typed)
    go(page, "en", "plan")
    go(page, "en", "scenario")
    press(page, "Plan this")
    expect(page.get_by_text("Nothing is planned yet", exact=False)).to_be_visible()
    expect(settled(page, "The scenario as YAML")).to_have_value(typed)
    press(page, "Discard")
    expect(settled(page, "The scenario as YAML")).to_have_value(text)
    field.fill(typed)
    field.press("Control+Enter")
    press(page, "Apply")
    at_rest(page)
    press(page, "Plan this")
    expect(page.get_by_text("Export this plan", exact=True)).to_be_visible()
    page.get_by_text("Caps and search", exact=True).click()
    expect(settled(page, "Stop at a gap of [%]")).to_have_value("31")
    expect(page.get_by_text(DIFFERS, exact=False)).to_have_count(0)


def test_a_field_that_is_left_by_the_button_is_planned(server: Server, page: Page) -> None:
    """Proves: what was typed into the form counts for the plan that the next press begins; of a draft that has no plan
    the page says that the side is that of the run, which it is. Sensitivity: a press that goes at once leaves the
    field's value behind."""
    copied(page, server)
    page.get_by_role("radio", name="Site", exact=True).or_(page.get_by_text("Site", exact=True)).first.click()
    at_rest(page)
    field = page.get_by_label("Import limit [MW]", exact=True)
    at_rest(page, lambda: field.count() == 1)
    field.fill("20 MW")
    press(page, "Plan this")
    expect(page.get_by_role("button", name="Why is there no plan?", exact=True)).to_be_visible()
    at_rest(page)
    expect(page.get_by_text(DIFFERS, exact=False)).to_have_count(0)
