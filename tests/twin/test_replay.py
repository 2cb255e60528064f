"""Following a schedule: agreement without disturbance, right shift with it, and every kind of violation once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from shops import cast, edited, energy_mwh, melt_shop, one_machine, op, same, scenario, violations

from emberline.scenarios import Case, bundled, load
from emberline.scenarios.datasets import FLOWS
from emberline.scenarios.line.scatter import stream
from emberline.scenarios.line.tables import shop
from emberline.twin import dispatch, replay, replays, simulate
from emberline.twin.line.line import ListReplay
from emberline.twin.line.operations import operations_of
from emberline.twin.streams import Breakdowns


@pytest.mark.parametrize("name", bundled())
def test_the_baseline_list_replays_without_violation(name: str) -> None:
    """Proves: list and twin agree for every bundled scenario: times, energy, flows.

    Sensitivity: any rounding of either.
    """
    case = load(name)
    schedule = dispatch(case)
    assert schedule.attrs["complete"] == 1
    for run in (replay(case, schedule), simulate(case)):
        assert violations(run) == []
        assert same(run, schedule)
        assert run.attrs["tonnes"] == pytest.approx(case.tonnes)
        assert run.attrs["complete"] == 1
        for flow in (name for name, variable in FLOWS.items() if not variable.optional or name in schedule):
            if FLOWS[flow].text:
                assert (run[flow].values == schedule[flow].values).all()
                continue
            np.testing.assert_allclose(run[flow].values, schedule[flow].values, atol=1e-7)
        assert float(run["op_extra_mwh"].sum()) == pytest.approx(float(schedule["extra_mwh"].sum()), abs=1e-9)


@pytest.mark.parametrize("name", bundled())
def test_energy_of_operations_is_energy_of_flows(name: str) -> None:
    """Proves: nothing is lost between heat or unit and meter, disturbed as well. Sensitivity: a phase, a start-up or a
    standstill twice."""
    case = load(name)
    for run in replays(case, dispatch(case), range(3)):
        units = energy_mwh(run["process_mw"].sum("process"), case) if case.processes else 0.0
        result = units + float(run["op_energy_mwh"].sum())
        assert energy_mwh(run["line_mw"], case) == pytest.approx(result, abs=1e-6)


def two_heats(**remaining: Any) -> tuple[Case, xr.Dataset]:
    case = scenario(melt_shop(), [cast(count=2)], **remaining)
    return case, dispatch(case)


def follow(case: Case, schedule: xr.Dataset, **longer: float) -> dict[str, Any]:
    """Start and end of each operation, with given durations for some, such as ``A_1_melting=60``."""
    operations = operations_of(shop(case), schedule)
    names = [
        f"{operations.shop.names[h]}-{operations.shop.stages[k]}"
        for h, k in zip(operations.heat, operations.stage, strict=True)
    ]
    duration = operations.arrays["duration"].tolist()
    for name, minutes in longer.items():
        duration[names.index(name.replace("_", "-"))] = minutes
    trajectory = ListReplay(operations, duration, {}).run()
    return {name: (trajectory.start[i], trajectory.end[i]) for i, name in enumerate(names)}


def test_two_heats_by_hand() -> None:
    """Proves: furnace 0 and 45, ladle 60 and 105, cast 105 without a gap.

    Sensitivity: a transfer or set-up too much.
    """
    case, schedule = two_heats()
    assert schedule["start_min"].values.tolist() == [[0, 60, 105], [45, 105, 150]]
    assert op(replay(case, schedule), "A-2", "casting")["end_min"] == 195


def test_a_late_heat_shifts_the_rest_and_keeps_the_order() -> None:
    """Proves: 20 min more in the furnace move the furnace's next heat and the cast by 20. Sensitivity: overtaking."""
    case, schedule = two_heats()
    got = follow(case, schedule, A_1_melting=65)
    assert got["A-1-melting"] == (0, 65)
    assert got["A-2-melting"] == (65, 110)
    assert got["A-1-ladle"] == (80, 110)
    assert got["A-2-ladle"] == (125, 155)
    assert got["A-1-casting"] == (125, 170)
    assert got["A-2-casting"] == (170, 215)


def test_a_late_heat_waits_out_an_outage() -> None:
    """Proves: a heat that the list has in the ladle furnace until it goes down, and that comes 20 min late, begins when
    it is up again. Sensitivity: work on a unit that is not available."""
    case, schedule = two_heats(state={"outages": [{"unit": "L", "start": "135 min", "end": "165 min"}]})
    assert follow(case, schedule)["A-2-ladle"] == (105, 135)
    assert follow(case, schedule, A_1_melting=65)["A-2-ladle"] == (165, 195)


