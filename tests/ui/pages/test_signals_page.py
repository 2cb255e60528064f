"""Page Signals: what was fetched with age and licence, a fetch from a publisher, and a signal used in a draft."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from pages import page, texts
from publishers import publisher

from emberline.runs.store import drafts
from emberline.scenarios.signals.catalogue import signal
from emberline.scenarios.signals.issues import Issue, keep

NAME = "neso/intensity/GB"
START = datetime(2026, 6, 1, 22, tzinfo=UTC)


@pytest.fixture
def stored_signal(home: Path) -> None:
    """Two and a half days of a signal."""
    count = 120
    starts = int(START.timestamp()) + 1800 * np.arange(count)
    rows = np.full(count, 1800), 100.0 + np.arange(count), np.arange(count) >= 100
    keep(signal(NAME), Issue(START, "CC BY 4.0", starts, *rows))


@pytest.mark.usefixtures("stored_signal")
def test_a_signal_is_used_in_a_copy() -> None:
    """Proves: the table has source, span and licence; one press makes a copy of the scenario in view with the signal as
    its series, on the first whole day of the plant's clock. Sensitivity: a horizon that the signal does not cover."""
    app = page("signals")
    (table,) = app.dataframe
    assert table.value.iloc[0].tolist()[:1] + table.value.iloc[0].tolist()[-2:] == [NAME, "20 / 120", "CC BY 4.0"]
    app.button(key="signals.use").click().run()
    (draft,) = drafts.of_owner(None)
    assert f"signal: {NAME}" in draft.text
    assert "2026-06-02" in draft.text
    assert not app.exception


def test_a_signal_is_fetched(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: the form asks the publisher for the days and shows what came; a publisher that refuses is one line, and a
    source without its account cannot be asked."""
    answer = {"data": [{"from": "2026-06-01T22:00Z", "to": "2026-06-01T22:30Z",
                        "intensity": {"forecast": 90, "actual": 100, "index": "low"}}]}  # fmt: skip
    with publisher(lambda path, query: json.dumps(answer)) as play:
        monkeypatch.setenv("EMBERLINE_NESO_URL", play.url)
        app = page("signals")
        assert "No signal has been fetched yet" in app.info[0].value
        app.selectbox(key="signals.name").set_value("neso/intensity").run()
        for key, day in (("signals.from", START.date()), ("signals.to", START.date() + timedelta(days=1))):
            app.date_input(key=key).set_value(day)
        app.button(key="fetch").click().run()
        assert "✓ 1 value, 1 new" in texts(app)
        assert NAME in app.dataframe[0].value.iloc[0].tolist()
    app.button(key="fetch").click().run()
    assert any(item.value.startswith(f"✕ {NAME}") for item in app.text)
    app.selectbox(key="signals.name").set_value("entsoe/price").run()
    assert app.button(key="fetch").disabled
    assert "EMBERLINE_ENTSOE_TOKEN" in texts(app)
