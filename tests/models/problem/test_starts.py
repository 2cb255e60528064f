"""The judge of plans by hand: what is feasible passes, and each way to break a rule of the line is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from shops import cast, melt_shop, scenario

from emberline.models.problem import line_reader
from emberline.models.problem.assignment import (
    Starts,
    extra_mwh,
    from_schedule,
    idle_cells,
    idle_column,
    line_cells,
    line_gives,
    load_cells,
    mistakes,
)
from emberline.models.problem.line import SlotProblem
from emberline.twin import envelope

# Three heats on quarter-hours: 45 min in furnace F, 15 to ladle furnace L, 30 there, 15 to caster C, 45 there and 30 of
# set-up after each cast. From start to start at least 4 and at most 7 slots, then 3 and 5; heat A-2 is cast 3 slots
# after A-1. Cast A holds C for slots 7 to 14, cast B for 15 to 19.
ROUTE = (0, 1)
SOONEST = Starts((ROUTE,) * 3, ((0, 4), (3, 7), (6, 10)), (2, 2), (7, 15))
LATEST = Starts((ROUTE,) * 3, ((0, 7), (3, 9), (7, 14)), (2, 2), (11, 19))
"""Every heat waits as long as it may, before L or before C."""


def problem(**remaining: Any) -> SlotProblem:
    orders = [cast("A", 2, **remaining.pop("first", {})), cast("B", 1, **remaining.pop("second", {}))]
    case = scenario(melt_shop(), orders, horizon={"length_h": 8.0}, **remaining)
    return line_reader.from_scenario(case, envelope(case))


@pytest.mark.parametrize("starts", [SOONEST, LATEST])
def test_a_plan_without_a_slot_to_spare_is_feasible(starts: Starts) -> None:
    """Proves: units taken back to back, least lags and longest waits are allowed. Sensitivity: a limit too strict by
    one slot."""
    assert mistakes(problem(), starts) == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"slot": ((0, 4), (3, 7), (5, 10))}, "F is used by A-2 at stage 0 and B-1 at stage 0 at once"),
        ({"slot": ((0, 3), (3, 7), (6, 10))}, "A-1 leaves stage 0 too early for the next"),
        ({"slot": ((0, 4), (3, 7), (6, 14)), "cast_slot": (7, 17)}, "B-1 waits too long after stage 0"),
        ({"cast_slot": (7, 16)}, "B-1 waits too long after stage 1"),
        ({"cast_slot": (7, 14)}, "C is used by cast 0 and cast 1 at once"),
        ({"slot": ((0, 4), (3, 8), (6, 10))}, "A-2 leaves stage 1 too early for the next"),
        (
            {"slot": ((0, 4), (2, 6), (6, 10)), "cast_slot": (7, 15)},
            "F is used by A-1 at stage 0 and A-2 at stage 0 at once",
        ),
        ({"unit": (ROUTE, (1, 1), ROUTE)}, "A-2 at stage 0 on a unit that cannot take it"),
        ({"cast_unit": (2, 1)}, "cast 1 on a unit that cannot take it"),
    ],
)
def test_a_rule_broken_by_one_slot_is_named(change: dict[str, Any], text: str) -> None:
    """Proves: one slot too soon or too late is found, and nothing else is. Sensitivity: a check that is left out."""
    assert mistakes(problem(), replace(SOONEST, **change)) == [text]


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"second": {"release": "90 min"}}, ""),
        ({"second": {"release": "105 min"}}, "B-1 at stage 0 starts in slot 6, outside 7…31"),
        ({"second": {"due": "270 min"}}, ""),
        ({"second": {"due": "255 min"}}, "cast 1 starts in slot 15, outside 0…14"),
        ({"locks": [{"heat": "A-2", "stage": "melting", "latest": "45 min"}]}, ""),
        (
            {"locks": [{"heat": "A-2", "stage": "melting", "latest": "30 min"}]},
            "A-2 at stage 0 starts in slot 3, outside 0…2",
        ),
    ],
)
def test_windows_end_where_release_due_and_locks_say(limits: dict[str, Any], text: str) -> None:
    """Proves: a start at the limit is allowed, a slot beyond it is not."""
    assert mistakes(problem(**limits), SOONEST) == ([text] if text else [])


def test_a_cast_outside_its_window_is_named_with_what_it_meets_there() -> None:
    """Proves: each rule that is broken is named once: the window, and the caster that is taken."""
    late = mistakes(problem(second={"due": "240 min"}), replace(SOONEST, cast_slot=(7, 14)))
    assert late == ["cast 1 starts in slot 14, outside 0…13", "C is used by cast 0 and cast 1 at once"]


@pytest.mark.parametrize(
    ("unit", "start", "end", "broken"),
    [
        ("C", 150, 165, "cast 0"),  # in the middle of cast A, which begins at 105 and is over at 195
        ("C", 180, 195, "cast 0"),
        ("C", 255, 270, "cast 1"),
        ("F", 15, 30, "A-1 at stage 0"),
        ("F", 120, 135, "B-1 at stage 0"),
        ("L", 75, 90, "A-1 at stage 1"),
        ("C", 75, 105, ""),
        ("F", 135, 480, ""),
        ("L", 90, 105, ""),
    ],
)
def test_no_unit_works_in_an_outage(unit: str, start: float, end: float, broken: str) -> None:
    """Proves: an outage anywhere within an operation or a cast is found, and none that only touches it.

    Sensitivity: availability looked at in the first slot only finds none of the first six."""
    outage = {"unit": unit, "start": f"{start} min", "end": f"{end} min"}
    text = mistakes(problem(state={"outages": [outage]}), SOONEST)
    assert len(text) == bool(broken)
    assert all(line.startswith(f"{broken} while {unit}") for line in text)


def test_no_unit_works_where_it_is_not_free() -> None:
    """Proves: a slot of F that others hold is found within A-1, and not after it. Sensitivity: only the first slot, or
    none, looked at."""
    for slot, text in ((2, ["A-1 at stage 0 while F is held already"]), (9, [])):
        line = problem()
        line.free[line.units.index("F"), slot] = False
        assert mistakes(line, SOONEST) == text


def test_energy_minute_by_minute() -> None:
    """Proves: every operation draws its power in its own minutes, and a heat that waited longer than the transfer draws
    0.02 MWh a minute more in L: 45, 30 and 45 minutes.

    Sensitivity: a start, a duration or a weight of another operation."""
    line = problem()
    extra = extra_mwh(line, LATEST)
    assert extra == pytest.approx({0: 0.9, 1: 0.6, 2: 0.9})
    assert extra_mwh(line, SOONEST) == {0: 0.0, 1: 0.0, 2: 0.0}
    by_stage = np.zeros((3, 480))
    reheating = np.zeros(480)
    for h, (furnace, ladle) in enumerate(LATEST.slot):
        by_stage[0, furnace * 15 : furnace * 15 + 45] += 40 / 60
        by_stage[1, ladle * 15 : ladle * 15 + 30] += 4 / 60
        reheating[ladle * 15 : ladle * 15 + 30] += extra[h] / 30
    for begin, minutes in ((11 * 15, 90), (19 * 15, 45)):
        by_stage[2, begin : begin + minutes] += 1 / 60
    cells = line.n_cells
    result = line_cells(line, LATEST, extra)
    assert result == pytest.approx((by_stage.sum(axis=0) + reheating).reshape(cells, -1).sum(axis=1))
    assert load_cells(line, LATEST) == pytest.approx(result)
    weight = np.array([1.0, 2.0, 5.0])
    assert line_cells(line, LATEST, {}, weight) == pytest.approx((weight @ by_stage).reshape(cells, -1).sum(axis=1))


def test_work_that_goes_on_after_the_horizon_counts_within_it() -> None:
    """Proves: of a cast whose last quarter-hour lies after the horizon the rest counts. Sensitivity: work at the end
    left out, or counted from the horizon's start."""
    line = problem()
    late = replace(LATEST, cast_slot=(11, 30))
    whole, cut = (line_cells(line, starts, {}) for starts in (LATEST, late))
    caster = 1 / 60 * line.cell_min
    assert whole.sum() - cut.sum() == pytest.approx(caster * 15 / line.cell_min)


