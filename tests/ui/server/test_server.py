"""The server of the pages from outside: headers, hosts, origins, uploads, paths, and what it refuses to open."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from served import ROOT, Server
from starlette.types import Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from emberline.ui import oidc
from emberline.ui.cli import serve
from emberline.ui.cli.command import Refused
from emberline.ui.pages import module_of
from emberline.ui.server.guards import LARGEST_STATE_MB, PageInView, Uploads

LOOSE = {
    "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false",
    "STREAMLIT_SERVER_ENABLE_CORS": "false",
    "STREAMLIT_SERVER_ENABLE_AGENT_API": "true",
    "STREAMLIT_SERVER_ADDRESS": "0.0.0.0",
    "STREAMLIT_SERVER_TRUSTED_USER_HEADERS": '{"X-User": "name"}',
    "STREAMLIT_SERVER_BASE_URL_PATH": "elsewhere",
}
"""What a user's own configuration of Streamlit might say."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Started in another folder, with a configuration that would loosen everything."""
    home = tmp_path_factory.mktemp("home")
    started = Server(
        "--allow-host", "plant.example", environment=LOOSE | {"EMBERLINE_HOME": str(home)}, cwd=home.parent,
        log=home.parent / "log",
    )  # fmt: skip
    yield started
    started.kill()


def ask(server: Server, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> HTTPResponse:
    """The answer, read; the path goes out as it is written."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest(method, path, skip_host="Host" in headers)
    if body is not None:
        headers = {**headers, "Content-Length": str(len(body))}
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders(body)
    answer = connection.getresponse()
    answer.text = answer.read().decode("utf-8", "replace")  # type: ignore[attr-defined]
    connection.close()
    return answer


def text(answer: HTTPResponse) -> str:
    return str(answer.text)  # type: ignore[attr-defined]


def stream(server: Server, origin: str | None, **headers: str) -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{server.port}/_stcore/stream", max_size=None, open_timeout=60, proxy=None,
        origin=None if origin is None else Origin(origin), subprotocols=[Subprotocol("streamlit")],
        additional_headers=headers,
    )  # fmt: skip


def run_page(**asks: str) -> bytes:
    case = BackMsg()
    case.rerun_script.query_string = ""
    for field, value in asks.items():
        setattr(case.rerun_script, field, value)
    return case.SerializeToString()


def next_of(opened: ClientConnection, kind: str) -> ForwardMsg:
    """The next message of a kind."""
    while True:
        data = opened.recv(timeout=60)
        assert isinstance(data, bytes)
        message = ForwardMsg.FromString(data)
        if message.WhichOneof("type") == kind:
            return message


def open_session(opened: ClientConnection) -> ForwardMsg:
    """Run the page; the message that tells of its session."""
    opened.send(run_page())
    return next_of(opened, "new_session")


# --- headers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/compare", "/static/css/nothing.css", "/_stcore/health", "/media/none.png"])
def test_every_answer_carries_the_headers(server: Server, path: str) -> None:
    """Proves: page, asset, health and file all carry them. Sensitivity: a guard behind Streamlit's would miss some."""
    answer = ask(server, path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_the_policy_names_no_host_and_no_eval(server: Server) -> None:
    """Proves: the pages' policy allows this server alone, no eval and no inline script but Streamlit's own by hash."""
    answer = ask(server, "/")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert "unsafe" not in policy["script-src"]
    assert len(re.findall("'sha256-", policy["script-src"])) == text(answer).count("<script>") > 0
    assert not re.search(r"https?:|\*", answer.headers["Content-Security-Policy"])


def test_a_file_runs_nothing_and_is_kept_nowhere(server: Server) -> None:
    """Proves: what lies under /media is sandboxed, and not for a cache between."""
    answer = ask(server, "/media/0123.html")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "no-store" in answer.headers["Cache-Control"]


# --- hosts and origins ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1", 200),
        ("[::1]", 200),
        ("plant.example", 200),
        ("PLANT.example", 200),
        ("evil.example", 400),
        ("plant.example.evil.example", 400),
        ("localhost@evil.example", 400),
        ("", 400),
    ],
)
def test_only_known_hosts_are_answered(server: Server, host: str, status: int) -> None:
    """Proves: a foreign name that is made to point here is refused. Sensitivity: without the guard all are 200."""
    named = f"{host}:{server.port}" if host else ""
    assert ask(server, "/", Host=named).status == status


def test_a_stream_opens_for_the_pages_alone(server: Server) -> None:
    """Proves: another site, another port of this machine, and a program that names no origin get no WebSocket, and the
    log has no line of them. Sensitivity: anybody's page could fill the disk with lines of faults that are none."""
    before = server.log.read_text()
    with stream(server, server.url) as opened:
        assert open_session(opened).new_session.initialize.session_id
    other = f"http://127.0.0.1:{server.port + 1}"
    for origin in ("https://evil.example", "http://localhost", other, f"{server.url}.evil.example", "null", None):
        with pytest.raises(InvalidStatus) as refused:
            stream(server, origin)
        assert refused.value.response.status_code == 403, origin
    assert server.log.read_text() == before


