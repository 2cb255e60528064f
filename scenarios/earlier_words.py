"""Replacement of words used in earlier releases (``earlier_words.json``)."""

from __future__ import annotations

import json
from importlib.resources import files

WORDS: dict[str, str] = json.loads((files("emberline.scenarios") / "earlier_words.json").read_text(encoding="utf-8"))


def reworded(text: str) -> str:
    """Replace words of earlier releases in a text by the present ones."""
    lower = text.lower()
    for old, new in WORDS.items():
        if old in lower:
            text = text.replace(old, new).replace(old.capitalize(), new.capitalize())
    return text
