"""Processes killed (signal 9): a shift's decision between approval and audit, and the plant's server and broker."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Bar, Findings, Table, measured
from emberline import twin
from emberline.live.loop import Service, current
from emberline.live.simulation import SimulatedPlant
from emberline.live.simulation.edge import address_of
from emberline.live.simulation.live_file import text, values
from emberline.live.tags import Plant, load
from emberline.runs.decisions import Advice, Decisions
from emberline.scenarios import Case
from emberline.scenarios import load as load_scenario
from emberline.studies.rolling import How, Step

TRIES = 240
"""Some processes end before they are killed: 200 kills are wanted."""
STATEMENTS = 8
"""A decision has fewer statements; a kill at a later one never comes."""
LONGEST_S = 0.02
"""A decision takes about so long."""
AWAY_S = 20.0
BACK_S = 5.0
AGE_S = 6.0
NOW = datetime(2026, 6, 16, 6, tzinfo=UTC)


def _child(work: Callable[[], None]) -> int:
    """Run in a fork, which opens the database itself; its id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except BaseException as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def _advise(folder: Path, plant: str, schedule: xr.Dataset) -> None:
    body = {"says": "x", "changes": [], "marks": []}
    later = NOW + timedelta(hours=1)
    Decisions(plant, folder).advise(
        Advice(f"aaaa{plant}", "open", NOW, NOW, later, later, "0" * 64, body), schedule, "x", ""
    )


def _approve(folder: Path, plant: str, statement: int | None) -> None:
    """Approve; die before a statement, where one is given."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    decisions, count = Decisions(plant, folder), 0
    decisions.find("aaaa")

    def before(*of: Any) -> None:
        nonlocal count
        count += 1
        if count == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    if statement is not None:
        event.listen(Engine, "before_cursor_execute", before)
        event.listen(Engine, "commit", before)
    decisions.decide("aaaa", approve=True, who="shift", reason="", now=NOW)


def _judge(folder: Path, plants: list[str]) -> None:
    """Print how many decisions are there; end with 1 where decision and audit differ, or a decision is there twice."""
    approved = 0
    for plant in plants:
        decisions = Decisions(plant, folder)
        (advice,) = decisions.all()
        rows = [row for row in decisions.audit() if row.act == "approved"]
        if len(rows) != (advice.state == "approved") or not decisions.unbroken():
            raise Wrong(f"{plant}: {advice.state} with {len(rows)} audit rows")
        approved += len(rows)
    (folder / "approved").write_text(str(approved))


def audits(kills: int) -> tuple[int, int]:
    """Kill processes that approve, half of them at a statement, half at a random time; kills, and approvals left.

    A killed one approves once more: it must then be there once.

    Raises:
        Wrong: a decision without audit row, or twice.
    """
    random = np.random.default_rng(1)
    schedule = twin.dispatch(load_scenario("melt-shop-small"))
    plants = [f"plant-{k}" for k in range(kills)]
    dead = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def setup() -> None:
            for plant in plants:
                _advise(folder, plant, schedule)

        _end(_child(setup))
        for k, plant in enumerate(plants):
            statement = int(random.integers(1, STATEMENTS)) if k % 2 else None

            def approve(plant: str = plant, statement: int | None = statement) -> None:
                _approve(folder, plant, statement)

            pid = _child(approve)
            if statement is None:
                time.sleep(float(random.uniform(0, 4 * LONGEST_S)))
                os.kill(pid, signal.SIGKILL)
            dead += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        _end(_child(lambda: _judge(folder, plants)))
        first = int((folder / "approved").read_text())
        for plant in plants:  # the shift tries again
            os.waitpid(_child(partial(_again, folder, plant)), 0)
        _end(_child(lambda: _judge(folder, plants)))
        if int((folder / "approved").read_text()) != kills:
            raise Wrong("an approval is lost")
    return dead, first


def _again(folder: Path, plant: str) -> None:
    if Decisions(plant, folder).find("aaaa").state == "open":
        _approve(folder, plant, None)


def _end(pid: int) -> None:
    if os.waitpid(pid, 0)[1]:
        raise Wrong("decision and audit differ")


@bench("live-audit", "200 kills between approval and audit: no decision without its row, none twice", long=True)
def audit() -> Findings:
    """Count kills and decisions."""
    dead, first = audits(TRIES)
    rows = [
        measured("processes killed in time", [float(dead)], unit=""),
        measured("decisions that were there after the kill, each with its row", [float(first)], unit=""),
    ]
    return Findings([Table(f"{TRIES} approvals, killed", rows)])


# The plant: its server in a process of its own, so that it can be killed.
SERVER = """
import asyncio, sys
from datetime import datetime
from pathlib import Path
from emberline.live.simulation import Messages, SimulatedPlant
from emberline.live.simulation.server import Simulation
from emberline.live.tags.record import Clock
from emberline.scenarios import load
port, broker, at, plant, seed = sys.argv[1:]
one = Simulation(SimulatedPlant(load("melt-shop-small")), "melt-shop-small", int(port), 1.0, Messages(int(seed)),
                 broker=broker)
