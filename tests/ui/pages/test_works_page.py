"""The page of a works of processes: Gantt by mode, stores, deliveries, products; what is asked of it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import SCRIPT, with_tab
from sites import cement_day_plan
from streamlit.testing.v1 import AppTest

from emberline.planning import Plan
from emberline.planning.accounts.ledger import ledger
from emberline.planning.accounts.unit_runs import RUN, START_UP, WAIT, UnitRun, unit_runs
from emberline.planning.answer import answer
from emberline.reports.charts import gantt, palette, process_panels, site_panels
from emberline.reports.charts import plan as charts
from emberline.reports.charts.board import run_id
from emberline.reports.charts.view import View, time_axis
from emberline.reports.text import facts, works
from emberline.runs.store.store import Store
from emberline.scenarios import Case, load, loads
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.loading.loading import LIBRARY
from emberline.ui.pages.request import form as fields
from emberline.ui.pages.result import accounts, units
from emberline.ui.pages.session import navigation

ROOT = Path(__file__).resolve().parents[3]
TABS = [
    "Schedule", "Units", "Stores and deliveries", "Products", "Bill", "Carbon ledger", "All figures",
    "Disturbed replays", "About this plan",
]  # fmt: skip
SLAG = (
    "store slag: up to 5\u202f800 t that no process here makes count at no cost (cement mill); only what a supply "
    "brings has a price"
)
"""Its trains bring slag that has no price."""


@pytest.fixture(scope="module")
def works_plan() -> Plan:
    """A plan of one day of the bundled cement works."""
    return cement_day_plan()


@pytest.fixture(scope="module")
def app(works_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppTest]:
    """Its page, opened once: the tests of it open tabs, and the one that changes more puts it back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBERLINE_HOME", str(tmp_path_factory.mktemp("works") / "home"))
        store = Store()
        with store.working(works_plan.scenario) as run:
            store.save(run, works_plan)
        opened = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180)
        opened.query_params["run"] = run
        yield opened.run()


@pytest.fixture(scope="module")
def all_panels(works_plan: Plan) -> Any:
    """All panels of the plan, its Gantt too. To be read only."""
    return _below_each_other(charts.timeline_panels(works_plan), works_plan)


@pytest.fixture(scope="module")
def below_the_gantt(works_plan: Plan) -> Any:
    """All panels but the Gantt. To be read only."""
    return charts.timeline(works_plan).to_dict()


def _below_each_other(panels: list[Any], result: Plan) -> Any:
    return charts.below_each_other(panels, View.of(result.scenario.horizon)).to_dict()


def table_of(app: AppTest, *columns: str) -> Any:
    """The table of the page that has some columns."""
    (result,) = (frame.value for frame in app.dataframe if set(columns) <= set(frame.value.columns))
    return result


def rows_of(result: dict[str, Any], **text: Any) -> list[dict[str, Any]]:
    """Rows of all datasets of a chart that tell some values."""
    rows = itertools.chain.from_iterable(result["datasets"].values())
    return [row for row in rows if all(row.get(key) == value for key, value in text.items())]


def test_the_page_has_a_tab_for_each_part(app: AppTest, works_plan: Plan) -> None:
    """Proves: units, stores, deliveries and products are there, heats are not; figures tell what is delivered."""
    assert not app.exception
    assert [tab.label for tab in app.tabs] == TABS
    message = "\n".join([text.value for text in app.main.text] + [caption.value for caption in app.main.caption])
    assert "heats" not in message
    (sentence,) = [
        caption.value for caption in app.caption if "Compared with the baseline, which refills" in caption.value
    ]
    first = answer(works_plan)
    assert first is not None
    assert first.headline.cost is not None
    assert ("What stores hold more or less at the end" in sentence) == bool(first.headline.cost.stock)
    offered, selected = (list(charts.parts(works_plan.scenario, first)) for first in (False, True))
    assert app.multiselect(key="panels").value == selected
    assert set(selected) < set(offered)  # the others on demand
    app.multiselect(key="panels").set_value(offered).run()
    assert not app.exception
    assert app.multiselect(key="stores").options == list(works_plan.scenario.store)
    assert app.multiselect(key="stores").value == list(works_plan.scenario.store)[: process_panels.MAX_STORES]
    app.multiselect(key="stores").set_value(["clinker"]).run()
    app.multiselect(key="carriers").set_value(["kiln_gas"]).run()
    assert not app.exception
    app.multiselect(key="panels").set_value(selected).run()


