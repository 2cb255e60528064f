"""Moments as a planner writes them."""

from __future__ import annotations

from functools import cache

import pytest

from emberline.reports.text import moment
from emberline.scenarios import load
from emberline.scenarios.records.horizon import Horizon

DAY, WEEK = ("melt-shop-day",), ("melt-shop-week",)
CHANGE = ("melt-shop-small", "horizon.start=2026-10-25", "horizon.length_h=null", "horizon.days=1")


@cache
def horizon(name: str, *overrides: str) -> Horizon:
    """Of a scenario with overrides, loaded by the first test that asks."""
    return load(name, overrides).horizon


@pytest.mark.parametrize(("text", "start"), [
    ("03:15", 195), ("3:15", 195), (" 03:20 ", 195), ("+2 h", 720), ("-30 min", 570), ("−1,5 h", 510), ("+45", 645),
    ("Tue 03:15", 195), ("10 Mar 03:15", 195), ("10. March 03:15", None), ("2026-03-10 05:00", 300),
    ("周二 03:15", 195), ("3月10日 03:15", 195), ("03:15 +01:00", 195),
])  # fmt: skip
def test_what_is_read(text: str, start: float | None) -> None:
    """Proves: times of day, days and shifts lie on the nearest step, by hand, from a present start at 10:00."""
    if start is None:
        with pytest.raises(ValueError, match="is no time"):
            moment.on_step(text, horizon(*DAY), 600)
    else:
        assert moment.on_step(text, horizon(*DAY), 600) == start


@pytest.mark.parametrize(("text", "sentence"), [
    ("25:00", "25:00 is no time: write 03:15"), ("", "is no time"), ("06162603:00", "is no time"),
    ("202603-06-16T03:00:00", "is no time"), ("soon", "is no time"), ("9" * 400, "is no time"),
    ("+40 h", r"\+40 h is outside the plan: Tue 10 Mar 00:00 to Wed 11 Mar 00:00"), ("-11 h", "outside the plan"),
    ("Wed 03:00", "outside the plan"), ("2099-01-01 03:00", "outside the plan"), ("Fri 03:00", "outside the plan"),
    ("+99999 d", "outside the plan"), ("2026-13-40 03:00", "is no time"),
])  # fmt: skip
def test_what_is_refused(text: str, sentence: str) -> None:
    """Proves: one line says what is wrong. Sensitivity: a year of six digits, a day that the plan does not have."""
    with pytest.raises(ValueError, match=sentence) as refusal:
        moment.on_step(text, horizon(*DAY), 600)
    assert "\n" not in str(refusal.value)


def test_a_time_without_a_day_is_the_nearest_one() -> None:
    """Proves: in a plan of a week 03:15 is that of the day next to the present start; later heats of a cast start
    between steps and move by whole ones."""
    assert moment.on_step("03:15", horizon(*WEEK), 3 * 1440 + 60) == 3 * 1440 + 195
    assert moment.on_step("23:00", horizon(*WEEK), 3 * 1440 + 60) == 3 * 1440 - 60
    assert moment.on_step("+1 h", horizon(*WEEK), 37.5) == 97.5
    assert moment.on_step("01:40", horizon(*DAY), 37.5) == 97.5


@pytest.mark.parametrize("minute", [0.0, 135.0, 195.0, 1485.0])
def test_what_is_written_is_read_again(minute: float) -> None:
    """Proves: a moment as the table shows it is that moment, also in the hour that comes twice."""
    assert moment.on_step(moment.short(minute, horizon(*CHANGE)), horizon(*CHANGE), 0.0) == minute
    assert moment.on_step(moment.short(minute, horizon(*WEEK)), horizon(*WEEK), 0.0) == minute
