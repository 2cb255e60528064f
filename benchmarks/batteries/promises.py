"""Promise against practice: what a plan says that it saves and on how many days it holds, against 200 fresh days.

Each plan is made as the command line makes it. Days of a seed that no part of it has seen are followed, printed and
planned again, plan and baseline under the same disturbances. Days of random shops are judged here once more from their
tables of operations and steps, by rules of a few lines that share nothing with those of the twin. Next to the promise:
saving of the undisturbed draft, price of holding, simple rule, both signals, what the cap on the other signal costs.
"""

from __future__ import annotations

import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import xarray as xr

from benchmarks.instruments.quiet import quiet
from benchmarks.planning.days import day_of, scenario, shared
from benchmarks.registry import bench, included
from benchmarks.reporting.findings import Findings, Table, measured
from emberline.planning import Plan, make_plan
from emberline.planning.answer import answer
from emberline.planning.answer.record import Headline
from emberline.planning.engine.engine import Engine
from emberline.planning.loop import days
from emberline.planning.plan import Baseline
from emberline.planning.plan.replays import saved
from emberline.planning.planner import PLAIN
from emberline.planning.robustness.ensemble import ensemble
from emberline.scenarios import Case, Scenario, ScenarioError, bundled, load, resolve
from emberline.scenarios.goal_metrics import goal_metric, no_worse
from emberline.scenarios.records.goal import OtherSignal
from emberline.scenarios.records.replanning import Using

ORACLES = Path(__file__).resolve().parents[2] / "tests" / "oracles"
FRESH, FRESH_LONG, SEED = 200, 40, 20261202
"""Fresh days of a day, replays of a longer horizon, and their seed, to which the number of a case is added."""
SHOPS, WORKS, DAYS, WEEKS = 50, 10, 20, 5
LONGEST_MIN = 8 * 24 * 60
"""Longer horizons are left out."""
DRAFT_GAP = 0.005
"""Gap of the drafts that savings are compared with: next to a coarse one a plan seems to keep more than there is."""
SURE = 1.96
MEDIAN = math.sqrt(math.pi / 2)
"""Standard error of a median by that of the mean."""
HEAD = (
    "case", "draft, undisturbed", "planned again: saves", "fresh", "holds", "fresh", "printed: saves", "fresh",
    "holds", "fresh", "baseline holds", "price of holding", "rule", "other signal", "cap costs", "s",
)  # fmt: skip


@dataclass(frozen=True)
class Promise:
    """Stated and fresh figures of one way to use a plan."""

    saved: tuple[float, float]
    """Median of the saving, stated and on fresh days [of the goal]."""
    saved_error: float
    days: tuple[float, float]
    """Share of days, likewise."""
    days_error: float

    @property
    def within(self) -> tuple[bool, bool]:
        """Whether stated minus fresh lies in the 95 % interval of the difference: saving, share of days."""
        pairs = ((self.saved, self.saved_error), (self.days, self.days_error))
        first, second = (abs(a - b) <= SURE * error + 1e-9 for (a, b), error in pairs)
        return first, second


def promise(stated: xr.Dataset, fresh: xr.Dataset, plan: Plan) -> Promise:
    """The promise of stated replays (table ``ENSEMBLE``) against fresh ones."""
    metric = goal_metric(plan.scenario)
    saves = [np.asarray(saved(one, metric.figure)) * metric.display[1] for one in (stated, fresh)]
    whole = [np.asarray(one["violations"]) == 0 for one in (stated, fresh)]
    errors = [float(one.std(ddof=1)) * MEDIAN / math.sqrt(len(one)) for one in saves]
    shares = [((one.sum() + 1) / (len(one) + 2), len(one)) for one in whole]
    chance = math.sqrt(sum(p * (1 - p) / n for p, n in shares))
    return Promise(
        (float(np.median(saves[0])), float(np.median(saves[1]))), math.hypot(*errors),
        (float(whole[0].mean()), float(whole[1].mean())), chance,
    )  # fmt: skip


