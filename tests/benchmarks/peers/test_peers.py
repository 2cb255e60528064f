"""The neutral cases of `make bench-peers`: they say what Emberline's records say, and small ones come out as by hand.

The comparison itself needs the peers' environment and is no test: `make bench-peers`.
"""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.peers import compare, direct_side, emberline_side, hub
from benchmarks.peers.protocol import Unable
from benchmarks.registry import Wrong
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.checking.mistakes import between_nouns

CASES = {case.name: case for case in hub.cases()}
FOLDER = Path(hub.__file__).parent


def small(price: list[float], load: list[float], **parts: Any) -> hub.HubCase:
    """A case of a few hours: a grid, gas at 30 EUR/MWh and 200 kg/MWh, 50 EUR/t, a demand of electricity."""
    table: dict[str, Any] = {
        "name": "small", "says": "small", "hours": len(price), "carbon_price_per_t": 50.0,
        "grid": hub.Grid(10.0, 0.0, price, [0.0] * len(price)), "fuels": [hub.Fuel("gas", 30.0, 200.0)],
        "loads": [hub.Load("works", "electricity", load)],
    }  # fmt: skip
    return hub.HubCase(**{**table, **parts})


def cost(case: hub.HubCase) -> float:
    return emberline_side.solve(case)[0]


def unit(**changed: Any) -> hub.Generator:
    """10 MW, half load at least, 2.2 MWh of gas per MWh there and 2 at full load; stands still for long."""
    plain = hub.Generator("unit", "gas", 10.0, 0.5, 2.2, 2.0, 0.0, 0.0, 0, 0, 2.0, 1.0, 1.0, False, 99, 0.0)
    return replace(plain, **changed)


@pytest.mark.parametrize("name", CASES)
def test_a_case_survives_json(name: str) -> None:
    """Proves: what the peers read is the case. Sensitivity: a part that PARTS forgets, a lost digit."""
    case = CASES[name]
    again = hub.read(json.loads(json.dumps(case.data())))
    assert json.dumps(again.data()) == json.dumps(case.data())
    assert [type(part) for key in hub.PARTS for part in getattr(again, key)] == [
        type(part) for key in hub.PARTS for part in getattr(case, key)
    ]


def test_cases_are_the_same_each_time() -> None:
    """Proves: drawn with a seed. Sensitivity: a draw from the global generator."""
    assert [case.data() for case in hub.cases()] == [case.data() for case in CASES.values()]
    assert [case.hours for case in CASES.values()] == [48, 48, 168, 8760]


@pytest.mark.parametrize("name", CASES)
def test_the_scenario_says_the_same(name: str) -> None:
    """Proves: series and records of the scenario are the case's. Sensitivity: a series under a wrong label."""
    case = CASES[name]
    scenario = emberline_side.scenario(case)
    assert not list(between_nouns(scenario))
    assert scenario.horizon.n_steps == case.hours
    assert scenario.inputs["price_per_mwh"].values.tolist() == case.grid.price
    assert scenario.inputs["export_price_per_mwh"].values.tolist() == case.grid.export_price
    for load in case.loads:
        assert scenario.asset_series(load.name)["rate"].tolist() == load.mw
    for sun in case.solar:
        assert scenario.asset_series(sun.name)["capacity_factor"].tolist() == sun.factor
    for pump in case.heat_pumps:
        assert scenario.asset_series(pump.name)["outputs.0"].tolist() == pump.cop
    for fuel in case.fuels:
        assert scenario.asset_series(fuel.name)["price_per_unit"].tolist() == [fuel.price] * case.hours
    assert {asset.name for asset in scenario.site.assets} == {p.name for key in hub.PARTS for p in getattr(case, key)}


@pytest.mark.parametrize("store", [store for case in CASES.values() for store in case.stores], ids=lambda s: s.name)
def test_self_loss_of_the_peers_is_emberlines(store: hub.Store) -> None:
    """Proves: loss on the level before, with efficiencies that count the loss on the way, is the exact solution.

    Sensitivity: without ``counted`` the level is off by half the loss of what goes in.
    """
    scenario = emberline_side.scenario(small([1.0], [0.0], stores=[replace(store, bus="electricity")]))
    asset = scenario.site.stores[store.name]
    assert isinstance(asset, Storage)
    for put_in, put_out in ((3.0, 0.0), (0.0, 2.0), (1.0, 1.5)):
        peers = (
            store.start_mwh * (1 - store.loss_per_h)
            + put_in * store.in_efficiency * store.counted
            - put_out / (store.out_efficiency / store.counted)
        )
        assert asset.after(store.start_mwh, put_in, put_out, 1.0) == pytest.approx(peers, rel=1e-12)
    assert (store.counted < 1) == (store.loss_per_h > 0)


