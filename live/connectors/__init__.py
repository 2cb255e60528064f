"""Connectors: how the values of tags are read from the plant."""

from emberline.live.connectors.reading import ConnectorError, read

__all__ = ["ConnectorError", "read"]
