"""Values and job orders over OPC UA, with a client that answers from memory: no server, no port."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asyncua import ua
from asyncua.ua.uaerrors import BadNodeIdUnknown
from driven import small

from emberline.live.connectors.errors import ConnectorError
from emberline.live.estimate.estimator import JOB
from emberline.live.outputs.job_orders import Actual, JobOrders, JobState
from emberline.live.outputs.opcua import OpcUaReceiver, OpcUaSetPoints, Server
from emberline.live.outputs.service import Outputs
from emberline.live.tags import Live, Plant, Reading
from emberline.runs.decisions import Decisions
from emberline.scenarios import load

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Node:
    """A node in memory, and the client that has no other."""

    def __init__(self, value: Any = None, kind: Any = ua.VariantType.Double, good: bool = True) -> None:
        self.value, self.kind, self.good, self.calls = value, kind, good, []  # type: ignore[var-annotated]

    def get_node(self, address: str) -> Node:
        assert address == "ns=2;s=x"
        return self

    async def get_namespace_index(self, model: str) -> int:
        assert model.endswith("/ISA95-JOBCONTROL_V2/")
        return 4

    async def get_child(self, path: str) -> Any:
        return self if path == "4:JobOrderList" else path

    async def call_method(self, method: str, *arguments: Any) -> Any:
        self.calls.append((method, *arguments))
        return self.value

    async def read_value(self) -> Any:
        return self.value

    async def read_data_value(self, *, raise_on_bad_status: bool) -> Any:
        assert not raise_on_bad_status
        status = SimpleNamespace(is_good=lambda: self.good)
        return SimpleNamespace(Value=ua.Variant(self.value), StatusCode=status)

    async def read_data_type_as_variant_type(self) -> Any:
        return self.kind

    async def write_value(self, value: ua.DataValue) -> None:
        self.value = value.Value


class Direct:
    """Runs what a server would."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def run(self, what: Any) -> Any:
        return asyncio.run(what(self.node))


def test_a_value_is_read_if_it_is_good() -> None:
    """Proves: a good number is read; a bad status, no value and a text are no number. Sensitivity: a bad value is
    believed."""
    numbers = [Node(2.5), Node(7), Node(2.5, good=False), Node(None), Node([1])]
    values = [OpcUaSetPoints(Direct(node)).read("ns=2;s=x") for node in numbers]  # type: ignore[arg-type]
    assert values[:2] == [2.5, 7.0]
    assert all(value != value for value in values[2:])


def test_a_value_is_written_in_the_type_of_its_node() -> None:
    """Proves: a float stays one in a node of floats and is whole in one of integers; times are UTC without offset.
    Sensitivity: a counter written as a double, or a time in the plant's zone."""
    later = AT.astimezone(timezone(timedelta(hours=2)))
    for kind, value, content in (
        (ua.VariantType.Double, 2.75, 2.75), (ua.VariantType.Float, 2.75, 2.75), (ua.VariantType.Int16, 3.0, 3),
        (ua.VariantType.DateTime, later, AT.replace(tzinfo=None)),
    ):  # fmt: skip
        node = Node(kind=kind)
        OpcUaSetPoints(Direct(node)).write("ns=2;s=x", value)  # type: ignore[arg-type]
        assert (node.value.Value, node.value.VariantType) == (content, kind)
        assert type(node.value.Value) is type(content)


def test_calls_to_the_receiver() -> None:
    """Proves: a start is revoked and an order cancelled by its number, with a comment; a status that is not zero is an
    error. The state is the first of the nested ones. Sensitivity: a refusal that nobody hears of."""
    node = Node(0)
    receiver = OpcUaReceiver(Direct(node), "ns=2;s=x", None)  # type: ignore[arg-type]
    receiver.revoke("7")
    receiver.cancel("8")
    assert [call[:2] for call in node.calls] == [("4:RevokeStart", "7"), ("4:Cancel", "8")]
    assert [call[2].Value[0].Text for call in node.calls] == ["emberline"] * 2
    node.value = 3
    with pytest.raises(ConnectorError, match="Cancel returns status 3"):
        receiver.cancel("8")
    rows = [("a", ["Running", "Held"]), ("b", ["AllowedToStart"])]
    node.value = [
        SimpleNamespace(
            JobOrder=SimpleNamespace(JobOrderID=number),
            State=[SimpleNamespace(StateText=SimpleNamespace(Text=text)) for text in texts],
        )
        for number, texts in rows
    ]
    assert receiver.states() == {"a": JobState.RUNNING, "b": JobState.ALLOWED}
    node.value[1].State = []
    with pytest.raises(ConnectorError, match="unknown state of a job order: ''"):
        receiver.states()
    node.value = None
    assert receiver.states() == {}
    assert receiver.actuals("7") == {}


