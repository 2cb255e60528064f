"""Random plans through what writes to the plant: set-points of the allow-list, and job orders for an operator."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from benchmarks.live.job_orders import JobShop
from benchmarks.live.kills import free_port
from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Findings, Table, measured
from emberline import twin
from emberline.live.connectors import ConnectorError
from emberline.live.outputs.job_orders import ACTIVE, WHO, JobOrders
from emberline.live.outputs.opcua import OpcUaSetPoints, Server
from emberline.live.outputs.set_points import SetPoints, addresses
from emberline.live.tags import Live, Plant
from emberline.runs.decisions import Advice, Decisions
from emberline.runs.store import StoreError
from emberline.scenarios import Case
from emberline.scenarios import load as load_scenario

PLANS = 10_000
EACH_HOME = 100
"""Plans in one home; the next has a new one."""
ODD = (np.nan, np.inf, -np.inf, 1e30, -1e30, 1e-11)
SCENARIOS = ("melt-shop-small", "melt-shop-site")
"""The first has a battery, the second flows too; homes take turns."""
REAL_EVERY = 20
"""Every twentieth plan goes to a server of OPC UA (asyncua) instead of the controllers with faults."""
POINTS = 4
Write = tuple[str, float | datetime, float]
"""Address, value, and what the controller showed before."""


class Controllers:
    """Controllers with faults: values that are odd, refuse to be written, or stay as they are."""

    def __init__(self, plant: Plant, random: np.random.Generator) -> None:
        self.values = {
            point.address: float(random.uniform(*np.array(point.range) * 1.2)) for point in plant.live.set_points.allow
        }
        self.writes: list[Write] = []
        self._display = dict(self.values)
        self._random = random

    def read(self, address: str) -> float:
        if self._random.random() < 0.02:
            raise ConnectorError("no answer")
        odd = self._random.random() < 0.02
        self._display[address] = float(self._random.choice(ODD)) if odd else self.values[address]
        return self._display[address]

    def write(self, address: str, value: float | datetime) -> None:
        if self._random.random() < 0.02:
            raise ConnectorError("refused")
        self.writes.append((address, value, self._display.get(address, 0.0)))
        if isinstance(value, float) and self._random.random() > 0.02:
            self.values[address] = value


class Nodes:
    """Nodes of a server, through the client that the loop uses; the server says what has been written."""

    def __init__(self, server: ServerOfNodes, plant: Plant) -> None:
        self._client, self._server = server.client, server
        self._before = server.values()
        self.writes: list[Write] = []
        for point in plant.live.set_points.allow:
            server.set(point.address, float(np.mean(point.range)))
        self._before = server.values()

    def read(self, address: str) -> float:
        return self._client.read(address)

    def write(self, address: str, value: float | datetime) -> None:
        self._client.write(address, value)
        now = self._server.values()
        changed = {name for name in now if now[name] != self._before[name]}
        if changed - {address}:
            raise Wrong(f"the server has changed {changed} with a write to {address}")
        before = self._before[address]
        self.writes.append((address, value, before if isinstance(before, float) else 0.0))
        self._before = now


class ServerOfNodes:
    """A server of OPC UA with the nodes of all set-points and one that nobody may write, and a client of the loop."""

    def __init__(self) -> None:
        from asyncua import sync, ua

        self._server = sync.Server()
        self._server.set_endpoint(f"opc.tcp://127.0.0.1:{free_port()}")
        self._server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        self._server.register_namespace("urn:works")
        self._nodes: dict[str, Any] = {}
        names = [f"ns=2;s=Point{k}" for k in range(POINTS)]
        for address in (*names, "ns=2;s=Beat", "ns=2;s=Until", "ns=2;s=Other"):
            start: float | datetime = datetime(2026, 1, 1, tzinfo=UTC) if address.endswith("Until") else 0.0
            node = self._server.nodes.objects.add_variable(ua.NodeId.from_string(address), address[7:], start)
            node.set_writable()
            self._nodes[address] = node
        self._server.start()
        url = self._server.aio_obj.endpoint.geturl()
        plant = plant_of(np.random.default_rng(0), load_scenario(SCENARIOS[0]), url)
        self._connection = Server(plant, plant.live.connectors[0], {})
        self.client = OpcUaSetPoints(self._connection)

    def values(self) -> dict[str, Any]:
        return {address: node.read_value() for address, node in self._nodes.items()}

    def set(self, address: str, value: float) -> None:
        self._nodes[address].write_value(value)

    def close(self) -> None:
        self._connection.close()
        self._server.stop()


def plant_of(random: np.random.Generator, scenario: Case, url: str = "opc.tcp://x") -> Plant:
    """A plant with random set-points: of the battery and of flows, in units, ranges, ramps and rests of their own."""
    points: list[dict[str, Any]] = []
    flows = [] if not scenario.site.assets else list(twin_of(scenario)[0]["flow"].values)
    for k in range(int(random.integers(1, POINTS + 1))):
        low = float(random.uniform(-4, 1))
        point: dict[str, Any] = {
            "name": f"point {k}", "address": f"ns=2;s=Point{k}", "heartbeat": "ns=2;s=Beat",
            "every_s": float(random.uniform(1, 20)), "expires_s": float(random.uniform(5, 300)),
        }  # fmt: skip
        if random.random() < 0.7:
            point["valid_until"] = "ns=2;s=Until"
        if k == 0 or not flows:
            point |= {"battery": True, "unit": str(random.choice(["kW", "MW"]))}
        else:
            flow = str(random.choice(flows))
            unit = str(twin_of(scenario)[0]["flow_unit"].sel(flow=flow).item())
            point |= {"flow": flow, "unit": unit}
        scale = 1000.0 if point["unit"] == "kW" else 1.0
        high = low + float(random.uniform(3, 12))
        point["range"] = [low * scale, high * scale]
        point["return_value"] = float(random.uniform(*point["range"]))
        point["ramp_per_min"] = scale * float(random.uniform(0.05, 5))
        points.append(point)
    rows = {
        "scenario": scenario.name,
        "connectors": [{"name": "plant", "kind": "opcua", "url": url}],
        "tags": [],
        "set_points": {"enabled": bool(random.random() < 0.9), "connector": "plant", "allow": points},
    }
    return Plant(Live.model_validate(rows), scenario, Path())


@cache
def twin_named(name: str) -> tuple[xr.Dataset, xr.Dataset]:
    """Schedule with set-points of the site, and what a job order needs of it."""
    scenario = load_scenario(name)
    run, schedule = twin.simulate(scenario), twin.dispatch(scenario)
    site = {key: run[key] for key in ("charge_mw", "discharge_mw", "asset_rate", "flow_unit") if key in run}
    return schedule.assign(site), schedule[["unit", "start_min", "end_min"]]


def twin_of(scenario: Case) -> tuple[xr.Dataset, xr.Dataset]:
    return twin_named(scenario.name)


def spoilt(schedule: xr.Dataset, random: np.random.Generator) -> xr.Dataset:
    """A plan whose set-points are random, some far outside of what can be, or no numbers."""
    values: dict[str, Any] = {}
    for name in {"charge_mw", "discharge_mw", "asset_rate"} & set(schedule):
        numbers = random.uniform(-1, 6, schedule[name].shape)
        odd = random.random(numbers.shape) < 0.1
        numbers[odd] = random.choice(ODD, odd.sum())
        values[str(name)] = schedule[name].copy(data=numbers)
    return schedule.assign(values)


def set_points(seed: int, scenario: Case, server: ServerOfNodes | None) -> Counter[str]:
    """One plan through the writer of set-points of a random plant, over some steps.

    Raises:
        Wrong: something was written that must not be.
    """
    random = np.random.default_rng([seed, 1])
    plant, approved = plant_of(random, scenario), bool(random.random() < 0.8)
    controllers = Controllers(plant, random) if server is None else Nodes(server, plant)
    writer, plan = SetPoints(plant, controllers), spoilt(twin_of(scenario)[0], random)
    now = plant.scenario.horizon.instant(float(random.uniform(-60, 24 * 60)))
    ends = now + timedelta(minutes=float(random.uniform(-1, 3)))
    count: Counter[str] = Counter({"plans": 1, "plans to a server": server is not None})
    allowed = set(addresses(plant))
    points = {point.address: point for point in plant.live.set_points.allow}
    for _ in range(6):
        first = len(controllers.writes)
        text = writer.step("advice" if approved else "", plan, ends, now)
        count["refused"] += len(text)
        for address, value, before in controllers.writes[first:]:
            count["writes"] += 1
            count["writes to a server"] += server is not None
            point = points.get(address)
            is_return = point is not None and value == point.return_value
            if not plant.live.set_points.enabled or not approved or (now >= ends and not is_return):
                raise Wrong(f"seed {seed}: written without a plan in force")
            if address not in allowed:
                raise Wrong(f"seed {seed}: {address} is not in the allow-list")
            if address.endswith("Until") and not (isinstance(value, datetime) and now < value <= ends):
                raise Wrong(f"seed {seed}: valid until {value}")
            if point is None or is_return:
                continue
            low, high = point.range
            if not (isinstance(value, float) and low <= value <= high):
                raise Wrong(f"seed {seed}: {value} lies outside the range")
            if abs(value - before) > point.ramp_per_min * point.every_s / 60 + 1e-6:
                raise Wrong(f"seed {seed}: {before} to {value} is steeper than the ramp")
        now += timedelta(seconds=float(random.uniform(1, 40)))
    return count


class Operator:
    """Starts jobs as the mood takes, and remembers which."""

    def __init__(self, jobs: JobShop, random: np.random.Generator) -> None:
        self.jobs, self.starts, self._random = jobs, list[str](), random

    def act(self) -> None:
        for number in list(self.jobs.states()):
            act = self._random.choice(["start", "run", "", "", ""])
            try:
                if act == "start":
                    self.jobs.start(number)
                    self.starts.append(number)
                elif act == "run":
                    self.jobs.run(number)
            except ConnectorError:
                continue


def job_orders(
    seed: int, decisions: Decisions, jobs: JobShop, operator: Operator, schedule: xr.Dataset, now: datetime
) -> None:
    """One advice through the receiver of job orders, with an operator, the page and the clock acting at random.

    Raises:
        Wrong: a job runs that the operator has not started, or a start has no row in the audit.
    """
    random = np.random.default_rng([seed, 2])
    heats = np.sort(random.choice(schedule.sizes["heat"], int(random.integers(1, 7)), replace=False))
    schedule = schedule.isel(heat=heats)
    moved = float(random.uniform(-30, 300))
    schedule = schedule.assign({name: schedule[name] + moved for name in ("start_min", "end_min")})
    number = f"{random.integers(2**63):016x}{seed:016x}"
    body = {"says": "random", "changes": [], "marks": []}
    ends = now + timedelta(minutes=float(random.uniform(20, 200)))
    advice = Advice(number, "open", now, now, now + timedelta(minutes=60), ends, "0" * 64, body)
    decisions.advise(advice, schedule, "loop", "random")
    orders = JobOrders(decisions, jobs)
    for _ in range(4):
        orders.step(now)
        operator.act()
        if random.random() < 0.1:
            with suppress(StoreError):
                decisions.decide(number, approve=bool(random.random() < 0.5), who="page", reason="mood", now=now)
        now += timedelta(minutes=float(random.uniform(0, 40)))
        decisions.expire(now)
        active = {number for number, state in jobs.states().items() if state in ACTIVE}
        if strangers := active - set(operator.starts):
            raise Wrong(f"seed {seed}: {strangers} run without a start")
    orders.step(now)


def audited(decisions: Decisions, operator: Operator) -> int:
    """Approvals by job order, each with one row of the audit.

    Raises:
        Wrong: one has none or two, or was not started by the operator.
    """
    rows = Counter(row.advice for row in decisions.audit() if row.act == "approved" and row.who == WHO)
    if set(rows) - set(operator.starts) or any(count != 1 for count in rows.values()) or not decisions.unbroken():
        raise Wrong(f"approvals without start, or twice: {rows}")
    return len(rows)


def through(plans: int) -> tuple[Counter[str], int]:
    """Random plans for random plants through both writers: counts, and approvals by start of a job."""
    count: Counter[str] = Counter()
    approvals, server = 0, ServerOfNodes()
    try:
        for first in range(0, plans, EACH_HOME):
            scenario = load_scenario(SCENARIOS[first // EACH_HOME % len(SCENARIOS)])
            begin = scenario.horizon.start_utc
            with tempfile.TemporaryDirectory() as folder:
                decisions, jobs = Decisions("live", Path(folder)), JobShop()
                operator = Operator(jobs, np.random.default_rng([first, 3]))
                for seed in range(first, min(first + EACH_HOME, plans)):
                    count += set_points(seed, scenario, server if seed % REAL_EVERY == 0 else None)
                    now = begin + timedelta(hours=seed - first)
                    job_orders(seed, decisions, jobs, operator, twin_of(scenario)[1], now)
                approvals += audited(decisions, operator)
                count["starts"] += len(operator.starts)
            if first % 1000 == 900:
                print(f"{first + EACH_HOME} plans: {dict(count)}, {approvals} approvals by start", flush=True)
    finally:
        server.close()
    return count, approvals


@bench("live-writers", "10,000 random plans through set-points and job orders: nothing that must not be", long=True)
def main() -> Findings:
    """Count what was written, refused and started."""
    plans = int(os.environ.get("EMBERLINE_PLANS", PLANS))
    count, approvals = through(plans)
    names = ("plans", "writes", "plans to a server", "writes to a server", "refused", "starts")
    rows = [measured(name, [float(count[name])], unit="") for name in names]
    rows.append(measured("approvals by start of a job, each audited once", [float(approvals)], unit=""))
    return Findings([Table("Writers", rows)])
