"""Locking heats: what is changed in the table becomes locks, the side keeps them, a plan is made around them."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from waiting import until

from emberline.planning.plan import replan
from emberline.planning.plan.record import Plan
from emberline.reports.charts import board as drawing
from emberline.reports.charts.view import View
from emberline.runs.jobs import queue
from emberline.runs.store.store import Store
from emberline.scenarios import ScenarioError, load
from emberline.studies import board as boards
from emberline.studies.board import key_text
from emberline.studies.why.slack import slacks
from emberline.ui.pages.result import heats
from emberline.ui.pages.result import repairs as locking

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def run(home: Path, stored_home: tuple[Path, str]) -> str:
    """A stored plan of the small melt shop in a home of its own."""
    shutil.copytree(stored_home[0], home)
    return stored_home[1]


@pytest.fixture
def stored_plan(run: str) -> Plan:
    """The plan."""
    return Store().open(run).plan


def opened(run: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["run"] = run
    return app.run()


def start_of(result: Plan, heat: str, stage: str) -> float:
    assert result.schedule is not None
    return float(result.schedule["start_min"].sel(heat=heat, stage=stage))


def page_text(app: AppTest) -> str:
    return "\n".join(
        str(getattr(item, "value", "")) for kind in ("text", "markdown", "caption") for item in app.get(kind)
    )


def test_what_is_changed_is_locked(stored_plan: Plan) -> None:
    """Proves: a tick locks where it is, another start locks there, a tick taken away frees, else
    nothing is; a start that cannot be read has one line."""
    locks = (replan.lock(stored_plan.scenario, stored_plan.schedule, "C1-2", "melting"),)  # type: ignore[arg-type]
    before = heats.table(stored_plan, locks)
    assert heats.changes(stored_plan.scenario, before, before) == ({}, [], [])
    after = before.copy()

    def row(heat: str, stage: str) -> int:
        return int(after.index[(after["heat"] == heat) & (after["stage"] == stage)][0])

    assert after.loc[row("C1-2", "melting"), heats.LOCKED]
    after.loc[row("C1-2", "melting"), heats.LOCKED] = False
    after.loc[row("C2-1", "ladle"), heats.LOCKED] = True
    starts = after[heats.START].tolist()
    starts[row("C2-2", "melting")] = "+15 min"
    starts[row("C2-3", "melting")] = "soon"
    after[heats.START] = starts
    locked, freed, faults = heats.changes(stored_plan.scenario, before, after)
    assert faults == ["C2-3 melting: soon is no time: write 03:15, Tue 03:15, +2 h or -30 min"]
    assert freed == [("C1-2", "melting")]
    assert locked == {
        ("C2-1", "ladle"): start_of(stored_plan, "C2-1", "ladle"),
        ("C2-2", "melting"): start_of(stored_plan, "C2-2", "melting") + 15,
    }
    target = heats.with_changes(stored_plan, locks, locked, freed)
    assert {(lock.heat, lock.stage): lock.start for lock in target} == {
        key: timedelta(minutes=minutes) for key, minutes in locked.items()
    }


def test_heats_of_a_cast_are_locked_together(stored_plan: Plan) -> None:
    """Proves: each heat of a cast is locked where it is; two starts that cannot both be are refused, both named; and
    what is locked later takes the place of an earlier lock on the cast. Sensitivity: an earlier lock that stays would
    contradict the later one."""
    keys = [(f"C1-{number}", "casting") for number in (1, 2, 3)]
    locked = {key: start_of(stored_plan, *key) for key in keys}
    several = heats.with_changes(stored_plan, (), locked, [])
    assert [(one.heat, one.start) for one in several] == [
        (heat, timedelta(minutes=round(start_of(stored_plan, heat, stage), 3))) for heat, stage in keys
    ]
    replan.with_locks(stored_plan.scenario, several)
    apart = heats.with_changes(stored_plan, (), locked | {keys[2]: locked[keys[2]] + 15}, [])
    with pytest.raises(ScenarioError, match=r"heat C1-3 at casting .* together with locks\.[01] \(heat C1-[12] at"):
        replan.with_locks(stored_plan.scenario, apart)
    (last,) = heats.with_changes(stored_plan, several, {keys[1]: locked[keys[1]] + 15}, [])
    assert (last.heat, last.start) == ("C1-2", timedelta(minutes=round(locked[keys[1]] + 15, 3)))


@pytest.mark.parametrize(
    ("heat", "minutes", "text"), [("C1-1", 7.0, "lies between steps"), ("C1-1", 1500.0, "outside the horizon")]
)
def test_a_lock_that_cannot_be_is_refused(stored_plan: Plan, run: str, heat: str, minutes: float, text: str) -> None:
    """Proves: one clear line, no job is started."""
    lock = replan.lock(stored_plan.scenario, stored_plan.schedule, heat, "melting", minutes)  # type: ignore[arg-type]
    with pytest.raises(ScenarioError, match=text):
        locking.plan_again(run, stored_plan, (lock,))
    assert not (Path(Store().folder) / "jobs").exists()


def test_a_plan_made_again_keeps_to_its_locks(stored_plan: Plan, run: str) -> None:
    """Proves: the worker plans around a heat that was moved as far as it may; the new plan shows the lock."""
    assert stored_plan.replay is not None
    step = stored_plan.scenario.horizon.step_min
    heat, minutes = next(
        (heat.name, slack.earlier_min // step * step)
        for heat in stored_plan.scenario.heats
        if (slack := slacks(stored_plan.scenario, stored_plan.replay, heat.name)["melting"]).earlier_min >= step
    )
    start = start_of(stored_plan, heat, "melting") - minutes
    lock = replan.lock(stored_plan.scenario, stored_plan.schedule, heat, "melting", start)  # type: ignore[arg-type]
    fixed_lock = replan.as_set(lock)
    note = {"scenario": locking.key_of(run, stored_plan), "inputs": {locking.LOCKS: [fixed_lock]}}
    table = {"run": run, "locks": [fixed_lock]}
    new = queue.start(None, [f"locks={json.dumps([fixed_lock])}"], note=note, kind="replan", options=table)
    until(new)
    assert queue.status(new).state == "stored", queue.status(new).lines
    again = Store().open(new).plan
    assert again.scenario.locks == (lock,)
    assert start_of(again, heat, "melting") == start
    rules, scenario = boards.of_plan(again), again.scenario
    assert again.replay is not None
    assert isinstance(rules, boards.HeatBoard)
    data = drawing.of_heats(scenario, again.replay, None, View.of(scenario.horizon), rules)
    data = drawing.with_locks(data, new, rules, scenario.locks, ())
    assert [bar["id"] for bar in data["bars"] if bar["locked"]] == [f"{heat}/melting"]
    assert list(data["places"]) == [key_text(rules.key_of[heat, "melting"])]
    app = opened(new)
    assert not app.exception
    assert [box.value for box in app.multiselect if box.label == "Locks"] == [[0]]
    # what is taken back at the side is asked for no more
    next(box for box in app.multiselect if box.label == "Locks").set_value([]).run()
    assert not app.exception
    assert not [box for box in app.multiselect if box.label == "Locks"]
    assert app.session_state["melt-shop-small.locks"] == []


def test_a_heat_is_described_and_locked_by_a_button(run: str, stored_plan: Plan) -> None:
    """Proves: chosen in the list, a heat shows its stages with slack, its energy, carbon and cost; a button locks it at
    the side, from where the next plan gets it."""
    app = opened(run)
    assert not app.exception
    app.selectbox(key=f"heat.{run}").set_value("C2-1").run()
    assert not app.exception
    text = page_text(app)
    for part in ("C2-1 · rebar · order C2 · 100 t", "MWh of electricity", "t CO2e, scope 1 and 2", "EUR for energy"):
        assert part in text
    table = next(frame.value for frame in app.dataframe if "earlier by" in frame.value.columns)
    assert table["stage"].tolist() == ["melting", "ladle", "casting"]
    assert table["later by"].str.match(r"^\d+ min: ").all()
    app.button(key=f"lock.{run}.C2-1").click().run()
    assert not app.exception
    assert [lock["heat"] for lock in app.session_state["melt-shop-small.locks"]] == ["C2-1"]
    assert "differ from those of the plan below" in app.info[0].value
    assert app.session_state["asked"][1].startswith("locks=[")
    app.button(key=f"unlock.{run}.C2-1").click().run()
    assert app.session_state["melt-shop-small.locks"] == []


def test_locks_of_the_scenario_itself_are_listed(home: Path) -> None:
    """Proves: what a scenario brings is shown; called by heat, stage, unit and local time."""
    scenario = load("melt-shop-small", ["locks=[{heat: C1-1, stage: melting, unit: EAF, start: 90 min}]"])
    assert locking.lock_text(scenario, scenario.locks[0]) == "C1-1 melting EAF 01:30"
    window = load("melt-shop-small", ["locks=[{heat: C1-1, stage: ladle, earliest: 2 h, latest: 5 h}]"])
    assert locking.lock_text(window, window.locks[0]) == "C1-1 ladle from 02:00 until 05:00"
