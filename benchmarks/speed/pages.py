"""How soon a page of the browser's face stands, and how soon it is drawn again: in Chromium, compared with an empty
page.

A stored plan of the reference melt shop's day is looked at, with its replays, a plan of the same day for another goal
next to it, and a front; the pages with the largest charts also with a plan of a cement week and of a site's week.
*First paint*: from going to the address until the page's heading, or its only line, is on the
screen; *drawn*: until its script has ended. *Again*: from a key that runs the page again (``r``) until its script has
ended. The empty page is Streamlit with one line of text, measured in turns with the others; files that Streamlit itself
serves are in the browser's cache for all of them. Then the same while others poll: tabs without a browser that watch a
search, each running its fragments again when they ask for it, as browsers do.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.instruments.tab import open_tab
from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Bar, Findings, Row, Table, measured

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

DAY, SMALL = "melt-shop-day", "melt-shop-small"
ROUNDS, AGAIN = 5, 4
"""Visits of each page, and runs of it again at each visit."""
OTHERS = 20
FIRST_S, AGAIN_S = 1.0, 0.2
LARGE, HEAVY = ("cement-week", "melt-shop-site"), ("plan", "plant", "twin", "carbon")
"""Larger scenarios, and the pages that are also measured with a plan of each."""
EMPTY = 'import streamlit as st\nst.subheader("Empty", anchor=False)\n'
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
WATCH = """
window.painted = null; window.rested = null; window.asked = null;
const look = () => {
  const now = performance.now();
  const app = document.querySelector('[data-testid=stApp]');
  const main = document.querySelector('[data-testid=stMain]');
  if (window.painted === null && main?.querySelector(':is(h1, h2, h3, h4, h5, [data-testid=stAlert])')) {
    window.painted = -1;
    requestAnimationFrame(() => { window.painted = performance.now(); });
  }
  if (!app) return;
  const rests = app.dataset.testScriptState === 'notRunning';
  if (window.asked !== null && !rests) window.ran = true;
  if (rests && window.painted !== null && window.rested === null && (window.asked === null || window.ran))
    window.rested = now;
};
new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
const ask = () => { window.asked = performance.now(); window.ran = false; window.rested = null; };
window.addEventListener('keydown', ask, { capture: true });
"""
"""Notes in the page itself when what happens, in milliseconds since the address was asked for."""


@contextmanager
def serving(command: list[str], port: int, home: str) -> Iterator[str]:
    """A server of pages, once it answers."""
    url = f"http://127.0.0.1:{port}"
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-m", *command], env={**os.environ, "EMBERLINE_HOME": home}, **quiet)
    try:
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).close()
                break
            except OSError:
                if time.monotonic() > end or process.poll() is not None:
                    raise RuntimeError(f"{command[0]} does not answer at {url}") from None
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def visit(context: BrowserContext, address: str, again: int) -> tuple[float, float, list[float]]:
    """Seconds until a page is painted and drawn, and of each run again."""
    page = context.new_page()
    page.goto(address)
    _wait(page, "window.painted > 0 && window.rested !== null")
    painted, result = page.evaluate("[window.painted / 1000, window.rested / 1000]")
    page.wait_for_timeout(1000)  # charts are drawn, and the server is idle
    rows = []
    for _ in range(again):
        page.locator("body").press("r")
        _wait(page, "window.asked !== null && window.rested !== null")
        rows.append(float(page.evaluate("(window.rested - window.asked) / 1000")))
        page.wait_for_timeout(300)
    page.close()
    return float(painted), float(result), rows


def _wait(page: Page, what: str) -> None:
    end = time.monotonic() + 60
    while not page.evaluate(what):  # the page's policy allows no eval, by which Playwright's own way would wait
        if time.monotonic() > end:
            raise RuntimeError(f"{page.url} does not come to rest")
        page.wait_for_timeout(20)


class Poll(threading.Thread):
    """Somebody who watches a search: runs each fragment that polls when its time has come, until the bench ends it."""

    def __init__(self, url: str, run: str, end: threading.Event) -> None:
        super().__init__(daemon=True)
        self.url, self.run_, self.end = url, run, end
        self.took: list[float] = []
        self.failed = ""

    def run(self) -> None:
        """Poll."""
        try:
            with open_tab(self.url, "", f"run={self.run_}") as tab:
                tab.rerun()
                if not tab.polls:
                    raise RuntimeError("the page does not poll: its search has ended")
                due = {fragment: time.monotonic() + interval for fragment, interval in tab.polls.items()}
                while not self.end.wait(max(0.0, min(due.values()) - time.monotonic())):
                    fragment = min(due, key=lambda one: due[one])
                    self.took.append(tab.rerun(fragment))
                    due[fragment] = time.monotonic() + tab.polls[fragment]
        except Exception as error:  # reported by the bench
            self.failed = f"{type(error).__name__}: {error}"


def _answer(home: str, *command: str) -> dict[str, Any]:
    """What a command says of what it has stored."""
    process = subprocess.run(
        [sys.executable, "-m", "ui", *command, "--quiet", "--json"],
        env={**os.environ, "EMBERLINE_HOME": home}, capture_output=True, check=True,
    )  # fmt: skip
    return dict(json.loads(process.stdout))


def _filled(home: str) -> str:
    """Something to show on every page; the query of an address that shows it."""
    run = str(_answer(home, "plan", DAY, "--time-limit", "20")["run"])
    other = str(_answer(home, "plan", DAY, "--time-limit", "5", "--set", "goal.minimize=cost")["run"])
    _answer(home, "replay", run, "--replications", "100")
    front = str(_answer(home, "pareto", SMALL, "--points", "3", "--set", "goal.effort=5")["front"])
    return f"run={run}&runs={run},{other}&front={front}"


@contextmanager
def _searching(home: str) -> Iterator[str]:
    """A search that is at work as long as the block lasts, and its id."""
    from emberline.runs.jobs import queue

    os.environ["EMBERLINE_HOME"] = home
    run = queue.start(DAY, ["goal.gap=0", "goal.effort=3600"], note={"scenario": DAY})
    try:
        yield run
    finally:
        queue.kill(run)
        queue.dismiss()


def chromium() -> str:
    named = os.environ.get("EMBERLINE_CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    part = next((path for name in names if (path := shutil.which(name))), None)
    if part is None:
        raise Wrong("Chromium is missing: apt install chromium, or set EMBERLINE_CHROMIUM to its path")
    return part


@bench("pages", "first paint of each page and its rerun in Chromium, and of an empty page; 20 who poll", long=True)
def main() -> Findings:
    """Measure one user, then one among others."""
    from playwright.sync_api import sync_playwright

    from emberline.ui.pages import ADDRESSES, PAGES

    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        query = _filled(home)
        empty_script = Path(home) / "empty.py"
        empty_script.write_text(EMPTY, encoding="utf-8")
        first, second = free_port(), free_port()
        flags = [f"--server.port={second}", "--server.address=127.0.0.1", "--server.headless=true",
                 "--server.fileWatcherType=none", "--browser.gatherUsageStats=false"]  # fmt: skip
        app = stack.enter_context(serving(["ui", "app", f"--port={first}", "--no-browser"], first, home))
        bare = stack.enter_context(serving(["streamlit", "run", str(empty_script), *flags], second, home))
        addresses = {name: "" if name == "plan" else ADDRESSES.get(name, name) for name in PAGES}
        chrome = stack.enter_context(sync_playwright()).chromium.launch(executable_path=chromium(), args=list(QUIET))
        context = chrome.new_context(viewport={"width": 1440, "height": 900})
        context.add_init_script(WATCH)
        sites = {"empty": bare} | {name: f"{app}/{address}?{query}" for name, address in addresses.items()}
        titles = {"empty": "an empty page", **PAGES}
        for scenario in LARGE:
            run = _answer(home, "plan", scenario, "--time-limit", "20")["run"]
            sites |= {f"{name} {scenario}": f"{app}/{addresses[name]}?run={run}" for name in HEAVY}
            titles |= {f"{name} {scenario}": f"{PAGES[name]}, {scenario}" for name in HEAVY}
        for address in sites.values():
            visit(context, address, 1)  # imports, files and caches, once
        visited = _rounds(context, sites)
        polled = _among_others(context, app, sites["plan"], home)
        chrome.close()
    return Findings([_alone(visited, titles), polled])


def _rounds(context: BrowserContext, sites: dict[str, str]) -> dict[str, dict[str, list[float]]]:
    result: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(ROUNDS):
        for name, address in sites.items():
            painted, value, again = visit(context, address, AGAIN)
            result[name]["first paint"].append(painted)
            result[name]["drawn"].append(value)
            result[name]["again"].extend(again)
    return result


def _alone(visited: dict[str, dict[str, list[float]]], titles: dict[str, str]) -> Table:
    limits = {"first paint": FIRST_S, "again": AGAIN_S}
    rows: list[Row] = []
    for what in ("first paint", "drawn", "again"):
        for name, result in visited.items():
            bars = [Bar(limits[what])] if what in limits and name != "empty" else []
            reference = None if name == "empty" else visited["empty"][what]
            rows.append(measured(f"{titles[name]}: {what}", result[what], reference=reference, bars=bars))
    return Table("One user, a stored plan of the day", rows, reference="Streamlit's page with one line of text")


def _among_others(context: BrowserContext, app: str, address: str, home: str) -> Table:
    """The plan's page again while others watch a search, which takes a core of its own."""
    with _searching(home) as search:
        alone = [seconds for _ in range(2) for seconds in visit(context, address, AGAIN)[2]]
        end = threading.Event()
        others = [Poll(app, search, end) for _ in range(OTHERS)]
        for other in others:
            other.start()
        time.sleep(5)
        among = [seconds for _ in range(2) for seconds in visit(context, address, AGAIN)[2]]
        end.set()
        for other in others:
            other.join(timeout=60)
    failed = [other.failed for other in others if other.failed]
    if failed:
        raise Wrong(f"{len(failed)} of {OTHERS} who polled failed: {failed[0]}")
    polls = [seconds for other in others for seconds in other.took]
    rows = [
        measured("Plan: again, while a search is at work", alone),
        measured(f"Plan: again, while {OTHERS} watch it", among, reference=alone, bars=[Bar(1.0)]),
        measured(f"a poll, one of {OTHERS}", polls, bars=[Bar(1.0, "worst")], says=f"{len(polls)} polls"),
    ]
    return Table(f"{OTHERS} users who poll", rows, reference="the same with nobody else")