@pytest.mark.parametrize("generator", CASES["commitment"].generators, ids=lambda g: g.name)
def test_a_generator_is_emberlines_machine(generator: hub.Generator) -> None:
    """Proves: fuel line, limits of start, stop and first hour, and what is left of least times are the machine's.

    Sensitivity: the half ramp of the first hour, or of start and stop, left out of the conversion.
    """
    machine = emberline_side.scenario(CASES["commitment"]).site.cores[generator.name]
    loads = np.array([generator.min_load, 0.7, 1.0])
    fuel = next(stream for key, stream in machine.streams() if key == "inputs.0")
    assert fuel.at(loads) == pytest.approx(generator.idle + generator.slope * loads)
    assert machine.starting(1.0) == pytest.approx(generator.start_limit)
    assert machine.stopping(1.0) == pytest.approx(generator.stop_limit)
    assert machine.rise(1.0) == machine.fall(1.0) == generator.ramp_per_h
    assert machine.held_h() == generator.held_h
    low, high = generator.first_band
    start = machine.load_at_start()
    assert start is not None
    if generator.on:
        assert high == pytest.approx(min(start + machine.first_rise(1.0), 1.0))
        assert low == pytest.approx(max(start - machine.first_fall(1.0), machine.min_load))
    else:
        assert (low, high) == pytest.approx((machine.min_load, machine.starting(1.0)))


@pytest.mark.parametrize("name", CASES)
def test_a_case_means_the_same_in_every_tool(name: str) -> None:
    """Proves: what the page names as conditions holds. Sensitivity: a negative price, where burning power pays."""
    case = CASES[name]
    assert min(case.grid.price) >= 0
    assert min(case.fuel_cost(fuel.name) for fuel in case.fuels) >= 0
    if case.grid.export_limit_mw:
        assert all(sale <= purchase for sale, purchase in zip(case.grid.export_price, case.grid.price, strict=True))
    for g in case.generators:
        # PyPSA's row of rising binds a generator that stops: it must not have more to fall than its least load
        assert g.start_limit - g.ramp_per_h <= g.min_load
        assert g.stop_limit - g.ramp_per_h <= g.min_load
        # a generator that may stop in the first hour may do so from the load that it has
        assert not g.on or g.held_h > 0 or g.load <= g.stop_limit - g.ramp_per_h / 2


@pytest.mark.parametrize(
    "changed",
    [
        {"start_cost": 0.0}, {"stop_cost": 0.0}, {"min_up_h": 0}, {"min_down_h": 0}, {"ramp_per_h": 2.0},
        {"start_limit": 1.0}, {"stop_limit": 1.0}, {"min_load": 0.1}, {"fuel_at_least": 2.0},
        {"on": False, "load": 0.0},
    ],
    ids=lambda changed: next(iter(changed)),
)  # fmt: skip
def test_every_rule_of_the_commitment_matters(changed: dict[str, Any]) -> None:
    """Proves: agreement says something, for without any of the rules the objective is another one.

    Sensitivity: a case in which a rule binds nowhere.
    """
    case = CASES["commitment"]
    if "ramp_per_h" in changed:
        # a limit below half the ramp would be a start from below zero
        changed = changed | {"start_limit": 1.0, "stop_limit": 1.0}
    other = [replace(g, **changed) for g in case.generators]
    assert abs(cost(replace(case, generators=other)) - cost(case)) > 10 * compare.AGREE * cost(case)


@pytest.mark.parametrize("part", ["solar", "chps", "heat_pumps", "stores"])
def test_every_part_of_the_hub_matters(part: str) -> None:
    """Proves: each kind of asset is used in the week. Sensitivity: an asset that never pays."""
    case, without = CASES["week"], dict[str, Any]({part: []})
    assert cost(replace(case, **without)) - cost(case) > 10 * compare.AGREE * cost(case)


def test_export_self_loss_and_the_carbon_price_matter() -> None:
    """Proves: each of them moves the week's objective. Sensitivity: export that never pays."""
    case = CASES["week"]
    lossless = [replace(store, loss_per_h=0.0) for store in case.stores]
    for other in (
        replace(case, grid=replace(case.grid, export_limit_mw=0.0)),
        replace(case, stores=lossless),
        replace(case, carbon_price_per_t=0.0),
    ):
        assert abs(cost(other) - cost(case)) > 10 * compare.AGREE * cost(case)


def test_a_battery_by_hand() -> None:
    """Proves: 1 MWh taken at 20 gives 0.81 MWh at 100, for 0.9 in and out. Sensitivity: one of the two forgotten."""
    store = hub.Store("battery", "electricity", 0.9, 5.0, 0.9, 0.9, 0.0, 0.0)
    assert cost(small([20.0, 100.0], [1.0, 1.0], stores=[store])) == pytest.approx(20 * 2 + 100 * (1 - 0.81))


