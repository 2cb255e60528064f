"""A tab without a browser: speaks Streamlit's protocol over one WebSocket, reruns the page and polls as browsers do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

WITHIN_S = 60.0


@dataclass
class Tab:
    """One session at a server of pages."""

    socket: ClientConnection
    page: str = ""
    query: str = ""
    polls: dict[str, float] = field(default_factory=dict)
    """Seconds between runs of each fragment that asked to be run again and again."""
    bytes: int = 0

    def rerun(self, fragment: str = "") -> float:
        """Run the page, or a fragment of it, and wait for its end.

        Returns:
            Seconds.

        Raises:
            RuntimeError: the page raised an exception.
        """
        case = BackMsg()
        state = case.rerun_script
        state.page_name, state.query_string, state.fragment_id = self.page, self.query, fragment
        state.is_auto_rerun = bool(fragment)
        began = time.perf_counter()
        self.socket.send(case.SerializeToString())
        self._until_finished()
        return time.perf_counter() - began

    def _until_finished(self) -> None:
        while True:
            data = self.socket.recv(timeout=WITHIN_S)
            assert isinstance(data, bytes)
            self.bytes += len(data)
            message = ForwardMsg.FromString(data)
            kind = message.WhichOneof("type")
            if kind == "delta" and message.delta.new_element.HasField("exception"):
                raise RuntimeError(f"{self.page or 'plan'}: {message.delta.new_element.exception.message}")
            if kind == "auto_rerun":
                self.polls[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return


@contextmanager
def open_tab(url: str, page: str = "", query: str = "") -> Iterator[Tab]:
    """A tab at a page, not yet run.

    Args:
        url: of the server, such as ``http://127.0.0.1:8501``.
        page: its address, such as ``compare``; empty for the first.
        query: of the address, such as ``run=…``.
    """
    address = url.replace("http", "ws", 1) + "/_stcore/stream"
    spoken = [Subprotocol("streamlit")]
    with connect(address, origin=Origin(url), subprotocols=spoken, max_size=None, proxy=None) as socket:
        yield Tab(socket, page, query)
