"""How plans differ: nothing from itself, and what was changed in a plant in that plant's words, with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from enumerated_shops import shop

from emberline.planning.plan.record import Plan
from emberline.planning.planner import PLAIN, make_plan
from emberline.runs.store.store import Store
from emberline.scenarios import Case, loads
from emberline.studies.difference import difference

INTENSITY = [500.0, 100.0, 300.0, 200.0]
MILL = """
name: mill-house
horizon: {start: 2026-03-09, zone: UTC, length_h: 12, step_min: 60}
site: {grid: {metered_interval_min: 60}, battery: {energy_mwh: 2 MWh, power_mw: 1 MW, level_share: 50 %}}
stores: [{name: cement, capacity_t: 2000 t, level_t: 500 t, end_level_t: 500 t}]
processes: [{name: mill, rate: 100 t/h, power_mw: 4, outputs: [{store: cement}]}]
deliveries: [{name: trucks, store: cement, rate: 25 t/h}]
market:
  price_per_mwh: {table: de_typical_2018, column: price_eur_per_mwh}
  carbon_intensity_kg_per_mwh: {table: de_typical_2018, column: carbon_intensity_average_kg_per_mwh}
disturbances: {replications: 0}
goal: {minimize: cost, gap: 0.1 %, effort: 10}
"""


ANOTHER = """
name: another
horizon: {start: 2026-03-10T00:00+00:00, length_h: 4, step_min: 60}
site: {grid: {metered_interval_min: 60}}
line:
  stages: [{name: melting, units: [{name: F1, power_mw: 10}]}]
  grades: [{name: G, mass_t: 100, duration_min: {melting: 60}}]