def test_a_cast_waits_for_its_heats() -> None:
    """Proves: what is known at 105 of a heat that left the furnace late moves the cast start, so that no gap comes.

    Heat 2 leaves the furnace at 130 instead of 90; while it is overdue the baseline reckons that it ends now, so that
    the cast begins when ladle (30) and transfers (30) fit before its turn (45): 15 min after it left. Sensitivity:
    starting at 105 gives a gap of 40 min.
    """
    case, schedule = two_heats()
    got = follow(case, schedule, A_2_melting=85)
    assert got["A-2-ladle"] == (145, 175)
    assert got["A-1-casting"][0] == pytest.approx(145, abs=0.2)
    assert got["A-2-casting"][0] == pytest.approx(190, abs=0.2)


class FixedDraws:
    """In place of a generator: the first working time and repair, then none for long."""

    def __init__(self, *first: float) -> None:
        self.first = first

    def standard_exponential(self, shape: tuple[int, int]) -> np.ndarray:
        result = np.full(shape, 1e6)
        result[0] = self.first
        return result


def test_a_heat_is_held_back_while_another_of_its_cast_is_held_up() -> None:
    """Proves: where the furnace fails with the second heat in it, the first is not sent to the ladle furnace to wait
    there for hours: it waits no longer than it may, and the cast has no gap.

    Sensitivity: the start of a cast expected as scheduled, whatever its heats do.
    """
    case, schedule = two_heats()
    operations = operations_of(shop(case), schedule)
    failing: Any = Breakdowns(100.0, 100.0, FixedDraws(0.5, 2.0))  # type: ignore[arg-type]
    trajectory = ListReplay(
        operations, operations.arrays["duration"].tolist(), {operations.shop.unit_index["F"]: failing}
    ).run()
    rows = {
        (operations.shop.names[h], k): i for i, (h, k) in enumerate(zip(operations.heat, operations.stage, strict=True))
    }
    assert trajectory.end[rows["A-2", 0]] == 290
    assert trajectory.start[rows["A-1", 2]] - trajectory.end[rows["A-1", 1]] <= 45
    assert trajectory.end[rows["A-1", 2]] == pytest.approx(trajectory.start[rows["A-2", 2]])
    assert [operations.last_of(i) for i in range(len(operations))] == [2, 2, 2, 5, 5, 5]


def test_a_breakdown_interrupts_and_resumes() -> None:
    """Proves: an operation ends later by the repair, draws the same energy and none while down.

    Sensitivity: restart.
    """
    broken = {"breakdowns": [{"unit": "M", "mtbf_h": 1.0, "mttr_min": 20.0}]}
    case = scenario(one_machine(60.0), [cast(count=1)], disturbances=broken)
    result = 0
    for run in replays(case, dispatch(case), range(100)):
        row = op(run, "A-1", "work")
        assert row["end_min"] - row["start_min"] == pytest.approx(60 + row["down_min"])
        assert row["energy_mwh"] == pytest.approx(12.0)
        assert energy_mwh(run["line_mw"], case) == pytest.approx(12.0)
        result += row["down_min"] > 0
    assert 48 <= result <= 78  # 63 % of the operations fail at least once


def test_heats_under_way_go_on() -> None:
    """Proves: a melt begun 30 min ago ends at 15 and draws 15 min of power. Sensitivity: counting energy before 0."""
    state = {"started": [{"heat": "A-1", "stage": "melting", "unit": "F", "start": "-PT30M"}]}
    case, schedule = two_heats(state=state)
    run = replay(case, schedule)
    assert violations(run) == []
    assert op(run, "A-1", "melting")["end_min"] == 15
    assert op(run, "A-1", "melting")["energy_mwh"] == pytest.approx(10.0)
    assert op(run, "A-1", "ladle")["start_min"] == 30
    assert op(run, "A-2", "melting")["start_min"] == 15
    assert energy_mwh(run["line_mw"], case) == pytest.approx(float(run["op_energy_mwh"].sum()))
    late = replay(case, schedule, disturbed=True)
    assert op(late, "A-1", "melting")["start_min"] == -30
    case, _ = two_heats(state=state, disturbances={"duration_spread": 0.2})
    ends = {op(run, "A-1", "melting")["end_min"] for run in replays(case, schedule, range(5))}
    assert min(ends) >= 0
    assert max(ends) > 15  # it may still take longer


