"""The page Robustness asks for a plan that holds, watches the search and tells what came of it."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from waiting import until

from emberline.reports.text import wording
from emberline.runs.jobs import queue
from emberline.runs.store import ensembles
from emberline.runs.store.store import Store
from emberline.ui.pages.session import stored_runs


def script() -> None:
    """The page alone, as the router draws it."""
    from emberline.ui.pages import robustness
    from emberline.ui.pages.session import session

    session.begin()
    robustness.page()


@pytest.fixture
def run(stored_home: tuple[Path, str], home: Path) -> str:
    """A stored plan of the small melt shop in a home of the test's own."""
    shutil.copytree(stored_home[0], home)
    stored_runs.open_run.clear()  # the same run lies in another home
    return stored_home[1]


@pytest.fixture
def app(run: str) -> AppTest:
    """The page, which looks at that plan."""
    result = AppTest.from_function(script, default_timeout=60)
    result.query_params["run"] = run
    return result


def page_text(app: AppTest) -> str:
    kinds = ("text", "markdown", "caption", "warning")
    return "\n".join(str(getattr(item, "value", "")) for kind in kinds for item in app.get(kind))


def test_from_button_to_a_plan_that_holds(app: AppTest, run: str) -> None:
    """Proves: the button starts a search for what was asked; the run that it makes has the answer next to it, and its
    page tells the chance of both plans with their intervals, the margins and the price."""
    app.run()
    app.number_input(key=f"holding.level.{run}").set_value(20.0)
    app.number_input(key="holding.seconds").set_value(10)
    app.run()
    app.button(key="holding.start").click().run()
    assert not app.exception
    job = queue.about(run, "hold")
    assert job is not None
    assert queue.request(job)["given"] == {"run": run, "level": 0.2, "replications": 1000, "time_limit_s": 10}
    until(job)
    status = queue.status(job)
    assert status.state == "stored", status
    assert [row["round"] for row in status.rounds] == list(range(1, len(status.rounds) + 1))
    stored = Store().open(job)
    content = ensembles.read_holding(stored.folder)
    assert content is not None
    assert content["robust"]["n"] == content["plain"]["n"] == 1000
    assert stored.plan.scenario.goal.hold == 0.2
    # it begins with the plan that is looked at, and is compared with it
    before = Store().open(run).plan
    assert content["robust"]["held"] >= content["plain"]["held"]
    assert before.replay_figures is not None
    assert content["rounds"][0]["carbon_kg"] == pytest.approx(before.replay_figures.carbon_kg, rel=1e-12)
    app.query_params["run"] = job
    app.session_state["run"] = job
    app.run()
    assert not app.exception
    span, share = content["robust"]["interval"], content["robust"]["chance"]
    assert (
        f"this plan: {100 * share:.1f} % of {wording.number(1000, 0)} new disturbed replays "
        f"(95 % interval {100 * span['low']:.1f} % to {100 * span['high']:.1f} %)"
    ) in page_text(app)
    assert "the plain plan: " in page_text(app)
    price = app.dataframe[0].value
    assert list(price.iloc[:, 1]) == ["t CO2e", "EUR", "MW"]
    queue.dismiss()


def test_a_search_is_watched(app: AppTest, run: str, home: Path) -> None:
    """Proves: each round is reported with its margins in words and how often its plan held; what held best can be
    taken."""
    job = "7" * 32
    folder = home / "jobs" / job
    folder.mkdir(parents=True)
    (home / "jobs" / "about").mkdir()
    (home / "jobs" / "about" / f"{run}.hold").write_text(job)
    table = {
        "kind": "hold",
        "at": time.time(),
        "given": {"run": run, "level": 0.8, "replications": 1000, "time_limit_s": 300},
    }
    (folder / "request.json").write_text(json.dumps(table))
    values = {"planning_quantile": 0.5, "LF.slack_min": 10.0, "due_margin_min": 45.0, "import_margin_mw": 1.5}
    events = [
        {"phase": "round", "round": 1, "margins": {"planning_quantile": 0.5}, "held": 40, "of": 400, "status": ""},
        {"phase": "round", "round": 2, "margins": values, "held": 0, "of": 0, "status": "infeasible"},
        {"phase": "optimize"},
    ]
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    app.run()
    assert not app.exception
    assert "80.0 % of the days" in page_text(app)
    assert "Round 3" in page_text(app)
    rounds = app.dataframe[0].value
    assert list(rounds["held"]) == ["40 of 400", "no plan with these margins"]
    first, second = rounds["margins"]
    assert first == "none: the plan as it is"
    for words in (
        "buffer after LF: 10.0 min",
        "margin before due times: 45.0 min",
        "margin below the import limit: 1.5 MW",
    ):
        assert words in second
    assert app.button(key="holding.start").disabled
    app.button(key=f"take.{job}").click().run()
    assert (folder / "cancel").exists()


def test_a_plain_run_has_no_answer(app: AppTest, run: str) -> None:
    """Proves: of a run that was not made to hold nothing of the kind is said."""
    app.run()
    assert not app.exception
    assert "Price of robustness" not in page_text(app)
