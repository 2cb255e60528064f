"""The table of Anhui is whole, plausible and can be derived again."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emberline.scenarios.reading.series import typical

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "scenarios" / "data"
DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
TABLE = "cn_anhui_typical_2020"


@pytest.fixture(scope="module")
def tables() -> Any:
    spec = importlib.util.spec_from_file_location("make_tables", ROOT / "docs" / "make_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_month_and_hour_once() -> None:
    """Proves: 288 rows in order, numbers between zero and one."""
    rows = (DATA / f"{TABLE}.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "month,hour,pv_capacity_factor,wind_capacity_factor"
    places = [tuple(int(value) for value in row.split(",")[:2]) for row in rows[1:]]
    assert places == [(month, hour) for month in range(1, 13) for hour in range(24)]
    for values in typical(TABLE).values():
        assert values.min() >= 0
        assert values.max() <= 1


def test_the_sun_is_that_of_anhui() -> None:
    """Proves: noon lies near 12 by the clock of China, night is dark, full hours of a year are plausible.

    Sensitivity: hours in UTC put noon at four in the morning.
    """
    sun, wind = (typical(TABLE)[name][:, 0] for name in ("pv_capacity_factor", "wind_capacity_factor"))
    assert set(sun.argmax(axis=1)) <= {12, 13}
    assert not sun[:, [0, 1, 2, 3, 21, 22, 23]].any()
    assert 1000 < sun.sum(axis=1) @ DAYS < 1300
    assert 800 < wind.sum(axis=1) @ DAYS < 2000


@pytest.mark.shared
def test_the_table_is_the_mean_of_the_series(tables: Any, shared: Path) -> None:
    """Proves: the table can be derived again, to the last digit."""
    rows = tables.anhui_typical_days(shared / "data" / "cn_2020_capacity_factors_hourly.csv.gz")
    table = typical(TABLE)
    assert [row[2:] for row in rows] == [
        [table[name][month, 0, hour] for name in ("pv_capacity_factor", "wind_capacity_factor")]
        for month in range(12)
        for hour in range(24)
    ]
    shares = np.array([row[2:] for row in rows])
    assert shares == pytest.approx(shares.round(tables.FACTOR_DECIMALS), abs=1e-12)


@pytest.mark.shared
def test_the_weeks_are_those_of_the_series(tables: Any, shared: Path) -> None:
    """Proves: the table of real weeks can be derived again, to the last digit."""
    rows = tables.german_weeks(shared / "data" / "de_2018_hourly.csv")
    price = typical("de_weeks_2018")["price_eur_per_mwh"]
    assert len(rows) == 12 * 168
    assert all(price[month - 1, weekday, hour] == value for month, weekday, hour, value, *_ in rows)
