"""A day next to the simulated plant: planned again on events, the plan of the morning alone, the baseline."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.stats import t as student

from benchmarks.registry import bench
from benchmarks.reporting.findings import Findings, Row, Table
from emberline.live.loop.loop import Loop
from emberline.live.simulation import Messages, SimulatedPlant, values
from emberline.live.simulation.live_file import text
from emberline.live.tags import Plant, Reading, load
from emberline.planning.accounts import sums
from emberline.planning.accounts.figures import Figures
from emberline.planning.accounts.stock import difference
from emberline.planning.plan.record import violations
from emberline.scenarios import Case
from emberline.scenarios import load as load_scenario

SCENARIO, CHANGES = "melt-shop-small", ["goal.gap=5 %", "goal.effort=300"]
"""A gap that every search reaches, so that plans do not depend on the machine."""
SEEDS = int(os.environ.get("EMBERLINE_SEEDS", "20"))
EVERY_MIN = 5.0
"""Between two cycles; the shift approves an advice one cycle after it came."""
LOOP = "loop: {read_every_s: 2, search_s: 60, plan_every_min: 240}"
LEVEL = 0.95
WAYS = ("live", "morning", "baseline")
NAMES = {"live": "planned again on events", "morning": "plan of the morning", "baseline": "baseline"}


@dataclass(frozen=True)
class Day:
    """What one way of running the plant came to."""

    figures: Figures
    limits: int
    """Limits that were broken; set-points of the battery that it could not follow are no limit of the plant."""
    missed: int
    """Those that were broken by more than their tolerance."""
    unfollowed: int
    """Those set-points."""
    kinds: dict[str, int]
    plannings: int = 0
    approvals: int = 0


def plant_of(twin: SimulatedPlant, folder: Path) -> Plant:
    start = twin.scenario.horizon.start_utc
    file = folder / "live.yaml"
    lines = text(twin, SCENARIO, "opc.tcp://x", (start, start, 1.0), 60 * 3 * EVERY_MIN).splitlines()
    file.write_text("\n".join([*(line for line in lines if not line.startswith("loop:")), LOOP]) + "\n")
    return load(file)


def ended(scenario: Case, run: xr.Dataset, plannings: int = 0, approvals: int = 0) -> Day:
    rows, tolerance = violations(run), scenario.tolerances.of
    broken = Counter(str(row["kind"]) for row in rows)
    unfollowed = broken["battery"]
    missed = sum(row["kind"] != "battery" and row["amount"] > tolerance(row["kind"]) for row in rows)
    limits = broken.total() - unfollowed
    return Day(sums.figures(scenario, run), limits, missed, unfollowed, dict(broken), plannings, approvals)


def run(seed: int) -> dict[str, Day]:
    """The same disturbances three times."""
    scenario = load_scenario(SCENARIO, CHANGES)
    days = {"baseline": ended(scenario, SimulatedPlant(scenario, replication=seed).run)}
    twin, blind = (SimulatedPlant(scenario, replication=seed) for _ in range(2))
    with tempfile.TemporaryDirectory() as folder:
        plant = replace(plant_of(twin, Path(folder)), scenario=scenario)
    loop, messages = Loop(plant), Messages(seed, 0.01, lost=0.02, swapped=0.01)
    tag_of = {tag.address: tag.name for tag in plant.live.tags}
    start = scenario.horizon.start_utc
    readings: dict[str, Reading | str] = {}
    open_advice, plannings, approvals = None, 0, 0
    for at_min in np.arange(0.0, scenario.horizon.length_min, EVERY_MIN).tolist():
        now = start + timedelta(minutes=at_min)
        if open_advice is not None:
            if not approvals:
                blind.follow(open_advice.schedule, at_min)
            approvals += 1
            loop.approved(open_advice.advice.id, open_advice.schedule)
            twin.follow(open_advice.schedule, at_min)
        for address, value, at in messages.sent(values(twin, at_min), now):
            readings[tag_of[address]] = Reading(value, at)
        outcome = loop.step(readings, now)
        open_advice = outcome.proposal
        plannings += outcome.reason is not None
    days["live"] = ended(scenario, twin.run, plannings, approvals)
    days["morning"] = ended(scenario, blind.run)
    return days


def apart(days: list[dict[str, Day]], way: str, than: str, figure: str) -> np.ndarray:
    """By how much one way has more than another, what is left in the stores taken off, by seed."""
    rows = []
    for day in days:
        mine, other = day[way].figures, day[than].figures
        more = getattr(mine, figure) - getattr(other, figure) - difference(other, mine).credit(figure)
        rows.append(more)
    return np.array(rows)


def interval(what: str, values: np.ndarray, unit: str, sentence: str = "") -> Row:
    """Mean with its interval, by Student's t over the seeds."""
    n, mean = len(values), float(values.mean())
    half = float(student.ppf((1 + LEVEL) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return Row(what, unit, mean, mean - half, mean + half, says=sentence)


@bench(
    "live-day", "a day planned again on events, against the plan of the morning and the baseline, 20 seeds", long=True
)
def main() -> Findings:
    """Measure each seed."""
    days = []
    for seed in range(1, SEEDS + 1):
        days.append(run(seed))
        line = "  ".join(
            f"{way} {day.figures.carbon_kg / 1000:.2f} t {day.figures.cost:.0f} EUR "
            f"{day.kinds or 'none'} broken, {day.missed} beyond tolerance"
            for way, day in days[-1].items()
        )
        print(f"seed {seed}: {line}  ({days[-1]['live'].plannings} plannings)", flush=True)
    return findings(days)


def findings(days: list[dict[str, Day]]) -> Findings:
    """The table of some days."""
    rows = []
    for way in WAYS:
        rows.append(interval(f"{NAMES[way]}: carbon", np.array([d[way].figures.carbon_kg / 1000 for d in days]), "t"))
        rows.append(interval(f"{NAMES[way]}: cost", np.array([d[way].figures.cost for d in days]), "EUR"))
        broken = np.array([float(d[way].limits) for d in days])
        rows.append(interval(f"{NAMES[way]}: limits broken", broken, "", f"on {int((broken > 0).sum())} days"))
        missed = np.array([float(d[way].missed) for d in days])
        sentence = f"on {int((missed > 0).sum())} days"
        rows.append(interval(f"{NAMES[way]}: limits broken beyond their tolerance", missed, "", sentence))
        spans = np.array([float(d[way].unfollowed) for d in days])
        rows.append(interval(f"{NAMES[way]}: times the battery could not follow", spans, ""))
    for way, than in (("live", "morning"), ("live", "baseline"), ("morning", "baseline")):
        sentence = f"{NAMES[way]} − {NAMES[than]}"
        rows.append(interval(f"{sentence}: carbon", apart(days, way, than, "carbon_kg") / 1000, "t"))
        rows.append(interval(f"{sentence}: cost", apart(days, way, than, "cost"), "EUR"))
        broken = np.array([float(d[way].limits - d[than].limits) for d in days])
        rows.append(interval(f"{sentence}: limits broken", broken, ""))
    rows.append(interval("plannings a day", np.array([float(d["live"].plannings) for d in days]), ""))
    rows.append(interval("approvals a day", np.array([float(d["live"].approvals) for d in days]), ""))
    notes = [f"Mean and {LEVEL:.0%} interval of it over {len(days)} seeds; stock left at the end is taken off."]
    return Findings([Table("A day next to the plant", rows, notes=notes)])
