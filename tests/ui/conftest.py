"""A home with one stored plan, made once for all tests of the faces."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from served import Server

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = sys.modules["__main__"]
"""Taken here, since a fixture of a module may open a page before its first test begins."""


@pytest.fixture(autouse=True)
def main_stays() -> Iterator[None]:
    """Streamlit puts a page in the place of the program; processes started later would begin with that page."""
    yield
    sys.modules["__main__"] = PROGRAM


@pytest.fixture(scope="session", autouse=True)
def components_found_once() -> Iterator[None]:
    """Streamlit looks through all installed packages for each page that a test draws by itself: once is enough."""
    from streamlit.components.v2 import manifest_scanner

    once = functools.cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(manifest_scanner, "scan_component_manifests", once)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where a test of the pages fails: what its pages say, how its jobs ended, what their workers and the server
    printed."""
    report = yield
    if (
        report.failed
        and report.when == "call"
        and (browser := getattr(item, "funcargs", {}).get("browser")) is not None
    ):
        pages = [page for context in browser.contexts for page in context.pages]
        report.sections += [(f"page {page.url}", page.evaluate("() => document.body.innerText")) for page in pages]
    inputs = getattr(item, "funcargs", {})
    server = inputs.get("server", inputs.get("stored_server"))
    if report.failed and server is not None and "EMBERLINE_HOME" in server.environment:
        jobs = Path(server.environment["EMBERLINE_HOME"]) / "jobs"
        parts = [path for path in sorted(jobs.glob("*/*")) if path.suffix in (".jsonl", ".txt")]
        ends = [f"{path}: {path.read_text(errors='replace')[-300:]}" for path in parts]
        report.sections.append(("jobs", "\n".join(ends)))
        report.sections.append(("server", server.log.read_text(errors="replace")[-4000:]))
    return report


@pytest.fixture(scope="session")
def stored_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home folder with one plan of the small melt shop, and the plan's id, made by the first of the processes of
    tests that needs it. To be copied, not changed."""
    folder = tmp_path_factory.getbasetemp()
    home = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "stored"
    command = [sys.executable, "-m", "ui", "plan", "melt-shop-small", "--quiet", "--effort", "4"]
    environment = {**os.environ, "EMBERLINE_HOME": str(home)}
    with FileLock(home.with_suffix(".lock")):
        if not home.exists():
            process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
            assert process.returncode == 0, process.stderr + process.stdout
    (run,) = [path.name for path in (home / "runs").iterdir() if not path.name.startswith(".")]
    return home, run


@pytest.fixture(scope="session")
def stored_server(stored_home: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app in a home that has the stored plan to begin with, started once for all tests that bring no plans of
    their own."""
    from served import Server

    folder = tmp_path_factory.mktemp("stored_server")
    shutil.copytree(stored_home[0], folder / "home")
    started = Server(environment={"EMBERLINE_HOME": str(folder / "home")}, log=folder / "server.log")
    yield started
    started.kill()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, for this process and those that it starts."""
    folder = tmp_path / "home"
    monkeypatch.setenv("EMBERLINE_HOME", str(folder))
    return folder


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """Chromium, opened once for the tests of a module."""
    from playwright.sync_api import sync_playwright
    from served import QUIET

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app, started once for the tests of a module, with a home that is empty to begin with."""
    from served import Server

    folder = tmp_path_factory.mktemp("served")
    started = Server(environment={"EMBERLINE_HOME": str(folder / "home")}, log=folder / "server.log")
    yield started
    started.kill()
