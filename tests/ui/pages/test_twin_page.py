"""The page Twin: runs replayed, disturbed or not, what went wrong, and a board that knows every moment."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pages import page, texts

from emberline import twin
from emberline.planning.plan.record import violations
from emberline.reports.charts import flow_sheet, plan, replay
from emberline.reports.charts.view import View
from emberline.reports.text import naming, wording
from emberline.runs.store.store import Store
from emberline.scenarios import Case, load
from emberline.scenarios.flows.asset_flows import load_mw
from emberline.ui.pages.session import run_or_baseline
from emberline.ui.pages.session.run_or_baseline import Subject


@cache
def disturbed(name: str, replication: int) -> tuple[Case, xr.Dataset]:
    """A disturbed day of the baseline."""
    scenario = load(name)
    return scenario, twin.replay(scenario, twin.dispatch(scenario), replication=replication, disturbed=True)


@pytest.mark.parametrize("name", ["melt-shop-site", "cement-week", "steam-cracker-utilities"])
def test_the_board_knows_every_moment(name: str) -> None:
    """Proves: what a unit does runs from the start to the end without a gap or an overlap, breakdowns as they were."""
    scenario, run = next(item for item in (disturbed(name, number) for number in range(8)) if "stop_unit" in item[1])
    rows = list(replay.states(scenario, run))
    units = [unit for unit, _ in scenario.process_units] or [unit.name for unit in scenario.line.units]
    assert list(dict.fromkeys(row["unit"] for row in rows)) == units
    for unit in units:
        mine = [row for row in rows if row["unit"] == unit]
        assert min(row["start"] for row in mine) == 0
        assert max(row["end"] for row in mine) >= scenario.horizon.length_min - 1e-6
        for one, other in itertools.pairwise(mine):
            assert one["end"] == pytest.approx(other["start"]), (unit, one, other)
        broken = sum(row["end"] - row["start"] for row in mine if str(row["does"]).startswith("broken down"))
        stopped = run["stop_unit"].values == unit
        assert broken == pytest.approx(float(run["stop_min"].values[stopped].sum()))


def with_data(part: dict[str, Any], above: bool) -> Iterator[bool]:
    """Of each mark of a panel, whether it has data, of its own or of a layer above."""
    above = above or "data" in part
    if "layer" not in part:
        yield above
    for layer in part.get("layer", ()):
        yield from with_data(layer, above)


def test_the_replay_moves_a_line_through_every_panel() -> None:
    """Proves: one slider over the view's steps; each panel of the timeline has a line at the moment and its data."""
    scenario, run = disturbed("melt-shop-small", 0)
    looked = Subject(scenario, ("melt-shop-small",))
    view = View.of(scenario.horizon)
    result = run_or_baseline.as_plan(looked, run)
    panels = plan.timeline_panels(result, False, view, whose="baseline")
    value = replay.replay(result, panels, view, dark=False).to_dict()
    (slider,) = [param for param in value["params"] if param["name"] == replay.MOMENT]
    assert slider["bind"]["input"] == "range"
    assert (slider["bind"]["min"], slider["bind"]["max"], slider["bind"]["step"]) == (0, 1425, 15)
    lined = [panel for panel in value["vconcat"] if f'"calculate": "{replay.MOMENT}"' in json.dumps(panel)]
    assert len(lined) == len(panels)
    for panel in value["vconcat"]:
        assert all(with_data(panel, False))
    text = json.dumps(value)
    assert "battery, baseline [MWh]" in text
    assert "battery, plan" not in text
    names = {row["clock"] for data in value["datasets"].values() for row in data if "clock" in row}
    assert "Tue 16 Jun 2026 12:00 +02:00" in names