def test_idle_units_draw_between_their_works() -> None:
    """Proves: F at 2 MW, L at 0.4 and C at 0.2 whenever they do not work, a cast being one work; by cell and by slot.

    Sensitivity: a work's end, or the set-up taken for work."""
    line = melt_shop()
    for stage, mw in zip(line["stages"], (2.0, 0.4, 0.2), strict=True):
        stage["units"][0]["states"] = {"states": [{"name": "ready", "power_mw": mw}], "ready": "ready"}
    case = scenario(line, [cast("A", 2), cast("B", 1)], horizon={"length_h": 8.0, "step_min": 15.0})
    holding = line_reader.from_scenario(case, envelope(case))
    idle = np.full((3, 480), 1.0)
    for begin, ladle in SOONEST.slot:
        idle[0, begin * 15 : begin * 15 + 45] = 0
        idle[1, ladle * 15 : ladle * 15 + 30] = 0
    idle[2, 105:195] = idle[2, 225:270] = 0
    by_slot = (np.array([2.0, 0.4, 0.2]) @ idle).reshape(32, 15).mean(axis=1)
    dims, column = idle_column(holding, SOONEST)["idle_mw"]
    assert dims == "time"
    assert column == pytest.approx(by_slot)
    assert idle_column(problem(), SOONEST) == {}
    assert not idle_cells(holding, holding.states, {u: [(0.0, 480.0)] for u in range(3)}).any()
    more = load_cells(holding, SOONEST) - line_cells(holding, SOONEST, {})
    assert holding.on_steps(more) == pytest.approx(by_slot / 4)


