"""Energy states in the model: against every order tried, one formulation against the other, published optima."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.machine_states import model, order
from benchmarks.machine_states.graph import legs, through
from benchmarks.machine_states.order import cheapest, slots_needed
from benchmarks.published import energy_states as oracle
from emberline.models.kernel.highs import solve
from emberline.scenarios.energy_states.record import EnergyStates

FURNACE: dict[str, Any] = {
    "states": [
        {"name": "off", "power_mw": 0},
        {"name": "hold", "power_mw": 1},
        {"name": "ready", "power_mw": 3},
    ],
    "transitions": [
        {"start": "ready", "end": "off", "duration_min": 15, "power_mw": 1},
        {"start": "off", "end": "ready", "duration_min": 40, "power_mw": 6},
        {"start": "ready", "end": "hold", "duration_min": 0},
        {"start": "hold", "end": "ready", "duration_min": 20, "power_mw": 4},
    ],
    "ready": "ready",
    "initial": "off",
}
STEP_MIN = 30.0
WORK_MW = 8.0


def furnace(**changes: Any) -> EnergyStates:
    return EnergyStates.model_validate(FURNACE | changes)


def by_trying(states: EnergyStates, lengths: dict[int, int], price: list[float]) -> float:
    """The least cost of all orders and ways, each tried."""
    arcs, n = legs(states, STEP_MIN), len(price)

    def least(t: int, place: int, remaining: dict[int, int], changes: int) -> float:
        best = 0.0 if t == n and place == states.end_index and not any(remaining.values()) else np.inf
        for leg in arcs:
            if leg.start == place and t + leg.slots <= n and (leg.slots or changes < 3):
                cost = float(leg.energy_mwh @ np.array(price[t : t + leg.slots]))
                then = least(t + leg.slots, leg.end, remaining, 0 if leg.slots else changes + 1)
                best = min(best, cost + then)
        if place == states.ready_index:
            for length, count in remaining.items():
                if count and t + length <= n:
                    cost = WORK_MW * STEP_MIN / 60 * sum(price[t : t + length])
                    best = min(best, cost + least(t + length, place, remaining | {length: count - 1}, 0))
        return best

    return least(0, states.start_index, lengths, 0)


def built(states: EnergyStates, lengths: dict[int, int], price: np.ndarray, *, gaps: bool) -> pyo.ConcreteModel:
    """Works of given lengths around either formulation."""
    n = len(price)
    case = pyo.ConcreteModel()
    case.start = pyo.Var([(p, t) for p in lengths for t in range(n + 1 - p)], domain=pyo.Binary)
    work = {p: {t: case.start[p, t] for t in range(n + 1 - p)} for p in lengths}
    case.counted = pyo.Constraint(list(lengths), rule=lambda _, p: sum(work[p].values()) == lengths[p])
    case.machine = pyo.Block()
    if gaps:
        cost = model.add_gaps(case.machine, states, STEP_MIN, price, work)
    else:
        cost = model.add(case.machine, states, STEP_MIN, n, work).costs(price)
    working = sum(WORK_MW * STEP_MIN / 60 * price[t : t + p].sum() * case.start[p, t] for p, t in case.start)
    case.goal = pyo.Objective(expr=cost + working)
    return case


@settings(max_examples=25)
@given(
    st.lists(st.integers(-3, 12), min_size=7, max_size=8),
    st.sampled_from([{1: 1}, {1: 2}, {2: 1}, {1: 1, 2: 1}, {3: 1}]),
    st.sampled_from(["off", "ready"]),
)
def test_the_optimum_is_that_of_trying_everything(prices: list[int], lengths: dict[int, int], final: str) -> None:
    """Proves: the order, its bound and both formulations meet at the least cost of all orders and ways.

    Sensitivity: a gap too few, a transition rounded down, or a window that hides the optimum gives another figure.
    """
    states, price = furnace(final=final), np.array(prices, dtype=float)
    target = by_trying(states, lengths, price.tolist())
    result = cheapest(states, lengths, WORK_MW, price, STEP_MIN, time_limit=20)
    assert np.isfinite(target) == (result.status == "optimal")
    if result.status != "optimal":
        assert result.status == "infeasible"
        assert slots_needed(states, lengths, STEP_MIN) > len(price)
        return
    assert result.cost == pytest.approx(target)
    assert result.bound == pytest.approx(target)
    assert Counter(length for _, length in result.starts) == lengths
    for gaps in (False, True):
        assert solve(built(states, lengths, price, gaps=gaps), work=20).objective == pytest.approx(target)


def test_both_formulations_are_equally_tight() -> None:
    """Proves: one bound of the relaxation, below the optimum, whether gaps are arcs or paths of states.

    Sensitivity: a gap left out that is needed raises the one, a missing way of the states the other.
    """
    price = np.random.Generator(np.random.Philox(key=1)).integers(1, 11, 48).astype(float)
    lengths = {2: 4, 3: 3, 5: 1}
    bounds = [
        solve(built(furnace(), lengths, price, gaps=gaps), work=20, relax=True).objective for gaps in (False, True)
    ]
    best = cheapest(furnace(), lengths, WORK_MW, price, STEP_MIN, time_limit=20)
    assert bounds[0] == pytest.approx(bounds[1])
    assert bounds[0] is not None
    assert best.cost is not None
    assert bounds[0] < best.cost - 0.01


@pytest.mark.parametrize("share", [1e-9, 1e-3, 3e-3, 1.0])
def test_the_window_of_the_search_hides_no_optimum(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: however narrow the first window above the bound, the order is that of the whole graph.

    Sensitivity: the best order of a window is taken though a cheaper one may lie outside of it.
    """
    monkeypatch.setattr(order, "FIRST_WINDOW", share)
    monkeypatch.setattr(order, "SMALLEST_WINDOW", share / 1e3)
    lengths = {3: 4, 4: 3}
    for key in range(1, 9):
        price = np.random.Generator(np.random.Philox(key=key)).integers(1, 11, 48).astype(float)
        result = cheapest(furnace(), lengths, WORK_MW, price, STEP_MIN, time_limit=20)
        whole = solve(built(furnace(), lengths, price, gaps=True), work=20)
        assert result.status == "optimal"
        assert result.cost == pytest.approx(whole.objective)


