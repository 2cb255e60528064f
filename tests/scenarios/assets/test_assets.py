"""Carriers and assets: how they are written, what is refused, and the physics that twin and model share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberline.scenarios import Case, Scenario, ScenarioError, loads, resolve
from emberline.scenarios.assets.base import KINDS
from emberline.scenarios.assets.converter import Converter
from emberline.scenarios.assets.machines import FlexibleLoad, GasEngine
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.case.site import Site
from emberline.scenarios.datasets import FLOWS
from emberline.scenarios.records.horizon import Horizon

TEXT = """
name: works
horizon: {start: 2026-01-05, zone: Europe/Berlin, days: 1, step_min: 60}
market: {price_per_mwh: 50 EUR/MWh, carbon_intensity_kg_per_mwh: 300 kg/MWh}
site:
  carriers:
    - {name: natural_gas}
    - {name: steam_10bar}
    - {name: hydrogen, unit: t}
    - {name: oxygen, unit: Nm3}
    - {name: offgas, waste: true}
  assets:
    - {kind: supply, name: gas, carrier: natural_gas, price_per_unit: 10 EUR/GJ, fossil_kg_per_unit: 56.1 kg/GJ}
    - {kind: boiler, name: boiler, fuel: natural_gas, heat: steam_10bar, heat_mw: 10 MW, efficiency: 90 %}
    - {kind: storage, name: tank, carrier: hydrogen, capacity: 500 kg, in_rate: 2.4 t/day, wear_cost_per_unit: 1 EUR/kg}
    - {kind: electrolyser, name: stack, electric_mw: 2000 kW, hydrogen: hydrogen, kwh_per_kg: 50}
    - {kind: storage, name: lox, carrier: oxygen, capacity: 1000 Nm3}
    - {kind: gas_engine, name: engine, electric_mw: 5, fuel: natural_gas, electric_efficiency: 42 %, min_load: 50 %,
       min_up_h: 240 min, ramp_up_per_h: 100 %/h, start_fuel: {carrier: natural_gas, amount: 3.6 GJ},
       state: {on: true, since_h: 1 h, load: 60 %}}
    - {kind: load, name: heating, carrier: steam_10bar, rate: 5 MW}
    - {kind: pv, name: roof, peak_mw: 3 MWp, capacity_factor: {table: pv_typical, column: capacity_factor}}
"""


def works(old: str = "", new: str = "") -> Case:
    assert old in TEXT
    return loads(TEXT.replace(old, new, 1), "works.yaml")


def lines(old: str, new: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        works(old, new)
    return str(caught.value).splitlines()


def test_quantities_are_read_in_the_carrier_s_unit() -> None:
    """Proves: kg become t, EUR/GJ become EUR/MWh, kg/GJ kg/MWh, t/day t/h. Sensitivity: as written: 500, 10."""
    assets: dict[str, Any] = {asset.name: asset for asset in works().site.assets}
    assert assets["gas"].price_per_unit.value == pytest.approx(36)
    assert assets["gas"].fossil_kg_per_unit == pytest.approx(201.96)
    assert assets["tank"].capacity == pytest.approx(0.5)
    assert assets["tank"].in_rate == pytest.approx(0.1)
    assert assets["tank"].wear_cost_per_unit == pytest.approx(1000)
    assert assets["lox"].capacity == 1000
    assert assets["engine"].start_fuel.amount == pytest.approx(1)
    assert assets["engine"].min_up_h == 4


def test_assets_survive_being_written_and_read_back() -> None:
    """Proves: a stored scenario is the one that was planned, its kinds and units too. Sensitivity: a kind left out."""
    scenario = works()
    again = resolve(Scenario.model_validate_json(scenario.model_dump_json(exclude_defaults=True)))
    assert again == scenario
    assert [type(asset) for asset in again.site.assets] == [type(asset) for asset in scenario.site.assets]


@pytest.mark.parametrize(
    ("old", "new", "key", "text"),
    [
        ("efficiency: 90 %", "efficency: 90 %", "site.assets.1.efficency", "unknown key"),
        ("efficiency: 90 %", "efficiency: 900 %", "site.assets.1.efficiency", "must be at most 2"),
        ("efficiency: 90 %", "start_cost: 1 EUR", "site.assets.1", "give exactly one of efficiency and by_load"),
        ("capacity: 500 kg", "capacity: 5 MWh", "site.assets.2.capacity", "wrong unit 'MWh': this takes 't'"),
        ("kind: boiler", "kind: boilr", "site.assets.1.kind", "unknown kind 'boilr'; did you mean boiler?"),
        ("kind: boiler, ", "", "site.assets.1.kind", "is required; kinds are"),
        ("heat: steam_10bar", "heat: steam_9bar", "site.assets.1.heat", "unknown carrier 'steam_9bar'; did you mean"),
        ("carrier: natural_gas, price", "carrier: gas, price", "site.assets.0.carrier", "unknown carrier 'gas'"),
        ("name: boiler,", "name: gas,", "site.assets.1.name", "used twice"),
        ("- {name: hydrogen, unit: t}", "- {name: natural_gas}", "site.carriers", "used twice"),
        ("name: hydrogen, unit: t", "name: hydrogen, unit: kg", "site.carriers.2.unit", "one of MWh, t, Nm3, got 'kg'"),
        ("- {name: natural_gas}", "- {name: electricity, unit: t}", "site.carriers", "electricity is counted in MWh"),
        ("fuel: natural_gas, heat", "fuel: hydrogen, heat", "site.assets.1", "'hydrogen' is counted in t"),
        ("since_h: 1 h, load: 60 %", "load: 60 MW", "site.assets.5.state.load", "wrong unit 'MW'"),
        ("on: true", "on: false", "site.assets.5.state", "a machine that is off has no load"),
        ("rate: 5 MW", "rate: -5 MW", "site.assets.6.rate", "is below 0"),
        ("rate: 5 MW", "rate: {csv: no.csv, column: a}", "site.assets.6.rate", "no such file"),
        ("table: pv_typical", "table: pv_martian", "site.assets.7.capacity_factor", "no bundled table"),
        ("capacity: 1000 Nm3", "capacity: 1000 Nm3, lowest_share: 60 %", "site.assets.4", "lies outside the band"),
    ],
)
def test_one_mistake_one_line(old: str, new: str, key: str, text: str) -> None:
    """Proves: each mistake is reported with its line, its place without pydantic's tags, and what is allowed."""
    rows = [line for line in lines(old, new) if f": {key}: " in line]
    assert len(rows) == 1, lines(old, new)
    assert text in rows[0]
    assert rows[0].startswith("works.yaml:")


