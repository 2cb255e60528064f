"""What each heuristic and bound is good for: switched off in turn, the gap at the limit and that of the whole.

A component is named with the functions that stand for it, and with what they answer when it is switched off. A plan is
asked for with no gap, so that the limit ends the search: seconds of an idle core, longer by as much as the machine is
slower now. Bundled cases on several dates; on each the whole is planned first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from benchmarks.instruments.quiet import quiet
from benchmarks.registry import bench, included
from benchmarks.reporting.findings import NEVER, Findings, Table, measured
from emberline import models, twin
from emberline.scenarios import load

ROOM = "emberline.models"
SPIN_S = 0.1
"""CPU seconds for which the machine is watched."""


def answer(value: Any) -> Callable[..., Any]:
    """A function that does nothing."""
    return lambda *args, **more: value


LINE = "heuristics.line"
COMPONENTS: dict[str, dict[str, Any]] = {
    "prices on units": {"strategies.rising_bound.casts.of": answer(None)},
    "branching": {"bounds.branch_and_bound._parts": answer([]), "bounds.branch_and_bound.Bound._count": answer(None)},
    "hull of the limit": {"formulations.line.pooled.limit_cuts.add": answer(None)},
    "pooled plans": {
        "strategies.whole_horizon.first_plan": answer(False),
        "strategies.continuation.first_plan": answer(False),
    },
    "coarse grid": {"strategies.whole_horizon._from_coarser": answer(False)},
    "casts taken out": {f"{LINE}.ruin_and_recreate.useful": answer(False)},
    "minimum cut": {f"{LINE}.neighbourhoods.retime": answer(False), "strategies.whole_horizon.retime": answer(False),
                    f"{LINE}.ruin_and_recreate.Renewal.retime": answer(False)},
    "all heats by a slot": {f"{LINE}.neighbourhoods.walk": answer(None), "strategies.whole_horizon.walk": answer(None)},
    "some heats further": {f"{LINE}.neighbourhoods.corridors": answer(False),
                           "strategies.whole_horizon.corridors": answer(False)},
    "heats by chance": {"strategies.continuation.shake": answer(False)},
    "heats by name": {"strategies.exact_named.solve": answer(False), "strategies.continuation.fits": answer(False)},
    "groups of casts": {"strategies.due_date_groups.run": answer(None)},
    "site in the master": {"bounds.joint_prices.useful": answer(False)},
    "whole units": {"bounds.site_prices.roundings": answer([])},
    "casts renewed under a site": {f"{LINE}.renewal_under_site.useful": answer(False)},
    "hours": {"heuristics.processes.relax_and_fix.Search._hours": answer(None)},
    "parts of a process plan": {
        "heuristics.processes.relax_and_fix.Search._improve": lambda self, grid, values, *more: values
    },
    "second thread": {"bounds.process_relaxation.Bounding._help": answer(None)},
}  # fmt: skip
"""By name, what is replaced by what."""


@dataclass(frozen=True)
class BarCase:
    """A bundled scenario and the components that it may need."""

    scenario: str
    limit_s: float
    components: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    """Dates of the horizon's start: each has prices of its own; none: as it is."""


DAYS = ("2026-03-10", "2026-06-16", "2026-11-17")
OF_HEATS = (
    "prices on units", "branching", "hull of the limit", "pooled plans", "casts taken out", "minimum cut",
    "all heats by a slot", "some heats further", "heats by chance", "heats by name",
)  # fmt: skip
OF_SITE = ("site in the master", "whole units", "casts renewed under a site")
OF_PROCESSES = ("hours", "parts of a process plan", "second thread")
CASES = {
    "day": BarCase("melt-shop-day", 10.0, OF_HEATS, starts=DAYS),
    "day on 5 min": BarCase("melt-shop-day", 15.0, (*OF_HEATS, "coarse grid"), ("horizon.step_min=5",), DAYS[:2]),
    "small": BarCase("melt-shop-small", 6.0, OF_HEATS, starts=DAYS),
    "week": BarCase("melt-shop-week", 45.0, (*OF_HEATS, "groups of casts")),
    "line and site": BarCase("melt-shop-site", 45.0, (*OF_SITE, *OF_HEATS, "groups of casts")),
    "cement": BarCase("cement-anhui", 20.0, OF_PROCESSES),
}


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Switch some components off."""
    with ExitStack() as stack:
        for name in names:
            for place, value in COMPONENTS[name].items():
                stack.enter_context(patch(f"{ROOM}.{place}", value))
        yield


def slowness() -> float:
    """Seconds by the clock for a second of this process, now."""
    clock, cpu = time.perf_counter(), time.process_time()
    while time.process_time() - cpu < SPIN_S:
        pass
    return (time.perf_counter() - clock) / (time.process_time() - cpu)


def gap(case: BarCase, start: str | None = None) -> tuple[float, float]:
    """Gap at the limit [%] and objective; infinite where there is no plan."""
    overrides = [*case.overrides, "goal.gap=0", f"goal.effort={case.limit_s * slowness():g}"]
    scenario = load(case.scenario, [*overrides, *([] if start is None else [f"horizon.start={start}"])])
    envelope, baseline = twin.envelope(scenario), twin.dispatch(scenario)
    complete = bool(baseline.attrs["complete"])
    with quiet():
        plan = models.optimize(
            scenario, envelope, baseline if complete else None, others=() if complete or scenario.heats else (baseline,)
        )
    apart, objective = float(plan.attrs["gap"]) * 100, float(plan.attrs["objective"])
    return (NEVER if math.isnan(apart) else apart), (NEVER if math.isnan(objective) else objective)


def compared(name: str, case: BarCase, components: Sequence[str]) -> Table:
    """Gaps of a case, with all components and without each of them."""
    starts: tuple[str | None, ...] = case.starts or (None,)
    table: dict[str, list[tuple[float, float]]] = {}
    for component in ("", *components):
        with without(*([component] if component else [])):
            table[component] = [gap(case, start) for start in starts]
        print(f"  {name}, without {component or 'nothing'}: {table[component]}", flush=True)
    whole = table.pop("")
    rows = [measured("everything", [apart for apart, _ in whole], "%")]
    for component, plans in table.items():
        worse = max((b - a) / max(abs(a), 1e-9) for (_, a), (_, b) in zip(whole, plans, strict=True))
        rows.append(
            measured(
                f"without {component}", [apart for apart, _ in plans], "%", reference=[apart for apart, _ in whole],
                says=f"worst plan {100 * worse:+.2f} %",
            )
        )  # fmt: skip
    return Table(f"{name}: gap after {case.limit_s:g} s", rows, reference="everything")


@bench("ablation", "Each heuristic and bound switched off in turn: gap at the limit on bundled cases", long=True)
def main() -> Findings:
    """All cases, or those components of a case that are named."""
    tables = []
    for name, case in CASES.items():
        components = [component for component in case.components if included(f"{name}, {component}")]
        if components:
            tables.append(compared(name, case, components))
    return Findings(tables)