def test_heat_by_hand() -> None:
    """Proves: the heat pump is taken at 60/3 per MWh, the boiler at 40/0.8, the price on CO2 within.

    Sensitivity: without the carbon price the second hour's boiler costs 30/0.8.
    """
    case = small(
        [60.0, 180.0], [0.0, 0.0],
        loads=[hub.Load("heating", "heat", [2.0, 2.0])],
        boilers=[hub.Boiler("boiler", "gas", 5.0, 0.8)],
        heat_pumps=[hub.HeatPump("pump", 0.5, [3.0, 3.0])],
    )  # fmt: skip
    assert cost(case) == pytest.approx((0.5 * 60 + 0.5 * 50) + 2 * 50)


def test_chp_by_hand() -> None:
    """Proves: a MWh of heat from the CHP takes 2.5 MWh of gas and brings a MWh of electricity at 150 EUR/MWh.

    Sensitivity: heat and electricity exchanged, or fuel reckoned on heat and electricity both.
    """
    case = small(
        [150.0], [3.0],
        loads=[hub.Load("works", "electricity", [3.0]), hub.Load("heating", "heat", [1.0])],
        chps=[hub.Chp("chp", "gas", 2.0, 0.4, 0.4)],
        boilers=[hub.Boiler("boiler", "gas", 5.0, 0.9)],
    )  # fmt: skip
    assert cost(case) == pytest.approx(2.5 * 40 + 2 * 150)


FUEL = (0.2 * 10 + 1.8 * 8) * 40
"""What an hour of ``unit`` at 8 MW costs: 0.2 MWh of gas for each MW of capacity, 1.8 more for each MWh made."""


@pytest.mark.parametrize(
    ("changed", "by_hand"),
    [
        ({}, 3 * FUEL),
        ({"start_cost": 100.0}, 3 * FUEL + 100),
        ({"min_down_h": 100, "since_h": 98}, 2 * 8 * 300 + FUEL),
        ({"ramp_per_h": 0.2, "start_limit": 0.6}, 2 * 300 + (2.0 + 1.8 * 6) * 40 + 2 * FUEL),
        ({"on": True, "load": 0.5, "ramp_per_h": 0.2, "stop_limit": 0.6}, 2 * 300 + (2.0 + 1.8 * 6) * 40 + 2 * FUEL),
        ({"on": True, "load": 1.0, "stop_cost": 70.0}, 3 * FUEL),
    ],
    ids=["fuel", "start", "rest", "start limit", "half a ramp", "no stop"],
)
def test_a_generator_by_hand(changed: dict[str, Any], by_hand: float) -> None:
    """Proves: three hours of 8 MW, from a grid at 300 EUR/MWh what the unit cannot give. Sensitivity: each one alone.

    Two hours of rest are left in the third case; in the next two its first hour cannot be above 6 MW.
    """
    assert cost(small([300.0] * 3, [8.0] * 3, generators=[unit(**changed)])) == pytest.approx(by_hand)


def test_a_stop_by_hand() -> None:
    """Proves: with nothing to deliver it stops, once, and the stop costs. Sensitivity: a cost for each hour off."""
    running = unit(on=True, load=0.6, ramp_per_h=0.4, stop_cost=70.0)
    assert cost(small([300.0] * 3, [0.0] * 3, generators=[running])) == pytest.approx(70)


def test_an_engine_by_hand() -> None:
    """Proves: 6 of 10 MW lie on the curve between its points. Sensitivity: a straight line through full load."""
    engine = hub.Engine("engine", "gas", 10.0, [(0.4, 3.0), (0.8, 2.0), (1.0, 2.4)])
    assert engine.knots == [(0, 0), (4, 12), (8, 16), (10, 24)]
    assert cost(small([500.0], [6.0], engines=[engine])) == pytest.approx(14 * 40)


@pytest.mark.parametrize("case", [CASES["week"], hub.switched("switched", 72)], ids=lambda case: case.name)
def test_by_hand_is_the_same_program(case: hub.HubCase) -> None:
    """Proves: the arrays written by hand say what the scenario says, switched or not, to the gap.

    Sensitivity: a sign, an efficiency, a level's loss, a least load, a start's cost in either.
    """
    case = replace(case, gap=0.0)
    assert direct_side.solve(case)[0] == pytest.approx(cost(case), rel=compare.AGREE)


def test_switching_matters() -> None:
    """Proves: least load and start each move the switched hub's objective. Sensitivity: a binary that is free."""
    case = replace(hub.switched("switched", 72), gap=0.0)
    (chp,) = case.chps
    for changed in (replace(chp, min_load=0.05), replace(chp, start_cost=0.0)):
        other = replace(case, chps=[changed])
        assert direct_side.solve(case)[0] - direct_side.solve(other)[0] > 10 * compare.AGREE * cost(case)


