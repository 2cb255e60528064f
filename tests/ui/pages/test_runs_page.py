"""The page Runs: search, name, tag, share, delete and take back."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
from postgres import Server
from streamlit.testing.v1 import AppTest

from emberline.planning.answer import headline
from emberline.planning.answer.record import BASES
from emberline.planning.plan.replays import of_days
from emberline.reports.exports.manifest import proof
from emberline.reports.text import wording
from emberline.runs.jobs import folder as job_folder
from emberline.runs.store.catalogue import VARIABLE, answering, database
from emberline.runs.store.store import Store


def script() -> None:
    from emberline.ui.pages import runs
    from emberline.ui.pages.session import session

    session.begin()
    runs.page()


@pytest.fixture
def run_id(home: Path, stored_home: tuple[Path, str]) -> str:
    """A home of this test's own with one plan; its id."""
    shutil.copytree(stored_home[0], home)
    return stored_home[1]


def opened() -> AppTest:
    app = AppTest.from_function(script, default_timeout=60).run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(str(getattr(item, "value", "")) for kind in ("text", "info", "caption") for item in app.get(kind))


def button(app: AppTest, label: str) -> Any:
    return next(item for item in app.button if item.label == label)


def test_an_empty_catalogue_says_what_to_do(home: Path) -> None:
    """Proves: without a run the page says how to get one."""
    assert "Make one on the page Plan" in texts(opened())


def test_named_tagged_and_found(run_id: str) -> None:
    """Proves: a name and tags are kept, and the run is found by either; a word that nothing has finds nothing."""
    app = opened()
    app.text_input[1].set_value("June trial")
    app.text_input[2].set_value("trial night")
    button(app, "Save").click().run()
    assert not app.exception
    entry = Store().entry(run_id)
    assert (entry.name, entry.tags) == ("June trial", ("night", "trial"))
    app.text_input(key="runs.text").set_value("june").run()
    assert list(app.dataframe[0].value["name"]) == ["June trial"]
    app.text_input(key="runs.text").set_value("december").run()
    assert "No run matches" in texts(app)


def test_a_name_that_is_markup_is_refused_in_one_line(run_id: str) -> None:
    """Proves: the name stays as it was, and one line says what a name may have."""
    app = opened()
    app.text_input[1].set_value("<img src=x onerror=alert(1)>")
    button(app, "Save").click().run()
    assert not app.exception
    assert "✕ a name has at most 80 characters" in texts(app)
    assert Store().entry(run_id).name == ""


def test_deleted_and_taken_back(run_id: str) -> None:
    """Proves: deleting asks first, the run leaves the list, and the state deleted brings it back whole."""
    app = opened()
    button(app, "Delete it").click().run()
    assert not app.exception
    assert Store().count(state="stored") == 0
    app.selectbox(key="runs.state").set_value("deleted").run()
    button(app, "Restore").click().run()
    assert not app.exception
    assert Store().open(run_id).plan.has_schedule


def test_the_address_to_share_names_the_run(run_id: str) -> None:
    """Proves: what is copied opens this run."""
    assert any(item.value.endswith(f"/?run={run_id}") for item in opened().code)


def test_a_bad_tag_leaves_the_name_as_it_was(run_id: str) -> None:
    """Proves: name and tags are kept both or not at all. Sensitivity: an error that has saved the name already."""
    app = opened()
    app.text_input[1].set_value("June trial")
    app.text_input[2].set_value("good <bad>")
    button(app, "Save").click().run()
    assert not app.exception
    assert "✕ " in texts(app)
    entry = Store().entry(run_id)
    assert (entry.name, entry.tags) == ("", ())