@dataclass(frozen=True)
class Practice:
    """A plan with its promises."""

    label: str
    draft: float
    """Saving of the undisturbed draft [of the goal]."""
    again: Promise | None
    printed: Promise
    baseline: float
    """Share of fresh days on which the baseline keeps all limits."""
    price: float
    """Saving of the draft less that of the plan, both undisturbed."""
    rule: float | None
    other: float | None
    """Saving by the signal that the goal leaves out, mean of fresh days [t CO2e]; None: there is none."""
    cap: float | None
    """Additional saving of the draft without the cap on that signal."""
    worse: bool
    """Whether the plan, undisturbed, is worse than the baseline by either signal."""
    faults: tuple[str, ...]
    """Days that the judge here calls otherwise than the twin."""
    seconds: float
    unit: str

    @property
    def cells(self) -> list[str]:
        """Texts of a row."""

        def of(one: Promise | None) -> list[str]:
            if one is None:
                return ["–"] * 4
            return [*(f"{value:,.1f}" for value in one.saved), *(f"{100 * share:.0f} %" for share in one.days)]

        remaining = (self.rule, self.other, self.cap)
        return [
            self.label, f"{self.draft:,.1f} {self.unit}", *of(self.again), *of(self.printed),
            f"{100 * self.baseline:.0f} %", f"{self.price:,.1f}",
            *("–" if value is None else f"{value:,.1f}" for value in remaining), f"{self.seconds:.0f}",
        ]  # fmt: skip


def case_seed(label: str) -> int:
    """Random seed of a case: with one seed for all cases their errors would not be independent."""
    return crc32(label.encode())


def practice(label: str, case: Case, fresh: int, judge: bool = False) -> Practice | None:
    """A plan of a case against fresh days; None: no plan, or nothing is disturbed."""
    began, seed = time.perf_counter(), SEED + case_seed(label)
    with quiet():
        plan = make_plan(case)
    seconds = time.perf_counter() - began
    first = answer(plan)
    if plan.schedule is None or plan.replay_figures is None or plan.replays is None or first is None:
        return None
    metric, as_planned = goal_metric(case), plan.scenario
    scale = metric.display[1]
    draft, cap = _drafts(case)
    request: Case = plan.requested
    listed = Baseline.of(request).schedule
    both = ensemble(
        as_planned, plan.schedule, fresh, Engine(), seed=seed, dispatched=listed, planned_again=plan.again is not None
    )
    assert both is not None
    last, faults = both if both.other is None else both.other, list[str]()
    for using, of in ((Using.FOLLOW, both), (Using.REPLAN, both.other)) if judge else ():
        if of is None:
            continue
        ran = days(as_planned, plan.schedule, range(fresh), using=using, seed=seed)
        base, saves = days(request, listed, range(fresh), seed=seed), saved(of.data, metric.figure) * scale
        for number, (day, before) in enumerate(zip(ran, base, strict=True)):
            all_limits = int(of.data["violations"][number]) == 0
            fault = judged(as_planned, day.columns, before.columns, all_limits, float(saves[number]))
            faults += [f"day {number}, {using.value}: {fault}"] if fault else []
    undisturbed = plan.saved().get(metric.figure, 0.0)
    two, emitted = no_worse(case), [one.other_carbon_kg or 0.0 for one in (plan.replay_figures, plan.baseline_figures)]
    fair = plan.baseline_complete and bool((both.data["baseline_violations"] == 0).any())
    worse = two and fair and (emitted[0] > emitted[1] + 1e-3 or undisturbed < -1e-3)
    return Practice(
        label, draft * scale, None if plan.again is None else promise(plan.again.data, last.data, plan),
        promise(plan.replays.data, both.data, plan), float((both.data["baseline_violations"] == 0).mean()),
        (draft - undisturbed) * scale, _of_rule(first.headline),
        _other(last.data, as_planned) if two else None, None if cap is None else cap * scale, worse, tuple(faults),
        seconds, metric.display_in(case.market.currency)[0],
    )  # fmt: skip