def test_by_hand_refuses_what_it_was_not_written_for() -> None:
    """Proves: generators are not left out silently. Sensitivity: a cheaper objective without them."""
    with pytest.raises(Unable):
        direct_side.solve(CASES["commitment"])


def test_what_the_peers_read_needs_none_of_emberlines_rooms() -> None:
    """Proves: the peers' interpreter can load its sides. Sensitivity: an import of a scenario in ``hub``."""
    allowed = {"benchmarks"}
    rooms = {"scenarios", "twin", "models", "plans", "ui", "pydantic", "simpy"}
    for name in (
        "__init__",
        "hub",
        "protocol",
        "direct_side",
        "linopy_side",
        "pypsa_side",
        "oemof_side",
        "flixopt_side",
    ):
        tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
        names = {a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        names |= {(n.module or "").split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert names & allowed or name == "hub"
        assert not names & rooms, name


def answers(objective: float, build: float = 1.0) -> list[dict[str, Any]]:
    table = {"objective": objective, "again_objective": objective, "by_hand": "", "versions": {}, "peak_mib": 100.0}
    seconds = {"build": build, "hand_over": 1.0, "solve": 1.0, "extract": 0.0}
    values = {f"{again}{phase}_s": value for again in ("", "again_") for phase, value in seconds.items()}
    return [table | values | {"load_s": 0.1}]


@pytest.mark.parametrize(
    ("row", "agree"),
    [
        (compare.Answers("peer", answers(1e6 + 0.9, 5.0)), True),
        (compare.Answers("peer", answers(1e6 + 1.1)), False),
        (compare.Answers("peer", [{"unable": "no such part", "load_s": 0.1}]), True),
        (compare.Answers("peer", [], "exit code 1"), False),
    ],
    ids=["within", "beyond", "unable", "failed"],
)
def test_objectives_must_agree_to_a_millionth(row: compare.Answers, agree: bool) -> None:
    """Proves: 1e-6 apart is the line, a side that fails is reported as a failure. Sensitivity: an absolute
    tolerance."""
    rows = [compare.Answers("Emberline", answers(1e6)), row]
    assert (compare.disagreement(rows) == "") == agree
    table = {one.what: one for one in compare.table(CASES["week"], rows).rows}
    if row.answers and "objective" in row.answers[0] and agree:
        assert table["peer, first: build and hand over"].ratio == pytest.approx(6 / 2)
        assert table["peer, again: total"].ratio == pytest.approx(7 / 3)
    elif row.unable:
        assert table["peer"].says == row.unable


def test_the_bars_of_the_year() -> None:
    """Proves: a bar is Emberline's share of the tool's build and hand-over; a tool without an answer is a miss.

    Sensitivity: the share the other way round, or a missing tool passed over.
    """
    tools = {"Emberline": 1.0, "linopy by hand": 3.1, "PyPSA": 18.0, "oemof.solph": 99.0}
    rows = [compare.Answers(tool, answers(1.0, build)) for tool, build in tools.items()]
    judged = {one.what: one.within for one in compare.bars(rows).rows}
    assert judged["build and hand over against linopy by hand, again"] is True
    assert judged["build and hand over against PyPSA, again"] is False
    assert judged["build and hand over against oemof.solph, first in the process"] is True
    assert judged["against flixopt"] is False
    assert judged["peak memory against linopy by hand"] is True


def test_a_difference_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Proves: one objective of one case that differs makes the bench wrong, and the tables are kept.

    Sensitivity: only the last case counting.
    """
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.touch()
    monkeypatch.setenv(compare.HOME, str(tmp_path))
    off = {"week"}

    def measured(case: hub.HubCase, pythons: dict[str, Path]) -> list[compare.Answers]:
        assert pythons["PyPSA"] == pythons["linopy by hand"] == python
        assert pythons["Emberline"] == pythons["HiGHS by hand"] != python
        values = {tool: answers(2.0 if tool == "flixopt" and case.name in off else 1.0) for tool in pythons}
        return [compare.Answers(tool, values[tool]) for tool in pythons]

    monkeypatch.setattr(compare, "measure", measured)
    with pytest.raises(Wrong, match="week: flixopt differs") as ended:
        compare.main()
    assert ended.value.findings is not None
    assert ended.value.findings.tables[-1].notes == ["NOT all objectives agree."]
    off.clear()
    result = compare.main()
    assert result is not None
    assert result.tables[-1].notes == ["All objectives agree to 1e-06."]
    assert [table.title.split(":")[0] for table in result.tables[1:-1]] == list(CASES)


def test_without_the_peers_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Proves: `make bench` says what is left out. Sensitivity: a traceback where there is no environment."""
    monkeypatch.setenv(compare.HOME, str(tmp_path))
    assert compare.main() is None
    assert "make bench-peers" in capsys.readouterr().out
