"""The page of a site with assets: charts by carrier, bill and ledger by line, inputs that fit its market."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pytest
from closure import closure
from pages import with_tab
from sites import example, works
from streamlit.testing.v1 import AppTest

from emberline.planning import Plan
from emberline.planning.answer import figure_table
from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.charts import plan as charts
from emberline.reports.charts import site_panels
from emberline.reports.charts.view import View, weeks
from emberline.reports.text import wording
from emberline.runs.store.store import Store
from emberline.scenarios import Case, bundled, load, loads
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.ui.pages.request import form as fields
from emberline.ui.pages.result import accounts

ROOT = Path(__file__).resolve().parents[3]
LINE = (
    "line={stages: [{name: melting, units: [{name: EAF, power_mw: 10}], gives: [{carrier: warm, per_mwh: 0.2}]}],"
    " grades: [{name: A, mass_t: 50, duration_min: {melting: 60}}]}"
)


@pytest.fixture(scope="module")
def site_plan() -> Plan:
    """A plan of the README's site."""
    return make_plan(works(), PLAIN)


@pytest.fixture(scope="module")
def with_line() -> Plan:
    """The same with a furnace that gives off heat, and a battery."""
    recovery = "{kind: waste_heat_recovery, name: hood, source: warm, heat: steam, heat_mw: 3, efficiency: 50 %}"
    assets = works().model_dump(mode="json", exclude_defaults=True)["site"]["assets"]
    return make_plan(
        works(
            LINE,
            "orders=[{name: one, heats: [{grade: A, count: 3}]}]",
            "site.carriers=[{name: gas}, {name: warm, waste: true}, {name: steam}]",
            f"site.assets={json.dumps(assets)[:-1]}, {recovery}]",
            "site.battery={energy_mwh: 4, power_mw: 2}",
            "goal.effort=2",
        ),
        PLAIN,
    )


def stored(result: Plan) -> str:
    """Id of the plan in this test's home."""
    store = Store()
    with store.working(result.scenario) as run:
        store.save(run, result)
    return run


def opened(run: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180)
    app.query_params["run"] = run
    return app.run()


def tabs(app: AppTest) -> list[str]:
    return [tab.label for tab in app.tabs]


def balance_of(result: Plan, carrier: str) -> site_panels.Balance:
    assert result.replay is not None
    return site_panels.balances(result.scenario, result.replay)[carrier]


@pytest.mark.parametrize("which", ["site_plan", "with_line"])
def test_stacks_close(which: str, request: pytest.FixtureRequest) -> None:
    """Proves: of every carrier, what is given is what must be met and what else is taken, in each step.

    Sensitivity: a flow that is left out, or drawn on the wrong side, opens the balance.
    """
    plan_made: Plan = request.getfixturevalue(which)
    assert plan_made.replay is not None
    for balance in site_panels.balances(plan_made.scenario, plan_made.replay).values():
        none = np.zeros(plan_made.scenario.horizon.n_steps)
        need = none if balance.need is None else balance.need
        remaining = sum(balance.gives.values(), none) - sum(balance.takes.values(), none) - need
        assert np.abs(remaining).max() < 1e-5, balance.carrier
        assert all(rate.min() >= 0 for side in (balance.gives, balance.takes) for rate in side.values())


def test_what_the_line_gives_is_what_it_gave(with_line: Plan) -> None:
    """Proves: the heat drawn as the line's is 0.2 MWh for each MWh that it drew, over the day."""
    assert with_line.replay is not None
    total = balance_of(with_line, "warm").gives["line"].sum()
    assert total == pytest.approx(0.2 * with_line.replay["line_mw"].to_numpy().sum(), rel=1e-6)


def test_carriers_are_who_gives_and_takes(site_plan: Plan) -> None:
    """Proves: each carrier has its givers and takers by name, and a fuel is known as one."""
    steam, gas = balance_of(site_plan, "steam"), balance_of(site_plan, "gas")
    assert set(steam.gives) <= {"boiler", "engine", "steam store"}
    assert "engine" in steam.gives
    assert steam.need is not None
    assert (steam.need == 10).all()
    assert set(gas.gives) == {"gas grid"}
    assert "engine" in balance_of(site_plan, ELECTRICITY).gives
    assert site_plan.replay is not None
    assert site_panels.bought_only(site_plan.scenario, site_plan.replay) == {"gas"}
    assert closure(site_plan.scenario, site_plan.replay).worst < 1e-5


