"""What is written to the plant: set-points of the allow-list, and job orders that an operator starts."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from driven import drive, later_by_a_step, small

from benchmarks.live.endings import RETURN_KW, Sequence
from benchmarks.live.endings import through as ends_of_plans
from benchmarks.live.writers import through
from emberline import twin
from emberline.live.estimate import Estimator
from emberline.live.loop import Service
from emberline.live.outputs.job_orders import WHO, Actual, JobOrders, JobState
from emberline.live.outputs.service import Outputs
from emberline.live.outputs.set_points import SetPoints, TagWatch, target
from emberline.live.tags import Live, Plant, Reading
from emberline.live.tags.record import SetPoint
from emberline.runs.decisions import Decisions
from emberline.runs.store import CatalogueError
from emberline.scenarios import Case
from emberline.scenarios import load as load_scenario

POINT = {
    "name": "battery", "address": "ns=2;s=SetPoint", "battery": True, "unit": "kW", "range": [-3000, 3000],
    "ramp_per_min": 600, "every_s": 10, "heartbeat": "ns=2;s=Beat", "valid_until": "ns=2;s=Until",
    "return_value": 0,
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


def plant_of(scenario: Case, **settings: Any) -> Plant:
    rows = {
        "scenario": "melt-shop-small",
        "connectors": [{"name": "plant", "kind": "opcua", "url": "opc.tcp://x"}],
        "tags": [],
        "set_points": {"connector": "plant", "allow": [POINT], **settings},
    }
    return Plant(Live.model_validate(rows), scenario, Path())


def two_mw() -> tuple[Case, xr.Dataset, datetime]:
    """A scenario, a plan that charges its battery with 2 MW, and a moment."""
    scenario = load_scenario("melt-shop-small")
    plan = twin.dispatch(scenario)
    still = plan["import_mw"] * 0
    return scenario, plan.assign(charge_mw=still + 2.0, discharge_mw=still), scenario.horizon.instant(60)


def test_a_set_point_goes_by_its_ramp_and_is_read_back() -> None:
    """Proves: off by default; a set-point moves towards the plan's value by its ramp with heartbeat and expiry, returns
    when the plan ends, and a hand at the controller stops it until the next plan. Sensitivity: one step."""
    scenario, plan, now = two_mw()
    ends, controllers = now + timedelta(minutes=3), Controllers()
    assert SetPoints(plant_of(scenario), controllers).step("a", plan, ends, now) == []
    assert controllers.values == {"ns=2;s=SetPoint": 0.0}
    writer = SetPoints(plant_of(scenario, enabled=True), controllers)
    values = []
    for k in range(30):
        events = writer.step("a", plan, ends, now + timedelta(seconds=10 * k))
        assert events == (["Set-point battery has ended at its return value 0 kW."] if k == 18 else [])
        values.append(controllers.values["ns=2;s=SetPoint"])
    assert values[:3] == [100.0, 200.0, 300.0]
    assert values[17:] == [1800.0] + [0.0] * 12  # the plan has ended
    assert writer.step("a", plan, ends, now) == []  # a clock that goes back does not bring it back
    assert controllers.values["ns=2;s=Beat"] == 18
    assert controllers.values["ns=2;s=Until"] == ends
    now += timedelta(minutes=10)
    controllers.values["ns=2;s=SetPoint"] = 500.0
    assert writer.step("b", plan, now + timedelta(hours=1), now) == []
    controllers.values["ns=2;s=SetPoint"] = -200.0
    (text,) = writer.step("b", plan, now + timedelta(hours=1), now + timedelta(seconds=10))
    assert text == "Set-point battery is not written: the controller shows -200 kW instead of 600"
    assert writer.step("b", plan, now + timedelta(hours=1), now + timedelta(seconds=20)) == []
    assert controllers.values["ns=2;s=SetPoint"] == -200.0
    assert writer.step("c", plan, now + timedelta(hours=1), now + timedelta(seconds=30)) == []
    assert controllers.values["ns=2;s=SetPoint"] == -100.0


def test_what_a_schedule_says_at_a_moment() -> None:
    """Proves: a battery's set-point is what it charges less what it discharges in the step of the moment, a flow's its
    rate, each in the set-point's unit; before the first step, after the last, and where the schedule lacks the column
    or the flow there is none. Sensitivity: the last step before the horizon, or the step next to it."""
    scenario, plan, _ = two_mw()
    plant, n = plant_of(scenario), scenario.horizon.n_steps
    (battery,) = plant.live.set_points.allow
    flow = SetPoint.model_validate(POINT | {"name": "flow", "battery": False, "flow": "engine.electric", "unit": "MW"})
    rising = plan.assign(charge_mw=plan["charge_mw"].copy(data=np.arange(n) + 3.0), discharge_mw=plan["charge_mw"])
    rates = np.arange(2.0 * n).reshape(2, n)
    rising = rising.assign_coords(flow=["boiler.heat", "engine.electric"])
    rising = rising.assign_coords(flow_unit=("flow", ["kW", "MW"])).assign(asset_rate=(("flow", "time"), rates))
    step = timedelta(minutes=scenario.horizon.step_min)
    begin = scenario.horizon.instant(0)
    for k, charge, electric in (
        (-1, None, None), (0, 1000.0, n), (1, 2000.0, n + 1.0), (n - 1, 1000.0 * n, 2.0 * n - 1), (n, None, None)
    ):  # fmt: skip
        for now in (begin + k * step, begin + (k + 1) * step - timedelta(seconds=1)):
            assert target(plant, battery, rising, now) == charge
            assert target(plant, flow, rising, now) == electric
    assert target(plant, battery, rising.drop_vars("charge_mw"), begin) is None
    assert target(plant, flow, rising.drop_vars("asset_rate"), begin) is None
    assert target(plant, flow, rising.isel(flow=[0]), begin) is None


def test_a_bad_value_is_no_loss_while_the_good_one_before_it_counts() -> None:
    """Proves: of a tag that may be 60 s old a value is waited for that long at the start; then a good one counts for
    60 s from its own time, whatever bad ones follow. Sensitivity: a loss with the first bad value, or a wait that
    begins again."""
    tag = {"name": "power", "connector": "plant", "address": "a", "power_of": "site", "unit": "kW",
           "range": [-100, 90000], "longest_age_s": 60}  # fmt: skip
    rows = {
        "scenario": "melt-shop-small", "connectors": [{"name": "plant", "kind": "opcua", "url": "opc.tcp://x"}],
        "tags": [tag], "set_points": {"connector": "plant", "allow": [POINT]},
    }  # fmt: skip
    watch = TagWatch(Plant(Live.model_validate(rows), load_scenario("melt-shop-small"), Path()))
    begin = datetime(2026, 6, 1, 12, tzinfo=UTC)

    def loss(at_s: float, value: float | None) -> bool:
        now = begin + timedelta(seconds=at_s)
        reading = "away" if value is None else Reading(value, now)
        return watch.loss({"power": reading}, now) is not None

    rows_of_day = [(0, None, False), (60, None, False), (61, None, True), (70, 5.0, False), (100, 6.0, False)]
    rows_of_day += [(130, None, False), (160, 1e9, False), (161, None, True), (170, 5.0, False)]
    for at_s, value, lost in rows_of_day:
        assert watch.is_ready == (at_s > 70)
        assert loss(at_s, value) == lost, at_s


class Stubborn(Controllers):
    """Controllers that take each of so many writes without following."""

    def __init__(self, ignored: int) -> None:
        super().__init__()
        self.ignored, self.writes = ignored, list[Any]()

    def write(self, address: str, value: float | datetime) -> None:
        self.writes.append((address, value))
        if address == "ns=2;s=SetPoint" and self.ignored:
            self.ignored -= 1
        else:
            super().write(address, value)


def test_what_is_written_is_read_back() -> None:
    """Proves: a controller that takes a value and shows another ends the set-point, without heartbeat; a return value
    is written again until it is read back, and not once more. Sensitivity: what is read back is not compared."""
    scenario, plan, now = two_mw()
    controllers = Stubborn(ignored=1)
    writer = SetPoints(plant_of(scenario, enabled=True), controllers)
    ends = now + timedelta(hours=1)
    assert writer.step("a", plan, ends, now) == [
        "Set-point battery is not written: read back 0 kW instead of 100",
        "Set-point battery has ended at its return value 0 kW.",
    ]
    assert controllers.writes == [("ns=2;s=SetPoint", 100.0), ("ns=2;s=SetPoint", 0)]
    assert writer.step("a", plan, ends, now + timedelta(minutes=1)) == []
    assert writer.step("b", plan, ends, now + timedelta(minutes=2)) == []
    controllers.ignored, controllers.writes = 2, []
    assert writer.step("", None, None, now) == [
        "Set-point battery does not show its return value 0 kW yet: read back 100 kW"
    ]
    assert writer.step("", None, None, now) == []
    assert writer.step("", None, None, now) == ["Set-point battery has ended at its return value 0 kW."]
    assert writer.step("", None, None, now) == []
    assert controllers.writes == [("ns=2;s=SetPoint", 0)] * 3


def test_a_restart_knows_what_was_written(tmp_path: Path) -> None:
    """Proves: a plan that ended while no process ran returns once after the restart, a return of which nobody knows
    whether it arrived is not written twice, and a value that somebody else has written meanwhile is left alone.
    Sensitivity: the writer forgets, so that the last value of a dead plan stays."""
    scenario, plan, now = two_mw()
    plant, memory, ends = plant_of(scenario, enabled=True), tmp_path / "memory.json", now + timedelta(hours=1)
    controllers = Stubborn(ignored=0)

    def started() -> SetPoints:
        controllers.writes = []
        return SetPoints(plant, controllers, memory)

    started().step("a", plan, ends, now)
    assert started().step("", None, None, now) == ["Set-point battery has ended at its return value 0 kW."]
    assert controllers.writes == [("ns=2;s=SetPoint", 0)]
    assert started().step("a", plan, ends, now) == []  # the end of a plan is for good
    assert controllers.writes == []
    started().step("b", plan, ends, now)
    row = json.loads(memory.read_text())
    row["battery"]["stage"] = "returning"  # killed between the write and its reading back
    memory.write_text(json.dumps(row))
    controllers.values["ns=2;s=SetPoint"] = 0.0
    assert started().step("", None, None, now) == ["Set-point battery has ended at its return value 0 kW."]
    assert controllers.writes == []
    for again in ("", "c"):
        started().step("c", plan, ends, now)
        controllers.values["ns=2;s=SetPoint"] = -500.0
        (text,) = started().step(again, plan, ends, now + timedelta(minutes=1))
        assert "-500 kW" in text
        assert controllers.writes == []
        controllers.values["ns=2;s=SetPoint"] = 0.0
        memory.unlink()


def test_random_ends_of_plans() -> None:
    """Proves: whatever ends a plan (abort, end, deletion, revoked start, withdrawal, expiry, clock, quality), with
    failing controllers and processes that are killed, each of its set-points returns once within one whole cycle, and
    nothing is written afterwards. Sensitivity: one ending is not noticed, or a restart returns twice."""
    count = ends_of_plans(4, first=100)
    assert count["sequences"] == 4
    assert count["returns"] > 10
    assert count["kills"] > 2


@pytest.mark.parametrize(
    ("act", "who", "reason"),
    [
        ("abort", WHO, "the job order was aborted"),
        ("end", WHO, "the job order has ended"),
        ("delete", WHO, "the job order was deleted"),
        ("revoke", WHO, "the start of the job order was revoked"),
        ("away", "loop", "site power is not measured: is 61 s old; at most 60 s is allowed"),
        (
            "ahead",
            "loop",
            "site power is not measured: is 60 min old; at most 60 s is allowed. If it is new, the clock",
        ),
        ("behind", "loop", "site power is not measured: its time lies 45 s in the future"),
        ("source", "loop", "every time of a tag is old or lies in the future: a clock is off"),
        ("withdraw", "page", "crane is out"),
    ],
)
def test_what_ends_a_plan_is_audited(tmp_path: Path, act: str, who: str, reason: str) -> None:
    """Proves: each end of a plan is a row of the audit with who and why, the set-points return in the same cycle, and
    nothing is written or audited afterwards. Sensitivity: the operator's abort is not read."""
    sequence = Sequence(0, tmp_path / "home")
    works, jobs, decisions = sequence.works, sequence.jobs, sequence.decisions
    sequence._advise(works.now())
    (advice,) = decisions.all()
    sequence.outputs.step()
    jobs.start(advice.id)
    sequence.outputs.step()
    jobs.run(advice.id)
    sequence.outputs.step()
    assert [row.act for row in decisions.audit(advice.id)] == ["advised", "stored", "approved"]
    assert set(works.values.values()).isdisjoint(RETURN_KW)
    if act in ("abort", "end", "delete"):
        {"abort": jobs.abort, "end": jobs.end, "delete": jobs.delete}[act](advice.id)
    elif act == "revoke":
        jobs._states[advice.id] = JobState.NOT_ALLOWED
    elif act == "withdraw":
        decisions.withdraw(advice.id, who="page", reason=reason, now=works.now())
    elif act == "away":
        works.tags_away, works.at = True, works.at + timedelta(seconds=61)
    elif act == "source":
        works.source_s = -3600.0
    else:
        works.offset_s = 3600.0 if act == "ahead" else -45.0
    sequence.outputs.step()
    row = decisions.audit(advice.id)[-1]
    assert (row.act, row.who) == ("withdrawn", who)
    assert row.reason.startswith(reason)
    assert tuple(works.values.values()) == RETURN_KW
    writes, first = list(works.writes), decisions.audit()
    works.offset_s, works.source_s, works.tags_away = 0.0, 0.0, False
    for _ in range(3):
        sequence.outputs.step()
    assert works.writes == writes
    assert decisions.audit() == first
    assert [row.reason for row in first if row.act == "set-point"] == [
        "Set-point point 0 has ended at its return value 7 kW.",
        "Set-point point 1 has ended at its return value -13 kW.",
    ]