def test_tables_add_up(app: AppTest, works_plan: Plan) -> None:
    """Proves: runs make what the stores get, ends of stores are the figures', deliveries are what was asked for."""
    assert works_plan.replay is not None
    assert works_plan.replay_figures is not None
    runs = units.runs_table(works_plan, [unit for unit, _ in works_plan.scenario.process_units])
    hours = works_plan.scenario.horizon.step_h
    assert runs["makes [t]"].sum() == pytest.approx(float(works_plan.replay["process_tph"].sum()) * hours, rel=1e-9)
    assert runs["electricity [MWh]"].sum() == pytest.approx(
        float(works_plan.replay["process_mw"].sum()) * hours, rel=1e-6
    )
    with_tab(app, "Stores and deliveries")
    stores = table_of(app, "store", "capacity [t]").set_index("store")
    assert stores["end [t]"].to_dict() == pytest.approx(works_plan.replay_figures.stock)
    assert stores["end, baseline [t]"].to_dict() == pytest.approx(works_plan.baseline_figures.stock)
    assert (stores["lowest [t]"] <= stores[["start [t]", "end [t]"]].min(axis=1) + 1e-9).all()
    leaves = table_of(app, "name", "ordered [t]").set_index("name")
    assert leaves["plan [t]"]["ship"] == pytest.approx(600)
    assert leaves["ordered [t]"]["trucks I"] == pytest.approx(12 * 150)
    assert leaves["plan [t]"].to_dict() == pytest.approx(leaves["ordered [t]"].to_dict())
    assert leaves["kind"].to_dict() == {
        "trucks I": "out", "trucks II": "out", "ship": "order", "barge": "order", "slag trains": "in",
    }  # fmt: skip


def test_carbon_of_products_adds_up(works_plan: Plan) -> None:
    """Proves: parts of a product's carbon add up to what the ledger says, calcination apart; all of it goes somewhere.

    Sensitivity: a part left out, or one way to count the grid added to another, breaks the sums."""
    assert works_plan.replay is not None
    result = ledger(works_plan.scenario, works_plan.replay)
    ours, theirs = result.products, ledger(works_plan.scenario, works_plan.baseline).products
    assert ours is not None
    assert theirs is not None
    table = accounts.per_tonne(ours, theirs, "average").set_index("product")
    assert table["calcination"]["clinker"] == pytest.approx(525)
    assert table["calcination"]["CEM I"] == pytest.approx(0.95 * 525, rel=0.02)
    parts = table[["calcination", "fuels", "electricity"]].sum(axis=1)
    assert parts.to_dict() == pytest.approx(table["total"].to_dict())
    assert table["total"]["clinker"] == pytest.approx(float(ours.carbon_per_t("average").sel(stock="clinker")))
    goes = accounts.whereabouts(ours).set_index("counted as")
    assert 1000 * goes["sum"]["scope 1, direct"] == pytest.approx(result.direct_kg)
    assert 1000 * goes["sum"]["scope 2, location, average"] == pytest.approx(result.grid["average"])
    assert 1000 * goes["sum"]["biogenic, separate"] == pytest.approx(sum(result.biogenic.values()))


def test_bill_and_ledger_know_processes(app: AppTest, works_plan: Plan) -> None:
    """Proves: the lines add up to the figures, and calcination is an entry of the ledger."""
    assert works_plan.replay_figures is not None
    with_tab(app, "Bill")
    assert table_of(app, "kind", "plan [EUR]")["plan [EUR]"].sum() == pytest.approx(
        works_plan.replay_figures.cost, rel=1e-9
    )
    with_tab(app, "Carbon ledger")
    entries = table_of(app, "scope", "source").set_index("source")["plan [t CO2e]"]
    made_t = (
        float(works_plan.replay["process_tph"].sel(process="kiln").sum()) / 4 if works_plan.replay is not None else 0.0
    )
    assert 1000 * entries["kiln: calcination"] == pytest.approx(525 * made_t, rel=1e-6)


