"""What each lever brings: shifting heats, battery, stores, engines, heat recovery, each alone and each as the last.

A lever is something that a plant can do without: ``shifting`` (heats at other times than the baseline's), the battery,
a store, a machine of the site. Of any set of levers the study knows what the plant comes to with these and no others,
the site used as well as can be in every case:

* **first in**: the baseline heats with this lever alone, against the baseline heats with none.
* **last in**: the joint plan with all levers, against all but this one.
* **by rules**: what the baseline has of it already, its day by plain rules with the lever against the same without.

First in and last in differ, because levers overlap: a battery has less to do where heats have moved already, and more
where an engine makes steam besides. Neither column adds up to what all levers bring together; what is missing stands
beside each as its interaction, below nought where levers do the same work and above where they help each other.

With ``shifting`` the best of all heats that were planned is taken (the joint plan's, those planned first, the
baseline's), but none are planned anew for a plant without the lever. New ones could only better the case without, so
last in is the most that a lever of the site can be worth in the plan, up to what the searches have left open.

What a site cannot do without under the baseline heats is no lever: battery, stores and recoveries are taken away
first, boilers last, and what stays serves the need of its carrier, or keeps the import limit, in every case. Loads,
supplies, sales, PV and flexible loads always stay. Each case is followed by the twin without disturbance, and its
figures are the replay's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

import numpy as np
import xarray as xr

from emberline.models import redispatch
from emberline.plans.levers.case import BASELINE, JOINT, SEQUENTIAL, Case, Lever, Levers, change
from emberline.plans.plan.baseline import Baseline
from emberline.plans.plan.pipeline import Search, plan
from emberline.plans.plan.progress import Progress
from emberline.plans.plan.record import Plan, violations
from emberline.scenarios import Scenario
from emberline.scenarios.assets import Boiler, Machine, Storage, WasteHeatRecovery, of
from emberline.scenarios.goal_metrics import goal_metric
from emberline.scenarios.records.site import Site

SHIFTING, BATTERY = "shifting", "battery"
BETTER = 1e-9
"""By how much, as a share, a plan must be better than another one to take its place."""


def levers(
    scenario: Scenario,
    *,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Levers:
    """Find out what each lever brings.

    Args:
        scenario: what is asked; its goal's gap and time limit hold for each of the two searches, and a fifth of the
            time for each use of the site. Disturbed replays are left out.
        on_progress: told ``phase`` (``sequential``, ``joint``, ``levers``) with what the search tells, and while the
            levers are weighed ``done``, ``of`` and ``lever``.
        cancel: polled; True ends the searches with the best found so far.

    Raises:
        ValueError: there is no line, or the goal is lateness: then the site is not planned.
    """
    says = refused(scenario)
    if says:
        raise ValueError(says)
    asked = scenario.model_copy(update={"disturbances": scenario.disturbances.model_copy(update={"replications": 0})})
    tell: Progress = on_progress or (lambda event: None)

    tell({"phase": SEQUENTIAL})
    first = plan(
        _seen_by_production(asked), on_progress=lambda event: tell({**event, "phase": SEQUENTIAL}), cancel=cancel
    )
    tell({"phase": JOINT})
    known = () if first.schedule is None else (first.schedule,)
    # from the baseline's heats and those planned first: never worse than both
    made = plan(
        asked,
        baseline=(baseline := Baseline.of(asked)),
        search=Search(others=known, lists=False, end_levels=False),
        on_progress=lambda event: tell({**event, "phase": JOINT}),
        cancel=cancel,
    )
    study = _Study(baseline, made, first)
    return study.run(first, tell)


def refused(scenario: Scenario) -> str:
    """Why the levers of a scenario cannot be told; empty where they can."""
    if scenario.processes:
        return "processes have no heats to plan first; emberline plan plans them with the site"
    if not scenario.orders:
        return "there is no line, so there are no heats to plan first; emberline plan plans a site alone"
    if scenario.goal.minimize == "lateness":
        return "goal.minimize: lateness plans no site, so there are no levers; use carbon or cost"
    return ""


def candidates(site: Site) -> list[tuple[str, str]]:
    """Name and kind of what may be a lever: those first that are most likely dispensable."""
    found = [(BATTERY, "battery")] if site.battery is not None else []
    machines = [machine for machine in of(site.assets, Machine) if machine.decided]
    recovery, boilers = of(machines, WasteHeatRecovery), of(machines, Boiler)
    rest = [machine for machine in machines if machine not in (*recovery, *boilers)]
    return found + [(asset.name, asset.kind) for asset in (*of(site.assets, Storage), *recovery, *rest, *boilers)]


def without(scenario: Scenario, names: Collection[str]) -> Scenario:
    """The scenario without its battery or some assets; what serves the carriers beside them stays."""
    site = scenario.site
    fields = {name: getattr(site, name) for name in Site.model_fields}
    fields["battery"] = None if BATTERY in names else site.battery
    fields["assets"] = tuple(asset for asset in site.assets if asset.name not in names)
    # a new record: a copy would keep what it has looked up of its assets
    return scenario.model_copy(update={"site": Site.model_construct(**fields)})


def _seen_by_production(scenario: Scenario) -> Scenario:
    """What production planned first sees: prices, tariff, carbon and limit of the grid, base load and PV."""
    return without(scenario, {BATTERY, *(asset.name for asset in scenario.site.assets)})


class _Study:
    """The cases of one scenario."""

    def __init__(self, baseline: Baseline, made: Plan, first: Plan) -> None:
        self.scenario, self.made, self.metric = baseline.scenario, made, goal_metric(baseline.scenario)
        self.envelope = baseline.envelope
        self.lists: dict[str, xr.Dataset] = {}
        known = {BASELINE: baseline.schedule, SEQUENTIAL: first.schedule, JOINT: made.schedule}
        for name, heats in known.items():
            # what was known before keeps its name
            if heats is not None and not any(_same(heats, other) for other in self.lists.values()):
                self.lists[name] = heats
        if SEQUENTIAL not in self.lists and first.schedule is not None:
            self.lists[SEQUENTIAL] = first.schedule
        self._ready: dict[frozenset[str], tuple[Baseline, redispatch.Redispatch]] = {}

    def run(self, first: Plan, tell: Progress) -> Levers:
        names = dict(candidates(self.scenario.site))
        needed = self._needed(list(names))
        own = [name for name in names if name not in needed]
        every = frozenset(own)
        total = len(own) + 2
        shifted = tuple(self.lists)

        def weighed(done: int, lever: str) -> None:
            tell({"phase": "levers", "done": done, "of": total, "lever": lever})

        bare = self.case(every, (BASELINE,))
        managed = self.case(frozenset(), (BASELINE,))
        sequential = self.case(frozenset(), (SEQUENTIAL,))
        joint = self._joint(shifted)
        weighed(1, "all")
        ruled = self.ruled(frozenset())
        found = [
            self._lever(SHIFTING, "heats", bare, self.case(every, shifted), managed, joint, ruled=(None, None)),
        ]
        weighed(2, SHIFTING)
        for number, name in enumerate(own, start=3):
            alone, rest = self.case(every - {name}, (BASELINE,)), self.case(frozenset({name}), shifted)
            pair = self.ruled(frozenset({name})), ruled
            found.append(self._lever(name, names[name], bare, alone, rest, joint, ruled=pair))
            weighed(number, name)
        bound, gap = self._proven(joint)
        return Levers(
            scenario=self.scenario, baseline=ruled, bare=bare, managed=managed, sequential=sequential, joint=joint,
            heats_first=first, search=self.made, bound=bound, gap=gap, levers=tuple(found), needed=tuple(needed),
        )  # fmt: skip

    def _lever(
        self, name: str, kind: str, bare: Case, alone: Case, rest: Case, joint: Case, *,
        ruled: tuple[Case | None, Case | None],
    ) -> Lever:  # fmt: skip
        asked = self.scenario
        without_it, with_it = ruled
        told = [
            f"{where}: {says}"
            for where, case in (("alone", alone), ("without it", rest), ("by rules, without it", without_it))
            if case is not None and (says := case.reason or (f"{case.broken} violation(s)" if case.broken else ""))
        ]
        return Lever(
            name=name,
            kind=kind,
            first=change(asked, bare, alone),
            last=change(asked, rest, joint),
            ruled=change(asked, without_it, with_it) if without_it and with_it else None,
            reason="; ".join(told),
        )

    def _needed(self, names: list[str]) -> list[str]:
        """What cannot be taken away, the others taken away already."""
        gone: set[str] = set()
        kept = []
        for name in names:
            if self._site(frozenset({*gone, name}))[1].least(self.lists[BASELINE]) < float("inf"):
                gone.add(name)
            else:
                kept.append(name)
        return kept

    def _site(self, gone: frozenset[str]) -> tuple[Baseline, redispatch.Redispatch]:
        """The plant without some levers: its baseline, and its site made ready for any heats."""
        if gone not in self._ready:
            baseline = Baseline.of(without(self.scenario, gone), self.envelope)
            self._ready[gone] = baseline, redispatch.Redispatch(baseline.scenario, self.envelope, baseline.start)
        return self._ready[gone]

    def case(self, gone: frozenset[str], lists: tuple[str, ...]) -> Case:
        """The plant without some levers under the best of some lists of heats."""
        baseline, site = self._site(gone)
        known = [name for name in lists if name in self.lists]
        least = {name: site.least(self.lists[name]) for name in known}
        best: tuple[str, redispatch.Redispatched] | None = None
        below: float | None = math.inf
        for name in sorted(known, key=least.__getitem__):
            # machines on in part already cost more than what is found: whole they cost no less
            if best is not None and least[name] >= best[1].rank:
                break
            found = site.best(self.lists[name])
            below = None if below is None or found.slack is None else min(below, found.rank - found.slack)
            if best is None or found.rank < best[1].rank:
                best = name, found
        if best is None:
            return Case(heats=lists[0], figures=None, status="no plan", reason="no heats were found")
        name, found = best
        slack = None if below is None else found.rank - below
        if found.schedule is None:
            return Case(heats=name, figures=None, status=found.status, reason=found.reason)
        followed = plan(site.scenario, baseline=baseline, schedule=found.schedule)
        return Case(
            heats=name,
            figures=followed.replay_figures,
            status=found.status,
            slack=slack,
            broken=len(followed.violations),
            reason=found.reason,
        )

    def ruled(self, gone: frozenset[str]) -> Case:
        """The baseline's day by rules, without some assets."""
        baseline, _ = self._site(gone)
        if not baseline.complete:
            return Case(BASELINE, None, "no plan", reason="the baseline finds no place for all heats")
        return Case(BASELINE, baseline.figures, "by rules", slack=0.0, broken=len(violations(baseline.run)))

    def _joint(self, shifted: tuple[str, ...]) -> Case:
        """The best plan of all: the searched one as it is, or its heats or others with the site planned once more."""
        again = self.case(frozenset(), shifted)
        made = self.made
        if made.replay_figures is None or made.violations:
            return again
        own = self.metric.of(made.replay_figures)
        other = None if again.figures is None or again.reason else self.metric.of(again.figures)
        if other is not None and other <= own + BETTER * abs(own):
            return again
        return Case(JOINT, made.replay_figures, made.status, broken=len(made.violations))

    def _proven(self, joint: Case) -> tuple[float | None, float | None]:
        """Bound on the goal in the measure of the figures, and the joint plan's gap on what can be decided."""
        made = self.made
        if made.bound is None or made.objective is None or made.schedule_figures is None or joint.figures is None:
            return None, None
        constant = self.metric.of(made.schedule_figures) - made.objective
        value = self.metric.of(joint.figures) - constant
        return made.bound + constant, max(value - made.bound, 0.0) / max(abs(value), 1e-9)


def _same(one: xr.Dataset, other: xr.Dataset) -> bool:
    """Whether two schedules have the same heats at the same time on the same units."""
    starts = np.array_equal(one["start_min"].to_numpy(), other["start_min"].to_numpy(), equal_nan=True)
    return starts and np.array_equal(one["unit"].to_numpy().astype(str), other["unit"].to_numpy().astype(str))
