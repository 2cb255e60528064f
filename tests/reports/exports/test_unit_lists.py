"""Lists of units and their pages to print: every activity once, gaps between, each shift with what a run makes in it;
nothing of a name is markup."""

from __future__ import annotations

from itertools import pairwise

from exported import renamed, stored_run
from lxml import html

from emberline.reports.exports import crews
from emberline.reports.text.numbers import duration


def test_lines_and_gaps_fill_the_horizon() -> None:
    """Proves: lines of a unit follow each other without overlap from the start of the horizon to its end, and its
    operations are those of the replay. Sensitivity: a gap that is left out."""
    run = stored_run("line")
    scenario, replay = run.plan.scenario, run.plan.replay
    assert replay is not None
    for unit in crews.crews(run):
        lines = list(crews.lines(run, unit))
        assert lines[0].start_min == 0
        assert abs(lines[-1].end_min - scenario.horizon.length_min) < crews.MIN_GAP_MIN
        for before, after in pairwise(lines):
            assert abs(after.start_min - before.end_min) <= crews.MIN_GAP_MIN
        work = [line for line in lines if line.activity is not None]
        assert len(work) == int((replay["op_unit"].values == unit).sum())


def test_pages_show_names_as_they_are() -> None:
    """Proves: a page names unit and shift; what a scenario is called cannot become markup."""
    run = renamed(stored_run("line"))
    text = crews.unit_pages(run)
    assert text.count("<section>") == len(crews.crews(run)) * len(crews.shifts(run))
    assert "<script" not in text
    assert "<img" not in text


def test_a_mill_reads_tonnes_days_and_silos() -> None:
    """Proves: every shift of two days has its page, also those in which the mill rests; a run says its tonnes and
    store, rate and electricity, its days where the page touches two, and how much of it falls into the shift; silos
    have their planned levels at the shift's start and end.
    Sensitivity: fails for shifts that are left out, times without days, and totals of a run for those of a shift."""
    text = crews.unit_pages(stored_run("mill"))
    sections = {part.findtext("h1"): " | ".join(part.itertext()) for part in html.fromstring(text).iter("section")}
    assert list(sections) == [
        "mill, 2026-01-05 00:00 – 06:00", "mill, 2026-01-05 06:00 – 14:00", "mill, 2026-01-05 14:00 – 22:00",
        "mill, 2026-01-05 22:00 – Tue 01-06 06:00", "mill, 2026-01-06 06:00 – 14:00", "mill, 2026-01-06 14:00 – 22:00",
        "mill, 2026-01-06 22:00 – 00:00",
    ]  # fmt: skip
    first, remaining, _, night, morning, *_ = sections.values()
    assert "00:00 | 06:00 | run | 600 t cement | 100.0 | 24.0" in first
    assert "cement: 900 t at the start of the shift, 1\u202f320 t at its end" in first
    assert "Nothing to do in this shift; the next start is Mon 01-05 22:00." in remaining
    assert "06:00 | 22:00 | free for 16 h" in remaining
    both = "Mon 01-05 22:00 | Tue 01-06 10:00 | run | 1\u202f200 t cement, {} t in this shift | 100.0 | 48.0"
    assert both.format(800) in night
    assert both.format(400) in morning
    assert "Electricity costs 72 EUR/MWh in this shift" in night
    assert "Electricity costs 135 EUR/MWh in this shift" in morning


def test_a_gap_of_hours_is_said_in_hours() -> None:
    """Proves: minutes alone below an hour, then hours, with minutes only where there are some."""
    assert [duration(minutes) for minutes in (45, 60, 75, 960.2)] == ["45 min", "1 h", "1 h 15 min", "16 h"]
