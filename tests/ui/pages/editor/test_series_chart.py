"""An imported series next to the one that it replaces, and the horizon moved to it."""

from __future__ import annotations

from typing import Any

import pytest

from emberline.scenarios import load
from emberline.scenarios.importing import Imported, bring, guess, read
from emberline.ui.pages.editor import series as editing_series

SMALL = "melt-shop-small"


def prices(start: str, hours: int) -> Imported:
    """Hourly prices from a moment in UTC on."""
    import pandas as pd

    times = pd.date_range(start, periods=hours, freq="h", tz="UTC")
    rows = "".join(f"{at:%Y-%m-%dT%H:%MZ},{i}\n" for i, at in enumerate(times))
    raw = read(f"time,price [EUR/MWh]\n{rows}".encode(), "prices.csv")
    return bring(raw, guess(raw, "price").mapping)


def test_whole_days_in_utc_are_starts() -> None:
    """Proves: a market's file of whole days in UTC tells starts, whatever the plant's zone. Sensitivity: a guess by
    local times would call them ends, one hour wrong."""
    raw_start = prices("2026-03-09T00:00", 24)
    assert raw_start.mapping.stamps == "start"
    assert raw_start.unit == "EUR/MWh"


@pytest.mark.parametrize(
    ("start", "hours", "first", "days"),
    [
        ("2026-03-08T23:00", 48, "2026-03-09", None),  # midnight in Berlin
        ("2026-03-09T00:00", 48, "2026-03-10", None),  # one o'clock there: the next whole day
        ("2026-03-09T00:00", 24, None, None),  # no day is whole
    ],
)
def test_the_horizon_moves_to_the_first_whole_day(start: str, hours: int, first: str | None, days: int | None) -> None:
    """Proves: the horizon begins at a midnight of the plant that the file covers. Sensitivity: a day of UTC."""
    values = editing_series.moved_horizon(prices(start, hours).span, load(SMALL).horizon)
    assert (values is None) == (first is None)
    if values is not None:
        assert values["horizon", "start"] == first
        assert values.get(("horizon", "days")) == days


def test_the_series_that_is_replaced_lies_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: the scenario's own price is drawn with the file's, moved by whole days. Sensitivity: a shift by hours."""
    scenario = load(SMALL)
    spec: dict[str, Any] = editing_series.preview(
        prices("2026-03-08T23:00", 24), "Europe/Berlin", "EUR/MWh", scenario
    ).to_dict()
    (data,) = spec["datasets"].values()
    names = {row["what"] for row in data}
    assert len(names) == 2
    before = [row for row in data if row["what"] != "file"]
    price = scenario.inputs["price_per_mwh"].to_numpy()
    assert before[0]["value"] == price[0], "midnight on midnight"
    assert before[0]["start"] == 0
    assert "moved by" in before[0]["what"]
