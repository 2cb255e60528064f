"""A small cement works from the baseline runs to files: twin, model and ledger say the same, and nothing is lost."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
import xarray as xr
from exported import sheets
from ledger_sums import assert_adds_up, assert_closes

from emberline import twin
from emberline.planning import Plan
from emberline.planning.accounts.bill import bill
from emberline.planning.accounts.ledger import ledger
from emberline.planning.accounts.sums import figures
from emberline.planning.accounts.unit_runs import counts
from emberline.planning.planner import PLAIN, make_plan
from emberline.reports import exports
from emberline.runs.store.store import Store
from emberline.scenarios import Case, load
from emberline.studies.why.shadow_prices import prices, summary

CEMENT = Path(__file__).with_name("cement-small.yaml")


@cache
def cement() -> Case:
    return load(str(CEMENT))


@cache
def cement_plan() -> Plan:
    """Not to be changed."""
    return make_plan(cement(), PLAIN)


def assert_is_whole(scenario: Case, run: xr.Dataset) -> None:
    """Parts of ledger and bill are their totals."""
    book, sums = ledger(scenario, run), figures(scenario, run)
    assert book.products is not None
    assert_adds_up(scenario, book, run)
    assert_closes(book, book.products)
    lines = bill(scenario, run, sums.direct_kg).lines
    assert sums.cost == pytest.approx(sum(line.amount for line in lines), rel=1e-9)
    assert {"coal yard", "rdf yard", "spot", "scope 1"} <= {line.name for line in lines}
    clinker = float(run["process_tph"].sel(process="kiln").sum()) * scenario.horizon.step_h
    assert book.direct["calcination"] == pytest.approx(525 * clinker)
    heat = sum(line.quantity for line in lines if line.kind == "fuel")
    assert heat == pytest.approx(3.4 / 3.6 * clinker, rel=1e-6)


@pytest.mark.parametrize("replication", [None, 0, 1])
def test_nothing_of_the_baseline_runs_is_lost(replication: int | None) -> None:
    """Proves: in the twin's runs, with breakdowns in the midst of steps and without, every column of the ledger adds up
    over deliveries, stocks, losses and site to 1e-9, fuels are the kiln's heat and calcination its clinker.

    Sensitivity: tonnes of a step that begins in standstill without a mode, off-spec product without emissions."""
    scenario = cement()
    listed = twin.dispatch(scenario)
    run = twin.replay(scenario, listed, replication=replication or 0, disturbed=replication is not None)
    assert_is_whole(scenario, run)
    book = ledger(scenario, run).products
    assert book is not None
    # 525 kg of calcination, 60 % of 0.944 MWh of coal at 340.56 kg/MWh; clinker's share in the grades and off-spec
    direct = dict(zip(book.table["stock"].values.tolist(), book.per_t("direct_kg").values.tolist(), strict=True))
    clinker = 525 + 0.6 * 3.4 / 3.6 * 340.56
    assert direct["clinker"] == pytest.approx(clinker, rel=1e-6)
    assert 0.95 * clinker <= direct["CEM I"] * (1 + 1e-9) < 1.2 * 0.95 * clinker
    assert 0.75 * clinker <= direct["CEM II"] * (1 + 1e-9) < 1.2 * 0.75 * clinker
    assert direct["meal"] == 0


def test_a_plan_of_the_works() -> None:
    """Proves: schedule and undisturbed replay agree on energy, carbon, money, deliveries and stocks, no violation,
    and disturbed replays of both are counted with what they made.

    Sensitivity: a stream or a level that one of the engines counts otherwise."""
    process = cement_plan()
    assert process.acceptable, (process.verdict, process.violations[:5])
    text, came = process.schedule_figures, process.replay_figures
    assert text is not None
    assert came is not None
    for name in ("energy_mwh", "carbon_kg", "direct_kg", "cost", "fuel_cost", "import_mwh", "tonnes"):
        assert getattr(text, name) == pytest.approx(getattr(came, name), rel=1e-3), name
    for name in ("stock", "delivered", "stock_kg_per_t"):
        assert getattr(text, name) == pytest.approx(getattr(came, name), rel=1e-3), name
    assert came.tonnes == pytest.approx(2 * 12 * 200 + 800)
    assert process.replay is not None
    assert_is_whole(process.scenario, process.replay)
    assert process.comparable
    assert process.saved()["carbon_kg"] >= -1e-6 * came.carbon_kg
    assert sum(count.runs for count in counts(process.scenario, process.replay).values()) >= 4
    days = process.replays
    assert days is not None
    assert days.n == 2
    more, message = days.data["more_carbon_kg"].values, days.quantiles()["saved_carbon_kg"]
    saved = days.data["baseline_carbon_kg"].values - days.data["carbon_kg"].values + more
    assert message["p10"] <= saved.mean() <= message["p90"]
    assert (abs(more) > 1).all()


def test_prices_of_the_site_with_the_works_held() -> None:
    """Proves: with the kiln held where it is, a MWh of coal more is worth its 340.56 kg, one of waste heat nothing.

    Sensitivity: a site that is asked without what the processes take."""
    result = prices(cement_plan())
    assert result is not None
    table = {row.name: row for row in summary(cement_plan(), result) if row.kind == "balance_price"}
    assert (table["coal"].low, table["coal"].high) == pytest.approx((340.56, 340.56))
    assert table["electricity"].low > 100
    assert table["kiln_gas"].high == pytest.approx(0)


def test_a_plan_of_the_works_leaves_whole(tmp_path: Path) -> None:
    """Proves: the twin's own datasets are stored and come back, and every file is written of them.

    Sensitivity: a text, a missing value or a number that a format does not know."""
    store = Store(tmp_path / "home")
    with store.working(cement_plan().scenario) as run:
        store.save(run, cement_plan())
    stored = store.open(run)
    assert stored.plan.summary() == json.loads(json.dumps(cement_plan().summary()))
    back, was = stored.plan.replay, cement_plan().replay
    assert back is not None
    assert was is not None
    assert back["process_mode"].values.tolist() == was["process_mode"].values.tolist()
    for kind in exports.FORMATS:
        assert exports.export(stored, kind, tmp_path / f"plan.{kind}").stat().st_size > 1000
    result = sheets(tmp_path / "plan.xlsx")
    assert len(result["Runs"]) > 5
    assert len(result["Stores"]) == 1 + 96
