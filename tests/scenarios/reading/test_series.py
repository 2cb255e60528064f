"""Series: exact averaging onto the step, gaps, zones, units."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberline.scenarios import Case, ScenarioError, load
from emberline.scenarios.reading.series import resolve
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.series import Series


def horizon(hours: float = 2, step: float = 30, start: str = "2024-03-10T00:00Z") -> Horizon:
    return Horizon.model_validate({"start": start, "length_h": hours, "step_min": step})


def series_file(folder: Path, text: str) -> Path:
    (folder / "s.csv").write_text(text, encoding="utf-8")
    return folder


def series(**inputs: object) -> Series:
    return Series.model_validate({"csv": "s.csv", "column": "p", "time": "t", **inputs})


def test_hours_onto_half_hours_and_back(tmp_path: Path) -> None:
    """Proves: a value stands for its whole interval. Sensitivity: interpolating would give 15 in the middle."""
    series_file(tmp_path, "t,p\n2024-03-10T00:00Z,10\n2024-03-10T01:00Z,20\n")
    assert resolve(series(), horizon(), "MW", tmp_path).values.tolist() == [10, 10, 20, 20]
    series_file(tmp_path, "t,p\n" + "".join(f"2024-03-10T00:{15 * i:02d}Z,{i}\n" for i in range(4)))
    result = resolve(series(interval_min=15), horizon(1, 60), "MW", tmp_path).values
    assert result.tolist() == [1.5]


@given(
    values=st.lists(st.floats(-1e3, 1e3), min_size=24, max_size=24),
    step=st.sampled_from([1, 5, 10, 12, 15, 20, 30, 60]),
    interval=st.sampled_from([15, 20, 30, 60, 120]),
)
def test_the_integral_is_kept(
    values: list[float], step: int, interval: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Proves: the integral over the horizon depends on no step. Sensitivity: sampling at step starts fails."""
    folder = tmp_path_factory.mktemp("series")
    begin = datetime(2024, 3, 10, tzinfo=UTC).timestamp()
    n = 120 * 2 // interval
    rows = [f"{datetime.fromtimestamp(begin + 60 * interval * i, UTC).isoformat()},{values[i]!r}" for i in range(n)]
    series_file(folder, "t,p\n" + "\n".join(rows) + "\n")
    span = horizon(4, step)
    result = resolve(series(interval_min=interval), span, "MW", folder).values
    assert len(result) == span.n_steps
    assert result.sum() * step == pytest.approx(sum(values[:n]) * interval, abs=1e-6)


@pytest.mark.parametrize("how", ["refuse", "hold", "interpolate", "zero"])
def test_a_series_of_other_days_is_refused(tmp_path: Path, how: str) -> None:
    """Proves: what covers nothing of the horizon is no series with gaps: the line says what it covers."""
    series_file(tmp_path, "t,p\n2024-02-10T00:00Z,10\n2024-02-10T01:00Z,20\n")
    text = "covers 2024-02-10T00:00Z to 2024-02-10T02:00Z, nothing of the horizon from 2024-03-10T00:00Z"
    with pytest.raises(ValueError, match=text):
        resolve(series(gaps=how), horizon(), "MW", tmp_path)


def test_gaps_are_refused_with_count_and_first_place(tmp_path: Path) -> None:
    """Proves: count and first place are reported; filling is on request only and is reported too."""
    series_file(tmp_path, "t,p\n2024-03-10T00:00Z,10\n2024-03-10T01:00Z,\n2024-03-10T03:00Z,40\n")
    with pytest.raises(ValueError, match=r"2 of 4 values of p are missing .* first at 2024-03-10T01:00Z"):
        resolve(series(), horizon(4, 60), "MW", tmp_path)
    for how, expected in (("hold", [10, 10, 10, 40]), ("interpolate", [10, 20, 30, 40]), ("zero", [10, 0, 0, 40])):
        resolved = resolve(series(gaps=how), horizon(4, 60), "MW", tmp_path)
        assert resolved.values.tolist() == pytest.approx(expected)
        assert (resolved.filled, resolved.first_filled) == (2, "2024-03-10T01:00Z")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("t,q\n2024-03-10T00:00Z,1\n", "no column 'p'"),
        ("t,p\n2024-03-10T00:00,1\n", "add 'zone'"),
        ("t,p\n2024-03-10T00:00Z,1\n2024-03-10T01:00,2\n", "line 3: .* mixed"),
        ("t,p\n2024-03-10T00:00Z,1\n2024-03-10T01:00Z,cheap\n", "line 3: 'cheap'"),
        ("t,p\n2024-03-10T00:00Z,1\n2024-03-10T00:00Z,2\n", "occurs twice"),
        ("t,p\n2024-03-10T00:00Z,1\n2024-03-10T00:30Z,2\n", "shorter than"),
        ("t,p\n2024-03-10T00:00Z,inf\n", "infinite"),
        ("t,p\nyesterday,1\n", "line 2: t 'yesterday' is not a time; write"),
        ("", "cannot be read"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, sentence: str) -> None:
    """Proves: each fault of a file is named, with its line where it has one."""
    series_file(tmp_path, text)
    with pytest.raises(ValueError, match=sentence):
        resolve(series(zone="UTC" if "mixed" in sentence else None), horizon(), "MW", tmp_path)