one.clock = Clock(at=datetime.fromisoformat(at), plant=datetime.fromisoformat(plant), speed=1.0)
asyncio.run(one.run())
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


NODE_SERVER = """
const [modules, port, pki, table, ahead_ms] = process.argv.slice(2);
const {OPCUAServer} = require(modules + '/node-opcua-server');
const {Variant, DataType} = require(modules + '/node-opcua-variant');
const {DataValue} = require(modules + '/node-opcua-data-value');
const {OPCUACertificateManager} = require(modules + '/node-opcua-certificate-manager');
(async () => {
  const manager = new OPCUACertificateManager({automaticallyAcceptUnknownCertificate: true, rootFolder: pki});
  await manager.initialize();
  const server = new OPCUAServer({port: Number(port), serverCertificateManager: manager});
  await server.initialize();
  server.engine.addressSpace.registerNamespace('urn:works');
  const space = server.engine.addressSpace.getNamespace('urn:works');
  const objects = server.engine.addressSpace.rootFolder.objects;
  for (const [name, value] of Object.entries(JSON.parse(table))) {
    const dataType = typeof value === 'string' ? 'String' : 'Double';
    const variant = new Variant({dataType: DataType[dataType], value});
    space.addVariable({organizedBy: objects, browseName: name, nodeId: 's=' + name, dataType,
      value: {timestamped_get: () => new DataValue({value: variant,
        sourceTimestamp: new Date(Date.now() + Number(ahead_ms))})}});
  }
  await server.start();
})();
"""
"""A server of node-opcua with the plant's tags; each reading has the plant's time when it is taken."""


class Process:
    """A program that listens at a port, and can be killed and started again."""

    def __init__(self, port: int, *command: str) -> None:
        self.port, self._command = port, command
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self._process.poll() is not None:
                    raise RuntimeError(f"{self._command[0]} ended") from None
                time.sleep(0.02)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def quick(
    scenario: Case, how: How, schedule: xr.Dataset, expected: xr.Dataset, baseline: xr.Dataset, now_min: float
) -> tuple[Step, xr.Dataset]:
    """A planner that searches nothing, so that each cycle with a reason gives an advice."""
    moved = schedule.copy(deep=True)
    begin = now_min + how.frozen_min
    movable = moved["start_min"].to_numpy() > begin
    for name in ("start_min", "end_min"):
        moved[name] = moved[name] + np.where(movable, 15.0, 0.0)
    return Step(now_min, begin, begin + 60, "best found", None, True, 1.0, 1.0, int(movable.sum()), 0.1), moved


def snapshot(plant: str) -> dict[str, Any]:
    return next((one for one in current() if one["plant"] == plant), {"tags": [], "at": "", "events": []})


def good(plant: str) -> bool:
    tags = snapshot(plant)["tags"]
    return bool(tags) and all(tag["quality"] == "ok" for tag in tags)


def until(what: Callable[[], bool], limit_s: float = 90.0) -> float:
    """Seconds until a state comes."""
    began = time.monotonic()
    while not what():
        if time.monotonic() - began > limit_s:
            raise Wrong(f"the state does not come within {limit_s:g} s")
        time.sleep(0.02)
    return time.monotonic() - began


def outage(plant: Plant, process: Process) -> tuple[float, float]:
    """Kill a process for a time: by how much tags became stale too late [s], and when data flow again [s].

    Raises:
        Wrong: a plan of that time lacks its marks.
    """
    until(lambda: good(plant.name))
    process.kill()
    began, late, stale = time.monotonic(), 0.0, set[str]()
    decisions = Decisions(plant.name)
    request_at = began + AWAY_S / 2
    while time.monotonic() < began + AWAY_S:
        for tag in snapshot(plant.name)["tags"]:
            over = (tag["age_s"] or 0.0) - AGE_S
            if tag["quality"] == "ok":
                late = max(late, over)
            elif tag["tag"] not in stale and tag["quality"] == "stale":
                stale.add(tag["tag"])
                late = max(late, over)
        if request_at and time.monotonic() > request_at:
            request_at = 0.0
            (decisions.folder / "request").touch()
        time.sleep(0.02)
    if stale != {tag.name for tag in plant.live.tags}:
        raise Wrong(f"{plant.name}: only {len(stale)} tags became stale")
    advice = decisions.all()[0]
    if advice.body["reason"] != "request" or len(advice.body["marks"]) != len(stale):
        raise Wrong(f"{plant.name}: a plan without its marks: {advice.body['marks']}")
    process.start()
    return late, until(lambda: good(plant.name))


