"""Saving of each lever (shifting heats, battery, stores, engines, heat recovery), alone and as the last one added.

A lever is something dispensable: ``shifting`` (heats or runs at other times than the baseline's), the battery, a store,
or a machine of the site. The study evaluates the plant with different sets of levers, with the site used optimally in
every case:

* **first in**: the baseline heats with only this lever, against the baseline heats with none.
* **last in**: the joint plan with all levers, against all except this one.
* **by rules**: the saving of the lever under the baseline's simple rules, against the same rules without it.

First in and last in differ because levers overlap: a battery is worth less if heats have already moved, and more if an
engine also makes steam. Neither column adds up to the total of all levers; the difference is reported as interaction.
It is negative where levers substitute each other, and positive where they complement each other.

For ``shifting``, the best of all planned heats is taken (those of the joint plan, those planned first, the baseline's),
but heats are not planned again for a plant without the lever. New heats could only improve the case without it, so that
last in is an upper limit for the value of a site lever in the plan, up to the gaps of the searches. The same applies to
runs of processes; their plans have no stock credit, so that savings are those of the figures.

Assets that a site requires under the baseline heats are not levers: battery, stores and heat recoveries are removed
first, boilers last, and those that remain serve the demand of their carrier, or keep the import limit, in every case.
Loads, supplies, sales, PV and flexible loads always stay. Each case is simulated in the twin without disturbances, and
its figures are those of the replay.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import cached_property
from typing import Any

import xarray as xr

from emberline.models.strategies import redispatch
from emberline.planning.engine.progress import Progress
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.pipeline import Search, follow
from emberline.planning.plan.record import Plan, violations
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case, Scenario
from emberline.scenarios.assets.base import Named
from emberline.scenarios.assets.converter import Machine
from emberline.scenarios.assets.machines import Boiler, WasteHeatRecovery
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.case.site import Site
from emberline.scenarios.goal_metrics import goal_metric
from emberline.studies.levers.case import BASELINE, JOINT, SEQUENTIAL, Lever, LeverCase, Levers, change

Pair = tuple[LeverCase, LeverCase]
"""Cases before and after a change."""
SHIFTING, BATTERY = "shifting", "battery"
NEEDS = {Storage: 0, WasteHeatRecovery: 1, Machine: 2, Boiler: 3}
"""Rank of each kind of lever by necessity; those with the lowest rank are removed first."""
BETTER = 1e-9
"""Relative improvement required for a plan to replace another one."""


def levers(
    scenario: Case,
    *,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Levers:
    """Evaluate the saving of each lever.

    Args:
        scenario: scenario to study; its goal's gap and time limit apply to each of the two searches, and a fifth of the
            time to each use of the site. Disturbed replays are left out.
        on_progress: called with ``phase`` (``sequential``, ``joint``, ``levers``) and the search's event; while levers
            are evaluated also with ``done``, ``of`` and ``lever``.
        cancel: polled; True ends the searches with the best plans so far.

    Raises:
        ValueError: there is no production, or the goal is lateness, which does not plan the site.
    """
    text = refused(scenario)
    if text:
        raise ValueError(text)
    variant = scenario.model_copy(update={"disturbances": scenario.disturbances.model_copy(update={"replications": 0})})
    if scenario.producers[0].by_step:  # so that savings are those of the figures
        variant = variant.with_goal(credit_stock=False)
    tell: Progress = on_progress or (lambda event: None)

    def search(phase: str, request: Case, **how: Any) -> Plan:
        tell({"phase": phase})
        options: Any = how | {"on_progress": lambda event: tell({**event, "phase": phase}), "cancel": cancel}
        return make_plan(request, PLAIN, **options)

    baseline = Baseline.of(variant)
    study = _Study(baseline)
    first = search(SEQUENTIAL, _seen_by_production(variant, study.needs if study.producer.by_step else ()))
    schedules = () if first.schedule is None else (first.schedule,)
    # starting from the heats of the baseline and of the first search, so that the result is never worse than both
    how = Search(others=schedules, lists=False, end_levels=False)
    joint_plan = search(JOINT, variant, baseline=baseline, search=how)
    return study.run(first, joint_plan, tell)


def refused(scenario: Scenario) -> str:
    """Return the reason why the levers of a scenario cannot be evaluated; empty if they can."""
    if not scenario.producers:
        return "nothing is produced, so there is no production to plan first; emberline plan plans a site alone"
    if scenario.by_the_minute:
        return "goal.minimize: lateness plans no site, so there are no levers; use carbon or cost"
    return ""


def candidates(site: Site) -> list[tuple[str, str]]:
    """Names and kinds of possible levers, the most dispensable first."""
    pairs = [(BATTERY, "battery")] if site.battery is not None else []
    needs = [(need, asset) for asset in site.assets if asset.decided and (need := _need(asset)) is not None]
    return pairs + [(asset.name, asset.kind) for _, asset in sorted(needs, key=lambda pair: pair[0])]


def _need(asset: Named) -> int | None:
    """Rank of an asset's kind in ``NEEDS``; None if it is never a lever."""
    return next((NEEDS[kind] for kind in type(asset).__mro__ if kind in NEEDS), None)


