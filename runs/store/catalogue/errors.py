"""Errors of the catalogue and the store."""

from __future__ import annotations


class StoreError(ValueError):
    """A run that is not there, is ambiguous or cannot be opened; a catalogue that cannot be used. One line."""


class CatalogueError(StoreError):
    """A database that refuses, or does not answer: nothing is known of any run."""


class NotKeptError(StoreError):
    """Result that cannot be written, or not be entered in the catalogue, through no fault of the caller."""