def test_around_given_work_the_flow_is_whole_by_itself() -> None:
    """Proves: with the hours of work fixed the relaxation goes the cheapest way through each gap, slot by slot.

    Sensitivity: energy counted in the slot where a transition ends, or a fraction of a machine left in hold.
    """
    price = np.random.Generator(np.random.Philox(key=5)).integers(1, 30, 40).astype(float)
    on = [t in (*range(6, 9), *range(12, 14), *range(30, 33)) for t in range(40)]
    case = pyo.ConcreteModel()
    case.machine = pyo.Block()
    states = furnace()
    work = {1: {t: int(works) for t, works in enumerate(on)}}
    ports = model.add(case.machine, states, STEP_MIN, 40, work)
    case.goal = pyo.Objective(expr=ports.costs(price))
    assert solve(case, work=10, relax=True).status == "optimal"
    assert all(min(abs(go.value), abs(go.value - 1)) < 1e-9 for go in case.machine.go.values())
    ends: tuple[dict[str, int], ...] = {"start": states.start_index}, {}, {}, {"end": states.end_index}
    gaps = ((0, 6), (9, 12), (14, 30), (33, 40))
    passages = [through(states, price[a:b], STEP_MIN, **end) for (a, b), end in zip(gaps, ends, strict=True)]
    assert all(passages)
    assert pyo.value(case.goal) == pytest.approx(sum(passage.cost for passage in passages if passage))
    energy = [pyo.value(slot) for slot in ports.energy]
    assert np.array(energy) @ price == pytest.approx(pyo.value(case.goal))
    assert [energy[t] for t, works in enumerate(on) if works] == [0.0] * sum(on)
    planned = model.moves(case.machine, states, STEP_MIN, 40, work)
    rows = [
        (a * STEP_MIN + move.at_min, move.transition)
        for (a, _), passage in zip(gaps, passages, strict=True)
        for move in (passage.moves if passage else ())
    ]
    assert [(move.at_min, move.transition) for move in planned] == rows


def test_under_a_limit_the_flow_must_be_declared_whole() -> None:
    """Proves: heating up at 6 MW under a limit of 5 MW is not possible for a whole machine.

    Sensitivity: a fraction of a machine heats up a little at a time, and the model finds a plan that nobody can follow.
    """
    states = furnace(final="ready")
    outcomes = []
    for whole in (False, True):
        case = pyo.ConcreteModel()
        case.machine = pyo.Block()
        ports = model.add(case.machine, states, STEP_MIN, 12, {}, whole=whole)
        case.limit = pyo.Constraint(range(12), rule=lambda _, t, energy=ports.energy: energy[t] <= 5 * STEP_MIN / 60)
        case.goal = pyo.Objective(expr=ports.costs(np.ones(12)))
        outcomes.append(solve(case, work=10).status)
    assert outcomes == ["optimal", "infeasible"]


def test_work_only_where_the_machine_is_ready() -> None:
    """Proves: of 6 slots from off, work at 6 MW cheaper than none begins after the 2 slots of heating up.

    Sensitivity: work as an arc that the machine need not reach.
    """
    case = pyo.ConcreteModel()
    case.on = pyo.Var(range(6), domain=pyo.Binary)
    case.machine = pyo.Block()
    ports = model.add(case.machine, furnace(final="ready"), STEP_MIN, 6, {1: case.on})
    case.goal = pyo.Objective(expr=ports.costs(np.ones(6)) - 100 * pyo.quicksum(case.on.values()))
    assert solve(case, work=10).status == "optimal"
    assert [round(on.value) for on in case.on.values()] == [0, 0, 1, 1, 1, 1]