def test_unit_is_converted_and_refused(tmp_path: Path) -> None:
    """Proves: a column in kW serves a field in MW; one in MWh does not."""
    series_file(tmp_path, "t,p\n2024-03-10T00:00Z,1500\n2024-03-10T01:00Z,500\n")
    assert resolve(series(unit="kW"), horizon(2, 60), "MW", tmp_path).values.tolist() == [1.5, 0.5]
    with pytest.raises(ValueError, match="wrong unit"):
        resolve(series(unit="MWh"), horizon(2, 60), "MW", tmp_path)


def test_parquet_reads_like_csv(tmp_path: Path) -> None:
    """Proves: both kinds of file give the same values, and a zone-aware column needs no zone."""
    import pandas as pd

    stamps = pd.date_range("2024-03-10", periods=2, freq="h", tz="Europe/Berlin")
    pd.DataFrame({"t": stamps, "p": [1.0, 2.0]}).to_parquet(tmp_path / "s.parquet")
    resolved = resolve(series(csv=None, parquet="s.parquet"), horizon(2, 60, "2024-03-10T00:00+01:00"), "MW", tmp_path)
    assert resolved.values.tolist() == [1, 2]


@pytest.mark.parametrize(("day", "hours"), [("2024-03-31", 23), ("2024-10-27", 25), ("2024-06-01", 24)])
def test_days_of_23_and_25_hours(day: str, hours: int, tmp_path: Path) -> None:
    """Proves: a civil day has its own length; local stamps of the doubled hour are distinguished by their order."""
    import pandas as pd

    span = Horizon.model_validate({"start": day, "zone": "Europe/Berlin", "days": 1, "step_min": 60})
    assert span.n_steps == hours
    local = pd.date_range(day, periods=hours, freq="h", tz="Europe/Berlin").tz_localize(None)
    series_file(tmp_path, "t,p\n" + "".join(f"{at.isoformat()},{i}\n" for i, at in enumerate(local)))
    resolved = resolve(series(zone="Europe/Berlin"), span, "MW", tmp_path)
    assert resolved.values.tolist() == list(range(hours))
    assert span.instant(span.length_min).strftime("%H:%M") == "00:00"


def test_typical_table_follows_the_local_clock() -> None:
    """Proves: PV peaks around local noon on a summer day. Sensitivity: reading hours as UTC shifts it by two."""
    scenario = load("melt-shop-small")
    pv = scenario.inputs["pv_available_mw"].to_numpy()
    assert 12 <= float(pv @ np.arange(96)) / pv.sum() / 4 <= 14


@pytest.mark.shared
def test_real_series_with_its_one_gap(shared: Path) -> None:
    """Proves: the missing price of 2018 is refused by its place."""
    frame = (shared / "data" / "de_2018_hourly.csv").read_text(encoding="utf-8").splitlines()
    gap = next(line.split(",")[0] for line in frame[1:] if line.split(",")[1] == "")
    overrides = [
        f"horizon.start={gap[:10]}",
        "horizon.zone=UTC",
        f"market.price_per_mwh={{csv: '{shared / 'data' / 'de_2018_hourly.csv'}', column: price_eur_per_mwh}}",
    ]
    with pytest.raises(ScenarioError, match=f"1 of 24 values .* first at {gap}"):
        load("melt-shop-small", overrides)
    assert isinstance(load("melt-shop-small", [*overrides, "market.price_per_mwh.gaps=hold"]), Case)


def test_other_separators_are_named(tmp_path: Path) -> None:
    """Proves: a file with semicolons is one column, and what reads it is named; a heat log and a meter of that kind get
    one line. Sensitivity: *has no column time*, of a file that has it."""
    from emberline.scenarios.loading import heat_log, meter
    from emberline.scenarios.reading.series import read_columns

    path = tmp_path / "prices.csv"
    path.write_text("Zeit;Preis\n2026-01-01 00:00;12,5\n", encoding="utf-8")
    with pytest.raises(
        ValueError, match="has no column 'Zeit': one column was read, as its cells are separated by ';'"
    ):
        read_columns(path, ("Zeit",), "Preis", "Europe/Berlin")
    with pytest.raises(ValueError, match=r"emberline import prices\.csv reads such a file"):
        read_columns(path, ("Zeit",), "Preis", "Europe/Berlin")
    shop = load("melt-shop-small")
    for read in (heat_log.read, meter.read):
        path.write_text("heat;grade;unit;start;end;time;power_mw\n1;a;b;c;d;e;f\n", encoding="utf-8")
        with pytest.raises(ScenarioError) as refused:
            read(path, shop)
        assert (
            str(refused.value) == "prices.csv: one column was read, as its cells are separated by ';' instead of commas"
        )