def test_a_cast_under_way_goes_on_without_a_gap() -> None:
    """Proves: the second heat follows the one being cast, off the raster. Sensitivity: set-up within the cast."""
    started = [
        {"heat": "A-1", "stage": "casting", "unit": "C", "start": "-PT10M"},
        {"heat": "A-2", "stage": "ladle", "unit": "L", "start": "-PT20M"},
    ]
    case, schedule = two_heats(state={"started": started})
    run = replay(case, schedule)
    assert violations(run) == []
    assert op(run, "A-2", "casting")["start_min"] == 35
    assert run.attrs["complete"] == 1


def test_too_long_a_wait_is_recorded() -> None:
    """Proves: 45 min at most from ladle to caster; 75 later means 30 too long. Sensitivity: transfer counted twice."""
    case, schedule = two_heats()
    late = edited(edited(schedule, "A-1", "casting", 60), "A-2", "casting", 60)
    assert violations(replay(case, late)) == [
        ("wait", "A-1", 165.0, pytest.approx(30.0), "min"),
        ("wait", "A-2", 210.0, pytest.approx(30.0), "min"),
    ]


def test_a_gap_in_a_cast_is_recorded() -> None:
    """Proves: a heat that follows 10 min late is a gap of 10 min. Sensitivity: the caster's pace hides it."""
    case, schedule = two_heats()
    assert violations(replay(case, edited(schedule, "A-2", "casting", 10))) == [
        ("cast", "A-2", 150.0, pytest.approx(10.0), "min")
    ]


def test_missed_due_time_is_recorded() -> None:
    """Proves: due at 190, ended at 195: 5 min. Sensitivity: the end of the horizon instead of the due time."""
    _, schedule = two_heats()
    hurried = scenario(melt_shop(), [cast(count=2, due="PT190M")])
    assert violations(replay(hurried, schedule)) == [("due", "A-2", 195.0, pytest.approx(5.0), "min")]


def test_a_heat_that_was_over_before_the_horizon_is_not_waited_for() -> None:
    """Proves: with one heat over before the horizon and one within, the run is complete; without the second it is not.

    Sensitivity: the heat that is over counted as one that must still end."""
    case = scenario(
        one_machine(30.0),
        [{"name": "O", "heats": [{"grade": "G", "count": 2}]}],
        state={"started": [{"heat": "O-1", "stage": "work", "unit": "M", "start": "-60 min"}]},
    )
    run = simulate(case)
    assert (run.attrs["complete"], run.attrs["heats"], run.attrs["tonnes"]) == (1, 1, 10)
    assert [
        str(heat) for heat, end in zip(run["op_heat"].values, run["op_end_min"].values, strict=True) if end > 0
    ] == ["O-2"]


def test_a_wait_that_is_past_is_no_violation() -> None:
    """Proves: a heat that had waited 145 of at most 60 minutes before the horizon began is not reported again.

    Sensitivity: what has begun judged like what is planned."""
    started = [
        {"heat": "A-1", "stage": "melting", "unit": "F", "start": "-200 min"},
        {"heat": "A-1", "stage": "ladle", "unit": "L", "start": "-10 min"},
    ]
    run = simulate(scenario(melt_shop(), [cast("A", 1)], state={"started": started}))
    assert run.attrs["complete"] == 1
    assert [kind for kind, *_ in violations(run) if kind == "wait"] == []


def test_unfinished_heats_are_recorded() -> None:
    """Proves: a heat that ends after the horizon, or is left out, counts as 100 t not made. Sensitivity: tonnes."""
    case = scenario(melt_shop(), [cast(count=2)], horizon={"length_h": 4.0})
    schedule = dispatch(case)
    late = edited(edited(schedule, "A-1", "casting", 45), "A-2", "casting", 60)
    run = replay(case, late)
    assert ("unfinished", "A-2", 240.0, 100.0, "t") in violations(run)
    assert run.attrs["tonnes"] == 100
    assert run.attrs["complete"] == 0
    left_out = schedule.copy(deep=True)
    left_out["unit"].loc[{"heat": "A-2", "stage": "casting"}] = ""
    assert ("unfinished", "A-2", 240.0, 100.0, "t") in violations(replay(case, left_out))


def test_missed_import_limit_is_recorded_per_metered_interval() -> None:
    """Proves: 44 MW for 30 min under 43.5 MW is 0.5 MW too much in two intervals. Sensitivity: instantaneous limits."""
    _, schedule = two_heats()
    limited = scenario(melt_shop(), [cast(count=2)], site={"grid": {"import_limit_mw": 44.5}})
    # furnace and ladle furnace together draw 44 MW, and never the caster at the same time
    assert violations(replay(limited, schedule)) == []
    limited = scenario(melt_shop(), [cast(count=2)], site={"grid": {"import_limit_mw": 43.5}})
    assert violations(replay(limited, schedule)) == [
        ("import", "", at, pytest.approx(0.5), "MW") for at in (60.0, 75.0)
    ]