orders: [{name: A, heats: [{grade: G, count: 2}]}]
market: {price_per_mwh: 10, carbon_intensity_kg_per_mwh: 300}
disturbances: {replications: 0}
goal: {gap: 1 %, effort: 10}
"""


@pytest.fixture(scope="module")
def furnace_plan() -> Plan:
    """Two heats of an hour on one furnace: in the second and in the fourth hour."""
    return make_plan(shop(INTENSITY, [1, 1]), PLAIN)


@pytest.fixture(scope="module")
def milled() -> Plan:
    """A mill that runs three hours of twelve, and a battery."""
    return make_plan(loads(MILL), PLAIN)


def changed(scenario: Case, **update: object) -> Case:
    """A scenario with some nouns otherwise, its series as they are."""
    return scenario.model_copy(update=update)


def test_a_plan_does_not_differ_from_itself(furnace_plan: Plan, milled: Plan, tmp_path: Path) -> None:
    """Proves: no key, series, heat, use or figure differs, of a plan in hand and of one read back, line and processes.

    Sensitivity: comparing times as text, or a series with its gaps, would tell a difference.
    """
    store = Store(tmp_path)
    for one in (furnace_plan, milled):
        assert difference(one, one).empty
        with store.working(one.scenario) as run:
            store.save(run, one)
        again = difference(one, store.open(run).plan)
        assert again.empty, again.summary()
        assert again.summary()["same"]


def test_a_heat_that_moved_is_reported_with_the_intensity_there(furnace_plan: Plan) -> None:
    """Proves: with the second hour dirty and the third one clean a heat moves by an hour, and the data say why."""
    other = make_plan(shop([500.0, 400.0, 150.0, 200.0], [1, 1]), PLAIN)
    result = difference(furnace_plan, other)
    (move,) = result.heats
    assert move.main.later_min == 60
    assert move.says == (
        f"heat {move.number} ({move.heat}) later by 60 min (melting), "
        "because carbon intensity is 150 instead of 400 kg/MWh then"
    )
    (series,) = result.series
    assert (series.name, series.most) == ("carbon_intensity_kg_per_mwh", 300.0)
    carbon = next(figure for figure in result.figures if figure.name == "carbon_kg")
    assert carbon.before == pytest.approx(3000)
    assert carbon.after == pytest.approx(3500)
    assert carbon.more == pytest.approx(500)
    back = difference(other, furnace_plan).heats
    assert back[0].main.later_min == -60


def test_a_due_time_that_was_moved_is_the_reason() -> None:
    """Proves: a heat goes earlier because its order is due earlier; the key stands with both values."""
    before = make_plan(shop(INTENSITY, [1], due_h=[4]), PLAIN)
    case = shop(INTENSITY, [1], due_h=[1])
    result = difference(before, make_plan(case, PLAIN))
    assert [key.key for key in result.keys] == ["orders.O1.due"]
    assert result.keys[0].says == "orders.O1.due: PT1H instead of PT4H"
    assert "because order O1 has due PT1H instead of PT4H" in result.heats[0].says


def test_outage_lock_and_busy_unit_are_reasons(furnace_plan: Plan) -> None:
    """Proves: a furnace that is away, a lock, and a heat that has taken the place are distinguished."""
    before = furnace_plan
    away = make_plan(shop(INTENSITY, [1, 1], state={"outages": [{"unit": "F1", "start": "1 h", "end": "2 h"}]}), PLAIN)
    (move,) = (m for m in difference(before, away).heats if m.main.before_min == 60)
    assert "because F1 is not available then" in move.says
    assert before.schedule is not None
    second = "H1" if float(before.schedule["start_min"].sel(heat="H1", stage="melting")) == 180 else "H2"
    first = "H2" if second == "H1" else "H1"
    lock = {"heat": second, "stage": "melting", "start": "1 h"}
    result = difference(before, make_plan(shop(INTENSITY, [1, 1], locks=[lock]), PLAIN))
    reasons = {move.heat: move.because for move in result.heats}
    assert reasons[second] == "it is locked at melting"
    assert reasons[first] == f"F1 is busy with heat {second} until Tue 10 Mar 02:00 instead"


def test_other_units_are_reported() -> None:
    """Proves: a heat on another furnace is reported as such. Sensitivity: comparing starts alone would see nothing."""
    before = make_plan(shop(INTENSITY, [1], furnaces=2), PLAIN)
    assert before.schedule is not None
    unit = str(before.schedule["unit"].values[0, 0])
    other = "F2" if unit == "F1" else "F1"
    after = make_plan(
        shop(INTENSITY, [1], furnaces=2, locks=[{"heat": "H1", "stage": "melting", "unit": other}]), PLAIN
    )
    (move,) = difference(before, after).heats
    assert f"on {other} instead of {unit}" in move.says


def test_what_processes_and_assets_do_otherwise(milled: Plan) -> None:
    """Proves: hours of a mill, moved or more, and what the battery takes are reported; a plant without it has none."""
    scenario = milled.scenario
    (trucks,) = scenario.deliveries
    assert trucks.rate is not None
    more = (trucks.model_copy(update={"rate": trucks.rate.model_copy(update={"value": 35.0})}),)
    inputs = scenario.inputs.assign(demand_tph=scenario.inputs["demand_tph"] + 10.0)
    after = make_plan(scenario.model_copy(update={"deliveries": more}).with_inputs(inputs), PLAIN)
    result = difference(milled, after)
    uses = {(use.name, use.what): use for use in result.uses}
    runs = uses["mill", "runs"]
    # ten tonnes an hour more for twelve hours, at 100 t/h
    assert runs.after - runs.before in (1, 2)
    assert runs.says == f"mill runs {runs.after - runs.before:g} h more ({runs.after:g} h)" or "because" in runs.says
    assert [key.key for key in result.keys] == ["deliveries.trucks.rate.value"]
    assert [series.name for series in result.series] == ["trucks"]
    price = scenario.inputs["price_per_mwh"]
    turned = make_plan(
        scenario.with_inputs(
            scenario.inputs.assign(price_per_mwh=("time", price.to_numpy()[::-1].copy(), price.attrs))
        ),
        PLAIN,
    )
    moved = {(use.name, use.what): use for use in difference(milled, turned).uses}["mill", "runs"]
    assert moved.before == moved.after
    assert moved.moved > 0
    assert "at other times, because electricity is" in moved.says


def test_a_price_explains_when_and_never_how_much(milled: Plan) -> None:
    """Proves: a mill that runs less, in cheaper hours, because its silo ends lower, has the stock as its reason and not
    the price; where as much is made at other times the price is the reason; the battery, which charges more or less,
    has none. Sensitivity: a mean price compared whether or not the amounts are the same."""
    (store,) = milled.scenario.stores
    for end_t in (300.0, 900.0):
        after = make_plan(changed(milled.scenario, stores=(store.model_copy(update={"end_level_t": end_t}),)), PLAIN)
        for one, two in ((milled, after), (after, milled)):
            changes = {(use.name, use.what): use for use in difference(one, two).uses}
            runs = changes["mill", "runs"]
            assert runs.after != runs.before
            assert runs.says.endswith(f"cement ends with {_end(two):,.4g} t in stock instead of {_end(one):,.4g} t")
            for use in changes.values():
                assert use.moved or "electricity" not in use.because


def _end(result: Plan) -> float:
    assert result.schedule is not None
    return float(result.schedule["stock_t"].sel(stock="cement").values[-1])


def test_plans_of_other_heats_are_compared_without_moves(furnace_plan: Plan) -> None:
    """Proves: a plan with a heat more, whose unit is away then, tells that heat as new; one whose heats have other
    names has no moves and says so, while figures and keys are compared. Sensitivity: a heat that the first plan does
    not have was looked up there when the second plan has an outage."""
    outage = {"outages": [{"unit": "F1", "start": "0 h", "end": "1 h"}]}
    more = make_plan(shop(INTENSITY, [1, 1, 1], state=outage), PLAIN)
    both = difference(furnace_plan, more)
    assert not both.different_heats
    assert [(move.heat, move.main.before_min) for move in both.heats if move.heat == "H3"] == [("H3", None)]
    assert "H3" in [move.heat for move in difference(more, furnace_plan).heats]
    apart = difference(furnace_plan, make_plan(loads(ANOTHER), PLAIN))
    assert (apart.heats, apart.different_heats, apart.empty) == ((), True, False)
    assert apart.figures
    assert apart.keys
    assert apart.summary()["different_heats"] is True
