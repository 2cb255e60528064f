"""The state estimate against the hidden truth of simulated days: 24 heats, 5 % scatter, lost and late messages."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import numpy as np

from benchmarks.registry import bench
from benchmarks.reporting.findings import Bar, Findings, Table, measured
from emberline.live.estimate import Estimator
from emberline.live.simulation import Messages, SimulatedPlant, values
from emberline.live.simulation.live_file import text
from emberline.live.tags import Reading, load
from emberline.scenarios import load as load_scenario

SCENARIO, CHANGES = "melt-shop-day", ["disturbances.breakdowns=[]", "disturbances.duration_spread=5 %"]
SEEDS = 5
EVERY_MIN, LOOKS_EVERY_MIN = 1.0, 7.0
LATE_MIN = 3.0
"""Mean absolute error of the time left that is asked for."""


def day(seed: int) -> tuple[float, float]:
    """Mean absolute error of the time left [min], and share of 90 % intervals that cover."""
    twin = SimulatedPlant(load_scenario(SCENARIO, CHANGES), replication=seed)
    start = twin.scenario.horizon.start_utc
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "live.yaml"
        file.write_text(text(twin, SCENARIO, "opc.tcp://x", (start, start, 1.0), 300))
        plant = load(file)
    # what the estimator expects is the undisturbed baseline, not the truth
    estimator = Estimator(plant, SimulatedPlant(twin.scenario, disturbed=False).run)
    messages = Messages(seed, 0.01, lost=0.1, swapped=0.02)
    tag_of = {tag.address: tag.name for tag in plant.live.tags}
    misses, covered = [], []
    for step in range(round(twin.scenario.horizon.length_min / EVERY_MIN)):
        at_min = step * EVERY_MIN
        now = start + timedelta(minutes=at_min)
        for address, value, at in messages.sent(values(twin, at_min), now):
            estimator.observe({tag_of[address]: Reading(value, at)}, now)
        if step % round(LOOKS_EVERY_MIN / EVERY_MIN):
            continue
        state = estimator.state(now)
        for heat in state.heats:
            if twin.heat_on(heat.unit, at_min) == heat.heat:
                remaining = twin.left_min(heat.unit, at_min)
                misses.append(abs(remaining - heat.remaining.median))
                covered.append(heat.remaining.low <= remaining <= heat.remaining.high)
    return float(np.mean(misses)), float(np.mean(covered))


@bench("live-estimate", "state estimate of the live plant against the hidden truth of simulated days")
def main() -> Findings:
    """Measure some days."""
    late, covered = zip(*(day(seed) for seed in range(1, SEEDS + 1)), strict=True)
    rows = [
        measured("time left, mean absolute error", late, unit="min", bars=[Bar(LATE_MIN, "worst")]),
        measured("90 % intervals that cover", [100 * share for share in covered], unit="%"),
    ]
    return Findings([Table("State estimate", rows)])
