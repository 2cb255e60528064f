"""The ledger by hand: scopes, sources, gases, market-based scope 2, by-products, and that all shares add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_sums import assert_adds_up
from ledgers import ENGINE, GAS, flows, site, with_heats

from emberline.planning.accounts.ledger import heat_shares, ledger
from emberline.planning.accounts.sums import figures
from emberline.scenarios import Scenario, resolve
from emberline.scenarios.flows.asset_flows import accounts

LINE = {
    "stages": [
        {
            "name": "melting",
            "units": [{"name": "F", "power_mw": 4.0}],
            "emissions": [{"source": "coal", "kg_per_t": 5.0}],
        }
    ],
    "grades": [
        {"name": "G", "mass_t": 100.0, "duration_min": {"melting": 60}},
        {"name": "S", "mass_t": 50.0, "duration_min": {"melting": 60}},
    ],
}
ORDERS = [{"name": "O", "heats": [{"grade": "G", "name": "big"}, {"grade": "S", "name": "small"}]}]
EXPORTING = {("gas", ""): [10, 0], ("engine", "main"): [4, 0], ("engine", "inputs.0"): [-10, 0]}
EXPORTING |= {("engine", "outputs.0"): [4, 0], ("users", ""): [-4, 0]}
BOILER = {"kind": "boiler", "name": "boiler", "heat_mw": 9.0, "fuel": "gas", "heat": "steam", "efficiency": 1.0}
USERS = {"kind": "load", "name": "users", "carrier": "steam", "rate": 4.0}


def test_scopes_sources_and_gases_stand_apart() -> None:
    """Proves: 3 GJ of gas by its factor with CH4 and N2O, heat bought as scope 2, wood apart, a flare, 10 MWh of the
    grid by average and marginal intensity next to each other.

    Sensitivity: wood in the total makes 403.2 kg more, heat bought in scope 1 leaves scope 2 without it."""
    case = site(
        {"kind": "supply", "name": "gas", "carrier": "gas", "fossil_kg_per_unit": 200.0, "biogenic_kg_per_unit": 50.0},
        {"kind": "supply", "name": "district", "carrier": "heat", "fossil_kg_per_unit": 80.0, "scope": 2},
        {"kind": "flare", "name": "torch", "carrier": "gas", "fossil_kg_per_unit": 7.0},
        market={"marginal_carbon_intensity_kg_per_mwh": 700.0},
    )
    moves = {("gas", ""): [3, 1], ("district", ""): [0, 2], ("torch", ""): [-1, 0]}
    run = flows(case, moves, import_mw=[4, 6], base_load_mw=[4, 6])
    book = ledger(case, run)
    assert book.direct == pytest.approx({"gas": 800.0, "torch": 7.0})
    assert book.biogenic == pytest.approx({"gas": 200.0})
    assert book.bought == pytest.approx({"district": 160.0})
    assert book.grid == pytest.approx({"average": 3000.0, "marginal": 7000.0})
    assert (book.total_kg("average"), book.total_kg("marginal")) == pytest.approx((3967, 7967))
    assert [(e.source, e.scope, e.activity, e.unit, e.factor, e.kg) for e in book.entries] == [
        ("gas", "1", 4.0, "MWh", 200.0, 800.0),
        ("gas", "biogenic", 4.0, "MWh", 50.0, 200.0),
        ("district", "2 bought", 2.0, "MWh", 80.0, 160.0),
        ("torch", "1", 1.0, "MWh", 7.0, 7.0),
        ("grid", "2 average", 10.0, "MWh", 300.0, 3000.0),
        ("grid", "2 marginal", 10.0, "MWh", 700.0, 7000.0),
        ("rest", "2 market", 10.0, "MWh", 300.0, 3000.0),
    ]
    assert book.market_says == "average of the location, no residual mix"
    assert_adds_up(case, book, run)


def test_gases_of_a_factor_are_rows_of_their_own() -> None:
    """Proves: 2 MWh of natural gas: CO2 403.92, CH4 0.001·28·7.2 and N2O 0.0001·265·7.2 kg CO2e, each with its source.

    Sensitivity: methane as kg of methane gives 0.0072."""
    from emberline.scenarios import loads

    answer = loads(
        "name: site\nhorizon: {start: 2026-01-05, length_h: 2, step_min: 60}\nemissions: {gases: all}\n"
        "market: {price_per_mwh: 100, carbon_intensity_kg_per_mwh: 300}\n"
        "site: {carriers: [{name: gas}], assets: [{kind: supply, name: g, carrier: gas, factor: natural_gas}]}"
    )
    run = flows(answer, {("g", ""): [2, 0]})
    book = ledger(answer, run)
    assert {e.gas: e.kg for e in book.entries if e.source == "g"} == pytest.approx(
        {"CO2": 403.92, "CH4": 0.2016, "N2O": 0.1908}
    )
    assert all("IPCC 2006" in e.reference for e in book.entries if e.source == "g")
    assert_adds_up(answer, book, run)


@pytest.mark.parametrize(
    ("rule", "exported"),
    [("none", None), ("energy", 250.0), ("efficiency", 2000 * (4 / 0.35) / (4 / 0.35 + 4 / 0.8) / 4)],
)
def test_exported_electricity_of_an_engine(rule: str, exported: float | None) -> None:
    """Proves: 2,000 kg of gas become 4 MWh of electricity and 4 of steam: by energy 1 MWh of export carries 250 kg, by
    efficiencies of 0.35 and 0.80 it carries 347.8 kg, by no rule nothing; the site's total is 2,000 kg each time.

    Sensitivity: all of the fuel on electricity gives 500 kg, export taken off the total 1,750."""
    case = site(GAS, ENGINE, USERS, emissions={"by_products": rule})
    run = flows(case, EXPORTING, base_load_mw=[3, 0], export_mw=[1, 0])
    book = ledger(case, run)
    carried = book.by_product.get("export", {}).get("direct_kg")
    assert carried == (None if exported is None else pytest.approx(exported))
    assert book.site["direct_kg"] == pytest.approx(2000 - (exported or 0.0))
    assert book.direct_kg == pytest.approx(2000)
    assert_adds_up(case, book, run)


def test_heat_sold_carries_grid_power_through_a_heat_pump() -> None:
    """Proves: 2 of 10 MWh of the grid drive a heat pump that lifts waste heat to 6 MWh; 3 MWh of them are sold with
    half of its 600 kg. Waste heat brings nothing.

    Sensitivity: an intensity of heat from all of the grid's kilograms gives 1,500 kg."""
    pump = {"kind": "heat_pump", "name": "pump", "heat": "heat", "electric_mw": 3.0, "source": "off_gas", "cop": 3.0}
    sold = {"kind": "sale", "name": "town", "carrier": "heat", "price_per_unit": 20.0}
    users = {"kind": "load", "name": "users", "carrier": "heat", "rate": 3.0}
    waste = {"kind": "source", "name": "duct", "carrier": "off_gas", "rate": 4.0}
    case = site(pump, sold, users, waste, emissions={"by_products": "energy"})
    keys = {name: key for key, name in case.site.cores["pump"].flows.items()}
    moves = {
        ("pump", keys["heat"]): [6, 0],
        ("pump", keys["electricity"]): [-2, 0],
        ("pump", keys["off_gas"]): [-4, 0],
        ("town", ""): [-3, 0],
        ("users", ""): [-3, 0],
        ("duct", ""): [4, 4],
    }
    run = flows(case, moves, base_load_mw=[8, 0], import_mw=[10, 0])
    book = ledger(case, run)
    assert book.by_product["town"]["grid_average_kg"] == pytest.approx(300)
    assert book.by_product["export"]["grid_average_kg"] == 0
    assert book.site["grid_average_kg"] == pytest.approx(2700)
    assert figures(case, run).by_product == {"town": 3.0}
    assert_adds_up(case, book, run)


