"""The report: one page that needs nothing else, with every figure's proof next to it and every text escaped."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from exported import HOSTILE, renamed, stored_run
from lxml import etree, html

from emberline.reports.charts.view import MAX_POINTS, View
from emberline.reports.exports import export
from emberline.reports.exports.manifest import proof
from emberline.reports.exports.worded import worded
from emberline.runs.store.run_folder import StoredRun
from emberline.scenarios.records.horizon import Horizon


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[StoredRun, str]:
    """A run of the line with hostile names, and its report."""
    folder = tmp_path_factory.mktemp("report")
    run = renamed(stored_run("line"), 2_000)
    return run, export(run, "html", folder / "plan.html").read_text(encoding="utf-8")


def test_every_text_is_escaped(page: tuple[StoredRun, str]) -> None:
    """Proves: no name becomes an element or a script; each stands as it was. Sensitivity: without escaping the title
    ends the head and runs a script."""
    run, text = page
    root = html.fromstring(text)
    assert not root.xpath("//script | //b | //iframe | //img | //link | //object")
    assert "<script" not in text
    assert root.findtext(".//title").startswith("</title><script>alert(1)</script>")
    cells = {" ".join(cell.text_content().split()) for cell in root.xpath("//td")}
    assert {"=cmd()", HOSTILE["A-2"], "=F|0", "@SUM(A1)"} <= cells
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on")]
    assert run.id in text


def test_it_needs_nothing_else(page: tuple[StoredRun, str]) -> None:
    """Proves: the page loads nothing and forbids itself to: no address but names of XML spaces, charts inside.

    Sensitivity: a chart's library from another host."""
    _, text = page
    addresses = set(re.findall(r"""(?:\b(?:href|src)=|url\()["']?([^"'\s)>]+)""", text))
    assert all(address.startswith("#") for address in addresses), addresses
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "default-src 'none'" in text
    root = html.fromstring(text)
    result = root.xpath("//*[local-name()='svg']")
    assert len(result) == 2
    names = [str(name) for name in root.xpath("//*[local-name()='svg']//@id")]
    assert len(names) == len(set(names))
    used = set(re.findall(r"url\(#([^)]+)\)", text))
    assert used <= set(names)


def test_figures_have_their_proof_next_to_them(page: tuple[StoredRun, str]) -> None:
    """Proves: status, gap, objective and bound stand at the verdict, the figures and each chart; tables have heads that
    printing repeats, and the page is laid out for A4."""
    run, text = page
    root = html.fromstring(text)
    assert root.text_content().count(proof(run)) == 4
    assert all(root_table.find("thead") is not None for root_table in root.xpath("//div[@class='wide']/table"))
    assert "size: A4 landscape" in text
    assert "display: table-header-group" in text
    heads = [head.text for head in root.xpath("//h2")]
    assert heads == [
        "What changed and why", "Where the saving comes from", "Figures", "Schedule", "Levels", "Heat list",
        "Machines and stores of the site", "Energy", "Bill", "Carbon ledger", "Where this is from",
    ]  # fmt: skip
    assert len(root.xpath("//h2[text()='Heat list']/following::table[1]/tbody/tr")) == 9


def test_charts_tell_units_and_names(page: tuple[StoredRun, str]) -> None:
    """Proves: axes have their units, bars their units' names, and the local zone is reported. Sensitivity: a bare
    axis."""
    _, text = page
    root = etree.fromstring(re.search(r"<svg.*?</svg>", text, re.S).group(0).encode())  # type: ignore[union-attr]
    names = {"".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"[MW]", "[kg CO2e/MWh]", "[EUR/MWh]", "=F|0", "L", "C"} <= names | {
        t for x in names for t in re.findall(r"\[.*?\]", x)
    }
    assert any("local time, UTC" in text for text in names)
    bars = [element for element in root.iter() if element.get("aria-roledescription") == "bar"]
    assert len(bars) >= 9


@pytest.mark.parametrize("plant", ["works", "site", "2026-10-25"])
def test_it_tells_every_plant(tmp_path: Path, plant: str) -> None:
    """Proves: works and a site have their report too, and a day of 25 hours has 25 rows of energy.

    Sensitivity: a page that asks for heats."""
    run = stored_run(plant)
    root = html.fromstring(export(run, "html", tmp_path / "plan.html").read_text(encoding="utf-8"))
    heads = [head.text for head in root.xpath("//h2")]
    table = {"works": "Runs of the units", "site": "Machines and stores of the site", "2026-10-25": "Heat list"}
    assert table[plant] in heads
    rows = root.xpath("//h2[text()='Energy']/following::table[1]/tbody/tr")
    assert len(rows) == {"works": 6, "site": 6, "2026-10-25": 25}[plant]
    if plant == "2026-10-25":
        starts = [row.findtext("td") for row in rows]
        assert len(set(starts)) == 25


def test_curves_of_a_year_are_merged_to_their_means() -> None:
    """Proves: a long curve has no more points than can be seen, and the area below it stays. Sensitivity: every nth
    value instead of the mean."""
    horizon = Horizon(start="2026-01-01", days=365, step_min=60)
    values = np.random.default_rng(1).random(horizon.n_steps)
    view = View.of(horizon)
    means = view.mean(values)
    assert len(means) <= MAX_POINTS
    area = float(np.dot(np.diff(view.edges_min), means))
    assert area == pytest.approx(float(values.sum()) * 60, rel=1e-3)


@pytest.mark.parametrize("plant", ["line", "works", "site"])
def test_it_reads_as_the_pages_do(tmp_path: Path, plant: str) -> None:
    """Proves: heads are words with their unit, carbon is in tonnes but for each tonne, and thousands have the pages'
    thin spaces. Sensitivity: ``mass_t``, kilograms next to tonnes, commas."""
    run = stored_run(plant)
    root = html.fromstring(export(run, "html", tmp_path / "plan.html").read_text(encoding="utf-8"))
    heads = [head.text_content() for head in root.xpath("//th[@scope='col']")]
    assert not [head for head in heads if re.search(r"_| (mwh|kg|tph|min|t)$|\[kg CO2e\]", head)], heads
    assert "carbon [t CO2e]" in heads
    if plant == "line":
        assert {"mass [t]", "electricity [MWh]", "carbon of the heat [t CO2e]"} <= set(heads)
    numbers = [cell.text_content() for cell in root.xpath("//td[@class='number']")]
    assert any("\u202f" in number for number in numbers)
    assert not [number for number in numbers if "," in number]
    rows = {row.findtext("td[1]"): row for row in root.xpath("//h2[text()='Figures']/following::table[1]/tbody/tr")}
    assert rows["carbon"].findtext("td[2]") == "t CO2e"


def test_a_flow_and_a_unit_of_one_name_stay_apart() -> None:
    """Proves: two columns never get the same head. Sensitivity: a unit that is called line."""
    frame = pd.DataFrame({"line_mw": [1.0], "line [MW]": [2.0], "grid_average_kg": [3000.0]})
    text = worded(frame, "steps", "EUR")
    assert list(text.columns) == ["line [MW]", "line [MW] of the unit", "scope 2, average intensity [t CO2e]"]
    assert text.iloc[0].tolist() == [1.0, 2.0, 3.0]
