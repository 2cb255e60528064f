"""Words of earlier releases in those of today: the baseline was called the foreman."""

from __future__ import annotations

from typing import Any

WORDS = (("foreman's list", "baseline schedule"), ("foreman", "baseline"))
TEXTS = ("policy", "reason", "verdict", "status")
"""Attributes of datasets, and keys of a run's summary, in which the word may stand."""


def reworded(text: str) -> str:
    """A text of Emberline's in today's words; one of today stays."""
    if WORDS[-1][0] not in text.lower():
        return text
    for old, new in WORDS:
        text = text.replace(old, new).replace(old.capitalize(), new.capitalize())
    return text


def renamed(record: dict[str, Any]) -> dict[str, Any]:
    """A record with texts and keys in today's words, nested ones included."""
    return {
        reworded(key): renamed(value) if isinstance(value, dict) else reworded(value) if key in TEXTS else value
        for key, value in record.items()
    }
