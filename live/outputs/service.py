"""Job orders and set-points next to the loop, in a thread of their own: a server that hangs holds nothing up."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from functools import partial

from emberline.live.connectors.errors import ConnectorError
from emberline.live.estimate.estimator import JOB
from emberline.live.outputs.job_orders import JobOrders
from emberline.live.outputs.set_points import SetPoints
from emberline.live.tags import Plant, Reading
from emberline.plans.decisions import Decisions
from emberline.plans.store import StoreError
from emberline.scenarios.messages import Message, mark


class Outputs:
    """Everything that ``live.yaml`` lets Emberline write."""

    def __init__(self, plant: Plant, decisions: Decisions, environment: Mapping[str, str]) -> None:
        """Begin, where there is something to write."""
        self._plant, self._decisions, self._environment = plant, decisions, environment
        self._over = threading.Event()
        self._says: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._actuals: dict[str, Reading | str] = {}
        self._away: dict[str, str] = {}
        self._thread: threading.Thread | None = None
        if plant.live.job_orders is not None or plant.live.set_points.enabled:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End after the step under way."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(5)

    def news(self) -> list[Message]:
        """What happened since the last call."""
        says = []
        while not self._says.empty():
            says.append(self._says.get())
        return says

    def readings(self) -> dict[str, Reading | str]:
        """Operations that the plant has reported."""
        return dict(self._actuals)

    def _run(self) -> None:
        from emberline.live.outputs.opcua import OpcUaReceiver, OpcUaSetPoints, Server

        live = self._plant.live
        connectors = {one.name: one for one in live.connectors}
        servers, orders, points = [], None, None
        if live.job_orders is not None:
            servers.append(Server(self._plant, connectors[live.job_orders.connector], self._environment))
            receiver = OpcUaReceiver(servers[-1], live.job_orders.receiver, live.job_orders.responses)
            orders = JobOrders(self._decisions, receiver)
        if live.set_points.enabled:
            servers.append(Server(self._plant, connectors[live.set_points.connector or ""], self._environment))
            points = SetPoints(self._plant, OpcUaSetPoints(servers[-1]))
        while not self._over.is_set():
            if orders is not None:
                self._try(partial(self._orders, orders), mark("The receiver of job orders is not reached: {error}"))
            if points is not None:
                self._try(partial(self._points, points), mark("Set-points are not written: {error}"))
            self._over.wait(live.loop.read_every_s)
        for server in servers:
            server.close()

    def _try(self, step: Callable[[], None], says: str) -> None:
        """Do a step; whatever goes wrong is one event, and the next step may succeed."""
        try:
            step()
            self._away.pop(says, None)
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            if not isinstance(error, ConnectorError | StoreError):
                text = f"{type(error).__name__}: {text}"
            if self._away.get(says) != text:
                self._says.put(Message(says, error=text))
            self._away[says] = text

    def _orders(self, orders: JobOrders) -> None:
        for says in orders.step(self._plant.now()):
            self._says.put(says)
        for (heat, stage), actual in orders.actuals().items():
            end = "" if actual.end is None else actual.end.isoformat()
            at = actual.end or actual.start
            self._actuals[f"{JOB}{heat}/{stage}"] = Reading(f"{actual.unit} {actual.start.isoformat()} {end}", at)

    def _points(self, points: SetPoints) -> None:
        in_force = self._decisions.in_force()
        schedule = None if in_force is None else self._decisions.schedule(in_force.id)
        number, ends = ("", None) if in_force is None else (in_force.id, in_force.ends)
        for says in points.step(number, schedule, ends, self._plant.now()):
            self._says.put(says)
