"""The page Export: every format there is has a button, and what it gives is the run that is looked at."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from plans.exports import FORMATS, TABLES
from plans.store import Store
from ui.pages import exporting


def script() -> None:
    from ui.pages import exporting, session

    session.begin()
    exporting.page()


@pytest.fixture
def kept(home: Path, stored_home: tuple[Path, str]) -> str:
    """A home of this test's own with one plan; its id."""
    shutil.copytree(stored_home[0], home)
    return stored_home[1]


def opened(run: str = "") -> AppTest:
    app = AppTest.from_function(script, default_timeout=60)
    if run:
        app.query_params["run"] = run
    app.run()
    assert not app.exception
    return app


def test_every_format_has_a_button_and_says_what_it_is_for(kept: str) -> None:
    """Proves: formats and tables of the registry all have words on the page. Sensitivity: one added there alone."""
    assert set(exporting.SAYS) == set(FORMATS)
    assert set(exporting.TABLE_OF) == set(TABLES)
    labels = {getattr(button, "label", "") for button in opened(kept).get("download_button")}
    assert labels >= {f"Download {found.label}" for found in FORMATS.values()}


def test_what_is_downloaded_is_this_run(kept: str) -> None:
    """Proves: a chosen table and a chosen unit reach the file."""
    stored = Store().open(kept)
    bill = pd.read_csv(io.BytesIO(exporting._file(stored, "csv", {"table": "bill"})()))
    assert set(bill["run"]) == {kept}
    assert json.loads(exporting._file(stored, "json", {})())["manifest"]["run"] == kept
    assert b"EAF" in exporting._file(stored, "ics", {"unit": "EAF"})()


def test_without_a_plan_it_says_what_to_do(home: Path) -> None:
    """Proves: an empty home gets a line, not a button."""
    app = opened()
    assert any("Make one on the page Plan" in info.value for info in app.info)
    assert not app.get("download_button")
