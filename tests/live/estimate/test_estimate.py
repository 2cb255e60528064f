"""The state estimate against hidden truth, and what becomes of values that do not come."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from emberline.live.estimate import Estimator
from emberline.live.simulation import Messages, SimulatedPlant, values
from emberline.live.simulation.live_file import text
from emberline.live.tags import Plant, Quality, Reading, load
from emberline.scenarios import load as load_scenario


def plant_of(
    folder: Path, name: str = "melt-shop-small", changes: tuple[str, ...] = ()
) -> tuple[Plant, SimulatedPlant]:
    twin = SimulatedPlant(load_scenario("melt-shop-small", list(changes)), replication=1)
    start = twin.scenario.horizon.start_utc
    file = folder / "live.yaml"
    file.write_text(text(twin, "melt-shop-small", "opc.tcp://x", (start, start, 1.0), 60))
    return load(file), twin


def test_hidden_truth(tmp_path: Path) -> None:
    """Proves: over a day of 9 heats with 5 % scatter, breakdowns left out, 10 % of messages lost and 2 % swapped, the
    remaining time of heats is right within 3 min in the mean, its 90 % intervals cover, levels are within 1 % of the
    capacity and the metered peak within 2 %. Sensitivity: late messages move a heat back; a start is taken as certain.
    """
    plant, twin = plant_of(tmp_path, changes=("disturbances.breakdowns=[]",))
    estimator, messages = Estimator(plant, twin.run), Messages(4, 0.01, lost=0.1, swapped=0.02)
    tag_of = {tag.address: tag.name for tag in plant.live.tags}
    start = twin.scenario.horizon.start_utc
    misses, covered, levels = [], [], []
    for step in range(24 * 60 * 2):
        now = start + timedelta(minutes=step / 2)
        for address, value, at in messages.sent(values(twin, step / 2), now):
            estimator.observe({tag_of[address]: Reading(value, at)}, now)
        if step % 14 == 7:
            state = estimator.state(now)
            for heat in state.heats:
                if twin.heat_on(heat.unit, step / 2) == heat.heat:
                    remaining = twin.left_min(heat.unit, step / 2)
                    misses.append(abs(remaining - heat.remaining.median))
                    covered.append(heat.remaining.low <= remaining <= heat.remaining.high)
            levels.append(abs(state.levels["battery"][0] - twin.levels(step / 2)["battery"]) / 8)
    assert len(misses) > 150
    assert np.mean(misses) < 3
    assert np.mean(covered) > 0.8  # few heats: each counts several times
    assert np.mean(levels) < 0.01
    assert state.peak_mw == pytest.approx(float(twin.run["meter_mw"].max()), rel=0.02)


def test_a_stale_value_is_the_twins_and_marked(tmp_path: Path) -> None:
    """Proves: a tag without new values is stale within its longest age and a second, shows what the twin expects,
    marked and with a wider band, and the state names it. Sensitivity: the last value stays shown."""
    plant, twin = plant_of(tmp_path)
    estimator = Estimator(plant, twin.run)
    at_min = float(twin.run["op_start_min"].min()) + 20
    start = twin.scenario.horizon.start_utc + timedelta(minutes=at_min)
    estimator.observe(
        {tag.name: Reading(values(twin, at_min)[tag.address][0], start) for tag in plant.live.tags}, start
    )
    fresh = {value.tag: value for value in estimator.state(start + timedelta(seconds=59)).tags}
    assert {value.quality for value in fresh.values()} == {Quality.OK}
    away = {tag.name: "connector plant: cannot connect" for tag in plant.live.tags}
    later = start + timedelta(seconds=61)
    assert estimator.observe(away, later) == []
    state = estimator.state(later)
    assert {value.quality for value in state.tags} == {Quality.STALE}
    assert all(value.predicted and value.says for value in state.tags)
    assert len(state.marks) == len(plant.live.tags)
    power = next(value for value in state.tags if value.tag == "site power")
    before = fresh["site power"]
    assert power.high is not None
    assert power.low is not None
    assert before.high is not None
    assert before.low is not None
    assert power.high - power.low > 2 * (before.high - before.low)


@pytest.mark.parametrize(
    ("tag", "value", "seconds", "sentence"),
    [
        ("price", 1e-11, 0, "is no price"),
        ("EAF power", 1.2e8, 0, "1000 times too large"),
        ("EAF heat", "no-such-heat", 0, "unknown heat"),
        ("site power", 50.0, 3600, "in the future"),
        ("battery level", 7.9, 0, "does not fit"),
    ],
)
def test_what_cannot_be_is_marked_by_name(
    tmp_path: Path, tag: str, value: float | str, seconds: int, sentence: str
) -> None:
    """Proves: a wrong value is suspect by name, the others stay good, and heats and levels do not move. Sensitivity:
    a clock that is an hour off, or a level that jumps, is taken in."""
    plant, twin = plant_of(tmp_path)
    estimator = Estimator(plant, twin.run)
    start = twin.scenario.horizon.start_utc
    for step in range(10):
        now = start + timedelta(seconds=10 * step)
        good = {one.name: Reading(values(twin, step / 6)[one.address][0], now) for one in plant.live.tags}
        estimator.observe(good, now)
    before = estimator.state(now)
    estimator.observe({tag: Reading(value, now + timedelta(seconds=seconds))}, now)
    state = estimator.state(now)
    suspects = {one.tag: one for one in state.tags if one.quality is not Quality.OK}
    assert set(suspects) == {tag}
    assert sentence in suspects[tag].says
    assert state.actuals == before.actuals
    assert state.levels["battery"][0] == pytest.approx(before.levels["battery"][0], abs=0.01)
    if seconds:  # it is not good when its time comes, and does not hide good values until then
        marks = estimator.state(now + timedelta(seconds=seconds)).marks
        assert f"{tag}: suspect" in marks
        now += timedelta(seconds=5)
        estimator.observe({tag: Reading(value, now)}, now)
        assert f"{tag}: suspect" not in estimator.state(now).marks
