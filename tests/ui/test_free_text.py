"""Free text that somebody else has written, on every page in a real browser: shown as it is, never as markup."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Watched, at_rest, go
from playwright.sync_api import Browser, Page, expect
from served import ROOT, Server

from emberline.plans.store.store import Store
from emberline.ui.pages import PAGES

OUTSIDE = "http://outside.example/"
EVIL = f"![a]({OUTSIDE}a.png) <img src='{OUTSIDE}b.png'> <script>fetch('{OUTSIDE}c')</script> [d](javascript:alert(1))"
"""In a scenario's free text: what must be shown as it is written."""
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home with a plan whose scenario tells more than it should, and the plan's id."""
    folder = tmp_path_factory.mktemp("pages") / "home"
    rows = [part for key in ("title", "description") for part in ("--set", f"{key}={json.dumps(EVIL)}")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBERLINE_HOME", str(folder))
        items = ["plan", "melt-shop-small", *rows, "--gap", "50%", "--time-limit", "5", "--quiet"]
        command = [sys.executable, "-m", "ui", *items]
        process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stderr
        (run,) = [row.id for row in Store().list()]
    return folder, run


@pytest.fixture(scope="module")
def server(home: tuple[Path, str]) -> Iterator[Server]:
    started = Server(environment={"EMBERLINE_HOME": str(home[0])})
    yield started
    started.kill()


def rested(page: Page) -> None:
    """Wait until a page stands, and all of it is there."""
    main = page.get_by_test_id("stMain")
    parts = [main.get_by_test_id(name) for name in ("stText", "stAlert")]
    expect(main.get_by_role("heading").or_(parts[0]).or_(parts[1]).first).to_be_visible(timeout=90_000)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=90_000)
    at_rest(page)


def test_free_text_is_shown_as_it_is(server: Server, home: tuple[Path, str], browser: Browser) -> None:
    """Proves: no page makes an image, a link or a script of what a scenario says, calls another host, or breaks the
    policy of content. Sensitivity: a title in st.markdown fails here."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    watched = Watched(page, server.url)
    page.goto(f"{server.url}/?run={home[1]}")
    rested(page)
    text = ""
    for name in PAGES:
        go(page, "en", name)
        rested(page)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        for item in (f"img[src*='{OUTSIDE}']", f"a[href*='{OUTSIDE}']", "a[href^='javascript']"):
            expect(page.locator(item), name).to_have_count(0)
        text += page.get_by_test_id("stMain").inner_text()
    assert EVIL in text
    assert watched.wrong == []
    page.close()
