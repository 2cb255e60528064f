"""The simulated plant: what its tags show is what the twin's run says."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from emberline import twin
from emberline.live.connectors import read
from emberline.live.simulation import Messages, SimulatedPlant
from emberline.live.tags import Quality, Reading, judge, load
from emberline.scenarios import load as load_scenario


def test_meters_show_the_run() -> None:
    """Proves: the energy of the units' meters over the day is that of the run's operations, and the site's that of its
    import. Sensitivity: powers are those of nominal durations, or a breakdown draws power."""
    plant = SimulatedPlant(load_scenario("melt-shop-small"), replication=3)
    minutes = np.arange(0.5, 26 * 60, 0.5)
    energy = {unit: sum(plant.power_mw(unit, at) for at in minutes) / 120 for unit in plant.units}
    units, mwh = plant.run["op_unit"].values, plant.run["op_energy_mwh"].to_numpy()
    for unit, value in energy.items():
        assert value == pytest.approx(mwh[units == unit].sum(), rel=1e-6)
    net = float((plant.run["import_mw"] - plant.run["export_mw"]).sum()) / 4
    day = minutes[minutes < 24 * 60 - 0.25]
    assert sum(plant.site_mw(at) for at in day) / 120 == pytest.approx(net, rel=0.01)


def test_a_new_plan_leaves_the_past(tmp_path: Path) -> None:
    """Proves: what has begun stays as it was when another schedule is followed. Sensitivity: the past moves."""
    scenario = load_scenario("melt-shop-small")
    plant = SimulatedPlant(scenario, replication=1)
    before = plant.run
    actuals = before["op_start_min"].to_numpy() <= 500
    later = twin.dispatch(scenario)
    later["start_min"] = later["start_min"] + 30
    later["end_min"] = later["end_min"] + 30
    plant.follow(later, 500)
    for name in ("op_start_min", "op_end_min"):
        np.testing.assert_allclose(plant.run[name].to_numpy()[actuals], before[name].to_numpy()[actuals], atol=1e-6)
    assert (plant.run["op_start_min"].to_numpy()[~actuals] >= before["op_start_min"].to_numpy()[~actuals]).all()


def test_messages_are_lost_and_swapped_as_often_as_asked() -> None:
    """Proves: shares of lost and late messages are those asked for. Sensitivity: each swap loses a message."""
    at, messages = datetime(2026, 6, 16, tzinfo=UTC), Messages(1, 0.0, 0.1, 0.02)
    sent = [message for k in range(5000) for message in messages.sent({"a": (float(k), 0.0)}, at)]
    numbers = [float(message[1]) for message in sent]
    assert len(numbers) == pytest.approx(4500, abs=80)
    late = sum(first > second for first, second in pairwise(numbers))
    assert late == pytest.approx(90, abs=35)


def test_what_is_begun_goes_on_as_measured() -> None:
    """Proves: the twin's expectation from the actual starts and ends of a disturbed run until a moment has them as they
    were, and of an undisturbed run is that run. Sensitivity: begun operations get nominal durations."""
    scenario = load_scenario("melt-shop-small")
    schedule = twin.dispatch(scenario)
    for disturbed in (False, True):
        run = twin.replay(scenario, schedule, replication=2, disturbed=disturbed)
        columns = [run[f"op_{name}"].values.tolist() for name in ("heat", "stage", "unit", "start_min", "end_min")]
        actuals = {
            (heat, stage): twin.Operation(unit, start, end)
            for heat, stage, unit, start, end in zip(*columns, strict=True)
            if start < 700
        }
        assert actuals
        expected = twin.expect(scenario, schedule, actuals, 700)
        past = expected["op_start_min"].to_numpy() < 700
        for name in ("op_start_min", "op_end_min"):
            np.testing.assert_allclose(expected[name].to_numpy()[past], run[name].to_numpy()[past], atol=1e-6)
            if not disturbed:
                np.testing.assert_allclose(expected[name].to_numpy(), run[name].to_numpy(), atol=1e-6)
        assert (expected["op_start_min"].to_numpy()[~past] >= 700 - 1e-9).all()


def test_the_server_shows_the_plant(tmp_path: Path) -> None:
    """Proves: the file that a simulation writes reads its server, every tag with its quality. Sensitivity: a tag of the
    file is no node of the server, or plant time is that of this computer."""
    pytest.importorskip("asyncua")
    from emberline.live.simulation.server import Simulation, served

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    plant = SimulatedPlant(load_scenario("melt-shop-small"))
    simulation = Simulation(plant, "melt-shop-small", port, 600, Messages())
    simulation.write(tmp_path / "live.yaml")
    file = load(tmp_path / "live.yaml")
    with served(simulation):
        findings = []
        for _ in range(100):
            readings = read(file)
            by_name = {name: one for name, one in readings.items() if isinstance(one, Reading)}
            findings = [
                judge(file, tag, by_name[tag.name], file.now()) for tag in file.live.tags if tag.name in by_name
            ]
            if findings and all(finding.quality is Quality.OK for finding in findings):
                break
    assert len(findings) == len(file.live.tags) == 12
    assert not [finding for finding in findings if finding.quality is not Quality.OK]