def test_operations_of_a_response() -> None:
    """Proves: a part named HEAT/STAGE with a start is an operation, its end where it has one; other parts are not.
    Sensitivity: an operation without its start, or a heat whose name has a slash."""

    def part(name: str, unit: Any, **times: Any) -> Any:
        parts = [SimpleNamespace(ID=key, Value=value) for key, value in times.items()]
        return SimpleNamespace(ID=name, Value=unit, Subparameters=parts or None)

    end = AT + timedelta(minutes=50)
    node = Node()
    parts = [
        part("A/1/melting", ua.Variant("EAF"), StartTime=ua.Variant(AT.replace(tzinfo=None)), EndTime=end),
        part("A-2/ladle", "LF", StartTime=AT), part("melting", "EAF", StartTime=AT), part("A-3/melting", "EAF"),
        part("A-4/melting", "EAF", StartTime="noon"),
    ]  # fmt: skip
    receiver = OpcUaReceiver(Direct(node), "", "ns=2;s=x")  # type: ignore[arg-type]
    expected = {("A/1", "melting"): Actual("EAF", AT, end), ("A-2", "ladle"): Actual("LF", AT, None)}
    for node.value in (SimpleNamespace(JobResponseData=parts), [SimpleNamespace(JobResponseData=parts), 0]):
        assert receiver.actuals("7") == expected
    assert node.calls[0] == ("4:RequestJobResponseByJobOrderID", "7")
    node.value = [SimpleNamespace(JobResponseData=None)]
    assert receiver.actuals("7") == {}


def test_what_goes_wrong_at_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: no answer in time, a refusal and a broken line are one error each, after which the client connects
    again. Sensitivity: a client that is kept after its line broke."""
    rows = {"connectors": [{"name": "plant", "kind": "opcua", "url": "opc.tcp://x", "timeout_s": 0.01}], "tags": []}
    live = Live.model_validate({"scenario": "melt-shop-small", **rows})
    server = Server(Plant(live, load("melt-shop-small"), Path()), live.connectors[0], {})
    connected, gone = [], []

    class Fake:
        async def connect(self) -> None:
            connected.append(self)

        async def load_data_type_definitions(self) -> None:
            return

        async def disconnect(self) -> None:
            gone.append(self)

    async def secure(*_: Any) -> None:
        return

    monkeypatch.setattr("emberline.live.outputs.opcua.client", lambda *_: Fake())
    monkeypatch.setattr("emberline.live.outputs.opcua.secure", secure)

    def answers(error: Exception | None) -> Any:
        async def what(_: Any) -> str:
            if error is not None:
                raise error
            return "fine"

        return what

    async def slow(_: Any) -> None:
        await asyncio.sleep(5)

    assert [server.run(answers(None)) for _ in range(2)] == ["fine"] * 2
    assert (len(connected), len(gone)) == (1, 0)
    for what, text in (
        (slow, "no answer within 0.01 s"), (answers(BadNodeIdUnknown()), "the server refuses: BadNodeIdUnknown"),
        (answers(OSError("line  broke " + "x" * 200)), "cannot connect: line broke x"),
    ):  # fmt: skip
        before = len(connected)
        with pytest.raises(ConnectorError) as error:
            server.run(what)
        assert str(error.value).startswith(text)
        assert len(str(error.value)) <= len("cannot connect: ") + 120
        assert len(gone) == before
        assert server.run(answers(None)) == "fine"
        assert len(connected) == before + 1
    server.close()
    assert len(gone) == len(connected)


def test_operations_that_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: an operation under way is read as of its start, one that is over as of its end, each with both times.
    Sensitivity: an operation that goes on has no time, and so no known age."""
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path))
    plant, _ = small(tmp_path)
    end = AT + timedelta(minutes=50)
    actuals = {("A-1", "melting"): Actual("EAF", AT, end), ("A-2", "ladle"): Actual("LF", end, None)}
    outputs = Outputs(plant, Decisions("live"))
    outputs._orders = SimpleNamespace(step=lambda now: [], actuals=lambda: actuals)  # type: ignore[assignment]
    outputs.step()
    assert outputs.readings() == {
        f"{JOB}A-1/melting": Reading(f"EAF {AT.isoformat()} {end.isoformat()}", end),
        f"{JOB}A-2/ladle": Reading(f"LF {end.isoformat()} ", end),
    }


def test_what_is_reported_of_job_orders() -> None:
    """Proves: a start is reported once by the first eight letters of its number, so is a withdrawal; of an order that
    runs on after its advice the operator decides, which is said once. Sensitivity: another number, or each cycle."""
    calls: list[tuple[str, str]] = []
    advice, states = SimpleNamespace(id="0123456789", state="open"), {"0123456789": JobState.RUNNING}
    decisions = SimpleNamespace(
        concerning=lambda _: [advice], audit=lambda _: [SimpleNamespace(act="stored", who="loop")],
        decide=lambda number, **_: calls.append(("decide", number)),
    )  # fmt: skip
    receiver = SimpleNamespace(
        states=lambda: states,
        revoke=lambda n: calls.append(("revoke", n)),
        cancel=lambda n: calls.append(("cancel", n)),
    )
    orders = JobOrders(decisions, receiver)  # type: ignore[arg-type]
    assert orders.step(AT) == ["The operator has started job order 01234567."]
    advice.state = "expired"
    assert orders.step(AT) == ["Job order 01234567 runs, but its advice is over: the operator decides."]
    assert orders.step(AT) == []
    states["0123456789"] = JobState.ALLOWED
    assert orders.step(AT) == ["Job order 01234567 is withdrawn."]
    number = "0123456789"
    assert calls == [("decide", number), ("revoke", number), ("cancel", number)]
