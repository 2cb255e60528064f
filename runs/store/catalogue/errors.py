"""What the catalogue and the store raise."""

from __future__ import annotations


class StoreError(ValueError):
    """A run that is not there, is ambiguous or cannot be opened; a catalogue that cannot be used. One line."""


class CatalogueError(StoreError):
    """A database that refuses, or does not answer: nothing is known of any run."""


class NotKeptError(StoreError):
    """What was made cannot be written, or not be entered in the catalogue: no fault of who asked."""
