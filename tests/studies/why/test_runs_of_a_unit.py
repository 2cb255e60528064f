"""Why the runs of a unit are where they are: what stops each, and what the plan pays on the mean."""

from __future__ import annotations

import re

import pytest
import works

from emberline.planning.accounts.unit_runs import unit_runs
from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.text.language import spoken
from emberline.reports.text.messages import say
from emberline.scenarios import Case, ScenarioError
from emberline.studies.why import run_slack
from emberline.studies.why.of_unit import OfUnit
from emberline.studies.why.question import why
from emberline.studies.why.resolver import Resolver

MILL = {**works.MILL, "must_run": False}
SILOS = [
    {"name": "clinker", "capacity_t": 1000.0, "level_t": 800.0, "end_level_t": 0.0},
    {"name": "cement", "capacity_t": 300.0, "level_t": 80.0, "end_level_t": 80.0},
]


def plant() -> Case:
    """One mill behind a small silo, dear in the middle of eight hours."""
    case = works.works(
        MILL, hours=8, stores=SILOS, deliveries=[{**works.TRUCKS, "rate": 50.0}], goal={"minimize": "cost"},
        site={"assets": [], "carriers": [], "grid": {"metered_interval_min": 60}},
    )  # fmt: skip
    price = case.inputs["price_per_mwh"]
    return case.with_inputs(case.inputs.assign(price_per_mwh=("time", [60.0] * 3 + [120.0] * 4 + [60.0], price.attrs)))


def test_each_run_says_what_stops_it() -> None:
    """Proves: of the best plan, which uses the four cheap hours, each run has its price and the two stops worked out by
    hand, also in Chinese. Sensitivity: a stop of the other side, or of a store that nothing is taken from."""
    result = make_plan(plant(), PLAIN)
    resolver = Resolver.of(result, 10.0, None, None)
    facts = list(OfUnit(resolver, "mill").facts())[-2:]
    assert facts == [
        "mill runs from Mon 05 Jan 00:00 to Mon 05 Jan 03:00 at 60.0 EUR/MWh: 0 min earlier at most (the horizon), "
        "60 min later at most (cement would run empty, Mon 05 Jan 02:00)",
        "mill runs from Mon 05 Jan 07:00 to Mon 05 Jan 08:00 at 60.0 EUR/MWh: 180 min earlier at most (mill on the "
        "unit), 0 min later at most (the horizon)",
    ]
    with spoken("zh"):
        assert not any(re.search("at most|on the unit|run empty", say(fact)) for fact in facts)


def test_the_mean_is_that_of_the_import() -> None:
    """Proves: next to the price of a run stands the mean that the plan pays for its import. Sensitivity: the mean of
    all hours, which is 90."""
    case = plant()
    on = [True, True, False, False, False, False, True, False]
    run = works.trajectory(case, {"mill": [("mill", 100.0) if one else ("", 0.0) for one in on]})
    result = works.compared(case, run, run)
    first, second = unit_runs(case, run)
    # 4 MW in three hours, 1 MW in all of them
    mean = (60 * (2 * 4 + 4) + 120 * (1 * 4 + 4)) / 20
    assert f"while it runs: 60.0 EUR/MWh; mean of all that the plan imports: {mean:.1f}" in run_slack.intensity(
        result, first
    )
    assert "while it runs: 120 EUR/MWh" in run_slack.intensity(result, second)


def test_one_run_is_asked_about() -> None:
    """Proves: asked about the run at 07:00, the answer is about it: its place is the first fact, the others and the
    unit's own are apart, and what is tried is the mill idle in that hour, which costs more; the first run is no answer
    to the second. A time at which nothing runs, and a unit of no process, are refused. Sensitivity: the whole unit."""
    result = make_plan(plant(), PLAIN)
    reply = why(result, unit="mill", at="2026-01-05T07:00+00:00", time_limit_s=10.0)
    assert reply.question == "mill, Mon 05 Jan 07:00 to Mon 05 Jan 08:00"
    (fact,) = reply.facts
    assert fact.startswith("mill runs from Mon 05 Jan 07:00 to Mon 05 Jan 08:00")
    assert any("from Mon 05 Jan 00:00" in other for other in reply.rest)
    assert fact not in reply.rest
    keys = [answer.key for answer in reply.answers if answer.key != "as it is"]
    assert keys == ["idle"]
    idle = reply.answers[-1]
    assert idle.says == "mill idle, Mon 05 Jan 07:00 to Mon 05 Jan 08:00"
    assert idle.more is None or idle.more.cost > 0
    assert reply.summary()["rest"] == list(reply.rest)
    with pytest.raises(ScenarioError, match="no run at"):
        why(result, unit="mill", at="2026-01-05T04:00+00:00", time_limit_s=10.0)
    whole = why(result, unit="mill", time_limit_s=10.0)
    assert whole.rest == ()
    assert "without" in [answer.key for answer in whole.answers]
