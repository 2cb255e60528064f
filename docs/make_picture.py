"""Makes docs/plan.png: plans the small melt shop (or the scenario named) and takes a picture of its page.

    python docs/make_picture.py [SCENARIO]

Needs Chromium (EMBERLINE_CHROMIUM, or the first one found). The plan is kept in a folder that is thrown away.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

DOCS = Path(__file__).resolve().parent
SIZE = {"width": 1440, "height": 1500}
LARGEST = 300_000
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]


def main(scenario: str = "melt-shop-small") -> None:
    """Plan, serve, photograph."""
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    browser = os.environ.get("EMBERLINE_CHROMIUM") or next(filter(None, found))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "EMBERLINE_HOME": home}
        command = [sys.executable, "-m", "ui"]
        said = subprocess.run(
            [*command, "plan", scenario, "--json"], cwd=DOCS.parent, env=environment, check=True, stdout=subprocess.PIPE
        )
        address = f"http://127.0.0.1:{port}"
        app = [*command, "app", "--port", str(port), "--no-browser"]
        with subprocess.Popen(app, cwd=DOCS.parent, env=environment, start_new_session=True) as server:
            try:
                _wait(f"{address}/_stcore/health")
                _photograph(str(browser), f"{address}/?run={json.loads(said.stdout)['run']}", DOCS / "plan.png")
            finally:
                os.killpg(server.pid, 15)
    assert (DOCS / "plan.png").stat().st_size < LARGEST


def _wait(address: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the app did not start")


def _photograph(browser: str, address: str, path: Path) -> None:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=QUIET)
        page = opened.new_page(viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]
        page.goto(address)
        page.locator(".st-key-timeline .marks").wait_for(timeout=30_000)
        page.get_by_role("combobox", name="Scenario").wait_for()
        page.wait_for_timeout(1500)  # charts fade in
        chart = page.locator(".st-key-timeline .marks").bounding_box()
        assert chart is not None
        height = min(SIZE["height"], chart["y"] + chart["height"] + 8)
        page.screenshot(path=path, clip={"x": 0, "y": 0, "width": SIZE["width"], "height": height})
        opened.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
