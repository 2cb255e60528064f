"""Job orders and set-points over OPC UA: a client that stays connected between steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from asyncua import Client, Node, ua
from asyncua.ua.uaerrors import UaError

from emberline.live.connectors.errors import ConnectorError
from emberline.live.connectors.opcua import client, secure
from emberline.live.outputs.job_orders import Actual, JobOrder, JobState
from emberline.live.tags import Connector, Plant
from emberline.live.tags.quality import utc

MODEL = "http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/"


class Server:
    """A server of the plant, for one thread."""

    def __init__(self, plant: Plant, connector: Connector, environment: Mapping[str, str]) -> None:
        """Connect with the first call."""
        self._plant, self._connector, self._environment = plant, connector, environment
        self._runner = asyncio.Runner()
        self._client: Client | None = None

    def close(self) -> None:
        """Disconnect."""
        self._drop()
        self._runner.close()

    def run(self, what: Any) -> Any:
        """Run a coroutine function with the connected client.

        Raises:
            ConnectorError: the server is not reached or refuses.
        """
        try:
            return self._runner.run(self._with(what))
        except TimeoutError:
            self._drop()
            raise ConnectorError(f"no answer within {self._connector.timeout_s:g} s") from None
        except UaError as error:
            self._drop()
            raise ConnectorError(f"the server refuses: {type(error).__name__}") from None
        except (OSError, ValueError) as error:
            self._drop()
            raise ConnectorError(f"cannot connect: {' '.join(str(error).split())[:120]}") from None

    async def _with(self, what: Any) -> Any:
        if self._client is None:
            one = client(self._connector, self._environment)
            await secure(one, self._connector, self._plant.folder)
            await one.connect()
            await one.load_data_type_definitions()
            self._client = one
        return await asyncio.wait_for(what(self._client), self._connector.timeout_s)

    def _drop(self) -> None:
        one, self._client = self._client, None
        if one is not None:
            with suppress(OSError, UaError, TimeoutError, RuntimeError):
                self._runner.run(one.disconnect())


class OpcUaSetPoints:
    """Reads and writes values of nodes."""

    def __init__(self, server: Server) -> None:
        """Use a server."""
        self._server = server

    def read(self, address: str) -> float:
        """The value of a node."""

        async def value(one: Client) -> float:
            answer = await one.get_node(address).read_data_value(raise_on_bad_status=False)
            is_good = answer.StatusCode is None or answer.StatusCode.is_good()
            return float(answer.Value.Value) if is_good and answer.Value is not None else float("nan")

        try:
            return self._server.run(value)
        except TypeError:
            return float("nan")

    def write(self, address: str, value: float | datetime) -> None:
        """Write a node, in its own type."""

        async def write(one: Client) -> None:
            node = one.get_node(address)
            kind = await node.read_data_type_as_variant_type()
            content: Any = value
            if isinstance(value, datetime):
                content = utc(value).replace(tzinfo=None)
            elif kind not in (ua.VariantType.Double, ua.VariantType.Float):
                content = int(value)
            await node.write_value(ua.DataValue(ua.Variant(content, kind)))

        self._server.run(write)


class OpcUaReceiver:
    """A receiver of job orders, and the provider of responses where there is one."""

    def __init__(self, server: Server, receiver: str, responses: str | None) -> None:
        """Use the objects of a server by their node ids."""
        self._server, self._receiver, self._responses = server, receiver, responses

    def store(self, order: JobOrder) -> None:
        """Call ``Store``."""

        def structure() -> Any:
            return ua.ISA95JobOrderDataType(
                JobOrderID=order.id,
                Description=[ua.LocalizedText(order.says)],
                StartTime=utc(order.start).replace(tzinfo=None),
                EndTime=utc(order.end).replace(tzinfo=None),
                JobOrderParameters=[parameter(name, text) for name, text in order.parameters.items()],
            )

        self._call("Store", structure)

    def revoke(self, number: str) -> None:
        """Call ``RevokeStart``."""
        self._call("RevokeStart", lambda: number)

    def cancel(self, number: str) -> None:
        """Call ``Cancel``."""
        self._call("Cancel", lambda: number)

    def _call(self, name: str, subject: Callable[[], Any]) -> None:
        """Call a method with its subject, whose type is known once there is a connection."""

        async def call(one: Client) -> int:
            comment = ua.Variant([ua.LocalizedText("emberline")], ua.VariantType.LocalizedText)
            return await _method(one, self._receiver, name, subject(), comment)

        status = self._server.run(call)
        if status:
            raise ConnectorError(f"{name} returns status {status}")

    def states(self) -> Mapping[str, JobState]:
        """Read ``JobOrderList``."""

        async def rows(one: Client) -> dict[str, JobState]:
            index = await one.get_namespace_index(MODEL)
            node: Node = await one.get_node(self._receiver).get_child(f"{index}:JobOrderList")
            listed = await node.read_value() or []
            return {row.JobOrder.JobOrderID: _state(row.State) for row in listed}

        return self._server.run(rows)

    def actuals(self, number: str) -> Mapping[tuple[str, str], Actual]:
        """Ask for the response to a job order."""
        if self._responses is None:
            return {}

        async def rows(one: Client) -> dict[tuple[str, str], Actual]:
            answer = await _method(one, str(self._responses), "RequestJobResponseByJobOrderID", number)
            response = answer[0] if isinstance(answer, list) else answer
            parts = getattr(response, "JobResponseData", None) or []
            actuals = {}
            for part in parts:
                heat, _, stage = part.ID.rpartition("/")
                times = {subparameter.ID: _plain(subparameter.Value) for subparameter in part.Subparameters or []}
                if heat and isinstance(times.get("StartTime"), datetime):
                    end = times.get("EndTime")
                    unit = str(_plain(part.Value))
                    actuals[heat, stage] = Actual(unit, utc(times["StartTime"]), None if end is None else utc(end))
            return actuals

        return self._server.run(rows)


def parameter(name: str, value: Any, parts: Any = ()) -> Any:
    """A parameter of a job order or response."""
    variant = value if isinstance(value, ua.Variant) else ua.Variant(value)
    return ua.ISA95ParameterDataType(ID=name, Value=variant, Subparameters=list(parts) or None)


async def _method(one: Client, place: str, name: str, *arguments: Any) -> Any:
    index = await one.get_namespace_index(MODEL)
    node = one.get_node(place)
    method = await node.get_child(f"{index}:{name}")
    return await node.call_method(method, *arguments)


def _plain(value: Any) -> Any:
    return value.Value if isinstance(value, ua.Variant) else value


def _state(states: Any) -> JobState:
    """The first of a job order's nested states is that of the receiver's own machine."""
    text = str(states[0].StateText.Text) if states else ""
    try:
        return JobState(text)
    except ValueError:
        raise ConnectorError(f"unknown state of a job order: {text[:40]!r}") from None
