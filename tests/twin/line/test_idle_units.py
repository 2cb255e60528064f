"""Units of a line with energy states: what they draw outside work, by hand and against the machine that acts it out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from shops import broken_limits, cast, melt_shop, one_machine, scenario, violations

from benchmarks.machine_states.graph import Work
from benchmarks.machine_states.simulation import WORKING, baseline
from emberline import twin
from emberline.scenarios import Case
from emberline.scenarios.energy_states.record import EnergyStates, idle_pieces

FURNACE: dict[str, Any] = {
    "states": [{"name": "ready", "power_mw": 2.0}, {"name": "off", "power_mw": 0.2}],
    "transitions": [
        {"start": "ready", "end": "off", "duration_min": 15, "power_mw": 0.5},
        {"start": "off", "end": "ready", "duration_min": 30, "power_mw": 4.0},
    ],
    "ready": "ready",
}
"""An electric arc furnace that holds or is off; typical. Break-even: 2g = 2.125 + 0.2 (g − 0.75), g = 1.097 h."""


def furnace(**changes: Any) -> EnergyStates:
    return EnergyStates.model_validate(FURNACE | changes)


def three(**states: Any) -> Case:
    """Three heats of half an hour at 12 MW on one machine."""
    return scenario(one_machine(states=FURNACE | states), [cast("A", 3)])


def at_hours(case: Case, *hours: float) -> xr.Dataset:
    """The baseline schedule with other starts."""
    listing = twin.dispatch(case).copy(deep=True)
    length = listing["end_min"] - listing["start_min"]
    listing["start_min"].values[:, 0] = [hour * 60 for hour in hours]
    listing["end_min"] = listing["start_min"] + length
    return listing


def test_a_short_gap_is_held_and_a_long_one_is_off() -> None:
    """Proves: work at 0, 1 and 7.5 h: half an hour held, 6 h off and ready in time, off for the rest of the day.

    1 + (0.125 + 5.25 h × 0.2 + 2) + (0.125 + 15.75 h × 0.2) MWh. Sensitivity: holding all of it is 45 MWh.
    """
    case = three(final="off")
    run = twin.replay(case, at_hours(case, 0, 1, 7.5))
    assert violations(run) == []
    idle = run["idle_mw"].values
    assert idle.sum() / 4 == pytest.approx(1 + 3.175 + 3.275, abs=1e-12)
    assert run["line_mw"].values == pytest.approx(idle + np.where(np.isin(np.arange(96), [0, 1, 4, 5, 30, 31]), 12, 0))
    # held from 0.5 to 1 h; on the way down from 1.5 h, off, on the way up from 7 h
    assert idle[:8] == pytest.approx([0, 0, 2, 2, 0, 0, 0.5, 0.2])
    assert idle[26:34] == pytest.approx([0.2, 0.2, 4, 4, 0, 0, 0.5, 0.2])
    assert run["heat_mwh"].sum("heat").values == pytest.approx((run["line_mw"].values - idle) / 4)


def test_before_the_first_and_after_the_last_work() -> None:
    """Proves: from off it is ready on the minute, on the way already where time is short; what it wants at the end it
    reaches at the end, or goes on to after it. Sensitivity: a way that counts outside the horizon.
    """
    off, ready = furnace(initial="off"), furnace()
    assert idle_pieces(off, [(60, 1440)], 1440) == [(0, 30, 0.2), (30, 60, 4)]
    assert idle_pieces(off, [(10, 1440)], 1440) == [(0, 10, 4)]
    assert idle_pieces(off, [(0, 1435)], 1440) == [(1435, 1440, 0.5)]
    assert idle_pieces(ready, [(0, 1200)], 1440) == [(1200, 1215, 0.5), (1215, 1410, 0.2), (1410, 1440, 4)]
    assert idle_pieces(ready, [(-30, 20), (1400, 1500), (1500, 1600)], 1440)[0] == (20, 35, 0.5)
    assert idle_pieces(ready, [], 60) == [(0, 60, 2)]
    assert idle_pieces(off, [], 60) == [(0, 60, 0.2)]


def test_of_equal_states_the_nearest_is_kept() -> None:
    """Proves: where off saves nothing, or what rounding may call a saving, the machine stays ready. Sensitivity: <."""
    gap = (2.125 - 0.2 * 0.75) / 1.8 * 60
    for rounding in (-1e-9, 0.0, 1e-9):
        assert idle_pieces(furnace(), [(0, 60), (60 + gap + rounding, 1440)], 1440)[0][2] == 2
    assert idle_pieces(furnace(), [(0, 60), (61 + gap, 1440)], 1440)[0][2] == 0.5


lengths = st.lists(st.tuples(st.floats(0, 400), st.floats(1, 200)), max_size=6)


@settings(max_examples=50)
@given(lengths, st.sampled_from(["ready", "off"]), st.sampled_from(["ready", "off"]), st.floats(50, 500))
def test_a_machine_that_acts_it_out_draws_the_same(
    gaps: list[tuple[float, float]], initial: str, final: str, remaining: float
) -> None:
    """Proves: what is reckoned for a line is what the baseline of one machine does, piece by piece.

    Sensitivity: a way that begins late, a gap judged without its ends.
    """
    states = furnace(initial=initial, final=final)
    works, at = [], 30.0  # time enough to get ready
    for gap, length in gaps:
        works.append((at + gap, at + gap + length))
        at = works[-1][1]
    text = idle_pieces(states, works, at + remaining)
    run = baseline(states, [Work(begin, end - begin, 12) for begin, end in works], at + remaining)
    assert run.violations == ()
    items = [(piece.start_min, piece.end_min, piece.power_mw) for piece in run.pieces if piece.name != WORKING]
    rows = [np.array([row for row in pieces if row[1] - row[0] > 1e-5]).ravel() for pieces in (items, text)]
    assert rows[0] == pytest.approx(rows[1], abs=1e-5)


def test_a_standstill_counts_as_work() -> None:
    """Proves: in a run with breakdowns the line draws what its operations draw and what is reckoned between them.

    Sensitivity: holding power during a standstill adds some MWh.
    """
    built = scenario(
        one_machine(states=FURNACE),
        [cast("A", 12)],
        disturbances={"breakdowns": [{"unit": "M", "mtbf_h": 2.0, "mttr_min": 40.0}], "seed": 3},
    )
    run = twin.simulate(built, disturbed=True)
    assert run["op_down_min"].values.sum() > 0
    works = list(zip(run["op_start_min"].values.tolist(), run["op_end_min"].values.tolist(), strict=True))
    pieces = idle_pieces(furnace(), works, built.horizon.length_min)
    idle = sum((end - begin) / 60 * mw for begin, end, mw in pieces)
    assert float(run["idle_mw"].sum()) / 4 == pytest.approx(idle, abs=1e-9)
    assert float(run["line_mw"].sum()) / 4 == pytest.approx(idle + run["op_energy_mwh"].values.sum(), abs=1e-9)


def test_the_list_keeps_the_import_limit_with_idle_units() -> None:
    """Proves: of three units of 12 MW under 25 MW two never work at once, since the third holds at 2 MW.

    Sensitivity: without states all six heats run in pairs.
    """
    worst = {}
    for states in (None, FURNACE):
        units = [{"name": f"M{k}", "power_mw": 12.0, "states": states} for k in range(3)]
        line = one_machine()
        line["stages"][0]["units"] = units
        case = scenario(line, [cast("A", 6)], site={"grid": {"import_limit_mw": 25.0}})
        listed = twin.dispatch(case)
        assert listed.attrs["complete"] == 1
        assert broken_limits(case, listed, twin.envelope(case)["planned_min"]) == []
        assert violations(twin.replay(case, listed)) == []
        worst[states is None] = float((listed["line_mw"] - listed.get("idle_mw", 0)).max())
    assert worst == pytest.approx({True: 24.0, False: 12.0})


def test_a_melt_shop_under_a_limit_that_its_idle_units_reach() -> None:
    """Proves: where furnace and ladle furnace just fit at the same time the list is complete and keeps the limit."""
    line = melt_shop()
    line["stages"][0]["units"][0]["states"] = FURNACE
    for limit, complete in ((45.5, 1), (43.0, 1), (40.5, 1), (39.5, 0)):
        case = scenario(line, [cast("A", 2), cast("B", 2)], site={"grid": {"import_limit_mw": limit}})
        listed = twin.dispatch(case)
        assert listed.attrs["complete"] == complete, limit
        assert float(listed["meter_mw"].max()) <= limit + 1e-6
        assert [v for v in violations(twin.replay(case, listed)) if v[0] == "import"] == []


def test_a_line_without_states_knows_nothing_of_it() -> None:
    """Proves: no variable, no MWh where no unit has states."""
    run = twin.simulate(scenario(one_machine(), [cast("A", 3)]))
    assert "idle_mw" not in run
    assert float(run["line_mw"].sum()) / 4 == pytest.approx(18.0)
