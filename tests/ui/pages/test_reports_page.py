"""The page Reports: figures of the example, and a period from draft to locked by two people."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from emberline.reports.compliance.monitoring import example_files
from emberline.ui.pages import reports


def script() -> None:
    from emberline.reports.compliance.monitoring import example_files
    from emberline.ui.pages import reports
    from emberline.ui.pages.session import session

    session.begin()
    files = example_files()
    reports.records("2026", reports.figures("2026", files), files)


def press(app: AppTest, step: str, name: str) -> AppTest:
    app.text_input(key="reports.name").set_value(name).run()
    button = app.button(key=f"reports.{step}")
    assert not button.disabled
    button.click().run()
    assert not app.exception
    return app


def test_a_period_is_recorded_by_two_people(home: Path) -> None:
    """Proves: each button takes its step, who submits does not approve, a changed byte is named.

    Sensitivity: a page that shows the same buttons in every state.
    """
    app = AppTest.from_function(script, default_timeout=60).run()
    assert app.button(key="reports.draft").disabled  # nobody's name
    press(app, "draft", "Ada")
    press(app, "submit", "Ada")
    press(app, "approve", "Ada")
    assert "somebody else approves" in app.warning[0].value
    press(app, "approve", "Bo")
    press(app, "lock", "Bo")
    assert [button.key for button in app.button] == ["reports.correct", "reports.verify"]
    assert app.button(key="reports.correct").disabled  # no reason
    app.button(key="reports.verify").click().run()
    assert app.success[0].value.startswith("4 records")
    record = home / "compliance" / "records" / "000002.json"
    record.write_bytes(record.read_bytes().replace(b"Ada", b"Bob"))
    app.run()
    assert "record 2 has changed" in app.warning[0].value


def test_changed_evidence_goes_no_further_and_a_handed_hash_is_compared(home: Path) -> None:
    """Proves: a changed file is named and stops submit, not the next draft; with the hash that was handed over a
    chain that is gone is found, and no step is taken on it. Sensitivity: buttons by the state alone."""
    app = AppTest.from_function(script, default_timeout=60).run()
    press(app, "draft", "Ada")
    newest = app.code[0].value
    assert len(newest) == 64
    path = max((home / "compliance" / "files").iterdir(), key=lambda path: path.stat().st_size)
    sound = path.read_bytes()
    path.write_bytes(b"x" + sound[1:])
    app.run()
    assert "has changed" in app.error[0].value
    assert app.button(key="reports.submit").disabled
    assert not app.button(key="reports.draft").disabled
    path.write_bytes(sound)
    app.run()
    assert not app.button(key="reports.submit").disabled
    (home / "compliance").rename(home / "elsewhere")
    app.text_input(key="reports.since").set_value(newest).run()
    app.button(key="reports.verify").click().run()
    assert newest in app.error[0].value
    press(app, "draft", "Ada")
    assert newest in app.warning[0].value
    assert not (home / "compliance" / "records").exists()


def test_mistakes_in_files_are_named_without_their_folder() -> None:
    """Proves: file and row, no path of the server. Sensitivity: the temporary folder in the message."""
    files = example_files()
    report = reports.figures("2026", files)
    assert report.embedded["bars"].see_direct > report.embedded["crude steel"].see_direct > 0
    files["activity.csv"] = files["activity.csv"].replace(b",900,t", b",many,t")
    with pytest.raises(ValueError, match=r"^activity\.csv row 3.*amount.*many"):
        reports.figures("2026", files)
    with pytest.raises(ValueError, match="write a year"):
        reports.figures("soon", example_files())
