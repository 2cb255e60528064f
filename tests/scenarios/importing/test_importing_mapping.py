"""Importing: what is refused, with its message, and what is kept so that a file is read the same way again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from imports import brought, hours, mistakes

from emberline.scenarios import ScenarioError, load
from emberline.scenarios.importing import Mapping, bring, guess, read
from emberline.scenarios.importing.mapping import read_mapping
from emberline.scenarios.reading.series import read_columns
from emberline.scenarios.records.horizon import Horizon


@pytest.mark.parametrize(
    ("rows", "options", "text"),
    [
        (
            ["2026-10-25 01:00,1", "2026-10-25 02:00,2", "2026-10-25 03:00,3"],
            {},
            "file.csv:3: time: '2026-10-25 02:00' is a local time that the change of clocks in Europe/Berlin has twice",
        ),
        (
            ["2026-03-29 01:00,1", "2026-03-29 02:00,2", "2026-03-29 03:00,3"],
            {},
            "file.csv:3: time: '2026-03-29 02:00' is a local time that the change of clocks in Europe/Berlin skips",
        ),
        (
            ["2026-06-01T00:00Z,1", "2026-06-01T01:00,2", "2026-06-01T02:00Z,3"],
            {},
            "file.csv:3: time: '2026-06-01T01:00' times with and without offset are mixed",
        ),
        (
            ["2026-06-01T00:00Z,1", "2026-06-01T00:00Z,2", "2026-06-01T01:00Z,3"],
            {},
            "file.csv:3: time: 2026-06-01T00:00:00Z is there twice, in file.csv:2 too",
        ),
        (
            ["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,nan", "2026-06-01T02:00Z,3"],
            {},
            "file.csv:2: load_mw: a value is missing, at 2026-06-01T01:00:00Z; say gaps",
        ),
        (
            ["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,inf", "2026-06-01T02:00Z,3"],
            {},
            "file.csv:3: load_mw: 'inf' is infinite",
        ),
        (
            ["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,=1+1", "2026-06-01T02:00Z,3"],
            {},
            "file.csv:3: load_mw: '=1+1' is not a number",
        ),
        (
            ["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,-2", "2026-06-01T02:00Z,3"],
            {},
            "file.csv:3: load_mw: is negative",
        ),
        (["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,2e9", "2026-06-01T02:00Z,3"], {}, "file.csv:3: load_mw: is beyond"),
        (
            ["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,2", "2026-06-01T01:20Z,2", "2026-06-01T02:00Z,3"],
            {"interval_min": 60},
            "file.csv:4: time: lies off the raster of 60 min",
        ),
        (["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,2"], {"unit": "EUR"}, "file.csv: unit: wrong unit 'EUR'"),
        (["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,2"], {"unit": "9**9**9**9"}, "file.csv: unit: unknown unit"),
        (
            ["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,2"],
            {"value": "![x](http://x.invalid)"},
            "file.csv: ![x](http://x.invalid): there is no such column; columns are time, load_mw",
        ),
        (
            ["2026-02-30T00:00Z,1", "2026-06-01T01:00Z,2", "2026-06-01T02:00Z,2"],
            {},
            "file.csv:2: time: '2026-02-30T00:00Z' is not a time with the year first",
        ),
    ],
)
def test_a_mistake_is_one_line(rows: list[str], options: dict[str, Any], text: str) -> None:
    """Proves: each kind of mistake is one line with file, line and column, however many rows have it."""
    (line,) = mistakes("time,load_mw\n" + "\n".join(rows) + "\n", zone="Europe/Berlin", **options)
    assert line.startswith(text)


def test_most_of_a_series_is_not_made_up() -> None:
    """Proves: where more than half would be filled the file is refused, whatever fills it; half of it is taken."""
    text = "Zeit;kW\n" + "".join(f"{day:02d}.10.2025 12:00;{day}\n" for day in range(13, 20))
    (line,) = mistakes(text, zone="UTC", interval_min=15, gaps="hold")
    assert line.startswith("file.csv: kW: only 7 of 577 intervals of 15 min have a value, more than half")
    half = "time,load_mw\n" + "".join(f"2026-06-01T{h:02d}:00Z,{h}\n" for h in (0, 1, 2, 6))
    assert brought(half, gaps="hold").missing == 3


def test_a_name_that_is_nearly_right() -> None:
    """Proves: of a column or series in the wrong case the right one is named."""
    text = "Time,Tag,Value\n" + "".join(f"2026-06-01T{h:02d}:00Z,EAF,{h}\n" for h in range(4))
    assert mistakes(text, where={"tag": "EAF"}) == ["file.csv: tag: there is no such column; did you mean 'Tag'?"]
    assert mistakes(text, where={"Tag": "eaf"}) == ["file.csv: Tag: no row has 'eaf' here; did you mean 'EAF'?"]
    assert mistakes(text, time="time") == ["file.csv: time: there is no such column; did you mean 'Time'?"]


def test_values_at_the_same_time() -> None:
    """Proves: the first, the last or the mean is taken where the mapping says so, and reported; else the file is
    refused."""
    rows = [(0, 1), (1, 5), (1, 7), (1, 12), (2, 3)]
    text = "time,load_mw\n" + "".join(f"2026-06-01T{h:02d}:00Z,{v}\n" for h, v in rows)
    assert "is there twice" in mistakes(text)[0]
    for how, value in (("first", 5), ("last", 12), ("mean", 8)):
        imported = brought(text, duplicates=how)
        assert imported.values.tolist() == [1, value, 3]
        assert imported.remarks == (f"a time is there more than once; taken is the {how} of the values",)


def test_words_that_mean_no_value() -> None:
    """Proves: what historians write where there is no value is missing, reported with its count, and decided by gaps;
    another word is refused until it is said."""
    cells = ["1", "Bad", "#N/A", "bad", "5", "6", "---", "8", "9"]
    text = "time,load_mw\n" + "".join(f"2026-06-01T{h:02d}:00Z,{cell}\n" for h, cell in enumerate(cells))
    result = guess(read(text.encode(), "a.csv"), "load", {"gaps": "hold"})
    assert "taken as missing: 'Bad' (1), '#N/A' (1), 'bad' (1), '---' (1)" in result.reasons
    assert bring(read(text.encode(), "a.csv"), read_mapping(result.mapping.yaml())).missing == 4
    assert "4 values are missing" in mistakes(text)[0]
    other = text.replace("Bad", "Ausfall")
    assert "'Ausfall' is not a number" in mistakes(other, gaps="hold")[0]
    assert brought(other, gaps="hold", missing=("ausfall", "#N/A", "bad", "---")).missing == 4


def test_what_covers_a_horizon() -> None:
    """Proves: a series covers a horizon that it reaches over at both ends, and no other."""
    imported = brought(hours(24), zone="UTC")
    for start, hours_long, covered in (("2026-06-01", 24, True), ("2026-06-01", 25, False), ("2026-05-31", 24, False)):
        assert imported.covers(Horizon.model_validate({"start": start, "length_h": hours_long})) is covered


def test_a_mapping_repeats_the_import() -> None:
    """Proves: what is kept next to the result reads the file the same way again; its mistakes have lines."""
    raw = read(hours().encode(), "a.csv")
    result = guess(raw, "load", {"scale": 2.0, "gaps": "hold"}, "UTC").mapping
    assert read_mapping(result.yaml()) == result
    with pytest.raises(ScenarioError) as caught:
        read_mapping("as: prise\ntime: t\nvalue: v\nzone: Mars\nshape: long\n", "m.yaml")
    lines = [str(problem) for problem in caught.value.problems]
    assert [line.partition(": ")[0] for line in lines] == ["m.yaml:1", "m.yaml:4", "m.yaml:5"]
    assert "a series can be price" in lines[0]


def test_the_overlay_leaves_nothing_of_the_old_series(tmp_path: Path) -> None:
    """Proves: an overlay gives any scenario the series, wherever it lies. Sensitivity: the old scale of 0.9 stays."""
    rows = "".join(f"2026-06-{15 + h // 24}T{h % 24:02d}:00Z,{h}\n" for h in range(72))
    imported = brought(f"time,EUR/MWh\n{rows}", "export-price")
    (tmp_path / "price.csv").write_text(imported.csv())
    (tmp_path / "price.overlay.yaml").write_text(imported.overlay("price.csv"))
    for name in ("melt-shop-small", "melt-shop-day"):
        start = ["horizon.start=2026-06-16"]
        scenario = load(name, [*start, f"@{tmp_path / 'price.overlay.yaml'}"])
        price = scenario.market.export_price_per_mwh
        assert price is not None
        assert price.scale == 1
        assert scenario.inputs["export_price_per_mwh"].values[0] == 22
    _, values = read_columns(tmp_path / "price.csv", ("time_utc",), "export_price_per_mwh", None)
    assert values.tolist() == imported.values.tolist()


def test_a_mapping_is_checked() -> None:
    """Proves: zone, interval and role are checked where they are said."""
    for item in ({"zone": "Nowhere/City"}, {"interval_min": 1e5}, {"as": "gas"}, {"through": "b", "stamps": "end"}):
        with pytest.raises(ValueError, match=r"unknown|interval|ends"):
            Mapping.model_validate({"as": "load", "time": "t", "value": "v", **item})