def test_stacks_close(works_plan: Plan) -> None:
    """Proves: of every carrier, fuels and kiln gas too, what is given is what must be met and what else is taken.

    Sensitivity: a process left out, or drawn on the wrong side, opens the balance."""
    for run in (works_plan.replay, works_plan.baseline):
        assert run is not None
        result = site_panels.balances(works_plan.scenario, run)
        for balance in result.values():
            none = np.zeros(works_plan.scenario.horizon.n_steps)
            need = none if balance.need is None else balance.need
            rest = sum(balance.gives.values(), none) - sum(balance.takes.values(), none) - need
            assert np.abs(rest).max() < 1e-4, balance.carrier
        assert set(result["kiln_gas"].gives) == {"kiln"}
        assert {"raw mill", "waste-heat turbine"} <= set(result["kiln_gas"].takes)
        assert site_panels.bought_only(works_plan.scenario, run) == {"coal", "rdf", "biomass"}


def test_power_is_the_lines(works_plan: Plan) -> None:
    """Proves: power stacked by process is what must be met of electricity. Sensitivity: a process left out is seen."""
    assert works_plan.replay is not None
    view = View.of(works_plan.scenario.horizon)
    table = site_panels.PanelData(view)
    process_panels.power_panel(works_plan, table, time_axis(view), baseline=True)
    stack = table.frame[[name for name in map(str, table.frame) if name[0] == "p" and name[1:].isdigit()]].sum(axis=1)
    need = site_panels.balances(works_plan.scenario, works_plan.replay)[ELECTRICITY].need
    assert need is not None
    assert stack.to_numpy()[:-1] == pytest.approx(need, abs=0.005)


def test_every_span_has_its_axis(all_panels: Any) -> None:
    """Proves: what spans a time has an axis of time, under each panel too. Sensitivity: the axis taken from a panel's
    first layer, where that is a band over the whole width; the browser then stops with an error."""
    layers = list(_layers(all_panels))
    spans = [layer["encoding"] for layer in layers if "x2" in layer.get("encoding", {})]
    assert len(spans) > 10
    assert [one for one in spans if "x" not in one] == []


