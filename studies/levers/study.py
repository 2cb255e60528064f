"""Saving of each lever: shifting heats, battery, stores, engines, heat recovery, each alone and each as the last.

A lever is something that a plant can do without: ``shifting`` (heats or runs at other times than the baseline's), the
battery, a store, a machine of the site. Of any set of levers the study knows what the plant comes to with these and no
others, the site used as well as can be in every case:

* **first in**: the baseline heats with this lever alone, against the baseline heats with none.
* **last in**: the joint plan with all levers, against all but this one.
* **by rules**: what the baseline has of it already, its day by plain rules with the lever against the same without.

First in and last in differ, because levers overlap: a battery has less to do where heats have moved already, and more
where an engine makes steam besides. Neither column adds up to what all levers bring together; what is missing stands
next to each as its interaction, below zero where levers do the same work and above where they help each other.

With ``shifting`` the best of all heats that were planned is taken (the joint plan's, those planned first, the
baseline's), but none are planned again for a plant without the lever. New ones could only better the case without, so
last in is the most that a lever of the site can be worth in the plan, up to what the searches have left open. What is
said of heats holds for runs of processes; their plans credit no stock, so that savings are those of the figures.

What a site cannot do without under the baseline heats is no lever: battery, stores and recoveries are taken away
first, boilers last, and what stays serves the need of its carrier, or keeps the import limit, in every case. Loads,
supplies, sales, PV and flexible loads always stay. Each case is followed by the twin without disturbance, and its
figures are the replay's.
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
"""Rank of how much a plant needs each kind of lever. Those with the lowest rank are taken away first."""
BETTER = 1e-9
"""By how much, as a share, a plan must be better than another one to take its place."""


def levers(
    scenario: Case,
    *,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Levers:
    """Find out what each lever brings.

    Args:
        scenario: what is asked; its goal's gap and time limit hold for each of the two searches, and a fifth of the
            time for each use of the site. Disturbed replays are left out.
        on_progress: called with ``phase`` (``sequential``, ``joint``, ``levers``) and the search's event, and while the
            levers are weighed ``done``, ``of`` and ``lever``.
        cancel: polled; True ends the searches with the best found so far.

    Raises:
        ValueError: nothing is produced, or the goal is lateness: then the site is not planned.
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
    # from the baseline's heats and those planned first: never worse than both
    how = Search(others=schedules, lists=False, end_levels=False)
    joint_plan = search(JOINT, variant, baseline=baseline, search=how)
    return study.run(first, joint_plan, tell)


def refused(scenario: Scenario) -> str:
    """Why the levers of a scenario cannot be weighed; empty where they can."""
    if not scenario.producers:
        return "nothing is produced, so there is no production to plan first; emberline plan plans a site alone"
    if scenario.by_the_minute:
        return "goal.minimize: lateness plans no site, so there are no levers; use carbon or cost"
    return ""


def candidates(site: Site) -> list[tuple[str, str]]:
    """Name and kind of what may be a lever: those first that are most likely dispensable."""
    pairs = [(BATTERY, "battery")] if site.battery is not None else []
    needs = [(need, asset) for asset in site.assets if asset.decided and (need := _need(asset)) is not None]
    return pairs + [(asset.name, asset.kind) for _, asset in sorted(needs, key=lambda pair: pair[0])]


def _need(asset: Named) -> int | None:
    """Rank of an asset's kind in ``NEEDS``. None if it is never a lever."""
    return next((NEEDS[kind] for kind in type(asset).__mro__ if kind in NEEDS), None)


def without(scenario: Case, names: Collection[str]) -> Case:
    """The scenario without its battery or some assets; what else serves the carriers stays."""
    site = scenario.site
    fields = {name: getattr(site, name) for name in Site.model_fields}
    fields["battery"] = None if BATTERY in names else site.battery
    fields["assets"] = tuple(asset for asset in site.assets if asset.name not in names)
    # a new record: a copy would keep what it has looked up of its assets
    return scenario.model_copy(update={"site": Site.model_construct(**fields)})


def _seen_by_production(scenario: Case, needs: Collection[str]) -> Case:
    """Scenario for planning production first: prices, tariff, carbon and limit of the grid, base load and PV, and the
    assets that production needs."""
    return without(scenario, {BATTERY, *(asset.name for asset in scenario.site.assets)} - set(needs))


