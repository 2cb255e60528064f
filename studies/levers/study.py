"""Saving of each lever: shifting heats, battery, stores, engines, heat recovery, each alone and each as the last.

A lever is something that a plant can do without: ``shifting`` (heats at other times than the baseline's), the battery,
a store, a machine of the site. Of any set of levers the study knows what the plant comes to with these and no others,
the site used as well as can be in every case:

* **first in**: the baseline heats with this lever alone, against the baseline heats with none.
* **last in**: the joint plan with all levers, against all but this one.
* **by rules**: what the baseline has of it already, its day by plain rules with the lever against the same without.

First in and last in differ, because levers overlap: a battery has less to do where heats have moved already, and more
where an engine makes steam besides. Neither column adds up to what all levers bring together; what is missing stands
next to each as its interaction, below zero where levers do the same work and above where they help each other.

With ``shifting`` the best of all heats that were planned is taken (the joint plan's, those planned first, the
baseline's), but none are planned again for a plant without the lever. New ones could only better the case without, so
last in is the most that a lever of the site can be worth in the plan, up to what the searches have left open.

What a site cannot do without under the baseline heats is no lever: battery, stores and recoveries are taken away
first, boilers last, and what stays serves the need of its carrier, or keeps the import limit, in every case. Loads,
supplies, sales, PV and flexible loads always stay. Each case is followed by the twin without disturbance, and its
figures are the replay's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from functools import singledispatch
from typing import Any

import numpy as np
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
from emberline.scenarios.case.scenario import Producer, ProductionLine
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
        ValueError: there is no line, or the goal is lateness: then the site is not planned.
    """
    says = refused(scenario)
    if says:
        raise ValueError(says)
    variant = scenario.model_copy(update={"disturbances": scenario.disturbances.model_copy(update={"replications": 0})})
    tell: Progress = on_progress or (lambda event: None)

    def search(phase: str, request: Case, **how: Any) -> Plan:
        tell({"phase": phase})
        options: Any = how | {"on_progress": lambda event: tell({**event, "phase": phase}), "cancel": cancel}
        return make_plan(request, PLAIN, **options)

    first = search(SEQUENTIAL, _seen_by_production(variant))
    schedules, baseline = () if first.schedule is None else (first.schedule,), Baseline.of(variant)
    # from the baseline's heats and those planned first: never worse than both
    how = Search(others=schedules, lists=False, end_levels=False)
    joint_plan = search(JOINT, variant, baseline=baseline, search=how)
    return _Study(baseline, joint_plan, first).run(first, tell)


def refused(scenario: Scenario) -> str:
    """Why the levers of a scenario cannot be weighed; empty where they can."""
    alone = "there is no line, so there are no heats to plan first; emberline plan plans a site alone"
    says = next((_refused(producer) for producer in scenario.producers), alone)
    if not says and scenario.by_the_minute:
        return "goal.minimize: lateness plans no site, so there are no levers; use carbon or cost"
    return says


@singledispatch
def _refused(_: Producer) -> str:
    return "processes have no heats to plan first; emberline plan plans them with the site"


@_refused.register
def _(_: ProductionLine) -> str:
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


def _seen_by_production(scenario: Case) -> Case:
    """Scenario for planning production first: prices, tariff, carbon and limit of the grid, base load and PV."""
    return without(scenario, {BATTERY, *(asset.name for asset in scenario.site.assets)})


