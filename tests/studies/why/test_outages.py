"""One reading of availability: an operation's own minutes, in the twin, in the models, and in what is said of them."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from emberline import models, twin
from emberline.models.explain import hours, impossible, impossible_at_all
from emberline.models.problem.line_reader import from_scenario
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case, Scenario, load, resolve
from emberline.scenarios.line.rounding import rounded, worth_a_try
from emberline.scenarios.loading.loading import loads
from emberline.studies.why import quick
from emberline.studies.why.why_not import why_not


def shop(
    melt_min: float = 60,
    *,
    cast_min: float = 0,
    heats: int = 1,
    setup_min: float = 0,
    step_min: float = 60,
    length_h: float = 4,
    campaign: bool = False,
    transfer_min: float = 0,
    wait_min: float | None = None,
    due: str | None = None,
    outages: tuple[tuple[str, str, str], ...] = (),
) -> Case:
    """Heats of one order through a furnace F and, where it takes any time, a caster C."""
    melting: dict[str, Any] = {"name": "melt", "units": [{"name": "F", "power_mw": 10, "setup_min": setup_min}]}
    stages, minutes = [melting], {"melt": melt_min}
    if cast_min:
        melting |= {"transfer_min": transfer_min, "longest_wait_min": wait_min}
        casters = [{"name": "C", "power_mw": 1, "setup_min": setup_min}]
        stages.append({"name": "cast", "units": casters, "campaign": campaign})
        minutes["cast"] = cast_min
    order: dict[str, Any] = {"name": "O", "heats": [{"grade": "G", "count": heats}]}
    return resolve(
        Scenario.model_validate(
            {
                "name": "shop",
                "horizon": {"start": "2026-03-10T00:00+00:00", "length_h": length_h, "step_min": step_min},
                "line": {"stages": stages, "grades": [{"name": "G", "mass_t": 100, "duration_min": minutes}]},
                "orders": [order | ({} if due is None else {"due": due})],
                "market": {"price_per_mwh": 50, "carbon_intensity_kg_per_mwh": 100},
                "state": {"outages": [{"unit": u, "start": begin, "end": end} for u, begin, end in outages]},
                "disturbances": {"replications": 0},
                "goal": {"effort": 20},
            }
        )
    )


@pytest.mark.parametrize(
    "shop_day",
    [
        pytest.param(shop(setup_min=30, outages=(("F", "1 h", "4 h"),)), id="set-up in an outage"),
        pytest.param(shop(50, outages=(("F", "55 min", "4 h"),)), id="outage in the rest of a slot"),
        pytest.param(shop(50, outages=(("F", "0 min", "119 min"),)), id="outage that ends within a slot"),
        pytest.param(shop(50, heats=3, setup_min=10, outages=(("F", "171 min", "4 h"),)), id="the last of three"),
        pytest.param(
            shop(30, cast_min=50, heats=2, campaign=True, setup_min=25, outages=(("C", "160 min", "4 h"),)),
            id="a cast to the minute",
        ),
    ],
)
def test_a_unit_is_wanted_for_the_minutes_of_its_work(shop_day: Case) -> None:
    """Proves: what ends as an outage begins is planned, whatever set-up or rest of a slot lies in it; the twin agrees.

    Sensitivity: a unit that must be available for all the slots that it is held has no plan here.
    """
    result = make_plan(shop_day, PLAIN)
    assert result.baseline_complete
    assert result.acceptable, result.verdict
    assert result.bound is not None
    assert result.objective is not None
    assert result.bound <= result.objective + 1e-6


def test_a_cast_is_not_interrupted() -> None:
    """Proves: a caster must be available for all heats of a cast, to the minute; one minute of outage more is too much.

    Sensitivity: a caster that is looked at in the cast's first slot only would cast through the outage.
    """
    inside = shop(50, cast_min=50, heats=2, campaign=True, outages=(("C", "130 min", "131 min"),), length_h=3)
    assert make_plan(inside, PLAIN).status in ("infeasible", "no plan on this grid")
    after = shop(50, cast_min=50, heats=2, campaign=True, outages=(("C", "160 min", "4 h"),))
    assert make_plan(after, PLAIN).acceptable


def test_counts_of_like_units_know_who_is_there() -> None:
    """Proves: of two like furnaces one of which is away, no more heats melt at once than are there; set-ups may.

    Sensitivity: rows of what is held alone let two heats melt while one furnace is away, and the bound is too low.
    """
    raw = shop(60, heats=3, setup_min=60, length_h=8, outages=(("F", "65 min", "8 h"),)).model_dump(mode="json")
    raw["line"]["stages"][0]["units"].append({"name": "F2", "power_mw": 10, "setup_min": 60})
    raw["orders"][0]["due"] = "3 h"
    case = resolve(Scenario.model_validate(raw))
    result = make_plan(case, PLAIN)
    assert result.acceptable, result.verdict
    raw["orders"][0]["heats"] = [{"grade": "G", "count": 4}]
    assert make_plan(resolve(Scenario.model_validate(raw)), PLAIN).status == "infeasible"


def test_the_bound_is_no_higher_than_a_plan_that_is_followed() -> None:
    """Proves: with the caster of the small melt shop away from 13 h on, the bound is below a plan known to be one.

    Sensitivity: with set-ups counted against availability the bound was 1.6 % above it.
    """
    outage = "state.outages=[{unit: CC, start: 13 h, end: 24 h}]"
    result = make_plan(
        load("melt-shop-small", [outage, "disturbances.replications=0", "goal.gap=2%", "goal.effort=60"]),
        PLAIN,
    )
    assert result.acceptable, result.verdict
    assert result.bound is not None
    assert result.bound / 1000 <= 240.44


def test_rounding_is_no_proof() -> None:
    """Proves: where only rounding to steps is in the way, that is said, with the finer step with which there is a plan.

    Sensitivity: "proven: no plan" was said of furnaces of 50 min that take 60 on steps of 15.
    """
    text = json.dumps(shop(50, heats=4, step_min=15, due="200 min").model_dump(mode="json", exclude_defaults=True))
    answer = loads(text)
    result = make_plan(answer, PLAIN)
    assert result.status == "no plan on this grid"
    assert result.ruled_out
    assert "steps of 15 min" in result.verdict
    lines: list[str] = []
    message = why_not(
        lambda more: loads(text, overrides=more), time_limit_s=3600, work=60, proven=True,
        on_progress=lines.append, cancel=lambda: any(line.startswith("1 of") for line in lines),
    )  # fmt: skip
    assert message.status == "no plan on this grid"
    assert ("horizon.step_min=10",) in [repair.overrides for repair in message.repairs]
    assert [(lost.unit, lost.minutes, lost.steps_min, lost.lossless) for lost in rounded(answer)] == [
        ("F", 50, 60, (1, 2, 5, 10))
    ]
    assert worth_a_try(answer) == (10,)


def test_a_plan_that_fails_by_rounding_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: where no plan was found and nothing is proven, the verdict names the rounding, the first answer and the
    full search offer the steps on which the baseline has a place for all, and no limit is blamed; not on steps that
    round nothing. Sensitivity: "allow more time" on steps on which more time finds nothing."""
    text = json.dumps(shop(50, heats=4, step_min=15, due="200 min").model_dump(mode="json", exclude_defaults=True))

    def changed(more: Sequence[str]) -> Case:
        return loads(text, overrides=list(more))

    result = replace(
        make_plan(changed(()), PLAIN), status="no plan within the limit", reason="no plan was found in 9 s"
    )
    assert result.verdict == (
        "No plan: no plan was found in 9 s. Steps of 15 min round times up: 50 min of F take 60. Finer steps "
        "(horizon.step_min) may leave a plan."
    )
    assert "Steps of" not in replace(result, scenario=changed(["horizon.step_min=10"])).verdict
    first = quick.quick(changed, work=20)
    assert ([repair.overrides for repair in first.repairs], first.attempts) == ([("horizon.step_min=10",)], 0)
    full = importlib.import_module("emberline.studies.why.why_not")
    monkeypatch.setattr(full._Search, "judge", lambda self, overrides, patience=0.0: True if overrides else None)
    answer = full.why_not(changed, time_limit_s=60)
    assert (answer.status, answer.complete) == ("unknown", True)
    assert [repair.overrides for repair in answer.repairs] == [("horizon.step_min=10",)]


