"""What is written to the plant: set-points of the allow-list, and job orders that an operator starts."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from driven import drive, later_by_a_step, small

from benchmarks.live.writers import through
from emberline import twin
from emberline.live.estimate import Estimator
from emberline.live.loop import Service
from emberline.live.outputs.job_orders import Actual, JobOrders, JobState
from emberline.live.outputs.service import Outputs
from emberline.live.outputs.set_points import SetPoints
from emberline.live.tags import Live, Plant, Reading
from emberline.plans.decisions import Decisions
from emberline.scenarios import Scenario
from emberline.scenarios import load as load_scenario

POINT = {
    "name": "battery", "address": "ns=2;s=SetPoint", "battery": True, "unit": "kW", "range": [-3000, 3000],
    "ramp_per_min": 600, "every_s": 10, "heartbeat": "ns=2;s=Beat", "valid_until": "ns=2;s=Until",
}  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path / "home"))


def test_random_plans() -> None:
    """Proves: of random plans with absurd numbers, controllers with faults and an operator who starts at random nothing
    is written outside of allow-list, range, ramp and time, and no job runs without its start, audited once.
    Sensitivity: a number is clipped to the range instead of refused; a start is taken twice."""
    count, approvals = through(60)
    assert count["plans"] == 60
    assert count["writes"] > 100
    assert count["refused"] > 10
    assert approvals > 5


class Controllers:
    """Controllers that follow."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {"ns=2;s=SetPoint": 0.0}

    def read(self, address: str) -> float:
        return float(self.values[address])

    def write(self, address: str, value: float | datetime) -> None:
        self.values[address] = value


def plant_of(scenario: Scenario, **settings: Any) -> Plant:
    rows = {
        "scenario": "melt-shop-small",
        "connectors": [{"name": "plant", "kind": "opcua", "url": "opc.tcp://x"}],
        "tags": [],
        "set_points": {"connector": "plant", "allow": [POINT], **settings},
    }
    return Plant(Live.model_validate(rows), scenario, Path())


def test_a_set_point_goes_by_its_ramp_and_is_read_back() -> None:
    """Proves: off by default; a set-point moves towards the plan's value by its ramp with heartbeat and expiry, ends
    with the plan, and a controller that does not follow stops it until the next plan. Sensitivity: one step."""
    scenario = load_scenario("melt-shop-small")
    plan = twin.dispatch(scenario)
    plan["charge_mw"] = plan["import_mw"] * 0 + 2.0
    plan["discharge_mw"] = plan["import_mw"] * 0
    now = scenario.horizon.start_utc + timedelta(hours=1)
    ends, controllers = now + timedelta(minutes=3), Controllers()
    assert SetPoints(plant_of(scenario), controllers).step("a", plan, ends, now) == []
    assert controllers.values == {"ns=2;s=SetPoint": 0.0}
    writer = SetPoints(plant_of(scenario, enabled=True), controllers)
    values = []
    for k in range(30):
        assert writer.step("a", plan, ends, now + timedelta(seconds=10 * k)) == []
        values.append(controllers.values["ns=2;s=SetPoint"])
    assert values[:3] == [100.0, 200.0, 300.0]
    assert values[17:] == [1800.0] * 13  # the plan has ended
    assert controllers.values["ns=2;s=Beat"] == 18
    assert controllers.values["ns=2;s=Until"] == ends
    now += timedelta(minutes=10)
    controllers.values["ns=2;s=SetPoint"] = 500.0
    assert writer.step("b", plan, now + timedelta(hours=1), now) == []
    controllers.values["ns=2;s=SetPoint"] = -200.0
    (says,) = writer.step("b", plan, now + timedelta(hours=1), now + timedelta(seconds=10))
    assert says == "Set-point battery is not written: the controller shows -200 kW instead of 600"
    assert writer.step("b", plan, now + timedelta(hours=1), now + timedelta(seconds=20)) == []
    assert controllers.values["ns=2;s=SetPoint"] == -200.0
    assert writer.step("c", plan, now + timedelta(hours=1), now + timedelta(seconds=30)) == []
    assert controllers.values["ns=2;s=SetPoint"] == -100.0


@contextmanager
def receiver(model: Path) -> Iterator[tuple[str, Any]]:
    """A server with a receiver of job orders."""
    from asyncua import Server, ua

    from benchmarks.live.job_orders import JobServer, JobShop

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"opc.tcp://127.0.0.1:{free.getsockname()[1]}"
    jobs, ready, stop = JobShop(), threading.Event(), threading.Event()
    place: list[JobServer] = []

    async def run() -> None:
        server = Server()
        await server.init()
        server.set_endpoint(url)
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        await server.register_namespace("urn:works")
        place.append(JobServer(server, jobs))
        await place[0].begin(model)
        async with server:
            ready.set()
            while not stop.is_set():
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert ready.wait(120)
    yield url, place[0]
    stop.set()
    thread.join(10)


