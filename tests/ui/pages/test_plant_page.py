"""The page Plant: the flow sheet adds up, at a moment and in all; diagrams of energy and carbon are whole."""

from __future__ import annotations

import itertools
import json
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from pages import page, texts

from emberline import twin
from emberline.planning.accounts import sankey
from emberline.planning.accounts.ledger import ledger
from emberline.reports.charts import flow_sheet, palette
from emberline.reports.charts import sankey as sankeys
from emberline.reports.charts.flow_sheet import drawing
from emberline.reports.text import naming
from emberline.scenarios import Case, bundled, load
from emberline.scenarios.assets.quantity import ELECTRICITY

WHOLE = None


@cache
def day(name: str) -> tuple[Case, xr.Dataset]:
    """The baseline run of a bundled scenario; of the year its first week."""
    scenario = load(name, ["horizon.days=7"] if name == "works-hub-year" else [])
    return scenario, twin.replay(scenario, twin.dispatch(scenario))


@pytest.mark.parametrize("name", bundled())
def test_what_is_given_is_taken(name: str) -> None:
    """Proves: at several moments and added up, each carrier gets what is taken from it or vented, and each store of
    material changes by what comes and goes."""
    scenario, run = day(name)
    n = scenario.horizon.n_steps
    for step in (0, n // 3, n - 1, WHOLE):
        result = flow_sheet.sheet(scenario, run, step)
        at = flow_sheet.Moment(scenario, run, step)
        boxes = [*result.site, *result.machines, *result.production]
        for lane in result.carriers:
            dumped = 0.0
            if "dumped_rate" in run and lane.name in run["carrier"].values:
                dumped = at.amount(run["dumped_rate"].sel(carrier=lane.name).to_numpy())
            total = sum(box.flows.get(lane.name, 0.0) for box in boxes)
            assert total == pytest.approx(dumped, abs=1e-6 * max(lane.supply, 1.0)), (lane.name, step)
        if step is not WHOLE:
            continue
        for lane in result.stores:
            leaves = sum(
                float(run["delivered_t"].sel(delivery=d.name).sum())
                for d in scenario.deliveries
                if d.store == lane.name
            )
            comes = sum(
                float(run["arrived_t"].sel(arrival=a.name).sum()) for a in scenario.arrivals if a.store == lane.name
            )
            lost = float(run["stock_lost_t"].sel(stock=lane.name).sum())
            outcome = sum(box.flows.get(lane.name, 0.0) for box in result.production)
            change = float(run["stock_t"].sel(stock=lane.name)[-1]) - scenario.store[lane.name].start_t
            assert outcome + comes - leaves - lost == pytest.approx(change, abs=1e-3), lane.name


def test_units_of_a_line_draw_what_the_line_draws() -> None:
    """Proves: the power of all units, heat by heat and phase by phase, is that of the line in each step."""
    for name in ("melt-shop-small", "melt-shop-site"):
        scenario, run = day(name)
        total = np.sum(list(flow_sheet.unit_power(scenario, run).values()), axis=0)
        np.testing.assert_allclose(total, run["line_mw"].to_numpy(), atol=1e-9)


@pytest.mark.parametrize("name", bundled())
def test_boxes_stand_apart_and_within(name: str) -> None:
    """Proves: no two boxes overlap and nothing sticks out, whatever a plant is made of; each name is written."""
    scenario, run = day(name)
    result = flow_sheet.sheet(scenario, run, 0)
    colours = sankeys.carrier_colours(scenario) | palette.of_stores(scenario)
    value = drawing.draw(result, colours, dark=False).to_dict()
    rows = list(itertools.chain.from_iterable(value["datasets"].values()))
    boxes = [row for row in rows if "edge" in row]
    for one, other in itertools.combinations(boxes, 2):
        apart = one["x2"] <= other["x"] or other["x2"] <= one["x"] or one["y2"] <= other["y"] or other["y2"] <= one["y"]
        assert apart, (one["name"], other["name"])
    assert all(0 <= row["x"] <= 1 and 0 <= row.get("x2", 0) <= 1 and 0 <= row["y"] <= value["height"] for row in rows)
    labels = " ".join(row["text"] for row in rows if "text" in row)
    for lane in (*result.carriers, *result.stores):
        assert lane.name in labels
    for box in (*result.site, *result.machines, *result.production):
        assert all(word in labels for word in box.name.split())


@pytest.mark.parametrize("name", bundled())
def test_bands_and_nodes_fit(name: str) -> None:
    """Proves: nodes of a column do not overlap and stay within, whatever a plant is made of."""
    scenario, run = day(name)
    book = ledger(scenario, run)
    for item in (sankey.energy(scenario, run), sankey.carbon(scenario, book, scenario.goal.signal)):
        result = sankeys.draw(item, sankeys.carrier_colours(scenario), dark=True).to_dict()
        rows = list(itertools.chain.from_iterable(result["datasets"].values()))
        nodes = list({row["label"]: row for row in rows if "label" in row and "x2" in row}.values())
        for one, other in itertools.combinations(nodes, 2):
            if one["x"] == other["x"]:
                assert one["y2"] <= other["y"] + 1e-6 or other["y2"] <= one["y"] + 1e-6, (one["label"], other["label"])
        assert all(-1e-6 <= row["y"] <= result["height"] + 1e-6 for row in nodes)
        assert all(0 <= row["x"] <= 1 for row in rows if "band" in row)
        assert "NaN" not in json.dumps(result)


def test_the_page_at_a_moment_and_added_up(home: Path) -> None:
    """Proves: nothing chosen, the baseline run is there; the slider changes the values, sums are those of the run."""
    app = page("plant")
    assert not app.exception
    assert app.selectbox(key="plant.look").value == "melt-shop-small"
    assert "nothing is optimized" in texts(app)
    scenario, run = day("melt-shop-small")

    def grid() -> str:
        table = next(frame.value for frame in app.dataframe if "does" in frame.value.columns)
        return str(table.loc[table["what"] == "grid", "does"].item())

    noon = round(12 * 60 / scenario.horizon.step_min)
    assert grid().startswith(f"in {float(run['import_mw'][noon]):.1f} MW")
    app.select_slider(key="plant.step.melt-shop-small.0").set_value(8).run()
    assert grid().startswith(f"in {float(run['import_mw'][8]):.1f} MW")
    app.button_group(key="plant.values").set_value("totals").run()
    assert not app.exception
    assert grid().startswith(f"in {float(run['import_mw'].sum()) * scenario.horizon.step_h:.1f} MWh")
    energy = next(frame.value for frame in app.dataframe if "MWh" in frame.value.columns)
    imported = energy.loc[(energy["from"] == "grid") & (energy["to"] == ELECTRICITY), "MWh"].item()
    assert imported == pytest.approx(float(run["import_mw"].sum()) * scenario.horizon.step_h)


@pytest.mark.parametrize("name", ["cement-week", "works-hub-year", "steam-cracker-utilities"])
def test_other_plants(home: Path, name: str) -> None:
    """Proves: works of processes and a year of a site are drawn too; of a year one week at a time."""
    app = page("plant")
    app.selectbox(key="plant.look").set_value(name).run()
    assert not app.exception
    assert naming.title(load(name)) in texts(app)
    weeks = [box for box in app.selectbox if box.key == f"plant.week.{name}"]
    assert bool(weeks) == (name == "works-hub-year")
    for box in weeks:
        box.set_value(box.options[20]).run()
        assert not app.exception


def test_a_plan_and_its_baseline(home: Path, stored_home: tuple[Path, str]) -> None:
    """Proves: a plan that is chosen comes with its status, and its baseline run is a choice away."""
    shutil.copytree(stored_home[0], home)
    app = page("plant", stored_home[1])
    assert not app.exception
    assert app.selectbox(key="plant.look").value == "run"
    assert "bound" in texts(app)
    before = [frame.value for frame in app.dataframe][1]
    app.button_group(key="plant.policy").set_value("baseline").run()
    assert not app.exception
    assert not before.equals([frame.value for frame in app.dataframe][1])


def test_a_run_that_is_not_there(home: Path) -> None:
    """Proves: a line says what to do, and the choice of something else is there."""
    app = page("plant", "f" * 32)
    assert not app.exception
    assert "Choose a scenario above" in app.warning[0].value
    app.selectbox(key="plant.look").set_value("melt-shop-day").run()
    assert not app.exception
    assert not app.warning


def test_words_of_the_diagrams_can_be_translated() -> None:
    """Proves: each node that the scenario does not name is called by a word that is marked for translation."""
    for name in bundled():
        scenario, run = day(name)
        book = ledger(scenario, run)
        rows = [sankey.energy(scenario, run), *(sankey.carbon(scenario, book, signal) for signal in book.grid)]
        ours = {node.name for diagram in rows for node in diagram.nodes.values() if not node.named}
        assert ours <= set(sankeys.WORDS), ours - set(sankeys.WORDS)
