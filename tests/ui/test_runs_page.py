"""The page Runs: search, name, tag, share, delete and take back."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from plans.store import Store


def script() -> None:
    from ui.pages import runs, session

    session.begin()
    runs.page()


@pytest.fixture
def kept(home: Path, stored_home: tuple[Path, str]) -> str:
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
    return next(found for found in app.button if found.label == label)


def test_an_empty_catalogue_says_what_to_do(home: Path) -> None:
    """Proves: without a run the page says how to get one."""
    assert "Make one on the page Plan" in texts(opened())


def test_named_tagged_and_found(kept: str) -> None:
    """Proves: a name and tags are kept, and the run is found by either; a word that nothing has finds nothing."""
    app = opened()
    app.text_input[1].set_value("June trial")
    app.text_input[2].set_value("trial night")
    button(app, "Keep").click().run()
    assert not app.exception
    entry = Store().entry(kept)
    assert (entry.name, entry.tags) == ("June trial", ("night", "trial"))
    app.text_input(key="runs.text").set_value("june").run()
    assert list(app.dataframe[0].value["name"]) == ["June trial"]
    app.text_input(key="runs.text").set_value("december").run()
    assert "No run is like that" in texts(app)


def test_a_name_that_is_markup_is_refused_in_one_line(kept: str) -> None:
    """Proves: the name stays as it was, and one line says what a name may have."""
    app = opened()
    app.text_input[1].set_value("<img src=x onerror=alert(1)>")
    button(app, "Keep").click().run()
    assert not app.exception
    assert "✕ a name has at most 80 characters" in texts(app)
    assert Store().entry(kept).name == ""


def test_deleted_and_taken_back(kept: str) -> None:
    """Proves: deleting asks first, the run leaves the list, and the state deleted brings it back whole."""
    app = opened()
    button(app, "Delete it").click().run()
    assert not app.exception
    assert Store().count(state="stored") == 0
    app.selectbox(key="runs.state").set_value("deleted").run()
    button(app, "Take it back").click().run()
    assert not app.exception
    assert Store().open(kept).plan.found


def test_the_address_to_share_names_the_run(kept: str) -> None:
    """Proves: what is copied opens this run."""
    assert any(found.value.endswith(f"/?run={kept}") for found in opened().code)