def test_the_planned_day_and_the_chance_to_hold_stand_there(run_id: str) -> None:
    """Proves: the first day is the horizon's by the plant's clock, the share of days is that of its
    headline. Sensitivity: the day on which the plan was made."""
    result = Store().open(run_id).plan
    assert result.replays is not None
    (row,) = opened().dataframe[0].value.to_dict("records")
    assert row["first day"] == "Tue 16 Jun 2026"
    head = headline(result)
    assert head is not None
    assert head.holding is not None
    assert row["holds on"] == of_days(head.holding.share, head.holding.n)
    assert row["holds on days"] == row["saved on days"] == BASES[head.policy]


def test_what_was_stopped_and_what_was_taken_early_say_so(run_id: str) -> None:
    """Proves: a search that was ended with a plan is "taken early", with its gap; a run without a plan was
    stopped or lost where its job tells so, and says what to do. Sensitivity: "cancelled" for what gave a plan, "lost"
    for what a user ended."""
    store, result = Store(), Store().open(run_id).plan
    with store.working(result.scenario) as run:
        store.save(run, dataclasses.replace(result, status="cancelled"))
    rows = {row["run"]: row for row in opened().dataframe[0].value.to_dict("records")}
    assert str(rows[run[:8]]["status"]).startswith("stopped early, gap ")
    assert wording.status(Store().open(run).plan).startswith("stopped early, within ")
    assert "Status: taken early; gap" in proof(Store().open(run))
    assert Store().open(run).plan.status == "cancelled"
    nothing = dataclasses.replace(result, status="cancelled", schedule=None, replay=None, replay_figures=None)
    assert wording.status(nothing) == "cancelled, no schedule"
    for stopped in (True, False):
        try:
            with store.working(result.scenario) as lost:
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass
        folder = job_folder.folder_of(lost)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "request.json").write_text("{}")
        (folder / "worker.pid").write_text("0")
        if stopped:
            (folder / "stop").write_text("")
        app = opened()
        app.selectbox(key="runs.state").set_value("broken").run()
        assert not app.exception
        table = {row["run"]: row["status"] for row in app.dataframe[0].value.to_dict("records")}
        assert table[lost[:8]] == ("stopped" if stopped else "lost")
        app.selectbox(key="runs.one").set_value(lost).run()
        assert any(wording.STATES["stopped" if stopped else "broken"].then in item.value for item in app.text)


def whole() -> None:
    from emberline.ui.pages import route

    route()


def test_a_catalogue_that_cannot_be_read_is_one_line(run_id: str) -> None:
    """Proves: whatever page is drawn, a catalogue that refuses is one line with its own words, and the page comes back
    when the catalogue does. Sensitivity: the name of an exception, or a run that "is not there"."""
    catalogue = Store().folder / "catalogue.db"
    sound = catalogue.read_bytes()
    catalogue.write_bytes(b"no database" * 1000)
    app = AppTest.from_function(whole, default_timeout=60)
    app.query_params["run"] = run_id
    app.run()
    assert not app.exception
    assert [str(line.value) for line in app.warning][-1].endswith("it is rebuilt from the run folders")
    assert "Reload this page to try again." in texts(app)
    catalogue.write_bytes(sound)
    app.run()
    assert not app.exception
    assert not app.warning


@pytest.mark.postgresql
def test_a_server_that_stops_is_one_line(run_id: str, postgresql: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a page whose catalogue's server does not answer is one line, and comes back when the server goes on.

    Sensitivity: a page that waits for what was sent on an open connection is never drawn."""
    monkeypatch.setenv(VARIABLE, postgresql.schema())
    for limit in ("SILENCE_S", "PING_S"):
        monkeypatch.setattr(answering, limit, 0.3)
    monkeypatch.setattr(answering, "ANSWER_S", 2)
    app = AppTest.from_function(whole, default_timeout=60)
    app.query_params["run"] = run_id
    app.run()
    assert not app.warning
    with postgresql.stopped():
        app.run()
        assert not app.exception
        assert [str(line.value) for line in app.warning] == ["catalogue local/postgres: the server does not answer"]
        assert "Reload this page to try again." in texts(app)
    app.run()
    assert not app.exception
    assert not app.warning
    database.forget()
