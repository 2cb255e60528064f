"""What each mechanism of the searches is good for: switched off in turn, its plans and bounds compared with the whole.

A mechanism is named with the functions that stand for it, and with what they answer when it is switched off. Cases have
an effort, which counts work, and no gap, so that nothing depends on the machine. Each is searched on several dates,
which have prices of their own, and the whole also with 0.9 and 1.1 times the effort: how far those differ is the noise,
and a mechanism whose plans and bounds differ by no more on any case is not needed.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.instruments.quiet import quiet
from benchmarks.instruments.scaled import of_heats
from benchmarks.planning.site_weeks import BATTERY, CHARGE
from benchmarks.registry import bench, included
from benchmarks.reporting.findings import NEVER, Findings, Row, Table, measured
from emberline import models, twin
from emberline.models.search.tuning import LINE, LINE_AND_SITE
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.start_lists import start_lists
from emberline.scenarios import Case, effort, load

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "oracles"))

FACTORS = (0.9, 1.1)
"""Of the effort, with which the whole is searched as well."""
Patches = dict[str, Any]
"""By place in the package, what stands there instead."""


def answer(value: Any) -> Callable[..., Any]:
    """A function that does nothing."""
    return lambda *args, **more: value


def _idle(search: Any, *more: Any) -> None:
    """Let the bound rise, and look for no plan."""
    while not search.phase_over():
        effort.spend(0.05)


class _NoBound:
    """What proves nothing."""

    over = False
    failure = None

    def run(self) -> None:
        """Do nothing."""


S, B, H, N = "models.strategies", "models.bounds", "models.heuristics.line", "models.formulations.line"
P, D = "models.heuristics.processes", "planning.plan.start_lists"
PLANS: Patches = {f"{S}.line.bound_of": lambda search: _NoBound()}
"""Plans alone."""
BOUNDS: Patches = {
    f"{S}.whole_horizon.plans": _idle, f"{S}.due_date_groups.run": _idle, f"{S}.whole_horizon.go_on": answer(None),
    f"{S}.line.ruin_and_recreate.useful_under_site": answer(False),
}  # fmt: skip
"""Bounds alone."""


def _tuned(record: Any, *places: str, **values: Any) -> Patches:
    """A record of tuning with other values, where it is read."""
    return {f"{place}.{'LINE' if record is LINE else 'LINE_AND_SITE'}": replace(record, **values) for place in places}


COMPONENTS: dict[str, Patches] = {
    "prices on units": {f"{S}.line.casts.of": answer(None)},
    "branching": {f"{B}.branch_and_bound._parts": answer([]), f"{B}.branch_and_bound.Bound._count": answer(None)},
    "hull of the limit": {f"{N}.pooled.limit_cuts.add": answer(None)},
    "pooled plans": {f"{S}.whole_horizon.first_plan": answer(False)},
    "one beginning": _tuned(LINE, f"{S}.whole_horizon", beginnings=(0.5,)),
    "heats as they are": _tuned(LINE, f"{S}.whole_horizon", beginnings=LINE.beginnings[:-1]),
    "one surrounding": _tuned(LINE, f"{H}.aggregate_first", surroundings=((1, 0),)),
    "coarse grid": {f"{S}.whole_horizon._from_coarser": answer(False)},
    "casts taken out": {f"{H}.ruin_and_recreate.useful": answer(False)},
    "minimum cut": {
        f"{H}.neighbourhoods.retime": answer(False), f"{S}.whole_horizon.retime": answer(False),
        f"{H}.ruin_and_recreate.Renewal.retime": answer(False),
    },
    "minimum cut of drafts": {
        f"{H}.neighbourhoods.retime": answer(False), f"{S}.whole_horizon.retime": answer(False),
    },
    "exchange of casts": {f"{one}.exchange": answer(False) for one in (f"{H}.neighbourhoods", f"{S}.whole_horizon")},
    "some heats further": {f"{one}.corridors": answer(False) for one in (f"{H}.neighbourhoods", f"{S}.whole_horizon")},
    "heats by chance": {f"{S}.whole_horizon.shake": answer(False)},
    "heats by name": {f"{S}.exact_named.solve": answer(False), f"{S}.whole_horizon.exact_fits": answer(False)},
    "groups of casts": {f"{S}.due_date_groups._groups": answer([])},
    "site in the master": {f"{B}.joint_prices.useful": answer(False)},
    "casts renewed under a site": {f"{H}.ruin_and_recreate.useful_under_site": answer(False)},
    "one view of the site": _tuned(LINE_AND_SITE, f"{H}.ruin_and_recreate", views=LINE_AND_SITE.views[:1]),
    "resting rules": {f"{D}._resting": answer(())},
    "lower peaks": {f"{D}.lower_peaks": answer(())},
    "hours": {f"{P}.relax_and_fix.Search._hours": answer(None)},
    "parts of a process plan": {f"{P}.relax_and_fix.Search._improve": lambda self, grid, values, *more: values},
    "second thread": {f"{B}.process_relaxation.Bounding._help": answer(None)},
    "enumeration": {"models.search.enumeration.suits": answer(False)},
    "program of routes": {f"{S}.exact_named.by_routes": answer(False)},
    "cuts of imports": {f"{N}.named.import_cuts.add": answer(None)},
    "first plan of few heats": {f"{S}.line.first_plan": answer(False)},
}  # fmt: skip
"""By name, what is replaced by what."""
OF_PLANS = (
    "pooled plans", "one beginning", "heats as they are", "one surrounding", "casts taken out", "minimum cut",
    "minimum cut of drafts", "exchange of casts", "some heats further", "heats by chance",
    "heats by name", "resting rules",
)  # fmt: skip
OF_BOUNDS = ("prices on units", "branching", "hull of the limit")
OF_SITE = ("casts renewed under a site", "one view of the site", "lower peaks", "groups of casts")
OF_FEW = ("enumeration", "program of routes", "cuts of imports", "first plan of few heats")
DAYS = ("2026-03-10", "2026-06-16", "2026-11-17")
WEEKS = ("2026-03-09", "2026-06-15")


@dataclass(frozen=True)
class BarCase:
    """A scenario, its effort, and the mechanisms that it may need."""

    scenario: str
    effort: float
    components: tuple[str, ...]
    starts: tuple[str, ...] = DAYS
    """Dates of the horizon's start; of few heats the seeds of the shops."""
    overrides: tuple[str, ...] = ()
    part: Patches = field(default_factory=dict)
    """``PLANS`` or ``BOUNDS`` where one of them is searched for without the other."""

    def at(self, start: str, factor: float) -> Case:
        """The scenario at a start, with a factor on its effort."""
        work = self.effort * factor
        if self.scenario == "few heats":
            from random_shops import built, sited

            case = built(sited(int(start)))
            goal = case.goal.model_copy(update={"effort": work, "time_limit_s": 3600.0})
            return case.model_copy(update={"goal": goal})
        fixed = [f"goal.effort={work:g}", "goal.time_limit_s=3600", "goal.gap=0", f"horizon.start={start}"]
        return load(self.scenario, [*self.overrides, *fixed])