def test_a_power_loop_has_one_intensity() -> None:
    """Proves: an electrode boiler feeds a turbine back to the same bus: 10 MWh of the grid, 4 into the boiler, 1 back,
    7 used by the line. All kilograms are at last the line's: 3,000.

    Sensitivity: a single pass over the carriers leaves some of them in the loop."""
    boiler = {
        "kind": "boiler",
        "name": "boiler",
        "heat_mw": 9.0,
        "fuel": "electricity",
        "heat": "steam",
        "efficiency": 1.0,
    }
    turbine = {
        "kind": "converter", "name": "turbine", "carrier": "electricity", "capacity": 2.0,
        "inputs": [{"carrier": "steam", "per_unit": 4.0}],
    }  # fmt: skip
    case = site(boiler, turbine, line=LINE, orders=ORDERS)
    moves = {
        ("boiler", "main"): [4, 0],
        ("boiler", "inputs.0"): [-4, 0],
        ("turbine", "main"): [1, 0],
        ("turbine", "inputs.0"): [-4, 0],
    }
    run = with_heats(case, flows(case, moves, import_mw=[10, 0]), np.array([[5.0, 0], [2.0, 0]]))
    book = ledger(case, run)
    assert book.by_heat["grid_average_kg"].values.tolist() == pytest.approx([3000 * 5 / 7, 3000 * 2 / 7])
    assert_adds_up(case, book, run)


