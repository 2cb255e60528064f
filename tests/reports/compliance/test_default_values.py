"""Default values: mark-up by year, the most exact code, rows with a typing error reported with their number."""

from __future__ import annotations

from pathlib import Path

import pytest

from emberline.reports.compliance.default_values import bundled_default_values, mark_up, read_default_values

HEAD = "cn_code,country,goods,see_direct,see_indirect,see_total,marked_up_2026,source"


def test_chinese_clinker_and_slabs_by_year() -> None:
    """Proves: 10, 20, 30 % and 30 % from then on. Sensitivity: a mark-up on a value that has one."""
    table = bundled_default_values()
    assert table.faults == ()
    clinker = table.find("2523 10 00", "cn")
    years = {2026: 1.529, 2027: 1.668, 2028: 1.807, 2031: 1.807}
    assert {year: round(clinker.marked_up(year), 9) for year in years} == years
    assert table.find("72071114", "CN").marked_up(2026) == pytest.approx(3.4856638421, abs=1e-10)
    with pytest.raises(ValueError, match="begins in 2026"):
        mark_up(2025)
    with pytest.raises(ValueError, match="no default value of 25231000 from IN; there are values for CN"):
        table.find("25231000", "IN")


def test_rows_with_a_typing_error_are_reported_with_their_number(tmp_path: Path) -> None:
    """Proves: each wrong row is named with its number and left out, the right ones count.

    Sensitivity: a comma as decimal point taken for thousands, a total that is no sum, a mark-up that is none."""
    path = tmp_path / "values.csv"
    rows = [
        "25231000,CN,clinker,1.30,0.09,1.39,1.529,annex",
        '7201,CN,pig iron,,,"2,10",,annex',
        "7203,IN,DRI,1.0,0.2,1.5,1.65,annex",
        "7206,TR,steel,1.0,0.2,1.2,1.23,annex",
        "72O7,TR,steel,1.0,0.2,1.2,1.32,annex",
        "7208,TUR,coil,1.0,0.2,1.2,1.32,annex",
    ]
    path.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    table = read_default_values(path)
    assert [row.cn_code for row in table.rows] == ["25231000"]
    assert [fault.split(":")[0] for fault in table.faults] == [f"values.csv row {n}" for n in (3, 4, 5, 6, 7)]
    words = ("see_total '2,10'", "is not see_direct and see_indirect", "marked_up_2026", "cn_code '72O7'", "'TUR'")
    assert all(word in fault for word, fault in zip(words, table.faults, strict=True))


def test_a_table_without_its_columns_is_refused(tmp_path: Path) -> None:
    """Proves: one line with what lacks. Sensitivity: an empty table taken for one without faults."""
    path = tmp_path / "values.csv"
    path.write_text("code,value\n1,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="lacks the column cn_code, country, see_total, source"):
        read_default_values(path)