def _of_rule(headline: Headline) -> float | None:
    """Saving of a simple rule on disturbed days, else undisturbed, in the unit of a table; None: there is none."""
    if headline.rule is None:
        return None
    saves = headline.rule.saved if headline.rule.expected is None else headline.rule.expected
    return saves * (1.0 if headline.of_money else 1e-3)


def _other(data: xr.Dataset, case: Case) -> float:
    """Mean saving by the signal that the goal leaves out [t CO2e]."""
    signal = case.goal.signal
    mine, base = (
        data[f"{of}carbon_kg"] - data[f"{of}grid_{signal}_kg"] + data[f"{of}grid_{signal.other}_kg"]
        for of in ("", "baseline_")
    )
    return float((base - mine).mean()) / 1e3


def _drafts(case: Case) -> tuple[float, float | None]:
    """Saving of the undisturbed draft, and what one without the cap on the other signal saves more."""
    metric = goal_metric(case)

    def saves(one: Case) -> float:
        with quiet():
            plan = make_plan(one, PLAIN, replications=0)
        return plan.saved().get(metric.figure, 0.0)

    plain = case.model_copy(update={"goal": case.goal.model_copy(update={"hold": None, "gap": DRAFT_GAP})})
    draft = saves(plain)
    if not no_worse(case):
        return draft, None
    caps = plain.goal.caps.model_copy(update={"other_signal": OtherSignal.OFF})
    free = plain.model_copy(update={"goal": plain.goal.model_copy(update={"caps": caps})})
    return draft, saves(free) - draft


def judged(case: Case, day: Any, before: Any, all_limits: bool, saved: float) -> str:
    """Difference of a day, by its tables of operations and steps, from what the twin says of it; empty: there is none.

    Args:
        case: what was asked, a line without assets on average intensity.
        day: what was run.
        before: of the baseline on the same day.
        all_limits: whether the twin says that all limits are kept within their tolerances.
        saved: what it says is saved [t CO2e].
    """
    hours = case.horizon.step_h
    intensity = case.inputs["carbon_intensity_kg_per_mwh"].to_numpy()
    mine = float((before["import_mw"].to_numpy() - day["import_mw"].to_numpy()) @ intensity) * hours / 1000
    if abs(mine - saved) > 1e-6 + 1e-9 * abs(saved):
        return f"saves {saved:.6f} t, by its table of steps {mine:.6f}"
    broken = list(_broken(case, day))
    if all_limits is bool(broken):
        return f"all_limits {all_limits}, by its tables: {'; '.join(broken) or 'nothing is broken'}"
    return ""


def _broken(case: Case, day: Any) -> Iterator[str]:
    """Limits that a day breaks by more than is tolerated."""
    allow, end = case.tolerances, case.horizon.length_min
    names = ("heat", "stage", "unit", "start_min", "end_min")
    rows = sorted(zip(*(day[f"op_{name}"].values.tolist() for name in names), strict=True), key=lambda row: row[3])
    stages = {stage.name: stage for stage in case.line.stages}
    last, close = case.line.stages[-1], 1e-6
    for heat in case.heats:
        mine = [row for row in rows if row[0] == heat.name]
        over = mine[-1][4] if mine and mine[-1][1] == last.name else math.inf
        if not over <= min(heat.due_min, end) + allow.due_min + close:
            yield f"{heat.name} ends at {over:.2f}, due {min(heat.due_min, end):g}"
        for one, two in pairwise(mine):
            longest = stages[one[1]].longest_wait_min
            if longest is not None and two[3] - one[4] > longest + allow.wait_min + close:
                yield f"{heat.name} waits {two[3] - one[4]:.2f} min after {one[1]}"
    for unit in last.units if last.campaign else ():
        mine = [row for row in rows if row[2] == unit.name]
        order = {heat.name: heat.order for heat in case.heats}
        for one, two in pairwise(mine):
            if order[one[0]] == order[two[0]] and two[3] - one[4] > allow.cast_gap_min + close:
                yield f"{two[0]} is cast {two[3] - one[4]:.2f} min after {one[0]}"
    limit = case.site.grid.import_limit_mw
    if limit is not None and float(day["meter_mw"].to_numpy().max()) > limit + allow.metered_mw + close:
        yield f"imports {float(day['meter_mw'].to_numpy().max()):.3f} MW"