def test_heats_carry_what_they_draw_and_by_mass_the_rest() -> None:
    """Proves: of 3,000 kg the line's 8 of 10 MWh are 2,400, by energy 6 to 2; base load's 600 go by mass 100 to 50;
    coal is each heat's own. Gas that heats the steam users goes by mass too.

    Sensitivity: all by mass gives the big heat 2,000 kg of the grid."""
    case = site(GAS, BOILER, USERS, line=LINE, orders=ORDERS)
    moves = {("gas", ""): [3, 0], ("boiler", "main"): [3, 0], ("boiler", "inputs.0"): [-3, 0], ("users", ""): [-3, 0]}
    run = flows(case, moves, import_mw=[10, 0], base_load_mw=[2, 0])
    run = with_heats(case, run, np.array([[6.0, 0], [2.0, 0]]))
    book = ledger(case, run)
    assert book.by_heat["grid_average_kg"].values.tolist() == pytest.approx([1800 + 400, 600 + 200])
    assert book.by_heat["direct_kg"].values.tolist() == pytest.approx([500 + 400, 250 + 200])
    assert book.direct == pytest.approx({"coal": 750.0, "gas": 600.0})
    assert book.site == {}
    coal = next(e for e in book.entries if e.source == "melting: coal")
    assert (coal.activity, coal.unit, coal.factor, coal.kg) == pytest.approx((150, "t", 5, 750))
    assert_adds_up(case, book, run)


def test_a_store_is_a_use_when_it_is_filled_and_gives_without_emissions() -> None:
    """Proves: 1 of 9 MWh charges the battery, the line's 8 carry 2,400 of 2,700 kg; later 2 MWh of the battery stand
    in addition to 6 of the grid for the line's 8, which carry all 1,800.

    Sensitivity: discharge counted as a use leaves a fifth of the 1,800 to the mass of the heats."""
    case = site(line=LINE, orders=ORDERS, site={"battery": {"energy_mwh": 4.0, "power_mw": 2.0}})
    run = flows(case, import_mw=[9, 6], charge_mw=[1, 0], discharge_mw=[0, 2])
    book = ledger(case, with_heats(case, run, np.array([[8.0, 0], [0, 8.0]])))
    assert book.by_heat["grid_average_kg"].values.tolist() == pytest.approx([2400 + 200, 1800 + 100])


def test_market_based_scope_2_by_contract() -> None:
    """Proves: 4 of 10 MWh under a green contract, the rest at a residual mix of 500: 3,000 kg, next to 3,000 by
    location of which the contract takes nothing. Sensitivity: the contract taken off the location's figure too."""
    green = {"kind": "green", "name": "wind", "share": 0.4, "price_per_mwh": 60.0}
    case = site(market={"contracts": [green], "residual_kg_per_mwh": 500.0})
    run = flows(case, import_mw=[4, 6], base_load_mw=[4, 6])
    book = ledger(case, run)
    assert (book.market, book.grid["average"]) == pytest.approx((3000, 3000))
    assert book.market_says == "intensity of the residual mix"
    rows = {e.source: (e.activity, e.kg) for e in book.entries if e.scope == "2 market"}
    assert rows["wind"] == pytest.approx((4, 0))
    assert rows["rest"] == pytest.approx((6, 3000))
    assert_adds_up(case, book, run)


