"""The page Pareto: asked at the side, watched while it is searched, read point by point, a point opened as a plan."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from emberline.reports.charts import front as front_charts
from emberline.runs.jobs import queue
from emberline.runs.store import fronts
from emberline.scenarios import loads
from emberline.studies.pareto.point import run_of
from emberline.studies.pareto.search import pareto
from emberline.ui.pages import pareto as front_parts
from emberline.ui.pages.session import navigation

SITE = """\
name: site
title: A site on its own
horizon: {start: 2026-06-16, zone: Europe/Berlin, days: 1, step_min: 60}
site:
  grid: {import_limit_mw: 40}
  base_load_mw: 10
  battery: {energy_mwh: 20, power_mw: 10, level_share: 50 %}
market:
  price_per_mwh: {table: de_typical_2018, column: price_eur_per_mwh}
  carbon_intensity_kg_per_mwh: {table: de_typical_2018, column: carbon_intensity_average_kg_per_mwh}
goal: {gap: 0, effort: 20}
"""


def script() -> None:
    """The page alone, as the router draws it."""
    from emberline.ui.pages import pareto
    from emberline.ui.pages.session import session

    session.begin()
    pareto.page()


@pytest.fixture
def app(home: Path) -> AppTest:
    """The page in a session of its own with an empty home."""
    return AppTest.from_function(script, default_timeout=60)


@pytest.fixture
def front(home: Path) -> str:
    """A stored front of four points."""
    return fronts.save(pareto(loads(SITE), 4), home).id


def page_text(app: AppTest) -> str:
    kinds = ("text", "markdown", "caption", "subheader", "metric", "info", "warning")
    return "\n".join(f"{getattr(i, 'label', '')} {getattr(i, 'value', '')}" for kind in kinds for i in app.get(kind))


def test_an_empty_page_says_what_to_do(app: AppTest) -> None:
    """Proves: without a front the page tells what one is, and can be started."""
    app.run()
    assert not app.exception
    assert "Press Search the front" in page_text(app)
    (button,) = [button for button in app.button if button.label == "Search the front"]
    assert not button.disabled


def test_a_front_of_works_can_be_searched(app: AppTest) -> None:
    """Proves: the page offers a front of processes as of heats. Sensitivity: a list of producers without a front."""
    app.run()
    app.selectbox(key="scenario").set_value("cement-week").run()
    assert not app.exception
    (button,) = [button for button in app.button if button.label == "Search the front"]
    assert not button.disabled


def test_a_stored_front_is_read_point_by_point(app: AppTest, front: str) -> None:
    """Proves: status, gap and bound stand next to each figure of the point that is chosen, the knee first."""
    app.query_params["front"] = front
    app.run()
    assert not app.exception
    stored = fronts.read(front).front
    numbers = stored.data["point"].values.tolist()
    field = app.selectbox(key=front_parts.POINT_KEY)
    assert field.value == numbers[stored.knee if stored.knee is not None else 0]
    for number in (numbers[0], numbers[-1]):
        field = app.selectbox(key=front_parts.POINT_KEY)
        field.set_value(number).run()
        assert not app.exception
        row = stored.data.sel(point=number)
        metrics = {metric.label: metric.value for metric in app.metric}
        assert metrics["Carbon [t CO2e]"] == f"{float(row['carbon_kg']) / 1000:.2f}"
        assert metrics["Gap"].endswith("%")
        assert f"Status: {row['status'].item()}" in page_text(app)
        assert "No plan under its cap costs less than" in page_text(app)
    assert app.dataframe[0].value.shape[0] == len(numbers)


def test_a_point_opens_as_a_plan(app: AppTest, front: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: the button has a worker store the point's plan under an id of its own and goes to the page Plan, which
    looks at it."""
    gone: list[str] = []
    monkeypatch.setattr(navigation, "go", gone.append)
    app.query_params["front"] = front
    app.run()
    number = int(app.selectbox(key=front_parts.POINT_KEY).value or 0)
    app.button(key="pareto.open").click().run()
    run = run_of(front, number)
    try:
        assert not app.exception
        assert gone == ["plan"]
        assert app.session_state["run"] == run
        request = queue.request(run)
        assert (request["kind"], request["given"]) == ("point", {"front": front, "point": number})
    finally:
        queue.kill(run)
        queue.dismiss()


def test_what_is_asked_reaches_the_worker(app: AppTest, home: Path) -> None:
    """Proves: what is asked at the side is what a worker searches, and the address names the front from then on."""
    app.run()
    app.number_input(key="pareto.points").set_value(3)
    app.number_input(key="melt-shop-small.carbon_price").set_value(120.0)
    app.run()
    next(button for button in app.button if button.label == "Search the front").click().run()
    assert not app.exception
    named = app.query_params["front"]
    front = named if isinstance(named, str) else named[0]
    try:
        request = queue.request(front)
        assert (request["kind"], request["scenario"], request["given"]) == ("front", "melt-shop-small", {"points": 3})
        assert request["overrides"] == ["market.carbon_price.per_t=120"]
        assert "Searching the front" in page_text(app)
    finally:
        queue.kill(front)
    app.run()
    assert not app.exception
    assert "It was stopped." in page_text(app)
    queue.dismiss()


