"""Random scenarios without a plan: each must end with a named cause and a repair that works when it is applied.

Drawn by seed around three small plants that have plans: a melt shop, a kiln with its crusher, a site with a boiler.
What is drawn is one of limits, heats, horizons, due times, locks, outages, silos, deliveries, machines, caps. The first
answer (``studies.why.quick``) comes first; where it offers nothing, the search for why there is no plan.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.instruments.quiet import quiet
from benchmarks.registry import Wrong, bench, included
from benchmarks.reporting.findings import Bar, Findings, Row, Table, measured
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case, load, loads
from emberline.studies.why import quick
from emberline.studies.why.why_not import WhyNot, why_not

PLANTS = Path(__file__).resolve().parents[2] / "tests" / "planning"
CASES = 30
SEARCH_S = 60.0
"""For the search where the first answer has no repair."""
TRIAL = ("goal.gap=100 %", "goal.effort=60", "disturbances.replications=0")


@dataclass(frozen=True)
class DeadEnd:
    """A scenario that was drawn, and what makes it impossible."""

    seed: int
    plant: str
    """Name of a bundled scenario, or text of one."""
    kind: str
    settings: tuple[str, ...]

    def changed(self, more: Sequence[str] = ()) -> Case:
        """The scenario with more overrides."""
        every = [*self.settings, *more]
        return loads(self.plant, overrides=every) if "\n" in self.plant else load(self.plant, every)

    @property
    def name(self) -> str:
        """Seed, kind and settings."""
        return f"{self.seed} {self.kind}: {'; '.join(self.settings)}"


def draw(seed: int) -> DeadEnd:
    """A case; most have no plan, some do, and the bench leaves these out."""
    sys.path.append(str(PLANTS))
    from broken import KILN, SHOP, SITE

    rng = np.random.Generator(np.random.Philox(key=seed))

    def between(low: float, high: float) -> float:
        return round(float(rng.uniform(low, high)), 1)

    order = f"C{rng.integers(1, 4)}"
    heat = json.dumps(f"{order}-{rng.integers(1, 4)}")
    lock, other = between(0, 1.5), between(8, 14)
    together = [{"heat": f"C{number}-1", "stage": "casting", "start": f"{int(other)} h"} for number in (1, 2)]
    shop = {
        "import limit": (f"site.grid.import_limit_mw={between(28, 60)}",),
        "heats": (f"orders.{order}.heats.0.count={rng.integers(18, 30)}",),
        "horizon": ("horizon.days=null", f"horizon.length_h={rng.integers(5, 12)}", "orders.C1.due=null"),
        "due time": (f"orders.{order}.due={between(1, 4)} h",),
        "lock": (f'locks=[{{"heat": {heat}, "stage": "casting", "start": "{round(lock * 4) * 15} min"}}]',),
        "locks together": (f"locks={json.dumps(together)}",),
        "outage": (f'state.outages=[{{"unit": "CC", "start": "0 h", "end": "{rng.integers(16, 23)} h"}}]',),
        "carbon cap": (f"goal.caps.carbon_kg={between(4e4, 9e4)}",),
        "caster": tuple(f"line.grades.{grade}.duration_min.casting={between(150, 200)}" for grade in ("rebar", "wire")),
    }
    kiln = {
        "delivery": (
            f'deliveries=[{{"name": "ship", "store": "clinker", "amount_t": {between(3000, 5000)}}}]',
            "stores.clinker.end_level_t=0",
        ),
        "daily energy": (f"processes.kiln.daily_energy_mwh={between(80, 140)}",),
        "silo": (f"stores.clinker.capacity_t={between(820, 1100)}",),
        "stop": (
            f'processes.kiln.planned_stop={{"hours": {rng.integers(14, 20)}, "latest": "2 h"}}',
            "deliveries.trucks.rate=80", "stores.clinker.level_t=600", "stores.clinker.end_level_t=0",
        ),
        "end level": (f"stores.clinker.end_level_t={between(1810, 2000)}",),
        "trucks": (f"deliveries.trucks.rate={between(140, 200)}",),
        "meal": (
            "stores.meal.level_t=300",
            f'state.outages=[{{"unit": "crusher", "start": "0 h", "end": "{rng.integers(10, 22)} h"}}]',
        ),
        "grid": (f"site.grid.import_limit_mw={between(1, 3.2)}",),
    }  # fmt: skip
    site = {
        "need": (f"site.assets.dryer.rate={between(17, 30)}",),
        "machine": (f"site.assets.boiler.heat_mw={between(2, 9)}",),
        "carbon cap": (f"goal.caps.carbon_kg={between(1e4, 4e4)}",),
        "cost cap": (f"goal.caps.cost={between(1000, 6000)}",),
        "store": (
            "site.assets.accumulator.end_level_share=90 %", f"site.assets.accumulator.in_rate={between(0.05, 0.4)}",
        ),
        "fuel": (f"site.assets.gas grid.horizon_limit={between(80, 260)}",),
        "connection": (f"site.grid.import_limit_mw={between(2, 5.5)}",),
    }  # fmt: skip
    plant, kinds = ((SHOP, shop), (KILN, kiln), (SITE, site))[seed % 3]
    kind = list(kinds)[(seed // 3) % len(kinds)]
    return DeadEnd(seed, plant, kind, kinds[kind])


def answer(case: DeadEnd) -> tuple[WhyNot, float, float]:
    """Why there is no plan, with seconds of the processor and of the clock of the first answer."""
    began, clock = time.process_time(), time.perf_counter()
    first = quick.quick(case.changed)
    seconds, waited = time.process_time() - began, time.perf_counter() - clock
    if first.repairs:
        return first, seconds, waited
    return why_not(case.changed, time_limit_s=SEARCH_S), seconds, waited


def fault(case: DeadEnd, reason: WhyNot) -> str:
    """What is wrong with an answer; empty: nothing. It is ``feasible`` where the case has a plan after all."""
    if reason.status == "feasible":
        return ""
    if not (reason.missing or reason.conflict):
        return "no cause is named"
    if not reason.repairs:
        return "no repair"
    for repair in reason.repairs:
        if not make_plan(case.changed([*repair.overrides, *TRIAL]), PLAIN).acceptable:
            return f"no plan with {repair.says}"
    return ""


@bench("dead-ends", "30 random scenarios without a plan: a named cause, a repair that works, seconds", long=True)
def main() -> Findings:
    """Draw cases until thirty have no plan."""
    rows: list[Row] = []
    wrong: list[str] = []
    seconds: list[float] = []
    clock: list[float] = []
    seed = 0
    while len(seconds) < CASES:
        case = draw(seed)
        seed += 1
        if not included(case.name):
            if seed > 10 * CASES:
                break
            continue
        with quiet():
            reason, first_s, waited = answer(case)
            text = fault(case, reason)
        if reason.status == "feasible":
            print(f"  {case.name}: has a plan, left out", flush=True)
            continue
        seconds.append(first_s)
        clock.append(waited)
        cause = [*reason.missing, *reason.conflict][:1]
        repair = reason.repairs[0].says if reason.repairs else ()
        print(f"  {case.name}: {reason.status}; {cause}; {repair}; {first_s:.1f} s {text}", flush=True)
        if text:
            wrong.append(f"{case.name}: {text}")
    rows.append(measured(f"{len(seconds)} scenarios: first answer, processor", seconds, "s"))
    rows.append(measured(f"{len(seconds)} scenarios: first answer, clock", clock, "s"))
    rows.append(measured("without cause or repair", [float(len(wrong))], "scenarios", bars=[Bar(0.0)]))
    findings = Findings([Table("Random scenarios without a plan", rows)])
    if wrong:
        raise Wrong("; ".join(wrong), findings)
    return findings
