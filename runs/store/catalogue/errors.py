"""Errors of the catalogue and the store."""

from __future__ import annotations


class StoreError(ValueError):
    """The run is missing, ambiguous or cannot be opened, or the catalogue cannot be used. One line."""


class CatalogueError(StoreError):
    """The database refuses a statement or does not answer, so that nothing is known about any run."""


class NotKeptError(StoreError):
    """The result cannot be written, or cannot be entered in the catalogue, through no fault of the caller."""
