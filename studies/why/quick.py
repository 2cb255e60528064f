"""Quick diagnosis, within seconds, of a scenario without a plan.

Shortages are counted first. Then limits are loosened one by one, and the baseline's schedule shows whether everything
fits. A change counts as a repair only if that schedule keeps every limit or, for a site without producers, if some use
of it does. The full search (``why_not``) may find smaller repairs.
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
    """Make a quick diagnosis of a scenario without a plan.

    Args:
        changed: function that loads the scenario with additional overrides.
        work: maximum work (``scenarios/effort.py``).
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
        for limit in limits if not repairs else ():  # if finer steps suffice, no limit is at fault
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
        """Return the coarsest finer steps on which everything fits; empty: none, or it also fits on the scenario's
        steps."""
        steps = worth_a_try(scenario)[: WHY.finer_steps]
        if not steps or self._works(()):
            return []
        repairs = (finer_steps(scenario, step) for step in steps)
        return list(islice((repair for repair in repairs if not self.over and self._works(repair.overrides)), 1))

    def _works(self, overrides: tuple[str, ...]) -> bool:
        """Return whether the baseline's schedule is a plan with some overrides."""
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
        """Return whether any use of a site keeps all limits, which is found quickly."""
        request = scenario.with_goal(gap=1.0, effort=self.deadline.limit)
        return make_plan(request, PLAIN, baseline=baseline, replications=0).schedule is not None

    def _value(self, limit: explain.Limit) -> float | None:
        """Find the value nearest to the limit's own for which everything fits; None: none is known."""
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
    """Heats that the baseline cannot place, as a sentence; empty if it places all: then there is a plan, or no evidence
    against one.

    Args:
        scenario: scenario to check.
        envelope: envelope of the scenario, if known.
    """
    if all(producer.by_step for producer in scenario.producers):
        return []
    end = effort.now() + WHY.quick_list
    baseline = Baseline.of(scenario, envelope, over=lambda: effort.now() > end)
    heats = str(baseline.schedule.attrs["unplaced"])
    return [Message("the baseline finds no place for {heats}", heats=heats)] if heats else []
