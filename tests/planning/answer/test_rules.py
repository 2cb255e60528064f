"""Fair baselines: simple rules, and a baseline that no lock moves."""

from __future__ import annotations

import dataclasses

import numpy as np
import planned
import pytest
from enumerated import works as small_works
from shops import cast

from emberline import twin
from emberline.planning import Plan
from emberline.planning.accounts.sums import figures
from emberline.planning.answer import answer, rules
from emberline.planning.answer.rules import with_rules
from emberline.planning.engine.progress import Deadline
from emberline.planning.plan.holding import Holding
from emberline.planning.plan.pipeline import follow
from emberline.planning.plan.record import violations
from emberline.planning.plan.start_lists import ShiftRules, ruled, shift_rules, worst_hours
from emberline.runs.store import Store
from emberline.scenarios import Case

QUIET = {"replications": 0}


def followed(scenario: Case) -> Plan:
    """A plan without a search: the baseline's list."""
    return follow(scenario, schedule=twin.dispatch(scenario))


def test_the_worst_hours_of_each_day_are_rested() -> None:
    """Proves: of two days the two dirtiest hours of each are outages of the furnace, counted by hand, and a peak that
    is set is the import limit. Sensitivity: the dirtiest hours of both days together."""
    case = planned.shop(disturbances=QUIET)
    kg = np.arange(case.horizon.n_steps, dtype=float)
    attrs = case.inputs["carbon_intensity_kg_per_mwh"].attrs
    case = case.with_inputs(case.inputs.assign(carbon_intensity_kg_per_mwh=("time", kg, attrs)))
    worth = worst_hours(case, twin.envelope(case))
    variant = ruled(case, ShiftRules(("F",), "first", True), worth, 2.0, 33.0)
    spans = [
        (steps[0] * case.horizon.step_min, steps[-1] * case.horizon.step_min + case.horizon.step_min)
        for steps, _ in case.horizon.local_days()
    ]
    for begin, end in variant.outages["F"]:
        assert any(end == last and begin >= first for first, last in spans)  # it rises: the last hours of each day
    remaining = sum(end - begin for begin, end in variant.outages["F"])
    assert remaining == pytest.approx(sum(round(120 * share) for _, share in case.horizon.local_days()), abs=15)
    assert variant.site.grid.import_limit_mw == 33.0


def test_a_rule_is_told_with_what_the_plan_saves_beyond_it(tmp_path: object) -> None:
    """Proves: the rule's list keeps every limit and makes the same; its saving and what the plan saves beyond it add up
    to the plan's saving, also of the stored run. Sensitivity: a rule that leaves a heat out."""
    result = with_rules(followed(planned.shop(orders=[cast("A", 2)], disturbances=QUIET)))
    (rule,) = result.rules
    assert rule.name == "rest"
    scenario = result.scenario
    assert rule.figures.tonnes == result.baseline_figures.tonnes
    rules = shift_rules(scenario.producers[0])
    assert rule.units == rules.units
    again = ruled(scenario, rules, worst_hours(scenario, result.envelope), rule.hours, None)
    run = twin.replay(scenario, twin.dispatch(again))
    assert not violations(run)
    assert figures(scenario, run).carbon_kg == pytest.approx(rule.figures.carbon_kg)
    first = answer(result)
    assert first is not None
    head = first.headline
    assert head.rule is not None
    assert head.average is not None
    assert head.rule.saved + head.rule.beyond == pytest.approx(head.average.net)
    assert head.rule.saved > 0
    assert "a simple rule saves" in first.says
    store = Store(tmp_path / "home")  # type: ignore[operator]
    with store.working(scenario) as number:
        store.save(number, result)
    stored = answer(store.open(number).plan)
    assert stored is not None
    assert stored.headline == head


def test_tile_and_sentence_of_a_rule_have_one_basis() -> None:
    """Proves: with disturbed days both compare plan and rule on them, and without both are undisturbed; the tile says
    which. Sensitivity: an undisturbed tile next to a sentence of disturbed days."""
    first = answer(with_rules(followed(planned.shop(orders=[cast("A", 2)], disturbances=QUIET))))
    assert first is not None
    head = first.headline
    assert head.rule is not None
    for days, share, expected, ours in (
        (0, None, None, None),
        (100, 0.92, 1000.0, 3500.0),
        (100, 0.92, 3500.0, 1000.0),
    ):
        rule = dataclasses.replace(
            head.rule, beyond=8000.0, days=days, share=share, expected=expected, plan_expected=ours
        )
        variant = dataclasses.replace(first, headline=dataclasses.replace(head, rule=rule))
        tile = next(tile for tile in variant.tiles if tile.name == "rule")
        if expected is None or ours is None:
            assert tile.value.startswith("8 t CO2e less (")
            assert tile.brief == "undisturbed"
            assert "the plan saves 8 t CO2e more" in variant.says
        else:
            assert tile.value == f"2.50 t CO2e {'less' if ours > expected else 'more'}"
            assert tile.brief == "on 100 disturbed days; it holds on 92 %"
            assert "undisturbed the plan has 8 t CO2e less" in tile.note
            assert "2.50 t CO2e more" in variant.says
            assert tile.worse == (ours < expected)
    assert head.rule.over_cap == 0
    dear = dataclasses.replace(head, rule=dataclasses.replace(head.rule, over_cap=638.0))
    variant = dataclasses.replace(first, headline=dear)
    assert "The rule costs 638 EUR more than the cap on cost allows." in variant.says