def test_what_stages_give() -> None:
    """Proves: of each MWh of F 0.3 of off-gas, of C's 2, none of L's; what is given already comes on top."""
    line = melt_shop()
    for stage, per_mwh in ((0, 0.3), (2, 2.0)):
        line["stages"][stage]["gives"] = [{"carrier": "off_gas", "per_mwh": per_mwh}]
    site = {"carriers": [{"name": "off_gas", "waste": True}]}
    case = scenario(line, [cast("A", 2), cast("B", 1)], horizon={"length_h": 8.0}, site=site)
    giving = line_reader.from_scenario(case, envelope(case))
    values = np.zeros(32)
    for begin, _ in LATEST.slot:
        values[begin : begin + 3] += 0.3 * 40 / 4
    for begin, length in ((11, 6), (19, 3)):
        values[begin : begin + length] += 2.0 * 1 / 4
    assert line_gives(giving, LATEST)["off_gas"] == pytest.approx(values)
    more = replace(giving, fixed_gives={"off_gas": np.full(32, 0.5)})
    assert line_gives(more, LATEST)["off_gas"] == pytest.approx(values + 0.5)


def schedule(starts: Starts) -> xr.Dataset:
    """Starts as table ``SCHEDULE`` has them."""
    begin = [(*(15.0 * slot for slot in places), 0.0) for places in starts.slot]
    table = xr.Dataset(
        {"start_min": (("heat", "stage"), np.array(begin)), "unit": (("heat", "stage"), np.array([list("FLC")] * 3))},
    )
    table["start_min"][:, 2] = [15.0 * starts.cast_slot[0], 15.0 * starts.cast_slot[0] + 45, 15.0 * starts.cast_slot[1]]
    return table


def test_starts_of_a_schedule() -> None:
    """Proves: a schedule on slots gives its starts; one that is between slots or not complete gives none.

    Sensitivity: rounding what lies between two slots."""
    line = problem()
    assert from_schedule(line, schedule(LATEST)) == LATEST
    for place, start in (((1, 0), 50.0), ((2, 2), 290.0), ((0, 1), np.nan), ((0, 2), np.nan)):
        changed = schedule(LATEST)
        changed["start_min"][place] = start
        assert from_schedule(line, changed) is None
    # within a cast a heat follows the one before to the minute, wherever that is
    changed = schedule(LATEST)
    changed["start_min"][1, 2] = 211.0
    assert from_schedule(line, changed) == LATEST


def test_what_has_begun_stays_where_it_is() -> None:
    """Proves: a heat under way counts from when it began, and holds its unit: A-1 in F since 30 min before the horizon
    is over at 15 min, A-2 in F since then.

    Sensitivity: its start on a slot of the horizon."""
    table = {"heat": "A-1", "stage": "melting", "unit": "F", "start": "-30 min"}
    line = problem(state={"started": [table]})
    starts = Starts((ROUTE,) * 3, ((-2, 2), (1, 5), (4, 8)), (2, 2), (5, 13))
    assert from_schedule(line, schedule(starts)) == starts
    assert starts.minute(line, (0, 0)) == -30
    assert mistakes(line, starts) == []
    sooner = replace(starts, slot=((-2, 2), (0, 5), (4, 8)))
    assert "F is used by A-1 at stage 0 and A-2 at stage 0 at once" in mistakes(line, sooner)
    assert line_cells(line, starts, {})[0] == 0.0
    assert load_cells(line, starts)[0] == pytest.approx(10.0)