def test_a_stream_for_a_foreign_host_is_refused(server: Server) -> None:
    """Proves: the host is checked on WebSockets as well, also where host and origin agree."""
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=60) as part,
        pytest.raises(InvalidStatus) as refused,
    ):
        connect(
            f"ws://evil.example:{server.port}/_stcore/stream",
            sock=part,
            origin=Origin(f"http://evil.example:{server.port}"),
        )
    assert refused.value.response.status_code == 403


def test_the_configuration_of_the_checkout_holds_everywhere(server: Server) -> None:
    """Proves: started in another folder it has the checkout's theme; the user's own configuration loosens nothing."""
    with stream(server, server.url) as opened:
        message = open_session(opened).new_session
    assert message.custom_theme.light.primary_color == "#1F6393"
    assert message.config.gather_usage_stats is False
    assert ask(server, "/_stcore/agent/openapi.json").status == 404
    assert ask(server, "/_stcore/metrics").status == 404


# --- paths and uploads ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("root", ["media", "component", "static", "app/static", "_stcore/bidi-components"])
@pytest.mark.parametrize("trick", ["../../app.py", "..%2f..%2fapp.py", "%2e%2e/%2e%2e/app.py", "..\\..\\app.py",
                                   "//etc/passwd", "%00", "C:/app.py"])  # fmt: skip
def test_no_path_leads_to_a_file(server: Server, root: str, trick: str) -> None:
    """Proves: no way up from what is served. An unknown path of no folder is the empty page, never a file."""
    answer = ask(server, f"/{root}/{trick}")
    assert answer.status in (400, 404, 200, 301)
    assert "route()" not in text(answer)
    assert "root:" not in text(answer)


def test_uploads_are_for_the_pages_and_come_to_an_end(server: Server) -> None:
    """Proves: no upload from another origin, without the token, or to no tab; too large and too many are refused."""
    cookie = ask(server, "/_stcore/health").headers["Set-Cookie"].split(";")[0]
    table = {"Origin": server.url, "Cookie": cookie, "X_Xsrftoken": cookie.split("=", 1)[1]}
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="../../a.csv"\r\n\r\n'

    def upload(tab: str, name: str, headers: dict[str, str], size: int = 1) -> int:
        body = head + b"1" * size + b"\r\n--x--\r\n"
        path = f"/_stcore/upload_file/{quote(tab)}/{name}"
        return ask(server, path, "PUT", body, Content_Type="multipart/form-data; boundary=x", **headers).status

    with stream(server, server.url) as opened:
        tab = open_session(opened).new_session.initialize.session_id
        assert tab
        assert upload(tab, "a", table) == 204
        assert upload(tab, "a", table | {"Origin": "https://evil.example"}) == 403
        assert upload(tab, "a", {name: value for name, value in table.items() if name != "X_Xsrftoken"}) == 403
        assert upload("0" * 36, "a", table) == 400
        assert upload(tab, "b", table, 21 * 1024 * 1024) == 413
        rows = [upload(tab, f"n{i}", table) for i in range(Uploads.MAX_FILES + 2)]
        assert rows[: Uploads.MAX_FILES - 1] == [204] * (Uploads.MAX_FILES - 1)
        assert rows[Uploads.MAX_FILES :] == [507, 507]


def test_a_tab_may_run_pages_and_nothing_else(server: Server) -> None:
    """Proves: no tab hears of the checkout's files, puts files next to the app or ends the server; what is too large,
    or no message, closes the stream. Sensitivity: without the guard Streamlit answers the first two."""

    def says(**what: bool) -> bytes:
        return BackMsg(**what).SerializeToString()  # type: ignore[arg-type]

    laying = BackMsg()
    laying.backend_operation_request.install_skills.SetInParent()
    with stream(server, server.url) as opened:
        tab = open_session(opened).new_session.initialize.session_id
        laying.backend_operation_request.session_id = tab
        for refused in (says(load_git_info=True), says(clear_cache=True), says(debug_shutdown_runtime=True)):
            opened.send(refused)
        opened.send(laying.SerializeToString())
        heard, ends = list[str | None](), 0
        opened.send(says(app_heartbeat=True))
        while ends < 2 or "heartbeat_ack" not in heard:  # the page that was begun, and once more, after all answers
            data = opened.recv(timeout=60)
            assert isinstance(data, bytes)
            heard.append(ForwardMsg.FromString(data).WhichOneof("type"))
            if heard[-1] == "script_finished":
                ends += 1
                opened.send(run_page())
        assert not set(heard) & {"git_info_changed", "backend_operation_response"}
    for wrong, code in ((b"no message", 1002), (b"1" * (LARGEST_STATE_MB * 1_000_000 + 1), 1009)):
        with stream(server, server.url) as opened:
            opened.send(wrong)
            with pytest.raises(ConnectionClosed):
                list(opened)
            assert opened.close_code == code


