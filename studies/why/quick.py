"""A first answer to why there is no plan, within seconds.

What can be counted is counted. Then limits are loosened one by one, and the baseline's list says whether everything has
a place with it: a repair is one only where that list keeps every limit, or, of a site alone, where some use of it does.
The full search (``why_not``) may find smaller ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import xarray as xr

from emberline.models import explain
from emberline.models.search import schedule as schedules
from emberline.planning.engine.progress import Deadline
from emberline.planning.plan.baseline import Baseline, envelope_of
from emberline.planning.plan.counted import shortages
from emberline.planning.plan.pipeline import stands
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case, Scenario, ScenarioError, effort
from emberline.scenarios.checking import to_the_minute
from emberline.scenarios.line.rounding import worth_a_try
from emberline.scenarios.messages import Message
from emberline.studies.why.tuning import NEVER, QUICK_PLACES, REST, WHY
from emberline.studies.why.why_not import Changed, Repair, WhyNot, finer_steps, repair_of

__all__ = ["quick", "shortages", "without_place"]


def quick(changed: Changed, *, work: float = WHY.quick) -> WhyNot:
    """Quick diagnosis of a scenario without a plan.

    Args:
        changed: loads it with more overrides.
        work: at most (``scenarios/effort.py``).
    """
    return _Quick(changed, Deadline(work)).run()


@dataclass
class _Quick:
    changed: Changed
    deadline: Deadline

    @property
    def over(self) -> bool:
        return self.deadline.remaining < 0

    def run(self) -> WhyNot:
        scenario = self.changed(())
        to_the_minute.refuse(scenario)
        envelope = envelope_of(scenario)
        lacking = shortages(scenario, envelope)
        limits = sorted(explain.limits(scenario), key=lambda limit: (_place(limit), explain.PRICES[limit.kind]))
        repairs = self._finer(scenario)
        attempts = 0
        for limit in limits if not repairs else ():  # where rounding is all that is in the way, no limit is
            soon_over = self.deadline.spent > WHY.quick_share * self.deadline.limit
            if self.over or len(repairs) >= WHY.quick_enough or (repairs and soon_over):
                break
            if _place(limit) == NEVER:
                continue
            attempts += 1
            value = self._value(limit)
            if value is not None:
                repairs.append(repair_of([(limit, value)]))
        repairs.sort(key=lambda repair: (repair.cancels, repair.price))
        status = "unknown"
        if lacking:
            status = "infeasible" if scenario.by_step or explain.hours(scenario, envelope) else schedules.ON_GRID
        keys = {key for repair in repairs for key in repair.keys}
        in_the_way = [limit for limit in limits if limit.key in keys]
        return WhyNot(
            status=status,
            step_min=scenario.horizon.step_min,
            missing=(*lacking, *without_place(scenario, envelope)),
            conflict=tuple(limit.statement for limit in in_the_way),
            keys=tuple(limit.key for limit in in_the_way),
            repairs=tuple(repairs),
            attempts=attempts,
            of=len(limits),
            seconds=round(self.deadline.seconds, 3),
        )

    def _finer(self, scenario: Scenario) -> list[Repair]:
        """Finer steps, the coarsest on which everything has a place; empty: none, or it has on the scenario's too."""
        steps = worth_a_try(scenario)[: WHY.finer_steps]
        if not steps or self._works(()):
            return []
        repairs = (finer_steps(scenario, step) for step in steps)
        return list(islice((repair for repair in repairs if not self.over and self._works(repair.overrides)), 1))

    def _works(self, overrides: tuple[str, ...]) -> bool:
        """Whether the baseline's list is a plan with some overrides."""
        try:
            scenario = self.changed(overrides)
        except ScenarioError:
            return False
        envelope = envelope_of(scenario)
        baseline = Baseline.of(scenario, envelope, over=lambda: self.over)
        if baseline.complete and stands(scenario, baseline):
            return True
        if scenario.producers or shortages(scenario, envelope):
            return False
        return self._planned(scenario, baseline)

    def _planned(self, scenario: Case, baseline: Baseline) -> bool:
        """Whether any use of a site keeps all limits: one is soon known."""
        request = scenario.with_goal(gap=1.0, effort=self.deadline.limit)
        return make_plan(request, PLAIN, baseline=baseline, replications=0).schedule is not None

    def _value(self, limit: explain.Limit) -> float | None:
        """The value nearest to its own with which everything has a place; None: none is known."""
        loose = limit.rounded(limit.loosest)
        if not self._works(limit.write(loose)):
            return None
        if limit.dropped:
            return loose
        tight, parts = limit.value, list(WHY.quick_parts)
        while abs(loose - tight) > WHY.close * limit.scale and not self.over:
            middle = limit.rounded(tight + (loose - tight) * (parts.pop(0) if parts else 0.5))
            if limit.sign * (loose - middle) <= 0 or limit.sign * (middle - tight) <= 0:
                if parts:
                    continue
                middle = limit.next_to(tight)
                if limit.sign * (loose - middle) <= 0:
                    break
            if self._works(limit.write(middle)):
                loose, parts = middle, []
            else:
                tight = middle
        return loose


def _place(limit: explain.Limit) -> int:
    return QUICK_PLACES.get(limit.kind, REST)


def without_place(scenario: Case, envelope: xr.Dataset | None = None) -> list[str]:
    """Heats for which the baseline has no place, as a sentence; empty where it makes all: then there is a plan, or
    nothing speaks against one.

    Args:
        scenario: what is asked.
        envelope: of the scenario, where it is known.
    """
    if all(producer.by_step for producer in scenario.producers):
        return []
    end = effort.now() + WHY.quick_list
    baseline = Baseline.of(scenario, envelope, over=lambda: effort.now() > end)
    heats = str(baseline.schedule.attrs["unplaced"])
    return [Message("the baseline finds no place for {heats}", heats=heats)] if heats else []
