"""The command ``emberline report``: files written, one line for a mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import emberline, refused

PLAN = """
installation: {name: Kiln works}
streams:
  - {name: raw meal, method: process, t_co2_per_unit: 0.525, source: laboratory, process: clinker}
processes:
  - {name: clinker, goods: Cement clinker, electricity_t_co2_per_mwh: 0.5}
electricity: {location_t_co2_per_mwh: 0.4, location_source: average}
"""
ACTIVITY = """name,from,to,amount,unit
raw meal,2026-01-01,2026-12-31,1000,t
clinker: production,2026-01-01,2026-12-31,640,t
clinker: electricity,2026-01-01,2026-12-31,100,MWh
"""


@pytest.fixture
def works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a monitoring plan and activity data, which is the current one."""
    (tmp_path / "monitoring.yaml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "activity.csv").write_text(ACTIVITY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_report_is_written_as_json_and_html(works: Path) -> None:
    """Proves: two files of each kind, named by kind and year; a second time only with --force."""
    for kind in ("cbam", "ets", "ghg", "china"):
        process = emberline("report", kind, "2026")
        assert process.returncode == 0, process.stderr
        figures = json.loads((works / f"emberline-{kind}-2026.json").read_text(encoding="utf-8"))
        assert figures["direct_whole_t_co2"] == 525
        assert "Kiln works" in (works / f"emberline-{kind}-2026.html").read_text(encoding="utf-8")
    refused(emberline("report", "ets", "2026"), "exists; overwrite it with --force")
    printed = json.loads(emberline("report", "cbam", "2026", "--json").stdout)
    assert printed["processes"]["clinker"]["see_direct"] == pytest.approx(525 / 640)


@pytest.mark.shared
def test_the_workbook_is_filled_too(works: Path, shared: Path) -> None:
    """Proves: three files, and the template stays as it is. Sensitivity: the user's copy overwritten."""
    template = works / "template.xlsx"
    blank = shared / "schemas" / "cbam" / "communication_template_v2.1.1_blank.xlsx"
    template.write_bytes(blank.read_bytes())
    process = emberline("report", "cbam", "2026", "--template", str(template))
    assert process.returncode == 0, process.stderr
    assert sorted(path.suffix for path in works.glob("emberline-cbam-2026.*")) == [".html", ".json", ".xlsx"]
    assert template.read_bytes() == blank.read_bytes()
    refused(emberline("report", "cbam", "2026", "--template", "activity.csv", "--force"), "is no Excel workbook")


def test_mistakes_are_one_line_each(works: Path) -> None:
    """Proves: period, missing files, missing data. Sensitivity: a traceback, a report of part of a year."""
    refused(emberline("report", "ets", "soon"), "write a year")
    refused(emberline("report", "ets"), "name a PERIOD")
    refused(emberline("report", "ets", "2026", "--monitoring", "none.yaml"), "none.yaml: no such file")
    refused(emberline("report", "ets", "2026", "--activity", "none.csv"), "none.csv: no such file")
    refused(emberline("report", "ets", "2027"), "raw meal has no data from 2027-01-01 to 2027-12-31")
    refused(emberline("report", "ghg", "2026", "--hourly", "activity.csv"), "lacks the column hour")


def test_energy_performance_by_the_command(works: Path) -> None:
    """Proves: a planted saving of 5 % is reported with its interval, and a page is written; mistakes are one line."""
    rows = ["month,mwh,tonnes"]
    for k in range(24):
        tonnes = 900 + 37 * (k % 7)
        rows.append(
            f"{2025 + k // 12}-{k % 12 + 1:02},{(100 + 0.5 * tonnes + k % 3) * (0.95 if k > 11 else 1)},{tonnes}"
        )
    (works / "energy.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    request = ["energy.csv", "--energy", "mwh", "--production", "tonnes", "--baseline", "2025", "--report", "2026"]
    process = emberline("performance", *request, "-o", "review.html")
    assert process.returncode == 0, process.stderr
    assert "EnPI        0.9" in process.stdout
    assert "Energy performance" in (works / "review.html").read_text(encoding="utf-8")
    figures = json.loads(emberline("performance", *request, "--json").stdout)
    assert figures["saving_low"] < figures["saving"] < figures["saving_high"]
    assert figures["saving"] == pytest.approx(0.05 * 12 * (101 + 0.5 * 1005), rel=0.05)
    refused(emberline("performance", *request[:-1], "2030"), "has no rows from 2030-01-01")
    refused(emberline("performance", *request[:2], "kwh", *request[3:]), "no column kwh; there are mwh, tonnes")