@pytest.mark.parametrize("act", ["abort", "delete"])
def test_a_job_order_ends_before_its_start(tmp_path: Path, act: str) -> None:
    """Proves: an open advice whose job order the operator aborts or deletes is declined, once, and is not stored again.
    Sensitivity: a deleted job order comes back with each cycle."""
    sequence = Sequence(0, tmp_path / "home")
    sequence._advise(sequence.works.now())
    (advice,) = sequence.decisions.all()
    sequence.outputs.step()
    (sequence.jobs.abort if act == "abort" else sequence.jobs.delete)(advice.id)
    news = []
    for _ in range(3):
        sequence._begin()  # a restart changes nothing
        sequence.outputs.step()
        news += sequence.outputs.news()
    assert [row.act for row in sequence.decisions.audit()] == ["advised", "stored", "declined"]
    assert any(advice.id[:8] in str(text) for text in news)
    assert (advice.id in sequence.jobs.orders) == (act == "abort")
    assert sequence.works.writes == []


def test_without_the_catalogue_a_value_lasts_no_longer_than_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: while it is not known which plan is in force nothing is written, after ``expires_s`` the return values
    are, and what happened is audited later. Sensitivity: a withdrawal that nobody can read leaves the last value."""
    sequence = Sequence(0, tmp_path / "home")
    works, decisions = sequence.works, sequence.decisions
    sequence._advise(works.now())
    decisions.decide(decisions.all()[0].id, approve=True, who="page", reason="", now=works.now())
    sequence.outputs.step()
    before = dict(works.values)

    def away(*_: object) -> None:
        raise CatalogueError("no answer")

    with monkeypatch.context() as without:
        without.setattr(decisions, "concerning", away)
        for seconds in (10, 100):
            works.at += timedelta(seconds=seconds)
            sequence.outputs.step()
            assert works.values == before
        works.at += timedelta(seconds=10)
        sequence.outputs.step()
    assert tuple(works.values.values()) == RETURN_KW
    sequence.outputs.step()
    assert sum(row.act == "set-point" for row in decisions.audit()) == 2
    assert tuple(works.values.values()) == RETURN_KW


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
    assert isinstance(state.actuals, Mapping)
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
    outputs, count = Outputs(plant, Decisions("live")), 0

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
