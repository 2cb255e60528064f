"""Mistakes of connectors, and the secrets that they need."""

from __future__ import annotations

from collections.abc import Mapping


class ConnectorError(Exception):
    """A connector gives no values at all: unreachable, refused, or not as its file says. One line."""


def secret(variable: str | None, environment: Mapping[str, str]) -> str | None:
    """The value of an environment variable.

    Raises:
        ConnectorError: it is not set.
    """
    if variable is None:
        return None
    if not environment.get(variable):
        raise ConnectorError(f"the environment variable {variable} is not set")
    return environment[variable]