def _two_days() -> tuple[str, ...]:
    """Overrides of the week for 30 heats in two days under a demand charge."""
    orders = [
        {"name": order.name, "due": "48 h", "heats": [{"grade": b.grade, "count": b.count} for b in order.heats]}
        for order in of_heats(30, 60).orders
    ]
    horizon = f"horizon={{start: {DAYS[0]}, zone: Europe/Berlin, length_h: 48, step_min: 15}}"
    return f"orders={json.dumps(orders)}", horizon, "goal.minimize=cost", BATTERY, CHARGE


MARGINS = (
    "disturbances.margins=[{stage: melting, slack_min: 5 min}, {stage: ladle, slack_min: 5 min}]",
    "disturbances.due_margin_min=10",
)
PLAIN = ("site.grid.import_limit_mw=null", "line.heat_loss=null")
CASES = {
    "day": BarCase("melt-shop-day", 3, OF_PLANS, part=PLANS),
    "margins": BarCase("melt-shop-small", 3, OF_PLANS, DAYS[1:], MARGINS, PLANS),
    "plain day": BarCase("melt-shop-day", 6, (*OF_PLANS, *OF_BOUNDS), DAYS[:2], PLAIN),
    "5 min": BarCase("melt-shop-small", 5, (*OF_PLANS, "coarse grid"), DAYS[:2], ("horizon.step_min=5",), PLANS),
    "week": BarCase("melt-shop-week", 12, (*OF_PLANS, "groups of casts"), WEEKS, part=PLANS),
    "line and site": BarCase("melt-shop-site", 15, (*OF_PLANS, *OF_SITE), WEEKS),
    "peak": BarCase("melt-shop-week", 15, (*OF_PLANS, *OF_SITE), DAYS[:2], _two_days()),
    "bound of a day": BarCase("melt-shop-day", 3, OF_BOUNDS, DAYS[:2], part=BOUNDS),
    "bound of a week": BarCase("melt-shop-week", 12, OF_BOUNDS, WEEKS, part=BOUNDS),
    "bound with a site": BarCase("melt-shop-site", 12, ("site in the master",), WEEKS, part=BOUNDS),
    "bound of a peak": BarCase("melt-shop-week", 10, ("site in the master",), DAYS[:1], _two_days(), BOUNDS),
    "cement": BarCase("cement-week", 10, ("hours", "parts of a process plan", "second thread"), WEEKS),
    "cement with shifts": BarCase("cement-anhui", 20, ("hours", "second thread"), ("2026-04-13", "2026-10-12")),
    "few heats": BarCase("few heats", 5, OF_FEW, tuple(str(seed) for seed in range(30))),
}


