"""Fair baselines: what a shift would reach by simple rules, without a computer.

*Rest*: the units that draw most rest in the k worst hours of each day, as the goal counts electricity, as long as
everything is still made in time; k is the one with which the goal's figure is least. *Peak*: where peaks cost, the
lowest peak with which everything is made in time is set and kept. Both together are tried too.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator

from emberline.plans.accounts.figures import Figures, Rule, comparable
from emberline.plans.accounts.stock import difference
from emberline.plans.accounts.sums import figures
from emberline.plans.plan.baseline import Baseline
from emberline.plans.plan.record import Plan, violations
from emberline.plans.plan.start_lists import leading_units, lower_peaks, ruled, worst_hours
from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import goal_metric

HOURS = (1, 2, 3, 4, 5, 6, 8)
"""Hours of rest a day that are tried."""
TIME_LIMIT_S = 10.0
"""Of the processor, for all rules of a plan."""


def with_rules(plan: Plan) -> Plan:
    """The plan with the rules that it can be compared with: the best simple one, and the baseline without locks."""
    scenario, references = plan.scenario, []
    if not plan.has_schedule or not (scenario.heats or scenario.processes):
        return plan
    free, reference = scenario, plan.baseline_figures
    if scenario.locks:
        free = scenario.model_copy(update={"locks": ()}).with_inputs(scenario.inputs)
        unlocked = Baseline.of(free)
        if not comparable(unlocked.figures, plan.baseline_figures) or not unlocked.complete:
            return plan
        reference = unlocked.figures
        references.append(Rule("unlocked", reference))
    rules = [rule for rule in _candidates(free) if comparable(reference, rule.figures)]
    if rules:
        references.append(min(rules, key=lambda rule: goal_value(free, reference, rule.figures)))
    return dataclasses.replace(plan, rules=tuple(references))


def goal_value(scenario: Scenario, reference: Figures, sums: Figures) -> float:
    """The goal's figure of a run, what it ends with in stock more than a reference credited."""
    metric = goal_metric(scenario)
    return metric.of(sums) - difference(reference, sums).credit(metric.figure)


def _candidates(scenario: Scenario) -> Iterator[Rule]:
    """Rules with which everything is made in time and every limit is kept."""
    from emberline import twin

    until = time.process_time() + TIME_LIMIT_S
    baseline = Baseline.of(scenario, over=lambda: _over(until))
    envelope = baseline.envelope
    peaks: list[float | None] = [None]
    if scenario.heats:
        lists = list(lower_peaks(scenario, envelope, baseline.schedule))
        peaks += [float(lists[-1]["meter_mw"].max())] if lists else []
    units = leading_units(scenario)
    worst = worst_hours(scenario, envelope)
    for peak_mw in peaks:
        for hours in (0, *HOURS):
            if (not hours and peak_mw is None) or _over(until):
                continue
            variant = ruled(scenario, units, worst, hours, peak_mw)
            listed = Baseline.of(variant, over=lambda: _over(until))
            if not listed.complete:
                break
            schedule = listed.schedule
            # works decide as they go, so that they rest only in the variant
            run = listed.run if scenario.processes else twin.replay(scenario, schedule)
            if violations(run):
                continue
            name = " and ".join(word for word, used in (("rest", hours), ("peak", peak_mw)) if used)
            resting = units if hours else ()
            yield Rule(name, figures(scenario, run, nominated=schedule), resting, float(hours), peak_mw)


def _over(until: float) -> bool:
    return time.process_time() > until
