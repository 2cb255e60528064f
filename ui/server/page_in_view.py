"""A part of a page that is drawn again belongs to the page in view.

A tab asks for such parts by itself, and names the page that it shows. Where the server has gone to another page just
then (``st.switch_page``), Streamlit 1.67 answers with the page that was named. The tab takes that for a change of page,
drops the new one, finds no place for what comes next, and stays blank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class PageInView:
    """Let every part be drawn on the page that the tab has in view."""

    def __init__(self, app: ASGIApp) -> None:
        """Args:
        app: the app that answers.
        """
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass messages on; what starts a part names the page in view."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
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
