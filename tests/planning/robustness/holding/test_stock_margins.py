"""Stock that a plan keeps in a store, so that deliveries which are larger and a mill that fails do not empty it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest
from enumerated import works

from emberline import twin
from emberline.planning.engine.engine import Engine
from emberline.planning.planner import PLAIN, make_plan
from emberline.planning.robustness.holding import hold
from emberline.planning.robustness.holding.margin_updates import steps
from emberline.planning.robustness.holding.margins import Margin, margin_values, most, raised, settings
from emberline.planning.robustness.holding.violation_amounts import violation_amounts
from emberline.scenarios import Case
from emberline.scenarios.checking.mistakes import between_nouns

PRICES = [60.0] * 6 + [120.0] * 12 + [60.0] * 6


def mill(level_t: float = 600.0, **disturbances: Any) -> Case:
    """A mill with a silo of 1,200 t, 600 t in it, from which 100 t/h leave from 6 to 18; the other hours are cheap."""
    return works(
        [
            {
                "name": "mill", "rate": 100.0, "power_mw": 4.0, "outputs": [{"store": "cement"}], "min_run_h": 2.0,
                "min_rest_h": 1.0,
            }
        ],
        [{"name": "cement", "capacity_t": 1200.0, "level_t": level_t}],
        price=PRICES,
        deliveries=[
            {
                "name": "trucks", "store": "cement",
                "weekly": [{"weekdays": "mon-fri", "hours": "6-18", "rate_tph": 100.0}],
            }
        ],
        disturbances={"delivery_spread": 0.1, "rate_spread": 0.03, "replications": 2, **disturbances},
    )  # fmt: skip


def reserving(*reserve_t: float) -> Case:
    """The mill with a stock margin."""
    return mill(stock_margins=[{"store": "cement", "reserve_t": tonnes} for tonnes in reserve_t])


def lowest(scenario: Case) -> float:
    """Lowest level of the silo in the plan before the end [t]."""
    result = make_plan(scenario, PLAIN, replications=0)
    assert result.schedule is not None
    assert result.acceptable
    return float(result.schedule["stock_t"].sel(stock="cement").values[:-1].min())


def test_a_plan_keeps_the_stock_that_is_asked() -> None:
    """Proves: without margin the silo is full at 6 and empty at 18, as 12 cheap hours are enough; with one it never
    holds less, and each 100 t take an hour by day, 4 MWh that cost 60 EUR/MWh more.
    Sensitivity: fails when the margin is not a bound of the level.
    """
    assert lowest(mill()) == pytest.approx(0.0, abs=1e-6)
    assert make_plan(mill(), PLAIN, replications=0).objective == pytest.approx(12 * 4 * 60)
    assert lowest(reserving(200.0)) == pytest.approx(200.0, abs=1e-6)
    assert make_plan(reserving(200.0), PLAIN, replications=0).objective == pytest.approx(10 * 4 * 60 + 2 * 4 * 120)


def test_a_store_that_begins_with_less_is_kept_where_it_begins() -> None:
    """Proves: a margin above the level now leaves a plan, one with the level of now."""
    assert lowest(reserving(1000.0)) == pytest.approx(600.0, abs=1e-6)
    assert most(mill(), Margin("stock", "cement")) == 600.0


def test_missed_deliveries_ask_for_stock() -> None:
    """Proves: what the trucks lack is what the margin of their store is raised by, in hundredths of what it holds, and
    the plan with it misses fewer deliveries; beyond the level now the quantile of rates is next.
    """
    case = mill()
    draft = make_plan(case, PLAIN, replications=0)
    assert draft.schedule is not None
    days = violation_amounts(case, draft.schedule, 100, Engine(), seed=3)
    assert days is not None
    assert {limit.unit for limit in days.limits} == {"trucks"}
    assert days.successes < 70
    ((margin, by),) = steps(days, 0.9)
    assert margin == Margin("stock", "cement")
    assert 24.0 <= by <= 240.0
    more = raised(case, margin, by)
    assert more is not None
    assert more.disturbances.reserve_t("cement") % 12 == 0
    assert more.disturbances.reserve_t("cement") >= by
    after = make_plan(more, PLAIN, replications=0)
    assert after.schedule is not None
    again = violation_amounts(more, after.schedule, 100, Engine(), seed=3)
    assert again is not None
    assert again.successes > days.successes
    assert [margin.kind for margin, _ in steps(days, 0.9, {margin})] == ["rates"]


def test_the_loop_makes_a_mill_hold() -> None:
    """Proves: a plan that runs its silo empty is made to hold by stock, the overrides that are printed repeat it, and
    the answer says how low the silo gets in either plan.
    Sensitivity: by quantiles of rates alone no share above the draft's is reached.
    """
    answer = hold(mill(), Engine(), level=0.9, replications=200, work=900)
    assert answer.holds, (answer.status, answer.why)
    assert answer.plain_judged is not None
    assert answer.plain_judged.chance[2] < 0.9
    robust = answer.robust.scenario
    assert margin_values(robust)["cement.reserve_t"] > 0
    reserve = robust.disturbances.reserve_t("cement")
    assert f"disturbances.stock_margins=[{{store: cement, reserve_t: {reserve:g}}}]" in settings(robust)
    summary = answer.summary()
    robust_t, plain_t = (summary[one]["stocks"][0]["lowest"]["plan_t"] for one in ("robust", "plain"))
    assert plain_t == pytest.approx(0.0, abs=1e-6)
    assert robust_t >= reserve - 1e-6


def test_a_schedule_that_comes_again_is_not_replayed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a margin that changes nothing in a schedule of processes costs no replays (rates that do not scatter, at
    another quantile), and the days are those that replaying gives.
    """
    case = mill(level_t=0.0, rate_spread=0.0)
    draft = make_plan(case, PLAIN, replications=0)
    assert draft.schedule is not None
    followed: list[int] = []

    def counted(*args: Any, **more: Any) -> Any:
        followed.append(1)
        return violation_amounts(*args, **more)

    monkeypatch.setattr(import_module("emberline.planning.robustness.holding.hold"), "violation_amounts", counted)
    rounds = hold(case, Engine(), level=0.99, replications=60, work=900, plain=draft).rounds
    # the baseline is replayed as well
    assert len(followed) - 1 < len(rounds)
    slower = mill(level_t=0.0, rate_spread=0.0, planning_quantile=0.6)
    one, two = (violation_amounts(each, draft.schedule, 20, Engine(), seed=5) for each in (case, slower))
    assert one is not None
    assert two is not None
    np.testing.assert_array_equal(one.amount, two.amount)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([{"store": "clinker", "reserve_t": 1}], "unknown store 'clinker'; stores are cement"),
        ([{"store": "cement", "reserve_t": 1}] * 2, "'cement' is named twice"),
        ([{"store": "cement", "reserve_t": 1201}], "is more than cement holds, 1200 t"),
    ],
)
def test_a_stock_margin_of_a_store_that_cannot_have_it_is_refused(rows: list[dict[str, Any]], text: str) -> None:
    """Proves: each mistake is named."""
    case = mill()
    disturbances = case.disturbances.model_validate({**case.disturbances.model_dump(), "stock_margins": rows})
    wrong = case.model_copy(update={"disturbances": disturbances})
    assert [problem for _, problem in between_nouns(wrong)] == [text]


def test_the_baseline_has_no_stock_margin() -> None:
    """Proves: the rule that plans are compared with runs the same, margin or not."""
    one, two = (twin.dispatch(case, twin.envelope(case)) for case in (mill(), reserving(300.0)))
    np.testing.assert_array_equal(one["stock_t"].values, two["stock_t"].values)


def test_a_plant_without_stores_is_planned() -> None:
    """Proves: processes that need no store have no levels to keep. Sensitivity: a table of no stores."""
    case = works([{"name": "cell", "rate": 10.0, "power_mw": 2.0, "must_run": True}], [], price=[50.0] * 4)
    assert make_plan(case, PLAIN, replications=0).acceptable
