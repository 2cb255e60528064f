"""Page My unit: what a unit does next, with its day where the plan has several, and the tonnes that it makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pages import page

from emberline.planning.accounts.unit_runs import RUN, unit_runs
from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.text import wording
from emberline.reports.text.numbers import duration
from emberline.runs.store import Store
from emberline.scenarios import loads
from emberline.scenarios.templates.plants import start
from emberline.studies.why import run_slack


def test_a_mill_reads_its_days_and_tonnes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: the runs of two days each name their weekday, and what they make.
    A run may be late by its slack. Sensitivity: fails where only hours and minutes are written.
    """
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path / "home"))
    mill = loads(start("grinding-plant", "mill"), overrides=["horizon.days=2"])
    store, result = Store(), make_plan(mill, PLAIN, replications=0)
    assert result.schedule is not None
    with store.working(result.scenario) as run:
        store.save(run, result)
    app = page("crew", run)
    assert not app.exception
    lines = [line for text in app.text for line in str(text.value).splitlines()]
    starts = [line for line in lines if " – " in line]
    assert starts
    assert all(line[:4] in ("Mon ", "Tue ") for line in starts), starts
    runs = [line for line in lines if line.startswith("run")]
    tph = result.schedule["process_tph"].sel(process="mill").to_numpy()
    step_h = mill.horizon.step_h
    first, *_ = np.split(tph, np.flatnonzero(np.diff(tph > 0)) + 1)[int(tph[0] <= 0) :]
    assert f"{wording.number(first.sum() * step_h, 0)} t cement" in runs[0]
    assert not [text.value for text in app.caption if "free for" in text.value and " h" not in text.value]
    app.number_input[0].set_value(600).run()
    assert not app.exception
    (late,) = (text.value for text in app.text if "mill may be late by" in text.value)
    assert result.replay is not None
    one = next(one for one in unit_runs(mill, result.replay) if one.what == RUN)
    slack = run_slack.slack(mill, result.replay, one)
    assert f" {duration(slack.later_min)}" in late
