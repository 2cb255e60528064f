"""The simulated plant as an OPC UA server, and as an edge node of Sparkplug where a broker is named."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import xarray as xr
from asyncua import Server, ua

from emberline.live.simulation.live_file import text, values
from emberline.live.simulation.plant import Messages, SimulatedPlant
from emberline.live.tags.record import Clock

logging.getLogger("asyncua").addHandler(logging.NullHandler())
CYCLE_S = 0.5
"""Between two rounds of messages, by this computer's clock."""
AGE_CYCLES = 12
"""A tag is stale after so many rounds without a message."""
AWAY_S = 5.0
"""Length of a restart [s]."""


@dataclass
class Simulation:
    """A running plant: the twin, its clock and its messages."""

    plant: SimulatedPlant
    name: str
    """Of the scenario, as ``live.yaml`` writes it."""
    port: int
    speed: float
    messages: Messages
    restart_every_min: float | None = None
    broker: str | None = None
    """``mqtt://…``: tags are then read from there."""
    approved: Callable[[], xr.Dataset | None] = lambda: None
    """The schedule that the shift follows from now on, where it has changed."""

    def __post_init__(self) -> None:
        """Start the clock at the beginning of the horizon."""
        self._to_broker = replace(self.messages)
        self.ready = threading.Event()
        """Set once the server has been up."""
        self.url = f"opc.tcp://127.0.0.1:{self.port}"
        start = self.plant.scenario.horizon.start_utc
        self.clock = Clock(at=datetime.now(UTC), plant=start, speed=self.speed)

    @property
    def now_min(self) -> float:
        """The plant's time, after the start of the horizon."""
        return self.plant.scenario.horizon.minutes(self.clock.now())

    def write(self, path: Path) -> None:
        """Write ``live.yaml``."""
        clock = (self.clock.at, self.clock.plant, self.clock.speed)
        age_s = max(AGE_CYCLES * CYCLE_S * self.speed, 5.0)
        if self.broker is None:
            content = text(self.plant, self.name, self.url, clock, age_s)
        else:
            from emberline.live.simulation.edge import address_of

            content = text(self.plant, self.name, self.broker, clock, age_s, address_of)
        path.write_text(content, encoding="utf-8")

    async def run(self, until_min: float | None = None, over: Callable[[], bool] = lambda: False) -> None:
        """Serve until the horizon ends."""
        end = self.plant.scenario.horizon.length_min if until_min is None else until_min
        while self.now_min < end and not over():
            restart = end if self.restart_every_min is None else self.now_min + self.restart_every_min
            await self._serve(min(restart, end), over)
            if self.now_min < end and not over():
                await asyncio.sleep(AWAY_S)

    async def _serve(self, until_min: float, over: Callable[[], bool]) -> None:
        server = Server()
        await server.init()
        server.set_endpoint(self.url)
        server.set_server_name("Emberline: simulated plant")
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        await server.register_namespace("urn:emberline:simulation")
        nodes = {}
        for address, (value, _) in values(self.plant, self.now_min).items():
            node_id = ua.NodeId.from_string(address)
            nodes[address] = await server.nodes.objects.add_variable(node_id, str(node_id.Identifier), value)
        edge = None
        if self.broker is not None:
            from emberline.live.simulation.edge import Edge

            edge = Edge(self.broker)
        async with server:
            self.ready.set()
            while self.now_min < until_min and not over():
                began = time.monotonic()
                schedule = self.approved()
                if schedule is not None:
                    self.plant.follow(schedule, self.now_min)
                self.plant.go_on(self.now_min)
                now, snapshot = self.clock.now(), values(self.plant, self.now_min)
                if edge is not None:
                    edge.send(snapshot, now, self._to_broker)
                for address, value, at in self.messages.sent(snapshot, now):
                    variant = ua.Variant(value, ua.VariantType.String if isinstance(value, str) else None)
                    stamp = at.replace(tzinfo=None)
                    await nodes[address].write_value(ua.DataValue(variant, SourceTimestamp=stamp))
                await asyncio.sleep(max(CYCLE_S - (time.monotonic() - began), 0.01))
        if edge is not None:
            edge.close()


@contextmanager
def served(simulation: Simulation) -> Iterator[Simulation]:
    """A simulation in a thread of its own, for tests and for commands that do more meanwhile."""
    stop = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(simulation.run(over=stop.is_set)), daemon=True)
    thread.start()
    if not simulation.ready.wait(120):
        raise TimeoutError(f"the simulated plant at {simulation.url} does not start")
    try:
        yield simulation
    finally:
        stop.set()
        thread.join(10)
