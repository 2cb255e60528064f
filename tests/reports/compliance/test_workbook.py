"""The communication template filled: cells, formulas as they were, LibreOffice's own calculation."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
import python_calamine
from blast_furnace import NAME, YEAR, works

from emberline.reports.compliance import workbook
from emberline.reports.compliance.goods import GOODS, countries
from emberline.reports.compliance.monitoring.plan import DeclaredPrecursor
from emberline.reports.compliance.reports import AnnualReport, annual_report
from emberline.reports.compliance.workbook import TemplateError
from emberline.reports.compliance.workbook.communication import Labels
from emberline.reports.compliance.workbook.sheets import Workbook

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def template(shared: Path) -> Path:
    """The blank template."""
    return shared / "schemas" / "cbam" / "communication_template_v2.1.1_blank.xlsx"


@pytest.fixture(scope="module")
def report(shared: Path) -> AnnualReport:
    """The blast furnace's year."""
    plan, activity, _ = works(shared)
    return annual_report(plan, activity, YEAR)


@pytest.fixture(scope="module")
def filled(template: Path, report: AnnualReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filled copy."""
    path = tmp_path_factory.mktemp("filled") / "filled.xlsx"
    path.write_bytes(workbook.filled(template, report))
    return path


def formula_hash(path: Path) -> str:
    """Hash of all formula cells: sheet, cell and formula."""
    digest, count = hashlib.sha256(), 0
    cell = re.compile(r'<c\b[^>]*?\br="([A-Z]+\d+)"(?:(?!</?c\b).)*?(<f\b.*?(?:/>|</f>))', re.DOTALL)
    with zipfile.ZipFile(path) as parts:
        for sheet in sorted(name for name in parts.namelist() if name.startswith("xl/worksheets/")):
            for name, formula in cell.findall(parts.read(sheet).decode("utf-8")):
                digest.update(f"{sheet}!{name}{formula}\n".encode())
                count += 1
    assert count > 1000
    return digest.hexdigest()


def test_no_formula_changes_and_all_else_stays(template: Path, filled: Path) -> None:
    """Proves: the formulas are the same, every part of the file is there, those not written byte for byte.

    Sensitivity: a library that writes the whole workbook drops printer settings and comments."""
    assert formula_hash(filled) == formula_hash(template)
    with zipfile.ZipFile(template) as before, zipfile.ZipFile(filled) as after:
        assert before.namelist() == after.namelist()
        changed = {name for name in before.namelist() if before.read(name) != after.read(name)}
    assert all(name.startswith("xl/worksheets/sheet") or name == "xl/workbook.xml" for name in changed)


def test_figures_stand_in_their_cells(filled: Path) -> None:
    """Proves: streams, production, credit and product, with the template's words. Sensitivity: a row or column off."""
    book = Workbook(filled)
    cells = {sheet: book.values(sheet) for sheet in ("A_InstData", "B_EmInst", "D_Processes", "Summary_Products")}
    assert cells["A_InstData"]["I20"] == "Works & sons"
    assert cells["A_InstData"]["I9"] == "46023"
    assert cells["A_InstData"]["E83"] == "Crude steel"
    stream = {column: cells["B_EmInst"][f"{column}20"] for column in "DEFGLR"}
    assert stream == {
        "D": "Mass Balance", "E": "plastic waste", "F": "70000.0", "G": "t", "L": "0.683571530119101", "R": "16.0",
    }  # fmt: skip
    of_process = cells["D_Processes"]
    assert [of_process[f"L{row}"] for row in (16, 17, 27)] == ["4800000.0", "0.0", "4800000.0"]
    assert float(of_process["L54"]) == pytest.approx(7866044.469877754, rel=1e-12)
    assert of_process["M61"] == "12800.0"
    assert cells["Summary_Products"]["D10"] == NAME


@pytest.mark.libreoffice
def test_libreoffice_calculates_the_same(
    filled: Path, shared: Path, libreoffice: Path, tmp_path: Path, template: Path
) -> None:
    """Proves: the three specific embedded emissions by the workbook's own formulas, to 1e-9, and no error cell.

    Sensitivity: figures from before that are still stored for formulas, a cell that is misread."""
    *_, expected = works(shared)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    process = subprocess.run(
        [libreoffice, profile, "--headless", "--convert-to", "xlsx", "--outdir", tmp_path, filled],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    book = python_calamine.CalamineWorkbook.from_path(tmp_path / "filled.xlsx")
    row = book.get_sheet_by_name("Summary_Products").to_python()[9]
    assert row[3] == NAME
    for value, key in zip(row[8:11], ("see_direct", "see_indirect", "see_total"), strict=True):
        assert value == pytest.approx(expected[key], rel=1e-9), key
    for sheet in ("A_InstData", "D_Processes", "Summary_Products", "Summary_Communication"):
        cells = [cell for line in book.get_sheet_by_name(sheet).to_python() for cell in line]
        assert not [cell for cell in cells if isinstance(cell, str) and cell.startswith(("#", "Err:"))], sheet
    shutil.rmtree(tmp_path / "profile")


def test_what_is_no_template_or_has_no_room_is_refused(template: Path, report: AnnualReport, tmp_path: Path) -> None:
    """Proves: another workbook, a formula cell and a measured stack are one line. Sensitivity: a half-filled file."""
    text = tmp_path / "text.xlsx"
    text.write_text("no workbook", encoding="utf-8")
    with pytest.raises(TemplateError, match="no Excel workbook"):
        workbook.filled(text, report)
    book = Workbook(template)
    with pytest.raises(TemplateError, match="D_Processes!L24 holds a formula"):
        book.write("D_Processes", {"L24": 5.0})
    with pytest.raises(TemplateError, match="has no cell ZZ9"):
        book.write("D_Processes", {"ZZ9": 5.0})
    stream = report.streams[0].stream.model_copy(update={"method": "measurement"})
    line = report.streams[0].__class__(stream, report.streams[0].amount, report.streams[0].emissions, None)
    measured = AnnualReport(report.plan, report.period, (line,), report.processes, {})
    with pytest.raises(TemplateError, match="coke fines is measured"):
        workbook.filled(template, measured)


def test_the_lists_that_come_along_are_those_of_the_template(template: Path) -> None:
    """Proves: every country and code of the template is known, with its category, and no other country.

    Sensitivity: a name that is spelled otherwise, a code that falls into two categories."""
    labels = Labels.of(Workbook(template))
    mistakes = {"AQ": "Aruban Florin", "XM": "Montenegro", "XS": "Serbia"}  # of the template
    assert countries() == {code: name for code, name in labels.countries.items() if code not in mistakes}
    for code, category in labels.cn_codes.items():
        assert [name for name, good in GOODS.items() if good.has_code(code)] == [category or "Calcined clays"], code


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cn_code": "7206"}, "cn_code 7206 is not in the template's list for Crude steel; it has 72061000, 72069000"),
        ({"electricity_source": "average"}, "electricity_source 'average' is not in the template's list: D.4\\(a\\), "),
    ],
)
def test_what_the_copys_own_lists_lack_is_refused(
    change: dict[str, str], words: str, template: Path, report: AnnualReport
) -> None:
    """Proves: codes and sources that the copy's lists do not offer are refused before a file is sources.

    Sensitivity: a cell that shows an error in the workbook."""
    process = report.plan.processes[0].model_copy(update=change)
    plan = report.plan.model_copy(update={"processes": (process,)})
    with pytest.raises(TemplateError, match=words):
        workbook.filled(template, dataclasses.replace(report, plan=plan))
    plan = report.plan.model_copy(update={"precursors": (FERRO.model_copy(update={"country": "QQ"}),)})
    with pytest.raises(TemplateError, match="precursor FeMn: country QQ is not in the template's list"):
        workbook.filled(template, dataclasses.replace(report, plan=plan))