@contextmanager
def without(*names: str, also: Patches | None = None) -> Iterator[None]:
    """Switch some mechanisms off."""
    with ExitStack() as stack:
        for patches in (also or {}, *(COMPONENTS[name] for name in names)):
            for place, value in patches.items():
                stack.enter_context(patch(f"emberline.{place}", value))
        yield


@dataclass(frozen=True)
class Outcome:
    """What a search came to; infinite where it has no plan or bound."""

    plan: float
    bound: float
    gap: float

    def worse(self, whole: Outcome) -> float:
        """How much worse than another one [%], by the plan where both have one, or by the bound."""
        a, b = (self.plan, whole.plan) if math.isfinite(whole.plan) else (-self.bound, -whole.bound)
        return 100 * (a - b) / max(abs(b), 1e-9) if math.isfinite(b) else 0.0


def searched(case: BarCase, start: str, factor: float = 1.0) -> Outcome:
    """Search a case at a start, from the lists that a user's search begins with."""
    scenario = case.at(start, factor)
    envelope, baseline = twin.envelope(scenario), twin.dispatch(scenario)
    others = list(start_lists(scenario, Baseline.of(scenario, envelope), None, around=True))
    with quiet():
        plan = models.optimize(scenario, envelope, baseline if baseline.attrs["complete"] else None, others=others)
    figures = (float(plan.attrs[name]) for name in ("objective", "bound", "gap"))
    return Outcome(*(NEVER if math.isnan(value) else value for value in figures))


def compared(name: str, case: BarCase, components: Sequence[str]) -> Table:
    """How much worse a case is without each mechanism, and how much it differs by effort alone."""

    def row(label: str, factor: float, *names: str) -> Row:
        with without(*names, also=case.part):
            ends = [searched(case, start, factor) for start in case.starts]
        worse = [one.worse(best) for one, best in zip(ends, whole, strict=True)]
        gaps = ", ".join(f"{100 * one.gap:.3g} %" for one in ends)
        print(f"  {name}, {label}: {worse}, gaps {gaps}", flush=True)
        return measured(label, worse, "%", says=f"gaps {gaps}")

    with without(also=case.part):
        whole = [searched(case, start) for start in case.starts]
    rows = [row(f"{factor:g} times the effort", factor) for factor in FACTORS]
    rows += [row(f"without {one}", 1.0, one) for one in components]
    return Table(f"{name}: worse after {case.effort:g} units of effort", rows)


@bench("ablation", "Each mechanism of the searches switched off in turn: plans and bounds on bundled cases", long=True)
def main() -> Findings:
    """All cases, or those mechanisms of a case that are named."""
    tables = []
    for name, case in CASES.items():
        components = [component for component in case.components if included(f"{name}, {component}")]
        if components:
            tables.append(compared(name, case, components))
    return Findings(tables)
