"""Connectors: how the values of tags are read from the plant."""

from emberline.live.connectors.reading import ConnectorError, Feed, read

__all__ = ["ConnectorError", "Feed", "read"]