def test_what_is_proven_for_all_times_is_proven() -> None:
    """Proves: too many heats for the hours there are is "infeasible" on every grid, a due time at odd minutes too.

    Sensitivity: without looking at exact times nothing would be called proven, or everything.
    """
    for step in (5, 15, 60):
        case = shop(50, heats=4, step_min=step, due="199 min")
        envelope = twin.envelope(case)
        assert hours(case, envelope)
        assert make_plan(case, PLAIN).status == "infeasible"
    apart = shop(50, cast_min=100, heats=2, step_min=10, due="249 min", length_h=5)
    envelope = twin.envelope(apart)
    assert impossible(apart, envelope, None, work=10)
    assert impossible_at_all(apart, envelope, None, work=10)


def test_what_is_impossible_between_minutes_is_proven() -> None:
    """Proves: four heats of 49.5 min cannot end within 190 min, which slots that are rounded outwards prove. Within 198
    min they can, and that slots of 15 min have no plan proves nothing of other times. A cast of 99 min whose first
    heat is molten after 49.5 min does not end within 145 min.

    Sensitivity: where no whole minutes divide all times nothing was proven, however little was left.
    """
    for due, proven in (("190 min", True), ("198 min", False)):
        case = shop(49.5, heats=4, step_min=15, due=due)
        envelope = twin.envelope(case)
        assert impossible(case, envelope, None, work=10)
        assert impossible_at_all(case, envelope, None, work=10) == proven
    late = shop(49.5, cast_min=49.5, heats=2, campaign=True, step_min=10, due="145 min")
    assert impossible_at_all(late, twin.envelope(late), None, work=10)


def test_a_wait_that_rounding_breaks_is_no_plan_on_slots() -> None:
    """Proves: no start on steps of 15 min keeps a wait of 8 min after 50; the baseline's starts between them do.

    Sensitivity: a lag rounded up beyond the longest wait made a plan in which the twin found violations.
    """
    case = shop(50, cast_min=60, heats=2, step_min=15, length_h=8, transfer_min=8, wait_min=8)
    assert from_scenario(case, twin.envelope(case)).too_coarse
    assert models.optimize(case, twin.envelope(case)).attrs["status"] == "no plan on this grid"
    result = make_plan(case, PLAIN)
    assert result.acceptable, result.verdict
    assert "The baseline schedule" in result.verdict
    assert (result.status, result.gap) == ("best found", None)
    fine = shop(50, cast_min=60, heats=2, step_min=2, length_h=8, transfer_min=8, wait_min=8)
    assert make_plan(fine, PLAIN).status == "within gap"


def test_set_ups_in_outages_are_not_missed() -> None:
    """Proves: hours of set-up are not missing where they fit into an outage.

    Sensitivity: work and set-ups together do not fit into the hours in which the furnace is available.
    """
    case = shop(60, heats=2, setup_min=60, length_h=3, outages=(("F", "1 h", "2 h"),))
    assert hours(case, twin.envelope(case)) == []
    assert make_plan(case, PLAIN).acceptable
