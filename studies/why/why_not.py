"""Diagnosis of an infeasible scenario: the limits that leave no plan, and the smallest changes that allow one.

A repair is a list of overrides as for ``--set``. It must be confirmed by a known plan: the baseline's schedule if it
keeps every limit, or a schedule found by the search. Its size is determined by slack variables for limits that are
linear in the model, otherwise by bisection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import xarray as xr

from emberline.models import explain
from emberline.models.search import schedule as schedules
from emberline.planning.engine.progress import Deadline
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.pipeline import Search, stands
from emberline.planning.plan.record import violations
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case, Scenario, ScenarioError, effort
from emberline.scenarios.checking import to_the_minute
from emberline.scenarios.line.rounding import worth_a_try
from emberline.scenarios.messages import Message
from emberline.scenarios.plain import Plain
from emberline.studies.why.tuning import LAST_RESORT, SHARES, WHY

__all__ = ["Repair", "WhyNot", "why_not"]

Changed = Callable[[Sequence[str]], Case]
"""Function that returns the scenario with additional overrides."""


@dataclass(frozen=True)
class Repair(Plain):
    """Changes that make a scenario feasible."""

    named = {"overrides": "set", "kinds": ""}
    says: tuple[str, ...]
    overrides: tuple[str, ...]
    keys: tuple[str, ...]
    """Limits that are loosened."""
    price: float
    """Price of the changes, weighted by kind of limit (``emberline.models.explain.PRICES``)."""
    kinds: tuple[str, ...] = ()
    cancels: bool = False
    """Whether an order, a delivery or a demand is dropped entirely; such a repair is never applied automatically."""


@dataclass(frozen=True)
class WhyNot(Plain):
    """Diagnosis of a scenario without a plan."""

    named = {"keys": "conflict_keys", "attempts": "limits_tried", "of": "limits"}
    status: str
    """``feasible``, ``infeasible`` (proven), ``no plan on this grid`` (proven for starts on steps) or ``unknown``:
    neither a plan nor a proof was found."""
    step_min: float = 0.0
    """Step of the scenario."""
    missing: tuple[str, ...] = ()
    """Shortages that can be counted: hours of units, power."""
    conflict: tuple[str, ...] = ()
    """Conflicting limits."""
    keys: tuple[str, ...] = ()
    """Keys of the conflicting limits."""
    irreducible: bool = False
    """Whether each of them is needed for the conflict."""
    repairs: tuple[Repair, ...] = ()
    """Repairs in increasing order of price, with those that drop deliveries last; each makes the scenario feasible on
    its own."""
    attempts: int = 0
    """Number of limits that were tried."""
    of: int = 0
    complete: bool = False
    """Whether the search for repairs was completed."""
    seconds: float = 0.0

    @property
    def repair(self) -> Repair | None:
        """Smallest repair that still delivers and serves everything; None: there is none."""
        return next((repair for repair in self.repairs if not repair.cancels), None)


def why_not(
    changed: Changed,
    *,
    time_limit_s: float = WHY.limit,
    work: float | None = None,
    on_progress: Callable[[str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    proven: bool = False,
) -> WhyNot:
    """Explain why a scenario has no plan.

    Args:
        changed: function that loads the scenario with additional overrides.
        time_limit_s: time limit, after which the results so far are reported.
        work: maximum effort (``scenarios/effort.py``); None: equal to the seconds.
        on_progress: called with a line for each step.
        cancel: polled; True ends the search for repairs.
        proven: whether it is already proven that there is no plan, at least on the scenario's steps.
    """
    with effort.net(time_limit_s):
        tell, polled = on_progress or (lambda line: None), cancel or (lambda: False)
        return _Search(changed, Deadline(work or time_limit_s), tell, polled).run(proven)


@dataclass
class _Search:
    changed: Changed
    deadline: Deadline
    tell: Callable[[str], None]
    cancel: Callable[[], bool]
    elastic: explain.Elastic | None = None
    repairs: list[Repair] = field(default_factory=list)
    hopeless: set[tuple[str, float]] = field(default_factory=set)
    """Limits that do not help however far they are loosened."""
    named: set[str] = field(default_factory=set)
    """Keys of conflicting limits, if known."""

    @property
    def over(self) -> bool:
        return self.deadline.remaining <= 0 or self.cancel()

    def run(self, proven: bool) -> WhyNot:
        scenario = self.changed(())
        to_the_minute.refuse(scenario)
        self.tell(Message("is there a plan?"))
        verdict = False if proven else self.judge(())
        doubtful = verdict is None
        if doubtful:
            self._finer(scenario)
        if verdict is None and not self.repairs and not self.over:
            self.tell(Message("is there a plan? more time for it"))
            verdict = self.judge((), WHY.patience_as_it_is)
        if verdict:
            return self._report("feasible", scenario)
        if verdict is None:
            # without a proof, no limit is blamed, and finer steps are the only repair offered
            repairs, count = tuple(self.repairs), len(explain.limits(scenario))
            return self._report("unknown", scenario, repairs=repairs, complete=bool(repairs), of=count)
        baseline = Baseline.of(scenario)
        envelope, listed = baseline.envelope, baseline.start
        limits = explain.limits(scenario)
        shortages = explain.missing(scenario, envelope)
        conflict: list[Any] = []
        irreducible = False
        if all(producer.by_step for producer in scenario.producers):
            self.tell(Message("which limits cannot all hold?"))
            start = listed if listed is not None and not violations(baseline.run) else None
            self.elastic = explain.Elastic(scenario, envelope, start, limits)
            conflict = self.elastic.conflict(work=min(self.deadline.remaining / 4, WHY.conflict))
            irreducible = bool(conflict)
            if not conflict and self.elastic.smallest(work=self.deadline.remaining / 4):
                conflict = self.elastic.proof()
        if not doubtful and not explain.hours(scenario, envelope):
            self._finer(scenario)
        self.named = {one.limit.key for one in conflict}
        if conflict and not self.over:
            self._least_sum()
        count = self._singles(limits)
        if not self.repairs and not self.over:
            self._together(limits)
        self.repairs.sort(key=lambda repair: (repair.cancels, repair.price))
        text, keys = tuple(one.says(scenario) for one in conflict), tuple(one.limit.key for one in conflict)
        if not conflict:
            # limits that make the scenario feasible on their own take part in every conflict
            shared = [limit for limit in limits if any(repair.keys == (limit.key,) for repair in self.repairs)]
            text, keys = tuple(limit.statement for limit in shared), tuple(limit.key for limit in shared)
        return self._report(
            self._status(scenario, envelope, listed),
            scenario,
            missing=tuple(shortages),
            conflict=text,
            keys=keys,
            irreducible=irreducible,
            repairs=tuple(self.repairs[: WHY.repairs]),
            attempts=count,
            of=len(limits),
            complete=not self.over,
        )

    def _report(self, status: str, scenario: Scenario, **fields: Any) -> WhyNot:
        return WhyNot(status, scenario.horizon.step_min, **fields, seconds=round(self.deadline.seconds, 3))

    def judge(self, overrides: Sequence[str], patience: float = WHY.patience) -> bool | None:
        """Return whether there is a plan with overrides; None: neither a plan nor a proof was found in time.

        Args:
            overrides: overrides of the scenario.
            patience: divisor of the remaining time that may be spent, with a minimum of a few seconds.
        """
        try:
            scenario = self.changed(overrides)
        except ScenarioError:
            return False
        baseline = Baseline.of(scenario)
        envelope, listed = baseline.envelope, baseline.start
        if listed is not None and explain.baseline_holds(scenario, envelope, listed):
            return True
        if listed is not None and stands(scenario, baseline):
            return True
        # less time for further repairs
        work = max(WHY.judged, self.deadline.remaining / patience) / (2 if self.repairs else 1)
        if explain.missing(scenario, envelope) or explain.impossible(scenario, envelope, listed, work=work):
            return False
        hasty = scenario.with_goal(gap=1.0, effort=work)
        search = Search(lists=False, end_levels=False)
        trial = make_plan(hasty, PLAIN, baseline=baseline, search=search, replications=0, cancel=self.cancel)
        if trial.has_schedule:
            # a plan with violations in the twin does not count
            return None if trial.violations else True
        return False if trial.ruled_out else None

    def _status(self, scenario: Case, envelope: xr.Dataset, listed: xr.Dataset | None) -> str:
        """Return the proven status when no plan on slots is possible."""
        if any("horizon.step_min" in repair.keys for repair in self.repairs):
            return schedules.ON_GRID
        proven = explain.hours(scenario, envelope) or explain.impossible_at_all(
            scenario, envelope, listed, work=max(WHY.judged, self.deadline.remaining / WHY.patience)
        )
        return "infeasible" if proven else schedules.ON_GRID

    def _finer(self, scenario: Scenario) -> None:
        """Try finer steps, which reduce rounding, and add the coarsest feasible ones as a repair."""
        for step in worth_a_try(scenario)[: WHY.finer_steps]:
            if self.over:
                return
            self.tell(Message("steps of {step} min", step=step))
            repair = finer_steps(scenario, step)
            if self.judge(repair.overrides):
                self.repairs.append(repair)
                return

    def _singles(self, limits: list[explain.Limit]) -> int:
        """Try each limit separately, those of the conflict first; return the number tried."""
        order = sorted(limits, key=lambda limit: limit.key not in self.named)
        count = 0
        for limit in order:
            if self.over:
                break
            if self.repairs and explain.PRICES[limit.kind] >= LAST_RESORT:
                continue
            if any(repair.keys == (limit.key,) for repair in self.repairs):
                continue
            self.tell(Message("{number} of {of}: {limit}", number=count + 1, of=len(order), limit=limit.name))
            count += 1
            value = self._value(limit)
            if value is not None:
                self.repairs.append(repair_of([(limit, value)]))
        return count

    def _value(self, limit: explain.Limit) -> float | None:
        """Find the value nearest to a limit's own for which there is a plan; None: none is known."""
        least = limit.value
        if self.elastic is not None and limit in self.elastic.limits:
            if self.named and limit.key not in self.named:
                # a conflict cannot be resolved by other limits
                self.hopeless.add((limit.key, limit.sign))
                return None
            threshold = self.elastic.alone(limit, work=min(self.deadline.remaining, WHY.conflict))
            if threshold is None:
                self.hopeless.add((limit.key, limit.sign))
                return None
            least = threshold
            for grow in WHY.growth[:3]:
                value = limit.rounded(limit.value + grow * (least - limit.value))
                if value != limit.value and self.judge(limit.write(value)):
                    return value
        for share in SHARES.get(limit.kind, (1.0,)):
            loose = limit.rounded(limit.value + share * (limit.loosest - limit.value))
            if self.judge(limit.write(loose)):
                return loose if limit.dropped else self._halved(limit, least, loose, ())
        return None

    def _halved(self, limit: explain.Limit, tight: float, loose: float, others: Sequence[str]) -> float:
        """Find the tightest feasible value by bisection; the loose value is known to be feasible."""
        while not self.over and abs(loose - tight) > WHY.close * limit.scale:
            middle = limit.rounded((tight + loose) / 2)
            if limit.sign * (loose - middle) <= 1e-9:
                middle = limit.next_to(tight)
                if limit.sign * (loose - middle) <= 1e-9 or limit.sign * (middle - tight) <= 1e-9:
                    break
            if self.judge([*others, *limit.write(middle)]):
                loose = middle
            elif limit.sign * (middle - tight) <= 1e-9:
                break
            else:
                tight = middle
        return loose

    def _together(self, limits: list[explain.Limit]) -> None:
        """Loosen several limits at once: by the elastic model, else all of them, then restore them one by one."""
        self.tell(Message("several limits at once"))
        if self.elastic is not None and not self.named and self._least_sum():
            return
        candidates: dict[str, explain.Limit] = {}
        for limit in limits:
            single = limit.key.startswith("locks.") or explain.PRICES[limit.kind] >= LAST_RESORT
            if not single and (limit.key, limit.sign) not in self.hopeless:
                candidates.setdefault(limit.key, limit)
        selection = self._accepted(list(candidates.values()))
        values = {limit.key: limit.loosest for limit in selection}

        def overrides(but: str = "") -> list[str]:
            return _overrides([(limit, values[limit.key]) for limit in selection if limit.key != but])

        if not selection or not self.judge(overrides()):
            return
        for limit in reversed(selection[:]):
            if not self.over and self.judge(overrides(limit.key)):
                selection.remove(limit)
        for limit in selection:
            if not limit.dropped and not self.over:
                values[limit.key] = self._halved(limit, limit.value, limit.loosest, overrides(limit.key))
        self.repairs.append(repair_of([(limit, values[limit.key]) for limit in selection]))

    def _accepted(self, candidates: list[explain.Limit]) -> list[explain.Limit]:
        """Return the limits that can be loosened without making the scenario invalid."""
        limits = []
        for limit in candidates:
            try:
                self.changed(limit.write(limit.loosest))
            except ScenarioError:
                continue
            limits.append(limit)
        return limits

    def _least_sum(self) -> bool:
        """Try the smallest sum of slack of the relaxation, then of the integer model, then larger multiples."""
        assert self.elastic is not None
        for relax in (True, False):
            least = self.elastic.smallest(work=max(self.deadline.remaining / 4, 1.0), relax=relax)
            if not least or (not relax and not self.elastic.whole):
                continue
            by_key = {limit.key: limit for limit in self.elastic.limits if limit.key in least}
            for grow in WHY.growth:
                loosenings = [
                    (limit, limit.rounded(limit.value + grow * (least[key] - limit.value)))
                    for key, limit in by_key.items()
                ]
                if self.judge(_overrides(loosenings), WHY.patience / 4):
                    self.repairs.append(repair_of(loosenings))
                    return True
        return False


def finer_steps(scenario: Scenario, step: int) -> Repair:
    """Return the repair that plans a scenario on finer steps [min]."""
    text = Message("steps of {finer:g} min instead of {step:g} min", finer=step, step=scenario.horizon.step_min)
    return Repair((text,), (f"horizon.step_min={step}",), ("horizon.step_min",), explain.PRICES["step"], ("step",))


def _overrides(loosenings: Sequence[tuple[explain.Limit, float]]) -> list[str]:
    """Overrides of several limits; dropped ones come last, so that they stay dropped."""
    ordered = sorted(loosenings, key=lambda loosening: loosening[0].dropped)
    return [text for limit, value in ordered for text in limit.write(value)]


def repair_of(loosenings: Sequence[tuple[explain.Limit, float]]) -> Repair:
    """Return the repair that gives some limits other values."""
    return Repair(
        says=tuple(limit.says(value) for limit, value in loosenings),
        overrides=tuple(_overrides(loosenings)),
        keys=tuple(limit.key for limit, _ in loosenings),
        price=sum(limit.price(value) for limit, value in loosenings),
        kinds=tuple(limit.kind for limit, _ in loosenings),
        cancels=any(limit.cancels(value) for limit, value in loosenings),
    )