def test_a_part_is_drawn_on_the_page_in_view(server: Server) -> None:
    """Proves: a part of a page that the tab asks for while the server goes to another page is drawn on that one.
    Sensitivity: with the page that the tab named, the tab drops the page in view and stays blank."""
    with stream(server, server.url) as opened:
        open_session(opened)
        pages = next_of(opened, "navigation").navigation.app_pages
        part = next_of(opened, "auto_rerun").auto_rerun.fragment_id
        next_of(opened, "script_finished")
        before, in_view = (page.page_script_hash for page in pages if page.url_pathname in ("", "scenario"))
        opened.send(run_page(page_script_hash=in_view))
        next_of(opened, "script_finished")
        for named in (before, in_view):
            opened.send(run_page(fragment_id=part, page_script_hash=named))
            assert next_of(opened, "new_session").new_session.page_script_hash == in_view
            next_of(opened, "script_finished")


def test_a_part_stays_on_its_page_after_the_stream_broke() -> None:
    """Proves: on a new stream of an open tab, whose page has not run there yet, a part keeps the page that it names.
    Sensitivity: without the page in view no page is named, and the tab drops the one that it shows."""
    part, outgoing = ForwardMsg(), list[bytes]()
    part.new_session.page_script_hash = "page"
    part.metadata.run.fragment_ids.append("part")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.send", "bytes": part.SerializeToString()})

    async def receive() -> Message:
        raise AssertionError("nothing is heard")

    async def send(message: Message) -> None:
        outgoing.append(message["bytes"])

    asyncio.run(PageInView(app)({"type": "websocket"}, receive, send))
    assert [ForwardMsg.FromString(data).new_session.page_script_hash for data in outgoing] == ["page"]


# --- what is not opened at all --------------------------------------------------------------------------------------


DEFAULTS: dict[str, Any] = {"port": 8501, "browser": False, "address": "127.0.0.1", "allow_host": None}
"""Options of the command."""


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_addresses_need_sign_in(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: no sign-in, no address that others can reach."""
    for name in (*oidc.REQUIRED, *oidc.FURTHER):
        monkeypatch.delenv(oidc.PREFIX + name, raising=False)
    with pytest.raises(Refused, match=r"sign-in is required"):
        serve.open_app(**DEFAULTS | {"address": address})


def test_a_refused_address_is_one_line_and_exit_code_2() -> None:
    """Proves: the command says so in one line."""
    process = subprocess.run(
        [sys.executable, "-m", "ui", "app", "--address", "0.0.0.0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr.count("\n") == 1
    assert process.stderr.startswith("--address 0.0.0.0: ")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"address": "plant.example"}, "--address plant.example: must be an IP address"),
        ({"allow_host": ["https://plant.example"]}, "--allow-host https://plant.example: must be a name"),
        ({"allow_host": ["*"]}, "--allow-host *: must be a name"),
        ({"allow_host": ["plant.example:80"]}, "--allow-host plant.example:80: must be a name"),
    ],
)
def test_what_is_asked_wrongly_is_reported(options: dict[str, object], sentence: str) -> None:
    """Proves: key, value and what is allowed."""
    with pytest.raises(Refused, match="^" + re.escape(sentence)):
        serve.open_app(**DEFAULTS | options)


def test_a_port_in_use_is_reported(server: Server) -> None:
    """Proves: the port is named, and no other is taken silently."""
    with pytest.raises(Refused, match=rf"^--port {server.port}: cannot be used on 127\.0\.0\.1"):
        serve.open_app(**DEFAULTS | {"port": server.port})


def test_nobody_else_hears_of_the_address(server: Server, tmp_path: Path) -> None:
    """Proves: it listens on this machine's own address alone, whatever Streamlit's configuration says."""
    listening = Path("/proc/net/tcp")
    if not listening.exists():
        pytest.skip("no list of open sockets on this system")
    rows = [line.split() for line in listening.read_text().splitlines()[1:]]
    names = {row[1].split(":")[0] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == server.port}
    assert names == {"0100007F"}


def test_two_tabs_that_import_a_package_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: modules of one package that two tabs need at once, while the server is still cold, are there for both.
    Sensitivity: imported without a lock, the package finds its module half imported by the other thread."""
    package, reached, mistakes = tmp_path / "cold", tmp_path / "reached", []
    package.mkdir()
    wait = f"import pathlib, time\nwhile not pathlib.Path({str(reached)!r}).exists(): time.sleep(0.01)\n"
    (package / "__init__.py").write_text(f"{wait}time.sleep(0.2)\nfrom cold.inner import value\n")
    (package / "inner.py").write_text("from cold import base\nvalue = 1\n")
    (package / "base.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)

    def opened(name: str) -> None:
        try:
            module_of(name)
        except ImportError as error:
            mistakes.append(error)

    tabs = [threading.Thread(target=opened, args=(name,)) for name in ("cold", "cold.inner")]
    tabs[0].start()
    while "cold" not in sys.modules:
        time.sleep(0.01)
    tabs[1].start()
    reached.touch()
    for tab in tabs:
        tab.join()
    assert mistakes == []