def test_a_horizon_without_any_way_is_reported() -> None:
    """Proves: 1 slot for 2 slots of heating up. Sensitivity: an infeasible model without a word why."""
    with pytest.raises(ValueError, match="too few"):
        model.add(pyo.Block(concrete=True), furnace(final="ready"), STEP_MIN, 1, {})


def test_no_work_costs_the_cheapest_state() -> None:
    """Proves: nothing to do, off all the time. Sensitivity: a machine that is made ready for nothing."""
    result = cheapest(furnace(), {2: 0}, WORK_MW, np.ones(10), STEP_MIN, time_limit=10)
    assert (result.status, result.cost, result.moves) == ("optimal", 0.0, ())


@pytest.mark.shared
def test_published_optima_are_proven_and_replayed(shared: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Proves: every file, with standby states and without, exactly; the twin pays the same and breaks no rule.

    Sensitivity: on one interval sooner, power of a transition in its first interval only, or no off at the ends.
    """
    files = sorted((shared / "oracles" / "energy_states").glob("*.json"))
    assert len(files) >= 6
    for path in files:
        assert oracle.main([str(path), "--json"]) == 0
        answer = json.loads(capfd.readouterr().out)
        optimum = json.loads(path.read_text(encoding="utf-8"))["PublishedOptimum"]
        assert (answer["objective"], answer["bound"], answer["gap"]) == (optimum, optimum, 0)
        assert answer["replay_cost"] == optimum
        assert (answer["status"], answer["violations"]) == ("optimal", [])


@pytest.mark.shared
def test_a_horizon_that_is_too_short_by_one(shared: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Proves: 73 intervals of work, 3 of switching and 2 off fit in 78 and not in 77; exit code 1 and why.

    Sensitivity: infeasible one interval too late or too early.
    """
    data = json.loads((shared / "oracles" / "energy_states" / "nosby_0.json").read_text(encoding="utf-8"))
    need = sum(job["ProcessingTime"] for job in data["Jobs"]) + 5
    path = tmp_path / "short.json"
    for intervals, code in ((need, 0), (need - 1, 1)):
        path.write_text(json.dumps(data | {"EnergyCosts": data["EnergyCosts"][:intervals]}), encoding="utf-8")
        assert oracle.main([str(path), "--json"]) == code
        out, err = capfd.readouterr()
        answer = json.loads(out)
        assert answer["status"] == ("optimal" if code == 0 else "infeasible")
        assert (f"need {need} intervals, there are {need - 1}" in err) == (code == 1)


def test_bad_files_are_named_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Proves: exit code 2 and what is wrong. Sensitivity: a traceback, or nothing said of which entry."""
    good: dict[str, Any] = {
        "Jobs": [{"ProcessingTime": 2}],
        "EnergyCosts": [1] * 9,
        "OnPowerConsumption": 4,
        "IdlePowerConsumption": 2,
        "OffPowerConsumption": [0],
    }
    for name, n, power in (("OffOn", 2, 5), ("OnOff", 1, 1), ("OffIdle", None, None), ("IdleOff", None, None)):
        good |= {f"{name}Time": [n], f"{name}PowerConsumption": [power]}
    path = tmp_path / "case.json"

    def says(**changes: Any) -> str:
        path.write_text(json.dumps(good | changes), encoding="utf-8")
        assert oracle.main([str(path), "--json"]) == 2
        out, err = capfd.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        return err

    path.write_text(json.dumps(good), encoding="utf-8")
    assert oracle.main([str(path), "--json"]) == 0
    # 2 × 5 up, 2 × 4 of work, 1 down, off at both ends
    assert json.loads(capfd.readouterr().out)["objective"] == 19
    assert "EnergyCosts.0" in says(EnergyCosts=["dear"])
    assert "Jobs.0.ProcessingTime" in says(Jobs=[{"ProcessingTime": 0}])
    assert "OnOffTime: has 2 entries, OffOnTime has 1" in says(OnOffTime=[1, 1])
    assert "OffOnTime.0 and OffOnPowerConsumption.0" in says(OffOnTime=[None])
    assert "MachineIdx" in says(Jobs=[{"ProcessingTime": 1, "MachineIdx": 1}])
    assert "LengthInterval" in says(LengthInterval=2)
    assert oracle.main([str(tmp_path / "none.json")]) == 2
    assert "is missing" in capfd.readouterr().err
    path.write_text("[", encoding="utf-8")
    assert oracle.main([str(path)]) == 2
    assert "is not JSON" in capfd.readouterr().err
    path.write_text(json.dumps(good | {"OnOffTime": [None], "OnOffPowerConsumption": [None]}), encoding="utf-8")
    assert oracle.main([str(path)]) == 1
    assert "no transitions lead from idle to off" in capfd.readouterr().err