def without(scenario: Case, names: Collection[str]) -> Case:
    """Return the scenario without its battery or some assets; everything else stays."""
    site = scenario.site
    fields = {name: getattr(site, name) for name in Site.model_fields}
    fields["battery"] = None if BATTERY in names else site.battery
    fields["assets"] = tuple(asset for asset in site.assets if asset.name not in names)
    # a new record, because a copy would keep cached properties of its assets
    return scenario.model_copy(update={"site": Site.model_construct(**fields)})


def _seen_by_production(scenario: Case, needs: Collection[str]) -> Case:
    """Scenario for planning production first: prices, tariff, carbon and limit of the grid, base load and PV, and the
    assets that production needs."""
    return without(scenario, {BATTERY, *(asset.name for asset in scenario.site.assets)} - set(needs))


class _Study:
    """Cases of one scenario."""

    def __init__(self, baseline: Baseline) -> None:
        self.scenario, self.metric = baseline.scenario, goal_metric(baseline.scenario)
        self.envelope, self.producer = baseline.envelope, baseline.scenario.producers[0]
        self.lists = {BASELINE: baseline.schedule}
        self._sites: dict[frozenset[str], redispatch.Redispatch] = {}
        self._baselines: dict[frozenset[str], Baseline] = {}

    def run(self, first: Plan, joint_plan: Plan, tell: Progress) -> Levers:
        self.joint_plan = joint_plan
        for name, plan in ((SEQUENTIAL, first), (JOINT, joint_plan)):
            # identical schedules keep their first name
            if plan.schedule is not None and not any(_same(plan.schedule, other) for other in self.lists.values()):
                self.lists[name] = plan.schedule
        if SEQUENTIAL not in self.lists and first.schedule is not None:
            self.lists[SEQUENTIAL] = first.schedule
        names = dict(candidates(self.scenario.site))
        essentials = self.essentials
        options = [name for name in names if name not in essentials]
        every = frozenset(options)
        total = len(options) + 2
        shifted = tuple(self.lists)

        def weighed(count: int, lever: str) -> None:
            tell({"phase": "levers", "done": count, "of": total, "lever": lever})

        bare = self.case(every, (BASELINE,))
        managed = self.case(frozenset(), (BASELINE,))
        sequential = self.case(frozenset(), (SEQUENTIAL,))
        joint = self._joint(shifted)
        weighed(1, "all")
        ruled = self.ruled(frozenset())
        rows = [self._lever(SHIFTING, self.producer.table, (bare, self.case(every, shifted)), (managed, joint))]
        weighed(2, SHIFTING)
        for number, name in enumerate(options, start=3):
            alone, remaining = self.case(every - {name}, (BASELINE,)), self.case(frozenset({name}), shifted)
            pair = self.ruled(frozenset({name})), ruled
            rows.append(self._lever(name, names[name], (bare, alone), (remaining, joint), pair))
            weighed(number, name)
        bound, gap = self._proven(joint)
        return Levers(
            scenario=self.scenario, baseline=ruled, bare=bare, managed=managed, sequential=sequential, joint=joint,
            heats_first=first, search=self.joint_plan, bound=bound, gap=gap, levers=tuple(rows),
            essentials=tuple(essentials),
        )  # fmt: skip

    def _lever(self, name: str, kind: str, first: Pair, last: Pair, ruled: Pair | None = None) -> Lever:
        """Evaluate a lever from the cases without it and with it, in each column."""
        cases = {"alone": first[1], "without it": last[0]} | ({"by rules, without it": ruled[0]} if ruled else {})
        reasons = [
            f"{where}: {text}"
            for where, case in cases.items()
            if (text := case.reason or (f"{case.broken} violation(s)" if case.broken else ""))
        ]
        alone, added, by_rules = (change(self.scenario, *pair) if pair else None for pair in (first, last, ruled))
        return Lever(name, kind, alone, added, by_rules, "; ".join(reasons))

    @cached_property
    def essentials(self) -> list[str]:
        """Levers of the site that the plant requires when the others are removed."""
        gone: set[str] = set()
        essentials = []
        for name, _ in candidates(self.scenario.site):
            if self._site(frozenset({*gone, name})).least(self.lists[BASELINE]) < float("inf"):
                gone.add(name)
            else:
                essentials.append(name)
        return essentials

    @property
    def needs(self) -> set[str]:
        """Assets that are not levers: fuels of processes, and heat sources that they require."""
        options = {name for name, _ in candidates(self.scenario.site)}.difference(self.essentials)
        return {BATTERY, *(asset.name for asset in self.scenario.site.assets)} - options

    def _baseline(self, gone: frozenset[str]) -> Baseline:
        """Baseline of the plant without some levers."""
        if gone not in self._baselines:
            self._baselines[gone] = Baseline.of(without(self.scenario, gone), self.envelope)
        return self._baselines[gone]

    def _site(self, gone: frozenset[str]) -> redispatch.Redispatch:
        """Redispatch model of the plant without some levers, for any heats or runs."""
        if gone not in self._sites:
            capped = self.scenario.goal.caps.extra_cost_share is not None
            start = self._baseline(gone).start if capped else None
            self._sites[gone] = redispatch.Redispatch(without(self.scenario, gone), self.envelope, start)
        return self._sites[gone]

    def case(self, gone: frozenset[str], lists: tuple[str, ...]) -> LeverCase:
        """Case of the plant without some levers, under the best of several lists of heats."""
        baseline, site = self._baseline(gone), self._site(gone)
        options = [name for name in lists if name in self.lists]
        least = {name: site.least(self.lists[name]) for name in options}
        best: tuple[float, LeverCase] | None = None
        below: float | None = math.inf
        for name in sorted(options, key=least.__getitem__):
            # the relaxation already costs more than the incumbent
            if best is not None and least[name] >= best[0] and not self.producer.by_step:
                break
            dispatch = site.best(self.lists[name])
            case = LeverCase(name, None, dispatch.status, reason=dispatch.reason)
            rank = dispatch.rank
            if dispatch.schedule is not None:
                followed = follow(site.scenario, baseline=baseline, schedule=dispatch.schedule)
                figures, broken = followed.replay_figures, len(followed.violations)
                case = LeverCase(name, figures, dispatch.status, dispatch.slack, broken, dispatch.reason)
                if self.producer.by_step and figures is not None:  # the goal includes more than the site
                    rank = math.inf if broken or dispatch.reason else self.metric.of(figures)
            below = None if below is None or dispatch.slack is None else min(below, rank - dispatch.slack)
            if best is None or rank < best[0]:
                best = rank, case
        if best is None:
            return LeverCase(lists[0], None, "no plan", reason=f"no {self.producer.table} were found")
        rank, case = best
        return case if case.figures is None else replace(case, slack=None if below is None else rank - below)

    def ruled(self, gone: frozenset[str]) -> LeverCase:
        """Case of the baseline's operation by rules, without some assets."""
        baseline = self._baseline(gone)
        if not baseline.complete:
            return LeverCase(BASELINE, None, "no plan", reason="the baseline does not complete all orders")
        return LeverCase(BASELINE, baseline.figures, "by rules", slack=0.0, broken=len(violations(baseline.run)))

    def _joint(self, shifted: tuple[str, ...]) -> LeverCase:
        """Return the best of all plans: the searched one, or its heats or others with the site planned again."""
        again = self.case(frozenset(), shifted)
        joint_plan = self.joint_plan
        if joint_plan.replay_figures is None or joint_plan.violations:
            return again
        plan_value = self.metric.of(joint_plan.replay_figures)
        other = None if again.figures is None or again.reason else self.metric.of(again.figures)
        if other is not None and other <= plan_value + BETTER * abs(plan_value):
            return again
        return LeverCase(JOINT, joint_plan.replay_figures, joint_plan.status, broken=len(joint_plan.violations))

    def _proven(self, joint: LeverCase) -> tuple[float | None, float | None]:
        """Bound on the goal in the measure of the figures, and the joint plan's gap without fixed emissions and
        costs."""
        bound, objective, sums = self.joint_plan.bound, self.joint_plan.objective, self.joint_plan.schedule_figures
        if bound is None or objective is None or sums is None or joint.figures is None:
            return None, None
        constant = self.metric.of(sums) - objective
        value = self.metric.of(joint.figures) - constant
        return bound + constant, max(value - bound, 0.0) / max(abs(value), 1e-9)


def _same(one: xr.Dataset, other: xr.Dataset) -> bool:
    """Return whether two schedules have the same heats at the same times on the same units, or the same runs."""
    names = [name for name in ("start_min", "unit", "process_mode", "process_tph") if name in one]
    return all(one[name].equals(other[name]) for name in names)