# ---- cases ----------------------------------------------------------------------------------------------------------


def random_shop(seed: int) -> Case:
    """A random shop with disturbances and both signals, without locks, outages and states."""
    from random_shops import raw

    dice = random.Random(seed + 77_000)
    data, _ = raw(seed)
    data["locks"], data["state"] = [], {}
    units = [unit for stage in data["line"]["stages"] for unit in stage["units"]]
    for unit in units:
        unit.pop("states", None)
    hours, start = round(data["horizon"]["length_h"]), data["horizon"]["start"]

    def hourly() -> dict[str, Any]:
        return {"values": [round(dice.uniform(20, 900), 1) for _ in range(hours)], "start": start, "interval_min": 60}

    data["market"] |= {"carbon_intensity_kg_per_mwh": hourly(), "marginal_carbon_intensity_kg_per_mwh": hourly()}
    failing = [{"unit": u["name"], "mtbf_h": dice.choice((30, 100)), "mttr_min": 20} for u in units]
    data["disturbances"] = {
        "duration_spread": dice.choice((0.02, 0.05, 0.1)), "energy_spread": 0.03, "replications": 20,
        "breakdowns": [one for one in failing if dice.random() < 0.3],
    }  # fmt: skip
    data["tolerances"] = {"due_min": dice.choice((0, 10))}
    data["goal"] = {"minimize": "carbon", "effort": 8, "gap": 0.01}
    return resolve(Scenario.model_validate(data))


def random_works(seed: int) -> Case | None:
    """Random works with disturbances; None: they have mistakes, or no runs can be moved."""
    import small_works

    dice, data = random.Random(seed), small_works.random_works(seed)
    data["disturbances"] = {
        "rate_spread": dice.choice((0.03, 0.06)), "replications": 20,
        "breakdowns": [
            {"unit": p["name"] if p["count"] == 1 else f"{p['name']} 1", "mtbf_h": 30, "mttr_min": 30}
            for p in data["processes"] if dice.random() < 0.5
        ],
    }  # fmt: skip
    try:
        case = small_works.scenario(data)
    except (AssertionError, ScenarioError, ValueError):
        return None
    goal = case.goal.model_copy(update={"effort": 10.0, "gap": 0.01})
    return case.model_copy(update={"goal": goal}) if case.planned_again else None


def of_shops() -> Iterator[tuple[str, Case, bool]]:
    """Random shops."""
    for seed in range(10 * SHOPS):
        yield f"shop {seed}", random_shop(seed), True


def of_works() -> Iterator[tuple[str, Case, bool]]:
    """Random works."""
    for seed in range(100 * WORKS):
        case = random_works(seed)
        if case is not None:
            yield f"works {seed}", case, False


def of_bundled() -> Iterator[tuple[str, Case, bool]]:
    """Bundled scenarios with disturbances."""
    for name in bundled():
        case = load(name)
        if case.holding and case.horizon.length_min <= LONGEST_MIN:
            yield name, case, False


def of_days() -> Iterator[tuple[str, Case, bool]]:
    """The reference shop on real days of 2024."""
    folder = shared()
    if folder is None:
        return
    for day in map(day_of, range(DAYS)):
        yield f"melt-shop-day, {day}", scenario(day, folder), False


