"""Every analysis in the browser: its button is pressed, the work is done as requests, and the result is drawn."""

from __future__ import annotations

import io
import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from pages import page, texts
from streamlit.testing.v1 import AppTest
from waiting import until

from emberline.runs.jobs import queue
from emberline.runs.work import analyses
from emberline.runs.work.tasks import Task

QUICK = ["goal.gap=0.5", "goal.effort=5", "goal.hold=null", "disturbances.replications=0"]
"""A search that ends with its first plan."""


@pytest.fixture
def home(tmp_path: Path, stored_home: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of a home with one plan."""
    folder = tmp_path / "home"
    shutil.copytree(stored_home[0], folder)
    monkeypatch.setenv("EMBERLINE_HOME", str(folder))
    yield folder
    queue.dismiss()


class Requests:
    """Takes the place of the queue: keeps what is requests, and does it here when it is wanted."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.job = uuid.uuid4().hex
        """Never the same: results are immutable and shared by the pages of a process."""
        self.request: dict[str, Any] = {}
        self.steps: list[str] = []

    def start(self, scenario: str | None = None, overrides: Any = (), **more: Any) -> str:
        """As ``queue.start``."""
        folder = self.home / "jobs" / self.job
        folder.mkdir(parents=True)
        self.request = {"kind": more["kind"], "scenario": scenario, "overrides": list(overrides),
                        "note": more.get("note"), "given": more["options"], "text": None, "at": 0.0}  # fmt: skip
        (folder / "request.json").write_text(json.dumps(self.request))
        return self.job

    def work(self, **options: Any) -> dict[str, Any]:
        """Do what was requests, quickly, and store it as a worker does."""
        name = self.request["given"]["analysis"]
        request = {**self.request, "given": {**self.request["given"], **options}}
        if request["scenario"]:
            request["overrides"] = [*request["overrides"], *QUICK]

        def tell(event: dict[str, Any]) -> None:
            self.steps.append(str(event["says"]))

        # nobody watches over this process: it must outlive its task
        result = analyses.work(name)(Task(self.home / "jobs" / self.job, request, tell))
        analyses.save(self.home, self.job, name, request, result)
        return result


@pytest.fixture
def requests(home: Path, monkeypatch: pytest.MonkeyPatch) -> Requests:
    """What the page asks the queue."""
    queued = Requests(home)
    monkeypatch.setattr(queue, "start", queued.start)
    return queued


def opened(name: str, run: str = "", **query: str) -> AppTest:
    app = page("analyses", run, analysis=name, **query)
    assert not app.exception, app.exception
    return app


def pressed(app: AppTest, name: str) -> AppTest:
    button = app.button(key=f"{name}.start")
    assert not button.disabled, texts(app)
    button.click().run()
    assert not app.exception, app.exception
    return app


def result_of(requests: Requests, name: str, run: str = "", **options: Any) -> tuple[dict[str, Any], AppTest]:
    """The result of what was requests, and the page with it in a session of its own, as after a reload."""
    result = requests.work(**options)
    app = opened(name, run, result=requests.job)
    assert "computed" in texts(app)
    return result, app


def tables(app: AppTest) -> str:
    return "\n".join(item.value.to_csv() for item in app.table)


def test_levers(requests: Requests) -> None:
    """Proves: the saving of each lever and their interaction add up in the table. Sensitivity: a column mixed up."""
    pressed(opened("levers"), "levers")
    result, app = result_of(requests, "levers")
    assert requests.steps[0].startswith("searching")
    assert "weighed: shifting" in requests.steps
    whole = sum(lever["first"]["cost"] for lever in result["levers"]) + result["interaction"]["first"]["cost"]
    assert whole == pytest.approx(result["together"]["cost"])
    assert "shifting production" in tables(app)
    assert "battery" in tables(app)
    assert len(app.get("vega_lite_chart")) == 1


def test_headroom(requests: Requests) -> None:
    """Proves: the loads that were chosen are planned, and the curve's sentence is said."""
    app = opened("headroom")
    app.multiselect(key="headroom.loads").set_value([50, 100])
    pressed(app, "headroom")
    assert requests.request["given"]["loads"] == [0.5, 1.0]
    result, app = result_of(requests, "headroom")
    assert [load["heats"] for load in result["loads"]] == [5, 9]
    assert "lexibility" in texts(app)
    assert len(app.get("vega_lite_chart")) == 1


def test_a_sweep_over_two_keys(requests: Requests) -> None:
    """Proves: every combination is planned and stored, and the figure is one of the table's."""
    app = opened("sweep")
    app.selectbox(key="sweep.key.1").set_value("market.price_per_mwh.scale")
    app.text_input(key="sweep.values.0").set_value("5, 10")
    app.text_input(key="sweep.values.1").set_value("1").run()
    pressed(app, "sweep")
    assert requests.request["given"]["axes"] == ["site.pv.peak_mw=[5, 10]", "market.price_per_mwh.scale=[1]"]
    result, app = result_of(requests, "sweep")
    assert [row["setting"]["site.pv.peak_mw"] for row in result["plans"]] == [5, 10]
    carbon = [row["figures"]["carbon_kg"] / 1000 for row in result["plans"]]
    assert all(f"{value:.2f}" in tables(app) for value in carbon)
    assert len(app.get("vega_lite_chart")) == 1


def test_a_sweep_without_values_cannot_start(requests: Requests) -> None:
    """Proves: a mistake is said before anything is started."""
    app = opened("sweep")
    app.text_input(key="sweep.values.0").set_value("5, 5").run()
    assert app.button(key="sweep.start").disabled
    assert "has a value twice" in texts(app)


def test_a_rolling_day(requests: Requests) -> None:
    """Proves: the day is planned again every twelve hours, and the now-line shows the plan of a moment."""
    app = opened("roll")
    app.multiselect(key="roll.every").set_value([720])
    pressed(app, "roll")
    result, app = result_of(requests, "roll")
    assert result["roll"]["plans"] == 2
    assert len(result["planned_mw"]) == 2
    assert len(result["planned_mw"][0]) == 96, "the first plan reaches to the end of the day"
    assert "Gain over the baseline" in texts(app)
    assert len(app.get("vega_lite_chart")) == 1


def test_shadow_prices(requests: Requests, stored_home: tuple[Path, str]) -> None:
    """Proves: each price has a value for every step, with its unit."""
    run = stored_home[1]
    pressed(opened("prices", run), "prices")
    assert requests.request["given"] == {"analysis": "prices", "run": run}
    result, app = result_of(requests, "prices", run)
    electricity = next(row for row in result["prices"] if row["kind"] == "balance_price")
    assert len(electricity["values"]) == 96
    assert "kg CO2e/MWh" in tables(app)
    assert len(app.get("vega_lite_chart")) == 1


@pytest.mark.parametrize("about", ["heat", "unit", "hour"])
def test_why(requests: Requests, stored_home: tuple[Path, str], about: str) -> None:
    """Proves: a heat, a unit and an hour can be asked about, and what was found is shown with its cost."""
    run = stored_home[1]
    app = opened("why", run)
    app.button_group(key=f"why.about.{run}").set_value(about).run()
    pressed(app, "why")
    assert requests.request["given"].get(about)
    result, app = result_of(requests, "why", run, time_limit_s=1.0)
    assert result["question"]
    assert result["facts"]
    assert str(result["facts"][0]) in texts(app)


def test_locks_need_locks(requests: Requests, stored_home: tuple[Path, str]) -> None:
    """Proves: a plan without locks says so instead of starting."""
    app = opened("locks", stored_home[1])
    assert app.button(key="locks.start").disabled
    assert "has no locks" in texts(app)


def test_why_not(requests: Requests) -> None:
    """Proves: a scenario that has a plan is said to have one."""
    pressed(opened("why_not"), "why_not")
    result, app = result_of(requests, "why_not", time_limit_s=20.0)
    assert result["status"] == "feasible"
    assert "There is a plan" in texts(app)


def test_calibration_with_days_of_the_twin(requests: Requests) -> None:
    """Proves: the guided fit runs on a log that the twin generates, and shows figures, fit and checks."""
    app = opened("calibrate")
    assert app.button(key="calibrate.start").disabled, "no log is chosen"
    app.button_group(key="calibrate.from").set_value("twin").run()
    app.number_input(key="calibrate.days").set_value(12).run()
    pressed(app, "calibrate")
    result, app = result_of(requests, "calibrate")
    assert result["heats"] == 12 * 9
    assert "duration [min]" in tables(app)
    assert len(app.get("vega_lite_chart")) >= 1


def test_a_worker_does_it_and_the_page_finds_it_again(home: Path, stored_home: tuple[Path, str]) -> None:
    """Proves: the button starts a worker, its steps are kept, and a page opened later shows the stored result."""
    run = stored_home[1]
    app = pressed(opened("prices", run), "prices")
    named = app.query_params["result"]
    job = named if isinstance(named, str) else named[0]
    until(job)
    status = queue.status(job)
    assert (status.state, status.lines) == ("stored", ())
    assert status.steps == ("solving the site with the schedule fixed",)
    shutil.rmtree(home / "jobs" / job)
    st.cache_data.clear()  # the list of results may be some seconds old
    assert "computed" in texts(opened("prices", run))


def test_an_analysis_under_way_tells_its_steps(home: Path) -> None:
    """Proves: what is done has a tick, what is being done an arrow, with the count; both buttons are there."""
    job = "7" * 32
    folder = home / "jobs" / job
    folder.mkdir(parents=True)
    options = {"analysis": "why_not", "time_limit_s": 60.0}
    request = {"kind": "analysis", "scenario": "melt-shop-small", "overrides": [], "note": {}, "given": options}
    (folder / "request.json").write_text(json.dumps(request))
    lines = io.StringIO()
    for event in (
        {"phase": "twin", "at": 1.0},
        {"phase": "analysis", "says": "is there a plan?", "done": 0, "of": 0, "at": 2.0},
        {"phase": "analysis", "says": "7 of 16: import limit", "done": 6, "of": 16, "at": 3.0},
    ):
        lines.write(json.dumps(event) + "\n")
    (folder / "events.jsonl").write_text(lines.getvalue())
    app = opened("why_not", result=job)
    assert "✓ is there a plan?\n▸ 7 of 16: import limit" in texts(app)
    app.button(key=f"take.{job}").click().run()
    assert (folder / "cancel").exists()
