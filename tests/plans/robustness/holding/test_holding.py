"""Plans that hold: the loop, what raises which margin, and the judge that steered nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import planned
import pytest
import xarray as xr

from emberline import twin
from emberline.plans import plan
from emberline.plans.jobs.engine import Engine
from emberline.plans.robustness.ensemble import Ensemble, ensemble, interval
from emberline.plans.robustness.holding import Robustness, hold
from emberline.plans.robustness.holding.breaks import breaks, steps
from emberline.plans.robustness.holding.hold import seed_of
from emberline.plans.robustness.holding.knobs import Knob, margins, most, raised, settings, value
from emberline.plans.store import ensembles
from emberline.plans.store.store import Store
from emberline.scenarios import Scenario
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.records.base import ScenarioError

N = 150


def shop(**text: Any) -> Scenario:
    """Two casts in a day: durations scatter by 10 %, and the furnace fails now and then."""
    disturbances = {
        "duration_spread": 0.1,
        "breakdowns": [{"unit": "F", "mtbf_h": 60, "mttr_min": 15}],
        "replications": 2,
        **text,
    }
    orders = [{"name": name, "heats": [{"grade": "G", "count": count}]} for name, count in (("A", 3), ("B", 2))]
    return planned.shop(orders=orders, disturbances=disturbances, goal={"gap": 0.05, "time_limit_s": 60})


@cache
def robust_plan() -> Robustness:
    """The loop's answer. Not to be changed."""
    return hold(shop(), Engine(), level=0.8, replications=N, time_limit_s=900)


def test_the_plain_plan_breaks_and_the_robust_one_holds() -> None:
    """Proves: margins are raised until the lower end of the interval reaches the level, on replications that steered
    nothing, the price is given on the same replications, and the plan is acceptable by the scenario's own limits.
    Sensitivity: without raises the plain plan's chance is reported.
    """
    result = robust_plan()
    assert result.judged is not None
    assert result.plain_judged is not None
    assert result.holds, (result.status, result.why)
    assert result.judged.n == result.plain_judged.n == N
    assert result.judged.chance[1] >= 0.8
    assert result.plain_judged.chance[2] < 0.8
    assert result.robust.acceptable
    assert margins(result.robust.scenario) != margins(shop())
    assert margins(result.plain.scenario) == margins(shop())
    text = result.robust.scenario
    assert (text.disturbances.hold, text.disturbances.replications) == (0.8, 2)
    assert text.goal == shop().goal
    # two plans, the same replications: the baseline does the same next to both
    for name in ("baseline_carbon_kg", "baseline_cost"):
        assert result.judged.data[name].to_numpy().tolist() == result.plain_judged.data[name].to_numpy().tolist()
    price = result.price["carbon_kg"]
    assert price["nominal"] == pytest.approx(
        result.robust.replay_figures.carbon_kg - result.plain.replay_figures.carbon_kg  # type: ignore[union-attr]
    )
    means = [float(item.data["carbon_kg"].mean()) for item in (result.judged, result.plain_judged)]
    assert price["mean"] == pytest.approx(means[0] - means[1])


def test_the_judge_is_neither_who_steers_nor_the_scenario() -> None:
    """Proves: seeds of steering and judging differ from each other, from round to round of judging, and from that of
    the plan's own replays. Sensitivity: one seed for all."""
    case = shop()
    names = [f"{kind} {i}" for kind in ("steering", "judging") for i in range(3)]
    seeds = [seed_of(case, name) for name in names]
    assert len({*seeds, case.disturbances.seed}) == 7
    assert robust_plan().judged.data.attrs["seed"] == seed_of(case, "judging 0")  # type: ignore[union-attr]
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_settings_make_the_same_plan_hold() -> None:
    """Proves: what is reported as --set gives the same margins, and the twin judges by the limits themselves: the
    schedule replayed under the plain scenario's limits breaks none undisturbed. Sensitivity: a margin that no setting
    names."""
    result = robust_plan()
    message = result.robust.scenario.disturbances
    by_key = dict(text.partition("=")[::2] for text in settings(result.robust.scenario))
    assert float(by_key["disturbances.planning_quantile"]) == message.planning_quantile
    for margin in message.margins:
        assert f"stage: {margin.stage}" in by_key["disturbances.margins"]
        assert f"slack_min: {margin.slack_min:g}" in by_key["disturbances.margins"] or not margin.slack_min
    if message.due_margin_min:
        assert float(by_key["disturbances.due_margin_min"]) == message.due_margin_min
    assert result.robust.schedule is not None
    assert twin.replay(shop(), result.robust.schedule).sizes["violation"] == 0


def test_a_robust_plan_is_stored_and_read_like_any_other(tmp_path: Path) -> None:
    """Proves: its margins, its judgement and the share that was asked for come back. Sensitivity: a scenario that loses
    its margins on the way."""
    result, store = robust_plan(), Store(tmp_path)
    with store.working(result.robust.scenario) as run:
        store.save(run, result.robust)
    back = store.open(run)
    assert back.plan.scenario.disturbances == result.robust.scenario.disturbances
    assert back.plan.replays is not None
    assert (back.plan.replays.n, back.plan.replays.successes) == (N, result.judged.successes)  # type: ignore[union-attr]
    ensembles.save(result.judged, back)  # type: ignore[arg-type]
    assert ensembles.seeds(back) == [seed_of(shop(), "judging 0")]