class _Study:
    """The cases of one scenario."""

    def __init__(self, baseline: Baseline) -> None:
        self.scenario, self.metric = baseline.scenario, goal_metric(baseline.scenario)
        self.envelope, self.producer = baseline.envelope, baseline.scenario.producers[0]
        self.lists = {BASELINE: baseline.schedule}
        self._sites: dict[frozenset[str], redispatch.Redispatch] = {}
        self._baselines: dict[frozenset[str], Baseline] = {}

    def run(self, first: Plan, joint_plan: Plan, tell: Progress) -> Levers:
        self.joint_plan = joint_plan
        for name, plan in ((SEQUENTIAL, first), (JOINT, joint_plan)):
            # what was known before keeps its name
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
        """A lever by the cases without it and with it, in each column."""
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
        """Levers of the site that the plant cannot do without when the others are taken away."""
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
        """Assets that are no lever: fuels of processes, and the heat that they cannot do without."""
        options = {name for name, _ in candidates(self.scenario.site)}.difference(self.essentials)
        return {BATTERY, *(asset.name for asset in self.scenario.site.assets)} - options

    def _baseline(self, gone: frozenset[str]) -> Baseline:
        """Baseline of the plant without some levers."""
        if gone not in self._baselines:
            self._baselines[gone] = Baseline.of(without(self.scenario, gone), self.envelope)
        return self._baselines[gone]

    def _site(self, gone: frozenset[str]) -> redispatch.Redispatch:
        """Site of the plant without some levers, made ready for any heats or runs."""
        if gone not in self._sites:
            capped = self.scenario.goal.caps.extra_cost_share is not None
            start = self._baseline(gone).start if capped else None
            self._sites[gone] = redispatch.Redispatch(without(self.scenario, gone), self.envelope, start)
        return self._sites[gone]

    def case(self, gone: frozenset[str], lists: tuple[str, ...]) -> LeverCase:
        """The plant without some levers under the best of some lists of heats."""
        baseline, site = self._baseline(gone), self._site(gone)
        options = [name for name in lists if name in self.lists]
        least = {name: site.least(self.lists[name]) for name in options}
        best: tuple[float, LeverCase] | None = None
        below: float | None = math.inf
        for name in sorted(options, key=least.__getitem__):
            # machines on in part already cost more than what is found: whole they cost no less
            if best is not None and least[name] >= best[0] and not self.producer.by_step:
                break
            dispatch = site.best(self.lists[name])
            case = LeverCase(name, None, dispatch.status, reason=dispatch.reason)
            rank = dispatch.rank
            if dispatch.schedule is not None:
                followed = follow(site.scenario, baseline=baseline, schedule=dispatch.schedule)
                figures, broken = followed.replay_figures, len(followed.violations)
                case = LeverCase(name, figures, dispatch.status, dispatch.slack, broken, dispatch.reason)
                if self.producer.by_step and figures is not None:  # runs count besides what the site does for them
                    rank = math.inf if broken or dispatch.reason else self.metric.of(figures)
            below = None if below is None or dispatch.slack is None else min(below, rank - dispatch.slack)
            if best is None or rank < best[0]:
                best = rank, case
        if best is None:
            return LeverCase(lists[0], None, "no plan", reason=f"no {self.producer.table} were found")
        rank, case = best
        return case if case.figures is None else replace(case, slack=None if below is None else rank - below)

    def ruled(self, gone: frozenset[str]) -> LeverCase:
        """The baseline's day by rules, without some assets."""
        baseline = self._baseline(gone)
        if not baseline.complete:
            return LeverCase(BASELINE, None, "no plan", reason="the baseline does not make all that is wanted")
        return LeverCase(BASELINE, baseline.figures, "by rules", slack=0.0, broken=len(violations(baseline.run)))

    def _joint(self, shifted: tuple[str, ...]) -> LeverCase:
        """The best plan of all: the searched one as it is, or its heats or others with the site planned once more."""
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
        """Bound on the goal in the measure of the figures, and the joint plan's gap on what can be decided."""
        bound, objective, sums = self.joint_plan.bound, self.joint_plan.objective, self.joint_plan.schedule_figures
        if bound is None or objective is None or sums is None or joint.figures is None:
            return None, None
        constant = self.metric.of(sums) - objective
        value = self.metric.of(joint.figures) - constant
        return bound + constant, max(value - bound, 0.0) / max(abs(value), 1e-9)


def _same(one: xr.Dataset, other: xr.Dataset) -> bool:
    """Whether two schedules have the same heats at the same time on the same units, or the same runs."""
    names = [name for name in ("start_min", "unit", "process_mode", "process_tph") if name in one]
    return all(one[name].equals(other[name]) for name in names)
