"""Limits on the resources that one tab, and all tabs together, may use, and the page that it has in view: small ASGI
middlewares."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emberline.ui.server.guards import Guard, refuse

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send


UPLOADS = "/_stcore/upload_file/"
LARGEST_STATE_MB = 2
"""Largest message of a tab: the state of all fields of a page."""
LARGEST_MESSAGE_MB = 50
"""Largest message of a page: a chart with its tables."""


@dataclass
class Uploads(Guard):
    """Limit uploads, which stay in memory until their tab is closed, per tab and in total."""

    MAX_FILES, MAX_BYTES = 20, 100_000_000
    """Limits per tab."""
    MAX_IN_ALL = 400_000_000
    AT_ONCE, LONGEST_S = 4, 120.0

    coming: Counter[str] = field(default_factory=Counter)
    """Uploads under way, by tab."""

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on or refuse it."""
        if scope["method"] != "PUT" or not scope["path"].startswith(UPLOADS):
            await self.app(scope, receive, send)
            return
        tab = scope["path"].removeprefix(UPLOADS).partition("/")[0]
        if says := self._full(tab):
            await refuse(507, says)(scope, receive, send)
            return
        self.coming[tab] += 1
        try:
            async with asyncio.timeout(self.LONGEST_S):
                await self.app(scope, receive, send)
        except TimeoutError:  # Streamlit answers once everything has arrived: nothing has been sent yet
            await refuse(408, "too slow")(scope, receive, send)
        finally:
            self.coming[tab] -= 1
            self.coming += Counter()  # drops zero counts

    def _full(self, tab: str) -> str:
        from streamlit.runtime import get_instance

        if self.coming[tab] >= self.AT_ONCE or self.coming.total() >= 2 * self.AT_ONCE:
            return "too many uploads at once"
        sizes = {
            one: [len(file.data) for file in list(files.values())] for one, files in _uploads(get_instance()).items()
        }
        mine = sizes.get(tab, [])
        if len(mine) >= self.MAX_FILES or sum(mine) >= self.MAX_BYTES:
            return "this tab holds too many files; reload it"
        return "too many files are in memory" if sum(map(sum, sizes.values())) >= self.MAX_IN_ALL else ""


def _uploads(runtime: Any) -> dict[str, dict[str, Any]]:
    return dict(runtime.uploaded_file_mgr.file_storage)


@dataclass
class Tabs(Guard):
    """Limit the number of streams: each is a session with its own memory."""

    MAX_OPEN = 200

    open: int = 0
    kinds = ("websocket",)

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on or refuse it."""
        if self.open >= self.MAX_OPEN:
            await refuse(503, "too many open tabs")(scope, receive, send)
            return
        self.open += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.open -= 1


class Messages(Guard):
    """Pass on only these messages of a tab: run a page, stop it, request a file or more of a table.

    Streamlit would also accept: clear all caches, report uncommitted files of the checkout, write files next to the
    app.
    """

    SAYS = ("rerun_script", "stop_script", "file_urls_request", "app_heartbeat", "backend_operation_request")
    ASKS = ("deferred_file", "dataframe_chunk")

    kinds = ("websocket",)

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on permitted messages."""

        async def heard() -> Message:
            while True:
                message = await receive()
                if message["type"] != "websocket.receive" or self._may(message.get("bytes") or b""):
                    return message

        await self.app(scope, heard, send)

    def _may(self, data: bytes) -> bool:
        from streamlit.proto.BackMsg_pb2 import BackMsg

        if len(data) > LARGEST_STATE_MB * 1_000_000:
            return True  # Streamlit closes the stream
        try:
            message = BackMsg.FromString(data)
        except Exception:  # protobuf's own exception, which has no types
            return True  # the same
        kind = message.WhichOneof("type")
        operation = (
            message.backend_operation_request.WhichOneof("payload") if kind == "backend_operation_request" else None
        )
        return kind in self.SAYS and operation in (None, *self.ASKS)


class PageInView(Guard):
    """Let every part be drawn on the page that the tab has in view."""

    kinds = ("websocket",)

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass messages on; what starts a part names the page in view."""
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        in_view = ""  # not known yet on a stream that takes over from a broken one

        async def answer(message: Message) -> None:
            nonlocal in_view
            if data := message.get("bytes"):
                forward = ForwardMsg.FromString(data)
                kind = forward.WhichOneof("type")
                if kind == "navigation":
                    in_view = forward.navigation.page_script_hash
                elif kind == "new_session" and not forward.metadata.run.fragment_ids:
                    in_view = forward.new_session.page_script_hash
                elif kind == "new_session" and in_view and forward.new_session.page_script_hash != in_view:
                    forward.new_session.page_script_hash = in_view
                    message = {**message, "bytes": forward.SerializeToString()}
            await send(message)

        await self.app(scope, receive, answer)
