"""An energy manager's path in a real browser: a year of a real load, baseline, CUSUM, report."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

import pytest
from browsing import WAIT_MS, Watched, at_rest, choose, go, say, sound
from playwright.sync_api import Browser, Page, expect
from served import Server

pytestmark = [pytest.mark.browser, pytest.mark.shared]
LOAD = "data/kr_steel_2018_load_15min.csv.gz"
"""Metered load of a small steel works, UCI data set 851, CC BY 4.0."""
SEOUL_H = 9
T_PER_MWH = 8.0


def production(text: str) -> Iterator[tuple[date, float]]:
    """Tonnes by day, made up: the works publish none. From half-way on each takes 4 % more energy."""
    mwh: dict[date, float] = defaultdict(float)
    for row in csv.DictReader(text.splitlines()):
        at = datetime.fromisoformat(row["time_utc"]) + timedelta(hours=SEOUL_H)
        mwh[at.date()] += float(row["load_mw"]) / 4
    rng = Random(20)
    for day, energy in sorted(mwh.items()):
        drift = 1.04 if day >= date(2018, 7, 1) else 1.0
        yield day, T_PER_MWH * energy / drift * rng.gauss(1.0, 0.03)


@pytest.mark.parametrize(("language", "width", "height"), [("en", 1440, 900), ("zh", 1024, 768)])
def test_from_a_meter_file_to_the_report(
    server: Server, browser: Browser, shared: Path, tmp_path: Path, language: str, width: int, height: int
) -> None:
    """Proves: two files as a plant has them, a meter by the quarter-hour in UTC and tonnes by the day, lead to an alarm
    for the planted drift and to the auditor's page and workbook by clicks alone.
    Sensitivity: days by UTC, a choice without which nothing is drawn, a download that is empty."""
    tell = partial(say, language)
    text = gzip.decompress((shared / LOAD).read_bytes()).decode()
    load, tonnes = tmp_path / "load.csv", tmp_path / "tonnes.csv"
    load.write_text(text)
    tonnes.write_text("date,tonnes\n" + "".join(f"{day},{t:.3f}\n" for day, t in production(text)))
    context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    watched = Watched(page, server.url)
    page.goto(f"{server.url}/?lang={language}")
    at_rest(page)
    go(page, language, "performance")
    page.locator("input[type=file]").first.set_input_files([load, tonnes])
    at_rest(page)
    page.get_by_role("combobox", name=tell("Time zone of the plant")).fill("Seoul")
    page.get_by_role("option", name="Asia/Seoul").click()
    at_rest(page)
    page.get_by_role("radio", name=tell("by week"), exact=True).click()
    at_rest(page)
    choose(page, tell("Production"), "tonnes")
    page.keyboard.press("Escape")
    expect(page.get_by_text(tell("CUSUM: expected less actual energy, added up"))).to_be_visible()
    at_rest(page)
    alarm = page.get_by_test_id("stAlert").first
    expect(alarm).to_contain_text("2018-07")
    sound(page)
    picture(page, tmp_path, f"performance-{language}")
    with page.expect_download() as download:
        page.get_by_text(tell("Page for the auditor (HTML)"), exact=True).click()
    html = Path(download.value.path()).read_text(encoding="utf-8")
    assert "EnPI" in html
    assert "2018-07" in html
    with page.expect_download() as download:
        page.get_by_text(tell("Workbook for the auditor (Excel)"), exact=True).click()
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"
    go(page, language, "reports")
    sound(page)
    assert watched.wrong == []
    context.close()


def picture(page: Page, folder: Path, name: str) -> None:
    """The whole page as a picture, for who runs the test to look at."""
    page.screenshot(path=folder / f"{name}.png", full_page=True)
