"""Carbon of what processes make: networks solved by hand, and nothing is lost on the way to what leaves and stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_sums import assert_adds_up, assert_closes
from works import COAL, KILN, MILL, STORES, TRUCKS, trajectory, works

from emberline.planning.accounts.emissions import direct, told_modes
from emberline.planning.accounts.ledger import Ledger, ledger
from emberline.planning.accounts.products import Products
from emberline.scenarios import Case

FULL = [("kiln", 100.0), ("kiln", 100.0)]
SECOND = [("", 0.0), ("mill", 100.0)]


def book_of(scenario: Case, run: xr.Dataset) -> tuple[Ledger, Products]:
    book = ledger(scenario, run)
    assert book.products is not None
    assert_adds_up(scenario, book, run)
    assert_closes(book, book.products)
    return book, book.products


def per_t(products: Products, column: str) -> dict[str, float]:
    result = products.per_t(column)
    return dict(zip(result["stock"].values.tolist(), result.values.tolist(), strict=True))


def by_origin(products: Products, store: str) -> dict[str, float]:
    row = products.table["kg_per_t"].sel(stock=store)
    return dict(zip(row["origin"].values.tolist(), row.values.tolist(), strict=True))


def test_two_stores_and_a_mill() -> None:
    """Proves: 200 t of clinker carry 500 kg/t of calcination, 300 of coal and 15 of 50 kWh; 100 t of cement carry 0.8
    of that and 12 kg of 4 MWh. 60 t delivered, 40 and 120 t in stock, and 2 MWh of base load are all of it.

    Sensitivity: clinker's opening stock without emissions gives less than 815 kg/t; all kilograms to the kiln's store
    leave cement at 12; base load spread over the product raises it by 6."""
    case = works()
    book, result = book_of(case, trajectory(case, {"kiln": FULL, "mill": SECOND}))
    assert by_origin(result, "clinker") == pytest.approx(
        {
            "direct_kg process calcination": 500,
            "direct_kg fuel coal": 300,
            "grid_average_kg grid grid": 15,
            "grid_market_kg grid grid": 15,
        }
    )
    assert by_origin(result, "cement") == pytest.approx(
        {
            "direct_kg process calcination": 400,
            "direct_kg fuel coal": 240,
            "grid_average_kg grid grid": 24,
            "grid_market_kg grid grid": 24,
        }
    )
    assert result.carbon_per_t("average").values.tolist() == pytest.approx([815, 664])
    assert result.leaves("direct_kg") == pytest.approx(
        {"delivered": 60 * 640, "stock": 40 * 640 + 120 * 800, "lost": 0, "sold": 0, "site": 0}, abs=1e-9
    )
    assert result.leaves("grid_average_kg")["site"] == pytest.approx(600)
    assert set(result.leaves("of nothing").values()) == {0.0}
    assert float(result.delivered_kg("direct_kg").sel(delivery="trucks")) == pytest.approx(38_400)
    assert book.site == pytest.approx({"direct_kg": 0, "grid_average_kg": 600, "grid_market_kg": 600}, abs=1e-9)
    assert result.units["kg"].sel(process="mill").sum() == pytest.approx(2 * 1200)  # by location and by market
    rows = {entry.source: entry for entry in book.entries if entry.scope == "1"}
    calcined = rows["kiln: calcination"]
    assert (calcined.activity, calcined.unit, calcined.factor, calcined.kg) == (200, "t", 500, 100_000)
    assert rows["yard"].kg == pytest.approx(60_000)
    text = result.summary("average")
    assert text["cement"]["kg_per_t"] == pytest.approx(664)
    assert text["cement"]["by"] == pytest.approx({"average": 664, "market": 664})
    parts = [part["kg_per_t"] for part in text["cement"]["origins"] if part["column"] != "grid_market_kg"]
    assert sum(parts) == pytest.approx(664)


def test_start_up_and_off_spec_belong_to_what_is_made() -> None:
    """Proves: a mill starts up with 2 MWh, then makes half an hour's worth off-spec: its 600 kg, and the clinker and
    power of all 100 t, fall on the 50 t that are good. Off-spec clinker is calcined and burned for too.

    Sensitivity: off-spec without inputs gives 664 + 12 kg/t, start-up left to the site 1,328."""
    case = works(hours=3)
    run = trajectory(
        case,
        {"kiln": [*FULL, ("kiln", 100.0)], "mill": [("", 0.0), ("mill", 0.0), ("mill", 100.0)]},
        off_spec={"mill": [0, 0, 50.0], "kiln": [100.0, 0, 0]},
        extra_mw={"mill": [0, 2.0, 0]},
    )
    book, result = book_of(case, run)
    clinker = 300 * 815 / 200
    assert result.carbon_per_t("average").values.tolist() == pytest.approx([clinker, (80 * clinker + 1200 + 600) / 50])
    assert book.direct["calcination"] == 150_000


def test_a_store_mixes_and_what_is_lost_carries_its_share() -> None:
    """Proves: two mills of 4 and 8 MW fill one store, so its 200 t carry 2·652 + 12 + 24 kg by halves; with slag that
    comes without emissions at 20 t/h they are 240 t. What the store loses carries the same as what stays.

    Sensitivity: the mean of mills in place of the mean of tonnes; losses without emissions leave kilograms over."""
    slow = {**MILL, "name": "slow mill", "power_mw": 8.0}
    slag = {"name": "slag", "store": "cement", "rate": 20.0}
    stores = [STORES[0], {**STORES[1], "loss_per_h": 0.01}]
    case = works(KILN, MILL, slow, stores=stores, arrivals=[slag])
    run = trajectory(case, {"kiln": FULL, "mill": SECOND, "slow mill": [("", 0.0), ("slow mill", 100.0)]})
    _, result = book_of(case, run)
    cement = (200 * 0.8 * 815 + 1200 + 2400) / 240
    assert result.carbon_per_t("average").sel(stock="cement") == pytest.approx(cement)
    lost = float(run["stock_lost_t"].sel(stock="cement").sum())
    assert lost > 3
    assert result.leaves("direct_kg")["lost"] == pytest.approx(lost * 200 * 0.8 * 800 / 240)
    change = float(run["stock_t"].sel(stock="cement")[-1]) - 200.0
    assert float(result.table["change_t"].sel(stock="cement")) == pytest.approx(change)


def test_modes_and_by_products_share_by_tonnes() -> None:
    """Proves: a unit with two products shares by tonnes in the step that makes them; each mode emits its own, and what
    is spent between the modes falls on both by what they make.

    Sensitivity: all of a unit's kilograms by the horizon's tonnes give both products the same."""
    modes = [
        {"name": "A", "outputs": [{"store": "clinker"}], "emissions": [{"source": "stone", "kg_per_t": 30.0}]},
        {
            "name": "B",
            "outputs": [{"store": "clinker", "per_t": 0.25}, {"store": "cement", "per_t": 0.75}],
            "emissions": [{"source": "wood", "kg_per_t": 70.0, "biogenic": True}],
        },
    ]
    case = works({"name": "oven", "rate": 100.0, "power_mw": 0.0, "modes": modes}, hours=3, site={"base_load_mw": 0.0})
    run = trajectory(case, {"oven": [("A", 100.0), ("B", 0.0), ("B", 100.0)]}, extra_mw={"oven": [0, 1.0, 0]})
    book, result = book_of(case, run)
    assert per_t(result, "direct_kg") == pytest.approx({"clinker": 3000 / 125, "cement": 0})
    assert per_t(result, "biogenic_kg") == pytest.approx({"clinker": 25 * 70 / 125, "cement": 70})
    assert per_t(result, "grid_average_kg") == pytest.approx({"clinker": 300 * 125 / 200 / 125, "cement": 1.5})
    assert {entry.source: (entry.scope, entry.kg) for entry in book.entries if entry.unit == "t"} == {
        "oven, A: stone": ("1", 3000),
        "oven, B: wood": ("biogenic", 7000),
    }
    assert book.biogenic == {"wood": 7000}
    assert book.direct_kg == 3000


def test_dust_goes_round_once() -> None:
    """Proves: a kiln of 100 t/h that takes 160 t of meal and gives 10 t of dust back to the meal: with m kg/t in meal
    and c in clinker, 110 shares: the loop has one intensity, and all of it leaves with the clinker.

    Without a raw mill the kiln lives on its stock of meal, and draws no more out of it than is spent.

    Sensitivity: a single pass over the stores leaves what the dust carries in the loop; an opening stock that feeds on
    itself makes clinker carry less than nothing."""
    stores = [{"name": "meal", "capacity_t": 1000.0, "level_t": 500.0, "end_level_t": 300.0}, *STORES]
    raw = {"name": "raw mill", "rate": 150.0, "power_mw": 3.0, "outputs": [{"store": "meal"}]}
    kiln = {**KILN, "inputs": [{"store": "meal", "per_t": 1.6}]}
    kiln |= {"outputs": [{"store": "clinker"}, {"store": "meal", "per_t": 0.1}]}
    case = works(raw, kiln, MILL, stores=stores, hours=1, site={"base_load_mw": 0.0})
    _, result = book_of(case, trajectory(case, {"raw mill": [("raw mill", 150.0)], "kiln": [("kiln", 100.0)]}))
    # 160 m = 900 + d, d = 10 c, c = (160 m + 81500) / 110 of all kilograms, dust's tonnes included
    m, c = np.linalg.solve([[160.0, -10.0], [-160.0, 110.0]], [900.0, 81_500.0])
    values = result.carbon_per_t("average")
    assert values.sel(stock=["meal", "clinker"]).values.tolist() == pytest.approx([m, c])
    assert np.isnan(values.sel(stock="cement"))
    assert result.summary("average")["cement"]["kg_per_t"] is None

    # no raw mill: 160 t out of the stock, 10 t of dust in, so that 160 t share what the dust brings
    _, result = book_of(case, trajectory(case, {"kiln": [("kiln", 100.0)]}))
    m, c = np.linalg.solve([[160.0, -10.0], [-160.0, 110.0]], [0.0, 81_500.0])
    assert result.carbon_per_t("average").sel(stock=["meal", "clinker"]).values.tolist() == pytest.approx([m, c])
    assert float(result.table["change_t"].sel(stock="meal")) == pytest.approx(-150)
    assert result.leaves("direct_kg")["stock"] == pytest.approx(80_000)


def test_stores_that_only_feed_each_other_leave_the_rest_to_the_site() -> None:
    """Proves: a stirrer that takes from a store what it gives back has no intensity of its own; nothing vanishes.

    Sensitivity: a singular network that is refused, or kilograms lost with it."""
    stirrer = {**MILL, "inputs": [{"store": "cement"}], "outputs": [{"store": "cement"}]}
    case = works(stirrer, deliveries=[])
    _, result = book_of(case, trajectory(case, {"mill": [("mill", 100.0), ("mill", 100.0)]}))
    assert result.leaves("grid_average_kg")["site"] == pytest.approx(600 + 2400)


def test_what_puts_nothing_into_a_store_is_the_sites() -> None:
    """Proves: a crusher whose product goes nowhere is reported by unit and stays with the site, with the clinker that
    it takes. Sensitivity: its 0.8·815 kg/t left out of the sum."""
    case = works(KILN, {**MILL, "outputs": []}, deliveries=[{**TRUCKS, "store": "clinker"}])
    _, result = book_of(case, trajectory(case, {"kiln": FULL, "mill": SECOND}))
    assert result.leaves("direct_kg")["site"] == pytest.approx(80 * 800)
    assert result.leaves("grid_average_kg")["site"] == pytest.approx(600 + 1200 + 80 * 15)


def test_heat_goes_through_machines_and_waste_heat_brings_nothing() -> None:
    """Proves: a boiler burns 100 MWh of coal for 80 MWh of steam, which the mill uses with 1/4 of its heat next to the
    site; hot gas of the kiln drives a turbine that brings nothing, so the grid gives less.

    Sensitivity: fuel counted by the carrier that reaches the unit has steam in place of coal."""
    boiler = {"kind": "boiler", "name": "boiler", "heat_mw": 200.0, "fuel": "coal", "heat": "steam", "efficiency": 0.8}
    users = {"kind": "load", "name": "users", "carrier": "steam", "rate": 60.0}
    turbine = {
        "kind": "converter", "name": "turbine", "carrier": "electricity", "capacity": 9.0,
        "inputs": [{"carrier": "hot_gas", "per_unit": 5.0}],
    }  # fmt: skip
    kiln = {**KILN, "outputs": [{"store": "clinker"}, {"carrier": "hot_gas", "per_t": 0.2}]}
    mill = {**MILL, "inputs": [{"store": "clinker", "per_t": 0.8}, {"carrier": "steam", "per_t": 0.2}]}
    case = works(kiln, mill, hours=1, site={"assets": [COAL, boiler, users, turbine], "base_load_mw": 0.0})
    moves = {
        ("yard", ""): [200.0], ("boiler", "main"): [80.0], ("boiler", "inputs.0"): [-100.0], ("users", ""): [-60.0],
        ("turbine", "main"): [4.0], ("turbine", "inputs.0"): [-20.0],
    }  # fmt: skip
    table = {"kiln": [("kiln", 100.0)], "mill": [("mill", 100.0)]}
    _, result = book_of(case, trajectory(case, table, moves=moves, import_mw=[5.0]))
    # 9 MWh are used, 5 imported: 166.7 kg/MWh; the mill's 20 of 80 MWh of steam carry 7,500 of 30,000 kg
    assert per_t(result, "grid_average_kg") == pytest.approx(
        {"clinker": 1500 * 5 / 9 / 100, "cement": 400 / 60 + 20 / 3}
    )
    assert by_origin(result, "cement")["direct_kg fuel coal"] == pytest.approx(0.8 * 300 + 75)
    assert not any("steam" in label for label in by_origin(result, "cement"))
    assert result.leaves("direct_kg")["site"] == pytest.approx(22_500)


def test_the_mode_of_a_step_in_which_a_unit_starts() -> None:
    """Proves: what is made in a step that begins in standstill is of the mode that follows, at the end of the last one.

    Sensitivity: tonnes of such a step without emissions."""
    assert told_modes(np.array(["", "A", "", "B", ""])).tolist() == ["A", "A", "B", "B", "B"]
    assert told_modes(np.array(["", ""])).tolist() == ["", ""]
    modes = [
        {"name": name, "outputs": [{"store": "clinker"}], "emissions": [{"source": name, "kg_per_t": kg}]}
        for name, kg in (("A", 10.0), ("B", 20.0))
    ]
    case = works({"name": "oven", "rate": 100.0, "power_mw": 0.0, "modes": modes})
    run = trajectory(case, {"oven": [("A", 50.0), ("B", 100.0)]})
    run["process_mode"].loc[{"process": "oven"}] = ["", "B"]
    result = direct(case, run)
    assert result.fossil == {"A": 0, "B": 3000}
    assert result.of_step.tolist() == [1000, 2000]
    assert result.treated_t == {"oven, A": 0, "oven, B": 150}


RATES = st.lists(st.sampled_from([0.0, 50.0, 77.7, 100.0]), min_size=4, max_size=4)
SHARES = st.lists(st.floats(0, 1), min_size=4, max_size=4)


@settings(max_examples=40)
@given(
    rates=st.lists(RATES, min_size=4, max_size=4),
    bad=st.lists(SHARES, min_size=4, max_size=4),
    extra=SHARES,
    grid=st.lists(st.floats(0, 30), min_size=4, max_size=4),
    exported=SHARES,
    rule=st.sampled_from(["none", "energy", "efficiency"]),
)
def test_shares_add_up_whatever_is_made(
    rates: list[list[float]],
    bad: list[list[float]],
    extra: list[float],
    grid: list[float],
    exported: list[float],
    rule: str,
) -> None:
    """Proves: whatever units make, balanced with the grid or not, with dust, off-spec, losses, straw (biogenic), heat
    bought, a flare and export, every column adds up to 1e-9 and no store carries less than nothing.

    Sensitivity: any kilogram that goes nowhere, or twice."""
    kiln: dict[str, Any] = {**KILN, "inputs": [{"store": "meal", "per_t": 1.6}, {"carrier": "steam", "per_t": 0.1}]}
    kiln["heat"] = {
        "gj_per_t": 3.6,
        "fuels": [{"carrier": "coal", "share": 0.6}, {"carrier": "straw", "share": 0.4}],
    }
    kiln["outputs"] = [{"store": "clinker"}, {"store": "meal", "per_t": 0.1}, {"carrier": "hot_gas", "per_t": 0.2}]
    kiln["emissions"] = [
        {"source": "calcination", "kg_per_t": 500.0},
        {"source": "peat", "kg_per_t": 3.0, "biogenic": True},
    ]
    raw = {"name": "raw mill", "rate": {"low": 50, "high": 100}, "power_mw": 3.0, "outputs": [{"store": "meal"}]}
    mills = [
        {**MILL, "rate": {"low": 50, "high": 100}},
        {**MILL, "name": "other", "rate": {"low": 50, "high": 100}, "outputs": []},
    ]
    assets = [
        COAL,
        {"kind": "supply", "name": "barn", "carrier": "straw", "biogenic_kg_per_unit": 400.0},
        {"kind": "supply", "name": "town", "carrier": "steam", "fossil_kg_per_unit": 80.0, "scope": 2},
        {"kind": "flare", "name": "torch", "carrier": "coal", "fossil_kg_per_unit": 7.0},
    ]
    stores = [{"name": "meal", "capacity_t": 9000.0}, STORES[0], {**STORES[1], "loss_per_h": 0.02}]
    case = works(
        raw, kiln, *mills, hours=4, stores=stores, site={"assets": assets}, emissions={"by_products": rule},
        market={"marginal_carbon_intensity_kg_per_mwh": 700.0, "residual_kg_per_mwh": 500.0},
    )  # fmt: skip
    names = [unit for unit, _ in case.process_units]
    table = {name: [(name, rate) for rate in row] for name, row in zip(names, rates, strict=True)}
    off = {name: (np.array(row) * shares).tolist() for name, row, shares in zip(names, rates, bad, strict=True)}
    run = trajectory(
        case, table, off_spec=off, extra_mw={"mill": extra}, moves={("torch", ""): [-1.0, 0, -2.0, 0]},
        import_mw=grid, export_mw=exported,
    )  # fmt: skip
    _, result = book_of(case, run)
    low = result.table["kg_per_t"].min(skipna=True)
    assert np.isnan(low) or low >= -1e-9