FERRO = DeclaredPrecursor(
    name="FeMn", goods="Alloys (FeMn, FeCr, FeNi)", country="IN", see_direct=1.4, mwh_per_t=3, source="declaration"
)


@pytest.mark.parametrize(
    ("change", "cells"),
    [
        ({}, {"M49": "Unknown", "M50": "Unknown", "L51": "0.5"}),
        ({"measured": True, "electricity_t_co2_per_mwh": 0.71, "electricity_source": "D.4(b)"},
         {"M49": "Measured", "M50": "Measured", "L51": "0.71", "M51": "D.4(b)"}),
        ({"default_value": True}, {"M49": "Default", "M50": "Default", "L51": "0.5"}),
    ],
)  # fmt: skip
def test_measured_is_written_for_measured_values_only(
    change: dict[str, object], cells: dict[str, str], template: Path, report: AnnualReport, tmp_path: Path
) -> None:
    """Proves: the workbook's sources are what the plan states; a precursor whose electricity has no factor is refused.

    Sensitivity: "Measured" and "D.4(a)" that nobody has stated, electricity counted as free."""
    plan = report.plan.model_copy(update={"precursors": (FERRO,)})
    with pytest.raises(TemplateError, match="precursor FeMn: give electricity_t_co2_per_mwh"):
        workbook.filled(template, dataclasses.replace(report, plan=plan))
    update = {"electricity_t_co2_per_mwh": 0.5, **change}
    plan = report.plan.model_copy(update={"precursors": (FERRO.model_copy(update=update),)})
    path = tmp_path / "out.xlsx"
    path.write_bytes(workbook.filled(template, dataclasses.replace(report, plan=plan)))
    values = Workbook(path).values("E_PurchPrec")
    blank = Workbook(template).values("E_PurchPrec")
    sources = ("M49", "M50", "L51", "M51")
    assert {name: values[name] for name in sources if values.get(name) != blank.get(name)} == cells
    assert Workbook(path).values("D_Processes").get("L67") is None
