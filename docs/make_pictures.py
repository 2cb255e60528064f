"""Makes docs/pictures/: plans the small melt shop (or the scenario named) and takes a picture of its pages.

    python docs/make_pictures.py [SCENARIO]

Needs Chromium (EMBERLINE_CHROMIUM, or the first one found). What is planned is kept in a folder that is thrown away.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

DOCS = Path(__file__).resolve().parent
FOLDER = DOCS / "pictures"
WIDE, SMALL, TALL = {"width": 1440, "height": 900}, {"width": 1024, "height": 768}, {"width": 1440, "height": 1340}
LARGEST = 250_000
COLOURS = 128
POINTS, REPLAYS = 7, 200
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
REST = 10
"""Looks at rest in a row, a tenth of a second each, until a page counts as drawn; charts fade in meanwhile."""
PICTURES: dict[str, dict[str, Any]] = {
    "plan": {"size": TALL},
    "plan-dark": {"size": TALL, "theme": "dark"},
    "plan-chinese": {"size": SMALL, "language": "zh"},
    "scenario": {"path": "scenario"},
    "plant": {"path": "plant"},
    "compare": {"path": "compare"},
    "pareto": {"path": "pareto"},
    "robustness": {"path": "robustness"},
    "carbon": {"path": "carbon"},
}
"""Name of each picture, and which page it shows how."""


def main(scenario: str = "melt-shop-small") -> None:
    """Plan, serve, photograph."""
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    program = os.environ.get("EMBERLINE_CHROMIUM") or next(filter(None, found))
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["EMBERLINE_HOME"] = home
        query = _fill(scenario, Path(home))
        with _served() as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=QUIET)
            for name, how in PICTURES.items():
                _photograph(browser, address, query, FOLDER / f"{name}.png", **how)
            browser.close()


def _fill(scenario: str, home: Path) -> str:
    """Two plans, the first followed through disturbed days, and a front; the query that shows all of it."""
    from emberline import twin
    from emberline.planning import PLAIN, make_plan
    from emberline.planning.engine import engine
    from emberline.planning.robustness import ensemble
    from emberline.runs.store import Store, ensembles, fronts
    from emberline.scenarios import load
    from emberline.studies.pareto import pareto

    store, runs = Store(), []
    for changes in ([], ["goal.minimize=cost"]):
        result = make_plan(load(scenario, changes), PLAIN)
        with store.working(result.scenario) as run:
            store.save(run, result)
        runs.append(run)
    stored = store.open(runs[0])
    asked, schedule = stored.plan.scenario, stored.plan.schedule
    assert schedule is not None
    followed = ensemble.ensemble(
        asked, schedule, REPLAYS, engine.Engine(), dispatched=twin.dispatch(asked, stored.plan.envelope)
    )
    assert followed is not None
    ensembles.save(followed, stored)
    front = fronts.save(pareto(load(scenario), POINTS), home).id
    return f"run={runs[0]}&runs={','.join(runs)}&front={front}"


@contextmanager
def _served() -> Iterator[str]:
    """The app on a free port; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = [sys.executable, "-m", "ui", "app", "--port", str(port), "--no-browser"]
    with subprocess.Popen(app, cwd=DOCS.parent, start_new_session=True) as server:
        try:
            for _ in range(300):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, 15)


def _photograph(
    browser: Browser, address: str, query: str, target: Path, *,
    path: str = "", theme: str = "light", language: str = "en", size: dict[str, int] = WIDE,
) -> None:  # fmt: skip
    context = browser.new_context(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{address}/{path}?lang={language}&{query}")
    _drawn(page)
    page.screenshot(path=target)
    context.close()
    Image.open(target).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
    assert target.stat().st_size < LARGEST, f"{target} is too large"


def _drawn(page: Page) -> None:
    """Wait until the page has been at rest for a while."""
    app, quiet = page.get_by_test_id("stApp"), 0
    app.wait_for()
    blank = page.locator('[data-testid="stSkeleton"]:visible')
    while quiet < REST:
        rests = app.get_attribute("data-test-script-state") == "notRunning" and blank.count() == 0
        quiet = quiet + 1 if rests else 0
        page.wait_for_timeout(100)


if __name__ == "__main__":
    main(*sys.argv[1:])