@pytest.mark.parametrize("name", ["melt-shop-small", "melt-shop-site", "cement-week"])
def test_the_board_tells_what_the_flow_sheet_does(name: str) -> None:
    """Proves: at any moment a unit's power and rate on the board are those of the page Plant, the board adds up to the
    load, and the battery stands as the step begins. Sensitivity: the mean over a whole heat or run, which no moment has
    (53 MW for 43 MW); a level of the step's end."""
    scenario = load(name)
    run = twin.replay(scenario, twin.dispatch(scenario))
    view = View.of(scenario.horizon)
    assert view.merged == 1
    rows = pd.DataFrame(list(replay.means(scenario, run, view)))
    total = run["line_mw"].to_numpy() + load_mw(scenario, run)
    np.testing.assert_allclose(rows.groupby("start")["mw"].sum().to_numpy(), total, atol=1e-2)
    noon = round(12 * 60 / scenario.horizon.step_min)
    now = rows[rows["start"] == noon * scenario.horizon.step_min].set_index("unit")
    result = flow_sheet.sheet(scenario, run, noon)
    if scenario.processes:
        table = {unit: float(run["process_mw"].sel(process=unit)[noon]) for unit, _ in scenario.process_units}
        for unit, _ in scenario.process_units:
            assert now.loc[unit, "tph"] == pytest.approx(float(run["process_tph"].sel(process=unit)[noon]), abs=1e-4)
    else:
        table = {unit: float(mw[noon]) for unit, mw in flow_sheet.unit_power(scenario, run).items()}
    for unit, mw in table.items():
        assert now.loc[unit, "mw"] == pytest.approx(mw, abs=1e-3)
    names = {word for box in result.production for line in box.lines for word in [line]}
    alone = [stage.units[0].name for stage in scenario.line.stages if len(stage.units) == 1] if scenario.heats else []
    for unit in alone:
        assert (now.loc[unit, "power"] or "0.0 MW") in names
    outcome = run_or_baseline.as_plan(Subject(scenario, (name,)), run)
    panels = plan.timeline_panels(outcome, False, view, None, list(scenario.store)[:8], whose="baseline")
    text = json.dumps(replay.replay(outcome, panels, view, dark=False).to_dict(), ensure_ascii=False)
    battery = next((box for box in result.site if box.name == "battery"), None)
    if battery is not None:
        drawing = json.loads(text)
        clock = wording.moment(scenario.horizon.instant(noon * scenario.horizon.step_min))
        boards = [row for rows in drawing["datasets"].values() for row in rows if row.get("clock") == clock]
        level = battery.lines[0].split("/")[0]
        assert any(f"{level} MWh" in map(str, row.values()) for row in boards)


def test_nothing_chosen_is_the_baseline_run(home: Path) -> None:
    """Proves: the page opens with the baseline run of the first scenario, and says that nothing went wrong."""
    app = page("twin")
    assert not app.exception
    assert app.selectbox(key="twin.look").value == "melt-shop-small"
    text = texts(app)
    assert "No breakdown and no missed limit" in text
    assert "Undisturbed run" in text
    assert [metric.label for metric in app.metric] == [
        "Carbon [t CO2e]", "Cost [EUR]", "Peak [MW]", "Limits missed", "Production [t]",
    ]  # fmt: skip


def test_a_disturbed_day_tells_what_went_wrong(home: Path) -> None:
    """Proves: each breakdown and each limit missed stands in the list; another number has other disturbances."""
    app = page("twin")
    app.toggle(key="twin.disturbed").set_value(True).run()
    rows = []
    for number in (1, 2):
        app.number_input(key="twin.replication").set_value(number).run()
        assert not app.exception
        assert f"Disturbed day {number} of random seed" in texts(app)
        _, run = disturbed("melt-shop-small", number - 1)
        wrong = int(run.sizes.get("stop", 0)) + len(violations(run))
        tables = [frame.value for frame in app.dataframe if "by" in frame.value.columns]
        assert [len(table) for table in tables] == ([wrong] if wrong else [])
        rows.append(app.metric[0].value)
    assert rows[0] != rows[1]


def test_plan_and_baseline_have_the_same_disturbances(home: Path, stored_home: tuple[Path, str]) -> None:
    """Proves: next to a plan stands the baseline on the same number; both are those of the twin."""
    shutil.copytree(stored_home[0], home)
    app = page("twin", stored_home[1])
    assert not app.exception
    app.toggle(key="twin.disturbed").set_value(True).run()
    app.number_input(key="twin.replication").set_value(3).run()
    assert not app.exception
    text = texts(app)
    assert "under the same disturbances" in text
    assert "bound" in text
    assert all(str(metric.delta).startswith("baseline") for metric in app.metric)
    result = Store().open(stored_home[1]).plan
    assert result.schedule is not None
    ours = twin.replay(result.scenario, result.schedule, replication=2, disturbed=True)
    missed = next(metric for metric in app.metric if metric.label == "Limits missed")
    assert missed.value == str(ours.sizes["violation"])
    theirs = twin.replay(result.scenario, twin.dispatch(result.scenario), replication=2, disturbed=True)
    assert missed.delta == f"baseline {theirs.sizes['violation']}"


def test_a_site_without_a_line(home: Path) -> None:
    """Proves: a year of a site without a line is replayed too."""
    app, name = page("twin"), "works-hub-year"
    app.selectbox(key="twin.look").set_value(name).run()
    assert not app.exception
    assert naming.title(load(name)) in texts(app)
    assert "every day is as planned" in texts(app)
    assert str(app.selectbox(key=f"twin.part.{name}").value).startswith("week from")