def _layers(panel: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A panel and all that it is made of."""
    yield panel
    for part in (*panel.get("vconcat", ()), *panel.get("layer", ())):
        yield from _layers(part)


def test_gantt_is_of_runs(works_plan: Plan, all_panels: Any) -> None:
    """Proves: a bar for each run and not for each step, of plan and baseline; each mode has one colour in all units."""
    assert works_plan.replay is not None
    bars = rows_of(all_panels, whose="plan")
    runs = list(unit_runs(works_plan.scenario, works_plan.replay))
    assert {(bar["unit"], bar["start"], bar["end"]) for bar in bars} == {
        (run.unit, 15 * run.first, 15 * run.last) for run in runs
    }
    assert len(rows_of(all_panels, whose="baseline")) == len(list(unit_runs(works_plan.scenario, works_plan.baseline)))
    alone = _below_each_other(charts.timeline_panels(works_plan, baseline=False, selected=[]), works_plan)
    assert rows_of(alone, whose="plan") == bars
    assert not rows_of(alone, whose="baseline")
    kiln = next(bar for bar in bars if bar["unit"] == "kiln")
    assert kiln["starts"] == "Mon 9 Mar 2026 00:00 +01:00"
    assert (kiln["rate"].endswith(" t/h"), kiln["power"].endswith(" MW"), kiln["tonnes"].endswith(" t")) == (True,) * 3
    colours = palette.of_modes(works_plan.scenario)
    assert list(colours) == ["raw mill", "kiln", "CEM I", "CEM II A-LL", "CEM II B-S", "CEM III A"]
    assert len(set(colours.values())) == len(colours)
    assert palette.of_stores(works_plan.scenario)["CEM I"] == colours["CEM I"]
    assert len(set(palette.of_stores(works_plan.scenario).values())) == len(works_plan.scenario.stores)
    assets = {name: site_panels.colours(works_plan.scenario)[name] for name in ("waste-heat turbine", "coal yard")}
    assert not set(assets.values()) & set(colours.values())


def test_every_axis_has_its_unit(works_plan: Plan, below_the_gantt: Any) -> None:
    """Proves: units on the axes of power, rates, stores, deliveries, intensity and price; local time below; texts tell
    what a store holds and must hold."""
    text = json.dumps(below_the_gantt, ensure_ascii=False)
    for part in (
        '["power", "[MW]"]', '["electricity", "[MW]"]', '["deliveries", "[t/h]"]', '"title": "[t]"', '"title": "[t/h]"',
        "[kg CO2e/MWh]", "[EUR/MWh]", "local time, Europe/Berlin (+01:00)", "kiln: rate",
        "CEM I: capacity 3\u202f800 t, at the end at least 2\u202f900 t",
    ):  # fmt: skip
        assert part in text, part
    one = json.dumps(charts.timeline(works_plan, stores=["clinker"], selected=["stores"]).to_dict())
    assert "clinker: capacity" in one
    assert "meal: capacity" not in one


def test_a_week_of_quarter_hours_stays_light(works_plan: Plan, below_the_gantt: Any) -> None:
    """Proves: one table for all panels: the chart of a day stays below 250 kB, so a week's below 1.5 MB."""
    assert len(json.dumps(below_the_gantt)) < 250_000
    tables = below_the_gantt["datasets"].values()
    assert sum(len(rows) > works_plan.scenario.horizon.n_steps for rows in tables) == 1


def test_orders_that_overlap_stand_above_each_other(works_plan: Plan) -> None:
    """Proves: ship and barge, which lie at the same time, have a line each; one after the other would share it."""
    rows = {order.name: row for order, row in process_panels._rows_of_orders(works_plan.scenario)}
    assert rows == {"ship": 0, "barge": 1}
    later = works_plan.scenario.model_copy(
        update={"deliveries": load("cement-week").deliveries, "horizon": load("cement-week").horizon}
    )
    assert {row for _, row in process_panels._rows_of_orders(later)} == {0}


def test_names_are_never_fields_or_expressions(works_plan: Plan) -> None:
    """Proves: a process called as an asset or as the battery is distinguished; names of columns are of our own
    making."""
    assert site_panels.process_label(works_plan.scenario, "battery") == "battery (process)"
    assert site_panels.process_label(works_plan.scenario, "coal yard") == "coal yard (process)"
    assert site_panels.process_label(works_plan.scenario, "kiln") == "kiln"
    assert works_plan.replay is not None
    result = gantt.of_run(works_plan.scenario, works_plan.replay, None, View.of(works_plan.scenario.horizon)).to_dict()
    members = {axis["labelExpr"] for axis in _values(result, "axis") if axis and "labelExpr" in axis}
    (names,) = (json.loads(item.removesuffix(")[datum.value]")[1:]) for item in members if "kiln" in item)
    assert {unit: " ".join(lines) for unit, lines in names.items()} == {
        unit: unit for unit, _ in works_plan.scenario.process_units
    }
    table = site_panels.PanelData(View.of(works_plan.scenario.horizon))
    x = time_axis(table.view)
    list(process_panels.store_panels(works_plan, table, x, True, list(works_plan.scenario.store)))
    process_panels.delivery_panel(works_plan, table, x, True)
    assert all(set(column) <= set("abcdefghijklmnopqrstuvwxyz0123456789") for column in table.frame.columns)


def test_a_question_has_its_answer() -> None:
    """Proves: processes by mode, stores and deliveries are reported with their units, and nothing of them is odd."""
    scenario = load("cement-week")
    lines = list(facts.lines(scenario))
    for line in (
        "process kiln: 1 unit; 160 to 190 t/h; 5.02 MW; in 1.56 t meal; out 1 t clinker, 0.2 MWh kiln_gas; 3.4 GJ/t: "
        "coal 48 %, rdf 42 %, biomass 10 %; always running, ramp 5 t/h per hour, 12 h per start-up",
        "store slag: 7000 t, now 3500 t, at the end at least 2500 t, the baseline keeps 30 % to 80 %",
        "delivery ship CEM III A: 1200 t from CEM III A, Sat 14 Mar 2026 00:00 to Sun 15 Mar 2026 16:00, "
        "at most 300 t/h",
        "arrival slag trains: 4800 t into slag, by weekday and hour, 120 t/h",
    ):
        assert line in lines
    assert list(facts.odd(scenario)) == [SLAG]
    assert [row["mode"] for row in works.processes(scenario)][1:3] == ["", "CEM I"]


def test_a_carrier_that_no_process_uses_is_odd() -> None:
    """Proves: a fuel is used by whom burns it, and one that nobody burns is named. Sensitivity: silence."""
    text = (LIBRARY / "cement-week.yaml").read_text(encoding="utf-8")
    text = text.replace(
        "    - {name: kiln_gas, waste: true}", "    - {name: kiln_gas, waste: true}\n    - {name: peat}"
    )
    text = text.replace("  assets:", "  assets:\n    - {kind: supply, name: bog, carrier: peat, factor: wood}")
    assert list(facts.odd(loads(text))) == ["carrier peat: nothing uses it (bog)", SLAG]


def test_the_empty_page_shows_the_works(home: Path) -> None:
    """Proves: processes, stores and deliveries may be opened before anything is planned; levels of stores changed."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run()
    app.selectbox(key="scenario").set_value("cement-week").run()
    assert not app.exception
    labels = [expander.label for expander in app.expander]
    assert {"3 processes, 6 modes", "7 stores", "8 deliveries, 1 arrival", "Levels of stores"} <= set(labels)
    assert "Casts and heats" not in labels
    assert any("refills stores when they run low" in text.value for text in app.markdown)


@pytest.mark.parametrize("name", ["cement-week", "aluminium-potline", "steam-cracker-utilities"])
def test_levels_give_back_the_stores(name: str) -> None:
    """Proves: an unchanged table gives the scenario itself; a changed level and end are asked for, the rest stays."""
    original = load(name)
    levels = [[store.start_t, store.end_t] for store in original.stores]
    assert fields.levels(original)[[fields.NOW, fields.END]].to_numpy().tolist() == levels
    text = (LIBRARY / f"{name}.yaml").read_text(encoding="utf-8")
    same = loads(text, overrides=[fields.stores_override(original, levels)])
    assert same.model_dump() == original.model_dump()
    levels[0][0] -= 10
    changed: Case = loads(text, overrides=[fields.stores_override(original, levels)])
    assert changed.stores[0].start_t == original.stores[0].start_t - 10
    assert [store.end_t for store in changed.stores] == [store.end_t for store in original.stores]
    assert changed.stores[1:] == original.stores[1:]


def test_missing_values_are_dashes(home: Path) -> None:
    """Proves: what is not given, as carbon of what comes, is no number in a table and breaks nothing."""

    def script() -> None:
        import numpy as np
        import pandas as pd

        from emberline.ui.pages.result.accounts import draw

        draw(pd.DataFrame({"name": ["a", "b"], "kg": [1.0, np.nan]}), {"kg": 1})

    app = AppTest.from_function(script, default_timeout=180).run()
    assert not app.exception
    assert app.dataframe[0].value["kg"].isna().tolist() == [False, True]


def _values(tree: Any, key: str) -> list[Any]:
    """Every value of a key, however deep."""
    if isinstance(tree, dict):
        part = [tree[key]] if key in tree else []
        return part + [value for name, branch in tree.items() if name != "datasets" for value in _values(branch, key)]
    if isinstance(tree, list):
        return [value for branch in tree for value in _values(branch, key)]
    return []


def test_why_here_asks_about_the_run(app: AppTest, works_plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: "Why here?" of a run asks about that run of its unit, which the form of the analysis then has selected;
    none selected is the whole unit. Sensitivity: a question about all runs of the unit."""
    assert works_plan.replay is not None
    run = "".join(app.query_params["run"])
    _, one = [each for each in unit_runs(works_plan.scenario, works_plan.replay) if each.what == RUN][:2]
    asks: dict[str, Any] = {}
    monkeypatch.setattr(navigation, "analyse", lambda name, **answers: asks.update(answers, analysis=name))
    app.session_state[f"picked.{run}"] = run_id(one)
    app.run()
    app.button(key=f"why.{run}.{one.unit}").click().run()
    app.session_state[f"picked.{run}"] = None
    assert asks.pop("analysis") == "why"
    assert asks == {f"why.about.{run}": "unit", f"why.unit.{run}": one.unit, f"why.begin.{run}.{one.unit}": one.first}
    form = AppTest.from_string(SCRIPT.format(module="analyses"), default_timeout=60)
    form.query_params.update({"run": run, "analysis": "why"})
    for key, value in asks.items():
        form.session_state[key] = value
    form.run()
    assert not form.exception
    spans = form.selectbox(key=f"why.begin.{run}.{one.unit}")
    assert spans.value == one.first
    assert units.span(one, works_plan.scenario.horizon) in spans.options


def test_why_here_of_a_start_up_asks_about_its_run() -> None:
    """Proves: what is not a run itself leads to the next run of the same unit, if there is one."""
    spans = [("kiln", START_UP, 4), ("mill", RUN, 5), ("kiln", RUN, 6), ("kiln", RUN, 9), ("mill", WAIT, 8)]
    every = [UnitRun(unit, what, "cement", first, first + 2, 0.0, 0.0, 0.0) for unit, what, first in spans]
    results = [units.run_of(one, every) for one in every]
    assert results == [every[2], every[1], every[2], every[3], None]