def test_hours_of_the_plants_clock() -> None:
    """Proves: quarter-hours add up by the hour of a zone that is half an hour off. Sensitivity: hours of UTC."""
    horizon = {"start": "2026-01-05T00:30+05:30", "zone": "Asia/Kolkata", "length_h": 1, "step_min": 30}
    case = resolve(
        Scenario.model_validate(
            {"name": "s", "horizon": horizon, "market": {"price_per_mwh": 1, "carbon_intensity_kg_per_mwh": 100}}
        )
    )

    book = ledger(case, flows(case, import_mw=[2, 4], base_load_mw=[2, 4]))
    assert book.by_hour("Asia/Kolkata")["grid_average_kg"].values.tolist() == [100, 200]
    assert book.by_hour("UTC")["grid_average_kg"].values.tolist() == [300]


def test_a_step_of_half_an_hour_is_half_an_hour() -> None:
    """Proves: 4 and 2 MW for half an hour each are 3 MWh of the grid at 300 kg; a heat that draws 0.5 MWh of the
    line's 1 MWh carries half of the step. Sensitivity: power taken for energy."""
    horizon = {"start": "2026-01-05", "length_h": 1, "step_min": 30}
    line = {
        "stages": [{"name": "melting", "units": [{"name": "F", "power_mw": 2.0}]}],
        "grades": [{"name": "G", "mass_t": 10.0, "duration_min": {"melting": 30}}],
    }
    orders = [{"name": "O", "heats": [{"grade": "G", "count": 2}]}]
    case = site(GAS, BOILER, USERS, horizon=horizon, line=line, orders=orders)
    moves = {("gas", ""): [3, 1], ("boiler", "main"): [3, 1], ("boiler", "inputs.0"): [-3, -1], ("users", ""): [-3, -1]}
    run = with_heats(
        case, flows(case, moves, import_mw=[4, 2], base_load_mw=[2, 0]), np.array([[0.5, 0.0], [0.5, 1.0]])
    )
    assert heat_shares(case, run).tolist() == [[0.5, 0], [0.5, 1]]
    book = ledger(case, run)
    (grid,) = [entry for entry in book.entries if entry.scope == "2 average"]
    assert (grid.activity, grid.kg) == pytest.approx((3, 900))
    (gas,) = [entry for entry in book.entries if entry.source == "gas"]
    assert (gas.activity, gas.kg) == pytest.approx((2, 400))
    assert book.by_heat["grid_average_kg"].values.tolist() == pytest.approx([300, 600])
    assert book.total_kg("marginal") is None


def test_the_grids_factor_says_where_it_is_from() -> None:
    """Proves: 2 MWh by the factor of Hebei are 1,450.4 kg, with the ministry's notice next to them; an intensity of the
    market's own names nobody. Sensitivity: a figure whose source an auditor cannot find."""
    case = site(market={"factor": "cn_hebei_2022", "carbon_intensity_kg_per_mwh": None})
    for scenario, kg, text in ((case, 1450.4, True), (site(), 600, False)):
        (entry,) = [e for e in ledger(scenario, flows(scenario, import_mw=[2, 0])).entries if e.scope == "2 average"]
        assert entry.kg == pytest.approx(kg)
        assert ("Ministry of Ecology and Environment" in entry.reference) == text


def test_bought_heat_is_part_of_a_heat() -> None:
    """Proves: 2 MWh of bought heat at 80 kg go by mass, 100 to 50 t, on top of grid and coal.

    Sensitivity: left out of a heat's sum, or taken off it."""
    bought = {"kind": "supply", "name": "district", "carrier": "heat", "fossil_kg_per_unit": 80.0, "scope": 2}
    users = {"kind": "load", "name": "baths", "carrier": "heat", "rate": 2.0}
    case = site(bought, users, line=LINE, orders=ORDERS)
    run = flows(case, {("district", ""): [2, 0], ("baths", ""): [-2, 0]}, import_mw=[8, 0])
    book = ledger(case, with_heats(case, run, np.array([[6.0, 0], [2.0, 0]])))
    assert book.of_heat("average").values.tolist() == pytest.approx([1800 + 500 + 320 / 3, 600 + 250 + 160 / 3])


