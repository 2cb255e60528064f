"""Stores between processes: full and empty moments in closed form, and who gives way then."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plants import schedule, violations, works

from emberline.scenarios.process.store import Store
from emberline.twin import replay
from emberline.twin.processes.following import SchedulePolicy
from emberline.twin.processes.network import WorksTable, after, hours_until
from emberline.twin.processes.works import Works, WorksHistory


def trajectory(scenario: Any, **courses: Any) -> WorksHistory:
    """What happens when a schedule is followed undisturbed."""
    table = WorksTable(scenario)
    return Works(table, SchedulePolicy(table, schedule(scenario, **courses))).run()


def filler(**rest: Any) -> dict[str, Any]:
    """A process that makes from nothing what goes into store S; 10 t/h."""
    return {"name": "filler", "rate": {"low": 0, "high": 10}, "outputs": [{"store": "S"}], **rest}


@given(st.floats(0, 100), st.floats(-50, 50), st.sampled_from([0.0, 1e-9, 0.01, 0.5]), st.floats(0.01, 40))
def test_levels_are_the_record_s(level: float, net: float, loss: float, hours: float) -> None:
    """Proves: the level after some hours is ``Store.kept`` and ``effective_hours``, and the moment at which it is there
    is found again. Sensitivity: loss by the step, or a moment taken from the starting slope."""
    store = Store(name="S", capacity_t=1000, loss_per_h=loss)
    decay = -math.log1p(-loss)
    there = after(level, net, decay, hours)
    assert there == pytest.approx(level * store.retention(hours) + net * store.effective_hours(hours), abs=1e-6)
    if abs(net - decay * there) > 1e-3:
        assert hours_until(level, net, decay, there) == pytest.approx(hours, rel=1e-6, abs=1e-6)


def test_a_level_that_is_never_reached() -> None:
    """Proves: 10 t/h into a store that loses half an hour ends below 10/ln 2 = 14.4 t. Sensitivity: a linear guess
    would be there after 2 h."""
    decay = math.log(2)
    assert hours_until(0.0, 10.0, decay, 10 / decay + 1e-9) == math.inf
    assert hours_until(0.0, 10.0, decay, 7.0) == pytest.approx(-math.log(1 - 0.7 * decay) / decay)
    assert hours_until(5.0, 1.0, 0.0, 4.0) == math.inf


def test_full_and_empty_between_steps() -> None:
    """Proves: 10 t/h fill 25 t in 2 h 30 and a delivery of 15 t/h then empties them (net 5) in 5 h: events at 150 and
    660 min on hourly steps. Sensitivity: polling at the steps tells 180 and 660 or nothing."""
    scenario = works(
        [filler()],
        [{"name": "S", "capacity_t": 25, "level_t": 0, "end_level_t": 0}],
        deliveries=[{"name": "D", "store": "S", "weekly": [{"weekdays": "mon-sun", "hours": "6-24", "rate_tph": 15}]}],
    )
    result = trajectory(scenario, runs={"filler": [("filler", 10.0)]})
    assert [row[1:] for row in result.bounds] == [(0, True), (0, False)]
    assert [row[0] for row in result.bounds] == pytest.approx([150, 660])
    # blocked from 150 to 360 min, then the delivery gets what comes in
    assert result.output_t[0][0][:7] == pytest.approx([10, 10, 5, 0, 0, 0, 10])
    assert result.loaded[0][5:13] == pytest.approx([0, 15, 15, 15, 15, 15, 10, 10])


def test_full_moment_with_loss() -> None:
    """Proves: with 10 % lost per hour the store is full after −ln(1 − λ·60/10)/λ with λ = −ln 0.9, and then takes
    what it loses, 60 λ. Sensitivity: the lossless 6 h."""
    scenario = works([filler()], [{"name": "S", "capacity_t": 60, "level_t": 0, "end_level_t": 0, "loss_per_h": 0.1}])
    result = trajectory(scenario, runs={"filler": [("filler", 10.0)]})
    decay = -math.log(0.9)
    (at, _, full) = result.bounds[0]
    assert full
    assert at / 60 == pytest.approx(-math.log(1 - decay * 6) / decay)
    assert len(result.bounds) == 1
    assert result.output_t[0][0][-1] == pytest.approx(60 * decay)
    assert result.levels[0][-1] == 60
    assert sum(result.into[0]) == pytest.approx(60 + sum(result.lost[0]), rel=1e-12)


def test_a_chain_is_blocked_backwards() -> None:
    """Proves: by hand. *last* (20 t/h, fixed) fills 50 t of product in 2 h 30 and stands. *first* (40 t/h, fixed) gains
    20 t/h on it, fills the 60 t between at 150 min too and stands; nothing leaves, so both stand to the end.
    Sensitivity: throttling by polls, or a first that goes on into the full store."""
    scenario = works(
        [
            {"name": "first", "rate": 40, "outputs": [{"store": "middle"}]},
            {"name": "last", "rate": 20, "inputs": [{"store": "middle"}], "outputs": [{"store": "product"}]},
        ],
        [
            {"name": "middle", "capacity_t": 60, "level_t": 10, "end_level_t": 0},
            {"name": "product", "capacity_t": 50, "level_t": 0, "end_level_t": 0},
        ],
    )
    table = {"first": [("first", 40.0)], "last": [("last", 20.0)]}
    result = trajectory(scenario, runs=table)
    assert result.output_t[0][0][:4] == pytest.approx([40, 40, 20, 0])
    assert result.output_t[1][0][:4] == pytest.approx([20, 20, 10, 0])
    assert [row[-1] for row in result.levels] == [60, 50]
    run = replay(scenario, schedule(scenario, table))
    assert violations(run, "process") == [
        ("first", 120.0, pytest.approx(40 * 24 - 100)),
        ("last", 120.0, pytest.approx(20 * 24 - 50)),
    ]


def test_a_range_is_turned_down_a_fixed_rate_stands() -> None:
    """Proves: behind a full store a unit of 10–40 t/h goes on at the 20 t/h that leave; a fixed one of 40 t/h stands
    until there is room for a quarter of an hour of it, 10 t, and so runs 30 min in every hour. Sensitivity: chatter
    (events without end), or a fixed rate that is turned down."""
    for rate in ({"low": 10, "high": 40}, 40):
        scenario = works(
            [{"name": "P", "rate": rate, "outputs": [{"store": "S"}]}],
            [{"name": "S", "capacity_t": 100, "level_t": 100}],
            deliveries=[{"name": "D", "store": "S", "rate": 20}],
        )
        result = trajectory(scenario, runs={"P": [("P", 40.0)]})
        assert result.output_t[0][0][1:7] == pytest.approx([20] * 6)
        moments = len({at for at, _, _ in result.bounds})
        assert moments == (0 if isinstance(rate, dict) else 23)


def test_who_asks_an_empty_store_shares_it() -> None:
    """Proves: of 30 t/h that arrive, a unit that asks for 40 and a delivery of 20 get half each in proportion, 20
    and 10. Sensitivity: first come, first served."""
    scenario = works(
        [{"name": "P", "rate": {"low": 0, "high": 40}, "inputs": [{"store": "S"}], "outputs": [{"store": "T"}]}],
        [
            {"name": "S", "capacity_t": 50, "level_t": 0, "end_level_t": 0},
            {"name": "T", "capacity_t": 2000, "level_t": 0},
        ],
        deliveries=[{"name": "D", "store": "S", "rate": 20}],
        arrivals=[{"name": "A", "store": "S", "rate": 30}],
    )
    result = trajectory(scenario, runs={"P": [("P", 40.0)]})
    assert result.output_t[0][0] == pytest.approx([20] * 24)
    assert result.loaded[0] == pytest.approx([10] * 24)


def test_what_a_blocked_unit_leaves_goes_to_the_others() -> None:
    """Proves: two units ask for 25 t/h each of 28 that arrive. One fills 2 t of room with 14 − 5 t/h in 2/9 h and then
    makes the 5 that are fetched; the other gets the 23 left, and the store between stays empty, in whatever order the
    stores are. Sensitivity: a half that the other keeps until the next step, while the empty store fills."""
    stores = [
        {"name": "S", "capacity_t": 30, "level_t": 0, "end_level_t": 0},
        {"name": "P", "capacity_t": 40, "level_t": 38, "end_level_t": 0},
        {"name": "Q", "capacity_t": 2000, "level_t": 0},
    ]
    units = [
        {"name": name, "rate": {"low": 0, "high": 25}, "inputs": [{"store": "S"}], "outputs": [{"store": into}]}
        for name, into in (("blocked", "P"), ("other", "Q"))
    ]
    for order in (stores, stores[::-1]):
        scenario = works(
            units,
            order,
            deliveries=[{"name": "D", "store": "P", "rate": 5}],
            arrivals=[{"name": "A", "store": "S", "rate": 28}],
        )
        result = trajectory(scenario, runs={name: [(name, 25.0)] for name in ("blocked", "other")})
        assert result.output_t[0][0][:3] == pytest.approx([7, 5, 5])
        assert result.output_t[1][0][:3] == pytest.approx([14 * 2 / 9 + 23 * 7 / 9, 23, 23])
        assert max(result.levels[order.index(stores[0])]) == 0
        ((at, _, full),) = result.bounds
        assert full
        assert at == pytest.approx(120 / 9)


def test_a_store_that_fills_as_a_step_ends() -> None:
    """Proves: three hours at 0.6 t/h fill 1.8 t, and at 2.3 t/h 6.9 t, once and at 180 min, on steps of an hour and of
    a quarter. Sensitivity: a moment that is behind the step's end by a rounding, so that it never comes."""
    for rate, capacity in ((0.6, 1.8), (2.3, 6.9)):
        for step_min in (60.0, 15.0):
            store = {"name": "S", "capacity_t": capacity, "level_t": 0, "end_level_t": 0}
            scenario = works([filler()], [store], horizon={"step_min": step_min})
            result = trajectory(scenario, runs={"filler": [("filler", rate)] * round(180 / step_min) + [("", 0.0)]})
            ((at, store_number, full),) = result.bounds
            assert (store_number, full) == (0, True)
            assert at == pytest.approx(180)


