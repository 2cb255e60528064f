"""Records of earlier releases in the words of today (``emberline.scenarios.earlier_words``)."""

from __future__ import annotations

from typing import Any

from emberline.scenarios.earlier_words import reworded

TEXTS = ("policy", "reason", "verdict", "status")
"""Attributes of datasets, and keys of a run's summary, in which an earlier word may stand."""


def renamed(record: dict[str, Any]) -> dict[str, Any]:
    """A record with texts and keys in today's words, nested ones included."""
    return {
        reworded(key): renamed(value) if isinstance(value, dict) else reworded(value) if key in TEXTS else value
        for key, value in record.items()
    }
