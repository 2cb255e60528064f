"""The bundled tables are whole, plausible and can be derived again."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "scenarios" / "data"
DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_tables", ROOT / "docs" / "make_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def numbers(name: str) -> list[list[float]]:
    return [[float(value) for value in row.values()] for row in rows(name)]


@pytest.mark.parametrize("name", ["de_typical_2018.csv", "pv_typical.csv"])
def test_typical_days_have_every_month_and_hour_once(name: str) -> None:
    assert [(int(row["month"]), int(row["hour"])) for row in rows(name)] == [
        (month, hour) for month in range(1, 13) for hour in range(24)
    ]


def test_pv_table_is_the_stated_formula(tables: Any) -> None:
    """Proves: pv_typical.csv is what SOURCES.md describes. Sensitivity: another tilt or clearness fails here."""
    assert numbers("pv_typical.csv") == tables.pv_typical_days()


def test_pv_yield_is_that_of_central_germany() -> None:
    """Proves: 950 to 1050 kWh/kW a year, dark at night, noon near 13:20 in summer, 12:20 in winter by the clock."""
    table = {(int(month), int(hour)): value for month, hour, value in numbers("pv_typical.csv")}
    assert 950 < sum(value * DAYS[month - 1] for (month, _), value in table.items()) < 1050
    assert all(table[month, hour] == 0 for month in range(1, 13) for hour in (0, 1, 2, 3, 23))
    assert max(range(24), key=lambda hour: table[6, hour]) == 13
    assert max(range(24), key=lambda hour: table[12, hour]) == 12


@pytest.mark.shared
def test_german_table_is_the_mean_of_the_series(tables: Any, shared: Path) -> None:
    """Proves: de_typical_2018.csv can be derived again. Sensitivity: hours in UTC instead of local time fail here."""
    assert numbers("de_typical_2018.csv") == tables.german_typical_days(shared / "data" / "de_2018_hourly.csv")


def test_emission_factors_have_a_source_and_a_known_unit() -> None:
    factors = rows("emission_factors.csv")
    assert len({row["name"] for row in factors}) == len(factors)
    units = {"scope1_fuel": "kg/GJ", "scope1_process": "t/t", "scope2_location": "kg/MWh"}
    for row in factors:
        assert row["unit"] == units[row["scope"]], row
        assert float(row["value"]) > 0, row
        assert row["source"], row
    by_name = {row["name"]: float(row["value"]) for row in factors}
    assert by_name["charge_carbon"] == pytest.approx(0.83 * 44 / 12, abs=1e-4)
    assert by_name["steel"] == pytest.approx(0.0109 * 44 / 12, abs=1e-4)