def test_a_line_that_casts_nothing_and_loses_nothing() -> None:
    """Proves: heats of a line without casts and without heat loss are judged by their own windows, lags and units, and
    draw nothing for reheating. Sensitivity: a cast or a reheating stage looked for where there is none."""
    line = melt_shop(heat_loss=None)
    del line["stages"][2]["campaign"]
    case = scenario(line, [cast("A", 2)], horizon={"length_h": 8.0})
    plain = line_reader.from_scenario(case, envelope(case))
    starts = Starts(((0, 1, 2),) * 2, ((0, 4, 7), (3, 7, 12)), (), ())
    assert mistakes(plain, starts) == []
    assert extra_mwh(plain, starts) == {}
    both = replace(starts, slot=((0, 4, 7), (3, 7, 11)))
    assert mistakes(plain, both) == ["C is used by A-1 at stage 2 and A-2 at stage 2 at once"]


def test_reheating_that_has_begun_is_decided() -> None:
    """Proves: a heat in the ladle furnace already has no reheating left to plan. Sensitivity: reckoned once more."""
    rows = [
        {"heat": "A-1", "stage": "melting", "unit": "F", "start": "-100 min"},
        {"heat": "A-1", "stage": "ladle", "unit": "L", "start": "-10 min"},
    ]
    line = problem(state={"started": rows})
    starts = Starts((ROUTE, ROUTE, ROUTE), ((-7, -1), (0, 4), (3, 7)), (2, 2), (5, 13))
    assert set(extra_mwh(line, starts)) == {1, 2}


def under_way(operations: list[tuple[str, str, float]], count: int = 1) -> SlotProblem:
    """A line with a cast of some heats, of which some operations have begun: heat, stage, start."""
    units = {"melting": "F", "ladle": "L", "casting": "C"}
    rows = [{"heat": h, "stage": s, "unit": units[s], "start": f"{start} min"} for h, s, start in operations]
    case = scenario(melt_shop(), [cast("A", count)], horizon={"length_h": 8.0}, state={"started": rows})
    return line_reader.from_scenario(case, envelope(case))


@pytest.mark.parametrize("start", [-75, -44.75, -30.25, -30, -29.75, -20.5, -0.25])
def test_who_has_begun_between_slots_is_ready_and_waits_to_the_minute(start: float) -> None:
    """Proves: a heat in F since some minutes before the horizon comes to L 15 min after its end and waits for it 60 min
    at most, counted from when it really began. Sensitivity: a slot more, or one less, as its start lies between two."""
    line = under_way([("A-1", "melting", start)])
    over = start + 45
    for slot in range(9):
        at = slot * line.step_min
        starts = Starts((ROUTE,), ((line.heats[0].operations[0].first, slot),), (2,), (slot + 3,))
        expected = ["A-1 leaves stage 0 too early for the next"] * (at < over + 15)
        expected += ["A-1 waits too long after stage 0"] * (at > over + 60)
        assert mistakes(line, starts) == expected, at


@pytest.mark.parametrize("start", [-44.75, -40, -30.25, -20.5, -0.25])
def test_a_cast_under_way_takes_its_next_heats_to_the_minute(start: float) -> None:
    """Proves: with A-1 in C since then, A-3 is cast 90 min after that, and reaches C in time and waits 45 min at most.
    What A-1 did before is past: it came to C sooner than any plan would have it. Sensitivity: the past judged by the
    plan's durations; the cast counted from the slot in which it began."""
    line = under_way([("A-1", "ladle", start - 10), ("A-1", "casting", start), ("A-2", "ladle", start)], 3)
    (slot,) = set(line.casts[0].first.values())
    ladles = [heat.operations[0].first for heat in line.heats[:2]]
    for late in range(2, 8):
        ladle = late * line.step_min
        starts = Starts(((1,), (1,), ROUTE), ((ladles[0],), (ladles[1],), (late - 4, late)), (2,), (slot,))
        expected = ["A-3 leaves stage 1 too early for the next"] * (ladle + 45 > start + 90)
        expected += ["A-3 waits too long after stage 1"] * (ladle + 75 < start + 90)
        sentence = [text for text in mistakes(line, starts) if "stage 1" in text and "at once" not in text]
        assert sentence == expected, ladle