def test_a_scenario_may_be_a_site_alone() -> None:
    """Proves: no line and no orders are a site; one without the other is refused. Sensitivity: both required before."""
    scenario = works()
    assert scenario.heats == ()
    assert scenario.line.units == ()
    assert scenario.tonnes == 0
    with pytest.raises(ScenarioError, match="no line to make them on"):
        loads(TEXT + "orders: [{name: A, heats: [{grade: G}]}]\n")
    with pytest.raises(ScenarioError, match="lateness needs orders"):
        loads(TEXT + "goal: {minimize: lateness}\n")
    with pytest.raises(ScenarioError, match="orders: is required where there is a line"):
        loads(
            TEXT + "line: {stages: [{name: s, units: [{name: u, power_mw: 1}]}], "
            "grades: [{name: g, mass_t: 1, duration_min: {s: 5}}]}\n"
        )


def test_only_series_that_change_are_kept_by_step() -> None:
    """Proves: of all assets only the PV's factor is stored; constants are given by ``asset_series`` too."""
    scenario = works()
    assert scenario.inputs["series"].values.tolist() == ["roof.capacity_factor"]
    assert scenario.asset_series("roof")["capacity_factor"].max() > 0.1
    assert scenario.asset_series("gas")["price_per_unit"].tolist() == pytest.approx([36.0] * 24)
    assert set(scenario.asset_series("boiler")) == {"availability", "inputs.0"}


def test_every_kind_is_known_by_its_name() -> None:
    """Proves: each kind leads to a record that requires it, so that it is written out. A default would not be."""
    assert all(record.model_fields["kind"].is_required() for record in KINDS.values())


def test_asset_flows_are_declared() -> None:
    """Proves: the dataset's table has the variables of assets and does not ask for them where there are none."""
    assert all(FLOWS[name].optional for name in ("asset_rate", "asset_level", "asset_on", "dumped_rate"))


@given(
    st.floats(0, 0.9), st.floats(0, 100), st.floats(0, 20), st.floats(0, 20), st.integers(1, 12),
)  # fmt: skip
def test_a_level_does_not_depend_on_how_the_hours_are_cut(
    loss: float, level: float, put_in: float, put_out: float, cuts: int
) -> None:
    """Proves: one step of 3 h and many short ones end at the same level. Sensitivity: loss by step fails here."""
    store = Storage(
        kind="storage", name="s", carrier="heat", capacity=100, self_loss_per_h=loss, in_efficiency=0.9,
        out_efficiency=0.8,
    )  # fmt: skip
    now = level
    for _ in range(cuts):
        now = store.after(now, put_in, put_out, 3 / cuts)
    assert now == pytest.approx(store.after(level, put_in, put_out, 3.0), abs=1e-9)


def core(**how: Any) -> Converter:
    return Converter.model_validate({"kind": "converter", "name": "m", "carrier": "electricity", "capacity": 10, **how})