@pytest.mark.shared
def test_a_job_order_is_approved_by_its_start(shared: Path, tmp_path: Path) -> None:
    """Proves: with a real server of the published model an advice is stored as a job order, the operator's start
    approves it with an audit row, actual operations of its response reach the estimate, and a job order whose advice
    is over is withdrawn. Sensitivity: Emberline starts a job itself."""
    from emberline.live.outputs.opcua import OpcUaReceiver, Server

    model = shared / "schemas" / "opcua" / "opc.ua.isa95-jobcontrol.nodeset2.xml"
    plant, run = small(tmp_path)
    service = Service(plant, now=plant.scenario.horizon.start_utc)
    service.loop.planner = later_by_a_step
    drive(service, run, 0, 3)
    (advice,) = service.decisions.all()
    now = plant.scenario.horizon.start_utc + timedelta(minutes=4)
    with receiver(model) as (url, place):
        live = Live.model_validate({
            "scenario": "melt-shop-small", "tags": [],
            "connectors": [{"name": "plant", "kind": "opcua", "url": url, "timeout_s": 60}],
        })  # fmt: skip
        server = Server(Plant(live, plant.scenario, tmp_path), live.connectors[0], {})
        orders = JobOrders(service.decisions, OpcUaReceiver(server, place.receiver, place.provider))
        assert orders.step(now) == [f"Advice {advice.id[:8]} is stored as a job order."]
        assert orders.step(now) == []
        assert place.jobs.states() == {advice.id: JobState.NOT_ALLOWED}
        order = place.jobs.orders[advice.id]
        assert order.parameters["hash"] == advice.hash
        assert order.parameters["C1-1/melting"].startswith("EAF ")
        assert service.decisions.find(advice.id).state == "open"
        place.jobs.start(advice.id)
        asyncio.run(place.show())
        assert orders.step(now) == [f"The operator has started job order {advice.id[:8]}."]
        row = service.decisions.audit()[-1]
        assert (row.act, row.who, row.advice) == ("approved", "operator, by job order", advice.id)
        start = plant.scenario.horizon.start_utc
        actual = Actual("EAF", start + timedelta(minutes=1), start + timedelta(minutes=55))
        place.jobs.operations["C1-1", "melting"] = actual
        assert orders.actuals() == {("C1-1", "melting"): actual}
        service.decisions.expire(advice.ends + timedelta(minutes=1))
        assert orders.step(now) == [f"Job order {advice.id[:8]} is withdrawn."]
        assert place.jobs.states() == {}
        server.close()


def test_a_reported_operation_is_exact(tmp_path: Path) -> None:
    """Proves: start and end of a job response are those of the estimate, whatever the tags showed; names that are
    unknown, a unit of another stage and times that cannot be are events. Sensitivity: the time of a message is taken
    for that of the start; a clock an hour off, or a unit's name with a blank, ends the loop."""
    plant, run = small(tmp_path)
    estimator, start = Estimator(plant, run.run), plant.scenario.horizon.start_utc
    now = start + timedelta(minutes=60)
    begin, end = start + timedelta(minutes=2), start + timedelta(minutes=57)
    readings: dict[str, Reading | str] = {
        "job C1-1/melting": Reading(f"EAF {begin.isoformat()} {end.isoformat()}", end),
        "job C9-9/melting": Reading(f"EAF {begin.isoformat()}", begin),
        "job C1-2/melting": Reading(f"EAF {(now + timedelta(hours=1)).isoformat()} ", begin),
        "job C1-2/ladle": Reading(f"LF 1 {begin.isoformat()} ", begin),
        "job C1-2/casting": Reading(f"EAF {begin.isoformat()} ", begin),
    }
    estimator.observe(readings, now)
    state = estimator.state(now)
    assert state.actuals["C1-1", "melting"] == twin.Operation("EAF", 2.0, 57.0)
    assert list(state.events) == [
        "A job response names C9-9 (melting) on EAF: unknown.",
        "A job response gives times of C1-2 (melting) that cannot be.",
        "A job response names C1-2 (ladle) on LF 1: unknown.",
        "A job response names C1-2 (casting) on EAF: unknown.",
    ]
    estimator.observe(readings, now)
    assert estimator.state(now).events == ()


def test_whatever_goes_wrong_is_one_event(tmp_path: Path) -> None:
    """Proves: an error of any kind in a step is one event, and the steps go on. Sensitivity: the thread ends without a
    word."""
    plant, _ = small(tmp_path)
    outputs, count = Outputs(plant, Decisions("live"), {}), 0

    def step() -> None:
        nonlocal count
        count += 1
        raise KeyError("row")

    for _ in range(3):
        outputs._try(step, "Set-points are not written: {error}")
    assert count == 3
    assert outputs.news() == ["Set-points are not written: KeyError: 'row'"]


def test_settings_are_checked() -> None:
    """Proves: a set-point without range or with another unit than a power is refused by key. Sensitivity: kWh."""
    from pydantic import ValidationError

    from emberline.live.tags.record import SetPoint

    for change in ({"unit": "kWh"}, {"range": [1, 1]}, {"battery": False}, {"heartbeat": ""}):
        with pytest.raises(ValidationError):
            SetPoint.model_validate({**POINT, **change})
