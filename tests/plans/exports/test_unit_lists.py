"""Lists of units and their pages to print: every activity once, gaps between, nothing of a name is markup."""

from __future__ import annotations

from itertools import pairwise

from exported import renamed, stored_run

from emberline.plans.exports.crews import unit_lists, unit_pages


def test_lines_and_gaps_fill_the_horizon() -> None:
    """Proves: lines of a unit follow each other without overlap from the start of the horizon to its end, and its
    operations are those of the replay. Sensitivity: a gap that is left out."""
    run = stored_run("line")
    scenario, replay = run.plan.scenario, run.plan.replay
    assert replay is not None
    for unit in unit_lists.crews(run):
        lines = list(unit_lists.lines(run, unit))
        assert lines[0].start_min == 0
        assert abs(lines[-1].end_min - scenario.horizon.length_min) < unit_lists.LEAST_GAP_MIN
        for before, after in pairwise(lines):
            assert abs(after.start_min - before.end_min) <= unit_lists.LEAST_GAP_MIN
        work = [line for line in lines if line.activity is not None]
        assert len(work) == int((replay["op_unit"].values == unit).sum())


def test_pages_show_names_as_they_are() -> None:
    """Proves: a page names unit and shift; what a scenario is called cannot become markup."""
    run = renamed(stored_run("line"))
    text = unit_pages(run)
    assert text.count("<section>") >= len(unit_lists.crews(run))
    assert "<script" not in text
    assert "<img" not in text
