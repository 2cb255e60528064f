"""Job orders and set-points next to the loop, in a thread of their own: a server that hangs holds nothing up."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

import xarray as xr

from emberline.live.connectors.errors import ConnectorError
from emberline.live.estimate.estimator import JOB
from emberline.live.outputs.job_orders import JobOrders, Receiver
from emberline.live.outputs.set_points import SetPoints, TagWatch, Transport
from emberline.live.tags import Plant, Reading
from emberline.runs.decisions import Advice, Decisions
from emberline.runs.store import CatalogueError, StoreError
from emberline.scenarios.messages import Message, mark

MEMORY = "set_points.json"
"""File in the plant's folder: what was written, for a restart."""
LONGEST_END_S = 10
"""A step under way and the last one may take so long."""


class Outputs:
    """Everything that ``live.yaml`` lets Emberline write."""

    def __init__(
        self, plant: Plant, decisions: Decisions, newest: Callable[[], Mapping[str, Reading | str]] = dict
    ) -> None:
        """Write nothing yet.

        Args:
            plant: with what may be written.
            decisions: on its plans.
            newest: reading of each tag.
        """
        self._plant, self._decisions, self._newest = plant, decisions, newest
        self._over = threading.Event()
        self._says: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._actuals: dict[str, Reading | str] = {}
        self._away: dict[str, str] = {}
        self._orders: JobOrders | None = None
        self._points: SetPoints | None = None
        self._tags = TagWatch(plant)
        self._lost = ("", "")
        """Plan in force whose tags have lost their quality, and why."""
        self._schedule: tuple[str, xr.Dataset | None] = ("", None)
        """Of the plan in force, by its id."""
        self._known_at: datetime | None = None
        """Time of the last successful look-up of the plan in force."""
        self._rows: list[tuple[datetime, str]] = []
        """For the audit; they wait for a catalogue that is away."""
        self._thread: threading.Thread | None = None

    def start(self, environment: Mapping[str, str]) -> None:
        """Write over OPC UA, where there is something to write."""
        if self._plant.live.job_orders is not None or self._plant.live.set_points.enabled:
            self._thread = threading.Thread(target=self._run, args=[environment], daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End after one more step, as a plan may just have ended."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(LONGEST_END_S)

    def connect(self, receiver: Receiver | None, transport: Transport | None) -> None:
        """Use a receiver of job orders and a way to the controllers; None: there is none.

        Raises:
            ValueError: what an earlier process has kept cannot be read.
        """
        self._orders = None if receiver is None else JobOrders(self._decisions, receiver)
        memory = self._decisions.folder / MEMORY
        self._points = None if transport is None else SetPoints(self._plant, transport, memory)

    def news(self) -> list[Message]:
        """Messages since the last call."""
        text = []
        while not self._says.empty():
            text.append(self._says.get())
        return text

    def readings(self) -> dict[str, Reading | str]:
        """Operations that the plant has reported."""
        return dict(self._actuals)

    def _run(self, environment: Mapping[str, str]) -> None:
        from emberline.live.outputs.opcua import OpcUaReceiver, OpcUaSetPoints, Server

        live = self._plant.live
        connectors = {connector.name: connector for connector in live.connectors}
        servers, receiver, transport = [], None, None
        if live.job_orders is not None:
            servers.append(Server(self._plant, connectors[live.job_orders.connector], environment))
            receiver = OpcUaReceiver(servers[-1], live.job_orders.receiver, live.job_orders.responses)
        if live.set_points.enabled:
            servers.append(Server(self._plant, connectors[live.set_points.connector or ""], environment))
            transport = OpcUaSetPoints(servers[-1])
        self._try(partial(self.connect, receiver, transport), mark("Set-points are not written: {error}"))
        is_last = False
        while not is_last:
            is_last = self._over.is_set()
            self.step()
            self._over.wait(live.loop.read_every_s)
        for server in servers:
            server.close()

    def step(self) -> None:
        """One cycle: what the plant does with job orders, then the set-points of what is in force."""
        if self._orders is not None:
            self._try(self._step_orders, mark("The receiver of job orders is not reached: {error}"))
        if self._points is not None:
            self._try(self._step_points, mark("Set-points are not written: {error}"))

    def _try(self, step: Callable[[], None], sentence: str) -> None:
        """Do a step; whatever goes wrong is one event, and the next step may succeed."""
        try:
            step()
            self._away.pop(sentence, None)
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            if not isinstance(error, ConnectorError | StoreError):
                text = f"{type(error).__name__}: {text}"
            if self._away.get(sentence) != text:
                self._says.put(Message(sentence, error=text))
            self._away[sentence] = text

    def _step_orders(self) -> None:
        assert self._orders is not None
        for text in self._orders.step(self._plant.now()):
            self._says.put(text)
        for (heat, stage), actual in self._orders.actuals().items():
            end = "" if actual.end is None else actual.end.isoformat()
            at = actual.end or actual.start
            self._actuals[f"{JOB}{heat}/{stage}"] = Reading(f"{actual.unit} {actual.start.isoformat()} {end}", at)

    def _step_points(self) -> None:
        """Write the plan in force, unless it was made for another scenario or its tags have lost their quality."""
        now = self._plant.now()
        loss = self._tags.loss(self._newest(), now)
        try:
            in_force = self._decisions.in_force()
            self._known_at = now
            if in_force is not None and in_force.made_for != self._plant.identity:
                in_force = None
            if in_force is not None and (loss is not None or self._lost[0] == in_force.id):
                if self._lost[0] != in_force.id:
                    self._lost = in_force.id, str(loss)
                lost, in_force = in_force, None
                self._write(None, now)
                self._decisions.close(lost, who="loop", reason=self._lost[1], now=now)
            elif in_force is None or self._tags.is_ready or now >= in_force.ends:
                self._write(in_force, now)
            while self._rows:
                self._decisions.note("set-point", self._rows[0][1], self._rows[0][0])
                self._rows.pop(0)
        except CatalogueError:
            # without it a withdrawal is not seen: no longer than a value holds
            longest = min((point.expires_s for point in self._plant.live.set_points.allow), default=0)
            self._known_at = self._known_at or now
            if (now - self._known_at).total_seconds() >= longest:
                self._write(None, now)
            raise

    def _write(self, in_force: Advice | None, now: datetime) -> None:
        assert self._points is not None
        number, ends = ("", None) if in_force is None else (in_force.id, in_force.ends)
        if in_force is not None and self._schedule[0] != number:
            self._schedule = number, self._decisions.schedule(number)
        for text in self._points.step(number, self._schedule[1], ends, now):
            self._says.put(text)
            self._rows.append((now, str(text)))
