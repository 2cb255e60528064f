"""The page as its script draws it: inputs become overrides, results and mistakes are shown."""

from __future__ import annotations

import dataclasses
import json
import uuid
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from pages import page, texts, with_tab
from streamlit.testing.v1 import AppTest
from waiting import until

from emberline.planning.answer import answer
from emberline.reports.charts import plan
from emberline.reports.charts.view import View
from emberline.reports.text import wording
from emberline.runs.store import drafts
from emberline.runs.store.store import Store
from emberline.runs.work import worker
from emberline.scenarios import load, loads
from emberline.scenarios.loading.loading import LIBRARY
from emberline.ui.pages.request import form as fields
from emberline.ui.pages.result.answer import plain

ROOT = Path(__file__).resolve().parents[3]
EARLIER = ROOT / "tests" / "recorded" / "earlier_home.zip"
ORDERED = [path.stem for path in sorted(LIBRARY.glob("*.yaml")) if "\norders:" in path.read_text(encoding="utf-8")]
"""Bundled scenarios with heats; none is loaded for it, as every process of tests would."""


@pytest.fixture
def app(home: Path) -> AppTest:
    """The app in a session of its own with an empty home."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=180)


def plan_button(app: AppTest) -> Any:
    return next(button for button in app.button if button.label == "Plan")


def test_an_empty_page_says_what_to_do(app: AppTest) -> None:
    """Proves: without a run the page explains itself and shows what the plant is."""
    app.run()
    assert not app.exception
    text = texts(app)
    assert "press **Plan**" in text
    assert "melting (EAF)" in text
    assert "9 heats, 900 t" in text
    assert not plan_button(app).disabled


def test_from_question_to_answer(app: AppTest) -> None:
    """Proves: changed inputs reach the worker, and its plan is shown with status, gap, units and files."""
    app.run()
    app.number_input(key="melt-shop-small.carbon_price").set_value(120.0)
    app.number_input(key="melt-shop-small.pv_mw").set_value(20.0)
    app.number_input(key="melt-shop-small.price_level").set_value(150.0)
    app.number_input(key="melt-shop-small.effort").set_value(5.0)
    app.run()
    plan_button(app).click().run()
    named = app.query_params["run"]
    run = named if isinstance(named, str) else named[0]
    until(run)
    app.run()
    assert not app.exception
    changed = "Small melt shop, 1 day, 9 heats · PV 20 MW"
    (title,) = [item.value for item in app.text if item.value.startswith(changed)]
    assert {"prices 150 %", "carbon 120 EUR/t"} < set(title.split(" · "))
    proven = Store().open(run).plan.bound is not None  # a busy machine may prove nothing in so short a time
    for tab, parts in {
        "About this plan": ("disturbed days", "baseline"),
        "All figures": ("best possible", "bound") if proven else ("no gap proven",),
    }.items():
        text = texts(with_tab(app, tab))
        assert all(part in text for part in parts), text
    first = answer(Store().open(run).plan)
    assert first is not None
    assert any(item.value.startswith(f"##### {plain(first.lines[0])}") for item in app.markdown)
    strip = next(item for item in app.get("html") if 'class="strip"' in item.proto.body)
    assert all(tile.label in strip.proto.body for tile in first.tiles)
    result = Store().open(run).plan.scenario
    assert (result.market.carbon_price.per_t, result.market.price_per_mwh.scale) == (120, 1.5)
    assert result.site.pv is not None
    assert result.site.pv.peak_mw == 20
    again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180)
    again.query_params["run"] = run
    again.run()
    assert title in [item.value for item in again.text]
    assert again.number_input(key="melt-shop-small.carbon_price").value == 120


def test_two_sessions_do_not_mix(app: AppTest) -> None:
    """Proves: what one user changes, another does not see."""
    app.run()
    app.number_input(key="melt-shop-small.carbon_price").set_value(300.0).run()
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run()
    assert other.number_input(key="melt-shop-small.carbon_price").value == 70


def test_mistakes_are_lines_and_bar_the_button(app: AppTest) -> None:
    """Proves: what cannot be planned is reported with its key, and no worker starts until it is changed."""
    app.run()
    app.selectbox(key="scenario").set_value("melt-shop-week").run()
    assert not plan_button(app).disabled
    # the clocks change in this week: it has 167 hours, and what is due after 168 lies outside
    app.date_input(key="melt-shop-week.start").set_value(date(2026, 3, 23)).run()
    assert not app.exception
    assert plan_button(app).disabled
    assert "due: 2026-03-30T01:00+02:00 lies outside the horizon" in texts(app)
    app.date_input(key="melt-shop-week.start").set_value(date(2026, 3, 16)).run()
    assert not plan_button(app).disabled


def test_without_battery_and_pv(app: AppTest) -> None:
    """Proves: sizes of zero are a plant without them, not a mistake."""
    app.run()
    for key in ("battery_mwh", "battery_mw", "pv_mw"):
        app.number_input(key=f"melt-shop-small.{key}").set_value(0.0)
    app.run()
    assert not app.exception
    assert not plan_button(app).disabled


@pytest.mark.parametrize("run", ["f" * 32, "nonsense", "../../etc/passwd", "![x](http://x.invalid/y)"])
def test_an_address_that_names_no_run(app: AppTest, run: str) -> None:
    """Proves: a wrong address gives a sentence, not an error, and the page still works."""
    app.query_params["run"] = run
    app.run()
    assert not app.exception
    assert "press Plan" in app.warning[0].value.replace("Press", "press")
    assert not plan_button(app).disabled


def test_a_lost_run_says_so(app: AppTest, home: Path) -> None:
    """Proves: a job whose worker died is reported with what to do."""
    run = "1" * 32
    folder = home / "jobs" / run
    folder.mkdir(parents=True)
    (folder / "request.json").write_text(json.dumps({"scenario": "melt-shop-small", "overrides": [], "note": {}}))
    (folder / "worker.pid").write_text("0")
    app.query_params["run"] = run
    app.run()
    assert not app.exception
    assert "It was lost" in texts(app)
    assert "plan again" in texts(app)


def test_titles_are_never_markdown(app: AppTest, stored_home: tuple[Path, str]) -> None:
    """Proves: what users name is shown letter by letter; no picture is fetched, no page is linked."""
    evil = "![x](http://x.invalid/y) <b>bold</b>"
    result = Store(stored_home[0]).open(stored_home[1]).plan
    scenario = result.scenario.model_copy(update={"title": evil})
    store = Store()
    with store.working(scenario) as run:
        store.save(run, dataclasses.replace(result, scenario=scenario))
    app.query_params["run"] = run
    app.run()
    assert not app.exception
    assert any(evil in item.value for item in app.text)
    for kind in ("markdown", "caption", "subheader", "metric"):
        assert not any("x.invalid" in str(getattr(item, "value", "")) for item in app.get(kind))


@pytest.mark.parametrize("name", ORDERED)
def test_casts_table_gives_back_the_orders(name: str) -> None:
    """Proves: unchanged counts give the scenario itself; zeros leave casts out. Sensitivity: one heat less is seen."""
    original = load(name)
    counts = fields.casts(original)["heats"].tolist()
    text = (LIBRARY / f"{name}.yaml").read_text(encoding="utf-8")
    same = loads(text, overrides=[fields.orders_override(original, counts)])
    assert same.model_dump() == original.model_dump()
    fewer = loads(text, overrides=[fields.orders_override(original, [0, counts[1], *counts[2:-1], counts[-1] - 1])])
    assert len(fewer.heats) == len(original.heats) - counts[0] - 1


def test_edits_of_a_table_are_noted_before_the_page_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: heats that were entered are what the form begins with on the next page, though this one was left before
    it was drawn with them."""
    state: dict[str, Any] = {"editor.heats": {"edited_rows": {1: {"heats": 7}}}, "values": {"goal": "cost"}}
    callbacks: list[Callable[[], None]] = []

    def editor(table: pd.DataFrame, **widget: Any) -> pd.DataFrame:
        callbacks.append(lambda: widget["on_change"](*widget["args"]))
        return table

    def counts(edited: pd.DataFrame) -> Any:
        return edited["heats"].tolist()

    monkeypatch.setattr(st, "data_editor", editor)
    monkeypatch.setattr(st, "session_state", state)
    inputs = fields.Inputs(load("melt-shop-small"), "editor", "values", {})
    table = pd.DataFrame({"heats": [3, 4]})
    assert inputs.table("heats", table, counts, fields.orders_override, heats=None) == [3, 4]
    callbacks[0]()
    assert state["values"] == {"goal": "cost", "heats": [3, 7]}
    assert table["heats"].tolist() == [3, 4]


