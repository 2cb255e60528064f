"""Heats and site as one: 84 heats with battery, engine, heat recovery and demand charge in real weeks of 2024.

``melt-shop-site`` on German day-ahead prices and life-cycle carbon intensities, the weeks of the bench ``weeks``. Needs
the shared folder of real series, as the bench ``plans`` does. A line of 30 heats in two days with a battery, a monthly
demand charge and a ratchet needs nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.instruments.quiet import quiet
from benchmarks.instruments.scaled import WINTER, of_heats
from benchmarks.planning import week
from benchmarks.planning.cement import week_of
from benchmarks.planning.days import MISSING, scenario, shared
from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Bar, Findings, Table, measured
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case, load

SITE = "melt-shop-site"
LIMIT_S, SHORT_S = 120.0, 60.0
MEDIAN, WORST, SHORT = 3.0, 5.0, 2.0
"""Gaps [%]."""
CHARGE = (
    "market.tariff={name: network, demand: [{name: network demand, rates: [{per_mw: 8500 EUR/MW}], "
    "ratchet: {share: 80 %}}], energy: [{name: network energy, rates: [{per_mwh: 4 EUR/MWh}]}]}"
)
BATTERY = "site.battery={energy_mwh: 20 MWh, power_mw: 10 MW, charge_efficiency: 95 %, discharge_efficiency: 95 %}"


def two_days() -> Case:
    """Thirty heats, due within two days, at least cost."""
    orders = [
        {"name": o.name, "due": "48 h", "heats": [{"grade": b.grade, "count": b.count} for b in o.heats]}
        for o in of_heats(30, SHORT_S).orders
    ]
    return load(
        "melt-shop-week",
        [
            f"orders={json.dumps(orders)}",
            f"horizon={{start: {WINTER}, zone: Europe/Berlin, length_h: 48, step_min: 15}}",
            f"goal.effort={SHORT_S:g}", "goal.gap=0", "goal.minimize=cost", BATTERY, CHARGE,
        ],
    )  # fmt: skip


def gap(result: Case) -> tuple[float, str]:
    """Gap at the limit [%], and status with the violations of the undisturbed replay; planned as users' plans are."""
    with quiet():
        outcome = make_plan(result, PLAIN, replications=0)
    if outcome.gap is None or outcome.replay is None:
        return float("inf"), outcome.status
    return 100 * outcome.gap, f"{outcome.status}; {len(outcome.replay['violation_kind'])} violations"


def measure(seeds: range, folder: Path) -> Table:
    """The gap of some weeks.

    Raises:
        Wrong: the twin found a violation.
    """
    rows, gaps = [], []
    for seed in seeds:
        monday = week_of(seed)
        percent, text = gap(scenario(monday, folder, SITE, ("goal.gap=0", f"goal.effort={LIMIT_S:g}")))
        print(f"  {monday}: {percent:.2f} %, {text}", flush=True)
        if not text.endswith(" 0 violations"):
            raise Wrong(f"week of {monday}: {text}")
        gaps.append(percent)
        rows.append(measured(f"week of {monday}: gap at {LIMIT_S:g} s", [percent], "%", says=text))
    bars = [Bar(MEDIAN, "median"), Bar(WORST, "worst")]
    rows.insert(0, measured(f"gap at {LIMIT_S:g} s", gaps, "%", bars=bars))
    return Table(f"84 heats with their site, {len(gaps)} weeks of 2024", rows)


@bench("site-weeks", "84 heats with their site in ten real weeks of 2024, all plans replayed", long=True)
def ten() -> Findings | None:
    """Ten weeks."""
    folder = shared()
    if folder is None:
        print(MISSING)
        return None
    return Findings([measure(week.ALL, folder)])


@bench("peak-days", "30 heats in two days with a battery, a monthly demand charge and a ratchet", long=True)
def short() -> Findings:
    """Two days."""
    percent, text = gap(two_days())
    rows = [measured(f"gap at {SHORT_S:g} s", [percent], "%", bars=[Bar(SHORT, "worst")], says=text)]
    return Findings([Table("30 heats in two days, demand charge", rows)])
