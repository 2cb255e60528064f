"""The page *Shift* in a real browser next to an accelerated plant: errors, memory, ages, pictures."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks.live.kills import Process, free_port
from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Findings, Table, measured
from emberline.live.loop import current
from emberline.runs.decisions import Decisions

MINUTES = 30.0
SPEED = 40
LOOK_S = 20.0
TIMEOUT_MS = 600_000
SIZES = {"wall": (1920, 1080), "wall-4k": (3840, 2160), "laptop": (1440, 900)}
SETTLED = 0.3
"""Share of the time before memory counts as settled."""


def memory_mb(process: subprocess.Popen[bytes]) -> float:
    """Of a process and its children."""
    one = psutil.Process(process.pid)
    return sum(part.memory_info().rss for part in [one, *one.children(recursive=True)]) / 1e6


def ages(snapshot: dict[str, Any]) -> int:
    """Tags without age.

    Raises:
        Wrong: the snapshot is old.
    """
    silent_s = (datetime.now(UTC) - datetime.fromisoformat(snapshot["written"])).total_seconds()
    if silent_s > 60:
        raise Wrong(f"the loop has written nothing for {silent_s:.0f} s")
    return sum(tag["age_s"] is None for tag in snapshot["tags"])


@bench("live-page", "page Shift in a browser for 30 min of an accelerated plant", long=True)
def main() -> Findings:
    """Watch it; pictures go to the folder EMBERLINE_PICTURES."""
    from playwright.sync_api import sync_playwright

    minutes = float(os.environ.get("EMBERLINE_MINUTES", MINUTES))
    pictures = Path(os.environ.get("EMBERLINE_PICTURES", tempfile.mkdtemp()))
    pictures.mkdir(parents=True, exist_ok=True)
    broker_port, port, app_port = free_port(), free_port(), free_port()
    errors: list[str] = []
    heap, app_mb, loop_mb = list[float](), list[float](), list[float]()
    without_age = plans = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["EMBERLINE_HOME"] = str(folder / "home")
        (folder / "mosquitto.conf").write_text(f"listener {broker_port} 127.0.0.1\nallow_anonymous true\n")
        broker = Process(broker_port, "mosquitto", "-c", str(folder / "mosquitto.conf"))
        command = [sys.executable, "-m", "emberline.ui"]
        live = [*command, "live"]
        plant = subprocess.Popen(
            [*live, "simulate", "melt-shop-small", "--speed", str(SPEED), "--port", str(port), "--broker",
             f"mqtt://127.0.0.1:{broker_port}", "--restart-every", "300", "--replication", "1"],
            cwd=folder, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        started = [plant]
        try:
            while not (folder / "live.yaml").is_file():
                time.sleep(0.2)
            log = (pictures / "loop.log").open("w")
            loop = subprocess.Popen([*live, "run", "live.yaml"], cwd=folder, stdout=log, stderr=log)
            app = subprocess.Popen(
                [*command, "app", "--port", str(app_port), "--no-browser"], cwd=folder, stdout=subprocess.DEVNULL
            )
            started += [loop, app]
            url = f"http://127.0.0.1:{app_port}"
            _wait(url)
            while not current():
                time.sleep(0.5)
            with sync_playwright() as playwright:
                program = os.environ.get("EMBERLINE_CHROMIUM", "/usr/bin/chromium")
                browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1920, "height": 1080}, color_scheme="dark")
                page.set_default_timeout(TIMEOUT_MS)
                page.on("console", lambda one: errors.append(one.text) if one.type == "error" else None)
                page.on("pageerror", lambda one: errors.append(str(one)))
                page.goto(f"{url}/shift")
                page.locator(".shift b").first.wait_for()
                session = page.context.new_cdp_session(page)
                session.send("Performance.enable")
                began, clocks = time.monotonic(), set[str]()
                while time.monotonic() - began < minutes * 60 and plant.poll() is None:
                    page.wait_for_timeout(LOOK_S * 1000)
                    if page.locator('[data-testid="stException"]').count():
                        errors.append("the page shows an exception")
                    (snapshot,) = current()
                    without_age += ages(snapshot)
                    clocks.add(page.locator(".shift b").first.inner_text())
                    session.send("HeapProfiler.collectGarbage")
                    values = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
                    heap.append(values["JSHeapUsedSize"] / 1e6)
                    app_mb.append(memory_mb(app))
                    loop_mb.append(memory_mb(loop))
                    advice = next((one for one in Decisions("live").all() if one.state == "open"), None)
                    if advice is not None and len(heap) % 6 == 5:
                        page.screenshot(path=pictures / "advice.png", full_page=True)
                        page.get_by_role("button", name="Approve").first.click()
                        plans += 1
                    if len(heap) == 3 or len(heap) % 30 == 0:
                        _pictures(page, pictures, len(heap))
                _pictures(page, pictures, 0)
                browser.close()
                if len(clocks) < len(heap) - 2:
                    raise Wrong(f"the page has stood still: {len(clocks)} times in {len(heap)} looks")
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait(20)
            broker.kill()
    rows = [measured("errors in browser or page", [float(len(errors))], unit="", says="; ".join(errors[:3]))]
    rows.append(measured("tags without age, all looks", [float(without_age)], unit="", says=f"{len(heap)} looks"))
    rows.append(measured("advice approved on the page", [float(plans)], unit=""))
    settled = int(len(heap) * SETTLED)
    for what, values_mb in (("browser, heap", heap), ("app", app_mb), ("loop", loop_mb)):
        half = (len(values_mb) + settled) // 2
        first, second = statistics.median(values_mb[settled:half]), statistics.median(values_mb[half:])
        rows.append(measured(f"{what}: memory", values_mb[settled:], unit="MB", says=f"{first:.1f}, then {second:.1f}"))
    return Findings([Table(f"Page Shift, {minutes:g} min at {SPEED} times the plant's pace", rows)])


def _wait(url: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=5)
            return
        except OSError:
            time.sleep(0.5)
    raise Wrong("the app does not start")


def _pictures(page: Any, folder: Path, number: int) -> None:
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(6000)
        page.screenshot(path=folder / f"{size}-{number}.png")
    page.set_viewport_size({"width": 1920, "height": 1080})