def test_what_is_not_used_has_no_factor() -> None:
    """Proves: without import the grid's rows say 0 MWh, 0 kg/MWh, 0 kg. Sensitivity: a division by nothing, or a mean
    of what is not there."""
    case = site()
    rows = {e.scope: (e.activity, e.factor, e.kg) for e in ledger(case, flows(case)).entries if e.scope[0] == "2"}
    assert rows == {"2 average": (0, 0, 0), "2 market": (0, 0, 0)}


def test_heats_without_their_energy_are_refused() -> None:
    """Proves: a run with heats that does not tell what they draw is no ledger by guess."""
    case = site(line=LINE, orders=ORDERS)
    run = with_heats(case, flows(case, import_mw=[8, 0]), np.array([[6.0, 0], [2.0, 0]]))
    with pytest.raises(ValueError, match="heat_mwh"):
        ledger(case, run.drop_vars("heat_mwh"))


AMOUNTS = st.lists(st.floats(0, 20), min_size=3, max_size=3)


@given(
    power=st.fixed_dictionaries(dict.fromkeys(("import_mw", "export_mw", "base_load_mw", "charge_mw"), AMOUNTS)),
    moved=st.lists(AMOUNTS, min_size=12, max_size=12),
    heats=st.one_of(st.none(), st.lists(AMOUNTS, min_size=2, max_size=2)),
    rule=st.sampled_from(["none", "energy", "efficiency"]),
)
def test_shares_add_up_whatever_flows(
    power: dict[str, list[float]], moved: list[list[float]], heats: list[list[float]] | None, rule: str
) -> None:
    """Proves: whatever flows, balanced or not, heats, by-products and site add up to the total, and so do hours and
    rows, to 1e-9; nothing carries less than nothing.

    Sensitivity: kilograms of a step without use, of a flare or of a machine without output lost on the way fail."""
    assets: list[dict[str, Any]] = [
        {**GAS, "biogenic_kg_per_unit": 20.0},
        {"kind": "supply", "name": "district", "carrier": "heat", "fossil_kg_per_unit": 80.0, "scope": 2},
        {**ENGINE, "start_fuel": {"carrier": "gas", "amount": 1.0}},
        {
            "kind": "converter", "name": "splitter", "carrier": "oxygen", "capacity": 50.0, "fossil_kg_per_unit": 3.0,
            "inputs": [{"carrier": "electricity", "per_unit": 0.5}],
            "outputs": [{"carrier": "off_gas", "per_unit": 0.2}, {"carrier": "electricity", "per_unit": 0.1}],
        },
        {"kind": "sale", "name": "town", "carrier": "heat", "price_per_unit": 20.0},
        {"kind": "sale", "name": "bottles", "carrier": "oxygen", "price_per_unit": 20.0},
        {"kind": "storage", "name": "tank", "carrier": "steam", "capacity": 90.0},
        {"kind": "flare", "name": "torch", "carrier": "gas", "fossil_kg_per_unit": 7.0},
    ]  # fmt: skip
    remaining = {} if heats is None else {"line": LINE, "orders": ORDERS}
    case = site(*assets, hours=3, emissions={"by_products": rule}, **remaining)
    rows = [
        ("gas", ""), ("district", ""), ("engine", "main"), ("engine", "outputs.0"), ("splitter", "main"),
        ("splitter", "outputs.1"), ("tank", "out"),
    ]  # fmt: skip
    items = [("engine", "inputs.0"), ("splitter", "inputs.0"), ("town", ""), ("bottles", ""), ("torch", "")]
    moves = dict(zip(rows, moved[:7], strict=True))
    moves |= {key: [-amount for amount in row] for key, row in zip(items, moved[7:], strict=True)}
    run = flows(case, moves, None, **power)
    if heats is not None:
        run = with_heats(case, run, np.array(heats))
    book = ledger(case, run)
    assert_adds_up(case, book, run)
    scale = 1e-9 * (1 + abs(book.direct_kg) + book.grid["average"])
    for parts in book.by_product.values():
        assert min(parts.values()) >= -scale
    lines = list(accounts(case, run))
    assert book.direct_kg - book.direct.get("coal", 0.0) == pytest.approx(sum(a.totals["scope1_kg"] for a in lines))