class _Study:
    """The cases of one scenario."""

    def __init__(self, baseline: Baseline, joint_plan: Plan, first: Plan) -> None:
        self.scenario, self.joint_plan, self.metric = baseline.scenario, joint_plan, goal_metric(baseline.scenario)
        self.envelope = baseline.envelope
        self.lists: dict[str, xr.Dataset] = {}
        by_name = {BASELINE: baseline.schedule, SEQUENTIAL: first.schedule, JOINT: joint_plan.schedule}
        for name, heats in by_name.items():
            # what was known before keeps its name
            if heats is not None and not any(_same(heats, other) for other in self.lists.values()):
                self.lists[name] = heats
        if SEQUENTIAL not in self.lists and first.schedule is not None:
            self.lists[SEQUENTIAL] = first.schedule
        self._ready: dict[frozenset[str], tuple[Baseline, redispatch.Redispatch]] = {}

    def run(self, first: Plan, tell: Progress) -> Levers:
        names = dict(candidates(self.scenario.site))
        essentials = self._essentials(list(names))
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
        rows = [self._lever(SHIFTING, "heats", (bare, self.case(every, shifted)), (managed, joint))]
        weighed(2, SHIFTING)
        for number, name in enumerate(options, start=3):
            alone, rest = self.case(every - {name}, (BASELINE,)), self.case(frozenset({name}), shifted)
            pair = self.ruled(frozenset({name})), ruled
            rows.append(self._lever(name, names[name], (bare, alone), (rest, joint), pair))
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
            f"{where}: {says}"
            for where, case in cases.items()
            if (says := case.reason or (f"{case.broken} violation(s)" if case.broken else ""))
        ]
        alone, added, by_rules = (change(self.scenario, *pair) if pair else None for pair in (first, last, ruled))
        return Lever(name, kind, alone, added, by_rules, "; ".join(reasons))

    def _essentials(self, names: list[str]) -> list[str]:
        """Levers of the site that the plant cannot do without when the others are taken away."""
        gone: set[str] = set()
        essentials = []
        for name in names:
            if self._site(frozenset({*gone, name}))[1].least(self.lists[BASELINE]) < float("inf"):
                gone.add(name)
            else:
                essentials.append(name)
        return essentials

    def _site(self, gone: frozenset[str]) -> tuple[Baseline, redispatch.Redispatch]:
        """The plant without some levers: its baseline, and its site made ready for any heats."""
        if gone not in self._ready:
            baseline = Baseline.of(without(self.scenario, gone), self.envelope)
            self._ready[gone] = baseline, redispatch.Redispatch(baseline.scenario, self.envelope, baseline.start)
        return self._ready[gone]

    def case(self, gone: frozenset[str], lists: tuple[str, ...]) -> LeverCase:
        """The plant without some levers under the best of some lists of heats."""
        baseline, site = self._site(gone)
        options = [name for name in lists if name in self.lists]
        least = {name: site.least(self.lists[name]) for name in options}
        best: tuple[str, redispatch.Redispatched] | None = None
        below: float | None = math.inf
        for name in sorted(options, key=least.__getitem__):
            # machines on in part already cost more than what is found: whole they cost no less
            if best is not None and least[name] >= best[1].rank:
                break
            dispatch = site.best(self.lists[name])
            below = None if below is None or dispatch.slack is None else min(below, dispatch.rank - dispatch.slack)
            if best is None or dispatch.rank < best[1].rank:
                best = name, dispatch
        if best is None:
            return LeverCase(heats=lists[0], figures=None, status="no plan", reason="no heats were found")
        name, dispatch = best
        slack = None if below is None else dispatch.rank - below
        if dispatch.schedule is None:
            return LeverCase(heats=name, figures=None, status=dispatch.status, reason=dispatch.reason)
        followed = follow(site.scenario, baseline=baseline, schedule=dispatch.schedule)
        figures, broken = followed.replay_figures, len(followed.violations)
        return LeverCase(name, figures, dispatch.status, slack, broken, dispatch.reason)

    def ruled(self, gone: frozenset[str]) -> LeverCase:
        """The baseline's day by rules, without some assets."""
        baseline, _ = self._site(gone)
        if not baseline.complete:
            return LeverCase(BASELINE, None, "no plan", reason="the baseline finds no place for all heats")
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
    """Whether two schedules have the same heats at the same time on the same units."""
    starts = np.array_equal(one["start_min"].to_numpy(), other["start_min"].to_numpy(), equal_nan=True)
    return starts and np.array_equal(one["unit"].to_numpy().astype(str), other["unit"].to_numpy().astype(str))