def test_cannot_is_said_where_no_margin_is_left() -> None:
    """Proves: a level out of reach ends in words, with the plan that held best. Sensitivity: holds regardless."""
    table = {"breakdowns": [{"unit": "C", "mtbf_h": 2, "mttr_min": 300}]}
    result = hold(shop(**table), Engine(), level=0.99, replications=40, time_limit_s=8)
    assert result.status in ("cannot", "out of time")
    assert result.why
    assert not result.holds
    assert result.judged is not None
    assert result.judged.chance[1] < 0.99
    assert result.judged.successes >= 0


def test_cancelled_before_the_first_round() -> None:
    """Proves: who cancels at once gets the plain plan, judged. Sensitivity: a loop that does not listen."""
    case, calls = shop(), [0]

    def soon() -> bool:
        calls[0] += 1
        return calls[0] > 2

    result = hold(case, Engine(), level=0.8, replications=20, time_limit_s=30, cancel=soon)
    assert result.status in ("cancelled", "no plan")


def test_what_cannot_be_asked() -> None:
    """Proves: nothing disturbed, and a level that is none, are refused. Sensitivity: an endless search."""
    with pytest.raises(ScenarioError, match="nothing is disturbed"):
        hold(planned.shop(), Engine())
    with pytest.raises(ValueError, match="a level lies between"):
        hold(shop(), Engine(), level=1.0)


def fake(first: list[int], amounts: list[float], late: list[float], kinds: list[tuple[str, str]]) -> Ensemble:
    """An ensemble of which only what broke first is reported."""
    n = len(first)
    missed = np.zeros((n, len(kinds)))
    for row, place in enumerate(first):
        if place >= 0:
            missed[row, place] = amounts[row]
    data = xr.Dataset(
        {
            "first_limit": ("replication", np.array(first)),
            "late_min": ("replication", np.array(late, dtype=float)),
            "missed_amount": (("replication", "limit"), missed),
            "held": ("replication", np.array([int(place < 0) for place in first])),
        },
        coords={
            "limit_kind": ("limit", [kind for kind, _ in kinds]),
            "limit_stage": ("limit", [stage for _, stage in kinds]),
        },
    )
    return Ensemble(shop(), data, n)


def test_each_break_raises_the_margin_that_answers_to_it() -> None:
    """Proves: gaps ask for slack before the caster, waits for shorter ones, late heats for time before they are due, by
    what was missed; by a quantile of it, so that a single bad day does not rule. Sensitivity: the largest amount."""
    kinds = [("cast", "casting"), ("wait", "casting"), ("unfinished", "casting"), ("battery", "")]
    first = [0] * 20 + [1] * 20 + [2] * 20 + [3] * 20 + [-1] * 20
    amounts = [10.0] * 19 + [500.0] + [8.0] * 20 + [250.0] * 20 + [1.0] * 20 + [0.0] * 20
    late = [0.0] * 40 + [25.0] * 20 + [0.0] * 40
    table = {row.knob: row.step(0.02) for row in breaks(fake(first, amounts, late, kinds))}
    assert table == {Knob("slack", "ladle"): 10.0, Knob("wait", "ladle"): 8.0, Knob("due"): 25.0}
    assert dict(steps(fake(first, amounts, late, kinds), 0.9, {Knob("due")})).keys() == {
        Knob("slack", "ladle"), Knob("wait", "ladle")
    }  # fmt: skip


def test_raises_stop_where_a_limit_leaves_no_room() -> None:
    """Proves: slack and shorter waits share what lies between transfer and longest wait, 30 min less a step; a raise is
    whole minutes; then there is none. Sensitivity: margins that no plan can keep."""
    case = shop()
    assert most(case, Knob("slack", "ladle")) == 15
    one = raised(case, Knob("slack", "ladle"), 7.2)
    assert one is not None
    assert value(one.disturbances, Knob("slack", "ladle")) == 8
    two = raised(one, Knob("wait", "ladle"), 30)
    assert two is not None
    assert value(two.disturbances, Knob("wait", "ladle")) == 7
    assert not list(between_nouns(two))
    assert raised(two, Knob("slack", "ladle"), 1) is None
    assert raised(two, Knob("import"), 1) is None
    assert raised(two, Knob("quantile", "melting"), 0.1) is not None


def test_a_plan_with_margins_keeps_them_and_a_bound() -> None:
    """Proves: the model keeps slack, waits and due margin to the minute on its slots, agrees with the twin, and is no
    better than the plan without. Sensitivity: a margin that the model does not read."""
    table = {"margins": [{"stage": "ladle", "slack_min": 10, "wait_min": 5}], "due_margin_min": 120}
    free, bound = plan(shop()), plan(shop(**table))
    assert bound.acceptable
    rows = bound.schedule
    assert rows is not None
    ends, starts = rows["end_min"].sel(stage="ladle"), rows["start_min"].sel(stage="casting")
    assert (starts - ends >= 15 + 10 - 1e-6).all()
    assert (starts - ends <= 45 - 5 + 1e-6).all()
    assert float(rows["end_min"].max()) <= 24 * 60 - 120
    assert free.bound is not None
    assert bound.objective is not None
    assert bound.objective >= free.bound - 1e-6
    assert bound.baseline_figures == free.baseline_figures


def test_the_same_margins_hold_the_same_on_any_seed_of_judging() -> None:
    """Proves: the judgement is no fluke of its seed: other fresh days give a chance whose interval meets it.

    Sensitivity: a plan that was fitted to the days it is judged on."""
    result = robust_plan()
    assert result.robust.schedule is not None
    other = ensemble(result.robust.scenario, result.robust.schedule, N, Engine(), seed=123456789)
    assert other is not None
    low, high = interval(other.successes, other.n)
    assert low <= result.judged.chance[2]  # type: ignore[union-attr]
    assert high >= result.judged.chance[1]  # type: ignore[union-attr]
    assert replace(result, status="cannot").holds is False
