"""Emission factors: rows by name and date, units, gases, and what a scenario takes from them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from emberline.scenarios import Case, Scenario, ScenarioError, loads
from emberline.scenarios.assets.trade import Supply
from emberline.scenarios.reading.factor_table import bundled, read_table
from emberline.scenarios.records.factors import FactorRow

DAY = date(2026, 1, 5)
SITE = """
name: site
horizon: {start: 2026-01-05, length_h: 4, step_min: 60}
market: {price_per_mwh: 100, carbon_intensity_kg_per_mwh: 300}
site:
  carriers: [{name: gas}, {name: coal, unit: t}, {name: wood}]
  assets:
    - {kind: supply, name: gas grid, carrier: gas, factor: natural_gas}
    - {kind: supply, name: coal yard, carrier: coal, factor: other_bituminous_coal}
    - {kind: supply, name: wood yard, carrier: wood, factor: wood}
"""
COLUMNS = "name,value,unit,source,gas,biogenic,basis,gross_per_net,heating_value,valid_from,valid_to\n"


def table(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "own.csv"
    path.write_text(COLUMNS + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def emitted(scenario: Scenario) -> list[tuple[float, float]]:
    """Fossil and biogenic kg per unit of each supply."""
    rows = [asset for asset in scenario.site.assets if isinstance(asset, Supply)]
    return [(asset.fossil_kg_per_unit, asset.biogenic_kg_per_unit) for asset in rows]


def says(text: str, folder: Path = Path(".")) -> str:
    with pytest.raises(ScenarioError) as message:
        loads(text, "site.yaml", folder=folder)
    return str(message.value)


@pytest.mark.parametrize(("unit", "kg"), [("GJ", 94.6), ("MWh", 94.6 * 3.6), ("t", 94.6 * 25.8), ("kg", 94.6 * 0.0258)])
def test_a_factor_by_energy_and_by_mass(unit: str, kg: float) -> None:
    """Proves: coal of 94.6 kg/GJ and 25.8 GJ/t emits 340.56 kg/MWh and 2,440.68 kg/t.

    Sensitivity: 1 MWh read as 1 GJ, or a heating value upside down, fails."""
    (row,) = bundled().find("other_bituminous_coal", DAY)
    assert row.kg_per(unit) == pytest.approx(kg, rel=1e-12)


def test_gross_energy_is_turned_into_net() -> None:
    """Proves: 50 kg per gross GJ with 1.1 GJ gross per GJ net are 55 kg per net GJ. Sensitivity: 50 or 45.45."""
    row = FactorRow(name="g", value=50, unit="kg/GJ", basis="gross", gross_per_net=1.1, source="own")
    assert row.kg_per("GJ") == pytest.approx(55)


def test_gases_count_by_their_warming_and_biogenic_carbon_apart() -> None:
    """Proves: wood emits 112 kg CO2 apart and 0.030·28 + 0.004·265 = 1.9 kg CO2e that count, all per GJ.

    Sensitivity: methane of wood called biogenic, or GWPs swapped, fails."""
    text = SITE.replace("site:\n  carriers", "emissions: {gases: all}\nsite:\n  carriers", 1)
    assert emitted(loads(text))[2] == pytest.approx((1.9 * 3.6, 112 * 3.6))
    sixth = loads(text.replace("gases: all", "gases: all, warming: AR6"))
    assert emitted(sixth)[2][0] == pytest.approx((0.030 * 27.0 + 0.004 * 273) * 3.6)


def test_a_scenario_names_its_factors() -> None:
    """Proves: gas 201.96 kg/MWh, coal 2,440.68 kg/t, wood only biogenic; each is listed with its source; a stored
    scenario keeps them without a table. Sensitivity: fossil wood fails."""
    scenario = loads(SITE)
    assert np.array(emitted(scenario)) == pytest.approx(np.array([(201.96, 0), (2440.68, 0), (0, 403.2)]))
    used = scenario.factors_used
    assert [(u.by, u.row.name, u.row.kg_per(u.row.per)) for u in used] == [
        ("gas grid", "natural_gas", 56.1),
        ("coal yard", "other_bituminous_coal", 94.6),
        ("wood yard", "wood", 112.0),
    ]
    assert "IPCC 2006" in str(used[0])
    again = Scenario.model_validate_json(scenario.model_dump_json(exclude_defaults=True))
    assert Case.of(again, scenario.inputs) == scenario


def test_a_stage_uses_so_much_of_a_thing() -> None:
    """Proves: 2.5 kg/t of electrodes at 3.007 t/t are 7.5175 kg/t; 0.8 GJ/t of gas are 44.88 kg/t."""
    text = """
name: line
horizon: {start: 2026-01-05, length_h: 4, step_min: 60}
market: {price_per_mwh: 100, factor: cn_hebei_2022}
line:
  stages:
    - name: melting
      units: [{name: EAF, power_mw: 10}]
      emissions:
        - {source: electrodes, factor: electrode, used: 2.5 kg/t}
        - {source: gas, factor: natural_gas, used: 0.8 GJ/t}
  grades: [{name: A, mass_t: 100, duration_min: {melting: 60}}]
