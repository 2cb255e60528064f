"""The page Export: every format there is has a button, and what it gives is the run that is looked at."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from commands import emberline
from python_calamine import CalamineWorkbook
from streamlit.testing.v1 import AppTest

from emberline.reports.exports import FORMATS
from emberline.reports.exports.tables import TABLES
from emberline.reports.text.language import LANGUAGES, current
from emberline.runs.store.store import Store
from emberline.ui.pages import export
from emberline.ui.pages.session import stored_runs


def script() -> None:
    from emberline.ui.pages import export
    from emberline.ui.pages.session import session

    session.begin()
    export.page()


@pytest.fixture
def run_id(home: Path, stored_home: tuple[Path, str]) -> str:
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


def test_every_format_has_a_button_and_says_what_it_is_for(run_id: str) -> None:
    """Proves: formats and tables of the registry all have words on the page. Sensitivity: one added there alone."""
    assert set(export.SAYS) == set(FORMATS)
    assert set(export.TABLE_OF) == set(TABLES)
    labels = {getattr(button, "label", "") for button in opened(run_id).get("download_button")}
    assert labels >= {f"Download {item.label}" for item in FORMATS.values()}


def test_what_is_downloaded_is_this_run(run_id: str) -> None:
    """Proves: a chosen table and a chosen unit reach the file."""
    stored = Store().open(run_id)
    bill = pd.read_csv(io.BytesIO(stored_runs.file_of(stored, "csv", table="bill")()))
    assert set(bill["run"]) == {run_id}
    assert json.loads(stored_runs.file_of(stored, "json")())["manifest"]["run"] == run_id
    assert b"EAF" in stored_runs.file_of(stored, "ics", unit="EAF")()


def test_without_a_plan_it_says_what_to_do(home: Path) -> None:
    """Proves: an empty home gets a line, not a button."""
    app = opened()
    assert any("make one on the page Plan" in info.value for info in app.info)
    assert not app.get("download_button")


def offering() -> None:
    """Actions of the buttons of the pages; kept in the session for the test."""
    import streamlit as st

    from emberline.ui.pages.session import session, stored_runs

    session.begin()
    stored = stored_runs.open_run(st.query_params["run"])
    st.session_state["made"] = [
        stored_runs.file_of(stored, "html"), stored_runs.file_of(stored, "ics", unit="EAF"),
    ]  # fmt: skip


@pytest.mark.parametrize(("language", "text"), [("en", "Where this is from"), ("zh", "文件来源")])
def test_a_button_keeps_the_language_of_its_page(run_id: str, language: str, text: str) -> None:
    """Proves: a file has the language of the page that offered it, though it is made later, in a thread of its own.

    Sensitivity: a language asked for when the button is pressed, where no page is drawn: English."""
    app = AppTest.from_function(offering, default_timeout=60)
    app.query_params["run"], app.query_params["lang"] = run_id, language
    outcome: list[Callable[[], bytes]] = app.run().session_state["made"]
    assert not app.exception
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(current).result() == "en"
        files = [thread.submit(make).result().decode() for make in outcome]
        assert thread.submit(current).result() == "en"
    assert text in files[0]
    assert f"//{language.upper()}" in files[1]


def test_the_command_speaks_a_language(run_id: str, tmp_path: Path) -> None:
    """Proves: ``--lang zh`` gives a Chinese workbook, without it English stays; what is said besides is English."""
    for case, sheet in (([], "Heats"), (["--lang", "zh"], "炉次"), (["--lang", "en"], "Heats")):
        path = tmp_path / "plan.xlsx"
        code = emberline("export", run_id, *case, "--output", str(path), "--force")
        assert (code.returncode, code.stdout, code.stderr) == (0, f"{path}\n", "")
        assert sheet in CalamineWorkbook.from_path(str(path)).sheet_names
    assert emberline("export", run_id, "--lang", "en", "--output", str(tmp_path / "plan.csv")).returncode == 0


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--lang", "xx", "--output", "plan.xlsx"], "--lang xx: languages are en (English), zh (中文)"),
        (["--lang", "", "--output", "plan.csv"], "languages are en (English), zh (中文)"),
        (["--lang", "zh", "--output", "plan.csv"], "--lang zh: only xlsx, ics, html can be translated"),
    ],
)
def test_a_language_that_cannot_be_is_one_line(
    run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], text: str
) -> None:
    """Proves: exit code 2, one line that lists what there is, and no file. Sensitivity: English without a word."""
    folder = tmp_path / "out"
    folder.mkdir()
    monkeypatch.chdir(folder)
    code = emberline("export", run_id, *args)
    assert (code.returncode, len(code.stderr.splitlines())) == (2, 1)
    assert text in code.stderr
    assert list(folder.iterdir()) == []
    assert set(LANGUAGES) == {"en", "zh"}
