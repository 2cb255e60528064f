"""A record of the chain: a step of a period, who took it, and the hashes of its evidence and of the record before."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from typing import Any, Literal

from pydantic import Field

from emberline.scenarios.records.base import Record

Step = Literal["draft", "submit", "approve", "lock", "correct"]
STEPS: dict[Step, tuple[str, ...]] = {
    "draft": ("", "draft"),
    "submit": ("draft",),
    "approve": ("submitted",),
    "lock": ("approved",),
    "correct": ("locked",),
}
"""Steps, and the states in which a period may take them; empty: a period without records."""
STATE: dict[Step, str] = {
    "draft": "draft",
    "submit": "submitted",
    "approve": "approved",
    "lock": "locked",
    "correct": "draft",
}
"""State of a period after a step."""
FIRST = "0" * 64
"""Stands for the record before the first one."""


class File(Record):
    """A file of evidence."""

    name: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class Entry(Record):
    """A record."""

    number: int = Field(ge=1)
    period: str
    step: Step
    by: str = Field(min_length=1, max_length=80)
    at: str
    """UTC."""
    reason: str = ""
    """Of a correction."""
    version: str = ""
    """Of Emberline."""
    files: tuple[File, ...] = ()
    before: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Hash of the record before."""

    @property
    def state(self) -> str:
        """State of the period after this record."""
        return STATE[self.step]

    @property
    def text(self) -> str:
        """The record as it is hashed: one way to write it, byte for byte."""
        return canonical(self.model_dump(mode="json"))

    @property
    def sha256(self) -> str:
        """Hash of the record."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()

    @property
    def stored(self) -> bytes:
        """The record as it lies in its file: its text and its hash."""
        return f"{self.text}\n{self.sha256}\n".encode()

    def __str__(self) -> str:
        return f"record {self.number} ({self.period}, {self.state})"


def person(name: str) -> str:
    """A name as it is compared: case, spaces, width and invisible letters make no other person."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(letter for letter in folded if not letter.isspace() and unicodedata.category(letter) != "Cf")


def canonical(data: Any) -> str:
    """JSON in one way only."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