def test_an_arrival_into_a_full_store_is_refused_in_part() -> None:
    """Proves: 30 t/h arrive where 20 leave and 10 t have room: after an hour 20 come in. Sensitivity: a level above the
    capacity, or material that vanishes."""
    scenario = works(
        [{"name": "P", "rate": 20, "inputs": [{"store": "S"}], "outputs": []}],
        [{"name": "S", "capacity_t": 50, "level_t": 40, "end_level_t": 0}],
        arrivals=[{"name": "A", "store": "S", "rate": 30}],
    )
    result = trajectory(scenario, runs={"P": [("P", 20.0)]})
    assert result.arrived[0][:3] == pytest.approx([30, 20, 20])
    assert max(result.levels[0]) == 50


def test_a_starved_unit_waits_for_a_quarter_of_an_hour() -> None:
    """Proves: by hand. 40 t/h from 10 t with 20 t/h arriving are gone after 30 min; it stands until 10 t are there,
    30 min later, runs 30 min, and so on: 20 t an hour. Its power is on for half of each hour. Sensitivity: endless
    chatter at the empty store."""
    scenario = works(
        [{"name": "P", "rate": 40, "power_mw": 4.0, "inputs": [{"store": "S"}], "outputs": []}],
        [{"name": "S", "capacity_t": 50, "level_t": 10, "end_level_t": 0}],
        arrivals=[{"name": "A", "store": "S", "rate": 20}],
    )
    result = trajectory(scenario, runs={"P": [("P", 40.0)]})
    # in the first hour it goes on for the seconds that a rounded plan may take
    assert result.output_t[0][0] == pytest.approx([20] * 24, rel=1e-4)
    assert result.output_t[0][0][1:] == pytest.approx([20] * 23)
    assert [at for piece in result.power[0][-2:] for at in piece[:2]] == pytest.approx(
        [1320, 1350, 1380, 1410], abs=0.01
    )
    assert result.drawn_mwh[0][1:] == pytest.approx([2] * 23)