def test_charts_of_a_site_name_units_and_no_gantt(site_plan: Plan) -> None:
    """Proves: a panel for each carrier and store with its unit; a Gantt only where there is a line."""
    result = charts.timeline(site_plan).to_dict()
    titles = {json.dumps(title) for title in _values(result, "title") if isinstance(title, list)}
    for part in ('["electricity", "[MW]"]', '["steam", "[MW]"]', '["steam store", "[MWh]"]', '["price", "[EUR/MWh]"]'):
        assert part in titles
    assert '["gas", "[MW]"]' not in titles
    assert '"field": "order"' not in json.dumps(result)
    value = json.dumps(charts.timeline(site_plan, carriers=["gas"]).to_dict())
    assert '["gas", "[MW]"]' in value
    assert '["steam", "[MW]"]' not in value


def test_names_of_assets_are_never_fields(site_plan: Plan) -> None:
    """Proves: an asset called as an expression, or as what is no asset, is only text, and keeps its flows apart."""
    assert site_plan.replay is not None
    names = {"engine": "battery", "boiler": "a.b-c"}
    site = site_plan.scenario.site
    assets = tuple(a.model_copy(update={"name": names.get(a.name, a.name)}) for a in site.assets)
    named = site_plan.scenario.model_copy(update={"site": site.model_copy(update={"assets": assets})})
    site_of = named.site
    for key in ("cores", "stores", "carrier"):
        site_of.__dict__.pop(key, None)
    run = site_plan.replay.assign_coords(
        flow_asset=("flow", [names.get(name, name) for name in site_plan.replay["flow_asset"].values.tolist()])
    )
    result = site_panels.balances(named, run)[ELECTRICITY]
    assert "battery (asset)" in result.gives
    assert "battery" not in result.gives
    table = site_panels.PanelData(View.of(named.horizon))
    site_panels.balance_panel(named, site_panels.balances(named, run)["steam"], table, alt.X("start:Q"), None)
    assert all(set(column) <= set("abcdefghijklmnopqrstuvwxyz0123456789") for column in table.frame.columns)


def test_the_page_of_a_site_without_a_line(home: Path, site_plan: Plan) -> None:
    """Proves: no heats, no steel, and tabs for bill and ledger that add up to the plan's figures."""
    app = opened(stored(site_plan))
    assert not app.exception
    assert tabs(app) == ["Schedule", "Bill", "Carbon ledger", "All figures", "Disturbed replays", "About this plan"]
    (strip,) = (item.proto.body for item in app.get("html") if 'class="strip"' in item.proto.body)
    for label in ("Carbon, average intensity", "Demand charge of the month", "Peak", "Best possible plan"):
        assert label in strip
    assert site_plan.replay_figures is not None
    assert any("runs the site by simple rules" in caption.value for caption in app.caption)
    with_tab(app, "Bill")
    message = "\n".join(text.value for text in app.main.text)
    assert f"The lines add up to {wording.number(site_plan.replay_figures.cost, 0)} EUR" in message
    assert "heats" not in message
    (bill,) = (frame.value for frame in app.dataframe)
    (ledger,) = (frame.value for frame in with_tab(app, "Carbon ledger").dataframe)
    assert bill["plan [EUR]"].sum() == pytest.approx(site_plan.replay_figures.cost, rel=1e-9)
    assert bill["baseline [EUR]"].sum() == pytest.approx(site_plan.baseline_figures.cost, rel=1e-9)
    by_scope = ledger.groupby("scope")["plan [t CO2e]"].sum()
    assert 1000 * by_scope["1"] == pytest.approx(site_plan.replay_figures.direct_kg, rel=1e-9)
    assert 1000 * by_scope["2, location, average"] == pytest.approx(site_plan.replay_figures.grid_average_kg, rel=1e-9)
    assert (ledger["activity"] * ledger["factor [kg/unit]"]).sum() == pytest.approx(
        1000 * ledger["plan [t CO2e]"].sum(), rel=1e-9
    )
    assert "IPCC 2006 Guidelines, Vol. 2" in set(ledger["factor from"])


def test_the_page_of_a_site_with_a_line(home: Path, with_line: Plan) -> None:
    """Proves: heats and Gantt are there too, and carriers may be chosen."""
    app = opened(stored(with_line))
    assert not app.exception
    assert tabs(app)[:3] == ["Schedule", "Heats", "Bill"]
    assert app.multiselect(key="carriers").value == ["warm", "steam"]
    app.multiselect(key="carriers").set_value(["gas"]).run()
    assert not app.exception
    assert '"field": "order"' in json.dumps(
        charts.below_each_other(charts.timeline_panels(with_line), View.of(with_line.scenario.horizon)).to_dict()
    )