def test_only_what_keeps_the_same_limits_is_a_rule() -> None:
    """Proves: a rule above a cap is none; goals of lateness and of a grade have none, nor has a works that cannot stop;
    a rule that is better than the bound says which limit it does not keep. Sensitivity: kg CO2e of a rule called
    minutes of lateness, "( at rest in the 1 dearest hours of each day)", and "(proven)" below a better rule."""
    orders = [cast("A", 2)]
    free = with_rules(followed(planned.shop(orders=orders, disturbances=QUIET)))
    (rule,) = free.rules
    caps = {"carbon_kg": rule.figures.carbon_kg - 1}
    for goal in ({"caps": caps}, {"minimize": "lateness"}, {"grade": "G"}):
        result = with_rules(followed(planned.shop(orders=orders, disturbances=QUIET, goal=goal)))
        assert result.acceptable
        assert result.rules == ()
    potline = {"name": "potline", "rate": {"low": 80.0, "high": 120.0, "usual": 100.0}, "power_mw": 4.0}
    potline |= {"must_run": True, "outputs": [{"store": "metal"}]}
    works = small_works(
        [potline], [{"name": "metal", "capacity_t": 5000.0, "level_t": 500.0}], price=[60.0] * 12 + [120.0] * 12,
        deliveries=[{"name": "cast house", "store": "metal", "rate": 100.0}],
    )  # fmt: skip
    assert with_rules(followed(works)).rules == ()
    first = answer(free)
    assert first is not None
    assert first.headline.rule is not None
    proven = {"objective": 1e5, "bound": 1e5, "gap": 0.0}
    for beyond, margins, text in (
        (-8000.0, False, "The starts of the rule lie between the steps of the plan."),
        (-8000.0, True, "The rule keeps no margins; this plan does."),
        (0.0, True, "more than that."),
    ):
        better = dataclasses.replace(first.headline.rule, beyond=beyond)
        head = dataclasses.replace(first.headline, rule=better, margins=margins, **proven)  # type: ignore[arg-type]
        line = next(line for line in dataclasses.replace(first, headline=head).lines if "simple rule" in line)
        assert line.endswith(text)


def test_a_lock_does_not_move_the_baseline() -> None:
    """Proves: with a lock into the dirtiest hours the saving is that against the baseline without it, so that the lock
    shows as a loss. Sensitivity: a baseline that is locked too, against which nothing is lost."""
    free = planned.shop(orders=[cast("A", 2)], disturbances=QUIET)
    locked = planned.shop(
        orders=[cast("A", 2)], disturbances=QUIET, locks=[{"heat": "A-1", "stage": "melting", "start": "1 h"}]
    )
    before, after = with_rules(followed(free)), with_rules(followed(locked))
    assert any(rule.name == "unlocked" for rule in after.rules)
    first = answer(after)
    assert first is not None
    assert first.headline.unlocked
    assert first.headline.average is not None
    assert after.replay_figures is not None
    lost = before.baseline_figures.carbon_kg - after.replay_figures.carbon_kg
    assert first.headline.average.net == pytest.approx(lost)
    assert "has no locks" in first.says


def test_what_was_not_compared_says_whose_time_it_was() -> None:
    """Proves: with a deadline that is over the plan says that no time was left; where its search had ended within its
    gap, that the disturbed days took it; with time left nothing is said. Sensitivity: a note about rules that were all
    compared."""
    result = followed(planned.shop(orders=[cast("A", 2)], disturbances=QUIET))
    assert with_rules(result, Deadline(0.0)).omissions == (rules.NO_TIME,)
    fields = dict.fromkeys(field.name for field in dataclasses.fields(Holding))
    for gap, note in ((0.0, rules.TIME_OF_DAYS), (0.5, rules.NO_TIME)):
        holding = Holding(**{**fields, "level": 0.9, "share": 1.0, "margins_gap": gap})  # type: ignore[arg-type]
        assert with_rules(dataclasses.replace(result, holding=holding), Deadline(0.0)).omissions == (note,)
    assert with_rules(result, Deadline(1.0, lambda: 0.0)).omissions == ()
