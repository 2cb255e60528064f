"""The page Shift: what the loop knows, and advice that is approved or declined."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from driven import drive, later_by_a_step, small
from streamlit.testing.v1 import AppTest

from emberline.live.loop import Service
from emberline.runs.decisions import Decisions


def script() -> None:
    from emberline.ui.pages import shift
    from emberline.ui.pages.session import session

    session.begin()
    shift.page()


def opened() -> AppTest:
    app = AppTest.from_function(script, default_timeout=60).run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    kinds = ("text", "info", "caption", "subheader", "warning", "error", "html")
    return "\n".join(str(getattr(item, "value", "") or item.proto) for kind in kinds for item in app.get(kind))


def button(app: AppTest, label: str) -> Any:
    return next(item for item in app.button if item.label == label)


def test_without_a_loop_it_says_how_to_start_one(home: Path) -> None:
    """Proves: an empty home has a page that helps. Sensitivity: an error, or a home that is made by looking."""
    assert "emberline live run live.yaml" in texts(opened())


def test_advice_is_decided_on_the_page(home: Path, tmp_path: Path) -> None:
    """Proves: values, quality, heats and the advice with its changes are shown; declining needs a reason, approving
    enters decision and audit row, and a plan in force is withdrawn with a reason. Sensitivity: a button decides
    without a row."""
    plant, twin = small(tmp_path)
    service = Service(plant, now=plant.scenario.horizon.start_utc)
    service.loop.planner = later_by_a_step
    drive(service, twin, 0, 9)
    app = opened()
    text = texts(app)
    assert "Advice: The loop has begun." in text
    assert "Heat C1-1 (ladle) starts later" in text
    assert "import now" in text
    assert len(app.dataframe[0].value) == len(plant.live.tags)
    button(app, "Decline").click().run()
    assert "declining needs a reason" in texts(app)
    assert Decisions("live").all()[0].state == "open"
    app.text_input[0].set_value("agreed").run()
    button(app, "Approve").click().run()
    assert not app.exception
    advice = Decisions("live").all()[0]
    assert advice.state == "approved"
    assert [row.reason for row in Decisions("live").audit()][-1] == "agreed"
    drive(service, twin, 9, 12)
    assert advice.id[:8] in texts(opened())
    assert service.loop.plan_id == advice.id
    assert timedelta(0) < advice.ends - advice.created
    assert "(predicted)" not in texts(app)
    app = opened()
    button(app, "Withdraw it").click().run()
    assert "withdrawing needs a reason" in texts(app)
    next(item for item in app.text_input if item.label == "Reason (required)").set_value("crane is out").run()
    button(app, "Withdraw it").click().run()
    assert Decisions("live").find(advice.id).state == "withdrawn"
    assert Decisions("live").audit()[-1].reason == "crane is out"
    assert not [item for item in app.button if item.label == "Withdraw it"]
    away = {tag.name: "connector plant: cannot connect" for tag in plant.live.tags}
    service.take(away, plant.scenario.horizon.start_utc + timedelta(minutes=60))
    assert "(predicted)" in texts(opened())
