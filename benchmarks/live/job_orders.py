"""A receiver of job orders: what an operator starts runs, and nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asyncua import Node, Server, ua

from emberline.live.connectors.errors import ConnectorError
from emberline.live.outputs.job_orders import Actual, JobOrder, JobState
from emberline.live.outputs.opcua import MODEL, parameter

RECEIVER, PROVIDER = 1002, 1003
"""Numbers of the object types in the model's namespace."""
UNKNOWN, WRONG_STATE = 1, 2
"""Return status of a call that is refused; 0 is none."""


class JobShop:
    """Job orders with their states, by the rules of ISA-95's job control."""

    def __init__(self) -> None:
        """Begin empty."""
        self.orders: dict[str, JobOrder] = {}
        self._states: dict[str, JobState] = {}
        self.starts: list[str] = []
        """What the operator has started."""
        self.operations: dict[tuple[str, str], Actual] = {}

    def store(self, order: JobOrder) -> None:
        """Enter a job order.

        Raises:
            ConnectorError: there is one of this number.
        """
        if order.id in self.orders:
            raise ConnectorError(f"Store returns status {WRONG_STATE}")
        self.orders[order.id], self._states[order.id] = order, JobState.NOT_ALLOWED

    def start(self, number: str) -> None:
        """The operator starts a job order."""
        self._move(number, {JobState.NOT_ALLOWED}, JobState.ALLOWED)
        self.starts.append(number)

    def run(self, number: str) -> None:
        """The plant begins to work on a job order."""
        self._move(number, {JobState.ALLOWED}, JobState.RUNNING)

    def abort(self, number: str) -> None:
        """The operator aborts a job order, which stays in the list."""
        self._move(number, set(JobState) - {JobState.ENDED, JobState.ABORTED}, JobState.ABORTED)

    def end(self, number: str) -> None:
        """A job order has ended."""
        self._move(number, {JobState.RUNNING, JobState.INTERRUPTED}, JobState.ENDED)

    def delete(self, number: str) -> None:
        """The operator takes a job order off the list."""
        self._move(number, set(JobState), JobState.ABORTED)
        del self.orders[number], self._states[number]

    def revoke(self, number: str) -> None:
        """Take a start back."""
        self._move(number, {JobState.ALLOWED}, JobState.NOT_ALLOWED)

    def cancel(self, number: str) -> None:
        """Take a job order away."""
        self._move(number, {JobState.NOT_ALLOWED}, JobState.ABORTED)
        del self.orders[number], self._states[number]

    def states(self) -> Mapping[str, JobState]:
        """States by number."""
        return dict(self._states)

    def actuals(self, number: str) -> Mapping[tuple[str, str], Actual]:
        """Operations since the job order came."""
        return dict(self.operations) if number in self._states else {}

    def _move(self, number: str, states: set[JobState], to: JobState) -> None:
        if self._states.get(number) not in states:
            status = WRONG_STATE if number in self._states else UNKNOWN
            raise ConnectorError(f"the call returns status {status}")
        self._states[number] = to


class JobServer:
    """A job shop as objects of an OPC UA server."""

    def __init__(self, server: Server, jobs: JobShop) -> None:
        """Nothing is there before ``begin``."""
        self._server, self.jobs = server, jobs
        self.receiver = self.provider = ""
        """Node ids."""

    async def begin(self, model: Path) -> None:
        """Make the objects.

        Args:
            model: nodeset of ISA-95 job control, as the OPC Foundation publishes it.
        """
        await self._server.import_xml(str(model))
        await self._server.load_data_type_definitions()
        index = await self._server.get_namespace_index(MODEL)
        self._index = index
        objects = self._server.nodes.objects
        receiver: Node = await objects.add_object(
            ua.NodeId("JobOrders", 2), "JobOrders", objecttype=ua.NodeId(RECEIVER, index)
        )
        provider: Node = await objects.add_object(
            ua.NodeId("JobResponses", 2), "JobResponses", objecttype=ua.NodeId(PROVIDER, index)
        )
        self.receiver, self.provider = receiver.nodeid.to_string(), provider.nodeid.to_string()
        calls = {"Store": self._store, "Start": self._start, "RevokeStart": self._revoke, "Cancel": self._cancel}
        for name, call in calls.items():
            self._server.link_method(await receiver.get_child(f"{index}:{name}"), call)
        ask = await provider.get_child(f"{index}:RequestJobResponseByJobOrderID")
        self._server.link_method(ask, self._respond)
        self._list = await receiver.get_child(f"{index}:JobOrderList")
        await self.show()

    async def show(self) -> None:
        """Write the list of job orders as it is now."""
        rows = []
        for number, state in self.jobs.states().items():
            path = ua.RelativePath(Elements=[])
            row_state = ua.ISA95StateDataType(BrowsePath=path, StateText=ua.LocalizedText(state.value), StateNumber=0)
            order = ua.ISA95JobOrderDataType(JobOrderID=number)
            rows.append(ua.ISA95JobOrderAndStateDataType(JobOrder=order, State=[row_state]))
        await self._list.write_value(ua.Variant(rows, ua.VariantType.ExtensionObject, is_array=True))

    async def _store(self, parent: Any, order: Any, comment: Any) -> list[Any]:
        one = order.Value
        parameters = {part.ID: str(getattr(part.Value, "Value", part.Value)) for part in one.JobOrderParameters or []}
        text = one.Description[0].Text if one.Description else ""
        return await self._do(self.jobs.store, JobOrder(one.JobOrderID, text, one.StartTime, one.EndTime, parameters))

    async def _start(self, parent: Any, number: Any, comment: Any) -> list[Any]:
        return await self._do(self.jobs.start, number.Value)

    async def _revoke(self, parent: Any, number: Any, comment: Any) -> list[Any]:
        return await self._do(self.jobs.revoke, number.Value)

    async def _cancel(self, parent: Any, number: Any, comment: Any) -> list[Any]:
        return await self._do(self.jobs.cancel, number.Value)

    async def _do(self, call: Any, argument: Any) -> list[Any]:
        try:
            call(argument)
        except ConnectorError:
            return [ua.Variant(WRONG_STATE, ua.VariantType.UInt64)]
        await self.show()
        return [ua.Variant(0, ua.VariantType.UInt64)]

    async def _respond(self, parent: Any, number: Any) -> list[Any]:
        parts = []
        for (heat, stage), actual in self.jobs.actuals(number.Value).items():
            times = [parameter("StartTime", ua.Variant(actual.start.replace(tzinfo=None), ua.VariantType.DateTime))]
            if actual.end is not None:
                end = ua.Variant(actual.end.replace(tzinfo=None), ua.VariantType.DateTime)
                times.append(parameter("EndTime", end))
            parts.append(parameter(f"{heat}/{stage}", actual.unit, times))
        response = ua.ISA95JobResponseDataType(
            JobResponseID=f"{number.Value}-response", JobOrderID=number.Value, JobState=[], JobResponseData=parts
        )
        return [ua.Variant(response, ua.VariantType.ExtensionObject), ua.Variant(0, ua.VariantType.UInt64)]
