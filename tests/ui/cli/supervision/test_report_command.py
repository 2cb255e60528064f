"""The command ``emberline report``: files written, one line for a mistake."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import python_calamine
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
    """Proves: two files of each kind, named by kind and year; a second time only with --force; a folder that is not
    there is created."""
    for kind in ("cbam", "ets", "ghg", "china"):
        process = emberline("report", kind, "2026")
        assert process.returncode == 0, process.stderr
        figures = json.loads((works / f"emberline-{kind}-2026.json").read_text(encoding="utf-8"))
        assert figures["direct_whole_t_co2"] == 525
        assert "Kiln works" in (works / f"emberline-{kind}-2026.html").read_text(encoding="utf-8")
    refused(emberline("report", "ets", "2026"), "exists; overwrite it with --force")
    assert emberline("report", "ets", "2026", "-o", "new/folder").returncode == 0
    assert (works / "new" / "folder" / "emberline-ets-2026.html").exists()
    file = emberline("report", "ets", "2026", "-o", "monitoring.yaml")
    refused(file, "--output monitoring.yaml: is a file, not a folder")
    printed = json.loads(emberline("report", "cbam", "2026", "--json").stdout)
    assert printed["processes"]["clinker"]["see_direct"] == pytest.approx(525 / 640)


@pytest.mark.shared
def test_the_workbook_is_filled_too(works: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: three files, the template stays as it is, and the filled copy is evidence of a draft and in the archive.

    Sensitivity: the user's copy overwritten, evidence without the workbook that is handed over."""
    monkeypatch.setenv("EMBERLINE_HOME", str(works / "home"))
    template = works / "template.xlsx"
    blank = shared / "schemas" / "cbam" / "communication_template_v2.1.1_blank.xlsx"
    template.write_bytes(blank.read_bytes())
    process = emberline("report", "cbam", "2026", "--template", str(template))
    assert process.returncode == 0, process.stderr
    assert sorted(path.suffix for path in works.glob("emberline-cbam-2026.*")) == [".html", ".json", ".xlsx"]
    assert template.read_bytes() == blank.read_bytes()
    refused(emberline("report", "cbam", "2026", "--template", "activity.csv", "--force"), "is no Excel workbook")
    refused(emberline("report", "draft", "2026", "--template", "activity.csv"), "is no Excel workbook")
    assert not (works / "home" / "compliance" / "records").exists()
    assert emberline("report", "draft", "2026", "--template", "template.xlsx").returncode == 0
    assert emberline("report", "archive", "2026", "-o", "2026.zip").returncode == 0
    with zipfile.ZipFile(works / "2026.zip") as book:
        assert book.read("evidence/000001/cbam.xlsx") == (works / "emberline-cbam-2026.xlsx").read_bytes()


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
    assert emberline("performance", *request, "-o", "review.xlsx").returncode == 0
    book = python_calamine.CalamineWorkbook.from_path(works / "review.xlsx")
    assert book.sheet_names == ["Result", "By period", "Baseline", "Quality of the baseline", "Remarks"]
    assert book.get_sheet_by_name("By period").to_python()[4][0] == "2026-01"
    figures = json.loads(emberline("performance", *request, "--json").stdout)
    assert figures["saving_low"] < figures["saving"] < figures["saving_high"]
    assert figures["saving"] == pytest.approx(0.05 * 12 * (101 + 0.5 * 1005), rel=0.05)
    refused(emberline("performance", *request[:-1], "2030"), "there are no rows from 2030-01-01")
    refused(emberline("performance", *request[:2], "kwh", *request[3:]), "no column kwh; there are mwh, tonnes")


def test_a_period_from_draft_to_correction(works: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: each step by the command, evidence of a year, and a changed file that verify names with exit code 1."""
    monkeypatch.setenv("EMBERLINE_HOME", str(works / "home"))
    assert "holds no records" in emberline("report", "verify").stdout
    refused(emberline("report", "submit", "2026", "--by", "Ada"), "is not drafted yet")
    for step, name in (("draft", "Ada"), ("submit", "Ada"), ("approve", "Bo"), ("lock", "Bo")):
        process = emberline("report", step, "2026", "--by", name)
        assert process.returncode == 0, process.stderr
    refused(emberline("report", "draft", "2026"), "period 2026 is locked")
    assert emberline("report", "correct", "2026", "--reason", "scale was off", "--by", "Ada").returncode == 0
    records = json.loads(emberline("report", "history", "2026", "--json").stdout)
    assert [record["step"] for record in records] == ["draft", "submit", "approve", "lock", "correct"]
    names = ["activity.csv", "cbam.json", "china.json", "ets.json", "ghg.json", "monitoring.yaml"]
    assert [file["name"] for file in records[0]["files"]] == names
    assert emberline("report", "archive", "2026", "-o", "2026.zip").returncode == 0
    process = emberline("report", "verify", "--archive", "2026.zip")
    newest = records[-1]["sha256"]
    assert (process.returncode, process.stdout.split()[-1]) == (0, newest)
    assert newest in emberline("report", "ets", "2026").stdout
    figures = json.loads((works / "emberline-ets-2026.json").read_text(encoding="utf-8"))["newest_record"]
    assert figures == {"number": 5, "state": "draft", "sha256": newest, "same_report": True}
    assert newest in (works / "emberline-ets-2026.html").read_text(encoding="utf-8")
    refused(emberline("report", "verify", "--since", newest[:12]), "--since: must be the whole hash")
    refused(emberline("report", "verify", "--archive", "activity.csv"), "--archive activity.csv is no archive")
    refused(emberline("report", "submit", "2026", "--since", "0" * 64), f"no record has the hash {'0' * 64}")
    folder = works / "home" / "compliance"
    folder.rename(works / "elsewhere")
    assert emberline("report", "verify", "--since", newest).returncode == 1
    assert emberline("report", "verify", "--archive", "2026.zip").returncode == 1
    (works / "elsewhere").rename(folder)
    record = folder / "records" / "000003.json"
    record.write_bytes(record.read_bytes().replace(b"Bo", b"Bx"))
    process = emberline("report", "verify")
    assert (process.returncode, process.stdout) == (1, "record 3: 000003.json has changed\n")
