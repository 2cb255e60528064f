"""Plans that hold: the level asked and the share reached on fresh days, the price, and the seconds.

Every bundled scenario with disturbances as it is, and on days and weeks of 2024 drawn by seed. The days on which a plan
is judged here are of a seed that no part of its search has seen.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.instruments.quiet import quiet
from benchmarks.planning import savings
from benchmarks.registry import bench, included
from benchmarks.reporting.findings import Findings, Row, Table, measured
from emberline.planning import Plan, make_plan
from emberline.planning.engine.engine import Engine
from emberline.planning.robustness.ensemble import ensemble
from emberline.runs.store import Store, stored_starts
from emberline.scenarios import ScenarioError, bundled, load

FRESH, SEED = 1000, 20261128
"""Days of the judgement for plans as bundled, and their seed."""
FRESH_DRAWN = 200
"""Likewise for days and weeks that are drawn."""
DAYS, WEEKS = 20, 5
HEAD = (
    "case", "asked", "holds on", "95 % interval", "baseline", "draft", "price of holding", "gap of all plans",
    "draft s", "all s", "what stands in the way",
)  # fmt: skip


def row(name: str, overrides: list[str], days: int) -> tuple[list[str], list[str], float]:
    """A plan of a scenario judged on fresh days, and what it saves, as cells; and the seconds that it took."""
    case, began = load(name, overrides), time.perf_counter()
    draft_s: list[float] = []

    def tell(event: dict[str, Any]) -> None:
        if event["phase"] == "draft":
            draft_s.append(time.perf_counter() - began)

    with tempfile.TemporaryDirectory(prefix="holding-") as folder, quiet():
        result = make_plan(case, starts=stored_starts(Store(Path(folder)), case), on_progress=tell)
    seconds = time.perf_counter() - began
    label = " ".join([name, *overrides])
    record = result.holding
    if result.schedule is None or record is None:
        return [label, *["–"] * 8, f"{seconds:.0f}", result.verdict], [label, *savings.row(result)[1:]], seconds
    share, low, high = _judged(result, days)
    price = next((values for figure, values in record.price.items() if figure == "carbon_kg"), {}).get("nominal")
    return [
        label, f"{100 * record.level:.1f} %", f"{100 * share:.1f} %", f"{100 * low:.1f} to {100 * high:.1f} %",
        "–" if record.baseline_share is None else f"{100 * record.baseline_share:.1f} %",
        "–" if record.draft_share is None else f"{100 * record.draft_share:.1f} %",
        "–" if price is None else f"{price / 1000:,.1f} t CO2e, {record.price['cost']['nominal']:,.0f}",
        "–" if result.gap is None else f"{100 * result.gap:.2f} %",
        f"{draft_s[0]:.1f}" if draft_s else "–", f"{seconds:.0f}", " ".join(map(str, record.reasons)),
    ], [label, *savings.row(result)[1:]], seconds  # fmt: skip


def _judged(result: Plan, days: int) -> tuple[float, float, float]:
    """Share of fresh days on which a plan holds, with its interval."""
    assert result.schedule is not None
    with quiet():
        fresh = ensemble(result.scenario, result.schedule, days, Engine(), seed=SEED)
    assert fresh is not None
    return fresh.chance


def draws() -> Iterator[tuple[str, list[str]]]:
    """Bundled scenarios with disturbances on days and weeks of 2024; only those that the scenario can begin on."""
    draw = np.random.Generator(np.random.Philox(key=2024))
    days = [date(2024, 1, 1) + timedelta(days=int(n)) for n in sorted(draw.choice(366, DAYS, replace=False))]
    weeks = [date(2024, 1, 1) + timedelta(weeks=int(n)) for n in sorted(draw.choice(51, WEEKS, replace=False))]
    for name in bundled():
        case = load(name)
        if not case.holding or case.horizon.length_min > 8 * 24 * 60:
            continue
        for start in days if case.horizon.length_min <= 36 * 60 else weeks:
            yield name, [f"horizon.start={start}"]


def _printed(rows: list[list[str]]) -> None:
    for cells in [list(HEAD), ["---"] * len(HEAD), *rows]:
        print(f"| {' | '.join(cells)} |", flush=True)


@bench("holding", f"bundled scenarios: the level asked and reached on {FRESH:,} fresh days, price, seconds", long=True)
def main() -> Findings:
    """Plan each bundled scenario with disturbances and judge it."""
    return _all([(name, []) for name in bundled() if load(name).holding], FRESH)


@bench("holding-drawn", f"the same on {DAYS} days and {WEEKS} weeks of 2024 drawn by seed", long=True)
def on_drawn_days() -> Findings:
    """Plan each on each day or week; ``--part`` picks some by name or date."""
    return _all(list(draws()), FRESH_DRAWN)


def _all(cases: list[tuple[str, list[str]]], days: int) -> Findings:
    seconds: list[Row] = []
    rows, saved = [], []
    for name, overrides in cases:
        label = " ".join([name, *overrides])
        if not included(label):
            continue
        try:
            cells, saving, took = row(name, overrides, days)
        except ScenarioError as error:
            print(f"{label}: left out, {error}", flush=True)
            continue
        rows.append(cells)
        saved.append(saving)
        seconds.append(measured(label, [took], "s"))
        _printed(rows[-1:])
    print()
    _printed(rows)
    print(f"\nWhat they save:\n\n{savings.markdown(saved)}", flush=True)
    return Findings([Table("Seconds of each plan", seconds)])