def test_rounding_does_not_block() -> None:
    """Proves: a plan that is a millionth too fast for its store all day is made, but for seconds. Sensitivity: without
    grace the unit stands for a quarter of an hour at the end of each hour."""
    scenario = works(
        [{"name": "P", "rate": 40, "inputs": [{"store": "S"}], "outputs": []}],
        [{"name": "S", "capacity_t": 50, "level_t": 0, "end_level_t": 0}],
        arrivals=[{"name": "A", "store": "S", "rate": 40 * (1 - 1e-6)}],
    )
    plan = schedule(scenario, {"P": [("P", 40.0)]})
    run = replay(scenario, plan)
    assert run["process_tph"].to_numpy() == pytest.approx(40, rel=2e-6)
    assert run.sizes["violation"] == 0
    far = works(
        [{"name": "P", "rate": 40, "inputs": [{"store": "S"}], "outputs": []}],
        [{"name": "S", "capacity_t": 50, "level_t": 0, "end_level_t": 0}],
        arrivals=[{"name": "A", "store": "S", "rate": 39.0}],
    )
    assert violations(replay(far, plan), "process")


def test_a_carrier_that_only_processes_give() -> None:
    """Proves: a mill dried with a kiln's gas stands while the kiln does, and goes on with it; with a gas burner
    next to it runs all the time. Sensitivity: drying with heat that is not there."""
    kiln = {"name": "kiln", "rate": 10, "outputs": [{"store": "S"}, {"carrier": "gas", "per_t": 0.5}]}
    mill = {"name": "mill", "rate": 20, "inputs": [{"carrier": "gas", "per_t": 0.2}], "outputs": [{"store": "S"}]}
    site: dict[str, Any] = {"carriers": [{"name": "gas", "waste": True}]}
    burner = [{"kind": "supply", "name": "burner", "carrier": "gas", "price_per_unit": 30.0}]
    table = {"kiln": [("kiln", 10.0), ("", 0.0), ("", 0.0), ("kiln", 10.0)], "mill": [("mill", 20.0)]}
    for assets, result in (([], [20, 0, 0, 20]), (burner, [20, 20, 20, 20])):
        scenario = works(
            [kiln, mill], [{"name": "S", "capacity_t": 2000, "level_t": 0}], site={**site, "assets": assets}
        )
        outcome = trajectory(scenario, runs=table)
        assert outcome.output_t[1][0][:4] == pytest.approx(result)
        if not assets:
            assert not violations(replay(scenario, schedule(scenario, table)), "shortage")


