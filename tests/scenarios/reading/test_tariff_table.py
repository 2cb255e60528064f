"""Rows of a table of tariffs: mistakes reported in one line each, and which tariff of several is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from emberline.scenarios import ScenarioError
from emberline.scenarios.reading.tariff_table import from_table

HEADER = (
    "label,utility,type,name,basic_charge_limit,assessed,month_start,month_end,hour_start,hour_end,"
    "weekday_start,weekday_end,charge,units\n"
)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a,electric,power,,,,1,12,0,24,0,6,1,$/kW", "type: 'power' is unknown; allowed are customer, demand"),
        (
            "a,electric,demand,,x,,1,12,0,24,0,6,1,$/kW",
            "basic_charge_limit: 'x' is not allowed; allowed are finite numbers",
        ),
        (
            "a,electric,demand,,,weekly,1,12,0,24,0,6,1,$/kW",
            "assessed: 'weekly' is unknown; allowed are monthly, daily",
        ),
        ("a,electric,demand,,,,0,12,0,24,0,6,1,$/kW", "month_start: '0' is not allowed; allowed are 1 to 12"),
        ("a,electric,demand,,,,1.5,12,0,24,0,6,1,$/kW", "month_start: 1.5 is no whole number"),
        ("a,electric,demand,,,,11,2,0,24,0,6,1,$/kW", "month_start: 11 does not lie before month_end 2"),
        ("a,electric,energy,,,,1,12,8,8,0,6,1,$/kWh", "hour_start: 8 does not lie before hour_end 8"),
        ("a,electric,energy,,,,1,12,0,25,0,6,1,$/kWh", "hour_end: '25' is not allowed; allowed are 0 to 24"),
        ("a,electric,energy,,,,1,12,0,24,0,7,1,$/kWh", "weekday_end: '7' is not allowed; allowed are 0 to 6"),
        ("a,electric,energy,,,,1,12,0,24,0,6,nan,$/kWh", "charge: 'nan' is not allowed; allowed are -1e+06 to"),
        ("a,electric,demand,,,,1,12,0,24,0,6,-1,$/kW", "charge: '-1' is not allowed; allowed are 0 to 1e+06"),
        ("a,electric,energy,,,,1,12,0,24,0,6,1,$/kW", "units: '$/kW' is not allowed; allowed are $/kWh"),
        ("a,electric,energy,,,,1,12,0,24,0,6,1,$/kWh,7", "has more cells than the 14 columns"),
    ],
)
def test_a_bad_row_is_reported_in_one_line(tmp_path: Path, row: str, says: str) -> None:
    good = "a,electric,customer,,,,,,,,,,5,$/month\n"
    (tmp_path / "t.csv").write_text(HEADER + good + row + "\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as text:
        from_table(tmp_path / "t.csv")
    assert len(text.value.problems) == 1
    assert str(text.value).startswith("t.csv:3: ")
    assert says in str(text.value)


def test_which_tariff_of_a_table(tmp_path: Path) -> None:
    """Proves: a table of several asks for a label; every bad row is reported; other utilities are left out."""
    file = tmp_path / "t.csv"
    rows = [f"{label},{utility},customer,,,,,,,,,,5,$/month\n" for label, utility in (("a", "electric"), ("b", "gas"))]
    file.write_text(HEADER + "".join(rows), encoding="utf-8")
    assert from_table(file, "a").fixed[0].per_month == 5
    for label, says in (
        (None, "has 2 tariffs; name one, as 'a'"),
        ("c", "no tariff 'c'; there are a, b"),
        ("b", "no row of"),
    ):
        with pytest.raises(ScenarioError, match=says):
            from_table(file, label)
    with pytest.raises(ScenarioError, match=r"none\.csv: no such file"):
        from_table(tmp_path / "none.csv")
    file.write_text("label,type\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"t\.csv:1: has no column charge or charge"):
        from_table(file)
    file.write_text(HEADER + "a,electric,x,,,,,,,,,,5,$/month\n" * 3, encoding="utf-8")
    with pytest.raises(ScenarioError) as text:
        from_table(file)
    assert [problem.where for problem in text.value.problems] == ["t.csv:2", "t.csv:3", "t.csv:4"]
