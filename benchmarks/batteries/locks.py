"""Locks: a plan fed back as locks is the same plan; a random lock is kept, refused with times, moved or impossible.

What is kept is judged from scenario and exported table alone (``tests/oracles/plan_judge.py``).
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Bar, Findings, Row, Table, measured

if TYPE_CHECKING:
    from locked_shops import Shop

ORACLES = Path(__file__).resolve().parents[2] / "tests" / "oracles"
LOCKS = 500
SHOPS = 10
WRONG = ("wrong", "open")


@bench("locks", "plans fed back as locks, and 500 random locks on three shops", long=True)
def main() -> Findings:
    """Feed plans back, then try random locks."""
    sys.path.append(str(ORACLES))
    back, astray = _back()
    result, broken = _random()
    findings = Findings([Table("plans fed back as locks", back), Table("random locks", result)])
    if astray or broken:
        raise Wrong("; ".join([*astray, *broken]), findings)
    return findings


def _back() -> tuple[list[Row], list[str]]:
    from locked_shops import Shop, fed_back, random_shop, same_places

    from emberline.planning.planner import PLAIN, make_plan
    from emberline.scenarios import bundled, load

    hasty = ("goal.effort=20", "disturbances.replications=0")
    shops = [Shop(name, settings=hasty) for name in bundled() if load(name).orders]
    rows, wrong = [], []
    for shop in [*shops, *(random_shop(seed) for seed in range(SHOPS))]:
        result = make_plan(shop.scenario([]), PLAIN)
        locks = fed_back(result) if result.replay is not None else []
        again = make_plan(shop.scenario(locks), PLAIN)
        off = same_places(result, again)
        text = f"{result.verdict.split(';')[0]} Fed back: {again.status}" + (f", {off}" if off else "")
        print(f"  {shop.name}: {len(locks)} locks; {text}", flush=True)
        rows.append(measured(shop.name, [float(bool(off))], "plans that differ", bars=[Bar(0.0)], says=text))
        if off:
            wrong.append(f"{shop.name} fed back: {off}")
    return rows, wrong


def _random() -> tuple[list[Row], list[str]]:
    from locked_shops import Shop, fate, lock, random_shop
    from plan_judge import faults

    from emberline.planning.planner import PLAIN, make_plan
    from emberline.runs.store.store import Store

    rows, wrong = [], []
    shops: list[Shop] = [Shop("melt-shop-small"), random_shop(1), random_shop(2)]
    with tempfile.TemporaryDirectory(prefix="locks-") as folder:
        store = Store(Path(folder))
        for number, shop in enumerate(shops):
            from locked_shops import exported

            result = make_plan(shop.scenario([]), PLAIN)
            base = exported(result, store)
            assert not faults(result.scenario, base)
            draw = np.random.Generator(np.random.Philox(key=100 + number))
            counts: Counter[str] = Counter()
            for _ in range(LOCKS // len(shops) + (number < LOCKS % len(shops))):
                cancel_event = lock(shop, base, draw)
                became = fate(shop, cancel_event, base, store)
                counts[became.what] += 1
                if became.what in WRONG:
                    wrong.append(f"{shop.name} {cancel_event}: {became.what}, {became.says}")
                    print(f"  {wrong[-1]}", flush=True)
            text = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
            print(f"  {shop.name}: {text}", flush=True)
            bad = float(sum(counts[what] for what in WRONG))
            rows.append(measured(shop.name, [bad], "locks wrong or open", bars=[Bar(0.0)], says=text))
    return rows, wrong