def test_lines_that_only_one_has_stand_once(site_plan: Plan) -> None:
    """Proves: a line that only plan or baseline has stands with zero on the other side, and none stands twice."""
    ours, theirs = accounts.bills(site_plan)
    table = accounts.bill_table(ours, theirs, "EUR")
    starts = table[table["kind"] == "start"]
    assert starts["plan [EUR]"].tolist() == [150.0]
    assert starts["baseline [EUR]"].tolist() == [0.0]
    assert not table.duplicated(["kind", "line", "period", "unit"]).any()


def test_parts_of_the_cost_add_up(site_plan: Plan) -> None:
    """Proves: the rows below cost add up to it, for baseline and plan. Sensitivity: a kind left out is seen."""
    rows = {row.label: row for row in figure_table.figure_totals(site_plan.baseline_figures, site_plan.replay_figures)}
    parts = [row for name, row in rows.items() if name in {label for label, *_ in figure_table.MONEY[1:]}]
    assert sum(row.plan or 0.0 for row in parts) == pytest.approx(rows["cost"].plan, rel=1e-9)
    assert sum(row.baseline or 0.0 for row in parts) == pytest.approx(rows["cost"].baseline, rel=1e-9)
    assert "production" not in rows


@pytest.mark.parametrize("name", bundled())
def test_the_page_of_every_bundled_scenario(home: Path, name: str) -> None:
    """Proves: each one may be asked for, and its page says what it is."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run()
    app.selectbox(key="scenario").set_value(name).run()
    assert not app.exception
    size = wording.size(load(name))
    assert any(size in text.value for text in app.text)
    assert not next(button for button in app.button if button.label == "Plan").disabled


def test_a_year_sends_no_more_than_can_be_seen() -> None:
    """Proves: a chart of a year stays below 300 kB, and says what a point is. Sensitivity: 8,760 hours are 1.5 MB."""
    scenario = load("works-hub-year")
    assert len(json.dumps(charts.preview(scenario).to_dict())) < 300_000
    flows = site_panels.PanelData(View.of(scenario.horizon))
    assert len(flows.frame) == 366
    assert "mean over 24 h" in View.of(scenario.horizon).says
    assert len(site_panels.PanelData(weeks(scenario.horizon)["week from Thu 1 Jan 2026"]).frame) == 169


def market_of(scenario: Case, **answers: Any) -> list[str]:
    """Overrides that a scenario's form makes of some answers."""
    inputs = fields.Inputs(scenario, "form", "values", answers)
    fields.draw(inputs)
    return inputs.overrides


def test_a_tariff_alone_has_no_price_level() -> None:
    """Proves: without a spot price nothing is scaled that is not there, and what is asked loads."""
    alone = re.sub(r"\n  price_per_mwh: .*", "", example())
    tariff = "market.tariff.energy=[{name: e, rates: [{per_mwh: 50}]}]"
    scenario = loads(alone, overrides=[tariff])
    assert not scenario.market.has_spot
    overrides = market_of(scenario, price_level=150.0, carbon_price=90.0)
    assert overrides == ["market.carbon_price.per_t=90"]
    assert loads(alone, overrides=[tariff, *overrides]).market.carbon_price.per_t == 90
    assert scenario.rates is not None
    assert scenario.rates.first_blocks(24).tolist() == [50.0] * 24
    assert '["tariff", "[EUR/MWh]"]' in json.dumps(charts.preview(scenario).to_dict())


def test_another_cover_leaves_the_scheme() -> None:
    """Proves: where a scheme says what is covered, asking for more drops it; asking for the same changes nothing."""
    scenario = works()
    assert scenario.market.carbon_price.scheme == "eu_ets"
    assert market_of(scenario) == []
    overrides = market_of(scenario, covers="all")
    price = works(*overrides).market.carbon_price
    assert (price.scheme, price.covers) == (None, "all")


def _values(tree: Any, key: str) -> list[Any]:
    """Every value of a key, however deep."""
    if isinstance(tree, dict):
        part = [tree[key]] if key in tree else []
        return part + [value for name, branch in tree.items() if name != "datasets" for value in _values(branch, key)]
    if isinstance(tree, list):
        return [value for branch in tree for value in _values(branch, key)]
    return []