@bench("live-outages", "server and broker killed for 20 s: tags are stale in time, data flow within 5 s", long=True)
def outages() -> Findings:
    """Kill a real server (asyncua) and a real broker (mosquitto), each twice."""
    twin_of = SimulatedPlant(load_scenario("melt-shop-small"))
    start = twin_of.scenario.horizon.start_utc + timedelta(hours=2)
    now = datetime.now(UTC)
    port, broker_port = free_port(), free_port()
    url, broker_url = f"opc.tcp://127.0.0.1:{port}", f"mqtt://127.0.0.1:{broker_port}"
    late: dict[str, list[float]] = {}
    back: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["EMBERLINE_HOME"] = str(folder / "home")
        (folder / "mosquitto.conf").write_text(f"listener {broker_port} 127.0.0.1\nallow_anonymous true\n")
        broker = Process(broker_port, "mosquitto", "-c", str(folder / "mosquitto.conf"))
        clock = (now, start, 1.0)
        arguments = (str(port), broker_url, now.isoformat(), start.isoformat(), "1")
        server = Process(port, sys.executable, "-c", SERVER, *arguments)
        stop, threads, plants = threading.Event(), [], []
        for kind, content in (
            ("asyncua", text(twin_of, "melt-shop-small", url, clock, AGE_S)),
            ("mosquitto", text(twin_of, "melt-shop-small", broker_url, clock, AGE_S, address_of)),
        ):
            file = folder / f"{kind}.yaml"
            file.write_text(content.replace("loop: {read_every_s: 2}", "loop: {read_every_s: 0.5, rest_min: 0}"))
            plant = load(file)
            service = Service(plant)
            service.loop.planner = quick
            threads.append(threading.Thread(target=service.run, args=(stop.is_set,), daemon=True))
            plants.append(plant)
        for thread in threads:
            thread.start()
        try:
            for _ in range(2):
                for plant, process in zip(plants, (server, broker), strict=True):
                    seconds, again = outage(plant, process)
                    late.setdefault(plant.name, []).append(max(seconds, 0.0))
                    back.setdefault(plant.name, []).append(again)
                    print(
                        f"{plant.name}: stale {seconds:.2f} s after the longest age, back in {again:.2f} s", flush=True
                    )
        finally:
            stop.set()
            for thread in threads:
                thread.join(10)
            server.kill()
            broker.kill()
    rows = []
    for kind in late:
        rows.append(measured(f"{kind}: stale after the longest age", late[kind], bars=[Bar(1.0, "worst")]))
        rows.append(measured(f"{kind}: data flow again after", back[kind], bars=[Bar(BACK_S, "worst")]))
    return Findings([Table(f"Killed for {AWAY_S:g} s", rows, notes=["Every plan made meanwhile had each tag marked."])])


@bench("live-outages-node", "a server of node-opcua (npm) killed for 20 s, twice: as live-outages", long=True)
def outages_of_node() -> Findings:
    """Kill a server of another maker twice."""
    from benchmarks.live.partners import modules

    twin_of = SimulatedPlant(load_scenario("melt-shop-small"))
    start, now, port = twin_of.scenario.horizon.start_utc + timedelta(hours=2), datetime.now(UTC), free_port()
    table = {address.split(";s=")[1]: value for address, (value, _) in values(twin_of, 120.0).items()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["EMBERLINE_HOME"] = str(folder / "home")
        (folder / "server.js").write_text(NODE_SERVER)
        script, pki, ahead_ms = folder / "server.js", folder / "pki", (start - now).total_seconds() * 1000
        command = ("node", str(script), str(modules()), str(port), str(pki), json.dumps(table), str(ahead_ms))
        server, stop = Process(port, *command), threading.Event()
        file = folder / "node.yaml"
        content = text(twin_of, "melt-shop-small", f"opc.tcp://127.0.0.1:{port}", (now, start, 1.0), AGE_S)
        file.write_text(content.replace("loop: {read_every_s: 2}", "loop: {read_every_s: 0.5, rest_min: 0}"))
        plant = load(file)
        service = Service(plant)
        service.loop.planner = quick
        thread = threading.Thread(target=service.run, args=(stop.is_set,), daemon=True)
        thread.start()
        try:
            pairs = [outage(plant, server) for _ in range(2)]
        finally:
            stop.set()
            thread.join(10)
            server.kill()
    rows = [
        measured("node-opcua: stale after the longest age", [max(late, 0.0) for late, _ in pairs],
                 bars=[Bar(1.0, "worst")]),
        measured("node-opcua: data flow again after", [back for _, back in pairs], bars=[Bar(BACK_S, "worst")]),
    ]  # fmt: skip
    return Findings([Table(f"Killed for {AWAY_S:g} s", rows, notes=["Every plan made meanwhile had each tag marked."])])


def main() -> None:
    """For tests: kill some, and print what was left."""
    print(json.dumps(audits(int(sys.argv[1]))))


if __name__ == "__main__":
    main()