def of_weeks() -> Iterator[tuple[str, Case, bool]]:
    """The reference shop with and without its site on real weeks of 2024."""
    folder, draw = shared(), np.random.Generator(np.random.Philox(key=2024))
    if folder is None:
        return
    weeks = [date(2024, 1, 1) + timedelta(weeks=int(n)) for n in sorted(draw.choice(51, WEEKS, replace=False))]
    for name in ("melt-shop-week", "melt-shop-site"):
        for week in weeks:
            # a month that has just begun has no peak yet
            more = ["state.peak_so_far_mw=0"] if week.day == 1 else []
            yield f"{name}, {week}", scenario(week, folder, name, more), False


def _all(cases: Callable[[], Iterator[tuple[str, Case, bool]]], most: int) -> Findings:
    sys.path.insert(0, str(ORACLES))
    measured_ones: list[Practice] = []
    print("| " + " | ".join(HEAD) + " |\n|" + " --- |" * len(HEAD), flush=True)
    for label, case, judge in cases():
        if len(measured_ones) == most:
            break
        if not included(label):
            continue
        disturbances = case.disturbances.model_copy(update={"seed": case_seed(label)})
        case = case.model_copy(update={"disturbances": disturbances})
        one = practice(label, case, FRESH if case.horizon.length_min <= 2880 else FRESH_LONG, judge)
        if one is not None:
            measured_ones.append(one)
            print("| " + " | ".join(one.cells) + " |", *one.faults[:2], flush=True)
    rows = []
    ways = {
        "planned again": [p.again for p in measured_ones if p.again is not None],
        "printed": [p.printed for p in measured_ones],
    }
    for way, promises in ways.items():
        for i, what in enumerate(("saving", "days")):
            inside = [float(p.within[i]) for p in promises]
            pairs = [(p.saved, p.days)[i] for p in promises]
            above, below = sum(a > b for a, b in pairs), sum(a < b for a, b in pairs)
            text = f"{sum(inside):.0f} of {len(inside)} inside; stated above fresh {above}, below {below}"
            share = 100 * float(np.mean(inside)) if inside else math.nan
            rows.append(measured(f"{way}, {what}: inside the interval", [share], "%", says=text))
    better = [p for p in measured_ones if p.draft > 0]
    shares = {
        "saving planned again ÷ draft's": [p.again.saved[1] / p.draft for p in better if p.again is not None],
        "price of holding ÷ draft's saving": [p.price / p.draft for p in better],
        "cost of the cap ÷ saving without it": [p.cap / (p.cap + p.draft) for p in better if p.cap is not None],
    }
    rows += [measured(name, [100 * v for v in values], "%") for name, values in shares.items() if values]
    rows.append(measured("worse by either signal", [float(sum(p.worse for p in measured_ones))], ""))
    rows.append(measured("days judged otherwise here", [float(sum(len(p.faults) for p in measured_ones))], ""))
    print(*rows, sep="\n", flush=True)
    return Findings([Table("promise against practice", rows)])


@bench("promises-shops", f"{SHOPS} random shops: promise against {FRESH} fresh days", long=True)
def shops() -> Findings:
    """Plans of random shops with both signals."""
    return _all(of_shops, SHOPS)


@bench("promises-works", f"{WORKS} random works: promise against fresh replays", long=True)
def works() -> Findings:
    """Plans of random works."""
    return _all(of_works, WORKS)


@bench("promises-bundled", "bundled scenarios: promise against fresh replays", long=True)
def of_all_bundled() -> Findings:
    """Plans of bundled scenarios."""
    return _all(of_bundled, 100)


@bench("promises-days", f"{DAYS} real days: promise against fresh days", long=True)
def real_days() -> Findings:
    """Plans of real days."""
    return _all(of_days, DAYS)


@bench("promises-weeks", f"{WEEKS} real weeks with and without a site: promise against fresh ones", long=True)
def real_weeks() -> Findings:
    """Plans of real weeks."""
    return _all(of_weeks, 2 * WEEKS)
