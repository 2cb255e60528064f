"""Why a unit runs in expensive hours: each sentence checked against every other course of one mill."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import works
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from emberline.planning.answer.changes import changes
from emberline.reports.text.language import spoken
from emberline.reports.text.messages import say
from emberline.scenarios import Case

STEPS = 8
LEVEL_T, CAPACITY_T = (400.0, 200.0), (500.0, 320.0)
SILOS = [
    {"name": name, "capacity_t": capacity, "level_t": level, "end_level_t": 0.0}
    for name, level, capacity in zip(("clinker", "cement"), LEVEL_T, CAPACITY_T, strict=True)
]
MILL = {**works.MILL, "must_run": False}
TRUCKS = {"name": "trucks", "store": "cement", "rate": 60.0}
ARRIVAL = {"name": "lorries", "store": "clinker", "rate": 50.0}


@cache
def flat() -> Case:
    """One mill that takes clinker from a silo and fills another one. Not to be changed."""
    return works.works(
        MILL, hours=STEPS, stores=SILOS, deliveries=[TRUCKS], arrivals=[ARRIVAL], goal={"minimize": "cost"},
        site={"assets": [], "carriers": [], "grid": {"metered_interval_min": 60}},
    )  # fmt: skip


def within(on: list[bool]) -> bool:
    """Whether both silos keep their limits, hour by hour."""
    clinker, cement = LEVEL_T
    for one in on:
        clinker += 50 - 80 * one
        cement += 100 * one - 60
        if not (0 <= clinker <= CAPACITY_T[0] and 0 <= cement <= CAPACITY_T[1]):
            return False
    return True


@given(
    on=st.lists(st.booleans(), min_size=STEPS, max_size=STEPS),
    dear=st.lists(st.sampled_from([60.0, 60.0, 90.0, 120.0]), min_size=STEPS, max_size=STEPS),
)
@settings(max_examples=40)
def test_a_reason_for_dear_hours_is_true(on: list[bool], dear: list[float]) -> None:
    """Proves: that all cheaper hours are used, or that no dear hour can move to a cheaper one, is said exactly where
    every other course says so, with its hours and tonnes, in both languages. Sensitivity: a silo's limits are left out,
    or an hour that is free counts as used."""
    assume(any(on) and within(on))
    case, price = flat(), flat().inputs["price_per_mwh"]
    case = case.with_inputs(case.inputs.assign(price_per_mwh=("time", np.array(dear), price.attrs)))
    run = works.trajectory(case, {"mill": [("mill", 100.0) if one else ("", 0.0) for one in on]})
    result = works.compared(case, run, run)
    reasons = [change for change in changes(result) if change.kind == "dear hours"]
    most = max(price for price, one in zip(dear, on, strict=True) if one)
    cheaper = [k for k in range(STEPS) if dear[k] < most]
    free = [k for k in cheaper if not on[k]]
    at = [k for k in range(STEPS) if on[k] and dear[k] == most]

    def moved(old: int, new: int) -> bool:
        return within([(one and k != old) or k == new for k, one in enumerate(on)])

    possible = any(moved(old, new) for old in at for new in free)
    assert len(reasons) == (bool(cheaper) and not possible)
    for change in reasons:
        numbers = dict(change.numbers or {})
        assert numbers["hours"] == len(free or cheaper)
        assert numbers["dear_hours"] == len(at)
        assert (numbers["rest"], numbers["total"]) == (100 * len(at), 100 * sum(on))
        assert change.from_min is not None
        assert change.to_min is not None
        hours = range(int(change.from_min // 60), int(change.to_min // 60))
        assert set(hours) <= set(at)
        assert (hours.stop - 1 == at[-1] and hours.start == at[0] and len(hours) == len(at)) != ("among" in change.says)
        assert f"{hours.start:02}:00" in change.says
        assert f"{most:.0f}" in change.says.replace(".0", "")
        assert bool(free) == ("in the other" in change.says)
        # deliveries of 480 t less what is in the silo
        assert ("that are wanted" in change.says) == (not free and 100 * sum(on) == 60 * STEPS - 200)
        with spoken("zh"):
            assert re.search("[一-鿿]", say(change.says))