def test_a_hopper_of_less_than_a_tonne_fills_and_empties() -> None:
    """Proves: a full hopper of 0.8 t lets its filler make what is taken, 4 of 10 t/h; an empty one lets nobody take
    more than is made. Sensitivity: a small store that is full taken for an empty one."""
    taker = {"name": "taker", "rate": {"low": 0, "high": 20}, "inputs": [{"store": "S"}]}
    hopper = {"name": "S", "capacity_t": 0.8, "level_t": 0.0, "end_level_t": 0.0}
    scenario = works([filler(), taker], [hopper])
    for rates, tonnes in (((10.0, 4.0), 4 * 24 + 0.8), ((10.0, 14.0), 10 * 24.0)):
        runs = {name: [(name, rate)] for name, rate in zip(("filler", "taker"), rates, strict=True)}
        run = replay(scenario, schedule(scenario, runs))
        assert float(run["process_tph"].sel(process="filler").sum()) == pytest.approx(tonnes)


def test_a_unit_waits_for_half_of_a_small_hopper() -> None:
    """Proves: a taker of at least 8 t/h at a hopper of 0.8 t that gets 4 t/h empties it, waits until it is half full,
    and so takes all that is made, again and again. Sensitivity: a wait for more than the hopper can hold never ends."""
    taker = {"name": "taker", "rate": {"low": 8, "high": 20}, "inputs": [{"store": "S"}]}
    hopper = {"name": "S", "capacity_t": 0.8, "level_t": 0.4, "end_level_t": 0.0}
    scenario = works([filler(), taker], [hopper])
    run = replay(scenario, schedule(scenario, {"filler": [("filler", 4.0)], "taker": [("taker", 20.0)]}))
    assert float(run["process_tph"].sel(process="taker").sum()) == pytest.approx(4 * 24, abs=0.8)
