"""Scope 1 of a line by hand: what each source emits, in which heat and in which step."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from ledgers import flows, site, with_heats

from emberline.planning.accounts.emissions import direct
from emberline.planning.accounts.ledger import ledger
from emberline.scenarios import Case, Scenario, loads

LINE = {
    "stages": [
        {
            "name": "melting",
            "units": [{"name": "F", "power_mw": 4.0}],
            "emissions": [
                {"source": "coal", "kg_per_t": 5.0},
                {"source": "charcoal", "kg_per_t": 8.0, "biogenic": True},
            ],
        },
        {"name": "ladle", "units": [{"name": "L", "power_mw": 1.0}]},
        {"name": "casting", "units": [{"name": "C"}], "emissions": [{"source": "gas", "kg_per_t": 2.0}]},
    ],
    "grades": [
        {"name": "G", "mass_t": 100.0, "duration_min": {"melting": 60, "ladle": 60, "casting": 60}},
        {"name": "S", "mass_t": 50.0, "duration_min": {"melting": 60, "casting": 60}},
    ],
}
ORDERS = [{"name": "O", "heats": [{"grade": "G", "name": "big"}, {"grade": "S", "name": "small"}]}]


def shop() -> Case:
    return site(hours=4, line=LINE, orders=ORDERS)


def run(*operations: tuple[str, str, float, float]) -> xr.Dataset:
    """Operations of a run: heat, stage, start and end [min]."""
    names = ("op_heat", "op_stage", "op_start_min", "op_end_min")
    return xr.Dataset(
        {name: ("operation", list(column)) for name, column in zip(names, zip(*operations, strict=True), strict=True)}
    )


def test_gases_of_what_a_stage_uses_are_rows_of_their_own() -> None:
    """Proves: 10 GJ of charcoal for each tonne: 1,120 kg of biogenic CO2 apart, and of the total 56 kg of methane and
    10.6 of nitrous oxide. Sensitivity: the parts that count and those that do not exchanged."""
    answer = loads(
        "name: shop\nhorizon: {start: 2026-01-05, length_h: 2, step_min: 60}\nemissions: {gases: all}\n"
        "market: {price_per_mwh: 100, carbon_intensity_kg_per_mwh: 300}\n"
        "line: {stages: [{name: melting, units: [{name: F}], emissions: [\n"
        "  {source: charcoal, biogenic: true, factor: charcoal, used: 10 GJ/t},\n"
        "  {source: its gases, factor: charcoal, used: 10 GJ/t}]}],\n"
        "  grades: [{name: G, mass_t: 100, duration_min: {melting: 60}}]}\n"
        "orders: [{name: O, heats: [{grade: G}]}]\n"
    )
    book = ledger(answer, with_heats(answer, flows(answer), np.zeros((1, 2))))
    assert {(e.source, e.scope, e.gas): e.kg for e in book.entries if "melting" in e.source} == pytest.approx(
        {
            ("melting: charcoal", "biogenic", "CO2"): 112_000,
            ("melting: its gases", "1", "CH4"): 5_600,
            ("melting: its gases", "1", "N2O"): 1_060,
        }
    )
    assert book.direct == pytest.approx({"its gases": 6_660})
    assert book.biogenic == pytest.approx({"charcoal": 112_000})


def test_gases_of_a_biogenic_emission_count_without_a_row_of_their_own() -> None:
    """Proves: said in one row, the charcoal's methane and nitrous oxide count as well, in the same amounts; read back
    from what is stored they are not counted twice. Sensitivity: with the carbon dioxide the gases go."""
    answer = loads(
        "name: shop\nhorizon: {start: 2026-01-05, length_h: 2, step_min: 60}\nemissions: {gases: all}\n"
        "market: {price_per_mwh: 100, carbon_intensity_kg_per_mwh: 300}\n"
        "line: {stages: [{name: melting, units: [{name: F}], emissions: [\n"
        "  {source: charcoal, biogenic: true, factor: charcoal, used: 10 GJ/t}]}],\n"
        "  grades: [{name: G, mass_t: 100, duration_min: {melting: 60}}]}\n"
        "orders: [{name: O, heats: [{grade: G}]}]\n"
    )
    again = Case.of(Scenario.model_validate_json(answer.model_dump_json()), answer.inputs)
    for one in (answer, again):
        book = ledger(one, with_heats(one, flows(one), np.zeros((1, 2))))
        assert {(e.scope, e.gas): e.kg for e in book.entries if "melting" in e.source} == pytest.approx(
            {("biogenic", "CO2"): 112_000, ("1", "CH4"): 5_600, ("1", "N2O"): 1_060}
        )
        assert book.direct == pytest.approx({"charcoal": 6_660})
        assert book.biogenic == pytest.approx({"charcoal": 112_000})


def test_an_operation_emits_evenly_while_it_lasts() -> None:
    """Proves: 100 t melted from 90 to 210 min emit 500 kg of coal, a quarter, a half and a quarter in three hours, and
    800 kg of charcoal that are in no total; the ladle furnace emits nothing; casting 50 t from 15 to 45 min 100 kg.

    Sensitivity: biogenic kilograms in the heat's or the step's."""
    shares = run(("big", "melting", 90, 210), ("big", "ladle", 210, 240), ("small", "casting", 15, 45))
    result = direct(shop(), shares)
    assert result.fossil == pytest.approx({"coal": 500, "gas": 100})
    assert result.biogenic == pytest.approx({"charcoal": 800})
    assert result.total_kg == pytest.approx(600)
    assert result.of_step.tolist() == pytest.approx([100, 125, 250, 125])
    assert result.of_heat.tolist() == pytest.approx([500, 100])
    assert result.treated_t == pytest.approx({"melting": 100, "casting": 50})
    assert result.of_units == ()


@pytest.mark.parametrize(
    ("start", "end", "steps"),
    [
        (-30, 90, [0.5, 0.25, 0, 0]),
        (-60, 0, [0, 0, 0, 0]),
        (210, 270, [0, 0, 0, 0.5]),
        (240, 300, [0, 0, 0, 0]),
        (60, 120, [0, 1, 0, 0]),
        (-60, 420, [0.125] * 4),
        (90, 90, [0, 0, 0, 0]),
    ],
)
def test_what_lies_outside_the_horizon_belongs_to_another_plan(start: float, end: float, steps: list[float]) -> None:
    """Proves: an operation under way, or that goes on afterwards, counts by its time within the horizon."""
    result = direct(shop(), run(("small", "casting", start, end)))
    assert result.of_step.tolist() == pytest.approx([100 * share for share in steps])
    assert result.of_heat.tolist() == pytest.approx([0, 100 * sum(steps)])
    assert result.treated_t["casting"] == pytest.approx(50 * sum(steps))


def test_a_schedule_has_no_operation_where_the_route_skips_a_stage() -> None:
    """Proves: a schedule's table of heats and stages is read as its operations are, missing ones left out."""
    begin = np.array([[0.0, 60, 120], [np.nan, np.nan, 120]])
    table = xr.Dataset(
        {"start_min": (("heat", "stage"), begin), "end_min": (("heat", "stage"), begin + 60)},
        {"heat": ["big", "small"], "stage": ["melting", "ladle", "casting"]},
    )
    result = direct(shop(), table)
    assert result.of_step.tolist() == pytest.approx([500, 0, 200 + 100, 0])
    assert result.of_heat.tolist() == pytest.approx([700, 100])
    assert result.treated_t == pytest.approx({"melting": 100, "casting": 150})


def test_the_ledger_keeps_biogenic_emissions_of_a_stage_apart() -> None:
    """Proves: 150 t melted with charcoal are 1,200 kg in a row and a sum of their own, in no total, heat or step.

    Sensitivity: counted as fossil, the heats carry 1,200 kg more."""
    case = shop()
    data = with_heats(case, flows(case, import_mw=[0.8, 0, 0, 0]), np.array([[0.6, 0, 0, 0], [0.2, 0, 0, 0]]))
    book = ledger(case, data)
    assert book.biogenic == pytest.approx({"charcoal": 1200})
    assert book.direct == pytest.approx({"coal": 750, "gas": 0})
    assert book.by_heat["direct_kg"].values.tolist() == pytest.approx([500, 250])
    assert book.by_heat["grid_average_kg"].values.tolist() == pytest.approx([180, 60])
    assert book.by_step["direct_kg"].values.tolist() == pytest.approx([750, 0, 0, 0])
    rows = {(e.source, e.scope): (e.activity, e.unit, e.factor, e.kg) for e in book.entries}
    assert rows["melting: charcoal", "biogenic"] == pytest.approx((150, "t", 8, 1200))
    assert rows["melting: coal", "1"] == pytest.approx((150, "t", 5, 750))
