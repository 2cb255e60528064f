"""Connectors that read the values of tags from the plant."""

from emberline.live.connectors.reading import ConnectorError, Feed, read

__all__ = ["ConnectorError", "Feed", "read"]