def test_charts_carry_units_and_local_time(stored_home: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: each vertical axis names its unit, tooltips give full local time with offset."""
    monkeypatch.setenv("EMBERLINE_HOME", str(stored_home[0]))
    stored = Store().open(stored_home[1]).plan
    result = plan.below_each_other(plan.timeline_panels(stored), View.of(stored.scenario.horizon)).to_dict()
    text = json.dumps(result)
    for unit in ("[MW]", "[MWh]", "[kg CO2e/MWh]", "[EUR/MWh]", "local time, Europe/Berlin (+02:00)"):
        assert unit in text
    assert "Tue 16 Jun 2026 00:00 +02:00" in text
    rows = {row["heat"] for data in result["datasets"].values() for row in data if row.get("whose") == "plan"}
    assert len(rows) == 9


def test_time_axis_where_the_clocks_change() -> None:
    """Proves: on the day of 25 hours the axis has 25, and says both offsets."""
    scenario = load("melt-shop-small", ["horizon.start=2026-10-25"])
    result = json.dumps(plan.preview(scenario).to_dict())
    assert "(+02:00, later +01:00)" in result
    assert '"domain": [0.0, 1500.0]' in result


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(1234567.891, 1, "1\u202f234\u202f567.9"), (-0.04, 1, "0.0"), (-3.25, 2, "−3.25"), (None, 1, "–")],
)
def test_numbers(value: float | None, digits: int, text: str) -> None:
    """Proves: grouped, with a true minus, and no minus before zero."""
    assert wording.number(value, digits) == text


def test_a_goal_that_no_plan_is_made_for_is_shown_at_the_side(home: Path) -> None:
    """Proves: a draft whose text has such a goal is drawn with it, next to the goals that can be planned.

    Sensitivity: a list of goals without the draft's own ends the page.
    """
    text = (
        (LIBRARY / "melt-shop-small.yaml").read_text(encoding="utf-8").replace("minimize: carbon", "minimize: lateness")
    )
    app = page("plan", draft=drafts.create(text, "melt-shop-small").id)
    assert not app.exception
    (goal,) = [box for box in app.selectbox if box.label == "Goal"]
    assert goal.value == "lateness"
    assert "least carbon" in goal.options


def recorded_request(home: Path, part: bytes) -> Path:
    """Folder of a job of the release before whose request has a part."""
    folder = home / "jobs" / uuid.uuid4().hex
    folder.mkdir(parents=True)
    with zipfile.ZipFile(EARLIER) as archive:
        requests = [archive.read(name) for name in archive.namelist() if name.endswith("request.json")]
    (request,) = [text for text in requests if part in text]
    (folder / "request.json").write_bytes(request)
    return folder


def test_seconds_of_an_earlier_release_are_the_effort_of_the_form(home: Path) -> None:
    """Proves: the fields of a stored request are filled as they were, the limit in seconds as effort. Sensitivity: a
    field that was renamed begins with the scenario's value."""
    app = page("plan", recorded_request(home, b"battery_mwh").name)
    assert not app.exception
    values = {field.label: field.value for field in app.number_input}
    assert (values["Battery [MWh]"], values["Effort of the search"]) == (20, 12)


def test_a_request_of_an_earlier_release_for_a_goal_that_is_gone_is_drawn(home: Path) -> None:
    """Proves: the form shows the goal that was asked for, and a line says what to take. Sensitivity: a goal that is not
    in the list ends the page."""
    folder = recorded_request(home, b"lateness")
    worker.work(folder)
    app = page("plan", folder.name)
    assert not app.exception
    assert "lateness" in [choice.value for choice in app.selectbox]
    assert "no plan is made for lateness" in texts(app)