def test_missed_export_limit_and_battery_are_recorded() -> None:
    """Proves: a battery set to give 5 MW to nobody exports 4 MW too much until it is empty.

    Sensitivity: clipping unseen.
    """
    battery = {"energy_mwh": 2.0, "power_mw": 5.0, "discharge_efficiency": 1.0, "level_share": 1.0}
    case = scenario(one_machine(), [cast(count=1)], site={"grid": {"export_limit_mw": 1.0}, "battery": battery})
    schedule = dispatch(case)
    schedule["discharge_mw"].values[:] = 0
    schedule["discharge_mw"].values[40:42] = 5.0
    run = replay(case, schedule)
    assert violations(run) == [
        ("export", "", 600.0, pytest.approx(4.0), "MW"),
        ("battery", "", 615.0, pytest.approx(0.5), "MWh"),
        ("export", "", 615.0, pytest.approx(2.0), "MW"),
    ]
    assert float(run["battery_mwh"][-1]) == pytest.approx(0.0)
    schedule["charge_mw"].values[50] = 6.0
    assert ("battery", "", 750.0, pytest.approx(1.0), "MW") in violations(replay(case, schedule))


def test_the_same_seed_gives_the_same_bits() -> None:
    """Proves: a run repeats exactly, alone or in a row; another replication differs.

    Sensitivity: state kept between.
    """
    case = load("melt-shop-small")
    schedule = dispatch(case)
    row = list(replays(case, schedule, range(3)))
    for replication in (2, 0):
        alone = replay(case, schedule, replication=replication, disturbed=True)
        assert alone.identical(row[replication])
    assert not row[0]["op_end_min"].equals(row[1]["op_end_min"])
    assert not replay(case, schedule, seed=5, disturbed=True)["op_end_min"].equals(row[0]["op_end_min"])


def test_a_new_unit_leaves_the_random_numbers_of_others_alone() -> None:
    """Proves: with a second, unused furnace every operation keeps its duration and energy. Sensitivity: one stream."""
    spread = {"duration_spread": 0.1, "energy_spread": 0.1}
    case = scenario(melt_shop(), [cast(count=2)], disturbances=spread)
    line = melt_shop()
    line["stages"][0]["units"].insert(0, {"name": "F0", "power_mw": 40.0})
    wider = scenario(line, [cast(count=2)], disturbances=spread)
    schedule = dispatch(case)
    first, second = (replay(it, schedule, disturbed=True) for it in (case, wider))
    for name in ("op_start_min", "op_end_min", "op_energy_mwh"):
        assert np.array_equal(first[name].values, second[name].values)


def test_a_foreign_schedule_is_refused() -> None:
    """Proves: names that the scenario has not are reported. Sensitivity: silently left out they would be
    'unfinished'."""
    case, schedule = two_heats()
    other = scenario(melt_shop(), [cast("B", count=2)])
    with pytest.raises(ValueError, match="unknown to scenario"):
        replay(other, schedule)
    wrong = schedule.copy(deep=True)
    wrong["unit"].loc[{"heat": "A-1", "stage": "melting"}] = "L"
    with pytest.raises(ValueError, match="sends heat A-1"):
        replay(case, wrong)


def test_reheating_counts_the_waits_before_the_ladle_furnace() -> None:
    """Proves: 30 min beyond the transfer cost 0.5 K/min · 0.4 kWh/t/K · 100 t · 30 = 0.6 MWh, spread evenly.

    Sensitivity: the transfer counted as a wait adds 0.3 MWh; the wait before the caster costs nothing.
    """
    case, schedule = two_heats()
    moved = schedule
    for stage, shift in (("ladle", 30.0), ("casting", 45.0)):
        for heat in ("A-1", "A-2"):
            moved = edited(moved, heat, stage, shift)
    run = replay(case, moved)
    assert op(run, "A-1", "ladle")["extra_mwh"] == pytest.approx(0.6)
    assert op(run, "A-1", "ladle")["energy_mwh"] == pytest.approx(2.6)
    assert op(run, "A-1", "ladle")["waited_min"] == pytest.approx(30.0)
    assert float(run["line_mw"].sel(time=case.horizon.times[6])) == pytest.approx(5.2)
    assert float(run["op_extra_mwh"].sum()) == pytest.approx(1.2)


def test_streams_belong_to_units() -> None:
    """Proves: the generator of a unit is its own object.

    Sensitivity: a shared one would depend on the order of calls.
    """
    first, second = stream(1, "A", 0, 1), stream(1, "A", 0, 1)
    first.random(10)
    assert second.random() == stream(1, "A", 0, 1).random()