def test_points_are_watched_as_they_come(app: AppTest, home: Path) -> None:
    """Proves: a front that is being searched shows its points so far with their gaps, how many are asked for, which one
    is worked on under what cap, and for how long; it can be ended by both buttons."""
    front = "7" * 32
    folder = home / "jobs" / front
    folder.mkdir(parents=True)
    table = {"kind": "front", "scenario": "melt-shop-small", "overrides": [], "note": {}, "given": {"points": 5}}
    (folder / "request.json").write_text(json.dumps(table))
    now = time.time()
    rows: list[dict[str, Any]] = [
        {"phase": "twin", "at": now - 100},
        {"phase": "ends", "begun": 0, "carbon_cap_kg": None, "at": now - 100},
        {"phase": "ends", "done": 1, "of": 5, "point": 0, "carbon_kg": 261846.2, "cost": 23377.4, "cost_bound": 23300.0,
         "carbon_bound_kg": 261000.0, "carbon_cap_kg": 261846.2, "status": "within gap", "gap": 0.001, "seconds": 4.0},
        {"phase": "grid", "done": 2, "of": 5, "point": 4, "carbon_kg": 294839.9, "cost": 21048.8, "cost_bound": 20900.0,
         "carbon_bound_kg": None, "carbon_cap_kg": None, "status": "best found", "gap": 0.02, "seconds": 9.0},
        {"phase": "grid", "begun": 2, "carbon_cap_kg": 278343.0, "at": now - 40},
    ]  # fmt: skip
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in rows))
    app.query_params["front"] = front
    app.run()
    assert not app.exception
    assert "Searching the front" in page_text(app)
    assert app.dataframe[0].value["point"].tolist() == [0, 4]
    (progress,) = app.get("progress")
    assert re.fullmatch(r"caps on carbon between them: 2 of 5 points, 1\d\d s", progress.proto.text)
    (at_work,) = [item.value for item in app.text if item.value.startswith("▸")]
    assert re.fullmatch(r"▸ point 2: least cost under 278\.34 t CO2e, 4\d s", at_work)
    gaps = [
        layer for layer in front_charts.so_far([e for e in rows if "point" in e], "EUR").to_dict()["layer"]
        if layer["mark"]["type"] == "rule"
    ]  # fmt: skip
    assert len(gaps) == 2, "down to the bounds of cost, and to the left to that of carbon"
    app.button(key=f"take.{front}").click().run()
    assert (folder / "cancel").exists()


def test_an_address_that_names_no_front(app: AppTest) -> None:
    """Proves: a wrong address gives a sentence, and the page still works."""
    app.query_params["front"] = "![x](http://x.invalid/y)"
    app.run()
    assert not app.exception
    assert "contains no front" in page_text(app)
    assert "x.invalid" not in page_text(app)


def test_what_is_proven_holds_up_to_the_cap_only(front: str) -> None:
    """Proves: the line below which no plan can be steps back to the cap before, never on beyond its own: with more
    carbon allowed a plan may cost less. Sensitivity: a line that steps on would lie above the next cheaper point.
    """
    stored = fronts.read(front).front
    result = front_charts.front(stored).to_dict()
    (line,) = [layer for layer in result["layer"] if layer["mark"].get("strokeDash") == [5, 3]]
    assert line["mark"]["interpolate"] == "step-before"
    steps = result["datasets"][line["data"]["name"]]
    bounds, points = [step["cost"] for step in steps], stored.data["cost"].values.tolist()
    assert bounds == sorted(bounds, reverse=True)
    assert all(bound <= cost + 1e-6 for bound, cost in zip(bounds, points, strict=True))
    assert any(bound > cost for bound, cost in zip(bounds[:-1], points[1:], strict=True))


def analyses_script() -> None:
    from emberline.ui.pages import analyses
    from emberline.ui.pages.session import session

    session.begin()
    analyses.page()


@pytest.mark.parametrize("page", [script, analyses_script])
def test_the_side_has_the_request_of_the_plan_in_the_address(
    page: Callable[[], None], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: a page that is opened first, by the address of a plan, asks what that plan was asked: goal and price.
    Sensitivity: the bundled scenario at the side, and searched, under the headline of another request."""
    run = "a" * 32
    note = {"scenario": "melt-shop-day", "inputs": {"goal": "cost", "price_level": 200.0}}
    monkeypatch.setattr(
        "emberline.ui.pages.request.sources.queue.request", lambda name: {"note": note} if name == run else {}
    )
    app = AppTest.from_function(page, default_timeout=60)
    app.query_params["run"] = run
    app.run()
    assert not app.exception
    by_label = {box.label: box.value for box in app.sidebar.selectbox}
    assert (by_label["Scenario"], by_label["Goal"]) == ("melt-shop-day", "cost")
    assert [one.value for one in app.sidebar.number_input if str(one.key).endswith(".price_level")] == [200]
