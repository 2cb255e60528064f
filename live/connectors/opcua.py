"""OPC UA connector; the address of a tag is a node id."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asyncua import Client
from asyncua.ua.uaerrors import UaError
from cryptography import x509

from emberline.live.connectors.errors import ConnectorError, secret
from emberline.live.tags import Connector, Reading, Tag
from emberline.live.tags.quality import utc

SESSION_MS = 60_000
logging.getLogger("asyncua").addHandler(logging.NullHandler())  # errors are reported as ConnectorError instead


def client(connector: Connector, environment: Mapping[str, str]) -> Client:
    """Create an unconnected client.

    Raises:
        ConnectorError: the password is not set.
    """
    opcua_client = Client(str(connector.url), timeout=connector.timeout_s)
    opcua_client.session_timeout = SESSION_MS
    opcua_client.name = opcua_client.description = "emberline"
    if connector.user is not None:
        opcua_client.set_user(connector.user)
        opcua_client.set_password(secret(connector.password_from, environment) or "")
    return opcua_client


def read(connector: Connector, tags: Sequence[Tag], folder: Path, environment: Mapping[str, str]) -> dict[str, Reading]:
    """Read each tag once.

    Raises:
        ConnectorError: the server cannot be reached or refuses the connection.
    """
    return asyncio.run(_read(connector, tags, folder, environment))


async def _read(
    connector: Connector, tags: Sequence[Tag], folder: Path, environment: Mapping[str, str]
) -> dict[str, Reading]:
    opcua_client = client(connector, environment)
    try:
        await secure(opcua_client, connector, folder)
        async with opcua_client:
            return {tag.name: await _tag(opcua_client, tag) for tag in tags}
    except TimeoutError:
        raise ConnectorError(f"no answer within {connector.timeout_s:g} s") from None
    except UaError as error:
        text = " ".join(str(error).split())[:120] if type(error) is UaError else type(error).__name__
        raise ConnectorError(f"the server refuses: {text}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:120] or type(error).__name__
        raise ConnectorError(f"cannot connect: {reason}") from None


async def secure(opcua_client: Client, connector: Connector, folder: Path) -> None:
    """Set the certificates of a connector with a security policy."""
    if connector.security is None:
        return
    opcua_client.application_uri = _application(folder / str(connector.certificate)) or opcua_client.application_uri
    parts = [connector.security, "SignAndEncrypt"]
    parts += [str(folder / str(path)) for path in (connector.certificate, connector.key)]
    if connector.server_certificate is not None:
        parts.append(str(folder / connector.server_certificate))
    await opcua_client.set_security_string(",".join(parts))


def _application(path: Path) -> str | None:
    """Application name in a certificate, which servers compare with the client's application name."""
    content = path.read_bytes()
    read_certificate = x509.load_pem_x509_certificate if b"-----BEGIN" in content else x509.load_der_x509_certificate
    certificate = read_certificate(content)
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            return next(iter(extension.value.get_values_for_type(x509.UniformResourceIdentifier)), None)
    return None


async def _tag(opcua_client: Client, tag: Tag) -> Reading:
    try:
        node = opcua_client.get_node(tag.address)
    except (UaError, ValueError, IndexError):
        return Reading(None, None, "no node id such as ns=2;s=EAF1.Power")
    answer = await node.read_data_value(raise_on_bad_status=False)
    at = answer.SourceTimestamp or answer.ServerTimestamp
    status = answer.StatusCode
    text = "" if status is None or status.is_good() else status.name
    value = None if answer.Value is None else _plain(answer.Value.Value)
    return Reading(value, None if at is None else utc(at), text)


def _plain(value: Any) -> float | str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return float(value)
    return str(getattr(value, "Text", value))