orders: [{name: O, heats: [{grade: A}]}]
"""
    scenario = loads(text)
    assert [e.kg_per_t for e in scenario.line.stages[0].emissions] == pytest.approx([7.5175, 44.88])
    assert scenario.inputs["carbon_intensity_kg_per_mwh"].values.tolist() == pytest.approx([725.2] * 4)
    assert "wrong unit" in says(text.replace("0.8 GJ/t", "0.8 t/t"))
    assert "factor and used go together" in says(text.replace(", used: 2.5 kg/t", ""))
    assert "kg_per_t: is required" in says(text.replace("factor: electrode, used: 2.5 kg/t", "biogenic: false"))
    assert "no biogenic part" in says(text.replace("used: 0.8 GJ/t", "used: 0.8 GJ/t, biogenic: true"))


def test_an_own_table_goes_first_and_rows_hold_for_a_time(tmp_path: Path) -> None:
    """Proves: the row that holds in the horizon is taken; one that ends within it is not; other names stay bundled.

    Sensitivity: the last row, or the first, taken regardless of its dates fails in one of the two years."""
    table(tmp_path, "natural_gas,55,kg/GJ,lab,,,,,,,2025-12-31", "natural_gas,57,kg/GJ,lab,,,,,,2026-01-01,2026-06-30")
    text = SITE.replace("site:\n  carriers", "emissions: {table: own.csv}\nsite:\n  carriers", 1)
    scenario = loads(text, folder=tmp_path)
    assert [fossil for fossil, _ in emitted(scenario)] == pytest.approx([57 * 3.6, 2440.68, 0])
    earlier = loads(text.replace("start: 2026-01-05", "start: 2025-01-05"), folder=tmp_path)
    assert emitted(earlier)[0][0] == pytest.approx(55 * 3.6)
    message = says(text.replace("start: 2026-01-05, length_h: 4", "start: 2026-06-30, days: 2"), tmp_path)
    assert "no row that holds from 2026-06-30 to 2026-07-01" in message
    assert "2026-01-01 to 2026-06-30" in message


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["gas,55,kg/GJ,lab,,,,,,,", "gas,56,kg/GJ,lab,,,,,,2025-01-01,"], "line 3: two rows of gas (CO2, CO2)"),
        (["gas,55,kg/GJ,lab,CO2,,,,,,", "gas,56,kg/GJ,lab,CO2e,,,,,,"], "(CO2, CO2e) hold on the same day"),
        (["gas,much,kg/GJ,lab,,,,,,,"], "line 2: value"),
        (["gas,-5,kg/GJ,lab,,,,,,,"], "line 2: value"),
        (["gas,55,GJ,lab,,,,,,,"], "not a mass per unit"),
        (["gas,55,kWh/GJ,lab,,,,,,,"], "wrong unit 'kWh'"),
        (["gas,55,kg/GJ,,,,,,,,"], "line 2: source"),
        (["gas,55,kg/GJ,lab,SF6,,,,,,"], "line 2: gas"),
        (["gas,55,kg/GJ,lab,,,gross,,,,"], "needs gross_per_net"),
        (["gas,55,kg/GJ,lab,,,,,40 kg,,"], "heating_value '40 kg'"),
        (["gas,55,kg/GJ,lab,,,,,,2026-02-01,2026-01-01"], "lies before valid_from"),
    ],
)
def test_a_wrong_table_is_reported_with_its_line(tmp_path: Path, rows: list[str], message: str) -> None:
    """Proves: what is wrong with a table is one line with the file's own line."""
    with pytest.raises(ValueError, match=r"^own.csv line \d") as text:
        read_table(table(tmp_path, *rows))
    assert message in str(text.value)
    assert "\n" not in str(text.value)


def test_fossil_and_biogenic_part_of_one_fuel_stand_next_to_each_other(tmp_path: Path) -> None:
    """Proves: two rows that differ by origin do not overlap: refuse-derived fuel of 45 fossil and 50 biogenic."""
    rows = read_table(table(tmp_path, "rdf,45,kg/GJ,lab,,,,,,,", "rdf,50,kg/GJ,lab,,true,,,,,")).find("rdf", DAY)
    assert [(row.value, row.biogenic) for row in rows] == [(45, False), (50, True)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("factor: natural_gas", "factor: natural_gaz", "assets.0.factor: unknown factor 'natural_gaz'; did you mean"),
        ("factor: natural_gas", "factor: natural_gas, fossil_kg_per_unit: 300", "give fossil_kg_per_unit or factor"),
        ("name: coal, unit: t", "name: coal, unit: Nm3", "counts by GJ and has 25.8 GJ/t: it cannot be given by Nm3"),
        ("site:\n  carriers", "emissions: {table: none.csv}\nsite:\n  carriers", "none.csv: no such file"),
        ("carbon_intensity_kg_per_mwh: 300", "factor: natural_gas, carbon_intensity_kg_per_mwh: 9", "not both: 9"),
        (", carbon_intensity_kg_per_mwh: 300", "", "market.carbon_intensity_kg_per_mwh: is required"),
    ],
)
def test_mistakes_with_factors(old: str, new: str, message: str) -> None:
    """Proves: a wrong factor is one line that says where and what would be right."""
    assert old in SITE
    text = says(SITE.replace(old, new, 1))
    assert message in text
    assert "\n" not in text


def test_methane_alone_is_not_taken_for_nothing(tmp_path: Path) -> None:
    """Proves: a factor of methane alone is refused where methane does not count. Sensitivity: an emission of 0."""
    result = read_table(table(tmp_path, "leak,1,t/t,lab,CH4,,,,,,"))
    with pytest.raises(ValueError, match="of CH4 alone"):
        result.find("leak", DAY)
    assert result.find("leak", DAY, gases="all")[0].gas == "CH4"
