"""Command ``emberline app``: the pages in the browser, for this machine only or, with sign-in, for others."""

from __future__ import annotations

import os
import re

from emberline.ui.cli.command import Refused
from emberline.ui.cli.options import flag, optional

HOST = re.compile(
    r"(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\]", re.IGNORECASE
)


def open_app(
    port: int = optional("port on this machine", min=1, max=65535, default=8501),
    browser: bool = flag("open the browser", default=True),
    address: str = optional(
        "address to listen on; addresses other than this machine's own need sign-in", "IP", default="127.0.0.1"
    ),
    allow_host: list[str] | None = optional("another host name under which browsers may reach the pages", "NAME"),
) -> None:
    """Open the pages in the browser.

    Only this machine can reach them unless sign-in is configured (EMBERLINE_OIDC_…, see docs/serving.md).
    """
    from emberline.ui import oidc
    from emberline.ui.server import app

    hosts = allow_host or []
    strange = [host for host in hosts if not HOST.fullmatch(host)]
    if strange:
        raise Refused(*(f"--allow-host {host}: must be a name without scheme or port" for host in strange))
    address = "127.0.0.1" if address == "localhost" else address
    if not _is_ip(address):
        raise Refused(f"--address {address}: must be an IP address of this machine, such as 127.0.0.1 or 0.0.0.0")
    try:
        sign_in = oidc.read(os.environ)
    except oidc.Wrong as error:
        raise Refused(*error.lines) from error
    if sign_in is None and not oidc.is_loopback(address):
        raise Refused(
            f"--address {address}: other machines could reach the pages, so sign-in is required; set "
            "EMBERLINE_OIDC_URL and the other variables of docs/serving.md, or drop --address"
        )
    if why := app.bind_error(address, port):
        raise Refused(f"--port {port}: cannot be used on {address} ({why}); choose another")
    oidc.forget(os.environ)
    app.serve(app.Door(address, port, tuple(hosts), sign_in, browser))


def _is_ip(text: str) -> bool:
    from ipaddress import ip_address

    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text