def test_flows_follow_the_load_by_its_curve() -> None:
    """Proves: an engine of 25 % at half and 40 % at full load burns 0, 10, 20, 22.5, 25 MW at 0, ¼, ½, ¾ and full load.

    Sensitivity: interpolating efficiencies instead of flows gives 23.1 at ¾.
    """
    engine = GasEngine.model_validate(
        {"kind": "gas_engine", "name": "m", "electric_mw": 10, "fuel": "gas",
         "by_load": [{"load": 0.5, "electric": 0.25}, {"load": 1, "electric": 0.4}]}
    ).core({})  # fmt: skip
    inputs = engine.delivered(np.array([0, 0.25, 0.5, 0.75, 1]), np.zeros(5), 1.0, {})
    assert inputs["inputs.0"] == pytest.approx([0, -10, -20, -22.5, -25])
    assert inputs["main"] == pytest.approx([0, 2.5, 5, 7.5, 10])
    assert engine.flows == {"main": "electricity", "inputs.0": "gas"}


def test_start_fuel_is_drawn_in_the_step_of_the_start() -> None:
    """Proves: 2 MWh in a quarter of an hour are 8 MW. Sensitivity: drawn per hour 2 MW."""
    machine = core(start_fuel={"carrier": "gas", "amount": 2})
    result = machine.delivered(np.array([0.0, 1.0]), np.array([0, 1]), 0.25, {})["start_fuel"]
    assert result == pytest.approx([0, -8])


def test_ramps_are_scaled_and_begin_with_half() -> None:
    """Proves: 40 %/h is 10 % from quarter to quarter and 5 % in the first. Sensitivity: not scaled 40 %."""
    machine = core(ramp_up_per_h=0.4, min_load=0.3)
    assert machine.rise(0.25) == pytest.approx(0.1)
    assert machine.first_rise(0.25) == pytest.approx(0.05)
    assert machine.starting(0.25) == pytest.approx(0.35)
    assert machine.fall(0.25) == math.inf
    assert machine.stopping(0.25) == 1


def test_what_is_left_of_a_least_time() -> None:
    """Proves: on for 1 of 4 h leaves 3, off for 1 of 2 h leaves 1, no state leaves none."""
    times = {"min_up_h": 4, "min_down_h": 2}
    assert core(**times, state={"on": True, "since_h": 1}).held_h() == 3
    assert core(**times, state={"on": False, "since_h": 1}).held_h() == 1
    assert core(**times).held_h() == 0


def test_switching_matters_only_where_something_depends_on_it() -> None:
    """Proves: ramps and curves alone need no switching, least load does. Sensitivity: whole numbers in every model."""
    assert not core(ramp_up_per_h=0.5).switched
    for how in ({"min_load": 0.1}, {"min_up_h": 1}, {"start_cost": 1}, {"running_cost_per_h": 1}, {"stop_load": 0.5}):
        assert core(**how).switched


@pytest.mark.parametrize(
    ("horizon", "sizes", "amounts"),
    [
        ({"start": "2024-03-31", "days": 1}, [23], [24.0]),
        ({"start": "2024-10-27", "days": 1}, [25], [24.0]),
        ({"start": "2024-03-30", "days": 3}, [24, 23, 24], [24.0, 24.0, 24.0]),
        ({"start": "2026-01-05T18:00+01:00", "length_h": 12}, [6, 6], [6.0, 6.0]),
        ({"start": "2024-03-31T04:00+02:00", "length_h": 20}, [20], [24 * 20 / 23]),
    ],
)
def test_days_are_local(horizon: dict[str, Any], sizes: list[int], amounts: list[float]) -> None:
    """Proves: days by the plant's clocks, those cut by the horizon in part. Sensitivity: days of 24 h, or by UTC."""
    load = FlexibleLoad(kind="flexible_load", name="pumps", rate_limit=3, per_day=24)
    days = load.days(Horizon.model_validate({"zone": "Europe/Berlin", "step_min": 60, **horizon}))
    assert [len(steps) for steps, _ in days] == sizes
    assert [amount for _, amount in days] == pytest.approx(amounts)


def test_a_changed_copy_forgets_what_was_worked_out() -> None:
    """Proves: machines and stores of a copy are those of its own assets. Sensitivity: what was looked up before."""
    before = Site.model_validate(
        {
            "carriers": [{"name": "gas"}, {"name": "heat"}],
            "assets": [{"kind": "boiler", "name": "b", "fuel": "gas", "heat": "heat", "heat_mw": 2, "efficiency": 0.9}],
        },
        context={},
    )
    assert list(before.cores) == ["b"]
    after = before.model_copy(update={"assets": ()})
    assert after.cores == {}
    assert list(before.cores) == ["b"]
